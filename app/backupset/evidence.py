"""Whether a manifest holds what makes a set: every core component, each with evidence that fits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.backupset.manifest import Elsewhere, Manifest, Part
from app.observation import Observation, State
from app.texts import Text, listed, text
from app.view import components
from app.view.components import COMPONENTS

DATABASES = (components.COMPOSER_DATABASE, components.VCENTER_DATABASE, components.EVENT_DATABASE)
COUNTED = ("pools", "desktops", "entitlements")
NEEDED = text("Every core component must be in the set, or proven elsewhere, with its evidence.")
REMEDY = text("Do not restore from it; choose another set.")


def contradictions(manifest: Manifest) -> Iterator[Observation]:
    """Yield what is wrong in a manifest whose seal fits: components that are nowhere, evidence that is not there or
    says otherwise. Nothing for one that is in order."""
    yield from _nowhere(manifest)
    for part in manifest.parts:
        for found in _of_part(manifest, part):
            yield _bad(part.file, found, part.system)
    for one in manifest.elsewhere:
        for found in _of_elsewhere(one):
            yield _bad(one.component, found, one.system)
    if manifest.part(components.AD_LDS) and not manifest.pools and manifest.counts.get("pools") != 0:
        yield _bad(components.AD_LDS, text("No pool is listed as it was before the freeze."))


def _nowhere(manifest: Manifest) -> Iterator[Observation]:
    inside = {part.component for part in manifest.parts}
    proven = inside | {one.component for one in manifest.elsewhere}
    named = {one.component for one in manifest.missing}
    core = {component.key: component.name for component in COMPONENTS if component.in_core}
    for key, name in core.items():
        if key not in proven and (key not in named or key == components.AD_LDS):
            yield _bad(key, text("{component} is neither in the set nor proven elsewhere.", component=name))
    if components.COMPOSER_DATABASE in proven and components.COMPOSER_KEYS not in inside:
        yield _bad(components.COMPOSER_KEYS, text("The RSA keys of View Composer are not in the set."))


def _of_part(manifest: Manifest, part: Part) -> Iterator[Text]:
    """Yield what is wrong with one part's evidence, by its kind."""
    captured = _captured(part)
    if captured and part.sha256 not in captured:
        yield text("{file} is not what was captured: its SHA-256 then was another.", file=part.file)
    if part.component in DATABASES:
        yield from _of_database(manifest, part)
    elif part.component == components.AD_LDS:
        read = part.evidence.get("read", {})
        differing = [name for name in COUNTED if read.get(name) is None or read[name] != manifest.counts.get(name)]
        if differing:
            yield text("{file}: what was counted in it does not fit: {names}.", file=part.file,
                       names=listed(differing))  # fmt: skip
    elif part.component in (components.COMPOSER_KEYS, components.VCENTER_FILES) and not captured:
        yield text("{file}: the evidence of its capture is not there.", file=part.file)


def _captured(part: Part) -> set[str]:
    """Return the hashes that were taken where the files lay."""
    told = [part.evidence, *part.evidence.get("files", ())]
    return {str(one["sha256"]) for one in told if one.get("sha256")}


def _of_database(manifest: Manifest, part: Part) -> Iterator[Text]:
    row: dict[str, Any] = part.evidence.get("row") or {}
    if row.get("checksums") is not True or row.get("damaged") is not False:
        yield text("{file}: msdb did not say that it has checksums and is not damaged.", file=part.file)
    if not row.get("path") or _plain(row["path"]) != _plain(part.evidence.get("path")):
        yield text("{file}: msdb's row is of another file.", file=part.file)
    if manifest.run not in str(part.evidence.get("name", "")):
        yield text("{file}: msdb's row is of another run.", file=part.file)


def _of_elsewhere(one: Elsewhere) -> Iterator[Text]:
    row: dict[str, Any] = one.evidence.get("row") or {}
    weak = one.evidence.get("state") == State.WARNING
    if row.get("damaged") is not False or (row.get("checksums") is not True and not weak):
        yield text("{path}: msdb did not say that it has checksums and is not damaged.", path=one.path)
    if not one.path or _plain(row.get("path")) != _plain(one.path):
        yield text("{path}: msdb's row is of another file.", path=one.path)


def _plain(path: object) -> str:
    return str(path or "").casefold()


def _bad(key: str, found: Text, system: str = "") -> Observation:
    return Observation(key, State.BLOCKED, found, NEEDED, REMEDY, system)
