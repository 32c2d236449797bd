"""The backup sets of a profile: which there are, and whether one is still what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.desk import Desk
from app.errors import Refused
from app.observation import Observation
from app.profile import Profile
from app.texts import Text, text

if TYPE_CHECKING:
    from app.backupset.repository import Found
    from app.engine.ending import Ending


def sets(profile: Profile) -> list[Found]:
    """Return what lies in a profile's repository, newest first."""
    from app.backupset import repository

    return repository.sets(profile.repository, profile.name)


def set_json(found: Found) -> dict[str, Any]:
    """Return a found set for `--json`."""
    if found.manifest is None:
        return {"set": str(found.folder), "whole": False, "problem": str(found.problem)}
    whole = bool(found.manifest.read_whole)
    m = found.manifest
    return {
        "set": str(found.folder), "whole": whole, "run": m.run, "completed": m.completed, "parts": len(m.parts),
        "freeze_seconds": m.freeze_seconds, "skew_seconds": m.skew_seconds,
    }  # fmt: skip


def verify(
    desk: Desk, profile: str, name: str, tell: Callable[[Observation], None]
) -> tuple[Path, tuple[Observation, ...]]:
    """Read a set whole, telling what is seen of each file. `name` is a folder, a set's name or its run."""
    from app.backupset import repository, verifying
    from app.runbooks.fetching import content_checks

    folder = Path(name)
    if not folder.is_dir():
        candidates = [found.folder for found in sets(desk.profile(profile)) if _named(found.folder, name)]
        if len(candidates) != 1:
            raise Refused(
                text("There is no backup set {name}.", name=name),
                text("Neither a folder nor a set of the profile has this name."),
                text("List the sets, and choose another."),
            )
        folder = candidates[0]
    seen = []
    manifest = repository.open_set(folder)
    for found in verifying.verify(folder, manifest, content_checks(manifest)):
        seen.append(found)
        tell(found)
    return folder, tuple(seen)


def of_set(ending: Ending) -> dict[str, Any]:
    """Return what `--json` says of the set that a run has completed; empty where it completed none."""
    done = ending.evidence.get("backup/complete")
    if not done or ending.exit_code != 0:
        return {}
    weak = [str(msgspec.convert(weakness, Text)) for weakness in done["weaknesses"]]
    return {**done, "weaknesses": weak}


def _named(folder: Path, name: str) -> bool:
    return folder.name == name or folder.name.endswith(f"-{name}")
