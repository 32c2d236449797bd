"""What all steps of the runbooks share."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Json, StepBase
from app.errors import UserError

T = TypeVar("T")
R = TypeVar("R")


def connections(ctx: Context) -> Connections:
    """Return the connections that the engine hands on without knowing them; what they send is told as this step's."""
    found: Connections = ctx.connections
    found.tap = ctx.sent
    return found


def each(things: Iterable[T], do: Callable[[T], R]) -> list[R]:
    """Do it with each thing, whatever becomes of the others, and return what it gave. Raises the first UserError."""
    done: list[R] = []
    first: UserError | None = None
    for thing in things:
        try:
            done.append(do(thing))
        except UserError as error:
            first = first or error
    if first is not None:
        raise first
    return done


def utc(seconds: float) -> str:
    """Return a time (seconds since 1970) as the manifest writes it: UTC, ISO 8601, in milliseconds."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Look(StepBase):
    """A step that changes nothing in the environment: it reads, and at most writes into the set."""

    changes: bool = field(default=False, kw_only=True)

    def act(self, ctx: Context, before: Json) -> None:
        """Look only."""
