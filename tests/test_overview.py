"""What is known before anything is asked for: runs that go on in another process, and runs that have left something."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import overview
from app.desk import Desk
from app.engine.journal import Run
from app.engine.lease import RunLock, lock_path, owners
from app.history import stands
from app.overview import Here

PLACE = "b1:5986"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data 二")


def begun(desk: Desk, name: str, status: str, place: str = PLACE) -> Run:
    """Write a run into the journal."""
    run = Run(name, place, "backup", {"profile": "corp"}, "", status, 1, 5.0)
    with desk.journal() as journal:
        journal.begin(run)
    return run


def test_where_nothing_was_ever_run_nothing_is_left_off_and_nothing_goes_on(desk: Desk) -> None:
    assert overview.here(desk) == Here()


def test_a_run_that_goes_on_in_another_process_is_told_and_is_not_left_off(desk: Desk) -> None:
    begun(desk, "r1", "running")
    with RunLock(desk.data, PLACE, "r1", 7.0):
        found = overview.here(desk)
    assert found.left_off == ()
    [one] = found.going_on
    assert (one.profile, one.run, one.runbook, one.since) == ("corp", "r1", "backup", 7.0)
    assert one.process > 0
    [left] = overview.here(desk).left_off
    assert left.run.status == "interrupted"


def test_what_a_run_has_left_off_is_not_offered_while_another_process_is_putting_it_back(desk: Desk) -> None:
    begun(desk, "r1", "needs-you")
    begun(desk, "r2", "needs-you", "b2:5986")
    with RunLock(desk.data, PLACE, "r1", 7.0):
        found = overview.here(desk)
        assert [left.run.id for left in found.left_off] == ["r2"]
        assert [one.run for one in found.going_on] == ["r1"]
        assert overview.here(desk, "b2:5986").going_on == ()
    assert {left.run.id for left in overview.here(desk).left_off} == {"r1", "r2"}


@pytest.mark.parametrize("another", [True, False])
def test_a_run_that_has_not_written_down_yet_what_it_is_is_told_all_the_same(desk: Desk, another: bool) -> None:
    if another:
        begun(desk, "r1", "done")
    with RunLock(desk.data, PLACE, "r2", 7.0):
        [one] = overview.here(desk).going_on
    assert (one.profile, one.run, one.runbook) == (PLACE, "r2", "")


def test_a_dead_run_is_broken_off_although_another_one_lives_in_its_environment(desk: Desk) -> None:
    dead, living = begun(desk, "dead", "running"), begun(desk, "living", "running")
    with RunLock(desk.data, PLACE, "living", 7.0):
        locks = owners(desk.data)
        assert [stands(desk.data, run, locks) for run in (dead, living)] == ["interrupted", "running"]
        lock_path(desk.data, PLACE).write_bytes(b"{")  # its words are just being written
        assert stands(desk.data, dead, owners(desk.data)) == "running"
        assert overview.here(desk) == Here((), (), frozenset({"dead", "living"}))
