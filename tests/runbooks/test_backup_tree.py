"""The backup is the paper's, in the paper's order."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import profile as profiles
from app.engine.context import Context
from app.engine.planning import planning_context
from app.engine.runbook import brackets, check, leaves, plan_hash
from app.engine.step import Guided, Parallel
from app.errors import Refused, UserError
from app.observation import State
from app.profile import (
    Broker,
    Composer,
    Database,
    Host,
    ImageBackup,
    Options,
    Profile,
    SqlServer,
    VCenter,
    digest,
)
from app.runbooks.backup import backup, by_dba, needed, sources
from app.runbooks.closers import CLOSERS
from app.runbooks.completing import CompleteSet, Source
from app.runbooks.databases import BackUpStraight, straight_folder
from app.runbooks.temporary import TemporaryFiles


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


def with_events(profile: Profile, **changes: Any) -> Profile:
    """Return the profile with the event database described otherwise."""
    assert profile.event_database is not None
    return msgspec.structs.replace(profile, event_database=msgspec.structs.replace(profile.event_database, **changes))


HOSTLESS = SqlServer(name="sql2", address="sql2", account="vk")


def test_a_database_whose_backup_could_not_be_fetched_is_a_problem_of_the_profile_and_no_runbook() -> None:
    profile = with_events(a_profile(), server=HOSTLESS)
    [problem] = profiles.check(profile)
    assert problem.state is State.BLOCKED
    assert "events" in str(problem.found)
    assert "sql2" in str(problem.found)
    with pytest.raises(ValueError, match="events"):
        backup(profile)
    theirs = with_events(profile, backed_up_by="dba")
    assert profiles.check(theirs) == ()
    backup(theirs)


def test_such_a_profile_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be saved"):
        profiles.Store(tmp_path).save(with_events(a_profile(), server=HOSTLESS))


@pytest.mark.parametrize("repository", ["/r", "D:\\sets", r"\\nas", "\\\\nas\\", r"\\?\C:\sets", "//nas/sets", ""])
def test_no_server_writes_straight_into_a_repository_that_is_no_share(repository: str) -> None:
    profile = msgspec.structs.replace(with_events(a_profile(), straight_to_repository=True), repository=repository)
    assert any("cannot write events" in str(problem.found) for problem in profiles.check(profile))
    with pytest.raises(ValueError, match="events"):
        backup(profile)


def test_a_backup_straight_into_the_repository_is_not_fetched_and_leaves_no_file_on_the_server() -> None:
    there = with_events(a_profile(), straight_to_repository=True, server=HOSTLESS)
    profile = msgspec.structs.replace(there, repository=r"\\nas\sets")
    assert profiles.check(profile) == ()
    parts = {leaf.key: leaf for leaf in leaves(backup(profile).parts)}
    assert isinstance(parts["backup/events"], BackUpStraight)
    assert "backup/fetch/events" not in parts
    [source] = [one for one in sources(profile) if one.component == "event-database"]
    assert (source.key, source.system) == ("backup/events", "sql:sql2")
    made_room = parts["backup/temporary"]
    assert isinstance(made_room, TemporaryFiles)
    assert "events" not in [database.name for database in made_room.databases]
    assert len(made_room.databases) == 4


def test_the_server_writes_under_the_sets_own_name_on_the_share() -> None:
    folder = straight_folder(r"\\nas\sets\p\2026-01-01T000000Z-r1", "backup/freeze/vcenter-database/vc1")
    assert folder == r"\\nas\sets\p\2026-01-01T000000Z-r1\vcenter-database\vc1"
    with pytest.raises(UserError, match="No SQL Server can write into /r/p"):
        straight_folder("/r/p", "backup/events")


def test_without_each_of_these_captures_there_is_no_set() -> None:
    assert set(needed(a_profile())) == {
        "backup/freeze/ad-lds", "backup/events",
        *(f"backup/freeze/{what}/{name}" for what in ("composer-database", "keys") for name in ("c1", "c2")),
        *(f"backup/freeze/vcenter-database/{name}" for name in ("vc1", "vc2")),
    }  # fmt: skip


def test_every_capture_that_is_needed_brings_something_or_is_the_dbas() -> None:
    profile = with_events(a_profile(), backed_up_by="dba")
    brought = {source.captured for source in sources(profile)} | {one.key for one in by_dba(profile)}
    assert set(needed(profile)) <= brought


def test_a_set_without_one_of_them_is_refused() -> None:
    def step(**files: list[str]) -> tuple[CompleteSet, Context]:
        source = Source("backup/fetch/events", "backup/events", "event-database", "winrm:sql1")
        brought = {key.replace("_", "/"): {"files": names} for key, names in files.items()}
        ctx = dataclasses.replace(planning_context("e", None, {}), evidence=lambda key: brought.get(key, {}))
        return CompleteSet((source,), (), (), ("backup/events",)), ctx

    for bad in (step(), step(backup_fetch_events=[])):
        with pytest.raises(UserError, match="backup/events is neither in it nor proven elsewhere"):
            bad[0]._refuse_gaps(bad[1])
    whole, ctx = step(backup_fetch_events=["one"])
    whole._refuse_gaps(ctx)


def test_a_digest_tells_environments_apart_and_not_how_they_are_reached() -> None:
    profile = a_profile()
    same = [
        msgspec.structs.replace(profile, name="other", image_backup=ImageBackup(product="x", date="y")),
        msgspec.structs.replace(profile, options=Options(drain_minutes=5, old_tls=True, files_by="share")),
        msgspec.structs.replace(
            profile, brokers=tuple(
                msgspec.structs.replace(one, host=msgspec.structs.replace(one.host, account="D\\other"))
                for one in profile.brokers
            ),
        ),
    ]  # fmt: skip
    assert {digest(one) for one in same} == {digest(profile)}
    elsewhere = msgspec.structs.replace(profile.brokers[0].host, address="10.0.0.9")
    others = [
        with_events(profile, name="other"),
        with_events(profile, backed_up_by="dba"),
        msgspec.structs.replace(profile, brokers=(Broker(host=elsewhere), *profile.brokers[1:])),
        msgspec.structs.replace(profile, options=Options(event_database="before")),
        msgspec.structs.replace(profile, vcenters=profile.vcenters[:1]),
        with_ports(profile, 1),
    ]
    assert len({digest(one) for one in (profile, *others)}) == 7


def with_ports(profile: Profile, port: int) -> Profile:
    vcenters = tuple(msgspec.structs.replace(vcenter, port=port) for vcenter in profile.vcenters)
    return msgspec.structs.replace(profile, vcenters=vcenters)


def test_ports_of_the_practice_environment_may_change() -> None:
    whole = a_profile()
    here = tuple(msgspec.structs.replace(vcenter, address="127.0.0.1") for vcenter in whole.vcenters)
    practice = msgspec.structs.replace(whole, vcenters=here)
    assert digest(practice) == digest(with_ports(practice, 1))


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
