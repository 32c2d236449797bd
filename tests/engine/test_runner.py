"""What a run does in the usual and in the unusual case, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from app.engine import events
from app.engine.context import Context
from app.engine.ending import Blocked, Status
from app.engine.journal import Phase
from app.engine.prompter import Choice, Unattended
from app.engine.step import Bracket, Closing, Json, Probe
from app.errors import AnswerLost, Busy, CouldNotLook, NotSent, Refused, UserError
from app.texts import Text, text
from tests.engine.practice import Bench, Off, Temporary, Write, content, world


def test_a_run_that_goes_well_is_done_and_everything_is_on_again(bench: Bench) -> None:
    bench.world.on["pool"] = True
    ending = bench.runner(Write("a"), Bracket(Off("pool"), (Write("b"),)), Write("c")).run()
    assert (ending.status, ending.exit_code, ending.error, ending.off) == (Status.DONE, 0, None, ())
    assert bench.world.on == {"pool": True}
    assert ending.evidence["b"] == {"content": bench.world.files["b"]}
    assert [call[:2] for call in bench.world.calls if call[2]] == [
        ("write", "a"), ("off", "pool"), ("write", "b"), ("on", "pool"), ("write", "c"),
    ]  # fmt: skip


def test_what_was_off_before_stays_off_after(bench: Bench) -> None:
    bench.world.on["pool"] = False
    assert bench.runner(Bracket(Off("pool"), ())).run().status is Status.DONE
    assert bench.world.on == {"pool": False}


def test_the_intent_and_the_state_before_are_on_disk_before_anything_is_done(bench: Bench) -> None:
    bench.world.on["pool"] = True
    seen: list[tuple[Phase, Json, str]] = []

    def look(what: str, _name: str) -> None:
        if what == "off":
            run = bench.journal.runs()[0].id
            [effect], [held] = bench.journal.effects(run), bench.journal.held(run)
            seen.append((effect.phase, held.before, held.closer))

    bench.world.before_call = look
    bench.runner(Bracket(Off("pool"), ())).run()
    assert seen == [(Phase.INTENT, {"name": "pool", "was": True}, "on")]


def test_a_failure_inside_closes_the_brackets_from_the_inside_out(bench: Bench) -> None:
    bench.world.on = {"outer": True, "inner": True}
    bench.world.broken = lambda what, _name: what == "write"
    ending = bench.runner(Bracket(Off("outer"), (Bracket(Off("inner"), (Write("w"),)),))).run()
    assert ending.status is Status.FAILED
    assert ending.exit_code == 1
    assert ending.error is not None
    assert str(ending.error.what) == "It was refused."
    assert [call[:2] for call in bench.world.calls if call[0] == "on"] == [("on", "inner"), ("on", "outer")]
    assert bench.world.on == {"outer": True, "inner": True}


def test_one_closer_that_fails_neither_hides_the_first_error_nor_stops_the_others(bench: Bench) -> None:
    bench.world.on = {"outer": True, "inner": True}
    bench.world.broken = lambda what, name: what == "write" or (what, name) == ("on", "inner")
    ending = bench.runner(Bracket(Off("outer"), (Bracket(Off("inner"), (Write("w"),)),))).run()
    assert ending.status is Status.NEEDS_YOU
    assert ending.exit_code == 3
    assert ending.error is not None
    assert str(ending.error.what) == "It was refused."
    assert [(held.key, held.by_hand, str(held.note)) for held in ending.off] == [
        ("inner", ("switch on inner",), "It was refused. ")
    ]
    assert bench.world.on == {"outer": True, "inner": False}


def test_a_closer_with_a_defect_is_told_and_the_others_run(bench: Bench) -> None:
    bench.world.on = {"outer": True, "inner": True}

    def broken(_ctx: Context, before: Json) -> Closing:
        if before["name"] == "inner":
            raise RuntimeError("a defect")
        bench.world.on[before["name"]] = True
        return Closing.CLOSED

    bench.closers = {"on": broken}
    ending = bench.runner(Bracket(Off("outer"), (Bracket(Off("inner"), ()),))).run()
    assert ending.status is Status.NEEDS_YOU
    assert bench.world.on == {"outer": True, "inner": False}


def test_a_bracket_that_could_not_be_closed_is_tried_once_more_at_the_end(bench: Bench) -> None:
    bench.world.on = {"outer": True, "inner": True}
    tried: list[str] = []

    def unwilling(ctx: Context, before: Json) -> Closing:
        tried.append(before["name"])
        if tried == ["inner"]:
            return Closing.IMPOSSIBLE
        bench.world.on[before["name"]] = True
        return Closing.CLOSED

    bench.closers = {"on": unwilling}
    ending = bench.runner(Bracket(Off("outer"), (Bracket(Off("inner"), ()),))).run()
    assert tried == ["inner", "outer", "inner"]
    assert ending.status is Status.FAILED
    assert bench.world.on == {"outer": True, "inner": True}


def test_a_closer_with_nothing_left_to_close_is_moot(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.before_call = lambda what, _name: bench.world.on.clear() if what == "write" else None
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert ending.status is Status.DONE
    assert [held.outcome for held in bench.journal.held(ending.run)] == ["moot"]


def test_what_was_not_sent_is_tried_again_with_growing_pauses_and_an_end(bench: Bench) -> None:
    bench.world.faults = {1: "not-sent", 2: "not-sent"}
    assert bench.runner(Write("w")).run().status is Status.DONE
    assert bench.clock.waits == [1, 2]
    bench.world.calls.clear()
    bench.world.faults = {1: "not-sent", 2: "not-sent", 3: "not-sent"}
    ending = bench.runner(Write("w")).run()
    assert ending.status is Status.FAILED
    assert isinstance(ending.error, NotSent)


def test_a_lost_answer_is_looked_after_and_what_was_done_is_not_done_again(bench: Bench) -> None:
    bench.world.faults = {1: "lost"}
    assert bench.runner(Write("w")).run().status is Status.DONE
    assert [call[0] for call in bench.world.calls].count("write") == 1


def test_a_lost_answer_of_what_was_not_done_is_done_again(bench: Bench) -> None:
    bench.world.faults = {1: "lost-before"}
    assert bench.runner(Write("w")).run().status is Status.DONE
    assert [call[0] for call in bench.world.calls].count("write") == 2


def test_answers_that_are_always_lost_come_to_an_end(bench: Bench) -> None:
    bench.world.faults = dict.fromkeys(range(1, 100, 2), "lost-before")
    assert bench.runner(Write("w")).run().status is Status.FAILED
    assert [call[0] for call in bench.world.calls].count("write") == 1 + bench.patience.again


@dataclass(frozen=True)
class Remote(Write):
    """A job that goes on at the other end after its answer was lost."""

    answers: tuple[Probe, ...] = ()
    looks: list[Probe] = field(default_factory=list)

    def act(self, ctx: Context, before: Json) -> None:
        raise AnswerLost(text("No answer came."))

    def probe(self, ctx: Context, before: Json) -> Probe:
        self.looks.append(self.answers[min(len(self.looks), len(self.answers) - 1)])
        if self.looks[-1] is Probe.DONE:
            world(ctx).files[self.key] = content(self.key, ctx)
        return self.looks[-1]


def test_a_remote_job_that_is_still_at_work_is_waited_for(bench: Bench) -> None:
    step = Remote("w", answers=(Probe.RUNNING, Probe.RUNNING, Probe.DONE))
    assert bench.runner(step).run().status is Status.DONE
    assert bench.clock.waits == [10, 10]


def test_a_remote_job_without_end_fails_and_closing_looks_twice(bench: Bench) -> None:
    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Remote("w", answers=(Probe.RUNNING,)),))).run()
    assert ending.status is Status.FAILED
    assert [event for event in bench.kinds() if event == "BracketClosing"] == ["BracketClosing"] * 2
    assert {effect.phase for effect in bench.journal.effects(ending.run)} == {Phase.DONE, Phase.ABANDONED}


def test_an_act_of_which_nothing_is_known_is_never_done_again_by_itself(bench: Bench) -> None:
    ending = bench.runner(Remote("w", answers=(Probe.UNKNOWN,))).run()
    assert ending.status is Status.FAILED
    assert ending.error is not None
    assert "could not be told" in str(ending.error.what)


def test_a_server_that_says_yes_and_does_nothing_never_ends_in_done(bench: Bench) -> None:
    bench.world.faults = {1: "lie"}
    assert bench.runner(Write("w")).run().status is Status.FAILED


def test_the_operator_may_try_a_failed_step_again(bench: Bench) -> None:
    bench.world.faults = {1: "fail"}
    bench.prompter = Unattended(on_failed_step=Choice.RETRY)
    assert bench.runner(Write("w")).run().status is Status.DONE
    [answer] = bench.journal.answers(bench.journal.runs()[0].id)
    assert (answer.key, answer.answer) == ("w", "retry")


def test_trying_again_has_an_end_where_nobody_is_there(bench: Bench) -> None:
    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Unattended(on_failed_step=Choice.RETRY, retries=2)
    assert bench.runner(Write("w")).run().status is Status.FAILED
    assert [call[0] for call in bench.world.calls].count("write") == 3


def test_a_step_is_skipped_only_where_it_allows_it(bench: Bench) -> None:
    bench.world.broken = lambda what, _name: what == "write"
    bench.prompter = Unattended(on_failed_step=Choice.SKIP)
    ending = bench.runner(Write("a", may_skip=True), Write("b")).run()
    assert ending.status is Status.FAILED
    assert ending.skipped == ("a",)
    phases = {effect.key: effect.phase for effect in bench.journal.effects(ending.run)}
    assert phases == {"a": Phase.SKIPPED, "b": Phase.FAILED}


def test_a_later_step_reads_nothing_of_a_skipped_one(bench: Bench) -> None:
    read: list[Json] = []

    @dataclass(frozen=True)
    class Reading(Write):
        def observe(self, ctx: Context) -> Json:
            read.extend((ctx.evidence("a"), ctx.evidence("b")))
            with pytest.raises(KeyError):
                ctx.evidence("nowhere")
            return {}

    bench.world.broken = lambda what, name: (what, name) == ("write", "a")
    bench.prompter = Unattended(on_failed_step=Choice.SKIP)
    assert bench.runner(Write("a", may_skip=True), Write("b"), Reading("c")).run().status is Status.DONE
    assert read == [{}, {"content": bench.world.files["b"]}]


def test_an_observe_that_fails_leaves_no_intent(bench: Bench) -> None:
    bench.world.broken = lambda what, _name: what == "read"
    ending = bench.runner(Write("w")).run()
    assert ending.status is Status.FAILED
    assert bench.journal.effects(ending.run) == []


@dataclass(frozen=True)
class Check(Write):
    """Looks only."""

    error: UserError | None = None
    changes: bool = field(default=False, kw_only=True)

    def act(self, ctx: Context, before: Json) -> None:
        """Look only."""

    def verify(self, ctx: Context, before: Json) -> Json:
        if self.error:
            raise self.error
        return {}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Blocked(text("Work is in progress.")), Status.BLOCKED, 4),
        (CouldNotLook(text("It could not be seen.")), Status.UNKNOWN, 7),
        (Busy(text("Another run.")), Status.BUSY, 5),
        (Refused(text("Wrong use.")), Status.REFUSED, 2),
        (UserError(text("It failed.")), Status.FAILED, 1),
    ],
)
def test_a_check_that_forbids_the_run_before_anything_changed_says_so(
    bench: Bench, error: UserError, status: Status, code: int
) -> None:
    ending = bench.runner(Check("c", error=error), Write("w")).run()
    assert (ending.status, ending.exit_code) == (status, code)
    assert bench.journal.run(ending.run).status == status
    assert not any(change for *_, change in bench.world.calls)


def test_the_same_check_after_something_changed_is_a_failure(bench: Bench) -> None:
    ending = bench.runner(Write("w"), Check("c", error=Blocked(text("Work is in progress.")))).run()
    assert ending.status is Status.FAILED


def test_a_question_that_nobody_answers_blocks(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Asking(Check):
        def verify(self, ctx: Context, before: Json) -> Json:
            return {"answer": ctx.ask("warning/age", text("Go on?"))}

    assert bench.runner(Asking("c")).run().status is Status.BLOCKED
    bench.prompter = Unattended(answers={"warning/*": True})
    ending = bench.runner(Asking("c")).run()
    assert ending.evidence["c"] == {"answer": True}
    assert [answer.answer for answer in bench.journal.answers(ending.run)] == ["yes"]


def test_a_defect_in_a_step_fails_the_run_with_everything_closed(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.faults = {4: "defect"}
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert ending.status is Status.FAILED
    assert ending.error is not None
    assert "RuntimeError" in str(ending.error.what)
    assert bench.world.on == {"pool": True}


def test_a_temporary_file_is_removed_at_the_end_of_the_run_not_with_the_bracket(bench: Bench) -> None:
    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Temporary("t"),)), Write("w")).run()
    assert ending.status is Status.DONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [
        ("off", "pool"), ("write", "t"), ("on", "pool"), ("write", "w"), ("remove", "t"),
    ]  # fmt: skip


def test_progress_never_goes_back_and_is_whole_only_at_the_end(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.runner(Write("a", weight=5), Bracket(Off("pool"), (Write("b"), Write("c")))).run()
    overall = [event.overall for event in bench.told if hasattr(event, "overall")]
    assert overall == sorted(overall)
    assert overall[-1] == 1.0
    assert all(one < 1.0 for one in overall[:-1])


def test_a_screen_that_fails_does_not_keep_anything_off(bench: Bench) -> None:
    bench.world.on["pool"] = True

    def broken(event: events.Event) -> None:
        if isinstance(event, events.BracketOpened):
            raise BrokenPipeError

    bench.sink = broken
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert ending.status is Status.DONE
    assert bench.world.on == {"pool": True}
    assert ["BrokenPipeError" in str(warning) for warning in ending.warnings] == [True]


def test_no_password_reaches_the_journal_or_the_screen(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Talkative(Write):
        def observe(self, ctx: Context) -> Json:
            return {"login": f"user with {ctx.secret('user')}"}

        def act(self, ctx: Context, before: Json) -> None:
            ctx.say(Text("{line}", {"line": f"it is {ctx.secret('user')}"}))
            super().act(ctx, before)
            raise UserError(text("It was not {password}.", password=ctx.secret("user")))

    from app.engine.journal import Journal

    def hide(words: str) -> str:
        return words.replace("s3cret", "•••")

    bench._journal = Journal(bench.folder / "journal.sqlite", hide=hide)
    bench.runner(Talkative("w"), secret=lambda _name: "s3cret", hide=hide).run()
    bench.close()
    assert b"s3cret" not in (bench.folder / "journal.sqlite").read_bytes()
    assert "s3cret" not in repr(bench.told)
    assert "it is •••" in repr([str(event.text) for event in bench.told])
    assert "s3cret" not in repr(bench.given(secret=lambda _name: "s3cret"))


def test_a_runbook_that_cannot_be_run_safely_is_a_mistake(bench: Bench) -> None:
    with pytest.raises(ValueError, match="two steps"):
        bench.runner(Write("a"), Write("a"))
    with pytest.raises(ValueError, match="names no closer"):
        bench.runner(Bracket(Write("a"), ()))
    with pytest.raises(ValueError, match="closer that there is not"):
        bench.runner(Bracket(Off("a", closer="nowhere"), ()))


def test_the_times_of_a_freeze_are_kept(bench: Bench) -> None:
    spans: list[Any] = []

    @dataclass(frozen=True)
    class Looking(Write):
        def verify(self, ctx: Context, before: Json) -> Json:
            spans.append((ctx.span("pool"), ctx.span("b"), ctx.span("nowhere")))
            return super().verify(ctx, before)

    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Write("b"), Looking("c"))), Looking("d")).run()
    [held] = bench.journal.held(ending.run)
    effects = {effect.key: effect for effect in bench.journal.effects(ending.run)}
    assert spans[1] == ((effects["pool"].sent, held.closed), (effects["b"].sent, effects["b"].ended), None)
    assert spans[0][0][1] < held.closed


def test_events_become_json_and_words(bench: Bench) -> None:
    bench.runner(Write("w")).run()
    made = [events.as_json(event) for event in bench.told]
    assert [one["event"] for one in made] == [
        "RunStarted", "Plan", "StepStarted", "StepProgress", "StepDone", "RunEnded",
    ]  # fmt: skip
    assert made[-1]["words"].startswith("All is done and verified.")
    assert made[1]["parts"][0]["key"] == "w"
