"""View's AD LDS: where its entries lie, what their attributes mean, and the rules that every server goes by.

Attributes that are remembered rather than documented: pae-PoolPersistence, pae-VmNamePrefix, pae-VmFolder,
pae-VmResourcePool, pae-SVIVmRefreshPolicy, pae-VmDeletePolicy, `member` of a desktop, those of vCenters and brokers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from app.lab.rows import Account, LdsEntry, VCenter, WindowsHost
from app.lab.world import World
from app.view.pools import FULL_CLONE_TYPES, LINKED_CLONE_TYPES

ROOT = "DC=vdi,DC=vmware,DC=int"
SERVERS = f"OU=Servers,{ROOT}"
POOLS = f"OU=Server Groups,{ROOT}"
APPLICATIONS = f"OU=Applications,{ROOT}"
PROPERTIES = f"OU=Properties,{ROOT}"
VCENTERS = f"OU=VirtualCenter,{PROPERTIES}"
BROKERS = f"OU=Server,{PROPERTIES}"
EVENT_DATABASES = f"OU=Database,{PROPERTIES}"
COMMON = f"CN=Common,OU=Global,{PROPERTIES}"

DESKTOP, POOL, APPLICATION = "pae-VM", "pae-ServerPool", "pae-DesktopApplication"
PROVISIONING = "pae-VmProvEnabled"
STATE = "pae-VmState"
SECRETS = frozenset({"pae-vcpassword", "pae-svipassword", "pae-eventdatabasepassword"})
"""Attributes that a cleansed export leaves out, in lower case."""

AUTOMATIC_DEDICATED, AUTOMATIC_FLOATING, MANUAL_VC, MANUAL_UNMANAGED, TERMINAL = "3", "4", "5", "6", "8"
ADMINISTRATORS, READ_ONLY = "Administrators", "Administrators (Read only)"


@dataclass(frozen=True)
class PoolFacts:
    """A pool as View's own interfaces show it. `provisioning` is None where the pool has no such switch."""

    group: str
    id: str
    dn: str
    name: str
    type: str
    enabled: bool
    provisioning: bool | None
    minimum: int
    maximum: int
    headroom: int
    vcenter: str
    parent: str
    snapshot: str
    refresh: str
    delete: str
    snapshot_moid: str
    folder: str

    @property
    def linked(self) -> bool:
        return self.type in LINKED_CLONE_TYPES

    @property
    def full(self) -> bool:
        return self.type in FULL_CLONE_TYPES

    @property
    def persistent(self) -> bool:
        return "NonPersistent" not in self.type


def cn(dn: str) -> str:
    """Return the value of a DN's first part, unescaped."""
    value, escaped = "", False
    for character in dn.partition("=")[2]:
        if character == "," and not escaped:
            break
        escaped = character == "\\" and not escaped
        value += "" if escaped else character
    return value


def pool_dn(pool: str) -> str:
    """Return where the entry of a pool lies."""
    return f"CN={pool},{POOLS}"


def desktop_dn(machine: str) -> str:
    """Return where the entry of a desktop lies."""
    return f"CN={machine},{SERVERS}"


def pool_type(entry: LdsEntry) -> str:
    """Return the `poolType` of View PowerCLI that a pool's attributes amount to; empty for a kind that is not known."""
    kind, persistence = entry.first("pae-ServerPoolType"), entry.first("pae-PoolPersistence")
    if kind in (AUTOMATIC_DEDICATED, AUTOMATIC_FLOATING):
        return ("SVI" if entry.first("pae-SVIVmParentVM") else "") + (persistence or "Persistent")
    if kind == MANUAL_VC:
        return "ManualVCPersistent" if persistence == "Persistent" else "Manual"
    if kind == MANUAL_UNMANAGED:
        return f"ManualUnmanaged{persistence or 'Persistent'}"
    return "TerminalService" if kind == TERMINAL else ""


