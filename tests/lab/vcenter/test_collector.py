from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi.VmomiSupport import Object

from app.lab.lab import Lab
from app.lab.rows import VCenter, Vm
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import method_of, vim, vmodl
from tests.lab.vcenter.client import Client, Collector, Connect, trusting


def pages(client: Client, size: int | None, *paths: str) -> list[Any]:
    options = Collector.RetrieveOptions(maxObjects=size)
    collector = client.content.propertyCollector
    found = [collector.RetrievePropertiesEx([client.spec(vim.VirtualMachine, *paths)], options)]
    while found[-1].token:
        found.append(collector.ContinueRetrievePropertiesEx(found[-1].token))
    return found


@pytest.mark.parametrize("size", [1, 7, 1000, None])
def test_pages_hold_everything_once(server: VCenterServer, connect: Connect, lab: Lab, size: int | None) -> None:
    found = pages(connect(server), size, "name")
    moids = [one.obj._moId for page in found for one in page.objects]
    assert sorted(moids) == sorted(row.moid for row in lab.world.all(Vm, vcenter="vc1"))
    assert all(len(page.objects) <= (size or 1000) for page in found)


def test_a_token_is_good_once_and_for_its_own_session_only(server: VCenterServer, connect: Connect) -> None:
    one, other = connect(server), connect(server)
    options = Collector.RetrieveOptions(maxObjects=5)
    spec = one.spec(vim.VirtualMachine, "name")
    token = one.content.propertyCollector.RetrievePropertiesEx([spec], options).token
    with pytest.raises(vmodl.fault.InvalidArgument):
        other.content.propertyCollector.ContinueRetrievePropertiesEx(token)
    one.content.propertyCollector.ContinueRetrievePropertiesEx(token)
    with pytest.raises(vmodl.fault.InvalidArgument):
        one.content.propertyCollector.ContinueRetrievePropertiesEx(token)


