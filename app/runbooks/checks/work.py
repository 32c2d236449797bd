"""Work that is going on, that is about to begin, or that "off" does not stop."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from app.connectors.connections import Connections
from app.errors import CouldNotLook
from app.observation import Observation, State
from app.profile import Broker, Composer, VCenter
from app.runbooks import progress
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.texts import Text, listed, text
from app.view.pools import Pool

if TYPE_CHECKING:
    from app.connectors.winrm import FileFacts

WINDOW = 2 * 3600.0  # seconds from now in which a backup may still be at it
AT_REST = frozenset({"", "never", "default", "conditional"})  # refresh and delete policies that do nothing at logoff
DRAINING = re.compile("always|onuse|afteruse|logoff", re.IGNORECASE)  # remembered words of View PowerCLI
BUILT_IN = (  # Windows 2003 has it in the second place (domain knowledge, section 2)
    r"C:\ProgramData\VMware\VDM\backups",
    r"C:\Documents and Settings\All Users\Application Data\VMware\VDM\backups",
)
MAKES_OR_CHANGES_VMS = ("vm-", "group-")  # a scheduled task works on a VM, or makes one in a folder
POSTPONE = text("Postpone it in View Administrator or vCenter, or back up afterwards.")
FRESH = 180.0  # seconds since a file of the built-in backup last changed


def in_view(c: Connections, _around: Surroundings) -> Observation:
    """Look at the states of View's desktops."""
    return progress.view_side(c)


def in_vcenter(c: Connections, _around: Surroundings) -> Iterator[Observation]:
    """Look at the tasks of each vCenter."""
    yield from (progress.vcenter_side(c, vcenter) for vcenter in c.profile.vcenters)


def in_composer(c: Connections, _around: Surroundings) -> Iterator[Observation]:
    """Look at the requests of each Composer."""
    yield from (progress.composer_side(c, composer) for composer in c.profile.composers)


def scheduled(c: Connections, around: Surroundings) -> tuple[Observation, ...]:
    """Look for operations that are scheduled to begin within the window: provisioning off does not stop them."""
    asked: list[Asked] = [
        (f"vcenter:{vcenter.name}", partial(_vcenter_schedule, c, vcenter, around)) for vcenter in c.profile.vcenters
    ]
    asked += [
        (f"sql:{composer.database.server.name}", partial(_composer_schedule, c, composer, around))
        for composer in c.profile.composers
    ]
    return each_system("scheduled", asked)


