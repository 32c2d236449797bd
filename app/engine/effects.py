"""Carrying out one step: intent and state before on disk, act, proof, evidence on disk; and what if it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from app.engine import events
from app.engine.context import Context
from app.engine.journal import GOOD, UNFINISHED, Effect, Leave, NewHold, Phase
from app.engine.prompter import Choice, FailedStep
from app.engine.runbook import Leaf
from app.engine.session import Branch, Session, unexpected
from app.engine.step import Json, Probe, Step
from app.errors import AnswerLost, CouldNotLook, NotSent, Stopped, UserError
from app.texts import NOTHING, Text, text

T = TypeVar("T")


class Skipped(Exception):
    """The operator leaves the step out."""


class Leaving(Exception):
    """The operator leaves a guided step for later: the run waits."""


class Attempt:
    """One step on its way to being proven, which may take several tries."""

    def __init__(
        self, session: Session, branch: Branch, step: Step, leave: Leave, earlier: Effect | None, before: Json | None
    ) -> None:
        """`earlier` is what an earlier episode did or left unfinished; `before` what an open hold remembers."""
        self._session, self._branch, self._step, self._leave = session, branch, step, leave
        self.kept = earlier if earlier is not None and earlier.phase in GOOD else None
        unfinished = earlier if earlier is not None and earlier.phase in UNFINISHED else None
        self._before = before if before is not None else unfinished.before if unfinished else None
        self._sent = unfinished is not None and unfinished.sent is not None and unfinished.phase is not Phase.FAILED
        self._acted = self._sent and unfinished is not None and unfinished.acted is not None
        self.unclear = False  # the act may still be at work
        self.intended = False
        self.tries = 0
        self._ctx = session.context(branch, step, may_cut=step.may_cut)

    def go(self) -> Json:
        """Do what is still to be done, and return the evidence. Raises what kept it from being proven."""
        self.tries += 1
        self._branch.check_stop()
        if self.kept is not None:
            if (evidence := self._already_so(self.kept.before)) is not None:
                return evidence
            self.kept = None
        self._branch.redone = True
        if self._before is None:
            self._before = self._look(lambda: self._step.observe(self._ctx))
        before = self._before
        self._intend(before)
        if self._acted and (evidence := self._already_so(before)) is not None:
            return evidence
        if not (self._sent and self._done_already(before)):
            self._act(before)
        self._acted, self._sent = True, False
        return self._look(lambda: self._step.verify(self._ctx, before))

    def _intend(self, before: Json) -> None:
        session, step = self._session, self._step
        hold = None
        if touches(step):
            session.touch()
        if step.closer is not None:
            what = step.what_is_off(before)
            hold = NewHold(step.closer, what if what != NOTHING else step.title, step.by_hand(before), self._leave)
        held = session.intend(self._branch, step, before, hold)
        self.intended = True
        if held is not None:
            session.note()
            if self._leave != "end":
                session.tell_of(events.BracketOpened, step, what_is_off=held.what_is_off)

    def _already_so(self, before: Json) -> Json | None:
        """On another try after an act that returned: look once more before acting once more."""
        try:
            return self._look(lambda: self._step.verify(self._ctx, before))
        except (NotSent, AnswerLost, CouldNotLook):
            raise
        except UserError:
            return None

    def _act(self, before: Json) -> None:
        session, step = self._session, self._step
        pauses = iter(session.patience.not_sent)
        again = session.patience.again
        while True:
            self._send()
            try:
                step.act(self._ctx, before)
            except NotSent as error:
                self._sent = False
                pause_or_raise(session, step, self._ctx, pauses, error)
            except AnswerLost as error:
                self.unclear = True
                if self._done_already(before):
                    return
                if again == 0:
                    raise
                again -= 1
                session.tell_of(events.StepRetried, step, line=error.what)
            except UserError:
                self._sent = False
                raise
            except Exception:
                self.unclear = True
                raise
            else:
                session.journal.acted(session.run.id, session.run.episode, step.key, session.now())
                return

    def _send(self) -> None:
        """Record that act is called. What was off for long, and a branch that was left behind, ends here."""
        session = self._session
        if touches(self._step):
            session.touch()
        if self._branch.abandoned():
            raise Stopped
        session.journal.sent(session.run.id, session.run.episode, self._step.key, session.now())
        self._sent = True

    def _done_already(self, before: Json) -> bool:
        """Ask the step how its act stands, wait while it is at work, and say whether it is done."""
        session, step = self._session, self._step
        self.unclear = True
        deadline = session.now() + session.patience.running
        while True:
            found = self._look(lambda: step.probe(self._ctx, before))
            if found is Probe.UNKNOWN:
                raise UserError(
                    text("Whether it was done could not be told: {title}.", title=step.title),
                    text("The answer was lost, and looking does not tell."),
                    text("Look at it yourself; then try again, or stop."),
                )
            if found is not Probe.RUNNING:
                self.unclear = False
                return found is Probe.DONE
            if session.now() >= deadline:
                raise UserError(
                    text("It does not come to its end: {title}.", title=step.title),
                    text("It has been at work for {hours} hours.", hours=round(session.patience.running / 3600, 1)),
                    text("Look at it on its system; then try again, or stop."),
                )
            session.tell_of(events.StepSaid, step, line=text("Still at work: {title}", title=step.title))
            self._ctx.wait(session.patience.between_probes)

    def _look(self, what: Callable[[], T]) -> T:
        return look(self._session, self._step, self._ctx, what)


class Tried(Protocol):
    """What is tried until it is proven."""

    unclear: bool
    """The act may still be at work."""
    intended: bool
    """The intent is on disk."""
    tries: int
    kept: Effect | None
    """What an earlier episode did and still stands; looked at only when `go` has returned."""

    def go(self) -> Json: ...


def carry_out(
    session: Session, branch: Branch, step: Step, *, leave: Leave = "end", earlier: Effect | None = None
) -> None:
    """Bring a step to its proof. Raises its error where the operator gives it up, or Stopped."""
    held = session.held(step.key)
    attempt = Attempt(session, branch, step, leave, earlier, held.before if held else None)
    with uncut(session, step):
        bring_to_proof(session, branch, step, attempt, step.may_skip and leave == "end")


def bring_to_proof(session: Session, branch: Branch, leaf: Leaf, tried: Tried, may_skip: bool) -> None:
    """Try until it is proven, skipped or given up; tell and record each."""
    began = session.now()
    session.tell_of(events.StepStarted, leaf, why=leaf.why)
    while True:
        branch.current = leaf
        try:
            evidence = tried.go()
            if tried.kept is not None:
                keep(session, leaf, tried.kept, evidence)
                return
            session.finish(leaf, Phase.DONE, evidence)
        except (Stopped, Leaving):
            _failed(session, leaf, tried, None)
            raise
        except Skipped:
            skip(session, leaf, tried)
            return
        except Exception as error:  # noqa: BLE001  # a defect in a step must not keep anything from being closed
            known = error if isinstance(error, UserError) else unexpected(error)
            _failed(session, leaf, tried, known)
            if _decide(session, branch, leaf, tried, known, may_skip) is Choice.SKIP:
                skip(session, leaf, tried)
                return
            session.tell_of(events.StepRetried, leaf, line=NOTHING)
        else:
            overall = session.weigh(leaf, 1)
            session.tell_of(events.StepDone, leaf, seconds=session.now() - began, overall=overall)
            return
        finally:
            branch.current = None


def skip(session: Session, leaf: Leaf, tried: Tried) -> None:
    """Leave a step out, by the operator's word."""
    if tried.intended:
        session.finish(leaf, Phase.SKIPPED, {})
    else:
        nothing = Effect(0, session.run.id, leaf.key, session.run.episode, Phase.SKIPPED, {}, {}, session.now())
        session.put(nothing, Phase.SKIPPED, {})
    session.tell_of(events.StepSkipped, leaf, overall=session.weigh(leaf, 1))


