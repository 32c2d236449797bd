"""One wizard for one data folder: a second one asks the first to come to the front, and ends.

A lock on a file says who is the first; it goes with its process. The channel, a pipe of Windows' or an abstract socket
of Linux', is opened once the window stands; nothing but "show yourself" can be said over it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app import datafolder, locking

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SHOW, END = b"show", b"end"
PATIENCE = 10.0  # seconds that a wizard which is just opening may take to answer
LOOK = 0.05


class Single:
    """The first wizard's place. Raises BlockingIOError where another process has it, Refused where none can be had."""

    def __init__(self, data: Path) -> None:
        file = data / "wizard.lock"
        with datafolder.writing(file):
            held = locking.lock(file)
        if held is None:
            raise BlockingIOError
        self._held, self._data = held, data
        self._thread: threading.Thread | None = None

    def listen(self, show: Callable[[], None]) -> None:
        """Call `show`, in a thread of its own, whenever another wizard has asked."""
        self._thread = threading.Thread(target=_serve, args=(channel(self._data), show), name="single", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the place up."""
        if self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(PermissionError):
                _say(channel(self._data), END, PATIENCE)
            self._thread.join(PATIENCE)
        self._held.close()


def place_of(data: Path) -> Single | None:
    """Return the first wizard's place; None where another one has it, and has come to the front.

    One that is just opening is waited for, and one that is just ending. Raises BlockingIOError where one has the place
    and does not answer, PermissionError where its rights are other ones, Refused where no place can be had."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return Single(data)
        except BlockingIOError:
            if show_the_first(data, patience=0.0):
                return None
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK)


def show_the_first(data: Path, patience: float | None = None) -> bool:
    """Ask the wizard that has the place to come to the front; returns whether it has answered.

    `patience`: seconds that it may take to open its channel. Raises PermissionError where it lets only others in."""
    return _say(channel(data), SHOW, PATIENCE if patience is None else patience)


def channel(data: Path) -> str:
    """Return the channel's name for a data folder and the user who works with it."""
    import hashlib  # late: it loads OpenSSL, and the first window needs none

    who = f"{os.path.normcase(str(data.absolute()))}|{os.environ.get('USERNAME') or os.environ.get('USER', '')}"
    name = f"viewkeeper-{hashlib.sha256(who.encode()).hexdigest()[:24]}"
    return rf"\\.\pipe\{name}" if sys.platform == "win32" else f"\0{name}"


def _family() -> str:
    return "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"


def _serve(name: str, show: Callable[[], None]) -> None:
    from multiprocessing.connection import Listener

    try:
        listener = Listener(name, _family())
    except OSError:  # another program has the name: the wizard works, and only cannot be called
        return
    with listener:
        while True:
            try:
                with listener.accept() as caller:
                    caller.send_bytes(str(os.getpid()).encode())
                    said = caller.recv_bytes(16) if caller.poll(PATIENCE) else b""
                    if said == SHOW:
                        show()
                    caller.send_bytes(said)
                    if said == END:
                        return
            except (OSError, EOFError):  # a caller that went away; the next one may have more to say
                continue
            except RuntimeError:  # the window that would be shown is gone: a caller without an answer opens its own
                continue


def _say(name: str, word: bytes, patience: float) -> bool:
    """Say a word to the first wizard; returns whether it has heard it. Raises PermissionError."""
    try:
        with reached(name, patience) as first:
            if not first.poll(PATIENCE):
                return False
            _let_come_forward(int(first.recv_bytes(16)))
            first.send_bytes(word)
            return first.poll(PATIENCE) and first.recv_bytes(16) == word
    except PermissionError:
        raise
    except (OSError, EOFError, ValueError):
        return False


def reached(name: str, patience: float, line: Callable[[str, str], Connection] | None = None) -> Connection:
    """Return a line to the first wizard, which may be about to open its end: that is waited for.

    Raises PermissionError at once where Windows lets us not in: one of the two was started as an administrator."""
    from multiprocessing.connection import Client

    deadline = time.monotonic() + patience
    while True:
        try:
            return (line or Client)(name, _family())
        except PermissionError:
            raise
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK)


def _let_come_forward(process: int) -> None:
    """Windows lets a program come to the front only with the consent of the one that the user has just started."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(process)
