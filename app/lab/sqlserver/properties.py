"""What the instance, its databases and logins say of themselves: SERVERPROPERTY, HAS_PERMS_BY_NAME and their like."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable
from typing import Any

from app.lab.sqlserver.instance import ENTERPRISE, EXPRESS, Instance
from app.lab.sqlserver.lexer import Is, words_of
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.tds.versions import SQL_2012, SQL_2019, Release
from app.lab.sqlserver.words import SqlError

_YEARS = ((16, 0, "2022"), (15, 0, "2019"), (14, 0, "2017"), (13, 0, "2016"), (12, 0, "2014"), (11, 0, "2012"),
          (10, 50, "2008 R2"), (10, 0, "2008"), (9, 0, "2005"))  # fmt: skip
DATA_FOLDER = "C:\\Program Files\\Microsoft SQL Server\\MSSQL.1\\MSSQL\\DATA\\"


def new_guid() -> uuid.UUID:
    """Return a fresh uniqueidentifier."""
    return uuid.uuid4()


def version_words(look: Look) -> str:
    """Return @@VERSION."""
    instance = look.instance
    major, minor = instance.release
    year = next((year for one, two, year in _YEARS if (major, minor) >= (one, two)), "2000")
    row = instance.row
    return f"Microsoft SQL Server {year} - {row.version} (X64) \n\tCopyright (c) Microsoft Corporation\n\t{row.edition}"


def version_number(look: Look) -> int:
    """Return @@MICROSOFTVERSION."""
    major, minor, build = look.instance.build
    return (major << 24) | (minor << 16) | build


_PROPERTIES: dict[str, tuple[Release, Callable[[Instance], Any]]] = {
    "productversion": ((9, 0), lambda instance: instance.row.version),
    "productlevel": ((9, 0), lambda instance: "SP3" if instance.build[2] >= 4000 else "RTM"),
    "edition": ((9, 0), lambda instance: instance.row.edition),
    "editionid": ((9, 0), lambda instance: zlib.crc32(instance.row.edition.encode()) - 2**31),
    "engineedition": ((9, 0), lambda instance: instance.row.edition_id),
    "machinename": ((9, 0), lambda instance: instance.server_name),
    "servername": ((9, 0), lambda instance: instance.server_name),
    "computernamephysicalnetbios": ((9, 0), lambda instance: instance.server_name),
    "instancename": ((9, 0), lambda _: None),  # the default instance has none
    "collation": ((9, 0), lambda instance: instance.row.collation),
    "isclustered": ((9, 0), lambda instance: int(instance.row.clustered)),
    "isintegratedsecurityonly": ((9, 0), lambda _: 0),
    "issingleuser": ((9, 0), lambda _: 0),
    "isfulltextinstalled": ((9, 0), lambda _: 1),
    "ishadrenabled": (SQL_2012, lambda _: 0),
    "islocaldb": (SQL_2012, lambda _: 0),
    "instancedefaultdatapath": (SQL_2012, lambda _: DATA_FOLDER),
    "instancedefaultlogpath": (SQL_2012, lambda _: DATA_FOLDER),
    "instancedefaultbackuppath": (SQL_2019, lambda instance: instance.row.backup_folder),
    "productmajorversion": (SQL_2012, lambda instance: str(instance.release[0])),
    "productminorversion": (SQL_2012, lambda instance: str(instance.release[1])),
}


def of_server(look: Look, name: Any) -> Any:
    """SERVERPROPERTY: NULL for a property that the release does not know."""
    since, value = _PROPERTIES.get(str(name).strip().lower(), ((99, 0), lambda _: None))
    return value(look.instance) if look.instance.release >= since else None


def of_database(look: Look, database: Any, name: Any) -> Any:
    """DATABASEPROPERTYEX: NULL for what is not known."""
    found = look.instance.database(str(database))
    if found is None:
        return None
    row = found.row
    known = {
        "status": row.state, "recovery": row.recovery, "collation": look.instance.row.collation,
        "updateability": "READ_WRITE", "useraccess": "MULTI_USER", "version": 661, "isautoclose": 0,
        "isfulltextenabled": 1,
    }  # fmt: skip
    return known.get(str(name).strip().lower())


def database_id(look: Look, name: Any = ...) -> Any:
    """DB_ID."""
    if name is ...:
        return look.database.id
    found = look.instance.database(str(name)) if name is not None else None
    return found.id if found else None


def database_name(look: Look, number: Any = ...) -> Any:
    """DB_NAME."""
    if number is ...:
        return look.database.name
    return next((known.name for known in look.instance.databases() if known.id == number), None)


def parts(name: str) -> list[str]:
    """Return the parts of a dotted name, brackets taken off; an empty list where it is none."""
    try:
        words = words_of(name)[:-1]
    except SqlError:
        return []
    found, after_dot = [""], True
    for word in words:
        if word.text == "." and word.kind is Is.SIGN:
            found.append("")
            after_dot = True
        elif word.is_name and after_dot:
            found[-1], after_dot = word.value, False
        else:
            return []
    return found


def object_id(look: Look, name: Any, kind: Any = None) -> Any:
    """OBJECT_ID of a table or view that the login sees."""
    from app.lab.sqlserver.catalogue import find_by_name

    if name is None or (kind is not None and str(kind).strip().upper() not in ("U", "V", "S")):
        return None
    found = find_by_name(look, parts(str(name)))
    return object_number(f"{found.schema}.{found.name}") if found else None


def object_number(name: str) -> int:
    """Return an object's number: the same for the same name."""
    return zlib.crc32(name.lower().encode()) & 0x7FFFFFFF


