"""What a run that ended in the middle leaves to the next one who opens a window, here or on another workstation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app import backups
from app.desk import Desk
from app.lab.practice import practice_passwords
from app.observation import State
from app.texts import use_language
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up
from tests.scenarios.standing import changed, standing, world_of
from tests.ui.hands import ENTER, Hands
from tests.ui.test_walk import COMPOSER_BACKUP, composer_stops
from ui.flow import Page
from ui.page import Services
from ui.widgets.questions import PasswordDialog

HOME = Path(__file__).resolve().parents[2]


@contextmanager
def killed_in_the_freeze(environment: Environment, *words: str) -> Iterator[None]:
    """Let a wizard begin a backup, and kill it while Composer is stopped; its environment answers again after that."""
    environment.fault("sql:sql1", COMPOSER_BACKUP, "hang")
    walker = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.walker", str(environment.data), *words],
        cwd=HOME, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    try:
        assert composer_stops(environment, walker)
    finally:
        walker.kill()
        walker.wait()
    environment.clear_faults()
    environment.restart()
    yield


def window(qtbot: QtBot, environment: Environment) -> Hands:
    return Hands(qtbot, Services(Desk(environment.data), lambda _path: None))


def resumed(hands: Hands) -> None:
    """Choose Resume on the page of recovery, and go to the result."""
    hands.ready(Page.RECOVERY)
    hands.go_to("resume")
    hands.press(ENTER)
    hands.until(lambda: hands.page is Page.RUN)
    hands.to_the_result()


def test_a_run_with_options_of_its_own_is_resumed_as_it_was_begun(
    qtbot: QtBot, own_practice: Environment, tmp_path: Path
) -> None:
    before, elsewhere = standing(world_of(own_practice)), tmp_path / "elsewhere"
    with killed_in_the_freeze(own_practice, str(elsewhere)):
        hands = window(qtbot, own_practice)
        resumed(hands)
        assert hands.done()
        hands.close()
    profile = msgspec.structs.replace(own_practice.profile(), repository=str(elsewhere))
    [whole] = backups.sets(profile)
    assert whole.manifest is not None
    _, seen = backups.verify(own_practice.desk, "practice", str(whole.folder), lambda _seen: None)
    assert {one.state for one in seen} == {State.PASSED}
    assert not own_practice.repository.exists()
    assert not changed(before, standing(world_of(own_practice)))


def test_a_run_into_a_repository_of_its_own_is_undone_there(
    qtbot: QtBot, own_practice: Environment, tmp_path: Path
) -> None:
    before, elsewhere = standing(world_of(own_practice)), tmp_path / "elsewhere"
    with killed_in_the_freeze(own_practice, str(elsewhere)):
        assert list(elsewhere.glob("practice/*")), "what it has captured so far lies there"
        hands = window(qtbot, own_practice)
        hands.ready(Page.RECOVERY)
        hands.go_to("resume")
        hands.press(Qt.Key.Key_Down)
        hands.press(ENTER)
        hands.until(lambda: hands.page is Page.RUN)
        hands.to_the_result()
        hands.close()
    assert not list(elsewhere.glob("practice/*"))
    assert not changed(before, standing(world_of(own_practice)))


# ---- a new backup while something is off


def test_what_was_put_off_is_shown_before_the_next_backup_and_put_back_only_when_asked(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    before = standing(world_of(practice))
    practice.named_fault("composer-does-not-start")
    practice.fault("sql:sql1", COMPOSER_BACKUP, "fail")
    assert back_up(practice).exit_code == 3
    practice.clear_faults()
    mark = practice.mark()
    hands = Hands(qtbot, practice_services)
    hands.ready(Page.RECOVERY)
    hands.go_to("resume")
    hands.press(Qt.Key.Key_Down)
    hands.press(Qt.Key.Key_Down)
    hands.press(ENTER)
    hands.ready(Page.START)
    hands.go_to("take-up")
    hands.press(Qt.Key.Key_Up)
    assert hands.shell.page.draft().practise
    hands.press(ENTER)
    hands.ready(Page.WHAT)
    hands.press(ENTER)
    hands.ready(Page.CHECKS)
    assert "An earlier run has left something off" in hands.words()
    assert "Service VMware View Composer" in hands.words()
    use_language("zh_CN")
    hands.shell.retranslate()
    assert "Service VMware View Composer" not in hands.words(), "what is off is told in the language chosen now"
    use_language("en")
    hands.shell.retranslate()
    assert not practice.changed_by_us(mark), "nobody has asked for anything yet"
    hands.go_to("decide")
    hands.press(ENTER)
    hands.ready(Page.RECOVERY)
    hands.go_to("resume")
    hands.press(Qt.Key.Key_Down)
    hands.press(ENTER)
    hands.until(lambda: hands.page in (Page.RUN, Page.RESULT))
    hands.to_the_result()
    hands.close()
    assert not changed(before, standing(world_of(practice)))


# ---- another workstation


@pytest.fixture
def second(own_practice: Environment, tmp_path: Path) -> Desk:
    """Another administrator's workstation, which knows the same environment as a site of its own."""
    desk = Desk(tmp_path / "second", dict(practice_passwords(own_practice.data)))
    describe(desk, own_practice)
    return desk


