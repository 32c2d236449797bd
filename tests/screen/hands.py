"""A person in front of a screen: starts a program there, reads its window's title, types, clicks, takes pictures.

The screen is a virtual one (Xvfb) of its own, with a small window manager (openbox), so that windows have a title bar
and the keyboard as on a desktop. Nothing here knows the program's inside: any command will do whose window's title says
where it stands, and whose button that leads on is blue and stands at the bottom."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PROGRAMS = ("Xvfb", "openbox", "xdotool", "import", "xprop")
SIZE = (1280, 900)
PATIENCE = 90.0  # seconds that anything may take which must come
LEAVE = 10.0  # seconds that a program which is told to end may take
LOOK = 0.1  # seconds between two looks
BLUE = bytes.fromhex("0f6cbd")  # of the button that leads on, while it may be pressed
BROAD, HIGH = 20, 8  # pixels of blue beside and above each other: neither letters nor the edge of a list are so
BOTTOM = 8  # that button lies in the lowest eighth of the window
TASTE = ("LANG", "LC_", "QT_", "XDG_", "WAYLAND_", "VIEWKEEPER_")
"""How variables begin by which a workstation tells its owner's taste; nothing that is started here is to know it."""


class Screen:
    """A screen of its own; programs that are to be seen on it get its `environment`."""

    def __init__(self, number: str, home: Path) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(TASTE)}
        self.environment = {**plain, "DISPLAY": f":{number}", "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}

    def ask(self, *command: str) -> bytes:
        """Return what a command says that looks at this screen or acts on it; nothing where it fails."""
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        return done.stdout if done.returncode == 0 else b""


@contextmanager
def screen(home: Path, size: tuple[int, int] = SIZE) -> Iterator[Screen]:
    """Open a screen with a window manager and close it at the end; `home` takes the settings that programs leave."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "{}x{}x24".format(*size), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read, encoding="ascii") as told:
            number = told.readline().strip()
        assert number, "Xvfb does not start"
        opened = Screen(number, home)
        manager = subprocess.Popen(
            ["openbox"], env=opened.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: b"#" in opened.ask("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"), "a window manager")
            yield opened
        finally:
            _end(manager)
    finally:
        _end(server)


class Hands:
    """One program on a screen, and the person in front of it.

    `environment` is added to the screen's; what the program writes goes to a file beside its pictures; `name` begins
    the names of both."""

    def __init__(
        self, on: Screen, command: Sequence[str], environment: Mapping[str, str], pictures: Path, name: str
    ) -> None:
        self._screen, self._pictures, self._name, self._taken = on, pictures, name, 0
        pictures.mkdir(parents=True, exist_ok=True)
        self._log = pictures / f"{name}.log"
        self.process = subprocess.Popen(
            command, env={**on.environment, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._listener = threading.Thread(target=_written_down, args=(self.process.stdout, self._log), daemon=True)
        self._listener.start()

    # ---- the eyes

    @property
    def said(self) -> str:
        """What the program has written instead of showing it."""
        if self.process.poll() is not None:
            self._listener.join(
                LEAVE
            )  # no longer: a practice environment that it has started may go on holding the pipe
        return self._log.read_text("utf-8", "replace")

    @property
    def title(self) -> str:
        """The title of the window that has the keyboard."""
        return self._screen.ask("xdotool", "getactivewindow", "getwindowname").decode().strip()

    def sees(self, title: str, within: float = PATIENCE) -> None:
        """Wait until the window's title begins so, and nothing moves in it any more."""
        self.until(lambda: self.title.startswith(title), title, within)
        self.rests()

    def sees_what_leads_on(self) -> tuple[int, int]:
        """Wait until the button that leads on may be pressed; returns a place in it."""
        places: list[tuple[int, int]] = []

        def there() -> bool:
            places.extend(self._blue())
            return bool(places)

        self.until(there, "a button that leads on")
        return places[0]

    def rests(self) -> None:
        """Wait until two pictures in a row are the same."""
        before = [b""]

        def same() -> bool:
            now = self._picture()[2]
            equal, before[0] = bool(now) and now == before[0], now
            return equal

        self.until(same, "a picture that stays")

    def shoot(self, name: str) -> None:
        """Take a picture of the whole screen, to be looked at by people."""
        self._taken += 1
        file = self._pictures / f"{self._name}-{self._taken:02}-{name}.png"
        self._screen.ask("import", "-silent", "-window", "root", str(file))

    def until(self, reached: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
        """Wait for something; where it does not come, a picture tells what was there instead."""
        try:
            until(lambda: reached() or self._ended_early(), what, within)
        except AssertionError as error:
            self.shoot("failed")
            raise AssertionError(f"{error}; the title is {self.title!r}; it has written: {self.said}") from None

    # ---- the hands

    def press(self, *keys: str) -> None:
        """Press keys one after another where the keyboard is: Return, Tab, alt+v, alt+F4 ..."""
        self._screen.ask("xdotool", "key", *keys)

    def click(self, x: int, y: int) -> None:
        """Click at a place of the window; negative numbers count from its right or lower edge."""
        width, height = self._size()
        place = str(x if x >= 0 else width + x), str(y if y >= 0 else height + y)
        self._screen.ask("xdotool", "mousemove", "--window", self._window(), *place, "click", "1")

    def go_on(self, *, mouse: bool) -> None:
        """Click the button that leads on, or press Enter for it, as soon as it may be pressed."""
        place = self.sees_what_leads_on()
        if mouse:
            self.click(*place)
        else:
            self.press("Return")

    def close_window(self) -> None:
        """Click the cross of the window, at the right end of its title bar."""
        told = self._screen.ask("xprop", "-id", self._window(), "_NET_FRAME_EXTENTS").decode()
        bar = int(re.findall(r"\d+", told)[2])
        window, (width, _) = self._window(), self._size()
        place = str(width - bar // 2), str(-bar // 2)
        self._screen.ask("xdotool", "mousemove", "--window", window, "--", *place, "click", "1")

    # ---- the end

    def ended(self) -> int:
        """Wait until the program has ended by itself; returns its exit code."""
        until(lambda: self.process.poll() is not None, "the program's end")
        return self.process.returncode

    def leave(self) -> None:
        """End the program, whatever it does."""
        _end(self.process)

    # ---- inside

    def _ended_early(self) -> bool:
        assert self.process.poll() is None, f"the program has ended with exit code {self.process.returncode}"
        return False

    def _window(self) -> str:
        return self._screen.ask("xdotool", "getactivewindow").decode().strip()

    def _size(self) -> tuple[int, int]:
        told = self._screen.ask("xdotool", "getwindowgeometry", "--shell", self._window()).decode()
        found = dict(line.split("=") for line in told.split())
        return int(found.get("WIDTH", 0)), int(found.get("HEIGHT", 0))

    def _picture(self) -> tuple[int, int, bytes]:
        """Return the window's width, height, and its pixels: three bytes each, row by row."""
        width, height = self._size()
        return width, height, self._screen.ask("import", "-silent", "-window", self._window(), "-depth", "8", "rgb:-")

    def _blue(self) -> list[tuple[int, int]]:
        """Return a place in the blue button at the bottom, where there is one; the edge of a list may be as blue."""
        width, height, pixels = self._picture()
        top, row = height - height // BOTTOM, width * 3
        found = [_broad_blue(pixels[y * row : (y + 1) * row]) for y in range(top, height)]
        for y in range(len(found) - HIGH, -1, -1):
            ends = found[y : y + HIGH]
            if all(ends) and (middle := ends[HIGH // 2]):
                return [(sum(middle) // 2, top + y + HIGH // 2)]
        return []


def _broad_blue(row: bytes) -> tuple[int, int] | None:
    """Return where in a row of pixels blue begins and ends; None where there is no more than a letter of it."""
    first, last = row.find(BLUE * BROAD), row.rfind(BLUE * BROAD)
    return None if first < 0 else (first // 3, last // 3 + BROAD)


def _written_down(stream: IO[bytes], log: Path) -> None:
    """Write down what comes by a pipe. (Programs in wine get no file for their words.)"""
    with stream, log.open("wb", buffering=0) as file:
        while words := os.read(stream.fileno(), 1 << 16):
            file.write(words)


def until(reached: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline, f"{what} has not come within {within:.0f} s"
        time.sleep(LOOK)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Tell a process to end, and make it end where it does not listen."""
    process.terminate()
    try:
        process.wait(LEAVE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