def has_access(look: Look, name: Any) -> Any:
    """HAS_DBACCESS: 1, 0, NULL where there is no such database."""
    found = look.instance.database(str(name))
    if found is None:
        return None
    return int(found.row.state == "ONLINE" and look.seat.login.may_open(found.name))


def has_permission(look: Look, securable: Any, kind: Any, permission: Any, *_rest: Any) -> Any:
    """HAS_PERMS_BY_NAME for the server, databases and objects; NULL where the securable or permission is unknown."""
    if permission is None:
        return None
    wanted, login = str(permission).upper(), look.seat.login
    if kind is None:
        return _on_server(look, wanted) if securable is None else None
    named = parts(str(securable)) if securable is not None else [look.database.name]
    if str(kind).upper() == "DATABASE":
        return _on_database(look, named[0] if len(named) == 1 else "", wanted)
    if str(kind).upper() == "OBJECT":
        return _on_object(look, named, wanted)
    if str(kind).upper() == "SERVER":
        return _on_server(look, wanted)
    return None if not login.sysadmin else 1


def _on_server(look: Look, wanted: str) -> Any:
    login = look.seat.login
    known = {
        "VIEW SERVER STATE": login.sees_server_state, "CREATE ANY DATABASE": login.may_create_databases,
        "ALTER ANY DATABASE": login.may_create_databases, "VIEW ANY DATABASE": True, "CONNECT SQL": True,
        "CONTROL SERVER": login.sysadmin, "VIEW ANY DEFINITION": login.sysadmin, "SHUTDOWN": login.sysadmin,
    }  # fmt: skip
    return int(known[wanted]) if wanted in known else None


def _on_database(look: Look, name: str, wanted: str) -> Any:
    found, login = look.instance.database(name), look.seat.login
    if found is None:
        return None
    known = {
        "BACKUP DATABASE": login.may_back_up(found.name), "BACKUP LOG": login.may_back_up(found.name),
        "CONNECT": login.may_open(found.name), "SELECT": login.may_read(found.name), "ANY": login.may_open(found.name),
        "CONTROL": login.has("db_owner", found.name), "ALTER": login.has("db_owner", found.name),
        "CREATE DATABASE": login.may_create_databases and found.name.lower() == "master",
    }  # fmt: skip
    return int(known[wanted]) if wanted in known else None


def _on_object(look: Look, named: list[str], wanted: str) -> Any:
    from app.lab.sqlserver.catalogue import find_by_name

    database = look.instance.database(named[-3]) if len(named) >= 3 else look.database
    if wanted != "SELECT" or database is None or find_by_name(look, named) is None:
        return None if wanted not in ("INSERT", "UPDATE", "DELETE") else int(look.seat.login.sysadmin)
    return int(look.seat.login.may_read(database.name))


def in_server_role(look: Look, role: Any, name: Any = ...) -> Any:
    """IS_SRVROLEMEMBER: NULL for a role that does not exist."""
    login = look.seat.login if name is ... else look.instance.login(str(name))
    if role is None or login is None or str(role).lower() not in _SERVER_ROLES:
        return None
    return int(login.sysadmin or str(role).lower() in login.roles or str(role).lower() == "public")


_SERVER_ROLES = (
    "sysadmin", "serveradmin", "securityadmin", "processadmin", "setupadmin", "bulkadmin", "diskadmin",
    "dbcreator", "public",
)  # fmt: skip


def in_database_role(look: Look, role: Any, name: Any = ...) -> Any:
    """IS_MEMBER and IS_ROLEMEMBER in the current database."""
    login = look.seat.login if name is ... else look.instance.login(str(name))
    if role is None or login is None or str(role).lower() not in _DATABASE_ROLES:
        return None
    return int(str(role).lower() == "public" or login.has(str(role).lower(), look.database.name))


_DATABASE_ROLES = (
    "public", "db_owner", "db_backupoperator", "db_datareader", "db_datawriter", "db_ddladmin",
    "db_accessadmin",
)  # fmt: skip


def login_name(look: Look, _sid: Any = ...) -> Any:
    """SUSER_SNAME: the login's own; by a security identifier that of the login that has it."""
    if _sid is ...:
        return look.seat.login.name
    return {b"\x01": "sa", look.seat.login.sid: look.seat.login.name}.get(_sid)


def user_name(look: Look, *_number: Any) -> str:
    """USER_NAME: dbo for administrators."""
    login = look.seat.login
    return "dbo" if login.sysadmin or login.has("db_owner", look.database.name) else login.name


def supports_compression(instance: Instance) -> bool:
    """Say whether BACKUP ... WITH COMPRESSION works: Enterprise from 2008, Standard from 2008 R2, never Express."""
    edition = instance.row.edition_id
    return edition == ENTERPRISE or (edition != EXPRESS and instance.release >= (10, 50))
