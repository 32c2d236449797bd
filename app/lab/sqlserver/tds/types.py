"""The types of T-SQL on the wire, outwards: their TYPE_INFO and their values ([MS-TDS] 2.2.5.4 to 2.2.5.6)."""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.lab.sqlserver.tds.versions import V7_1, V7_2, V7_3A

FIRST_OF_1900 = datetime.datetime(1900, 1, 1)  # noqa: DTZ001  # datetime knows no zone
FIRST_OF_ALL = datetime.datetime(1, 1, 1)  # noqa: DTZ001  # nor does datetime2

MAX = -1
"""The size of nvarchar(max), varchar(max) and varbinary(max)."""

UNICODE, SINGLE_BYTE, BINARY = ("nvarchar", "nchar"), ("varchar", "char"), ("varbinary", "binary")


@dataclass(frozen=True)
class SqlType:
    """A type as T-SQL names it. `size` counts characters or bytes (MAX for max); `precision`, `scale` are decimal's
    and, `scale` alone, datetime2's."""

    name: str
    size: int = 0
    precision: int = 0
    scale: int = 0

    @property
    def is_text(self) -> bool:
        return self.name in UNICODE or self.name in SINGLE_BYTE

    @property
    def is_binary(self) -> bool:
        return self.name in BINARY

    @property
    def is_time(self) -> bool:
        return self.name in ("datetime", "datetime2", "smalldatetime", "date")

    @property
    def is_number(self) -> bool:
        return self.name in RANK


RANK = ("bit", "tinyint", "smallint", "int", "bigint", "decimal", "real", "float")
"""The numbers, the narrowest first."""

BIT, INT, BIGINT, SMALLINT, TINYINT = (SqlType(name) for name in ("bit", "int", "bigint", "smallint", "tinyint"))
FLOAT, REAL, DATETIME, GUID, VARIANT = (
    SqlType(name) for name in ("float", "real", "datetime", "uniqueidentifier", "sql_variant")
)
SYSNAME = SqlType("nvarchar", 128)


def nvarchar(size: int = MAX) -> SqlType:
    """Return nvarchar of that many characters."""
    return SqlType("nvarchar", size)


def decimal(precision: int, scale: int = 0) -> SqlType:
    """Return decimal of that many digits."""
    return SqlType("decimal", precision=precision, scale=scale)


@dataclass(frozen=True)
class Collation:
    """A collation: its five bytes on the wire, and the code page of its varchar."""

    name: str
    wire: bytes
    code_page: str


def collation(name: str) -> Collation:
    """Return the collation of that name; one of a language unknown here counts as Latin1_General."""
    if name.startswith("SQL_Latin1"):
        return Collation(name, bytes.fromhex("0904d00034"), "cp1252")
    for prefix, language, page in (
        ("Chinese_PRC", 0x0804, "cp936"), ("Chinese_Taiwan", 0x0404, "cp950"), ("Japanese", 0x0411, "cp932"),
    ):  # fmt: skip
        if name.startswith(prefix):
            return Collation(name, struct.pack("<I", language | 0x00D00000) + b"\0", page)
    return Collation(name, struct.pack("<I", 0x0409 | 0x00D00000) + b"\0", "cp1252")


@dataclass(frozen=True)
class Dialect:
    """What types depend on: the version of TDS and the server's collation."""

    version: int
    collation: Collation

    def fitting(self, kind: SqlType) -> SqlType:
        """Return the type that stands for `kind` with a client of this version: old ones know no datetime2."""
        if self.version < V7_3A and kind.name in ("datetime2", "date"):
            return nvarchar(27)
        if self.version < V7_1 and kind.name == "sql_variant":
            return nvarchar(4000)
        return kind


# ---- TYPE_INFO

_FIXED = {
    "bit": (0x68, 1), "tinyint": (0x26, 1), "smallint": (0x26, 2), "int": (0x26, 4), "bigint": (0x26, 8),
    "real": (0x6D, 4), "float": (0x6D, 8), "datetime": (0x6F, 8), "smalldatetime": (0x6F, 4),
    "uniqueidentifier": (0x24, 16),
}  # fmt: skip
_VARIABLE = {"nvarchar": 0xE7, "nchar": 0xEF, "varchar": 0xA7, "char": 0xAF, "varbinary": 0xA5, "binary": 0xAD}
_LARGE_OBJECT = {"nvarchar": 0x63, "varchar": 0x23, "varbinary": 0x22}  # ntext, text, image: what max was before 2005


def type_info(kind: SqlType, dialect: Dialect) -> bytes:
    """Return TYPE_INFO of a column of that type."""
    kind = dialect.fitting(kind)
    name = kind.name
    if name in _FIXED:
        return bytes(_FIXED[name])
    if name == "decimal":
        return bytes([0x6C, 17, kind.precision, kind.scale])
    if name == "sql_variant":
        return b"\x62" + struct.pack("<I", 8009)
    if name == "date":
        return b"\x28"
    if name == "datetime2":
        return bytes([0x2A, kind.scale])
    collated = b"" if kind.is_binary or dialect.version < V7_1 else dialect.collation.wire
    if kind.size == MAX and dialect.version < V7_2:
        return bytes([_LARGE_OBJECT[name]]) + struct.pack("<I", 0x7FFFFFFF) + collated
    if kind.size == MAX:
        return bytes([_VARIABLE[name]]) + b"\xff\xff" + collated
    return bytes([_VARIABLE[name]]) + struct.pack("<H", kind.size * (2 if name in UNICODE else 1)) + collated


