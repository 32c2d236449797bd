"""Other processes of the same program, for what no process can show alone: locks, places, what a kill leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment for a program that finds our modules, after those of `PYTHONPATH`."""
    before = variables.pop("PYTHONPATH", "")
    home = os.pathsep.join(filter(None, [before, str(ROOT)]))
    return {**os.environ, "PYTHONPATH": home, "PYTHONUTF8": "1", **variables}


def carried_out(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words to its end; returns its exit code and what it said."""
    return subprocess.run(
        [sys.executable, "-P", *words], env=environment(**variables), capture_output=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, timeout=100, check=False,
    )  # fmt: skip


@contextmanager
def living(program: str, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that lives until its input ends; it is given over once it has printed a line."""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program, *words], env=environment(**variables), encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            yield process
        finally:
            process.kill()
