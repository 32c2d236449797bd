"""Opens a profile's connectors, each when first needed, hands each what it needs, and closes them all."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from app import profile as profiles
from app.secrets import Passwords
from app.trust import Trust
from app.wire import Command, Tap, no_tap

if TYPE_CHECKING:
    from app.connectors.broker import Broker
    from app.connectors.sqlserver import SqlServer
    from app.connectors.vsphere import VSphere
    from app.connectors.winrm import WinRm

T = TypeVar("T")


class Connections:
    """One connector per system of a profile. Not shared by threads that work side by side: each takes a `branch`."""

    def __init__(self, profile: profiles.Profile, passwords: Passwords, trust: Trust, tap: Tap = no_tap) -> None:
        self.profile, self.passwords, self.trust, self.tap = profile, passwords, trust, tap
        self._open: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def host(self, host: profiles.Host) -> WinRm:
        """Return the Windows host's connector."""
        return self._once("winrm", host.name, lambda: self._winrm(host))

    def broker(self, broker: profiles.Broker | None = None) -> Broker:
        """Return a broker's connector; without one named, the first broker's that the profile has."""
        chosen = broker or self.profile.brokers[0]
        return self._once("broker", chosen.host.name, lambda: self._broker(chosen))

    def vcenter(self, vcenter: profiles.VCenter) -> VSphere:
        """Return a vCenter's connector."""
        return self._once("vcenter", vcenter.name, lambda: self._vsphere(vcenter))

    def database_server(self, server: profiles.SqlServer) -> SqlServer:
        """Return the connector of the server that a database lies on."""
        return self._once("sql", server.name, lambda: self._sqlserver(server))

    def branch(self) -> Connections:
        """Return connections of its own for a part that runs beside others. Whoever takes it closes it."""
        return Connections(self.profile, self.passwords, self.trust, self.tap)

    def close(self) -> None:
        """Close what is open. A connector that cannot say goodbye does not keep the others from it."""
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        with contextlib.ExitStack() as stack:
            for connector in opened:
                stack.callback(connector.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sent(self, command: Command) -> None:
        """Tell whoever listens now: a run's steps listen one after the other on the same connectors."""
        self.tap(command)

    def _once(self, kind: str, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if (kind, name) in self._open:
                return cast("T", self._open[kind, name])
        made = make()  # outside the lock: a broker's connector asks for its host's
        with self._lock:
            self._open[kind, name] = made
        return made

    def _winrm(self, host: profiles.Host) -> WinRm:
        from app.connectors.winrm import WinRm

        system = f"winrm:{host.name}"
        context = None
        if host.tls:
            context = self.trust.context(system, host.address, host.port, old_tls=self.profile.options.old_tls)
        password, files_by = self.passwords.of(host.account, host.name), self.profile.options.files_by
        guard = self.passwords.guard(host.account, host.name)
        return WinRm(host, password, context=context, tap=self._sent, files_by=files_by, guard=guard)

    def _broker(self, broker: profiles.Broker) -> Broker:
        from app.connectors.broker import Broker

        return Broker(broker, self.host(broker.host))

    def _vsphere(self, vcenter: profiles.VCenter) -> VSphere:
        from app.connectors.vsphere import VSphere

        system = f"vcenter:{vcenter.name}"
        context = self.trust.context(system, vcenter.address, vcenter.port, old_tls=self.profile.options.old_tls)
        password = self.passwords.of(vcenter.account, vcenter.name)
        guard = self.passwords.guard(vcenter.account, vcenter.name)
        return VSphere(vcenter, password, context=context, tap=self._sent, guard=guard)

    def _sqlserver(self, server: profiles.SqlServer) -> SqlServer:
        from app.connectors.sqlserver import SqlServer

        password = self.passwords.of(server.account, server.name) if server.account else ""
        return SqlServer(server, password, tap=self._sent, guard=self.passwords.guard(server.account, server.name))


def systems(profile: profiles.Profile) -> Iterator[str]:
    """Yield the names of all systems that a profile reaches, as commands and logs call them."""
    yield from (f"winrm:{host.name}" for host in profile.hosts())
    yield from (f"vcenter:{vcenter.name}" for vcenter in profile.vcenters)
    yield from dict.fromkeys(f"sql:{database.server.name}" for database in profile.databases())
