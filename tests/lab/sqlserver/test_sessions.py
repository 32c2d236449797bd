"""Logins, batches, procedures, faults of looks, and the wire log."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytest

from app.lab.rows import Database

BACKUPS = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"


@pytest.mark.parametrize("driver", ["FreeTDS 7.4", "Microsoft"])
@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ({"password": "wrong"}, 18456),
        ({"account": "unknown"}, 18456),
        ({"account": "stranger"}, 18456),
        ({"account": "nobody", "more": "DATABASE=ViewComposer"}, 4060),
        ({"more": "DATABASE=nope"}, 4060),
    ],
)
def test_who_may_not_come_in_is_told_why(not_let_in: Any, driver: str, arguments: dict[str, str], number: int) -> None:
    told_first = 18456 if driver.startswith("FreeTDS") else number  # FreeTDS puts the graver of two errors first
    assert not_let_in(driver, **arguments) == told_first


def test_an_integrated_login_with_a_wrong_password_is_refused(not_let_in: Any) -> None:
    assert not_let_in("FreeTDS 7.4", account="PRACTICE\\viewkeeper", password="wrong") in (18452, 18456)


def test_an_account_without_a_login_is_refused_although_its_password_is_right(not_let_in: Any) -> None:
    assert not_let_in("FreeTDS 7.4", account="PRACTICE\\auditor") == 18456


def test_a_login_starts_in_the_database_that_it_asked_for(client: Any, run: Any) -> None:
    assert run(client.connect("Microsoft", more="DATABASE=ViewComposer"), "SELECT DB_NAME()")[0] == [("ViewComposer",)]


def test_variables_live_as_long_as_their_batch(client: Any, run: Any, refused: Any) -> None:
    connection = client.connect()
    batch = (
        "DECLARE @a int, @b nvarchar(3); SET @a = 5; SELECT @b = name FROM sys.databases WHERE database_id = 1;"
        " SELECT @a, @b"
    )
    assert run(connection, batch)[0] == [(5, "mas")]
    assert refused(connection, "SELECT @a") == 137


def test_a_batch_with_a_broken_statement_does_nothing(client: Any, refused: Any, ours: Any, backup_batch: Any) -> None:
    assert refused(client.connect(), backup_batch() + "; SELECT FROM WHERE") in (102, 156)
    assert not ours()


def test_conditions_choose(client: Any, run: Any) -> None:
    batch = (
        "IF DB_ID('master') IS NULL SELECT 'no' ELSE BEGIN SELECT 'yes' SELECT 'indeed' END; IF 1 = 0 SELECT 'never'"
    )
    assert run(client.connect(), batch)[0] == [("yes",), ("indeed",)]


def test_use_changes_the_database_for_the_session(client: Any, run: Any, refused: Any) -> None:
    connection = client.connect()
    run(connection, "USE ViewComposer")
    assert run(connection, "SELECT DB_NAME(), (SELECT COUNT(*) FROM SVI_VM_NAME)")[0][0][0] == "ViewComposer"
    assert refused(connection, "USE [nope]") == 911
    assert refused(client.connect("Microsoft", account="nobody"), "USE ViewComposer") == 916


def test_the_registry_names_the_backup_folder(client: Any, run: Any) -> None:
    call = (
        "EXEC master.dbo.xp_instance_regread N'HKEY_LOCAL_MACHINE',"
        r" N'Software\Microsoft\MSSQLServer\MSSQLServer', N'BackupDirectory'"
    )
    connection = client.connect()
    assert run(connection, call)[0] == [("BackupDirectory", BACKUPS)]
    assert run(connection, f"DECLARE @x nvarchar(260); {call}, @x OUTPUT; SELECT @x")[0] == [(BACKUPS,)]


def test_a_file_is_seen_by_administrators_only(client: Any, run: Any, backup_batch: Any) -> None:
    asked = f"EXEC master.dbo.xp_fileexist N'{BACKUPS}\\one.bak'"
    connection = client.connect()
    assert run(connection, asked)[0] == [(0, 0, 1)]
    run(connection, backup_batch())
    assert run(connection, asked)[0] == [(1, 0, 1)]
    assert run(connection, f"EXEC master.dbo.xp_fileexist N'{BACKUPS}'")[0] == [(0, 1, 1)]
    assert run(client.connect(account="operator"), asked)[0] == [(0, 0, 0)]


def test_sp_executesql_runs_a_text_with_its_own_variables(client: Any, run: Any) -> None:
    batch = (
        "DECLARE @out int; EXEC sp_executesql N'SELECT @o = COUNT(*) FROM sys.databases WHERE database_id <= @n',"
        " N'@n int, @o int OUTPUT', @n = 4, @o = @out OUTPUT; SELECT @out"
    )
    assert run(client.connect(), batch)[0] == [(4,)]


@pytest.mark.parametrize(
    ("batch", "number"),
    [
        ("EXEC nope", 2812), ("nope", 2812), ("EXEC master.dbo.xp_cmdshell 'dir'", 15281),
        ("EXEC xp_fixeddrives", 2812),
        ("INSERT INTO dbo.SVI_VM_NAME VALUES (1)", 40510), ("DBCC CHECKDB", 40510),
        ("DROP DATABASE ViewComposer", 40510),
        ("BACKUP LOG ViewComposer TO DISK = 'x'", 40510), ("COMMIT", 3902),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused(client: Any, refused: Any, batch: str, number: int) -> None:
    assert refused(client.connect(), batch) == number


@pytest.mark.skipif(shutil.which("tsql") is None, reason="FreeTDS's tsql is not installed")
@pytest.mark.parametrize(
    ("error", "goes_on"), [("EXEC nope", True), ("SELECT 1/0", True), ("SELECT * FROM nope", False)]
)
def test_after_some_errors_a_batch_goes_on(tsql: Any, error: str, goes_on: bool) -> None:
    assert ("\n55555\n" in tsql(f"SELECT 1; {error}; SELECT 55555")) == goes_on


def test_a_session_sees_only_itself_without_view_server_state(client: Any, run: Any) -> None:
    other = client.connect()
    assert len(run(other, "SELECT * FROM sys.dm_exec_sessions")[0]) == 1
    alone = client.connect(account="nobody")
    assert len(run(alone, "SELECT * FROM sys.dm_exec_sessions")[0]) == 1
    assert len(run(other, "SELECT * FROM sys.dm_exec_sessions")[0]) == 2


def test_encryption_is_shown_for_each_session(client: Any, run: Any) -> None:
    asked = "SELECT encrypt_option, auth_scheme FROM sys.dm_exec_connections WHERE session_id = @@SPID"
    assert run(client.connect("Microsoft yes"), asked)[0] == [("TRUE", "SQL")]
    assert run(client.connect("Microsoft no"), asked)[0] == [("FALSE", "SQL")]
    assert run(client.connect("FreeTDS 7.4", account="PRACTICE\\viewkeeper"), asked)[0] == [("FALSE", "NTLM")]


# ---- faults


@pytest.mark.parametrize(("kind", "number"), [("wrong-password", 18456), ("fail", 17187)])
def test_a_login_meets_its_faults(not_let_in: Any, client: Any, fault: Any, kind: str, number: int) -> None:
    fault(kind, "LOGIN keeper", times=1)
    assert not_let_in("Microsoft") == number
    client.connect("Microsoft")


@pytest.mark.parametrize("kind", ["refuse", "drop"])
def test_a_refused_connection_is_closed(client: Any, fault: Any, kind: str) -> None:
    fault(kind, "LOGIN*", times=1)
    with pytest.raises(pyodbc.Error):
        client.connect("FreeTDS 7.4", more="ConnectRetryCount=0")
    client.connect("FreeTDS 7.4")


@pytest.mark.parametrize(("kind", "state"), [("fail", 701), ("drop", 0), ("lose-answer", 0)])
def test_a_question_meets_its_faults(client: Any, run: Any, fault: Any, kind: str, state: int) -> None:
    fault(kind, "SELECT 5*", times=1)
    connection = client.connect("Microsoft")
    with pytest.raises(pyodbc.Error) as caught:
        run(connection, "SELECT 5")
    assert (f"({state})" in str(caught.value)) == (state != 0)
    assert run(client.connect(), "SELECT 5")[0] == [(5,)]


def test_a_hanging_question_ends_by_the_clients_time_out(client: Any, run: Any, fault: Any) -> None:
    fault("hang", "SELECT 5*")
    connection = client.connect()
    connection.timeout = 1
    with pytest.raises(pyodbc.Error):
        run(connection, "SELECT 5")
    assert run(connection, "SELECT 6")[0] == [(6,)]


# ---- the wire log, and the world's events


def test_the_wire_log_holds_what_was_sent_word_for_word(client: Any, run: Any, lab: Any, backup_batch: Any) -> None:
    connection = client.connect()
    run(connection, "SELECT name FROM sys.databases WHERE name = ?", "master")
    run(connection, backup_batch())
    lines = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines()]
    assert {"system": "sql:sql1", "text": "LOGIN keeper", "changes": False}.items() <= lines[0].items()
    assert any(line["text"].endswith(" -- @p1=master") or line["text"].endswith(" -- @P1=master") for line in lines)
    assert [line["text"] for line in lines if line["changes"]] == [backup_batch()]
    assert lab.passwords.of("keeper") not in (lab.folder / "wire.jsonl").read_text("utf-8")


def test_looking_changes_nothing_in_the_world(client: Any, run: Any, lab: Any) -> None:
    connection = client.connect()
    before = len(lab.world.events)
    run(connection, "SELECT * FROM sys.databases; SELECT * FROM msdb.dbo.backupset; EXEC master..xp_fixeddrives")
    assert len(lab.world.events) == before


def test_a_backup_is_one_event(client: Any, run: Any, lab: Any, backup_batch: Any) -> None:
    before = len(lab.world.events)
    run(client.connect(), backup_batch())
    [event] = lab.world.events[before:]
    assert event.by == "sql:sql1"
    assert {type(row).__name__ for row in event.put} == {"BackupRecord", "HostFile", "WindowsHost"}


def test_a_database_that_goes_is_left_for_master(client: Any, run: Any, lab: Any) -> None:
    row = Database(server="sql1", name="Brief")
    lab.world.change("tests", "a database", row)
    connection = client.connect()
    run(connection, "USE Brief")
    lab.world.change("tests", "no database", drop=[row])
    assert run(connection, "SELECT DB_NAME()")[0] == [("master",)]
