"""What a person does: "do it for me" in practice, a call for tests. It acts on the world only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from app.lab import builtin, dba, directory, operations, provisioning, services
from app.lab.lab import Lab
from app.lab.rows import Broker, LdsEntry, UserSession, Vm, Work
from app.texts import Text, listed, text

GROUP = "view"
FINISHED = ("clone", "recompose", "refresh", "delete", builtin.KIND)


class CannotDo(Exception):
    """A person could not do this here either; the sentence says why."""


@dataclass(frozen=True)
class Act:
    """One act of a person. `options` are the names that it takes."""

    name: str
    about: Text
    do: Callable[[Lab, dict[str, str]], Text]
    options: tuple[str, ...]


ACTS: dict[str, Act] = {}


def act(
    name: str, about: Text, *options: str
) -> Callable[[Callable[[Lab, dict[str, str]], Text]], Callable[[Lab, dict[str, str]], Text]]:
    """Enter a function among the acts."""

    def enter(function: Callable[[Lab, dict[str, str]], Text]) -> Callable[[Lab, dict[str, str]], Text]:
        ACTS[name] = Act(name, about, function, options)
        return function

    return enter


def perform(lab: Lab, name: str, options: dict[str, str] | None = None) -> Text:
    """Do an act and return what was done. Raises CannotDo."""
    found, given = ACTS.get(name), options or {}
    if found is None:
        raise CannotDo(f"There is no act {name}. Known are: {', '.join(ACTS)}.")
    unknown = [option for option in given if option not in found.options]
    if unknown:
        raise CannotDo(f"{name} knows no option {unknown[0]}; it knows: {', '.join(found.options) or 'none'}.")
    try:
        return found.do(lab, given)
    except services.ServiceRefusal as refusal:
        raise CannotDo(refusal.text) from refusal
    except (provisioning.NotSwitchable, KeyError) as error:
        raise CannotDo(f"There is nothing of that kind here: {error}") from error


@act("start-service", text("Start a Windows service."), "host", "service")
def _start_service(lab: Lab, options: dict[str, str]) -> Text:
    host, name = options.get("host", "composer1"), options.get("service", "svid")
    started = services.service_start(lab.world, "operator", host, name).display
    return text("{service} on {host} is started.", service=started, host=host)


@act("stop-service", text("Stop a Windows service."), "host", "service")
def _stop_service(lab: Lab, options: dict[str, str]) -> Text:
    host, name = options.get("host", "composer1"), options.get("service", "svid")
    stopped = services.service_stop(lab.world, "operator", host, name).display
    return text("{service} on {host} is stopped.", service=stopped, host=host)


@act("finish-work", text("End all work that is going on: recomposes, clones, View's own backup."), "kind")
def _finish_work(lab: Lab, options: dict[str, str]) -> Text:
    ended = []
    with lab.world.lock:
        for work in lab.world.all(Work):
            if work.kind in FINISHED and options.get("kind", work.kind) == work.kind:
                finish = builtin.finish if work.kind == builtin.KIND else operations.finish
                finish(lab.world, "operator", work)
                ended.append(f"{work.kind} of {work.subject}")
    return text("Ended: {work}.", work=listed(ended)) if ended else text("Nothing was going on.")


@act("provisioning", text("Switch a pool's provisioning (pool=, to=on or off)."), "pool", "to")
def _provisioning(lab: Lab, options: dict[str, str]) -> Text:
    pool, to = options.get("pool", "sales-lc"), options.get("to", "on")
    if to not in ("on", "off"):
        raise CannotDo("Say to=on or to=off.")
    provisioning.set_provisioning(lab.world, "operator", GROUP, pool, to == "on")
    return (
        text("Provisioning of {pool} is on.", pool=pool)
        if to == "on"
        else text("Provisioning of {pool} is off.", pool=pool)
    )


@act("delete-pool", text("Delete a pool with all its desktops."), "pool")
def _delete_pool(lab: Lab, options: dict[str, str]) -> Text:
    pool, world = options.get("pool", "eng-full"), lab.world
    with world.lock:
        facts = directory.facts(_pool(lab, pool))
        if facts.provisioning is not None:
            provisioning.set_provisioning(world, "operator", GROUP, facts.id, False)
        desktops = directory.desktops(world, GROUP, facts.id)
        operations.start_delete(world, "operator", facts.id, len(desktops), operations.Pace(seconds=0.0))
        application = world.get(LdsEntry, GROUP, f"cn={facts.id},{directory.APPLICATIONS}".lower())
        gone = [_pool(lab, pool), *([application] if application else [])]
        world.change("operator", f"pool {facts.id} deleted", drop=gone)
    return text("The pool {pool} is deleted.", pool=pool)


@act("log-off", text("A user of a pool logs off; a floating pool then refreshes or deletes the desktop."), "pool")
def _log_off(lab: Lab, options: dict[str, str]) -> Text:
    sessions = lab.world.all(UserSession, pool=options.get("pool", "kiosk-lc"), local=False)
    if not sessions:
        raise CannotDo("Nobody is logged on there.")
    provisioning.log_off(lab.world, "operator", sessions[0].id)
    return text("{user} has logged off.", user=sessions[0].user)


@act("back-up-database", text("Back up a database as the DBA, with other means."), "server", "database", "checksums")
def _back_up_database(lab: Lab, options: dict[str, str]) -> Text:
    server, name = options.get("server", "sql1"), options.get("database", "ViewComposer")
    record = dba.back_up(lab.world, server, name, checksums=options.get("checksums", "yes") != "no")
    return text("{database} is backed up to {path}.", database=name, path=record.path)


@act("image-backup", text("Another product makes an image backup of all servers that View does not make."))
def _image_backup(lab: Lab, _options: dict[str, str]) -> Text:
    world = lab.world
    with world.lock:
        stamp = f"image {datetime.fromtimestamp(world.now(), UTC):%Y-%m-%d %H:%M}"
        desktops = {entry.first("pae-MOID") for entry in directory.desktops(world, GROUP)}
        servers = [vm for vm in world.all(Vm) if vm.moid not in desktops and not vm.protected]
        marked = [msgspec.structs.replace(vm, custom={**vm.custom, "备份": stamp}) for vm in servers]
        world.change("operator", "image backup", *marked)
    return text("{count} virtual machines are backed up as images and marked so in vCenter.", count=len(marked))


@act("built-in-backup", text("View's own backup, now (Backup Now)."), "host")
def _built_in_backup(lab: Lab, options: dict[str, str]) -> Text:
    host = options.get("host", "broker1")
    broker = lab.world.require(Broker, host)
    password = lab.passwords.of(broker.recovery_password) if broker.recovery_password else ""
    work = builtin.start(lab.world, "operator", host, password=password)
    return text("View's own backup on {host} began: {name}.", host=host, name=work.details["stem"])


def _pool(lab: Lab, pool: str) -> LdsEntry:
    entry = directory.pool(lab.world, GROUP, pool)
    if entry is None:
        raise CannotDo(f"There is no pool {pool}.")
    return entry