# ---- values


def value(kind: SqlType, given: Any, dialect: Dialect) -> bytes:
    """Return a value of that type as a row carries it; None is NULL."""
    fitting = dialect.fitting(kind)
    if fitting is not kind and given is not None:
        given = given.isoformat(" ") if isinstance(given, datetime.datetime) else str(given)
    kind = fitting
    if kind.name == "sql_variant":
        return _variant(given, dialect)
    if kind.name in _VARIABLE:
        raw = None if given is None else _raw(kind, given, dialect)
        return _sized(kind, raw, dialect)
    if given is None:
        return b"\0"
    raw = _ENCODERS[kind.name](given, kind)
    return bytes([len(raw)]) + raw


def _raw(kind: SqlType, given: Any, dialect: Dialect) -> bytes:
    if kind.is_binary:
        raw = bytes(given)
        return raw.ljust(kind.size, b"\0") if kind.name == "binary" else raw
    words = str(given).ljust(kind.size) if kind.name in ("nchar", "char") else str(given)
    if kind.name in UNICODE:
        return words.encode("utf-16-le", "surrogatepass")
    return words.encode(dialect.collation.code_page, "replace")


def _sized(kind: SqlType, raw: bytes | None, dialect: Dialect) -> bytes:
    if kind.size != MAX:
        return b"\xff\xff" if raw is None else struct.pack("<H", len(raw)) + raw
    if dialect.version < V7_2:
        pointer = b"\x10" + b"dummy textptr\0\0\0" + b"dummyTS\0"
        return b"\0" if raw is None else pointer + struct.pack("<I", len(raw)) + raw
    if raw is None:
        return b"\xff" * 8
    chunk = struct.pack("<I", len(raw)) + raw if raw else b""
    return struct.pack("<Q", len(raw)) + chunk + b"\0\0\0\0"


def _variant(given: Any, dialect: Dialect) -> bytes:
    """Return a value as sql_variant, with the type that it has by itself ([MS-TDS] 2.2.5.5.4)."""
    if given is None:
        return b"\0\0\0\0"
    if isinstance(given, bool):
        body = bytes([0x32, 0]) + bytes([given])
    elif isinstance(given, int):
        wide = not -(2**31) <= given < 2**31
        body = bytes([0x7F if wide else 0x38, 0]) + struct.pack("<q" if wide else "<i", given)
    elif isinstance(given, float):
        body = bytes([0x3E, 0]) + struct.pack("<d", given)
    elif isinstance(given, uuid.UUID):
        body = bytes([0x24, 0]) + given.bytes_le
    elif isinstance(given, datetime.datetime):
        body = bytes([0x3D, 0]) + _datetime(given, DATETIME)
    else:
        raw = str(given).encode("utf-16-le", "surrogatepass")
        collated = dialect.collation.wire if dialect.version >= V7_1 else b""
        body = bytes([0xE7, len(collated) + 2]) + collated + struct.pack("<H", max(len(raw), 2)) + raw
    return struct.pack("<I", len(body)) + body


def _datetime(given: Any, _kind: SqlType) -> bytes:
    """Days since 1900 and ticks of 1/300 s; a time that rounds up to midnight is the next day's."""
    since = given - FIRST_OF_1900
    ticks = round((since.seconds + since.microseconds / 1e6) * 300)
    days = since.days + ticks // (86400 * 300)
    return struct.pack("<iI", days, ticks % (86400 * 300))


def _small_datetime(given: Any, _kind: SqlType) -> bytes:
    since = given - FIRST_OF_1900
    return struct.pack("<HH", since.days, since.seconds // 60)


def _days(given: Any) -> bytes:
    day = given.date() if isinstance(given, datetime.datetime) else given
    return bytes((day.toordinal() - 1).to_bytes(3, "little"))


def _datetime2(given: Any, kind: SqlType) -> bytes:
    ticks = (given.hour * 3600 + given.minute * 60 + given.second) * 10**7 + given.microsecond * 10
    length = 3 if kind.scale <= 2 else 4 if kind.scale <= 4 else 5
    return bytes((ticks // 10 ** (7 - kind.scale)).to_bytes(length, "little")) + _days(given)


def _decimal(given: Any, kind: SqlType) -> bytes:
    number = Decimal(str(given))
    unscaled = int(abs(number).scaleb(kind.scale).to_integral_value())
    return bytes([0 if number < 0 else 1]) + unscaled.to_bytes(16, "little")


_ENCODERS: dict[str, Callable[[Any, SqlType], bytes]] = {
    "bit": lambda given, _: bytes([bool(given)]),
    "tinyint": lambda given, _: struct.pack("<B", int(given)),
    "smallint": lambda given, _: struct.pack("<h", int(given)),
    "int": lambda given, _: struct.pack("<i", int(given)),
    "bigint": lambda given, _: struct.pack("<q", int(given)),
    "real": lambda given, _: struct.pack("<f", float(given)),
    "float": lambda given, _: struct.pack("<d", float(given)),
    "uniqueidentifier": lambda given, _: (given if isinstance(given, uuid.UUID) else uuid.UUID(str(given))).bytes_le,
    "datetime": _datetime, "smalldatetime": _small_datetime, "datetime2": _datetime2,
    "date": lambda given, _: _days(given), "decimal": _decimal,
}  # fmt: skip
