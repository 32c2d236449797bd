"""The world: its log is the truth, and any state can be gone back to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.lab import directory
from app.lab.founding import found
from app.lab.lab import Lab
from app.lab.rows import HostFile, LdsEntry, Row, Service, Setting, UserSession, Vm
from app.lab.world import World


def tables(world: World) -> dict[str, dict[str, Any]]:
    return {name: dict(table.rows) for name, table in world._tables.items() if table.rows}


def order(world: World) -> dict[str, list[str]]:
    return {name: list(table.rows) for name, table in world._tables.items() if table.rows}


def few(_settings: dict[str, Any]) -> list[Row]:
    return [Setting(name="pace", value="0"), Service(host="a", name="s", display="S")]


ROWS = st.one_of(
    st.builds(Setting, name=st.sampled_from("abc"), value=st.text(max_size=5)),
    st.builds(
        UserSession, id=st.sampled_from("abcd"), group=st.just("view"), user=st.text(max_size=5),
        pool=st.sampled_from(["p", "q"]), desktop=st.sampled_from(["d", "e"]), local=st.booleans(),
    ),
    st.builds(
        LdsEntry, group=st.just("view"), dn=st.sampled_from(["CN=a", "CN=B", "cn=b"]), classes=st.just(("pae-VM",)),
        attributes=st.dictionaries(st.sampled_from(["pae-MemberDNOf", "x"]), st.tuples(st.text(max_size=4))),
    ),
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.lists(ROWS, max_size=4), st.lists(ROWS, max_size=2)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.data())
def test_a_world_that_is_replayed_or_gone_back_in_equals_the_one_that_lived(
    changes: list[tuple[list[Row], list[Row]]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), few)
        world.begin()
        states = [(tables(world), order(world))]
        for put, drop in changes:
            world.change("test", "change", *put, drop=drop)
            states.append((tables(world), order(world)))
        replayed = World(Path(folder), few)
        assert (tables(replayed), order(replayed)) == states[-1]
        replayed.close()
        count = data.draw(st.integers(1, len(states)))
        world.back_to(count)
        assert (tables(world), order(world)) == states[count - 1]
        assert len(world.events) == count
        world.close()
        again = World(Path(folder), few)
        assert (tables(again), order(again)) == states[count - 1]
        again.close()


@settings(max_examples=60, deadline=None)
@given(CHANGES)
def test_an_indexed_search_finds_what_looking_at_all_would(changes: list[tuple[list[Row], list[Row]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), few)
        world.begin()
        for put, drop in changes:
            world.change("test", "change", *put, drop=drop)
            for pool in ("p", "q"):
                everything = world.all(UserSession)
                assert world.all(UserSession, pool=pool) == [row for row in everything if row.pool == pool]
                assert world.count(UserSession, "pool", pool) == sum(row.pool == pool for row in everything)
        world.close()


def test_an_event_that_a_killed_process_did_not_finish_writing_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path, few)
    world.begin()
    world.change("test", "one", Setting(name="a", value="1"))
    world.change("test", "two", Setting(name="a", value="2"))
    world.close()
    log = tmp_path / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-5])
    again = World(tmp_path, few)
    assert again.setting("a") == "1"
    again.change("test", "three", Setting(name="a", value="3"))
    again.close()
    last = World(tmp_path, few)
    assert last.setting("a") == "3"
    last.close()


def test_the_founding_is_the_same_for_the_same_settings() -> None:
    first, second = (found({"desktops": 40, "seed": 7, "at": 1317369600.0}) for _ in range(2))
    assert list(first) == list(second)
    assert first.contents == second.contents
    assert list(first) != list(found({"desktops": 40, "seed": 8, "at": 1317369600.0}))


@pytest.mark.parametrize("desktops", [0, 1, 7, 40, 1001])
def test_worlds_of_any_size_agree_with_themselves(desktops: int) -> None:
    rows = list(found({"desktops": desktops}))
    keys = [(type(row).__name__, row.key) for row in rows]
    assert len(set(keys)) == len(keys)
    entries = [row for row in rows if isinstance(row, LdsEntry)]
    machines = {(vm.vcenter, vm.moid): vm for vm in rows if isinstance(vm, Vm)}
    made = [entry for entry in entries if entry.main_class == directory.DESKTOP]
    assert len(made) == desktops
    for entry in made:
        vcenter = "vc1" if "/Beijing/" in entry.first("pae-VmPath") else "vc2"
        assert machines[vcenter, entry.first("pae-MOID")].name == entry.first("pae-DisplayName")
    members = {dn for entry in entries for dn in entry.attributes.get("pae-MemberDN", ())}
    assert members == {entry.dn for entry in made}


def test_linked_clones_hang_on_replicas_that_are_there(lab: Lab) -> None:
    machines = lab.world.all(Vm, vcenter="vc1")
    disks = {disk.path for vm in machines for disk in vm.disks}
    parents = {disk.parent for vm in machines for disk in vm.disks if disk.parent}
    assert parents
    assert parents <= disks


def test_the_files_that_were_founded_have_their_bytes(lab: Lab) -> None:
    files = lab.world.all(HostFile)
    assert files
    assert all(len(lab.world.content(file.blob)) == file.size for file in files)


def test_waiting_ends_when_the_world_becomes_so_and_when_time_is_over(lab: Lab) -> None:
    assert not lab.world.wait_for(lambda: lab.world.setting("later") == "yes", 0.01)
    lab.world.change("test", "now", Setting(name="later", value="yes"))
    assert lab.world.wait_for(lambda: lab.world.setting("later") == "yes", 0)


@pytest.mark.parametrize(
    "value", ["", "plain", " leading", "trailing ", ":colon", "<less", "二", "line\nbreak", "x" * 200, "\x00"]
)
def test_ldif_keeps_every_value(value: str, decode: Callable[[bytes], dict[str, list[str]]]) -> None:
    from app.lab.ldif import ldif

    entry = LdsEntry(group="view", dn=f"CN=二{'y' * 90},DC=int", classes=("top",), attributes={"a": (value,)})
    written = ldif([entry])
    assert written.isascii()
    assert all(len(line) <= 76 for line in written.split(b"\r\n"))
    assert decode(written) == {"version": ["1"], "dn": [entry.dn], "objectClass": ["top"], "a": [value]}


def test_a_cleansed_export_has_no_secrets(lab: Lab) -> None:
    from app.lab.ldif import ldif

    entries = directory.below(lab.world, "view", directory.ROOT)
    secrets = [values[0] for e in entries for name, values in e.attributes.items() if name.lower() in directory.SECRETS]
    assert len(secrets) == 4
    whole, cleansed = ldif(entries).decode(), ldif(entries, cleansed=True).decode()
    assert all(secret in whole and secret not in cleansed for secret in secrets)


@pytest.fixture
def decode() -> Callable[[bytes], dict[str, list[str]]]:
    """Reads LDIF by the letter of RFC 2849, in the simplest way."""
    import base64

    def read(content: bytes) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for line in content.decode("ascii").replace("\r\n ", "").split("\r\n"):
            name, _, value = line.partition(":")
            if value.startswith(":"):
                value = base64.b64decode(value[1:]).decode()
            if name:
                found.setdefault(name, []).append(
                    value.removeprefix(" ") if not line.startswith(name + "::") else value
                )
        return found

    return read
