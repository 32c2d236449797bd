"""Looks whether a backup could begin: asks all checks, and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app import backups
from app.desk import Desk
from app.errors import Stopped, UserError
from app.observation import Observation, State
from app.profile import Profile
from app.texts import SEMICOLON, listed, text

if TYPE_CHECKING:
    from app.runbooks.checks.check import Check


FRESH = 600.0  # seconds for which the answers of checks count: who reads a plan over lunch begins on old ones


@dataclass(frozen=True)
class Answer:
    """One answer of a check: what was seen, and whether it keeps a run from beginning."""

    check: Check
    seen: Observation

    @property
    def blocks(self) -> bool:
        return self.check.blocks(self.seen)


@dataclass(frozen=True)
class Looked:
    """All answers of the checks, and when they were had, as `time.monotonic` counts."""

    answers: tuple[Answer, ...]
    at: float = field(default_factory=time.monotonic)

    @property
    def outcome(self) -> str:
        """Return done (a run may begin), blocked, or unknown (what blocks is that something could not be looked at)."""
        blocking = [answer.seen.state for answer in self.answers if answer.blocks]
        if not blocking:
            return "done"
        return "blocked" if State.BLOCKED in blocking else "unknown"

    @property
    def warnings(self) -> tuple[Answer, ...]:
        """Return what is neither in order nor keeps a run from beginning; an unattended run may stop for it."""
        return tuple(a for a in self.answers if a.seen.state is not State.PASSED and not a.blocks)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "check": answer.check.key, "key": answer.seen.key, "state": answer.seen.state.value,
                "blocks": answer.blocks, "system": answer.seen.system, "found": str(answer.seen.found),
                "needed": str(answer.seen.needed), "remedy": str(answer.seen.remedy),
            }
            for answer in self.answers
        ]  # fmt: skip


def look(desk: Desk, profile: Profile, tell: Callable[[Answer], None]) -> Looked:
    """Ask all checks, telling each answer as it comes. Changes nothing."""
    from app.runbooks.checks.check import Surroundings
    from app.runbooks.checks.table import look as ask

    desk.accept_certificates(profile)
    try:
        whole = [found.manifest for found in backups.sets(profile) if found.manifest]
        around = Surroundings(whole[0] if whole else None)
    except UserError as error:
        around = Surroundings(sets_unknown=error)
    answers = []
    with desk.connections(profile) as c:
        for check, seen in ask(c, around):
            answers.append(Answer(check, seen))
            tell(answers[-1])
    return Looked(tuple(answers))


def look_again_if_old(desk: Desk, profile: Profile, looked: Looked, stopped: Callable[[], bool]) -> None:
    """Ask the checks again where their answers are old. Raises Blocked where a backup can no longer begin,
    Stopped where `stopped` says so."""
    from app.engine.ending import Blocked

    if time.monotonic() - looked.at < FRESH:
        return

    def tell(_answer: Answer) -> None:
        if stopped():
            raise Stopped

    again = look(desk, profile, tell)
    blocking = [answer.seen for answer in again.answers if answer.blocks]
    if blocking:
        raise Blocked(
            text("A backup cannot begin any more."),
            text("The checks were old and have been asked again: {found}",
                 found=listed([seen.found for seen in blocking], SEMICOLON)),
            blocking[0].remedy,
        )  # fmt: skip
