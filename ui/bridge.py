"""Between the threads that work and the thread that draws: a queue, and a timer that empties it ten times a second.

Never a signal for every line: what has gathered since the last tick is handed over as one batch, and one that is too
large to be shown at once comes in several.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import Stopped, UserError

TICK = 100  # milliseconds
MOST = 250  # items in a batch: the next tick brings the rest, and the window answers in between
PAUSE = 0.002  # seconds
SWITCH = 0.001  # seconds that the thread that draws waits at most, at each call from Qt, for one that computes


@dataclass
class Question:
    """Something that a working thread wants to know from the operator; it waits until `answer` is called."""

    subject: Any
    _answered: threading.Event = field(default_factory=threading.Event)
    _answer: Any = None

    def answer(self, value: Any) -> None:
        """Let the thread go on with this answer. The first answer counts."""
        if not self._answered.is_set():
            self._answer = value
            self._answered.set()

    def wait(self) -> Any:
        self._answered.wait()
        return self._answer


@dataclass(frozen=True)
class Done:
    """The work has returned `value`."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """The work has raised a UserError."""

    error: UserError


@dataclass(frozen=True)
class Broke:
    """The work has raised what is a defect of the program; `details` is its traceback."""

    details: str


class Job(QObject):
    """Work in a thread of its own. `batch` brings what it has posted, in order; then one of the three ends.

    All signals come in the thread that made the job."""

    batch = Signal(list)
    asked = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    broke = Signal(str)
    ended = Signal()

    def __init__(self, work: Callable[[Job], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: deque[Any] = deque()  # two threads may use its ends at the same time
        self._questions: list[Question] = []
        self._asking = threading.Lock()  # a question is put before a stop, which answers it, or not at all
        self._work = work
        self._timer = QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self.stop_asked = threading.Event()

    def start(self) -> Job:
        sys.setswitchinterval(SWITCH)
        self._timer.start()
        self._thread.start()
        return self

    def post(self, item: Any) -> None:
        """Called by the working thread: hand something over. Who tells faster than can be shown waits a moment."""
        self._queue.append(item)
        if len(self._queue) > MOST:
            time.sleep(PAUSE)

    def ask(self, subject: Any) -> Any:
        """Called by the working thread: put a question and wait for the answer; None at once where it is to stop."""
        question = Question(subject)
        with self._asking:
            if self.stop_asked.is_set():
                return None
            self._questions.append(question)
        self._queue.append(question)
        try:
            return question.wait()
        finally:
            with self._asking:
                self._questions.remove(question)  # it may hold a password

    def stop(self) -> None:
        """Ask the work to stop; questions that wait are answered by None."""
        with self._asking:
            self.stop_asked.set()
            for question in self._questions:
                question.answer(None)

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait for the thread's end and hand over what is left; returns whether it has ended."""
        self._thread.join(seconds)
        while not self._tick():
            continue
        return not self._thread.is_alive()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._queue.append(Done(self._work(self)))
        except UserError as error:
            self._queue.append(Failed(error))
        except Stopped:
            self._queue.append(Done(None))
        except BaseException:  # noqa: BLE001  # a defect: it ends on the page that says what is safe
            self._queue.append(Broke(traceback.format_exc()))

    def _tick(self) -> bool:
        """Hand over what has gathered, and no more than fits; return whether that was all."""
        gathered: list[Any] = []
        end: Any = None
        emptied = False
        while len(gathered) < MOST:
            try:
                item = self._queue.popleft()
            except IndexError:
                emptied = True
                break
            if isinstance(item, Question):
                if not self.stop_asked.is_set():
                    self._deliver(gathered)
                    gathered = []
                    self.asked.emit(item)
            elif isinstance(item, Done | Failed | Broke):
                end = item
            else:
                gathered.append(item)
        self._deliver(gathered)
        self._timer.setInterval(TICK if emptied else 0)
        if end is not None:
            self._timer.stop()
            self._finish(end)
        return emptied

    def _deliver(self, gathered: list[Any]) -> None:
        if gathered:
            self.batch.emit(gathered)

    def _finish(self, end: Any) -> None:
        if isinstance(end, Done):
            self.done.emit(end.value)
        elif isinstance(end, Failed):
            self.failed.emit(end.error)
        else:
            self.broke.emit(end.details)
        self.ended.emit()
