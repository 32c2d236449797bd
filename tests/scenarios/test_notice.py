"""Who may run: of several that come at once one gets the notice, and what a dead run left goes before the next."""

from __future__ import annotations

import io
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from app import commands, leftovers
from app.console import Console
from app.engine.ending import Ending, Status
from app.engine.journal import Run
from app.engine.lease import RunLock
from app.engine.prompter import Unattended
from app.errors import Busy, UserError
from app.lab.rows import HostFile, Service
from app.runbooks.notice import Note, Notice, read
from app.runbooks.places import HOME, NOTICE
from tests.scenarios.environment import Environment
from tests.scenarios.running import held_at, killed
from tests.scenarios.standing import changed, ours, standing, world_of

FREEZING = ("sql:sql1", "*n'viewcomposer'*backup database*to disk*")


def a_run(number: int) -> Run:
    return Run(f"20261122-101500-{number:04x}", "elsewhere:1", "backup", {}, "", "running", 1, time.time())


class Workstations:
    """Several workstations, each with a notice of its own on the same broker."""

    def __init__(self, environment: Environment, stack: ExitStack) -> None:
        self._stack = stack
        self.connections = stack.enter_context(environment.desk.connections(environment.profile()))

    def notice(self) -> Notice:
        return self._stack.enter_context(closing(Notice(self.connections)))

    def standing(self) -> Note | None:
        found = read(self.connections, self.connections.profile.brokers[0])
        return found.note if found else None


@pytest.fixture
def workstations(environment: Environment) -> Iterator[Workstations]:
    with ExitStack() as stack:
        yield Workstations(environment, stack)


def on_the_broker(environment: Environment) -> list[str]:
    return sorted(file.path for file in world_of(environment).all(HostFile) if file.path.startswith(HOME))


def test_of_several_that_come_at_once_never_two_get_the_notice(
    environment: Environment, workstations: Workstations
) -> None:
    together, got = threading.Barrier(3), list[str]()

    def come(notice: Notice, run: Run) -> None:
        together.wait()
        try:
            notice.acquire(run)
        except Busy:
            return
        got.append(run.id)

    runs = [a_run(number) for number in range(3)]
    threads = [threading.Thread(target=come, args=(workstations.notice(), run)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) <= 1
    there = workstations.standing()
    assert [there.run.id] == got if there else not got
    assert on_the_broker(environment) == ([NOTICE] if got else []), "something was left of those that lost"


def test_who_has_looked_too_early_does_not_overwrite_a_notice(
    workstations: Workstations, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, late = workstations.notice(), workstations.notice()
    monkeypatch.setattr(late, "_look", lambda _run: ())  # what it saw before the first one came
    first.acquire(a_run(1))
    with pytest.raises(Busy):
        late.acquire(a_run(2))
    there = workstations.standing()
    assert there is not None
    assert there.run.id == a_run(1).id
    first.renew()
    first.release(())
    assert workstations.standing() is None


def test_a_dead_notice_is_taken_over_by_one_only(
    environment: Environment, workstations: Workstations, monkeypatch: pytest.MonkeyPatch
) -> None:
    workstations.notice().acquire(a_run(1))
    environment.lab("clock", forward=200)
    first, late = workstations.notice(), workstations.notice()
    seen = late._look(a_run(3))  # what it saw before the first one came
    monkeypatch.setattr(late, "_look", lambda _run: seen)
    first.acquire(a_run(2))
    with pytest.raises(Busy):
        late.acquire(a_run(3))
    there = workstations.standing()
    assert there is not None
    assert there.run.id == a_run(2).id
    assert on_the_broker(environment) == [NOTICE]


def test_the_same_lost_run_is_gone_on_with_from_one_workstation_only(
    environment: Environment, workstations: Workstations
) -> None:
    workstations.notice().acquire(a_run(1))
    environment.lab("clock", forward=200)
    workstations.notice().acquire(a_run(1))
    with pytest.raises(Busy):
        workstations.notice().acquire(a_run(1))


def test_a_run_that_slept_learns_that_another_has_taken_its_place(
    environment: Environment, workstations: Workstations
) -> None:
    slept, other = workstations.notice(), workstations.notice()
    slept.acquire(a_run(1))
    environment.lab("clock", forward=200)
    other.acquire(a_run(2))
    for act in (slept.renew, lambda: slept.note(()), lambda: slept.release(())):
        with pytest.raises(Busy):
            act()
    there = workstations.standing()
    assert there is not None
    assert there.run.id == a_run(2).id


def test_a_run_counts_as_dead_here_only_while_nobody_holds_the_lock_of_its_own_environment(
    environment: Environment, workstations: Workstations
) -> None:
    workstations.notice().acquire(a_run(1))
    there = workstations.standing()
    assert there is not None
    with environment.desk.journal() as journal:
        assert not leftovers.ended_here(environment.data, journal, "", there), "no journal of ours knows it"
        journal.begin(a_run(1))
        assert leftovers.ended_here(environment.data, journal, "", there)
        stranger = Note(there.run, "another-machine", there.user, token=there.token)
        assert not leftovers.ended_here(environment.data, journal, "", stranger)
        with RunLock(environment.data, "elsewhere:1", "x", 1.0):
            assert not leftovers.ended_here(environment.data, journal, "", there)


def test_a_living_run_elsewhere_ends_a_backup_as_busy(environment: Environment, workstations: Workstations) -> None:
    workstations.notice().acquire(a_run(1))
    mark = environment.mark()
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (5, "busy"), ran
    assert environment.changed_by_us(mark) == []


def test_a_backup_right_after_a_kill_in_the_freeze_closes_what_is_off_and_goes_through(
    own_environment: Environment,
) -> None:
    """Its notice is fresh still: that the run is dead is known from the lock of this workstation."""
    environment = own_environment
    before = standing(world_of(environment))
    killed(held_at(environment, *FREEZING))
    environment.clear_faults()
    assert world_of(environment).require(Service, "composer1", "svid").state == "Stopped"
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, "done"), ran
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no hang-up")
def test_a_terminal_that_hangs_up_stops_a_run_safely(own_environment: Environment) -> None:
    environment = own_environment
    before = standing(world_of(environment))
    process = held_at(environment, *FREEZING)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


class Closed(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, _words: str) -> int:
        raise BrokenPipeError


def test_a_stop_is_asked_for_even_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Closed())
    with commands._stoppable(Console(), Unattended()) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked()


def test_a_run_keeps_its_exit_code_where_nobody_reads_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "stderr", Closed())
    assert commands._ended(Console(), Ending("run", Status.NEEDS_YOU)) == 3


@pytest.mark.parametrize("kind", ["lie", "half", "fail", "lose-answer"])
def test_a_notice_that_does_not_get_into_its_place_keeps_nobody_out(
    environment: Environment, workstations: Workstations, kind: str
) -> None:
    environment.fault("winrm:broker1", "ren *notice.json*", kind, times=1)
    with pytest.raises(UserError):
        workstations.notice().acquire(a_run(1))
    assert on_the_broker(environment) == []
    workstations.notice().acquire(a_run(2))