def draining(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Name the floating pools that refresh or delete desktops at logoff: this goes on, or breaks, in the freeze."""
    return each_system("draining", [(f"winrm:{c.profile.brokers[0].host.name}", partial(_draining, c))])


def _draining(c: Connections) -> Observation:
    key, system = "draining", f"winrm:{c.profile.brokers[0].host.name}"
    needed = text("No desktop should be refreshed or deleted at logoff while the stores are captured.")
    floating = [pool for pool in c.broker().pools() if not pool.persistent and pool.can_switch]
    remedy = text("Choose an hour when few users log off; desktops that fall into error are listed after the freeze.")
    at_logoff = [pool.name for pool in floating if any(DRAINING.search(word) for word in _policies(pool))]
    if at_logoff:
        found = text("These pools refresh or delete desktops at logoff: {names}.", names=progress.some(at_logoff))
        return Observation(key, State.WARNING, found, needed, remedy, system)
    strange = [
        text("{pool} ({policies})", pool=pool.name, policies=listed(sorted(_policies(pool) - AT_REST)))
        for pool in floating
        if _policies(pool) - AT_REST
    ]
    if strange:
        found = text("What these pools do at logoff is not known: {names}.", names=progress.some(strange))
        return Observation(key, State.UNKNOWN, found, needed, text("Look at the pools in View Administrator."), system)
    return Observation(key, State.PASSED, text("No pool does this."), needed, system=system)


def built_in_backup(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether View's own nightly backup is being written at this moment."""
    return each_system("built-in", [(f"winrm:{c.profile.brokers[0].host.name}", partial(_built_in, c))])


def _built_in(c: Connections) -> Observation:
    broker = c.profile.brokers[0]
    host = c.host(broker.host)
    needed = text("View's own backup must not be running.")
    exporting = [p.name for p in host.processes() if p.name.lower() in ("vdmexport.exe", "vdmexport")]
    if exporting:
        found = text("vdmexport is running on {host}.", host=host.name)
        return Observation("built-in", State.BLOCKED, found, needed, text("Wait until it has ended."), host.system)
    now = host.clock()
    fresh = [f.path for f in built_in_files(c, broker) if (now - f.modified).total_seconds() < FRESH]
    if fresh:
        found = text("This file has just changed: {path}.", path=fresh[0])
        return Observation("built-in", State.BLOCKED, found, needed, text("Wait a few minutes."), host.system)
    return Observation("built-in", State.PASSED, text("It is not running."), needed, system=host.system)


def built_in_files(c: Connections, broker: Broker) -> tuple[FileFacts, ...]:
    """Return the files of View's own backup on a broker. Raises CouldNotLook where its folder is not found."""
    host = c.host(broker.host)
    for folder in BUILT_IN:
        if host.folder_there(folder):
            return tuple(file for file in host.files(folder) if not file.folder)
    raise CouldNotLook(
        text("The folder of View's own backup is not found on {host}.", host=broker.host.name),
        text("Expected was one of: {folders}.", folders=listed(BUILT_IN)),
        text("See in View Administrator whether and where it backs up."),
    )


def _policies(pool: Pool) -> set[str]:
    return {word.casefold() for word in (pool.refresh_policy, pool.delete_policy)}


def _vcenter_schedule(c: Connections, vcenter: VCenter, around: Surroundings) -> Observation:
    until = around.now() + WINDOW
    tasks = [task for task in c.vcenter(vcenter).scheduled_tasks() if task.enabled and task.next_run]
    soon = [task for task in tasks if task.next_run and task.next_run.timestamp() <= until]
    system, name = f"vcenter:{vcenter.name}", "{0.name} ({1})".format
    on_vms = [name(task, _hour(task.next_run)) for task in soon if task.entity.startswith(MAKES_OR_CHANGES_VMS)]
    if soon and not on_vms:
        found = text("Scheduled, but on no VM: {names}.", names=progress.some([task.name for task in soon]))
        return Observation("scheduled", State.WARNING, found, _nothing_soon(), POSTPONE, system)
    return _schedule(system, on_vms)


def _composer_schedule(c: Connections, composer: Composer, around: Surroundings) -> Observation:
    server = c.database_server(composer.database.server)
    requests = server.composer_requests(composer.database.name)
    system = f"sql:{composer.database.server.name}"
    if not requests.known:
        found = text("Composer's schedule cannot be read: {why}", why=requests.why_unknown)
        remedy = text("Look in View Administrator whether a recompose, refresh or rebalance is scheduled.")
        return Observation("scheduled", State.UNKNOWN, found, _nothing_soon(), remedy, system)
    until = around.now() + WINDOW
    soon = [request for request in requests.waiting_scheduled if not _surely_after(request.starts, until)]
    names = Counter(
        f"{request.operation} {request.pool} {request.starts.partition('.')[0]}".strip() for request in soon
    )
    return _schedule(system, [f"{name} × {count}" if count > 1 else name for name, count in names.items()])


def _surely_after(starts: str, until: float) -> bool:
    """Say whether a time in Composer's database lies beyond the window. In which zone it is written is not documented,
    so a day is allowed for; what cannot be read as a time may begin at once."""
    try:
        moment = datetime.datetime.fromisoformat(starts)
    except ValueError:
        return False
    return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp() - 86400 > until


def _nothing_soon() -> Text:
    return text("Nothing should begin within the next {hours} hours.", hours=round(WINDOW / 3600))


def _schedule(system: str, soon: list[str]) -> Observation:
    needed = _nothing_soon()
    if not soon:
        return Observation("scheduled", State.PASSED, text("Nothing is scheduled."), needed, system=system)
    return Observation(
        "scheduled",
        State.BLOCKED,
        text("Scheduled: {names}.", names=progress.some(soon)),
        needed,
        POSTPONE,
        system,
    )


def _hour(moment: datetime.datetime | None) -> str:
    return f"{moment.astimezone():%H:%M}" if moment else "?"