def test_a_cancelled_token_gives_nothing_more(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    collector = client.content.propertyCollector
    spec = client.spec(vim.VirtualMachine, "name")
    token = collector.RetrievePropertiesEx([spec], Collector.RetrieveOptions(maxObjects=5)).token
    collector.CancelRetrievePropertiesEx(token)
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector.ContinueRetrievePropertiesEx(token)


def test_what_vanishes_between_two_pages_is_left_out(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    collector = client.content.propertyCollector
    spec = client.spec(vim.VirtualMachine, "name")
    first = collector.RetrievePropertiesEx([spec], Collector.RetrieveOptions(maxObjects=40))
    given = {one.obj._moId for one in first.objects}
    gone = next(row for row in lab.world.all(Vm, vcenter="vc1") if row.moid not in given)
    lab.world.change("test", "a VM is deleted", drop=[gone])
    rest = collector.ContinueRetrievePropertiesEx(first.token)
    assert gone.moid not in {one.obj._moId for one in rest.objects}
    assert len(given) + len(rest.objects) == len(lab.world.all(Vm, vcenter="vc1"))


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_no_size_is_refused(server: VCenterServer, connect: Connect, size: int) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument):
        pages(connect(server), size, "name")


def test_pages_came_with_api_4_1(
    old_server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    assert pages(connect(old_server), 3, "name")
    change(lab.world.require(VCenter, "vc2"), api="4.0", version="4.0.0")
    client = connect(old_server)
    with pytest.raises(vmodl.fault.MethodNotFound):
        pages(client, 3, "name")
    assert client.list(vim.VirtualMachine, "name")


def test_a_filter_that_selects_nothing_is_answered_with_nothing(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    assert client.list(vim.VirtualApp, "name") == {}
    spec = client.spec(vim.VirtualApp, "name")
    assert client.content.propertyCollector.RetrievePropertiesEx([spec], Collector.RetrieveOptions()) is None


def walking(client: Client) -> Any:
    """The classic filter: from the root folder down through all folders, without a view."""
    here = [Collector.SelectionSpec(name=name) for name in ("folders", "centers")]
    folders = Collector.TraversalSpec(name="folders", type=vim.Folder, path="childEntity", skip=False, selectSet=here)
    centers = Collector.TraversalSpec(name="centers", type=vim.Datacenter, path="vmFolder", skip=False, selectSet=here)
    return Collector.FilterSpec(
        propSet=[Collector.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])],
        objectSet=[Collector.ObjectSpec(obj=client.content.rootFolder, skip=False, selectSet=[folders, centers])],
    )


def test_walking_down_the_folders_finds_what_a_view_finds(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    walked = client.content.propertyCollector.RetrieveContents([walking(client)])
    assert {one.obj._moId for one in walked} == set(client.list(vim.VirtualMachine, "name"))


def test_a_selection_that_nobody_named_is_refused(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    spec = walking(client)
    spec.objectSet[0].selectSet[0].selectSet = [Collector.SelectionSpec(name="elsewhere")]
    with pytest.raises(vmodl.fault.InvalidArgument):
        client.content.propertyCollector.RetrieveContents([spec])


def test_a_traversal_along_something_that_is_no_object_is_refused(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    spec = walking(client)
    spec.objectSet[0].selectSet[0].path = "name"
    with pytest.raises(vmodl.query.InvalidProperty):
        client.content.propertyCollector.RetrieveContents([spec])


def test_an_object_that_is_not_there_is_a_fault_unless_the_filter_bears_it(
    server: VCenterServer, connect: Connect
) -> None:
    client = connect(server)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
        client.at(vim.VirtualMachine("vm-9", client.stub), "name")
    assert caught.value.obj._moId == "vm-9"
    spec = Collector.FilterSpec(
        propSet=[Collector.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])],
        objectSet=[Collector.ObjectSpec(obj=vim.VirtualMachine("vm-9", client.stub))],
        reportMissingObjectsInResults=True,
    )
    assert client.content.propertyCollector.RetrieveContents([spec]) == []


def test_a_reference_of_the_wrong_type_names_nothing(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    moid = next(iter(client.list(vim.VirtualMachine, "name")))
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        client.at(vim.HostSystem(moid, client.stub), "name")


def test_a_list_view_holds_what_it_was_given(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    moids = list(client.list(vim.VirtualMachine, "name"))[:3]
    view = client.content.viewManager.CreateListView([vim.VirtualMachine(moid, client.stub) for moid in moids])
    spec = client.spec(vim.VirtualMachine, "name")
    spec.objectSet[0].obj = view
    spec.objectSet[0].selectSet[0].type = vim.view.ListView
    found = client.content.propertyCollector.RetrieveContents([spec])
    assert [one.obj._moId for one in found] == moids


def test_a_view_ends_when_it_is_destroyed_and_belongs_to_its_session(server: VCenterServer, connect: Connect) -> None:
    one, other = connect(server), connect(server)
    view = one.content.viewManager.CreateContainerView(one.content.rootFolder, [vim.VirtualMachine], True)
    assert len(view.view) == len(one.list(vim.VirtualMachine, "name"))
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vim.view.ContainerView(view._moId, other.stub).view
    view.Destroy()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = view.view


def test_a_view_that_does_not_descend_holds_children_only(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    view = client.content.viewManager.CreateContainerView(client.content.rootFolder, [], False)
    assert [type(one) for one in view.view] == [vim.Datacenter]


def test_a_view_of_a_resource_pool_and_of_a_host_holds_their_vms(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    client = connect(server)
    vms = lab.world.all(Vm, vcenter="vc1")
    host = vms[0].host
    view = client.content.viewManager.CreateContainerView(vim.HostSystem(host, client.stub), [vim.VirtualMachine], True)
    assert {one._moId for one in view.view} == {row.moid for row in vms if row.host == host}


def test_a_vm_is_no_container(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    moid = next(iter(client.list(vim.VirtualMachine, "name")))
    with pytest.raises(vmodl.fault.InvalidArgument):
        client.content.viewManager.CreateContainerView(vim.VirtualMachine(moid, client.stub), [], True)


def test_the_world_is_seen_as_it_is_now(
    server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    client = connect(server)
    row = lab.world.all(Vm, vcenter="vc1")[0]
    assert client.list(vim.VirtualMachine, "runtime.powerState")[row.moid]["runtime.powerState"] == row.power
    change(row, power="suspended")
    assert client.list(vim.VirtualMachine, "runtime.powerState")[row.moid]["runtime.powerState"] == "suspended"


def test_a_small_question_is_answered_while_a_big_answer_is_stuck_half_way(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    more = [Vm(**{**{name: getattr(row, name) for name in row.__struct_fields__}, "moid": f"vm-{n}"})
            for n in range(100_000, 104_000)]  # fmt: skip
    lab.world.change("test", "many more VMs", *more)
    client, other = connect(server), connect(server)
    request = client.stub.SerializeRequest(
        client.content.propertyCollector, method_of(type(client.content.propertyCollector), "RetrieveProperties"),
        ([client.spec(vim.VirtualMachine, "config", "summary", "layoutEx")],),
    )  # fmt: skip
    head = (
        f"POST /sdk HTTP/1.1\r\nHost: x\r\nContent-Length: {len(request)}\r\n"
        f'Cookie: {client.stub.cookie.partition(";")[0]}\r\nSOAPAction: "urn:vim25/5.0"\r\n\r\n'
    )
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", server.port))
    with trusting(server).wrap_socket(raw) as stuck:
        stuck.sendall(head.encode() + request)
        assert stuck.recv(100).startswith(b"HTTP/1.1 200")  # it is on its way, and nobody reads on
        assert other.service.CurrentTime()
        assert other.list(vim.HostSystem, "name")


def test_fetch_is_known_as_pyvmomis_way_of_reading_one_property() -> None:
    assert isinstance(method_of(vim.ServiceInstance, "Fetch", "content"), Object)
    assert method_of(vim.ServiceInstance, "Fetch", "nonsense") is None
