"""Killed at every journal write and every call, then come back to in a new process: nothing stays off, nothing lies."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.ending import Status
from app.engine.journal import Journal, Phase
from app.engine.lease import is_alive
from tests.engine.killed import KILLED_EXIT, PARTS, found, in_a_fork, work
from tests.engine.practice import Bench, World

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes can be forked")
WRITES = {"w1", "w2", "w3", "w4", "w5", "w6"}


def moments(folder: Path, what: str) -> int:
    """Return how many moments there are to be killed at when nothing is."""
    counted = folder.parent / f"{folder.name}-counted"
    shutil.copytree(folder, counted)
    return work(counted, what, "r", -1, "exit")


def the_journal_can_be_read(folder: Path) -> None:
    path = folder / "journal.sqlite"
    if not path.exists():
        return
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


def what_the_dead_run_says_done_is_there(folder: Path) -> None:
    journal, world = Journal(folder / "journal.sqlite"), World(folder / "world.json")
    off = {name for name, on in world.on.items() if not on}
    assert off <= {held.key for held in journal.open_held("practice")}, "it is off, and no journal knows"
    for effect in journal.effects("r"):
        if effect.phase is Phase.DONE and effect.key in WRITES:
            assert effect.key in world.files
    journal.close()


def come_back(folder: Path, what: str) -> None:
    bench = Bench(folder, World(folder / "world.json"))
    assert not is_alive(folder, "practice"), "a killed run keeps the next one out"
    known = {run.id for run in bench.journal.runs()}
    runner = bench.runner(*PARTS)
    before = bench.journal.run("r").status if "r" in known else None
    ending = getattr(runner, what)("r")
    if before is None:
        assert ending.status is Status.REFUSED
    elif what == "undo":
        assert ending.status is Status.UNDONE or before == "undone"
        assert bench.world.files == {}
    elif before == "done":
        assert ending.status is Status.REFUSED
    else:
        assert ending.status is Status.DONE
        assert {key: ending.evidence[key]["content"] for key in WRITES} == bench.world.files
        freeze = {bench.world.files[key].split(", ")[1] for key in ("w2", "w3", "w4", "w5")}
        assert len(freeze) == 1, "two freezes are mixed"
    assert bench.world.on == {"pools": True, "composer": True}
    assert bench.journal.open_held("practice") == []
    bench.close()


@forks
@pytest.mark.parametrize("what", ["resume", "undo"])
def test_killed_at_any_moment_of_a_run_it_is_come_back_to(quick: Path, what: str) -> None:
    empty = quick / "empty"
    empty.mkdir()
    found(empty)
    count = moments(empty, "run")
    assert count > 60
    for at in range(count) if what == "resume" else range(0, count, 2):
        folder = quick / str(at)
        shutil.copytree(empty, folder)
        assert in_a_fork(folder, "run", "r", at, "SIGKILL" if at % 2 else "exit")
        the_journal_can_be_read(folder)
        what_the_dead_run_says_done_is_there(folder)
        come_back(folder, what)
        shutil.rmtree(folder)


@forks
@pytest.mark.parametrize("what", ["resume", "undo"])
def test_killed_again_while_coming_back_it_is_come_back_to_once_more(quick: Path, what: str) -> None:
    empty, dead = quick / "empty", quick / "dead"
    empty.mkdir()
    found(empty)
    shutil.copytree(empty, dead)
    assert in_a_fork(dead, "run", "r", moments(empty, "run") // 2, "SIGKILL")
    assert json.loads((dead / "world.json").read_text())["on"]["pools"] is False
    for at in range(0, moments(dead, what), 2):
        folder = quick / str(at)
        shutil.copytree(dead, folder)
        assert in_a_fork(folder, what, "r", at, "exit")
        the_journal_can_be_read(folder)
        what_the_dead_run_says_done_is_there(folder)
        come_back(folder, what)
        shutil.rmtree(folder)


@forks
def test_a_new_run_closes_first_what_a_dead_one_left_off(quick: Path) -> None:
    folder = quick / "world"
    folder.mkdir()
    found(folder)
    counted = moments(folder, "run")
    assert in_a_fork(folder, "run", "r", counted // 2, "exit")
    bench = Bench(folder, World(folder / "world.json"))
    assert bench.world.on["pools"] is False
    assert bench.runner(*PARTS).run("next").status is Status.DONE
    assert bench.world.on == {"pools": True, "composer": True}
    assert {run.id: run.status for run in bench.journal.runs()} == {"r": "failed", "next": "done"}
    [pools] = [held for held in bench.journal.held("next") if held.key == "pools"]
    assert pools.before["was"] is True, "what a dead run left off was taken for normal"
    bench.close()


@pytest.mark.parametrize("at", [3, 30])
def test_a_program_of_its_own_is_killed_and_come_back_to(quick: Path, at: int) -> None:
    found(quick)
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-m", "tests.engine.killed", str(quick), "run", "r", str(at), "exit"]
    assert subprocess.run(words, cwd=root, check=False).returncode == KILLED_EXIT
    the_journal_can_be_read(quick)
    come_back(quick, "resume")
