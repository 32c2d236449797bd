"""What a long statement needs of its session: to pause while the client may cancel, to speak, to hang, to drop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.lab.sqlserver.instance import Instance, Request, Seat
from app.lab.sqlserver.reply import Reply
from app.lab.sqlserver.words import say

LONG = 3600.0


class Cancelled(Exception):
    """The client has asked for the end of the statement (attention)."""


class Dropped(Exception):
    """A fault closes the connection here."""


class Work:
    """One request under way. `listen(seconds)` waits for the client, and raises Cancelled or Gone."""

    def __init__(
        self, instance: Instance, seat: Seat, reply: Reply, listen: Callable[[float], None],
        in_transaction: Callable[[], bool],
        language: Callable[[], str],
    ) -> None:  # fmt: skip
        self.instance, self.seat, self.reply = instance, seat, reply
        self._listen, self._in_transaction, self._language = listen, in_transaction, language

    @property
    def in_transaction(self) -> bool:
        return self._in_transaction()

    def pause(self, seconds: float) -> None:
        """Let time pass; Cancelled or Gone end it."""
        end = time.monotonic() + seconds
        while True:
            self._listen(max(min(end - time.monotonic(), 1.0), 0.0))
            if time.monotonic() >= end:
                return

    def hang(self) -> None:
        """Answer no more, until the client gives up."""
        while True:
            self.pause(LONG)

    def say(self, number: int, *values: Any) -> None:
        self.reply.say(say(number, *values, language_name=self._language()))

    def say_now(self, number: int, *values: Any) -> None:
        self.reply.say_now(say(number, *values, language_name=self._language()))

    @contextmanager
    def request(self, command: str, database: str) -> Iterator[Request]:
        """Show this work in sys.dm_exec_requests."""
        request = self.seat.request or Request("", self.instance.world.now())
        before = request.command, request.database
        request.command, request.database, request.percent = command, database, 0.0
        self.seat.request = request
        try:
            yield request
        finally:
            request.command, request.database = before
            request.percent = 0.0
