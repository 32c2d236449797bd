"""Runs that were killed or stopped: listed, gone on with, taken back; here and from another workstation."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import profile as profiles
from app.backupset.repository import open_set
from app.engine.prompter import Unattended
from app.lab.rows import Service
from app.tasks import close_left
from app.trust import Trust
from tests.scenarios.environment import Environment, Ran
from tests.scenarios.running import held_at, hurried, killed, sets, wait_for
from tests.scenarios.standing import changed, ours, provisioning, standing, world_of


@dataclass(frozen=True)
class Point:
    """Where a run is killed: in a call that hangs there; what is off then, and whether the notice lies there."""

    about: str
    system: str
    call: str
    off: tuple[str, ...]

    def __str__(self) -> str:
        return self.about.replace(" ", "-")


PROVISIONING = "Provisioning of: Engineering, Finance, Kiosk, 研发桌面, Sales"
COMPOSER = "Service VMware View Composer on composer1"
FILES = "Temporary files on: broker1, composer1, sql1, sql2"

FROZEN = (FILES, PROVISIONING)
WITHOUT_COMPOSER = (FILES, PROVISIONING, COMPOSER)

COMPOSER_STOPPED = Point(
    "while Composer is stopped", "sql:sql1", "*n'viewcomposer'*backup database*to disk*", WITHOUT_COMPOSER
)
EXPORTING = Point("while AD LDS is exported", "winrm:broker1", '*vdmexport.exe" -f*', FROZEN)
FETCHING = Point("while files are fetched", "winrm:sql1", "*read-filepart*", (FILES,))
POINTS = (
    Point("before the freeze", "winrm:composer1", "*new-item*", (FILES,)),
    Point("while provisioning goes off", "winrm:broker1", "*'rd-lc'*$false*", FROZEN),
    EXPORTING,
    Point("while Composer stops", "winrm:composer1", "*stop-service*", WITHOUT_COMPOSER),
    COMPOSER_STOPPED,
    Point("while Composer starts", "winrm:composer1", "*start-service*", WITHOUT_COMPOSER),
    Point("while provisioning goes on", "winrm:broker1", "*'rd-lc'*$true*", FROZEN),
    FETCHING,
    Point("while files are removed", "winrm:sql1", "*remove-item*", (FILES,)),
)


def run_id(environment: Environment) -> str:
    [found] = (environment.repository / "practice").iterdir()
    return found.name.partition("Z-")[2]


def listed(environment: Environment, run: str) -> dict[str, object]:
    ran = environment.run("runs", "--json")
    assert ran.code == 0, ran
    return next(one for one in ran.json["runs"] if one["run"] == run)


def let_go(environment: Environment) -> None:
    """Take the fault away, and let the shells that the killed process left idle out."""
    environment.clear_faults()
    environment.lab("clock", forward=200)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_killed_run_is_listed_with_what_is_off_and_undone_as_if_it_had_never_been(
    own_environment: Environment, point: Point
) -> None:
    environment = own_environment
    before = standing(world_of(environment))
    killed(held_at(environment, point.system, point.call))
    run = run_id(environment)
    let_go(environment)
    found = listed(environment, run)
    assert found["status"] == "interrupted"
    assert sorted(found["off"]) == sorted(point.off)  # type: ignore[call-overload]  # JSON knows no types
    ran = environment.run("undo", run, "--yes", "--json")
    assert ran.code == 0, ran
    assert ran.json["outcome"] == "undone"
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert not list((environment.repository / "practice").iterdir())
    assert listed(environment, run)["status"] == "undone"


@pytest.mark.parametrize("point", [COMPOSER_STOPPED, FETCHING], ids=str)
def test_a_killed_run_is_completed_in_a_new_freeze(own_environment: Environment, point: Point) -> None:
    environment = own_environment
    before = standing(world_of(environment))
    killed(held_at(environment, point.system, point.call))
    run = run_id(environment)
    let_go(environment)
    mark = environment.mark()
    ran = environment.run("resume", run, "--yes", "--json")
    assert ran.code == 0, ran
    assert ran.json["outcome"] == "done"
    switched = [event for event in environment.changed_by_us(mark) if "provisioning" in event.what.lower()]
    assert len(switched) >= 5, "nothing was captured anew in a freeze of its own"
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    [whole] = sets(environment)
    assert str(whole) == ran.json["set"]
    assert environment.run("verify", str(whole), "--json").json["outcome"] == "done"
    assert environment.run("resume", run, "--yes", "--json").code == 2, "a run that is over was gone on with"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_a_run_killed_before_its_manifest_is_completed(own_environment: Environment) -> None:
    """Nothing is off any more then, and nothing tells but the journal."""
    environment = own_environment
    process = environment.start("backup", "--yes", "--json")
    wait_for(lambda: list(environment.repository.glob("practice/*")))
    [folder] = environment.repository.glob("practice/*")
    pipe = folder / "manifest.json.part"
    os.mkfifo(pipe)  # whoever opens it for writing waits until somebody reads
    wait_for((folder / "README.txt").exists)
    killed(process)
    assert not (folder / "manifest.json").exists()
    pipe.unlink()
    run = run_id(environment)
    let_go(environment)
    assert listed(environment, run)["status"] == "interrupted"
    assert listed(environment, run)["off"] == []
    ran = environment.run("verify", run, "--json")
    assert (ran.code, ran.json["outcome"]) == (2, "refused"), ran
    ran = environment.run("resume", run, "--yes", "--json")
    assert ran.code == 0, ran
    assert environment.run("verify", run, "--json").json["outcome"] == "done"
    assert ours(world_of(environment)) == []


def test_the_next_backup_closes_what_a_killed_one_left_before_it_looks(own_environment: Environment) -> None:
    """As after a power cut in the night: nobody is there to say resume."""
    environment = own_environment
    before = standing(world_of(environment))
    killed(held_at(environment, COMPOSER_STOPPED.system, COMPOSER_STOPPED.call))
    run = run_id(environment)
    let_go(environment)
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, "done"), ran
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert listed(environment, run)["status"] == "failed"
    assert all(pool.provisioning for pool in open_set(sets(environment)[0]).pools if pool.pool_id == "fin-full")


def test_a_backup_is_not_begun_while_something_stays_off(own_environment: Environment) -> None:
    environment = own_environment
    killed(held_at(environment, COMPOSER_STOPPED.system, COMPOSER_STOPPED.call))
    run = run_id(environment)
    let_go(environment)
    environment.scene("host-unreachable", host="composer1")
    ending = close_left(hurried(environment), environment.profile(), Unattended(), lambda _event: None)
    assert ending is not None
    assert (ending.run, ending.exit_code) == (run, 3)
    assert COMPOSER in [str(off.what_is_off) for off in ending.off]
    assert provisioning(world_of(environment))["fin-full"] == "1"


def test_a_run_whose_journal_is_lost_is_known_from_the_notice(own_environment: Environment) -> None:
    environment = own_environment
    before = standing(world_of(environment))
    run = interrupted(environment)
    for path in environment.data.glob("journal.sqlite-*"):
        path.unlink()
    (environment.data / "journal.sqlite").write_bytes(b"no journal " * 100)
    mark = environment.mark()
    for words in (("runs",), ("undo", run), ("report", run)):
        ran = environment.run(*words, "--yes", "--json")
        assert (ran.code, ran.json["outcome"]) == (2, "refused"), ran
        assert "The journal" in ran.json["error"]["what"]
    assert environment.changed_by_us(mark) == []
    for path in environment.data.glob("journal.sqlite*"):
        path.unlink()
    found = listed(environment, run)
    assert (found["status"], found["known_from"]) == ("lost", "notice")
    ran = environment.run("undo", run, "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, "undone"), ran
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


# ---- stopped by the operator


@pytest.mark.parametrize("point", [EXPORTING, COMPOSER_STOPPED], ids=str)
def test_a_run_that_the_operator_stops_puts_everything_back_and_can_be_gone_on_with(
    own_environment: Environment, point: Point
) -> None:
    environment = own_environment
    before = standing(world_of(environment))
    process = held_at(environment, point.system, point.call)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    heard = ""
    while "Putting back" not in heard:
        heard = process.stderr.readline()
        assert heard, "it ended without putting anything back"
    process.send_signal(signal.SIGINT)  # once more, while things are put back
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    ran = Ran(process.returncode, out, err)
    assert ran.json["outcome"] == "stopped"
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert sets(environment) == []
    environment.clear_faults()
    ran = environment.run("resume", ran.json["run"], "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, "done"), ran


# ---- a second workstation


@dataclass(frozen=True)
class Workstation:
    """Another administrator's: a data folder of its own, the same environment and repository."""

    environment: Environment
    data: Path

    def run(self, *words: str) -> Ran:
        passwords = ("--passwords", str(self.environment.passwords_file()))
        return self.environment.run(*words, "--data", str(self.data), "--profile", "site", *passwords, "--json")


