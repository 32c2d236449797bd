"""Which runs of this workstation have died, as its journal, its locks and the brokers' notices tell."""

from __future__ import annotations

from pathlib import Path

from app.connectors.connections import Connections
from app.engine.closing import by_itself
from app.engine.ending import Status
from app.engine.journal import Journal, Run
from app.engine.lease import is_alive
from app.errors import UserError
from app.runbooks import notice


def ended_here(data: Path, journal: Journal, held: str, note: notice.Note) -> bool:
    """Say whether a run of this workstation wrote a notice, and its process has ended: the lock of its environment is
    free, or `held` by this process."""
    place = note.run.environment
    known = note.run.id in {run.id for run in journal.runs()}
    return known and notice.of_this_workstation(note) and (place == held or not is_alive(data, place))


def dead(data: Path, journal: Journal, c: Connections) -> list[Run]:
    """Return the runs of this environment that ended without having put everything back, or having left their notice;
    the newest first. Raises Busy where another run lives. A notice that cannot be read is left to the checks."""
    place = c.profile.place
    try:
        found = notice.read_all(c)
    except UserError:
        found = ()  # each broker is told by its own check, and what the journal knows is put back all the same
    gone = {one.note.run.id for one in found if ended_here(data, journal, "", one.note)}
    for one in found:
        if one.note.run.id not in gone and not one.lost:
            raise notice.busy(one)
    holding = {held.run for held in journal.open_held(place) if by_itself(held)}
    left = [run for run in journal.runs(place) if run.status == Status.RUNNING or run.id in gone | holding]
    return [run for run in reversed(left) if run.status != Status.WAITING]
