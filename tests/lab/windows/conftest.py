"""A practice world of its own for each test, and its Windows hosts on real sockets."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.lab.certificates import Certificates
from app.lab.founding import found
from app.lab.lab import Lab
from app.lab.rows import Fault, WindowsHost
from app.lab.windows.server import WindowsServer
from app.lab.world import World

ACCOUNT = "PRACTICE\\viewkeeper"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One certificate for all tests that are not about certificates: making a key takes longer than most of them."""
    return Certificates(tmp_path_factory.mktemp("tls")).of("winrm:any")


@pytest.fixture
def lab(tmp_path: Path, made_once: tuple[Path, Path]) -> Iterator[Lab]:
    world = World(tmp_path, found)
    world.begin(desktops=10, pace="0")
    made = Lab(tmp_path, world)
    for host in world.all(WindowsHost):
        for path in made_once:
            shutil.copy(path, tmp_path / "tls" / f"winrm-{host.name}{path.suffix}")
    yield made
    made.close()


@pytest.fixture
def host(lab: Lab) -> Iterator[Callable[[str], WindowsServer]]:
    """Start hosts by name; all threads of theirs end with the test."""
    before = set(threading.enumerate())
    servers: dict[str, WindowsServer] = {}

    def start(name: str) -> WindowsServer:
        if name not in servers:
            servers[name] = WindowsServer(lab, name)
            servers[name].start()
        return servers[name]

    yield start
    for server in servers.values():
        server.stop()
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("winrm:")]
    assert not left, f"threads of a stopped host: {left}"


class Client:
    """pywinrm's Protocol with one shell, as a connector keeps it."""

    def __init__(
        self, server: WindowsServer, account: str, password: str, *, tls: bool = True, poll: int = 4, trusted: str = ""
    ) -> None:
        from winrm.protocol import Protocol

        certificate = trusted or str(server.lab.certificates.of(server.system)[0])
        self.protocol: Any = Protocol(
            f"https://127.0.0.1:{server.port}/wsman" if tls else f"http://127.0.0.1:{server.http_port}/wsman",
            transport="ntlm", username=account, password=password, ca_trust_path=certificate,
            message_encryption="auto" if tls else "always", proxy=None, operation_timeout_sec=poll,
            read_timeout_sec=poll + 20,
        )  # fmt: skip
        self._shell = ""

    @property
    def shell(self) -> str:
        if not self._shell:
            self._shell = self.protocol.open_shell(codepage=65001)
        return self._shell

    def run(self, line: str, stdin: bytes | None = None) -> tuple[int, str, str]:
        command = self.protocol.run_command(self.shell, line)
        if stdin is not None:
            self.protocol.send_command_input(self.shell, command, stdin, end=True)
        out, error, code = self.protocol.get_command_output(self.shell, command)
        self.protocol.cleanup_command(self.shell, command)
        return code, out.decode().replace("\r\n", "\n"), error.decode().replace("\r\n", "\n")

    def close(self) -> None:
        self.protocol.transport.close_session()


@pytest.fixture
def client(lab: Lab, host: Callable[[str], WindowsServer]) -> Iterator[Callable[..., Client]]:
    """Connect to a host by name."""
    made: list[Client] = []

    def connect(name: str = "broker1", account: str = ACCOUNT, **options: Any) -> Client:
        made.append(Client(host(name), account, lab.passwords.of(account), **options))
        return made[-1]

    yield connect
    for one in made:
        one.close()


@pytest.fixture
def fault(lab: Lab) -> Callable[..., None]:
    """Put a fault into the world."""

    def add(system: str, call: str, kind: str, times: int = -1, detail: str = "") -> None:
        lab.world.change("test", kind, Fault(id=kind, system=system, call=call, kind=kind, times=times, detail=detail))

    return add
