"""How a run ended: the table of endings, what is still off, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.engine.journal import Held
from app.engine.step import Json
from app.errors import Busy, CouldNotLook, Refused, UserError
from app.texts import NOTHING, SEMICOLON, Text, listed, text


class Status(StrEnum):
    """How a run stands or ended; also the JSON `outcome`."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    UNDONE = "undone"
    NEEDS_YOU = "needs-you"
    WAITING = "waiting"
    BLOCKED = "blocked"
    BUSY = "busy"
    REFUSED = "refused"
    UNKNOWN = "unknown"


EXIT_CODES = {
    Status.DONE: 0,
    Status.UNDONE: 0,
    Status.FAILED: 1,
    Status.REFUSED: 2,
    Status.NEEDS_YOU: 3,
    Status.WAITING: 3,
    Status.BLOCKED: 4,
    Status.BUSY: 5,
    Status.UNKNOWN: 7,
    Status.STOPPED: 130,
}


class Blocked(UserError):
    """A check, or a question that nobody could answer, forbids going on (exit code 4 while nothing was changed)."""


class PlanDiffers(Refused):
    """A run cannot be gone on with, since its plan built anew is another one; closing and undoing it can."""


@dataclass(frozen=True)
class Ending:
    """How a run ended. `off` is what is still off or left behind, each with the commands to undo it by hand.

    `evidence` holds, by step key, what the last episode proved. `warnings` are for the report."""

    run: str
    status: Status
    error: UserError | None = None
    off: tuple[Held, ...] = ()
    evidence: dict[str, Json] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    warnings: tuple[Text, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

    @property
    def text(self) -> Text:
        """Return the ending in one sentence."""
        return SENTENCES[self.status]

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` says of it, in the chosen language."""
        return {
            "outcome": str(self.status),
            "run": self.run,
            "error": None if self.error is None else error_json(self.error),
            "off": [
                {"what": str(held.what_is_off), "by_hand": list(held.by_hand), "why": str(held.note)}
                for held in self.off
            ],
            "skipped": list(self.skipped),
            "warnings": [str(warning) for warning in self.warnings],
        }


SENTENCES = {
    Status.RUNNING: text("The run is going on."),
    Status.DONE: text("All is done and verified."),
    Status.FAILED: text("The run failed. What it had switched off is as before."),
    Status.STOPPED: text("The run was stopped. What it had switched off is as before."),
    Status.UNDONE: text("The run is undone."),
    Status.NEEDS_YOU: text("Something is still off, or a person must act."),
    Status.WAITING: text("The run waits for a step that a person does."),
    Status.BLOCKED: text("A check forbids the run. Nothing was changed."),
    Status.BUSY: text("Another run is going on in this environment."),
    Status.REFUSED: text("The run was not begun."),
    Status.UNKNOWN: text("Something could not be looked at. Nothing was changed."),
}


def error_json(error: UserError) -> dict[str, str]:
    """Return an error as plain strings, in the chosen language."""
    return {"what": str(error.what), "why": str(error.why), "do": str(error.do), "details": error.details}


def status_of(error: UserError, *, changed: bool) -> Status:
    """Return how a run ends with that error, `changed` telling whether anything in the environment had been touched."""
    if isinstance(error, PlanDiffers):
        return Status.REFUSED
    if changed:
        return Status.FAILED
    for kind, status in (
        (Blocked, Status.BLOCKED),
        (Busy, Status.BUSY),
        (CouldNotLook, Status.UNKNOWN),
        (Refused, Status.REFUSED),
    ):
        if isinstance(error, kind):
            return status
    return Status.FAILED


def needs_you(off: tuple[Held, ...]) -> UserError:
    """Return the error that names what a run could not put back."""
    names = listed((held.what_is_off for held in off), SEMICOLON)
    return UserError(
        text("Still off: {names}", names=names),
        next((held.note for held in off if held.note != NOTHING), NOTHING),
        text("Do what the commands by hand say, or start the recovery of this run again."),
    )
