"""The virtual machines and vCenter's tasks that work on desktops makes, changes and takes away."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from app.lab import directory
from app.lab.rows import Disk, LdsEntry, Managed, Row, Setting, Snapshot, VcTask, Vm
from app.lab.world import World

GB = 1024**3
REPLICAS = "VMwareViewComposerReplicaFolder"


@dataclass
class Made:
    """What came of work on desktops: rows to put and to drop, and the virtual machines among them."""

    rows: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    machines: list[Vm] = field(default_factory=list)


def free_names(world: World, pool: directory.PoolFacts, count: int) -> list[str]:
    """Return names for new desktops, by the pool's naming pattern, that no desktop of it has."""
    entry = directory.pool(world, pool.group, pool.id)
    pattern = entry.first("pae-VmNamePrefix") if entry else ""
    prefix = re.sub(r"\{n[^}]*\}", "", pattern) or f"{pool.id}-"
    taken = {row.first("pae-DisplayName").lower() for row in directory.desktops(world, pool.group, pool.id)}
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        if f"{prefix}{number:03d}".lower() not in taken:
            names.append(f"{prefix}{number:03d}")
    return names


def new_desktop(pool: directory.PoolFacts, machine: str, name: str) -> LdsEntry:
    """Return the entry of a desktop that is about to be made."""
    folder = pool.folder.rstrip("/")
    attributes = {
        "cn": machine, "pae-DisplayName": name, "pae-VmState": "UNDEFINED", "pae-VmPath": f"{folder}/{name}",
        "pae-MemberDNOf": pool.dn, "iPHostNumber": f"{name}.practice.example".lower(), "pae-Disabled": "0",
        "pae-VmSuspended": "0", "pae-DirtyForNewSessions": "0",
    }  # fmt: skip
    if pool.linked:
        attributes |= {"pae-SVIVmSnapshotMOID": pool.snapshot_moid, "pae-SVIVmOperationFlags": "0"}
    classes = ("top", "pae-Server", "pae-WinServer", "pae-ThinWinServer", directory.DESKTOP)
    return LdsEntry(
        group=pool.group, dn=directory.desktop_dn(machine), classes=classes,
        attributes={attribute: (value,) for attribute, value in attributes.items()},
    )  # fmt: skip


def of(world: World, vcenter: str, entries: Iterable[LdsEntry]) -> list[Vm]:
    """Return the virtual machines of desktops, of those that have one."""
    found = (world.get(Vm, vcenter, entry.first("pae-MOID")) for entry in entries)
    return [vm for vm in found if vm is not None]


def last_moid(world: World, vcenter: str) -> Setting:
    """Return the setting that keeps a vCenter from issuing a deleted machine's MOID again."""
    return Setting(name=f"last-vm:{vcenter}", value=str(_last_vm(world, vcenter)))


def entities(world: World, kind: str, pool: directory.PoolFacts, entries: Sequence[LdsEntry]) -> list[tuple[str, str]]:
    """Return MOID and name of what vCenter's tasks are about: the source of a clone, else the desktop itself."""
    vcenter = directory.vcenter_of(world, pool)
    if vcenter is None:
        return []
    if kind != "clone":
        return [(entry.first("pae-MOID"), entry.first("pae-DisplayName")) for entry in entries]
    source = _source(world, vcenter.name, pool)
    return [(source.moid, source.name) if source else ("", "") for _ in entries]


def new_tasks(
    world: World, vcenter: str, description: str, about: Sequence[tuple[str, str]], at_once: int
) -> list[VcTask]:
    """Return a task for each (MOID, name); the first `at_once` run, the others are queued."""
    number, now = _last(world.all(VcTask, vcenter=vcenter)), world.now()
    return [
        VcTask(
            vcenter=vcenter, moid=f"task-{number + place + 1}", description=description, entity=moid, entity_name=name,
            state="running" if place < at_once else "queued", queued=now, started=now if place < at_once else 0.0,
            progress=5 if place < at_once else 0,
        )
        for place, (moid, name) in enumerate(about)
    ]  # fmt: skip


