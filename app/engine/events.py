"""What a run tells while it goes on: frozen data with a text, given to one sink in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

import msgspec

from app.engine.journal import hidden
from app.texts import Text, render, text
from app.wire import Command


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in `run` at `at` (UTC, seconds since 1970)."""

    run: str
    at: float
    message: ClassVar[str] = ""

    @property
    def text(self) -> Text:
        """Return the event in words; its fields are the fields of the message."""
        return Text(self.message, {field.name: getattr(self, field.name) for field in fields(self)})


Sink: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A part of the plan as a screen lists it: kind is step, guided, release, bracket, parallel or branch."""

    kind: str
    key: str
    title: Text
    weight: float
    parts: tuple[Outline, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A run, or another episode of it, begins; `doing` is run, resume, undo or close, and the words say which."""

    runbook: str
    title: Text
    environment: str
    episode: int
    doing: str
    message = text("{title}: begins.").message

    @property
    def text(self) -> Text:
        return Text(BEGINS.get(self.doing, self.message), super().text.values)


BEGINS = {
    "resume": text("{title}: is gone on with.").message,
    "undo": text("{title}: is taken back.").message,
    "close": text("{title}: what it left off is put back.").message,
}
"""What is said of another episode of a run, by what it does."""


@dataclass(frozen=True, kw_only=True)
class Plan(Event):
    """What will happen, before it does."""

    parts: tuple[Outline, ...]
    message = text("The plan is made.").message


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """The run is over. `status` is the outcome, `sentence` says it, `error` is empty where there was none; `overall` is
    how far it came, 1 only when all is done."""

    status: str
    sentence: Text
    error: Text
    overall: float
    message = text("{sentence} {error}").message


@dataclass(frozen=True, kw_only=True)
class StepEvent(Event):
    """Something about the step with that key."""

    key: str
    title: Text


@dataclass(frozen=True, kw_only=True)
class StepStarted(StepEvent):
    """A step begins; `why` is the reason that the paper gives."""

    why: Text
    message = text("{title}").message


@dataclass(frozen=True, kw_only=True)
class StepProgress(StepEvent):
    """How far the step is (0 to 1), and the whole run: `overall` never goes back and is 1 only at the end."""

    fraction: float
    overall: float
    message = text("{title}: {fraction:.0%}").message


@dataclass(frozen=True, kw_only=True)
class StepSaid(StepEvent):
    """A live line: what a step, a tool or a server says."""

    line: Text
    message = text("{line}").message


@dataclass(frozen=True, kw_only=True)
class StepWarned(StepEvent):
    """Something that does not stop the run and belongs into the report."""

    line: Text
    message = text("Warning: {line}").message


@dataclass(frozen=True, kw_only=True)
class CommandSent(StepEvent):
    """A command is about to be sent."""

    command: Command
    system: str
    words: str
    message = text("{system}> {words}").message


@dataclass(frozen=True, kw_only=True)
class StepDone(StepEvent):
    """It is proven; `seconds` is how long the step took."""

    seconds: float
    overall: float
    message = text("{title}: done and verified.").message


@dataclass(frozen=True, kw_only=True)
class StepFailed(StepEvent):
    """It failed: what, why and what to do, as the error says."""

    what: Text
    why: Text
    do: Text
    details: str
    message = text("{title}: failed. {what} {why} {do}").message


@dataclass(frozen=True, kw_only=True)
class StepRetried(StepEvent):
    """It is tried again: by the operator's word, or by itself, where nothing had been sent."""

    line: Text
    message = text("{title}: trying again. {line}").message


@dataclass(frozen=True, kw_only=True)
class StepSkipped(StepEvent):
    """It was left out by the operator's word."""

    overall: float
    message = text("{title}: skipped.").message


@dataclass(frozen=True, kw_only=True)
class StepKept(StepEvent):
    """What an earlier episode did still stands: it was verified anew."""

    overall: float
    message = text("{title}: done earlier, verified again.").message


@dataclass(frozen=True, kw_only=True)
class StepAbandoned(StepEvent):
    """Its part did not stop in time and may still act."""

    message = text("{title}: did not stop in time, and may still act.").message


@dataclass(frozen=True, kw_only=True)
class StopAwaits(StepEvent):
    """A stop is asked for, and waits for this step, which must not be cut off."""

    message = text("Stopping waits for: {title}. It must not be cut off.").message


@dataclass(frozen=True, kw_only=True)
class BracketOpened(StepEvent):
    """Something is off from now on, until it is closed."""

    what_is_off: Text
    message = text("Off from now on: {what_is_off}").message


@dataclass(frozen=True, kw_only=True)
class BracketClosing(StepEvent):
    """It is being put back."""

    what_is_off: Text
    message = text("Putting back: {what_is_off}").message


@dataclass(frozen=True, kw_only=True)
class BracketClosed(StepEvent):
    """It is put back and proven, or (`moot`) there was nothing left to put back."""

    what_is_off: Text
    moot: bool
    message = text("Put back: {what_is_off}").message


@dataclass(frozen=True, kw_only=True)
class BracketRetried(StepEvent):
    """It could not be put back yet: it is tried again in `seconds`, and given up after `left` at the earliest."""

    what_is_off: Text
    why: Text
    seconds: float
    left: float
    message = text(
        "Not put back yet: {what_is_off}. {why} "
        "Next try in {seconds:.0f} s; it is tried for at least {left:.0f} s more."
    ).message


@dataclass(frozen=True, kw_only=True)
class BracketImpossible(StepEvent):
    """It could not be put back: a person must."""

    what_is_off: Text
    why: Text
    by_hand: tuple[str, ...]
    message = text("Still off: {what_is_off}. {why}").message


@dataclass(frozen=True, kw_only=True)
class QuestionAsked(StepEvent):
    """The operator is asked; `choices` are the answers that there are."""

    question: Text
    choices: tuple[str, ...]
    message = text("{question}").message


@dataclass(frozen=True, kw_only=True)
class QuestionAnswered(StepEvent):
    """The operator, or the profile in the operator's place, has answered."""

    question: Text
    answer: str
    message = text("{question} {answer}").message


@dataclass(frozen=True, kw_only=True)
class GuidedWaits(StepEvent):
    """A person's turn; `found` is what the last look at the proof gave."""

    instructions: Text
    found: Text
    message = text("{title}: {instructions} {found}").message


@dataclass(frozen=True, kw_only=True)
class Heartbeat(Event):
    """The run lives; `frozen` is how many seconds something has been off, 0 where nothing is."""

    frozen: float
    message = text("Off for {frozen:.0f} s.").message


@dataclass(frozen=True, kw_only=True)
class Remark(Event):
    """Something about the run as a whole that belongs into the report."""

    line: Text
    message = text("{line}").message


def as_json(event: Event, language: str | None = None) -> dict[str, Any]:
    """Return an event as JSON data: its kind, its fields, and its words in `language` or the chosen one."""
    found: dict[str, Any] = msgspec.to_builtins(event)
    return {"event": type(event).__name__, **found, "words": render(event.text, language)}


def without_secrets(event: Event, hide: Callable[[str], str]) -> Event:
    """Return the event with `hide` applied to every string in it."""
    data = hidden(msgspec.to_builtins(event), hide)
    return msgspec.convert(data, type(event))
