"""The stored procedures that are answered: the registry, files and drives as the server sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.lab.rows import HostFolder, RegistryKey
from app.lab.sqlserver.backup import fixed_drives
from app.lab.sqlserver.paths import NotThere, file_at, place
from app.lab.sqlserver.properties import DATA_FOLDER
from app.lab.sqlserver.relations import fields
from app.lab.sqlserver.tds.tokens import Column
from app.lab.sqlserver.tds.types import INT, nvarchar
from app.lab.sqlserver.tds.versions import SQL_2008, Release
from app.lab.sqlserver.words import SqlError
from app.lab.sqlserver.work import Work


@dataclass(frozen=True)
class Given:
    """An argument's value; `set_output` takes what an OUTPUT argument gives back."""

    name: str
    value: Any
    set_output: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """A procedure's answer: one result set or none, and its status."""

    columns: tuple[Column, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    status: int = 0


Procedure = Callable[[Work, list[Given]], Outcome]


def find(parts: tuple[str, ...], release: Release) -> Procedure:
    """Return the procedure of that name. SqlError 2812 where there is none, 15281 where it is switched off."""
    database, schema, name = ("", "", *parts)[-3:]
    wanted = name.lower()
    if wanted == "xp_cmdshell":
        raise SqlError(15281, "sys.xp_cmdshell", "xp_cmdshell")
    extended = wanted.startswith("xp_")
    known = _PROCEDURES.get(wanted)
    if wanted == "sp_datatype_info_100" and release < SQL_2008:
        known = None
    in_master = database.lower() in ("", "master") and schema.lower() in ("", "dbo", "sys")
    if known is None or not in_master or (extended and database.lower() != "master" and schema.lower() != "sys"):
        raise SqlError(2812, ".".join(parts))
    return known


# ---- the registry

_ROOTS = {"HKEY_LOCAL_MACHINE": "HKLM", "HKLM": "HKLM"}
_OF_INSTANCE = "software\\microsoft\\mssqlserver\\"
_INSTANCE_KEYS = (
    r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL.1",
    r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL10_50.MSSQLSERVER",
)


def _instance_registry(work: Work, given: list[Given]) -> Outcome:
    """xp_instance_regread: the part of the path that names MSSQLServer leads to this instance's own key."""
    root, path, value = _registry_arguments("xp_instance_regread", given)
    if path.lower().startswith(_OF_INSTANCE):
        rest = path[len(_OF_INSTANCE) :]
        found = next(
            (v for key in _INSTANCE_KEYS if (v := _registry_value(work, f"{key}\\{rest}", value)) is not None), None
        )
        if found is None and rest.lower() == "mssqlserver":
            found = {"backupdirectory": work.instance.row.backup_folder or None, "defaultdata": DATA_FOLDER}.get(
                value.lower()
            )
        return _registry_answer(given, value, found)
    return _registry_answer(given, value, _registry_value(work, f"{root}\\{path}", value))


def _registry(work: Work, given: list[Given]) -> Outcome:
    root, path, value = _registry_arguments("xp_regread", given)
    return _registry_answer(given, value, _registry_value(work, f"{root}\\{path}", value))


def _registry_arguments(name: str, given: list[Given]) -> tuple[str, str, str]:
    if len(given) < 3:
        raise SqlError(201, name, "@value_name")
    root = _ROOTS.get(str(given[0].value).upper())
    if root is None:
        raise SqlError(22051, "RegOpenKeyEx() returned error 87, 'The parameter is incorrect.'")
    return root, str(given[1].value).strip("\\"), str(given[2].value)


def _registry_value(work: Work, key: str, value: str) -> str | None:
    row = work.instance.world.get(RegistryKey, work.instance.row.host, key.lower())
    values = {name.lower(): given for name, given in row.values.items()} if row else {}
    return values.get(value.lower())


def _registry_answer(given: list[Given], value: str, found: str | None) -> Outcome:
    """Give the value back in the OUTPUT argument, else as a row; one that is not there gives neither row nor error."""
    output = given[3] if len(given) > 3 else None
    if output is not None and output.set_output is not None:
        output.set_output(found)
        return Outcome(status=0 if found is not None else 1)
    if found is None:
        return Outcome(status=1)
    return Outcome((Column("Value", nvarchar(260)), Column("Data", nvarchar(4000))), [(value, found)])


# ---- files


def _file_exists(work: Work, given: list[Given]) -> Outcome:
    """xp_fileexist. A login that is no administrator is told "no" for every file."""
    if not given:
        raise SqlError(201, "xp_fileexist", "@filename")
    there, folder, parent = _what_is_there(work, str(given[0].value or ""))
    if len(given) > 1 and given[1].set_output is not None:
        given[1].set_output(int(there))
        return Outcome()
    columns = (Column("File Exists", INT), Column("File is a Directory", INT), Column("Parent Directory Exists", INT))
    return Outcome(columns, [(int(there), int(folder), int(parent))])


def _what_is_there(work: Work, path: str) -> tuple[bool, bool, bool]:
    instance = work.instance
    if not work.seat.login.sysadmin or not path:
        return False, False, False
    try:
        where = place(instance, path.rstrip("\\"))
    except NotThere:
        return False, False, False
    folder = instance.world.get(HostFolder, where.host, where.path.lower()) is not None
    parent = instance.world.get(HostFolder, where.host, where.folder.rstrip("\\").lower()) is not None
    try:
        file_at(instance, where)
    except NotThere:
        return False, folder, parent or where.folder.endswith(":\\")
    return True, False, True


def _drives(work: Work, _given: list[Given]) -> Outcome:
    return Outcome((Column("drive", nvarchar(1)), Column("MB free", INT)), list(fixed_drives(work.instance)))


def _reset(_work: Work, _given: list[Given]) -> Outcome:
    return Outcome()


# ---- what drivers ask of every server

_TYPES = (  # name, ODBC's number, precision, literal's beginning and end, create parameters, TDS's own number
    ("varchar", 12, 8000, "'", "'", "max length", 39), ("nvarchar", -9, 4000, "N'", "'", "max length", 39),
    ("varbinary", -3, 8000, "0x", None, "max length", 37), ("datetime", 93, 23, "'", "'", None, 111),
    ("int", 4, 10, None, None, None, 38), ("bigint", -5, 19, None, None, None, 108),
)  # fmt: skip
_TYPE_COLUMNS = tuple(
    Column(field.name, field.kind) for field in fields(
        "TYPE_NAME:sysname DATA_TYPE:smallint PRECISION:int LITERAL_PREFIX:nvarchar(32) LITERAL_SUFFIX:nvarchar(32)"
        " CREATE_PARAMS:nvarchar(32) NULLABLE:smallint CASE_SENSITIVE:smallint SEARCHABLE:smallint"
        " UNSIGNED_ATTRIBUTE:smallint MONEY:smallint AUTO_INCREMENT:smallint LOCAL_TYPE_NAME:sysname"
        " MINIMUM_SCALE:smallint MAXIMUM_SCALE:smallint SQL_DATA_TYPE:smallint SQL_DATETIME_SUB:smallint"
        " NUM_PREC_RADIX:int INTERVAL_PRECISION:smallint USERTYPE:smallint")
)  # fmt: skip


def _type_info(_work: Work, given: list[Given]) -> Outcome:
    """sp_datatype_info: the types of an ODBC number, 0 for all that are listed here."""
    wanted = given[0].value if given else 0
    rows = [
        (name, number, size, before, after, made_with, 1, 0, 3, None, 0, None, name,
         None, None, number, None, None, None, own)
        for name, number, size, before, after, made_with, own in _TYPES if wanted in (0, None, number)
    ]  # fmt: skip
    return Outcome(_TYPE_COLUMNS, rows)


_PROCEDURES: dict[str, Procedure] = {
    "xp_instance_regread": _instance_registry, "xp_regread": _registry, "xp_fileexist": _file_exists,
    "xp_fixeddrives": _drives, "sp_reset_connection": _reset,
    "sp_datatype_info": _type_info, "sp_datatype_info_90": _type_info, "sp_datatype_info_100": _type_info,
}  # fmt: skip