def facts(entry: LdsEntry) -> PoolFacts:
    """Return what a pool's entry says, typed."""
    switch = entry.attributes.get(PROVISIONING)
    return PoolFacts(
        group=entry.group,
        id=entry.first("cn"),
        dn=entry.dn,
        name=entry.first("pae-DisplayName"),
        type=pool_type(entry),
        enabled=entry.first("pae-Disabled", "0") == "0",
        provisioning=None if switch is None else switch[0] == "1",
        minimum=int(entry.first("pae-VmMinimumCount", "0")),
        maximum=int(entry.first("pae-VmMaximumCount", "0")),
        headroom=int(entry.first("pae-VmHeadroomCount", "0")),
        vcenter=cn(entry.first("pae-VCDN")),
        parent=entry.first("pae-SVIVmParentVM"),
        snapshot=entry.first("pae-SVIVmSnapshot"),
        refresh=entry.first("pae-SVIVmRefreshPolicy"),
        delete=entry.first("pae-VmDeletePolicy"),
        snapshot_moid=entry.first("pae-SVIVmSnapshotMOID"),
        folder=entry.first("pae-VmFolder"),
    )


def pools(world: World, group: str) -> list[PoolFacts]:
    """Return all pools of a broker group."""
    return [facts(entry) for entry in world.all(LdsEntry, group=group, main_class=POOL)]


def pool(world: World, group: str, pool_id: str) -> LdsEntry | None:
    """Return a pool's entry (its id in any case), or None."""
    entry = world.get(LdsEntry, group, pool_dn(pool_id).lower())
    return entry if entry is not None and entry.main_class == POOL else None


def desktops(world: World, group: str, pool_id: str | None = None) -> list[LdsEntry]:
    """Return the desktops of a group, or of one pool of it."""
    if pool_id is None:
        return world.all(LdsEntry, group=group, main_class=DESKTOP)
    return world.all(LdsEntry, group=group, main_class=DESKTOP, member_of=pool_dn(pool_id).lower())


def below(world: World, group: str, base: str) -> list[LdsEntry]:
    """Return the entry `base` and all below it, parents before children."""
    end = "," + base.lower()
    return [
        entry
        for entry in world.all(LdsEntry, group=group)
        if entry.key_dn == base.lower() or entry.key_dn.endswith(end)
    ]


def vcenter_of(world: World, facts_: PoolFacts) -> VCenter | None:
    """Return the vCenter that makes a pool's desktops, found as View does: by the address in its entry."""
    entry = world.get(LdsEntry, facts_.group, f"CN={facts_.vcenter},{VCENTERS}".lower())
    address = urlsplit(entry.first("pae-VCURL")).hostname if entry else None
    for row in world.all(VCenter):
        host = world.get(WindowsHost, row.host)
        if address is not None and host is not None and host.dns.lower() == address.lower():
            return row
    return None


def sids(entry: LdsEntry) -> Iterator[str]:
    """Yield the security identifiers among an entry's members (`<SID=S-1-...>`)."""
    for value in entry.attributes.get("member", ()):
        if value.startswith("<SID=") and value.endswith(">"):
            yield value[5:-1]


def with_values(entry: LdsEntry, **values: str | tuple[str, ...] | None) -> LdsEntry:
    """Return the entry with attributes set (`pae_VmState="READY"`: _ stands for -) or, with None, taken away."""
    attributes = dict(entry.attributes)
    for name, value in values.items():
        attribute = name.replace("_", "-")
        if value is None:
            attributes.pop(attribute, None)
        else:
            attributes[attribute] = (value,) if isinstance(value, str) else value
    return msgspec.structs.replace(entry, attributes=attributes)


# ---- who may do what


def account(world: World, name: str) -> Account | None:
    """Return an account by its name in any case, or None."""
    return next((row for row in world.all(Account) if row.name.lower() == name.lower()), None)


def may_look(who: Account | None) -> bool:
    """Say whether an account may see View's configuration (and export it)."""
    return who is not None and who.view_role in (ADMINISTRATORS, READ_ONLY)


def may_change(who: Account | None) -> bool:
    """Say whether an account may change View's configuration: being a local administrator is not enough."""
    return who is not None and who.view_role == ADMINISTRATORS


def administers(who: Account | None, host: str) -> bool:
    """Say whether an account is an administrator of a Windows host."""
    return who is not None and ("*" in who.administers or host in who.administers)
