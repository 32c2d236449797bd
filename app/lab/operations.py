"""What View, Composer and vCenter do to desktops: clone, recompose, refresh, delete, each seen from all three sides.

Each is one `Work` row with these details: group, pool, vcenter, machines, names, tasks and requests (alike in order),
phase ("scheduled", "first", "customizing"), second (how long customizing takes). `ends` 0: goes on until ended."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.lab import directory, machines
from app.lab.rows import (
    Broker,
    Composer,
    ComposerRequest,
    EventRecord,
    LdsEntry,
    Row,
    Service,
    UserSession,
    VcTask,
    Work,
)
from app.lab.world import World

CLONE, RECOMPOSE, REFRESH, DELETE = "clone", "recompose", "refresh", "delete"
KINDS = (CLONE, RECOMPOSE, REFRESH, DELETE)
AT_ONCE = 8  # operations that vCenter and Composer carry out side by side; the others are queued
SCHEDULED, FIRST, CUSTOMIZING = "scheduled", "first", "customizing"
WAITING, RUNNING, DONE, FAILED = 0, 1, 2, 3  # states of Composer's requests
SECONDS = {CLONE: (60.0, 40.0), RECOMPOSE: (90.0, 30.0), REFRESH: (45.0, 0.0), DELETE: (20.0, 0.0)}
FULL_CLONE_SECONDS = (300.0, 60.0)
STATES = {CLONE: "CLONING", RECOMPOSE: "MAINTENANCE", REFRESH: "MAINTENANCE", DELETE: "DELETING"}
TASKS = {
    CLONE: "VirtualMachine.clone", RECOMPOSE: "VirtualMachine.reconfigure",
    REFRESH: "VirtualMachine.revertToCurrentSnapshot", DELETE: "VirtualMachine.destroy",
}  # fmt: skip
REQUESTS = {CLONE: "CREATE", RECOMPOSE: "RECOMPOSE", REFRESH: "REFRESH", DELETE: "DELETE"}
COMPOSER_DOWN = "View Composer is not running or does not accept requests"
CUSTOMIZING_ENDED = "Provisioning was disabled while the desktop was being customized"


@dataclass(frozen=True)
class Pace:
    """How long work lasts: `seconds` (None: as in a real environment), `held` until it is ended, from `at` on."""

    seconds: float | None = None
    held: bool = False
    at: float | None = None


USUAL = Pace()


def start_clone(
    world: World, by: str, pool: str, count: int = 1, pace: Pace = USUAL, group: str = "view"
) -> Work | None:
    """Make `count` more desktops of a pool. Returns the work, or None when it has ended (or failed) at once."""
    with world.lock:
        facts = _facts(world, group, pool)
        names = machines.free_names(world, facts, count)
        ids = [str(uuid.uuid4()) for _ in names]
        entry = _pool(world, group, pool)
        member = (*entry.attributes.get("pae-MemberDN", ()), *(directory.desktop_dn(machine) for machine in ids))
        new = [machines.new_desktop(facts, machine, name) for machine, name in zip(ids, names, strict=True)]
        rows = [directory.with_values(entry, pae_MemberDN=member), *new]
        return _start(world, by, CLONE, facts, rows, new, pace)


def start_recompose(
    world: World, by: str, pool: str, snapshot: str = "", count: int | None = None, pace: Pace = USUAL,
    group: str = "view",
) -> Work | None:  # fmt: skip
    """Put the pool's image (another `snapshot` of its parent when named by MOID) on `count` desktops, else on all."""
    return _start_on(world, by, RECOMPOSE, _facts(world, group, pool), count, pace, snapshot)


def start_refresh(
    world: World, by: str, pool: str, count: int | None = None, pace: Pace = USUAL, group: str = "view"
) -> Work | None:
    """Throw away what desktops have written since they were made; of `count` desktops, else of all."""
    return _start_on(world, by, REFRESH, _facts(world, group, pool), count, pace)


def start_delete(
    world: World, by: str, pool: str, count: int = 1, pace: Pace = USUAL, group: str = "view"
) -> Work | None:
    """Delete `count` desktops of a pool, the newest first, with their virtual machines."""
    return _start_on(world, by, DELETE, _facts(world, group, pool), count, pace)


def refresh_desktop(world: World, by: str, kind: str, entry: LdsEntry) -> Work | None:
    """Refresh or delete one desktop, as a pool's policy asks for when its user has logged off."""
    facts = _facts(world, entry.group, directory.cn(entry.first("pae-MemberDNOf")))
    return _start(world, by, kind, facts, [], [entry], USUAL)


