"""Parameters of remote procedure calls, inwards: every type that drivers send ([MS-TDS] 2.2.6.6)."""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.lab.sqlserver.tds.packets import Malformed
from app.lab.sqlserver.tds.reader import Reader, utf16
from app.lab.sqlserver.tds.types import FIRST_OF_1900, FIRST_OF_ALL, MAX, SqlType
from app.lab.sqlserver.tds.versions import V7_1, V7_2


class UnknownType(Exception):
    """A parameter of a type that this server does not take: XML, user-defined and table types."""

    def __init__(self, number: int) -> None:
        super().__init__(f"type {number:#04x}")
        self.number = number


@dataclass(frozen=True)
class Parameter:
    """A parameter as it came. `output` asks for its value back."""

    name: str
    kind: SqlType
    value: Any
    output: bool = False


def read_parameter(reader: Reader, version: int) -> Parameter:
    """Read one parameter: name, status, type, value."""
    name = reader.text(reader.byte())
    status = reader.byte()
    kind, given = read_value(reader, version)
    return Parameter(name, kind, given, bool(status & 1))


def read_value(reader: Reader, version: int) -> tuple[SqlType, Any]:
    """Read TYPE_INFO and the value after it."""
    number = reader.byte()
    if number in _FIXED:
        kind, layout = _FIXED[number]
        given = reader.bytes(struct.calcsize(layout))
        return kind, _number(layout, given) if kind.name not in _TIMES else _TIMES[kind.name](given)
    family = _FAMILIES.get(number)
    if family is None:
        raise UnknownType(number)
    return family(number, reader, version)


def _number(layout: str, given: bytes) -> Any:
    found = struct.unpack(layout, given)[0]
    return bool(found) if layout == "<?" else found


_FIXED = {
    0x30: (SqlType("tinyint"), "<B"), 0x32: (SqlType("bit"), "<?"), 0x34: (SqlType("smallint"), "<h"),
    0x38: (SqlType("int"), "<i"), 0x7F: (SqlType("bigint"), "<q"), 0x3B: (SqlType("real"), "<f"),
    0x3E: (SqlType("float"), "<d"), 0x3D: (SqlType("datetime"), "<iI"), 0x3A: (SqlType("smalldatetime"), "<HH"),
}  # fmt: skip
_INTEGERS = {1: ("tinyint", "<B"), 2: ("smallint", "<h"), 4: ("int", "<i"), 8: ("bigint", "<q")}
_FLOATS = {4: ("real", "<f"), 8: ("float", "<d")}


