"""The whole inventory as JSON: what an administrator needs to build a vCenter again by hand. No disks."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from app.connectors.vsphere import reading
from app.connectors.vsphere.facts import Found, SnapshotFacts, VmFacts
from app.connectors.vsphere.session import Session

VM = {
    "name": "name",
    "folder": "parent",
    "instance_uuid": "config.instanceUuid",
    "bios_uuid": "config.uuid",
    "vmx": "summary.config.vmPathName",
    "template": "summary.config.template",
    "power": "runtime.powerState",
    "connection": "runtime.connectionState",
    "host": "runtime.host",
    "resource_pool": "resourcePool",
}
"""Our names of what identifies a VM, and where the API has them. All of these exist since API 4.0."""

SECTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "datacenters": ("Datacenter", {}),
    "folders": ("Folder", {"holds": "childType"}),
    "clusters": ("ClusterComputeResource", {
        "availability": "configuration.dasConfig", "availability_of_vms": "configuration.dasVmConfig",
        "scheduler": "configuration.drsConfig", "scheduler_of_vms": "configuration.drsVmConfig",
        "rules": "configuration.rule", "hosts": "host", "datastores": "datastore", "networks": "network"}),
    "standalone": ("ComputeResource", {"hosts": "host"}),
    "hosts": ("HostSystem", {
        "connection": "runtime.connectionState", "power": "runtime.powerState",
        "maintenance": "runtime.inMaintenanceMode", "product": "summary.config.product",
        "uuid": "hardware.systemInfo.uuid", "vendor": "hardware.systemInfo.vendor",
        "model": "hardware.systemInfo.model",
        "datastores": "datastore", "networks": "network"}),
    "resource_pools": ("ResourcePool", {
        "owner": "owner", "cpu": "config.cpuAllocation", "memory": "config.memoryAllocation"}),
    "datastores": ("Datastore", {
        "type": "summary.type", "url": "summary.url", "capacity": "summary.capacity", "free": "summary.freeSpace",
        "accessible": "summary.accessible"}),
    "networks": ("Network", {"accessible": "summary.accessible"}),
    "switches": ("DistributedVirtualSwitch", {"uuid": "uuid", "config": "config"}),
    "portgroups": ("DistributedVirtualPortgroup", {"key": "key", "config": "config"}),
}  # fmt: skip
APART = {
    "Network": ("DistributedVirtualPortgroup",),
    "ComputeResource": ("ClusterComputeResource",),
}  # kinds of a kind that have a section of their own
ALWAYS = {"name": "name", "parent": "parent"}
CENTER = "Datacenter"
PLACES = ("Folder", CENTER, "ComputeResource", "ResourcePool")  # what other things lie in


class Paths:
    """Inventory paths, from names and parents of what VMs lie in."""

    def __init__(self, session: Session) -> None:
        self._root = moid_of(session.content.rootFolder)
        found = reading.in_container(session, PLACES, ("name", "parent"))
        self._places = {one.moid: one for one in found}

    def of(self, parent: str, name: str) -> str:
        """Return the path of what is called `name` in `parent`, without the root folder: DC/vm/Folder/name."""
        return "/".join([*(place.text("name") for place in reversed(self._above(parent))), name])

    def datacenter(self, parent: str) -> str:
        """Return the path of the datacenter that `parent` is or lies in, "" outside of any."""
        above = self._above(parent)
        for depth, place in enumerate(above):
            if place.kind == CENTER:
                return "/".join(each.text("name") for each in reversed(above[depth:]))
        return ""

    def _above(self, moid: str) -> list[Found]:
        places: list[Found] = []
        while moid in self._places and moid != self._root and len(places) <= len(self._places):
            places.append(self._places[moid])
            moid = self._places[moid].text("parent")
        return places


def moid_of(value: Any) -> str:
    """Return the identifier of a managed object."""
    from app.connectors.vsphere import stub

    return stub.moid(value)


def is_vm(value: Any) -> bool:
    """Say whether this is a reference to a VM."""
    from app.connectors.vsphere import stub

    return isinstance(value, stub.vim.VirtualMachine)


def vms(session: Session) -> tuple[VmFacts, ...]:
    """Return every VM's identity and state."""
    paths = Paths(session)
    return tuple(_vm(one, paths) for one in reading.in_container(session, ("VirtualMachine",), tuple(VM.values())))


