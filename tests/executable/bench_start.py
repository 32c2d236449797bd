"""By hand: how large the executable is, and how long its first window takes, beside a bare one that is built alike.

    python3 build/make.py exe --bare
    .venv/bin/python -m tests.executable.bench_start [PAIRS]

Both are started in turn, on a screen of their own. The time runs from the start of the process until the window
manager has the window. The wizard's data folder is new each time, as at a first start; the window is then closed by
its keyboard, so that what was unpacked goes with it. Nothing else may run in the same wine meanwhile: wine shows all of
its windows on the screen of the first. The bar is 1.4 times, in size and in the median of 7 pairs."""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from build import executable, windows
from build.windows import Windows
from tests.executable.machine import PATIENCE, Executable, until
from tests.screen.hands import Screen, screen

BAR = 1.4
KEEPER = "import ctypes; ctypes.windll.user32.GetDesktopWindow(); input()"
"""Has wine's desktop stay between two windows: one that begins while it is ending finds no screen."""

LIST = ("-root", "_NET_CLIENT_LIST")  # what the window manager keeps of its windows, to xprop
LONGEST = 4096  # bytes of a line of xprop's


def main(pairs: int) -> int:
    """Measure, and print sizes, medians and ratios; returns 0 where both bars are kept."""
    files = [executable.DIST / name for name in (executable.BARE, executable.PROGRAMS[0])]
    if missing := [file.name for file in files if not file.exists()]:
        print(f"{' and '.join(missing)}: not there. Build them: python3 build/make.py exe --bare", file=sys.stderr)
        return 1
    with TemporaryDirectory() as folder, screen(Path(folder) / "home") as monitor, ExitStack() as ending:
        there = windows.prepared(Path(folder) / "windows.log")
        keeper = subprocess.Popen(
            [*there.python, "-c", KEEPER], env={**there.environment(), "DISPLAY": monitor.environment["DISPLAY"]},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ending.callback(keeper.kill)
        for file in files:  # the disk's cache is filled, and what wine starts once has been started
            seconds(there, file, monitor)
        turns = [tuple(seconds(there, file, monitor) for file in files) for _ in range(pairs)]
    bare, ours = zip(*turns, strict=True)
    small, large = (file.stat().st_size / 1e6 for file in files)
    slower = statistics.median(ours) / statistics.median(bare)
    ratios = [mine / theirs for theirs, mine in turns]
    print(f"{pairs} pairs, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else f"{pairs} pairs")
    print(f"a bare window  {small:5.1f} MB  {told(bare)}")
    print(f"the executable {large:5.1f} MB  {told(ours)}")
    print(f"ratio of the sizes {large / small:.2f}, of the median times {slower:.2f}")
    print(
        f"median of the ratios of times {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"
    )
    return 0 if max(slower, large / small) <= 1.4 else 1


def seconds(there: Windows, file: Path, monitor: Screen) -> float:
    """Return how long a new process takes until its window is there. Raises AssertionError where it does not come."""
    until(lambda: not there_are(monitor), "a screen without windows")
    watch = subprocess.Popen(["xprop", "-spy", *LIST], env=monitor.environment, stdout=subprocess.PIPE, bufsize=0)
    assert watch.stdout is not None
    with TemporaryDirectory() as data:
        one = Executable(there, file, Path(data))
        watch.stdout.read(LONGEST)  # what there was before: nothing
        began = time.perf_counter()
        process = subprocess.Popen(
            one.command(), env={**one.environment(), "DISPLAY": monitor.environment["DISPLAY"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            came, _, _ = select.select([watch.stdout], [], [], PATIENCE)
            needed = time.perf_counter() - began
            assert came, f"the window of {file.name} has not come to this screen"
            until(lambda: closed(process, monitor), f"the end of {file.name}")
        finally:
            process.kill()
            watch.kill()
            watch.wait()
    return needed


def closed(process: subprocess.Popen[bytes], monitor: Screen) -> bool:
    """Ask the window that has the keyboard to close; returns whether its process has ended."""
    monitor.ask("xdotool", "key", "alt+F4")
    return process.poll() is not None


def there_are(monitor: Screen) -> bool:
    """Say whether the window manager has any window."""
    return b"0x" in monitor.ask("xprop", *LIST)


def told(times: tuple[float, ...]) -> str:
    """Return median, least and most in milliseconds."""
    low, middle, high = (f"{value * 1000:.0f}" for value in (min(times), statistics.median(times), max(times)))
    return f"{middle:>6} ms (from {low} to {high})"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
