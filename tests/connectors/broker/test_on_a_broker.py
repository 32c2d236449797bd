"""The connector against a broker of the practice environment."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from app.connectors.broker import Broker
from app.connectors.winrm import PowerShellError
from app.errors import UserError
from app.lab import directory
from app.lab.lab import Lab
from app.lab.rows import Account, Fault, LdsEntry, Service, UserSession
from app.lab.rows import Broker as BrokerRow
from app.observation import State
from app.view.pools import Pool, PoolKind

EXPORT = r"C:\ProgramData\vdmconfig.ldf"


def entries(lab: Lab, kind: str) -> list[LdsEntry]:
    return [entry for entry in lab.world.all(LdsEntry, group="view") if kind in entry.classes]


def named(broker: Broker, pool_id: str) -> Pool:
    return next(pool for pool in broker.pools() if pool.pool_id == pool_id)


def keep_only(lab: Lab, *pools: str) -> None:
    gone = [entry for entry in entries(lab, directory.POOL) if entry.first("cn") not in pools]
    lab.world.change("test", "pools go", drop=gone)


def test_all_kinds_of_pools_are_read(broker: Broker) -> None:
    found = {pool.pool_id: pool for pool in broker.pools()}
    assert {name: (pool.kind, pool.provisioning) for name, pool in found.items()} == {
        "fin-full": (PoolKind.FULL_CLONE, True),
        "sales-lc": (PoolKind.LINKED_CLONE, True),
        "kiosk-lc": (PoolKind.LINKED_CLONE, True),
        "training-lc": (PoolKind.LINKED_CLONE, False),
        "rd-lc": (PoolKind.LINKED_CLONE, True),
        "eng-full": (PoolKind.FULL_CLONE, True),
        "contractors": (PoolKind.MANUAL, None),
    }
    assert found["rd-lc"].name == "研发桌面"
    assert found["rd-lc"].parent_vm
    assert found["rd-lc"].parent_snapshot
    assert found["kiosk-lc"].persistent is False


def test_one_pool_alone_is_a_list_of_one(lab: Lab, broker: Broker) -> None:
    keep_only(lab, "fin-full")
    assert [pool.pool_id for pool in broker.pools()] == ["fin-full"]


def test_no_pool_at_all_is_an_empty_list(lab: Lab, broker: Broker) -> None:
    keep_only(lab)
    assert broker.pools() == ()


@pytest.mark.parametrize("service", ["wsbroker", "ADAM_VMwareVDMDS"])
def test_a_broker_whose_services_are_stopped_is_never_a_broker_without_pools(
    lab: Lab, broker: Broker, service: str
) -> None:
    row = next(one for one in lab.world.all(Service, host="broker1") if one.name == service)
    lab.world.change("test", "a service stops", msgspec.structs.replace(row, state="Stopped"))
    with pytest.raises(UserError):
        broker.pools()


def test_every_desktop_is_read_once_with_its_state(lab: Lab, broker: Broker) -> None:
    found = broker.desktops()
    kept = {entry.first("cn"): entry for entry in entries(lab, directory.DESKTOP)}
    assert {desktop.machine_id: desktop.state for desktop in found} == {
        machine: entry.first("pae-VmState") for machine, entry in kept.items()
    }
    assert len(found) == len(kept) == 40
    assert all(desktop.moid.startswith("vm-") for desktop in found if desktop.pool_id != "")
    assert {desktop.pool_id for desktop in found} <= {pool.pool_id for pool in broker.pools()}


def test_desktops_that_view_4_5_returns_twice_are_read_once(lab: Lab, broker: Broker) -> None:
    row = lab.world.require(BrokerRow, "broker1")
    lab.world.change("test", "an older View", msgspec.structs.replace(row, version="4.5.0", build="293049"))
    machines = [desktop.machine_id for desktop in broker.desktops()]
    assert len(machines) == len(set(machines)) == 40


def test_sessions_remote_and_local_are_those_of_the_world(lab: Lab, broker: Broker) -> None:
    found = {(one.session_id, one.pool_id, one.local) for one in broker.sessions()}
    assert found == {(row.id, row.pool, row.local) for row in lab.world.all(UserSession)}
    assert any(local for _, _, local in found)
    assert {desktop.moid for desktop in broker.desktops() if desktop.local}


def test_a_later_view_without_local_mode_has_no_local_sessions(lab: Lab, broker: Broker) -> None:
    row = lab.world.require(BrokerRow, "broker1")
    lab.world.change("test", "a later View", msgspec.structs.replace(row, version="6.2.0", build="3005368"))
    assert not any(one.local for one in broker.sessions())


def test_entitlements_name_pools_and_sids(broker: Broker) -> None:
    found = broker.entitlements()
    assert found
    assert all(one.sid.startswith("S-1-") for one in found)
    assert {one.pool_id for one in found} <= {pool.pool_id for pool in broker.pools()}


def test_the_group_its_version_and_its_vcenters_are_known(lab: Lab, broker: Broker) -> None:
    assert {one.broker_id.lower() for one in broker.brokers()} >= {"broker1", "broker2"} or len(broker.brokers()) == 2
    assert broker.version().startswith(lab.world.require(BrokerRow, "broker1").version)
    assert len(broker.vcenters()) == 2
    assert {pool.vcenter for pool in broker.pools()} <= {one.vc_id for one in broker.vcenters()}


@pytest.mark.parametrize("pool_id", ["rd-lc", "fin-full"])
def test_provisioning_is_switched_and_seen_by_another_call(lab: Lab, broker: Broker, pool_id: str) -> None:
    pool = named(broker, pool_id)
    broker.set_provisioning(pool, on=False)
    assert named(broker, pool_id).provisioning is False
    entry = directory.pool(lab.world, "view", pool_id)
    assert entry is not None
    assert entry.first(directory.PROVISIONING) == "0"
    broker.set_provisioning(pool, on=True)
    assert named(broker, pool_id).provisioning is True


def test_what_is_sent_is_what_the_plan_shows(lab: Lab, broker: Broker) -> None:
    pool = named(broker, "rd-lc")
    broker.set_provisioning(pool, on=False)
    broker.export(EXPORT)
    broker.try_recovery_password(EXPORT, "hunter2")
    logged = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines()]
    planned = [
        broker.provisioning_command(pool, on=False),
        broker.export_command(EXPORT),
        broker.recovery_command(EXPORT, "hunter2"),
    ]
    sent = [(entry["system"], entry["text"], entry["changes"]) for entry in logged if "logon" not in entry["text"]]
    assert sent[-3:] == [(one.system, one.text, one.changes) for one in planned]
    assert "hunter2" not in (lab.folder / "wire.jsonl").read_text("utf-8")


def test_a_switch_that_says_yes_and_does_nothing_is_seen_by_looking(lab: Lab, broker: Broker) -> None:
    pool = named(broker, "rd-lc")
    fault = Fault(id="lie", system="winrm:broker1", call="*Update-*", kind="lie")
    lab.world.change("test", "a fault", fault)
    broker.set_provisioning(pool, on=False)
    assert named(broker, "rd-lc").provisioning is True


def test_the_right_to_switch_passes_for_an_administrator_of_view(broker: Broker) -> None:
    assert broker.may_change().state is State.PASSED


def test_a_reader_of_view_is_told_that_it_may_not_switch(lab: Lab, reach: Callable[..., Broker]) -> None:
    row = directory.account(lab.world, "PRACTICE\\auditor")
    assert isinstance(row, Account)
    lab.world.change("test", "administers hosts", msgspec.structs.replace(row, administers=("*",)))
    broker = reach("PRACTICE\\auditor")
    assert broker.may_change().state is State.BLOCKED
    with pytest.raises(PowerShellError):
        broker.set_provisioning(named(broker, "rd-lc"), on=False)


def test_an_export_writes_ldif_with_every_entry(lab: Lab, broker: Broker) -> None:
    heard: list[str] = []
    broker.export(EXPORT, on_line=heard.append)
    row = lab.world.file("broker1", EXPORT)
    assert row is not None
    content = lab.world.content(row.blob)
    lines = content.lower().splitlines()
    assert sum(line.startswith((b"dn:",)) for line in lines) == len(lab.world.all(LdsEntry, group="view"))
    assert heard


def test_an_export_without_the_role_is_a_sentence(lab: Lab, reach: Callable[..., Broker]) -> None:
    row = directory.account(lab.world, "PRACTICE\\auditor")
    assert isinstance(row, Account)
    lab.world.change("test", "no role", msgspec.structs.replace(row, administers=("*",), view_role=""))
    with pytest.raises(UserError, match="exit code"):
        reach("PRACTICE\\auditor").export(EXPORT)


def test_the_recovery_password_of_an_encrypted_export_is_tried(lab: Lab, broker: Broker) -> None:
    row = lab.world.require(BrokerRow, "broker1")
    encrypted = msgspec.structs.replace(row, version="5.1.0", build="799444", recovery_password="recovery")
    lab.world.change("test", "View 5.1", encrypted)
    password = lab.passwords.of("recovery")
    broker.export(EXPORT)
    assert broker.try_recovery_password(EXPORT, password).state is State.PASSED
    seen = broker.try_recovery_password(EXPORT, "wrong one")
    assert seen.state is State.BLOCKED
    assert "wrong one" not in repr(seen)
