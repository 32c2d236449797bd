"""The first page tells of runs that other processes are at: no other can begin there."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.engine.journal import Run
from app.engine.lease import RunLock
from app.overview import GoingOn
from app.texts import use_language
from tests.ui.hands import Hands
from ui.flow import Page
from ui.page import Services
from ui.pages.start import at_work_in

PLACE = "b1:5986"


def at_work(hands: Hands) -> str:
    found = hands.shell.findChild(QLabel, "at-work")
    return found.text() if found is not None and found.isVisible() else ""


def test_a_run_of_the_command_line_is_told_on_the_first_page_until_it_has_ended(
    qtbot: QtBot, services: Services
) -> None:
    with services.desk.journal() as journal:
        journal.begin(Run("r1", PLACE, "backup", {"profile": "corp"}, "", "running", 1, 5.0))
    with RunLock(services.desk.data, PLACE, "r1", 5.0):
        hands = Hands(qtbot, services)
        hands.until(lambda: bool(at_work(hands)))
        assert hands.page is Page.START, "it is at work, and has left nothing"
        for words in ("corp", "backup", "No other can begin there"):
            assert words in at_work(hands)
        use_language("zh_CN")
        hands.shell.retranslate()
        assert "corp" in at_work(hands)
        assert "No other" not in at_work(hands)
        use_language("en")
        with services.desk.journal() as journal:
            journal.end("r1", "done", 6.0)
    hands.shell.page.entered(hands.shell.page.draft())
    hands.until(lambda: not at_work(hands))
    hands.shell.close()


@pytest.mark.parametrize("runbook", ["backup", ""])
def test_a_run_of_another_computer_is_told_with_who_began_it(runbook: str) -> None:
    told = str(at_work_in(GoingOn("corp", "r1", runbook, 5.0, user="anna", workstation="ws7")))
    assert "anna on ws7" in told
    assert ("just begun" in told) is (runbook == "")
