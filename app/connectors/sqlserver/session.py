"""One connection to a SQL Server. Only `run` sends anything, and it always drains: nothing can be left half."""

from __future__ import annotations

import contextlib
import math
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.connectors.sqlserver import drivers, faults, tsql
from app.connectors.sqlserver.faults import Outcome, Said

TICK = 0.05
SLACK = 2.0
"""Seconds that a driver may take beyond its own time limit for a login."""

PATIENCE = 1.0
"""Seconds that a batch may be stuck in one call before it is cancelled from outside."""

GRACE = 10.0
"""Seconds that a cancelled batch has to end before the connection is given up."""

_PASSWORD = re.compile(r"(?i)(pwd|password)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)")
_SHORTEST = 3
"""Hiding one or two letters everywhere would hide everything and protect nothing."""

_MOST_MESSAGES = 10_000
_MOST_ERRORS = 100


@dataclass(frozen=True)
class Rows:
    """One result set."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows by the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Answer:
    """All that a batch gave: its result sets, and the messages beside them."""

    sets: tuple[Rows, ...]
    messages: tuple[Said, ...]

    def whole(self) -> tuple[Rows, ...]:
        """Return the sets before the one that ends a long statement (see tsql).

        Raises Outcome, as of a broken connection, where that one is missing: then the answer is not whole."""
        if not self.sets or self.sets[-1].columns != (tsql.ENDED,):
            raise Outcome((Said("08S01", 0, "The answer broke off before its end."),))
        return self.sets[:-1]


class Silent(Exception):
    """No end within the deadline, or none after a cancel: the connection was given up."""


class Cancelled(Exception):
    """The batch was cancelled because of a stop. Whether it was done all the same must be looked up."""


def never() -> bool:
    """Ask for no stop."""
    return False


def scrubber(password: str) -> Callable[[str], str]:
    """Return what takes a password out of words: drivers echo connection strings."""
    forms = [] if len(password) < _SHORTEST else sorted({password, password.replace("}", "}}")}, key=len, reverse=True)

    def scrub(words: str) -> str:
        words = _PASSWORD.sub(r"\1=•••", words)
        for form in forms:
            words = words.replace(form, "•••")
        return words

    return scrub


class Session:
    """A connection in autocommit, used by one thread at a time."""

    def __init__(self, connection: Any, driver: drivers.Driver, scrub: Callable[[str], str]) -> None:
        self._connection, self._scrub = connection, scrub
        self.driver = driver
        self.usable = True

    def run(
        self,
        batch: str,
        *,
        deadline: float | None,
        stop: Callable[[], bool] = never,
        on_message: Callable[[Said], None] = lambda _said: None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Send a batch and wait until every one of its results has come.

        `deadline` in seconds (None: as long as it takes). `stop` is asked all the time; True cancels the batch.
        `on_message` gets each message as it comes, and `meanwhile` is called while none comes, both in this thread.
        Raises Outcome with all errors, Cancelled, and Silent."""
        puller = _Puller(self._connection.cursor(), batch, self._scrub)
        worker = threading.Thread(target=puller.pull, name="sqlserver", daemon=True)
        worker.start()
        canceller: _Canceller | None = None
        began = time.monotonic()
        while True:
            try:
                kind, value = puller.events.get(timeout=TICK)
            except queue.Empty:
                if canceller is not None and canceller.press():
                    self.usable = False
                    raise Silent from None
                if canceller is None:
                    meanwhile()
            else:
                if kind == "message":
                    on_message(value)
                else:
                    break
            if canceller is None and (stop() or (deadline is not None and time.monotonic() - began > deadline)):
                canceller = _Canceller(puller, Cancelled if stop() else Silent)
        worker.join()
        self._end(puller.cursor)
        if kind == "error":
            self.usable = isinstance(value, Outcome) and not value.broken
        if canceller is not None:  # some drivers end a cancelled batch as if it had been done
            raise canceller.reason
        if kind == "error":
            raise value
        answer: Answer = value
        return answer

    def _end(self, cursor: Any) -> None:
        """Close a cursor whose results have all been read. Only here: one thread must not free what another cancels."""
        with contextlib.suppress(_driver_error()):  # nothing is left that closing could lose
            cursor.close()

    def close(self) -> None:
        """Close the connection; one that was given up is left to its thread, which may still wait in it."""
        if self.usable:
            self.usable = False
            with contextlib.suppress(_driver_error()):  # a connection that is gone needs no goodbye
                self._connection.close()


