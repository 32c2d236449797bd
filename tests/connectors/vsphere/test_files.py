from __future__ import annotations

import dataclasses
import io
import tarfile
from collections.abc import Callable

import pytest

from app.connectors.vsphere import VSphere
from app.errors import CouldNotLook, UserError
from app.lab.lab import Lab
from app.lab.rows import Managed, Vm
from app.lab.vcenter.server import VCenterServer
from tests.connectors.vsphere.conftest import Open


def test_the_vmx_of_every_vm_names_it(vsphere: VSphere, lab: Lab) -> None:
    for vm in vsphere.vms():
        content = vsphere.vmx(vm).decode()
        assert f'displayName = "{vm.name}"' in content
        row = lab.world.require(Vm, "vc1", vm.moid)
        assert all(disk.path.rpartition("/")[2] in content for disk in row.disks)


def test_paths_with_chinese_names_are_found(old_server: VCenterServer, open_: Open) -> None:
    vsphere = open_(old_server)
    vms = vsphere.vms()
    assert {vm.datacenter for vm in vms} == {"Shanghai 上海"}
    assert all(vsphere.vmx(vm) for vm in vms)


@pytest.mark.parametrize("kind", ["truncate", "half", "lie", "drop", "lose-answer", "fail", "refuse"])
def test_a_vmx_that_does_not_come_whole_is_not_taken(vsphere: VSphere, fault: Callable[..., None], kind: str) -> None:
    vm = vsphere.vms()[0]
    fault("GET /folder/*", kind)
    with pytest.raises(CouldNotLook):
        vsphere.vmx(vm)


def test_a_vmx_that_is_not_this_vms_is_not_taken(vsphere: VSphere) -> None:
    one, other = vsphere.vms()[:2]
    with pytest.raises(CouldNotLook, match="belongs to another VM"):
        vsphere.vmx(dataclasses.replace(one, vmx=other.vmx))


def test_a_vmx_that_is_not_there_is_named(vsphere: VSphere) -> None:
    vm = dataclasses.replace(vsphere.vms()[0], vmx="[servers-01] gone/gone.vmx")
    with pytest.raises(CouldNotLook, match="is not there"):
        vsphere.vmx(vm)
    with pytest.raises(CouldNotLook, match="does not tell where"):
        vsphere.vmx(dataclasses.replace(vm, vmx=""))


def test_a_vmx_without_the_right_to_browse_is_refused_by_name(server: VCenterServer, open_: Open) -> None:
    auditor = open_(server, account="PRACTICE\\auditor")
    with pytest.raises(CouldNotLook, match=r"Datastore\.Browse"):
        auditor.vmx(auditor.vms()[0])


def test_a_vmx_that_is_far_too_large_is_not_read_to_its_end(
    vsphere: VSphere, lab: Lab, change: Callable[..., None]
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    change(row, annotation="x" * 2_000_000)
    vm = next(vm for vm in vsphere.vms() if vm.moid == row.moid)
    with pytest.raises(CouldNotLook, match="larger than"):
        vsphere.vmx(vm)
    assert vsphere.vmx(next(vm for vm in vsphere.vms() if vm.moid != row.moid))


def test_a_bundle_is_a_whole_archive_of_its_host(vsphere: VSphere) -> None:
    for host in vsphere.hosts():
        with tarfile.open(fileobj=io.BytesIO(vsphere.host_bundle(host.moid)), mode="r:gz") as archive:
            told = archive.extractfile("state.json")
            assert told
            assert host.name.encode() in told.read()


def test_a_host_that_offers_no_bundle_says_so(old_server: VCenterServer, open_: Open) -> None:
    vsphere = open_(old_server)
    classic = next(host for host in vsphere.hosts() if not host.firmware)
    with pytest.raises(CouldNotLook, match=f"{classic.name} does not offer"):
        vsphere.host_bundle(classic.moid)


def test_the_commands_for_bundles_name_the_hosts_that_offer_one(old_server: VCenterServer, open_: Open) -> None:
    vsphere = open_(old_server)
    offering = [host for host in vsphere.hosts() if host.firmware]
    told = vsphere.host_bundle_commands()
    assert [one.text for one in told] == [
        f"BackupFirmwareConfiguration HostFirmwareSystem:{host.firmware}" for host in offering
    ]
    assert all(one.changes and one.system == "vcenter:vc2" for one in told)


def test_a_host_that_is_away_gives_no_bundle(vsphere: VSphere, lab: Lab, change: Callable[..., None]) -> None:
    row = lab.world.all(Managed, vcenter="vc1", kind="HostSystem")[0]
    away = {**row.properties, "runtime": {**row.properties["runtime"], "connectionState": "disconnected"}}
    change(row, properties=away)
    with pytest.raises(CouldNotLook, match="disconnected"):
        vsphere.host_bundle(row.moid)


@pytest.mark.parametrize("kind", ["half", "lie", "truncate", "drop", "fail"])
def test_a_bundle_that_does_not_come_whole_is_not_taken(
    vsphere: VSphere, fault: Callable[..., None], kind: str
) -> None:
    host = vsphere.hosts()[0].moid
    fault("GET /downloads/*", kind)
    with pytest.raises(UserError):
        vsphere.host_bundle(host)


@pytest.mark.parametrize("kind", ["lie", "fail", "disk-full", "drop"])
def test_a_bundle_that_was_never_made_is_an_error(vsphere: VSphere, fault: Callable[..., None], kind: str) -> None:
    host = vsphere.hosts()[0].moid
    fault("BackupFirmware*", kind)
    with pytest.raises(CouldNotLook):
        vsphere.host_bundle(host)
