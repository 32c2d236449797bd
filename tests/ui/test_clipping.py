"""Every word can be read: on every page, in both languages, in the smallest window."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.texts import LANGUAGES, use_language
from tests.scenarios.environment import Environment
from tests.ui.hands import ENTER, Hands
from ui.flow import Page, Task
from ui.page import Services
from ui.shell import SMALLEST, Shell

SETTLE = 3.0  # seconds that layouts may take under load
SLACK = 1  # pixels that rounding may cost


def cut(shell: Shell) -> Iterator[str]:
    """Yield what cannot be read whole on the page that is shown."""
    if shell.width() > SMALLEST[0] or shell.height() > SMALLEST[1]:
        yield f"the window grew to {shell.width()}x{shell.height()}"
    for widget in shell.findChildren(QWidget):
        if widget.isVisible() and not _scrolled(widget):
            if isinstance(widget, QLabel) and widget.text():
                yield from _label(widget)
            elif isinstance(widget, QPushButton | QCheckBox | QRadioButton):
                yield from _button(widget)
            elif isinstance(widget, QComboBox):
                wanted = widget.fontMetrics().horizontalAdvance(widget.currentText())
                if wanted > widget.width() - 20:
                    yield f"combo {widget.objectName()}: {widget.currentText()}"
            elif isinstance(widget, QTabBar) and widget.sizeHint().width() > widget.width() + SLACK:
                yield f"tabs {[widget.tabText(number) for number in range(widget.count())]}"


def _label(label: QLabel) -> Iterator[str]:
    if label.wordWrap():
        needed, has = label.heightForWidth(label.width()), label.height()
    else:
        needed, has = label.sizeHint().width(), label.width()
    if needed > has + SLACK:
        yield f"label {label.objectName()} ({needed} > {has}): {label.text()[:60]}"


def _button(button: QAbstractButton) -> Iterator[str]:
    words = button.text().replace("&", "")
    wanted = button.fontMetrics().horizontalAdvance(words)
    if isinstance(button, QCheckBox | QRadioButton):
        wanted += button.iconSize().width()
    if wanted > button.width() + SLACK or button.fontMetrics().height() > button.height() + SLACK:
        yield f"button {button.objectName()} ({wanted} > {button.width()}): {words}"


def _scrolled(widget: QWidget) -> bool:
    """Say whether a widget lies in something that scrolls: there, what is outside can be brought into view."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            return parent.horizontalScrollBarPolicy() is not Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        parent = parent.parentWidget()
    return False


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
    """Return what is cut once layouts have come to rest: Qt makes them some events after the words have changed."""
    end = time.monotonic() + SETTLE
    while True:
        QApplication.processEvents()
        found = list(cut(hands.shell))
        if not found or time.monotonic() > end:
            return found


def test_no_word_is_cut_from_the_first_page_to_the_result(
    qtbot: QtBot, practice: Environment, practice_services: Services
) -> None:
    found = []
    hands = Hands(qtbot, practice_services)
    hands.ready(Page.START)
    found += in_both_languages(hands)
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
    assert not found


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


def test_a_word_that_is_cut_is_found(qtbot: QtBot, services: Services) -> None:
    hands = Hands(qtbot, services)
    hands.ready(Page.START)
    assert not list(cut(hands.shell))
    title = next(label for label in hands.shell.findChildren(QLabel, "title"))
    title.setMaximumHeight(8)
    hands.until(lambda: title.height() <= 8)
    assert any("title" in one for one in cut(hands.shell))
    hands.shell.close()
