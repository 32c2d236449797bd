"""What the inventory's rows answer, property by property."""

from __future__ import annotations

from typing import Any

from app.lab.rows import Managed, Vm
from app.lab.vcenter.leaf import Leaf, own, status, walk
from app.lab.vcenter.sight import FIRMWARE, Sight
from app.lab.vcenter.tree import ESCAPES, FOLDERS
from app.lab.vcenter.vm_leaves import VM


def _told(sight: Sight, row: Managed, name: str, kinds: tuple[str, ...]) -> list[str]:
    """Return a list of moids that the row tells, else all of these kinds in its datacenter."""
    told = row.properties.get(name)
    return sight.seen(told if told is not None else sight.inventory.in_datacenter(row.moid, kinds))


NETWORKS = ("Network", "DistributedVirtualPortgroup")


def _field_value(sight: Sight, row: Any) -> list[dict[str, Any]]:
    custom = row.custom if isinstance(row, Vm) else row.properties.get("custom", {})
    return [
        {"_type": "CustomFieldStringValue", "key": field.id, "value": custom[field.name]}
        for field in sight.inventory.fields
        if field.name in custom
    ]


def fields(sight: Sight, row: Any) -> list[dict[str, Any]]:
    """Return the definitions of the custom fields that a row may have; all of them for no row."""
    kind = None if row is None else "VirtualMachine" if isinstance(row, Vm) else row.kind
    return [
        {"key": field.id, "name": field.name, "type": "string", "managedObjectType": field.managed_type or None}
        for field in sight.inventory.fields
        if kind is None or field.managed_type in ("", kind)
    ]


def _permissions(sight: Sight, row: Any) -> list[dict[str, Any]]:
    return [permission for permission in permissions(sight) if permission["entity"] == row.moid]


def permissions(sight: Sight) -> list[dict[str, Any]]:
    """Return the permissions on what the account sees."""
    return [
        {"entity": row.entity, "principal": row.principal, "group": row.group, "roleId": row.role,
         "propagate": row.propagate}
        for row in sight.inventory.permissions
        if sight.visible(row.entity)
    ]  # fmt: skip


def _parent(sight: Sight, row: Any) -> str | None:
    parent = sight.inventory.parent(row)
    return parent if parent and sight.visible(parent) else None


ENTITIES = frozenset({
    "Folder", "Datacenter", "ComputeResource", "ClusterComputeResource", "HostSystem", "ResourcePool", "VirtualMachine",
    "Datastore", "Network", "DistributedVirtualPortgroup", "VmwareDistributedVirtualSwitch", "DistributedVirtualSwitch",
})  # fmt: skip
ENTITY: dict[str, Leaf] = {
    "name": lambda _sight, row: row.name.translate(ESCAPES),  # as vCenter writes names that hold / \\ or %
    "parent": _parent,
    "overallStatus": status,
    "configStatus": status,
    "value": _field_value,
    "customValue": _field_value,
    "availableField": fields,
    "permission": _permissions,
    "effectiveRole": lambda sight, row: list(sight.rights.roles(row.moid)),
    "recentTask": lambda sight, row: [task.moid for task in sight.recent_tasks() if task.entity == row.moid],
    "alarmActionsEnabled": lambda _sight, _row: True,
    "disabledMethod": lambda _sight, row: ["Destroy_Task"] if getattr(row, "protected", False) else [],
    "declaredAlarmState": lambda _sight, _row: [],
    "triggeredAlarmState": lambda _sight, _row: [],
    "configIssue": lambda _sight, _row: [],
    "tag": lambda _sight, _row: [],
}


def _children(*kinds: str) -> Leaf:
    return lambda sight, row: sight.seen(
        child
        for child in sight.inventory.children.get(row.moid, ())
        if not kinds or sight.inventory.kind(child) in kinds
    )


def _one_child(kind: str, name: str = "") -> Leaf:
    def leaf(sight: Sight, row: Managed) -> str | None:
        for child in sight.inventory.children.get(row.moid, ()):
            if sight.inventory.kind(child) == kind and name in ("", sight.inventory.name(child)):
                return child
        return None

    return leaf


def _vms(sight: Sight, row: Managed) -> list[str]:
    return sight.seen(sight.inventory.vms_of.get(row.moid, ()))


def _child_types(sight: Sight, row: Managed) -> list[str]:
    lineage = [row, *sight.inventory.above(row.moid)]
    for each in lineage:
        if each.name in CHILD_TYPES and sight.inventory.kind(each.parent) == "Datacenter":
            return CHILD_TYPES[each.name]
    return ["Folder", "Datacenter"]


CHILD_TYPES = {
    "vm": ["Folder", "VirtualMachine", "VirtualApp"],
    "host": ["Folder", "ComputeResource"],
    "datastore": ["Folder", "Datastore"],
    "network": ["Folder", "Network", "DistributedVirtualSwitch"],
}


def _owner(sight: Sight, row: Managed) -> str | None:
    kinds = ("ComputeResource", "ClusterComputeResource")
    return next((above.moid for above in sight.inventory.above(row.moid) if above.kind in kinds), None)


def _mounts(sight: Sight, row: Managed) -> list[dict[str, Any]]:
    hosts = [
        host for host in sight.inventory.in_datacenter(row.moid, ("HostSystem",))
        if row.moid in _told(sight, sight.inventory.managed[host], "datastore", ("Datastore",))
    ]  # fmt: skip
    mount = {"path": f"/vmfs/volumes/{row.name}", "accessMode": "readWrite", "mounted": True, "accessible": True}
    return [{"key": host, "mountInfo": mount} for host in sight.seen(hosts)]


