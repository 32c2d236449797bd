"""What happens seldom, and must go right all the same."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.engine.context import Context
from app.engine.ending import Status
from app.engine.events import BracketRetried, CommandSent, StepAbandoned
from app.engine.journal import Journal, NewHold, Phase, Run
from app.engine.prompter import Choice, FailedStep, Unattended
from app.engine.runbook import plan_hash
from app.engine.step import Bracket, Closing, Json, Parallel, Part, Probe, Release
from app.errors import CouldNotLook, NotSent, Stopped, UserError
from app.texts import text
from app.wire import Command
from tests.engine.practice import HURRIED, Bench, Off, Temporary, Write, book, switch_on

LONG = 30.0


def join_all() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("part of"):
            thread.join(LONG)


@pytest.mark.parametrize("fault", ["not-sent", "fail", "lost-before", "lost"])
def test_closing_is_tried_again_with_pauses(bench: Bench, fault: str) -> None:
    bench.world.on["pool"] = True
    bench.world.faults = {5: fault}
    ending = bench.runner(Bracket(Off("pool"), ())).run()
    assert bench.world.calls[4][0] == "on" or bench.world.calls[5][0] == "on"
    assert ending.status is Status.DONE
    assert bench.clock.waits == [1]
    assert bench.world.on == {"pool": True}


def test_each_try_to_put_back_that_fails_is_told_with_its_reason_and_when_the_next_one_is(bench: Bench) -> None:
    tries = []

    def closer(ctx: Context, before: Json) -> Closing:
        tries.append(before["name"])
        if len(tries) < 3:
            raise UserError(text("The host is asleep."))
        return switch_on(ctx, before)

    bench.closers = {"on": closer}
    bench.world.on["pool"] = True
    assert bench.runner(Bracket(Off("pool"), ())).run().status is Status.DONE
    told = [event for event in bench.told if isinstance(event, BracketRetried)]
    assert [(event.seconds, event.left) for event in told] == [(1, 8), (2, 7)]
    assert "The host is asleep. Next try in 1 s; it is tried for at least 8 s more." in " ".join(
        str(told[0].text).split()
    )


def test_what_a_dead_run_may_still_be_doing_is_closed_twice(bench: Bench) -> None:
    parts = (Bracket(Off("pool"), (Write("w"),)),)
    bench.journal.begin(Run("dead", "practice", "backup", {}, plan_hash(book(*parts)), "running", 1, 5.0))
    hold = NewHold("on", text("pool"), ("switch on",), "close")
    bench.journal.intend("dead", 1, "pool", {"name": "pool", "was": True}, 6.0, hold)
    bench.journal.sent("dead", 1, "pool", 6.0)
    bench.world.on["pool"] = True
    closed: list[str] = []

    def late(ctx: Context, before: Json) -> Closing:
        closed.append(before["name"])
        outcome = switch_on(ctx, before)
        if len(closed) == 1:
            bench.world.on["pool"] = False  # the act of the dead process arrives only now
        return outcome

    bench.closers = {"on": late}
    assert bench.runner(*parts).close_only("dead").status is Status.FAILED
    assert bench.world.on == {"pool": True}
    assert closed == ["pool", "pool"]


@dataclass(frozen=True)
class Stuck(Write):
    """Is stuck until it is let go: in observe, or in its first act, which then was not sent."""

    where: str = "observe"
    begun: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    acts: list[str] = field(default_factory=list)

    def _stick(self) -> None:
        self.begun.set()
        assert self.let_go.wait(LONG)

    def observe(self, ctx: Context) -> Json:
        if self.where == "observe":
            self._stick()
        return {}

    def act(self, ctx: Context, before: Json) -> None:
        self.acts.append(self.key)
        if self.where == "act" and len(self.acts) == 1:
            self._stick()
            raise NotSent(text("Nothing was sent."))
        super().act(ctx, before)


@dataclass(frozen=True)
class FailingAfter(Write):
    other: Any = None

    def act(self, ctx: Context, before: Json) -> None:
        assert self.other.begun.wait(LONG)
        raise UserError(text("It was refused."))


@pytest.mark.parametrize("where", ["observe", "act"])
def test_a_branch_that_was_left_behind_begins_nothing_any_more(bench: Bench, where: str) -> None:
    stuck = Stuck("stuck", where=where, may_cut=False)
    bench.patience = replace(HURRIED, running=0.05, join=0.05)
    ending = bench.runner(Parallel(((stuck,), (FailingAfter("x", other=stuck),)))).run()
    assert ending.status is Status.FAILED
    assert StepAbandoned in {type(event) for event in bench.told}
    stuck.let_go.set()
    join_all()
    assert len(stuck.acts) == (1 if where == "act" else 0)
    assert "stuck" not in bench.world.files
    recorded = [effect.phase for effect in bench.journal.effects(ending.run) if effect.key == "stuck"]
    assert not recorded if where == "observe" else Phase.DONE not in recorded


def test_what_must_not_be_cut_off_is_waited_for_longer_than_the_others(bench: Bench) -> None:
    bench.patience = replace(HURRIED, join=0.0)
    stuck = Stuck("stuck", where="observe", may_cut=False)
    letting = threading.Timer(0.2, stuck.let_go.set)
    letting.start()
    ending = bench.runner(Parallel(((stuck,), (FailingAfter("x", other=stuck),)))).run()
    letting.join()
    assert ending.status is Status.FAILED
    assert bench.world.files.keys() == {"stuck"}
    assert StepAbandoned not in {type(event) for event in bench.told}


def test_a_stop_leaves_a_deaf_branch_behind_and_is_still_a_stop(bench: Bench) -> None:
    stuck = Stuck("stuck")
    bench.patience = replace(HURRIED, join=0.05)

    @dataclass(frozen=True)
    class Stopping(Write):
        def act(self, ctx: Context, before: Json) -> None:
            assert stuck.begun.wait(LONG)
            bench.stop.ask()
            super().act(ctx, before)

    ending = bench.runner(Parallel(((stuck,), (Stopping("x"),)))).run()
    assert ending.status is Status.STOPPED
    stuck.let_go.set()
    join_all()


def test_a_full_journal_does_not_keep_a_branch_from_being_left_behind(bench: Bench) -> None:
    class Full(Journal):
        def finish(self, run: str, episode: int, key: str, phase: Phase, result: Json, at: float) -> None:
            if phase is Phase.ABANDONED:
                raise UserError(text("The journal cannot be written."))
            super().finish(run, episode, key, phase, result, at)

    bench._journal = Full(bench.folder / "journal.sqlite")
    bench.patience = replace(HURRIED, join=0.05)
    stuck = Stuck("stuck")
    ending = bench.runner(Parallel(((stuck,), (FailingAfter("x", other=stuck),)))).run()
    assert str(ending.error and ending.error.what) == "It was refused."
    assert any("cannot be written" in str(warning) for warning in ending.warnings)
    stuck.let_go.set()
    join_all()


def test_a_step_that_could_not_even_be_observed_is_skipped_all_the_same(bench: Bench) -> None:
    bench.world.broken = lambda what, _name: what == "read"
    bench.prompter = Unattended(on_failed_step=Choice.SKIP)
    ending = bench.runner(Write("w", may_skip=True)).run()
    assert (ending.status, ending.skipped) == (Status.DONE, ("w",))
    assert [effect.phase for effect in bench.journal.effects(ending.run)] == [Phase.SKIPPED]


def test_an_opening_is_never_skipped(bench: Bench) -> None:
    asked: list[FailedStep] = []

    class Skipping(Unattended):
        def failed(self, step: FailedStep) -> Choice:
            asked.append(step)
            return Choice.SKIP

    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "off"
    bench.prompter = Skipping()
    ending = bench.runner(Bracket(Off("pool", may_skip=True), (Write("w"),))).run()
    assert ending.status is Status.FAILED
    assert asked[0].choices == (Choice.RETRY, Choice.STOP)
    assert bench.world.files == {}


def test_an_operator_who_says_stop_while_asked_stops_the_run(bench: Bench) -> None:
    class Stopping(Unattended):
        def failed(self, step: FailedStep) -> Choice:
            raise Stopped

    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Stopping()
    assert bench.runner(Write("w")).run().status is Status.STOPPED


def test_a_prompter_with_a_defect_fails_the_run_with_everything_closed(bench: Bench) -> None:
    class Defective(Unattended):
        def failed(self, step: FailedStep) -> Choice:
            raise RuntimeError

    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Defective()
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert ending.status is Status.FAILED
    assert "RuntimeError" in str(ending.error)
    assert bench.world.on == {"pool": True}


def test_a_prompter_that_cannot_ask_does_not_hide_the_failure(bench: Bench) -> None:
    class Unable(Unattended):
        def failed(self, step: FailedStep) -> Choice:
            raise UserError(text("Nobody is there."))

    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Unable()
    ending = bench.runner(Write("w")).run()
    assert str(ending.error and ending.error.what) == "It was refused."
    assert "Nobody is there" in str(ending.warnings[0])


def test_an_old_job_that_cannot_be_looked_at_is_told(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Hidden(Write):
        def probe(self, ctx: Context, before: Json) -> Probe:
            raise CouldNotLook(text("It cannot be seen."))

    parts: tuple[Part, ...] = (Bracket(Off("pool"), (Hidden("w"),)),)
    bench.world.on["pool"] = True
    bench.journal.begin(Run("dead", "practice", "backup", {}, plan_hash(book(*parts)), "running", 1, 5.0))
    bench.journal.intend("dead", 1, "w", {}, 6.0)
    bench.journal.sent("dead", 1, "w", 6.0)
    resumed = bench.runner(*parts).resume("dead")
    assert resumed.status is Status.DONE
    assert "cannot be seen" in str(resumed.warnings[0])


def test_what_cannot_be_released_keeps_an_undo_from_being_called_done(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (Write("w"),), leave="hold"),)
    ending = bench.runner(*parts).run()
    bench.world.broken = lambda what, _name: what == "on"
    assert bench.runner(*parts).undo(ending.run).status is Status.NEEDS_YOU
    assert bench.runner(*parts).close_only(ending.run, release=True).status is Status.NEEDS_YOU
    bench.world.broken = lambda _what, _name: False
    assert bench.runner(*parts).undo(ending.run).status is Status.UNDONE
    assert bench.world.on == {"pool": True}


def test_what_was_released_and_never_came_to_its_body_is_held_again(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts: tuple[Part, ...] = (
        Bracket(Off("pool"), (Write("w", may_skip=True),), leave="hold"), Release("r", text("Release"), "pool"),
        Write("last"),
    )  # fmt: skip
    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Unattended(on_failed_step=Choice.SKIP)
    ending = bench.runner(*parts).run()
    assert ending.status is Status.FAILED
    bench.world.broken = lambda _what, _name: False
    resumed = bench.runner(*parts).resume(ending.run)
    assert resumed.status is Status.DONE
    assert bench.world.files.keys() == {"w", "last"}
    assert bench.world.on == {"pool": True}


def test_what_cannot_be_looked_at_after_a_release_is_neither_kept_nor_done_anew(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts: tuple[Part, ...] = (
        Bracket(Off("pool"), (Write("w"),), leave="hold"), Release("r", text("Release"), "pool"), Write("last"),
    )  # fmt: skip
    bench.world.broken = lambda what, name: (what, name) == ("write", "last")
    ending = bench.runner(*parts).run()
    bench.world.calls.clear()
    bench.world.faults = dict.fromkeys(range(50), "not-sent")
    assert isinstance(bench.runner(*parts).resume(ending.run).error, NotSent)


def test_commands_that_are_sent_are_told_with_their_system(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Sending(Write):
        def act(self, ctx: Context, before: Json) -> None:
            ctx.sent(Command("sql:sql1", "BACKUP DATABASE"))
            super().act(ctx, before)

    bench.runner(Sending("w")).run()
    [sent] = [event for event in bench.told if isinstance(event, CommandSent)]
    assert str(sent.text) == "sql:sql1> BACKUP DATABASE"


def test_a_secret_that_nobody_gave_is_an_error_in_a_sentence(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Needing(Write):
        def observe(self, ctx: Context) -> Json:
            return {"x": ctx.secret("sa")}

    assert "no secret sa" in str(bench.runner(Needing("w")).run().error)


def test_a_run_whose_end_cannot_be_recorded_is_not_done(bench: Bench) -> None:
    class Full(Journal):
        def end(self, run: str, status: str, at: float, error: dict[str, str] | None = None) -> None:
            raise UserError(text("The journal cannot be written."))

    bench._journal = Full(bench.folder / "journal.sqlite")
    ending = bench.runner(Write("w")).run()
    assert ending.status is Status.FAILED
    assert "cannot be written" in str(ending.error)


def test_closing_is_not_undone_by_a_journal_that_cannot_record_it(bench: Bench) -> None:
    class Full(Journal):
        def mark_closed(self, held: Any, outcome: str, at: float) -> None:
            raise UserError(text("The journal cannot be written."))

    bench.world.on["pool"] = True
    bench._journal = Full(bench.folder / "journal.sqlite")
    ending = bench.runner(Bracket(Off("pool"), ()), Temporary("t")).run()
    assert bench.world.on == {"pool": True}
    assert ending.off == ()
    assert len(ending.warnings) == 2
    bench.close()
    assert bench.runner(Write("w")).run().status is Status.DONE
    assert bench.journal.open_held("practice") == []


def test_evidence_of_the_run_is_at_hand_while_it_is_undone(bench: Bench) -> None:
    seen: list[Json] = []

    @dataclass(frozen=True)
    class Reading(Write):
        def undo(self, ctx: Context, before: Json, evidence: Json) -> Closing:
            seen.append(ctx.evidence("a"))
            return super().undo(ctx, before, evidence)

    ending = bench.runner(Write("a"), Reading("b")).run()
    content = bench.world.files["a"]
    bench.runner(Write("a"), Reading("b")).undo(ending.run)
    assert seen == [{"content": content}]
