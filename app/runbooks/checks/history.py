"""What was before: the last set, and what other workstations are about."""

from __future__ import annotations

import datetime
from functools import partial

from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.runbooks import notice, progress
from app.runbooks.checks.check import Surroundings, each_system
from app.texts import listed, text

DAILY = 24 * 3600.0  # seconds: the paper's frequency for AD LDS and Composer's database (table 6)
CLOCKS = 300.0  # seconds by which the clocks of two workstations of a domain may differ


def others(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Read the notice on every broker."""
    needed = text("No other run may be going on, and none may have left something off.")
    seen = []
    for broker in c.profile.brokers:
        system = f"winrm:{broker.host.name}"
        try:
            found = notice.read(c, broker)
        except UserError as error:
            seen.append(could_not_look("notice", error, system, needed))
            continue
        seen.append(_told(found, system))
    return tuple(seen)


def more_off(c: Connections, around: Surroundings) -> tuple[Observation, ...]:
    """Compare which pools are off with the last set: more of them may be someone else's freeze."""
    return each_system("more-off", [(f"winrm:{c.profile.brokers[0].host.name}", partial(_more_off, c, around))])


def _more_off(c: Connections, around: Surroundings) -> Observation:
    key, system = "more-off", f"winrm:{c.profile.brokers[0].host.name}"
    needed = text("No more pools should be off than at the last backup.")
    off = {pool.pool_id: pool.name for pool in c.broker().pools() if pool.can_switch and pool.provisioning is False}
    last = around.newest_set()
    if last is None:
        found = text("There is no earlier set to compare with; off now: {names}.", names=listed(off.values()))
        return Observation(key, State.UNKNOWN if off else State.PASSED, found, needed, LOOK, system)
    then = {pool.pool_id: pool.provisioning for pool in last.pools}
    more = [name for pool_id, name in off.items() if then.get(pool_id)]
    new = [name for pool_id, name in off.items() if pool_id not in then]
    if more:
        found = text("Off now, and on at the last backup: {names}.", names=progress.some(more))
        return Observation(key, State.WARNING, found, needed, LOOK, system)
    if new:
        found = text("Off, and not yet there at the last backup: {names}.", names=progress.some(new))
        return Observation(key, State.WARNING, found, needed, LOOK, system)
    return Observation(key, State.PASSED, text("No more than then."), needed, system=system)


def age(_c: Connections, around: Surroundings) -> Observation:
    """Say how old the last whole set is."""
    key = "age"
    needed = text("The paper recommends a daily backup of AD LDS and the Composer database. (paper: table 6)")
    last = around.newest_set()
    if last is None:
        return Observation(key, State.WARNING, text("There is no backup set yet."), needed, text("Make one."))
    old = around.now() - datetime.datetime.fromisoformat(last.completed).timestamp()
    if old < -CLOCKS:
        found = text("The last set is dated in the future: {when}.", when=last.completed)
        return Observation(key, State.UNKNOWN, found, needed, text("Look at this workstation's clock."))
    found = text("The last set is {hours} hours old.", hours=round(max(old, 0.0) / 3600, 1))
    return Observation(key, State.PASSED if old <= DAILY else State.WARNING, found, needed, text("Back up today."))


LOOK = text("See in View Administrator who switched them off, and why.")


def _told(found: notice.Found | None, system: str) -> Observation:
    needed = text("No other run may be going on, and none may have left something off.")
    if found is None:
        return Observation("notice", State.PASSED, text("There is no notice."), needed, system=system)
    run = found.note.run
    who = text(
        "{user} on {workstation}, run {run}.", user=found.note.user, workstation=found.note.workstation, run=run.id
    )
    if not found.lost:
        wait = text("Wait until it has ended. If it was broken off, resume or undo it.")
        return Observation("notice", State.BLOCKED, who, needed, wait, system)
    if found.note.held:
        remedy = text("Close it first: resume {run}, or undo {run}.", run=run.id)
        return Observation("notice", State.BLOCKED, who, needed, remedy, system)
    remedy = text("It has left nothing off; the next run replaces the notice.")
    return Observation("notice", State.WARNING, who, needed, remedy, system)
