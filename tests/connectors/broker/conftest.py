"""A broker of the practice environment on real sockets."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest

from app import profile
from app.connectors.broker import Broker
from app.connectors.winrm import WinRm
from app.lab.lab import Lab
from app.lab.windows.server import WindowsServer


@pytest.fixture
def reach(lab: Lab) -> Iterator[Callable[..., Broker]]:
    """Return a broker's connector, as the account that is named."""
    server = WindowsServer(lab, "broker1")
    server.start()
    certificate, _ = lab.certificates.of(server.system)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    opened: list[WinRm] = []

    def make(account: str = "PRACTICE\\viewkeeper") -> Broker:
        host = profile.Host(name="broker1", address="127.0.0.1", port=server.port, account=account)
        opened.append(WinRm(host, lab.passwords.of(account), context=context))
        return Broker(profile.Broker(host=host), opened[-1])

    yield make
    for one in opened:
        one.close()
    server.stop()


@pytest.fixture
def broker(reach: Callable[..., Broker]) -> Broker:
    return reach()
