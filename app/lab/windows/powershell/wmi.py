"""Get-WmiObject: the classes that are asked for, and WQL's simplest conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from app.lab.rows import Service
from app.lab.windows.host import Host
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Parameter
from app.lab.windows.powershell.objects import Object, Value
from app.lab.windows.services import processes

LOCAL = timezone(timedelta(hours=8))  # the practice site's
_UP = 6 * 86400.0  # seconds since the hosts were started
_CONDITION = re.compile(r"\s*(\w+)\s*(=|<>|!=)\s*(?:'((?:[^'\\]|\\.)*)'|(\d+)|(true|false))\s*", re.IGNORECASE)


def dmtf(seconds: float) -> str:
    """Return a time as WMI writes it: local, with its distance from UTC in minutes."""
    local = datetime.fromtimestamp(seconds, LOCAL)
    return local.strftime("%Y%m%d%H%M%S.%f") + "+480"


def _services(host: Host) -> Iterator[dict[str, Any]]:
    for row in host.world.all(Service, host=host.name):
        yield {
            "Name": row.name, "DisplayName": row.display, "State": row.state, "StartMode": row.start_mode,
            "StartName": row.account, "ProcessId": row.pid, "Started": row.state == "Running", "Status": "OK",
            "SystemName": host.name.upper(), "ServiceType": "Own Process",
        }  # fmt: skip


def _processes(host: Host) -> Iterator[dict[str, Any]]:
    for process in processes(host):
        yield {
            "ProcessId": process.pid, "ParentProcessId": process.parent, "Name": process.name,
            "CreationDate": dmtf(process.started) if process.pid else None, "CommandLine": None,
            "WorkingSetSize": process.memory * 1024,
        }  # fmt: skip


def _disks(host: Host) -> Iterator[dict[str, Any]]:
    for drive, free in host.row.free.items():
        yield {
            "DeviceID": drive,
            "DriveType": 3,
            "FreeSpace": free,
            "Size": host.row.size.get(drive, 2 * free),
            "FileSystem": "NTFS",
            "VolumeName": "",
        }
    yield {"DeviceID": "E:", "DriveType": 5, "FreeSpace": None, "Size": None, "FileSystem": None, "VolumeName": None}


def _system(host: Host) -> Iterator[dict[str, Any]]:
    row = host.row
    old = row.os_version.startswith("6.0")
    yield {
        "Caption": f"{row.os} ", "Version": row.os_version, "CSDVersion": "Service Pack 2" if old else "Service Pack 1",
        "LastBootUpTime": dmtf(host.world.events[0].at - _UP), "LocalDateTime": dmtf(host.now()), "OSLanguage": 1033,
        "WindowsDirectory": "C:\\Windows", "CSName": host.name.upper(),
        "BuildNumber": row.os_version.rpartition(".")[2],
    }  # fmt: skip


def _computer(host: Host) -> Iterator[dict[str, Any]]:
    yield {
        "Name": host.name.upper(), "Domain": host.row.dns.partition(".")[2], "PartOfDomain": True,
        "TotalPhysicalMemory": 4294434816, "Manufacturer": "VMware, Inc.", "Model": "VMware Virtual Platform",
    }  # fmt: skip


_CLASSES: dict[str, tuple[str, Callable[[Host], Iterator[dict[str, Any]]]]] = {
    name.lower(): (name, rows)
    for name, rows in (
        ("Win32_Service", _services), ("Win32_Process", _processes), ("Win32_LogicalDisk", _disks),
        ("Win32_OperatingSystem", _system), ("Win32_ComputerSystem", _computer),
    )
}  # fmt: skip


def _get(call: Call) -> Iterator[Value]:
    name = call.text("Class")
    if name.lower() not in _CLASSES:
        raise call.error("GetWMIManagementException", "InvalidType", f'Invalid class "{name}"')
    own, rows = _CLASSES[name.lower()]
    conditions = _conditions(call)
    for row in rows(call.host):
        lower = {key.lower(): value for key, value in row.items()}
        if any(key not in lower for key, _, _ in conditions):
            raise _invalid(call)
        if all((_same(lower[key], wanted)) == equal for key, equal, wanted in conditions):
            yield Object(f"System.Management.ManagementObject#root\\cimv2\\{own}", **row)


def _conditions(call: Call) -> list[tuple[str, bool, Any]]:
    if "Filter" not in call.values:
        return []
    conditions = []
    for part in re.split(r"\s+and\s+", call.text("Filter"), flags=re.IGNORECASE):
        found = _CONDITION.fullmatch(part)
        if found is None:
            raise _invalid(call)
        name, operator, text, number, truth = found.groups()
        value: Any = re.sub(r"\\(.)", r"\1", text) if text is not None else None
        value = int(number) if number is not None else value
        value = truth.lower() == "true" if truth is not None else value
        conditions.append((name.lower(), operator == "=", value))
    return conditions


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return type(value) is type(wanted) and bool(value == wanted)


def _invalid(call: Call) -> Exception:
    return call.error("GetWMIManagementException", "InvalidOperation", "Invalid query ")


CMDLETS = (
    Cmdlet("Get-WmiObject", "Microsoft.PowerShell.Commands.GetWmiObjectCommand",
           (Parameter("Class", mandatory=True), Parameter("Filter")), _get),
)  # fmt: skip
