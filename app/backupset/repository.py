"""The folder of backup sets: making a set, finding sets, and what goes wrong with the disk they lie on.

Order of writing: files under temporary names, flushed and renamed; their hashes; the manifest last, renamed into place,
and the folder flushed. A folder without a manifest is not a backup set.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.backupset import manifest as manifests
from app.backupset.manifest import Manifest
from app.errors import Refused, UserError
from app.texts import Text, text

TEMPORARY = ".part"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Found:
    """A folder of the repository: a set with its manifest, or what is wrong with it (`problem`)."""

    folder: Path
    manifest: Manifest | None
    problem: Text | None = None

    @property
    def state(self) -> Text:
        """How it stands, as far as its manifest tells: only reading it tells how it is now."""
        if self.manifest is None:
            return self.problem or text("incomplete: it has no manifest")
        return text("whole when made") if self.manifest.read_whole else text("not known; verify it")


def folder_name(started: datetime.datetime, run: str) -> str:
    """Return the name of a set's folder: its UTC time and its run."""
    return f"{started.astimezone(datetime.UTC):%Y-%m-%dT%H%M%SZ}-{run}"


def folder_of(repository: str | Path, profile: str, name: str) -> Path:
    """Return where a profile's set of that name lies."""
    return Path(repository).expanduser().absolute() / profile / name


def make_folder(folder: Path) -> None:
    """Make a set's folder; it may exist already (a resumed run)."""
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        flush_folder(folder.parent)


def write_file(path: Path, content: bytes) -> tuple[int, str]:
    """Write a small file whole or not at all; returns size and SHA-256 of what is then on the disk."""
    with guarded(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_folder(path.parent)
        return sha256(path)


def sha256(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with guarded(path), path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def complete(folder: Path, manifest: Manifest) -> Manifest:
    """Make a folder a backup set by writing its manifest, the last of all files. Returns what can be read back."""
    for part in manifest.parts:
        flush_file(folder / part.file)
    write_file(folder / manifests.NAME, manifests.encode(manifest))
    flush_folder(folder.parent)
    return open_set(folder)


def withdraw(folder: Path) -> None:
    """Take the manifest away from a folder that turned out to be no set."""
    with guarded(folder):
        (folder / manifests.NAME).unlink(missing_ok=True)
        flush_folder(folder)


def open_set(folder: Path) -> Manifest:
    """Return the manifest of a set; Refused where the folder is none."""
    path = folder / manifests.NAME
    if not path.is_file():
        raise Refused(
            text("{folder} is not a backup set.", folder=str(folder)),
            text("There is no manifest in it: the run that made it did not end well, or it is another folder."),
            text("List the sets, and choose another."),
        )
    with guarded(path):
        return manifests.decode(path.read_bytes(), path)


def sets(repository: str | Path, profile: str | None = None) -> list[Found]:
    """Return what lies in the repository, newest first: sets, and folders that are none, with the reason."""
    root = Path(repository).expanduser().absolute()
    if not root.is_dir():
        return []
    with guarded(root):
        profiles = [root / profile] if profile else sorted(path for path in root.iterdir() if path.is_dir())
        folders = [folder for p in profiles if p.is_dir() for folder in p.iterdir() if folder.is_dir()]
    return [_found(folder) for folder in sorted(folders, key=lambda folder: folder.name, reverse=True)]


def _found(folder: Path) -> Found:
    if not (folder / manifests.NAME).exists():
        return Found(folder, None, text("incomplete: it has no manifest"))
    try:
        return Found(folder, open_set(folder))
    except UserError as error:
        return Found(folder, None, error.what)


def free_space(repository: str | Path) -> int:
    """Return the bytes that are free where the repository lies, or would lie. Raises UserError where nothing can be
    written there."""
    path = Path(repository).expanduser().absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    with guarded(path), tempfile.TemporaryFile(dir=path):
        return shutil.disk_usage(path).free


def flush_file(path: Path) -> None:
    """Make a file's content outlast a power cut."""
    with guarded(path), path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make renames in a folder outlast a power cut. Windows has no such call: NTFS journals the rename itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into a sentence: full, gone, not allowed, or as the system says."""
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error


def disk_error(path: Path, error: OSError) -> UserError:
    """Return what a failure of the repository's disk means, for people."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why, do = text("The disk is full."), text("Make room, or choose another repository; then resume the run.")
    elif error.errno in (errno.ENOENT, errno.ENODEV, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN):
        why = text("It has gone away ({reason}).", reason=error.strerror or str(error))
        do = text("See whether the disk or share is connected; then resume the run.")
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why, do = text("Writing or reading there is not allowed."), text("Give your account the right, then resume.")
    else:
        why, do = Text(error.strerror or str(error)), text("Mend what the system names, then resume the run.")
    return UserError(text("The repository cannot be used at {path}.", path=str(path)), why, do)
