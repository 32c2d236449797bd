"""Provisioning of pools: the switch, and View filling up a pool that has too few desktops."""

from __future__ import annotations

from app.lab import directory, operations
from app.lab.rows import LdsEntry, Setting, UserSession, Work
from app.lab.world import World

LATE_CLONE = "late-clone"
"""Setting: "SECONDS" that a clone lasts which begins just before provisioning is next switched off; "" for none."""


class NotSwitchable(Exception):
    """The pool makes no desktops by itself (manual, terminal services): there is nothing to switch."""


def set_provisioning(world: World, by: str, group: str, pool_id: str, on: bool) -> None:
    """Switch a pool's provisioning. What is being made when it goes off is made to its end; customizing after a
    recompose stops. Raises KeyError for a pool that is not there, NotSwitchable for one without the switch."""
    with world.lock:
        entry = directory.pool(world, group, pool_id)
        if entry is None:
            raise KeyError(pool_id)
        if directory.facts(entry).provisioning is None:
            raise NotSwitchable(pool_id)
        if not on:
            _late_clone(world, group, pool_id)
            entry = world.require(LdsEntry, group, entry.key_dn)
        switched = directory.with_values(entry, pae_VmProvEnabled="1" if on else "0")
        if on:
            switched = directory.with_values(switched, pae_VmProvError="")
        if switched != entry:
            world.change(by, f"provisioning of {pool_id} {'on' if on else 'off'}", switched)
        if not on:
            operations.stop_customizing(world, group, pool_id)


def refill(world: World, group: str) -> bool:
    """Let every pool that is on and has fewer desktops than its minimum make those missing. Says whether any did."""
    if not operations.brokers_run(world, group):
        return False
    began = False
    for facts in directory.pools(world, group):
        if not facts.provisioning or not facts.enabled:
            continue
        missing = min(facts.minimum, facts.maximum) - world.count(LdsEntry, "member_of", facts.dn.lower())
        if missing > 0:
            operations.start_clone(world, "work", facts.id, missing, group=group)
            left = min(facts.minimum, facts.maximum) - world.count(LdsEntry, "member_of", facts.dn.lower())
            began = began or left < missing
    return began


def log_off(world: World, by: str, session_id: str) -> Work | None:
    """End a user's session; a floating pool then refreshes or deletes the desktop, whatever provisioning says."""
    with world.lock:
        session = world.require(UserSession, session_id)
        world.change(by, f"{session.user} logged off", drop=[session])
        entry = world.get(LdsEntry, session.group, directory.desktop_dn(session.desktop).lower())
        pool = directory.pool(world, session.group, session.pool)
        if session.local or entry is None or pool is None:
            return None
        facts = directory.facts(pool)
        if facts.delete == "DeleteOnUse":
            return operations.refresh_desktop(world, "work", operations.DELETE, entry)
        if facts.linked and (facts.delete == "RefreshOnUse" or facts.refresh == "Always"):
            return operations.refresh_desktop(world, "work", operations.REFRESH, entry)
        return None


def _late_clone(world: World, group: str, pool: str) -> None:
    seconds = world.setting(LATE_CLONE)
    if seconds:
        world.change("scene", "the late clone begins", Setting(name=LATE_CLONE, value=""))
        operations.start_clone(world, "work", pool, 1, operations.Pace(seconds=float(seconds)), group)
