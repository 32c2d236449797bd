"""Which names a query sees: its sources with their columns, and those of the queries around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.lab.sqlserver.tds.types import SqlType
from app.lab.sqlserver.words import SqlError

NULL = SqlType("null")


@dataclass(frozen=True)
class Piece:
    """A piece of SQL for SQLite, and the T-SQL type of what it gives."""

    sql: str
    kind: SqlType


@dataclass(frozen=True)
class Source:
    """A table, view or subquery in FROM. `columns` are name, SQL and type."""

    alias: str
    names: tuple[str, ...]  # what may stand before a column's dot, in lower case
    columns: tuple[tuple[str, Piece], ...]

    def find(self, name: str) -> Piece | None:
        return next((piece for known, piece in self.columns if known.lower() == name.lower()), None)


@dataclass
class Scope:
    """The sources of one SELECT. `grouped` holds the nodes of GROUP BY where the query is grouped."""

    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    ctes: dict[str, tuple[str, tuple[tuple[str, SqlType], ...]]] = field(default_factory=dict)
    grouped: list[Any] | None = None
    in_aggregate: bool = False

    def add(self, source: Source) -> None:
        if any(known.alias.lower() == source.alias.lower() for known in self.sources):
            raise SqlError(1011, source.alias)
        self.sources.append(source)

    def column(self, name: str, prefix: str) -> Piece:
        """Return the column of that name. SqlError 207, 209, 4104; 8120 where it is neither grouped nor aggregated."""
        found = self._own(name, prefix)
        if found is not None:
            if self.grouped is not None and not self.in_aggregate:
                raise SqlError(8120, f"{prefix}.{name}" if prefix else name)
            return found
        if self.parent is not None:
            return self.parent.column(name, prefix)
        raise SqlError(4104, f"{prefix}.{name}") if prefix else SqlError(207, name)

    def _own(self, name: str, prefix: str) -> Piece | None:
        named = [source for source in self.sources if not prefix or prefix.lower() in source.names]
        found = [piece for source in named if (piece := source.find(name)) is not None]
        if len(found) > 1:
            raise SqlError(209, name)
        if not found and prefix and named:
            raise SqlError(207, name)
        return found[0] if found else None

    def cte(self, name: str) -> tuple[str, tuple[tuple[str, SqlType], ...]] | None:
        found = self.ctes.get(name.lower())
        return found if found is not None or self.parent is None else self.parent.cte(name)
