"""Message encryption of WinRM over plain HTTP (MS-WSMV 2.2.9.1): one sealed part in a multipart body."""

from __future__ import annotations

import re

from app.lab.windows.logon import Logon, LogonFailed

PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
ROOM = 1024  # bytes that the parts' headers, the signature and the boundaries may take

_BOUNDARY = b"--Encrypted Boundary"
_LENGTH = re.compile(rb"OriginalContent:[^\r\n]*;Length=(\d+)\r\n")
_STREAM = b"\tContent-Type: application/octet-stream\r\n"


def open_body(logon: Logon, body: bytes) -> bytes:
    """Return the clear message of a sealed body; raises LogonFailed where it is none, or sealed by someone else."""
    parts = body.split(_BOUNDARY + b"\r\n", 2)
    length = _LENGTH.search(parts[1]) if len(parts) == 3 else None
    end = body.rfind(_BOUNDARY + b"--")
    if length is None or end < 0 or not parts[2].startswith(_STREAM):
        raise LogonFailed("not a sealed message")
    start = len(body) - len(parts[2]) + len(_STREAM)
    content = body[start:end]
    size = int.from_bytes(content[:4], "little")
    if size > len(content) - 4:
        raise LogonFailed("not a sealed message")
    message = logon.unwrap(content[4 : 4 + size], content[4 + size :])
    if len(message) != int(length[1]):
        raise LogonFailed("not as long as it says")
    return message


def seal_body(logon: Logon, message: bytes) -> bytes:
    """Return the sealed body of an answer."""
    header, sealed, padding = logon.wrap(message)
    return b"".join((
        _BOUNDARY, b"\r\n\tContent-Type: ", PROTOCOL.encode(), b"\r\n\tOriginalContent: type=application/soap+xml;",
        b"charset=UTF-8;Length=%d\r\n" % (len(message) + padding), _BOUNDARY, b"\r\n", _STREAM,
        len(header).to_bytes(4, "little"), header, sealed, _BOUNDARY, b"--\r\n",
    ))  # fmt: skip
