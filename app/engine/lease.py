"""Who runs here: a lock of the operating system's on this workstation, and a lease (the notice) for all others.

The lock goes with the process, however that ends, so that a killed run never keeps the next one out."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from app import locking
from app.engine.journal import Held, Run
from app.errors import Busy, UserError
from app.texts import text

GLANCES = (0.02, 0.05, 0.1)  # seconds: who only looks has a lock for a moment, and is waited for


class Lease(Protocol):
    """The port to the notice. `renew` is called from a thread of its own, beside the steps.

    All raise Busy where another living run holds it, and other UserErrors where it cannot be reached."""

    def look(self, run: Run) -> None:
        """Read only: raise Busy where another living run holds the environment. Called before anything else."""
        ...

    def acquire(self, run: Run) -> None:
        """Take it, before the first act that changes anything. A dead lease, and this run's own, are taken over."""
        ...

    def note(self, held: tuple[Held, ...]) -> None:
        """Write down what is off from now on, before it is switched off, and what is left of it after it was closed."""
        ...

    def renew(self) -> None:
        """Say that the run lives. Raises Busy where another run has taken the lease meanwhile."""
        ...

    def release(self, left: tuple[Held, ...]) -> None:
        """Give it up. What is `left` off must go on standing in it."""
        ...


class NoLease:
    """An environment that nobody else can reach."""

    def look(self, run: Run) -> None: ...
    def acquire(self, run: Run) -> None: ...
    def note(self, held: tuple[Held, ...]) -> None: ...
    def renew(self) -> None: ...
    def release(self, left: tuple[Held, ...]) -> None: ...


class RunLock:
    """The right to run in one environment on this workstation; a context manager that raises Busy when it is taken."""

    def __init__(self, folder: Path, environment: str, run: str, now: float) -> None:
        self._path = lock_path(folder, environment)
        self._words = json.dumps({"run": run, "process": os.getpid(), "since": now, "environment": environment})
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        file = _open(self._path)
        if not _taken(file):
            owner = _words_in(file)
            file.close()
            raise Busy(
                text("Another run is going on in this environment: {run}.", run=owner.get("run", "?")),
                text("The process {process} on this workstation holds it.", process=owner.get("process", "?")),
                text("Wait until it has ended, or stop it."),
            )
        file.truncate(0)
        file.seek(0)
        file.write(self._words.encode())
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        locking.release(self._file)
        self._file.close()
        self._file = None


def lock_path(folder: Path, environment: str) -> Path:
    """Return the lock file of an environment; its name may be anything, so the file is named by a hash of it."""
    return folder / "locks" / f"{hashlib.sha256(environment.encode()).hexdigest()[:16]}.lock"


@dataclass(frozen=True)
class Owner:
    """What holds a lock: a run in an environment, by a process of this workstation, since a time stamp."""

    run: str
    environment: str
    process: int
    since: float


def is_alive(folder: Path, environment: str) -> bool:
    """Say whether a living process of this workstation runs in that environment."""
    return _held(lock_path(folder, environment))


def owners(folder: Path) -> dict[Path, Owner | None]:
    """Return the locks that living processes of this workstation hold; None where the words are just being written."""
    return {path: _owner_of(path) for path in sorted((folder / "locks").glob("*.lock")) if _held(path)}


def _held(path: Path) -> bool:
    if not path.exists():
        return False
    with _open(path) as file:
        if not _taken(file):
            return True
        locking.release(file)
        return False


def _taken(file: IO[bytes]) -> bool:
    """Lock an open file, unless somebody has it for longer than a glance; returns whether it could be had."""
    for pause in GLANCES:
        if locking.take(file):
            return True
        time.sleep(pause)
    return locking.take(file)


def _owner_of(path: Path) -> Owner | None:
    with _open(path) as file:
        words = _words_in(file)
    try:
        return Owner(
            str(words["run"]), str(words["environment"]), int(str(words["process"])), float(str(words["since"]))
        )
    except (KeyError, ValueError):
        return None


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise UserError(
            text("The file {file} cannot be written.", file=str(path)),
            error.strerror or str(error),
            text("Make room or give the right to write there, and start again."),
        ) from error


def _words_in(file: IO[bytes]) -> dict[str, object]:
    try:
        file.seek(0)
        found = json.loads(file.read(4096))
    except (OSError, ValueError):
        return {}  # it is being written at this moment: that it is locked is known without it
    return found if isinstance(found, dict) else {}
