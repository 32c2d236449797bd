"""The dry run: what every step would send, found by looking only."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.engine.clock import Clock, SystemClock
from app.engine.context import Context
from app.engine.events import Outline
from app.engine.step import Bracket, Guided, Json, Parallel, Part, Release, Runbook, Step
from app.errors import CouldNotLook, UserError
from app.texts import NOTHING, Text, text
from app.wire import Command, Tap, no_tap


@dataclass(frozen=True)
class PlannedStep:
    """A part of the plan. `kind` is step, guided, release, bracket, parallel or branch.

    `commands` is what it would send, `closing` what its closer would; `unknown` says why that cannot be told
    beforehand. A bracket carries its opening's words and commands, its body is `parts`. `leave` is close or hold. `off`
    says what is off, or left there, until it is put back; it is empty for what leaves nothing."""

    kind: str
    key: str
    title: Text
    why: Text = NOTHING
    weight: float = 0.0
    before: Json | None = None
    commands: tuple[Command, ...] = ()
    closing: tuple[Command, ...] = ()
    unknown: Text = NOTHING
    details: str = ""
    leave: str = ""
    off: Text = NOTHING
    parts: tuple[PlannedStep, ...] = ()


def plan(runbook: Runbook, ctx: Context) -> tuple[PlannedStep, ...]:
    """Return the runbook with its commands. Calls `observe`, `commands` and `closing`, which only look. A step that
    cannot be looked at, or that needs what an earlier one will have proven, says so; the others are planned all the
    same."""
    return tuple(_part(part, ctx) for part in runbook.parts)


def planning_context(
    environment: str,
    connections: Any,
    inputs: Json,
    *,
    run: str = "dry-run",
    say: Callable[[Text], None] = lambda _line: None,
    secret: Callable[[str], str] = lambda _name: "",
    tap: Tap = no_tap,
    clock: Clock | None = None,
) -> Context:
    """Return a context in which nothing has been proven yet, and nothing is asked."""
    time = clock or SystemClock()

    def wait(seconds: float) -> None:
        time.wait(seconds, lambda: False)

    return Context(
        run=run, environment=environment, connections=connections, inputs=inputs, evidence=_not_yet, say=say, warn=say,
        progress=lambda _fraction: None, stop_asked=lambda: False, wait=wait,
        now=time.now, secret=secret, sent=tap,
    )  # fmt: skip


def outline(parts: Iterable[Part]) -> tuple[Outline, ...]:
    """Return the tree as a screen lists it, without looking at anything."""
    return tuple(_outline(part) for part in parts)


def _part(part: Part, ctx: Context) -> PlannedStep:
    if isinstance(part, Bracket):
        body = tuple(_part(inner, ctx) for inner in part.body)
        return _step(part.opening, ctx, "bracket", part.leave, body)
    if isinstance(part, Parallel):
        branches = tuple(
            PlannedStep("branch", "", NOTHING, parts=tuple(_part(inner, ctx) for inner in branch))
            for branch in part.branches
        )
        return PlannedStep("parallel", "", SIDE_BY_SIDE, parts=branches)
    if isinstance(part, Guided):
        return PlannedStep("guided", part.key, part.title, part.why, part.weight)
    if isinstance(part, Release):
        return PlannedStep("release", part.key, part.title, part.why, part.weight)
    return _step(part, ctx, "step", "", ())


def _step(step: Step, ctx: Context, kind: str, leave: str, body: tuple[PlannedStep, ...]) -> PlannedStep:
    before: Json | None = None
    commands: tuple[Command, ...] = ()
    closing: tuple[Command, ...] = ()
    unknown, details, off = NOTHING, "", NOTHING
    try:
        before = step.observe(ctx)
        commands = step.commands(ctx, before)
        if step.closer is not None:
            what = step.what_is_off(before)
            off = what if what.message else step.title
            closing = step.closing(ctx, before)
    except UserError as error:
        unknown, details = text("{what} {why}", what=error.what, why=error.why), error.details
    except Exception as error:  # noqa: BLE001  # one step that cannot be planned is shown, and hides none of the others
        unknown = text("It cannot be planned: {kind}.", kind=type(error).__name__)
        details = "".join(traceback.format_exception(error))
    return PlannedStep(
        kind, step.key, step.title, step.why, step.weight, before, commands, closing, unknown, details, leave, off, body
    )


def _outline(part: Part) -> Outline:
    if isinstance(part, Bracket):
        opening = part.opening
        return Outline(
            kind="bracket", key=opening.key, title=opening.title, weight=opening.weight, parts=outline(part.body)
        )
    if isinstance(part, Parallel):
        branches = tuple(
            Outline(kind="branch", key="", title=NOTHING, weight=0, parts=outline(branch)) for branch in part.branches
        )
        return Outline(kind="parallel", key="", title=SIDE_BY_SIDE, weight=0, parts=branches)
    kind = "guided" if isinstance(part, Guided) else "release" if isinstance(part, Release) else "step"
    return Outline(kind=kind, key=part.key, title=part.title, weight=part.weight)


def _not_yet(key: str) -> Json:
    raise CouldNotLook(
        text("It is known only when the run has come there."),
        text("It needs what the step {key} will have proven.", key=key),
    )


SIDE_BY_SIDE = text("Side by side")
