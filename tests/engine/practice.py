"""A small world to run runbooks in: switches and files that can fail in every way a remote system can."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.engine.clock import Patience, StopToken
from app.engine.context import Context
from app.engine.events import Event
from app.engine.journal import Journal
from app.engine.lease import Lease, NoLease
from app.engine.prompter import Prompter, Unattended
from app.engine.runner import Runner
from app.engine.session import Surroundings
from app.engine.step import Bracket, Closer, Closing, Json, Parallel, Part, Probe, Runbook, StepBase
from app.errors import AnswerLost, NotSent, UserError
from app.texts import Text, text
from app.wire import Command

HURRIED = Patience(
    not_sent=(1, 2), closing=(1, 2, 5), again=2, running=100, between_probes=10, join=5, guided=10, heartbeat=20
)
FAULTS = ("not-sent", "fail", "lost", "lost-before", "lie", "defect", "defect-after")


class World:
    """Switches (on or off) and files, kept in `path` if one is given so that they outlive a process.

    `faults` maps the number of a call to what goes wrong with it; `broken` fails every call that it is true for."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.on: dict[str, bool] = {}
        self.files: dict[str, str] = {}
        self.calls: list[tuple[str, str, bool]] = []
        self.faults: dict[int, str] = {}
        self.broken: Callable[[str, str], bool] = lambda _what, _name: False
        self.before_call: Callable[[str, str], None] = lambda _what, _name: None
        if path and path.exists():
            kept = json.loads(path.read_text())
            self.on, self.files = kept["on"], kept["files"]

    def call(self, what: str, name: str, change: Callable[[], None] | None = None) -> None:
        """Meet the fault of this call, or carry it out."""
        self.before_call(what, name)
        with self.lock:
            fault = self.faults.get(len(self.calls))
            self.calls.append((what, name, change is not None))
            if self.broken(what, name):
                fault = "fail"
            if fault == "not-sent":
                raise NotSent(text("Nothing was sent."))
            if fault == "fail":
                raise UserError(text("It was refused."))
            if fault == "lost-before":
                raise AnswerLost(text("No answer came."))
            if fault == "defect":
                raise RuntimeError("a defect")
            if change is not None and fault != "lie":
                change()
                self.save()
            if fault == "lost":
                raise AnswerLost(text("No answer came."))
            if fault == "defect-after":
                raise RuntimeError("a defect")

    def save(self) -> None:
        if self.path:
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps({"on": self.on, "files": self.files}))
            temporary.replace(self.path)

    def set(self, name: str, on: bool) -> None:
        self.call("on" if on else "off", name, lambda: self.on.__setitem__(name, on))

    def is_on(self, name: str) -> bool | None:
        self.call("look", name)
        return self.on.get(name)

    def write(self, name: str, content: str) -> None:
        self.call("write", name, lambda: self.files.__setitem__(name, content))

    def remove(self, name: str) -> None:
        def drop() -> None:
            self.files.pop(name, None)

        self.call("remove", name, drop)

    def read(self, name: str) -> str | None:
        self.call("read", name)
        return self.files.get(name)


