"""The tables of msdb that tell of backups, and of the agent's jobs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from app.lab.rows import BackupRecord, Database
from app.lab.sqlserver.relations import Look, Relation, fields
from app.lab.sqlserver.system_views import PAGE, files_of


def _records(look: Look) -> list[BackupRecord]:
    return look.instance.world.all(BackupRecord, server=look.instance.name)


def media_guid(server: str, path: str) -> uuid.UUID:
    """Return the media set's identifier of a file."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{server}|{path.lower()}")


def sequence(record: BackupRecord) -> int:
    """Return a log sequence number that grows with the time of a backup."""
    return int(record.started) * 10**9 + record.id


def _media(look: Look) -> dict[str, int]:
    """Return the number of every media set: of the first backup in that file."""
    found: dict[str, int] = {}
    for record in _records(look):
        found.setdefault(record.path.lower(), record.id)
    return found


def _backup_sets(look: Look) -> Iterator[dict[str, Any]]:
    instance, media = look.instance, _media(look)
    major, minor, build = instance.build
    for record in _records(look):
        lsn = sequence(record)
        yield {
            "backup_set_id": record.id,
            "backup_set_uuid": uuid.uuid5(uuid.NAMESPACE_OID, f"{record.server}|{record.id}"),
            "media_set_id": media[record.path.lower()], "first_family_number": 1, "first_media_number": 1,
            "last_family_number": 1, "last_media_number": 1, "catalog_family_number": 1, "catalog_media_number": 1,
            "position": record.position, "expiration_date": None, "software_vendor_id": 4608,
            "name": record.set_name or None,
            "description": None, "user_name": record.user, "software_major_version": major,
            "software_minor_version": minor, "software_build_version": build, "time_zone": instance.zone_minutes // 15,
            "mtf_minor_version": 0, "first_lsn": lsn, "last_lsn": lsn + 1, "checkpoint_lsn": lsn,
            "database_backup_lsn": 0, "database_creation_date": instance.local(instance.world.events[0].at),
            "backup_start_date": instance.local(record.started).replace(microsecond=0),
            "backup_finish_date": instance.local(record.finished).replace(microsecond=0), "type": record.kind,
            "sort_order": 52, "code_page": 0, "compatibility_level": instance.release[0] * 10, "database_version": 661,
            "backup_size": record.size, "database_name": record.database, "server_name": instance.server_name,
            "machine_name": instance.server_name, "flags": 512, "unicode_locale": 1033, "unicode_compare_style": 196609,
            "collation_name": instance.row.collation, "is_password_protected": 0, "recovery_model": "FULL",
            "has_bulk_logged_data": 0, "is_snapshot": 0, "is_readonly": 0, "is_single_user": 0,
            "has_backup_checksums": int(record.checksums), "is_damaged": int(record.damaged), "begins_log_chain": 0,
            "has_incomplete_metadata": 0, "is_force_offline": 0, "is_copy_only": int(record.copy_only),
            "family_guid": record.family_guid or None, "compressed_backup_size": record.compressed_size or record.size,
        }  # fmt: skip


def _families(look: Look) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    media = _media(look)
    for record in _records(look):
        key = record.path.lower()
        if key in seen:
            continue
        seen.add(key)
        yield {
            "media_set_id": media[key], "family_sequence_number": 1, "media_family_id": media_guid(record.server, key),
            "media_count": 1, "logical_device_name": None, "physical_device_name": record.path, "device_type": 2,
            "physical_block_size": 65536, "mirror": 0,
        }  # fmt: skip


def _media_sets(look: Look) -> Iterator[dict[str, Any]]:
    for path, number in _media(look).items():
        yield {
            "media_set_id": number, "media_uuid": media_guid(look.instance.name, path), "media_family_count": 1,
            "name": None, "description": None, "software_name": "Microsoft SQL Server", "software_vendor_id": 4608,
            "MTF_major_version": 1, "mirror_count": 1, "is_password_protected": 0, "is_compressed": 0,
        }  # fmt: skip


def _files(look: Look) -> Iterator[dict[str, Any]]:
    for record in _records(look):
        row = look.instance.world.get(Database, record.server, record.database)
        for number, kind, name, path, pages in files_of(row) if row else ():
            yield {
                "backup_set_id": record.id, "file_number": number, "backed_up_page_count": pages,
                "file_type": "D" if kind == "ROWS" else "L", "source_file_block_size": 512, "file_size": pages * PAGE,
                "logical_name": name, "physical_drive": path[:2], "physical_name": path, "state": 0,
                "state_desc": "ONLINE", "backup_size": pages * PAGE, "is_present": 1,
            }  # fmt: skip


def _nothing(_look: Look) -> Iterator[dict[str, Any]]:
    yield from ()


_ROLLUPS = ("Past Day stats rollup", "Past Week stats rollup", "Past Month stats rollup")


