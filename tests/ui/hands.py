"""A person at the keyboard: presses keys where the focus is, and reads what is on the screen. Never a mouse."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.texts import text
from ui.application import open_shell
from ui.flow import Page
from ui.page import Services
from ui.shell import Shell

LONGEST = 60  # presses of Tab until everything on a page has had the keyboard
PATIENCE = 90_000  # milliseconds that a page may take
ENTER, TAB, ESC = Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape


class Hands:
    """One window and the hands in front of it."""

    def __init__(self, qtbot: QtBot, services: Services) -> None:
        self.qtbot = qtbot
        self.shell = open_shell(services)
        qtbot.addWidget(self.shell, before_close_func=_end_work)
        self.shell.resize(1024, 640)
        self.shell.show()
        qtbot.waitExposed(self.shell)
        self.shell.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is self.shell)

    # ---- the keyboard

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is. Where a dialog has closed, no window manager is here to go back by itself."""
        if QApplication.activeWindow() is None:
            self.shell.activateWindow()
            self.qtbot.waitUntil(lambda: QApplication.activeWindow() is self.shell)
        QTest.keyClick(QApplication.focusWidget() or self.shell, key, modifier)

    def alt(self, letter: str) -> None:
        """Press an access key."""
        self.press(Qt.Key(ord(letter.upper())), Qt.KeyboardModifier.AltModifier)

    def go_to(self, name: str) -> QWidget:
        """Press Tab until the widget of that name has the keyboard."""
        seen = []
        for _ in range(LONGEST):
            focus = QApplication.focusWidget()
            if focus is not None and focus.objectName() == name:
                return focus
            seen.append(focus.objectName() if focus else "nothing")
            self.press(TAB)
        raise AssertionError(f"Tab never reaches {name} on the page {self.page}, only {seen}")

    def answer_dialog(self, *keys: Qt.Key) -> None:
        """Press these keys in the next question box that opens; it must open at once."""

        def press() -> None:
            box = QApplication.activeModalWidget()
            assert isinstance(box, QMessageBox)
            for key in keys:
                QTest.keyClick(QApplication.focusWidget() or box, key)

        QTimer.singleShot(200, self.shell, press)

    # ---- the eyes

    @property
    def page(self) -> Page:
        return self.shell.wizard.page

    def shows(self, name: str) -> bool:
        """Say whether a widget of that name can be seen."""
        return any(found.isVisible() for found in self.shell.findChildren(QWidget, name))

    def words(self) -> str:
        """Return all words of labels and buttons on the screen."""
        labels, buttons = self.shell.findChildren(QLabel), self.shell.findChildren(QPushButton)
        return "\n".join(
            [one.text() for one in labels if one.isVisible()] + [one.text() for one in buttons if one.isVisible()]
        )

    def until(self, reached: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(reached, timeout=PATIENCE)

    def ready(self, page: Page) -> None:
        """Wait until that page is shown and lets nobody wait."""
        self.until(lambda: self.page in (page, Page.TROUBLE) and not self.shell.page.facts().busy)
        assert self.page is page, self.words()  # on the page for defects nothing is worth waiting for

    # ---- whole ways

    def from_start_to_review(self) -> None:
        """Choose practice, and go to the page before anything changes."""
        self.ready(Page.START)
        self.go_to("practise")
        self.press(ENTER)
        for page in (Page.WHAT, Page.CHECKS):
            self.ready(page)
            self.press(ENTER)
        self.ready(Page.REVIEW)

    def to_the_result(self) -> None:
        """Wait for a run's end, and look at what came of it."""
        self.until(lambda: not self.shell.page.facts().working)
        if self.page is Page.RUN:
            self.go_to("next")
            self.press(ENTER)
        self.ready(Page.RESULT)

    def close(self) -> None:
        """Close the window by the button of the last page."""
        self.go_to("next")
        self.press(ENTER)
        self.until(lambda: not self.shell.isVisible())

    def done(self) -> bool:
        return str(text("All is done and verified.")) in self.words()


def _end_work(shell: QWidget) -> None:
    """End the jobs of a window that a failed test leaves open."""
    assert isinstance(shell, Shell)
    shell.page.stop()
    for job in list(shell.services.jobs):
        job.stop()
        job.wait()
