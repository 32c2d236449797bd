"""A database that its server backs up straight into the set, over the repository's share."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.context import Context
from app.engine.planning import planning_context
from app.errors import UserError
from app.profile import Database, SqlServer
from app.runbooks.databases import BackUpStraight
from app.texts import text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there a path of this form is asked of a real share")

RUN, SHARE = "20260101-000000-ab12", r"\\nas\sets\p\2026-01-01T000000Z-20260101-000000-ab12"
DATABASE = Database(
    name="events", server=SqlServer(name="sql2", address="sql2", account="vk"), straight_to_repository=True
)
STEP = BackUpStraight("backup/events", text("Back up"), DATABASE)
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Server:
    """What a server does that may write into the share: the file appears where the workstation sees it too."""

    system = "sql:sql2"

    def __init__(self, writes: Callable[[], object]) -> None:
        self.writes = writes
        self.path = ""
        self.read_through = ""

    def backup(self, _database: str, path: str, **_given: Any) -> None:
        self.path = path
        self.writes()

    def recorded(self, _database: str, **_given: Any) -> Any:
        return SimpleNamespace(
            path=self.path, started=WHEN, finished=WHEN, checksums=True, damaged=False, copy_only=True, size=4,
            user="vk", set_id=1,
        )  # fmt: skip

    def may_verify(self) -> bool:
        return True

    def verify_only(self, path: str, **_given: Any) -> None:
        self.read_through = path


def context(server: Server) -> Context:
    around = SimpleNamespace(database_server=lambda _server: server, tap=None)
    return planning_context("e", around, {"folder": SHARE}, run=RUN)


def here(file: str) -> Path:
    return Path(SHARE) / file


def test_its_file_lies_in_the_set_and_is_hashed_from_the_workstation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = Server(lambda: here(before["file"]).write_bytes(b"MTF!"))
    ctx = context(server)
    before = STEP.observe(ctx)
    STEP.act(ctx, before)
    proven = STEP.verify(ctx, before)
    assert server.path == server.read_through == rf"{SHARE}\events\viewkeeper-{RUN}-events.bak"
    assert (proven["file"], proven["size"]) == (f"events/viewkeeper-{RUN}-events.bak", 4)
    assert proven["sha256"] == hashlib.sha256(b"MTF!").hexdigest()
    assert proven["row"]["path"] == proven["path"] == server.path


def test_a_file_that_the_workstation_does_not_see_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = Server(lambda: None)
    ctx = context(server)
    before = STEP.observe(ctx)
    STEP.act(ctx, before)
    with pytest.raises(UserError, match="is not there"):
        STEP.verify(ctx, before)


def test_nothing_is_sent_where_the_sets_folder_has_no_name_on_the_network() -> None:
    ctx = planning_context("e", None, {"folder": "/sets/p/one"}, run=RUN)
    with pytest.raises(UserError, match="No SQL Server can write into"):
        STEP.observe(ctx)
