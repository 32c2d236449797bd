"""One episode of a run in this process: what its parts share, and what each branch has of its own."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec

from app.engine import events
from app.engine.clock import Clock, Patience, StopToken, SystemClock
from app.engine.context import Context
from app.engine.events import Event, Sink, StepEvent
from app.engine.journal import GOOD, Answer, Effect, Held, Journal, NewHold, Phase, Run
from app.engine.lease import Lease, NoLease
from app.engine.prompter import Prompter
from app.engine.runbook import Leaf
from app.engine.step import Closer, Json
from app.errors import Busy, Stopped, UserError
from app.texts import Text, text
from app.wire import Command

LATE = 3  # heartbeats missed, after which the lease is renewed before anything more is done (the workstation slept)
ALMOST = 0.99  # progress is whole only at the end
T = TypeVar("T")


def _as_is(words: str) -> str:
    return words


def _no_secret(name: str) -> str:
    raise UserError(text("There is no secret {name} in this run.", name=name))


@runtime_checkable
class Branchable(Protocol):
    """Connections of which each parallel branch gets its own; what `branch` returns is closed when the branch ends."""

    def branch(self) -> Branchable: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """All that a runner is given. `hide` takes passwords out of whatever is journaled or told; `secret` gives them."""

    environment: str
    journal: Journal
    connections: Any
    sink: Sink
    prompter: Prompter
    closers: Mapping[str, Closer]
    clock: Clock = field(default_factory=SystemClock)
    patience: Patience = field(default_factory=Patience)
    lease: Lease = field(default_factory=NoLease)
    stop: StopToken = field(default_factory=StopToken)
    secret: Callable[[str], str] = field(repr=False, default=_no_secret)
    hide: Callable[[str], str] = field(repr=False, default=_as_is)


class Branch:
    """One thread of a run: its connections, its own reasons to stop, and how far it stands."""

    def __init__(self, connections: Any, parent: Branch | None, reasons: Callable[[], bool]) -> None:
        self.connections, self._parent, self._reasons = connections, parent, reasons
        self.redone: bool = parent is not None and parent.redone
        self.left = False
        self.current: Leaf | None = None

    def stop_asked(self) -> bool:
        return self._reasons() or (self._parent is not None and self._parent.stop_asked())

    def abandoned(self) -> bool:
        """Say whether the run has gone on without this branch: then it begins nothing any more."""
        return self.left or (self._parent is not None and self._parent.abandoned())

    def check_stop(self) -> None:
        if self.stop_asked() or self.abandoned():
            raise Stopped


class Session:
    """What the parts of one episode share. Safe to use from all of its threads."""

    def __init__(self, given: Surroundings, run: Run, weight: float) -> None:
        self.given, self.run, self.journal, self.patience = given, run, given.journal, given.patience
        self.open: dict[int, Held] = {}
        self.warnings: list[Text] = []
        self.skipped: list[str] = []
        self.evidence: dict[str, Json] = {}
        self.changed = False
        self.uncertain = False  # some act may still be at work: closers are called twice
        self.lost: UserError | None = None  # another run has taken the lease
        self.lock = threading.RLock()
        self.root = Branch(given.connections, None, self._stop_asked)
        self.uncut: dict[str, Leaf] = {}  # steps at work that a stop waits for
        self._total, self._done, self._partial = max(weight, 1e-9), 0.0, dict[tuple[str, str], float]()
        self._shown = 0.0
        self.asking = threading.Lock()  # one question at a time
        self._telling, self._leasing = threading.RLock(), threading.RLock()
        self._deaf = self._over = self._leased = False
        self._renewed = 0.0

    def now(self) -> float:
        return self.given.clock.now()

    # ----- telling

    def tell(self, event: Event) -> None:
        """Give an event to the sink. One that fails is told nothing more, and keeps nothing from being closed."""
        with self._telling:
            if self._deaf or self._over:
                return
            try:
                self.given.sink(events.without_secrets(event, self.given.hide))
            except Exception as error:  # noqa: BLE001  # whatever a screen does, what is off must come on again
                self._deaf = True
                name = type(error).__name__
                self.warnings.append(text("What the run told could not be shown any more: {error}", error=name))

    def tell_of(self, kind: type[StepEvent], leaf: Leaf, **values: Any) -> None:
        self.tell(kind(run=self.run.id, at=self.now(), key=leaf.key, title=leaf.title, **values))

    def remark(self, line: Text) -> None:
        """Keep something about the run for the report, and tell it."""
        self.warnings.append(line)
        self.tell(events.Remark(run=self.run.id, at=self.now(), line=line))

    def overall(self, *, whole: bool) -> float:
        """Return how far the run came."""
        with self.lock:
            return 1.0 if whole else self._overall()

    def over(self, event: Event) -> None:
        """Tell the last event; nothing is told after it."""
        with self._telling:
            self.tell(event)
            self._over = True

    # ----- progress

    def weigh(self, leaf: Leaf, fraction: float, part: str = "") -> float:
        """Record how far a step, or its closing, is (0 to 1) and return how far the run is; neither goes back."""
        with self.lock:
            reached = max(self._partial.get((leaf.key, part), 0.0), min(max(fraction, 0.0), 1.0) * leaf.weight)
            self._partial[leaf.key, part] = reached
            self._done = sum(self._partial.values())
            return self._overall()

    def _overall(self) -> float:
        self._shown = max(self._shown, min(self._done / self._total, 1.0) * ALMOST)
        return self._shown

    # ----- contexts

    def context(self, branch: Branch, leaf: Leaf, *, may_cut: bool = True) -> Context:
        """Return a step's surroundings; where it must not be cut off, it is not told of a stop."""
        asked = branch.stop_asked if may_cut else _never

        def wait(seconds: float) -> None:
            self.given.clock.wait(seconds, asked)
            if asked():
                raise Stopped

        def progress(fraction: float) -> None:
            overall = self.weigh(leaf, fraction)
            self.tell_of(events.StepProgress, leaf, fraction=fraction, overall=overall)

        return self._context(branch.connections, self.run, leaf.key, leaf.title, asked, wait, progress)

    def closing_context(self, held: Held, run: Run, connections: Any = None) -> Context:
        """Return the surroundings of a closer, which nothing stops. What it held may be another run's."""

        def wait(seconds: float) -> None:
            self.given.clock.wait(seconds, _never)

        used = self.given.connections if connections is None else connections
        return self._context(used, run, held.key, held.what_is_off, _never, wait, _no_progress)

    def _context(
        self, connections: Any, run: Run, key: str, title: Text, asked: Callable[[], bool],
        wait: Callable[[float], None], progress: Callable[[float], None],
    ) -> Context:  # fmt: skip
        def tell(kind: type[StepEvent], **values: Any) -> None:
            self.tell(kind(run=self.run.id, at=self.now(), key=key, title=title, **values))

        def warn(line: Text) -> None:
            self.warnings.append(line)
            tell(events.StepWarned, line=line)

        def sent(command: Command) -> None:
            tell(events.CommandSent, command=command, system=command.system, words=command.text)

        def ask(question: str, words: Text) -> bool:
            yes = self.given.prompter.yes_no
            return (
                self.ask(question, title, words, ("yes", "no"), lambda: "yes" if yes(question, words) else "no")
                == "yes"
            )

        return Context(
            run=run.id, environment=run.environment, connections=connections, inputs=run.inputs,
            evidence=self.proven, span=self.span, say=lambda line: tell(events.StepSaid, line=line), warn=warn,
            progress=progress, stop_asked=asked, wait=wait, now=self.now, secret=self.given.secret, ask=ask, sent=sent,
            episode=self.run.episode,
        )  # fmt: skip

    def proven(self, key: str) -> Json:
        """Return what a step proved in this episode; {} where it was skipped."""
        with self.lock:
            if key in self.evidence:
                return self.evidence[key]
            if key in self.skipped:
                return {}
        raise KeyError(f"the step {key!r} has proven nothing in this episode")

    def span(self, key: str) -> tuple[float, float] | None:
        """Return when a step of this episode, or its bracket, began and ended."""
        found = [effect for effect in self.journal.effects(self.run.id) if effect.key == key]
        effect = next((one for one in found if one.episode == self.run.episode), None)
        if effect is None:
            return None
        begun = effect.intended if effect.sent is None else effect.sent
        held = [one for one in self.journal.held(self.run.id) if one.key == key and one.leave != "end"]
        if held:
            return begun, held[-1].closed or self.now()
        return begun, effect.ended or self.now()

    # ----- asking

    def ask(self, key: str, title: Text, question: Text, choices: Iterable[str], answer: Callable[[], str]) -> str:
        """Put one question at a time, and journal what was answered."""
        with self.asking:
            at: dict[str, Any] = {"run": self.run.id, "key": key, "title": title, "question": question}
            self.tell(events.QuestionAsked(at=self.now(), choices=tuple(choices), **at))
            given = answer()
            self.answered(key, question, given)
            self.tell(events.QuestionAnswered(at=self.now(), answer=given, **at))
            return given

    def answered(self, key: str, question: Text, answer: str) -> None:
        """Journal what was answered."""
        self.journal.answer(Answer(self.run.id, key, question, answer, self.now()))

    # ----- recording

    def intend(self, branch: Branch, leaf: Leaf, before: Json, hold: NewHold | None) -> Held | None:
        """Put an intent on disk; return what is newly held from now on. A branch left behind begins nothing."""
        with self.lock:
            if branch.abandoned():
                raise Stopped
            held = self.journal.intend(self.run.id, self.run.episode, leaf.key, before, self.now(), hold)
            if held is None or held.number in self.open:
                return None
            self.open[held.number] = held
            return held

    def held(self, key: str) -> Held | None:
        """Return what this run still holds under that key."""
        with self.lock:
            return next((held for held in self.open.values() if held.key == key and held.run == self.run.id), None)

    def finish(self, leaf: Leaf, phase: Phase, result: Json) -> None:
        """Record how an effect ended; what it proved may be read by later steps."""
        self.journal.finish(self.run.id, self.run.episode, leaf.key, phase, result, self.now())
        self._remember(leaf.key, phase, result)

    def put(self, earlier: Effect, phase: Phase, result: Json) -> None:
        """Record an earlier effect as part of this episode, with what was proven of it now."""
        changes = {"run": self.run.id, "episode": self.run.episode, "phase": phase, "result": result}
        self.journal.put(msgspec.structs.replace(earlier, **changes))
        self._remember(earlier.key, phase, result)

    def _remember(self, key: str, phase: Phase, result: Json) -> None:
        with self.lock:
            if phase in GOOD:
                self.evidence[key] = result
            elif phase is Phase.SKIPPED:
                self.skipped.append(key)

    # ----- the lease

    def touch(self) -> None:
        """Before anything is changed: take the lease, or make sure that it is still ours."""
        with self._leasing:
            if self._leased and self.now() - self._renewed > LATE * self.patience.heartbeat:
                self.renew()
            if self.lost:
                raise self.lost
            if not self._leased:
                self.given.lease.acquire(self.run)
                self._leased, self._renewed = True, self.now()
            self.changed = True

    def touch_to_close(self) -> None:
        """As `touch`; but a notice that is out of reach keeps nothing from being put back."""
        try:
            self.touch()
        except Busy:
            raise
        except UserError as error:
            self.remark(text("The notice could not be written: {error}", error=_sentence(error)))

    def note(self) -> None:
        """Let the notice say what is off."""
        with self._leasing:
            if self._leased and not self.lost:
                self.given.lease.note(self.still_open())

    def renew(self) -> None:
        """Say that the run lives. A lease that another has taken ends this run; one out of reach is tried again."""
        with self._leasing:
            if not self._leased or self.lost:
                return
            try:
                self.given.lease.renew()
                self._renewed = self.now()
            except Busy as error:
                self.lost = error
            except UserError as error:
                self.remark(text("The notice could not be renewed: {error}", error=_sentence(error)))

    def release(self) -> None:
        """Give the lease up, if it is held."""
        with self._leasing:
            if not self._leased or self.lost:
                return
            self._leased = False
            try:
                self.given.lease.release(self.still_open())
            except UserError as error:
                self.remark(text("The notice could not be taken back: {error}", error=_sentence(error)))

    def still_open(self) -> tuple[Held, ...]:
        with self.lock:
            return tuple(self.open[number] for number in sorted(self.open))

    def _stop_asked(self) -> bool:
        return self.given.stop.asked() or self.lost is not None


def unexpected(error: BaseException) -> UserError:
    """Return a bug, or whatever else nobody foresaw, as an error for people."""
    return UserError(
        text("Something happened that this program does not foresee: {kind}.", kind=type(error).__name__),
        text("This is a defect of the program."),
        text("Keep the journal and the log, and report it."),
        details="".join(traceback.format_exception(error)),
    )


def _sentence(error: UserError) -> Text:
    return text("{what} {why}", what=error.what, why=error.why)


def _never() -> bool:
    return False


def _no_progress(_fraction: float) -> None:
    """Closing has no progress of its own."""
