from __future__ import annotations

import datetime
import json
from collections.abc import Callable

import msgspec
import pytest

from app.connectors.vsphere import VSphere
from app.errors import CouldNotLook, UserError
from app.lab.lab import Lab
from app.lab.rows import (
    Account,
    CustomField,
    Managed,
    Permission,
    Role,
    VCenter,
    VcScheduledTask,
    VcTask,
    Vm,
)  # fmt: skip
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.tree import Inventory
from app.view.tasks import Operation
from app.wire import Command
from tests.connectors.vsphere.conftest import Open


def test_about_and_clock(vsphere: VSphere, lab: Lab) -> None:
    row = lab.world.require(VCenter, "vc1")
    about = vsphere.about()
    assert (about.version, about.build, about.api, about.instance_uuid) == (
        "5.0.0",
        row.build,
        "5.0",
        row.instance_uuid,
    )
    assert vsphere.clock().tzinfo is datetime.UTC
    assert abs(vsphere.clock().timestamp() - lab.world.now()) < 60


@pytest.mark.parametrize("api", ["4.0", "4.1", "5.0", "5.1", "5.5"])
def test_every_api_version_is_read_alike(
    server: VCenterServer, open_: Open, lab: Lab, change: Callable[..., None], sent: list[Command], api: str
) -> None:
    change(lab.world.require(VCenter, "vc1"), api=api)
    vsphere = open_(server)
    assert vsphere.about().api == api
    assert {vm.moid for vm in vsphere.vms()} == {row.moid for row in lab.world.all(Vm, vcenter="vc1")}
    assert vsphere.inventory()["unread"] == {}
    assert vsphere.running_tasks().how == "collector"
    read = {command.text.partition(" ")[0] for command in sent} & {"RetrieveProperties", "RetrievePropertiesEx"}
    assert read == ({"RetrieveProperties"} if api == "4.0" else {"RetrievePropertiesEx"})


def test_vms_are_told_with_identity_place_and_state(vsphere: VSphere, lab: Lab) -> None:
    inventory = Inventory(lab.world, "vc1")
    told = {vm.moid: vm for vm in vsphere.vms()}
    for row in lab.world.all(Vm, vcenter="vc1"):
        vm = told.pop(row.moid)
        assert (vm.name, vm.instance_uuid, vm.bios_uuid, vm.vmx) == (row.name, row.instance_uuid, row.uuid, row.vmx)
        assert (vm.path, vm.datacenter) == (inventory.path(row.moid), "Beijing")
        assert (vm.host, vm.folder, vm.power, vm.connection) == (row.host, row.folder, row.power, row.connection)
        assert (vm.template, vm.resource_pool) == (row.template, "" if row.template else row.resource_pool)
        assert vm.missing == ()
    assert not told


def test_a_list_is_one_call_and_its_pages(server: VCenterServer, open_: Open, lab: Lab, sent: list[Command]) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    more = [msgspec.structs.replace(row, moid=f"vm-{number}") for number in range(200_000, 201_200)]
    lab.world.change("test", "more VMs", *more)
    vsphere = open_(server)
    found = list(vsphere.read("VirtualMachine", ("name", "runtime.host")))
    assert len({one.moid for one in found}) == len(found) == len(lab.world.all(Vm, vcenter="vc1"))
    calls = [command.text.partition(" ")[0] for command in sent]
    assert calls.count("RetrievePropertiesEx") == 1
    assert calls.count("ContinueRetrievePropertiesEx") == 2
    assert not any(command.changes for command in sent)


def test_several_kinds_are_one_list(vsphere: VSphere) -> None:
    assert {one.kind for one in vsphere.read(("Folder", "Datacenter"), ("name",))} == {"Folder", "Datacenter"}


def test_missing_is_told_apart_from_empty(server: VCenterServer, open_: Open, lab: Lab) -> None:
    folder = next(row for row in lab.world.all(Managed, vcenter="vc1", kind="Folder") if row.name == "Servers")
    lab.passwords.of("PRACTICE\\clerk")
    role = Role(vcenter="vc1", id=77, name="Looker", privileges=("System.View", "System.Anonymous"))
    permission = Permission(vcenter="vc1", entity=folder.moid, principal="PRACTICE\\clerk", role=77)
    lab.world.change("test", "a clerk", Account(name="PRACTICE\\clerk"), role, permission)
    clerk, keeper = (open_(server, account=account) for account in ("PRACTICE\\clerk", "PRACTICE\\viewkeeper"))
    for one in clerk.read("VirtualMachine", ("name", "snapshot", "config.uuid")):
        assert set(one.values) == {"name"}
        assert one.missing == {"snapshot": "NoPermission: System.Read", "config.uuid": "NoPermission: System.Read"}
    assert all("config.uuid" in vm.missing for vm in clerk.vms())
    whole = {one.moid: one for one in keeper.read("VirtualMachine", ("name", "snapshot"))}
    for row in lab.world.all(Vm, vcenter="vc1"):
        assert ("snapshot" in whole[row.moid].values) == bool(row.snapshots)
        assert whole[row.moid].missing == {}


