"""What is sent to SQL Server, word for word: pure functions, the same for the dry run, the tap and the wire.

Values stand in T-SQL variables or literals, never in parameters: the oldest drivers and FreeTDS describe parameters
badly, and one plain batch is the same on all of them. DECLARE and SET are apart: 2005 knows no initial value."""

# ruff: noqa: S608  # this file makes the quoting that the rule asks for: every value goes through literal() or name()

from __future__ import annotations

import re
from collections.abc import Iterable

from app.errors import UserError
from app.texts import text

LONGEST_NAME = 128
LONGEST_PATH = 259

_CONTINUED = re.compile(r"\\[\r\n]")
"""A backslash before a line's end vanishes with it, also inside a literal."""


def literal(value: str) -> str:
    """Return a Unicode string literal: N'...', quotes doubled. Nothing else has a meaning inside one."""
    return "N'" + _plain(value).replace("'", "''") + "'"


def name(value: str) -> str:
    """Return a name in brackets, closing ones doubled."""
    if not 1 <= len(value) <= LONGEST_NAME:
        raise UserError(text("{name} cannot be a name in SQL Server: it needs 1 to 128 characters.", name=repr(value)))
    return "[" + _plain(value).replace("]", "]]") + "]"


def _plain(value: str) -> str:
    if "\0" in value or _CONTINUED.search(value):
        raise UserError(text("{value} holds characters that SQL Server cannot take in a batch.", value=repr(value)))
    return value


def _path(path: str) -> str:
    if not 1 <= len(path) <= LONGEST_PATH:
        raise UserError(text("The path {path} is too long for SQL Server (259 characters).", path=path))
    return literal(path)


ENDED = "ended"


def _to_its_end(statement: str) -> str:
    """Return a long statement followed by a small result of our own, which shows that the whole answer has come.

    Microsoft's driver takes a connection that breaks between two results for the end of them all."""
    return f"{statement}; SELECT 1 AS {ENDED}"


# ---- acts


def backup(database: str, path: str, *, set_name: str, compress: bool) -> str:
    """Return the batch that backs up a whole database into one file of its own.

    COPY_ONLY leaves the site's own chain alone; INIT and CHECKSUM are not the defaults. Its outcome is never read from
    its answer: see `recorded` and `file_there`."""
    name(database)
    options = ["COPY_ONLY", "CHECKSUM", "INIT", "NAME = @set", "STATS = 5", *(["COMPRESSION"] if compress else [])]
    return (
        "DECLARE @name nvarchar(128), @path nvarchar(260), @set nvarchar(128); "
        f"SET @name = {literal(database)}; SET @path = {_path(path)}; SET @set = {literal(set_name[:LONGEST_NAME])}; "
        + _to_its_end(f"BACKUP DATABASE @name TO DISK = @path WITH {', '.join(options)}")
    )


# ---- looks at backups


def recorded(database: str, set_name: str | None) -> str:
    """Return the query for the newest backup of a database in msdb. Rows exist only for those that succeeded."""
    named = f" AND s.name = {literal(set_name[:LONGEST_NAME])}" if set_name is not None else ""
    return (
        "SELECT TOP 1 s.backup_set_id, s.name, s.database_name, s.backup_start_date, s.backup_finish_date,"
        " s.backup_size, s.type, s.position, s.is_copy_only, s.has_backup_checksums, s.is_damaged, s.user_name,"
        " f.physical_device_name FROM msdb.dbo.backupset AS s"
        " JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id"
        f" WHERE s.database_name = {literal(database)} AND s.type = N'D'{named} ORDER BY s.backup_set_id DESC"
    )


def file_there(path: str) -> str:
    """Return the call that says whether the server sees a file; it says no for any to who is no administrator."""
    return f"EXEC master.dbo.xp_fileexist {_path(path)}"


def verify_only(path: str) -> str:
    """Return the batch that reads a backup through. Without STOP_ON_ERROR it would go on past damaged pages."""
    return _restore("VERIFYONLY", path, " WITH CHECKSUM, STOP_ON_ERROR, STATS = 5")


def header(path: str) -> str:
    """Return the batch that lists the backup sets in a file."""
    return _restore("HEADERONLY", path, "")


def file_list(path: str) -> str:
    """Return the batch that lists the database files in a backup."""
    return _restore("FILELISTONLY", path, "")


