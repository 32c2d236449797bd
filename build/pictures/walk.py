"""A window that is walked through and photographed, and what all walks do in it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QRect
    from PySide6.QtWidgets import QDialog, QWidget

    from app.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1024, 640)
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh_CN")
PATIENCE = 60.0  # seconds that a page may take to be ready
REST = 0.2  # seconds in which nothing moves any more
SETTLE = 3.0  # seconds that layouts may take


class Walk:
    """A window that is walked through, and photographed at each place in every language and theme."""

    def __init__(self, data: Path, out: Path, scale: int, letter: str, only: Sequence[str] = ()) -> None:
        from PySide6.QtWidgets import QApplication

        from app.desk import Desk
        from ui.look import STYLE
        from ui.page import Services

        found = QApplication.instance()
        self._application = found if isinstance(found, QApplication) else QApplication(["viewkeeper", *STYLE])
        self.services = Services(Desk(data), lambda _path: None)
        self._out, self._scale, self._letter, self._only, self._number = out, scale, letter, only, 0
        self.open()

    def open(self) -> None:
        """Open a new window; the one before is closed."""
        from ui.application import open_shell

        self.shell = open_shell(self.services)
        self.shell.resize(*SIZE)
        self.shell.show()

    def close(self) -> None:
        """Close the window and wait until nothing of it works any more."""
        self.shell.close()
        self._spin(0.3)

    def until(self, reached: Callable[[], bool]) -> None:
        """Let the window work until something is so."""
        end = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.shell.wizard.page} does not get ready; it asks: {self.dialog()}")
            self._spin(0.05)
        self._spin(0.3)

    def ready(self, page: str) -> None:
        """Wait until that page is shown and may be left."""
        self.until(lambda: self.shell.wizard.page == page and not self.shell.page.facts().busy)

    def choose(self, name: str) -> None:
        """Press a button of the page by its name."""
        from PySide6.QtWidgets import QAbstractButton

        found = [one for one in self.shell.findChildren(QAbstractButton, name) if one.isVisible()]
        assert found, name
        found[0].click()
        self._spin(0.2)

    def type(self, name: str, words: str) -> None:
        """Put words into the first field of that name that is shown."""
        from PySide6.QtWidgets import QLineEdit

        line = next(one for one in self.shell.page.findChildren(QLineEdit, name) if one.isVisible())
        line.setText(words)
        line.textEdited.emit(words)
        self._spin(0.1)

    def part(self, name: str) -> None:
        """Choose a part of the description by how its title begins."""
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QTreeWidget

        tree = self.shell.page.findChild(QTreeWidget, "parts")
        assert isinstance(tree, QTreeWidget)
        tree.setCurrentItem(tree.findItems(name, Qt.MatchFlag.MatchStartsWith | Qt.MatchFlag.MatchRecursive)[0])
        self._spin(0.1)

    def dialog(self) -> QDialog | None:
        """Return the question that is open now."""
        from PySide6.QtWidgets import QDialog

        return next((one for one in self.shell.findChildren(QDialog) if one.isVisible()), None)

    def shoot_dialog(self, name: str, opened: Callable[[], QDialog]) -> None:
        """Take the pictures of a question; it is asked anew in each language and theme."""
        for file in self._dressed(name):
            dialog = opened()
            self._rest(dialog)
            dialog.grab().save(str(file))
            dialog.reject()
            self._spin(0.1)

    def shoot(self, name: str) -> None:
        """Take the pictures of what is shown now."""
        for file in self._dressed(name):
            self.shell.retranslate()
            self._rest(self.shell)
            self.shell.grab().save(str(file))
        self.shell.retranslate()

    def _dressed(self, name: str) -> Iterator[Path]:
        """Yield the file of each picture, in its language and theme; none where only other pictures are wanted."""
        from app.texts import use_language
        from ui.look import dress

        self._number += 1
        if self._only and not any(name.startswith(wanted) for wanted in self._only):
            return
        for theme in THEMES:
            dress(self._application, theme)
            for language in LANGUAGES:
                use_language(language)
                yield self._out / f"{self._letter}{self._number:02}-{name}-{language}-{theme}-{self._scale * 100}.png"
        use_language("en")
        dress(self._application, "light")

    def _rest(self, window: QWidget) -> None:
        """Let a window work until nothing in it moves any more: Qt lays it out some events after its words changed."""
        end = time.monotonic() + SETTLE
        self._spin(REST)
        places: list[QRect] = []
        while time.monotonic() < end and places != (found := _places(window)):
            places = found
            self._spin(REST)

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            self._application.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.005)


def _places(window: QWidget) -> list[QRect]:
    """Return where everything stands in a window."""
    from PySide6.QtWidgets import QWidget

    return [one.geometry() for one in window.findChildren(QWidget) if one.isVisible()]


def kill_a_run(w: Walk, desk: Desk) -> None:
    """Begin a backup, and end its process in the middle of the freeze."""
    from app import overview
    from app.lab import process

    running = process.published(desk.data)
    assert running is not None
    process.send(running, "pace", pace="20")
    command = [sys.executable, "-m", "app", "backup", "--yes", "--profile", "practice"]
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    w.until(lambda: killed.poll() is not None or _holds(desk))
    killed.kill()
    killed.wait()
    assert overview.here(desk).left_off
    process.send(running, "pace", pace="0")


def _holds(desk: Desk) -> bool:
    """Say whether a run holds something off now."""
    with desk.journal() as journal:
        return any(one.closed is None for run in journal.runs() for one in journal.held(run.id))


def world(w: Walk) -> str:
    """Return what the practice panel shows of the world."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QTreeWidget

    found = w.shell.findChild(QTreeWidget, "world")
    shown = found.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive) if found is not None else []
    return "\n".join(item.text(0) for item in shown)
