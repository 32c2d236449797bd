"""Work that is going on, that is about to begin, or that "off" does not stop."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import partial

from app.connectors.connections import Connections
from app.observation import Observation, State
from app.profile import Composer, VCenter
from app.runbooks import progress
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.texts import text
from app.view.pools import Pool

WINDOW = 2 * 3600.0  # seconds from now in which a backup may still be at it
DRAINING = ("always", "after", "logoff", "delete", "refresh")
BUILT_IN = r"C:\ProgramData\VMware\VDM\backups"  # Windows 2003 has it elsewhere (domain knowledge, section 2)
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


def draining(c: Connections, _around: Surroundings) -> Observation:
    """Name the floating pools that refresh or delete desktops at logoff: this goes on, or breaks, in the freeze."""
    pools = [pool for pool in c.broker().pools() if not pool.persistent and pool.can_switch and _drains(pool)]
    needed = text("No desktop should be refreshed or deleted at logoff while the stores are captured.")
    if not pools:
        return Observation("draining", State.PASSED, text("No pool does this."), needed)
    names = progress.some([pool.name for pool in pools])
    return Observation(
        "draining",
        State.WARNING,
        text("These pools refresh or delete desktops at logoff: {names}.", names=names),
        needed,
        text("Choose an hour when few users log off; desktops that fall into error are listed after the freeze."),
    )


def built_in_backup(c: Connections, _around: Surroundings) -> Observation:
    """Look whether View's own nightly backup is being written at this moment."""
    host = c.host(c.profile.brokers[0].host)
    needed = text("View's own backup must not be running.")
    exporting = [p.name for p in host.processes() if p.name.lower() in ("vdmexport.exe", "vdmexport")]
    if exporting:
        found = text("vdmexport is running on {host}.", host=host.name)
        return Observation("built-in", State.BLOCKED, found, needed, text("Wait until it has ended."), host.system)
    now = host.clock()
    fresh = [f.path for f in host.files(BUILT_IN) if not f.folder and (now - f.modified).total_seconds() < FRESH]
    if fresh:
        found = text("This file has just changed: {path}.", path=fresh[0])
        return Observation("built-in", State.BLOCKED, found, needed, text("Wait a few minutes."), host.system)
    return Observation("built-in", State.PASSED, text("It is not running."), needed, system=host.system)


def _drains(pool: Pool) -> bool:
    policies = f"{pool.refresh_policy} {pool.delete_policy}".lower()
    return any(word in policies for word in DRAINING)


def _vcenter_schedule(c: Connections, vcenter: VCenter, around: Surroundings) -> Observation:
    until = around.now() + WINDOW
    soon = [t for t in c.vcenter(vcenter).scheduled_tasks() if t.next_run and t.next_run.timestamp() <= until]
    return _schedule(f"vcenter:{vcenter.name}", [f"{task.name} ({_hour(task.next_run)})" for task in soon])


def _composer_schedule(c: Connections, composer: Composer, around: Surroundings) -> Observation:
    server = c.database_server(composer.database.server)
    requests = server.composer_requests(composer.database.name)
    system = f"sql:{composer.database.server.name}"
    if not requests.known:
        found = text("Composer's schedule cannot be read: {why}", why=requests.why_unknown)
        return Observation("scheduled", State.UNKNOWN, found, system=system)
    until = around.now() + WINDOW
    soon = [request for request in requests.waiting_scheduled if not _surely_after(request.starts, until)]
    return _schedule(system, [f"{request.operation} {request.pool} {request.starts}".strip() for request in soon])


def _surely_after(starts: str, until: float) -> bool:
    """Say whether a time in Composer's database lies beyond the window. In which zone it is written is not documented,
    so a day is allowed for; what cannot be read as a time may begin at once."""
    try:
        moment = datetime.datetime.fromisoformat(starts)
    except ValueError:
        return False
    return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp() - 86400 > until


def _schedule(system: str, soon: list[str]) -> Observation:
    needed = text("Nothing should begin within the next {hours} hours.", hours=round(WINDOW / 3600))
    if not soon:
        return Observation("scheduled", State.PASSED, text("Nothing is scheduled."), needed, system=system)
    return Observation(
        "scheduled",
        State.BLOCKED,
        text("Scheduled: {names}.", names=progress.some(soon)),
        needed,
        text("Postpone it in View Administrator or vCenter, or back up afterwards."),
        system,
    )


def _hour(moment: datetime.datetime | None) -> str:
    return f"{moment.astimezone():%H:%M}" if moment else "?"
