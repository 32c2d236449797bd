"""The dry run."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.context import Context
from app.engine.ending import EXIT_CODES, SENTENCES, Ending, Status
from app.engine.journal import Held
from app.engine.planning import PlannedStep, outline, plan, planning_context
from app.engine.prompter import Choice, FailedStep, Unattended
from app.engine.runbook import steps, weight
from app.engine.step import Bracket, Guided, Json, Parallel, Probe, Release, StepBase
from app.errors import UserError
from app.observation import Observation, State
from app.texts import text
from app.wire import Command
from tests.engine.practice import Bench, Off, World, Write, book


def proof(_ctx: Context) -> Observation:
    return Observation("g", State.PASSED, text("There."))


@dataclass(frozen=True)
class NeedsAnother(Write):
    def observe(self, ctx: Context) -> Json:
        return ctx.evidence("a")


@dataclass(frozen=True)
class Defective(Write):
    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        raise ZeroDivisionError


BOOK = book(
    Write("a"),
    Bracket(Off("p"), (Parallel(((Write("b"),), (Write("c"),))), NeedsAnother("d")), leave="hold"),
    Guided("g", text("A turn"), text("Do it."), proof),
    Release("r", text("Release"), "p"),
    Defective("e"),
)


def flat(parts: tuple[PlannedStep, ...]) -> list[PlannedStep]:
    return [one for part in parts for one in (part, *flat(part.parts))]


def test_a_plan_shows_every_command_and_changes_nothing() -> None:
    world = World()
    world.on["p"] = True
    planned = flat(plan(BOOK, planning_context("practice", world, {})))
    assert [(one.kind, one.key) for one in planned] == [
        ("step", "a"), ("bracket", "p"), ("parallel", ""), ("branch", ""), ("step", "b"), ("branch", ""), ("step", "c"),
        ("step", "d"), ("guided", "g"), ("release", "r"), ("step", "e"),
    ]  # fmt: skip
    by_key = {one.key: one for one in planned}
    assert by_key["a"].commands == (Command("world", "write a"),)
    assert (by_key["p"].commands, by_key["p"].closing) == ((Command("world", "off p"),), (Command("world", "on p"),))
    assert by_key["p"].leave == "hold"
    assert not any(change for *_, change in world.calls)


def test_a_step_that_cannot_be_planned_says_why_and_hides_no_other() -> None:
    world = World()
    world.broken = lambda what, name: (what, name) == ("read", "b")
    by_key = {one.key: one for one in flat(plan(BOOK, planning_context("practice", world, {})))}
    assert "refused" in str(by_key["b"].unknown)
    assert "known only when the run has come there" in str(by_key["d"].unknown)
    assert "ZeroDivisionError" in str(by_key["e"].unknown)
    assert by_key["c"].commands


def test_a_plan_may_wait_and_speak() -> None:
    said: list[object] = []

    class Clock:
        def now(self) -> float:
            return 7.0

        def wait(self, seconds: float, enough: object) -> None:
            said.append(seconds)

    ctx = planning_context("practice", World(), {}, say=said.append, clock=Clock())
    ctx.say(text("Looking"))
    ctx.progress(1)
    ctx.wait(3)
    ctx.check_stop()
    assert (said, ctx.now(), ctx.secret("x")) == ([text("Looking"), 3], 7.0, "")


def test_an_outline_is_the_tree_and_weights_count_closing() -> None:
    assert [(one.kind, one.key) for one in outline(BOOK.parts)] == [
        ("step", "a"), ("bracket", "p"), ("guided", "g"), ("release", "r"), ("step", "e"),
    ]  # fmt: skip
    assert [one.kind for one in outline(BOOK.parts)[1].parts[0].parts] == ["branch", "branch"]
    assert list(steps(BOOK)) == ["a", "p", "b", "c", "d", "g", "r", "e"]
    assert weight(BOOK) == 8
    assert weight(book(Bracket(Off("p", weight=3), (Write("a"),)))) == 7
    side = Parallel(((Bracket(Off("q"), ()),),))
    assert weight(book(side)) == 2


def test_every_ending_has_an_exit_code_and_a_sentence() -> None:
    assert set(EXIT_CODES) == set(Status) - {Status.RUNNING}
    assert set(SENTENCES) == set(Status)
    held = Held(1, "r", "p", "on", {}, text("Pools"), ("switch on",), "close", 5.0, note=text("Refused."))
    ending = Ending("r", Status.NEEDS_YOU, UserError(text("A"), "b", text("C")), (held,), skipped=("s",))
    assert ending.as_json() == {
        "outcome": "needs-you", "run": "r", "error": {"what": "A", "why": "b", "do": "C", "details": ""},
        "off": [{"what": "Pools", "by_hand": ["switch on"], "why": "Refused."}], "skipped": ["s"], "warnings": [],
    }  # fmt: skip
    assert str(ending.text).startswith("Something is still off")
    assert Ending("r", Status.DONE).as_json()["error"] is None


def test_nobody_answers_only_what_was_answered_beforehand() -> None:
    step = FailedStep("k", text("t"), UserError(text("e")), 1, (Choice.RETRY, Choice.STOP))
    assert Unattended(on_failed_step=Choice.SKIP).failed(step) is Choice.STOP
    assert Unattended(answers={"a/*": False, "*": True}).yes_no("a/b", text("?")) is False
    assert Unattended(answers={"a/*": False, "*": True}).yes_no("c", text("?")) is True


def test_the_usual_step_says_only_what_is_special_about_it(bench: Bench) -> None:
    base = StepBase()
    ctx = planning_context("practice", bench.world, {})
    assert (base.observe(ctx), base.commands(ctx, {}), base.closing(ctx, {}), base.by_hand({})) == ({}, (), (), ())
    assert base.probe(ctx, {}) is Probe.NOT_DONE
