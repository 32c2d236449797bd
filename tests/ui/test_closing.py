"""What the window does when it is closed, left or pressed at the wrong moment: nothing begins unseen, nobody waits."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.backupset import repository
from app.desk import Desk
from app.engine.ending import Status
from app.profile import Broker, Host, Profile, VCenter
from app.texts import text
from tests.scenarios.environment import Environment
from tests.scenarios.standing import changed, standing, world_of
from tests.ui.hands import ENTER, Hands
from tests.ui.test_profile_pages import Answering
from tests.ui.test_recovered import killed_in_the_freeze
from ui.application import catch_everything
from ui.asking import AskYesNo
from ui.bridge import Job
from ui.flow import Draft, Facts, Page, Task
from ui.page import Services, WizardPage
from ui.pages import make_page
from ui.pages.profile import ProfilePage
from ui.pages.verified import verdict
from ui.shell import Shell
from ui.widgets.questions import PasswordDialog

QUESTION = AskYesNo("warnings", text("Yes"))


@pytest.fixture
def _hooks() -> Iterator[None]:
    kept = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = kept


def test_who_is_told_to_stop_gets_no_question_answered_and_waits_for_none(qtbot: QtBot, services: Services) -> None:
    """A question put just before the stop, and one after it, while the window's own thread waits for the end."""
    asking, stopped = threading.Event(), threading.Event()
    answers: list[object] = []

    def work(job: Job) -> None:
        asking.set()
        answers.append(job.ask(QUESTION))
        stopped.wait()
        answers.append(job.ask(QUESTION))

    job = services.work(QApplication.instance() or QApplication(), work).start()
    asking.wait()
    job.stop()
    stopped.set()
    assert job.wait(5.0), "it waits for an answer that nobody can give"
    assert answers == [None, None]


def test_a_window_that_is_closed_while_a_run_is_about_to_be_resumed_begins_nothing(
    qtbot: QtBot, own_practice: Environment
) -> None:
    with killed_in_the_freeze(own_practice):
        hands = Hands(qtbot, Services(Desk(own_practice.data), lambda _path: None))
        hands.ready(Page.RECOVERY)
        left = standing(world_of(own_practice))
        hands.shell.forward()
        assert hands.shell.page.facts().busy, "the environment is being looked for"
        hands.shell.close()
        assert not hands.shell.isVisible()
        assert hands.page is Page.RECOVERY
        assert not hands.shell.services.jobs
        assert not changed(left, standing(world_of(own_practice)))


