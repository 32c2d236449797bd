"""A screen for each test, pictures in out/screen, and a practice environment that ends with the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.lab import process
from tests.screen.hands import PROGRAMS, Hands, Screen, screen
from tests.screen.wizard import ROOT, Program

PICTURES = ROOT / "out" / "screen"
INSTALLED = "VIEWKEEPER_SCREEN"
"""Set where build/make.py has installed what is needed."""


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of the pictures, emptied before the first; they stay there to be looked at."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        told = f"{', '.join(missing)} is not installed: python3 build/make.py screen does it, on Linux"
        pytest.fail(told) if os.environ.get(INSTALLED) else pytest.skip(told)
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    return PICTURES


@pytest.fixture
def monitor(tmp_path: Path, pictures: Path) -> Iterator[Screen]:
    with screen(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program as whoever has the sources starts it, with an empty data folder."""
    started = Program(tmp_path / "data")
    yield started
    process.stop(started.data)


Open = Callable[..., Hands]


@pytest.fixture
def open_window(monitor: Screen, program: Program, pictures: Path) -> Iterator[Open]:
    """Opens the program's window; given a name for its pictures, and the system's language. Ended after the test."""
    with ExitStack() as ending:

        def opened(name: str, language: str = "") -> Hands:
            hands = program.open(monitor, pictures, name, language)
            ending.callback(hands.leave)
            return hands

        yield opened
