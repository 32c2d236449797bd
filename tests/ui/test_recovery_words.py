"""What a run has left off is told in the language that is chosen now, also where it was looked for in another one."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from app.history import ListedRun
from app.overview import LeftOff
from app.texts import text, use_language
from ui.flow import Draft
from ui.page import Services
from ui.pages.recovery import RecoveryPage


def test_what_is_off_and_the_list_of_runs_are_told_in_the_language_chosen_now(qtbot: QtBot, services: Services) -> None:
    off = (text("There is no backup yet."),)
    runs = tuple(LeftOff(ListedRun(name, "backup", "interrupted", 0.0, off, "journal"), "corp") for name in "ab")
    page = RecoveryPage(services)
    qtbot.addWidget(page)
    page.entered(Draft(left_off=runs))
    page.retranslate()
    told, listed = page.findChild(QLabel, "off"), page.findChild(QComboBox, "runs")
    assert isinstance(told, QLabel)
    assert isinstance(listed, QComboBox)
    assert "There is no backup yet." in told.text()
    assert "begun" in listed.itemText(1)
    use_language("zh_CN")
    page.retranslate()
    assert "还没有备份" in told.text()
    assert "开始于" in listed.itemText(1)
