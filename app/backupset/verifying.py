"""Looking whether a set is still what its manifest says: every file read, every difference named by file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from app.backupset import evidence, repository
from app.backupset import manifest as manifests
from app.backupset.manifest import Manifest, Part
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.texts import Text, text

ContentCheck = Callable[[Path, Part], Observation]


def verify(
    folder: Path,
    manifest: Manifest,
    checks: Mapping[str, ContentCheck],
    progress: Callable[[float], None] = lambda _: None,
) -> Iterator[Observation]:
    """Yield an observation for every file of a set: named in the manifest or not, whole, with its hash and its content;
    and one for everything in the manifest that lacks its evidence or contradicts it.

    `checks` says by component how the content is looked at beyond its hash (an LDIF is read whole, and counted)."""
    total = sum(part.size for part in manifest.parts) or 1
    read = 0
    for part in manifest.parts:
        yield _part(folder, part, checks.get(part.component))
        read += part.size
        progress(read / total)
    yield from evidence.contradictions(manifest)
    yield from _strangers(folder, manifest)


def _part(folder: Path, part: Part, check: ContentCheck | None) -> Observation:
    if not inside(part.file):
        return _bad(part, text("{file} is not a name inside the set.", file=part.file))
    path = folder / part.file
    if not path.is_file():
        return _bad(part, text("{file} is missing.", file=part.file))
    try:
        size, digest = repository.sha256(path)
    except UserError as error:
        return could_not_look(part.file, error, part.system)
    if size != part.size:
        return _bad(part, text("{file} has {found} bytes; it had {size}.", file=part.file, found=size, size=part.size))
    if digest != part.sha256:
        return _bad(part, text("{file} is damaged: its SHA-256 is another.", file=part.file))
    if check is None:
        return Observation(part.file, State.PASSED, text("{file} is as it was captured.", file=part.file))
    try:
        return check(path, part)
    except UserError as error:
        return could_not_look(part.file, error, part.system)


def _strangers(folder: Path, manifest: Manifest) -> Iterator[Observation]:
    known = {part.file for part in manifest.parts} | {manifests.NAME}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known:
            yield Observation(
                name,
                State.WARNING,
                text("{file} does not belong to this set.", file=name),
                remedy=text("Look where it comes from; nothing of this program reads it."),
            )


def inside(file: str) -> bool:
    """Say whether a name of the manifest stays inside the set: relative, no `..`, no drive, no backslash."""
    path = PurePosixPath(file)
    return bool(file) and not path.is_absolute() and ".." not in path.parts and "\\" not in file and ":" not in file


def _bad(part: Part, found: Text) -> Observation:
    return Observation(
        part.file,
        State.BLOCKED,
        found,
        text("It must be as it was captured."),
        text("Do not restore from it; choose another set."),
        part.system,
    )
