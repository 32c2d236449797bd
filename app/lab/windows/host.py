"""One Windows host of the world: its files, its free space, and how a command's act reaches the world."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from app.lab.lab import Lab
from app.lab.rows import Account, Broker, Composer, HostFile, HostFolder, RegistryKey, Row, WindowsHost
from app.lab.windows.job import Job
from app.lab.world import World

_DRIVE = re.compile(r"[A-Za-z]:\\")
_FORBIDDEN = re.compile(r'[<>"|?*\x00-\x1f]')


class HostError(Exception):
    """What Windows says when a file or folder cannot be had: its error number and words."""

    def __init__(self, number: int, message: str, path: str) -> None:
        super().__init__(message)
        self.number, self.message, self.path = number, message, path


def no_such_file(path: str) -> HostError:
    """Return Windows' error 2."""
    return HostError(2, "The system cannot find the file specified.", path)


def no_such_folder(path: str) -> HostError:
    """Return Windows' error 3."""
    return HostError(3, "The system cannot find the path specified.", path)


def disk_full(path: str) -> HostError:
    """Return Windows' error 112."""
    return HostError(112, "There is not enough space on the disk.", path)


@dataclass(frozen=True)
class Item:
    """A file or folder as directory listings show it."""

    path: str
    folder: bool
    size: int = 0
    modified: float = 0.0

    @property
    def name(self) -> str:
        return ntpath.basename(self.path) or self.path


