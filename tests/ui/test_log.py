"""The log: lines come in batches, are filtered, found, held, copied and saved, and speak the chosen language."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine import events
from app.texts import text, use_language
from app.wire import Command
from ui.models.log import Entry, Level, Log, LogModel, Show, entry_of
from ui.page import Services
from ui.widgets.logview import LogView


def said(words: str, at: float = 0.0, key: str = "a/b") -> Entry:
    made = entry_of(events.StepSaid(run="r", at=at, key=key, title=text("A step"), line=text("{words}", words=words)))
    assert made is not None
    return made


def sent(words: str) -> Entry:
    command = Command("winrm:broker1", words)
    made = entry_of(
        events.CommandSent(
            run="r", at=0, key="a/b", title=text("A step"), command=command, system=command.system, words=words
        )
    )
    assert made is not None
    return made


def warned(words: str) -> Entry:
    made = entry_of(events.StepWarned(run="r", at=0, key="c", title=text("Another"), line=text("{words}", words=words)))
    assert made is not None
    return made


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def view(log: Log, services: Services, qtbot: QtBot) -> LogView:
    made = LogView(services, log)
    qtbot.addWidget(made)
    made.resize(700, 300)
    made.show()
    return made


def test_a_heartbeat_and_a_plan_make_no_line() -> None:
    assert entry_of(events.Heartbeat(run="r", at=0, frozen=1.0)) is None
    assert entry_of(events.Plan(run="r", at=0, parts=())) is None


def test_a_batch_comes_as_one_insertion(log: Log, qtbot: QtBot) -> None:
    model = LogModel(log)
    with qtbot.waitSignal(model.rowsInserted) as told:
        log.append([said(str(number)) for number in range(1000)])
    assert told.args is not None
    assert told.args[1:] == [0, 999]
    assert model.rowCount() == 1000


def test_levels_and_steps_are_filtered_and_what_comes_later_too(log: Log) -> None:
    model = LogModel(log)
    log.append([said("one"), sent("Get-Item"), warned("careful")])
    model.show_only(Show(frozenset((Level.WARNING, Level.ERROR))))
    assert [model.entry(row).words for row in range(model.rowCount())] == ["Warning: careful"]
    log.append([said("two"), warned("again")])
    assert model.rowCount() == 2
    model.show_only(Show(key="c"))
    assert model.rowCount() == 2
    model.show_only(Show())
    assert model.rowCount() == 5


def test_words_of_remote_systems_stay_on_one_line_and_steer_nothing(log: Log) -> None:
    model = LogModel(log)
    log.append([said("first\nsecond \x1b[31mred")])
    shown = model.entry(0).words
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert shown.startswith("first ⏎ second")


@given(st.text(min_size=1, max_size=8), st.lists(st.text(max_size=30), max_size=20))
def test_finding_finds_what_is_there_and_nothing_else(wanted: str, lines: list[str]) -> None:
    log = Log()
    model = LogModel(log)
    log.append([said(line) for line in lines])
    found = model.find(wanted)
    expected = [row for row in range(len(lines)) if wanted.casefold() in f" {model.entry(row).words}".casefold()]
    assert found == expected


def test_the_newest_line_stays_in_sight_until_the_operator_scrolls_up(log: Log, view: LogView) -> None:
    log.append([said(str(number)) for number in range(200)])
    bar = view.table.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    assert not view.follow.isChecked()
    log.append([said("later")])
    assert bar.value() == 10
    bar.setValue(bar.maximum())
    assert view.follow.isChecked()
    log.append([said(str(number)) for number in range(50)])
    assert bar.value() == bar.maximum()


def test_search_counts_marks_and_goes_round(log: Log, view: LogView, qtbot: QtBot) -> None:
    log.append([said("alpha"), said("beta"), said("Alphabet"), sent("gamma")])
    QTest.keyClicks(view.search, "alpha")
    assert view.places.text() == "2 found"
    QTest.keyClick(view.search, Qt.Key.Key_Return)
    assert (view.table.currentIndex().row(), view.places.text()) == (0, "1 of 2")
    QTest.keyClick(view.search, Qt.Key.Key_Return)
    assert view.table.currentIndex().row() == 2
    QTest.keyClick(view.search, Qt.Key.Key_Return)
    assert view.table.currentIndex().row() == 0
    QTest.keyClick(view.search, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert view.table.currentIndex().row() == 2
    log.append([said("alpha again")])
    assert view.places.text() == "2 of 3"


def test_a_place_that_was_found_is_drawn_otherwise(log: Log, view: LogView, qtbot: QtBot) -> None:
    log.append([said("alpha beta")])
    before = view.table.viewport().grab().toImage()
    view.search.setText("beta")
    assert view.table.viewport().grab().toImage() != before


def test_the_chosen_line_is_shown_whole(log: Log, view: LogView) -> None:
    log.append([sent("Add-PSSnapin 'X'\nGet-Pool")])
    view.table.setCurrentIndex(view.model.index(0, 0))
    assert view.whole.toPlainText() == "Add-PSSnapin 'X'\nGet-Pool"


def test_what_is_shown_is_copied_and_saved(log: Log, view: LogView, qtbot: QtBot, tmp_path: Path) -> None:
    log.append([said("one"), warned("two")])
    view.levels.setCurrentIndex(2)
    QApplication.clipboard().clear()
    view.copy_lines()
    qtbot.waitUntil(lambda: "two" in QApplication.clipboard().text())
    assert "one" not in QApplication.clipboard().text()
    job = view.write(tmp_path / "log.txt")
    qtbot.waitUntil(lambda: not job.running)
    assert "two" in (tmp_path / "log.txt").read_text("utf-8")


def test_a_place_that_takes_no_file_is_told(view: LogView, qtbot: QtBot, tmp_path: Path) -> None:
    view.write(tmp_path / "no such folder" / "log.txt")
    qtbot.waitUntil(lambda: "could not be written" in view.empty.text())


def test_lines_speak_the_language_that_is_chosen(log: Log, view: LogView, qtbot: QtBot) -> None:
    log.append([warned("x") for _ in range(3)])
    english = view.model.entry(0).words
    use_language("zh_CN")
    view.retranslate()
    assert view.model.entry(0).words == str(text("Warning: {line}", line="x"))
    assert view.model.entry(0).words != english
    qtbot.waitUntil(lambda: all(entry.spoken == "zh_CN" for entry in log.entries))


def test_an_empty_log_says_so(view: LogView, log: Log) -> None:
    assert view.empty.isVisible()
    assert view.empty.text()
    log.append([said("one")])
    assert not view.empty.isVisible()
