"""Values between Python, SQLite and T-SQL: how each type is kept, compared and cast."""

from __future__ import annotations

import datetime
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from app.lab.sqlserver.tds.types import FIRST_OF_1900, MAX, RANK, Collation, SqlType
from app.lab.sqlserver.words import SqlError

_INTEGERS = {
    "tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}  # fmt: skip


def to_sqlite(value: Any) -> Any:
    """Return a value as SQLite keeps it: times as texts that sort, decimals and uniqueidentifiers as texts."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time()).isoformat(" ", "microseconds")
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    if isinstance(value, Decimal):
        return str(value)
    return value


def from_sqlite(value: Any, kind: SqlType) -> Any:
    """Return what SQLite gave as a value of that type; SqlError where it does not fit."""
    if value is None or kind.name == "sql_variant":
        return value
    if kind.is_time:
        return moment(str(value))
    if kind.name == "uniqueidentifier":
        return guid(str(value))
    if kind.name == "decimal":
        return Decimal(str(value))
    if kind.name in _INTEGERS:
        return number(value, kind.name)
    if kind.is_text:
        return str(value)
    return value


def moment(words: str) -> datetime.datetime:
    """Return a time written as text; SqlError 241 where it is none."""
    cleaned = words.strip().replace("T", " ").rstrip("Z")
    if re.fullmatch(r"\d{8}( .*)?", cleaned):
        cleaned = f"{cleaned[:4]}-{cleaned[4:6]}-{cleaned[6:]}"
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", cleaned):
        cleaned = "1900-01-01 " + cleaned.rjust(len(cleaned) + (cleaned[1] == ":"), "0")
    cleaned = re.sub(r"(\.\d{6})\d+$", r"\1", cleaned)
    try:
        return datetime.datetime.fromisoformat(cleaned) if cleaned else FIRST_OF_1900
    except ValueError as error:
        raise SqlError(241) from error


def guid(words: str) -> uuid.UUID:
    """Return a uniqueidentifier written as text; SqlError 8169 where it is none."""
    try:
        return uuid.UUID(words.strip())
    except ValueError as error:
        raise SqlError(8169) from error


def number(value: Any, kind: str = "int") -> Any:
    """Return a value as a number of that kind; SqlError 245 where a text is none."""
    if value is None or (isinstance(value, int) and kind in _INTEGERS):
        return value if value is None else _fitting(value, kind)
    if kind in ("float", "real"):
        try:
            return float(value)
        except ValueError as error:
            raise SqlError(245, "nvarchar", value, kind) from error
    if isinstance(value, float) and kind in _INTEGERS:
        return _fitting(int(value), kind)
    try:
        return _fitting(int(str(value).strip() or "0"), kind)
    except ValueError as error:
        raise SqlError(245, "nvarchar", value, kind) from error


def _fitting(value: int, kind: str) -> int:
    low, high = _INTEGERS.get(kind, _INTEGERS["bigint"])
    if not low <= value <= high:
        raise SqlError(8115, "expression", kind)
    return value


def cast(value: Any, source: SqlType, target: SqlType, style: int | None, collation: Collation) -> Any:
    """Return a value (as SQLite keeps it) cast to another type, as SQLite keeps that; SqlError as SQL Server has it."""
    if value is None or target.name == "sql_variant":
        return value
    if target.is_text:
        words = _cut(text_of(value, source, style), target, source)
        return page(words, collation) if not target.name.startswith("n") else words
    if target.is_time:
        if source.is_number:
            return to_sqlite(FIRST_OF_1900 + datetime.timedelta(days=float(value)))
        found = moment(str(value))
        return to_sqlite(found.replace(hour=0, minute=0, second=0, microsecond=0) if target.name == "date" else found)
    if target.name == "uniqueidentifier":
        return str(
            uuid.UUID(bytes_le=value) if isinstance(value, bytes) and len(value) == 16 else guid(str(value))
        ).upper()
    if target.is_binary:
        return _binary(value, target)
    if source.is_time or isinstance(value, bytes):
        raise SqlError(529, source.name, target.name)
    return _number_cast(value, target)


def _number_cast(value: Any, target: SqlType) -> Any:
    if target.name == "bit":
        words = str(value).strip().lower()
        return int(words == "true" or (words != "false" and number(value, "bigint") != 0))
    if target.name == "decimal":
        try:
            return str(round(Decimal(str(value).strip()), target.scale))
        except InvalidOperation as error:
            raise SqlError(245, "nvarchar", value, "numeric") from error
    return number(value, target.name)


def _binary(value: Any, target: SqlType) -> bytes:
    if isinstance(value, bytes):
        raw = value
    elif isinstance(value, int):
        raw = (value & (2**64 - 1)).to_bytes(8, "big")[-4 if abs(value) < 2**31 else -8 :]
    else:
        raw = str(value).encode("utf-16-le", "surrogatepass")
    return raw if target.size == MAX else raw[: target.size]


def _cut(words: str, target: SqlType, source: SqlType) -> str:
    """Cut a text to its type's size; a number that does not fit shows a star, a uniqueidentifier is an error."""
    if target.size in (MAX, 0) or len(words) <= target.size:
        return words
    if source.name in ("tinyint", "smallint", "int"):
        return "*"
    if source.name in ("uniqueidentifier", "bigint", "decimal", "float", "real"):
        raise SqlError(8115, f"{source.name} expression", target.name)
    return words[: target.size]


def page(words: str, collation: Collation) -> str:
    """Return a text as the server's code page keeps it: what it lacks becomes a question mark."""
    return words.encode(collation.code_page, "replace").decode(collation.code_page)


_STYLES = {
    None: "%b %d %Y %I:%M%p", 0: "%b %d %Y %I:%M%p", 100: "%b %d %Y %I:%M%p", 101: "%m/%d/%Y", 102: "%Y.%m.%d",
    103: "%d/%m/%Y", 104: "%d.%m.%Y", 108: "%H:%M:%S", 111: "%Y/%m/%d", 112: "%Y%m%d", 120: "%Y-%m-%d %H:%M:%S",
    20: "%Y-%m-%d %H:%M:%S",
}  # fmt: skip
_WITH_MILLISECONDS = {121: " ", 21: " ", 126: "T", 127: "T"}


def text_of(value: Any, source: SqlType, style: int | None = None) -> str:
    """Return a value as CONVERT writes it."""
    if source.is_time:
        found = moment(str(value))
        if style in _WITH_MILLISECONDS:
            return found.isoformat(_WITH_MILLISECONDS[style], "milliseconds")
        if style not in _STYLES:
            raise SqlError(281, style, source.name)
        return found.strftime(_STYLES[style])
    if isinstance(value, bytes):
        return "0x" + value.hex().upper() if style in (1, 2) else value.decode("utf-16-le", "replace")
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def wider(one: SqlType, other: SqlType) -> SqlType:
    """Return the type that two branches of an expression share."""
    if one.name == "null":
        return other
    if other.name == "null" or one == other:
        return one
    if one.is_number and other.is_number:
        return max(one, other, key=lambda kind: RANK.index(kind.name))
    if one.is_text and other.is_text:
        size = MAX if MAX in (one.size, other.size) else max(one.size, other.size)
        return SqlType("nvarchar" if "n" in (one.name[0], other.name[0]) else "varchar", size)
    return other if one.is_text else one


def same(one: str, other: str) -> int:
    """Compare two texts as a CI_AS collation does: any case, trailing spaces left out. The order is by code point."""
    left, right = one.rstrip(" ").casefold(), other.rstrip(" ").casefold()
    return (left > right) - (left < right)


def like(pattern: str | None, value: str | None, escape: str | None = None) -> int | None:
    """Return 1 where a text is LIKE a pattern: % and _, [sets] and [^others], any case."""
    if pattern is None or value is None:
        return None
    return int(_like(str(pattern), escape).fullmatch(str(value)) is not None)


def _like(pattern: str, escape: str | None) -> re.Pattern[str]:
    found, at = "", 0
    while at < len(pattern):
        sign = pattern[at]
        end = pattern.find("]", at + 2)
        if escape and sign == escape and at + 1 < len(pattern):
            at += 1
            found += re.escape(pattern[at])
        elif sign == "[" and end > 0:
            inside, negative = pattern[at + 1 : end], ""
            if inside.startswith("^"):
                inside, negative = inside[1:], "^"
            found += f"[{negative}" + re.sub(r"([\\\[\]^&~|])", r"\\\1", inside) + "]"
            at = end
        else:
            found += {"%": ".*", "_": "."}.get(sign, re.escape(sign))
        at += 1
    try:
        return re.compile(found, re.IGNORECASE | re.DOTALL)
    except re.error:  # a set such as [z-a] matches nothing, and is no error in T-SQL
        return re.compile(r"(?!)")
