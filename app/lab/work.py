"""What goes on by itself: one thread that does what is due and sleeps until the next, or until the world changes."""

from __future__ import annotations

import threading

import msgspec

from app.lab import builtin, machines, operations, provisioning, services
from app.lab.rows import Broker, LdsEntry, Service, VcScheduledTask, Vm, Work
from app.lab.world import World

WEEK = 7 * 86400.0
DESCRIPTIONS = {"CreateSnapshot_Task": "VirtualMachine.createSnapshot", "PowerOnVM_Task": "VirtualMachine.powerOn"}
LONGEST_SLEEP = 3600.0  # seconds; a condition cannot wait for ever on every system


class Ticker:
    """Drives a world's work. `start` it once; `stop` ends its thread and joins it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopping = False
        self._seen = 0
        self._thread = threading.Thread(target=self._run, name="lab work", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._world.changed:
            self._stopping = True
            self._world.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._world.changed:
            while not self._stopping:
                self._world.changed.wait(step(self._world, self._pools_may_lack()))

    def _pools_may_lack(self) -> bool:
        """Say whether something has happened since the last look after which a pool may have too few desktops."""
        events = self._world.events
        new = events[self._seen :] if self._seen <= len(events) else events  # it went back to an earlier state
        self._seen = len(events)
        return any(
            event.founding is not None
            or any(isinstance(row, LdsEntry | Service) for row in event.put)
            or any(table == LdsEntry.__name__ for table, _ in event.drop)
            for event in new
        )


def step(world: World, look_at_pools: bool = True) -> float:
    """Do everything that is due; returns for how many seconds nothing will be, as far as the world knows now."""
    with world.lock:
        while True:
            now = world.now()
            ready = [work for work in world.all(Work) if due(work) <= now]
            for task in [task for task in world.all(VcScheduledTask) if task.next_run <= now]:
                _run_scheduled(world, task)
            for work in ready:
                if world.get(Work, work.id) == work:  # else the one before has changed it
                    _advance(world, work)
            filled = look_at_pools and _refill(world)
            if not ready and not filled:
                break
            look_at_pools = True
        times = [due(work) for work in world.all(Work)] + [task.next_run for task in world.all(VcScheduledTask)]
        soonest = min(times, default=now + LONGEST_SLEEP)
        return min(max(soonest - world.now(), 0.0), LONGEST_SLEEP)


def due(work: Work) -> float:
    """Return when something of this work is due; infinity for what goes on until it is ended."""
    return operations.due(work)


def _refill(world: World) -> bool:
    groups = dict.fromkeys(broker.group for broker in world.all(Broker))
    began = [provisioning.refill(world, group) for group in groups]
    return any(began)


def _run_scheduled(world: World, task: VcScheduledTask) -> None:
    """Run a task of vCenter's own scheduler, and set its next time: a week later."""
    vm = world.get(Vm, task.vcenter, task.entity)
    about = [(task.entity, vm.name if vm else "")]
    ran = machines.new_tasks(world, task.vcenter, DESCRIPTIONS.get(task.action, task.action), about, 1)
    ended = [msgspec.structs.replace(row, state="success", completed=world.now(), progress=100) for row in ran]
    later = task.next_run + WEEK * (1 + (world.now() - task.next_run) // WEEK)
    world.change("work", f"scheduled task {task.name} ran", *ended, msgspec.structs.replace(task, next_run=later))


def _advance(world: World, work: Work) -> None:
    if work.kind in operations.KINDS:
        operations.advance(world, work)
    elif work.kind in (services.START, services.STOP):
        services.end_transition(world, work)
    elif work.kind == builtin.KIND:
        builtin.finish(world, "work", work)
    else:
        raise AssertionError(f"no rule for work of kind {work.kind}")
