"""One vCenter's inventory: its rows as a tree, and what an account may do where in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from app.lab.rows import Account, CustomField, Managed, Permission, Role, VCenter, VcScheduledTask, VcTask, Vm
from app.lab.vcenter.privileges import ADMIN, ALL, NO_ACCESS, READ_ONLY, VIEW, system_roles
from app.lab.world import World

Entity: TypeAlias = Managed | Vm
FOLDERS = {"vm": "vmFolder", "host": "hostFolder", "datastore": "datastoreFolder", "network": "networkFolder"}
ESCAPES = str.maketrans({"%": "%25", "/": "%2f", "\\": "%5c"})


class Inventory:
    """The rows of one vCenter at one moment. Never changed: another moment has another inventory."""

    def __init__(self, world: World, name: str) -> None:
        with world.lock:
            self.server: VCenter = world.require(VCenter, name)
            managed = world.all(Managed, vcenter=name)
            vms = world.all(Vm, vcenter=name)
            self.tasks = {row.moid: row for row in world.all(VcTask, vcenter=name)}
            self.scheduled = {row.moid: row for row in world.all(VcScheduledTask, vcenter=name)}
            self.fields = sorted(world.all(CustomField, vcenter=name), key=lambda row: row.id)
            self.permissions = world.all(Permission, vcenter=name)
            roles = world.all(Role, vcenter=name)
        self.managed = {row.moid: row for row in managed}
        self.vms = {row.moid: row for row in vms}
        self.roles = {row.id: row for row in (*system_roles(name), *roles)}
        self.root = next((row.moid for row in managed if row.kind == "Folder" and not row.parent), "")
        self._index()

    def _index(self) -> None:
        self.children: defaultdict[str, list[str]] = defaultdict(list)
        self.vms_of: defaultdict[str, list[str]] = defaultdict(list)  # by resource pool, host, datastore and network
        self.named: dict[tuple[str, str], str] = {}
        for row in self.managed.values():
            self.children[row.parent].append(row.moid)
            self.named.setdefault((row.kind, row.name), row.moid)
        for vm in self.vms.values():
            self.children[vm.folder].append(vm.moid)
            for place in {self.pool_of(vm), vm.host, self.datastore_of(vm), self.network_of(vm)}:
                if place:
                    self.vms_of[place].append(vm.moid)

    @cached_property
    def by_vmx(self) -> dict[str, list[str]]:
        """VMs by their .vmx: other datacenters may have datastores of the same name."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for vm in self.vms.values():
            found[vm.vmx].append(vm.moid)
        return found

    # ---- finding

    def entity(self, moid: str) -> Entity | None:
        return self.vms.get(moid) or self.managed.get(moid)

    def kind(self, moid: str) -> str:
        row = self.entity(moid)
        return row.kind if isinstance(row, Managed) else "VirtualMachine" if row else ""

    def parent(self, row: Entity) -> str:
        return row.folder if isinstance(row, Vm) else row.parent

    def pool_of(self, vm: Vm) -> str:
        return "" if vm.template else vm.resource_pool

    def datastore_of(self, vm: Vm) -> str:
        return vm.datastore if vm.datastore in self.managed else self.named.get(("Datastore", vm.datastore), "")

    def network_of(self, vm: Vm) -> str:
        if vm.network in self.managed:
            return vm.network
        return self.named.get(("Network", vm.network)) or self.named.get(
            ("DistributedVirtualPortgroup", vm.network), ""
        )

    def above(self, moid: str) -> Iterator[Managed]:
        """Give what an entity lies in, nearest first."""
        row = self.entity(moid)
        seen = {moid}
        while row is not None:
            moid = self.parent(row)
            row = self.managed.get(moid)
            if row is None or moid in seen:
                return
            seen.add(moid)
            yield row

    def below(self, moid: str) -> Iterator[str]:
        """Give everything under an entity, depth first."""
        waiting = list(reversed(self.children.get(moid, ())))
        while waiting:
            child = waiting.pop()
            yield child
            waiting.extend(reversed(self.children.get(child, ())))

    def datacenter(self, moid: str) -> Managed | None:
        return next((row for row in self.above(moid) if row.kind == "Datacenter"), None)

    def path(self, moid: str) -> str:
        """Return the inventory path, without the root folder: DC/vm/Folder/name."""
        row = self.entity(moid)
        above = [row, *self.above(moid)] if row else []
        return "/".join(reversed([each.name.translate(ESCAPES) for each in above if each and each.moid != self.root]))

    def at_path(self, path: str) -> str:
        """Return what lies at an inventory path, or nothing. VMs are found in folders, as vCenter finds them."""
        place = self.root
        for part in [part for part in path.split("/") if part]:
            wanted = part.replace("%2f", "/").replace("%5c", "\\").replace("%25", "%")
            found = (child for child in self.children.get(place, ()) if self.name(child) == wanted)
            place = next(found, "")
            if not place:
                return ""
        return place

    def name(self, moid: str) -> str:
        row = self.entity(moid)
        return row.name if row else ""

    def in_datacenter(self, moid: str, kinds: tuple[str, ...]) -> list[str]:
        """Return the entities of these kinds in the datacenter of `moid` (or in it, if it is one)."""
        home = moid if self.kind(moid) == "Datacenter" else next(
            (row.moid for row in self.above(moid) if row.kind == "Datacenter"), ""
        )  # fmt: skip
        return [other for other in self.by_datacenter.get(home, ()) if self.kind(other) in kinds]

    @cached_property
    def by_datacenter(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for moid in self.managed:
            home = self.datacenter(moid)
            if home:
                found[home.moid].append(moid)
        return found


class Rights:
    """What one account may do, entity by entity, by the nearest permission above (and a role on the root)."""

    def __init__(self, inventory: Inventory, account: Account) -> None:
        self._inventory = inventory
        self._known: dict[str, tuple[frozenset[str], tuple[int, ...]]] = {}
        self._given: dict[str, list[Permission]] = defaultdict(list)
        for permission in self._permissions(account):
            self._given[permission.entity].append(permission)
        self._seen_from_below = {row.moid for entity in self._given for row in inventory.above(entity)}

    def _permissions(self, account: Account) -> Iterator[Permission]:
        inventory = self._inventory
        administrator = "*" in account.administers or inventory.server.host in account.administers
        on_root = False
        for row in inventory.permissions:
            mine = row.principal.lower() == account.name.lower() and not row.group
            ours = row.group and administrator and row.principal.rpartition("\\")[2].lower() == "administrators"
            if mine or ours:
                on_root = on_root or row.entity == inventory.root
                yield row
        role = self._role(account.vcenter_role)
        if role is not None and not on_root:
            yield Permission(vcenter=inventory.server.name, entity=inventory.root, principal=account.name, role=role.id)

    def _role(self, name: str) -> Role | None:
        wanted = {"administrator": ADMIN, "readonly": READ_ONLY, "read-only": READ_ONLY, "noaccess": NO_ACCESS}
        known = wanted.get(name.lower())
        if known is not None:
            return self._inventory.roles[known]
        return next((row for row in self._inventory.roles.values() if name and row.name == name), None)

    @property
    def any(self) -> bool:
        """Say whether the account may log in at all."""
        return any(self._inventory.roles[p.role].privileges for given in self._given.values() for p in given)

    def of(self, moid: str) -> frozenset[str]:
        """Return the privileges on an entity."""
        return self._effective(moid)[0]

    def roles(self, moid: str) -> tuple[int, ...]:
        """Return the ids of the roles that count on an entity."""
        return self._effective(moid)[1]

    def may(self, moid: str, privilege: str) -> bool:
        return privilege == "System.Anonymous" or privilege in self.of(moid)

    def _effective(self, moid: str) -> tuple[frozenset[str], tuple[int, ...]]:
        known = self._known.get(moid)
        if known is None:
            known = self._known[moid] = self._compute(moid)
        return known

    def _compute(self, moid: str) -> tuple[frozenset[str], tuple[int, ...]]:
        inventory = self._inventory
        roles: tuple[int, ...] = tuple(permission.role for permission in self._given.get(moid, ()))
        if not roles:
            row = inventory.entity(moid)
            parents = [inventory.parent(row)] if row else []
            if isinstance(row, Vm):
                parents.append(inventory.pool_of(row))  # a VM inherits from its resource pool too
            if moid == inventory.root or row is None:
                parents = []
            roles = tuple(dict.fromkeys(role for up in parents if up for role in self._inherited(up)))
        if moid in self._seen_from_below and not any(self._role_of(role) for role in roles):
            roles = (*roles, VIEW)
        return self._sum(roles), roles

    def _inherited(self, moid: str) -> tuple[int, ...]:
        given = [permission for permission in self._given.get(moid, ()) if permission.propagate]
        if given:
            return tuple(permission.role for permission in given)
        row = self._inventory.managed.get(moid)
        return self._inherited(row.parent) if row and row.parent and row.parent != moid else ()

    def _role_of(self, role: int) -> frozenset[str]:
        row = self._inventory.roles.get(role)
        return ALL if role == ADMIN else frozenset(row.privileges) if row else frozenset()

    def _sum(self, roles: tuple[int, ...]) -> frozenset[str]:
        if len(roles) == 1:
            return self._sums.setdefault(roles[0], self._role_of(roles[0]))
        return frozenset().union(*(self._role_of(role) for role in roles))

    @cached_property
    def _sums(self) -> dict[int, frozenset[str]]:
        return {}
