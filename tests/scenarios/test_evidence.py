"""What proves a capture where it is not plain: encrypted exports, a DBA's backups, parts side by side, options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import backups, tasks
from app.backupset import repository
from app.backupset.manifest import Manifest
from app.desk import Desk
from app.engine.ending import Ending, Status
from app.engine.events import Event, GuidedWaits, StepStarted
from app.engine.prompter import Unattended
from app.lab.rows import Service
from app.profile import ImageBackup, Profile
from app.runbooks.fetching import holds_private_key
from app.view import components
from tests.scenarios.environment import Environment
from tests.scenarios.running import Hurried, back_up, hurried, resume, sets, with_options
from tests.scenarios.standing import changed, ours, standing, world_of

PATIENT = Unattended(guided_seconds=30)


def manifest_of(ending: Ending) -> Manifest:
    assert ending.status is Status.DONE, ending
    return repository.open_set(Path(backups.of_set(ending)["set"]))


def at_step(key: str, do: Callable[[], None]) -> Callable[[Event], None]:
    """Return a sink that does something when a step begins."""

    def sink(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key == key:
            do()

    return sink


# ---- encrypted exports


def test_an_encrypted_export_is_kept_marked_and_its_password_tried(environment: Environment) -> None:
    environment.scene("encrypted-export")
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 0, ran
    folder = Path(ran.json["set"])
    manifest = repository.open_set(folder)
    encrypted, cleansed = manifest.part(components.AD_LDS)
    assert not (folder / encrypted.file).read_bytes().startswith(b"dn:")
    assert b"objectClass: pae-ServerPool" in (folder / cleansed.file).read_bytes()
    read = encrypted.evidence["read"]
    assert (read["kind"], read["recovery_password"]) == ("encrypted", "tried")
    assert (read["pools"], read["desktops"]) == (7, 40)
    [tried] = [one for one in environment.wire() if "vdmimport" in one.text and encrypted.host in one.system
               and ran.json["run"] in one.text]  # fmt: skip
    assert environment.password("recovery") not in tried.text
    assert environment.run("verify", ran.json["run"], "--json").code == 0
    assert ours(world_of(environment)) == []


def test_a_recovery_password_of_another_day_fails_the_run_and_is_told_before_it(environment: Environment) -> None:
    environment.scene("recovery-password-lost")
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (4, "blocked"), ran
    assert "It does not open" in ran.err
    before = standing(world_of(environment))
    ending = back_up(environment)
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert ending.error is not None
    assert "The data recovery password does not open the export." in str(ending.error.what)
    assert changed(before, standing(world_of(environment))) == {}


def test_a_recovery_password_that_nobody_knows_here_is_a_weakness_of_the_set(environment: Environment) -> None:
    environment.scene("encrypted-export")
    environment.pin()
    known = Desk(environment.data).passwords(environment.profile())
    profile = environment.real_profile()
    given = {account: known.of(account, "") for account in ("PRACTICE\\viewkeeper", "vksql")}
    manifest = manifest_of(back_up(environment, profile, desk=Desk(environment.data, given, clock=Hurried())))
    assert any("recovery password was not tried" in str(weakness) for weakness in manifest.weaknesses)


# ---- a database that the DBA backs up


def with_dba(profile: Profile, **answers: Any) -> Profile:
    """Let the DBA back up the first vCenter's database."""
    first, *others = profile.vcenters
    assert first.database is not None
    database = msgspec.structs.replace(first.database, backed_up_by="dba")
    vcenters = (msgspec.structs.replace(first, database=database), *others)
    return msgspec.structs.replace(profile, vcenters=vcenters)


def dba_backs_up(environment: Environment, **options: str) -> None:
    environment.operator("back-up-database", server="sql1", database="VIM_VCDB", **options)


def test_a_dbas_backup_is_waited_for_and_proven_from_msdb(environment: Environment) -> None:
    before = standing(world_of(environment))

    def acts(event: Event) -> None:
        if isinstance(event, GuidedWaits):
            dba_backs_up(environment)

    ending = back_up(environment, with_dba(environment.profile()), prompter=PATIENT, sink=acts)
    manifest = manifest_of(ending)
    [one] = manifest.elsewhere
    assert (one.component, one.system, one.database) == (components.VCENTER_DATABASE, "sql:sql1", "VIM_VCDB")
    assert one.evidence["row"]["user"] == "PRACTICE\\dba"
    assert one.evidence["row"]["checksums"]
    assert one.path == one.evidence["row"]["path"]
    assert [part.system for part in manifest.part(components.VCENTER_DATABASE)] == ["winrm:sql2"]
    assert "VIM_VCDB" not in " ".join(one.text for one in environment.wire() if one.changes)
    assert one.path in (sets(environment)[0] / "README.txt").read_text("utf-8")
    after = {key: row for key, row in standing(world_of(environment)).items() if "dba-" not in key[1]}
    assert changed(before, after) == {}


def test_without_the_dbas_backup_the_run_waits_with_everything_put_back_and_is_completed_later(
    environment: Environment,
) -> None:
    before = standing(world_of(environment))
    profile = with_dba(environment.profile())
    dba_backs_up(environment)
    environment.lab("clock", forward=5)  # before provisioning went off: it proves nothing
    before |= {key: row for key, row in standing(world_of(environment)).items() if "dba-" in key[1]}
    ending = back_up(environment, profile)
    assert (ending.status, ending.exit_code) == (Status.WAITING, 3), ending
    assert changed(before, standing(world_of(environment))) == {}
    assert ours(world_of(environment)) == []
    [listed] = environment.run("runs", "--json").json["runs"]
    assert (listed["status"], listed["off"]) == ("waiting", [])
    other = back_up(environment, profile)
    assert (other.status, other.exit_code) == (Status.BUSY, 5), other

    again = tasks.resume(
        hurried(environment), profile, ending.run, Unattended(),
        at_step("backup/freeze/ad-lds", lambda: dba_backs_up(environment)),
    )  # fmt: skip
    assert manifest_of(again).elsewhere


