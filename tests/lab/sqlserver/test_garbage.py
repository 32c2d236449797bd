"""Whatever a client sends, the server neither hangs nor falls: it goes on serving the others."""

from __future__ import annotations

import socket
import struct
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.lab.sqlserver.tds.messages import Encrypt, write_prelogin

FRAME = struct.Struct(">BBHHBB")


def packet(kind: int, body: bytes, status: int = 1) -> bytes:
    return FRAME.pack(kind, status, len(body) + 8, 0, 0, 0) + body


def said_to(port: int, data: bytes) -> bytes:
    """Send bytes, close our side, and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        found = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                found += part
        except ConnectionError:  # it hung up on us: an answer too
            pass
        return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([0, 1, 3, 6, 14, 16, 17, 18, 22, 255]), st.booleans())
def test_garbage_ends_with_the_connection_closed(
    servers: Any, raw: bytes, kind: int, framed: bool
) -> None:  # a kind of garbage
    hello = packet(18, write_prelogin((0, 0, 0), Encrypt.NOT_SUPPORTED))
    said_to(servers["sql2"].port, hello + (packet(kind, raw) if framed else raw))


def test_after_garbage_the_others_are_served(servers: Any, client: Any, run: Any) -> None:
    for data in (
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        packet(16, bytes(86)),
        packet(18, b""),
        b"\x00" * 100,
    ):
        said_to(servers["sql1"].port, data)
    assert run(client.connect(), "SELECT 1")[0] == [(1,)]


def test_a_message_without_end_is_cut_off(servers: Any) -> None:
    endless = packet(18, bytes(4000), status=0) * 40
    assert said_to(servers["sql1"].port, endless) == b""


def test_a_length_shorter_than_its_header_is_cut_off(servers: Any) -> None:
    assert said_to(servers["sql1"].port, FRAME.pack(18, 1, 3, 0, 0, 0)) == b""
