"""A response under way: tokens gathered into packets, each statement's DONE told apart from the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.lab.sqlserver.tds.packets import Channel
from app.lab.sqlserver.tds.tokens import (
    ATTENTION,
    COUNT,
    DONE,
    DONE_IN_PROCEDURE,
    DONE_PROCEDURE,
    ERROR,
    IN_TRANSACTION,
    MORE,
    OTHER,
    SELECT,
    Column,
    Said,
    Tokens,
)  # fmt: skip

FLUSH_AT = 32 * 1024
ROWS_BETWEEN_LOOKS = 200


class Reply:
    """Writes the tokens of one response. `procedure` says whether it answers a remote procedure call."""

    def __init__(
        self, channel: Channel, tokens: Tokens, *, procedure: bool, in_transaction: Callable[[], bool]
    ) -> None:
        self.tokens = tokens
        self._channel, self._procedure, self._in_transaction = channel, procedure, in_transaction
        self._waiting = bytearray()
        self._held: tuple[int, int, int, int] | None = None  # the last DONE: whether more follows is not known yet
        self._depth = 1 if procedure else 0

    # ---- tokens

    def put(self, token: bytes) -> None:
        """Add a token; the DONE before it is now known not to be the last."""
        self._release(more=True)
        self._waiting += token
        if len(self._waiting) >= FLUSH_AT:
            self._flush()

    def say(self, *messages: Said) -> None:
        for message in messages:
            self.put(self.tokens.said(message))

    def say_now(self, message: Said) -> None:
        """Send a message at once, with a DONE of its own: clients show it while the statement goes on."""
        self.put(self.tokens.said(message))
        self._waiting += self.tokens.done(MORE, OTHER, 0, DONE_IN_PROCEDURE if self._depth else DONE)
        self._flush()

    def rows(self, columns: Sequence[Column], rows: Iterator[tuple[Any, ...]], look_up: Callable[[], None]) -> int:
        """Send a result set; `look_up` is called now and then, and may raise. Returns how many rows there were."""
        self.put(self.tokens.columns(columns))
        count = 0
        for count, row in enumerate(rows, 1):  # the count is what remains of the loop
            self._waiting += self.tokens.row(columns, row)
            if len(self._waiting) >= FLUSH_AT:
                self._flush()
            if count % ROWS_BETWEEN_LOOKS == 0:
                look_up()
        self.done(SELECT, rows=count)
        return count

    def done(self, command: int = OTHER, *, rows: int | None = None, error: bool = False) -> None:
        """End a statement."""
        self._release(more=True)
        status = (ERROR if error else 0) | (COUNT if rows is not None else 0)
        kind = DONE_IN_PROCEDURE if self._depth else DONE
        self._held = (status, command, rows or 0, kind)

    def enter(self) -> None:
        """Begin a procedure that a batch calls."""
        self._depth += 1

    def leave(self, status: int, *, error: bool = False) -> None:
        """End a procedure, whose status is told."""
        self.put(self.tokens.status(status))
        self._depth -= 1
        self._held = (ERROR if error else 0, 0xE0, 0, DONE_PROCEDURE)

    def procedure_done(self, *, error: bool = False) -> None:
        """End one of the calls that a message holds."""
        self._release(more=True)
        self._held = (ERROR if error else 0, OTHER, 0, DONE_PROCEDURE)

    def _release(self, *, more: bool) -> None:
        if self._held is not None:
            status, command, rows, kind = self._held
            self._held = None
            status |= (MORE if more else 0) | (IN_TRANSACTION if self._in_transaction() else 0)
            self._waiting += self.tokens.done(status, command, rows, kind)

    # ---- the end

    def end(self) -> None:
        """End the response."""
        if self._held is None:
            self._held = (0, OTHER, 0, DONE_PROCEDURE if self._procedure else DONE)
        self._release(more=False)
        self._flush(last=True)

    def cut_off(self) -> None:
        """End the response because the client asked for it, then say so in a message of its own. The rest is lost."""
        self._waiting.clear()
        self._held = None
        self._waiting += self.tokens.done(ERROR)
        self._flush(last=True)
        self.heard()

    def heard(self) -> None:
        """Tell the client that its wish to end was heard."""
        self._waiting += self.tokens.done(ATTENTION)
        self._flush(last=True)

    def _flush(self, *, last: bool = False) -> None:
        """Send what waits, in whole packets unless it is the end or must be seen."""
        body = bytes(self._waiting)
        self._waiting.clear()
        if body or last:
            self._channel.write(body, last=last)
