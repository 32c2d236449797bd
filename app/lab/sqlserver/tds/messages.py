"""What clients send: PRELOGIN, LOGIN7, batches, remote procedure calls, transaction requests ([MS-TDS] 2.2.6)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from app.lab.sqlserver.tds.packets import Malformed
from app.lab.sqlserver.tds.parameters import Parameter, read_parameter
from app.lab.sqlserver.tds.reader import Reader, utf16
from app.lab.sqlserver.tds.versions import V7_1, V7_2


class Encrypt(IntEnum):
    """What PRELOGIN says about encryption."""

    OFF = 0  # for the login only
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


@dataclass(frozen=True)
class Prelogin:
    """A client's PRELOGIN. Only what a server acts on is kept."""

    encrypt: Encrypt


@dataclass(frozen=True)
class Login:
    """A client's LOGIN7. `sspi` is the first token of integrated security, if it asks for that."""

    version: int
    packet_size: int
    host: str
    user: str
    password: str = field(repr=False)
    application: str
    interface: str
    database: str
    sspi: bytes | None = field(repr=False)
    asks_features: bool


class Procedure(IntEnum):
    """The procedures that are called by number."""

    SP_CURSOR = 1
    SP_CURSOROPEN = 2
    SP_CURSORPREPARE = 3
    SP_CURSOREXECUTE = 4
    SP_CURSORPREPEXEC = 5
    SP_CURSORUNPREPARE = 6
    SP_CURSORFETCH = 7
    SP_CURSOROPTION = 8
    SP_CURSORCLOSE = 9
    SP_EXECUTESQL = 10
    SP_PREPARE = 11
    SP_EXECUTE = 12
    SP_PREPEXEC = 13
    SP_PREPEXECRPC = 14
    SP_UNPREPARE = 15


@dataclass(frozen=True)
class Call:
    """One remote procedure call, by name (in lower case where it came as a number)."""

    procedure: str
    parameters: tuple[Parameter, ...]


def read_prelogin(body: bytes) -> Prelogin:
    """Read a PRELOGIN; Malformed where its offsets point nowhere."""
    options: dict[int, bytes] = {}
    reader = Reader(body)
    while (option := reader.byte()) != 0xFF:
        offset, length = reader.unpack(">H"), reader.unpack(">H")
        options[option] = Reader(body, offset).bytes(length)
    wish = options.get(1, b"\x02")[:1]
    if not wish or wish[0] & 0x3F not in frozenset(map(int, Encrypt)):
        raise Malformed("unknown wish for encryption")
    return Prelogin(Encrypt(wish[0] & 0x3F))


def write_prelogin(release: tuple[int, int, int], encrypt: Encrypt) -> bytes:
    """Return the server's PRELOGIN: its version, its word on encryption, no instance checked, no MARS."""
    major, minor, build = release
    options = [
        (0, struct.pack(">BBHH", major, minor, build, 0)),
        (1, bytes([encrypt])),
        (2, b"\0"),
        (3, b""),
        (4, b"\0"),
    ]
    head, data = b"", b""
    for number, value in options:
        head += struct.pack(">BHH", number, 5 * len(options) + 1 + len(data), len(value))
        data += value
    return head + b"\xff" + data


def read_login(body: bytes) -> Login:
    """Read a LOGIN7; Malformed where it is none."""
    if len(body) < 86:
        raise Malformed("a LOGIN7 that is too short")
    version, packet_size = struct.unpack_from("<II", body, 4)
    flags2, flags3 = body[25], body[27]

    def part(index: int) -> bytes:
        offset, length = struct.unpack_from("<HH", body, 36 + 4 * index)
        return Reader(body, offset).bytes(2 * length)

    sspi_at, sspi_length = struct.unpack_from("<HH", body, 78)
    sspi = Reader(body, sspi_at).bytes(sspi_length) if flags2 & 0x80 else None
    return Login(
        version=version, packet_size=packet_size, host=utf16(part(0)), user=utf16(part(1)), password=_clear(part(2)),
        application=utf16(part(3)), interface=utf16(part(6)), database=utf16(part(8)), sspi=sspi,
        asks_features=bool(flags3 & 0x10),
    )  # fmt: skip


def _clear(hidden: bytes) -> str:
    """Undo LOGIN7's hiding of a password: halves of each byte swapped, then XOR with A5."""
    return utf16(bytes((((byte ^ 0xA5) << 4) & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in hidden))


def _skip_headers(reader: Reader, version: int) -> None:
    """Skip ALL_HEADERS, which clients of TDS 7.2 and later put before a request."""
    if version >= V7_2:
        length = reader.long()
        if length < 4:
            raise Malformed("headers shorter than their length")
        reader.bytes(length - 4)


def read_batch(body: bytes, version: int) -> str:
    """Read the text of a SQL batch."""
    reader = Reader(body)
    _skip_headers(reader, version)
    return utf16(reader.bytes(reader.left))


def read_calls(body: bytes, version: int) -> list[Call]:
    """Read the remote procedure calls of one message; Malformed, or UnknownType where a parameter is."""
    reader = Reader(body)
    _skip_headers(reader, version)
    calls = []
    while reader.left:
        calls.append(_read_call(reader, version))
        if reader.peek() == _separator(version):
            reader.byte()
    return calls


def _separator(version: int) -> int:
    """Return the byte between two calls of one message."""
    return 0xFF if version >= V7_2 else 0x80


def _read_call(reader: Reader, version: int) -> Call:
    length = reader.word()
    if length == 0xFFFF and version >= V7_1:
        number = reader.word()
        if number not in frozenset(map(int, Procedure)):
            raise Malformed(f"unknown procedure number {number}")
        name = Procedure(number).name.lower()
    else:
        name = reader.text(length)
    reader.word()  # option flags: recompile, no metadata; nothing that changes the answer here
    parameters = []
    while reader.left and reader.peek() != _separator(version):
        parameters.append(read_parameter(reader, version))
    return Call(name, tuple(parameters))


class TransactionRequest(IntEnum):
    """The requests of the transaction manager that are answered."""

    BEGIN = 5
    COMMIT = 7
    ROLLBACK = 8
    SAVE = 9


def read_transaction(body: bytes, version: int) -> tuple[int, bool]:
    """Read a transaction manager request: its number, and whether it begins the next transaction at once."""
    reader = Reader(body)
    _skip_headers(reader, version)
    request = reader.word()
    if request in (TransactionRequest.COMMIT, TransactionRequest.ROLLBACK):
        reader.bytes(reader.byte())  # the transaction's name: its length counts bytes
        return request, bool(reader.left and reader.byte() & 1)
    return request, False