def describe(desk: Desk, environment: Environment) -> None:
    """Let a workstation know the environment where it answers now, and trust its certificates."""
    desk.store.save(environment.real_profile())
    environment.pin()
    for place, pin in environment.desk.trust.pins().items():
        address, _, port = place.rpartition(":")
        desk.trust.accept(address, int(port), pin.certificate)


def elsewhere(hands: Hands) -> str:
    """Return what the first page says of other workstations, once it has looked."""
    hands.until(lambda: hands.page is Page.START and bool(_elsewhere(hands)))
    return _elsewhere(hands)


def _elsewhere(hands: Hands) -> str:
    found = hands.shell.findChild(QLabel, "elsewhere")
    return found.text() if found is not None else ""


def test_a_lost_run_of_another_workstation_is_shown_with_who_and_what_is_off_and_resumed(
    qtbot: QtBot, own_practice: Environment, second: Desk
) -> None:
    before = standing(world_of(own_practice))
    with killed_in_the_freeze(own_practice):
        own_practice.lab("clock", forward=200)
        describe(second, own_practice)
        hands = Hands(qtbot, Services(second, lambda _path: None))
        hands.ready(Page.RECOVERY)
        for words in ("Another workstation began it", "began it on", "Still off", "Composer", "Changes nothing now"):
            assert words in hands.words()
        resumed(hands)
        assert hands.done()
        hands.close()
    assert not changed(before, standing(world_of(own_practice)))


def test_a_broker_that_does_not_answer_is_said_to_be_unknown(
    qtbot: QtBot, own_practice: Environment, second: Desk
) -> None:
    own_practice.scene("host-unreachable", host="broker1")
    hands = Hands(qtbot, Services(second, lambda _path: None))
    assert "could not be looked at" in elsewhere(hands)
    assert "The checks before a backup look again" in elsewhere(hands)
    hands.shell.close()


def test_nobody_is_asked_for_a_password_at_the_start_and_what_is_not_looked_at_is_named(
    qtbot: QtBot, own_practice: Environment, second: Desk
) -> None:
    second.given.clear()
    second.store.save(own_practice.real_profile("older"))
    os.utime(second.data / "profiles" / "older.json", (0, 0))
    hands = Hands(qtbot, Services(second, lambda _path: None))
    told = elsewhere(hands)
    assert "in site could not be looked at: There is no password" in told
    assert "Not looked at for runs of other computers: older." in told
    assert not hands.shell.findChildren(PasswordDialog)
    hands.shell.close()


def test_a_password_that_was_refused_is_not_tried_again_by_coming_back_to_the_first_page(
    qtbot: QtBot, own_practice: Environment, second: Desk
) -> None:
    for account in second.given:
        second.given[account] = "wrong"
    hands = Hands(qtbot, Services(second, lambda _path: None))
    assert "could not be looked at" in elsewhere(hands)
    sent = len(own_practice.wire())
    hands.shell.start_anew()
    hands.until(lambda: "refused before" in _elsewhere(hands))
    assert len(own_practice.wire()) == sent
    hands.shell.close()


def test_where_all_is_known_nothing_is_said_of_other_workstations(
    qtbot: QtBot, own_practice: Environment, second: Desk
) -> None:
    hands = Hands(qtbot, Services(second, lambda _path: None))
    hands.until(lambda: bool(hands.shell.page.findChild(QLabel, "elsewhere")) and not hands.shell.services.jobs)
    assert hands.page is Page.START
    assert _elsewhere(hands) == ""
    hands.shell.close()
