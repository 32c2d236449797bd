"""Random runbooks in which every call may fail in every way: nothing stays off unsaid, and nothing lies."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.ending import Ending, Status
from app.engine.events import Event
from app.engine.journal import Journal, Phase
from app.engine.prompter import Choice, Unattended
from app.engine.runbook import leaves
from app.engine.step import Bracket, Parallel, Part
from tests.engine.practice import FAULTS, Bench, Off, Temporary, World, Write, quick_folder, switches

EXAMPLES = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def trees(*, parallel: bool) -> st.SearchStrategy[tuple[Part, ...]]:
    """Give trees whose keys are made unique afterwards."""
    leaf = st.sampled_from(["write", "write", "temporary", "skippable"])
    inner = st.recursive(
        st.lists(leaf, max_size=3),
        lambda deeper: st.lists(
            st.one_of(leaf, st.tuples(st.just("close"), deeper))
            if not parallel
            else st.one_of(leaf, st.tuples(st.just("close"), deeper), st.tuples(st.just("parallel"), deeper, deeper)),
            max_size=3,
        ),
        max_leaves=8,
    )
    return inner.map(lambda shape: named(shape, [0]))


def named(shape: Sequence[object], count: list[int]) -> tuple[Part, ...]:
    made: list[Part] = []
    for one in shape:
        count[0] += 1
        number = count[0]
        if one == "write":
            made.append(Write(f"w{number}"))
        elif one == "temporary":
            made.append(Temporary(f"t{number}"))
        elif one == "skippable":
            made.append(Write(f"s{number}", may_skip=True))
        elif isinstance(one, tuple) and one[0] == "close":
            made.append(Bracket(Off(f"p{number}"), named(one[1], count)))
        elif isinstance(one, tuple):
            made.append(Parallel(tuple(named(side, count) for side in one[1:])))
    return tuple(made)


FAULTY = st.dictionaries(st.integers(0, 60), st.sampled_from(FAULTS), max_size=6)


def nothing_is_off_unsaid(bench: Bench, parts: tuple[Part, ...], ending: Ending) -> None:
    world, off = bench.world, {held.key for held in ending.off}
    for key in switches(parts):
        assert world.on[key] or key in off, f"{key} is off, and nobody says so"
    if off:
        assert ending.status is Status.NEEDS_YOU
        assert all(held.by_hand and str(held.what_is_off) for held in ending.off)
    for name in world.files:
        assert not name.startswith("t") or name in off or any(held.closer == "removed" for held in ending.off)


def done_means_done(bench: Bench, parts: tuple[Part, ...], ending: Ending) -> None:
    if ending.status is not Status.DONE:
        return
    for leaf in leaves(parts):
        if isinstance(leaf, Write) and not isinstance(leaf, Temporary) and leaf.key not in ending.skipped:
            assert ending.evidence[leaf.key]["content"] == bench.world.files[leaf.key]


def the_journal_agrees(bench: Bench, ending: Ending) -> None:
    bench.close()
    with sqlite3.connect(bench.folder / "journal.sqlite") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    again = Journal(bench.folder / "journal.sqlite")
    assert again.run(ending.run).status == ending.status
    assert {held.key for held in again.open_held("practice")} == {held.key for held in ending.off}
    proven = {effect.key for effect in again.effects(ending.run) if effect.phase in (Phase.DONE, Phase.KEPT)}
    assert set(ending.evidence) <= proven
    again.close()


def progress_goes_forward(told: list[Event], ending: Ending) -> None:
    overall = [event.overall for event in told if hasattr(event, "overall")]
    assert overall == sorted(overall)
    assert (overall[-1] == 1.0) == (ending.status in (Status.DONE, Status.UNDONE))
    assert all(one < 1.0 for one in overall[:-1])


def tried(
    folder: Path, parts: tuple[Part, ...], faults: dict[int, str], on_failed: Choice, broken: set[str]
) -> tuple[Bench, Ending]:
    bench = Bench(folder, World(folder / "world.json"), prompter=Unattended(on_failed_step=on_failed, retries=1))
    bench.world.on = dict.fromkeys(switches(parts), True)
    bench.world.faults = faults
    bench.world.broken = lambda what, name: what == "on" and name in broken
    ending = bench.runner(*parts).run()
    nothing_is_off_unsaid(bench, parts, ending)
    done_means_done(bench, parts, ending)
    the_journal_agrees(bench, ending)
    return bench, ending


@EXAMPLES
@given(
    parts=trees(parallel=False), faults=FAULTY, on_failed=st.sampled_from(Choice),
    broken=st.sets(st.sampled_from(["p1", "p2", "p3"]), max_size=1), come_back=st.sampled_from(["resume", "undo"]),
)  # fmt: skip
def test_whatever_fails_nothing_stays_off_unsaid_and_it_can_be_come_back_to(
    parts: tuple[Part, ...], faults: dict[int, str], on_failed: Choice, broken: set[str], come_back: str
) -> None:
    with tempfile.TemporaryDirectory(dir=quick_folder(), ignore_cleanup_errors=True) as folder:
        bench, ending = tried(Path(folder), parts, faults, on_failed, broken)
        progress_goes_forward(bench.told, ending)
        bench.world.faults, bench.world.broken = {}, lambda _what, _name: False
        again = Bench(Path(folder), bench.world)
        if come_back == "undo":
            undone = again.runner(*parts).undo(ending.run)
            assert undone.status is Status.UNDONE
            assert bench.world.files == {}
        elif ending.status is not Status.DONE:
            resumed = again.runner(*parts).resume(ending.run)
            assert resumed.status is Status.DONE
            assert resumed.skipped == ()
            done_means_done(again, parts, resumed)
        assert all(bench.world.on.values())
        again.close()


@EXAMPLES
@given(parts=trees(parallel=True), faults=FAULTY)
def test_the_same_holds_side_by_side(parts: tuple[Part, ...], faults: dict[int, str]) -> None:
    with tempfile.TemporaryDirectory(dir=quick_folder(), ignore_cleanup_errors=True) as folder:
        bench, ending = tried(Path(folder), parts, faults, Choice.STOP, set())
        progress_goes_forward(bench.told, ending)


@EXAMPLES
@given(parts=trees(parallel=False), at=st.integers(0, 60))
def test_a_stop_at_any_call_closes_everything(parts: tuple[Part, ...], at: int) -> None:
    with tempfile.TemporaryDirectory(dir=quick_folder(), ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        bench.world.on = dict.fromkeys(switches(parts), True)

        def stop(_what: str, _name: str) -> None:
            if len(bench.world.calls) >= at:
                bench.stop.ask()  # again and again: stopping twice is no different

        bench.world.before_call = stop
        ending = bench.runner(*parts).run()
        assert ending.status in (Status.DONE, Status.STOPPED)
        assert all(bench.world.on.values())
        nothing_is_off_unsaid(bench, parts, ending)
        the_journal_agrees(bench, ending)