def test_an_unknown_path_is_an_error_and_no_empty_list(vsphere: VSphere) -> None:
    with pytest.raises(CouldNotLook, match="could not answer"):
        list(vsphere.read("VirtualMachine", ("nonsense",)))


def test_the_inventory_holds_what_is_needed_to_build_it_again(vsphere: VSphere, lab: Lab) -> None:
    told = json.loads(json.dumps(vsphere.inventory()))
    world, paths = lab.world, Inventory(lab.world, "vc1")
    kinds = {
        "datacenters": "Datacenter", "folders": "Folder", "clusters": "ClusterComputeResource", "hosts": "HostSystem",
        "resource_pools": "ResourcePool", "datastores": "Datastore", "networks": "Network",
        "switches": "VmwareDistributedVirtualSwitch", "portgroups": "DistributedVirtualPortgroup",
    }  # fmt: skip
    for section, kind in kinds.items():
        rows = [row for row in world.all(Managed, vcenter="vc1", kind=kind) if row.moid != paths.root]
        assert {(one["moid"], one["name"], one["path"]) for one in told[section]} == {
            (row.moid, row.name, paths.path(row.moid)) for row in rows
        }, section
        assert all("missing" not in one for one in told[section])
    cluster = told["clusters"][0]
    assert (cluster["availability"]["enabled"], cluster["scheduler"]["defaultVmBehavior"]) == (True, "fullyAutomated")
    assert told["switches"][0]["config"]["numPorts"] == 512
    assert told["hosts"][0]["product"]["version"] == "5.0.0"
    assert {(one["id"], one["name"]) for one in told["roles"]} >= {
        (row.id, row.name) for row in world.all(Role, vcenter="vc1")
    }
    assert len(told["permissions"]) == len(world.all(Permission, vcenter="vc1"))
    assert {one["name"] for one in told["custom_fields"]} == {row.name for row in world.all(CustomField, vcenter="vc1")}


def test_the_inventory_holds_each_vms_identity_snapshots_and_custom_values(vsphere: VSphere, lab: Lab) -> None:
    told = {vm["moid"]: vm for vm in vsphere.inventory()["vms"]}
    assert len(told) == len(lab.world.all(Vm, vcenter="vc1"))
    for row in lab.world.all(Vm, vcenter="vc1"):
        vm = told[row.moid]
        assert (vm["instance_uuid"], vm["vmx"], vm["folder"], vm["host"]) == (
            row.instance_uuid, row.vmx, row.folder, row.host)  # fmt: skip
        assert {one["path"] for one in vm["snapshots"]} == {shot.path for shot in row.snapshots}
        assert vm["custom"] == row.custom


def test_what_an_account_may_not_read_of_the_inventory_is_named(
    server: VCenterServer, open_: Open, fault: Callable[..., None]
) -> None:
    fault("RetrieveAllPermissions*", "fail", detail="NoPermission")
    told = open_(server).inventory()
    assert told["unread"] == {"permissions": "NoPermission"}
    assert "permissions" not in told


def test_hosts_say_whether_they_offer_a_bundle(old_server: VCenterServer, open_: Open, lab: Lab) -> None:
    told = {host.moid: host for host in open_(old_server).hosts()}
    for row in lab.world.all(Managed, vcenter="vc2", kind="HostSystem"):
        assert bool(told[row.moid].firmware) == row.properties["offersBundle"]
        assert (told[row.moid].name, told[row.moid].version) == (row.name, "4.1.0")


@pytest.mark.parametrize(
    ("parent", "snapshot", "found"),
    [("{path}", "{shot}", (True, True)), ("/{path}", "{shot}", (True, True)), ("{path}", "/nowhere", (True, False)),
     ("Beijing/vm/nowhere", "{shot}", (False, False)), ("Beijing", "{shot}", (False, False))],
)  # fmt: skip
def test_a_pools_parent_and_snapshot_are_found_by_views_paths(
    vsphere: VSphere, lab: Lab, parent: str, snapshot: str, found: tuple[bool, bool]
) -> None:
    row = next(row for row in lab.world.all(Vm, vcenter="vc1") if len(row.snapshots) > 1)
    path = Inventory(lab.world, "vc1").path(row.moid)
    shot = row.snapshots[-1]
    told = vsphere.parent_and_snapshot(parent.format(path=path), snapshot.format(shot=shot.path))
    assert (bool(told.parent), bool(told.snapshot)) == found
    if found[1]:
        assert (told.parent, told.snapshot) == (row.moid, shot.moid)


# ---- tasks