def _firmware(_sight: Sight, row: Managed) -> str | None:
    return f"{FIRMWARE}{row.moid}" if row.properties.get("offersBundle") else None


def _or(name: str, otherwise: Any) -> Leaf:
    """Return a leaf of what the row says at a path, else something computed or plain."""
    parts = name.split(".")

    def leaf(sight: Sight, row: Managed) -> Any:
        told = walk(row.properties, parts)
        if told is not None:
            return told
        return otherwise(sight, row) if callable(otherwise) else otherwise

    return leaf


def connection_of(row: Managed) -> Any:
    """Return a host's connection state."""
    return walk(row.properties, ("runtime", "connectionState")) or row.properties.get("connection") or "connected"


def _product(_sight: Sight, row: Managed) -> dict[str, Any]:
    told = walk(row.properties, ("summary", "config", "product")) or {}
    embedded = bool(row.properties.get("offersBundle"))
    usual = {
        "name": "VMware ESXi" if embedded else "VMware ESX",
        "vendor": "VMware, Inc.",
        "osType": "vmnix-x86",
        "productLineId": "embeddedEsx" if embedded else "esx",
        "apiType": "HostAgent",
        "apiVersion": str(told.get("version", "")).rpartition(".")[0],
    }
    return {**usual, **told}


HOST: dict[str, Leaf] = {
    "vm": _vms,
    "datastore": lambda sight, row: _told(sight, row, "datastore", ("Datastore",)),
    "network": lambda sight, row: _told(sight, row, "network", NETWORKS),
    "runtime.connectionState": lambda _sight, row: connection_of(row),
    "runtime.powerState": _or("runtime.powerState", "poweredOn"),
    "summary.host": own("moid"),
    "summary.overallStatus": status,
    "summary.config.name": own("name"),
    "summary.config.port": _or("summary.config.port", 443),
    "summary.runtime.connectionState": lambda _sight, row: connection_of(row),
    "summary.runtime.powerState": _or("runtime.powerState", "poweredOn"),
    "configManager.firmwareSystem": _firmware,
    "summary.config.product": _product,
    "config.product": _product,
}
COMPUTE: dict[str, Leaf] = {
    "host": _children("HostSystem"),
    "resourcePool": _one_child("ResourcePool"),
    "datastore": lambda sight, row: _told(sight, row, "datastore", ("Datastore",)),
    "network": lambda sight, row: _told(sight, row, "network", NETWORKS),
    "summary.numHosts": lambda sight, row: len(_children("HostSystem")(sight, row)),
    "summary.overallStatus": status,
}
SWITCH: dict[str, Leaf] = {
    "uuid": _or("uuid", lambda _sight, row: row.properties.get("config", {}).get("uuid", row.moid)),
    "portgroup": lambda sight, row: sight.seen(
        other for other in sight.inventory.in_datacenter(row.moid, ("DistributedVirtualPortgroup",))
        if sight.inventory.managed[other].properties.get("switch") == row.moid
    ),
    "config.uuid": _or("config.uuid", lambda _sight, row: row.properties.get("uuid", row.moid)),
    "config.name": own("name"),
    "config.uplinkPortPolicy": _or("config.uplinkPortPolicy", lambda _sight, _row: {
        "_type": "DVSNameArrayUplinkPortPolicy", "uplinkPortName": ["dvUplink1", "dvUplink2"]}),
    "summary.name": own("name"),
    "summary.uuid": _or("uuid", lambda _sight, row: row.moid),
}  # fmt: skip
KINDS: dict[str, dict[str, Leaf]] = {
    "VirtualMachine": VM,
    "Folder": {"childEntity": _children(), "childType": _child_types},
    "Datacenter": {
        **{path: _one_child("Folder", name) for name, path in FOLDERS.items()},
        "datastore": lambda sight, row: sight.seen(sight.inventory.in_datacenter(row.moid, ("Datastore",))),
        "network": lambda sight, row: sight.seen(sight.inventory.in_datacenter(row.moid, NETWORKS)),
    },
    "ComputeResource": COMPUTE,
    "ClusterComputeResource": {
        **COMPUTE,
        "configuration": _or("configuration", lambda _sight, _row: {}),
        "configurationEx": _or("configuration", lambda _sight, _row: {}),
    },
    "HostSystem": HOST,
    "ResourcePool": {
        "owner": _owner,
        "resourcePool": _children("ResourcePool"),
        "vm": _vms,
        "config": _or("config", lambda _sight, _row: {}),
        "summary.name": own("name"),
    },
    "Datastore": {
        "vm": _vms,
        "host": _mounts,
        "summary.datastore": own("moid"),
        "summary.name": own("name"),
        "summary.url": _or("summary.url", lambda _sight, row: f"ds:///vmfs/volumes/{row.moid}/"),
        "summary.type": _or("summary.type", "VMFS"),
        "summary.accessible": _or("summary.accessible", True),
        "info.name": own("name"),
        "info.url": _or("summary.url", lambda _sight, row: f"ds:///vmfs/volumes/{row.moid}/"),
    },
    "Network": {"vm": _vms, "summary.name": own("name"), "summary.network": own("moid"),
                "summary.accessible": lambda _sight, _row: True},
    "DistributedVirtualPortgroup": {
        "vm": _vms,
        "key": own("moid"),
        "summary.name": own("name"),
        "summary.network": own("moid"),
        "summary.accessible": lambda _sight, _row: True,
        "config.key": own("moid"),
        "config.name": own("name"),
        "config.type": _or("config.type", "earlyBinding"),
        "config.distributedVirtualSwitch": lambda _sight, row: row.properties.get("switch"),
    },
    "VmwareDistributedVirtualSwitch": SWITCH,
    "DistributedVirtualSwitch": SWITCH,
}  # fmt: skip
