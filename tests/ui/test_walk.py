"""Whole ways through the wizard, by keyboard alone, on the practice environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import backups
from app.desk import Desk
from app.texts import language
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up
from tests.scenarios.standing import changed, standing, world_of
from tests.ui.hands import ENTER, ESC, TAB, Hands
from ui.flow import Page
from ui.page import Services

COMPOSER_BACKUP = "*viewcomposer*backup database*to disk*||*backup database*viewcomposer*to disk*"


def whole_sets(environment: Environment) -> int:
    return sum(found.manifest is not None for found in backups.sets(environment.profile()))


@pytest.mark.parametrize("wanted", ["en", "zh_CN"])
def test_a_whole_practice_backup_needs_the_keyboard_only(
    qtbot: QtBot, practice: Environment, practice_services: Services, wanted: str
) -> None:
    before = standing(world_of(practice))
    hands = Hands(qtbot, practice_services)
    hands.ready(Page.START)
    if wanted == "zh_CN":
        hands.go_to("language")
        hands.press(Qt.Key.Key_Space)
    assert language() == wanted
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.page in (Page.RUN, Page.RESULT))
    hands.to_the_result()
    assert hands.done()
    hands.close()
    assert whole_sets(practice) == 1
    assert not changed(before, standing(world_of(practice)))


def test_a_step_that_fails_once_is_tried_again_by_enter(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    practice.fault("sql:sql1", COMPOSER_BACKUP, "fail", times=1)
    hands = Hands(qtbot, practice_services)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    hands.go_to("retry")
    hands.press(ENTER)
    hands.to_the_result()
    assert hands.done()
    hands.close()
    assert whole_sets(practice) == 1


def test_a_run_that_is_stopped_leaves_nothing_off_and_is_resumed_from_its_result(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    before = standing(world_of(practice))
    practice.fault("sql:sql1", COMPOSER_BACKUP, "fail")
    hands = Hands(qtbot, practice_services)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    hands.answer_dialog(TAB, Qt.Key.Key_Space)
    hands.press(ESC)
    hands.to_the_result()
    assert not changed(before, standing(world_of(practice)))
    assert whole_sets(practice) == 0
    practice.clear_faults()
    hands.go_to("resume")
    hands.press(ENTER)
    hands.until(lambda: hands.page is Page.RUN)
    hands.to_the_result()
    assert hands.done()
    hands.close()
    assert whole_sets(practice) == 1
    assert not changed(before, standing(world_of(practice)))


def test_a_stop_that_is_thought_better_of_changes_nothing(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    practice.fault("sql:sql1", COMPOSER_BACKUP, "fail", times=1)
    hands = Hands(qtbot, practice_services)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    hands.answer_dialog(ESC)
    hands.press(ESC)
    assert hands.page is Page.RUN
    assert hands.shell.page.facts().working
    hands.go_to("retry")
    hands.press(ENTER)
    hands.to_the_result()
    assert hands.done()
    hands.close()


def test_a_wizard_that_was_killed_in_the_freeze_is_recovered_by_the_next_start(
    qtbot: QtBot, own_practice: Environment
) -> None:
    before = standing(world_of(own_practice))
    own_practice.fault("sql:sql1", COMPOSER_BACKUP, "hang")
    killed = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.walker", str(own_practice.data)],
        cwd=Path(__file__).resolve().parents[2], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    try:
        assert composer_stops(own_practice, killed)
    finally:
        killed.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        killed.wait()
    own_practice.clear_faults()
    own_practice.restart()
    hands = Hands(qtbot, Services(Desk(own_practice.data), lambda _path: None))
    hands.ready(Page.RECOVERY)
    assert "Composer" in hands.words()
    hands.press(ENTER)
    hands.until(lambda: hands.page is Page.RUN)
    hands.to_the_result()
    assert hands.done()
    hands.close()
    assert whole_sets(own_practice) == 1
    assert not changed(before, standing(world_of(own_practice)))


def test_what_was_left_off_can_be_put_off_and_comes_again_at_the_next_start(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    practice.named_fault("composer-does-not-start")
    practice.fault("sql:sql1", COMPOSER_BACKUP, "fail")
    assert back_up(practice).exit_code == 3
    practice.clear_faults()
    for _ in range(2):
        hands = Hands(qtbot, practice_services)
        hands.ready(Page.RECOVERY)
        hands.go_to("resume")
        hands.press(Qt.Key.Key_Down)
        hands.press(Qt.Key.Key_Down)
        hands.press(ENTER)
        hands.ready(Page.START)
        hands.shell.close()
    hands = Hands(qtbot, practice_services)
    hands.ready(Page.RECOVERY)
    hands.go_to("resume")
    hands.press(Qt.Key.Key_Down)
    hands.press(ENTER)
    hands.until(lambda: hands.page in (Page.RUN, Page.RESULT))
    hands.to_the_result()
    hands.close()
    assert "Still off" not in practice.run("runs").out


def composer_stops(environment: Environment, walker: subprocess.Popen[bytes]) -> bool:
    """Wait until the run of that process has stopped Composer, deep in its freeze."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and walker.poll() is None:
        services = environment.lab("status")["services"]
        if any(one["name"] == "svid" and one["state"] == "Stopped" for one in services):
            return True
        time.sleep(0.05)
    return False


def test_a_set_is_verified_and_a_damaged_file_is_named(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    assert practice.run("backup", "--profile", "practice", "--yes").code == 0
    damaged = next(iter(sorted(practice.repository.rglob("*.bak"))))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    hands = Hands(qtbot, practice_services)
    hands.ready(Page.START)
    hands.go_to("practise")
    hands.press(Qt.Key.Key_Up)
    hands.press(ENTER)
    hands.ready(Page.PROFILE)
    hands.go_to("profiles")
    hands.press(Qt.Key.Key_End)
    hands.until(lambda: hands.shell.page.facts().complete)
    hands.press(ENTER)
    hands.ready(Page.CHOOSE_SET)
    hands.press(ENTER)
    hands.ready(Page.VERIFIED)
    assert "damaged" in hands.words()
    assert [one.key for one in hands.shell.wizard.draft.verified if one.state == "blocked"] == [
        damaged.relative_to(hands.shell.wizard.draft.set_folder or damaged).as_posix()
    ]
    hands.close()
