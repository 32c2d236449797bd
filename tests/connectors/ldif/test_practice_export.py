"""The practice environment's AD LDS, written by the practice environment, read by the connector."""

from __future__ import annotations

import io

from app.connectors import ldif
from app.lab import directory
from app.lab.lab import Lab
from app.lab.ldif import ldif as exported
from app.lab.rows import LdsEntry
from app.lab.windows import recovery


def facts(lab: Lab, *, cleansed: bool = False) -> ldif.Facts:
    return ldif.facts(io.BytesIO(exported(lab.world.all(LdsEntry), cleansed=cleansed)))


def test_every_entry_is_read_back_as_it_is_kept(lab: Lab) -> None:
    entries = lab.world.all(LdsEntry)
    read = list(ldif.read(io.BytesIO(exported(entries))))
    assert [entry.dn for entry in read] == [entry.dn for entry in entries]
    for kept, entry in zip(entries, read, strict=True):
        told = {name: tuple(value.decode() for value in values) for name, values in entry.attributes.items()}
        assert told == {"objectClass": kept.classes, **kept.attributes}


def test_pools_and_their_provisioning_are_those_of_the_directory(lab: Lab) -> None:
    found = {pool.pool_id: pool for pool in facts(lab).pools}
    kept = {pool.id: pool for pool in directory.pools(lab.world, "view")}
    assert {name: pool.pool_type for name, pool in found.items()} == {name: pool.type for name, pool in kept.items()}
    assert {name: pool.provisioning for name, pool in found.items()} == {
        name: pool.provisioning for name, pool in kept.items()
    }
    assert found["rd-lc"].name == "研发桌面"
    assert found["training-lc"].provisioning is False
    assert found["contractors"].provisioning is None
    assert found["kiosk-lc"].delete_policy


def test_desktops_and_entitlements_are_all_there(lab: Lab) -> None:
    found = facts(lab)
    assert found.kind is ldif.Kind.PLAIN
    assert found.complete_end
    assert len(found.desktops) == len(list(directory.desktops(lab.world, "view")))
    assert {desktop.pool_id for desktop in found.desktops} <= {pool.pool_id for pool in found.pools}
    assert {one.pool_id for one in found.entitlements} == {pool.pool_id for pool in found.pools}
    assert all(one.sid.startswith("S-1-5-21-") for one in found.entitlements)


def test_the_event_database_and_the_brokers_are_found(lab: Lab) -> None:
    found = facts(lab)
    assert {broker.first("cn") for broker in found.brokers} >= {"broker1", "broker2"}
    assert found.event_databases[0].first("pae-EventDatabaseName") == "ViewEvents"


def test_an_encrypted_export_is_recognised(lab: Lab) -> None:
    sealed = recovery.encrypt(exported(lab.world.all(LdsEntry)), "a data recovery password")
    assert ldif.facts(io.BytesIO(sealed)).kind is ldif.Kind.ENCRYPTED
    assert ldif.is_encrypted(io.BytesIO(sealed))


def test_a_cleansed_export_is_recognised(lab: Lab) -> None:
    assert facts(lab, cleansed=True).kind is ldif.Kind.CLEANSED
