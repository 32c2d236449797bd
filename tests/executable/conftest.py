"""The executable that build/make.py try-exe has built, copied to a place as a user chooses it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from build import windows
from build.trying import TRIED
from build.windows import Windows
from tests.executable.machine import Executable
from tests.screen.hands import Screen, screen


@pytest.fixture(scope="session")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """The screen of that Windows."""
    if TRIED not in os.environ:
        pytest.skip("it is tried by: python3 build/make.py try-exe")
    with screen(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory, monitor: Screen) -> Iterator[Windows]:
    """A Windows of its own to try it in: nobody else's programs are in it, and none of it is left."""
    made = windows.prepared(tmp_path_factory.mktemp("log") / "windows.log")
    with windows.copied(made, tmp_path_factory.mktemp("windows"), monitor.environment["DISPLAY"]) as own:
        yield own


@pytest.fixture(scope="session")
def shipped(there: Windows) -> Path:
    """The file that ships, as it was built."""
    return Path(os.environ[TRIED])


@pytest.fixture
def exe(there: Windows, shipped: Path) -> Iterator[Executable]:
    """The file in a folder with a blank and a Chinese letter in its name; what it leaves running ends with the test."""
    assert there.prefix is not None, "what it leaves behind is looked at from outside"
    with tempfile.TemporaryDirectory(dir=there.prefix / "drive_c", prefix="a user's 二 ") as folder:
        copied = Path(folder) / "ViewKeeper.exe"
        shutil.copy2(shipped, copied)
        one = Executable(there, copied, Path(folder) / "data 二")
        try:
            yield one
        finally:
            one.kill()
            for left in one.unpacked():
                shutil.rmtree(left, ignore_errors=True)
