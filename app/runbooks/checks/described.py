"""Is the environment described whole? What View uses and the profile does not name would be missing from every set."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from app.connectors.connections import Connections
from app.observation import Observation, State
from app.profile import Host
from app.runbooks import progress
from app.runbooks.checks.check import Surroundings, each_system
from app.texts import Text, text

KEY = "described"
STANDARD = "connection server"  # what View calls a broker that is no Security Server


def described(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Compare the vCenters, Composers and brokers that View uses with those of the profile."""
    return each_system(KEY, [(f"winrm:{c.profile.brokers[0].host.name}", partial(_described, c))])


def _described(c: Connections) -> Observation:
    needed = text("Every vCenter, Composer and broker that View uses must be in the profile.")
    system = f"winrm:{c.profile.brokers[0].host.name}"
    vcenters = c.broker().vcenters()
    brokers = [broker.broker_id for broker in c.broker().brokers() if broker.kind.casefold() == STANDARD]
    composers = [vcenter.server for vcenter in vcenters if vcenter.composer]
    missing: list[str | Text] = [
        *_beyond([vcenter.server for vcenter in vcenters], len(c.profile.vcenters), _vcenter_names(c)),
        *(text("Composer of {vcenter}", vcenter=one) for one in composers[len(c.profile.composers) :]),
        *_beyond(brokers, len(c.profile.brokers), _names(broker.host for broker in c.profile.brokers)),
    ]
    if missing:
        found = text("View uses these, and the profile does not name them: {names}.",
                     names=progress.some(missing))  # fmt: skip
        remedy = text("Add them to the profile; else no set holds them.")
        return Observation(KEY, State.WARNING, found, needed, remedy, system)
    found = text(
        "View uses {vcenters} vCenters, {composers} Composers and {brokers} brokers, and the profile names as many.",
        vcenters=len(vcenters), composers=len(composers), brokers=len(brokers),
    )  # fmt: skip
    return Observation(KEY, State.PASSED, found, needed, system=system)


def _beyond(used: list[str], count: int, names: set[str]) -> list[str]:
    """Return those that View uses beyond the `count` in the profile: by their names, where these tell them apart.

    A site may call a server otherwise than View does, so that a strange name alone says nothing."""
    if len(used) <= count:
        return []
    strange = [name for name in used if not {name.casefold(), name.casefold().partition(".")[0]} & names]
    return strange or used[count:]


def _vcenter_names(c: Connections) -> set[str]:
    names = {name for vcenter in c.profile.vcenters for name in (vcenter.name.casefold(), vcenter.address.casefold())}
    return names | _names(vcenter.host for vcenter in c.profile.vcenters if vcenter.host)


def _names(hosts: Iterable[Host]) -> set[str]:
    return {name.casefold() for host in hosts for name in (host.name, host.address)}
