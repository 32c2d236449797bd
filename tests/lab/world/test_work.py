"""Work on desktops, seen from View, vCenter and Composer at once."""

from __future__ import annotations

import pytest

from app.lab import directory, operations, provisioning
from app.lab.lab import Lab
from app.lab.operations import Pace
from app.lab.provisioning import NotSwitchable, set_provisioning
from app.lab.rows import Broker, ComposerRequest, LdsEntry, Setting, UserSession, VcTask, Vm, Work
from app.lab.services import service_stop
from app.view.pools import BUSY_STATES

HELD = Pace(held=True)


def states(lab: Lab, pool: str) -> list[str]:
    return [entry.first("pae-VmState") for entry in directory.desktops(lab.world, "view", pool)]


def names(lab: Lab, pool: str) -> set[str]:
    return {entry.first("pae-DisplayName") for entry in directory.desktops(lab.world, "view", pool)}


def entry(lab: Lab, pool: str) -> LdsEntry:
    found = directory.pool(lab.world, "view", pool)
    assert found is not None
    return found


def tasks(lab: Lab, *states: str) -> list[str]:
    return [task.description for state in states for task in lab.world.all(VcTask, state=state)]


def test_a_clone_in_progress_shows_on_all_three_sides(lab: Lab) -> None:
    operations.start_clone(lab.world, "test", "sales-lc", 2, HELD)
    assert states(lab, "sales-lc").count("CLONING") == 2
    assert tasks(lab, "running") == ["VirtualMachine.clone"] * 2
    assert [r.operation for r in lab.world.all(ComposerRequest, state=1)] == ["CREATE"] * 2


def test_a_clone_ends_with_a_machine_that_hangs_on_the_pools_replica(lab: Lab) -> None:
    before = {vm.moid for vm in lab.world.all(Vm, vcenter="vc1")}
    assert operations.start_clone(lab.world, "test", "sales-lc", 2) is None
    new = [vm for vm in lab.world.all(Vm, vcenter="vc1") if vm.moid not in before]
    assert {vm.name for vm in new} == {"SALES-013", "SALES-014"}
    sibling = lab.world.all(Vm, vcenter="vc1", name="SALES-001")[0]
    assert {vm.disks[0].parent for vm in new} == {sibling.disks[0].parent}
    assert not tasks(lab, "running", "queued")
    assert set(states(lab, "sales-lc")) == {"READY"}
    assert len(entry(lab, "sales-lc").attributes["pae-MemberDN"]) == 14


def test_a_full_clone_asks_nothing_of_composer(lab: Lab) -> None:
    requests = len(lab.world.all(ComposerRequest))
    operations.start_clone(lab.world, "test", "eng-full")
    assert len(lab.world.all(ComposerRequest)) == requests
    assert lab.world.all(Vm, vcenter="vc2", name="ENG-005")


def test_more_than_a_few_operations_are_queued(lab: Lab) -> None:
    operations.start_recompose(lab.world, "test", "sales-lc", pace=HELD)
    assert len(tasks(lab, "running")) == operations.AT_ONCE
    assert len(tasks(lab, "queued")) == 10 - operations.AT_ONCE  # two of the twelve are checked out
    assert states(lab, "sales-lc").count("MAINTENANCE") == 10


def test_a_recompose_to_another_snapshot_makes_a_replica_and_drops_the_unused_one(lab: Lab) -> None:
    old = lab.world.all(Vm, vcenter="vc1", name="RD-001")[0].disks[0].parent
    parent = lab.world.all(Vm, vcenter="vc1", name="win7-rd")[0]
    operations.start_recompose(lab.world, "test", "rd-lc", snapshot=parent.snapshots[0].moid)
    new = {vm.disks[0].parent for vm in lab.world.all(Vm, vcenter="vc1") if vm.name.startswith("RD-")}
    assert len(new) == 1
    assert old not in new
    disks = {disk.path for vm in lab.world.all(Vm, vcenter="vc1") for disk in vm.disks}
    assert old not in disks
    assert new <= disks
    assert entry(lab, "rd-lc").first("pae-SVIVmSnapshotMOID") == parent.snapshots[0].moid


def test_deleting_takes_desktop_machine_session_and_place_in_the_pool(lab: Lab) -> None:
    last = directory.desktops(lab.world, "view", "fin-full")[-1]
    set_provisioning(lab.world, "test", "view", "fin-full", False)
    operations.start_delete(lab.world, "test", "fin-full")
    assert lab.world.get(LdsEntry, "view", last.key_dn) is None
    assert lab.world.get(Vm, "vc1", last.first("pae-MOID")) is None
    assert not lab.world.all(UserSession, desktop=last.first("cn"))
    assert last.dn not in entry(lab, "fin-full").attributes["pae-MemberDN"]


def test_a_moid_is_not_issued_again_after_a_deletion(lab: Lab) -> None:
    set_provisioning(lab.world, "test", "view", "eng-full", False)
    highest = max(int(vm.moid[3:]) for vm in lab.world.all(Vm, vcenter="vc2"))
    operations.start_delete(lab.world, "test", "eng-full", 4)
    operations.start_clone(lab.world, "test", "eng-full", 1)
    assert int(lab.world.all(Vm, vcenter="vc2", name="ENG-001")[0].moid[3:]) > highest


def test_a_pool_that_is_on_and_lacks_desktops_makes_them_by_itself(lab: Lab) -> None:
    assert len(states(lab, "training-lc")) == 4
    set_provisioning(lab.world, "test", "view", "training-lc", True)
    assert lab.world.wait_for(lambda: len(states(lab, "training-lc")) == 6, 10)
    assert lab.world.wait_for(lambda: set(states(lab, "training-lc")) == {"READY"}, 10)


