"""WinRM's listeners of one host: HTTPS and plain HTTP (only with message encryption), NTLM, one thread a connection."""

from __future__ import annotations

import base64
import binascii
import contextlib
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler
from typing import TypeAlias

from app.lab.lab import Lab, server_context
from app.lab.windows import sealing, soap
from app.lab.windows.faults import logon_fault
from app.lab.windows.host import Host
from app.lab.windows.logon import Logon, LogonFailed, UserFile, channel_certificate
from app.lab.windows.protocol import ConnectionLost, Protocol
from app.lab.windows.settings import quota

IDLE_SECONDS = 120  # HTTP.sys closes a connection that is silent for so long
Headers: TypeAlias = list[tuple[str, str]]
SOAP_TYPE = "application/soap+xml;charset=UTF-8"


class WindowsServer:
    """One Windows host on the wire. `port` is its HTTPS listener's, `http_port` that of the plain one."""

    def __init__(self, lab: Lab, host: str) -> None:
        self.lab, self.host = lab, Host(lab, host)
        self.system = self.host.system
        self.port = self.http_port = 0
        self._users = UserFile(lab)
        self._listeners: list[_Listener] = []
        self._protocol: Protocol | None = None

    def start(self) -> None:
        """Listen on two free ports of loopback; again on the same ones when it was stopped in between."""
        assert not self._listeners, "it is running"
        protocol = self._protocol = Protocol(self.host)
        secure = _Listener(self, protocol, self.port, secure=True)
        plain = _Listener(self, protocol, self.http_port, secure=False)
        self._listeners = [secure, plain]
        self.port, self.http_port = secure.port, plain.port
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """End every command, connection and thread."""
        for listener in self._listeners:
            listener.close_door()
        if self._protocol is not None:
            self._protocol.stop()
        for listener in self._listeners:
            listener.stop()
        self._listeners.clear()
        self._users.remove()

    def serve(self, connection: socket.socket, protocol: Protocol, *, secure: bool) -> None:
        """Answer one connection until either side ends it."""
        if not self.host.row.reachable or not self.host.row.listener:
            return
        certificate = b""
        if secure:
            files = self.lab.certificates.of(self.system)  # anew for each connection: it may have been changed
            certificate = channel_certificate(files)
            connection = server_context(files).wrap_socket(connection, server_side=True)
        try:
            _Handler(connection, self, protocol, Logon(self._users, certificate), secure=secure)
        finally:
            if secure:
                connection.close()


class _Listener:
    """A listening socket, the thread that accepts, and a thread for each connection; all of them end with `stop`."""

    def __init__(self, server: WindowsServer, protocol: Protocol, port: int, *, secure: bool) -> None:
        self._server, self._protocol, self._secure = server, protocol, secure
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._thread = threading.Thread(target=self._accept, name=f"{server.system} listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close_door(self) -> None:
        """Take no more connections, and shut those that are open."""
        with self._lock:
            self._closed = True
            open_ones = list(self._connections)
        _shut(self._socket)
        self._socket.close()
        for connection in open_ones:
            _shut(connection)

    def stop(self) -> None:
        self._thread.join()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                raise
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name=f"{self._server.system} connection", daemon=True
                )
                self._connections.add(connection)
                self._threads = [*(old for old in self._threads if old.is_alive()), thread]
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(IDLE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # a duplicate is served, so that `connection` stays a plain socket that stop() can shut
            with connection.dup() as served, contextlib.suppress(OSError, ssl.SSLError):  # the client went away
                self._server.serve(served, self._protocol, secure=self._secure)
        finally:
            with self._lock:
                self._connections.discard(connection)
            _shut(connection)
            connection.close()


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:  # elsewhere this lets nobody share the port, only have it back at once
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(64)
    return listening


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is shut already
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection. NTLM authenticates the connection, not the request."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Microsoft-HTTPAPI/2.0", ""
    wbufsize = -1
    timeout = None  # the socket has its own already

    def __init__(
        self, connection: socket.socket, server: WindowsServer, protocol: Protocol, logon: Logon, *, secure: bool
    ) -> None:
        self._windows, self._protocol, self._logon, self._secure = server, protocol, logon, secure
        super().__init__(connection, ("127.0.0.1", 0), None)  # type: ignore[arg-type]  # of no use here

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep quiet: what was called is in the wire log."""

    def do_POST(self) -> None:  # http.server calls it by this name
        """Answer one message."""
        most = quota(self._windows.host, "MaxEnvelopeSizekb") * 1024
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            self._answer(411)
        elif int(length) > most + sealing.ROOM:
            self._drain(int(length))
            self._answer(413)
        elif self.path.partition("?")[0].lower() != "/wsman":
            self._drain(int(length))
            self._answer(404)
        else:
            self._take(self.rfile.read(int(length)), most)

    def _drain(self, length: int) -> None:
        """Read a body that nobody wants: a client that is still sending would not hear the answer."""
        while length > 0 and (part := self.rfile.read(min(length, 1 << 16))):
            length -= len(part)

    def _take(self, body: bytes, most: int) -> None:
        anonymous = self.headers.get("WSMANIDENTIFY", "").lower() == "unauthenticated"
        if anonymous and b"Identify" in body and b"Action" not in body:
            self._answer(200, soap.identity("OS: 0.0.0 SP: 0.0 Stack: 2.0"))
            return
        try:
            token = self._authenticated()
            if token is not None:
                self._message(body, most, token)
        except ConnectionLost:
            self.close_connection = True

    def _message(self, body: bytes, most: int, token: Headers) -> None:
        if not body:
            self._answer(200, headers=token)
            return
        sealed = "encrypted" in self.headers.get("Content-Type", "")
        if not sealed and not self._secure:
            self._refuse()  # AllowUnencrypted=false
            return
        try:
            message = sealing.open_body(self._logon, body) if sealed else body
        except LogonFailed:
            self._answer(400)
            return
        if len(message) > most:
            self._answer(413)
            return
        status, answer = self._protocol.respond(message, self._logon.account)
        if sealed and answer:
            self._answer(status, sealing.seal_body(self._logon, answer), token, sealing.TYPE)
        else:
            self._answer(status, answer, token)

    def _authenticated(self) -> Headers | None:
        """Return the headers of an answer to who has logged on; None where the answer has been given already."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if not kind and self._logon.complete:
            return []
        if kind.lower() not in ("negotiate", "ntlm"):
            self._refuse()  # Basic too: it is switched off, as it is everywhere
            return None
        try:
            token = self._logon.step(base64.b64decode(value, validate=True))
        except (LogonFailed, binascii.Error):
            self._refuse()
            return None
        header = [("WWW-Authenticate", f"{kind} {base64.b64encode(token).decode('ascii')}")] if token else []
        if not self._logon.complete:
            self._answer(401, headers=header)
            return None
        return header if self._admitted() else None

    def _admitted(self) -> bool:
        fault = logon_fault(self._windows.lab, self._windows.system, self._logon.account)
        if fault is None:
            return True
        if fault.kind == "drop":
            raise ConnectionLost
        self._logon.forget()
        self._refuse()
        return False

    def _refuse(self) -> None:
        self._answer(401, headers=[("WWW-Authenticate", "Negotiate")])

    def _answer(self, status: int, body: bytes = b"", headers: Headers | None = None, kind: str = SOAP_TYPE) -> None:
        self.send_response(status)
        for name, value in headers or []:
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
