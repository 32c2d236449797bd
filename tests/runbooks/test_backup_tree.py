"""The backup is the paper's, in the paper's order."""

from typing import Any

import msgspec
import pytest

from app.engine.runbook import brackets, check, leaves, plan_hash
from app.engine.step import Guided, Parallel
from app.profile import Broker, Composer, Database, Host, Options, Profile, SqlServer, VCenter
from app.runbooks.backup import backup, sources
from app.runbooks.closers import CLOSERS


def host(name: str) -> Host:
    return Host(name=name, address=name, account="D\\a")


def a_profile(**options: Any) -> Profile:
    server = SqlServer(name="sql1", address="sql1", account="vk", host=host("sql1"))
    return Profile(
        name="p",
        brokers=(Broker(host=host("broker1")), Broker(host=host("broker2"), role="replica")),
        vcenters=tuple(
            VCenter(
                name=name, address=name, account="a", host=host(f"h-{name}"),
                database=Database(name=name, server=server),
            )
            for name in ("vc1", "vc2")
        ),
        composers=tuple(
            Composer(host=host(name), database=Database(name=f"SVI-{name}", server=server)) for name in ("c1", "c2")
        ),
        event_database=Database(name="events", server=server),
        repository="/r",
        options=Options(**options),
    )  # fmt: skip


def keys(profile: Profile) -> list[str]:
    return [leaf.key for leaf in leaves(backup(profile).parts)]


def before(order: list[str], *wanted: str) -> bool:
    places = [order.index(key) for key in wanted]
    return places == sorted(places)


def test_the_steps_stand_in_the_papers_order() -> None:
    assert before(
        keys(a_profile()),
        "backup/vsphere/vc1/inventory",
        "backup/vsphere/vc2/hosts",
        "backup/confirm",
        "backup/freeze",
        "backup/freeze/drained",
        "backup/freeze/ad-lds",
        "backup/freeze/composer/c1",
        "backup/freeze/composer/c2",
        "backup/freeze/composer-database/c1",
        "backup/freeze/keys/c2",
        "backup/freeze/vcenter-database/vc1",
        "backup/freeze/vcenter-files/vc2",
        "backup/freeze/compare",
        "backup/events",
        "backup/fetch/ad-lds",
        "backup/read/ad-lds",
        "backup/complete",
    )


def test_every_database_and_key_is_captured_while_every_composer_is_stopped() -> None:
    inside = next(b for b in brackets(backup(a_profile()).parts) if b.opening.key == "backup/freeze/composer/c2")
    captured = [leaf.key for leaf in leaves(inside.body)]
    assert {key.split("/")[2] for key in captured} == {
        "composer-database", "keys", "vcenter-database", "vcenter-files", "composer-stayed",
    }  # fmt: skip
    assert len(captured) == 10
    assert [key.split("/")[2] for key in captured[-2:]] == ["composer-stayed"] * 2, "looked at when all is captured"


def test_every_bracket_of_a_backup_is_closed_and_its_closer_is_known() -> None:
    book = backup(a_profile(stop_connection_server=True))
    check(book, CLOSERS)
    assert {b.leave for b in brackets(book.parts)} == {"close"}


def test_the_connection_server_is_stopped_only_when_asked_and_inside_the_freeze() -> None:
    assert "backup/freeze/connection-server" not in keys(a_profile())
    order = keys(a_profile(stop_connection_server=True))
    assert before(order, "backup/freeze/ad-lds", "backup/freeze/connection-server", "backup/freeze/composer/c1")
    stopped = next(
        b for b in brackets(backup(a_profile(stop_connection_server=True)).parts)
        if b.opening.key == "backup/freeze/connection-server"
    )  # fmt: skip
    assert "backup/freeze/compare" not in [leaf.key for leaf in leaves(stopped.body)]


def test_the_event_database_is_beside_the_freeze_on_the_side_that_is_chosen() -> None:
    assert before(keys(a_profile(event_database="before")), "backup/confirm", "backup/events", "backup/freeze")
    assert before(keys(a_profile(event_database="after")), "backup/freeze/compare", "backup/events")


def test_side_by_side_captures_ad_lds_beside_the_stores() -> None:
    freeze = next(b for b in brackets(backup(a_profile(side_by_side=True)).parts) if b.opening.key == "backup/freeze")
    [parallel] = [part for part in freeze.body if isinstance(part, Parallel)]
    assert len(parallel.branches) == 2
    assert sorted(keys(a_profile(side_by_side=True))) == sorted(keys(a_profile()))


def test_a_database_of_the_dba_is_a_guided_step_in_its_place_and_its_file_is_not_fetched() -> None:
    whole = a_profile()
    [first, *others] = whole.composers
    theirs = msgspec.structs.replace(first, database=msgspec.structs.replace(first.database, backed_up_by="dba"))
    profile = msgspec.structs.replace(whole, composers=(theirs, *others))
    parts = {leaf.key: leaf for leaf in leaves(backup(profile).parts)}
    assert isinstance(parts["backup/freeze/composer-database/c1"], Guided)
    assert "backup/fetch/composer-database/c1" not in parts
    assert "backup/fetch/composer-database/c2" in parts


def test_an_environment_without_composer_still_captures_vcenter() -> None:
    profile = msgspec.structs.replace(a_profile(), composers=())
    order = keys(profile)
    assert before(order, "backup/freeze", "backup/freeze/ad-lds", "backup/freeze/vcenter-database/vc1")


def test_every_captured_thing_is_in_the_manifest() -> None:
    profile = a_profile()
    named = {source.captured for source in sources(profile)}
    captures = {
        key for key in keys(profile)
        if any(word in key for word in ("-database/", "/keys/", "vcenter-files", "/ad-lds", "/events", "/vsphere/"))
        and not key.startswith(("backup/fetch", "backup/read"))
    }  # fmt: skip
    assert named == captures


@pytest.mark.parametrize(
    "change", [{"stop_connection_server": True}, {"side_by_side": True}, {"event_database": "before"}]
)
def test_another_plan_has_another_hash_and_the_same_plan_the_same(change: dict[str, Any]) -> None:
    assert plan_hash(backup(a_profile())) == plan_hash(backup(a_profile()))
    assert plan_hash(backup(a_profile())) != plan_hash(backup(a_profile(**change)))
