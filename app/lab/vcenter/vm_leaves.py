"""What a virtual machine's row answers, property by property."""

from __future__ import annotations

from typing import Any

from app.lab.rows import Snapshot, Vm
from app.lab.vcenter.leaf import Leaf, number, own, status
from app.lab.vcenter.sight import Sight

GUESTS = {
    "windows7Guest": "Microsoft Windows 7 (32-bit)",
    "windows7_64Guest": "Microsoft Windows 7 (64-bit)",
    "winXPProGuest": "Microsoft Windows XP Professional (32-bit)",
}


def _folder_of(vm: Vm) -> str:
    return vm.vmx.rpartition("/")[0] + "/"


def _snapshot_tree(vm: Vm, above: str = "") -> list[dict[str, Any]]:
    return [
        {"snapshot": snapshot.moid, "vm": vm.moid, "name": snapshot.name, "description": "",
         "id": number(snapshot.moid), "createTime": snapshot.created, "state": "poweredOff", "quiesced": False,
         "replaySupported": False, "childSnapshotList": _snapshot_tree(vm, snapshot.path)}
        for snapshot in vm.snapshots
        if snapshot.path.rpartition("/")[0] == above
    ]  # fmt: skip


def _snapshot(_sight: Sight, vm: Vm) -> dict[str, Any] | None:
    if not vm.snapshots:
        return None
    newest: Snapshot = max(vm.snapshots, key=lambda snapshot: snapshot.created)
    return {"currentSnapshot": newest.moid, "rootSnapshotList": _snapshot_tree(vm)}


def _devices(_sight: Sight, vm: Vm) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = [
        {"_type": "VirtualLsiLogicController", "key": 1000, "busNumber": 0, "sharedBus": "noSharing",
         "device": [2000 + at for at in range(len(vm.disks))]}
    ]  # fmt: skip
    for at, disk in enumerate(vm.disks):
        backing: dict[str, Any] = {"_type": "VirtualDiskFlatVer2BackingInfo", "fileName": disk.path,
                                   "diskMode": "persistent"}  # fmt: skip
        if disk.parent:
            backing["parent"] = {"_type": "VirtualDiskFlatVer2BackingInfo", "fileName": disk.parent,
                                 "diskMode": "persistent"}  # fmt: skip
        devices.append({"_type": "VirtualDisk", "key": 2000 + at, "controllerKey": 1000, "unitNumber": at,
                        "capacityInKB": disk.size // 1024, "backing": backing})  # fmt: skip
    return devices


def _files(_sight: Sight, vm: Vm) -> list[dict[str, Any]]:
    files = [{"key": 0, "name": vm.vmx, "type": "config", "size": 4096}]
    for key, disk in enumerate(vm.disks, 1):
        files.append({"key": key, "name": disk.path, "type": "diskDescriptor", "size": disk.size})
    return files


def _guest_name(_sight: Sight, vm: Vm) -> str:
    return GUESTS.get(vm.guest, vm.guest or "Other")


def _host(sight: Sight, vm: Vm) -> str | None:
    return vm.host if vm.host and sight.visible(vm.host) else None


def _pool(sight: Sight, vm: Vm) -> str | None:
    pool = sight.inventory.pool_of(vm)
    return pool if pool and sight.visible(pool) else None


def _set(name: str) -> Leaf:
    """Return a leaf of a field that is unset where it is empty."""
    return lambda _sight, vm: getattr(vm, name) or None


RUNTIME: dict[str, Leaf] = {
    "connectionState": own("connection"),
    "powerState": own("power"),
    "host": _host,
    "recordReplayState": lambda _sight, _vm: "inactive",
}
VM: dict[str, Leaf] = {
    "config.name": own("name"),
    "config.uuid": own("uuid"),
    "config.instanceUuid": _set("instance_uuid"),
    "config.template": own("template"),
    "config.annotation": _set("annotation"),
    "config.guestId": lambda _sight, vm: vm.guest or "otherGuest",
    "config.guestFullName": _guest_name,
    "config.version": lambda sight, _vm: "vmx-08" if sight.inventory.server.api >= "5" else "vmx-07",
    "config.files.vmPathName": own("vmx"),
    "config.files.snapshotDirectory": lambda _sight, vm: _folder_of(vm),
    "config.files.logDirectory": lambda _sight, vm: _folder_of(vm),
    "config.hardware.numCPU": lambda _sight, _vm: 1,
    "config.hardware.memoryMB": lambda _sight, _vm: 2048,
    "config.hardware.device": _devices,
    **{f"runtime.{name}": leaf for name, leaf in RUNTIME.items()},
    **{f"summary.runtime.{name}": leaf for name, leaf in RUNTIME.items()},
    "summary.vm": own("moid"),
    "summary.overallStatus": status,
    "summary.config.name": own("name"),
    "summary.config.template": own("template"),
    "summary.config.vmPathName": own("vmx"),
    "summary.config.uuid": _set("uuid"),
    "summary.config.instanceUuid": _set("instance_uuid"),
    "summary.config.annotation": _set("annotation"),
    "summary.config.guestId": lambda _sight, vm: vm.guest or "otherGuest",
    "summary.config.guestFullName": _guest_name,
    "summary.config.numCpu": lambda _sight, _vm: 1,
    "summary.config.memorySizeMB": lambda _sight, _vm: 2048,
    "summary.config.numVirtualDisks": lambda _sight, vm: len(vm.disks),
    "guest.hostName": lambda _sight, vm: vm.name if vm.power == "poweredOn" else None,
    "guest.guestState": lambda _sight, vm: "running" if vm.power == "poweredOn" else "notRunning",
    "snapshot": _snapshot,
    "rootSnapshot": lambda _sight, vm: [one["snapshot"] for one in _snapshot_tree(vm)],
    "resourcePool": _pool,
    "datastore": lambda sight, vm: sight.seen(filter(None, [sight.inventory.datastore_of(vm)])),
    "network": lambda sight, vm: sight.seen(filter(None, [sight.inventory.network_of(vm)])),
    "layoutEx.file": _files,
    "layoutEx.timestamp": lambda sight, _vm: sight.now,
}
