"""Branches side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.engine.context import Context
from app.engine.ending import Status
from app.engine.events import BracketClosing
from app.engine.journal import Phase
from app.engine.prompter import Choice, FailedStep, Unattended
from app.engine.step import Bracket, Json, Parallel, Part
from app.errors import Stopped, UserError
from app.texts import text
from tests.engine.practice import HURRIED, Bench, Off, Write

LONG = 30.0  # seconds: far more than what a test waits for


@dataclass(frozen=True)
class Meeting(Write):
    """Acts only when the others act too."""

    barrier: Any = None

    def act(self, ctx: Context, before: Json) -> None:
        self.barrier.wait(LONG)
        super().act(ctx, before)


def test_branches_go_on_side_by_side_and_their_evidence_is_read_after(bench: Bench) -> None:
    both = threading.Barrier(2)
    ending = bench.runner(Parallel(((Meeting("a", barrier=both),), (Meeting("b", barrier=both),))), Write("c")).run()
    assert ending.status is Status.DONE
    assert set(ending.evidence) == {"a", "b", "c"}


def test_the_first_failure_asks_the_others_to_stop_and_is_the_one_that_is_told(bench: Bench) -> None:
    bench.world.on["pool"] = True
    stopped = threading.Event()

    @dataclass(frozen=True)
    class Waiting(Write):
        def act(self, ctx: Context, before: Json) -> None:
            try:
                while True:
                    ctx.wait(0.01)
            except Stopped:
                stopped.set()
                raise

    bench.world.broken = lambda what, _name: what == "write"
    bench.clock = RealPauses()
    ending = bench.runner(Bracket(Off("pool"), (Parallel(((Waiting("a"), Write("c")), (Write("b"),))),))).run()
    assert stopped.is_set()
    assert ending.status is Status.FAILED
    assert str(ending.error and ending.error.what) == "It was refused."
    assert bench.world.on == {"pool": True}
    assert {effect.key for effect in bench.journal.effects(ending.run)} == {"pool", "a", "b"}


class RealPauses:
    """A clock whose waits give the other threads time."""

    def __init__(self) -> None:
        self._never = threading.Event()

    def now(self) -> float:
        return 1_000_000.0

    def wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        if not enough():
            self._never.wait(0.001)


@dataclass(frozen=True)
class Deaf(Write):
    """Hears no stop, until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def act(self, ctx: Context, before: Json) -> None:
        self.begun.set()
        assert self.let_go.wait(LONG)

    def verify(self, ctx: Context, before: Json) -> Json:
        self.ended.set()
        return {}


@dataclass(frozen=True)
class FailingAfter(Write):
    other: Any = None

    def act(self, ctx: Context, before: Json) -> None:
        assert self.other.begun.wait(LONG)
        raise UserError(text("It was refused."))


def test_a_branch_that_does_not_stop_in_time_is_left_behind_and_closing_looks_twice(bench: Bench) -> None:
    bench.world.on = {"outer": True, "inner": True}
    bench.patience = replace(HURRIED, join=0.05)
    deaf = Deaf("deaf")
    left: tuple[Part, ...] = (Bracket(Off("inner"), (deaf, Write("next"))),)
    ending = bench.runner(Bracket(Off("outer"), (Parallel((left, (FailingAfter("x", other=deaf),))),))).run()
    assert ending.status is Status.FAILED
    assert str(ending.error and ending.error.what) == "It was refused."
    assert bench.world.on == {"outer": True, "inner": True}
    closings = [event.key for event in bench.told if isinstance(event, BracketClosing)]
    assert closings == ["inner", "outer", "inner", "outer"]
    phases = {effect.key: effect.phase for effect in bench.journal.effects(ending.run)}
    assert phases["deaf"] is Phase.ABANDONED
    assert "StepAbandoned" in bench.kinds()
    assert any("may still act" in str(warning) for warning in ending.warnings)
    told = len(bench.told)
    deaf.let_go.set()
    assert deaf.ended.wait(LONG)
    for thread in threading.enumerate():
        if thread.name.startswith("part of"):
            thread.join(LONG)
    assert "next" not in bench.world.files, "a branch that was left behind went on"
    assert len(bench.told) == told
    assert bench.world.on == {"outer": True, "inner": True}


class Copies:
    """Connections of which every branch has its own."""

    def __init__(self, world: object) -> None:
        self.world, self.made, self.closed = world, list["Copies"](), False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def branch(self) -> Copies:
        made = Copies(self.world)
        self.made.append(made)
        return made

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("fails", [False, True])
def test_each_branch_has_connections_of_its_own_that_are_closed(bench: Bench, fails: bool) -> None:
    bench.world.broken = lambda what, _name: fails and what == "write"
    copies = Copies(bench.world)
    bench.connections = copies
    bench.runner(Parallel(((Write("a"),), (Write("b"),)))).run()
    assert len(copies.made) == 2
    assert all(made.closed for made in copies.made)
    assert not copies.closed


def test_only_one_question_is_put_at_a_time(bench: Bench) -> None:
    class Prompter(Unattended):
        def failed(self, step: FailedStep) -> Choice:
            asked.append(step.key)
            assert len(asked) - len(answered) == 1
            answered.append(step.key)
            return Choice.RETRY

    asked: list[str] = []
    answered: list[str] = []
    both = threading.Barrier(2)
    tries: list[str] = []

    @dataclass(frozen=True)
    class FailingOnce(Write):
        def act(self, ctx: Context, before: Json) -> None:
            if self.key not in tries:
                tries.append(self.key)
                both.wait(LONG)
                raise UserError(text("It was refused."))
            super().act(ctx, before)

    bench.prompter = Prompter()
    assert bench.runner(Parallel(((FailingOnce("a"),), (FailingOnce("b"),)))).run().status is Status.DONE
    assert sorted(answered) == ["a", "b"]


def test_a_stop_that_is_asked_for_stops_all_branches(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Stopping(Write):
        def act(self, ctx: Context, before: Json) -> None:
            bench.stop.ask()
            ctx.check_stop()

    ending = bench.runner(Parallel(((Stopping("a"),), (Stopping("b"),))), Write("c")).run()
    assert (ending.status, ending.exit_code) == (Status.STOPPED, 130)
    assert "c" not in bench.world.files
