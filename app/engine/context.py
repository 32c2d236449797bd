"""What a step is given: connections, what earlier steps proved, a way to speak, to wait and to be stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.engine.step import Json
from app.errors import Stopped
from app.texts import Text


@dataclass(frozen=True)
class Context:
    """A step's surroundings. `connections` is whatever the runbook's steps expect: the engine only hands it on.

    `wait` sleeps until the seconds are over or a stop is asked for; tests give one that needs no time."""

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
    """When a step of this episode began and ended (seconds since 1970), brackets from opening's intent to closing's proof."""
    secret: Callable[[str], str] = field(repr=False, default=lambda _name: "")

    def check_stop(self) -> None:
        """Raise Stopped where the operator has asked to stop. Called by steps between calls that may be cut."""
        if self.stop_asked():
            raise Stopped
