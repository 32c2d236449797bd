from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.lab import process
from app.lab.lab import Lab, Server


class FakeServer:
    """Listens, and says nothing. Keeps its port over a stop, as the real ones do."""

    def __init__(self, lab: Lab, system: str) -> None:
        self.system, self.port = system, 0
        self.starts = 0
        self._socket: socket.socket | None = None

    def start(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self.starts += 1

    def stop(self) -> None:
        assert self._socket is not None, "it was running"
        self._socket.close()
        self._socket = None

    @property
    def listens(self) -> bool:
        return self._socket is not None


SYSTEMS = (
    *(f"winrm:{name}" for name in ("broker1", "broker2", "security1", "composer1", "vcenter1", "vcenter2")),
    *("winrm:sql1", "winrm:sql2", "sql:sql1", "sql:sql2", "vcenter:vc1", "vcenter:vc2"),
)


def fake_servers(lab: Lab) -> list[Server]:
    return [FakeServer(lab, system) for system in SYSTEMS]


@pytest.fixture
def running(tmp_path: Path) -> Callable[..., Any]:
    """Returns a context manager that serves a lab in a thread, with servers that only listen."""

    @contextmanager
    def serve(data: Path = tmp_path, **options: Any) -> Iterator[process.Published]:
        stopping = threading.Event()
        code: list[int] = []
        arguments = (data, {"desktops": 40, "pace": "0"}, fake_servers, stopping)
        thread = threading.Thread(target=lambda: code.append(process.serve(*arguments, **options)))
        thread.start()
        try:
            published = None
            while published is None and thread.is_alive():
                published = process.published(data)
            assert published is not None, code
            yield published
        finally:
            stopping.set()
            thread.join()
            assert code == [0]

    return serve
