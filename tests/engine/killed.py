"""A run in a process of its own that kills itself at a given moment: at a journal write, or at a call to the world."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.engine.step import Bracket, Parallel, Part
from tests.engine.practice import Bench, Off, Temporary, World, Write

ROOT = Path(__file__).resolve().parents[2]
DONE, KILLED_EXIT = 0, 9
PARTS: tuple[Part, ...] = (
    Write("w1"),
    Temporary("t1"),
    Bracket(
        Off("pools"),
        (Write("w2"), Bracket(Off("composer"), (Parallel(((Write("w3"),), (Write("w4"),))),)), Write("w5")),
    ),
    Write("w6"),
)
SWITCHES = ("pools", "composer")


def found(folder: Path) -> None:
    """Make the world as it is before the run."""
    world = World(folder / "world.json")
    world.on = dict.fromkeys(SWITCHES, True)
    world.save()


class Killer:
    """Counts moments, and ends the process at the chosen one as a power cut would: nothing is cleaned up."""

    def __init__(self, at: int, how: str) -> None:
        self.moments, self._at, self._how = 0, at, how

    def moment(self, *_what: object) -> None:
        if self.moments == self._at:
            if self._how == "SIGKILL" and hasattr(signal, "SIGKILL"):
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(KILLED_EXIT)
        self.moments += 1


def work(folder: Path, what: str, run: str, at: int, how: str) -> int:
    """Run, resume or undo in this process, to die at moment `at`; return how many moments there were if not."""
    killer = Killer(at, how)
    bench = Bench(folder, World(folder / "world.json"), hook=killer.moment)
    bench.world.before_call = killer.moment
    runner = bench.runner(*PARTS)
    doing: dict[str, Callable[[], object]] = {
        "run": lambda: runner.run(run),
        "resume": lambda: runner.resume(run),
        "undo": lambda: runner.undo(run),
    }
    doing[what]()
    bench.close()
    return killer.moments


def in_a_fork(folder: Path, what: str, run: str, at: int, how: str) -> bool:
    """Do `work` in a forked process; say whether it was killed."""
    asked, told = _forker().stdin, _forker().stdout
    assert asked is not None
    assert told is not None
    print(json.dumps([str(folder), what, run, at, how]), file=asked, flush=True)
    status = int(told.readline())
    assert status in (DONE, KILLED_EXIT, -9), f"the process ended with {status}"
    return status != DONE


@cache
def _forker() -> subprocess.Popen[str]:
    """Start the process that forks: one without threads, as those of a test would be lost in the middle of their work.

    A process of its own for each moment would take most of its time for imports."""
    command = [sys.executable, "-m", "tests.engine.killed"]
    process = subprocess.Popen(command, cwd=ROOT, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)  # its input ends, and so does it
    return process


def _fork_as_asked() -> None:
    """Do each `work` that a line of the input describes in a fork, and print how that ended."""
    while line := sys.stdin.readline():
        folder, what, run, at, how = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(Path(folder), what, run, at, how)
                code = DONE
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        work(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        _fork_as_asked()
