"""A Windows host of the practice environment on real sockets, and a connector that reaches it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest

from app.connectors.winrm import WinRm
from app.lab.lab import Lab
from app.lab.windows.server import WindowsServer
from app.profile import Authentication, Host
from app.wire import Tap, no_tap

ADMINISTRATOR = "PRACTICE\\viewkeeper"
Reach = Callable[..., WinRm]


@pytest.fixture
def server(lab: Lab) -> Iterator[WindowsServer]:
    made = WindowsServer(lab, "broker1")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def reach(lab: Lab, server: WindowsServer) -> Iterator[Reach]:
    """Return a connector to the host: over HTTPS, or over HTTP with message encryption."""
    opened: list[WinRm] = []

    def make(
        account: str = ADMINISTRATOR,
        password: str | None = None,
        *,
        tls: bool = True,
        tap: Tap = no_tap,
        patience: float = 20,
        port: int | None = None,
        authentication: Authentication = "ntlm",
    ) -> WinRm:
        chosen = port or (server.port if tls else server.http_port)
        host = Host(
            name=server.host.name, address="127.0.0.1", port=chosen, tls=tls, account=account,
            authentication=authentication,
        )  # fmt: skip
        secret = lab.passwords.of(account) if password is None else password
        context = trusting(lab, server.system) if tls else None
        opened.append(WinRm(host, secret, context=context, tap=tap, patience=patience))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def host(reach: Reach) -> WinRm:
    return reach()


def trusting(lab: Lab, system: str) -> ssl.SSLContext:
    certificate, _ = lab.certificates.of(system)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    return context
