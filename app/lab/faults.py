"""Faults on demand: how they are put into the world, listed and taken away, and the ones that have a name."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from app.lab.rows import Fault
from app.lab.world import World
from app.texts import Text, text

KINDS = ("refuse", "fail", "hang", "drop", "lose-answer", "lie", "half", "slow", "disk-full", "wrong-password",
         "truncate")  # fmt: skip


class BadFault(ValueError):
    """The fault makes no sense: an unknown kind or name."""


@dataclass(frozen=True)
class Preset:
    """A fault with a name. `shows`: what checks say of it, (check, state)."""

    about: Text
    system: str
    call: str
    kind: str
    times: int = -1
    detail: str = ""
    shows: tuple[tuple[str, str], ...] = ()


EXPORT = "*vdmexport* -f *"
OFF = "*update-automatic*-isprovisioningenabled $false*"


def _backup_of(database: str) -> str:
    """Return the pattern of a batch that backs up a database, named in the statement or in a variable before it."""
    return f"*{database}*backup database*to disk*||*backup database*{database}*to disk*"


PRESETS = {
    "composer-backup-fails": Preset(
        text("BACKUP of the Composer database fails."), "sql:sql1", _backup_of("viewcomposer"), "fail"
    ),
    "vcenter-backup-fails": Preset(
        text("BACKUP of the vCenter database fails."), "sql:sql1", _backup_of("vim_vcdb"), "fail"
    ),
    "composer-backup-not-written": Preset(
        text("BACKUP of the Composer database says yes and writes nothing."), "sql:sql1",
        _backup_of("viewcomposer"), "lie",
    ),
    "export-fails": Preset(text("vdmexport fails."), "winrm:broker1", EXPORT, "fail"),
    "export-truncated": Preset(text("vdmexport writes half of the file."), "winrm:broker1", EXPORT, "truncate"),
    "provisioning-lies": Preset(
        text("Switching provisioning says yes and does nothing."), "winrm:broker1", OFF, "lie"
    ),
    "provisioning-answer-lost": Preset(
        text("Switching provisioning is done, its answer is lost, once."), "winrm:broker1", OFF,
        "lose-answer", 1,
    ),
    "composer-does-not-stop": Preset(
        text("Stopping Composer says yes and does nothing."), "winrm:composer1", "*stop-service*", "lie"
    ),
    "composer-does-not-start": Preset(text("Starting Composer fails."), "winrm:composer1", "*start-service*", "fail"),
    "wrong-password": Preset(text("The first broker refuses the password."), "winrm:broker1", "*", "wrong-password"),
    "vcenter-unreachable": Preset(
        text("The first vCenter refuses connections."), "vcenter:vc1", "connect", "refuse",
        shows=(("rights/vcenter", "unknown"), ("progress/vcenter", "unknown"), ("scheduled", "unknown")),
    ),
    "sql-unreachable": Preset(
        text("The first SQL Server refuses connections."), "sql:sql1", "*", "refuse",
        shows=(("rights/sql", "unknown"), ("single-points", "unknown"), ("progress/composer", "unknown")),
    ),
    "files-unreadable": Preset(
        text("Folders of the first broker cannot be listed."), "winrm:broker1", "*get-childitem*", "fail",
        shows=(("built-in", "unknown"),),
    ),
    "pools-unreadable": Preset(
        text("View does not tell its pools."), "winrm:broker1", "*get-pool |*", "fail",
        shows=(("draining", "unknown"), ("parents", "unknown"), ("more-off", "unknown")),
    ),
    "rights-unreadable": Preset(
        text("The first broker drops the connection when rights are looked at."), "winrm:broker1",
        "*update-automatic*", "drop", shows=(("rights/view", "unknown"),),
    ),
    "vcenter-tasks-unreadable": Preset(
        text("The first vCenter does not tell its tasks."), "vcenter:vc1", "*task*", "fail",
        shows=(("progress/vcenter", "unknown"),),
    ),
    "sql-disk-full": Preset(
        text("The disk of the first SQL Server is full during BACKUP."), "sql:sql1",
        "*backup database*to disk*", "disk-full",
    ),
}  # fmt: skip


def add(world: World, system: str, call: str, kind: str, times: int = -1, detail: str = "") -> Fault:
    """Put a fault into the world and return it. Raises BadFault."""
    if kind not in KINDS:
        raise BadFault(f"There is no fault of kind {kind}. Known are: {', '.join(KINDS)}.")
    if kind == "slow":
        try:
            float(detail)
        except ValueError as error:
            raise BadFault("A slow fault needs detail=SECONDS.") from error
    fault = Fault(id=uuid.uuid4().hex[:8], system=system, call=call, kind=kind, times=times, detail=detail)
    world.change("operator", f"fault {kind} on {system}", fault)
    return fault


def add_preset(world: World, name: str) -> Fault:
    """Put a fault that has a name into the world. Raises BadFault."""
    preset = PRESETS.get(name)
    if preset is None:
        raise BadFault(f"There is no fault named {name}. Known are: {', '.join(PRESETS)}.")
    return add(world, preset.system, preset.call, preset.kind, preset.times, preset.detail)


def clear(world: World, fault_id: str | None = None) -> int:
    """Take one fault away, or all of them; returns how many went."""
    with world.lock:
        gone = [fault for fault in world.all(Fault) if fault_id in (None, fault.id)]
        if gone:
            world.change("operator", "faults cleared", drop=gone)
        return len(gone)
