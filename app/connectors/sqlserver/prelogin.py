"""Asks a server for its version before anything else: TDS's own first packet, which needs no login (MS-TDS 2.2.6.5).

The driver matrix is one of versions, and only the server knows its own."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from app.errors import NotSent
from app.texts import Text, text

_TYPE, _VERSION, _ENCRYPTION, _END = 0x12, 0, 1, 0xFF
_HEADER = struct.Struct(">BBHHBB")
_NOT_SUPPORTED = 2


@dataclass(frozen=True)
class Greeting:
    """What a server says of itself: major version (9 is 2005; 0: it did not say) and whether it can encrypt."""

    major: int = 0
    can_encrypt: bool | None = None


def greet(address: str, port: int, timeout: float) -> Greeting:
    """Return what the server at that address says of itself. A port that answers otherwise is left to the drivers.

    Raises NotSent where nobody can be reached: unknown host, closed port, no answer in `timeout` seconds."""
    try:
        with socket.create_connection((address, port), timeout) as connection:
            connection.sendall(_request())
            return _greeting(_answer(connection))
    except socket.gaierror as error:
        raise _unreachable(text("The host {address} is not known.", address=address), _NAME, error) from None
    except TimeoutError as error:
        why = text("{address} does not answer on port {port}.", address=address, port=port)
        raise _unreachable(why, _FIREWALL, error) from None
    except ConnectionRefusedError as error:
        why = text("Port {port} of {address} is closed.", address=address, port=port)
        raise _unreachable(why, _SERVICE, error) from None
    except (EOFError, ConnectionResetError, ValueError, struct.error):
        return Greeting()
    except OSError as error:
        why = text("{address} cannot be reached.", address=address)
        raise _unreachable(why, _FIREWALL, error) from None


def _request() -> bytes:
    options = ((_VERSION, bytes(6)), (_ENCRYPTION, b"\x00"), (2, b"\x00"), (3, bytes(4)), (4, b"\x00"))
    at, table, data = 5 * len(options) + 1, b"", b""
    for token, value in options:
        table += struct.pack(">BHH", token, at + len(data), len(value))
        data += value
    body = table + bytes([_END]) + data
    return _HEADER.pack(_TYPE, 1, _HEADER.size + len(body), 0, 0, 0) + body


def _answer(connection: socket.socket) -> bytes:
    length = _HEADER.unpack(_exactly(connection, _HEADER.size))[2]
    return _exactly(connection, max(length - _HEADER.size, 0))


def _exactly(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise EOFError
        got += part
    return got


def _greeting(body: bytes) -> Greeting:
    at, options = 0, {}
    while body[at : at + 1] not in (b"", bytes([_END])):
        token, offset, length = struct.unpack_from(">BHH", body, at)
        options[token] = body[offset : offset + length]
        at += 5
    version, encryption = options.get(_VERSION, b""), options.get(_ENCRYPTION, b"")
    return Greeting(version[0] if version else 0, encryption[0] != _NOT_SUPPORTED if encryption else None)


_NAME = text("Look at the address in the profile, and at name resolution.")
_SERVICE = text("Look whether SQL Server runs, whether TCP/IP is enabled in it, and at the port in the profile.")
_FIREWALL = text("Look at the firewall, the port in the profile, and whether the server runs.")


def _unreachable(why: Text, do: Text, error: OSError) -> NotSent:
    return NotSent(text("SQL Server cannot be reached."), why, do, details=str(error))
