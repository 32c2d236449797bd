"""A SQL Server of the practice environment: listens on loopback, one thread for every connection."""

from __future__ import annotations

import socket
import ssl
import sys
import threading

from app.lab.lab import Lab, server_context
from app.lab.sqlserver.instance import Instance
from app.lab.sqlserver.session import Session
from app.lab.windows.logon import Logon, UserFile

MOST_CONNECTIONS = 256


class SqlServerServer:
    """Serves the instance `name` of the lab's world as system "sql:NAME"; `port` is chosen by start()."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.system = f"sql:{name}"
        self.port = 0
        self._lab = lab
        self._instance = Instance(lab, name)
        self._users = UserFile(lab)
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._accepting: threading.Thread | None = None

    def start(self) -> None:
        """Listen on a free port of loopback."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self._listener, self.port, self._stopping = listener, listener.getsockname()[1], False
        self._accepting = threading.Thread(target=self._accept, args=(listener,), name=self.system, daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection and wait until all threads have ended."""
        self._stopping = True
        if self._listener is not None:
            # shutdown wakes the thread that waits in accept on Linux, close does on Windows
            _shut(self._listener)
            self._listener.close()
        if self._accepting is not None:
            self._accepting.join()
        with self._lock:
            open_ones = dict(self._connections)
        for connection in open_ones:
            _shut(connection)
        for thread in open_ones.values():
            thread.join()
        self._users.remove()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener was closed
            with self._lock:
                if len(self._connections) >= MOST_CONNECTIONS:
                    connection.close()
                    continue
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name=f"{self.system} session", daemon=True
                )
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            Session(self._instance, connection, lambda: Logon(self._users), self._context()).serve()
        finally:
            with self._lock:
                self._connections.pop(connection, None)
            connection.close()

    def _context(self) -> ssl.SSLContext | None:
        """Return the TLS that this server speaks, with the certificate it has right now; None where it has none."""
        known = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2}
        version = known.get(self._instance.row.tls)
        if version is None:
            return None
        context = server_context(self._lab.certificates.of(self.system), version)
        context.maximum_version = version  # 1.3 cannot be carried inside PRELOGIN, and old servers know no newer one
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
