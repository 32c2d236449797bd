"""What is known before anything is asked for: how each environment stands, and what earlier runs have left unfinished.

Everything but `left_elsewhere` looks at this workstation only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from app import history
from app.desk import Desk
from app.errors import UserError
from app.history import ListedRun
from app.profile import PRACTICE
from app.texts import NOTHING, Text, text

UNFINISHED = ("interrupted", "lost", "needs-you", "waiting")
"""How a run stands whose leftovers come before anything else."""
ENDED_EARLY = ("stopped", "failed")
"""How a run stands that has put everything back, and can still be resumed or undone."""
DAILY = datetime.timedelta(hours=24)  # the paper's frequency for AD LDS and Composer's database (table 6)


@dataclass(frozen=True)
class Standing:
    """How one environment stands. `completed` is when its newest whole set was, None where there is none; `off` names
    the pools that were off before that backup began; `not_whole` counts folders that are no set; `problem` says why its
    sets could not be looked at."""

    profile: str
    completed: datetime.datetime | None = None
    overdue: bool = True
    off: tuple[str, ...] = ()
    not_whole: int = 0
    problem: Text = NOTHING

    @property
    def practice(self) -> bool:
        return self.profile == PRACTICE


@dataclass(frozen=True)
class LeftOff:
    """A run that can be taken up again, and the name of the profile that this needs."""

    run: ListedRun
    profile: str

    @property
    def urgent(self) -> bool:
        """Say whether it comes before anything else: something is off, or nobody has ended it."""
        return bool(self.run.off) or self.run.status in UNFINISHED


def standings(desk: Desk, now: datetime.datetime) -> tuple[Standing, ...]:
    """Return how the described environments stand, the last used first; practice only once it holds something."""
    found = []
    for name in desk.store.names():
        try:
            repository = Path(desk.store.load(name).repository)
        except UserError as error:
            found.append(Standing(name, problem=error.what))
        else:
            found.append(_standing(name, repository, now))
    practice = desk.data / "repository"
    if (practice / PRACTICE).is_dir():
        found.append(_standing(PRACTICE, practice, now))
    return tuple(found)


@dataclass(frozen=True)
class Elsewhere:
    """What is known of runs that other workstations have left: those of `profile`, or `unknown`, why they could not be
    looked for. Nobody has looked in `not_looked`."""

    left_off: tuple[LeftOff, ...] = ()
    profile: str = ""
    unknown: Text = NOTHING
    not_looked: tuple[str, ...] = ()


def left_here(desk: Desk, place: str = "") -> tuple[LeftOff, ...]:
    """Return what runs of this workstation have left off, the newest first: all that are urgent, and of each
    environment the last run, where it ended early. With `place`, of that environment only."""
    from app.engine.lease import is_alive

    if not (desk.data / "journal.sqlite").exists():
        return ()
    found, seen = [], set()
    with desk.journal() as journal:
        for run in reversed(journal.runs(place or None)):
            off = tuple(held.what_is_off for held in journal.held(run.id) if held.closed is None)
            alive = run.status == "running" and is_alive(desk.data, run.environment)
            status = "interrupted" if run.status == "running" and not alive else run.status
            last = run.environment not in seen
            seen.add(run.environment)
            if not alive and (off or status in UNFINISHED or (last and status in ENDED_EARLY)):
                listed = ListedRun(run.id, run.runbook, status, run.started, off, "journal")
                found.append(LeftOff(listed, str(run.inputs["profile"])))
    return tuple(found)


def left_elsewhere(desk: Desk) -> Elsewhere:
    """Look for lost runs of other workstations in the environment that was used last, as the broker's notice tells.

    Nobody is asked for passwords or certificates: where they are not at hand, the checks before a run tell the notice.
    A password that was refused is not tried again: nobody asked for this look, and it could lock the account.
    """
    first, *others = desk.store.names() or ("",)
    if not first:
        return Elsewhere()
    if any(profile == first for profile, _, _ in desk.memory.refused):
        return Elsewhere((), first, text("Its password was refused before."), tuple(others))
    try:
        listed = history.runs(Desk(desk.data, desk.given, memory=desk.memory), desk.store.load(first))
    except UserError as error:
        return Elsewhere((), first, error.what, tuple(others))
    lost = tuple(LeftOff(run, first) for run in listed.runs if run.known_from == "notice" and run.status == "lost")
    unknown = listed.notice_unknown
    return Elsewhere(lost, first, NOTHING if unknown is None else unknown.what, tuple(others))


def _standing(name: str, repository: Path, now: datetime.datetime) -> Standing:
    from app.backupset import repository as sets

    try:
        found = sets.sets(repository, name)
    except UserError as error:
        return Standing(name, problem=error.what)
    whole = [one.manifest for one in found if one.manifest]
    if not whole:
        return Standing(name, not_whole=len(found))
    completed = datetime.datetime.fromisoformat(whole[0].completed)
    off = tuple(pool.name for pool in whole[0].pools if pool.provisioning is False)
    return Standing(name, completed, now - completed > DAILY, off, len(found) - len(whole))
