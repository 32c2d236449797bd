"""Servers that fail, lie or do half: no run takes that for done, and everything is put back or named."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.engine.ending import Ending, Status
from app.engine.events import Event, StepStarted
from app.lab.rows import Service
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up, resume, sets, undo
from tests.scenarios.standing import changed, ours, provisioning, standing, world_of


@dataclass(frozen=True)
class Case:
    """A fault, and a piece of the sentence that names it."""

    about: str
    system: str
    call: str
    kind: str
    says: str
    detail: str = ""

    def __str__(self) -> str:
        return self.about.replace(" ", "-")


COMPOSER = "*n'viewcomposer'*backup database*to disk*"
VCENTER = "*n'vim_vcdb'*backup database*to disk*"
EVENTS = "*n'viewevents'*backup database*to disk*"

CLOSED = (
    # provisioning
    Case("off lies", "winrm:broker1", "*isprovisioningenabled $false*", "lie", "Provisioning is still on"),
    Case("off lies for one pool", "winrm:broker1", "*'rd-lc'*$false*", "lie", "Provisioning is still on: 研发桌面."),
    Case("off fails", "winrm:broker1", "*'kiosk-lc'*$false*", "fail", "could not do what"),
    Case("off is refused", "winrm:broker1", "*isprovisioningenabled $false*", "refuse", "could not do what"),
    # AD LDS
    Case("vdmexport lies", "winrm:broker1", "*vdmexport*", "lie", "The export was not written"),
    Case("vdmexport fails", "winrm:broker1", "*vdmexport*", "fail", "ended with exit code 1"),
    Case("vdmexport does half", "winrm:broker1", "*vdmexport*", "half", ""),
    Case("vdmexport is cut", "winrm:broker1", "*vdmexport*", "truncate", ""),
    Case("vdmexport finds a full disk", "winrm:broker1", "*vdmexport*", "disk-full", "ended with exit code"),
    # Composer
    Case("Composer does not stop", "winrm:composer1", "*stop-service*", "lie", "is not stopped"),
    Case("stopping Composer fails", "winrm:composer1", "*stop-service*", "fail", "stop-service"),
    # keys
    Case("aspnet_regiis lies", "winrm:composer1", "*aspnet_regiis*", "lie", "was not written"),
    Case("aspnet_regiis fails", "winrm:composer1", "*aspnet_regiis*", "fail", "could not be exported"),
    Case("aspnet_regiis does half", "winrm:composer1", "*aspnet_regiis*", "half", "does not hold a private key"),
    Case("aspnet_regiis is cut", "winrm:composer1", "*aspnet_regiis*", "truncate", "does not hold a private key"),
    # databases
    Case("the Composer backup fails", "sql:sql1", COMPOSER, "fail", "ViewComposer could not be backed up"),
    Case("the Composer backup lies", "sql:sql1", COMPOSER, "lie", "msdb has no row"),
    Case("the Composer backup is damaged", "sql:sql1", COMPOSER, "half", "does not verify"),
    Case("the Composer backup is cut", "sql:sql1", COMPOSER, "truncate", "does not verify"),
    Case("the Composer backup has no file", "sql:sql1", COMPOSER, "half", "is not there", "missing"),
    Case("the vCenter backup lies", "sql:sql1", VCENTER, "lie", "msdb has no row"),
    Case("the vCenter backup finds a full disk", "sql:sql1", VCENTER, "disk-full", "could not be backed up"),
    Case("the connection drops in a backup", "sql:sql2", "*backup database*to disk*", "drop", "broke in the middle"),
    Case("an old server's backup is damaged", "sql:sql2", "*backup database*to disk*", "half", "does not verify"),
    Case("the event backup fails", "sql:sql1", EVENTS, "fail", "ViewEvents could not be backed up"),
    # files
    Case("a folder is not made", "winrm:composer1", "*new-item*", "lie", "is not there on composer1"),
    Case("a folder stays open to others", "winrm:composer1", "*icacls*", "lie", "Others may: "),
    Case("a folder cannot be closed to others", "winrm:composer1", "*icacls*", "fail", "icacls ended with"),
    Case("a fetch is cut", "winrm:sql1", "*read-filepart*", "truncate", ""),
    Case("a fetch breaks off", "winrm:broker1", "*read-filepart*vdmconfig*", "drop", "was lost"),
    # the notice
    Case("the notice is not renamed", "winrm:broker1", "*move-fileto*", "lie", ""),
    Case("the notice is half", "winrm:broker1", "*move-fileto*", "half", "did not travel whole"),
    Case("the notice cannot be written", "winrm:broker1", "*write-filepart*", "fail", "could not do what"),
    # vSphere
    Case("no vmx can be had", "vcenter:vc1", "get */folder/*", "truncate", "Not one .vmx of vc1"),
    Case("vmx files are empty", "vcenter:vc2", "get */folder/*", "lie", "Not one .vmx of vc2"),
)


def words(ending: Ending) -> str:
    assert ending.error is not None
    return f"{ending.error.what} {ending.error.why}"


@pytest.mark.parametrize("case", CLOSED, ids=str)
def test_what_goes_wrong_ends_the_run_and_leaves_everything_as_it_was(environment: Environment, case: Case) -> None:
    before = standing(world_of(environment))
    environment.fault(case.system, case.call, case.kind, detail=case.detail)
    ending = back_up(environment)
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert case.says in words(ending)
    assert ending.error is not None
    assert str(ending.error.do)
    assert not ending.off
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert sets(environment) == []


ANSWERS_LOST = (
    ("winrm:broker1", "*isprovisioningenabled $false*"),
    ("winrm:broker1", "*isprovisioningenabled $true*"),
    ("winrm:broker1", "*vdmexport*"),
    ("winrm:composer1", "*stop-service*"),
    ("winrm:composer1", "*start-service*"),
    ("sql:sql1", COMPOSER),
    ("winrm:sql1", "*remove-item*"),
)
AT_FIRST = (
    ("winrm:broker1", "*'fin-full'*$true*", "lie"),
    ("winrm:broker1", "*'rd-lc'*$true*", "fail"),
    ("winrm:composer1", "*start-service*", "fail"),
    ("winrm:sql1", "*remove-item*viewcomposer*", "lie"),
    ("winrm:composer1", "*remove-item*", "fail"),
)
BROKEN = (
    ("winrm:broker1", "*isprovisioningenabled $false*"),
    ("winrm:broker1", "*vdmexport*"),
    ("winrm:composer1", "*stop-service*"),
    ("winrm:composer1", "*start-service*"),
    ("sql:sql1", COMPOSER),
)


@pytest.mark.parametrize(
    "faults",
    [
        [(*call, "lose-answer") for call in ANSWERS_LOST],
        [(*call, "drop") for call in BROKEN],
        list(AT_FIRST),
    ],
    ids=["answers-are-lost", "connections-break", "closing-fails-at-first"],
)
def test_what_goes_wrong_once_where_looking_tells_is_got_over(
    environment: Environment, faults: list[tuple[str, str, str]]
) -> None:
    before = standing(world_of(environment))
    for system, call, kind in faults:
        environment.fault(system, call, kind, times=1)
    ending = back_up(environment)
    assert ending.status is Status.DONE, ending
    assert [fault for fault in environment.lab("faults")["faults"] if fault["times"]] == [], "a fault was never met"
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert len(sets(environment)) == 1


OPEN = (
    Case("on lies", "winrm:broker1", "*isprovisioningenabled $true*", "lie", "Provisioning of: Engineering, Finance"),
    Case("on fails", "winrm:broker1", "*isprovisioningenabled $true*", "fail", "Provisioning of: Engineering, Finance"),
    Case("Composer does not start", "winrm:composer1", "*start-service*", "fail", "Service VMware View Composer on"),
    Case("Composer's start lies", "winrm:composer1", "*start-service*", "lie", "Service VMware View Composer on"),
    Case("files are not removed", "winrm:sql1", "*remove-item*", "lie", "Temporary files on: broker1, composer1, sql1"),
)


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_what_cannot_be_put_back_is_named_with_what_to_do_by_hand_until_it_is_put_back(
    environment: Environment, case: Case
) -> None:
    before = standing(world_of(environment))
    environment.fault(case.system, case.call, case.kind)
    ending = back_up(environment)
    assert (ending.status, ending.exit_code) == (Status.NEEDS_YOU, 3), ending
    [off] = ending.off
    assert case.says in str(off.what_is_off)
    assert off.by_hand
    assert str(off.note)
    assert sets(environment) == []
    environment.clear_faults()
    ending = undo(environment, ending.run)
    assert (ending.status, ending.exit_code) == (Status.UNDONE, 0), ending
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


@pytest.mark.parametrize("again", ["resume", "a-new-backup"])
def test_what_could_not_be_put_back_is_put_back_by_the_next_run(environment: Environment, again: str) -> None:
    before = standing(world_of(environment))
    environment.fault("winrm:composer1", "*start-service*", "fail")
    ending = back_up(environment)
    assert ending.status is Status.NEEDS_YOU
    environment.clear_faults()
    ending = resume(environment, ending.run) if again == "resume" else back_up(environment)
    assert ending.status is Status.DONE, ending
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert len(sets(environment)) == 1


def test_a_command_that_does_not_come_back_is_given_up_and_done_again(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runbooks.adlds.DEADLINE", 2)
    monkeypatch.setattr("app.connectors.winrm.remote.CALL_DEADLINE", 5)
    environment.fault("winrm:broker1", "*vdmexport*", "hang", times=1)
    environment.fault("winrm:composer1", "*stop-service*", "hang", times=1)
    ending = back_up(environment)
    assert ending.status is Status.DONE, ending
    assert [fault for fault in environment.lab("faults")["faults"] if fault["times"]] == [], "a fault was never met"


def test_a_pool_that_cannot_be_switched_on_keeps_no_other_from_it(environment: Environment) -> None:
    before = provisioning(world_of(environment))
    environment.fault("winrm:broker1", "*'fin-full'*$true*", "fail")
    ending = back_up(environment)
    assert ending.status is Status.NEEDS_YOU
    after = provisioning(world_of(environment))
    assert after == {**before, "fin-full": "0"}
    assert any("Finance" in line for off in ending.off for line in off.by_hand)


def test_a_pool_that_is_deleted_meanwhile_needs_nothing_put_back(environment: Environment) -> None:
    seen: list[str] = []

    def delete_once(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key.startswith("backup/freeze/composer-database") and not seen:
            seen.append(event.key)
            environment.operator("delete-pool", pool="fin-full")

    ending = back_up(environment, sink=delete_once)
    assert seen
    assert not ending.off, ending
    assert provisioning(world_of(environment)).get("eng-full") == "1"


def test_a_host_that_goes_away_in_the_freeze_does_not_keep_provisioning_off(environment: Environment) -> None:
    before = provisioning(world_of(environment))

    def goes(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key.startswith("backup/freeze/keys"):
            environment.scene("host-unreachable", host="composer1")

    ending = back_up(environment, sink=goes)
    assert (ending.status, ending.exit_code) == (Status.NEEDS_YOU, 3), ending
    assert "composer1" in words(ending)
    assert sorted(off.closer for off in ending.off) == ["service-started", "temporary-removed"]
    assert provisioning(world_of(environment)) == before
    environment.scene("quiet")
    ending = undo(environment, ending.run)
    assert ending.status is Status.UNDONE, ending
    world = world_of(environment)
    assert ours(world) == []
    assert world.require(Service, "composer1", "svid").state == "Running"


def test_a_sql_server_that_goes_away_ends_the_run_with_everything_put_back(environment: Environment) -> None:
    before = standing(world_of(environment))

    def goes(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key.startswith("backup/freeze/vcenter-database/vc2"):
            environment.fault("sql:sql2", "*", "refuse")

    ending = back_up(environment, sink=goes)
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert "sql2" in words(ending)
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


def test_a_notice_that_stays_behind_is_told(environment: Environment) -> None:
    environment.fault("winrm:broker1", "*remove-item*notice.json*", "lie")
    ending = back_up(environment)
    assert ending.status is Status.DONE
    assert any("The notice could not be taken back" in str(warning) for warning in ending.warnings)


# ---- the repository


FULL = Path("/dev/full")
"""What Linux has for it: writing there finds no room."""


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("step", "file"),
    [
        ("backup/fetch/composer-database/composer1", "composer-database/composer1/viewkeeper-{run}-ViewComposer.bak"),
        ("backup/complete", "manifest.json"),
    ],
    ids=["a-backup", "the-manifest"],
)
def test_a_full_repository_ends_the_run_with_everything_put_back(
    environment: Environment, step: str, file: str
) -> None:
    before = standing(world_of(environment))
    written: list[Path] = []

    def fills(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key == step:
            [folder] = (environment.repository / "practice").iterdir()
            written.append(folder / f"{file.format(run=event.run)}.part")
            written[0].parent.mkdir(parents=True, exist_ok=True)
            written[0].symlink_to(FULL)

    ending = back_up(environment, sink=fills)
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert "The repository cannot be used" in words(ending)
    assert "The disk is full." in words(ending)
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert sets(environment) == []
    written[0].unlink(missing_ok=True)
    ending = resume(environment, ending.run)
    assert ending.status is Status.DONE, ending
    assert len(sets(environment)) == 1


def test_a_repository_that_goes_away_ends_the_run_with_everything_put_back(environment: Environment) -> None:
    before = standing(world_of(environment))

    def goes(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key == "backup/fetch/vcenter-database/vc1":
            shutil.rmtree(environment.repository)
            environment.repository.write_bytes(b"")  # where a share was mounted, there is nothing to write into

    ending = back_up(environment, sink=goes)
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert "The repository cannot be used" in words(ending)
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


def test_a_repository_that_cannot_be_made_is_told_before_anything_is_begun(environment: Environment) -> None:
    before = environment.mark()
    environment.repository.write_bytes(b"")
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 4, ran
    [blocked] = [answer for answer in ran.json["checks"] if answer["blocks"]]
    assert "The repository cannot be used" in blocked["found"]
    assert environment.changed_by_us(before) == []
