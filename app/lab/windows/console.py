"""What a command prints, and where it goes: the shell's streams, a file, or nowhere."""

from __future__ import annotations

from typing import Protocol

from app.lab.windows.commandline import CommandLine
from app.lab.windows.host import Host
from app.lab.windows.job import Job


class Sink(Protocol):
    """Takes bytes."""

    def write(self, content: bytes) -> None: ...


class _Stream:
    def __init__(self, job: Job, name: str) -> None:
        self._job, self._name = job, name

    def write(self, content: bytes) -> None:
        self._job.write(content, self._name)


class _Nowhere:
    def write(self, content: bytes) -> None:
        """Forget it."""


class _File:
    """A file that output goes to. It is made when the command begins, and filled when it has ended."""

    def __init__(self, job: Job, path: str, *, append: bool) -> None:
        self._job, self._path = job, path
        old = job.host.file(path)
        self._content = bytearray(job.host.world.content(old.blob) if append and old else b"")
        if not append or old is None:
            job.host.write(job, f"{job.name} > {path}", path, bytes(self._content))

    def write(self, content: bytes) -> None:
        self._content += content

    def close(self) -> None:
        if self._content:
            self._job.host.write(self._job, f"{self._job.name} > {self._path}", self._path, bytes(self._content))


class Console:
    """The two outputs of one command, in the shell's code page; lines end as on Windows."""

    def __init__(self, job: Job, line: CommandLine | None = None) -> None:
        self.job = job
        self._sinks: dict[int, Sink] = {1: _Stream(job, "stdout"), 2: _Stream(job, "stderr")}
        self._files: list[_File] = []
        for redirection in line.redirections if line else ():
            target = redirection.target
            if target.startswith("&"):
                self._sinks[redirection.stream] = self._sinks[int(target[1])]
            elif target.lower().rstrip(":") == "nul":
                self._sinks[redirection.stream] = _Nowhere()
            else:
                self._sinks[redirection.stream] = self._file(target, append=redirection.append)

    @property
    def host(self) -> Host:
        return self.job.host

    def out(self, text: str = "") -> None:
        """Print a line (or several) on standard output."""
        self.raw(self._encoded(text + "\n"))

    def error(self, text: str) -> None:
        """Print a line (or several) on standard error."""
        self._sinks[2].write(self._encoded(text + "\n"))

    def raw(self, content: bytes) -> None:
        """Write bytes as they are on standard output."""
        self._sinks[1].write(content)

    def close(self) -> None:
        """Give what was redirected to its files."""
        for file in self._files:
            file.close()

    def path(self, written: str) -> str:
        """Return the absolute path of what was written on this command's line."""
        return self.host.path(written, self.job.folder)

    def _file(self, target: str, *, append: bool) -> _File:
        file = _File(self.job, self.path(target), append=append)
        self._files.append(file)
        return file

    def _encoded(self, text: str) -> bytes:
        return text.replace("\n", "\r\n").encode(self.job.codepage, "replace")
