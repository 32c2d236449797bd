"""What counts as a whole set: nothing that failed to be read, nothing gutted, nothing of two environments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import app
from app.backupset import manifest as manifests
from app.backupset import repository
from app.backupset.manifest import Manifest
from app.engine.ending import Ending, PlanDiffers, Status
from app.engine.events import Event, StepStarted
from app.errors import Refused
from app.profile import Profile
from app.view import components
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up, resume, sets, undo, with_options
from tests.scenarios.standing import changed, ours, standing, world_of


def folder_of(environment: Environment) -> Path:
    [folder] = environment.repository.glob("*/*-*")
    return folder


def flip(path: Path) -> None:
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))


def when_completing(do: Callable[[], None]) -> Callable[[Event], None]:
    def sink(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key == "backup/complete":
            do()

    return sink


def spoiled(environment: Environment) -> Ending:
    """Back up into a repository whose disk spoils a file just before the set is completed."""
    sink = when_completing(lambda: flip(next(folder_of(environment).glob("composer-keys/*/*.xml"))))
    return back_up(environment, sink=sink)


# ---- a set that failed its verification


def test_a_set_whose_files_cannot_be_read_back_gets_no_manifest(environment: Environment) -> None:
    ending = spoiled(environment)
    assert ending.status is Status.FAILED, ending
    assert ending.error is not None
    assert "could not be read back whole" in str(ending.error.what)
    assert "keys.xml" in str(ending.error.why)
    assert sets(environment) == []
    [listed] = environment.run("sets", "--json").json["sets"]
    assert not listed["whole"]
    assert ours(world_of(environment)) == []


def test_a_manifest_whose_set_cannot_be_read_back_is_taken_away_again(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = repository.complete

    def then_spoil(folder: Path, manifest: Manifest) -> Manifest:
        written = complete(folder, manifest)
        flip(folder / manifest.part(components.VSPHERE)[0].file)
        return written

    monkeypatch.setattr(repository, "complete", then_spoil)
    ending = back_up(environment)
    assert ending.status is Status.FAILED, ending
    assert sets(environment) == []


def test_undo_removes_what_a_run_has_not_completed_even_with_a_manifest_in_it(environment: Environment) -> None:
    ending = spoiled(environment)
    folder = folder_of(environment)
    (folder / manifests.NAME).write_bytes(b"{}")
    assert undo(environment, ending.run).status is Status.UNDONE
    assert not folder.exists()


def test_undo_leaves_a_set_that_was_completed_when_only_the_runs_end_was_lost(environment: Environment) -> None:
    ending = back_up(environment)
    with environment.desk.journal() as journal:
        journal.end(ending.run, Status.FAILED, 0.0, None)
    assert undo(environment, ending.run).status is Status.UNDONE
    [folder] = sets(environment)
    assert environment.run("verify", str(folder), "--json").code == 0


def test_sets_say_whole_only_where_every_part_was_read_before(environment: Environment) -> None:
    back_up(environment)
    [folder] = sets(environment)
    assert environment.run("sets", "--json").json["sets"][0]["whole"] is True
    rewrite(folder, read_whole="")
    ran = environment.run("sets", "--json")
    assert ran.json["sets"][0]["whole"] is False
    assert "not known; verify it" in environment.run("sets").out


# ---- a gutted set


def rewrite(folder: Path, **fields: Any) -> None:
    """Write a set's manifest otherwise, its seal in order."""
    altered = msgspec.structs.replace(repository.open_set(folder), **fields)
    (folder / manifests.NAME).write_bytes(manifests.encode(altered))


def test_a_gutted_set_is_damaged_and_what_lacks_is_named(environment: Environment) -> None:
    back_up(environment)
    [folder] = sets(environment)
    whole = repository.open_set(folder)

    def damaged(**fields: Any) -> set[str]:
        rewrite(folder, **fields)
        ran = environment.run("verify", str(folder), "--json")
        assert (ran.code, ran.json["outcome"]) == (6, "damaged"), ran
        rewrite(folder, **{name: getattr(whole, name) for name in fields})
        return {file["key"] for file in ran.json["files"] if file["state"] == "blocked"}

    for component in (components.AD_LDS, components.COMPOSER_DATABASE, components.COMPOSER_KEYS,
                      components.VCENTER_DATABASE, components.EVENT_DATABASE):  # fmt: skip
        assert damaged(parts=tuple(part for part in whole.parts if part.component != component)) == {component}
    [export] = whole.part(components.AD_LDS)
    counts = whole.counts | {"desktops": 41}
    evidence = export.evidence | {"read": export.evidence["read"] | {"desktops": 41}}
    parts = tuple(msgspec.structs.replace(p, evidence=evidence) if p == export else p for p in whole.parts)
    assert damaged(counts=counts, parts=parts) == {export.file}
    assert damaged(pools=()) == {components.AD_LDS}
    assert environment.run("verify", str(folder), "--json").code == 0


