"""What a step is given: connections, what earlier steps proved, a way to speak, to wait and to be stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.engine.step import Json
from app.errors import Stopped
from app.texts import Text
from app.wire import Tap, no_tap


@dataclass(frozen=True)
class Context:
    """A step's surroundings. `connections` is whatever the runbook's steps expect: the engine only hands it on.

    `wait` sleeps until the seconds are over, or raises Stopped when a stop is asked for meanwhile; tests give one that
    needs no time. In what must not be cut off, and in closing, `stop_asked` stays False and `wait` waits to its end.
    `evidence` gives what the step with that key proved in this episode: {} where it was skipped.
    `ask` puts a yes/no question (its key, its words) to the operator; the answer is journaled.
    `sent` is told of every command just before it is sent (a connector's tap). `now` is UTC, seconds since 1970."""

    run: str
    environment: str
    connections: Any
    inputs: Json
    evidence: Callable[[str], Json]
    say: Callable[[Text], None]
    warn: Callable[[Text], None]
    progress: Callable[[float], None]
    stop_asked: Callable[[], bool]
    wait: Callable[[float], None]
    now: Callable[[], float]
    span: Callable[[str], tuple[float, float] | None] = lambda _key: None
    """When a step of this episode began and ended (seconds since 1970); what still goes on ends now. A bracket begins
    when its opening is sent and ends when its closing is proven."""
    secret: Callable[[str], str] = field(repr=False, default=lambda _name: "")
    ask: Callable[[str, Text], bool] = field(repr=False, default=lambda _key, _question: False)
    sent: Tap = field(repr=False, default=no_tap)
    episode: int = 1

    def check_stop(self) -> None:
        """Raise Stopped where the operator has asked to stop. Called by steps between calls that may be cut."""
        if self.stop_asked():
            raise Stopped
