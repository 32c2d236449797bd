"""How a scene is set and struck: it remembers the rows that it replaces, and puts those back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from app.lab import builtin, operations
from app.lab.lab import Lab
from app.lab.rows import ANY, Row, Setting, Work
from app.lab.world import World
from app.texts import Text

PREFIX = "scene:"


class UnknownScene(Exception):
    """There is no scene of that name, or it does not know that option."""


@dataclass(frozen=True)
class Scene:
    """One scene. `options` are the names that it understands; `shows` what checks say of it: (check, state)."""

    name: str
    about: Text
    set: Callable[[Stage], None]
    options: tuple[str, ...]
    shows: tuple[tuple[str, str], ...]


SCENES: dict[str, Scene] = {}


def scene(
    name: str, about: Text, *, options: tuple[str, ...] = (), shows: tuple[tuple[str, str], ...] = ()
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Enter a function among the scenes."""

    def enter(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
        SCENES[name] = Scene(name, about, function, options, shows)
        return function

    return enter


class Replaced(msgspec.Struct):
    """A row as it was before a scene, and as the scene made it; None where there was none, or is none any more."""

    before: ANY | None
    after: ANY | None


class Memory(msgspec.Struct):
    """What striking a scene needs: the rows that it replaced, work begun, and what it changed outside the world."""

    number: int
    rows: list[Replaced] = []
    work: list[str] = []
    certificates: list[str] = []
    passwords: list[str] = []


class Stage:
    """Given to a scene: the lab, its options, and ways to change the world that are remembered."""

    def __init__(self, lab: Lab, name: str, options: dict[str, str], number: int) -> None:
        self.lab, self.world, self.name, self.options = lab, lab.world, name, options
        self._before: dict[tuple[str, str], Row | None] = {}
        self._memory = Memory(number)

    def put(self, *rows: Row) -> None:
        """Put rows in the place of those that are there."""
        self._remember(*rows)
        self.world.change("scene", self.name, *rows)

    def drop(self, *rows: Row) -> None:
        """Take rows away."""
        self._remember(*rows)
        self.world.change("scene", self.name, drop=rows)

    def begins(self, work: Work | None) -> None:
        """Note work that the scene has begun: striking the scene ends it."""
        if work is not None:
            self._memory.work.append(work.id)

    def pace(self) -> operations.Pace:
        """Return how long the scene's work lasts: for the option `seconds`, else until it is ended."""
        seconds = self.options.get("seconds")
        return operations.Pace(seconds=float(seconds)) if seconds else operations.Pace(held=True)

    def new_certificate(self, system: str, *, expired: bool) -> None:
        """Give a system another certificate."""
        self._memory.certificates.append(system)
        self.lab.certificates.change(system, expired=expired)
        self.world.change("scene", f"{self.name}: {system} has another certificate")

    def new_password(self, account: str) -> None:
        """Give an account another password."""
        self._memory.passwords.append(account)
        self.lab.passwords.change(account)
        self.world.change("scene", f"{self.name}: {account} has another password")

    def close(self) -> None:
        """Keep what striking needs in the world itself, so that it outlives the process."""
        memory = self._memory
        memory.rows = [
            Replaced(before, self.world.find(table, key))  # type: ignore[arg-type]  # every Row is in ANY
            for (table, key), before in self._before.items()
        ]
        value = msgspec.json.encode(memory).decode()
        self.world.change("scene", f"{self.name} is set", Setting(name=PREFIX + self.name, value=value))

    def _remember(self, *rows: Row) -> None:
        for row in rows:
            place = (type(row).__name__, row.key)
            self._before.setdefault(place, self.world.find(*place))


def play(lab: Lab, name: str, options: dict[str, str] | None = None) -> None:
    """Set a scene; one that is set already is struck first. Raises UnknownScene."""
    found, given = SCENES.get(name), options or {}
    if found is None:
        raise UnknownScene(f"There is no scene {name}. Known are: {', '.join(SCENES)}, quiet.")
    unknown = [option for option in given if option not in found.options]
    if unknown:
        raise UnknownScene(f"{name} knows no option {unknown[0]}; it knows: {', '.join(found.options) or 'none'}.")
    with lab.world.lock:
        if name in active(lab.world):
            _strike(lab, name)
        numbers = [_memory(lab.world, other).number for other in active(lab.world)]
        stage = Stage(lab, name, given, max(numbers, default=0) + 1)
        try:
            found.set(stage)
        finally:
            stage.close()


def quiet(lab: Lab) -> None:
    """Strike all scenes, the last one first: everything is again as each of them found it."""
    with lab.world.lock:
        for name in sorted(active(lab.world), key=lambda name: -_memory(lab.world, name).number):
            _strike(lab, name)


def give_back(lab: Lab) -> None:
    """Give certificates and passwords back that scenes have changed: they lie outside the world and its states."""
    for name in active(lab.world):
        memory = _memory(lab.world, name)
        for system in memory.certificates:
            lab.certificates.back(system)
        for account in memory.passwords:
            lab.passwords.back(account)


def active(world: World) -> list[str]:
    """Return the names of the scenes that are set."""
    return [row.name.removeprefix(PREFIX) for row in world.all(Setting) if row.name.startswith(PREFIX)]


def _memory(world: World, name: str) -> Memory:
    return msgspec.json.decode(world.setting(PREFIX + name), type=Memory)


def _strike(lab: Lab, name: str) -> None:
    world, memory = lab.world, _memory(lab.world, name)
    for work_id in memory.work:
        work = world.get(Work, work_id)
        if work is not None and work.kind == builtin.KIND:
            builtin.give_up(world, "scene", work)
        elif work is not None:
            operations.finish(world, "scene", work)
    for system in memory.certificates:
        lab.certificates.back(system)
    for account in memory.passwords:
        lab.passwords.back(account)
    put: list[Row] = []
    drop: list[Row] = [world.require(Setting, PREFIX + name)]
    for replaced in memory.rows:
        known = replaced.before or replaced.after
        now = world.find(type(known).__name__, known.key) if known is not None else None
        if replaced.before is None and now is not None:
            drop.append(now)
        elif replaced.before is not None and now is None and replaced.after is None:
            put.append(replaced.before)
        elif replaced.before is not None and replaced.after is not None and now is not None:
            fields = {field: _mended(*(getattr(row, field) for row in (replaced.before, replaced.after, now)))
                      for field in now.__struct_fields__}  # fmt: skip
            put.append(type(now)(**fields))
    world.change("scene", f"{name} is struck", *put, drop=drop)


def _mended(before: Any, after: Any, now: Any) -> Any:
    """Return a value without what the scene did to it; what others have done to it since stays."""
    if all(isinstance(value, dict) for value in (before, after, now)):
        mended = {key: _mended(before.get(key), after.get(key), value) for key, value in now.items()}
        mended |= {key: value for key, value in before.items() if key not in after and key not in now}
        return {key: value for key, value in mended.items() if value is not None}
    return before if now == after else now
