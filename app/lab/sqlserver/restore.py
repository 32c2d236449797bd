"""RESTORE VERIFYONLY, HEADERONLY, FILELISTONLY and LABELONLY: they read the file that is there, and change nothing.

RESTORE DATABASE will stand beside them: `media.restored` gives the rows that a set holds."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from app.lab.rows import Fault
from app.lab.sqlserver import media
from app.lab.sqlserver.backup import DEVICE_ERROR, Order
from app.lab.sqlserver.msdb import media_guid
from app.lab.sqlserver.paths import NotThere, file_at, place
from app.lab.sqlserver.relations import Field, fields
from app.lab.sqlserver.system_views import LOG_SHARE, PAGE
from app.lab.sqlserver.tds.tokens import RESTORE, Column
from app.lab.sqlserver.tds.versions import SQL_2008
from app.lab.sqlserver.words import HostError, SqlError
from app.lab.sqlserver.work import Dropped, Work

BYTES_PER_SECOND = 120 * 1024**2
END_OF_FILE = HostError(38)
_NAMES = {
    "RESTORE VERIFYONLY": "VERIFY DATABASE", "RESTORE HEADERONLY": "RESTORE HEADERONLY",
    "RESTORE FILELISTONLY": "RESTORE FILELIST", "RESTORE LABELONLY": "RESTORE LABELONLY",
}  # fmt: skip


def read_back(work: Work, act: str, order: Order, fault: Fault | None) -> None:
    """Carry out one of the four. SqlError where the file is missing, damaged or not for this login, 3013 at its end."""
    try:
        _refuse(work)
        if fault is not None and fault.kind == "fail":
            raise SqlError(3203, order.path, DEVICE_ERROR)  # noqa: TRY301  # ends with 3013 as all do
        identifier, sets = _open(work, order.path)
        if act == "RESTORE HEADERONLY":
            _rows(work, _HEADER_FIELDS, _headers(work, sets))
        elif act == "RESTORE LABELONLY":
            _rows(work, _LABEL_FIELDS, iter([_label(work, identifier, sets, str(order.path))]))
        elif act == "RESTORE FILELISTONLY":
            _rows(work, _FILE_FIELDS, _files(_chosen(sets, order)))
        else:
            _verify(work, sets, order, lies=fault is not None and fault.kind == "lie")
    except SqlError as error:
        raise SqlError(3013, _NAMES[act], also=(SqlError(error.number, *error.values),)) from error
    if fault is not None and fault.kind == "lose-answer":
        raise Dropped


def _refuse(work: Work) -> None:
    if work.in_transaction:
        raise SqlError(3021)
    if work.instance.release >= SQL_2008 and not work.seat.login.may_create_databases:
        raise SqlError(262, "CREATE DATABASE", "master")


def _open(work: Work, path: Any) -> tuple[str, list[media.Found]]:
    if not path:
        raise SqlError(3044)
    try:
        found = file_at(work.instance, place(work.instance, str(path)))
    except NotThere as refused:
        raise SqlError(3201, path, refused.error) from refused
    try:
        return media.read(work.instance.world.content(found.blob))
    except media.Broken as broken:
        raise SqlError(3242 if broken.at == "label" else 3241, path) from broken


def _chosen(sets: list[media.Found], order: Order) -> media.Found:
    wanted = int(order.options.get("FILE") or 1)
    if not 1 <= wanted <= len(sets):
        raise SqlError(4038, wanted, order.path)
    return sets[wanted - 1]


def _verify(work: Work, sets: list[media.Found], order: Order, *, lies: bool) -> None:
    """Read one backup set through. Pages are only checked WITH CHECKSUM, and only where they carry one."""
    found = _chosen(sets, order)
    checks = "CHECKSUM" in order.options
    if checks and not found.header.checksums and not lies:
        raise SqlError(3187)
    given = order.options.get("STATS")
    step = (10 if given is None else min(max(int(given), 1), 100)) if "STATS" in order.options else 0
    wait = work.instance.world.takes(found.header.size / BYTES_PER_SECOND)
    with work.request("RESTORE VERIFYONLY", "master") as request:
        for percent in range(step or 100, 101, step or 100):
            work.pause(wait * (step or 100) / 100)
            if percent >= 50 and not lies:
                if not found.complete:
                    raise SqlError(3203, order.path, END_OF_FILE)
                if checks and not found.whole:
                    raise SqlError(3189)
            request.percent = float(percent)
            if step:
                work.say_now(3211, percent)
    work.say(3262, found.header.position)
    work.reply.done(RESTORE)


# ---- result sets


def _rows(work: Work, wanted: tuple[Field, ...], rows: Iterator[dict[str, Any]]) -> None:
    known = [field for field in wanted if field.since <= work.instance.release]
    columns = [Column(field.name, field.kind) for field in known]
    values = (tuple(row.get(column.name) for column in columns) for row in rows)
    work.reply.rows(columns, values, lambda: work.pause(0))


def _headers(work: Work, sets: list[media.Found]) -> Iterator[dict[str, Any]]:
    local = work.instance.local
    for found in sets:
        header = found.header
        if not found.complete:
            yield {"BackupName": "*** INCOMPLETE ***", "Position": header.position, "DeviceType": 2}
            continue
        major, minor, build = header.version.split(".")[:3]
        yield {
            "BackupName": header.set_name or None, "BackupDescription": header.description or None, "BackupType": 1,
            "ExpirationDate": None, "Compressed": int(header.compressed), "Position": header.position, "DeviceType": 2,
            "UserName": header.user, "ServerName": header.server, "DatabaseName": header.database,
            "DatabaseVersion": 661, "DatabaseCreationDate": local(header.started), "BackupSize": len(found.body),
            "FirstLSN": header.lsn, "LastLSN": header.lsn + 1, "CheckpointLSN": header.lsn, "DatabaseBackupLSN": 0,
            "BackupStartDate": local(header.started).replace(microsecond=0),
            "BackupFinishDate": local(header.finished).replace(microsecond=0), "SortOrder": 52, "CodePage": 0,
            "UnicodeLocaleId": 1033, "UnicodeComparisonStyle": 196609, "CompatibilityLevel": int(major) * 10,
            "SoftwareVendorId": 4608, "SoftwareVersionMajor": int(major), "SoftwareVersionMinor": int(minor),
            "SoftwareVersionBuild": int(build), "MachineName": header.server, "Flags": 512 if header.checksums else 0,
            "BindingID": uuid.UUID(header.family_guid), "RecoveryForkID": uuid.UUID(header.family_guid),
            "Collation": header.collation, "FamilyGUID": uuid.UUID(header.family_guid), "HasBulkLoggedData": 0,
            "IsSnapshot": 0, "IsReadOnly": 0, "IsSingleUser": 0, "HasBackupChecksums": int(header.checksums),
            "IsDamaged": 0, "BeginsLogChain": 0, "HasIncompleteMetaData": 0, "IsForceOffline": 0,
            "IsCopyOnly": int(header.copy_only), "FirstRecoveryForkID": uuid.UUID(header.family_guid),
            "RecoveryModel": header.recovery, "BackupTypeDescription": "Database",
            "BackupSetGUID": uuid.uuid5(uuid.NAMESPACE_OID, f"{header.server}|{header.lsn}"),
            "CompressedBackupSize": len(found.body), "Containment": 0,
        }  # fmt: skip


def _files(found: media.Found) -> Iterator[dict[str, Any]]:
    header = found.header
    log = header.size // LOG_SHARE
    base = {"MaxSize": 35184372080640, "CreateLSN": 0, "DropLSN": 0, "ReadOnlyLSN": 0, "ReadWriteLSN": 0,
            "SourceBlockSize": 512, "DifferentialBaseLSN": 0, "IsReadOnly": 0, "IsPresent": 1}  # fmt: skip
    for number, kind, name, size in (
        (1, "D", header.database, header.size - log),
        (2, "L", f"{header.database}_log", log),
    ):
        yield base | {
            "LogicalName": name, "PhysicalName": _physical(header.database, kind), "Type": kind,
            "FileGroupName": "PRIMARY" if kind == "D" else None, "Size": size // PAGE * PAGE, "FileId": number,
            "UniqueId": uuid.uuid5(uuid.UUID(header.family_guid), name),
            "BackupSizeInBytes": len(found.body) if number == 1 else 0,
            "FileGroupId": 2 - number,
        }  # fmt: skip


def _physical(database: str, kind: str) -> str:
    from app.lab.sqlserver.properties import DATA_FOLDER

    stem = database.replace(" ", "_")
    return f"{DATA_FOLDER}{stem}.mdf" if kind == "D" else f"{DATA_FOLDER}{stem}_log.ldf"


def _label(work: Work, identifier: str, sets: list[media.Found], path: str) -> dict[str, Any]:
    return {
        "MediaName": None, "MediaSetId": uuid.UUID(identifier), "FamilyCount": 1, "FamilySequenceNumber": 1,
        "MediaFamilyId": media_guid(work.instance.name, path), "MediaSequenceNumber": 1, "MediaLabelPresent": 0,
        "MediaDescription": None, "SoftwareName": "Microsoft SQL Server", "SoftwareVendorId": 4608,
        "MediaDate": work.instance.local(sets[0].header.started) if sets else None, "Mirror_Count": 1,
        "IsCompressed": int(any(found.header.compressed for found in sets)),
    }  # fmt: skip


_HEADER_FIELDS = fields(
    "BackupName:nvarchar(128) BackupDescription:nvarchar(255) BackupType:smallint ExpirationDate:datetime"
    " Compressed:tinyint"
    " Position:smallint DeviceType:tinyint UserName:nvarchar(128) ServerName:nvarchar(128) DatabaseName:nvarchar(128)"
    " DatabaseVersion:int DatabaseCreationDate:datetime BackupSize:decimal(20) FirstLSN:decimal(25) LastLSN:decimal(25)"
    " CheckpointLSN:decimal(25) DatabaseBackupLSN:decimal(25) BackupStartDate:datetime BackupFinishDate:datetime"
    " SortOrder:smallint CodePage:smallint UnicodeLocaleId:int UnicodeComparisonStyle:int CompatibilityLevel:tinyint"
    " SoftwareVendorId:int SoftwareVersionMajor:int SoftwareVersionMinor:int SoftwareVersionBuild:int"
    " MachineName:nvarchar(128) Flags:int BindingID:uniqueidentifier RecoveryForkID:uniqueidentifier"
    " Collation:nvarchar(128) FamilyGUID:uniqueidentifier HasBulkLoggedData:bit IsSnapshot:bit IsReadOnly:bit"
    " IsSingleUser:bit HasBackupChecksums:bit IsDamaged:bit BeginsLogChain:bit HasIncompleteMetaData:bit"
    " IsForceOffline:bit IsCopyOnly:bit FirstRecoveryForkID:uniqueidentifier ForkPointLSN:decimal(25)"
    " RecoveryModel:nvarchar(60) DifferentialBaseLSN:decimal(25) DifferentialBaseGUID:uniqueidentifier"
    " BackupTypeDescription:nvarchar(60) BackupSetGUID:uniqueidentifier CompressedBackupSize:bigint@10"
    " Containment:tinyint@11 KeyAlgorithm:nvarchar(32)@12 EncryptorThumbprint:varbinary(20)@12"
    " EncryptorType:nvarchar(32)@12"
)
_FILE_FIELDS = fields(
    "LogicalName:nvarchar(128) PhysicalName:nvarchar(260) Type:char(1) FileGroupName:nvarchar(128) Size:decimal(20)"
    " MaxSize:decimal(20) FileId:bigint CreateLSN:decimal(25) DropLSN:decimal(25) UniqueId:uniqueidentifier"
    " ReadOnlyLSN:decimal(25) ReadWriteLSN:decimal(25) BackupSizeInBytes:bigint SourceBlockSize:int FileGroupId:int"
    " LogGroupGUID:uniqueidentifier DifferentialBaseLSN:decimal(25) DifferentialBaseGUID:uniqueidentifier"
    " IsReadOnly:bit"
    " IsPresent:bit TDEThumbprint:varbinary(32)@10 SnapshotUrl:nvarchar(360)@13"
)
_LABEL_FIELDS = fields(
    "MediaName:nvarchar(128) MediaSetId:uniqueidentifier FamilyCount:int FamilySequenceNumber:int"
    " MediaFamilyId:uniqueidentifier MediaSequenceNumber:int MediaLabelPresent:tinyint MediaDescription:nvarchar(255)"
    " SoftwareName:nvarchar(128) SoftwareVendorId:int MediaDate:datetime Mirror_Count:int IsCompressed:bit@10"
)
