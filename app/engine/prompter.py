"""Who is asked when a person must decide: a screen, a terminal, or nobody."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.engine.ending import Blocked
from app.errors import UserError
from app.observation import Observation
from app.texts import Text, text


class Choice(StrEnum):
    """What can be done about a step that failed."""

    RETRY = "retry"
    SKIP = "skip"
    STOP = "stop"


class Stay(StrEnum):
    """What the operator does about a guided step that is not proven yet."""

    STAY = "stay"
    LEAVE = "leave"
    SKIP = "skip"


@dataclass(frozen=True)
class FailedStep:
    """A step that failed, how often it was tried, and which choices there are."""

    key: str
    title: Text
    error: UserError
    attempts: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class GuidedCard:
    """A step that a person does: what to do, and what the last look at its proof gave."""

    key: str
    title: Text
    instructions: Text
    why: Text
    proof: Observation
    may_skip: bool


class Prompter(Protocol):
    """Asked by the runner, one question at a time, from whichever thread; may take as long as a person does.

    `guided` is asked again after every look at the proof: it answers at once whether the window is still open.
    Any of them may raise Stopped, or Blocked where nobody can answer."""

    def failed(self, step: FailedStep) -> Choice: ...
    def yes_no(self, key: str, question: Text) -> bool: ...
    def guided(self, card: GuidedCard) -> Stay: ...


@dataclass(frozen=True)
class Unattended:
    """Nobody is there: what was answered beforehand counts, and what was not blocks.

    `answers` maps the keys of questions, or patterns of them, to yes or no; the first that fits counts.
    `retries` is how often `on_failed_step="retry"` tries again before it stops. A guided step is left after
    `guided_seconds`: the run waits.
    """

    answers: Mapping[str, bool] = field(default_factory=dict)
    on_failed_step: Choice = Choice.STOP
    retries: int = 2
    guided_seconds: float = 0.0
    _asked: dict[str, float] = field(default_factory=dict)

    def failed(self, step: FailedStep) -> Choice:
        if self.on_failed_step not in step.choices:
            return Choice.STOP
        if self.on_failed_step is Choice.RETRY and step.attempts > self.retries:
            return Choice.STOP
        return self.on_failed_step

    def yes_no(self, key: str, question: Text) -> bool:
        for pattern, answer in self.answers.items():
            if fnmatch.fnmatchcase(key, pattern):
                return answer
        raise Blocked(
            text("A question has no answer: {question}", question=question),
            text("Nobody is there to be asked, and the profile does not answer it."),
            text("Start with someone present, or let the profile answer it."),
        )

    def guided(self, card: GuidedCard) -> Stay:
        now = time.monotonic()
        since = self._asked.setdefault(card.key, now)
        return Stay.STAY if now - since < self.guided_seconds else Stay.LEAVE