def made(
    world: World, pool: directory.PoolFacts, vcenter: str, kind: str, entries: Sequence[LdsEntry], snapshot: str
) -> Made:
    """Return what cloning or recomposing these desktops has made by the time they are customized."""
    found = Made()
    if kind == "clone":
        _clone(world, pool, vcenter, entries, found)
    else:
        _recompose(world, pool, vcenter, entries, snapshot, found)
    return found


def _clone(world: World, pool: directory.PoolFacts, vcenter: str, entries: Sequence[LdsEntry], found: Made) -> None:
    replica = _replica_disk(world, pool, vcenter, found) if pool.linked else ""
    home = _Home(world, vcenter, pool)
    number = _last_vm(world, vcenter) + sum(isinstance(row, Vm) for row in found.rows)
    for place, entry in enumerate(entries):
        vm = home.machine(f"vm-{number + place + 1}", entry.first("pae-DisplayName"), place, replica)
        found.machines.append(vm)
        found.rows += [vm, directory.with_values(entry, pae_VmState="CUSTOMIZING", pae_MOID=vm.moid)]


def _recompose(
    world: World, pool: directory.PoolFacts, vcenter: str, entries: Sequence[LdsEntry], snapshot: str, found: Made
) -> None:
    """Hang the clones on another replica when they get another snapshot; one that nothing hangs on goes."""
    old = {disk.parent for vm in of(world, vcenter, entries) for disk in vm.disks[:1]}
    replica = _new_replica(world, vcenter, found) if snapshot and snapshot != pool.snapshot_moid else ""
    for entry in entries:
        vm = world.get(Vm, vcenter, entry.first("pae-MOID"))
        if vm is not None and replica:
            disks = (msgspec.structs.replace(vm.disks[0], parent=replica), *vm.disks[1:])
            vm = msgspec.structs.replace(vm, disks=disks)
            found.rows.append(vm)
        if vm is not None:
            found.machines.append(vm)
        moid = snapshot or entry.first("pae-SVIVmSnapshotMOID")
        found.rows.append(directory.with_values(entry, pae_VmState="CUSTOMIZING", pae_SVIVmSnapshotMOID=moid))
    if replica:
        found.rows += _pool_on(world, pool, snapshot)
        _drop_unused(world, vcenter, old, found)


def _pool_on(world: World, pool: directory.PoolFacts, snapshot: str) -> list[Row]:
    """Return the pool's entry, its default image the snapshot of that MOID."""
    entry = directory.pool(world, pool.group, pool.id)
    paths = [shot.path for vm in world.all(Vm) for shot in vm.snapshots if shot.moid == snapshot]
    if entry is None or not paths:
        return []
    return [directory.with_values(entry, pae_SVIVmSnapshot=paths[0], pae_SVIVmSnapshotMOID=snapshot)]


def _drop_unused(world: World, vcenter: str, disks: set[str], found: Made) -> None:
    changed = {row.key: row for row in found.rows if isinstance(row, Vm)}
    now = [changed.get(vm.key, vm) for vm in world.all(Vm, vcenter=vcenter)]
    used = {disk.parent for vm in now if not vm.name.startswith("source-") for disk in vm.disks}
    for vm in now:
        replica = vm.protected and any(disk.path in disks - used for disk in vm.disks)
        source = vm.protected and any(disk.parent in disks - used for disk in vm.disks)
        if replica or source:
            found.dropped.append(vm)


def _source(world: World, vcenter: str, pool: directory.PoolFacts) -> Vm | None:
    """Return what a new desktop is cloned from: a replica for linked clones, else the template."""
    if pool.linked:
        folder = world.all(Managed, vcenter=vcenter, kind="Folder", name=REPLICAS)
        replicas = world.all(Vm, vcenter=vcenter, folder=folder[0].moid) if folder else []
        return next((vm for vm in replicas if vm.name.startswith("replica-")), None)
    return next((vm for vm in world.all(Vm, vcenter=vcenter) if vm.template), None)


