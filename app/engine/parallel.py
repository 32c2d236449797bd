"""Branches side by side: each in a thread with connections of its own; the first failure asks the others to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.engine import events
from app.engine.closing import Closer, by_itself
from app.engine.effects import Leaving
from app.engine.journal import Phase
from app.engine.runbook import leaves
from app.engine.session import Branch, Branchable, Session
from app.engine.step import Parallel, Part
from app.errors import Stopped, UserError
from app.texts import text

POLL = 0.05  # seconds between two looks whether all have joined


class Side:
    """One branch at work."""

    def __init__(
        self, session: Session, parent: Branch, parts: tuple[Part, ...], asked: threading.Event,
        raised: list[BaseException],
    ) -> None:  # fmt: skip
        self.parts = parts
        self.branch = Branch(parent.connections, parent, asked.is_set)
        self._asked, self._raised = asked, raised
        self.thread = threading.Thread(target=self._work, name=f"part of {session.run.id}", daemon=True)
        self.walk: Callable[[Branch, tuple[Part, ...]], None]

    def start(self, walk: Callable[[Branch, tuple[Part, ...]], None]) -> None:
        self.walk = walk
        self.thread.start()

    def _work(self) -> None:
        try:
            given = self.branch.connections
            if isinstance(given, Branchable):
                own = given.branch()
                self.branch.connections = own
                try:
                    self.walk(self.branch, self.parts)
                finally:
                    own.close()
            else:
                self.walk(self.branch, self.parts)
        except BaseException as error:  # noqa: BLE001  # it is raised again where the branches join
            self._raised.append(error)
            self._asked.set()


def side_by_side(
    session: Session,
    parent: Branch,
    parallel: Parallel,
    closer: Closer,
    walk: Callable[[Branch, tuple[Part, ...]], None],
) -> None:
    """Walk the branches at once. Raises the first failure when all have joined, or were left behind at the deadline."""
    asked = threading.Event()
    raised: list[BaseException] = []
    sides = [Side(session, parent, parts, asked, raised) for parts in parallel.branches]
    for side in sides:
        side.start(walk)
    _join(session, parent, sides, asked)
    late = [side for side in sides if side.thread.is_alive()]
    for side in late:
        _abandon(session, side)
    if late:
        _close_left(session, closer, late)
    parent.redone |= any(side.branch.redone for side in sides)
    _raise_first(list(raised), stopped=bool(late))


def _join(session: Session, parent: Branch, sides: list[Side], asked: threading.Event) -> None:
    """Wait for all; once a stop is asked for, no longer than the patience for joining. Steps that must not be cut off
    are waited for as long as a remote job may be at work."""
    deadline = None
    while any(side.thread.is_alive() for side in sides):
        if deadline is None and (asked.is_set() or parent.stop_asked()):
            deadline = time.monotonic()
        if deadline is not None:
            bearing = session.patience.running if session.uncut else session.patience.join
            if time.monotonic() >= deadline + bearing:
                return
        for side in sides:
            side.thread.join(POLL / len(sides))


def _abandon(session: Session, side: Side) -> None:
    """Leave a branch behind: it begins nothing any more, and what it does now may still act."""
    with session.lock:
        side.branch.left = True
        session.uncertain = True
    current = side.branch.current
    if current is None:
        return
    try:
        session.finish(current, Phase.ABANDONED, {})
    except UserError as error:
        session.remark(text("{what} {why}", what=error.what, why=error.why))
    session.tell_of(events.StepAbandoned, current)
    session.remark(text("Did not stop in time, and may still act: {title}", title=current.title))


def _close_left(session: Session, closer: Closer, late: list[Side]) -> None:
    """Close what abandoned branches hold, before what encloses them is closed."""
    keys = {leaf.key for side in late for leaf in leaves(side.parts)}
    for held in reversed(session.still_open()):
        if held.key in keys and held.run == session.run.id and by_itself(held):
            closer.close(held)


def _raise_first(raised: list[BaseException], *, stopped: bool) -> None:
    """Raise the first failure, rather than the stops that it caused or what a person left for later."""
    if raised:
        raise min(raised, key=lambda error: (isinstance(error, Stopped), isinstance(error, Leaving)))
    if stopped:
        raise Stopped
