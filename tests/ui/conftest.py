"""The screen without a screen. Whatever Qt complains about, and whatever a test leaves behind, fails that test."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("QT_SCALE_FACTOR", None)

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.null import Keyring
from PySide6.QtCore import QEvent, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.desk import Desk
from app.texts import use_language
from tests.scenarios.environment import Environment
from ui.look import STYLE, dress
from ui.page import Services

LEAVE = 5.0  # seconds that threads get to end after a test


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["viewkeeper", *STYLE]


@pytest.fixture(autouse=True)
def _clean(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that makes Qt complain, or leaves a thread, a timer or a window behind."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "nowhere"))
    kept = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]  # the library annotates it half
    dress(qapp, "light")
    use_language("en")
    said: list[str] = []
    handler = qInstallMessageHandler(lambda kind, _where, words: _note(said, kind, words))
    threads, timers = set(threading.enumerate()), _timers(qapp)
    yield
    use_language("en")
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    qapp.processEvents()
    qInstallMessageHandler(handler)
    keyring.set_keyring(kept)
    assert not said
    assert not [window for window in qapp.topLevelWidgets() if window.isVisible()]
    assert not [timer for timer in _timers(qapp) if timer not in timers]
    assert not _left(threads)


NO_SCREEN = "This plugin does not support"
"""What the platform without a screen says of windows' sizes: it has no window manager to tell them to."""


def _note(said: list[str], kind: QtMsgType, words: str) -> None:
    if kind is not QtMsgType.QtDebugMsg and not words.startswith(NO_SCREEN):
        said.append(words)


def _timers(application: QApplication) -> list[QTimer]:
    """Return the timers that run in any window or in the application."""
    owners = [application, *application.topLevelWidgets()]
    return [timer for owner in owners for timer in owner.findChildren(QTimer) if timer.isActive()]


def _left(before: set[threading.Thread]) -> list[str]:
    deadline = time.monotonic() + LEAVE
    while time.monotonic() < deadline:
        left = [thread.name for thread in threading.enumerate() if thread not in before and thread.is_alive()]
        if not left:
            return []
        time.sleep(0.01)
    return left


@pytest.fixture(scope="session")
def _kept_practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    environment = Environment(tmp_path_factory.mktemp("practice"))
    yield environment
    environment.close()


@pytest.fixture
def practice(_kept_practice: Environment) -> Environment:
    """A practice environment in which nothing takes time, as it was founded; its process is shared by the tests."""
    _kept_practice.back()
    return _kept_practice


@pytest.fixture
def own_practice(tmp_path: Path) -> Iterator[Environment]:
    """A practice environment of its own, for a test that ends it, or kills who uses it."""
    environment = Environment(tmp_path / "own")
    yield environment
    environment.close()


@pytest.fixture
def opened() -> list[Path]:
    """The folders and files that pages have asked to be opened."""
    return []


@pytest.fixture
def services(tmp_path: Path, opened: list[Path]) -> Services:
    """What pages are given: an empty data folder, and a note of what they open."""
    return Services(Desk(tmp_path / "data"), opened.append)


@pytest.fixture
def practice_services(practice: Environment, opened: list[Path]) -> Services:
    """What pages are given where the practice environment runs."""
    return Services(Desk(practice.data), opened.append)


def until(qtbot: QtBot, reached: object, seconds: float = 60.0) -> None:
    """Let Qt work until `reached()` is true."""
    assert callable(reached)
    qtbot.waitUntil(reached, timeout=int(seconds * 1000))
