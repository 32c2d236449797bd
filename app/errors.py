"""Errors for people. Whatever is raised and is not a UserError is a bug, and may look like one."""

from __future__ import annotations

from app.texts import NOTHING, Text


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


class Refused(UserError):
    """Wrong use, or a damaged profile or backup set; nothing was begun (exit code 2)."""


class Busy(UserError):
    """Another run is going on in this environment (exit code 5)."""


class Stopped(Exception):
    """The operator asked to stop. Not an error: the runner ends the run safely."""
