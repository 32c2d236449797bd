"""Finds tables and views by name, as SQL Server resolves names, and says who may read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from app.lab.sqlserver import contents, msdb, system_views
from app.lab.sqlserver.instance import Listed
from app.lab.sqlserver.properties import object_number
from app.lab.sqlserver.relations import Field, Look, Relation, fields
from app.lab.sqlserver.words import SqlError


@dataclass(frozen=True)
class Found:
    """A relation in the database where it was found, with the columns that the release knows."""

    relation: Relation
    look: Look
    fields: tuple[Field, ...]

    def rows(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.relation.rows(self.look))


def find(look: Look, name: list[str]) -> Found:
    """Return what [database, schema, name] means; "" stands for what was left out.

    SqlError 208 unknown, 916 no access to the database, 229 no right to read, 300 with 297 no VIEW SERVER STATE."""
    catalog, schema, table = name
    written = ".".join(part for part in name if part)
    database = look.instance.database(catalog) if catalog else look.database
    if database is None:
        raise SqlError(208, written)
    if catalog:
        open_database(look, database)
    inside = replace(look, database=database)
    relation = _known(inside, schema or "dbo", table)
    if relation is None:
        raise SqlError(208, written)
    _allow(inside, relation)
    return Found(relation, inside, relation.known_to(look.instance.release))


def find_by_name(look: Look, name: list[str]) -> Relation | None:
    """Return the relation of a dotted name, whether or not it may be read; None where there is none to be seen."""
    if not 1 <= len(name) <= 3:
        return None
    catalog, schema, table = ["", "", *name][-3:]
    database = look.instance.database(catalog) if catalog else look.database
    return _known(replace(look, database=database), schema or "dbo", table) if database is not None else None


def open_database(look: Look, database: Listed) -> None:
    """Refuse a database that the login may not open, or that cannot be: 916, 927, 942."""
    login = look.seat.login
    if not login.may_open(database.name):
        raise SqlError(916, login.name, database.name)
    refuse_unopened(database)


def refuse_unopened(database: Listed) -> None:
    """Refuse a database that is being restored or is offline."""
    if database.row.state == "RESTORING":
        raise SqlError(927, database.name)
    if database.row.state != "ONLINE":
        raise SqlError(942, database.name)


def _known(look: Look, schema: str, table: str) -> Relation | None:
    wanted = (schema.lower(), table.lower())
    found = everywhere().get(wanted) or _of_database(look).get(wanted)
    return found if found is not None and look.instance.release >= found.since else None


def _of_database(look: Look) -> dict[tuple[str, str], Relation]:
    if look.database.name.lower() == "msdb":
        return msdb.TABLES
    return contents.tables(look)


def _allow(look: Look, relation: Relation) -> None:
    login = look.seat.login
    if relation.right == "state" and not login.sees_server_state:
        raise SqlError(297, also=(SqlError(300, "VIEW SERVER STATE"),))
    if relation.right == "read" and not login.may_read(look.database.name):
        raise SqlError(229, "SELECT", relation.name, look.database.name, relation.schema)


@lru_cache(maxsize=1)
def everywhere() -> dict[tuple[str, str], Relation]:
    """Return the views that every database has."""
    views = (*system_views.VIEWS, *_INFORMATION)
    return {(view.schema.lower(), view.name.lower()): view for view in views}


# ---- what a database says of its own tables: only those that the login may read


def _tables(look: Look) -> Iterator[Relation]:
    if look.seat.login.may_read(look.database.name):
        yield from (table for table in _of_database(look).values() if look.instance.release >= table.since)


def _information_tables(look: Look) -> Iterator[dict[str, Any]]:
    for table in _tables(look):
        yield {
            "TABLE_CATALOG": look.database.name, "TABLE_SCHEMA": table.schema, "TABLE_NAME": table.name,
            "TABLE_TYPE": "BASE TABLE",
        }  # fmt: skip


def _information_columns(look: Look) -> Iterator[dict[str, Any]]:
    for table in _tables(look):
        for place, field in enumerate(table.known_to(look.instance.release), 1):
            yield {
                "TABLE_CATALOG": look.database.name, "TABLE_SCHEMA": table.schema, "TABLE_NAME": table.name,
                "COLUMN_NAME": field.name, "ORDINAL_POSITION": place, "IS_NULLABLE": "YES",
                "DATA_TYPE": field.kind.name,
                "CHARACTER_MAXIMUM_LENGTH": field.kind.size if field.kind.is_text else None,
            }  # fmt: skip


def _objects(look: Look) -> Iterator[dict[str, Any]]:
    for table in _tables(look):
        made = look.instance.local(look.instance.world.events[0].at) if look.instance.world.events else None
        yield {
            "name": table.name, "object_id": object_number(f"{table.schema}.{table.name}"), "schema_id": 1,
            "type": "U ",
            "type_desc": "USER_TABLE", "create_date": made, "modify_date": made, "is_ms_shipped": 0,
        }  # fmt: skip


def _columns(look: Look) -> Iterator[dict[str, Any]]:
    for table in _tables(look):
        for place, field in enumerate(table.known_to(look.instance.release), 1):
            number = object_number(f"{table.schema}.{table.name}")
            yield {"object_id": number, "name": field.name, "column_id": place, "is_nullable": 1}


_OBJECT = "name:sysname object_id:int schema_id:int type:nchar(2) type_desc:nvarchar(60) create_date:datetime modify_date:datetime is_ms_shipped:bit"  # fmt: skip  # noqa: E501  # one line of columns
_INFORMATION = (
    Relation(
        "INFORMATION_SCHEMA", "TABLES",
        fields("TABLE_CATALOG:nvarchar(128) TABLE_SCHEMA:nvarchar(128) TABLE_NAME:sysname TABLE_TYPE:varchar(10)"),
        _information_tables,
    ),
    Relation(
        "INFORMATION_SCHEMA", "COLUMNS",
        fields("TABLE_CATALOG:nvarchar(128) TABLE_SCHEMA:nvarchar(128) TABLE_NAME:nvarchar(128)"
               " COLUMN_NAME:nvarchar(128)"
               " ORDINAL_POSITION:int COLUMN_DEFAULT:nvarchar(4000) IS_NULLABLE:varchar(3) DATA_TYPE:nvarchar(128)"
               " CHARACTER_MAXIMUM_LENGTH:int"),
        _information_columns,
    ),
    Relation("sys", "tables", fields(_OBJECT), _objects),
    Relation("sys", "objects", fields(_OBJECT), _objects),
    Relation("sys", "columns", fields("object_id:int name:sysname column_id:int is_nullable:bit"), _columns),
)  # fmt: skip
