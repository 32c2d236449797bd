"""A host's services as its commands see them, and its processes. The rules themselves are in app.lab.services."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from app.lab.rows import Service
from app.lab.services import DEPENDENTS_RUN, NOT_STARTED, UNKNOWN, ServiceRefusal, service_start, service_stop
from app.lab.windows.host import Host
from app.lab.windows.job import Job

__all__ = ["DEPENDENTS_RUN", "NOT_STARTED", "UNKNOWN", "ServiceRefusal"]

RUNNING, STOPPED, STARTING, STOPPING = "Running", "Stopped", "Start Pending", "Stop Pending"


def find(host: Host, name: str) -> Service | None:
    """Return the service of that short name, any case."""
    return next((row for row in host.world.all(Service, host=host.name) if row.name.lower() == name.lower()), None)


def require(host: Host, name: str) -> Service:
    """Return the service of that short name; raises ServiceRefusal."""
    found = find(host, name)
    if found is None:
        raise ServiceRefusal(UNKNOWN)
    return found


def stop(job: Job, name: str) -> Service:
    """Tell a service to stop, as far as the command's fault lets it; return it as it is then. Raises ServiceRefusal."""
    return _tell(job, name, STOPPING)


def start(job: Job, name: str) -> Service:
    """Tell a service to start, those that it needs first; return it as it is then. Raises ServiceRefusal."""
    return _tell(job, name, STARTING)


def wait_while(job: Job, name: str, state: str) -> None:
    """Wait while a service has that state, which is on its way somewhere; by half, it stays there."""
    while not job.met("half") and not job.host.world.wait_for(lambda: require(job.host, name).state != state, 0.2):
        job.wait(0)


def _tell(job: Job, name: str, pending: str) -> Service:
    host = job.host
    service = require(host, name)
    if job.met("lie", "half"):
        host.commit(job, f"{service.name} told and stuck", msgspec.structs.replace(service, state=pending), service)
        return msgspec.structs.replace(service, state=pending)
    tell = service_stop if pending == STOPPING else service_start
    return tell(host.world, host.system, host.name, service.name)


@dataclass(frozen=True)
class Process:
    """A process as tasklist and Win32_Process show it; `started` is seconds since 1970, `memory` in KB."""

    pid: int
    parent: int
    name: str
    started: float
    memory: int


_IMAGES = {
    "wsbroker": "ws_ConnectionServer.exe", "wsnm": "wsnm.exe", "wsmsgbus": "ws_MessageBusService.exe",
    "wstunnel": "ws_TunnelService.exe", "wstomcat": "ws_TomcatService.exe", "svid": "SviWebService.exe",
    "vpxd": "vpxd.exe", "vctomcat": "tomcat6.exe", "mssqlserver": "sqlservr.exe", "sqlserveragent": "SQLAGENT.EXE",
    "adam_vmwarevdmds": "dsamain.exe", "adam_vmwarevcmsds": "dsamain.exe", "pcoipsg": "SecurityGateway.exe",
}  # fmt: skip


def processes(host: Host) -> list[Process]:
    """Return what runs: Windows' own processes, and one for each running service."""
    started = host.world.events[0].at if host.world.events else 0.0
    found = [
        Process(0, 0, "System Idle Process", started, 24), Process(4, 0, "System", started, 300),
        Process(268, 4, "smss.exe", started, 1108), Process(356, 348, "csrss.exe", started, 4800),
        Process(396, 348, "wininit.exe", started, 4512), Process(500, 396, "services.exe", started, 9732),
        Process(508, 396, "lsass.exe", started, 12104),
    ]  # fmt: skip
    for row in host.world.all(Service, host=host.name):
        if row.pid:
            image = _IMAGES.get(row.name.lower(), "svchost.exe")
            found.append(Process(row.pid, 500, image, started, 8000 + len(row.name) * 1000))
    return found
