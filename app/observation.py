"""The one shape of every answer: checks, connection tests, proofs, verifications and rights all give it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from app.errors import UserError
from app.texts import NOTHING, Text, text


class State(StrEnum):
    """How an observation ended. Could not be measured is never passed."""

    PASSED = "passed"
    WARNING = "warning"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Observation(msgspec.Struct, frozen=True):
    """What was looked at (`key`, on `system`), what was found, what is needed, and what to do about the difference."""

    key: str
    state: State
    found: Text
    needed: Text = NOTHING
    remedy: Text = NOTHING
    system: str = ""
    details: str = ""


def could_not_look(key: str, error: UserError, system: str = "", needed: Text = NOTHING) -> Observation:
    """Return the unknown that an error while looking leaves."""
    return Observation(
        key, State.UNKNOWN, text("Could not be looked at: {what} {why}", what=error.what, why=error.why),
        needed, error.do, system, error.details,
    )  # fmt: skip
