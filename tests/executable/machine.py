"""The executable on a Windows: started with words, its answers read; its processes and folders seen from outside."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import paths
from build.windows import Windows

PATIENCE = 120.0  # seconds that one command may take; the loader unpacks its files first
LOOK = 0.05


@dataclass(frozen=True)
class Said:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one object that `--json` promises."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Executable:
    """The file that ships, in a folder as a user might choose it, with a data folder of its own."""

    windows: Windows
    file: Path
    data: Path

    def command(self, *words: str) -> list[str]:
        return self.windows.command(self.windows.path(self.file), *words)

    def environment(self, **more: str) -> dict[str, str]:
        return self.windows.environment({paths.DATA_VARIABLE: self.windows.path(self.data), **more})

    def start(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        """Start it with these words; what it prints comes by pipes, which `heard` reads."""
        return subprocess.Popen(
            self.command(*words), env=self.environment(**more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=self.file.parent, start_new_session=True,
        )  # fmt: skip

    def tell(self, *words: str, seconds: float = PATIENCE, **more: str) -> Said:
        """Carry out a command line, and return what it said and its exit code."""
        return heard(self.start(*words, **more), seconds)

    def answer(self, *words: str) -> dict[str, Any]:
        """Carry out a command that must succeed; returns its one object, by way of a file as a scheduled task does."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answer.json"
            first, *rest = words
            said = self.tell(first, "--json", "--out", self.windows.path(file), *rest)
            assert said.code == 0, f"{words}: {said.code} {said.out} {said.err}"
            found = json.loads(file.read_text("utf-8"))
        assert isinstance(found, dict)
        return found

    # ---- looked at from outside

    def processes(self) -> list[int]:
        """Return the processes that run this file: its loader and its program, the wizard's and the lab's.

        Their command lines name its folder, which ends in what no other folder's name has."""
        own = self.file.parent.name.rpartition(" ")[2]
        return [number for number, words in _running() if own in words and self.file.name in words]

    def kill(self) -> None:
        """Kill all of them at once, loader and program, as a power cut does."""
        for number in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        until(lambda: not self.processes(), "the end of what was killed")

    def unpacked(self) -> list[Path]:
        """Return the folders that living and killed ones have unpacked themselves into."""
        assert self.windows.prefix is not None
        return sorted(self.windows.prefix.glob("drive_c/users/*/Temp/_MEI*"))

    def here(self, place: str) -> Path:
        """Return how this machine calls a place that a Windows program has named."""
        assert self.windows.prefix is not None
        drive, rest = place[:2].lower(), place[2:].replace("\\", "/").lstrip("/")
        return Path("/", rest) if drive == "z:" else self.windows.prefix / f"drive_{drive[0]}" / rest


def heard(process: subprocess.Popen[bytes], seconds: float) -> Said:
    """Read a process' words until it has ended. Not to their end: a lab that it has started may hold the pipe open."""
    assert process.stdout is not None
    assert process.stderr is not None
    words: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as both:
        for stream in (process.stdout, process.stderr):
            os.set_blocking(stream.fileno(), False)
            both.register(stream, selectors.EVENT_READ)
            words[stream.fileno()] = bytearray()
        deadline = time.monotonic() + seconds
        ended = False
        while not ended:
            assert time.monotonic() < deadline, f"it has not ended within {seconds:.0f} s; it said: {words}"
            ended = process.poll() is not None  # looked at before the last reading
            for ready, _ in both.select(LOOK):
                words[ready.fd] += _read(ready.fd)
    out, err = (bytes(words[stream.fileno()]).decode() for stream in (process.stdout, process.stderr))
    process.stdout.close()
    process.stderr.close()
    return Said(process.returncode, out, err)


def _read(stream: int) -> bytes:
    found = b""
    while True:
        try:
            more = os.read(stream, 1 << 16)
        except BlockingIOError:
            return found
        if not more:
            return found
        found += more


def _running() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                yield int(entry.name), (entry / "cmdline").read_bytes().decode(errors="replace")


def until(reached: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline, f"{what} has not come within {within:.0f} s"
        time.sleep(LOOK)
