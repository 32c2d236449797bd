"""SELECT put into SQLite's words and run over the rows that the world gives at that moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from app.lab.sqlserver import values
from app.lab.sqlserver.catalogue import Found, find
from app.lab.sqlserver.expressions import Expressions, only
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.scope import NULL, Piece, Scope, Source
from app.lab.sqlserver.tds.tokens import Column
from app.lab.sqlserver.tds.types import INT, MAX, SqlType
from app.lab.sqlserver.words import SqlError

_SELECT = (
    "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct",
    "with_", "options",
)  # fmt: skip
_TABLE = ("this", "db", "catalog", "alias", "hints")
_TERNARY = ("this", "expression", "distinct", "order", "with_", "by_name")
Columns = tuple[tuple[str, SqlType], ...]


@dataclass(frozen=True)
class Result:
    """A query's answer: its columns, and its rows as Python values."""

    columns: tuple[Column, ...]
    rows: Iterator[tuple[Any, ...]]


class Queries(Expressions):
    """Translates whole queries of one batch, and runs them."""

    def __init__(
        self, look: Look, variables: dict[str, tuple[SqlType, Any]], session_globals: dict[str, tuple[SqlType, Any]]
    ) -> None:
        super().__init__(look, variables, session_globals)
        self._tables: dict[str, Found] = {}
        self._count = 0

    def run(self, node: Any) -> Result:
        """Run a query. SqlError as SQL Server has it."""
        sql, columns = self.query(node, None)
        shown = tuple(Column(name, _shown(kind)) for name, kind in columns)
        return Result(shown, self._rows(sql, shown))

    def only_columns(self, node: Any) -> tuple[Column, ...]:
        """Return the columns alone (SET FMTONLY ON)."""
        return tuple(Column(name, _shown(kind)) for name, kind in self.query(node, None)[1])

    # ---- running

    def _rows(self, sql: str, columns: tuple[Column, ...]) -> Iterator[tuple[Any, ...]]:
        connection = sqlite3.connect(":memory:")
        try:
            connection.create_collation("tsql", values.same)
            for name, call in self.functions.items():
                connection.create_function(name, -1, self._guarded(call))
            for name, found in self._tables.items():
                _fill(connection, name, found)
            cursor = self._tried(lambda: connection.execute(sql, self.bound))
            while (row := self._tried(cursor.fetchone)) is not None:
                yield tuple(values.from_sqlite(value, column.kind) for value, column in zip(row, columns, strict=True))
        finally:
            connection.close()

    def _guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """SQLite hides what a function raises; it is kept and raised again after it."""

        def guarded(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except SqlError as error:
                self.trouble.append(error)
                raise
            except (ValueError, TypeError, OverflowError, ArithmeticError) as error:
                self.trouble.append(SqlError(8114, type(error).__name__))
                raise

        return guarded

    def _tried(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (sqlite3.Error, OverflowError) as error:
            if self.trouble:
                raise self.trouble[0] from error
            raise (
                SqlError(8115, "expression", "bigint") if isinstance(error, OverflowError) else SqlError(8621)
            ) from error

    # ---- queries

    def query(self, node: Any, parent: Scope | None) -> tuple[str, Columns]:
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, parent)
        if not isinstance(node, exp.Select):
            raise SqlError(102, node.sql("tsql")[:40])
        only(node, *_SELECT)
        scope = Scope(parent)
        begin = self._with(node, scope)
        source = self._from(node, scope)
        where = [f"WHERE {self.condition(node.args['where'].this, scope)}"] if node.args.get("where") else []
        grouping = self._group(node, scope)
        pieces = self._selected(node, scope)
        having = [f"HAVING {self.condition(node.args['having'].this, scope)}"] if node.args.get("having") else []
        order = self._order(node, scope, pieces)
        limit = self._limit(node, scope)
        word = "SELECT DISTINCT" if node.args.get("distinct") else "SELECT"
        listed = ", ".join(f"{piece.sql} AS c{number}" for number, (_, piece) in enumerate(pieces))
        sql = " ".join([*begin, word, listed, *source, *where, *grouping, *having, *order, *limit])
        return sql, tuple((name, piece.kind) for name, piece in pieces)

    def _with(self, node: Any, scope: Scope) -> list[str]:
        clause = node.args.get("with_")
        if clause is None:
            return []
        if clause.args.get("recursive"):
            raise SqlError(102, "RECURSIVE")
        parts = []
        for cte in clause.expressions:
            sql, columns = self.query(cte.this, scope)
            names = [column.name for column in cte.args["alias"].args.get("columns") or []] or [
                name for name, _ in columns
            ]
            self._counted(names, columns, cte.alias)
            table = f"w{self._next()}"
            listed = ", ".join(f"c{number}" for number in range(len(columns)))
            parts.append(f"{table}({listed}) AS ({sql})")
            scope.ctes[cte.alias.lower()] = (
                table,
                tuple((name, kind) for name, (_, kind) in zip(names, columns, strict=True)),
            )
        return ["WITH " + ", ".join(parts)]

    def _next(self) -> int:
        self._count += 1
        return self._count

    @staticmethod
    def _counted(names: list[str], columns: Columns, alias: str) -> None:
        """Refuse a subquery whose columns are not as many as their names, or have none."""
        if len(names) != len(columns):
            raise SqlError(8158 if len(names) < len(columns) else 8159, alias)
        for number, name in enumerate(names, 1):
            if not name:
                raise SqlError(8155, number, alias)

    # ---- FROM

    def _from(self, node: Any, scope: Scope) -> list[str]:
        if node.args.get("from_") is None:
            return []
        sql = "FROM " + self._source(node.args["from_"].this, scope)
        for join in node.args.get("joins") or []:
            sql += self._join(join, scope)
        return [sql]

    def _join(self, join: Any, scope: Scope) -> str:
        only(join, "this", "side", "kind", "on", "hint")
        side, kind = str(join.args.get("side") or ""), str(join.args.get("kind") or "")
        if isinstance(join.this, exp.Lateral):
            return self._apply(join.this, scope)
        source = self._source(join.this, scope)
        if join.args.get("on") is None:
            if side or kind not in ("", "CROSS"):
                raise SqlError(102, "JOIN")
            return f" CROSS JOIN {source}"
        if kind not in ("", "INNER", "OUTER"):
            raise SqlError(102, kind)
        return f" {side} JOIN {source} ON {self.condition(join.args['on'], scope)}"

    def _source(self, node: Any, scope: Scope) -> str:
        if isinstance(node, exp.Table):
            only(node, *_TABLE)
            return self._table(node, scope)
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            if not node.alias:
                raise SqlError(102, ")")
            around = Scope(scope.parent, ctes=scope.ctes)  # it sees what is around the query, not its neighbours
            sql, columns = self.query(node.this, around)
            renamed = [column.name for column in node.args["alias"].args.get("columns") or []]
            names = renamed or [name for name, _ in columns]
            self._counted(names, columns, node.alias)
            kinds = (kind for _, kind in columns)
            return self._add(scope, node.alias, f"({sql})", tuple(zip(names, kinds, strict=True)))
        raise SqlError(102, node.sql("tsql")[:40])

    def _table(self, node: Any, scope: Scope) -> str:
        name = node.name
        known = scope.cte(name) if not node.db and not node.catalog else None
        if known is not None:
            return self._add(scope, node.alias or name, known[0], known[1])
        if isinstance(node.this, exp.Anonymous):
            raise SqlError(208, str(node.this.this))
        catalog = node.args.get("catalog")
        if isinstance(node.this, exp.Dot) or isinstance(catalog, exp.Dot):
            raise SqlError(7202, node.catalog.partition(".")[0])
        found = find(self.look, [node.catalog, node.db, name])
        if found.relation.argument:
            raise SqlError(208, name)
        return self._found(scope, found, node.alias or name)

    def _found(self, scope: Scope, found: Found, alias: str) -> str:
        table = f"t{self._next()}"
        self._tables[table] = found
        return self._add(scope, alias, table, tuple((field.name, field.kind) for field in found.fields))

    def _add(self, scope: Scope, alias: str, table: str, columns: Columns) -> str:
        short = f"s{self._next()}"
        pieces = tuple((name, Piece(f"{short}.c{number}", kind)) for number, (name, kind) in enumerate(columns))
        scope.add(Source(alias, (alias.lower(),), pieces))
        return f"{table} AS {short}"

    def _apply(self, node: Any, scope: Scope) -> str:
        """CROSS APPLY and OUTER APPLY of a table-valued function: a join on its argument."""
        dotted = node.this
        call = dotted.expression if isinstance(dotted, exp.Dot) else dotted
        if not isinstance(call, exp.Anonymous) or len(call.expressions) != 1:
            raise SqlError(102, "APPLY")
        schema = dotted.this.sql("tsql") if isinstance(dotted, exp.Dot) else ""
        found = find(self.look, ["", schema, str(call.this)])
        argument = self.expression(call.expressions[0], scope)
        source = self._found(scope, found, node.alias or str(call.this))
        piece = scope.sources[-1].find(found.relation.argument)
        if piece is None:
            raise SqlError(208, str(call.this))
        word = "JOIN" if node.args.get("cross_apply") else "LEFT JOIN"
        return f" {word} {source} ON {piece.sql} = {argument.sql}"

    # ---- the rest of a SELECT

    def _group(self, node: Any, scope: Scope) -> list[str]:
        group = node.args.get("group")
        if group is not None:
            only(group, "expressions")
            parts = [self.expression(part, scope).sql for part in group.expressions]
            scope.grouped = list(group.expressions)
            return [f"GROUP BY {', '.join(parts)}"]
        if node.args.get("having") or any(_is_aggregated(part) for part in node.expressions):
            scope.grouped = []
        return []

    def _selected(self, node: Any, scope: Scope) -> list[tuple[str, Piece]]:
        pieces: list[tuple[str, Piece]] = []
        for part in node.expressions:
            if isinstance(part, exp.EQ) and isinstance(part.this, exp.Parameter):
                pieces.append(("", self.expression(part.expression, scope)))  # SELECT @x = ...: the batch takes it
            elif isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star)):
                pieces += self._all(part, scope)
            elif isinstance(part, exp.Alias):
                pieces.append((part.alias, self.expression(part.this, scope)))
            else:
                plain = part.this if isinstance(part, exp.Paren) else part
                name = plain.name if isinstance(plain, exp.Column) else ""
                pieces.append((name, self.expression(part, scope)))
        return pieces

    def _all(self, part: Any, scope: Scope) -> list[tuple[str, Piece]]:
        prefix = part.table if isinstance(part, exp.Column) else ""
        sources = [source for source in scope.sources if not prefix or prefix.lower() in source.names]
        if not sources:
            raise SqlError(107, prefix) if prefix else SqlError(263)
        if scope.grouped is not None:
            raise SqlError(8120, f"{sources[0].alias}.{sources[0].columns[0][0]}")
        return [column for source in sources for column in source.columns]

    def _order(self, node: Any, scope: Scope, pieces: list[tuple[str, Piece]]) -> list[str]:
        order = node.args.get("order")
        if order is None:
            return []
        if scope.parent is not None and node.args.get("limit") is None:
            raise SqlError(1033)
        return [f"ORDER BY {', '.join(self._ordered(part, scope, pieces) for part in order.expressions)}"]

    def _ordered(self, part: Any, scope: Scope | None, pieces: list[tuple[str, Piece]]) -> str:
        direction = "DESC" if part.args.get("desc") else "ASC"
        node = part.this
        if isinstance(node, exp.Literal) and not node.args.get("is_string"):
            number = int(str(node.this)) if str(node.this).isdigit() else 0
            if not 1 <= number <= len(pieces):
                raise SqlError(108, node.this)
            return f"{number} {direction}"
        if isinstance(node, exp.Column) and not node.table:
            for number, (name, _) in enumerate(pieces, 1):
                if name and name.lower() == node.name.lower():
                    return f"{number} {direction}"
        if scope is None:
            raise SqlError(104)
        piece = self.expression(node, scope)
        return f"{piece.sql}{' COLLATE tsql' if piece.kind.is_text else ''} {direction}"

    def _limit(self, node: Any, scope: Scope) -> list[str]:
        limit, offset = node.args.get("limit"), node.args.get("offset")
        if offset is not None and self.look.instance.release < (11, 0):
            raise SqlError(102, "OFFSET")
        if limit is None:
            return [f"LIMIT -1 OFFSET {self.expression(offset.expression, scope).sql}"] if offset is not None else []
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
            raise SqlError(40510, "TOP PERCENT, WITH TIES")
        count = limit.args.get("count") or limit.args.get("expression")
        piece = self.expression(count, Scope())
        found = f"LIMIT MAX({piece.sql}, 0)"
        return [f"{found} OFFSET {self.expression(offset.expression, scope).sql}" if offset is not None else found]

    def _set_operation(self, node: Any, parent: Scope | None) -> tuple[str, Columns]:
        only(node, *_TERNARY)
        scope = Scope(parent)
        begin = self._with(node, scope)
        words = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
        word = words[type(node)] + ("" if node.args.get("distinct", True) else " ALL")
        left, left_columns = self.query(node.this, scope)
        right, right_columns = self.query(node.expression, scope)
        if len(left_columns) != len(right_columns):
            raise SqlError(205)
        both = zip(left_columns, right_columns, strict=True)
        columns = tuple((name, values.wider(one, other)) for (name, one), (_, other) in both)
        order = node.args.get("order")
        pieces = [(name, Piece("", kind)) for name, kind in columns]
        by = [self._ordered(part, None, pieces) for part in order.expressions] if order else []
        ordered = [f"ORDER BY {', '.join(by)}"] if by else []
        return " ".join([*begin, f"SELECT * FROM ({left})", word, f"SELECT * FROM ({right})", *ordered]), columns  # noqa: S608  # made of pieces of our own


def _is_aggregated(part: Any) -> bool:
    from app.lab.sqlserver.functions import AGGREGATES

    for node in part.walk(prune=lambda inner: isinstance(inner, exp.Select | exp.Window)):
        named = isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES
        if named and not isinstance(node.parent, exp.Window):
            return True
    return False


def _shown(kind: SqlType) -> SqlType:
    """Return the type that a client is told: NULL alone is an int; a text wider than 4000 is nvarchar(max)."""
    if kind is NULL or kind.name == "null":
        return INT
    if kind.is_text and kind.size > (4000 if kind.name.startswith("n") else 8000):
        return SqlType(kind.name, MAX)
    return kind


def _fill(connection: sqlite3.Connection, table: str, found: Found) -> None:
    """Make a table and put the world's rows into it."""
    columns = ", ".join(
        f"c{number}" + (" COLLATE tsql" if field.kind.is_text or field.kind.name == "uniqueidentifier" else "")
        for number, field in enumerate(found.fields)
    )
    connection.execute(f"CREATE TABLE {table} ({columns})")
    marks = ", ".join("?" * len(found.fields))
    names = [field.name for field in found.fields]
    rows = ([values.to_sqlite(row.get(name)) for name in names] for row in found.rows())
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  # names of our own making
