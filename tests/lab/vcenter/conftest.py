"""A vCenter of the practice environment on a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from app.lab.lab import Lab
from app.lab.rows import Account, Fault, Row, Setting
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import adapter, support, vim
from tests.lab.vcenter.client import CLERK, KEEPER, Client, Connect, trusting


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
def connect() -> Iterator[Connect]:
    """Gives a Client of a server: logged in as `account`, or as nobody for None."""
    stubs = []

    def connected(server: VCenterServer, account: str | None = KEEPER, api: str = "") -> Client:
        version = support.versionMap[f"vim25/{api or server.service.row.api}"]
        stub: Any = adapter.SoapStubAdapter("127.0.0.1", server.port, version=version, sslContext=trusting(server))
        stubs.append(stub)
        client = Client(server, vim.ServiceInstance("ServiceInstance", stub), stub)
        if account:
            client.content.sessionManager.Login(account, server.lab.passwords.of(account))
        return client

    yield connected
    for stub in stubs:
        stub.DropConnections()


@pytest.fixture
def change(lab: Lab) -> Callable[..., None]:
    """Changes fields of a row, or puts rows."""

    def changed(row: Row, *others: Row, **fields: Any) -> None:
        lab.world.change("test", "a test changes the world", msgspec.structs.replace(row, **fields), *others)

    return changed


@pytest.fixture
def fault(lab: Lab) -> Callable[..., None]:
    """Puts a fault on demand."""

    def put(call: str, kind: str, *, times: int = -1, detail: str = "", system: str = "vcenter:vc1") -> None:
        made = Fault(id=f"{kind} {call}", system=system, call=call, kind=kind, times=times, detail=detail)
        lab.world.change("test", "a fault", made)

    return put


@pytest.fixture
def clerk(lab: Lab) -> Account:
    """An account that may do nothing until a permission says so."""
    account = Account(name=CLERK)
    lab.passwords.of(CLERK)
    lab.world.change("test", "a clerk", account)
    return account


@pytest.fixture
def later(lab: Lab) -> Callable[[float], None]:
    """Moves the world's clock on."""

    def move(seconds: float) -> None:
        lab.world.change("test", "time passes", Setting(name="clock_offset", value=str(seconds)))

    return move
