"""A vCenter of the practice environment on a real port, and a client of another make than ViewKeeper's connector."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import SoapStubAdapter

from app.lab.lab import Lab
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import support, vim

KEEPER, AUDITOR = "PRACTICE\\viewkeeper", "PRACTICE\\auditor"


@pytest.fixture
def server(lab: Lab) -> Iterator[VCenterServer]:
    """vc1, API 5.0."""
    yield from serving(VCenterServer(lab, "vc1"))


@pytest.fixture
def old_server(lab: Lab) -> Iterator[VCenterServer]:
    """vc2, API 4.1."""
    yield from serving(VCenterServer(lab, "vc2"))


def serving(server: VCenterServer) -> Iterator[VCenterServer]:
    server.start()
    yield server
    server.stop()


Connect = Callable[..., Any]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Gives a ServiceInstance at a server: logged in as `account`, or as nobody for None."""
    stubs = []

    def connected(server: VCenterServer, account: str | None = KEEPER, api: str = "") -> Any:
        certificate, _ = server.lab.certificates.of(server.system)
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        version = support.versionMap[f"vim25/{api or server.service.row.api}"]
        stub: Any = SoapStubAdapter("127.0.0.1", server.port, version=version, sslContext=context)
        stubs.append(stub)
        service = vim.ServiceInstance("ServiceInstance", stub)
        if account:
            service.RetrieveContent().sessionManager.Login(account, server.lab.passwords.of(account))
        return service

    yield connected
    for stub in stubs:
        stub.DropConnections()
