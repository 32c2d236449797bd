"""How files travel: in parts, under a temporary name, hashed on both ends, then renamed."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath
from typing import BinaryIO, Protocol, TypeAlias

from app.connectors.winrm.facts import Fetched
from app.errors import Refused, Stopped, UserError
from app.texts import text

PART = ".part"
READ = 16 * 1024 * 1024
"""Bytes that one remote command reads: its base64 streams through, so the shell's memory does not grow with it."""
WRITTEN = 2 * 1024 * 1024
"""Bytes that one remote command writes: it holds them, their base64 and the script in memory."""

Progress: TypeAlias = Callable[[float], None]
log = logging.getLogger(__name__)


class ThereAlready(UserError):
    """Something lies already where a file was to be put that replaces nothing."""


class Far(Protocol):
    """The files of one Windows host."""

    @property
    def name(self) -> str: ...
    def hashed(self, path: str) -> Fetched: ...
    def parts(self, path: str, size: int, stop: Callable[[], bool]) -> Iterator[bytes]: ...


class FarDisk(Protocol):
    """Where files are put."""

    @property
    def name(self) -> str: ...
    def write_part(self, path: str, offset: int, content: bytes) -> int: ...
    def hashed(self, path: str) -> Fetched: ...
    def rename(self, path: str, to: str) -> None: ...
    def claim(self, path: str, to: str) -> None: ...
    def remove(self, path: str) -> None: ...


def fetch(far: Far, path: str, to: Path, progress: Progress | None, stop: Callable[[], bool]) -> Fetched:
    """Fetch `path` into the file `to`, which is there whole or not at all.

    Raises UserError where what arrived is not what lies there, OSError of this computer's disk, Stopped."""
    expected = far.hashed(path)
    temporary = to.with_name(to.name + PART)
    digest, size = hashlib.sha256(), 0
    try:
        with temporary.open("wb") as file:
            for part in far.parts(path, expected.size, stop):
                file.write(part)
                digest.update(part)
                size += len(part)
                _report(progress, size, expected.size)
            file.flush()
            os.fsync(file.fileno())
        _compare(far.name, path, expected, Fetched(size, digest.hexdigest()))
        temporary.replace(to)
        _flush_folder(to.parent)
    finally:
        temporary.unlink(missing_ok=True)
    _report(progress, 1, 1)
    return expected


def put(
    far: FarDisk, content: bytes | Path, path: str, progress: Progress | None, stop: Callable[[], bool], *,
    temporary: str = "", only_new: bool = False,
) -> Fetched:  # fmt: skip
    """Put bytes, or a file of this computer, at `path` on the host, where it is whole or as it was before.

    `temporary` is its name on the way, for writers who may come at the same time; with `only_new` nothing that lies
    at `path` is replaced: ThereAlready."""
    temporary = temporary or path + PART
    try:
        sent = _write(far, content, temporary, progress, stop)
        _compare(far.name, path, far.hashed(temporary), sent)
        (far.claim if only_new else far.rename)(temporary, path)
        _compare(far.name, path, far.hashed(path), sent)
    except BaseException:
        try:
            far.remove(temporary)
        except UserError as error:  # the first error tells more
            log.info("%s: %s stays behind (%s)", far.name, temporary, error.what)
        raise
    return sent


def _write(
    far: FarDisk, content: bytes | Path, path: str, progress: Progress | None, stop: Callable[[], bool]
) -> Fetched:
    digest, offset = hashlib.sha256(), 0
    total = content.stat().st_size if isinstance(content, Path) else len(content)
    for part in _parts_of(content):
        if stop():
            raise Stopped
        end = far.write_part(path, offset, part)
        digest.update(part)
        offset += len(part)
        if end != offset:
            raise _cut(far.name, path, offset, end)
        _report(progress, offset, total)
    return Fetched(offset, digest.hexdigest())


def share_path(address: str, path: str) -> str:
    r"""Return `path` as the administrative share of its drive shows it: \\host\C$\folder\file."""
    windows = PureWindowsPath(path)
    drive = windows.drive
    if len(drive) != 2 or drive[1] != ":" or not windows.root:
        raise Refused(text("{path} cannot be fetched through an administrative share: it names no drive.", path=path))
    return str(PureWindowsPath(f"\\\\{address}\\{drive[0]}$\\", *windows.parts[1:]))


def share_parts(
    address: str, path: str, stop: Callable[[], bool], opened: Callable[[str], BinaryIO] | None = None
) -> Iterator[bytes]:
    """Yield a file's bytes through Windows' own file sharing, as the user who runs this program.

    `opened` opens a UNC path for reading; Windows' own way is taken where it is not given."""
    if opened is None and sys.platform != "win32":
        raise Refused(
            text("Files can be fetched through an administrative share only where this program runs on Windows."),
            do=text("Choose WinRM as the way files travel in the profile."),
        )
    unc = share_path(address, path)
    try:
        with (opened or _open)(unc) as file:
            while part := file.read(4 * 1024 * 1024):
                if stop():
                    raise Stopped
                yield part
    except OSError as error:
        raise UserError(
            text("The file {unc} cannot be read.", unc=unc),
            text("{reason}.", reason=error.strerror or type(error).__name__),
            text("See whether you may open that share, or choose WinRM as the way files travel in the profile."),
        ) from error


def _open(path: str) -> BinaryIO:
    return Path(path).open("rb")


def _parts_of(content: bytes | Path) -> Iterator[bytes]:
    """Yield at least one part, so that an empty file is made too."""
    if isinstance(content, bytes):
        yield from (content[start : start + WRITTEN] for start in range(0, max(1, len(content)), WRITTEN))
        return
    with content.open("rb") as file:
        yield file.read(WRITTEN)
        while part := file.read(WRITTEN):
            yield part


def compare(host: str, path: str, far: Fetched, content: bytes) -> None:
    """Raise UserError where bytes that were read are not those that the host has hashed."""
    _compare(host, path, far, Fetched(len(content), hashlib.sha256(content).hexdigest()))


def _compare(host: str, path: str, far: Fetched, near: Fetched) -> None:
    if far == near:
        return
    raise UserError(
        text("{path} on {host} did not travel whole.", path=path, host=host),
        text("There it has {far} bytes and SHA-256 {far_hash}, here {near} bytes and {near_hash}.",
             far=far.size, far_hash=far.sha256, near=near.size, near_hash=near.sha256),
        text("Try again; if it happens again, something on that host changes the file while it is read."),
    )  # fmt: skip


def _cut(host: str, path: str, sent: int, there: int) -> UserError:
    return UserError(
        text("{path} on {host} was not written whole.", path=path, host=host),
        text("{sent} bytes were sent, {there} are there.", sent=sent, there=there),
        text("See whether the disk is full, then try again."),
    )


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(min(1.0, done / total) if total else 1.0)


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # Windows has no handle to flush a folder by; its renames are journaled
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
