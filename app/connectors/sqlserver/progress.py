"""How far a backup is. A bonus: it is never what a backup's success is judged by."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from app.connectors.sqlserver.faults import Outcome, Said
from app.connectors.sqlserver.session import Session, Silent
from app.errors import UserError
from app.wire import Command, Tap

QUIET = 5.0
"""Seconds without a message after which the server is asked, over a connection of its own."""

_PERCENT = 3211
_LEADING = re.compile(r"(?:\[[^\]]*\])*\s*(\d{1,3})\b")


class Watch:
    """Turns messages, and where they stay away answers of sys.dm_exec_requests, into a fraction that never falls.

    `message` and `quiet` are called by the thread that waits for the backup, and only it calls `tell` and `tap`."""

    def __init__(self, tell: Callable[[float], None], look: Command, connect: Callable[[], Session], tap: Tap) -> None:
        self._tell, self._look, self._connect, self._tap = tell, look, connect, tap
        self._last, self._told, self._asked = time.monotonic(), 0.0, 0.0
        self._session: Session | None = None
        self._asking: threading.Thread | None = None
        self._possible = True

    def message(self, said: Said) -> None:
        """Take a message of the server. Its number says that it begins with a percentage, in whatever language."""
        self._last = time.monotonic()
        if said.number == _PERCENT and (found := _LEADING.match(said.words)):
            self._tell_on(int(found[1]) / 100)

    def quiet(self) -> None:
        """Take note that nothing has come; ask the server where that has been so for some time."""
        self._tell_on(self._asked)
        busy = self._asking is not None and self._asking.is_alive()
        if self._possible and not busy and time.monotonic() - self._last > QUIET:
            self._last = time.monotonic()
            self._tap(self._look)
            self._asking = threading.Thread(target=self._ask, name="sqlserver-progress", daemon=True)
            self._asking.start()

    def close(self) -> None:
        """End asking."""
        if self._asking is not None:
            self._asking.join()
        if self._session is not None:
            self._session.close()

    def _tell_on(self, fraction: float) -> None:
        if fraction > self._told:
            self._told = min(fraction, 1.0)
            self._tell(self._told)

    def _ask(self) -> None:
        try:
            if self._session is None:
                self._session = self._connect()
            sets = self._session.run(self._look.text, deadline=QUIET).sets
        except (Outcome, Silent, UserError):
            self._possible = False  # no right to see it, or no second connection: the messages must do
            return
        if sets and sets[0].rows:
            self._asked = float(sets[0].rows[0][0] or 0) / 100