def advance(world: World, work: Work) -> None:
    """Do what is due of `work`: begin what was scheduled, go to the next phase, end."""
    with world.lock:
        if work.details["phase"] == SCHEDULED:
            _begin_scheduled(world, work)
        elif work.details["phase"] == FIRST and work.kind in (CLONE, RECOMPOSE):
            _customize(world, "work", work)
        else:
            _end(world, "work", work, work.details["machines"])


def finish(world: World, by: str, work: Work) -> None:
    """End work well, at once, whatever phase it is in."""
    with world.lock:
        if work.details["phase"] == SCHEDULED:
            requests = _requests(world, work)
            world.change(by, f"scheduled {work.kind} of {work.subject} cancelled", drop=[work, *requests])
            return
        if work.details["phase"] == FIRST and work.kind in (CLONE, RECOMPOSE):
            work = _customize(world, by, work)
        _end(world, by, work, work.details["machines"])


def finish_for_stop(world: World, composer: Composer) -> None:
    """Composer is being stopped: it ends what it is doing; what only waits fails, its desktops in an error state."""
    for work in world.all(Work):
        if work.kind not in KINDS or work.details["phase"] == SCHEDULED or work.details["vcenter"] != composer.vcenter:
            continue
        requests = {request.vm: request for request in _requests(world, work)}
        if not requests:
            continue
        names, ids = work.details["names"], work.details["machines"]
        waiting = [m for m, name in zip(ids, names, strict=True) if requests[name].state == WAITING]
        if waiting:
            _fail(world, "work", work, waiting, COMPOSER_DOWN)
            finish(world, "work", _without(world, work, waiting))
        else:
            finish(world, "work", work)


def stop_customizing(world: World, group: str, pool: str) -> None:
    """Provisioning of a pool goes off: desktops being customized after a recompose are left as they are, in error."""
    for work in world.all(Work, kind=RECOMPOSE, subject=pool):
        if work.details["group"] == group and work.details["phase"] == CUSTOMIZING:
            _fail(world, "work", work, work.details["machines"], CUSTOMIZING_ENDED)
            world.change("work", f"{work.kind} of {pool} given up", drop=[world.require(Work, work.id)])


def accepts(world: World, vcenter: str) -> bool:
    """Say whether the Composer of a vCenter takes requests: one that is being stopped does not."""
    for composer in world.all(Composer, vcenter=vcenter):
        service = world.get(Service, composer.host, "svid")
        return service is not None and service.state == "Running"
    return False


# ---- beginning


def _pool(world: World, group: str, pool: str) -> LdsEntry:
    entry = directory.pool(world, group, pool)
    if entry is None:
        raise KeyError(f"pool {pool}")
    return entry


def _facts(world: World, group: str, pool: str) -> directory.PoolFacts:
    return directory.facts(_pool(world, group, pool))


def _start_on(
    world: World, by: str, kind: str, facts: directory.PoolFacts, count: int | None, pace: Pace, snapshot: str = ""
) -> Work | None:
    with world.lock:
        local = {session.desktop for session in world.all(UserSession, pool=facts.id, local=True)}
        idle = [
            entry
            for entry in directory.desktops(world, facts.group, facts.id)
            if entry.first(directory.STATE) in ("READY", "ERROR") and entry.first("cn") not in local
        ]
        chosen = idle[-count:] if count and kind == DELETE else idle[:count]
        return _start(world, by, kind, facts, [], chosen, pace, snapshot)


def _start(
    world: World, by: str, kind: str, facts: directory.PoolFacts, rows: Sequence[Row], entries: Sequence[LdsEntry],
    pace: Pace, snapshot: str = "",
) -> Work | None:  # fmt: skip
    vcenter = directory.vcenter_of(world, facts)
    if vcenter is None or not entries:
        return None
    first, second = SECONDS[kind] if facts.linked else (FULL_CLONE_SECONDS if kind == CLONE else SECONDS[kind])
    if pace.seconds is None:
        first, second = world.takes(first), world.takes(second)
    else:
        first, second = pace.seconds * 2 / 3 if second else pace.seconds, pace.seconds / 3 if second else 0.0
    now = world.now()
    begins = pace.at if pace.at is not None else now
    details: dict[str, Any] = {
        "group": facts.group, "pool": facts.id, "vcenter": vcenter.name, "snapshot": snapshot,
        "machines": [entry.first("cn") for entry in entries], "tasks": [], "first": first, "second": second,
        "names": [entry.first("pae-DisplayName") for entry in entries], "held": pace.held,
        "requests": [str(uuid.uuid4()) for _ in entries] if facts.linked else [],
        "phase": SCHEDULED if begins > now else FIRST,
    }  # fmt: skip
    work = Work(id=str(uuid.uuid4()), kind=kind, subject=facts.id, starts=begins, ends=begins, details=details)
    if begins > now:
        requests = _new_requests(world, work, begins)
        world.change(by, f"{kind} of {facts.id} scheduled", *rows, *requests, work)
        return work
    return _begin(world, by, work, facts, rows, entries)


