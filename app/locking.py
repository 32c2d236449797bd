"""Locks of the operating system on files: they go with the process, however that ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

LOCKED_BYTE = 1 << 20  # far behind the words in the file: Windows keeps others from reading a locked byte


def lock(path: Path) -> IO[bytes] | None:
    """Open a file, made where it is missing, and lock it until it is closed; None where another process has it.

    Raises OSError where the file cannot be opened."""
    file = path.open("a+b")
    if take(file):
        return file
    file.close()
    return None


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