@pytest.fixture
def second(own_environment: Environment, tmp_path: Path) -> Workstation:
    workstation = Workstation(own_environment, tmp_path / "second")
    profiles.Store(workstation.data).save(own_environment.real_profile())
    own_environment.pin()
    known = own_environment.desk.trust.pins()
    for place, pin in known.items():
        address, _, port = place.rpartition(":")
        Trust(workstation.data / "trust.json").accept(address, int(port), pin.certificate)
    return workstation


def interrupted(environment: Environment) -> str:
    """Leave a run that was killed while Composer was stopped, long enough ago to count as lost."""
    killed(held_at(environment, COMPOSER_STOPPED.system, COMPOSER_STOPPED.call))
    let_go(environment)
    return run_id(environment)


def test_a_second_workstation_learns_of_a_lost_run_from_the_notice_and_undoes_it(
    own_environment: Environment, second: Workstation
) -> None:
    before = standing(world_of(own_environment))
    run = interrupted(own_environment)
    [found] = second.run("runs").json["runs"]
    assert (found["run"], found["status"], found["known_from"]) == (run, "lost", "notice")
    assert PROVISIONING in found["off"]
    assert COMPOSER in found["off"]
    ran = second.run("undo", run, "--yes")
    assert (ran.code, ran.json["outcome"]) == (0, "undone"), ran
    world = world_of(own_environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


def test_a_second_workstation_completes_a_lost_run(own_environment: Environment, second: Workstation) -> None:
    before = standing(world_of(own_environment))
    run = interrupted(own_environment)
    ran = second.run("resume", run, "--yes")
    assert (ran.code, ran.json["outcome"]) == (0, "done"), ran
    world = world_of(own_environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []
    assert second.run("verify", ran.json["set"]).code == 0


def test_a_second_workstation_begins_nothing_while_something_of_a_lost_run_is_off(
    own_environment: Environment, second: Workstation
) -> None:
    run = interrupted(own_environment)
    world = world_of(own_environment)
    mark = own_environment.mark()
    ran = second.run("backup", "--yes")
    assert ran.code in (4, 5), ran
    assert run in ran.err
    assert own_environment.changed_by_us(mark) == []
    assert provisioning(world_of(own_environment)) == provisioning(world)


def test_a_second_workstation_does_not_take_over_a_run_that_lives(
    own_environment: Environment, second: Workstation
) -> None:
    environment = own_environment
    process = held_at(environment, COMPOSER_STOPPED.system, COMPOSER_STOPPED.call)
    try:
        run = run_id(environment)
        mark = environment.mark()
        assert second.run("runs").json["runs"][0]["status"] == "running elsewhere"
        for words in (("undo", run), ("resume", run)):
            ran = second.run(*words, "--yes")
            assert (ran.code, ran.json["outcome"]) == (5, "busy"), ran
        ran = second.run("backup", "--yes")
        assert ran.code in (4, 5), ran
        ran = environment.run("undo", run, "--yes", "--json")  # on its own workstation the lock tells
        assert (ran.code, ran.json["outcome"]) == (5, "busy"), ran
        assert environment.changed_by_us(mark) == []
        assert world_of(environment).require(Service, "composer1", "svid").state == "Stopped"
    finally:
        killed(process)