def _begin_scheduled(world: World, work: Work) -> None:
    facts = _facts(world, work.details["group"], work.details["pool"])
    entries = [entry for machine in work.details["machines"] if (entry := _desktop(world, work, machine)) is not None]
    details = {**work.details, "phase": FIRST}
    _begin(world, "work", msgspec.structs.replace(work, details=details), facts, [], entries)


def _begin(
    world: World, by: str, work: Work, facts: directory.PoolFacts, rows: Sequence[Row], entries: Iterable[LdsEntry]
) -> Work | None:
    vcenter, details = work.details["vcenter"], work.details
    busy = [directory.with_values(entry, pae_VmState=STATES[work.kind]) for entry in entries]
    if facts.linked and not accepts(world, vcenter):
        world.change(by, f"{work.kind} of {facts.id} asked for", *rows, *busy, work)
        _fail(world, "work", work, details["machines"], COMPOSER_DOWN)
        world.change("work", f"{work.kind} of {facts.id} failed", drop=[world.require(Work, work.id)])
        return None
    now = world.now()
    tasks = machines.new_tasks(
        world, vcenter, TASKS[work.kind], machines.entities(world, work.kind, facts, busy), AT_ONCE
    )
    gone = [session for machine in details["machines"] for session in world.all(UserSession, desktop=machine)]
    requests = _new_requests(world, work, 0.0)
    details = {**details, "tasks": [task.moid for task in tasks]}
    ends = 0.0 if details["held"] else now + details["first"]
    begun = msgspec.structs.replace(work, starts=now, ends=ends, details=details)
    world.change(by, f"{work.kind} of {facts.id} begins", *rows, *busy, *tasks, *requests, begun, drop=gone)
    if not details["held"] and details["first"] + details["second"] <= 0:
        finish(world, "work", begun)
        return None
    return begun


def _new_requests(world: World, work: Work, starts: float) -> list[ComposerRequest]:
    composers = world.all(Composer, vcenter=work.details["vcenter"])
    return [
        ComposerRequest(
            id=request, composer=composers[0].host, operation=REQUESTS[work.kind], pool=work.subject, vm=name,
            state=RUNNING if number < AT_ONCE and not starts else WAITING, created=world.now(), starts=starts,
        )
        for number, (request, name) in enumerate(zip(work.details["requests"], work.details["names"], strict=False))
    ]  # fmt: skip


# ---- going on and ending


def _customize(world: World, by: str, work: Work) -> Work:
    """The virtual machines are made (or made anew); what is left is fitting them to their names and domain."""
    details, group = work.details, work.details["group"]
    facts = _facts(world, group, details["pool"])
    entries = [entry for machine in details["machines"] if (entry := _desktop(world, work, machine)) is not None]
    made = machines.made(world, facts, details["vcenter"], work.kind, entries, details["snapshot"])
    ended = _tasks(world, work, "success", "")
    tasks = machines.new_tasks(
        world, details["vcenter"], "VirtualMachine.customize", [(vm.moid, vm.name) for vm in made.machines], AT_ONCE
    )
    details = {**details, "phase": CUSTOMIZING, "tasks": [task.moid for task in tasks]}
    ends = 0.0 if details["held"] else work.ends + details["second"]
    going_on = msgspec.structs.replace(work, ends=ends, details=details)
    world.change(
        by, f"{work.kind} of {work.subject}: customizing", *made.rows, *ended, *tasks, going_on, drop=made.dropped
    )
    return going_on


