from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.founding import found
from app.lab.lab import Lab
from app.lab.rows import Account, Managed, Vm
from app.lab.vcenter import properties, soap
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.sight import Session, Sight
from app.lab.vcenter.soap import vim, vmodl
from app.lab.vcenter.tree import Inventory, Rights
from app.lab.world import World
from tests.lab.vcenter.client import KEEPER, Connect

KINDS = (
    vim.Folder, vim.Datacenter, vim.ClusterComputeResource, vim.HostSystem, vim.ResourcePool, vim.Datastore,
    vim.Network, vim.DistributedVirtualSwitch, vim.dvs.DistributedVirtualPortgroup, vim.VirtualMachine,
)  # fmt: skip
LEAVES = (
    "name", "parent", "config.instanceUuid", "config.uuid", "config.template", "config.files.vmPathName",
    "summary.config.vmPathName", "runtime.connectionState", "runtime.powerState", "runtime.host", "resourcePool",
    "datastore", "network", "snapshot", "layoutEx", "value", "config.hardware.device", "guest.guestState",
)  # fmt: skip


def test_every_leaf_of_a_vm_says_what_its_row_says(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    found = connect(server).list(vim.VirtualMachine, *LEAVES)
    assert set(found) == {row.moid for row in lab.world.all(Vm, vcenter="vc1")}
    for moid, told in found.items():
        row = lab.world.require(Vm, "vc1", moid)
        assert (told["name"], told["config.uuid"], told["config.instanceUuid"]) == (
            row.name,
            row.uuid,
            row.instance_uuid,
        )
        assert told["summary.config.vmPathName"] == told["config.files.vmPathName"] == row.vmx
        assert (told["runtime.connectionState"], told["runtime.powerState"]) == (row.connection, row.power)
        assert (told["parent"]._moId, told["runtime.host"]._moId) == (row.folder, row.host)
        assert told["config.template"] is row.template
        assert [one._moId for one in told["datastore"]] == [row.datastore]
        assert ("snapshot" in told) == bool(row.snapshots)
        assert [disk.backing.fileName for disk in told["config.hardware.device"][1:]] == [one.path for one in row.disks]


def test_a_clones_disk_names_the_replica_that_it_is_a_child_of(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    clone = next(row for row in lab.world.all(Vm, vcenter="vc1") if row.disks[0].parent)
    devices = connect(server).list(vim.VirtualMachine, "config.hardware.device")[clone.moid]["config.hardware.device"]
    assert devices[1].backing.parent.fileName == clone.disks[0].parent


def test_snapshots_are_a_tree(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    parent = next(row for row in lab.world.all(Vm, vcenter="vc1") if len(row.snapshots) > 1)
    told = connect(server).list(vim.VirtualMachine, "snapshot")[parent.moid]["snapshot"]
    paths = []

    def walk(trees: Any, above: str) -> None:
        for tree in trees:
            paths.append(f"{above}/{tree.name}")
            walk(tree.childSnapshotList, paths[-1])

    walk(told.rootSnapshotList, "")
    assert sorted(paths) == sorted(shot.path for shot in parent.snapshots)


def test_a_vm_that_cannot_be_reached_has_no_configuration(
    server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    change(row, connection="inaccessible")
    client = connect(server)
    told = client.at(
        vim.VirtualMachine(row.moid, client.stub), "config.instanceUuid", "config", "name", "runtime.connectionState"
    )
    assert {one.name for one in told.propSet} == {"name", "runtime.connectionState"}
    assert not told.missingSet  # unset is not missing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for_all_that_it_has(server: VCenterServer, connect: Connect, kind: Any) -> None:
    found = connect(server).list(kind, whole=True)
    assert found
    assert all(values["name"] for values in found.values())


@pytest.mark.parametrize("path", ["nonsense", "config.nonsense", "runtime.host.name", "config.hardware.device.key", ""])
def test_a_path_that_the_kind_does_not_have_is_an_invalid_property(
    server: VCenterServer, connect: Connect, path: str
) -> None:
    with pytest.raises(vmodl.query.InvalidProperty) as caught:
        connect(server).list(vim.VirtualMachine, "name", path)
    assert caught.value.name == path


def test_a_property_of_a_later_version_is_not_known_to_an_older_client(server: VCenterServer, connect: Connect) -> None:
    client = connect(server, api="2.5")
    assert client.list(vim.VirtualMachine, "config.uuid")
    with pytest.raises(vmodl.query.InvalidProperty):
        client.list(vim.VirtualMachine, "config.instanceUuid")


def test_a_host_offers_its_firmware_only_where_its_row_says_so(
    old_server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    found = connect(old_server).list(vim.HostSystem, "configManager.firmwareSystem", "config.product.name")
    offers = {
        row.moid: row.properties["offersBundle"] for row in lab.world.all(Managed, vcenter="vc2", kind="HostSystem")
    }
    assert {moid: "configManager.firmwareSystem" in told for moid, told in found.items()} == offers
    assert set(offers.values()) == {True, False}


def test_what_is_not_kept_whole_is_missing_and_says_why(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    host = next(iter(client.list(vim.HostSystem, "name")))
    told = client.at(vim.HostSystem(host, client.stub), "config", "name")
    assert [one.name for one in told.propSet] == ["name"]
    assert isinstance(told.missingSet[0].fault, vmodl.fault.NotSupported)


def test_custom_fields_and_their_values(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    names = {field.key: field.name for field in client.content.customFieldsManager.field}
    told = client.list(vim.VirtualMachine, "value")
    for row in lab.world.all(Vm, vcenter="vc1"):
        assert {names[one.key]: one.value for one in told[row.moid]["value"]} == row.custom


def test_a_names_slash_is_written_as_vcenter_writes_it(
    server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    change(row, name="a/b%c")
    client = connect(server)
    assert client.list(vim.VirtualMachine, "name")[row.moid]["name"] == "a%2fb%25c"
    inventory = Inventory(lab.world, "vc1")
    found = client.content.searchIndex.FindByInventoryPath(inventory.path(row.moid))
    assert found._moId == row.moid


# ---- the fast way of writing, against pyVmomi's own


@pytest.fixture(scope="module")
def sight(tmp_path_factory: pytest.TempPathFactory) -> Sight:
    folder: Path = tmp_path_factory.mktemp("lab")
    world = World(folder, found)
    world.begin(desktops=5, seed=1, pace="0")
    inventory = Inventory(world, "vc1")
    account = world.require(Account, KEEPER)
    world.close()
    return Sight(inventory, Rights(inventory, account), Session("k", "c", KEEPER, 0.0, 0.0), (), 0.0)


VERSION = str(soap.support.versionMap["vim25/5.0"])
Words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")))


def both_ways(sight: Sight, kind: Any, value: Any) -> tuple[Any, Any]:
    spaces = f' xmlns="{soap.VIM}" xmlns:xsd="{soap.XSD}" xmlns:xsi="{soap.XSI}">'
    texts = (properties.val(sight, kind, value, VERSION),
             soap.element("val", properties.typed(sight, kind, value), object, VERSION))  # fmt: skip
    fast, slow = (soap.adapter.Deserialize(text.replace("<val", "<val" + spaces[:-1], 1)) for text in texts)
    assert type(fast) is type(slow)
    return fast, slow


@given(value=Words)
def test_a_text_written_straight_reads_as_pyvmomi_writes_it(sight: Sight, value: str) -> None:
    fast, slow = both_ways(sight, str, value)
    assert fast == slow == value


@given(value=st.one_of(
    st.tuples(st.just(bool), st.booleans()),
    st.tuples(st.just(vim.VirtualMachine.PowerState), st.sampled_from(["poweredOn", "poweredOff", "suspended"])),
    st.tuples(st.just(vim.HostSystem), st.from_regex(r"host-[0-9]{1,5}", fullmatch=True)),
    st.tuples(st.just(vim.ManagedEntity), st.just("datacenter-1")),
))  # fmt: skip
def test_other_values_written_straight_read_as_pyvmomi_writes_them(sight: Sight, value: tuple[Any, Any]) -> None:
    fast, slow = both_ways(sight, *value)
    assert str(fast) == str(slow)