def test_nothing_is_made_while_no_connection_server_runs(lab: Lab) -> None:
    for broker in lab.world.all(Broker):
        service_stop(lab.world, "test", broker.host, "wsbroker")
    set_provisioning(lab.world, "test", "view", "training-lc", True)
    assert not provisioning.refill(lab.world, "view")


def test_what_is_being_cloned_when_provisioning_goes_off_is_made_to_its_end(lab: Lab) -> None:
    work = operations.start_clone(lab.world, "test", "sales-lc", 1, HELD)
    assert work is not None
    set_provisioning(lab.world, "test", "view", "sales-lc", False)
    assert "CLONING" in states(lab, "sales-lc")
    operations.finish(lab.world, "test", work)
    assert set(states(lab, "sales-lc")) == {"READY"}


def test_customizing_after_a_recompose_stops_when_provisioning_goes_off(lab: Lab) -> None:
    work = operations.start_recompose(lab.world, "test", "sales-lc", count=3, pace=HELD)
    assert work is not None
    operations.advance(lab.world, work)
    assert states(lab, "sales-lc").count("CUSTOMIZING") == 3
    set_provisioning(lab.world, "test", "view", "sales-lc", False)
    assert states(lab, "sales-lc").count("ERROR") == 3
    assert not lab.world.all(Work)
    assert tasks(lab, "error") == ["VirtualMachine.customize"] * 3


def test_a_composer_that_is_stopped_ends_what_it_does_and_fails_what_waits(lab: Lab) -> None:
    operations.start_recompose(lab.world, "test", "sales-lc", pace=HELD)
    service_stop(lab.world, "test", "composer1", "svid")
    assert states(lab, "sales-lc").count("ERROR") == 2
    assert states(lab, "sales-lc").count("READY") == 10
    assert not lab.world.all(ComposerRequest, state=1)
    assert not lab.world.all(Work)
    assert not tasks(lab, "running", "queued")


def test_a_stopped_composer_refuses_and_leaves_desktops_in_error(lab: Lab) -> None:
    service_stop(lab.world, "test", "composer1", "svid")
    requests = len(lab.world.all(ComposerRequest))
    assert operations.start_refresh(lab.world, "test", "sales-lc", 1) is None
    assert states(lab, "sales-lc").count("ERROR") == 1
    assert len(lab.world.all(ComposerRequest)) == requests
    assert entry(lab, "sales-lc").first("pae-VmProvError") == operations.COMPOSER_DOWN


def test_a_stopped_composer_does_not_keep_a_pool_asking_for_ever(lab: Lab) -> None:
    service_stop(lab.world, "test", "composer1", "svid")
    set_provisioning(lab.world, "test", "view", "training-lc", True)
    assert lab.world.wait_for(lambda: states(lab, "training-lc").count("ERROR") == 2, 10)
    assert not provisioning.refill(lab.world, "view")


def test_a_refresh_mends_what_failed(lab: Lab) -> None:
    assert states(lab, "kiosk-lc").count("ERROR") == 1
    operations.start_refresh(lab.world, "test", "kiosk-lc")
    assert set(states(lab, "kiosk-lc")) == {"READY"}


def test_a_scheduled_recompose_waits_in_composer_and_starts_whatever_provisioning_says(lab: Lab) -> None:
    at = lab.world.now() + 0.2
    operations.start_recompose(lab.world, "test", "sales-lc", count=1, pace=Pace(held=True, at=at))
    assert [r.starts for r in lab.world.all(ComposerRequest, state=0)] == [at]
    assert "MAINTENANCE" not in states(lab, "sales-lc")
    set_provisioning(lab.world, "test", "view", "sales-lc", False)
    assert lab.world.wait_for(lambda: "MAINTENANCE" in states(lab, "sales-lc"), 10)


def test_a_clone_begins_late_when_the_scene_asks_for_it_and_ends_by_itself(lab: Lab) -> None:
    lab.world.change("scene", "late", Setting(name=provisioning.LATE_CLONE, value="0.1"))
    set_provisioning(lab.world, "test", "view", "rd-lc", False)
    assert BUSY_STATES & set(states(lab, "rd-lc"))
    set_provisioning(lab.world, "test", "view", "sales-lc", False)
    assert set(states(lab, "sales-lc")) == {"READY"}
    assert lab.world.wait_for(lambda: set(states(lab, "rd-lc")) == {"READY"} and len(states(lab, "rd-lc")) == 5, 10)


def test_a_pool_without_the_switch_is_not_switched(lab: Lab) -> None:
    with pytest.raises(NotSwitchable):
        set_provisioning(lab.world, "test", "view", "contractors", False)
    with pytest.raises(KeyError):
        set_provisioning(lab.world, "test", "view", "nosuch", False)


def test_switching_to_what_is_so_already_changes_nothing(lab: Lab) -> None:
    count = len(lab.world.events)
    set_provisioning(lab.world, "test", "view", "training-lc", False)
    set_provisioning(lab.world, "test", "view", "sales-lc", True)
    assert len(lab.world.events) == count


def test_logging_off_refreshes_the_desktop_of_a_floating_pool(lab: Lab) -> None:
    session = lab.world.all(UserSession, pool="kiosk-lc")[0]
    lab.world.change("test", "in real time", Setting(name="pace", value="1"))
    work = provisioning.log_off(lab.world, "test", session.id)
    assert work is not None
    assert "MAINTENANCE" in states(lab, "kiosk-lc")


def test_a_pool_id_is_found_in_any_case(lab: Lab) -> None:
    set_provisioning(lab.world, "test", "view", "SALES-LC", False)
    assert entry(lab, "sales-lc").first("pae-VmProvEnabled") == "0"
    assert names(lab, "sales-lc")