def _end(world: World, by: str, work: Work, ids: Sequence[str]) -> None:
    """The work on these desktops has gone well."""
    details = work.details
    entries = [entry for machine in ids if (entry := _desktop(world, work, machine)) is not None]
    put: list[Row] = [*_tasks(world, work, "success", ""), *_request_states(world, work, details["names"], DONE)]
    drop: list[Row] = [work]
    if work.kind == DELETE:
        pool = _pool(world, details["group"], details["pool"])
        gone = {entry.key_dn for entry in entries}
        left = tuple(dn for dn in pool.attributes.get("pae-MemberDN", ()) if dn.lower() not in gone)
        put.append(directory.with_values(pool, pae_MemberDN=left))
        put.append(machines.last_moid(world, details["vcenter"]))
        drop += [*entries, *machines.of(world, details["vcenter"], entries)]
        drop += [session for machine in ids for session in world.all(UserSession, desktop=machine)]
    else:
        put += [directory.with_values(entry, pae_VmState="READY") for entry in entries]
    put.append(_record(world, work, "INFO", f"{work.kind} of {len(entries)} desktops of pool {work.subject} completed"))
    world.change(by, f"{work.kind} of {work.subject} ended", *put, drop=drop)


def _fail(world: World, by: str, work: Work, ids: Sequence[str], why: str) -> None:
    """The work on these desktops has failed: clones in an error state, which a refresh or recompose mends."""
    details = work.details
    entries = [entry for machine in ids if (entry := _desktop(world, work, machine)) is not None]
    names = [entry.first("pae-DisplayName") for entry in entries]
    put: list[Row] = [directory.with_values(entry, pae_VmState="ERROR") for entry in entries]
    put += _request_states(world, work, names, FAILED)
    put += _tasks(world, work, "error", why, set(names))
    pool = _pool(world, details["group"], details["pool"])
    put.append(directory.with_values(pool, pae_VmProvError=why))
    put.append(_record(world, work, "ERROR", f"{work.kind} of {', '.join(names[:5])} failed: {why}"))
    world.change(by, f"{work.kind} of {work.subject} failed", *put)


def _without(world: World, work: Work, ids: Sequence[str]) -> Work:
    """Take desktops out of a piece of work."""
    details, away = dict(work.details), set(ids)
    stays = [number for number, machine in enumerate(details["machines"]) if machine not in away]
    for name in ("machines", "names", "tasks", "requests"):
        details[name] = [details[name][number] for number in stays if number < len(details[name])]
    smaller = msgspec.structs.replace(work, details=details)
    world.change("work", f"{work.kind} of {work.subject} goes on with {len(stays)}", smaller)
    return smaller


def _desktop(world: World, work: Work, machine: str) -> LdsEntry | None:
    return world.get(LdsEntry, work.details["group"], directory.desktop_dn(machine).lower())


def _requests(world: World, work: Work) -> list[ComposerRequest]:
    return [row for request in work.details["requests"] if (row := world.get(ComposerRequest, request)) is not None]


def _request_states(world: World, work: Work, names: Iterable[str], state: int) -> list[ComposerRequest]:
    wanted = set(names)
    return [msgspec.structs.replace(row, state=state) for row in _requests(world, work) if row.vm in wanted]


def _tasks(world: World, work: Work, state: str, error: str, names: set[str] | None = None) -> list[VcTask]:
    now, ended = world.now(), []
    for moid, name in zip(work.details["tasks"], work.details["names"], strict=False):
        task = world.get(VcTask, work.details["vcenter"], moid)
        if task is not None and (names is None or name in names):
            ended.append(
                msgspec.structs.replace(
                    task, state=state, error=error, completed=now, started=task.started or now,
                    progress=100 if state == "success" else task.progress,
                )
            )  # fmt: skip
    return ended


def _record(world: World, work: Work, severity: str, words: str) -> EventRecord:
    group = work.details["group"]
    number = max((record.id for record in world.all(EventRecord, group=group)), default=0) + 1
    return EventRecord(
        group=group, id=number, time=world.now(), kind=f"PROVISIONING_{work.kind.upper()}", severity=severity,
        text=words, pool=work.subject,
    )  # fmt: skip


def brokers_run(world: World, group: str) -> bool:
    """Say whether some Connection Server of a group runs; without one nothing is made or mended."""
    for broker in world.all(Broker, group=group):
        service = world.get(Service, broker.host, "wsbroker")
        if service is not None and service.state == "Running":
            return True
    return False


def due(work: Work) -> float:
    """Return when something of this work is due; infinity for what goes on until it is ended."""
    if work.kind in KINDS and work.details["phase"] == SCHEDULED:
        return work.starts
    return work.ends or math.inf
