"""Expressions and conditions of T-SQL put into SQLite's words, with their types. What is not known is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from app.lab.sqlserver import values
from app.lab.sqlserver.functions import AGGREGATES, FUNCTIONS, GLOBALS, WINDOW_ONLY
from app.lab.sqlserver.parser import type_named
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.scope import NULL, Piece, Scope
from app.lab.sqlserver.tds.types import BIGINT, FLOAT, INT, MAX, SqlType, decimal, nvarchar
from app.lab.sqlserver.words import SqlError

_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
_ARITHMETIC = {exp.Add: "add", exp.Sub: "subtract", exp.Mul: "multiply", exp.Div: "divide", exp.Mod: "modulo"}
_BITS = {exp.BitwiseAnd: "&", exp.BitwiseOr: "|"}


def only(node: Any, *known: str) -> None:
    """Refuse a node that carries more than is understood here."""
    for name, given in node.args.items():
        if name not in known and given not in (None, False, [], ""):
            raise SqlError(102, name.rstrip("_").upper())


class Expressions:
    """Translates within one batch; `variables` are its values with their types, `bound` what SQLite is given."""

    def __init__(
        self, look: Look, variables: dict[str, tuple[SqlType, Any]], session_globals: dict[str, tuple[SqlType, Any]]
    ) -> None:
        self.look, self._variables, self._globals = look, variables, session_globals
        self.bound: list[Any] = []
        self.functions: dict[str, Callable[..., Any]] = {}
        self.trouble: list[SqlError] = []

    # ---- values

    def expression(self, node: Any, scope: Scope) -> Piece:
        """Translate what gives a value."""
        if scope.grouped is not None and not scope.in_aggregate and node in scope.grouped:
            return self._ungrouped(node, scope)
        method = self._METHODS.get(type(node))
        if method is None:
            raise SqlError(102, node.sql("tsql")[:60])
        return method(self, node, scope)

    def _ungrouped(self, node: Any, scope: Scope) -> Piece:
        grouped, scope.grouped = scope.grouped, None
        try:
            return self.expression(node, scope)
        finally:
            scope.grouped = grouped

    def bind(self, value: Any, kind: SqlType) -> Piece:
        """Return a place for a value: values never stand in SQL."""
        self.bound.append(values.to_sqlite(value))
        return Piece(f"?{len(self.bound)}", kind)

    def _text(self, words: str, *, unicode: bool) -> Piece:
        if not unicode:
            words = values.page(words, self.look.instance.collation)
        return self.bind(words, SqlType("nvarchar" if unicode else "varchar", max(len(words), 1)))

    def _literal(self, node: Any, _scope: Scope) -> Piece:
        if node.args.get("is_string"):
            return self._text(str(node.this), unicode=False)
        words = str(node.this)
        if words.isdigit():
            return self.bind(int(words), INT if int(words) < 2**31 else BIGINT if int(words) < 2**63 else FLOAT)
        return self.bind(float(words), FLOAT)

    def _national(self, node: Any, _scope: Scope) -> Piece:
        return self._text(str(node.this), unicode=True)

    def _hexadecimal(self, node: Any, _scope: Scope) -> Piece:
        raw = bytes.fromhex(str(node.this).rjust(len(str(node.this)) + len(str(node.this)) % 2, "0"))
        return self.bind(raw, SqlType("varbinary", max(len(raw), 1)))

    def _null(self, _node: Any, _scope: Scope) -> Piece:
        return Piece("NULL", NULL)

    def _column(self, node: Any, scope: Scope) -> Piece:
        only(node, "this", "table", "db", "catalog")
        if not isinstance(node.this, exp.Identifier):
            raise SqlError(102, "*")
        return scope.column(node.name, node.table)

    def _parameter(self, node: Any, _scope: Scope) -> Piece:
        inner = node.this
        if isinstance(inner, exp.Parameter):
            return self._global(inner.name.upper())
        name = f"@{node.name.lower()}"
        if name not in self._variables:
            raise SqlError(137, f"@{node.name}")
        kind, value = self._variables[name]
        return self.bind(value, kind)

    def _global(self, name: str) -> Piece:
        if name in self._globals:
            kind, value = self._globals[name]
            return self.bind(value, kind)
        if name not in GLOBALS:
            raise SqlError(137, f"@@{name}")
        kind, worked_out = GLOBALS[name]
        return self.bind(worked_out(self.look), kind)

    def _paren(self, node: Any, scope: Scope) -> Piece:
        piece = self.expression(node.this, scope)
        return Piece(f"({piece.sql})", piece.kind)

    def _negative(self, node: Any, scope: Scope) -> Piece:
        piece = self.expression(node.this, scope)
        self._needs_numbers(piece, piece, "minus")
        return Piece(f"(-{piece.sql})", piece.kind)

    def _arithmetic(self, node: Any, scope: Scope) -> Piece:
        name = _ARITHMETIC[type(node)]
        left, right = self.expression(node.this, scope), self.expression(node.expression, scope)
        if (
            name == "add"
            and (left.kind.is_text or right.kind.is_text)
            and not (left.kind.is_number or right.kind.is_number)
        ):
            return self._joined(left, right)
        if left.kind.is_text or right.kind.is_text:
            left, right = self._as_number(left, right.kind), self._as_number(right, left.kind)
        self._needs_numbers(left, right, name)
        self.functions[f"calculate_{name}"] = _CALCULATIONS[name]
        kind = values.wider(left.kind, right.kind)
        return Piece(
            f"calculate_{name}({left.sql}, {right.sql})", INT if kind.name in ("tinyint", "smallint", "null") else kind
        )

    def _joined(self, left: Piece, right: Piece) -> Piece:
        for piece in (left, right):
            if not (piece.kind.is_text or piece.kind is NULL):
                raise SqlError(402, left.kind.name, right.kind.name, "add")
        wide = left.kind.size == MAX or right.kind.size == MAX
        size = MAX if wide else min(left.kind.size + right.kind.size, 4000) or 1
        return Piece(f"({left.sql} || {right.sql})", SqlType(values.wider(left.kind, right.kind).name, size))

    @staticmethod
    def _needs_numbers(left: Piece, right: Piece, name: str) -> None:
        for piece in (left, right):
            if not (piece.kind.is_number or piece.kind is NULL):
                raise SqlError(402, left.kind.name, right.kind.name, name)

    def _as_number(self, piece: Piece, other: SqlType) -> Piece:
        if not piece.kind.is_text:
            return piece
        return self.cast(piece, other if other.is_number else INT)

    def _bits(self, node: Any, scope: Scope) -> Piece:
        left, right = self.expression(node.this, scope), self.expression(node.expression, scope)
        self._needs_numbers(left, right, type(node).__name__)
        return Piece(f"({left.sql} {_BITS[type(node)]} {right.sql})", values.wider(left.kind, right.kind))

    def _case(self, node: Any, scope: Scope) -> Piece:
        only(node, "this", "ifs", "default")
        branches, kind = [], NULL
        for branch in node.args["ifs"]:
            if node.this is not None:
                condition = self._compared(self.expression(node.this, scope), self.expression(branch.this, scope), "=")
            else:
                condition = self.condition(branch.this, scope)
            result = self.expression(branch.args["true"], scope)
            kind = values.wider(kind, result.kind)
            branches.append(f"WHEN {condition} THEN {result.sql}")
        if node.args.get("default") is not None:
            result = self.expression(node.args["default"], scope)
            kind = values.wider(kind, result.kind)
            branches.append(f"ELSE {result.sql}")
        return Piece(f"CASE {' '.join(branches)} END", kind)

    # ---- types

    def _cast(self, node: Any, scope: Scope) -> Piece:
        only(node, "this", "to", "safe", "action", "default")
        return self.cast(self.expression(node.this, scope), self.type_of(node.args["to"]))

    def _convert(self, node: Any, scope: Scope) -> Piece:
        only(node, "this", "expression", "style", "safe")
        style = node.args.get("style")
        if style is not None and not str(style.this).isdigit():
            raise SqlError(102, "style")
        return self.cast(
            self.expression(node.expression, scope),
            self.type_of(node.this),
            None if style is None else int(str(style.this)),
        )

    def type_of(self, node: Any) -> SqlType:
        """Return the type that CAST names."""
        name = node.this if isinstance(node.this, str) else node.this.value
        written = node.args.get("kind") or name
        named = {"UUID": "uniqueidentifier", "TIMESTAMP": "datetime", "DATETIME2": "datetime2",
        "VARIANT": "sql_variant",
                 "DOUBLE": "float", "BOOLEAN": "bit", "UTINYINT": "tinyint", "TEXT": "varchar",
                 "NAME": "sysname"}  # fmt: skip
        plain = named.get(str(written).upper(), str(written).lower())
        sizes = []
        for size in node.expressions:
            words = size.name.upper() if isinstance(size.this, exp.Var) else str(size.this.this)
            sizes.append(MAX if words == "MAX" else int(words))
        return type_named(plain, tuple(sizes), self.look.instance.release, default=30)

    def cast(self, piece: Piece, target: SqlType, style: int | None = None) -> Piece:
        """Return a piece that gives the value as another type."""
        name = f"cast_{len(self.functions)}"
        source, collation = piece.kind, self.look.instance.collation
        self.functions[name] = lambda value: values.cast(value, source, target, style, collation)
        return Piece(f"{name}({piece.sql})", target)

    # ---- functions

    def _function(self, node: Any, scope: Scope) -> Piece:
        name = str(node.this).upper()
        if name in AGGREGATES:
            return self._aggregate(name, node, scope)
        known = FUNCTIONS.get(name)
        if known is None or self.look.instance.release < known.since:
            raise SqlError(195, str(node.this), "built-in function name")
        given = list(node.expressions)
        if not known.fewest <= len(given) <= known.most:
            raise SqlError(174, name.lower(), known.fewest)
        pieces = []
        if known.part_first:
            pieces.append(self.bind(given.pop(0).name.lower(), nvarchar(20)))
        pieces += [self.expression(argument, scope) for argument in given]
        kind = known.type_of([piece.kind for piece in pieces])
        call, look = known.call, self.look
        key = f"f_{name.lower()}"
        self.functions[key] = lambda *arguments: values.to_sqlite(call(look, *arguments))
        return Piece(f"{key}({', '.join(piece.sql for piece in pieces)})", kind)

    def _now(self, _node: Any, _scope: Scope) -> Piece:
        known = FUNCTIONS["GETDATE"]
        return self.bind(known.call(self.look), known.type_of(()))

    def _who(self, _node: Any, _scope: Scope) -> Piece:
        return self.bind(self.look.seat.login.name, nvarchar(128))

    def _aggregate(self, name: str, node: Any, scope: Scope) -> Piece:
        if scope.in_aggregate or len(node.expressions) != 1:
            raise SqlError(130) if scope.in_aggregate else SqlError(174, name.lower(), 1)
        argument = node.expressions[0]
        count = INT if name == "COUNT" else BIGINT
        if isinstance(argument, exp.Star):
            if name not in ("COUNT", "COUNT_BIG"):
                raise SqlError(102, "*")
            return Piece("COUNT(*)", count)
        distinct = isinstance(argument, exp.Distinct)
        scope.in_aggregate = True
        try:
            piece = self.expression(argument.expressions[0] if distinct else argument, scope)
        finally:
            scope.in_aggregate = False
        sql = f"{'DISTINCT ' if distinct else ''}{piece.sql}"
        if name in ("COUNT", "COUNT_BIG"):
            return Piece(f"COUNT({sql})", count)
        if name in ("MIN", "MAX"):
            return Piece(f"{name}({sql})", piece.kind)
        if not piece.kind.is_number:
            raise SqlError(8117, piece.kind.name, name.lower())
        kind = INT if piece.kind.name in ("bit", "tinyint", "smallint") else piece.kind
        average = f"AVG({sql})" if kind in (FLOAT, SqlType("real")) else f"CAST(AVG({sql}) AS INTEGER)"
        return Piece(f"SUM({sql})" if name == "SUM" else average, decimal(38) if kind.name == "decimal" else kind)

    def _window(self, node: Any, scope: Scope) -> Piece:
        only(node, "this", "partition_by", "order", "over")
        name = str(node.this.this).upper() if isinstance(node.this, exp.Anonymous) else ""
        if name in WINDOW_ONLY and not node.this.expressions:
            inner = Piece(f"{name}()", BIGINT)
        elif name in AGGREGATES:
            inner = self._aggregate(name, node.this, scope)
        else:
            raise SqlError(195, name, "built-in function name")
        if name in WINDOW_ONLY and node.args.get("order") is None:
            raise SqlError(4112, name)
        parts = [self.expression(part, scope).sql for part in node.args.get("partition_by") or []]
        over = [f"PARTITION BY {', '.join(parts)}"] if parts else []
        if node.args.get("order") is not None:
            ordered = [self._over(part, scope) for part in node.args["order"].expressions]
            over.append(f"ORDER BY {', '.join(ordered)}")
        return Piece(f"{inner.sql} OVER ({' '.join(over)})", inner.kind)

    def _over(self, part: Any, scope: Scope) -> str:
        return f"{self.expression(part.this, scope).sql} {'DESC' if part.args.get('desc') else 'ASC'}"

    def _collated(self, node: Any, scope: Scope) -> Piece:
        return self.expression(node.this, scope)  # every collation here is one that tells no case

    def _subquery(self, node: Any, scope: Scope) -> Piece:
        only(node, "this")
        sql, columns = self.query(node.this, scope)
        if len(columns) != 1:
            raise SqlError(116)
        return Piece(f"({sql})", columns[0][1])

    def query(self, node: Any, parent: Scope | None) -> tuple[str, tuple[tuple[str, SqlType], ...]]:
        """Translate a query inside an expression; `Queries` knows how."""
        raise NotImplementedError

    # ---- conditions

    def condition(self, node: Any, scope: Scope) -> str:
        """Translate what is true or false. SqlError 4145 where it is a value."""
        method = self._CONDITIONS.get(type(node))
        if method is None:
            raise SqlError(4145, node.sql("tsql")[-40:])
        return method(self, node, scope)

    def _and(self, node: Any, scope: Scope) -> str:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return f"({self.condition(node.this, scope)} {word} {self.condition(node.expression, scope)})"

    def _not(self, node: Any, scope: Scope) -> str:
        return f"(NOT {self.condition(node.this, scope)})"

    def _in_paren(self, node: Any, scope: Scope) -> str:
        return f"({self.condition(node.this, scope)})"

    def _comparison(self, node: Any, scope: Scope) -> str:
        left, right = self.expression(node.this, scope), self.expression(node.expression, scope)
        return self._compared(left, right, _COMPARISONS[type(node)])

    def _compared(self, left: Piece, right: Piece, sign: str) -> str:
        left, right = self._alike(left, right.kind), self._alike(right, left.kind)
        texts = not left.kind.is_number and not right.kind.is_number
        return f"({left.sql} {sign} {right.sql}{' COLLATE tsql' if texts else ''})"

    def _alike(self, piece: Piece, other: SqlType) -> Piece:
        """Cast a text to what it is compared with, as SQL Server does."""
        if piece.kind.is_text and (other.is_number or other.is_time or other.name == "uniqueidentifier"):
            return self.cast(piece, other)
        return piece

    def _in(self, node: Any, scope: Scope) -> str:
        only(node, "this", "expressions", "query")
        left = self.expression(node.this, scope)
        if node.args.get("query") is not None:
            inner = node.args["query"]
            sql, columns = self.query(inner.this if isinstance(inner, exp.Subquery) else inner, scope)
            if len(columns) != 1:
                raise SqlError(116)
            return f"({left.sql} COLLATE tsql IN ({sql}))"
        return (
            "(" + " OR ".join(self._compared(left, self.expression(one, scope), "=") for one in node.expressions) + ")"
        )

    def _between(self, node: Any, scope: Scope) -> str:
        value = self.expression(node.this, scope)
        low, high = self.expression(node.args["low"], scope), self.expression(node.args["high"], scope)
        return f"({self._compared(value, low, '>=')} AND {self._compared(value, high, '<=')})"

    def _like(self, node: Any, scope: Scope) -> str:
        escape = ""
        if isinstance(node, exp.Escape):
            escape, node = f", {self.expression(node.expression, scope).sql}", node.this
        value, pattern = self.expression(node.this, scope), self.expression(node.expression, scope)
        self.functions["is_like"] = values.like
        return f"is_like({pattern.sql}, {value.sql}{escape})"

    def _is(self, node: Any, scope: Scope) -> str:
        if not isinstance(node.expression, exp.Null):
            raise SqlError(102, "IS")
        return f"({self.expression(node.this, scope).sql} IS NULL)"

    def _exists(self, node: Any, scope: Scope) -> str:
        inner = node.this
        sql, _ = self.query(inner.this if isinstance(inner, exp.Subquery) else inner, scope)
        return f"EXISTS ({sql})"

    _METHODS: dict[type, Callable[[Expressions, Any, Scope], Piece]] = {  # noqa: RUF012  # a table of methods, never changed
        exp.Literal: _literal, exp.National: _national, exp.HexString: _hexadecimal, exp.Null: _null,
        exp.Column: _column,
        exp.Parameter: _parameter, exp.Paren: _paren, exp.Neg: _negative, **dict.fromkeys(_ARITHMETIC, _arithmetic),
        **dict.fromkeys(_BITS, _bits), exp.Case: _case, exp.Cast: _cast, exp.Convert: _convert,
        exp.Anonymous: _function,
        exp.CurrentTimestamp: _now, exp.CurrentUser: _who, exp.SessionUser: _who, exp.Window: _window,
        exp.Collate: _collated, exp.Subquery: _subquery,
    }  # fmt: skip
    _CONDITIONS: dict[type, Callable[[Expressions, Any, Scope], str]] = {  # noqa: RUF012  # a table of methods, never changed
        exp.And: _and, exp.Or: _and, exp.Not: _not, exp.Paren: _in_paren, **dict.fromkeys(_COMPARISONS, _comparison),
        exp.In: _in, exp.Between: _between, exp.Like: _like, exp.Escape: _like, exp.Is: _is, exp.Exists: _exists,
    }  # fmt: skip


def _calculation(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def calculate(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if isinstance(left, str) or isinstance(right, str):  # decimals are kept as texts
            left, right = float(left), float(right)
        return work(left, right)

    return calculate


def _divide(left: Any, right: Any) -> Any:
    if right == 0:
        raise SqlError(8134)
    if isinstance(left, int) and isinstance(right, int):
        found = abs(left) // abs(right)
        return found if (left < 0) == (right < 0) else -found
    return left / right


def _modulo(left: Any, right: Any) -> Any:
    if right == 0:
        raise SqlError(8134)
    return left - right * _divide(left, right) if isinstance(left, int) and isinstance(right, int) else left % right


_CALCULATIONS = {
    "add": _calculation(lambda left, right: left + right), "subtract": _calculation(lambda left, right: left - right),
    "multiply": _calculation(lambda left, right: left * right), "divide": _calculation(_divide),
    "modulo": _calculation(_modulo),
}  # fmt: skip