def test_a_dbas_backup_without_checksums_is_a_weakness_of_the_set(environment: Environment) -> None:
    sink = at_step("backup/freeze/ad-lds", lambda: dba_backs_up(environment, checksums="no"))
    manifest = manifest_of(back_up(environment, with_dba(environment.profile()), sink=sink))
    assert manifest.elsewhere[0].evidence["state"] == "warning"
    assert any("has no checksums" in str(weakness) for weakness in manifest.weaknesses)


def test_a_workstation_whose_clock_is_fast_believes_the_servers_rows_all_the_same(environment: Environment) -> None:
    class Fast(Hurried):
        def now(self) -> float:
            return super().now() + 600

    sink = at_step("backup/freeze/ad-lds", lambda: dba_backs_up(environment))
    desk = Desk(environment.data, clock=Fast())
    assert manifest_of(back_up(environment, with_dba(environment.profile()), desk=desk, sink=sink)).elsewhere


# ---- options


def test_with_the_connection_server_stopped_inside_the_freeze_it_runs_again_afterwards(
    environment: Environment,
) -> None:
    before = standing(world_of(environment))
    profile = with_options(environment.profile(), stop_connection_server=True)
    manifest_of(back_up(environment, profile))
    dropped = changed(before, standing(world_of(environment)))
    assert all(name.startswith("UserSession ") for name in dropped), "more than the sessions in its tunnel is changed"
    texts = [one.text for one in environment.wire() if one.changes and "-Service" in one.text]
    assert texts == [
        "Stop-Service -Name 'wsbroker'", "Stop-Service -Name 'svid'", "Start-Service -Name 'svid'",
        "Start-Service -Name 'wsbroker'",
    ]  # fmt: skip


def test_a_connection_server_that_does_not_start_again_is_named(environment: Environment) -> None:
    environment.fault("winrm:broker1", "*start-service*", "fail")
    ending = back_up(environment, with_options(environment.profile(), stop_connection_server=True))
    assert (ending.status, ending.exit_code) == (Status.NEEDS_YOU, 3), ending
    assert "Connection Server" in " ".join(str(off.what_is_off) for off in ending.off)
    world = world_of(environment)
    assert world.require(Service, "composer1", "svid").state == "Running"


def test_parts_side_by_side_make_the_same_set(environment: Environment) -> None:
    before = standing(world_of(environment))
    plain = manifest_of(back_up(environment))
    profile = with_options(environment.profile(), side_by_side=True)
    manifest = manifest_of(back_up(environment, profile))
    assert [(part.component, part.system) for part in manifest.parts] == [
        (part.component, part.system) for part in plain.parts
    ]
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


@pytest.mark.parametrize(
    ("system", "call"), [("winrm:broker1", "*vdmexport*"), ("sql:sql1", "*viewcomposer*backup database*to disk*")]
)
def test_a_failure_in_one_of_the_parts_side_by_side_ends_all_with_everything_put_back(
    environment: Environment, system: str, call: str
) -> None:
    before = standing(world_of(environment))
    environment.fault(system, call, "fail")
    ending = back_up(environment, with_options(environment.profile(), side_by_side=True))
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    environment.clear_faults()
    assert resume(environment, ending.run, with_options(environment.profile(), side_by_side=True)).exit_code == 0


@pytest.mark.parametrize(("when", "earlier"), [("before", True), ("after", False)])
def test_the_event_database_is_backed_up_beside_the_freeze(environment: Environment, when: str, earlier: bool) -> None:
    order: list[str] = []

    def sink(event: Event) -> None:
        if isinstance(event, StepStarted):
            order.append(event.key)

    manifest = manifest_of(back_up(environment, with_options(environment.profile(), event_database=when), sink=sink))
    assert (order.index("backup/events") < order.index("backup/freeze")) is earlier
    assert manifest.part(components.EVENT_DATABASE)


def test_an_image_backup_of_the_operators_own_is_recorded(environment: Environment) -> None:
    made = ImageBackup(product="Tape", date="2011-09-30", what="all virtual disks")
    profile = msgspec.structs.replace(environment.profile(), image_backup=made)
    manifest = manifest_of(back_up(environment, profile))
    assert manifest.image_backup == msgspec.to_builtins(made)
    assert not any("image backup" in str(weakness) for weakness in manifest.weaknesses)


def test_only_a_key_with_its_own_private_part_counts_as_one(environment: Environment, tmp_path: Path) -> None:
    ending = back_up(environment)
    [part] = manifest_of(ending).part(components.COMPOSER_KEYS)
    good = (Path(backups.of_set(ending)["set"]) / part.file).read_text("ascii")
    file = tmp_path / "keys.xml"
    file.write_text(good)
    assert holds_private_key(file)
    start, end = good.index("<P>"), good.index("</RSAKeyValue>")
    modulus = good[good.index("<Modulus>") : good.index("</Modulus>")]
    for bad in (
        "", good[: len(good) // 2], good[:start] + good[end:], good.replace("RSAKeyValue", "DSAKeyValue"),
        good.replace(modulus, modulus[:12] + ("A" if modulus[12] != "A" else "B") + modulus[13:]),
        good.replace("<D>", "<D>!"),
    ):  # fmt: skip
        file.write_text(bad)
        assert not holds_private_key(file), bad
