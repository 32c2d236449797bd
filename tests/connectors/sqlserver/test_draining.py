"""A batch is always drained, whatever a driver does: held on a cursor that does what drivers were seen to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytest

from app.connectors.sqlserver import drivers, progress, session
from app.connectors.sqlserver.faults import Outcome, Said
from app.connectors.sqlserver.progress import Watch
from app.connectors.sqlserver.session import Cancelled, Rows, Session, Silent
from app.errors import NotSent
from app.texts import text
from app.wire import Command, no_tap


class Result:
    """One result: messages, maybe rows, or an error that is raised or returned; `wait` blocks until cancelled."""

    def __init__(
        self, *numbers: int, rows: Sequence[tuple[Any, ...]] | None = None, error: int = 0, returned: bool = False,
        state: str = "42000", wait: bool = False,
    ) -> None:  # fmt: skip
        self.messages = [(f"[01000] ({number})", f"[driver][SQL Server]{number} said.") for number in numbers]
        self.rows, self.returned, self.wait = rows, returned, wait
        said = f"[{state}] [driver][SQL Server]No. ({error}) (SQLMoreResults)"
        self.error = pyodbc.ProgrammingError(state, said) if error else None


class Cursor:
    def __init__(self, results: Sequence[Result]) -> None:
        self.results, self.at, self.closed = list(results), -1, False
        self.messages: list[tuple[str, str]] = []
        self.cancelled = threading.Event()
        self.cancelled_by: list[str] = []
        self.deaf = False

    def execute(self, _batch: str) -> Any:
        return self.nextset()

    def nextset(self) -> Any:
        assert not self.closed
        self.at += 1
        if self.at >= len(self.results):
            return False
        result = self.results[self.at]
        if result.wait:
            self.cancelled.wait()
            raise pyodbc.OperationalError("HY008", "[HY008] [driver]Operation canceled (0) (SQLMoreResults)")
        self.messages = result.messages
        if result.error is None:
            return True
        if result.returned:
            return result.error
        raise result.error

    @property
    def description(self) -> Any:
        rows = self.results[self.at].rows
        return None if rows is None else [("a",), ("b",)]

    def fetchall(self) -> Any:
        return self.results[self.at].rows

    def cancel(self) -> None:
        self.cancelled_by.append(threading.current_thread().name)
        if not self.deaf:
            self.cancelled.set()

    def close(self) -> None:
        self.closed = True


def session_of(*results: Result) -> tuple[Session, Cursor]:
    cursor = Cursor(results)

    class Connection:
        def cursor(self) -> Cursor:
            return Cursor(results) if cursor.closed else cursor

        def close(self) -> None:
            pass

    return Session(Connection(), drivers.Driver("any", "odbc"), str), cursor


def test_every_result_is_taken_before_the_answer_is_given() -> None:
    heard: list[Said] = []
    opened, cursor = session_of(Result(3211), Result(rows=[(1, 2)]), Result(4035), Result(rows=[]), Result(3014))
    answer = opened.run("x", deadline=None, on_message=heard.append)
    assert cursor.at == 5
    assert cursor.closed
    assert answer.sets == (Rows(("a", "b"), ((1, 2),)), Rows(("a", "b"), ()))
    assert [said.number for said in answer.messages] == [said.number for said in heard] == [3211, 4035, 3014]
    assert answer.sets[0].dicts() == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("returned", [False, True])
def test_an_error_in_a_late_result_fails_the_batch_raised_or_returned(returned: bool) -> None:
    opened, cursor = session_of(Result(3211), Result(error=3202, returned=returned), Result(error=3013), Result(3014))
    with pytest.raises(Outcome) as caught:
        opened.run("x", deadline=None)
    assert [said.number for said in caught.value.said] == [3202, 3013]
    assert cursor.at == 4
    assert opened.usable


def test_a_connection_that_breaks_ends_the_batch_and_the_session() -> None:
    opened, _cursor = session_of(Result(3211), Result(error=10054, state="08S01"), Result(3014))
    with pytest.raises(Outcome) as caught:
        opened.run("x", deadline=None)
    assert caught.value.broken
    assert not opened.usable


def test_a_driver_that_only_makes_errors_comes_to_an_end() -> None:
    opened, _cursor = session_of(*[Result(error=50000) for _ in range(1000)])
    with pytest.raises(Outcome) as caught:
        opened.run("x", deadline=None)
    assert len(caught.value.said) < 1000


def test_a_stop_between_results_is_carried_out_by_the_thread_that_reads() -> None:
    asked = threading.Event()
    opened, cursor = session_of(*[Result(3211) for _ in range(5_000)])
    with pytest.raises(Cancelled):
        opened.run("x", deadline=None, on_message=lambda _said: asked.set(), stop=asked.is_set)
    assert cursor.cancelled_by == ["sqlserver"]
    assert cursor.at < 5_000


def test_a_batch_that_is_stuck_is_cancelled_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.01)
    for ending, deadline, stop in ((Cancelled, None, True), (Silent, 0.01, False)):
        opened, cursor = session_of(Result(3211), Result(wait=True))
        with pytest.raises(ending):
            opened.run("x", deadline=deadline, stop=lambda stop=stop: stop)  # type: ignore[misc]
        assert cursor.cancelled_by
        assert cursor.closed


def test_a_batch_that_does_not_even_end_when_cancelled_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.01)
    monkeypatch.setattr(session, "GRACE", 0.05)
    opened, cursor = session_of(Result(wait=True))
    cursor.deaf = True
    with pytest.raises(Silent):
        opened.run("x", deadline=0.01)
    assert not opened.usable
    assert not cursor.closed
    cursor.cancelled.set()


def test_a_mistake_in_the_reading_thread_reaches_the_one_that_waits() -> None:
    opened, cursor = session_of(Result(rows=[(1, 2)]))
    cursor.fetchall = lambda: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        opened.run("x", deadline=None)


# ---- progress

LOOK = Command("sql:x", "SELECT percent_complete", changes=False)


def watch(tell: Callable[[float], None], *results: Result, tap: Callable[[Command], None] = no_tap) -> Watch:
    return Watch(tell, LOOK, lambda: session_of(*results)[0], tap)


def test_progress_is_read_from_the_messages_number_and_leading_figure_only() -> None:
    told: list[float] = []
    watched = watch(told.append)
    for number, words in (
        (3211, "[driver][SQL Server]5 percent processed."), (3211, "[driver][SQL Server]已处理百分之 10。"),
        (3211, "20 Prozent verarbeitet."), (3211, "[x][y]15 %"), (4035, "Processed 99 pages"), (3211, "100 %"),
    ):  # fmt: skip
        watched.message(Said("01000", number, words))
    watched.close()
    assert told == [0.05, 0.2, 1.0]


def test_a_quiet_backup_is_asked_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET", 0.0)
    told: list[float] = []
    tapped: list[Command] = []
    watched = watch(told.append, Result(rows=[(42.0, 0)]), tap=tapped.append)
    until(lambda: asked(watched) and bool(told))
    watched.close()
    assert told == [0.42]
    assert set(tapped) == {LOOK}


def test_without_the_right_to_see_it_the_messages_must_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET", 0.0)

    def refused() -> Session:
        raise NotSent(text("no"))

    for connect in (refused, lambda: session_of(Result(error=300))[0]):
        tapped: list[Command] = []
        watched = Watch(lambda _fraction: None, LOOK, connect, tapped.append)
        until(lambda: asked(watched) and not watched._possible)  # noqa: B023  # used within its round
        watched.quiet()
        watched.close()
        assert tapped == [LOOK]


def asked(watched: Watch) -> bool:
    watched.quiet()
    return True


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.001)
