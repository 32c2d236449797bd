"""By hand: how much longer the wizard's first window takes than a bare one of the same library.

    python -m tests.ui.bench_window [PAIRS]

Both are fresh processes, taken in turn. The time runs from the start of the process until the first paint of its window
has been done, as its parent sees it. The wizard's data folder is new each time, as at a first start; compiled modules
are kept from one start to the next, as Python does wherever it is not told otherwise. On the screen of `DISPLAY` where
there is one, else offscreen. The bar is 1.5 times, in the median of 9 pairs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent.parent

WATCH = """
import os
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, self.painted)  # after what is in the window has been painted too
        return False

    def painted(self):
        os.write(1, b"!")
        os._exit(0)

def exec_and_watch(application):
    for window in application.topLevelWidgets():
        if isinstance(window, QMainWindow):
            window.installEventFilter(watch)
    return turn()

turn, watch = QApplication.exec, Watch()
QApplication.exec = exec_and_watch
"""
"""Tells the parent when a window has been painted for the first time, and ends the process."""

BARE = f"""{WATCH}
import sys
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
application = QApplication(sys.argv)
window, inner = QMainWindow(), QWidget()
column = QVBoxLayout(inner)
column.addWidget(QLabel("What do you want to do?"))
column.addWidget(QPushButton("Next"))
window.setCentralWidget(inner)
window.setMinimumSize(1024, 640)
window.show()
application.exec()
"""

OURS = f"""{WATCH}
import runpy
runpy.run_module("ui", run_name="__main__")
"""


def main(pairs: int) -> int:
    """Measure, and print medians and the ratio."""
    platform = "xcb" if os.environ.get("DISPLAY") else "offscreen"
    with TemporaryDirectory() as compiled:
        variables = {
            **os.environ,
            "QT_QPA_PLATFORM": platform,
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": compiled,
        }
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        seconds(BARE, variables), seconds(OURS, variables)  # the disk's cache is filled, and that of compiled modules
        bare, ours = zip(*[(seconds(BARE, variables), seconds(OURS, variables)) for _ in range(pairs)], strict=True)
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    print(f"{platform}, {pairs} pairs, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else platform)
    print(f"a bare window  {told(bare)}")
    print(f"the wizard     {told(ours)}")
    print(f"ratio of the medians {statistics.median(ours) / statistics.median(bare):.2f}")
    print(f"median of the ratios {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")
    return 0


def seconds(program: str, variables: dict[str, str]) -> float:
    """Return how long a new process takes until its window has been painted."""
    command = [sys.executable, "-P", "-c", program]
    with TemporaryDirectory() as folder:
        given = {**variables, "VIEWKEEPER_DATA": folder}
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=given) as child:
            assert child.stdout is not None
            seen = child.stdout.read(1)
            needed = time.perf_counter() - began
        assert seen == b"!", "the window was never painted"
    return needed


def told(times: tuple[float, ...]) -> str:
    """Return median, least and most in milliseconds."""
    low, middle, high = (f"{value * 1000:.0f}" for value in (min(times), statistics.median(times), max(times)))
    return f"{middle:>5} ms (from {low} to {high})"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