# ---- what is weak


def test_what_was_not_known_is_named_among_the_weaknesses(environment: Environment) -> None:
    environment.scene("foreign-composer-schema")
    first, *others = environment.profile().vcenters
    vcenters = (first, *(msgspec.structs.replace(one, host=None, database=None) for one in others))
    profile = msgspec.structs.replace(environment.profile(), vcenters=vcenters)
    ending = back_up(environment, profile)
    assert ending.status is Status.DONE, ending
    weak = " ".join(str(weakness) for weakness in repository.open_set(sets(environment)[0]).weaknesses)
    assert "Whether work was in progress was not known (progress/composer/composer1)" in weak
    assert "vc2: its database is not in the set" in weak
    assert "vc2: vpxd.cfg and SSL are not in the set" in weak
    said_once = "These hosts gave no configuration bundle: esx02.vc2.practice.example."
    assert said_once in weak
    assert said_once in [str(warning) for warning in ending.warnings]


# ---- a run that would mix two environments


def with_other_key_container(profile: Profile) -> Profile:
    [composer] = profile.composers
    return msgspec.structs.replace(profile, composers=(msgspec.structs.replace(composer, key_container="Other"),))


def test_a_run_whose_profile_has_changed_since_is_not_gone_on_with_and_can_be_undone(environment: Environment) -> None:
    before = standing(world_of(environment))
    environment.fault("sql:sql1", "*viewevents*backup database*to disk*", "fail")
    ending = back_up(environment)
    assert ending.status is Status.FAILED, ending
    environment.clear_faults()
    mark = environment.mark()
    refused = resume(environment, ending.run, with_other_key_container(environment.profile()))
    assert refused.status is Status.REFUSED, refused
    assert isinstance(refused.error, PlanDiffers)
    assert "its profile has changed since" in str(refused.error.why)
    assert [event for event in environment.changed_by_us(mark) if "notice" not in str(event)] == []
    undone = undo(environment, ending.run, with_other_key_container(environment.profile()))
    assert undone.status is Status.UNDONE
    assert changed(before, standing(world_of(environment))) == {}


def test_a_run_of_another_version_of_this_program_is_not_gone_on_with(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.fault("sql:sql1", "*viewevents*backup database*to disk*", "fail")
    ending = back_up(environment)
    environment.clear_faults()
    with monkeypatch.context() as patched:
        patched.setattr(app, "__version__", "999")
        assert isinstance(resume(environment, ending.run).error, PlanDiffers)
    assert resume(environment, ending.run).status is Status.DONE


def test_a_profile_of_before_that_names_no_host_for_a_server_is_refused_before_anything_is_sent(
    environment: Environment,
) -> None:
    profile = environment.profile()
    assert profile.event_database is not None
    hostless = msgspec.structs.replace(profile.event_database.server, name="sql9", host=None)
    events = msgspec.structs.replace(profile.event_database, server=hostless)
    with pytest.raises(Refused, match="could not be fetched"):
        back_up(environment, msgspec.structs.replace(profile, event_database=events))
    assert [one for one in environment.wire() if one.changes] == []
    assert not environment.repository.exists()


def test_a_run_is_gone_on_with_by_the_options_it_was_begun_with(environment: Environment, tmp_path: Path) -> None:
    kept, elsewhere = environment.profile(), str(tmp_path / "elsewhere")
    begun = with_options(kept, side_by_side=True, event_database="before", drain_minutes=7.0)
    environment.fault("sql:sql1", "*viewcomposer*backup database*", "fail")
    ending = back_up(environment, msgspec.structs.replace(begun, repository=elsewhere))
    assert ending.status is Status.FAILED, ending
    environment.clear_faults()
    done = resume(environment, ending.run, kept)
    assert done.status is Status.DONE, done
    assert Path(done.evidence["backup/complete"]["set"]).is_relative_to(elsewhere)
    assert not environment.repository.exists()


def test_undoing_a_run_removes_what_it_left_where_it_was_begun_to(environment: Environment, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    environment.fault("sql:sql1", "*viewcomposer*backup database*", "fail")
    ending = back_up(environment, msgspec.structs.replace(environment.profile(), repository=str(elsewhere)))
    environment.clear_faults()
    assert list(elsewhere.glob("*/*"))
    assert undo(environment, ending.run).status is Status.UNDONE
    assert not list(elsewhere.glob("*/*"))
