"""Runs in a practice environment: begun by this process with a clock of its own, or as processes that are killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from app import tasks
from app.desk import Desk
from app.engine.ending import Ending
from app.engine.events import Event
from app.engine.prompter import Prompter, Unattended
from app.profile import Options, Profile
from tests.scenarios.environment import Environment

SLICE = 0.02  # seconds that the longest wait takes
LONGEST = 60.0  # seconds that a test waits for something that must come


class Hurried:
    """A clock on which the pauses between tries take next to no time, and are over all the same."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        if not enough():
            time.sleep(min(seconds, SLICE))
            self._ahead += max(0.0, seconds - SLICE)


def hurried(environment: Environment) -> Desk:
    """Return the environment's desk, with a clock that does not let a test wait."""
    return Desk(environment.data, clock=Hurried())


def with_options(profile: Profile, **options: Any) -> Profile:
    """Return the profile with other options."""
    return msgspec.structs.replace(profile, options=Options(**options))


def back_up(
    environment: Environment, profile: Profile | None = None, *, desk: Desk | None = None,
    prompter: Prompter | None = None, sink: Callable[[Event], None] = lambda _event: None,
) -> Ending:  # fmt: skip
    """Make a backup in this process, unattended."""
    used = desk or hurried(environment)
    return tasks.back_up(used, profile or environment.profile(), prompter or Unattended(), sink)


def resume(environment: Environment, run: str, profile: Profile | None = None, *, desk: Desk | None = None) -> Ending:
    """Go on with a run in this process, unattended."""
    used = desk or hurried(environment)
    return tasks.resume(used, profile or environment.profile(), run, Unattended(), lambda _event: None)


def undo(environment: Environment, run: str, profile: Profile | None = None, *, desk: Desk | None = None) -> Ending:
    """Take a run back in this process, unattended."""
    used = desk or hurried(environment)
    return tasks.undo(used, profile or environment.profile(), run, Unattended(), lambda _event: None)


def sets(environment: Environment) -> list[Path]:
    """Return the folders of the repository that are whole sets."""
    return sorted(manifest.parent for manifest in environment.repository.glob("*/*/manifest.json"))


def wait_for(true: Callable[[], object]) -> None:
    """Wait until it is so; fail where it never becomes so."""
    deadline = time.monotonic() + LONGEST
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(SLICE)


def held_at(environment: Environment, system: str, call: str, *words: str) -> subprocess.Popen[str]:
    """Start a backup as a process, and return it once the lab has received what holds it: a call that never ends.

    `call` is the pattern of that call."""
    environment.fault(system, call, "hang")
    process = environment.start(*(words or ("backup", "--yes", "--json")))

    def there() -> bool:
        assert process.poll() is None, process.communicate()
        return any(one.system == system and fnmatchcase(one.text.lower(), call) for one in environment.wire())

    wait_for(there)
    return process


def killed(process: subprocess.Popen[str]) -> None:
    """Kill a process as nothing can be caught, and wait until it is gone."""
    process.kill()
    process.communicate()
