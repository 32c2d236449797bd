"""One connection to a SQL Server. Only `run` sends anything, and it always drains: nothing can be left half."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.connectors.sqlserver import drivers, faults
from app.connectors.sqlserver.faults import Outcome, Said

TICK = 0.05
GRACE = 10.0
"""Seconds that a cancelled batch has to end before the connection is given up."""

_PASSWORD = re.compile(r"(?i)(pwd|password)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)")
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


class Silent(Exception):
    """No end within the deadline, or none after a cancel: the connection was given up."""


class Cancelled(Exception):
    """The batch was cancelled because of a stop. Whether it was done all the same must be looked up."""


def never() -> bool:
    """Ask for no stop."""
    return False


def scrubber(password: str) -> Callable[[str], str]:
    """Return what takes a password out of words: drivers echo connection strings."""
    forms = sorted({form for form in (password, password.replace("}", "}}")) if form}, key=len, reverse=True)

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
        events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        cursor = self._connection.cursor()
        worker = threading.Thread(
            target=_drain, args=(cursor, batch, self._scrub, events.put), name="sqlserver", daemon=True
        )
        worker.start()
        began, cancelled, ending = time.monotonic(), 0.0, None
        while True:
            try:
                kind, value = events.get(timeout=TICK)
            except queue.Empty:
                now = time.monotonic()
                if ending is None:
                    ending = (
                        Cancelled if stop() else Silent if deadline is not None and now - began > deadline else None
                    )
                    if ending is None:
                        meanwhile()
                        continue
                    cancelled = now
                    cursor.cancel()
                elif now - cancelled > GRACE:
                    self.usable = False
                    raise Silent from None
                continue
            if kind == "message":
                on_message(value)
                continue
            worker.join()
            if kind == "error":
                self.usable = not value.broken
            if ending is not None:  # some drivers end a cancelled batch as if it had been done
                raise ending
            if kind == "error":
                raise value
            return value  # type: ignore[no-any-return]  # the worker puts an Answer under that name

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
            events.put(("session", pyodbc.connect(words, autocommit=True, timeout=int(timeout))))
        except pyodbc.Error as error:
            events.put(("error", Outcome(faults.records(error, scrub))))

    threading.Thread(target=log_in, name="sqlserver-login", daemon=True).start()
    try:
        kind, value = events.get(timeout=timeout + 2)
    except queue.Empty:
        raise Silent from None
    if kind == "error":
        raise value
    return Session(value, chosen, scrub)


def _driver_error() -> type[Exception]:
    import pyodbc

    error: type[Exception] = pyodbc.Error
    return error


def _drain(cursor: Any, batch: str, scrub: Callable[[str], str], tell: Callable[[tuple[str, Any]], None]) -> None:
    """Carry out a batch to the end of its last result, and tell what comes as it comes. Never raises."""
    errors: list[Said] = []
    sets: list[Rows] = []
    messages: list[Said] = []
    try:
        more = _tried(lambda: cursor.execute(batch), errors, scrub)
        while more:
            for kind, words in cursor.messages or ():
                said = faults.informed(str(kind), str(words), scrub)
                tell(("message", said))
                if len(messages) < _MOST_MESSAGES:
                    messages.append(said)
            if not errors and cursor.description is not None:
                _tried(lambda: sets.append(_rows(cursor)), errors, scrub)
            if len(errors) > _MOST_ERRORS or (errors and _is_over(errors)):
                break
            more = _tried(cursor.nextset, errors, scrub)
        with contextlib.suppress(_driver_error()):  # everything has been read: closing can lose nothing
            cursor.close()
    except BaseException as error:  # noqa: BLE001  # whatever it is belongs to the thread that waits
        errors.append(Said("", 0, scrub(f"{type(error).__name__}: {error}")))
    tell(("error", Outcome(tuple(errors))) if errors else ("answer", Answer(tuple(sets), tuple(messages))))


def _tried(call: Callable[[], Any], errors: list[Said], scrub: Callable[[str], str]) -> bool:
    """Make a call of a cursor; say whether there may be more after it: also after an error, which is kept.

    nextset() may return an error instead of raising it."""
    try:
        result = call()
    except _driver_error() as error:
        result = error
    if isinstance(result, BaseException):
        errors += faults.records(result, scrub)
        return True
    return result is not False


def _is_over(errors: list[Said]) -> bool:
    """Say whether nothing can come after the last error: it is the driver's own word, not one of the server's."""
    return errors[-1].number <= 0 or Outcome(tuple(errors)).broken


def _rows(cursor: Any) -> Rows:
    return Rows(tuple(column[0] for column in cursor.description), tuple(tuple(row) for row in cursor.fetchall()))
