"""What may be believed of a run that only a notice tells of: it lies in a folder that others may write to."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath
from typing import Any

import msgspec

from app.backupset import repository
from app.engine.journal import Held, Run
from app.errors import Refused
from app.profile import UNSAFE_NAME, Profile
from app.runbooks import temporary
from app.runbooks.closers import CLOSERS
from app.runbooks.notice import Note
from app.runbooks.places import temporary_folder
from app.texts import Text, text

RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
SET = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z-")


def believed(note: Note, profile: Profile) -> tuple[Run, tuple[Held, ...]]:
    """Return the run of a notice and what it holds, to be recovered from here. Raises Refused where anything of it
    could make this program remove or change what no run of its own has made."""
    run = note.run
    if not RUN.fullmatch(run.id):
        raise _refused(text("Its run has a name that no run has."))
    if not is_unfinished_set(run.inputs.get("folder"), run.id, profile.repository, run.inputs.get("profile")):
        raise _refused(text("The folder of its set is not one of this profile's repository."))
    for held in note.held:
        if held.run != run.id:
            raise _refused(text("What it holds belongs to another run."))
        if held.closer not in CLOSERS:
            raise _refused(text("This program has no closer {name}.", name=held.closer))
        if held.closer == temporary.CLOSER and not _own_files(held.before, run.id):
            raise _refused(text("Files that it would remove are not those that a run makes."))
    # where the set goes and what is done is this workstation's profile to say, not a folder's that others write to
    inputs = {name: value for name, value in run.inputs.items() if name != "chosen"}
    return msgspec.structs.replace(run, environment=profile.place, inputs=inputs), note.held


def is_unfinished_set(folder: object, run: str, place: str, profile: object) -> bool:
    """Say whether a folder is where a run puts its set: in the repository `place`, in the folder of its profile."""
    if not isinstance(folder, str) or not isinstance(profile, str) or not profile or UNSAFE_NAME.search(profile):
        return False
    path = Path(folder)
    start = SET.match(path.name)
    return (
        start is not None
        and path.name[start.end() :] == run
        and path == repository.folder_of(place, profile, path.name)
        and not path.is_symlink()
        and not path.parent.is_symlink()
    )


def _own_files(before: Any, run: str) -> bool:
    if not isinstance(before, dict) or before.get("folder") != temporary_folder(run):
        return False
    files, hosts = before.get("files"), before.get("hosts")
    if not isinstance(files, list) or not isinstance(hosts, list) or not all(isinstance(name, str) for name in hosts):
        return False
    return all(isinstance(file, dict) and _own_file(file, run) for file in files)


def _own_file(file: dict[str, Any], run: str) -> bool:
    host, path = file.get("host"), file.get("path")
    if not isinstance(host, str) or not isinstance(path, str):
        return False
    found = PureWindowsPath(path)
    named = re.fullmatch(rf"viewkeeper-{re.escape(run)}-[A-Za-z0-9_-]+\.bak", found.name)
    return named is not None and found.is_absolute() and ".." not in found.parts


def _refused(why: Text) -> Refused:
    return Refused(
        text("The run that the notice tells of cannot be taken over."),
        why,
        text("Resume or undo it on the workstation that began it."),
    )
