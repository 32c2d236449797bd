"""A vCenter of the practice environment: SOAP over HTTPS, one thread for every connection."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import socket
import threading

from app.lab.lab import Lab, server_context
from app.lab.rows import Fault
from app.lab.vcenter.service import Service
from app.lab.vcenter.web import Handler

HANDSHAKE = 30.0  # seconds that a client has for it


class VCenterServer:
    """The vCenter `name` of `lab` on a free port of 127.0.0.1."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.system, self.port = lab, f"vcenter:{name}", 0
        self.service = Service(lab, name, self.system)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None

    def start(self) -> None:
        """Listen, on the port of the last start if there was one. Nobody is logged in then."""
        self._stopping.clear()
        self.service.sessions.clear()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "nt":
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009  # Windows has it
        else:  # there it means: although connections of the last start are still closing
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener, self.port = listener, listener.getsockname()[1]
        self.lab.certificates.of(self.system)
        self._accepting = threading.Thread(
            target=self._accept, args=(listener,), name=f"{self.system} accepts", daemon=True
        )
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection and wait until all threads have ended."""
        self._stopping.set()
        if self._listener:
            # shutdown wakes the thread that waits in accept on Linux, close does on Windows
            _shut(self._listener)
            self._listener.close()
        if self._accepting:
            self._accepting.join()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            _shut(connection)
        for thread in connections:
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while not self._stopping.is_set():
                try:
                    connection, address = listener.accept()
                except OSError:  # stop() has shut it
                    return
                thread = threading.Thread(
                    target=self._serve, args=(connection, address), name=f"{self.system} serves", daemon=True
                )
                with self._lock:
                    self._connections[thread] = connection
                thread.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        thread = threading.current_thread()
        try:
            if self._refuses() or self._stopping.is_set():
                return
            context = server_context(self.lab.certificates.of(self.system))  # it may have been changed since
            with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as tls:
                with self._lock:
                    self._connections[thread] = tls
                tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                tls.settimeout(HANDSHAKE)
                tls.do_handshake()
                tls.settimeout(None)
                Handler(tls, address, self.service, self._stopping)
        except OSError:  # the client went away, or refused the certificate: its affair
            return
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(thread, None)

    def _refuses(self) -> bool:
        """Say whether a fault refuses the connection itself: kind refuse, its call matching "connect"."""
        faults = self.lab.world.all(Fault, system=self.system, kind="refuse")
        if not any(fault.times and fnmatch.fnmatchcase("connect", fault.call.lower()) for fault in faults):
            return False
        met = self.lab.fault(self.system, "connect")
        return met is not None and met.kind == "refuse"


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not TLS's own, which another thread is using
