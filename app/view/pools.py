"""Pools, desktops, sessions and entitlements, as View knows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LINKED_CLONE_TYPES = frozenset(
    {"SVIPersistent", "SVINonPersistent", "OnRequestSviPersistent", "OnRequestSviNonPersistent"}
)
FULL_CLONE_TYPES = frozenset({"Persistent", "NonPersistent", "OnRequestVcPersistent", "OnRequestVcNonPersistent"})
MANUAL_TYPES = frozenset(
    {"Manual", "ManualVCPersistent", "ManualUnmanagedPersistent", "ManualUnmanagedNonPersistent",
     "IndividualVC", "IndividualUnmanaged"}
)  # fmt: skip
TERMINAL_TYPES = frozenset({"TerminalService"})


class PoolKind(StrEnum):
    """The kinds that the paper's appendix tells apart, and the rest."""

    LINKED_CLONE = "linked-clone"
    FULL_CLONE = "full-clone"
    MANUAL = "manual"
    TERMINAL = "terminal"
    UNKNOWN = "unknown"


def kind_of(pool_type: str) -> PoolKind:
    """Return the kind of a `poolType` of View PowerCLI; a type that is not known stays unknown."""
    for types, kind in (
        (LINKED_CLONE_TYPES, PoolKind.LINKED_CLONE),
        (FULL_CLONE_TYPES, PoolKind.FULL_CLONE),
        (MANUAL_TYPES, PoolKind.MANUAL),
        (TERMINAL_TYPES, PoolKind.TERMINAL),
    ):
        if pool_type in types:
            return kind
    return PoolKind.UNKNOWN


@dataclass(frozen=True)
class Pool:
    """One pool. `provisioning` is None where the pool has no such switch (manual, terminal)."""

    pool_id: str
    name: str
    pool_type: str
    provisioning: bool | None
    enabled: bool
    persistent: bool
    vcenter: str = ""
    parent_vm: str = ""
    parent_snapshot: str = ""
    refresh_policy: str = ""
    delete_policy: str = ""
    minimum: int = 0
    maximum: int = 0
    headroom: int = 0

    @property
    def kind(self) -> PoolKind:
        return kind_of(self.pool_type)

    @property
    def can_switch(self) -> bool:
        """Only automatic pools make virtual machines, so only they can be told to stop making them."""
        return self.kind in (PoolKind.LINKED_CLONE, PoolKind.FULL_CLONE)


BUSY_STATES = frozenset({"CLONING", "UNDEFINED", "PRE_PROVISIONED", "DELETING"})
FAULT_STATES = frozenset({"CLONINGERROR", "ERROR"})
MAINTENANCE = "MAINTENANCE"
READY = "READY"
KNOWN_STATES = BUSY_STATES | FAULT_STATES | {"CUSTOMIZING", MAINTENANCE, READY}


@dataclass(frozen=True)
class Desktop:
    """One desktop. `state` is AD LDS's pae-VmState; `local` says that it is checked out (Local Mode)."""

    machine_id: str
    name: str
    pool_id: str
    state: str
    moid: str = ""
    path: str = ""
    user: str = ""
    user_sid: str = ""
    local: bool = False

    def busy(self, pool: Pool | None) -> bool:
        """Say whether a create or delete is in progress. CUSTOMIZING counts where the pool is automatic."""
        return self.state in BUSY_STATES or (self.state == "CUSTOMIZING" and (pool is None or pool.can_switch))

    @property
    def faulty(self) -> bool:
        return self.state in FAULT_STATES


@dataclass(frozen=True)
class Session:
    """One user's session: remote, or local for a checked-out desktop."""

    session_id: str
    user: str
    pool_id: str
    desktop: str
    state: str
    local: bool = False


@dataclass(frozen=True)
class Entitlement:
    """Who may use a pool, by security identifier."""

    pool_id: str
    sid: str
