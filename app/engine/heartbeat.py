"""A thread beside the run: renews the lease, tells that the run lives, and says what a stop waits for."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from app.engine import events
from app.engine.session import Session, unexpected
from app.errors import Busy

BEAT = 0.25  # seconds between two looks


class Heartbeat:
    """Beats from entering to leaving. Its time is the workstation's own, since it measures that the process lives."""

    def __init__(self, session: Session) -> None:
        self._session, self._ended = session, threading.Event()
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._work, name=f"heartbeat of {session.run.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        session = self._session
        interval = session.patience.heartbeat
        due = time.monotonic() + interval
        while not self._ended.wait(min(BEAT, interval)):
            self._say_what_stop_awaits()
            if time.monotonic() >= due:
                due = time.monotonic() + interval
                try:
                    session.renew()
                except Exception as error:  # noqa: BLE001  # a lease that cannot be kept ends the run, whatever the reason
                    session.lost = session.lost or _defect(error)
                session.tell(events.Heartbeat(run=session.run.id, at=session.now(), frozen=frozen(session)))

    def _say_what_stop_awaits(self) -> None:
        if not self._session.given.stop.asked():
            return
        for key, leaf in list(self._session.uncut.items()):
            if key not in self._told:
                self._told.add(key)
                self._session.tell_of(events.StopAwaits, leaf)


def frozen(session: Session) -> float:
    """Return how many seconds something has been off that is closed again by itself."""
    opened = [held.opened for held in session.still_open() if held.leave == "close"]
    return max(0.0, session.now() - min(opened)) if opened else 0.0


def _defect(error: Exception) -> Busy:
    known = unexpected(error)
    return Busy(known.what, known.why, known.do, details=known.details)
