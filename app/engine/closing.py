"""Putting back what is held: from the journal's row alone, whatever else went wrong. Nothing here raises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from app.engine import events
from app.engine.journal import Held, Run
from app.engine.session import Session, unexpected
from app.engine.step import Closing
from app.errors import Busy, UserError
from app.texts import NOTHING, Text, text

UNCLOSABLE = text("It could be neither closed nor proven closed.")


class Closer:
    """Closes what a session has open. Threads may close different things at once, one thing only one at a time."""

    def __init__(self, session: Session, others: Iterable[Run] = ()) -> None:
        """`others` are the earlier runs whose holds are closed as well."""
        self._session = session
        self._runs = {run.id: run for run in (*others, session.run)}
        self._once: set[int] = set()
        self._locks: dict[int, threading.Lock] = {}

    def close(self, held: Held, *, last: bool = False, connections: Any = None) -> bool:
        """Call the closer; say whether it is put back (or there is nothing left to put back). While an act may still be
        at work the row stays open for a second call, unless this is the `last`. `connections` are those of the closing
        branch, else the run's own."""
        with self._session.lock:
            lock = self._locks.setdefault(held.number, threading.Lock())
        with lock:
            if held.number not in self._session.open:
                return True  # another thread has closed it meanwhile
            self._tell(events.BracketClosing, held)
            outcome, why = self._call(held, connections)
            if outcome is Closing.IMPOSSIBLE:
                self._impossible(held, why)
                return False
            if self._session.uncertain and not last:
                self._once.add(held.number)
                return True
            self._closed(held, outcome)
            return True

    def sweep(self, wanted: Callable[[Held], bool]) -> bool:
        """Close all that is open and `wanted`, the newest first; say whether nothing of it is left. What may still be
        acted on is closed twice, with all others between."""
        rows = [held for held in reversed(self._session.still_open()) if wanted(held)]
        if self._session.uncertain and any(held.number not in self._once for held in rows):
            for held in rows:
                if held.number not in self._once:
                    self.close(held)
        results = [self.close(held, last=True) for held in rows]
        return all(results)

    def _call(self, held: Held, connections: Any) -> tuple[Closing, Text]:
        session = self._session
        closer = session.given.closers.get(held.closer)
        if closer is None:
            return Closing.IMPOSSIBLE, text("This program has no closer {name}.", name=held.closer)
        pauses = session.patience.closing
        for number, pause in enumerate((*pauses, None)):
            try:
                session.touch_to_close()
                outcome = closer(session.closing_context(held, self._runs[held.run], connections), held.before)
            except Busy as error:
                return Closing.IMPOSSIBLE, text("Another run has it, and puts it back: {what}", what=error.what)
            except UserError as error:
                why = text("{what} {why}", what=error.what, why=error.why)
            except Exception as error:  # noqa: BLE001  # a defect in one closer must not keep the others from running
                return Closing.IMPOSSIBLE, unexpected(error).what
            else:
                return outcome, NOTHING if outcome is not Closing.IMPOSSIBLE else UNCLOSABLE
            if pause is not None:
                self._tell(events.BracketRetried, held, why=why, seconds=pause, left=sum(pauses[number:]))
                session.given.clock.wait(pause, _never)
        return Closing.IMPOSSIBLE, why

    def _closed(self, held: Held, outcome: Closing) -> None:
        session = self._session
        with session.lock:
            session.open.pop(held.number, None)
        self._record(lambda: session.journal.mark_closed(held, outcome, session.now()))
        self._record(session.note)
        self._tell(events.BracketClosed, held, moot=outcome is Closing.MOOT)

    def _impossible(self, held: Held, why: Text) -> None:
        session = self._session
        with session.lock:
            session.open[held.number] = noted(held, why)
        self._record(lambda: session.journal.mark_impossible(held, why))
        self._tell(events.BracketImpossible, held, why=why, by_hand=held.by_hand)

    def _record(self, write: Callable[[], None]) -> None:
        """Write what was done. That it cannot be written changes nothing in the environment: it is only told."""
        try:
            write()
        except Exception as error:  # noqa: BLE001  # neither journal nor notice keeps anything from being put back
            known = error if isinstance(error, UserError) else unexpected(error)
            self._session.remark(text("{what} {why}", what=known.what, why=known.why))

    def _tell(self, kind: type[events.StepEvent], held: Held, **values: object) -> None:
        session = self._session
        session.tell(
            kind(
                run=session.run.id, at=session.now(), key=held.key, title=held.what_is_off,
                what_is_off=held.what_is_off, **values,
            )  # type: ignore[call-arg]  # each kind is called with its own fields
        )  # fmt: skip


def noted(held: Held, why: Text) -> Held:
    """Return what is held, with the reason why it could not be put back."""
    return msgspec.structs.replace(held, outcome="impossible", note=why)


def by_itself(held: Held) -> bool:
    """Say whether it is closed without anybody's word: all but what is held on purpose."""
    return held.leave != "hold"


def _never() -> bool:
    return False
