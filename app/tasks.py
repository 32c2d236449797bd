"""What changes an environment, and puts it back: a backup, and coming back to a run that was left off."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import app
from app.desk import Desk
from app.errors import Refused
from app.profile import Profile, as_begun, chosen, digest, refuse_unreachable
from app.texts import text

if TYPE_CHECKING:
    from app.engine.clock import StopToken
    from app.engine.ending import Ending
    from app.engine.events import Sink
    from app.engine.journal import Journal, Run
    from app.engine.prompter import Prompter
    from app.engine.runner import Runner


def new_run(moment: datetime.datetime) -> str:
    """Return the name of a new run: its UTC time and four digits, so that two workstations never share one."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def back_up(
    desk: Desk,
    profile: Profile,
    prompter: Prompter,
    sink: Sink,
    stop: StopToken | None = None,
    now: float | None = None,
) -> Ending:
    """Make a backup, from the vSphere part to the whole set. Returns how it ended; raises before anything was begun."""
    from app.backupset import repository

    desk.accept_certificates(profile)
    started = datetime.datetime.fromtimestamp(now or time.time(), datetime.UTC)
    run = new_run(started)
    folder = repository.folder_of(profile.repository, profile.name, repository.folder_name(started, run))
    inputs: dict[str, Any] = {"profile": profile.name, "folder": str(folder), "chosen": chosen(profile)}
    inputs |= {"started": f"{started:%Y-%m-%dT%H:%M:%SZ}", **_begun_with(profile)}
    with _runner(desk, profile, inputs, prompter, sink, stop) as runner:
        repository.make_folder(folder)
        return runner.run(run)


def close_left(
    desk: Desk, profile: Profile, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending | None:
    """Put back what runs of this workstation left off whose process died, or that could not, and take their notice
    away. Before the checks: both else block them. Returns how the first ended that could not be closed, None where
    nothing is off any more. Raises Busy where another run lives."""
    from app import leftovers
    from app.engine.ending import Status

    desk.accept_certificates(profile)
    with desk.journal() as journal, desk.connections(profile) as c:
        dead = [run.id for run in leftovers.dead(desk.data, journal, c)]
    for run in dead:
        ending = _come_back(desk, profile, run, prompter, sink, stop, _closing(run))
        if ending.off or ending.status in (Status.BUSY, Status.REFUSED):
            return ending
    return None


def _closing(run: str) -> Callable[[Runner], Ending]:
    return lambda runner: runner.close_only(run)


def _begun_with(profile: Profile) -> dict[str, str]:
    """Return what must be the same when a run is gone on with: what it has captured must not mix two environments."""
    return {"program": app.__version__, "described": digest(profile)}


def resume(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending:
    """Close what a run left off, keep what still stands, do the rest in a new freeze."""
    return _come_back(desk, profile, run, prompter, sink, stop, lambda runner: runner.resume(run))


def undo(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending:
    """Close what a run left off; what it captured so far is no set, and its folder goes."""
    from app.engine.ending import Status

    with desk.journal() as journal:
        if any(known.id == run and known.status == Status.DONE for known in journal.runs()):
            raise Refused(
                text("The run {run} has ended well: there is nothing to undo.", run=run),
                text("Everything that it had switched off is on again, and its set is whole."),
                text("Delete the set's folder by hand if it is not wanted."),
            )
    ending = _come_back(desk, profile, run, prompter, sink, stop, lambda runner: runner.undo(run))
    if ending.status is Status.UNDONE:
        with desk.journal() as journal:
            if not _whole_all_the_same(journal, run):
                left = journal.run(run)
                _remove_unfinished(_as_it_was(profile, left), left)
    return ending


@contextlib.contextmanager
def _runner(
    desk: Desk, profile: Profile, inputs: dict[str, Any], prompter: Prompter, sink: Sink, stop: StopToken | None
) -> Iterator[Runner]:
    from app import leftovers, logs
    from app.engine import clock
    from app.engine.runner import Runner
    from app.engine.session import Surroundings
    from app.runbooks.backup import backup
    from app.runbooks.closers import CLOSERS
    from app.runbooks.notice import Notice

    refuse_unreachable(profile)
    with (
        desk.connections(profile) as c,
        desk.journal(c.passwords.hide) as journal,
        contextlib.closing(Notice(c, partial(leftovers.ended_here, desk.data, journal, profile.place))) as lease,
        logs.kept(desk.data, sink) as told,
    ):
        given = Surroundings(
            profile.place, journal, c, told, prompter, CLOSERS, lease=lease, stop=stop or clock.StopToken(),
            clock=desk.clock or clock.SystemClock(), hide=c.passwords.hide,
        )  # fmt: skip
        yield Runner(given, backup(profile), inputs)


def _come_back(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None,
    work: Callable[[Runner], Ending],
) -> Ending:  # fmt: skip
    desk.accept_certificates(profile)
    _adopt(desk, profile, run)
    with desk.journal() as journal:
        left = journal.run(run)
    profile = _as_it_was(profile, left)
    inputs = left.inputs | _begun_with(profile)
    with _runner(desk, profile, inputs, prompter, sink, stop) as runner:
        return work(runner)


def _as_it_was(profile: Profile, run: Run) -> Profile:
    """Return the profile as that run was begun with it: its options may have been chosen for it alone."""
    return as_begun(profile, run.inputs.get("chosen", {})) if run.environment == profile.place else profile


def _adopt(desk: Desk, profile: Profile, run: str) -> None:
    """Take a run over that only the broker's notice tells of: another workstation began it, and is lost."""
    from app.runbooks import adopting, notice

    with desk.journal() as journal:
        if run in {known.id for known in journal.runs()}:
            return
        with desk.connections(profile) as c:
            found = next((one for one in notice.read_all(c) if one.note.run.id == run), None)
        if found is None:
            raise Refused(
                text("There is no run {run}.", run=run),
                text("Neither this workstation's journal nor the broker's notice knows it."),
                text("List the runs with `runs`."),
            )
        if not found.lost:
            raise notice.busy(found)
        journal.adopt(*adopting.believed(found.note, profile))


def _whole_all_the_same(journal: Journal, run: str) -> bool:
    """Say whether a run had completed its set, and only its own end was not written down any more. A manifest of a run
    taken over from another workstation is believed: it is written once every part has been read."""
    from app.backupset import manifest
    from app.engine.journal import GOOD

    effects = journal.effects(run)
    if effects:
        return any(effect.key == "backup/complete" and effect.phase in GOOD for effect in effects)
    return (Path(str(journal.run(run).inputs.get("folder"))) / manifest.NAME).exists()


def _remove_unfinished(profile: Profile, run: Run) -> None:
    from app.backupset import repository
    from app.runbooks import adopting

    folder = Path(str(run.inputs.get("folder")))
    if not adopting.is_unfinished_set(str(folder), run.id, profile.repository, run.inputs.get("profile")):
        return
    if folder.is_dir():
        with repository.guarded(folder):
            shutil.rmtree(folder)
