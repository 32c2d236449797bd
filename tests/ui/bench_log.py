"""By hand: how long the window stands still while a run tells a hundred thousand lines, and while they are read.

    QT_QPA_PLATFORM=offscreen python -m tests.ui.bench_log [LINES]

A worker thread posts events as fast as it can; a timer in the thread that draws notes the longest time in which nothing
else was done. The bar is 50 ms."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.desk import Desk
from app.engine import events
from app.texts import text, use_language
from app.wire import Command
from ui.bridge import Job
from ui.look import STYLE, dress
from ui.models.log import Log, entry_of
from ui.models.steps import StepsModel
from ui.page import Services
from ui.pages.run import Told
from ui.widgets.logview import LogView


class Watch:
    """Notes the longest time between two turns of the event loop."""

    def __init__(self) -> None:
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer = QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def during(self, what: str, act: Callable[[], None], over: Callable[[], bool] | None = None) -> float:
        """Do something, let the loop turn until it is over, and return the longest stall in milliseconds."""
        turn(lambda: True)
        self.longest, self._last = 0.0, time.perf_counter()
        began = time.perf_counter()
        act()
        turn(over or (lambda: True), at_least=0.3)
        print(f"{what:46} longest stall {self.longest * 1000:6.1f} ms, over in {time.perf_counter() - began:5.2f} s")
        return self.longest * 1000

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def turn(over: Callable[[], bool], at_least: float = 0.05) -> None:
    """Let the event loop turn, with the interpreter given to other threads, until `over()`."""
    end = time.perf_counter() + at_least
    while not over() or time.perf_counter() < end:
        loop = QEventLoop()
        QTimer.singleShot(5, loop.quit)
        loop.exec()


def event(number: int) -> events.Event:
    """Return an event of a mix like a real run's: commands, live lines, now and then a warning."""
    step: dict[str, Any] = {
        "run": "bench",
        "at": 1_700_000_000 + number / 500,
        "key": f"step/{number % 40}",
        "title": text("Step"),
    }
    if number % 97 == 0:
        return events.StepWarned(**step, line=text("Host {name} did not answer at once.", name=f"esx{number:05}"))
    if number % 3 == 0:
        words = f"Get-Item -LiteralPath 'C:\\ProgramData\\ViewKeeper\\{number}' | Select-Object -Property 'Length'"
        return events.CommandSent(**step, command=Command("winrm:broker1", words), system="winrm:broker1", words=words)
    return events.StepSaid(
        **step, line=text("{done} of {all} rows read from {table}", done=number, all=10**6, table="T")
    )


def main(lines: int) -> int:
    """Measure; returns 1 where any stall was longer than 50 ms."""
    application = QApplication.instance() or QApplication([*sys.argv[:1], *STYLE])
    assert isinstance(application, QApplication)
    dress(application, "light")
    gc.freeze()  # as the run page does when a run begins
    with TemporaryDirectory() as folder:
        services = Services(Desk(Path(folder)), lambda _path: None)
        log, steps = Log(), StepsModel()
        view, commands = LogView(services, log), LogView(services, log, commands=True)
        view.resize(768, 420)
        view.show()
        stalls = _measure(services, log, steps, view, lines)
        commands.close()
        view.close()
    print(f"longest of all: {max(stalls):.1f} ms over {lines} lines")
    return 0 if max(stalls) <= 50 else 1


def _measure(services: Services, log: Log, steps: StepsModel, view: LogView, lines: int) -> list[float]:
    def work(job: Job) -> None:
        for number in range(lines):
            told = event(number)
            job.post(Told(told, entry_of(told)))

    def take(batch: list[Told]) -> None:
        steps.take([one.event for one in batch])
        log.append([one.entry for one in batch if one.entry is not None])

    ended: list[bool] = []
    job = services.work(view, work)
    job.batch.connect(take)
    job.ended.connect(lambda: ended.append(True))
    watch = Watch()
    watch.during("nothing: what the machine itself does", lambda: None, _after(5))
    stalls = [watch.during(f"{lines} lines told", lambda: _start(job), lambda: bool(ended))]
    assert view.model.rowCount() == lines, view.model.rowCount()
    bar = view.table.verticalScrollBar()
    for name, act in (
        ("scrolled to the beginning", lambda: bar.setValue(0)),
        ("searched: e", lambda: view.search.setText("e")),
        ("searched: esx00097", lambda: view.search.setText("esx00097")),
        ("next place", lambda: view.go(1)),
        ("search cleared", lambda: view.search.setText("")),
        ("warnings only", lambda: view.levels.setCurrentIndex(2)),
        ("everything again", lambda: view.levels.setCurrentIndex(0)),
        ("one step only", lambda: view.show_step("step/7", text("Step"))),
        ("all steps again", lambda: view.show_step("", text(""))),
        ("another language", lambda: _speak(view, "zh_CN")),
        ("and back", lambda: _speak(view, "en")),
        ("followed to the end", lambda: view.follow.setChecked(True)),
        ("copied whole", view.copy_lines),
    ):
        stalls.append(watch.during(name, act))
    saved = Path(services.desk.data) / "log.txt"
    stalls.append(watch.during("saved whole", lambda: _nothing(view.write(saved))))
    return stalls


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


def _start(job: Job) -> None:
    job.start()


def _nothing(_job: Job) -> None:
    return None


def _speak(view: LogView, language: str) -> None:
    use_language(language)
    view.retranslate()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
