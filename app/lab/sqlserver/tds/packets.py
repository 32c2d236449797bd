"""Packets and messages of TDS over a socket, and TLS inside them ([MS-TDS] 2.2.3)."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import sys
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">BBHHBB")
END_OF_MESSAGE = 0x01
RESET_CONNECTION = 0x08
RESET_CONNECTION_KEEP_TRANSACTION = 0x10
FIRST_PACKET_SIZE = 4096


class Kind(IntEnum):
    """What a packet carries."""

    BATCH = 1
    RPC = 3
    RESPONSE = 4
    ATTENTION = 6
    BULK = 7
    TRANSACTION = 14
    LOGIN = 16
    SSPI = 17
    PRELOGIN = 18


_KINDS = frozenset(int(kind) for kind in Kind)


class Gone(Exception):
    """The client closed the connection."""


class Malformed(Exception):
    """What came is not TDS."""


@dataclass(frozen=True)
class Message:
    """One message, put together from its packets; `reset` asks for a fresh session before it is carried out."""

    kind: int
    body: bytes
    reset: bool = False


class Channel:
    """One connection's packets. `limit` bounds a message, so that no client can fill the memory."""

    def __init__(self, connection: socket.socket, *, limit: int) -> None:
        self._socket = connection
        self._tls: ssl.SSLObject | None = None
        self._into, self._out_of = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._read_ahead = b""
        self._number = 0
        self.limit = limit
        self.packet_size = FIRST_PACKET_SIZE

    # ---- reading

    def read(self) -> Message:
        """Return the next message. Gone when the client closed, Malformed when it is none."""
        parts: list[bytes] = []
        size, reset, kind = 0, False, None
        while True:
            packet_kind, status, length, _, _, _ = HEADER.unpack(self._exactly(HEADER.size))
            if length < HEADER.size or (kind is not None and packet_kind != kind):
                raise Malformed(f"packet of kind {packet_kind} and length {length}")
            if packet_kind not in _KINDS:
                raise Malformed(f"unknown kind of packet {packet_kind}")
            size += length
            if size > self.limit:
                raise Malformed(f"a message of more than {self.limit} bytes")
            kind = packet_kind
            parts.append(self._exactly(length - HEADER.size))
            reset = reset or bool(status & (RESET_CONNECTION | RESET_CONNECTION_KEEP_TRANSACTION))
            if status & END_OF_MESSAGE:
                return Message(kind, b"".join(parts), reset)

    def waits(self, seconds: float) -> bool:
        """Wait up to `seconds` for something to read; say whether there is."""
        if self._read_ahead or (self._tls is not None and (self._tls.pending() or self._into.pending)):
            return True
        try:
            return _readable(self._socket, max(seconds, 0.0))
        except (OSError, ValueError) as error:  # the socket was closed under it by the server's stop
            raise Gone from error

    def _exactly(self, count: int) -> bytes:
        while len(self._read_ahead) < count:
            self._read_ahead += self._some()
        taken, self._read_ahead = self._read_ahead[:count], self._read_ahead[count:]
        return taken

    def _some(self) -> bytes:
        if self._tls is None:
            return self._received()
        while True:
            try:
                plain = self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._into.write(self._received())
                continue
            except ssl.SSLError as error:
                raise Gone from error
            if not plain:
                raise Gone
            return plain

    def _received(self) -> bytes:
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    # ---- writing

    def write(self, body: bytes, *, last: bool, kind: Kind = Kind.RESPONSE) -> None:
        """Send `body` in packets; `last` ends the message."""
        room = self.packet_size - HEADER.size
        chunks = [body[at : at + room] for at in range(0, len(body), room)] or [b""]
        for index, chunk in enumerate(chunks):
            ends = last and index == len(chunks) - 1
            self._number = (self._number + 1) & 0xFF
            head = HEADER.pack(kind, END_OF_MESSAGE if ends else 0, len(chunk) + HEADER.size, 51, self._number, 0)
            self._send(head + chunk)

    def _send(self, data: bytes) -> None:
        try:
            if self._tls is not None:
                self._tls.write(data)
                data = self._out_of.read()
            self._socket.sendall(data)
        except (OSError, ssl.SSLError) as error:
            raise Gone from error

    # ---- TLS

    def begin_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands inside PRELOGIN packets; what follows goes through TLS. Gone where the client will not."""
        tls = context.wrap_bio(self._into, self._out_of, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                self._flush_handshake()
                raise Gone from error
            self._flush_handshake()
            if done:
                self._tls = tls
                return
            message = self.read()
            if message.kind != Kind.PRELOGIN:
                raise Malformed("expected the TLS handshake")
            self._into.write(message.body)

    def _flush_handshake(self) -> None:
        if waiting := self._out_of.read():
            self.write(waiting, last=True, kind=Kind.PRELOGIN)

    def end_tls(self) -> None:
        """Go on without TLS: it was for the login only."""
        self._tls = None


def _readable(connection: socket.socket, seconds: float) -> bool:
    if sys.platform == "win32":
        return bool(select.select([connection], [], [], seconds)[0])
    poll = select.poll()  # select knows no more than 1,024 descriptors there
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
