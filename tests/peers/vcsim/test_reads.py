"""Every read of the vSphere connector against VMware's own simulator with 5,000 virtual machines.

It speaks API 6.5. What it lacks: task collectors, hosts' configuration bundles and the content of .vmx files, where the
connector must say so; paging, accounts with fewer rights, custom fields, scheduled tasks, snapshots as View makes them,
where this proves nothing.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app.connectors.vsphere import VSphere
from app.errors import CouldNotLook, UserError
from app.profile import VCenter
from app.wire import Command

CLUSTERS, HOSTS, MACHINES, DATASTORES = 2, 16, 5000, 4


pytestmark = pytest.mark.timeout(400)  # the simulator is built, and makes its machines, in the first test's time


@pytest.fixture
def sent() -> list[Command]:
    return []


@pytest.fixture
def vsphere(vcsim: Any, sent: list[Command]) -> Iterator[VSphere]:
    profile = VCenter(name="sim", address="127.0.0.1", port=vcsim.port, account=vcsim.account)
    with VSphere(profile, vcsim.password, context=vcsim.context, tap=sent.append) as opened:
        yield opened


def calls(sent: list[Command]) -> Counter[str]:
    return Counter(command.text.split()[0] for command in sent)


def test_the_server_tells_what_it_is(vsphere: VSphere) -> None:
    about = vsphere.about()
    assert (about.name, about.api, about.version) == ("VMware vCenter Server", "6.5", "6.5.0")
    assert about.build
    assert about.instance_uuid


def test_the_clock_is_read_in_utc(vsphere: VSphere) -> None:
    assert abs(vsphere.clock() - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)


def test_every_machine_is_read_with_its_identity(vsphere: VSphere) -> None:
    vms = vsphere.vms()
    assert len(vms) == MACHINES
    assert len({vm.instance_uuid for vm in vms}) == len({vm.moid for vm in vms}) == MACHINES
    assert all(vm.path == f"DC0/vm/{vm.name}" and vm.datacenter == "DC0" for vm in vms)
    assert all(vm.vmx.endswith(f"/{vm.name}.vmx") and vm.host and vm.folder and vm.resource_pool for vm in vms)
    assert {(vm.power, vm.connection, vm.template, vm.missing) for vm in vms} == {("poweredOn", "connected", False, ())}


def test_a_list_of_all_machines_costs_one_question(vsphere: VSphere, sent: list[Command]) -> None:
    found = list(vsphere.read("VirtualMachine", ["name", "runtime.connectionState", "config.instanceUuid"]))
    assert len(found) == MACHINES
    assert all(len(one.values) == 3 and not one.missing for one in found)
    assert calls(sent)["RetrievePropertiesEx"] == 1
    assert sum(calls(sent).values()) < 12, sent


def test_several_kinds_are_read_at_once(vsphere: VSphere) -> None:
    kinds = Counter(one.kind for one in vsphere.read(["HostSystem", "Datastore", "ClusterComputeResource"], ["name"]))
    assert kinds == {"HostSystem": HOSTS, "Datastore": DATASTORES, "ClusterComputeResource": CLUSTERS}


def test_hosts_are_read(vsphere: VSphere) -> None:
    hosts = vsphere.hosts()
    assert len(hosts) == HOSTS
    assert {(host.version, host.connection) for host in hosts} == {("6.5.0", "connected")}


def test_the_whole_inventory_is_read_and_fits_into_json(vsphere: VSphere) -> None:
    told = vsphere.inventory()
    counted = {part: len(told[part]) for part in ("datacenters", "clusters", "hosts", "datastores", "switches", "vms")}
    assert list(counted.values()) == [1, CLUSTERS, HOSTS, DATASTORES, 1, MACHINES]
    assert told["unread"] == {}
    assert told["folders"]
    assert told["resource_pools"]
    assert told["permissions"]
    assert {"Admin", "ReadOnly"} <= {role["name"] for role in told["roles"]}
    assert json.loads(json.dumps(told))["vms"][0]["name"]


def test_without_task_collectors_the_recent_tasks_are_read_and_it_says_so(vsphere: VSphere) -> None:
    tasks = vsphere.running_tasks()
    assert (tasks.how, tasks.tasks) == ("recentTask", ())


def test_no_scheduled_task_is_an_answer(vsphere: VSphere) -> None:
    assert vsphere.scheduled_tasks() == ()


def test_privileges_are_read(vsphere: VSphere) -> None:
    assert vsphere.has_privileges(["System.View", "No.Such"]) == {"System.View": True, "No.Such": False}


def test_a_parent_is_found_by_its_path_and_a_missing_one_is_not(vsphere: VSphere) -> None:
    vm = vsphere.vms()[MACHINES // 2]
    assert vsphere.parent_and_snapshot(f"/{vm.path}", "/none").parent == vm.moid
    assert vsphere.parent_and_snapshot(f"/{vm.path}", "/none").snapshot == ""
    assert vsphere.parent_and_snapshot("/DC0/vm/none", "/none").parent == ""


def test_a_vmx_without_the_machines_identity_is_not_taken_for_one(vsphere: VSphere) -> None:
    with pytest.raises(CouldNotLook, match="UUIDs"):
        vsphere.vmx(vsphere.vms()[0])


def test_a_bundle_that_the_host_does_not_give_is_an_error_that_says_so(vsphere: VSphere) -> None:
    with pytest.raises(UserError, match="HostFirmwareSystem"):
        vsphere.host_bundle(vsphere.hosts()[0].moid)


def test_a_wrong_password_is_told_without_it(vcsim: Any) -> None:
    profile = VCenter(name="sim", address="127.0.0.1", port=vcsim.port, account=vcsim.account)
    with VSphere(profile, "wr0ng-password", context=vcsim.context) as vsphere, pytest.raises(UserError) as refused:
        vsphere.about()
    assert "wr0ng-password" not in f"{refused.value} {refused.value.details}"


def test_a_session_that_the_server_has_forgotten_is_opened_anew(vsphere: VSphere) -> None:
    assert len(vsphere.hosts()) == HOSTS
    vsphere._session.content.sessionManager.Logout()
    assert len(vsphere.hosts()) == HOSTS