def _nullable(sizes: dict[int, tuple[str, str]]) -> Callable[[int, Reader, int], tuple[SqlType, Any]]:
    def read(_number_of: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
        size, length = reader.byte(), reader.byte()
        if size not in sizes or length not in (0, size):
            raise Malformed(f"a number of {length} bytes in {size}")
        name, layout = sizes[size]
        return SqlType(name), _number(layout, reader.bytes(length)) if length else None

    return read


def _datetime(raw: bytes) -> Any:
    days, ticks = struct.unpack("<iI", raw)
    return _moment(lambda: FIRST_OF_1900 + datetime.timedelta(days, 0, round(ticks * 1e6 / 300)))


def _small_datetime(raw: bytes) -> Any:
    days, minutes = struct.unpack("<HH", raw)
    return _moment(lambda: FIRST_OF_1900 + datetime.timedelta(days, minutes * 60))


def _moment(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (OverflowError, ValueError) as error:
        raise Malformed("a time out of range") from error


_TIMES: dict[str, Callable[[bytes], Any]] = {"datetime": _datetime, "smalldatetime": _small_datetime}


def _nullable_datetime(_: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
    size, length = reader.byte(), reader.byte()
    if size not in (4, 8) or length not in (0, size):
        raise Malformed("a datetime of another length")
    name = "datetime" if size == 8 else "smalldatetime"
    return SqlType(name), _TIMES[name](reader.bytes(length)) if length else None


def _guid(_: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
    size, length = reader.byte(), reader.byte()
    if size != 16 or length not in (0, 16):
        raise Malformed("a uniqueidentifier of another length")
    return SqlType("uniqueidentifier"), uuid.UUID(bytes_le=reader.bytes(16)) if length else None


def _decimal(_: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
    reader.byte()
    precision, scale, length = reader.byte(), reader.byte(), reader.byte()
    if not 1 <= precision <= 38 or scale > precision or length == 1 or length > 17:
        raise Malformed("a decimal of no precision")
    kind = SqlType("decimal", precision=precision, scale=scale)
    if not length:
        return kind, None
    positive, unscaled = reader.byte(), int.from_bytes(reader.bytes(length - 1), "little")
    digits = Decimal((0 if positive else 1, tuple(map(int, str(unscaled))), -scale))
    return kind, digits


def _money(_: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
    size, length = reader.byte(), reader.byte()
    if size not in (4, 8) or length not in (0, size):
        raise Malformed("money of another length")
    kind = SqlType("decimal", precision=19, scale=4)
    if not length:
        return kind, None
    raw = reader.bytes(length)
    if length == 4:
        return kind, Decimal(struct.unpack("<i", raw)[0]).scaleb(-4)
    high, low = struct.unpack("<iI", raw)
    return kind, Decimal((high << 32) + low).scaleb(-4)


def _moments(number: int, reader: Reader, _version: int) -> tuple[SqlType, Any]:
    """Read date (28), time (29), datetime2 (2A) or datetimeoffset (2B)."""
    scale = 0 if number == 0x28 else reader.byte()
    if scale > 7:
        raise Malformed("a time of no scale")
    length = reader.byte()
    if not length:
        return SqlType({0x28: "date", 0x29: "nvarchar"}.get(number, "datetime2"), size=16, scale=scale), None
    raw = Reader(reader.bytes(length))
    clock = 0 if number == 0x28 else (3 if scale <= 2 else 4 if scale <= 4 else 5)
    ticks = int.from_bytes(raw.bytes(clock), "little") * 10 ** (7 - scale)
    since_midnight = datetime.timedelta(microseconds=ticks // 10)
    if number == 0x29:
        return SqlType("nvarchar", 16), str(_moment((FIRST_OF_ALL + since_midnight).time))
    days = int.from_bytes(raw.bytes(3), "little")
    found = _moment(lambda: FIRST_OF_ALL + datetime.timedelta(days=days) + since_midnight)
    if number == 0x28:
        return SqlType("date"), found.date()
    if number == 0x2B:  # it carries the time in UTC, and the offset of the place
        found = _moment(lambda: found + datetime.timedelta(minutes=raw.unpack("<h")))
    return SqlType("datetime2", scale=scale), found


_TEXTS = {0xE7: "nvarchar", 0xEF: "nchar", 0xA7: "varchar", 0xAF: "char", 0xA5: "varbinary", 0xAD: "binary"}
_LARGE = {0x63: "nvarchar", 0x23: "varchar", 0x22: "varbinary"}


def _short(number: int, reader: Reader, version: int) -> tuple[SqlType, Any]:
    name, size = _TEXTS[number], reader.word()
    if "binary" not in name and version >= V7_1:
        reader.bytes(5)
    if size == 0xFFFF and version >= V7_2:
        return SqlType(name, MAX), _decoded(name, _chunks(reader))
    length = reader.word()
    raw = None if length == 0xFFFF else reader.bytes(length)
    return SqlType(name, max(size // 2 if name.startswith("n") else size, 1)), _decoded(name, raw)


def _chunks(reader: Reader) -> bytes | None:
    total = reader.unpack("<Q")
    if total == 2**64 - 1:
        return None
    parts = []
    while length := reader.long():
        parts.append(reader.bytes(length))
    return b"".join(parts)


def _large(number: int, reader: Reader, version: int) -> tuple[SqlType, Any]:
    name = _LARGE[number]
    reader.long()
    if name != "varbinary" and version >= V7_1:
        reader.bytes(5)
    length = reader.long()
    raw = None if length == 0xFFFFFFFF else reader.bytes(length)
    return SqlType(name, MAX), _decoded(name, raw)


def _decoded(name: str, raw: bytes | None) -> Any:
    if raw is None or "binary" in name:
        return raw
    return utf16(raw) if name.startswith("n") else raw.decode("cp1252", "replace")


_FAMILIES: dict[int, Callable[[int, Reader, int], tuple[SqlType, Any]]] = {
    0x26: _nullable(_INTEGERS), 0x68: _nullable({1: ("bit", "<?")}), 0x6D: _nullable(_FLOATS), 0x6F: _nullable_datetime,
    0x24: _guid, 0x6C: _decimal, 0x6A: _decimal, 0x6E: _money, 0x28: _moments, 0x29: _moments, 0x2A: _moments,
    0x2B: _moments, **dict.fromkeys(_TEXTS, _short), **dict.fromkeys(_LARGE, _large),
}  # fmt: skip
