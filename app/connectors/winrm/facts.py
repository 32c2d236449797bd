"""What is asked of a Windows host, as plain data, and how the answers are read. Pure: sends nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

Answer = dict[str, Any]

_DMTF = re.compile(r"(\d{14})\.(\d{6})([+-])(\d{3})")


@dataclass(frozen=True)
class Completed:
    """A command that ended: its exit code and all that it wrote."""

    exit_code: int
    out: str
    err: str


@dataclass(frozen=True)
class Service:
    """A service as Win32_Service has it; `state` is Running, Stopped, Start Pending, Stop Pending ..."""

    name: str
    display: str
    state: str
    start_mode: str
    account: str
    pid: int


@dataclass(frozen=True)
class Dependent:
    """A service that depends on another; `state` as the service control manager names it (Running, Stopped ...)."""

    name: str
    display: str
    state: str


@dataclass(frozen=True)
class Process:
    """A running process. Its arguments are left out: they may hold other programs' secrets."""

    pid: int
    parent: int
    name: str
    started: datetime | None


@dataclass(frozen=True)
class FileFacts:
    """A file or folder; `size` in bytes (0 for a folder), `modified` in UTC."""

    path: str
    size: int
    modified: datetime
    folder: bool = False


@dataclass(frozen=True)
class OperatingSystem:
    """What Windows says of itself; `version` as 6.1.7601, `last_boot` in UTC."""

    caption: str
    version: str
    service_pack: str
    last_boot: datetime
    windows_folder: str


@dataclass(frozen=True)
class Computer:
    """The machine's name and domain; `memory` in bytes."""

    name: str
    domain: str
    in_domain: bool
    memory: int


@dataclass(frozen=True)
class Access:
    """One entry of an access list."""

    who: str
    rights: tuple[str, ...]
    allowed: bool
    inherited: bool


@dataclass(frozen=True)
class Fetched:
    """A file that travelled whole: its size in bytes and its SHA-256, equal on both ends."""

    size: int
    sha256: str


def service(row: Answer) -> Service:
    """Read a Win32_Service."""
    return Service(
        _text(row, "Name"), _text(row, "DisplayName"), _text(row, "State"), _text(row, "StartMode"),
        _text(row, "StartName"), _number(row, "ProcessId"),
    )  # fmt: skip


def dependent(row: Answer) -> Dependent:
    """Read a ServiceController."""
    return Dependent(_text(row, "Name"), _text(row, "DisplayName"), _text(row, "Status"))


def process(row: Answer) -> Process:
    """Read a Win32_Process; the system's own have no time of creation."""
    created = row.get("CreationDate")
    started = dmtf(str(created)) if created else None
    return Process(_number(row, "ProcessId"), _number(row, "ParentProcessId"), _text(row, "Name"), started)


def file(row: Answer) -> FileFacts:
    """Read a FileInfo or DirectoryInfo."""
    return FileFacts(
        _text(row, "FullName"),
        _number(row, "Length"),
        datetime.fromisoformat(_text(row, "LastWriteTimeUtc")).astimezone(UTC),
        folder=row.get("PSIsContainer") is True,
    )


def operating_system(row: Answer) -> OperatingSystem:
    """Read a Win32_OperatingSystem."""
    return OperatingSystem(
        _text(row, "Caption").strip(), _text(row, "Version"), _text(row, "CSDVersion"),
        dmtf(_text(row, "LastBootUpTime")), _text(row, "WindowsDirectory"),
    )  # fmt: skip


def computer(row: Answer) -> Computer:
    """Read a Win32_ComputerSystem."""
    return Computer(
        _text(row, "Name"), _text(row, "Domain"), row.get("PartOfDomain") is True, _number(row, "TotalPhysicalMemory")
    )


def hashed(row: Answer) -> Fetched:
    """Read what Get-FileSha256 gives."""
    return Fetched(int(row["Length"]), str(row["Sha256"]).lower())


def access(row: Answer) -> Access:
    """Read a FileSystemAccessRule."""
    rights = tuple(part.strip() for part in _text(row, "FileSystemRights").split(",") if part.strip())
    allowed = _text(row, "AccessControlType") == "Allow"
    return Access(_text(row, "IdentityReference"), rights, allowed, row.get("IsInherited") is True)


def disk(row: Answer) -> tuple[str, tuple[int, int]]:
    """Read a Win32_LogicalDisk: its drive (C:), and bytes free and in all."""
    return _text(row, "DeviceID").upper(), (_number(row, "FreeSpace"), _number(row, "Size"))


def registry(row: Answer) -> Answer:
    """Return a key's values without those that PowerShell adds of its own."""
    return {name: value for name, value in row.items() if not name.startswith("PS")}


def dmtf(value: str) -> datetime:
    """Read a time of WMI (DMTF: 20110901083000.000000+480, minutes from UTC) as UTC. Raises ValueError."""
    found = _DMTF.fullmatch(value)
    if found is None:
        raise ValueError(f"not a time of WMI: {value!r}")
    minutes = int(found[4]) * (1 if found[3] == "+" else -1)
    local = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(
        microsecond=int(found[2]), tzinfo=timezone(timedelta(minutes=minutes))
    )
    return local.astimezone(UTC)


def configuration(out: str) -> dict[str, int | str | bool]:
    """Read `winrm get winrm/config`: what is indented belongs to what stands above it, as Winrs.MaxShellsPerUser."""
    found: dict[str, int | str | bool] = {}
    above: list[tuple[int, str]] = []
    for line in out.splitlines():
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals:
            found[".".join([part for _, part in above[1:]] + [name])] = _setting(value)
        else:
            above.append((depth, name))
    return found


def drive_path(path: str) -> str:
    r"""Return a registry path as PowerShell's drives have it: HKLM:\SOFTWARE for HKLM\SOFTWARE."""
    return re.sub(r"^(HKLM|HKCU)\\", r"\1:\\", path)


def _setting(value: str) -> int | str | bool:
    value = value.removesuffix('[Source="GPO"]').strip()
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdigit() else value


def _text(row: Answer, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(row: Answer, name: str) -> int:
    return int(row.get(name) or 0)
