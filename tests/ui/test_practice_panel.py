"""The practice panel shows the practice environment's world as it is, and acts on it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QPushButton, QTabWidget, QTreeWidget
from pytestqt.qtbot import QtBot

from app.desk import Desk
from app.lab import process
from app.practising import Kind
from app.texts import NOTHING, use_language
from tests.scenarios.environment import Environment
from ui.page import Services
from ui.widgets.practice import PracticePanel

LONGEST_STALL = 1.0  # seconds; the environment lets nobody know for ten, and a test machine has other work too


@pytest.fixture
def panel(practice: Environment, practice_services: Services, qtbot: QtBot) -> PracticePanel:
    made = shown(practice_services, qtbot)
    qtbot.waitUntil(lambda: "Pools" in world(made), timeout=10_000)
    return made


def shown(services: Services, qtbot: QtBot) -> PracticePanel:
    made = PracticePanel(services)
    qtbot.addWidget(made, before_close_func=_end)
    made.resize(400, 600)
    made.show()
    return made


def _end(panel: Any) -> None:
    panel.hide()
    for job in list(panel._services.jobs):
        job.wait()


def world(panel: PracticePanel) -> str:
    """Return what the tab of the world says: one line for a heading or for a name and how it stands."""
    unseen, tree = panel.findChild(QLabel, "world-unseen"), panel.findChild(QTreeWidget, "world")
    assert unseen is not None
    assert tree is not None
    if unseen.text():
        return unseen.text()
    every = tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
    return "\n".join(f"{item.text(0)}: {item.text(1)}" for item in every)


def said(panel: PracticePanel) -> str:
    return panel._answer.text()


def listed(panel: PracticePanel, kind: Kind) -> QListWidget:
    found = panel.findChild(QListWidget, f"list-{kind}")
    assert found is not None
    return found


def choose(panel: PracticePanel, kind: Kind, name: str) -> None:
    """Open the tab of a kind and choose the offer of that name."""
    offers = [offer.name for offer in panel._kinds[kind].offers]
    tabs = panel.findChild(QTabWidget, "practice-tabs")
    assert tabs is not None
    tabs.setCurrentIndex(1 + list(Kind).index(kind))
    listed(panel, kind).setCurrentRow(offers.index(name))


def fill(panel: PracticePanel, qtbot: QtBot, **options: str) -> None:
    """Type options of the chosen act into their fields."""

    def fields() -> dict[str, QLineEdit]:
        found = panel._kinds[Kind.ACT].findChildren(QLineEdit)
        return {field.objectName(): field for field in found if field.isVisible()}

    qtbot.waitUntil(lambda: options.keys() <= fields().keys())
    for name, value in options.items():
        fields()[name].setText(value)


def press(panel: PracticePanel, name: str, qtbot: QtBot) -> str:
    """Press a button, and return what the panel says of it."""
    found = panel.findChild(QPushButton, name)
    assert found is not None
    panel._say(NOTHING)
    found.click()
    qtbot.waitUntil(lambda: bool(said(panel)), timeout=20_000)
    return said(panel)


def test_all_scenes_faults_and_acts_are_listed_with_their_words(panel: PracticePanel, practice: Environment) -> None:
    for kind, command, rows in (
        (Kind.SCENE, "scenes", "scenes"), (Kind.FAULT, "faults", "named"), (Kind.ACT, "acts", "acts"),
    ):  # fmt: skip
        told = practice.lab(command)[rows]
        items = [listed(panel, kind).item(row).text() for row in range(listed(panel, kind).count())]
        assert items == [row["about"] for row in told]
        assert items


def test_a_scene_is_set_and_struck_and_the_world_is_so(
    panel: PracticePanel, practice: Environment, qtbot: QtBot
) -> None:
    choose(panel, Kind.SCENE, "recompose-running")
    assert "recompose-running" in press(panel, "make-scene", qtbot)
    assert practice.lab("status")["scenes"]
    qtbot.waitUntil(lambda: "sales-lc: recompose" in world(panel))
    press(panel, "quiet", qtbot)
    assert not practice.lab("status")["scenes"]
    qtbot.waitUntil(lambda: "sales-lc: recompose" not in world(panel))


def test_the_checks_meet_the_scene_that_was_set(panel: PracticePanel, practice: Environment, qtbot: QtBot) -> None:
    assert practice.look().outcome == "done"
    choose(panel, Kind.SCENE, "recompose-running")
    press(panel, "make-scene", qtbot)
    assert practice.look().outcome == "blocked"


def test_a_fault_is_set_and_cleared(panel: PracticePanel, practice: Environment, qtbot: QtBot) -> None:
    choose(panel, Kind.FAULT, "export-fails")
    assert "export-fails" in press(panel, "make-fault", qtbot)
    assert len(practice.lab("status")["faults"]) == 1
    qtbot.waitUntil(lambda: "vdmexport" in world(panel))
    assert press(panel, "clear-faults", qtbot).startswith("1 ")
    assert practice.lab("status")["faults"] == []
    qtbot.waitUntil(lambda: "vdmexport" not in world(panel))


def test_what_a_person_does_is_done_with_the_options_that_were_typed(
    panel: PracticePanel, practice: Environment, qtbot: QtBot
) -> None:
    choose(panel, Kind.ACT, "provisioning")
    fill(panel, qtbot, pool="sales-lc", to="off")
    assert "sales-lc is off" in press(panel, "make-operator", qtbot)
    qtbot.waitUntil(lambda: "sales-lc: off" in world(panel))
    assert {pool["id"]: pool["provisioning"] for pool in practice.lab("status")["pools"]}["sales-lc"] is False


def test_what_the_practice_environment_refuses_is_said_in_its_words(panel: PracticePanel, qtbot: QtBot) -> None:
    choose(panel, Kind.ACT, "provisioning")
    fill(panel, qtbot, to="maybe")
    assert "to=on or to=off" in press(panel, "make-operator", qtbot)


def test_the_world_follows_what_others_do(panel: PracticePanel, practice: Environment, qtbot: QtBot) -> None:
    assert "sales-lc: on" in world(panel)
    practice.operator("provisioning", pool="sales-lc", to="off")
    qtbot.waitUntil(lambda: "sales-lc: off" in world(panel), timeout=10_000)


def test_a_practice_environment_that_has_ended_is_said_so_and_its_old_world_is_not_shown(
    own_practice: Environment, qtbot: QtBot
) -> None:
    panel = shown(Services(Desk(own_practice.data), lambda _path: None), qtbot)
    qtbot.waitUntil(lambda: "Pools" in world(panel), timeout=10_000)
    own_practice.close()
    qtbot.waitUntil(lambda: "not running" in world(panel), timeout=20_000)
    assert "Pools" not in world(panel)
    assert "not running" in press(panel, "clear-faults", qtbot)
    own_practice.published = process.start(own_practice.data)
    qtbot.waitUntil(lambda: "Pools" in world(panel), timeout=20_000)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot halt a process from outside")
def test_a_practice_environment_that_does_not_answer_holds_nothing_up(own_practice: Environment, qtbot: QtBot) -> None:
    panel = shown(Services(Desk(own_practice.data), lambda _path: None), qtbot)
    qtbot.waitUntil(lambda: "Pools" in world(panel), timeout=10_000)
    pid, gaps, last = own_practice.published["pid"], list[float](), [time.monotonic()]

    def beat() -> None:
        gaps.append(time.monotonic() - last[0])
        last[0] = time.monotonic()

    pulse = QTimer(panel)
    pulse.timeout.connect(beat)
    os.kill(pid, signal.SIGSTOP)
    try:
        pulse.start(5)
        qtbot.waitUntil(lambda: "could not be looked at" in world(panel), timeout=30_000)
        pulse.stop()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert max(gaps) < LONGEST_STALL
    qtbot.waitUntil(lambda: "Pools" in world(panel), timeout=20_000)


def test_the_panel_changes_its_language_at_once(panel: PracticePanel, qtbot: QtBot) -> None:
    use_language("zh_CN")
    panel.retranslate()
    assert "Pools" not in world(panel)
    assert "sales-lc" in world(panel)
