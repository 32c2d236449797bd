"""What a runbook is made of. Steps hold no state; only JSON crosses from one process to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from app.observation import Observation
from app.texts import NOTHING, Text
from app.wire import Command

if TYPE_CHECKING:
    from app.engine.context import Context

Json: TypeAlias = dict[str, Any]


class Probe(StrEnum):
    """What looking says about an act whose intent is on disk: a remote job may still be at it."""

    NOT_DONE = "not-done"
    RUNNING = "running"
    DONE = "done"
    UNKNOWN = "unknown"


class Closing(StrEnum):
    """What a closer answers: put back; nothing left to put back; or a person must do it."""

    CLOSED = "closed"
    MOOT = "moot"
    IMPOSSIBLE = "impossible"


class Step(Protocol):
    """One action. The runner calls observe, writes the intent, calls act, then verify, and writes the evidence.

    `key` is stable across versions: backup/freeze/composer/db:svi. `before` is what observe gave: what undoing needs.
    `may_cut` is False for what must not be cut off: Stop waits for it. `closer` names a function of CLOSERS: that of a
    bracket is called when its body ends, that of any other step at the end of the run (temporary files, say).
    `changes` is False for a step that only looks at the environment (checks, captures that leave nothing there): before
    the first one that changes, the lease is taken, and until then a run can end as blocked or unknown.
    """

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def why(self) -> Text: ...
    @property
    def weight(self) -> float: ...
    @property
    def may_skip(self) -> bool: ...
    @property
    def may_cut(self) -> bool: ...
    @property
    def closer(self) -> str | None: ...
    @property
    def changes(self) -> bool: ...

    def observe(self, ctx: Context) -> Json:
        """Return the state before, journaled with the intent. Reads only; also called by the dry run."""
        ...

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        """Return what act will send, in its order, for the dry run. Sends nothing that changes."""
        ...

    def what_is_off(self, before: Json) -> Text:
        """Say what is off or held while this step stands open (asked of steps with a closer). NOTHING: its title."""
        ...

    def by_hand(self, before: Json) -> tuple[str, ...]:
        """Return the commands or clicks with which a person undoes it (only asked of a step with a closer)."""
        ...

    def probe(self, ctx: Context, before: Json) -> Probe:
        """Say how an act stands whose answer was lost, or whose process died."""
        ...

    def act(self, ctx: Context, before: Json) -> None:
        """Do it. May be called again with the same `before` (nothing was sent, the operator retries, a run is resumed),
        so it must bear that part of it is done already."""
        ...

    def verify(self, ctx: Context, before: Json) -> Json:
        """Ask by another call than act whether it is so; return the evidence, or raise UserError."""
        ...

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        """Return what the closer will send that changes anything, for the dry run. Sends nothing that changes."""
        ...


@runtime_checkable
class Undoable(Protocol):
    """What a step also offers where undoing a run takes its effect back."""

    def as_left(self, ctx: Context, before: Json, evidence: Json) -> bool:
        """Say whether today's state is what the run left; if not, someone else changed it, and the operator is asked.
        `evidence` is empty where the step did not come to its end."""
        ...

    def undo(self, ctx: Context, before: Json, evidence: Json) -> Closing:
        """Put the state before back and look that it is so. Must bear being called again."""
        ...


@dataclass(frozen=True)
class StepBase:
    """The usual answers, so that a step says only what is special about it."""

    why: Text = field(default=NOTHING, kw_only=True)
    weight: float = field(default=1.0, kw_only=True)
    may_skip: bool = field(default=False, kw_only=True)
    may_cut: bool = field(default=True, kw_only=True)
    closer: str | None = field(default=None, kw_only=True)
    changes: bool = field(default=True, kw_only=True)

    def observe(self, ctx: Context) -> Json:
        return {}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return ()

    def what_is_off(self, before: Json) -> Text:
        return NOTHING

    def by_hand(self, before: Json) -> tuple[str, ...]:
        return ()

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return ()


@dataclass(frozen=True)
class Guided:
    """The operator acts, the program proves it; "I have done it" alone never suffices."""

    key: str
    title: Text
    instructions: Text
    prove: Callable[[Context], Observation]
    why: Text = NOTHING
    weight: float = 1.0
    may_skip: bool = False


@dataclass(frozen=True)
class Bracket:
    """An opening, a body, and what follows: close it again (a backup), or hold it (a restore)."""

    opening: Step
    body: tuple[Part, ...]
    leave: Literal["close", "hold"] = "close"


@dataclass(frozen=True)
class Release:
    """Releases what the `hold` bracket with the opening `of` still holds. Stands where the run has proven it safe."""

    key: str
    title: Text
    of: str
    why: Text = NOTHING
    weight: float = 1.0


@dataclass(frozen=True)
class Parallel:
    """Branches side by side, each with connections of its own."""

    branches: tuple[tuple[Part, ...], ...]


Part: TypeAlias = Step | Guided | Bracket | Release | Parallel
Closer: TypeAlias = Callable[["Context", Json], Closing]


@dataclass(frozen=True)
class Runbook:
    """What will happen, as a tree. Printed, it is the dry run."""

    name: str
    title: Text
    parts: tuple[Part, ...]
