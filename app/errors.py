"""Errors for people. Whatever is raised and is not a UserError is a bug, and may look like one."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.texts import NOTHING, Text, text

PAUSE = 60.0  # seconds between two tries of an account that was let in before and then refused


class UserError(Exception):
    """What happened, why, and what to do about it: one sentence each. Carries no secret."""

    def __init__(self, what: Text, why: Text | str = NOTHING, do: Text = NOTHING, *, details: str = "") -> None:
        super().__init__(what, why, do, details)
        self.what, self.why, self.do, self.details = what, why, do, details

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.what), str(self.why), str(self.do)) if part)


class NotSent(UserError):
    """It failed before anything reached the other system: trying again is safe."""


class AnswerLost(UserError):
    """It was sent, and no answer came: only looking tells whether it happened."""


class CouldNotLook(UserError):
    """Something could not be measured; that is neither good nor bad (exit code 7)."""


class NotLetIn(CouldNotLook):
    """An account with its password was refused, and nothing was asked: trying again may lock the account."""


class Refused(UserError):
    """Wrong use, or a damaged profile or backup set; nothing was begun (exit code 2)."""


class Busy(UserError):
    """Another run is going on in this environment (exit code 5)."""


class Stopped(Exception):
    """The operator asked to stop. Not an error: the runner ends the run safely."""


class Guard:
    """Keeps an account from being locked: a password that was refused is not tried again.

    Guards made by `on` know of each other: what one system has refused is tried on none, unless another one has let the
    account in, for then the password is right and the refusal is that system's own matter. A system that has let the
    account in before is tried again after a pause: somebody may have unlocked it.

    `heard` is told of each answer: the system, whether it has let the account in, and whether any has."""

    def __init__(
        self, account: str = "", system: str = "", heard: Callable[[str, bool, bool], None] | None = None
    ) -> None:
        self._account, self._system, self._heard = account, system, heard
        self._refused: dict[str, tuple[NotLetIn, float]] = {}
        self._let_in: set[str] = set()

    def on(self, system: str) -> Guard:
        """Return the guard of the same account on another system."""
        other = Guard(self._account, system, self._heard)
        other._refused, other._let_in = self._refused, self._let_in
        return other

    def check(self) -> None:
        """Raise NotLetIn where trying would do harm or is known to be in vain."""
        if self._system in self._refused:
            error, since = self._refused[self._system]
            if self._system not in self._let_in or time.monotonic() - since < PAUSE:
                raise error
        elif self._refused and not self._let_in:
            raise NotLetIn(
                text("{account} was not tried on {system}.", account=self._account, system=self._system),
                text("{other} has refused it with this password, and more tries could lock it.",
                     other=next(iter(self._refused))),
                text("Correct the password, then look again."),
            )  # fmt: skip

    def let_in(self) -> None:
        """Remember that this system has accepted account and password."""
        self._let_in.add(self._system)
        self._refused.pop(self._system, None)
        if self._heard:
            self._heard(self._system, True, True)

    def refuse(self, error: NotLetIn) -> None:
        """Remember that this system has refused them."""
        self._refused[self._system] = (error, time.monotonic())
        if self._heard:
            self._heard(self._system, False, bool(self._let_in))
