"""What working threads want to know from the operator, and how they ask: as data, through their job."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from app.engine.prompter import Choice, FailedStep, GuidedCard, Stay
from app.errors import Stopped
from app.tasks import Desk
from app.texts import Text
from app.trust import Certificate
from ui.bridge import Job


@dataclass(frozen=True)
class AskPassword:
    """A password; the answer is a string, or None where the operator gives none."""

    question: Text


@dataclass(frozen=True)
class AskTrust:
    """Whether a certificate may be pinned; the answer is True or False. `pinned` is the one accepted before."""

    system: str
    shown: Certificate
    pinned: Certificate | None


@dataclass(frozen=True)
class AskFailed:
    """What to do about a step that failed; the answer is a Choice."""

    step: FailedStep


@dataclass(frozen=True)
class AskYesNo:
    """A question of a step; the answer is True or False."""

    key: str
    question: Text


@dataclass(frozen=True)
class AskGuided:
    """A step that the operator does; the answer is a Stay. Asked again after every look at its proof."""

    card: GuidedCard


@dataclass(frozen=True)
class JobPrompter:
    """The engine's questions, handed to the screen. Where the window goes away, the run is stopped."""

    job: Job

    def failed(self, step: FailedStep) -> Choice:
        answer = self.job.ask(AskFailed(step))
        return answer if isinstance(answer, Choice) else Choice.STOP

    def yes_no(self, key: str, question: Text) -> bool:
        answer = self.job.ask(AskYesNo(key, question))
        if answer is None:
            raise Stopped
        return bool(answer)

    def guided(self, card: GuidedCard) -> Stay:
        answer = self.job.ask(AskGuided(card))
        return answer if isinstance(answer, Stay) else Stay.LEAVE


def desk_for(job: Job, desk: Desk) -> Desk:
    """Return the desk whose passwords and certificates are asked for through this job."""
    return dataclasses.replace(
        desk,
        ask=lambda question: job.ask(AskPassword(question)),
        trust_it=lambda system, shown, pinned: bool(job.ask(AskTrust(system, shown, pinned))),
    )
