"""The journal's file: durable, strict, and clear about what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from app.engine.journal import SCHEMA, TABLES, Answer, Held, Journal, NewHold, Phase, Run
from app.errors import Refused, UserError
from app.texts import text


def run(name: str = "r") -> Run:
    return Run(name, "practice", "backup", {"folder": "次 \u2028 'x'"}, "hash", "running", 1, 5.0)


def raw(path: Path, words: str) -> None:
    db = sqlite3.connect(path)
    db.executescript(words)
    db.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite"


def test_what_was_written_is_read_again_by_another_process(path: Path) -> None:
    first = Journal(path)
    first.begin(run())
    hold = NewHold("on", text("Provisioning of {name}", name="研发桌面"), ("switch it on",), "close")
    held = first.intend("r", 1, "k", {"was": True}, 6.0, hold)
    first.sent("r", 1, "k", 7.0)
    first.acted("r", 1, "k", 8.0)
    first.finish("r", 1, "k", Phase.DONE, {"proof": 1}, 9.0)
    first.answer(Answer("r", "k", text("Go on?"), "yes", 10.0))
    second = Journal(path)
    assert second.run("r") == run()
    assert second.runs() == second.runs("practice") == [run()]
    [effect] = second.effects("r")
    assert (effect.phase, effect.before, effect.result) == (Phase.DONE, {"was": True}, {"proof": 1})
    assert (effect.intended, effect.sent, effect.acted, effect.ended, effect.attempts) == (6.0, 7.0, 8.0, 9.0, 1)
    assert second.held("r") == second.open_held("practice") == [held]
    assert str(second.held("r")[0].what_is_off) == "Provisioning of 研发桌面"
    assert [answer.answer for answer in second.answers("r")] == ["yes"]
    first.close()
    second.close()


def test_the_file_is_written_through_to_the_disk(path: Path) -> None:
    journal = Journal(path)
    assert journal._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert journal._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    journal.close()


def test_an_intent_and_what_it_holds_are_one_write(path: Path) -> None:
    writes: list[tuple[str, str]] = []
    journal = Journal(path, hook=lambda name, moment: writes.append((name, moment)))
    journal.begin(run())
    journal.intend("r", 1, "k", {}, 6.0, NewHold("on", text("off"), (), "close"))
    assert writes == [("begin", "before"), ("begin", "after"), ("intent", "before"), ("intent", "after")]
    journal.close()


def test_the_first_state_before_stays_when_an_intent_is_repeated(path: Path) -> None:
    journal = Journal(path)
    journal.begin(run())
    hold = NewHold("on", text("off"), (), "close")
    first = journal.intend("r", 1, "k", {"was": True}, 6.0, hold)
    again = journal.intend("r", 1, "k", {"was": False}, 7.0, hold)
    assert first == again
    assert [effect.before for effect in journal.effects("r")] == [{"was": True}]
    journal.mark_closed(journal.held("r")[0], "closed", 8.0)
    assert journal.open_held("practice") == []
    journal.close()


def test_a_write_that_fails_in_the_middle_leaves_nothing_of_it(path: Path) -> None:
    journal = Journal(path)
    journal.begin(run())
    with pytest.raises(UserError, match="cannot be written"):
        journal.begin(run())
    held = Held(1, "r", "k", "on", {}, text("off"), (), "close", 5.0)
    with pytest.raises(UserError, match="cannot be written"):
        journal.adopt(run("other"), (held, held))  # names the run r, and the same hold twice
    assert [one.id for one in journal.runs()] == ["r"]
    journal.close()


def test_a_hook_that_fails_leaves_nothing_open(path: Path) -> None:
    def hook(_name: str, moment: str) -> None:
        if moment == "before" and armed:
            raise RuntimeError

    armed: list[bool] = []
    journal = Journal(path, hook=hook)
    journal.begin(run())
    armed.append(True)
    with pytest.raises(RuntimeError):
        journal.end("r", "done", 6.0)
    armed.clear()
    journal.end("r", "done", 6.0)
    assert journal.run("r").status == "done"
    journal.close()


def test_many_threads_write_one_after_the_other(path: Path) -> None:
    journal = Journal(path)
    journal.begin(run())

    def write(part: int) -> None:
        for number in range(10):
            journal.intend("r", 1, f"{part}/{number}", {}, 6.0)
            journal.finish("r", 1, f"{part}/{number}", Phase.DONE, {}, 7.0)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {effect.phase for effect in journal.effects("r")} == {Phase.DONE}
    assert len(journal.effects("r")) == 40
    journal.close()


def test_a_newer_journal_is_refused_with_the_versions(path: Path) -> None:
    Journal(path).close()
    raw(path, "PRAGMA user_version=7")
    with pytest.raises(Refused, match=r"newer version.*format 7.*knows 1") as caught:
        Journal(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    ["PRAGMA user_version=0", "DROP TABLE held", "ALTER TABLE held RENAME COLUMN before TO other"],
)
def test_a_journal_of_another_shape_is_refused_naming_file_and_remedy(path: Path, damage: str) -> None:
    Journal(path).close()
    raw(path, damage)
    with pytest.raises(Refused, match="cannot be read") as caught:
        Journal(path)
    assert str(path) in str(caught.value)
    assert "move it away" in str(caught.value)


def test_a_file_that_is_no_journal_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(Refused, match="cannot be read"):
        Journal(path)


def test_a_journal_with_a_broken_page_is_refused(path: Path) -> None:
    journal = Journal(path)
    journal.begin(run())
    for number in range(50):
        journal.intend("r", 1, f"k{number}", {"words": "x" * 500}, 6.0)
    journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096 * 4 : 4096 * 8] = b"\x5a" * 4096 * 4
    path.write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        Journal(path)


def test_a_row_that_cannot_be_understood_is_told_as_damage(path: Path) -> None:
    journal = Journal(path)
    journal.begin(run())
    raw(path, "UPDATE run SET inputs='{'")
    with pytest.raises(Refused, match="cannot be read"):
        journal.run("r")
    raw(path, "UPDATE run SET inputs='[]'")
    with pytest.raises(Refused, match="cannot be read"):
        journal.runs()
    journal.close()


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(Refused, match="cannot be read"):
        Journal(path)


def test_secrets_are_hidden_wherever_they_stand(path: Path) -> None:
    journal = Journal(path, hide=lambda words: words.replace("s3cret", "•••"))
    journal.begin(run())
    journal.intend("r", 1, "k", {"a": [{"b": "x s3cret y"}, 3, None]}, 6.0)
    journal.finish("r", 1, "k", Phase.DONE, {"said": text("{x}", x="s3cret")}, 7.0)
    [effect] = journal.effects("r")
    assert effect.before == {"a": [{"b": "x ••• y"}, 3, None]}
    assert "s3cret" not in repr(effect)
    journal.close()


def test_every_table_of_the_schema_is_checked() -> None:
    assert all(f"CREATE TABLE {table}(" in SCHEMA for table in TABLES)
    assert SCHEMA.count("CREATE TABLE") == len(TABLES)


def test_a_journal_that_another_program_keeps_is_not_called_damaged(path: Path) -> None:
    """Who moves a whole journal away forgets what is still off: nothing may tell him to."""
    Journal(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Refused, match="in use by another program") as caught:
        Journal(path, patience=0.01)
    assert "move it away" not in str(caught.value)
    other.close()
    Journal(path).close()


def test_a_write_that_another_program_keeps_out_says_so(path: Path) -> None:
    journal = Journal(path, patience=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError, match="in use by another program"):
        journal.begin(run())
    other.close()
    journal.begin(run())
    assert [one.id for one in journal.runs()] == ["r"]
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files as POSIX does it")
def test_a_journal_on_a_full_disk_is_not_called_damaged(path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(UserError, match="cannot be written") as caught:
            Journal(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "move it away" not in str(caught.value)
    Journal(path).close()