def keep(session: Session, leaf: Leaf, earlier: Effect, evidence: Json) -> None:
    """Take over what an earlier episode did, with what was proven of it now."""
    session.put(earlier, Phase.KEPT, evidence)
    session.tell_of(events.StepKept, leaf, overall=session.weigh(leaf, 1))


def still_stands(session: Session, branch: Branch, step: Step, earlier: Effect) -> Json | None:
    """Verify anew what an earlier episode did; return the fresh evidence, or None where it does not stand any more.
    Raises where it could not be looked at."""
    ctx = session.context(branch, step)
    try:
        return look(session, step, ctx, lambda: step.verify(ctx, earlier.before))
    except (NotSent, AnswerLost, CouldNotLook):
        raise
    except UserError:
        return None


def touches(step: Step) -> bool:
    """Say whether the step changes anything, or leaves something to be closed."""
    return step.changes or step.closer is not None


def look(session: Session, leaf: Leaf, ctx: Context, what: Callable[[], T]) -> T:
    """Look, again where nothing was sent or the answer was lost: looking twice changes nothing."""
    pauses = iter(session.patience.not_sent)
    while True:
        try:
            return what()
        except (NotSent, AnswerLost) as error:
            pause_or_raise(session, leaf, ctx, pauses, error)


def pause_or_raise(session: Session, leaf: Leaf, ctx: Context, pauses: Iterator[float], error: UserError) -> None:
    """Wait the next pause, or raise the error where there is none left."""
    pause = next(pauses, None)
    if pause is None:
        raise error
    session.tell_of(events.StepRetried, leaf, line=error.what)
    ctx.wait(pause)


@contextmanager
def uncut(session: Session, step: Step) -> Iterator[None]:
    """Let a stop that waits for this step say so."""
    if step.may_cut:
        yield
        return
    session.uncut[step.key] = step
    try:
        yield
    finally:
        session.uncut.pop(step.key, None)


def _failed(session: Session, leaf: Leaf, tried: Tried, error: UserError | None) -> None:
    """Record and tell a failure, or a stop or leave (no error). A journal that fails as well does not hide it."""
    session.uncertain |= tried.unclear
    phase = Phase.ABANDONED if tried.unclear else Phase.FAILED
    result = {"stopped": True} if error is None else {"what": error.what, "why": error.why, "do": error.do}
    try:
        session.finish(leaf, phase, result)
    except UserError as second:
        session.remark(text("{what} {why}", what=second.what, why=second.why))
    if error is not None:
        why = error.why if isinstance(error.why, Text) else Text("{why}", {"why": error.why})
        session.tell_of(events.StepFailed, leaf, what=error.what, why=why, do=error.do, details=error.details)


def _decide(
    session: Session, branch: Branch, leaf: Leaf, tried: Tried, error: UserError, may_skip: bool
) -> Choice:  # fmt: skip
    """Ask what to do about a failure; raise it where it is to end the run."""
    if branch.stop_asked() or branch.abandoned():
        raise error
    choices = (Choice.RETRY, Choice.SKIP, Choice.STOP) if may_skip else (Choice.RETRY, Choice.STOP)
    failed = FailedStep(leaf.key, leaf.title, error, tried.tries, choices)
    question = text("{title} failed. What now?", title=leaf.title)
    try:
        answer = session.ask(leaf.key, leaf.title, question, choices, lambda: session.given.prompter.failed(failed))
    except UserError as second:
        session.remark(text("{what} {why}", what=second.what, why=second.why))
        raise error from second
    if answer not in choices or answer == Choice.STOP:
        raise error
    return Choice(answer)
