"""Locks of the operating system on files: they go with the process, however that ends; and patience with others'."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

PATIENCE = 2.0  # seconds that a virus scanner, or a reader, may have a file open
LOOK = 0.05

Found = TypeVar("Found")
LOCKED_BYTE = 1 << 20  # far behind the words in the file: Windows keeps others from reading a locked byte


def lock(path: Path) -> IO[bytes] | None:
    """Open a file, made where it is missing, and lock it until it is closed; None where another process has it.

    Raises OSError where the file cannot be opened."""
    file = path.open("a+b")
    if take(file):
        return file
    file.close()
    return None


def patiently(act: Callable[[], Found]) -> Found:
    """Carry out what Windows refuses while another program has the file open, as often as it takes; returns its answer.

    Raises the PermissionError that is still there after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK)


if sys.platform == "win32":
    import msvcrt

    def take(file: IO[bytes]) -> bool:
        """Lock an open file; returns whether it could be had."""
        file.seek(LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def release(file: IO[bytes]) -> None:
        """Give an open file's lock up."""
        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def take(file: IO[bytes]) -> bool:
        """Lock an open file; returns whether it could be had."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(file: IO[bytes]) -> None:
        """Give an open file's lock up."""
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
