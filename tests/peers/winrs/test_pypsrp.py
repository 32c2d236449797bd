"""pypsrp's WinRS, which others wrote, finds Windows hosts where the practice environment has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pypsrp.exceptions import AuthenticationError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from app.lab.lab import Lab
from app.lab.rows import Service, WindowsHost
from app.lab.windows.server import WindowsServer

ACCOUNT = "PRACTICE\\viewkeeper"


@pytest.fixture
def hosts(lab: Lab) -> Iterator[dict[str, WindowsServer]]:
    servers = {host.name: WindowsServer(lab, host.name) for host in lab.world.all(WindowsHost)}
    for server in servers.values():
        server.start()
    yield servers
    for server in servers.values():
        server.stop()


def connect(lab: Lab, server: WindowsServer, *, secure: bool, password: str = "") -> Any:
    """Return pypsrp's connection: over HTTPS, or with NTLM's own encryption of messages over HTTP."""
    certificate, _ = lab.certificates.of(server.system)
    way: dict[str, Any] = {"port": server.http_port, "ssl": False, "encryption": "always"}
    if secure:
        way = {"port": server.port, "ssl": True, "encryption": "never", "cert_validation": str(certificate)}
    return WSMan("127.0.0.1", auth="ntlm", username=ACCOUNT, password=password or lab.passwords.of(ACCOUNT), **way)


def run(wsman: Any, command: str, *arguments: str) -> tuple[int | None, str, str]:
    with wsman, WinRS(wsman, codepage=65001) as shell:
        process = Process(shell, command, list(arguments))
        process.invoke()
        process.signal(SignalCode.CTRL_C)
        return process.rc, process.stdout.decode("utf-8"), process.stderr.decode("utf-8")


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http with encrypted messages"])
def test_winrs_queries_a_service_of_every_host(lab: Lab, hosts: dict[str, WindowsServer], secure: bool) -> None:
    for name, server in hosts.items():
        service = next(row for row in lab.world.all(Service, host=name) if row.state == "Running")
        code, out, err = run(connect(lab, server, secure=secure), "sc", "query", service.name)
        assert (code, err) == (0, ""), name
        assert f"SERVICE_NAME: {service.name}" in out
        assert "RUNNING" in out


def test_winrs_is_told_of_a_service_that_is_not_there(lab: Lab, hosts: dict[str, WindowsServer]) -> None:
    code, out, _ = run(connect(lab, hosts["broker1"], secure=True), "sc", "query", "nosuchservice")
    assert code == 1060
    assert "1060" in out


def test_winrs_sees_a_service_that_was_stopped(lab: Lab, hosts: dict[str, WindowsServer]) -> None:
    def state() -> str:
        return run(connect(lab, hosts["composer1"], secure=True), "sc", "query", "svid")[1]

    assert "RUNNING" in state()
    code, _, _ = run(connect(lab, hosts["composer1"], secure=True), "sc", "stop", "svid")
    assert code == 0
    assert "RUNNING" not in state()


def test_winrs_gets_chinese_through_in_utf8(lab: Lab, hosts: dict[str, WindowsServer]) -> None:
    assert run(connect(lab, hosts["broker1"], secure=False), "echo", "研发桌面")[1].strip() == "研发桌面"


def test_what_windows_does_not_know_fails_as_on_windows(lab: Lab, hosts: dict[str, WindowsServer]) -> None:
    code, _, err = run(connect(lab, hosts["broker1"], secure=True), "vdmbake")
    assert code == 1
    assert "'vdmbake' is not recognized as an internal or external command," in err


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http with encrypted messages"])
def test_winrs_is_refused_with_a_wrong_password(lab: Lab, hosts: dict[str, WindowsServer], secure: bool) -> None:
    with pytest.raises(AuthenticationError):
        run(connect(lab, hosts["broker1"], secure=secure, password="wrong"), "hostname")
