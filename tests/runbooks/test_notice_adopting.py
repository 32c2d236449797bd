"""What is believed of a run that only a notice tells of, and what could make the program remove what is not its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.engine.journal import Held, Run
from app.engine.lease import RunLock, is_alive
from app.errors import Busy, Refused
from app.profile import Broker, Host, Profile
from app.runbooks.adopting import believed, is_unfinished_set
from app.runbooks.notice import Note
from app.texts import text

RUN = "20261122-101500-0a1b"
FILE = rf"D:\backup\viewkeeper-{RUN}-VIM_VCDB.bak"


def profile(place: Path, **broker: Any) -> Profile:
    host = {"name": "broker1", "address": "B1.example", "account": "a"} | broker
    return Profile(name="site", brokers=(Broker(host=Host(**host)),), vcenters=(), repository=str(place))


def before(**changes: Any) -> dict[str, Any]:
    files = [{"host": "sql1", "path": FILE}]
    return {"folder": rf"C:\ProgramData\ViewKeeper\{RUN}", "hosts": ["sql1"], "files": files} | changes


def note(place: Path, *, run: str = RUN, held: dict[str, Any] | None = None, **inputs: Any) -> Note:
    given = {"profile": "other", "folder": str(place / "other" / f"2026-11-22T101500Z-{RUN}")} | inputs
    holding = {"closer": "temporary-removed", "run": RUN, "before": before()} | (held or {})
    off = Held(
        number=1, key="backup/temporary", what_is_off=text("files"), by_hand=(), leave="end", opened=1.0, **holding
    )
    return Note(Run(run, "elsewhere:1", "backup", given, "", "running", 1, 1.0), "there", "somebody", (off,))


def test_a_run_as_runs_are_is_taken_over_into_the_environment_where_it_was_found(tmp_path: Path) -> None:
    run, held = believed(note(tmp_path), profile(tmp_path))
    assert (run.id, run.environment, len(held)) == (RUN, "b1.example:5986", 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"run": r"..\..\Windows"},
        {"run": RUN + "\n"},
        {"held": {"closer": "format-disk"}},
        {"held": {"run": "20261122-101500-ffff"}},
        {"held": {"before": before(folder=r"C:\Windows")}},
        {"held": {"before": before(folder=r"C:\ProgramData\ViewKeeper")}},
        {"held": {"before": before(hosts="sql1")}},
        {"held": {"before": before(files=[{"host": "sql1", "path": r"C:\Windows\System32\config\SAM"}])}},
        {"held": {"before": before(files=[{"host": "sql1", "path": FILE.replace("0a1b", "ffff")}])}},
        {"held": {"before": before(files=[{"host": "sql1", "path": rf"D:\x\..\viewkeeper-{RUN}-a.bak"}])}},
        {"held": {"before": before(files=[{"host": "sql1", "path": f"viewkeeper-{RUN}-a.bak"}])}},
        {"held": {"before": before(files=[{"host": "sql1"}])}},
        {"held": {"before": before(files="all")}},
        {"held": {"before": {}}},
        {"folder": "/"},
        {"folder": None},
        {"profile": ".."},
        {"profile": ""},
        {"profile": None},
    ],
    ids=str,
)
def test_a_notice_that_would_remove_what_no_run_makes_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="cannot be taken over"):
        believed(note(tmp_path, **changes), profile(tmp_path))


def test_only_a_runs_own_folder_in_the_repository_is_ever_removed(tmp_path: Path) -> None:
    name = f"2026-11-22T101500Z-{RUN}"
    mine = tmp_path / "repository" / "site" / name
    mine.mkdir(parents=True)
    repository = str(tmp_path / "repository")

    def may(folder: Path | str, run: str = RUN, owner: str = "site") -> bool:
        return is_unfinished_set(str(folder), run, repository, owner)

    assert may(mine)
    assert not may(mine.parent)
    assert not may(mine / "..")
    assert not may(mine.parent / f"x-{RUN}")
    assert not may(mine, run="20261122-101500-ffff")
    assert not may(tmp_path / "site" / name)
    assert not may(mine, owner="other")
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    link = mine.parent / f"2026-11-22T101501Z-{RUN}"
    link.symlink_to(elsewhere, target_is_directory=True)
    assert not may(link)


def test_two_profiles_that_call_the_same_broker_otherwise_share_one_lock(tmp_path: Path) -> None:
    one, other = profile(tmp_path), profile(tmp_path, name="VIEW-CS", address="b1.EXAMPLE")
    assert one.environment != other.environment
    assert one.place == other.place != profile(tmp_path, port=5987).place
    with RunLock(tmp_path, one.place, "one", 1.0):
        assert is_alive(tmp_path, other.place)
        with pytest.raises(Busy), RunLock(tmp_path, other.place, "other", 1.0):
            pytest.fail("both run at once")


def test_practice_stays_the_same_environment_when_its_ports_change(tmp_path: Path) -> None:
    practice = msgspec.structs.replace(profile(tmp_path), practice=True)
    assert practice.place == msgspec.structs.replace(profile(tmp_path, port=1), practice=True).place
