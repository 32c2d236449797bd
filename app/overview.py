"""What is known before anything is asked for: how each environment stands, and what earlier runs have left unfinished.

Everything but `elsewhere` looks at this workstation only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app import history
from app.desk import Desk
from app.errors import UserError
from app.history import ListedRun
from app.profile import PRACTICE
from app.texts import NOTHING, Text, text

if TYPE_CHECKING:
    from app.engine.journal import Run
    from app.engine.lease import Owner

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


@dataclass(frozen=True)
class GoingOn:
    """A run that another process is at since a time stamp: `process` of this computer, or `user` on `workstation`.
    `runbook` is "" where it has not written down yet what it is."""

    profile: str
    run: str
    runbook: str
    since: float
    process: int = 0
    user: str = ""
    workstation: str = ""


@dataclass(frozen=True)
class Here:
    """What runs of this workstation have left off, the newest first, and those that go on. `known` are all that its
    journal has: also those of other workstations that were resumed or undone here."""

    left_off: tuple[LeftOff, ...] = ()
    going_on: tuple[GoingOn, ...] = ()
    known: frozenset[str] = frozenset()


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
    """What is known of runs that other workstations have left, and are at: those of `profile`, or `unknown`, why they
    could not be looked for. Nobody has looked in `not_looked`."""

    left_off: tuple[LeftOff, ...] = ()
    going_on: tuple[GoingOn, ...] = ()
    profile: str = ""
    unknown: Text = NOTHING
    not_looked: tuple[str, ...] = ()


def here(desk: Desk, place: str = "") -> Here:
    """Return what runs of this workstation have left off: all that are urgent, and of each environment the last run,
    where it ended early; and those that go on. With `place`, of that environment only.

    What lies in an environment where a run goes on is not left: that run, or one like it, is putting it back."""
    from app.engine.lease import lock_path, owners

    living = owners(desk.data)
    if not (desk.data / "journal.sqlite").exists():
        return Here((), _going_on(living, {}, place))
    found, seen = [], set()
    with desk.journal() as journal:
        known = journal.runs(place or None)
        for run in reversed(known):
            last = run.environment not in seen
            seen.add(run.environment)
            if lock_path(desk.data, run.environment) in living:
                continue
            off = tuple(held.what_is_off for held in journal.held(run.id) if held.closed is None)
            status = history.stands(desk.data, run, living)
            if off or status in UNFINISHED or (last and status in ENDED_EARLY):
                listed = ListedRun(run.id, run.runbook, status, run.started, off, "journal")
                found.append(LeftOff(listed, str(run.inputs["profile"])))
    by_name = {run.id: run for run in known}
    return Here(tuple(found), _going_on(living, by_name, place), frozenset(by_name))


def _going_on(living: Mapping[Path, Owner | None], known: Mapping[str, Run], place: str) -> tuple[GoingOn, ...]:
    going_on = []
    for owner in living.values():
        if owner is not None and place in ("", owner.environment):
            run = known.get(owner.run)
            profile, runbook = (str(run.inputs["profile"]), run.runbook) if run else (owner.environment, "")
            going_on.append(GoingOn(profile, owner.run, runbook, owner.since, owner.process))
    return tuple(going_on)


def elsewhere(desk: Desk) -> Elsewhere:
    """Look for lost runs of other workstations in the environment that was used last, as the broker's notice tells.

    Nobody is asked for passwords or certificates: where they are not at hand, the checks before a run tell the notice.
    A password that was refused is not tried again: nobody asked for this look, and it could lock the account.
    """
    first, *others = desk.store.names() or ("",)
    if not first:
        return Elsewhere()
    if any(profile == first for profile, _, _ in desk.memory.refused):
        return Elsewhere((), (), first, text("Its password was refused before."), tuple(others))
    try:
        listed = history.runs(Desk(desk.data, desk.given, memory=desk.memory), desk.store.load(first))
    except UserError as error:
        return Elsewhere((), (), first, error.what, tuple(others))
    noted = [run for run in listed.runs if run.known_from == "notice"]
    lost = tuple(LeftOff(run, first) for run in noted if run.status == "lost")
    going_on = tuple(
        GoingOn(first, run.id, run.runbook, run.started, user=run.user, workstation=run.workstation)
        for run in noted
        if run.status != "lost"
    )
    unknown = listed.notice_unknown
    return Elsewhere(lost, going_on, first, NOTHING if unknown is None else unknown.what, tuple(others))


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
