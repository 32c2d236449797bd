"""The freeze: provisioning off on every pool that can and is on, and on again exactly there (the paper's 3 and 9)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Closing, Json, Probe, StepBase
from app.errors import CouldNotLook, UserError
from app.observation import Observation, State
from app.runbooks import progress
from app.runbooks.steps import Look, connections, each
from app.texts import Text, listed, text
from app.view.pools import READY, Desktop, Pool
from app.wire import Command

CLOSER = "provisioning-on"
LOOKS = 3.0  # seconds between two looks while work in flight drains; Get-DesktopVM is not cheap on a real broker


@dataclass(frozen=True)
class ProvisioningOff(StepBase):
    """Switch provisioning off on every pool that has the switch and is on; remember which, for all that comes after."""

    broker: str
    key: str = "backup/freeze"
    title: Text = text("Switch provisioning off on every pool")

    def observe(self, ctx: Context) -> Json:
        pools = connections(ctx).broker().pools()
        return {"pools": [remembered(pool) for pool in pools]}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        broker = connections(ctx).broker()
        return tuple(broker.provisioning_command(pool, on=False) for pool in were_on(before))

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        broker = connections(ctx).broker()
        return tuple(broker.provisioning_command(pool, on=True) for pool in were_on(before))

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.DONE if not _still(ctx, before, on=True) else Probe.NOT_DONE

    def act(self, ctx: Context, before: Json) -> None:
        broker, pools = connections(ctx).broker(), were_on(before)
        for done, pool in enumerate(pools, start=1):
            ctx.check_stop()
            ctx.say(text("Switching provisioning off: {pool}", pool=pool.name))
            broker.set_provisioning(pool, on=False)
            ctx.progress(done / len(pools))

    def verify(self, ctx: Context, before: Json) -> Json:
        if still := _still(ctx, before, on=True):
            raise UserError(
                text("Provisioning is still on: {pools}.", pools=progress.some([pool.name for pool in still])),
                text("The broker took the command, but says when asked that it is on."),
                text("Look at the pool's status in View Administrator, then try again."),
            )
        return {**before, "off": [pool.pool_id for pool in were_on(before)]}

    def what_is_off(self, before: Json) -> Text:
        return text("Provisioning of: {pools}", pools=listed(pool.name for pool in were_on(before)))

    def by_hand(self, before: Json) -> tuple[str, ...]:
        return tuple(
            f"View Administrator > Pools > {pool.name} > Status > Enable Provisioning..." for pool in were_on(before)
        )


@dataclass(frozen=True)
class WaitUntilDrained(Look):
    """Look again, and wait until the work that was in flight has ended: "off" does not stop what has begun."""

    minutes: float
    key: str = "backup/freeze/drained"
    title: Text = text("Wait until work in progress has ended")

    def act(self, ctx: Context, before: Json) -> None:
        deadline = ctx.now() + self.minutes * 60
        while busy := _busy(ctx):
            if ctx.now() > deadline:
                raise _not_drained(busy, self.minutes)
            ctx.say(text("Waiting: {what}", what=busy[0].found))
            ctx.wait(LOOKS)

    def verify(self, ctx: Context, before: Json) -> Json:
        looked = progress.look(connections(ctx))
        if busy := [seen for seen in looked if seen.state is State.BLOCKED]:
            raise _not_drained(busy, 0)
        for seen in looked:
            if progress.must_be_known(seen):
                raise CouldNotLook(
                    text("Whether work is still in progress could not be looked at."), seen.found, seen.remedy
                )
        desktops = connections(ctx).broker().desktops()
        return {"seen": {seen.key: seen.state.value for seen in looked}, "desktops": _stand(desktops)}


@dataclass(frozen=True)
class CompareDesktopStates(Look):
    """Look once more before the thaw: pools still off, nothing at work, and which desktops have changed meanwhile.

    Those that fell into error are mended by a manual refresh or recompose."""

    key: str = "backup/freeze/compare"
    title: Text = text("Compare desktop states with those before")

    def observe(self, ctx: Context) -> Json:
        return {
            "faulty_before": ctx.evidence("backup/confirm").get("faulty", []),
            "pools": ctx.evidence("backup/freeze")["pools"],
            "desktops": ctx.evidence("backup/freeze/drained")["desktops"],
        }

    def verify(self, ctx: Context, before: Json) -> Json:
        _stayed_off(ctx)
        _nothing_at_work(ctx)
        desktops = connections(ctx).broker().desktops()
        faulty = sorted(desktop.name for desktop in desktops if desktop.faulty)
        fell = sorted(set(faulty) - set(before["faulty_before"]))
        if fell:
            ctx.warn(text("These desktops fell into error during the freeze: {names}.", names=progress.some(fell)))
        changed = _changed(before["desktops"], _stand(desktops), set(fell))
        if changed:
            ctx.warn(text("Desktops changed during the freeze: {names}.", names=progress.some(changed)))
        return {"fell_into_error": fell, "faulty": faulty, "desktops": len(desktops), "changed_in_freeze": changed}


def _stayed_off(ctx: Context) -> None:
    """Raise where a pool is on. Whether it was on before, is new, or was off all the time: somebody switched it on."""
    if on := [pool.name for pool in connections(ctx).broker().pools() if pool.can_switch and pool.provisioning]:
        raise UserError(
            text("Provisioning was switched on during the freeze: {pools}.", pools=progress.some(on)),
            text("The stores may have drifted apart while they were captured."),
            text("See who switched it on, then resume: everything is captured anew."),
        )


def _nothing_at_work(ctx: Context) -> None:
    for seen in progress.look(connections(ctx)):
        if seen.state is State.BLOCKED:
            raise UserError(
                text("Work began during the freeze: the stores may have drifted apart."),
                seen.found,
                text("Wait until it has ended, then resume: everything is captured anew."),
            )
        if progress.must_be_known(seen):
            raise CouldNotLook(text("Whether work began during the freeze could not be looked at."), seen.found,
                               seen.remedy)  # fmt: skip
        if seen.state is not State.PASSED:
            ctx.warn(seen.found)


def _stand(desktops: Sequence[Desktop]) -> Json:
    """Return how desktops stand, in few words: most are READY, and there may be thousands."""
    ids = "\n".join(sorted(desktop.machine_id for desktop in desktops))
    return {
        "count": len(desktops),
        "ids": hashlib.sha256(ids.encode()).hexdigest(),
        "not_ready": {desktop.name: desktop.state for desktop in desktops if desktop.state != READY},
    }


def _changed(then: Json, now: Json, but: set[str]) -> list[str]:
    """Return what differs between two standings, but for the desktops that are told elsewhere."""
    before, after = then["not_ready"], now["not_ready"]
    names = sorted(name for name in (before.keys() | after.keys()) - but if before.get(name) != after.get(name))
    changed = [f"{name} ({before.get(name, READY)} → {after.get(name, READY)})" for name in names]
    if then["ids"] != now["ids"]:  # which came or went is not remembered, only that
        changed.append(f"{then['count']} → {now['count']}")
    return changed


def switch_on(ctx: Context, before: Json) -> Closing:
    """Close the freeze: on again where it was on. Pools that are gone since are none of ours any more; one that cannot
    be switched keeps no other from it. Raises UserError where one is not on then: the engine tries again."""
    broker = connections(ctx).broker()

    def switch(pool: Pool) -> None:
        ctx.say(text("Switching provisioning on: {pool}", pool=pool.name))
        broker.set_provisioning(pool, on=True)

    each(_still(ctx, before, on=False), switch)
    if left := _still(ctx, before, on=False):
        raise UserError(
            text("Provisioning is still off: {pools}.", pools=progress.some([pool.name for pool in left])),
            text("The broker took the command, but says when asked that it is off."),
            text("Switch it on in View Administrator."),
        )
    return Closing.CLOSED


def faulty_desktops(c: Connections) -> list[str]:
    """Return the names of the desktops that are in error."""
    return sorted(desktop.name for desktop in c.broker().desktops() if desktop.faulty)


def remembered(pool: Pool) -> dict[str, Any]:
    """Return what of a pool must outlast this process to switch it on again, in words of JSON."""
    return {
        "pool_id": pool.pool_id, "name": pool.name, "pool_type": pool.pool_type, "kind": pool.kind.value,
        "provisioning": pool.provisioning,
    }  # fmt: skip


def were_on(before: Json) -> tuple[Pool, ...]:
    """Return the pools that were on and can be switched, from what observe remembered."""
    pools = (
        Pool(p["pool_id"], p["name"], p["pool_type"], p["provisioning"], enabled=True, persistent=True)
        for p in before["pools"]
    )
    return tuple(pool for pool in pools if pool.can_switch and pool.provisioning)


def _still(ctx: Context, before: Json, *, on: bool) -> list[Pool]:
    """Ask the broker anew which of the pools that were on are on (or off) now."""
    now = {pool.pool_id: pool for pool in connections(ctx).broker().pools()}
    return [
        now[pool.pool_id] for pool in were_on(before) if pool.pool_id in now and now[pool.pool_id].provisioning is on
    ]


def _busy(ctx: Context) -> list[Observation]:
    return [seen for seen in progress.look(connections(ctx)) if seen.state is State.BLOCKED]


def _not_drained(busy: list[Observation], minutes: float) -> UserError:
    return UserError(
        text("Work is still in progress after {minutes} minutes.", minutes=round(minutes)),
        busy[0].found,
        text("Wait until it has ended, then resume; or allow more time in the profile."),
    )
