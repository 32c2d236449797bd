"""The lab as a process: published, found again, told to end, and known for dead when it is."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import UserError
from app.lab import process
from app.lab.__main__ import main
from app.lab.control import ControlError, NotThere, call
from app.lab.practice import certificates, practice_password, practice_passwords, practice_profile
from app.observation import State
from app.profile import check

Running = Callable[..., Any]


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def ask(found: dict[str, Any], command: str, **arguments: Any) -> dict[str, Any]:
    return call(found["control"]["port"], found["control"]["token"], command, **arguments)


def test_a_lab_publishes_what_others_need_and_takes_it_back(tmp_path: Path, running: Running) -> None:
    with running() as found:
        assert found["pid"] == os.getpid()
        assert all(listens(entry["port"]) for entry in found["systems"].values())
        if sys.platform != "win32":
            assert stat.S_IMODE((tmp_path / "lab" / "lab.json").stat().st_mode) == 0o600
    assert process.published(tmp_path) is None
    assert not (tmp_path / "lab" / "lab.json").exists()


def test_a_second_lab_in_the_same_folder_is_refused(tmp_path: Path, running: Running) -> None:
    with running():
        assert process.serve(tmp_path, {}) == 5
        assert process.start(tmp_path)["pid"] == os.getpid()


def test_what_a_dead_process_has_published_is_known_for_stale(tmp_path: Path, running: Running) -> None:
    with running():
        left = (tmp_path / "lab" / "lab.json").read_text("utf-8")
    (tmp_path / "lab" / "lab.json").write_text(left, "utf-8")
    assert process.published(tmp_path) is None
    with running() as found:
        content = json.loads(left)
        content["control"] = {"port": found["control"]["port"], "token": "another"}
        (tmp_path / "lab" / "lab.json").write_text(json.dumps(content), "utf-8")
        assert process.published(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"control": {}}', '{"control": {"port": 1, "token": "x"}}'])
def test_a_damaged_file_is_no_lab(tmp_path: Path, content: str) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab.json").write_text(content, "utf-8")
    assert process.published(tmp_path) is None


def test_the_door_opens_to_the_token_only(running: Running) -> None:
    with running() as found:
        with pytest.raises(ControlError, match="token"):
            call(found["control"]["port"], "wrong", "status")
        with pytest.raises(ControlError, match="no command"):
            ask(found, "nosuch")
        with pytest.raises(ControlError, match="lacks"):
            ask(found, "fault", system="x")


def test_nobody_behind_a_port_is_told(running: Running) -> None:
    with pytest.raises(NotThere):
        call(1, "token", "ping")


def test_the_world_outlives_its_process(tmp_path: Path, running: Running) -> None:
    with running() as found:
        ask(found, "operator", name="provisioning", options={"pool": "rd-lc", "to": "off"})
    with running() as found:
        pools = {pool["id"]: pool["provisioning"] for pool in ask(found, "status")["pools"]}
        assert pools["rd-lc"] is False
        assert pools["sales-lc"] is True


def test_a_lab_that_nobody_uses_ends_by_itself(tmp_path: Path) -> None:
    assert process.serve(tmp_path, {"desktops": 0, "pace": "0"}, lambda _lab: [], idle=0.05) == 0
    assert process.published(tmp_path) is None


def test_a_port_is_closed_while_its_host_is_away_and_the_same_afterwards(running: Running) -> None:
    with running() as found:
        port = found["systems"]["winrm:composer1"]["port"]
        ask(found, "scene", name="host-unreachable")
        wait_until(lambda: not listens(port))
        assert ask(found, "status")["systems"]["winrm:composer1"] == {"port": port, "answers": False}
        ask(found, "scene", name="quiet")
        wait_until(lambda: listens(port))


def test_a_stopped_service_closes_the_port_behind_it(running: Running) -> None:
    with running() as found:
        port = found["systems"]["sql:sql2"]["port"]
        ask(found, "operator", name="stop-service", options={"host": "sql2", "service": "SQLSERVERAGENT"})
        ask(found, "operator", name="stop-service", options={"host": "sql2", "service": "MSSQLSERVER"})
        wait_until(lambda: not listens(port))
        ask(found, "operator", name="start-service", options={"host": "sql2", "service": "MSSQLSERVER"})
        wait_until(lambda: listens(port))


def wait_until(true: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_states_are_saved_and_gone_back_to(running: Running) -> None:
    with running() as found:
        ask(found, "save", name="before")
        before = ask(found, "status")
        ask(found, "operator", name="provisioning", options={"pool": "rd-lc", "to": "off"})
        ask(found, "scene", name="certificate-changed")
        ask(found, "save", name="later")
        ask(found, "back", name="before")
        after = ask(found, "status")
        assert {**before, "time": 0} == {**after, "time": 0}
        assert ask(found, "states") == {"states": {"before": before["events"]}}
        with pytest.raises(ControlError, match="no state later"):
            ask(found, "back", name="later")


def test_the_practice_profile_describes_the_lab(tmp_path: Path, running: Running) -> None:
    with running() as found:
        profile = practice_profile(found, tmp_path / "repository")
        assert [p for p in check(profile) if p.state is State.BLOCKED] == []
        assert profile.practice
        assert {host.name for host in profile.hosts()} == {
            "broker1", "broker2", "composer1", "vcenter1", "vcenter2", "sql1", "sql2",
        }  # fmt: skip
        assert [database.name for database in profile.databases()] == [
            "ViewComposer", "VIM_VCDB", "VCDB [alt] 二", "ViewEvents",
        ]  # fmt: skip
        shown = {port: certificate for _, port, certificate in certificates(found)}
        assert shown.keys() == {entry["port"] for entry in found["systems"].values()}
        assert {entry["fingerprint"] for entry in found["systems"].values()} == {c.sha256 for c in shown.values()}
        assert practice_password(tmp_path, "PRACTICE\\viewkeeper") != practice_password(tmp_path, "vksql")
        assert "recovery" in practice_passwords(tmp_path)


# ---- the command line


def test_the_command_line_sets_scenes_and_shows_them(
    tmp_path: Path, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    def lab(*words: str) -> str:
        assert main(words, tmp_path) == 0
        return capsys.readouterr().out

    with running():
        assert "recompose-running" in lab("scene", "--list")
        assert "recompose-running" in lab("scene", "recompose-running", "count=2")
        status = lab("status")
        assert "2 MAINTENANCE" in status
        assert "scene    recompose-running" in status
        assert json.loads(lab("status", "--json"))["work"][0]["kind"] == "recompose"
        assert "no scene" in lab("scene", "quiet")
        assert "composer-backup-fails" in lab("fault", "--list")
        assert "is set" in lab("fault", "composer-backup-fails")
        assert "is set" in lab("fault", "winrm:broker1", "*vdmexport*", "slow", "--detail", "2", "--times", "1")
        assert "2 faults" in lab("fault", "clear")
        assert "finish-work" in lab("operator", "--list")
        assert "sales-lc is off" in lab("operator", "provisioning", "pool=sales-lc", "to=off")
        assert "Pace 0.5" in lab("pace", "0.5")
        lab("state", "save", "one")
        assert "one" in lab("state", "list")
        lab("state", "back", "one")


def test_the_command_line_says_that_no_lab_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"], tmp_path) == 0
    assert "not running" in capsys.readouterr().out
    assert main(["stop"], tmp_path) == 0
    with pytest.raises(UserError, match="not running"):
        main(["scene", "recompose-running"], tmp_path)


@pytest.mark.parametrize(
    "words", [("scene", "nosuch"), ("scene", "clock-off", "seconds"), ("fault", "a", "b"), ("operator", "nosuch")]
)
def test_wrong_words_are_refused_in_a_sentence(tmp_path: Path, running: Running, words: tuple[str, ...]) -> None:
    with running(), pytest.raises(UserError):
        main(words, tmp_path)


def test_a_lab_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "events.jsonl").write_text("this is no log\n", "utf-8")
    with pytest.raises(UserError, match="did not start"):
        process.start(tmp_path)


def test_two_that_start_a_lab_at_the_same_moment_find_the_same_one(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as both:
        pids = {found["pid"] for found in both.map(lambda _: process.start(tmp_path, pace="0"), range(2))}
    assert process.stop(tmp_path)
    assert len(pids) == 1


def test_a_lab_that_was_killed_is_started_again_with_its_world(tmp_path: Path) -> None:
    found = process.start(tmp_path, pace="0")
    try:
        process.send(found, "operator", name="provisioning", options={"pool": "rd-lc", "to": "off"})
        os.kill(found["pid"], signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        wait_until(lambda: process.published(tmp_path) is None)
        assert (tmp_path / "lab" / "lab.json").exists()
        again = process.start(tmp_path)
        assert again["pid"] != found["pid"]
        status = process.send(again, "status")
        assert {pool["id"]: pool["provisioning"] for pool in status["pools"]}["rd-lc"] is False
        assert {pool["fingerprint"] for pool in again["systems"].values()} == {
            pool["fingerprint"] for pool in found["systems"].values()
        }
    finally:
        assert process.stop(tmp_path)
    assert not process.stop(tmp_path)
