"""Windows services: the one place that starts and stops them, by the service control manager's and View's rules."""

from __future__ import annotations

import zlib

import msgspec

from app.lab import operations
from app.lab.rows import Broker, Composer, Service, UserSession, Work
from app.lab.world import World

BROKER_PARTS = ("wsmsgbus", "wstunnel", "wstomcat", "wsnm")
"""Started and stopped with wsbroker; VMwareVDMDS is none of them."""
BROKER, COMPOSER = "wsbroker", "svid"
STOPS = {COMPOSER: 12.0, BROKER: 20.0, "vpxd": 25.0, "MSSQLSERVER": 8.0}
STARTS = {COMPOSER: 10.0, BROKER: 40.0, "vpxd": 30.0, "MSSQLSERVER": 6.0}
USUAL = 2.0
START, STOP = "service-start", "service-stop"

DEPENDENTS_RUN, ALREADY_RUNS, DISABLED, UNKNOWN = 1051, 1056, 1058, 1060
CANNOT_ACCEPT, NOT_STARTED, DEPENDENCY_FAILED = 1061, 1062, 1068
WORDS = {
    DEPENDENTS_RUN: "A stop control has been sent to a service that other running services are dependent on.",
    ALREADY_RUNS: "An instance of the service is already running.",
    DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it.",
    UNKNOWN: "The specified service does not exist as an installed service.",
    CANNOT_ACCEPT: "The service cannot accept control messages at this time.",
    NOT_STARTED: "The service has not been started.",
    DEPENDENCY_FAILED: "The dependency service or group failed to start.",
}


class ServiceRefusal(Exception):
    """The service control manager refuses; `code` as Windows numbers it."""

    def __init__(self, code: int) -> None:
        super().__init__(WORDS[code])
        self.code, self.text = code, WORDS[code]


def find_service(world: World, host: str, name: str) -> Service | None:
    """Return a service by its short or its display name, in any case."""
    wanted = name.lower()
    rows = world.all(Service, host=host)
    return next((row for row in rows if wanted in (row.name.lower(), row.display.lower())), None)


def running(world: World, host: str, name: str) -> bool:
    """Say whether a service answers: one that is only being stopped still does."""
    row = world.get(Service, host, name)
    return row is not None and row.state in ("Running", "Stop Pending")


def dependents(world: World, service: Service) -> list[Service]:
    """Return the services that need this one."""
    return [row for row in world.all(Service, host=service.host) if service.name in row.depends_on]


def service_stop(world: World, by: str, host: str, name: str) -> Service:
    """Send a stop to a service; returns it as it is then: Stop Pending, or Stopped where nothing takes time.

    A clustered one is started again on another node: it goes on running. Raises ServiceRefusal."""
    with world.lock:
        service = _known(world, host, name)
        if service.state == "Stopped":
            raise ServiceRefusal(NOT_STARTED)
        if service.state != "Running":
            raise ServiceRefusal(CANNOT_ACCEPT)
        if any(row.state != "Stopped" for row in dependents(world, service)):
            raise ServiceRefusal(DEPENDENTS_RUN)
        if service.clustered:
            return _fail_over(world, by, service)
        return _begin(world, by, service, STOP, "Stop Pending", STOPS.get(service.name, USUAL))


def service_start(world: World, by: str, host: str, name: str) -> Service:
    """Start a service and first those that it needs; returns it as it is then: Start Pending, or Running.

    Raises ServiceRefusal."""
    with world.lock:
        service = _known(world, host, name)
        if service.state == "Running":
            raise ServiceRefusal(ALREADY_RUNS)
        if service.state != "Stopped":
            raise ServiceRefusal(CANNOT_ACCEPT)
        if service.start_mode == "Disabled":
            raise ServiceRefusal(DISABLED)
        for needed in service.depends_on:
            _start_needed(world, by, host, needed)
        return _begin(world, by, service, START, "Start Pending", STARTS.get(service.name, USUAL))


def end_transition(world: World, work: Work) -> None:
    """End the start or stop that `work` stands for; called when its time has come."""
    host, _, name = work.subject.partition("|")
    service = world.get(Service, host, name)
    if service is None:
        world.change("work", f"{work.subject} is gone", drop=[work])
    elif work.kind == START:
        _has_started(world, "work", service, work)
    else:
        _has_stopped(world, "work", service, work)


def _known(world: World, host: str, name: str) -> Service:
    service = world.get(Service, host, name) or find_service(world, host, name)
    if service is None:
        raise ServiceRefusal(UNKNOWN)
    return service


def _start_needed(world: World, by: str, host: str, name: str) -> None:
    needed = world.get(Service, host, name)
    if needed is None or needed.start_mode == "Disabled":
        raise ServiceRefusal(DEPENDENCY_FAILED)
    if needed.state == "Stopped":
        service_start(world, by, host, name)
        begun = world.get(Work, f"{START}|{host}|{name}")
        if begun is not None:  # the control manager starts what depends on it only when it runs
            end_transition(world, begun)


def _begin(world: World, by: str, service: Service, kind: str, state: str, seconds: float) -> Service:
    takes = world.takes(seconds)
    pending = msgspec.structs.replace(service, state=state, pid=service.pid or _new_pid(world, service.host))
    now = world.now()
    work = Work(
        id=f"{kind}|{service.host}|{service.name}", kind=kind, subject=service.key, starts=now, ends=now + takes
    )
    world.change(by, f"{kind} {service.host} {service.name}", pending, work)
    if takes <= 0:
        end_transition(world, work)
    return world.require(Service, service.host, service.name)


def _fail_over(world: World, by: str, service: Service) -> Service:
    moved = msgspec.structs.replace(service, pid=_new_pid(world, service.host))
    world.change(by, f"stop of the clustered service {service.name}: it was started on another node", moved)
    return moved


def _new_pid(world: World, host: str) -> int:
    return max((row.pid for row in world.all(Service, host=host)), default=1000) + 4


def _with_parts(world: World, service: Service) -> list[Service]:
    if service.name != BROKER:
        return [service]
    parts = [world.get(Service, service.host, name) for name in BROKER_PARTS]
    return [service, *(part for part in parts if part is not None)]


def _has_started(world: World, by: str, service: Service, work: Work) -> None:
    started, pid = [], _new_pid(world, service.host)
    for row in _with_parts(world, service):
        started.append(msgspec.structs.replace(row, state="Running", pid=row.pid or pid))
        pid += 4
    world.change(by, f"{service.name} on {service.host} runs", *started, drop=[work])


def _has_stopped(world: World, by: str, service: Service, work: Work) -> None:
    composer = world.get(Composer, service.host) if service.name == COMPOSER else None
    if composer is not None:
        operations.finish_for_stop(world, composer)
    stopped = [msgspec.structs.replace(row, state="Stopped", pid=0) for row in _with_parts(world, service)]
    lost = _dropped_sessions(world, service.host) if service.name == BROKER else []
    world.change(by, f"{service.name} on {service.host} has stopped", *stopped, *lost, drop=[work])


def _dropped_sessions(world: World, host: str) -> list[UserSession]:
    """Return the sessions that were tunnelled through a broker, disconnected: each broker of a group has its share."""
    broker = world.get(Broker, host)
    if broker is None:
        return []
    group = sorted(row.host for row in world.all(Broker, group=broker.group))
    return [
        msgspec.structs.replace(session, state="DISCONNECTED")
        for session in world.all(UserSession, group=broker.group, local=False, state="CONNECTED")
        if group[zlib.crc32(session.id.encode()) % len(group)] == host
    ]
