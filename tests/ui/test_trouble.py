"""Errors of the program itself: what the page says and keeps, and what becomes of a run that they come into."""

from __future__ import annotations

import base64
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.desk import Desk
from app.profile import Profile
from app.texts import use_language
from tests.scenarios.environment import Environment
from tests.scenarios.standing import changed, standing, world_of
from tests.ui.hands import ENTER, Hands
from ui.application import catch_everything
from ui.flow import Draft, Page
from ui.page import Services
from ui.pages.trouble import TroublePage

TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in work\nValueError: {words}'
SECRET = "corr3ct-Horse/&"


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> TroublePage:
    made = TroublePage(services)
    made.retranslate()
    qtbot.addWidget(made)
    made.resize(768, 480)
    made.show()
    return made


@pytest.fixture
def _hooks() -> Iterator[None]:
    kept = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = kept


def show(page: TroublePage, words: str = "words") -> None:
    page.entered(Draft(trouble=TRACEBACK.format(words=words)))


def said(page: TroublePage) -> str:
    return page._kept_words.text()


def press(page: TroublePage, name: str) -> None:
    found = page.findChild(QPushButton, name)
    assert found is not None, name
    found.click()


def kept(page: TroublePage, qtbot: QtBot) -> Path:
    """Wait for the report's file, and return it."""
    qtbot.waitUntil(lambda: "is kept in" in said(page))
    (file,) = (page.services.desk.data / "reports").iterdir()
    return file


def test_the_report_is_kept_in_a_file_that_the_page_names(page: TroublePage, qtbot: QtBot) -> None:
    show(page)
    file = kept(page, qtbot)
    assert str(file) in said(page)
    shown = page.findChild(QPlainTextEdit, "report")
    assert shown is not None
    assert file.read_text("utf-8") == shown.toPlainText()
    assert "ValueError: words" in shown.toPlainText()


def test_the_report_is_copied_as_it_is_kept(page: TroublePage, qtbot: QtBot) -> None:
    show(page)
    file = kept(page, qtbot)
    press(page, "copy")
    assert QApplication.clipboard().text() == file.read_text("utf-8")


def test_the_folders_of_report_and_logs_are_opened(page: TroublePage, qtbot: QtBot, opened: list[Path]) -> None:
    show(page)
    file = kept(page, qtbot)
    press(page, "open-folder")
    press(page, "open-logs")
    assert opened == [file.parent, page.services.desk.data], "no run has left a log yet"
    (page.services.desk.data / "logs").mkdir()
    press(page, "open-logs")
    assert opened[-1] == page.services.desk.data / "logs"


@pytest.mark.parametrize("words", [SECRET, base64.b64encode(SECRET.encode("utf-16-le")).decode()])
def test_a_report_holds_no_password(page: TroublePage, qtbot: QtBot, words: str) -> None:
    desk = page.services.desk
    asking = Desk(desk.data, ask=lambda _question: SECRET, memory=desk.memory)
    asking.passwords(Profile(name="corp", brokers=(), vcenters=(), repository="r")).of("CORP\\operator", "broker1")
    show(page, f"the command was -p {words}")
    assert words not in kept(page, qtbot).read_text("utf-8")
    press(page, "copy")
    assert words not in QApplication.clipboard().text()
    assert "the command was -p" in QApplication.clipboard().text()


def test_a_report_that_the_disk_does_not_take_is_shown_all_the_same(page: TroublePage, qtbot: QtBot) -> None:
    page.services.desk.data.mkdir(parents=True)
    (page.services.desk.data / "reports").write_text("a file is in the way")
    show(page)
    qtbot.waitUntil(lambda: "could not be kept" in said(page))
    assert "Copy it from here" in said(page)
    press(page, "copy")
    assert "ValueError: words" in QApplication.clipboard().text()


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files as POSIX does it")
def test_on_a_full_disk_the_report_is_shown_and_no_half_file_is_left(page: TroublePage, qtbot: QtBot) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        show(page)
        qtbot.waitUntil(lambda: "could not be kept" in said(page))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "The system says" in said(page)
    assert not list((page.services.desk.data / "reports").iterdir())
    press(page, "copy")
    assert "ValueError: words" in QApplication.clipboard().text()


def test_the_page_speaks_the_chosen_language_at_once(page: TroublePage, qtbot: QtBot) -> None:
    show(page)
    english = str(kept(page, qtbot)), said(page)
    use_language("zh_CN")
    page.retranslate()
    assert english[0] in said(page)
    assert said(page) != english[1]


@pytest.mark.usefixtures("_hooks")
def test_an_error_in_a_thread_is_shown_by_the_thread_that_draws(qtbot: QtBot, services: Services) -> None:
    hands = Hands(qtbot, services)
    hands.ready(Page.START)
    catch_everything(hands.shell)
    failing = threading.Thread(target=lambda: int("a key that lacks"))
    failing.start()
    failing.join()
    assert hands.page is Page.START, "the thread itself touches no window"
    hands.until(lambda: hands.page is Page.TROUBLE)
    hands.until(lambda: "is kept in" in hands.words())
    hands.close()
    (file,) = (services.desk.data / "reports").iterdir()
    assert "a key that lacks" in file.read_text("utf-8")


@pytest.mark.usefixtures("_hooks")
def test_a_run_that_an_error_of_the_window_comes_into_puts_everything_back_before_the_window_closes(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    before = standing(world_of(practice))
    practice.fault("sql:sql1", "*backup database*to disk*", "fail")
    hands = Hands(qtbot, practice_services)
    catch_everything(hands.shell)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    assert changed(before, standing(world_of(practice))), "the run is in its freeze"
    QTimer.singleShot(0, hands.shell, lambda: int("a key that lacks"))
    hands.until(lambda: hands.page is Page.TROUBLE)
    assert "put back first" in hands.words()
    hands.shell.close()
    assert hands.shell.isVisible(), "a window with a run behind it does not go away"
    hands.until(lambda: "put back first" not in hands.words())
    assert not changed(before, standing(world_of(practice)))
    hands.close()
