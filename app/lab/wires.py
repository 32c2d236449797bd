"""Which servers answer: a system's port is closed while its host is away or the service behind it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from app.lab.lab import Server
from app.lab.rows import Service, SqlServer, VCenter, WindowsHost
from app.lab.services import running
from app.lab.world import World


def answers(world: World, system: str) -> bool:
    """Say whether a system (winrm:HOST, sql:SERVER, vcenter:NAME) listens."""
    kind, _, name = system.partition(":")
    if kind == "winrm":
        host = world.get(WindowsHost, name)
        return host is not None and host.reachable and host.listener and running(world, name, "WinRM")
    machine = _machine(world, kind, name)
    host = world.get(WindowsHost, machine)
    service = "vpxd" if kind == "vcenter" else "MSSQLSERVER"
    return host is not None and host.reachable and running(world, machine, service)


class Wires:
    """Starts and stops servers as the world has it. `start` returns when all that answer do so."""

    def __init__(self, world: World, servers: Sequence[Server]) -> None:
        self._world, self._servers = world, servers
        self._up: set[str] = set()
        self._stopping = False
        self._seen = 0
        self._thread = threading.Thread(target=self._run, name="lab wires", daemon=True)

    def start(self) -> None:
        for server in self._servers:  # all once, so that each has a port
            server.start()
            self._up.add(server.system)
        self._follow()
        self._thread.start()

    def stop(self) -> None:
        with self._world.changed:
            self._stopping = True
            self._world.changed.notify_all()
        self._thread.join()
        for server in self._servers:
            if server.system in self._up:
                server.stop()

    def _run(self) -> None:
        while True:
            with self._world.changed:
                while not (self._stopping or self._concerned()):
                    self._world.changed.wait()
                if self._stopping:
                    return
            self._follow()  # without the lock: a server that is stopped waits for calls that need it

    def _concerned(self) -> bool:
        events = self._world.events
        new = events[self._seen :] if self._seen <= len(events) else events  # it went back to an earlier state
        self._seen = len(events)
        return any(
            event.founding is not None or any(isinstance(row, Service | WindowsHost) for row in event.put)
            for event in new
        )

    def _follow(self) -> None:
        for server in self._servers:
            wanted = answers(self._world, server.system)
            if wanted and server.system not in self._up:
                server.start()
                self._up.add(server.system)
            elif not wanted and server.system in self._up:
                server.stop()
                self._up.discard(server.system)


def _machine(world: World, kind: str, name: str) -> str:
    row = world.get(VCenter, name) if kind == "vcenter" else world.get(SqlServer, name)
    return row.host if row is not None else ""