def _vm(one: Found, paths: Paths) -> VmFacts:
    told = {ours: one.text(path) for ours, path in VM.items() if ours != "template"}
    return VmFacts(
        moid=one.moid, **told, template=bool(one.values.get(VM["template"])),
        path=paths.of(told["folder"], told["name"]), datacenter=paths.datacenter(told["folder"]),
        missing=tuple(sorted(one.missing)),
    )  # fmt: skip


def whole(session: Session, taken: datetime.datetime) -> dict[str, Any]:
    """Return the inventory. What the account may not read is named in `unread`, or in the entity's own `missing`."""
    from app.connectors.vsphere import stub

    content = session.content
    made: dict[str, Any] = {"taken": taken.isoformat(), "vcenter": stub.plain(content.about), "unread": {}}
    paths = Paths(session)
    for section, (kind, leaves) in SECTIONS.items():
        wanted = ALWAYS | leaves
        found = reading.in_container(session, (kind,), tuple(wanted.values()))
        made[section] = [_entity(one, wanted, paths) for one in found if one.kind not in APART.get(kind, ())]
    for section, ask in _MANAGERS.items():
        try:
            made[section] = ask(content)
        except (stub.NO_PERMISSION, *stub.LACKING) as fault:
            if isinstance(fault, stub.NOT_AUTHENTICATED):
                raise
            made["unread"][section] = stub.name_of(type(fault))
    made["vms"] = _vms(session, paths, {field["key"]: field["name"] for field in made.get("custom_fields", ())})
    return made


def _entity(one: Found, wanted: dict[str, str], paths: Paths) -> dict[str, Any]:
    told = {"moid": one.moid, "kind": one.kind, "path": paths.of(one.text("parent"), one.text("name"))}
    told |= {ours: one.values[path] for ours, path in wanted.items() if path in one.values}
    missing = {ours: one.missing[path] for ours, path in wanted.items() if path in one.missing}
    return {name: _jsonable(value) for name, value in told.items()} | ({"missing": missing} if missing else {})


def _vms(session: Session, paths: Paths, fields: dict[int, str]) -> list[dict[str, Any]]:
    more = {"custom": "value", "snapshots": "snapshot", "annotation": "config.annotation", "networks": "network",
            "datastores": "datastore"}  # fmt: skip
    wanted = VM | more
    made = []
    for one in reading.in_container(session, ("VirtualMachine",), tuple(wanted.values())):
        entity = _entity(one, wanted, paths)
        entity["path"] = paths.of(one.text("parent"), one.text("name"))
        entity["snapshots"] = [
            {"moid": shot.moid, "path": shot.path, "created": shot.created.isoformat()}
            for shot in snapshots(one.values.get("snapshot"))
        ]
        given = one.values.get("value") or ()
        entity["custom"] = {fields.get(each["key"], str(each["key"])): each.get("value", "") for each in given}
        made.append(entity)
    return made


def snapshots(told: dict[str, Any] | None) -> Iterable[SnapshotFacts]:
    """Yield the snapshots of a VM's `snapshot` property, each with its path: /base/patched."""
    waiting = [("", tree) for tree in (told or {}).get("rootSnapshotList", ())]
    while waiting:
        above, tree = waiting.pop(0)
        path = f"{above}/{tree['name']}"
        yield SnapshotFacts(tree["snapshot"], tree["name"], path, tree["createTime"])
        waiting += [(path, child) for child in tree.get("childSnapshotList", ())]


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    return value


def _roles(content: Any) -> Any:
    from app.connectors.vsphere import stub

    return [
        {"id": role.roleId, "name": role.name, "system": role.system, "privileges": sorted(stub.plain(role.privilege))}
        for role in content.authorizationManager.roleList
    ]


def _permissions(content: Any) -> Any:
    from app.connectors.vsphere import stub

    return [stub.plain(permission) for permission in content.authorizationManager.RetrieveAllPermissions()]


def _fields(content: Any) -> Any:
    from app.connectors.vsphere import stub

    if content.customFieldsManager is None:
        return []
    return [
        {"key": int(field.key), "name": field.name, "of": stub.name_of(field.managedObjectType or object)}
        for field in content.customFieldsManager.field
    ]


_MANAGERS = {"roles": _roles, "permissions": _permissions, "custom_fields": _fields}
