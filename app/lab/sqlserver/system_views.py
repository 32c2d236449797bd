"""The system's views in schema sys: databases, files, sessions, requests, and a few more, by release."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from app.lab.rows import Database, Service
from app.lab.sqlserver.instance import Listed, Seat
from app.lab.sqlserver.properties import DATA_FOLDER
from app.lab.sqlserver.relations import Look, Relation, fields
from app.lab.sqlserver.tds.versions import SQL_2008, SQL_2008_R2, SQL_2012

PAGE = 8192
_STATES = {
    "ONLINE": 0,
    "RESTORING": 1,
    "RECOVERING": 2,
    "RECOVERY_PENDING": 3,
    "SUSPECT": 4,
    "EMERGENCY": 5,
    "OFFLINE": 6,
}
_RECOVERIES = {"FULL": 1, "BULK_LOGGED": 2, "SIMPLE": 3}
LOG_SHARE = 4
"""Of a database's size, one in so many pages is its log's."""


def _made(look: Look) -> Any:
    events = look.instance.world.events
    return look.instance.local(events[0].at) if events else None


def _guid(row: Database, what: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{row.server}|{row.name}|{what}")


def family(row: Database) -> uuid.UUID:
    """Return the database's family GUID, which its backups carry."""
    return uuid.UUID(row.family_guid) if row.family_guid else _guid(row, "family")


def _databases(look: Look) -> Iterator[dict[str, Any]]:
    for known in look.instance.databases():
        row = known.row
        yield {
            "name": row.name, "database_id": known.id, "owner_sid": b"\x01", "create_date": _made(look),
            "compatibility_level": look.instance.release[0] * 10, "collation_name": look.instance.row.collation,
            "user_access": 0, "user_access_desc": "MULTI_USER", "is_read_only": 0, "is_auto_close_on": 0,
            "is_auto_shrink_on": 0, "state": _STATES.get(row.state, 0), "state_desc": row.state, "is_in_standby": 0,
            "is_cleanly_shutdown": 0, "snapshot_isolation_state": 0, "snapshot_isolation_state_desc": "OFF",
            "is_read_committed_snapshot_on": 0, "recovery_model": _RECOVERIES.get(row.recovery, 1),
            "recovery_model_desc": row.recovery, "page_verify_option": 2, "page_verify_option_desc": "CHECKSUM",
            "is_broker_enabled": int(known.name == "msdb"), "log_reuse_wait": 0, "log_reuse_wait_desc": "NOTHING",
            "service_broker_guid": _guid(row, "broker"), "is_encrypted": 0, "is_cdc_enabled": 0, "containment": 0,
            "containment_desc": "NONE",
        }  # fmt: skip


