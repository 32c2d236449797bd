"""What Composer, vCenter and View keep in their databases, shown from the world's rows.

Composer's schema is not public: names are of VMware's KB 2015112, and inferred beyond it. vCenter's tables are named as
scripts of its administrators name them, View's event tables as its manual does with the prefix VE_."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from app.lab.rows import Broker, Composer, ComposerRequest, EventRecord, Managed, VCenter, Vm
from app.lab.sqlserver.properties import object_number
from app.lab.sqlserver.relations import Look, Relation, fields

REPLICA = "replica-"
FOREIGN = "CMP_"
"""Where a database's schema is "foreign", Composer's tables have another beginning and other columns."""


def tables(look: Look) -> dict[tuple[str, str], Relation]:
    """Return the tables of the database that is looked into; none where it holds nothing of ours."""
    kind, _, _ = look.database.row.content.partition(":")
    found = _BY_CONTENT.get(kind, ())
    if kind == "composer" and look.database.row.schema == "foreign":
        found = tuple(_foreign(table) for table in found)
    return {(table.schema, table.name.lower()): table for table in found}


def _foreign(table: Relation) -> Relation:
    return replace(
        table, name=table.name.replace("SVI_", FOREIGN),
        fields=tuple(replace(field, name=f"F{place}_{field.name[:3]}") for place, field in enumerate(table.fields)),
    )  # fmt: skip


def _owner(look: Look) -> str:
    return look.database.row.content.partition(":")[2]


# ---- Composer


def _virtual_machines(look: Look) -> list[Vm]:
    composer = look.instance.world.get(Composer, _owner(look))
    return look.instance.world.all(Vm, vcenter=composer.vcenter) if composer else []


def _replica_of(vm: Vm) -> str:
    """Return the replica that a linked clone's disks hang on, "" where it is none."""
    for disk in vm.disks:
        for part in disk.parent.replace("]", "/").split("/"):
            if part.strip().startswith(REPLICA):
                return part.strip().removesuffix(".vmdk")
    return ""


def _clones(look: Look) -> Iterator[tuple[Vm, str]]:
    for vm in _virtual_machines(look):
        replica = _replica_of(vm)
        if replica and not vm.protected:
            yield vm, replica


def _number(moid: str) -> int:
    digits = moid.rpartition("-")[2]
    return int(digits) if digits.isdigit() else object_number(moid)


def _clone_rows(look: Look) -> Iterator[dict[str, Any]]:
    for vm, replica in _clones(look):
        yield {"ID": _number(vm.moid), "VM_NAME": vm.name, "VM_MOID": vm.moid, "VM_UUID": vm.uuid,
               "REPLICA_ID": object_number(replica), "COMPUTER_NAME": vm.name.upper()[:15]}  # fmt: skip


def _vm_names(look: Look) -> Iterator[dict[str, Any]]:
    yield from ({"ID": _number(vm.moid), "NAME": vm.name} for vm, _ in _clones(look))


def _computer_names(look: Look) -> Iterator[dict[str, Any]]:
    yield from ({"ID": _number(vm.moid), "NAME": vm.name.upper()[:15]} for vm, _ in _clones(look))


def _replicas(look: Look) -> Iterator[dict[str, Any]]:
    for vm in _virtual_machines(look):
        if vm.name.startswith(REPLICA):
            yield {"ID": object_number(vm.name), "NAME": vm.name, "VM_MOID": vm.moid, "DATASTORE": vm.datastore}


def _requests(look: Look) -> Iterator[dict[str, Any]]:
    local = look.instance.local
    for request in look.instance.world.all(ComposerRequest, composer=_owner(look)):
        yield {
            "ID": request.id, "OPERATION": request.operation, "POOL_NAME": request.pool, "VM_NAME": request.vm,
            "STATE": request.state, "CREATED": local(request.created),
            "STARTS": local(request.starts) if request.starts else None,
        }  # fmt: skip


def _task_states(look: Look) -> Iterator[dict[str, Any]]:
    by_name = {vm.name.lower(): vm for vm in _virtual_machines(look)}
    for request in look.instance.world.all(ComposerRequest, composer=_owner(look)):
        vm = by_name.get(request.vm.lower())
        yield {"ID": object_number(request.id), "REQUEST_ID": request.id, "STATE": request.state,
               "SIM_CLONE_ID": _number(vm.moid) if vm else None}  # fmt: skip


# ---- vCenter


def _vcenter(look: Look) -> VCenter | None:
    return look.instance.world.get(VCenter, _owner(look))


def _vms(look: Look) -> Iterator[dict[str, Any]]:
    for vm in look.instance.world.all(Vm, vcenter=_owner(look)):
        yield {
            "ID": _number(vm.moid), "FILE_NAME": vm.vmx, "LOCAL_FILE_NAME": vm.vmx,
            "POWER_STATE": int(vm.power == "poweredOn"),
            "HOST_ID": _number(vm.host), "UUID_BIOS": vm.uuid, "UUID_INSTANCE": vm.instance_uuid,
            "DNS_NAME": vm.guest or None,
            "IS_TEMPLATE": int(vm.template), "DESCRIPTION": vm.annotation,
        }  # fmt: skip


def _hosts(look: Look) -> Iterator[dict[str, Any]]:
    for host in look.instance.world.all(Managed, vcenter=_owner(look), kind="HostSystem"):
        yield {"ID": _number(host.moid), "DNS_NAME": host.name, "ENABLED": 1}