def _restore(what: str, path: str, options: str) -> str:
    act = _to_its_end(f"RESTORE {what} FROM DISK = @path{options}")
    return f"DECLARE @path nvarchar(260); SET @path = {_path(path)}; {act}"


def percent(database: str) -> str:
    """Return the query for how far the running backup of a database is; no row without VIEW SERVER STATE."""
    return (
        "SELECT percent_complete FROM sys.dm_exec_requests"
        f" WHERE command = N'BACKUP DATABASE' AND database_id = DB_ID({literal(database)})"
    )


# ---- looks at the server


ABOUT = (
    "SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS name,"
    " CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,"
    " CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,"
    " CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition_id,"
    " CAST(SERVERPROPERTY('IsClustered') AS int) AS in_cluster,"
    " CAST(SERVERPROPERTY('IsHadrEnabled') AS int) AS hadr,"
    " CAST(SERVERPROPERTY('InstanceDefaultBackupPath') AS nvarchar(260)) AS backup_folder"
)
"""SERVERPROPERTY gives NULL for what a version does not know; sql_variant is cast because FreeTDS cannot show it."""

BACKUP_FOLDER = (
    "EXEC master.dbo.xp_instance_regread N'HKEY_LOCAL_MACHINE',"
    r" N'Software\Microsoft\MSSQLServer\MSSQLServer', N'BackupDirectory'"
)
ADMINISTRATOR = "SELECT IS_SRVROLEMEMBER(N'sysadmin') AS administrator"
CLOCK = "SELECT GETUTCDATE() AS utc, GETDATE() AS local"
SERVICES = "SELECT servicename, service_account FROM sys.dm_server_services"
JOBS = "SELECT name, enabled FROM msdb.dbo.sysjobs ORDER BY name"
_DATABASES = (
    "SELECT d.name, d.state_desc, d.recovery_model_desc,"
    " (SELECT SUM(CAST(f.size AS bigint)) * 8192 FROM sys.master_files AS f"
    " WHERE f.database_id = d.database_id) AS size,"
    " CAST(r.family_guid AS nvarchar(36)) AS family_guid,"
    " CASE WHEN m.mirroring_guid IS NULL THEN 0 ELSE 1 END AS mirrored"
    " FROM sys.databases AS d"
    " LEFT JOIN sys.database_recovery_status AS r ON r.database_id = d.database_id"
    " LEFT JOIN sys.database_mirroring AS m ON m.database_id = d.database_id"
)
DATABASES = _DATABASES + " ORDER BY d.name"


def database(wanted: str) -> str:
    """Return the query for the facts of one database."""
    return f"{_DATABASES} WHERE d.name = {literal(wanted)}"


def rights(wanted: str) -> str:
    """Return the query for what this login may do: 1 yes, 0 no, NULL where the server does not say."""
    return (
        f"SELECT HAS_PERMS_BY_NAME({literal(name(wanted))}, N'DATABASE', N'BACKUP DATABASE') AS may_back_up,"
        " HAS_PERMS_BY_NAME(N'msdb.dbo.backupset', N'OBJECT', N'SELECT')"
        " & HAS_PERMS_BY_NAME(N'msdb.dbo.backupmediafamily', N'OBJECT', N'SELECT') AS may_read_msdb,"
        " HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS may_view_state,"
        " HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS may_verify"
    )


# ---- looks into a database


def columns(wanted: str, tables: Iterable[str]) -> str:
    """Return the query for which of these tables a database has, and their columns."""
    listed = ", ".join(literal(table) for table in tables)
    return (
        f"SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM {name(wanted)}.INFORMATION_SCHEMA.COLUMNS"
        f" WHERE TABLE_NAME IN ({listed})"
    )


def composer_requests(wanted: str, schema: str) -> str:
    """Return the query for Composer's requests that wait or run: for where `columns` has shown the known table."""
    listed = ", ".join(COMPOSER_COLUMNS)
    table = f"{name(wanted)}.{name(schema)}.{name(COMPOSER_TABLE)}"
    return f"SELECT {listed} FROM {table} WHERE STATE IN (0, 1) ORDER BY ID"


COMPOSER_TABLE = "SVI_REQUEST"
COMPOSER_COLUMNS = ("ID", "OPERATION", "POOL_NAME", "VM_NAME", "STATE", "CREATED", "STARTS")
"""Composer's schema is not public; these names are inferred, so they are looked for before they are used."""
