"""The tokens of a response ([MS-TDS] 2.2.7), for one version of TDS."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.lab.sqlserver.tds.types import MAX, Dialect, SqlType, type_info, value
from app.lab.sqlserver.tds.versions import V7_2, V7_4

MORE, ERROR, IN_TRANSACTION, COUNT, ATTENTION = 0x01, 0x02, 0x04, 0x10, 0x20
DONE, DONE_PROCEDURE, DONE_IN_PROCEDURE = 0xFD, 0xFE, 0xFF
SELECT, SET, USE, EXECUTE, BACKUP, RESTORE, OTHER = 0xC1, 0xBE, 0xE1, 0xE0, 0xE7, 0xED, 0
NEW_DATABASE, NEW_LANGUAGE, NEW_PACKET_SIZE, NEW_COLLATION = 1, 2, 4, 7
BEGAN, COMMITTED, ROLLED_BACK, RESET = 8, 9, 10, 18


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    kind: SqlType


@dataclass(frozen=True)
class Said:
    """An error or a message of the server, as INFO and ERROR carry it."""

    number: int
    text: str
    severity: int = 0
    state: int = 1
    line: int = 1
    procedure: str = ""


def short(text: str) -> bytes:
    """Return a text whose length is one byte."""
    return bytes([len(text)]) + text.encode("utf-16-le", "surrogatepass")


def _long(text: str) -> bytes:
    raw = text.encode("utf-16-le", "surrogatepass")
    return struct.pack("<H", len(raw) // 2) + raw


class Tokens:
    """Writes tokens for one client: its version of TDS, the server's collation and name."""

    def __init__(self, dialect: Dialect, server: str) -> None:
        self.dialect, self.server = dialect, server

    @property
    def version(self) -> int:
        return self.dialect.version

    def said(self, message: Said) -> bytes:
        """Return ERROR for severities above 10, else INFO."""
        line = struct.pack("<I" if self.version >= V7_2 else "<H", message.line & 0xFFFF)
        body = struct.pack("<iBB", message.number, message.state, message.severity) + _long(message.text[:2000])
        body += short(self.server) + short(message.procedure[:128]) + line
        return bytes([0xAA if message.severity > 10 else 0xAB]) + struct.pack("<H", len(body)) + body

    def columns(self, columns: Sequence[Column]) -> bytes:
        """Return COLMETADATA."""
        return b"\x81" + struct.pack("<H", len(columns)) + b"".join(self._column(column) for column in columns)

    def _column(self, column: Column) -> bytes:
        nullable_and_readonly = 0x0009
        head = struct.pack("<IH" if self.version >= V7_2 else "<HH", 0, nullable_and_readonly)
        info = type_info(column.kind, self.dialect)
        if column.kind.size == MAX and self.version < V7_2:
            info += struct.pack("<H", 0)  # text and image name their table
        return head + info + short(column.name[:128])

    def row(self, columns: Sequence[Column], values: Sequence[Any]) -> bytes:
        dialect = self.dialect
        return b"\xd1" + b"".join(
            [value(column.kind, given, dialect) for column, given in zip(columns, values, strict=True)]
        )

    def done(self, status: int = 0, command: int = OTHER, rows: int = 0, kind: int = DONE) -> bytes:
        """Return DONE, DONEPROC or DONEINPROC."""
        return bytes([kind]) + struct.pack("<HHQ" if self.version >= V7_2 else "<HHI", status, command, rows)

    def environment(self, number: int, new: bytes, old: bytes) -> bytes:
        """Return ENVCHANGE; `new` and `old` carry their lengths."""
        body = bytes([number]) + new + old
        return b"\xe3" + struct.pack("<H", len(body)) + body

    def renamed(self, number: int, new: str, old: str) -> bytes:
        return self.environment(number, short(new), short(old))

    def logged_in(self, release: tuple[int, int, int]) -> bytes:
        """Return LOGINACK, with the server's version: by it clients tell 2005 from 2008."""
        major, minor, build = release
        program = bytes([major, minor]) + struct.pack(">H", build)
        body = b"\x01" + struct.pack(">I", self.version) + short("Microsoft SQL Server") + program
        return b"\xad" + struct.pack("<H", len(body)) + body

    def no_features(self) -> bytes:
        """Return FEATUREEXTACK that grants nothing; none for clients before 7.4, which would wait for ever."""
        return b"\xae\xff" if self.version >= V7_4 else b""

    def status(self, number: int) -> bytes:
        """Return RETURNSTATUS."""
        return b"\x79" + struct.pack("<i", number)

    def returned(self, name: str, kind: SqlType, given: Any) -> bytes:
        """Return RETURNVALUE of an output parameter."""
        head = struct.pack("<H", 0) + short(name[:128]) + b"\x01"
        head += struct.pack("<IH" if self.version >= V7_2 else "<HH", 0, 0)
        body = head + type_info(kind, self.dialect) + value(kind, given, self.dialect)
        return b"\xac" + body

    def sspi(self, token: bytes) -> bytes:
        return b"\xed" + struct.pack("<H", len(token)) + token
