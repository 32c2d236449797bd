"""What working threads want to know from the operator, and how they ask: as data, through their job."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field

from app.desk import Desk
from app.engine.prompter import Choice, FailedStep, GuidedCard, Stay
from app.errors import Stopped
from app.profile import Profile
from app.secrets import Passwords, keyring_there, store_password
from app.texts import Text
from app.trust import Certificate
from ui.bridge import Job


@dataclass(frozen=True)
class AskPassword:
    """A password; the answer is `Given`, or None where the operator gives none. `question` names account and system.

    `profile` is empty where it is nobody's to keep; `may_keep`: this workstation has a keyring."""

    question: Text
    profile: str = ""
    may_keep: bool = False


@dataclass(frozen=True)
class Given:
    """A password as it was typed. `everywhere`: for this account on all systems of the profile; `keep`: in the
    keyring, else only as long as the program runs."""

    password: str = field(repr=False)
    everywhere: bool = False
    keep: bool = False


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


@dataclass(frozen=True)
class AskingDesk(Desk):
    """A desk whose passwords and certificates are asked for through a job. What was typed is asked for once: it is
    remembered for that profile alone, as long as the program runs, in the desk that this one was made from."""

    job: Job | None = None

    def passwords(self, profile: Profile) -> Passwords:
        return Desk.passwords(dataclasses.replace(self, ask=_Asking(self, profile)), profile)


class _Asking:
    """Asks for the passwords of one look or run: one dialog at a time, and for an account that was given everywhere
    only once."""

    def __init__(self, desk: AskingDesk, profile: Profile) -> None:
        self._desk, self._profile = desk, profile
        self._one_at_a_time = threading.Lock()
        self._everywhere: dict[str, str] = {}

    def __call__(self, question: Text) -> str | None:
        account, system = question.values["account"], question.values["system"]
        with self._one_at_a_time:
            if account.casefold() in self._everywhere:
                return self._everywhere[account.casefold()]
            given = self._asked(question)
            if given is None:
                return None
            if given.everywhere:
                self._everywhere[account.casefold()] = given.password
            remember(self._desk, self._profile.name, account, system, given)
            return given.password

    def _asked(self, question: Text) -> Given | None:
        assert self._desk.job is not None, "a desk that asks is made for a job"
        keeper = "" if self._profile.practice else self._profile.name
        given = self._desk.job.ask(AskPassword(question, keeper, bool(keeper) and keyring_there()))
        return given if isinstance(given, Given) and given.password else None


def remember(desk: Desk, profile: str, account: str, system: str, given: Given) -> None:
    """Keep a password as the operator wants it kept. Raises UserError where the keyring does not take it: it is
    remembered all the same as long as the program runs."""
    forget(desk, profile, account, system)
    name = account if given.everywhere else f"{account}@{system}"
    desk.given[f"{profile}\0{name}"] = given.password
    if given.keep:
        store_password(profile, name, given.password)


def forget(desk: Desk, profile: str, account: str, system: str) -> None:
    """Forget what was typed for an account, there and everywhere; what the keyring has is left as it is."""
    for name in (f"{account}@{system}", account):
        desk.given.pop(f"{profile}\0{name}", None)


def desk_for(job: Job, desk: Desk) -> Desk:
    """Return the desk whose passwords and certificates are asked for through this job."""
    return AskingDesk(
        desk.data,
        desk.given,
        trust_it=lambda system, shown, pinned: bool(job.ask(AskTrust(system, shown, pinned))),
        clock=desk.clock,
        memory=desk.memory,
        job=job,
    )