def _jobs(look: Look) -> Iterator[dict[str, Any]]:
    """The agent's jobs: vCenter keeps the rollup of its statistics here, not in its own database."""
    for known in look.instance.databases():
        if known.row.content.startswith("vcenter:"):
            for name in _ROLLUPS:
                yield {
                    "job_id": uuid.uuid5(uuid.NAMESPACE_OID, name + known.name), "originating_server_id": 0,
                    "name": f"{name}{known.name}", "enabled": 1, "description": "Roll up the performance statistics.",
                    "owner_sid": b"\x01", "date_created": look.instance.local(look.instance.world.events[0].at),
                }  # fmt: skip


_ALL = (
    Relation("dbo", "backupset", fields(
        "backup_set_id:int backup_set_uuid:uniqueidentifier media_set_id:int first_family_number:tinyint"
        " first_media_number:smallint last_family_number:tinyint last_media_number:smallint"
        " catalog_family_number:tinyint"
        " catalog_media_number:smallint position:int expiration_date:datetime software_vendor_id:int name:nvarchar(128)"
        " description:nvarchar(255) user_name:nvarchar(128) software_major_version:tinyint"
        " software_minor_version:tinyint"
        " software_build_version:smallint time_zone:smallint mtf_minor_version:tinyint first_lsn:decimal(25)"
        " last_lsn:decimal(25) checkpoint_lsn:decimal(25) database_backup_lsn:decimal(25)"
        " database_creation_date:datetime"
        " backup_start_date:datetime backup_finish_date:datetime type:char(1) sort_order:smallint code_page:smallint"
        " compatibility_level:tinyint database_version:int backup_size:decimal(20) database_name:nvarchar(128)"
        " server_name:nvarchar(128) machine_name:nvarchar(128) flags:int unicode_locale:int unicode_compare_style:int"
        " collation_name:nvarchar(128) is_password_protected:bit recovery_model:nvarchar(60) has_bulk_logged_data:bit"
        " is_snapshot:bit is_readonly:bit is_single_user:bit has_backup_checksums:bit is_damaged:bit"
        " begins_log_chain:bit"
        " has_incomplete_metadata:bit is_force_offline:bit is_copy_only:bit first_recovery_fork_guid:uniqueidentifier"
        " last_recovery_fork_guid:uniqueidentifier fork_point_lsn:decimal(25) database_guid:uniqueidentifier"
        " family_guid:uniqueidentifier differential_base_lsn:decimal(25) differential_base_guid:uniqueidentifier"
        " compressed_backup_size:decimal(20)@10 key_algorithm:nvarchar(32)@12 encryptor_thumbprint:varbinary(20)@12"
        " encryptor_type:nvarchar(32)@12"), _backup_sets, right="read"),
    Relation("dbo", "backupmediafamily", fields(
        "media_set_id:int family_sequence_number:tinyint media_family_id:uniqueidentifier media_count:int"
        " logical_device_name:nvarchar(128) physical_device_name:nvarchar(260) device_type:tinyint"
        " physical_block_size:int mirror:tinyint"), _families, right="read"),
    Relation("dbo", "backupmediaset", fields(
        "media_set_id:int media_uuid:uniqueidentifier media_family_count:tinyint name:nvarchar(128)"
        " description:nvarchar(255) software_name:nvarchar(128) software_vendor_id:int MTF_major_version:tinyint"
        " mirror_count:tinyint is_password_protected:bit@10 is_compressed:bit@10"), _media_sets, right="read"),
    Relation("dbo", "backupfile", fields(
        "backup_set_id:int file_number:decimal(10) backed_up_page_count:decimal(10) file_type:char(1)"
        " source_file_block_size:decimal(10) file_size:decimal(20) logical_name:nvarchar(128)"
        " physical_drive:nvarchar(260) physical_name:nvarchar(260) state:tinyint state_desc:nvarchar(64)"
        " backup_size:decimal(20) is_present:bit"), _files, right="read"),
    Relation("dbo", "restorehistory", fields(
        "restore_history_id:int restore_date:datetime destination_database_name:nvarchar(128) user_name:nvarchar(128)"
        " backup_set_id:int restore_type:char(1) replace:bit recovery:bit restart:bit stop_at:datetime"
        " device_count:tinyint stop_at_mark_name:nvarchar(128) stop_before:bit"), _nothing, right="read"),
    Relation("dbo", "sysjobs", fields(
        "job_id:uniqueidentifier originating_server_id:int name:sysname enabled:tinyint description:nvarchar(512)"
        " owner_sid:varbinary(85) date_created:datetime"), _jobs, right="read"),
    Relation("dbo", "sysjobactivity", fields(
        "session_id:int job_id:uniqueidentifier run_requested_date:datetime start_execution_date:datetime"
        " stop_execution_date:datetime"), _nothing, right="read"),
)  # fmt: skip
TABLES = {(table.schema, table.name.lower()): table for table in _ALL}
