"""A cursor over the bytes of a message; running past the end is Malformed, never anything else."""

from __future__ import annotations

import struct
from typing import Any

from app.lab.sqlserver.tds.packets import Malformed


class Reader:
    """Reads numbers and texts from `data`, little-endian as TDS writes them."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def bytes(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise Malformed(f"{count} bytes announced where {self.left} are")
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, layout: str) -> Any:
        """Return the one value of that struct layout."""
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))[0]

    def byte(self) -> int:
        return self.bytes(1)[0]

    def word(self) -> int:
        return int(self.unpack("<H"))

    def long(self) -> int:
        return int(self.unpack("<I"))

    def text(self, characters: int) -> str:
        return utf16(self.bytes(2 * characters))

    def peek(self) -> int | None:
        return self.data[self.at] if self.left else None


def utf16(data: bytes) -> str:
    """Return UTF-16LE as text; half a pair is kept as SQL Server keeps it, odd bytes are Malformed."""
    if len(data) % 2:
        raise Malformed("half a character")
    return data.decode("utf-16-le", "surrogatepass")
