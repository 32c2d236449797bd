"""A command that runs on a Windows host: its streams, its end, and the fault that it meets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from app.lab.rows import Fault

if TYPE_CHECKING:
    from app.lab.windows.host import Host

PIPE = 1 << 20  # bytes that a command may be ahead of its reader


class Terminated(Exception):
    """The command was ended from outside: a signal, its shell's end, or the host's."""


class ToolError(Exception):
    """A command line tool ends with `code` after printing `message` (on standard error where `to_stderr`)."""

    def __init__(self, code: int, message: str, *, to_stderr: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.to_stderr = code, message, to_stderr


class Ending(StrEnum):
    """What becomes of the connection when a command has ended."""

    ANSWER = "answer"
    DROP = "drop"


class Job:
    """One command. Its tool runs in a thread of its own and writes; Receive takes; Send feeds; Signal ends it."""

    def __init__(self, host: Host, account: str, line: str, *, codepage: str, folder: str, variables: dict[str, str]):
        self.host, self.account, self.line = host, account, line
        self.codepage, self.folder, self.variables = codepage, folder, variables
        self.name = ""
        self.exit_code: int | None = None
        self.ending = Ending.ANSWER
        self.fault: Fault | None = None
        self._condition = threading.Condition()
        self._streams = {"stdout": bytearray(), "stderr": bytearray()}
        self._input, self._input_ended = bytearray(), False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    # ---- the shell's side

    def start(self, run: Callable[[Job], int]) -> None:
        """Run `run` in a thread; what it returns is the exit code."""
        self._thread = threading.Thread(target=self._main, args=(run,), name=f"{self.host.system} command", daemon=True)
        self._thread.start()

    def feed(self, content: bytes, *, end: bool) -> None:
        """Append to standard input; what comes after its end is not read by anyone."""
        with self._condition:
            if not self._input_ended:
                self._input += content
                self._input_ended = end
            self._condition.notify_all()

    def receive(self, size: int, timeout: float) -> tuple[bytes, bytes, bool] | None:
        """Return up to `size` bytes of both streams, and whether that was all; None where nothing came in time."""
        with self._condition:
            self._condition.wait_for(lambda: any(self._streams.values()) or self.done, timeout)
            out = self._take("stdout", size)
            error = self._take("stderr", size - len(out))
            self._condition.notify_all()
            if not out and not error and not self.done:
                return None
            return out, error, self.done and not any(self._streams.values())

    def terminate(self) -> None:
        """Ask the command to end; it does at its next step."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()

    def join(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def done(self) -> bool:
        return self.exit_code is not None

    def _take(self, stream: str, size: int) -> bytes:
        taken = bytes(self._streams[stream][:size])
        del self._streams[stream][:size]
        return taken

    def _main(self, run: Callable[[Job], int]) -> None:
        code = 1
        try:
            code = run(self)
        except Terminated:
            code = 1
        finally:
            with self._condition:
                self.exit_code = code
                self._condition.notify_all()

    # ---- the tool's side

    def write(self, content: bytes, stream: str = "stdout") -> None:
        """Write bytes; waits while the reader is far behind."""
        with self._condition:
            self._condition.wait_for(lambda: len(self._streams[stream]) < PIPE or self.lost or self._stopped.is_set())
            if self._stopped.is_set():
                raise Terminated
            if not self.lost:
                self._streams[stream] += content
            self._condition.notify_all()

    @property
    def lost(self) -> bool:
        """Say whether nobody will read the answer any more."""
        return self.ending is Ending.DROP

    def input(self) -> bytes:
        """Return standard input, whole; waits for its end."""
        with self._condition:
            self._condition.wait_for(lambda: self._input_ended or self._stopped.is_set())
            if self._stopped.is_set():
                raise Terminated
            return bytes(self._input)

    def wait(self, seconds: float) -> None:
        """Let real time pass; raises Terminated when the command is ended meanwhile."""
        if self._stopped.wait(seconds):
            raise Terminated

    def takes(self, seconds: float) -> None:
        """Let pass what takes `seconds` in a real environment."""
        self.wait(self.host.world.takes(seconds))

    def hang(self) -> None:
        """Never come back, until ended."""
        self._stopped.wait()
        raise Terminated

    def met(self, *kinds: str) -> bool:
        """Say whether this command's fault is one of `kinds`."""
        return self.fault is not None and self.fault.kind in kinds
