"""What a run that ended in the middle leaves to the next one who opens a window, here or on another workstation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import backups
from app.desk import Desk
from app.observation import State
from tests.scenarios.environment import Environment
from tests.scenarios.standing import changed, standing, world_of
from tests.ui.hands import ENTER, Hands
from tests.ui.test_walk import COMPOSER_BACKUP, composer_stops
from ui.flow import Page
from ui.page import Services

HOME = Path(__file__).resolve().parents[2]


@contextmanager
def killed_in_the_freeze(environment: Environment, *words: str) -> Iterator[None]:
    """Let a wizard begin a backup, and kill it while Composer is stopped; its environment answers again after that."""
    environment.fault("sql:sql1", COMPOSER_BACKUP, "hang")
    walker = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.walker", str(environment.data), *words],
        cwd=HOME, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    try:
        assert composer_stops(environment, walker)
    finally:
        walker.kill()
        walker.wait()
    environment.clear_faults()
    environment.restart()
    yield


def window(qtbot: QtBot, environment: Environment) -> Hands:
    return Hands(qtbot, Services(Desk(environment.data), lambda _path: None))


def resumed(hands: Hands) -> None:
    """Choose Resume on the page of recovery, and go to the result."""
    hands.ready(Page.RECOVERY)
    hands.go_to("resume")
    hands.press(ENTER)
    hands.until(lambda: hands.page is Page.RUN)
    hands.to_the_result()


def test_a_run_with_options_of_its_own_is_resumed_as_it_was_begun(
    qtbot: QtBot, own_practice: Environment, tmp_path: Path
) -> None:
    before, elsewhere = standing(world_of(own_practice)), tmp_path / "elsewhere"
    with killed_in_the_freeze(own_practice, str(elsewhere)):
        hands = window(qtbot, own_practice)
        resumed(hands)
        assert hands.done()
        hands.close()
    profile = msgspec.structs.replace(own_practice.profile(), repository=str(elsewhere))
    [whole] = backups.sets(profile)
    assert whole.manifest is not None
    _, seen = backups.verify(own_practice.desk, "practice", str(whole.folder), lambda _seen: None)
    assert {one.state for one in seen} == {State.PASSED}
    assert not own_practice.repository.exists()
    assert not changed(before, standing(world_of(own_practice)))


def test_a_run_into_a_repository_of_its_own_is_undone_there(
    qtbot: QtBot, own_practice: Environment, tmp_path: Path
) -> None:
    before, elsewhere = standing(world_of(own_practice)), tmp_path / "elsewhere"
    with killed_in_the_freeze(own_practice, str(elsewhere)):
        assert list(elsewhere.glob("practice/*")), "what it has captured so far lies there"
        hands = window(qtbot, own_practice)
        hands.ready(Page.RECOVERY)
        hands.go_to("resume")
        hands.press(Qt.Key.Key_Down)
        hands.press(ENTER)
        hands.until(lambda: hands.page is Page.RUN)
        hands.to_the_result()
        hands.close()
    assert not list(elsewhere.glob("practice/*"))
    assert not changed(before, standing(world_of(own_practice)))
