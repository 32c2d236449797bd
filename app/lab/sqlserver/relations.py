"""What a table or view of SQL Server is here: its columns by release, and where its rows come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.lab.sqlserver.instance import Instance, Listed, Seat
from app.lab.sqlserver.parser import type_named
from app.lab.sqlserver.tds.types import SqlType
from app.lab.sqlserver.tds.versions import SQL_2005, SQL_2022, Release


@dataclass(frozen=True)
class Look:
    """Who looks, and into which database."""

    instance: Instance
    seat: Seat
    database: Listed


Rows: TypeAlias = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Field:
    """A column; `since` is the first release that has it."""

    name: str
    kind: SqlType
    since: Release = SQL_2005


@dataclass(frozen=True)
class Relation:
    """A table or view. `right` names what reading needs: "" nothing, "state" VIEW SERVER STATE, "read" SELECT."""

    schema: str
    name: str
    fields: tuple[Field, ...]
    rows: Callable[[Look], Rows]
    since: Release = SQL_2005
    right: str = ""
    argument: str = ""  # of a table-valued function: the column that its argument is compared with

    def known_to(self, release: Release) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.since <= release)


def fields(spec: str) -> tuple[Field, ...]:
    """Return the columns of `name:type name:type@10.50 ...`."""
    found = []
    for word in spec.split():
        name, _, kind = word.partition(":")
        kind, _, since = kind.partition("@")
        base, _, sizes = kind.rstrip(")").partition("(")
        numbers = tuple(-1 if size == "max" else int(size) for size in sizes.split(",") if size)
        major, _, minor = since.partition(".")
        found.append(
            Field(name, type_named(base, numbers, SQL_2022), (int(major), int(minor or 0)) if since else SQL_2005)
        )
    return tuple(found)
