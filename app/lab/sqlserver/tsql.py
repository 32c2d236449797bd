"""Queries and expressions parsed by sqlglot's T-SQL, held to what SQL Server itself would take."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

from app.lab.sqlserver.lexer import Is, Word
from app.lab.sqlserver.statements import Expression
from app.lab.sqlserver.words import SqlError

_OTHER_DIALECTS = frozenset({"LIMIT", "ILIKE", "QUALIFY", "USING", "NATURAL", "REGEXP", "RLIKE", "GLOB", "SIMILAR"})

RESERVED = frozenset(
    [
        "ADD",
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "BACKUP",
        "BEGIN",
        "BETWEEN",
        "BREAK",
        "BROWSE",
        "BULK",
        "BY",
        "CASCADE",
        "CASE",
        "CHECK",
        "CHECKPOINT",
        "CLOSE",
        "CLUSTERED",
        "COLLATE",
        "COLUMN",
        "COMMIT",
        "COMPUTE",
        "CONSTRAINT",
        "CONTAINS",
        "CONTINUE",
        "CREATE",
        "CROSS",
        "CURSOR",
        "DATABASE",
        "DBCC",
        "DEALLOCATE",
        "DECLARE",
        "DEFAULT",
        "DELETE",
        "DENY",
        "DESC",
        "DISTINCT",
        "DOUBLE",
        "DROP",
        "ELSE",
        "END",
        "ERRLVL",
        "ESCAPE",
        "EXCEPT",
        "EXEC",
        "EXECUTE",
        "EXISTS",
        "EXIT",
        "FETCH",
        "FILE",
        "FILLFACTOR",
        "FOR",
        "FOREIGN",
        "FREETEXT",
        "FROM",
        "FULL",
        "FUNCTION",
        "GOTO",
        "GRANT",
        "GROUP",
        "HAVING",
        "HOLDLOCK",
        "IDENTITY",
        "IF",
        "IN",
        "INDEX",
        "INNER",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "JOIN",
        "KEY",
        "KILL",
        "LIKE",
        "LINENO",
        "LOAD",
        "MERGE",
        "NATIONAL",
        "NONCLUSTERED",
        "NOT",
        "NULL",
        "OF",
        "OFF",
        "OFFSETS",
        "ON",
        "OPEN",
        "OPTION",
        "OR",
        "ORDER",
        "OUTER",
        "OVER",
        "PERCENT",
        "PIVOT",
        "PLAN",
        "PRIMARY",
        "PRINT",
        "PROC",
        "PROCEDURE",
        "PUBLIC",
        "RAISERROR",
        "READ",
        "RECONFIGURE",
        "REFERENCES",
        "REPLICATION",
        "RESTORE",
        "RESTRICT",
        "RETURN",
        "REVERT",
        "REVOKE",
        "ROLLBACK",
        "ROWCOUNT",
        "ROWGUIDCOL",
        "RULE",
        "SAVE",
        "SCHEMA",
        "SELECT",
        "SET",
        "SETUSER",
        "SHUTDOWN",
        "SOME",
        "STATISTICS",
        "TABLE",
        "TABLESAMPLE",
        "TEXTSIZE",
        "THEN",
        "TO",
        "TOP",
        "TRAN",
        "TRANSACTION",
        "TRIGGER",
        "TRUNCATE",
        "UNION",
        "UNIQUE",
        "UNPIVOT",
        "UPDATE",
        "USE",
        "VALUES",
        "VARYING",
        "VIEW",
        "WAITFOR",
        "WHEN",
        "WHERE",
        "WHILE",
        "WITH",
    ]
)
"""Words that are no names without brackets, as Transact-SQL's manual lists them."""


@lru_cache(maxsize=1)
def _dialect() -> Any:
    from sqlglot.dialects.tsql import TSQL

    class PlainParser(TSQL.Parser):  # type: ignore[misc,valid-type]  # a nested class of sqlglot is its own base
        """Leaves functions as they were written: their meaning is this server's business."""

        FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012  # overrides a class attribute of sqlglot
        FUNCTION_PARSERS: dict[str, Any] = {  # noqa: RUF012  # likewise
            name: TSQL.Parser.FUNCTION_PARSERS[name] for name in ("CAST", "CONVERT", "TRY_CAST", "TRY_CONVERT")
        }

    class PlainTsql(TSQL):
        Parser = PlainParser

    return PlainTsql


def parse_query(words: list[Word], text: str) -> Expression:
    """Parse the SELECT made of these words of the batch's text."""
    return Expression(_parse(words, text[words[0].start : words[-1].end]), text[words[0].start : words[-1].end])


def parse_expression(words: list[Word], text: str) -> Expression:
    """Parse an expression: it becomes the only column of a SELECT."""
    written = text[words[0].start : words[-1].end]
    return Expression(_parse(words, f"SELECT ({written})"), written)  # parsed only, never run


def parse_condition(words: list[Word], text: str) -> Expression:
    """Parse a condition: it becomes a SELECT of 1 or 0."""
    written = text[words[0].start : words[-1].end]
    return Expression(_parse(words, f"SELECT CASE WHEN {written} THEN 1 ELSE 0 END"), written)  # parsed only


def _parse(words: list[Word], source: str) -> Any:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    for word in words:
        if word.upper in _OTHER_DIALECTS or word.text in ("?", ":"):
            raise SqlError(102, word.text).at(word.line)
    for first, second in pairwise(words):
        if first.text == "|" == second.text and first.end == second.start:
            raise SqlError(102, "|").at(first.line)
    if sum({"(": 1, ")": -1}.get(word.text, 0) for word in words if word.kind is Is.SIGN) != 0:
        raise SqlError(102, words[-1].text).at(words[-1].line)
    try:
        found = parse(source, dialect=_dialect())
    except (SqlglotError, RecursionError) as error:
        raise SqlError(102, _near(error, words)).at(words[0].line) from error
    for node in found[0].find_all(exp.Identifier) if found and found[0] is not None else ():
        if not node.args.get("quoted") and node.name.upper() in RESERVED:
            raise SqlError(156, node.name).at(words[0].line)
    if len(found) != 1 or not isinstance(found[0], exp.Select | exp.SetOperation):
        raise SqlError(102, words[0].text).at(words[0].line)
    if isinstance(found[0], exp.Select) and not found[0].expressions:
        raise SqlError(102, words[-1].text).at(words[-1].line)
    return found[0]


def _near(error: Exception, words: list[Word]) -> str:
    for detail in getattr(error, "errors", []):
        if detail.get("highlight"):
            return str(detail["highlight"])
    return words[-1].text
