"""Connectors to the practice vCenters on real ports."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from app.connectors.vsphere import VSphere
from app.lab.lab import Lab
from app.lab.rows import Fault, Row, Setting
from app.lab.vcenter.server import VCenterServer
from app.profile import VCenter
from app.wire import Command

KEEPER = "PRACTICE\\viewkeeper"
Open = Callable[..., VSphere]


@pytest.fixture
def server(lab: Lab) -> Iterator[VCenterServer]:
    """vc1, API 5.0."""
    server = VCenterServer(lab, "vc1")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def old_server(lab: Lab) -> Iterator[VCenterServer]:
    """vc2, API 4.1."""
    server = VCenterServer(lab, "vc2")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sent() -> list[Command]:
    """What connectors said that they were about to send."""
    return []


@pytest.fixture
def open_(sent: list[Command]) -> Iterator[Open]:
    """Gives a connector to a server; `fields` replace the profile's, `password` the right one."""
    opened = []

    def opening(
        server: VCenterServer, *, password: str | None = None, context: ssl.SSLContext | None = None,
        seconds: float = 30.0, **fields: Any,
    ) -> VSphere:  # fmt: skip
        name = server.system.partition(":")[2]
        vcenter = VCenter(name=name, address="127.0.0.1", port=server.port, account=KEEPER)
        vcenter = msgspec.structs.replace(vcenter, **fields)
        if context is None:
            context = ssl.create_default_context(cafile=str(server.lab.certificates.of(server.system)[0]))
            context.check_hostname = False
        right = server.lab.passwords.of(vcenter.account) if password is None else password
        opened.append(VSphere(vcenter, right, context=context, tap=sent.append, seconds=seconds))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


@pytest.fixture
def vsphere(server: VCenterServer, open_: Open) -> VSphere:
    """A connector to vc1."""
    return open_(server)


@pytest.fixture
def change(lab: Lab) -> Callable[..., None]:
    """Changes fields of a row."""

    def changed(row: Row, **fields: Any) -> None:
        lab.world.change("test", "a test changes the world", msgspec.structs.replace(row, **fields))

    return changed


@pytest.fixture
def fault(lab: Lab) -> Callable[..., None]:
    """Puts a fault on demand."""

    def put(call: str, kind: str, *, times: int = -1, detail: str = "", system: str = "vcenter:vc1") -> None:
        made = Fault(id=f"{kind} {call}", system=system, call=call, kind=kind, times=times, detail=detail)
        lab.world.change("test", "a fault", made)

    return put


@pytest.fixture
def expire(lab: Lab, server: VCenterServer) -> Callable[[], None]:
    """Lets all sessions expire, by the world's clock."""
    passed = [0]

    def expired() -> None:
        passed[0] += 4000
        lab.world.change("test", "time passes", Setting(name="clock_offset", value=str(passed[0])))

    return expired