class Host:
    """A Windows host. Paths are absolute Windows paths; every error about them is a HostError."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name, self.system = lab, name, f"winrm:{name}"

    @property
    def world(self) -> World:
        return self.lab.world

    @property
    def row(self) -> WindowsHost:
        return self.world.require(WindowsHost, self.name)

    @property
    def broker(self) -> Broker | None:
        return self.world.get(Broker, self.name)

    @property
    def composer(self) -> Composer | None:
        return self.world.get(Composer, self.name)

    def account(self, name: str) -> Account | None:
        """Return the account of that name, any case."""
        return next((row for row in self.world.all(Account) if row.name.lower() == name.lower()), None)

    def administered_by(self, name: str) -> bool:
        account = self.account(name)
        return account is not None and ("*" in account.administers or self.name in account.administers)

    def now(self) -> float:
        """Return this host's clock: the world's, and how far it is off."""
        return self.world.now() + self.row.clock_offset

    # ---- paths

    def path(self, written: str, folder: str = "C:\\") -> str:
        """Return the absolute path of what was written, seen from `folder`."""
        written = written.strip().replace("/", "\\")
        if written.startswith("\\\\"):
            raise HostError(53, "The network path was not found.", written)
        if not written or _FORBIDDEN.search(written):
            raise HostError(123, "The filename, directory name, or volume label syntax is incorrect.", written)
        joined = written if _DRIVE.match(written) else ntpath.join(folder, written)
        absolute = ntpath.normpath(joined)
        if not _DRIVE.match(absolute) or ":" in absolute[2:]:
            raise HostError(123, "The filename, directory name, or volume label syntax is incorrect.", written)
        return absolute

    def is_folder(self, path: str) -> bool:
        """Say whether a folder is there: a drive's root, one that was made, or one that something lies in."""
        key = path.lower().rstrip("\\")
        if len(key) == 2:
            return any(drive.lower().rstrip("\\") == key for drive in self.row.free)
        if self.world.get(HostFolder, self.name, key) is not None:
            return True
        inside = key + "\\"
        return any(row.key_path.startswith(inside) for row in self._rows())

    def file(self, path: str) -> HostFile | None:
        return self.world.file(self.name, path)

    def require_file(self, path: str) -> HostFile:
        """Return the file's row; as Windows, tell a missing folder (3) from a missing file (2)."""
        row = self.file(path)
        if row is not None:
            return row
        raise no_such_file(path) if self.is_folder(ntpath.dirname(path)) else no_such_folder(path)

    def read(self, path: str) -> bytes:
        return self.world.content(self.require_file(path).blob)

    def item(self, path: str) -> Item | None:
        """Return the file or folder of that path, or None."""
        row = self.file(path)
        if row is not None:
            return Item(row.path, False, row.size, row.modified)
        return Item(path, True, 0, self._folder_time(path)) if self.is_folder(path) else None

    def items(self, folder: str) -> list[Item]:
        """Return what lies in a folder, folders first, by name."""
        if not self.is_folder(folder):
            raise no_such_folder(folder)
        inside = folder.rstrip("\\") + "\\"
        found: dict[str, Item] = {}
        for row in self._rows():
            if not row.key_path.startswith(inside.lower()) or len(row.key_path) == len(inside):
                continue
            name, deeper, _ = row.path[len(inside) :].partition("\\")
            if isinstance(row, HostFile) and not deeper:
                found[name.lower()] = Item(row.path, False, row.size, row.modified)
            else:
                found.setdefault(name.lower(), Item(inside + name, True, 0, self._folder_time(inside + name)))
        return sorted(found.values(), key=lambda item: (not item.folder, item.name.lower()))

    def below(self, folder: str) -> list[HostFile | HostFolder]:
        """Return the rows of a folder and of all that is in it."""
        key = folder.lower().rstrip("\\")
        return [row for row in self._rows() if row.key_path == key or row.key_path.startswith(key + "\\")]

    def registry(self, path: str) -> RegistryKey | None:
        return self.world.get(RegistryKey, self.name, path.lower())

    def _rows(self) -> Iterable[HostFile | HostFolder]:
        yield from self.world.all(HostFile, host=self.name)
        yield from self.world.all(HostFolder, host=self.name)

    def _folder_time(self, path: str) -> float:
        inside = path.lower().rstrip("\\") + "\\"
        times = [row.modified for row in self.world.all(HostFile, host=self.name) if row.key_path.startswith(inside)]
        return max(times, default=self.world.events[0].at if self.world.events else 0.0)

    # ---- acts

    def commit(self, job: Job, what: str, *put: Row, drop: Iterable[Row] = ()) -> None:
        """Change the world as one event, as far as the command's fault lets it. Files take and give back disk space."""
        rows, gone = list(put), list(drop)
        if job.met("lie"):
            return
        if job.met("half", "truncate"):
            rows, gone = _part(self, job, rows, gone)
        with self.world.lock:
            full = [row for row in rows if isinstance(row, HostFile)]
            if full and job.met("disk-full"):
                raise disk_full(full[0].path)
            rows += self._space(rows, gone)
            if rows or gone:
                self.world.change(self.system, what, *rows, drop=gone)

    def write(self, job: Job, what: str, path: str, content: bytes) -> None:
        """Write a file whole, over what was there."""
        self._writable(path)
        self.commit(job, what, self.world.new_file(self.name, path, content))

    def move(self, job: Job, row: HostFile, moved: HostFile) -> None:
        """Put a file in another's place."""
        self.commit(job, f"{row.path} renamed {moved.path}", moved, drop=[row])

    def _writable(self, path: str) -> None:
        if not self.is_folder(ntpath.dirname(path)):
            raise no_such_folder(path)
        if self.is_folder(path):
            raise HostError(5, "Access is denied.", path)

    def _space(self, put: list[Row], gone: list[Row]) -> list[Row]:
        host = self.row
        free = dict(host.free)
        for row in put:
            if isinstance(row, HostFile) and row.host == self.name:
                old = self.file(row.path)
                self._take(free, row.path, row.size - (old.size if old else 0))
        for row in gone:
            if isinstance(row, HostFile) and row.host == self.name:
                self._take(free, row.path, -row.size)
        return [msgspec.structs.replace(host, free=free)] if free != host.free else []

    def _take(self, free: dict[str, int], path: str, size: int) -> None:
        drive = next((name for name in free if name.lower()[:1] == path.lower()[:1]), None)
        if drive is None:
            raise no_such_folder(path)
        if free[drive] < size:
            raise disk_full(path)
        free[drive] -= size


def _part(host: Host, job: Job, put: list[Row], gone: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return what is left of an act that is done by half: files cut, of many rows the first ones."""
    files = [row for row in put if isinstance(row, HostFile)]
    if files:
        share = 2 if job.met("half") else 8
        cut = [host.world.new_file(row.host, row.path, _cut(host.world.content(row.blob), share)) for row in files]
        return [*cut, *(row for row in put if not isinstance(row, HostFile))], gone
    if job.met("truncate"):
        return put, gone
    return put[: len(put) // 2], gone[: len(gone) // 2]


def _cut(content: bytes, share: int) -> bytes:
    return content[: len(content) - len(content) // share - 1] if content else content
