"""Is a create, recompose or delete going on? Looked at from three sides: View, vCenter and Composer.

The paper's first step of backup and restore ("confirm that no create, recompose or delete is in progress").
"""

from __future__ import annotations

from collections.abc import Sequence

from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.profile import Composer, VCenter
from app.texts import Text, listed, text
from app.view.pools import KNOWN_STATES, MAINTENANCE
from app.view.tasks import Operation

NEEDED = text("No create, recompose or delete operation may be in progress.")
WAIT = text("Wait until it has ended, or end it in View Administrator; then look again.")
SHOWN = 5


def look(c: Connections) -> tuple[Observation, ...]:
    """Return an observation from each side of each system of the profile."""
    return (
        view_side(c),
        *(vcenter_side(c, vcenter) for vcenter in c.profile.vcenters),
        *(composer_side(c, composer) for composer in c.profile.composers),
    )


def view_side(c: Connections) -> Observation:
    """Look at the states of View's desktops (pae-VmState; domain knowledge, section 2)."""
    key, system = "progress/view", f"winrm:{c.profile.brokers[0].host.name}"
    try:
        pools = {pool.pool_id: pool for pool in c.broker().pools()}
        desktops = c.broker().desktops()
    except UserError as error:
        return could_not_look(key, error, system, NEEDED)
    busy = [desktop for desktop in desktops if desktop.busy(pools.get(desktop.pool_id))]
    if busy:
        names = [f"{desktop.name} ({desktop.state})" for desktop in busy]
        found = text("{count} desktops are at work: {names}.", count=len(busy), names=some(names))
        return Observation(key, State.BLOCKED, found, NEEDED, WAIT, system)
    maintained = [desktop.name for desktop in desktops if desktop.state == MAINTENANCE]
    if maintained:
        return Observation(key, *_of_maintained(c, maintained), NEEDED, WAIT, system)
    if strange := [
        f"{desktop.name} ({desktop.state or '-'})" for desktop in desktops if desktop.state not in KNOWN_STATES
    ]:
        found = text(
            "{count} desktops are in states that are not known here, and may be at work: {names}.", count=len(strange),
            names=some(strange),
        )  # fmt: skip
        return Observation(key, State.WARNING, found, NEEDED, WAIT, system)
    return Observation(
        key, State.PASSED, text("{count} desktops, none of them at work.", count=len(desktops)), NEEDED, system=system
    )


def _of_maintained(c: Connections, names: list[str]) -> tuple[State, Text]:
    """Weigh desktops in maintenance: harmless where every Composer says that it has no request. Where one does not
    tell, a recompose may be between two of its tasks, and vCenter shows nothing of it."""
    count, shown = len(names), some(names)
    if any(composer_side(c, composer).state is State.UNKNOWN for composer in c.profile.composers):
        return State.BLOCKED, text(
            "{count} desktops are in maintenance, and Composer does not tell if a recompose is under way: {names}.",
            count=count, names=shown,
        )  # fmt: skip
    return State.WARNING, text(
        "{count} desktops are in maintenance, which a refresh, recompose or rebalance shows too: {names}.",
        count=count, names=shown,
    )  # fmt: skip


def vcenter_side(c: Connections, vcenter: VCenter) -> Observation:
    """Look at vCenter's queued and running tasks, by their descriptionId (domain knowledge, section 6)."""
    key, system = f"progress/vcenter/{vcenter.name}", f"vcenter:{vcenter.name}"
    try:
        tasks = c.vcenter(vcenter).running_tasks()
    except UserError as error:
        return could_not_look(key, error, system, NEEDED)
    working = [task for task in tasks.tasks if task.operation is not Operation.OTHER]
    if working:
        names = [f"{task.entity_name}: {task.description}" for task in working]
        found = text("{count} tasks are at work: {names}.", count=len(working), names=some(names))
        return Observation(key, State.BLOCKED, found, NEEDED, WAIT, system)
    others = [f"{task.entity_name}: {task.description}" for task in tasks.tasks]
    if others:
        found = text(
            "{count} tasks run of kinds that View does not use: {names}.", count=len(others), names=some(others)
        )
        return Observation(key, State.WARNING, found, NEEDED, WAIT, system)
    how: Text = text("No task is queued or running.")
    if tasks.how != "collector":
        how = text("No task is queued or running among those of the last ten minutes; this vCenter shows no more.")
    return Observation(key, State.PASSED, how, NEEDED, system=system)


def composer_side(c: Connections, composer: Composer) -> Observation:
    """Look at Composer's own requests, where its schema is the known one (domain knowledge, section 5)."""
    key, system = f"progress/composer/{composer.host.name}", f"sql:{composer.database.server.name}"
    try:
        requests = c.database_server(composer.database.server).composer_requests(composer.database.name)
    except UserError as error:
        return could_not_look(key, error, system, NEEDED)
    if not requests.known:
        found = text("Composer's own requests cannot be read: {why}", why=requests.why_unknown)
        remedy = text("Look in View Administrator whether a recompose, refresh or rebalance is under way.")
        return Observation(key, State.UNKNOWN, found, NEEDED, remedy, system)
    if requests.running:
        names = [f"{request.operation} {request.vm or request.pool}" for request in requests.running]
        found = text("{count} requests are at work: {names}.", count=len(names), names=some(names))
        return Observation(key, State.BLOCKED, found, NEEDED, WAIT, system)
    return Observation(key, State.PASSED, text("Composer has no request at work."), NEEDED, system=system)


def must_be_known(seen: Observation) -> bool:
    """Say whether it is unknown and must not be. Composer's own schema is inferred: View and vCenter tell as well."""
    return seen.state is State.UNKNOWN and not seen.key.startswith("progress/composer")


def some(names: Sequence[str | Text]) -> Text:
    """Return the first names of a list, and how many more there are."""
    shown = listed(names[:SHOWN])
    return shown if len(names) <= SHOWN else text("{names} and {count} more", names=shown, count=len(names) - SHOWN)