def files_of(row: Database) -> tuple[tuple[int, str, str, str, int], ...]:
    """Return a database's files: number, type, logical and physical name, size in pages."""
    pages = max(row.size // PAGE, 2 * LOG_SHARE)
    log = pages // LOG_SHARE
    stem = row.name.replace(" ", "_")
    return (
        (1, "ROWS", row.name, f"{DATA_FOLDER}{stem}.mdf", pages - log),
        (2, "LOG", f"{row.name}_log", f"{DATA_FOLDER}{stem}_log.ldf", log),
    )


def _file_rows(known: Listed) -> Iterator[dict[str, Any]]:
    for number, kind, name, path, pages in files_of(known.row):
        yield {
            "database_id": known.id, "file_id": number, "file_guid": _guid(known.row, name), "type": number - 1,
            "type_desc": kind, "data_space_id": 2 - number, "name": name, "physical_name": path, "state": 0,
            "state_desc": "ONLINE", "size": pages, "max_size": -1, "growth": 10, "is_media_read_only": 0,
            "is_read_only": 0, "is_sparse": 0, "is_percent_growth": 1,
        }  # fmt: skip


def _master_files(look: Look) -> Iterator[dict[str, Any]]:
    """Rows are seen only with CREATE DATABASE, ALTER ANY DATABASE or VIEW ANY DEFINITION."""
    if look.seat.login.may_create_databases:
        for known in look.instance.databases():
            yield from _file_rows(known)


def _recovery_status(look: Look) -> Iterator[dict[str, Any]]:
    for known in look.instance.databases():
        opened = known.row.state == "ONLINE"
        yield {
            "database_id": known.id, "database_guid": _guid(known.row, "database") if opened else None,
            "family_guid": family(known.row) if opened else None, "last_log_backup_lsn": None,
            "recovery_fork_guid": _guid(known.row, "fork") if opened else None,
        }  # fmt: skip


def _mirroring(look: Look) -> Iterator[dict[str, Any]]:
    yield from ({"database_id": known.id} for known in look.instance.databases())


def _seen(look: Look) -> list[Seat]:
    """Return the sessions that a login sees: all of them with VIEW SERVER STATE, else its own."""
    seats = look.instance.seats()
    return seats if look.seat.login.sees_server_state else [seat for seat in seats if seat is look.seat]


def _handle(seat: Seat) -> bytes:
    return b"\x02\0\0\0" + seat.connection.bytes


def _number(look: Look, name: str) -> int:
    found = look.instance.database(name)
    return found.id if found else 1


def _requests(look: Look) -> Iterator[dict[str, Any]]:
    now = look.instance.world.now()
    for seat in _seen(look):
        request = seat.request
        if request is None:
            continue
        elapsed = max(now - request.started, 0.0)
        left = elapsed * (100 - request.percent) / request.percent if request.percent else 0.0
        yield {
            "session_id": seat.id, "request_id": 0, "start_time": look.instance.local(request.started),
            "status": "running" if seat is look.seat else "suspended", "command": request.command,
            "sql_handle": _handle(seat), "database_id": _number(look, request.database or seat.database), "user_id": 1,
            "connection_id": seat.connection, "blocking_session_id": 0,
            "wait_type": "BACKUPIO" if request.command.startswith("BACKUP") else None, "wait_time": 0,
            "percent_complete": request.percent, "estimated_completion_time": int(left * 1000), "cpu_time": 0,
            "total_elapsed_time": int(elapsed * 1000), "reads": 0, "writes": 0,
        }  # fmt: skip


def _sessions(look: Look) -> Iterator[dict[str, Any]]:
    for seat in _seen(look):
        began = look.instance.local(seat.began)
        yield {
            "session_id": seat.id, "login_time": began, "host_name": seat.host, "program_name": seat.program,
            "host_process_id": None, "client_interface_name": seat.interface, "security_id": seat.login.sid,
            "login_name": seat.login.name, "nt_domain": None, "nt_user_name": None,
            "status": "running" if seat.request else "sleeping", "cpu_time": 0, "last_request_start_time": began,
            "is_user_process": 1, "database_id": _number(look, seat.database), "original_login_name": seat.login.name,
        }  # fmt: skip


def _connections(look: Look) -> Iterator[dict[str, Any]]:
    for seat in look.instance.seats():
        yield {
            "session_id": seat.id, "most_recent_session_id": seat.id, "connect_time": look.instance.local(seat.began),
            "net_transport": "TCP", "protocol_type": "TSQL", "encrypt_option": str(seat.encrypted).upper(),
            "auth_scheme": "NTLM" if seat.integrated else "SQL", "client_net_address": "127.0.0.1",
            "connection_id": seat.connection,
        }  # fmt: skip


def _sql_text(look: Look) -> Iterator[dict[str, Any]]:
    for seat in look.instance.seats():
        if seat.request:
            yield {"sql_handle": _handle(seat), "dbid": _number(look, seat.database), "objectid": None, "number": None,
                   "encrypted": 0, "text": seat.request.text}  # fmt: skip


def _services(look: Look) -> Iterator[dict[str, Any]]:
    row = look.instance.row
    service = look.instance.world.get(Service, row.host, "MSSQLSERVER")
    yield {
        "servicename": "SQL Server (MSSQLSERVER)", "startup_type": 2, "startup_type_desc": "Automatic", "status": 4,
        "status_desc": "Running", "process_id": service.pid if service else 0, "service_account": row.account,
        "filename": f'"{DATA_FOLDER.replace("DATA", "Binn")}sqlservr.exe" -sMSSQLSERVER',
        "is_clustered": "Y" if row.clustered else "N",
    }  # fmt: skip


def _configurations(look: Look) -> Iterator[dict[str, Any]]:
    known = [(103, "user connections", 0), (117, "remote access", 1), (505, "network packet size (B)", 4096),
             (518, "show advanced options", 0), (16390, "xp_cmdshell", 0)]  # fmt: skip
    if look.instance.release >= SQL_2008:
        known.append((1579, "backup compression default", 0))
    for number, name, value in known:
        yield {"configuration_id": number, "name": name, "value": value, "minimum": 0, "maximum": 1,
               "value_in_use": value, "description": name, "is_dynamic": 1, "is_advanced": 0}  # fmt: skip


def _principals(look: Look) -> Iterator[dict[str, Any]]:
    login = look.seat.login
    windows = "\\" in login.name
    yield {"name": "sa", "principal_id": 1, "sid": b"\x01", "type": "S", "type_desc": "SQL_LOGIN", "is_disabled": 0}
    yield {"name": login.name, "principal_id": 256, "sid": login.sid, "type": "U" if windows else "S",
           "type_desc": "WINDOWS_LOGIN" if windows else "SQL_LOGIN", "is_disabled": 0}  # fmt: skip


def _schemas(_look: Look) -> Iterator[dict[str, Any]]:
    yield {"name": "dbo", "schema_id": 1, "principal_id": 1}
    yield {"name": "sys", "schema_id": 4, "principal_id": 4}


def _nothing(_look: Look) -> Iterator[dict[str, Any]]:
    yield from ()


_FILES = (
    "file_id:int file_guid:uniqueidentifier type:tinyint type_desc:nvarchar(60) data_space_id:int name:sysname"
    " physical_name:nvarchar(260) state:tinyint state_desc:nvarchar(60) size:int max_size:int growth:int"
    " is_media_read_only:bit is_read_only:bit is_sparse:bit is_percent_growth:bit"
)
VIEWS = (
    Relation("sys", "databases", fields(
        "name:sysname database_id:int source_database_id:int owner_sid:varbinary(85) create_date:datetime"
        " compatibility_level:tinyint collation_name:sysname user_access:tinyint user_access_desc:nvarchar(60)"
        " is_read_only:bit is_auto_close_on:bit is_auto_shrink_on:bit state:tinyint state_desc:nvarchar(60)"
        " is_in_standby:bit is_cleanly_shutdown:bit snapshot_isolation_state:tinyint"
        " snapshot_isolation_state_desc:nvarchar(60) is_read_committed_snapshot_on:bit recovery_model:tinyint"
        " recovery_model_desc:nvarchar(60) page_verify_option:tinyint page_verify_option_desc:nvarchar(60)"
        " is_broker_enabled:bit log_reuse_wait:tinyint log_reuse_wait_desc:nvarchar(60)"
        " service_broker_guid:uniqueidentifier is_cdc_enabled:bit@10 is_encrypted:bit@10 replica_id:uniqueidentifier@11"
        " group_database_id:uniqueidentifier@11 containment:tinyint@11 containment_desc:nvarchar(60)@11"), _databases),
    Relation("sys", "master_files", fields("database_id:int " + _FILES), _master_files),
    Relation("sys", "database_files", fields(_FILES), lambda look: _file_rows(look.database)),
    Relation("sys", "database_recovery_status", fields(
        "database_id:int database_guid:uniqueidentifier family_guid:uniqueidentifier last_log_backup_lsn:decimal(25)"
        " recovery_fork_guid:uniqueidentifier"), _recovery_status),
    Relation("sys", "database_mirroring", fields(
        "database_id:int mirroring_guid:uniqueidentifier mirroring_state:tinyint mirroring_state_desc:nvarchar(60)"
        " mirroring_role:tinyint mirroring_role_desc:nvarchar(60) mirroring_partner_name:nvarchar(128)"), _mirroring),
    Relation("sys", "dm_exec_requests", fields(
        "session_id:smallint request_id:int start_time:datetime status:nvarchar(30) command:nvarchar(32)"
        " sql_handle:varbinary(64) database_id:smallint user_id:int connection_id:uniqueidentifier"
        " blocking_session_id:smallint wait_type:nvarchar(60) wait_time:int percent_complete:real"
        " estimated_completion_time:bigint cpu_time:int total_elapsed_time:int reads:bigint writes:bigint"), _requests),
    Relation("sys", "dm_exec_sessions", fields(
        "session_id:smallint login_time:datetime host_name:nvarchar(128) program_name:nvarchar(128) host_process_id:int"
        " client_interface_name:nvarchar(32) security_id:varbinary(85) login_name:nvarchar(128) nt_domain:nvarchar(128)"
        " nt_user_name:nvarchar(128) status:nvarchar(30) cpu_time:int last_request_start_time:datetime"
        " is_user_process:bit original_login_name:nvarchar(128) database_id:smallint@11"), _sessions),
    Relation("sys", "dm_exec_connections", fields(
        "session_id:int most_recent_session_id:int connect_time:datetime net_transport:nvarchar(40)"
        " protocol_type:nvarchar(40) encrypt_option:nvarchar(40) auth_scheme:nvarchar(40)"
        " client_net_address:nvarchar(48) connection_id:uniqueidentifier"), _connections, right="state"),
    Relation("sys", "dm_exec_sql_text", fields(
        "sql_handle:varbinary(64) dbid:smallint objectid:int number:smallint encrypted:bit text:nvarchar(max)"),
        _sql_text, right="state", argument="sql_handle"),
    Relation("sys", "dm_server_services", fields(
        "servicename:nvarchar(256) startup_type:int startup_type_desc:nvarchar(256) status:int"
        " status_desc:nvarchar(256)"
        " process_id:int service_account:nvarchar(256) filename:nvarchar(256) is_clustered:nvarchar(1)"),
        _services, since=SQL_2008_R2, right="state"),
    Relation("sys", "configurations", fields(
        "configuration_id:int name:nvarchar(35) value:sql_variant minimum:sql_variant maximum:sql_variant"
        " value_in_use:sql_variant description:nvarchar(255) is_dynamic:bit is_advanced:bit"), _configurations),
    Relation("sys", "server_principals", fields(
        "name:sysname principal_id:int sid:varbinary(85) type:nchar(1) type_desc:nvarchar(60)"
        " is_disabled:bit"), _principals),
    Relation("sys", "schemas", fields("name:sysname schema_id:int principal_id:int"), _schemas),
    Relation("sys", "backup_devices", fields(
        "name:sysname type:tinyint type_desc:nvarchar(60) physical_name:nvarchar(260)"), _nothing),
    Relation("sys", "availability_groups", fields("group_id:uniqueidentifier name:sysname"), _nothing, since=SQL_2012),
)  # fmt: skip
