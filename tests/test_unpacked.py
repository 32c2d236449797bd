"""What the one-file executable unpacks goes away with it, or at the next start; never under a living program."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app import unpacked
from app.unpacked import MARK, UNPACKING
from tests.processes import carried_out, living

HOLDER = """
import sys
from pathlib import Path
from app import unpacked
held = unpacked.hold(Path(sys.argv[1]))
print("there" if held else "taken", flush=True)
sys.stdin.readline()
"""
"""A process that runs from the folder, as the executable does."""

REMOVER = """
import sys
from pathlib import Path
sys._MEIPASS = sys.argv[2]
from app import unpacked
assert unpacked.own() == Path(sys.argv[2])
print(len(unpacked.remove_left(Path(sys.argv[1]))))
"""


def left(place: Path, name: str, *, mark: str = MARK, age: float = 2 * UNPACKING) -> Path:
    """A folder that something was unpacked into, `age` seconds ago."""
    folder = place / name
    (folder / "app").mkdir(parents=True)
    (folder / mark).write_text("ViewKeeper", "ascii")
    (folder / "app" / "a file").write_text("unpacked", "ascii")
    long_ago = time.time() - age
    os.utime(folder, (long_ago, long_ago))
    return folder


def test_what_a_killed_program_has_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    folder = left(tmp_path, "_MEI12 二")
    with living(HOLDER, str(folder)) as program:
        assert unpacked.remove_left(tmp_path) == []
        program.kill()
        program.wait()
        assert unpacked.remove_left(tmp_path) == [folder]
    assert not folder.exists()


def test_a_folder_that_is_still_being_filled_is_left_alone(tmp_path: Path) -> None:
    folder = left(tmp_path, "_MEI12", age=UNPACKING / 2)
    assert unpacked.remove_left(tmp_path) == []
    assert unpacked.remove_left(tmp_path, time.time() + UNPACKING) == [folder]


def test_other_programs_folders_are_left_alone(tmp_path: Path) -> None:
    left(tmp_path, "_MEI12", mark="another's")
    left(tmp_path, "ours but no such name")
    (tmp_path / "_MEI13").write_text("a file", "ascii")
    assert unpacked.remove_left(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(os.name == "nt", reason="only administrators make links there")
def test_a_link_that_somebody_has_put_there_is_not_followed(tmp_path: Path) -> None:
    elsewhere = left(tmp_path, "elsewhere")
    (tmp_path / "_MEI12").symlink_to(elsewhere)
    assert unpacked.remove_left(tmp_path) == []
    assert (elsewhere / "app" / "a file").exists()


def test_a_program_never_removes_the_folder_that_it_runs_from(tmp_path: Path) -> None:
    own = left(tmp_path, "_MEI12")
    left(tmp_path, "_MEI13")
    done = carried_out("-c", REMOVER, str(tmp_path), str(own))
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert [folder.name for folder in tmp_path.iterdir()] == ["_MEI12"]


def test_run_from_its_sources_it_has_no_such_folder_and_starts_others_as_ever() -> None:
    assert unpacked.own() is None
    with unpacked.others_find_their_own():
        assert carried_out("-c", "print('started')").stdout == "started\n"


def test_started_again_the_program_unpacks_files_of_its_own() -> None:
    assert unpacked.fresh_environment() == {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"}
