"""A profile is written whole, read strictly, and says where it is wrong."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import profile as profiles
from app.errors import Refused
from app.profile import Broker, Composer, Database, Host, Profile, SqlServer, Store, VCenter


def a_profile(**changes: Any) -> Profile:
    composer = Host(name="c1", address="c1", account="D\\a")
    broker, sql = Host(name="broker1", address="b1", account="D\\a"), Host(name="sql1", address="s1", account="D\\a")
    server = SqlServer(name="sql1", address="s1", account="vk", host=sql)
    whole = Profile(
        name="Main site",
        brokers=(Broker(host=broker),),
        vcenters=(VCenter(name="vc1", address="v1", account="D\\a", database=Database(name="VIM", server=server)),),
        composers=(Composer(host=composer, database=Database(name="SVI", server=server)),),
        repository="/backups",
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(a_profile())
    assert store.load("Main site") == a_profile()
    assert store.names() == ("Main site",)


def test_a_field_of_a_newer_program_is_kept_when_the_profile_is_saved_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.save(a_profile())
    found = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**found, "colour": "blue"}))
    store.save(store.load("Main site"))
    assert msgspec.json.decode(path.read_bytes())["colour"] == "blue"


def test_a_profile_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(msgspec.json.encode({**msgspec.to_builtins(a_profile()), "format": 99}))
    with pytest.raises(Refused, match="newer program"):
        profiles.read(path)


@given(st.data())
def test_a_damaged_profile_is_refused_by_a_sentence_or_read_as_a_profile(data: st.DataObject) -> None:
    whole = msgspec.json.encode(a_profile())
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(max_size=3)) + whole[place + data.draw(st.integers(0, 9)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.json"
        path.write_bytes(damaged)
        with contextlib.suppress(Refused):  # anything else that is raised fails this test
            assert isinstance(profiles.read(path), Profile)


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="practice"):
        Store(tmp_path).load("nowhere")


@pytest.mark.parametrize("name", ["", "a/b", "..", "con", "x" + chr(0), "a.", 'q"'])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        Store(tmp_path).save(a_profile(name=name))
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"brokers": ()}, "no broker"),
        ({"vcenters": ()}, "no vCenter"),
        ({"repository": " "}, "no repository"),
        ({"brokers": (Broker(host=Host(name="b", address="", account="a")),)}, "b.address"),
        ({"brokers": (Broker(host=Host(name="b", address="x", account="a", port=0)),)}, "no port"),
        ({"security_servers": (Host(name="BROKER1", address="other", account="a"),)}, "same name"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], words: str) -> None:
    assert any(words in str(seen.found) for seen in profiles.check(a_profile(**changes)))


def test_a_good_profile_has_nothing_wrong() -> None:
    assert profiles.check(a_profile()) == ()


def test_hosts_and_databases_are_each_named_once() -> None:
    whole = a_profile()
    assert [host.name for host in whole.hosts()] == ["broker1", "c1", "sql1"]
    assert [database.name for database in whole.databases()] == ["SVI", "VIM"]


def test_a_profile_that_the_disk_does_not_take_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "profiles").write_text("a file is in the way")
    with pytest.raises(Refused, match="cannot be written"):
        Store(tmp_path).save(a_profile())