def connect(chosen: drivers.Driver, target: drivers.Target, password: str, timeout: float) -> Session:
    """Log in through one driver. Raises Outcome, and Silent where nothing came in `timeout` seconds and some."""
    import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look

    pyodbc.pooling = False
    scrub = scrubber(password)
    events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    words = drivers.connection_string(chosen, target, password)

    def log_in() -> None:
        try:
            events.put(("session", pyodbc.connect(words, autocommit=True, timeout=math.ceil(timeout))))
        except pyodbc.Error as error:
            events.put(("error", Outcome(faults.records(error, scrub))))

    threading.Thread(target=log_in, name="sqlserver-login", daemon=True).start()
    try:
        kind, value = events.get(timeout=timeout + SLACK)
    except queue.Empty:
        raise Silent from None
    if kind == "error":
        raise value
    return Session(value, chosen, scrub)


def _driver_error() -> type[Exception]:
    import pyodbc

    error: type[Exception] = pyodbc.Error
    return error


class _Puller:
    """Carries out a batch to the end of its last result in a thread of its own, and puts what comes into `events`."""

    def __init__(self, cursor: Any, batch: str, scrub: Callable[[str], str]) -> None:
        self.cursor, self._batch, self._scrub = cursor, batch, scrub
        self.events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.give_up = threading.Event()
        self.calls = 0
        self._errors: list[Said] = []
        self._sets: list[Rows] = []
        self._messages: list[Said] = []

    def pull(self) -> None:
        """Carry it out. Never raises: whatever goes wrong belongs to the thread that waits."""
        try:
            self._pull()
        except BaseException as error:  # noqa: BLE001  # see above
            self.events.put(("error", error))
            return
        if self._errors:
            self.events.put(("error", Outcome(tuple(self._errors))))
        else:
            self.events.put(("answer", Answer(tuple(self._sets), tuple(self._messages))))

    def _pull(self) -> None:
        more = self._tried(lambda: self.cursor.execute(self._batch))
        while more:
            for kind, words in self.cursor.messages or ():
                said = faults.informed(str(kind), str(words), self._scrub)
                self.events.put(("message", said))
                if said.number in faults.BROKEN_NUMBERS:  # FreeTDS tells the loss of a connection as if it were news
                    self._errors.append(said)
                if len(self._messages) < _MOST_MESSAGES:
                    self._messages.append(said)
            if not self._errors and self.cursor.description is not None:
                self._tried(lambda: self._sets.append(_rows(self.cursor)))
            if len(self._errors) > _MOST_ERRORS or (self._errors and _is_over(self._errors)):
                return
            if self.give_up.is_set():
                self.cursor.cancel()
                return
            more = self._tried(self.cursor.nextset)

    def _tried(self, call: Callable[[], Any]) -> bool:
        """Make a call of the cursor; say whether there may be more after it: also after an error, which is kept.

        nextset() may return an error instead of raising it."""
        self.calls += 1
        try:
            result = call()
        except _driver_error() as error:
            result = error
        if isinstance(result, BaseException):
            self._errors += faults.records(result, self._scrub)
            return True
        return result is not False


class _Canceller:
    """Ends a batch early. First it asks the thread that pulls to end it at the next result, which is safe everywhere.

    Only a thread that is stuck in one call is cancelled from outside: FreeTDS crashes where both touch it at once."""

    def __init__(self, puller: _Puller, reason: type[Exception]) -> None:
        self.reason = reason
        self._puller, self._began, self._calls = puller, time.monotonic(), puller.calls
        self._since, self._cancelled = self._began, False
        puller.give_up.set()

    def press(self) -> bool:
        """Do what the time asks for; say whether it is time to give the connection up."""
        now = time.monotonic()
        if self._puller.calls != self._calls:
            self._calls, self._since = self._puller.calls, now
        if not self._cancelled and now - self._since > PATIENCE:
            self._cancelled = True
            self._puller.cursor.cancel()
        return now - self._began > GRACE


def _is_over(errors: list[Said]) -> bool:
    """Say whether nothing can come after the last error: it is the driver's own word, not one of the server's."""
    return errors[-1].number <= 0 or Outcome(tuple(errors)).broken


def _rows(cursor: Any) -> Rows:
    return Rows(tuple(column[0] for column in cursor.description), tuple(tuple(row) for row in cursor.fetchall()))
