"""Every word can be read: on every page and in every dialog, in both languages, also where letters are large or the
screen is small.

At a scale of 200 % words and places grow alike, so that nothing is cut that is not cut at 100 %; what differs is the
screen: 1920x1080 has 960x540 points then, less the taskbar, and the window is as small. Where the user has set larger
letters, words grow and the screen does not. In both cases pages scroll; nothing on them may be cut, and the shell's own
words and buttons stay in sight."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.texts import LANGUAGES, text, use_language
from app.trust import Certificate
from tests.scenarios.environment import Environment
from tests.ui.cut import bars, cut
from tests.ui.hands import ENTER, Hands
from ui.asking import AskPassword, AskTrust
from ui.bridge import Question
from ui.flow import Page, Task
from ui.look import dress
from ui.page import Services
from ui.shell import SMALLEST, Shell
from ui.widgets.questions import answer

SETTLE = 3.0  # seconds that layouts may take under load
LARGE = 2.0  # times as large as usual
SOME_LETTERS = 12  # points between usual and large letters. In tables, large ones may be cut in the smallest window
TIGHT = QSize(960, 500)  # what a screen of 1920x1080 has at 200 %, less a taskbar


@pytest.fixture
def large(qapp: QApplication) -> Iterator[None]:
    """The user has set letters twice as large."""
    usual = qapp.font()
    font = qapp.font()
    font.setPointSizeF(usual.pointSizeF() * LARGE)
    qapp.setFont(font)
    dress(qapp, "light")
    yield
    qapp.setFont(usual)
    dress(qapp, "light")


def on_the_page(shell: Shell) -> Iterator[str]:
    """Yield what cannot be read whole on the page that is shown; in a window of usual size none may have to scroll."""
    if shell.width() > SMALLEST[0] or shell.height() > SMALLEST[1]:
        yield f"the window grew to {shell.width()}x{shell.height()}"
    large = QApplication.font().pointSizeF() > SOME_LETTERS
    if not large and shell.height() == SMALLEST[1]:
        yield from bars(shell, "page-room")
    yield from (one for one in cut(shell) if not (large and one.startswith(("cell ", "heading "))))


def in_both_languages(hands: Hands) -> list[str]:
    found = []
    for language in LANGUAGES:
        use_language(language)
        hands.shell.retranslate()
        found += [f"{hands.page} {language} {one}" for one in _settled(hands)]
    use_language("en")
    hands.shell.retranslate()
    QApplication.processEvents()
    return found


def _settled(hands: Hands) -> list[str]:
    return _at_rest(lambda: list(on_the_page(hands.shell)))


def _at_rest(look: Callable[[], list[str]]) -> list[str]:
    """Return what is cut once layouts have come to rest: Qt makes them some events after the words have changed."""
    end = time.monotonic() + SETTLE
    while True:
        QApplication.processEvents()
        found = look()
        if not found or time.monotonic() > end:
            return found


def test_no_word_is_cut_from_the_first_page_to_the_result(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    hands = Hands(qtbot, practice_services)
    assert not from_practise_to_verified(hands, practice)


def from_practise_to_verified(hands: Hands, practice: Environment) -> list[str]:
    """Go through all pages of a backup, and through those that lie beside it; return what is cut."""
    hands.ready(Page.START)
    found = in_both_languages(hands)
    hands.go_to("practise")
    hands.press(ENTER)
    for page in (Page.WHAT, Page.CHECKS, Page.REVIEW):
        hands.ready(page)
        found += in_both_languages(hands)
        hands.press(ENTER)
    hands.to_the_result()
    found += in_both_languages(hands)
    profile = practice.profile()
    hands.shell.jump(Page.CHOOSE_SET, task=Task.VERIFY, profile=profile)
    hands.ready(Page.CHOOSE_SET)
    found += in_both_languages(hands)
    hands.press(ENTER)
    hands.ready(Page.VERIFIED)
    found += in_both_languages(hands)
    hands.shell.jump(Page.PROFILE, task=Task.BACK_UP, profile=None)
    hands.ready(Page.PROFILE)
    found += in_both_languages(hands)
    hands.go_to("new")
    hands.press(ENTER)
    hands.ready(Page.EDIT)
    found += in_both_languages(hands)
    hands.shell.jump(Page.TROUBLE, trouble="Traceback: words")
    found += in_both_languages(hands)
    hands.close()
    return found


def test_no_word_is_cut_on_a_run_that_failed_nor_on_its_recovery(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    practice.named_fault("composer-backup-fails")
    hands = Hands(qtbot, practice_services)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    found = in_both_languages(hands)
    hands.go_to("stop")
    hands.press(ENTER)
    hands.to_the_result()
    found += in_both_languages(hands)
    hands.close()
    again = Hands(qtbot, practice_services)
    again.ready(Page.START)
    found += in_both_languages(again)
    again.go_to("take-up")
    again.press(ENTER)
    again.ready(Page.RECOVERY)
    found += in_both_languages(again)
    again.shell.close()
    assert not found


def places(services: Services, qtbot: QtBot, size: QSize) -> list[str]:
    """Return what is cut on pages that need no environment, in a window of that size."""
    hands = Hands(qtbot, services)
    hands.shell.setMinimumSize(QSize(*SMALLEST).boundedTo(size))
    hands.shell.resize(size)
    hands.ready(Page.START)
    found = in_both_languages(hands)
    hands.shell.jump(Page.PROFILE, task=Task.BACK_UP, profile=None)
    hands.ready(Page.PROFILE)
    found += in_both_languages(hands)
    hands.go_to("new")
    hands.press(ENTER)
    hands.ready(Page.EDIT)
    found += in_both_languages(hands)
    hands.shell.jump(Page.TROUBLE, trouble="Traceback: words")
    found += in_both_languages(hands)
    hands.shell.close()
    return found


def test_no_word_is_cut_on_a_screen_that_is_scaled_to_200_percent(qtbot: QtBot, services: Services) -> None:
    assert not places(services, qtbot, TIGHT)


@pytest.mark.usefixtures("large")
def test_no_word_is_cut_where_letters_are_twice_as_large(qtbot: QtBot, services: Services) -> None:
    assert not places(services, qtbot, QSize(*SMALLEST))


@pytest.mark.usefixtures("large")
def test_no_word_of_a_whole_run_is_cut_where_letters_are_twice_as_large(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    hands = Hands(qtbot, practice_services)
    assert not from_practise_to_verified(hands, practice)


def test_the_window_is_no_larger_than_its_screen(qtbot: QtBot, services: Services) -> None:
    hands = Hands(qtbot, services)
    room = hands.shell.screen().availableGeometry().size()
    assert room.width() < SMALLEST[0], "the platform without a screen has a small one"
    assert hands.shell.minimumWidth() == room.width()
    assert hands.shell.minimumHeight() <= room.height()
    hands.shell.close()


def test_on_a_small_screen_the_page_scrolls_to_where_the_keyboard_is_and_the_buttons_stay(
    qtbot: QtBot, services: Services
) -> None:
    hands = Hands(qtbot, services)
    hands.shell.setMinimumSize(400, 300)
    hands.shell.resize(760, 330)
    hands.ready(Page.START)
    hands.until(lambda: bool(bars(hands.shell, "page-room")))
    bar = hands.shell.findChildren(QScrollArea, "page-room")[0].verticalScrollBar()
    bar.setValue(bar.maximum())
    hands.go_to("next")
    first = hands.go_to("practise")
    assert not first.visibleRegion().isEmpty()
    following = hands.go_to("next")
    assert following.visibleRegion().boundingRect() == following.rect()
    hands.shell.close()


# ---- dialogs


def certificate(letters: str) -> Certificate:
    day = datetime.datetime(2040, 1, 2, tzinfo=datetime.UTC)
    names = "CN=connection-server-01.corp.example,OU=Desktops,O=Corp", "CN=Corp Issuing CA 2"
    return Certificate(letters * 32, *names, day, day)


PASSWORD = text("Password of {account} on {system}", account="CORP\\backup", system="connection-server-01")
SUBJECTS = {
    "password": AskPassword(PASSWORD, "corp", may_keep=True),
    "no keyring": AskPassword(PASSWORD, "corp", may_keep=False),
    "certificate": AskTrust("broker1", certificate("ab"), None),
    "another certificate": AskTrust("broker1", certificate("ab"), certificate("cd")),
}


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letters", ["usual", "large"])
def test_no_word_of_a_dialog_is_cut(
    qtbot: QtBot, request: pytest.FixtureRequest, name: str, language: str, letters: str
) -> None:
    if letters == "large":
        request.getfixturevalue("large")
    use_language(language)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    dialog = answer(window, Question(SUBJECTS[name]))
    qtbot.waitExposed(dialog)
    found = _at_rest(lambda: list(cut(dialog)))
    dialog.reject()
    assert not found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_cut_in_the_question_before_a_run_is_stopped(
    qtbot: QtBot, practice: Environment, practice_services: Services, language: str
) -> None:
    practice.named_fault("composer-backup-fails")
    use_language(language)
    hands = Hands(qtbot, practice_services)
    hands.from_start_to_review()
    hands.press(ENTER)
    hands.until(lambda: hands.shows("retry"))
    found: list[str] = []

    def look() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        found.extend(_at_rest(lambda: list(cut(box))))
        assert found or box.informativeText()
        box.reject()

    QTimer.singleShot(200, hands.shell, look)
    hands.shell.cancel()
    hands.go_to("stop")
    hands.press(ENTER)
    hands.to_the_result()
    hands.shell.close()
    assert not found


# ---- what is cut is found


def test_a_word_that_is_cut_is_found(qtbot: QtBot, services: Services) -> None:
    hands = Hands(qtbot, services)
    hands.ready(Page.START)
    assert not _at_rest(lambda: list(cut(hands.shell)))
    title = next(label for label in hands.shell.findChildren(QLabel, "title"))
    title.setMaximumHeight(8)
    hands.until(lambda: title.height() <= 8)
    assert any("title" in one for one in cut(hands.shell))
    hands.shell.close()


def tree() -> QWidget:
    made = QTreeWidget()
    made.setColumnCount(2)
    made.setHeaderLabels(["a", "b"])
    top = QTreeWidgetItem(made, ["short", "short"])
    QTreeWidgetItem(top, ["short", "WIDE words in the second column of a child"])
    made.expandAll()
    return made


def table() -> QWidget:
    made = QTableWidget(1, 2)
    made.setItem(0, 0, QTableWidgetItem("WIDE/path/that/cannot/be/wrapped/anywhere/in/it"))
    return made


def heading() -> QWidget:
    made = QTableWidget(1, 1)
    made.setHorizontalHeaderLabels(["WIDE heading of a narrow column"])
    made.setColumnWidth(0, 30)
    return made


def tabs() -> QWidget:
    made = QTabWidget()
    for words in ("One of several tabs", "WIDE tab that comes behind it"):
        made.addTab(QWidget(), words)
    made.setFixedWidth(90)
    return made


def combo() -> QWidget:
    made = QComboBox()
    made.addItem("WIDE choice among others")
    made.setFixedWidth(60)
    return made


def placeholder() -> QWidget:
    made = QLineEdit()
    made.setPlaceholderText("WIDE hint of what to type")
    made.setFixedWidth(60)
    return made


def group() -> QWidget:
    made = QGroupBox("WIDE title of a group of things")
    made.setFixedWidth(60)
    return made


def long_word() -> QWidget:
    made = QLabel("C:\\WIDEwordsthatnothingbreaks")
    made.setWordWrap(True)
    made.setFixedWidth(60)
    return made


def beyond() -> QWidget:
    made = QWidget()
    made.setFixedSize(60, 30)
    QLabel("WIDE", made).setGeometry(50, 5, 40, 20)
    return made


@pytest.mark.parametrize("make", [tree, table, heading, tabs, combo, placeholder, group, long_word, beyond])
def test_words_that_are_cut_in_any_kind_of_place_are_found(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(make())
    window.show()
    qtbot.waitUntil(lambda: any("WIDE" in one for one in cut(window)))
