"""Locks go with their process, however that ends, and keep nobody from reading what lies in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import locking
from tests.processes import living

HOLDER = """
import sys
from pathlib import Path
from app import locking
held = locking.lock(Path(sys.argv[1]))
print("there" if held else "taken", flush=True)
sys.stdin.readline()
held.close()
print("closed", flush=True)
sys.stdin.readline()
"""


def test_what_another_process_has_locked_is_had_once_it_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "a lock 二"
    with living(HOLDER, str(file)) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert locking.lock(file) is None
        print(file=holder.stdin, flush=True)
        assert holder.stdout.readline() == "closed\n"
        had = locking.lock(file)
        assert had is not None
        had.close()


def test_a_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with living(HOLDER, str(file)) as holder:
        assert locking.lock(file) is None
        holder.kill()
        holder.wait()
        had = locking.lock(file)
        assert had is not None
        had.close()


def test_the_words_of_a_locked_file_can_be_read_by_others_and_stay(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text("who has it", "utf-8")
    with living(HOLDER, str(file)):
        assert file.read_text("utf-8") == "who has it"


def test_a_lock_that_was_released_is_free_though_its_file_is_still_open(tmp_path: Path) -> None:
    file = locking.lock(tmp_path / "lock")
    assert file is not None
    with file:
        assert locking.lock(tmp_path / "lock") is None
        locking.release(file)
        again = locking.lock(tmp_path / "lock")
        assert again is not None
        again.close()


class Scanner:
    """A virus scanner that has a file open for so many tries of others."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def refuse(self) -> str:
        """What Windows does with a file that another program has open."""
        self.left -= 1
        if self.left >= 0:
            raise PermissionError(13, "Access is denied", "file")
        return "done"


def test_what_another_program_keeps_from_being_done_is_done_once_it_lets_go() -> None:
    assert locking.patiently(Scanner(3).refuse) == "done"


def test_what_is_refused_for_good_is_told_after_a_while_and_what_is_no_refusal_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(locking, "PATIENCE", 0.2)
    for_ever = Scanner(10**9)
    with pytest.raises(PermissionError):
        locking.patiently(for_ever.refuse)
    assert for_ever.left < 10**9 - 1
    monkeypatch.setattr(locking, "PATIENCE", 1_000)
    with pytest.raises(FileNotFoundError):
        locking.patiently((tmp_path / "nothing").unlink)


def test_a_file_that_cannot_be_opened_is_told_and_not_taken_for_a_lock_that_another_has(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no folder"):
        locking.lock(tmp_path / "no folder" / "lock")
