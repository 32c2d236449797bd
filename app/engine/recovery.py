"""Coming back to a run: closing what it left, going on with it, or taking back what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.engine import events
from app.engine.closing import Closer, by_itself
from app.engine.ending import PlanDiffers, needs_you
from app.engine.journal import Effect, Held, Journal, Phase, Run
from app.engine.runbook import Leaf
from app.engine.session import Session
from app.engine.step import Closing, Guided, Probe, Release, Undoable
from app.errors import AnswerLost, NotSent, Stopped, UserError
from app.texts import NOTHING, Text, text

MAY_ACT = (Phase.INTENT, Phase.ABANDONED)
"""Effects in these phases may still be at work on their system."""


def close_left(session: Session, closer: Closer, held: list[Held], journal: Journal) -> None:
    """Close by their closers what earlier processes left, twice where something of them may still be at work. Raises
    UserError naming what could not be closed."""
    with session.lock:
        session.open.update({one.number: one for one in held})
    wanted = {one.number for one in held if by_itself(one)}
    if not wanted:
        return
    before, runs = session.uncertain, {one.run for one in held}
    session.uncertain = before or any(effect.phase in MAY_ACT for run in runs for effect in journal.effects(run))
    closed = closer.sweep(lambda one: one.number in wanted)
    session.uncertain = before
    if not closed:
        raise needs_you(tuple(one for one in session.still_open() if one.number in wanted))


def latest(effects: list[Effect]) -> dict[str, Effect]:
    """Return the last effect of each key."""
    return {effect.key: effect for effect in sorted(effects, key=lambda effect: effect.episode)}


def released(held: list[Held]) -> set[str]:
    """Return the keys of what was held on purpose and is released."""
    still = {one.key for one in held if one.closed is None}
    return {one.key for one in held if one.leave == "hold" and one.closed is not None} - still


def settle(session: Session, steps: Mapping[str, Leaf], earlier: dict[str, Effect]) -> None:
    """Wait, before anything is done anew, until no act of a process that died is at work any more. What cannot be
    looked at is told; the step itself will meet it."""
    deadline = session.now() + session.patience.running
    for key, effect in earlier.items():
        step = steps.get(key)
        if step is None or isinstance(step, Guided | Release) or effect.phase not in MAY_ACT or effect.sent is None:
            continue
        ctx = session.context(session.root, step)
        try:
            while step.probe(ctx, effect.before) is Probe.RUNNING and session.now() < deadline:
                session.tell_of(events.StepSaid, step, line=text("Still at work: {title}", title=step.title))
                ctx.wait(session.patience.between_probes)
        except UserError as error:
            session.remark(text("{title}: {what} {why}", title=step.title, what=error.what, why=error.why))


def undo_all(session: Session, closer: Closer, steps: Mapping[str, Leaf], effects: list[Effect]) -> None:
    """Take back, the last first, every effect whose step offers it; release what the run holds where its opening stood
    in that order. Raises UserError at the first that cannot be taken back: what came before it stays."""
    order = sorted(effects, key=lambda effect: effect.number, reverse=True)
    for effect in order:
        if session.root.stop_asked():
            raise Stopped
        step = steps.get(effect.key)
        if step is not None and effect.phase in UNDO and effect.sent is not None and (offer := _offer(step)):
            _undo(session, step, offer, effect)
        held = session.held(effect.key)
        first = effect.number == min(other.number for other in order if other.key == effect.key)
        if held is not None and first and not closer.close(held, last=True):
            raise needs_you(tuple(one for one in session.still_open() if one.number == held.number))


UNDO = (Phase.DONE, Phase.INTENT, Phase.FAILED, Phase.ABANDONED, Phase.SKIPPED, Phase.UNDOING)
"""Effects in these phases may have changed something, where their act was sent: a skipped step may have done half."""


def _offer(step: object) -> Undoable | None:
    return step if isinstance(step, Undoable) else None


def _undo(session: Session, leaf: Leaf, step: Undoable, effect: Effect) -> None:
    evidence = effect.result if effect.phase in (Phase.DONE, Phase.UNDOING) else {}
    ctx = session.context(session.root, leaf, may_cut=False)
    session.touch()
    session.tell_of(events.StepStarted, leaf, why=text("Taking it back"))
    began = session.now()
    ours = effect.phase is Phase.UNDOING  # what differs now is what we took back before the process died
    if not ours and not _again(session, leaf, lambda: step.as_left(ctx, effect.before, evidence)):
        question = text("{title}: someone else has changed this since. Take it back all the same?", title=leaf.title)
        if not ctx.ask(f"undo/{effect.key}", question):
            raise _kept(leaf.title, text("It was changed by someone else, and is left as it is."))
    session.journal.taken_back(effect, Phase.UNDOING)
    if _again(session, leaf, lambda: step.undo(ctx, effect.before, evidence)) is Closing.IMPOSSIBLE:
        raise _kept(leaf.title, NOTHING)
    session.journal.taken_back(effect, Phase.UNDONE)
    session.tell_of(events.StepDone, leaf, seconds=session.now() - began, overall=session.weigh(leaf, 1))


def _again(session: Session, leaf: Leaf, what: Callable[[], object]) -> object:
    """Undoing bears being called again: try again what was not sent or whose answer was lost, with an end."""
    for pause in session.patience.closing:
        try:
            return what()
        except (NotSent, AnswerLost) as error:
            session.tell_of(events.StepRetried, leaf, line=error.what)
            session.given.clock.wait(pause, session.root.stop_asked)
    return what()


def _kept(title: Text, why: Text) -> UserError:
    return UserError(
        text("It could not be taken back: {title}", title=title), why,
        text("Do it by hand, or start the undoing again."),
    )  # fmt: skip


def plan_differs(run: Run) -> UserError:
    """Return why a run cannot be gone on with."""
    return PlanDiffers(
        text("The run {run} cannot be gone on with.", run=run.id),
        text("It was begun by another version of this program, or its profile has changed since."),
        text("What it had switched off is closed. Undo it, or begin a new run."),
    )
