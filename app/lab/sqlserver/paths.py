"""Paths that BACKUP and RESTORE are given, as the server's service account finds them on the world's hosts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PureWindowsPath

import msgspec

from app.lab.rows import Account, HostFile, HostFolder, WindowsHost
from app.lab.sqlserver.instance import Instance
from app.lab.sqlserver.words import HostError

_FORBIDDEN = frozenset('<>"|?*')
_LOCAL_SYSTEM = ("", "localsystem", "nt authority\\system")
PATH_NOT_FOUND, FILE_NOT_FOUND, ACCESS_DENIED, NO_NETWORK_PATH, BAD_NAME = (HostError(n) for n in (3, 2, 5, 53, 123))
LONGEST_PATH = 259


class NotThere(Exception):
    """The operating system's word on a path."""

    def __init__(self, error: HostError) -> None:
        super().__init__(int(error))
        self.error = error


@dataclass(frozen=True)
class Place:
    """A file's place: host, path there, and the path as SQL Server writes it down."""

    host: str
    path: str
    written: str

    @property
    def folder(self) -> str:
        return str(PureWindowsPath(self.path).parent)

    @property
    def drive(self) -> str:
        return self.path[:2].upper()


def place(instance: Instance, path: str) -> Place:
    """Return where a path leads; a name alone lies in the default backup folder. NotThere where it leads nowhere."""
    pure = PureWindowsPath(path)
    if not path.startswith("\\\\") and not pure.drive:
        path = f"{instance.row.backup_folder}\\{path.lstrip(chr(92))}"
        pure = PureWindowsPath(path)
    if _FORBIDDEN & set(path) or ":" in path[2:] or len(path) > LONGEST_PATH:
        raise NotThere(BAD_NAME)
    if path.startswith("\\\\"):
        return _remote(instance, pure, path)
    if not pure.root or not pure.name:
        raise NotThere(PATH_NOT_FOUND)
    return Place(instance.row.host, str(pure), path)


def _remote(instance: Instance, pure: PureWindowsPath, path: str) -> Place:
    """Return the place behind a UNC path: the world has no shares but those of administrators."""
    server, _, share = pure.drive.lstrip("\\").partition("\\")
    hosts = instance.world.all(WindowsHost)
    host = next((host for host in hosts if server.lower() in (host.name.lower(), host.dns.lower())), None)
    drive = share.rstrip("$").upper() + ":"
    if host is None or not host.reachable or not share.endswith("$") or drive not in _drives(host):
        raise NotThere(NO_NETWORK_PATH)
    if not administers(instance, host.name):
        raise NotThere(ACCESS_DENIED)
    return Place(host.name, drive + "\\" + "\\".join(pure.parts[1:]), path)


def _drives(host: WindowsHost) -> set[str]:
    return {name.rstrip("\\").upper() for name in host.free}


def administers(instance: Instance, host: str) -> bool:
    """Say whether the service account is an administrator of a host."""
    account = instance.row.account.lower()
    if account in _LOCAL_SYSTEM:
        return host == instance.row.host
    known = [row for row in instance.world.all(Account) if row.name.lower() == account]
    return any("*" in row.administers or host in row.administers for row in known)


def refuse_unwritable(instance: Instance, where: Place) -> None:
    """Refuse a place that the service account cannot write to: its folder is missing, or is not open to it."""
    host = instance.world.get(WindowsHost, where.host)
    folder = where.folder.rstrip("\\")
    if host is None or where.drive not in _drives(host):
        raise NotThere(PATH_NOT_FOUND)
    if instance.world.get(HostFolder, where.host, where.path.lower()) is not None:
        raise NotThere(ACCESS_DENIED)  # a folder of that name
    row = instance.world.get(HostFolder, where.host, folder.lower())
    if row is None and not folder.endswith(":"):
        raise NotThere(PATH_NOT_FOUND)
    writers = {writer.lower() for writer in row.writers} if row else set()
    if row and instance.row.account.lower() in {account.lower() for account in row.denied}:
        raise NotThere(ACCESS_DENIED)
    if instance.row.account.lower() not in writers and not administers(instance, where.host):
        raise NotThere(ACCESS_DENIED)


def free_bytes(instance: Instance, where: Place) -> int:
    """Return how many bytes are free on the drive of a place."""
    host = instance.world.require(WindowsHost, where.host)
    return next((free for name, free in host.free.items() if name.rstrip("\\").upper() == where.drive), 0)


def file_at(instance: Instance, where: Place) -> HostFile:
    """Return the file at a place; NotThere where there is none."""
    found = instance.world.file(where.host, where.path)
    if found is not None:
        return found
    folder = instance.world.get(HostFolder, where.host, where.folder.rstrip("\\").lower())
    raise NotThere(FILE_NOT_FOUND if folder is not None else PATH_NOT_FOUND)


def with_less_room(instance: Instance, where: Place, size: int) -> WindowsHost:
    """Return the host of a place as it is once a file of `size` bytes lies there, over the one that may lie there."""
    host = instance.world.require(WindowsHost, where.host)
    there = instance.world.file(where.host, where.path)
    grown = size - (there.size if there else 0)
    free = {
        name: left - grown if name.rstrip("\\").upper() == where.drive else left for name, left in host.free.items()
    }
    return msgspec.structs.replace(host, free=free)
