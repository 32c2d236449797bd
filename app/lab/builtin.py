"""View's built-in backup: a .LDF of AD LDS and a .SVI of Composer, taken together into the broker's backup folder."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from app.lab import directory
from app.lab.ldif import ldif
from app.lab.rows import Broker, Composer, Vm, Work
from app.lab.world import World

KIND = "built-in-backup"
FOLDER = r"C:\ProgramData\VMware\VDM\backups"
SECONDS = 45.0


def start(
    world: World, by: str, host: str, seconds: float | None = None, password: str = "", *, held: bool = False
) -> Work:
    """Begin a built-in backup on a broker: its .LDF is there, the .SVI comes at the end. With a data recovery
    `password`, the .LDF is encrypted."""
    with world.lock:
        broker = world.require(Broker, host)
        now = world.now()
        stem = f"{FOLDER}\\backup-{datetime.fromtimestamp(now, UTC):%Y%m%d%H%M%S}"
        content = ldif(directory.below(world, broker.group, directory.ROOT))
        if password:
            from app.lab.windows import recovery

            content = recovery.encrypt(content, password)
        exported = world.new_file(host, stem + ".LDF", content)
        ends = 0.0 if held else now + (world.takes(SECONDS) if seconds is None else seconds)
        work = Work(id=str(uuid.uuid4()), kind=KIND, subject=host, starts=now, ends=ends, details={"stem": stem})
        world.change(by, f"built-in backup on {host} begins", exported, work)
        return work


def finish(world: World, by: str, work: Work) -> None:
    """End a built-in backup: the pair is whole."""
    with world.lock:
        machines = [vm for composer in world.all(Composer) for vm in world.all(Vm, vcenter=composer.vcenter)]
        clones = [vm for vm in machines if not vm.protected and vm.disks and vm.disks[0].parent]
        content = "\r\n".join(["SVI 2.7", *(f"{vm.name}\t{vm.moid}" for vm in clones), ""]).encode()
        file = world.new_file(work.subject, work.details["stem"] + ".SVI", content)
        world.change(by, f"built-in backup on {work.subject} ended", file, drop=[work])


def give_up(world: World, by: str, work: Work) -> None:
    """End a built-in backup as if it had never begun: its file goes."""
    with world.lock:
        file = world.file(work.subject, work.details["stem"] + ".LDF")
        world.change(by, f"built-in backup on {work.subject} given up", drop=[work, *([file] if file else [])])
