"""The wizard of the file that ships, on a screen: by keyboard alone, in both languages, killed, opened twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app import paths
from app.unpacked import LATE
from tests.executable.machine import Executable, until
from tests.screen.hands import Hands, Screen
from tests.screen.wizard import ROOT, Program, Wizard
from ui.flow import Page

PICTURES = ROOT / "out" / "screen"
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Shipped(Program):
    """The executable as the walker knows a program."""

    exe: Executable | None = None

    def open(self, on: Screen, pictures: Path, name: str, language: str = "") -> Hands:
        """Open the window, on a Windows that speaks that language."""
        assert self.exe is not None
        speaks = self.exe.windows.speaking(language or "en_US")
        return Hands(on, self.window, {**self.whole_environment, **speaks}, pictures, name)

    def tell(self, *words: str) -> dict[str, Any]:
        assert self.exe is not None
        return self.exe.answer(*words)


@pytest.fixture
def program(exe: Executable) -> Shipped:
    environment = {paths.DATA_VARIABLE: exe.windows.path(exe.data), **exe.windows.variables()}
    return Shipped(exe.data, tuple(exe.command()), environment=environment, exe=exe)


Open = Callable[..., Hands]


@pytest.fixture
def open_window(monitor: Screen, program: Shipped) -> Iterator[Open]:
    """Opens the wizard's window; given a name for its pictures, and the system's language. Ended after the test."""
    with ExitStack() as ending:

        def opened(name: str, language: str = "") -> Hands:
            hands = program.open(monitor, PICTURES, f"exe-{name}", language)
            ending.callback(hands.leave)
            return hands

        yield opened


@pytest.mark.parametrize("language", ["en_US", "zh_CN"])
def test_the_keyboard_alone_leads_through_a_practice_backup(open_window: Open, program: Shipped, language: str) -> None:
    program.tell("lab", "start", "--pace", "0")
    before = program.off()
    wizard = Wizard(open_window(f"keys-{language}", language), "zh_CN" if language == "zh_CN" else "en")
    wizard.to_the_review()
    wizard.go_on()
    wizard.is_ready(Page.RESULT)
    wizard.close()
    assert len(program.verified_sets()) == 1
    assert program.off() == before


def test_a_window_that_dies_in_the_freeze_is_followed_by_one_that_begins_with_what_it_left_off(
    open_window: Open, program: Shipped, exe: Executable
) -> None:
    program.tell("lab", "start", "--pace", "0.5")
    before, lab = program.off(), set(exe.processes())
    hands = open_window("killed")
    wizard = Wizard(hands)
    wizard.to_the_review()
    wizard.go_on()
    hands.until(program.composer_stands_still, "the freeze")
    for number in set(exe.processes()) - lab:  # the loader and the program
        os.kill(number, 9)
    hands.process.wait()
    again = Wizard(open_window("killed-again"))
    again.is_ready(Page.RECOVERY)
    assert program.off() > before
    again.go_on()
    again.is_on(Page.RUN)
    again.is_ready(Page.RESULT)
    again.close()
    assert len(program.verified_sets()) == 1
    assert program.off() == before


def test_a_second_one_brings_the_first_out_of_the_taskbar_to_the_front_and_ends(
    monitor: Screen, open_window: Open, exe: Executable
) -> None:
    first = open_window("first")
    Wizard(first).is_ready(Page.START)
    running = set(exe.processes())
    shown = first.title
    monitor.ask("xdotool", "getactivewindow", "windowminimize")
    until(lambda: first.title != shown, "the taskbar")
    second = open_window("second")
    assert second.ended() == 0
    until(lambda: set(exe.processes()) == running, "the end of the second one's loader")
    Wizard(first).is_ready(Page.START)


def test_the_first_window_is_there_before_what_it_does_without_is_unpacked(open_window: Open, exe: Executable) -> None:
    before = set(exe.unpacked())
    Wizard(open_window("late")).is_ready(Page.START)
    (folder,) = set(exe.unpacked()) - before
    assert (folder / LATE).exists()
    assert not list(folder.rglob("_rust*.pyd"))


def test_a_data_folder_that_cannot_be_written_to_is_said_in_a_box(
    monitor: Screen, exe: Executable, program: Shipped
) -> None:
    exe.data.write_text("not a folder")
    hands = program.open(monitor, PICTURES, "exe-unwritable")
    hands.sees("ViewKeeper", 60)
    hands.rests()
    hands.shoot("box")
    hands.press("Return")
    assert hands.ended() == 2


@pytest.fixture
def old_windows(exe: Executable) -> Iterator[None]:
    """Windows 8.1, for this program alone."""
    key = rf"HKCU\Software\Wine\AppDefaults\{exe.file.name}"

    def registry(*words: str) -> None:
        subprocess.run(  # not by a pipe: wine's services, which it may be the first to start, would hold it
            exe.windows.command("reg", *words), env=exe.environment(), check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    registry("add", key, "/v", "Version", "/d", "win81", "/f")
    yield
    registry("delete", key, "/f")


def test_an_old_windows_is_told_so_in_a_box_and_on_the_command_line(
    monitor: Screen, exe: Executable, program: Shipped, old_windows: None
) -> None:
    said = exe.tell("sets")
    assert (said.code, "Windows 10" in said.err, "Windows 6." in said.err) == (1, True, True)
    hands = program.open(monitor, PICTURES, "exe-old")
    hands.sees("ViewKeeper", 60)
    hands.shoot("box")
    hands.press("Return")
    assert hands.ended() == 1