def test_a_window_that_is_closed_while_it_asks_for_a_password_is_gone_at_once(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    practice.pin()
    shell = Shell(practice_services, make_page)
    qtbot.addWidget(shell)
    shell.show()
    shell.jump(Page.CHECKS, task=Task.BACK_UP, profile=practice.real_profile())
    qtbot.waitUntil(lambda: bool(shell.findChildren(PasswordDialog)), timeout=30_000)
    begun = time.monotonic()
    shell.close()
    assert time.monotonic() - begun < 20.0
    assert not practice_services.jobs
    assert not [window for window in QApplication.topLevelWidgets() if window.isVisible()]


def test_what_is_chosen_while_the_environment_is_looked_for_is_not_done_unasked(
    qtbot: QtBot, own_practice: Environment
) -> None:
    with killed_in_the_freeze(own_practice):
        hands = Hands(qtbot, Services(Desk(own_practice.data), lambda _path: None))
        hands.ready(Page.RECOVERY)
        hands.shell.forward()
        _choose(hands, "undo")
        hands.ready(Page.RECOVERY)
        assert not hands.shell.page.facts().working
        assert hands.page is Page.RECOVERY, "Undo was chosen, and nobody has pressed its button"
        hands.shell.close()


def test_a_key_that_is_held_down_goes_to_no_page(qtbot: QtBot, services: Services) -> None:
    hands = Hands(qtbot, services)
    hands.ready(Page.START)
    _choose(hands, "back-up")
    held = QKeyEvent(QEvent.Type.KeyPress, ENTER, Qt.KeyboardModifier.NoModifier, "\r", True)
    QApplication.sendEvent(QApplication.focusWidget() or hands.shell, held)
    assert _way(hands) == [Page.START]
    hands.press(ENTER)
    assert _way(hands) == [Page.START, Page.PROFILE]
    hands.shell.close()


def test_sets_of_the_environment_chosen_before_are_never_shown_under_another_one(
    qtbot: QtBot, services: Services, tmp_path: Path
) -> None:
    """The first look comes to its end only after the operator has gone back and has chosen another environment."""
    for name in ("first", "second"):
        repository.make_folder(repository.folder_of(str(tmp_path), name, f"set-of-{name}"))
    page = make_page(Page.CHOOSE_SET, services)
    qtbot.addWidget(page)
    page.entered(_draft(_profile("first", tmp_path)))
    page.entered(_draft(_profile("second", tmp_path)))
    qtbot.waitUntil(lambda: not page.facts().busy)
    shown = page._table  # type: ignore[attr-defined]  # what a reader of the page sees
    assert [shown.item(row, 0).text() for row in range(shown.rowCount())] == ["set-of-second"]


def test_a_set_of_which_nothing_was_read_is_not_called_whole() -> None:
    state, words = verdict(())
    assert state.value == "unknown"
    assert "not known" in str(words)


class Broken(WizardPage):
    """A page that cannot even say how it stands."""

    fails = False

    def facts(self) -> Facts:
        if self.fails:
            raise KeyError("a key that lacks")
        return Facts()


@pytest.mark.usefixtures("_hooks")
def test_a_page_that_cannot_say_how_it_stands_ends_on_the_page_that_says_what_is_safe(
    qtbot: QtBot, services: Services
) -> None:
    def make(page: Page, given: Services) -> WizardPage:
        return Broken(given) if page is Page.START else make_page(page, given)

    shell = Shell(services, make)
    qtbot.addWidget(shell)
    catch_everything(shell)
    shell.show()
    page = shell.page
    assert isinstance(page, Broken)
    page.fails = True
    shell.show_trouble("a key that lacks")
    assert shell.wizard.page is Page.TROUBLE
    qtbot.waitUntil(lambda: not services.jobs)
    shell.close()
    assert not shell.isVisible()
    assert len(list((services.desk.data / "reports").iterdir())) == 1


def test_a_profile_that_the_disk_does_not_let_go_is_told_in_words_and_stays(qtbot: QtBot, services: Services) -> None:
    kept = services.desk.data / "profiles" / "corp.json"
    kept.mkdir(parents=True)
    page = ProfilePage(services, Answering())
    qtbot.addWidget(page)
    page.entered(Draft(task=Task.BACK_UP))
    remove = page.findChild(QAbstractButton, "remove")
    assert remove is not None
    remove.click()
    assert "cannot be written" in str(page.facts().error)
    assert kept.exists()


def _way(hands: Hands) -> list[Page]:
    return list(hands.shell.wizard.trail)


@pytest.mark.parametrize(("hours", "status"), [(0, Status.DONE), (9, Status.BLOCKED)])
def test_a_backup_does_not_begin_on_checks_that_were_asked_hours_ago(
    qtbot: QtBot, practice: Environment, practice_services: Services, hours: int, status: Status
) -> None:
    """The plan was read at nine o'clock, and its button pressed at six: what is so now counts."""
    looked = practice.look()
    looked = dataclasses.replace(looked, at=looked.at - hours * 3600)
    if hours:
        practice.scene("powercli-missing")
    before = standing(world_of(practice))
    page = make_page(Page.RUN, practice_services)
    qtbot.addWidget(page)
    page.entered(Draft(task=Task.BACK_UP, profile=practice.profile(), looked=looked))
    qtbot.waitUntil(lambda: not page.facts().working, timeout=90_000)
    ended = page.draft().ended
    assert ended is not None
    assert ended.status is status
    assert not changed(before, standing(world_of(practice)))
    assert practice.repository.exists() is (status is Status.DONE)


def _choose(hands: Hands, name: str) -> None:
    choice = hands.shell.findChild(QAbstractButton, name)
    assert choice is not None
    choice.setChecked(True)
    choice.setFocus()


def _profile(name: str, folder: Path) -> Profile:
    broker = Broker(host=Host(name="b", address="b", account="a"))
    vcenter = VCenter(name="v", address="v", account="a")
    return Profile(name=name, brokers=(broker,), vcenters=(vcenter,), repository=str(folder))


def _draft(profile: Profile) -> Draft:
    return Draft(task=Task.BACK_UP, profile=profile)
