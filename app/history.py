"""What earlier runs did, and how they stand: as the journal has it, and the broker's notice. Looks only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import UserError
from app.texts import Text

if TYPE_CHECKING:
    from app.desk import Desk
    from app.engine.journal import Run
    from app.engine.lease import Owner
    from app.profile import Profile


@dataclass(frozen=True)
class ListedRun:
    """A run as it is listed: where it is known from (journal or notice), how it stands, and what is still off. Where
    only a notice tells of it, `user` on `workstation` began it."""

    id: str
    runbook: str
    status: str
    started: float
    off: tuple[Text, ...]
    known_from: str
    user: str = ""
    workstation: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.id, "runbook": self.runbook, "status": self.status, "started": self.started,
            "off": [str(one) for one in self.off], "known_from": self.known_from,
        }  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """The runs; `notice_unknown` says why the broker's notice could not be read, None where it could."""

    runs: tuple[ListedRun, ...]
    notice_unknown: UserError | None = None


def runs(desk: Desk, profile: Profile) -> Listed:
    """Return the runs of the journal, and one that only the broker's notice tells of. Looks only."""
    from app.engine.lease import owners
    from app.runbooks import notice

    living = owners(desk.data)
    with desk.journal() as journal:
        known = [
            ListedRun(
                run.id, run.runbook, stands(desk.data, run, living), run.started,
                tuple(held.what_is_off for held in journal.held(run.id) if held.closed is None), "journal",
            )
            for run in journal.runs()
        ]  # fmt: skip
    try:
        with desk.connections(profile) as c:
            found = notice.read_all(c)
    except UserError as error:
        return Listed(tuple(known), error)
    ids = {run.id for run in known}
    strangers = [
        ListedRun(
            one.note.run.id, one.note.run.runbook, "lost" if one.lost else "running elsewhere", one.note.run.started,
            tuple(held.what_is_off for held in one.note.held), "notice", one.note.user, one.note.workstation,
        )
        for one in found
        if one.note.run.id not in ids
    ]  # fmt: skip
    return Listed((*known, *strangers))


def stands(data: Path, run: Run, living: Mapping[Path, Owner | None]) -> str:
    """Return how a run of the journal stands: one that nobody has ended, and that is not the one that lives in its
    environment, was interrupted. `living` are the locks that are held."""
    from app.engine.lease import lock_path

    if run.status != "running":
        return run.status
    path = lock_path(data, run.environment)
    owner = living.get(path)
    alive = path in living and (owner is None or owner.run == run.id)
    return run.status if alive else "interrupted"


def report(desk: Desk, run: str) -> dict[str, Any]:
    """Return what a run did, step by step, as the journal has it."""
    with desk.journal() as journal:
        found, effects, held = journal.run(run), journal.effects(run), journal.held(run)
    return {
        "run": found.id, "status": found.status, "environment": found.environment, "inputs": found.inputs,
        "started": found.started, "ended": found.ended,
        "error": " ".join(v for k, v in (found.error or {}).items() if v and k != "details"),
        "steps": [
            {
                "key": e.key, "episode": e.episode, "phase": e.phase.value, "evidence": e.result,
                "seconds": round(e.ended - e.intended, 3) if e.ended else "",
            }
            for e in effects
        ],
        "off": [{"what": str(h.what_is_off), "by_hand": list(h.by_hand)} for h in held if h.closed is None],
    }  # fmt: skip