def _entities(look: Look) -> Iterator[dict[str, Any]]:
    world, owner = look.instance.world, _owner(look)
    for managed in world.all(Managed, vcenter=owner):
        yield {"ID": _number(managed.moid), "NAME": managed.name, "TYPE_ID": 1,
               "PARENT_ID": _number(managed.parent) if managed.parent else None}  # fmt: skip
    for vm in world.all(Vm, vcenter=owner):
        yield {"ID": _number(vm.moid), "NAME": vm.name, "TYPE_ID": 0, "PARENT_ID": _number(vm.folder)}


def _versions(look: Look) -> Iterator[dict[str, Any]]:
    vcenter = _vcenter(look)
    if vcenter is not None:
        number = 500 if vcenter.version.startswith("5") else 400
        yield {"VER_ID": number, "VERSION_VALUE": f"VirtualCenter Database {vcenter.version}"}


# ---- View's events


def _events(look: Look) -> Iterator[dict[str, Any]]:
    for event in look.instance.world.all(EventRecord, group=_owner(look)):
        yield {
            "EventID": event.id, "Module": "Broker", "EventType": event.kind, "ModuleAndEventText": event.text,
            "Time": look.instance.local(event.time), "Source": "com.vmware.vdi.broker", "Severity": event.severity,
            "Node": _node(look), "Acknowledged": 0, "UserSID": event.user or None, "DesktopId": event.pool or None,
            "MachineId": event.desktop or None,
        }  # fmt: skip


def _node(look: Look) -> str:
    brokers = look.instance.world.all(Broker, group=_owner(look))
    return brokers[0].host if brokers else ""


def _event_data(look: Look) -> Iterator[dict[str, Any]]:
    for event in look.instance.world.all(EventRecord, group=_owner(look)):
        for name, value in (("UserDisplayName", event.user), ("DesktopId", event.pool), ("MachineName", event.desktop)):
            if value:
                yield {"EventID": event.id, "Name": name, "Type": 1, "StrValue": value}


def _nothing(_look: Look) -> Iterator[dict[str, Any]]:
    yield from ()


def _table(name: str, spec: str, rows: Callable[[Look], Iterator[dict[str, Any]]]) -> Relation:
    return Relation("dbo", name, fields(spec), rows, right="read")


_EVENT = (
    "EventID:int Module:nvarchar(255) EventType:nvarchar(255) ModuleAndEventText:nvarchar(512) Time:datetime"
    " Source:nvarchar(255) Severity:nvarchar(64) Node:nvarchar(255) Acknowledged:bit UserSID:nvarchar(255)"
    " DesktopId:nvarchar(255) MachineId:nvarchar(255)"
)
_EVENT_DATA = (
    "EventID:int Name:nvarchar(255) Type:int IntValue:int StrValue:nvarchar(512) TimeValue:datetime BooleanValue:bit"
)
_BY_CONTENT: dict[str, tuple[Relation, ...]] = {
    "composer": (
        _table("SVI_SIM_CLONE", "ID:bigint VM_NAME:nvarchar(255) VM_MOID:nvarchar(255) VM_UUID:nvarchar(255)"
               " REPLICA_ID:bigint COMPUTER_NAME:nvarchar(255)", _clone_rows),
        _table("SVI_VM_NAME", "ID:bigint NAME:nvarchar(255)", _vm_names),
        _table("SVI_COMPUTER_NAME", "ID:bigint NAME:nvarchar(255)", _computer_names),
        _table("SVI_REPLICA", "ID:bigint NAME:nvarchar(255) VM_MOID:nvarchar(255) DATASTORE:nvarchar(255)", _replicas),
        _table("SVI_REQUEST", "ID:nvarchar(64) OPERATION:nvarchar(64) POOL_NAME:nvarchar(255) VM_NAME:nvarchar(255)"
               " STATE:int CREATED:datetime STARTS:datetime", _requests),
        _table("SVI_TASK_STATE", "ID:bigint REQUEST_ID:nvarchar(64) STATE:int SIM_CLONE_ID:bigint", _task_states),
    ),
    "vcenter": (
        _table("VPX_VM", "ID:bigint FILE_NAME:nvarchar(max) LOCAL_FILE_NAME:nvarchar(max) POWER_STATE:int"
               " HOST_ID:bigint"
               " UUID_BIOS:nvarchar(255) UUID_INSTANCE:nvarchar(255) DNS_NAME:nvarchar(255) IS_TEMPLATE:int"
               " DESCRIPTION:nvarchar(max)", _vms),
        _table("VPX_HOST", "ID:bigint DNS_NAME:nvarchar(255) ENABLED:int", _hosts),
        _table("VPX_ENTITY", "ID:bigint NAME:nvarchar(255) TYPE_ID:int PARENT_ID:bigint", _entities),
        _table("VPX_VERSION", "VER_ID:int VERSION_VALUE:nvarchar(255)", _versions),
    ),
    "events": (
        _table("VE_event", _EVENT, _events), _table("VE_event_data", _EVENT_DATA, _event_data),
        _table("VE_event_historical", _EVENT, _nothing), _table("VE_event_data_historical", _EVENT_DATA, _nothing),
    ),
}  # fmt: skip