def quick_folder() -> str | None:
    """Return a folder in memory where there is one: a killed process loses nothing there that it keeps on a disk, and
    thousands of flushes cost nothing."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and os.access(shared, os.W_OK) else None


def world(ctx: Context) -> World:
    found: World = ctx.connections
    return found


@dataclass(frozen=True)
class Off(StepBase):
    """Switches something off; the closer `on` switches it on where it was on."""

    key: str
    title: Text = text("Switch off")
    closer: str | None = field(default="on", kw_only=True)

    def observe(self, ctx: Context) -> Json:
        return {"name": self.key, "was": world(ctx).is_on(self.key)}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return (Command("world", f"off {self.key}"),) if before["was"] else ()

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return (Command("world", f"on {self.key}"),) if before["was"] else ()

    def what_is_off(self, before: Json) -> Text:
        return text("{name}", name=self.key)

    def by_hand(self, before: Json) -> tuple[str, ...]:
        return (f"switch on {self.key}",)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE if world(ctx).is_on(self.key) else Probe.DONE

    def act(self, ctx: Context, before: Json) -> None:
        world(ctx).set(self.key, on=False)

    def verify(self, ctx: Context, before: Json) -> Json:
        if world(ctx).is_on(self.key):
            raise UserError(text("It is still on."))
        return {"off": self.key}


@dataclass(frozen=True)
class Write(StepBase):
    """Writes a file, and offers to take it away again."""

    key: str
    title: Text = text("Write")
    note: str = ""

    def observe(self, ctx: Context) -> Json:
        return {"had": world(ctx).read(self.key)}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return (Command("world", f"write {self.key}"),)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.DONE if world(ctx).read(self.key) == content(self.key, ctx) else Probe.NOT_DONE

    def act(self, ctx: Context, before: Json) -> None:
        ctx.progress(0.5)
        world(ctx).write(self.key, content(self.key, ctx))

    def verify(self, ctx: Context, before: Json) -> Json:
        found = world(ctx).read(self.key)
        if found is None:
            raise UserError(text("The file is not there."))
        return {"content": found}

    def as_left(self, ctx: Context, before: Json, evidence: Json) -> bool:
        return not evidence or world(ctx).read(self.key) in (None, evidence["content"])

    def undo(self, ctx: Context, before: Json, evidence: Json) -> Closing:
        if world(ctx).read(self.key) is None:
            return Closing.MOOT
        world(ctx).remove(self.key)
        return Closing.CLOSED if world(ctx).read(self.key) is None else Closing.IMPOSSIBLE


@dataclass(frozen=True)
class Temporary(Write):
    """Writes a file that must not stay."""

    closer: str | None = field(default="removed", kw_only=True)

    def by_hand(self, before: Json) -> tuple[str, ...]:
        return (f"remove {self.key}",)


def content(key: str, ctx: Context) -> str:
    return f"{key} of {ctx.run}, episode {ctx.episode}"


def switch_on(ctx: Context, before: Json) -> Closing:
    if not before["was"]:
        return Closing.CLOSED
    now = world(ctx).is_on(before["name"])
    if now is None:
        return Closing.MOOT
    if not now:
        world(ctx).set(before["name"], on=True)
    return Closing.CLOSED if world(ctx).is_on(before["name"]) else Closing.IMPOSSIBLE


def removed_by(world_: World, key: str) -> Closing:
    if world_.read(key) is None:
        return Closing.MOOT
    world_.remove(key)
    return Closing.CLOSED if world_.read(key) is None else Closing.IMPOSSIBLE


def remove(ctx: Context, before: Json) -> Closing:
    results = [removed_by(world(ctx), key) for key in list(world(ctx).files) if key.startswith("t")]
    return Closing.IMPOSSIBLE if Closing.IMPOSSIBLE in results else Closing.CLOSED


CLOSERS: Mapping[str, Closer] = {"on": switch_on, "removed": remove}


class Clock:
    """A clock that needs no time: waiting moves it on."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.waits: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None

    def now(self) -> float:
        self.time += 0.001
        return self.time

    def wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        if not enough():
            self.waits.append(seconds)
            self.time += seconds
        self.while_waiting()


@dataclass
class Bench:
    """One workstation with its journal, and the world beyond."""

    folder: Path
    world: World = field(default_factory=World)
    clock: Any = field(default_factory=Clock)
    told: list[Event] = field(default_factory=list)
    stop: StopToken = field(default_factory=StopToken)
    prompter: Prompter = field(default_factory=Unattended)
    closers: Mapping[str, Closer] = field(default_factory=lambda: CLOSERS)
    lease: Lease = field(default_factory=NoLease)
    patience: Patience = HURRIED
    hook: Callable[[str, Any], None] = lambda _write, _moment: None
    connections: Any = None
    sink: Callable[[Event], None] | None = None
    _journal: Journal | None = None

    @property
    def journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.folder / "journal.sqlite", hook=self.hook)
        return self._journal

    def given(self, **changes: Any) -> Surroundings:
        values: dict[str, Any] = {
            "environment": "practice", "journal": self.journal, "connections": self.connections or self.world,
            "sink": self.sink or self.told.append, "prompter": self.prompter, "closers": self.closers,
            "clock": self.clock, "patience": self.patience, "lease": self.lease, "stop": self.stop,
        }  # fmt: skip
        return Surroundings(**{**values, **changes})

    def runner(self, *parts: Part, **changes: Any) -> Runner:
        return Runner(self.given(**changes), book(*parts), {})

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.told]

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None


def book(*parts: Part) -> Runbook:
    return Runbook("backup", text("A backup"), parts)


def switches(parts: tuple[Part, ...]) -> dict[str, str]:
    """Return the keys of the openings in a tree, and what follows their bodies."""
    found: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Bracket):
            found[part.opening.key] = part.leave
            found.update(switches(part.body))
        elif isinstance(part, Parallel):
            for branch in part.branches:
                found.update(switches(branch))
    return found
