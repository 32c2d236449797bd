"""Time and stopping, both given from outside so that tests need no time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

SLICE = 0.1  # seconds between two looks whether a stop was asked for


class Clock(Protocol):
    """`now` is UTC in seconds since 1970; `wait` returns when the seconds are over or `enough` says so."""

    def now(self) -> float: ...
    def wait(self, seconds: float, enough: Callable[[], bool]) -> None: ...


class SystemClock:
    """The workstation's own clock. Setting it back does not lengthen a wait."""

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while not enough() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, SLICE))


class StopToken:
    """The operator's wish to stop. Asking twice is no different from asking once; it cannot be taken back."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        self._asked.set()

    def asked(self) -> bool:
        return self._asked.is_set()


@dataclass(frozen=True)
class Patience:
    """How long the engine bears with what does not answer. All in seconds.

    `not_sent`: the pauses after which a call that was never sent is tried again, and a look whose answer was lost;
    `closing`: the same for closers, longer, since what is off must come on again;
    `again`: how often an act is done again that a probe found not done;
    `running`, `between_probes`: how long, and how often, a remote job is looked at that is still at work;
    `join`: how long parallel parts get to stop after a failure; `guided`: between two proofs; `heartbeat`: between
    two renewals of the lease."""

    not_sent: tuple[float, ...] = (1, 2, 5, 10, 30)
    closing: tuple[float, ...] = (1, 2, 5, 10, 20, 30, 60)
    again: int = 3
    running: float = 12 * 3600
    between_probes: float = 10
    join: float = 600
    guided: float = 10
    heartbeat: float = 20