def task(lab: Lab, number: int, description: str, state: str) -> VcTask:
    row = lab.world.all(Vm, vcenter="vc1")[number]
    return VcTask(
        vcenter="vc1", moid=f"task-{700 + number}", description=description, entity=row.moid, entity_name=row.name,
        state=state, queued=lab.world.now() - 5, started=lab.world.now() - 4, progress=12,
    )  # fmt: skip


@pytest.fixture
def tasks(lab: Lab) -> list[VcTask]:
    made = [
        task(lab, 0, "VirtualMachine.clone", "running"), task(lab, 1, "VirtualMachine.reconfigure", "queued"),
        task(lab, 2, "VirtualMachine.destroy", "running"), task(lab, 3, "VirtualMachine.powerOn", "running"),
        task(lab, 4, "VirtualMachine.clone", "success"),
    ]  # fmt: skip
    lab.world.change("test", "tasks", *made)
    return made


@pytest.mark.parametrize("how", ["collector", "recentTask"])
def test_unfinished_tasks_are_found_by_a_collector_or_else_among_the_recent(
    vsphere: VSphere, tasks: list[VcTask], fault: Callable[..., None], how: str
) -> None:
    if how == "recentTask":
        fault("CreateCollectorForTasks*", "fail", detail="NotSupported")
    told = vsphere.running_tasks()
    assert told.how == how
    assert {(one.moid, one.description, one.entity, one.entity_name, one.state) for one in told.tasks} == {
        (row.moid, row.description, row.entity, row.entity_name, row.state) for row in tasks[:4]
    }
    assert [one.operation for one in sorted(told.tasks, key=lambda one: one.moid)] == [
        Operation.CREATE, Operation.RECOMPOSE, Operation.DELETE, Operation.OTHER
    ]  # fmt: skip
    assert [one.description for one in told.unknown_on({tasks[3].entity})] == ["VirtualMachine.powerOn"]
    assert told.unknown_on({tasks[0].entity}) == ()


def test_more_tasks_than_one_reading_gives_are_all_found(vsphere: VSphere, lab: Lab) -> None:
    row = task(lab, 0, "VirtualMachine.clone", "queued")
    lab.world.change("test", "tasks", *(msgspec.structs.replace(row, moid=f"task-{n}") for n in range(2000, 2250)))
    assert len(vsphere.running_tasks().tasks) == 250


def test_a_collector_that_fails_otherwise_is_not_taken_for_none(vsphere: VSphere, fault: Callable[..., None]) -> None:
    fault("CreateCollectorForTasks*", "fail")
    with pytest.raises(CouldNotLook):
        vsphere.running_tasks()


def test_scheduled_tasks(vsphere: VSphere, lab: Lab) -> None:
    row = lab.world.all(VcScheduledTask, vcenter="vc1")[0]
    told = vsphere.scheduled_tasks()
    assert [(one.moid, one.name, one.entity) for one in told] == [(row.moid, row.name, row.entity)]
    assert told[0].next_run == datetime.datetime.fromtimestamp(row.next_run, datetime.UTC)


# ---- rights


@pytest.mark.parametrize("api", ["4.0", "5.0"])
def test_privileges_are_read_from_the_roles_that_count(
    server: VCenterServer, open_: Open, lab: Lab, change: Callable[..., None], api: str
) -> None:
    change(lab.world.require(VCenter, "vc1"), api=api)
    asked = ("System.Read", "Host.Config.Firmware", "Datastore.Browse")
    assert open_(server).has_privileges(asked) == dict.fromkeys(asked, True)
    auditor = open_(server, account="PRACTICE\\auditor")
    assert auditor.has_privileges(asked) == {"System.Read": True, "Host.Config.Firmware": False,
                                             "Datastore.Browse": False}  # fmt: skip


def test_privileges_on_another_entity(server: VCenterServer, open_: Open, lab: Lab) -> None:
    host = lab.world.all(Managed, vcenter="vc1", kind="HostSystem")[0].moid
    lab.world.change(
        "test", "a permission", Permission(vcenter="vc1", entity=host, principal="PRACTICE\\auditor", role=-1)
    )
    auditor = open_(server, account="PRACTICE\\auditor")
    assert auditor.has_privileges(("Host.Config.Firmware",), kind="HostSystem", entity=host) == {
        "Host.Config.Firmware": True
    }


def test_a_missing_right_is_named_with_its_entity(server: VCenterServer, open_: Open) -> None:
    auditor = open_(server, account="PRACTICE\\auditor")
    host = auditor.hosts()[0].moid
    with pytest.raises(UserError) as caught:
        auditor.host_bundle(host)
    assert f"lacks the privilege Host.Config.Firmware on HostSystem:{host}" in str(caught.value)
    assert "PRACTICE\\auditor" in str(caught.value)
    assert not isinstance(caught.value, CouldNotLook)
