"""The folder that the one-file executable unpacks itself into: held while it lives, removed where one was left behind.

PyInstaller's loader removes its folder when the program ends; one that was killed together with its program cannot.
What the first window does without is unpacked into the same folder when it is first asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import invalidate_caches
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import IO

from app import locking

MARK = "viewkeeper.unpacked"
"""A file in the folder that tells ours from other programs', and is locked as long as its process lives."""

UNPACKING = 120.0  # seconds in which a folder may be filled and its program not have begun yet

LATE = "late.tar.xz"
"""In the folder: the binary files of LATE_LIBRARIES, pressed as one: the executable is smaller, and starts sooner."""

LATE_LIBRARIES = frozenset({"_cffi_backend", "charset_normalizer", "cryptography", "pyodbc", "sspilib"})
"""Python's names of those libraries: what reaches another system, and so has time."""


def own() -> Path | None:
    """Return the folder that this process runs from; None where it is not the one-file executable."""
    folder = getattr(sys, "_MEIPASS", None)
    return Path(folder) if folder and (Path(folder) / MARK).exists() else None


def hold(folder: Path) -> IO[bytes] | None:
    """Lock a folder's mark until the file that is returned is closed; None where another process has it locked."""
    return locking.lock(folder / MARK)


def remove_left(place: Path | None = None, now: float | None = None) -> list[Path]:
    """Remove the folders that killed processes have left in `place` (where the loader has put our own); return which.

    One is left alone while its process lives, while it may still be being filled, and where it bears another's mark."""
    ours = own()
    place = place or (ours.parent if ours else None)  # not Python's temporary folder: the loader may choose another
    removed = []
    for folder in sorted(place.glob("_MEI*")) if place else []:
        if folder != ours and _left(folder, now or time.time()):
            shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is tried again at the next start
            removed += [] if folder.exists() else [folder]
    return removed


def _left(folder: Path, now: float) -> bool:
    try:
        if not (folder / MARK).is_file() or now - folder.stat().st_mtime < UNPACKING:
            return False
        held = hold(folder)
    except OSError:  # somebody else's, or just going away
        return False
    if held is None:
        return False
    held.close()
    return True


class LateLibraries(MetaPathFinder):
    """Finds nothing itself: unpacks LATE into its folder before the others look for one of LATE_LIBRARIES."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._turn, self._unpacked = folder, threading.Lock(), False

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Leave the search to the finders that follow. Raises UserError where LATE cannot be unpacked."""
        if fullname in LATE_LIBRARIES:
            with self._turn:
                self._unpack()

    def _unpack(self) -> None:
        if self._unpacked:
            return
        import io
        import lzma
        import tarfile

        try:
            whole = io.BytesIO(lzma.decompress((self._folder / LATE).read_bytes()))  # its sum is looked at here
            with tarfile.open(fileobj=whole, mode="r:") as archive:
                now = time.time()  # by the archive they are of 1970, and what tidies up takes old files away
                dated = (member.replace(mtime=now) for member in archive)
                archive.extractall(self._folder, members=dated, filter="data")
        except (OSError, lzma.LZMAError, tarfile.TarError) as error:
            raise _not_unpacked(self._folder, error) from error
        invalidate_caches()  # the finders that follow have looked into these folders before
        self._unpacked = True


def _not_unpacked(folder: Path, error: Exception) -> Exception:
    from app.errors import UserError
    from app.texts import text

    return UserError(
        text("A part of ViewKeeper could not be unpacked into {folder}.", folder=str(folder)),
        text("The system says: {reason}.", reason=getattr(error, "strerror", None) or str(error)),
        text("Make room on that disk, or copy ViewKeeper.exe anew, and start it again."),
    )


@contextlib.contextmanager
def others_find_their_own() -> Iterator[None]:
    """Let programs that are started meanwhile load their own libraries, and not those that were unpacked for us.

    Source: PyInstaller's manual, "Launching external programs from the frozen application", on SetDllDirectoryW."""
    folder = own()
    if folder is not None:
        _libraries_from(None)
    try:
        yield
    finally:
        if folder is not None:
            _libraries_from(str(folder))


def _libraries_from(folder: str | None) -> None:
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetDllDirectoryW(folder)


def fresh_environment() -> dict[str, str]:
    """Return the environment for starting this program again as one of its own, with files of its own."""
    return {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"}