def _replica_disk(world: World, pool: directory.PoolFacts, vcenter: str, found: Made) -> str:
    for sibling in of(world, vcenter, directory.desktops(world, pool.group, pool.id)):
        if sibling.disks and sibling.disks[0].parent:
            return sibling.disks[0].parent
    return _new_replica(world, vcenter, found)


def _new_replica(world: World, vcenter: str, found: Made) -> str:
    folder = world.all(Managed, vcenter=vcenter, kind="Folder", name=REPLICAS)[0].moid
    stores = world.all(Managed, vcenter=vcenter, kind="Datastore")
    store = next((row for row in stores if "replica" in row.name), stores[0])
    host = world.all(Managed, vcenter=vcenter, kind="HostSystem")[0].moid
    pool = next(row.moid for row in world.all(Managed, vcenter=vcenter, kind="ResourcePool") if row.name == "Desktops")
    name, number = f"replica-{uuid.uuid4()}", _last_vm(world, vcenter)
    disk = f"[{store.name}] {name}/{name}.vmdk"
    shot = Snapshot(moid=f"snapshot-{90000 + number}", name="snapshot-vmware", path="/snapshot-vmware",
                    created=world.now())  # fmt: skip
    network = world.all(Managed, vcenter=vcenter, kind="Network")[0].moid
    for offset, (machine, shots, parent) in enumerate(((name, (shot,), ""), (f"source-{uuid.uuid4()}", (), disk))):
        path = disk if not parent else f"[{store.name}] {machine}/{machine}.vmdk"
        found.rows.append(
            Vm(
                vcenter=vcenter, moid=f"vm-{number + offset + 1}", name=machine, uuid=str(uuid.uuid4()),
                instance_uuid=str(uuid.uuid4()), host=host, folder=folder, resource_pool=pool, datastore=store.moid,
                network=network, vmx=f"[{store.name}] {machine}/{machine}.vmx", power="poweredOff", protected=True,
                guest="windows7Guest", snapshots=shots, disks=(Disk(path=path, parent=parent, size=30 * GB),),
            )
        )  # fmt: skip
    return disk


class _Home:
    """Where the new desktops of a pool go."""

    def __init__(self, world: World, vcenter: str, pool: directory.PoolFacts) -> None:
        folders = world.all(Managed, vcenter=vcenter, kind="Folder")
        wanted = pool.folder.rpartition("/")[2]
        self._vcenter = vcenter
        self._folder = next((row.moid for row in folders if row.name == wanted), "") or next(
            row.moid for row in folders if row.name == "vm"
        )
        pools = world.all(Managed, vcenter=vcenter, kind="ResourcePool")
        self._pool = next((row.moid for row in pools if row.name == "Desktops"), pools[0].moid)
        self._hosts = world.all(Managed, vcenter=vcenter, kind="HostSystem")
        stores = world.all(Managed, vcenter=vcenter, kind="Datastore")
        self._stores = [row for row in stores if not row.name.startswith(("servers", "replica"))] or stores
        self._network = world.all(Managed, vcenter=vcenter, kind="Network")[0].moid

    def machine(self, moid: str, name: str, place: int, replica: str) -> Vm:
        store = self._stores[place % len(self._stores)]
        return Vm(
            vcenter=self._vcenter, moid=moid, name=name, uuid=str(uuid.uuid4()), instance_uuid=str(uuid.uuid4()),
            host=self._hosts[place % len(self._hosts)].moid, folder=self._folder, resource_pool=self._pool,
            datastore=store.moid, network=self._network, vmx=f"[{store.name}] {name}/{name}.vmx", guest="windows7Guest",
            disks=(Disk(path=f"[{store.name}] {name}/{name}.vmdk", parent=replica, size=(3 if replica else 30) * GB),),
        )  # fmt: skip


def _last_vm(world: World, vcenter: str) -> int:
    return max(_last(world.all(Vm, vcenter=vcenter)), int(world.setting(f"last-vm:{vcenter}", "0")))


def _last(rows: Sequence[VcTask] | Sequence[Vm]) -> int:
    """Return the highest number among MOIDs such as vm-123."""
    return max((int(row.moid.rpartition("-")[2]) for row in rows if row.moid.rpartition("-")[2].isdigit()), default=0)
