"""What the one-file executable unpacks goes away with it, or at the next start; never under a living program."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app import unpacked
from app.errors import UserError
from app.unpacked import LATE, MARK, UNPACKING, LateLibraries
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

STARTED = """
import sys
from pathlib import Path
sys._MEIPASS = sys.argv[1]
from app import unpacked
print(*(folder.name for folder in unpacked.remove_left()))
"""

LATECOMER = """
import importlib.util, sys
from pathlib import Path
from app.unpacked import LateLibraries
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
assert importlib.util.find_spec("sspilib_") is None  # the folder has been looked into
sys.meta_path.insert(0, LateLibraries(folder))
import wave
print(*sorted(file.name for file in folder.iterdir()))
import sspilib
print(sspilib.WORDS)
"""
"""A program that takes a library out of the archive."""


def archive(folder: Path) -> bytes:
    """Write an archive with one library, and return it."""
    words = b"WORDS = 'out of the archive'\n"
    member = tarfile.TarInfo("sspilib/__init__.py")
    member.size = len(words)
    with tarfile.open(folder / LATE, "w:xz") as pressed:
        pressed.addfile(member, io.BytesIO(words))
    return (folder / LATE).read_bytes()


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


def test_what_others_have_left_is_looked_for_where_the_loader_unpacks_and_not_where_python_keeps_its_own(
    tmp_path: Path,
) -> None:
    own, dead, elsewhere = (left(tmp_path, name) for name in ("its/_MEI12", "its/_MEI13", "pythons/_MEI14"))
    done = carried_out("-c", STARTED, str(own), TMPDIR=str(elsewhere.parent), TEMP=str(elsewhere.parent))
    assert (done.stdout, done.stderr) == ("_MEI13\n", "")
    assert (own.exists(), dead.exists(), elsewhere.exists()) == (True, False, True)


def test_run_from_its_sources_it_removes_nothing(tmp_path: Path) -> None:
    folder = left(tmp_path, "_MEI12")
    asked = "from app import unpacked; print(unpacked.remove_left())"
    done = carried_out("-c", asked, TMPDIR=str(tmp_path), TEMP=str(tmp_path), TMP=str(tmp_path))
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert folder.exists()


def test_run_from_its_sources_it_has_no_such_folder_and_starts_others_as_ever() -> None:
    assert unpacked.own() is None
    with unpacked.others_find_their_own():
        assert carried_out("-c", "print('started')").stdout == "started\n"


def test_started_again_the_program_unpacks_files_of_its_own() -> None:
    assert unpacked.fresh_environment() == {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"}


def test_a_late_library_is_unpacked_when_it_is_asked_for_and_not_before(tmp_path: Path) -> None:
    archive(tmp_path)
    done = carried_out("-c", LATECOMER, str(tmp_path))
    assert (done.stdout, done.stderr) == (f"{LATE}\nout of the archive\n", "")


def test_what_is_unpacked_late_is_as_young_as_the_rest_or_it_would_be_tidied_away(tmp_path: Path) -> None:
    archive(tmp_path)
    before = time.time() - 2  # the clock of some disks is as coarse
    LateLibraries(tmp_path).find_spec("sspilib")
    assert (tmp_path / "sspilib" / "__init__.py").stat().st_mtime >= before


def test_late_libraries_are_unpacked_once(tmp_path: Path) -> None:
    archive(tmp_path)
    finder = LateLibraries(tmp_path)
    finder.find_spec("pyodbc")
    (tmp_path / "sspilib" / "__init__.py").unlink()
    finder.find_spec("cryptography")
    assert not list((tmp_path / "sspilib").iterdir())


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-20], lambda whole: b"\0" * len(whole)])
def test_an_archive_that_cannot_be_unpacked_is_told_and_tried_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    whole = archive(tmp_path)
    finder = LateLibraries(tmp_path)
    (tmp_path / LATE).write_bytes(damage(whole))
    with pytest.raises(UserError, match=f"could not be unpacked into {tmp_path}.*copy ViewKeeper.exe anew"):
        finder.find_spec("cryptography")
    (tmp_path / LATE).write_bytes(whole)
    finder.find_spec("cryptography")
    assert (tmp_path / "sspilib" / "__init__.py").exists()


def test_a_folder_that_cannot_be_written_to_is_told_when_a_late_library_is_asked_for(tmp_path: Path) -> None:
    archive(tmp_path)
    (tmp_path / "sspilib").write_text("a file in the way", "ascii")
    with pytest.raises(UserError, match="could not be unpacked"):
        LateLibraries(tmp_path).find_spec("sspilib")
