"""The manifest of a backup set: what was captured, from where, when, how it was proven, and what is not in it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from app.errors import Refused
from app.texts import Text, text

FORMAT = 1
NAME = "manifest.json"
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_NO_SEAL = "0" * 64


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One captured file. Times are UTC, ISO 8601; `size` in bytes; `file` is relative to the set, with `/`."""

    component: str
    system: str
    file: str
    size: int
    sha256: str
    host: str = ""
    started: str = ""
    ended: str = ""
    evidence: dict[str, Any] = {}


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A component that somebody else backed up during the freeze: the set has its evidence, not its file."""

    component: str
    system: str
    database: str
    path: str
    evidence: dict[str, Any] = {}


class PoolBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A pool and its provisioning before the freeze: the export itself says "off" for all. None: it has no switch."""

    pool_id: str
    name: str
    kind: str
    provisioning: bool | None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One of the paper's components that is not in this set, and why."""

    component: str
    why: Text


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a set. `read_whole`: when every part had been read and looked at, before this was
    written; empty where that is not known. `seal` is the SHA-256 of the file with the seal itself set to zeros."""

    format: int = FORMAT
    program: str
    run: str
    profile: str
    environment: str
    started: str
    completed: str
    versions: dict[str, str]
    parts: tuple[Part, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    pools: tuple[PoolBefore, ...]
    counts: dict[str, int]
    freeze_seconds: float
    skew_seconds: float
    spans: dict[str, dict[str, str]] = {}
    fell_into_error: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    weaknesses: tuple[Text, ...] = ()
    read_whole: str = ""
    image_backup: dict[str, str] | None = None
    seal: str = _NO_SEAL

    def part(self, component: str) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.component == component)


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest, sealed."""
    plain = msgspec.structs.replace(manifest, seal=_NO_SEAL)
    written = msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"
    seal = hashlib.sha256(written).hexdigest()
    return _SEAL.sub(f'"seal": "{seal}"'.encode(), written)


def decode(content: bytes, where: Path) -> Manifest:
    """Read a manifest strictly: a newer format, a broken seal or a damaged field is refused by a sentence."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(where, str(error)) from error
    written_by = found.get("format") if isinstance(found, dict) else None
    if isinstance(written_by, int) and written_by > FORMAT:
        raise Refused(
            text("The backup set {folder} was written by a newer program.", folder=str(where.parent)),
            text("Its format is {found}; this program reads up to {known}.", found=written_by, known=FORMAT),
            text("Open it with that program; README.txt in it tells how to restore without any."),
        )
    sealed = _SEAL.search(content)
    if not sealed or _computed(content) != sealed[1].decode():
        raise _damaged(where, text("Its seal does not fit its content."))
    try:
        return msgspec.convert(found, Manifest)
    except msgspec.ValidationError as error:
        raise _damaged(where, str(error)) from error


def _computed(content: bytes) -> str:
    return hashlib.sha256(_SEAL.sub(f'"seal": "{_NO_SEAL}"'.encode(), content)).hexdigest()


def _damaged(where: Path, why: Text | str) -> Refused:
    return Refused(
        text("The manifest is damaged: {path}.", path=str(where)),
        why,
        text("Do not rely on this set; choose another one."),
    )
