"""How a practice environment stands, row by row, so that a test can say that a run left it as it was."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from app.lab.founding import found
from app.lab.rows import BackupRecord, Fault, HostFile, HostFolder, LdsEntry, Row, Service, Setting, Work
from app.lab.world import World
from tests.scenarios.environment import Environment

HOME = "C:\\ProgramData\\ViewKeeper"
State = dict[tuple[str, str], dict[str, Any]]


def world_of(environment: Environment) -> World:
    """Return a copy of the environment's world as it is now, for reading only."""
    folder = Path(tempfile.mkdtemp(dir=environment.data.parent, prefix="copy-"))
    lab = environment.data / "lab"
    whole = (lab / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(whole[: whole.rfind(b"\n") + 1])
    try:
        world = World(folder, found)
        world.close()
    finally:
        shutil.rmtree(folder)
    return world


def standing(world: World) -> State:
    """Return every row that a backup must leave as it was. What it rightly changes is left out, all of it here:

    - msdb's list of backups: it is history, and msdb has no way to forget one backup;
    - the empty folder %ProgramData%\\ViewKeeper on hosts that held something of ours: another workstation may be
      about to write its notice there;
    - the process id of a service that was stopped and started;
    - the lab's own rows: its settings, faults that count down, and work that goes on."""
    state: State = {}
    for table in Row.__subclasses__():
        for row in world.all(table):
            if isinstance(row, Setting | Fault | Work | BackupRecord) or _is_our_home(row):
                continue
            shown = msgspec.to_builtins(row)
            if isinstance(row, Service):
                shown.pop("pid", None)
            state[type(row).__name__, row.key] = shown
    return state


def changed(before: State, after: State) -> dict[str, Any]:
    """Return what differs between two states: empty where a run left everything as it was."""
    return {
        f"{table} {key}": (before.get((table, key)), after.get((table, key)))
        for table, key in before.keys() | after.keys()
        if before.get((table, key)) != after.get((table, key))
    }


def provisioning(world: World) -> dict[str, str]:
    """Return pae-VmProvEnabled by pool."""
    pools = world.all(LdsEntry, main_class="pae-ServerPool")
    return {pool.first("cn"): pool.first("pae-VmProvEnabled") for pool in pools}


def ours(world: World) -> list[str]:
    """Return what lies on hosts that a run has made: files and folders under our home, and backups of databases."""
    files = [file.path for file in world.all(HostFile) if "viewkeeper" in file.key_path]
    folders = [folder.path for folder in world.all(HostFolder) if "viewkeeper" in folder.key_path]
    return sorted(path for path in (*files, *folders) if path.lower() != HOME.lower())


def _is_our_home(row: Row) -> bool:
    return isinstance(row, HostFolder) and row.key_path == HOME.lower()
