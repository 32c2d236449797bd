"""A program that Windows gives no console prints all the same; nothing that is printed stops it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import streams
from tests.processes import environment

PRINTS = """
import sys
from pathlib import Path
from app import streams
lacked = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
streams.attach()
streams.speak_utf8()
kept = all(getattr(sys, f"__{name}__") is getattr(sys, name) for name in ("stdin", "stdout", "stderr"))
print("二", flush=True)
print("二", file=sys.stderr, flush=True)
Path(sys.argv[1]).write_text(f"{lacked} {kept} {sys.stdin.read()!r}", "utf-8")
"""


@pytest.mark.skipif(os.name == "nt", reason="a shell closes what Windows never opens for a program with windows")
def test_a_process_without_streams_gets_some_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "went on"
    command = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', sys.executable, "-c", PRINTS, str(file)]
    assert subprocess.run(command, env=environment(), check=False).returncode == 0
    assert file.read_text("utf-8") == "['stdin', 'stdout', 'stderr'] True ''", "getpass looks at those with __"


def test_streams_that_lead_somewhere_are_left_to_lead_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTS, str(tmp_path / "file")], env={**environment(), "PYTHONUTF8": "0"},
        input="told", capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "二\n", "二\n")
    assert (tmp_path / "file").read_text("utf-8") == "[] True 'told'"


def test_letters_that_the_systems_code_page_lacks_are_printed_all_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTS, str(tmp_path / "file")], stdin=subprocess.DEVNULL, capture_output=True,
        env={**environment(), "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode().split()) == (0, ["二"])


def test_where_nothing_is_missing_nothing_is_replaced() -> None:
    before = (sys.stdin, sys.stdout, sys.stderr)
    streams.attach()
    assert (sys.stdin, sys.stdout, sys.stderr) == before
