"""T-SQL over the world: what is known is answered as SQL Server does, what is not is refused with its number."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.lab.rows import BackupRecord, ComposerRequest, Database, SqlServer, Vm
from app.lab.sqlserver.instance import Instance
from app.lab.sqlserver.lexer import LONGEST_NAME, quoted, words_of
from app.lab.sqlserver.parser import parse
from app.lab.sqlserver.queries import Queries
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.words import SqlError

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def ask(lab: Any, servers: Any) -> Ask:
    """Run one SELECT as a login; the rows, or SqlError."""

    def run(text: str, login: str = "keeper", server: str = "sql1", database: str = "master") -> list[tuple[Any, ...]]:
        instance = Instance(lab, server)
        who, where = instance.login(login), instance.database(database)
        assert who is not None
        assert where is not None
        seat = instance.seat(who, "host", "tests", "ODBC", encrypted=True, integrated=False)
        *_, statement = parse(text, instance.release)
        result = Queries(Look(instance, seat, where), {}, {}).run(statement.expression.node)  # type: ignore[attr-defined]  # a Query
        return list(result.rows)

    return run


@pytest.fixture
def number(ask: Ask) -> Callable[..., int]:
    """Run what must fail; return the error's number, of the first where there are several."""

    def run(text: str, **named: Any) -> int:
        with pytest.raises(SqlError) as caught:
            ask(text, **named)
        return (caught.value.also or (caught.value,))[0].number

    return run


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT 7 / 2, 7 % 2, -7 / 2, 7.0 / 2", [(3, 1, -3, 3.5)]),
        ("SELECT 'a' + N'b', 'a' + NULL, LEN('ab  '), DATALENGTH(N'ab')", [("ab", None, 2, 4)]),
        ("SELECT CASE WHEN 'A' = 'a ' THEN 1 ELSE 0 END", [(1,)]),
        ("SELECT CASE WHEN 'abc' LIKE '[A-B]_C' THEN 1 ELSE 0 END", [(1,)]),
        ("SELECT CASE WHEN '50%' LIKE '50!%' ESCAPE '!' THEN 1 ELSE 0 END", [(1,)]),
        ("SELECT CASE WHEN 1 = '1' THEN 1 ELSE 0 END", [(1,)]),
        ("SELECT ISNULL(NULL, 'x'), COALESCE(NULL, NULL, 5), NULLIF(1, 1)", [("x", 5, None)]),
        ("SELECT SUBSTRING('abcdef', 2, 3), LEFT('abc', 2), REPLACE('aXa', 'x', 'b')", [("bcd", "ab", "aba")]),
        ("SELECT QUOTENAME('a]b'), CHARINDEX('B', 'abc'), UPPER('ä')", [("[a]]b]", 2, "Ä")]),
        ("SELECT CONVERT(varchar(10), CAST('2012-02-29T10:00:00' AS datetime), 120)", [("2012-02-29",)]),
        ("SELECT DATEDIFF(day, '20120228', '20120301'), MONTH(DATEADD(month, 1, '20120131'))", [(2, 2)]),
        ("SELECT CAST('12' AS int) + 1, CAST(3.9 AS int), CAST('' AS int)", [(13, 3, 0)]),
        ("SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1 DESC", [(2,), (1,)]),
        ("WITH c(x) AS (SELECT database_id FROM sys.databases) SELECT MIN(x), COUNT(*) FROM c WHERE x < 3", [(1, 2)]),
        ("SELECT TOP (2) name FROM sys.databases ORDER BY database_id", [("master",), ("tempdb",)]),
        ("SELECT name FROM sys.databases d WHERE EXISTS (SELECT 1 FROM sys.schemas x WHERE schema_id = database_id)",
         [("master",), ("msdb",)]),
        ("SELECT name FROM sys.databases WHERE database_id IN (1, 2) AND name NOT IN ('TEMPDB')", [("master",)]),
        ("SELECT n FROM (SELECT ROW_NUMBER() OVER (ORDER BY name) AS n FROM sys.databases) AS t WHERE n = 2", [(2,)]),
        ("SELECT DB_ID('MASTER'), DB_NAME(4), DB_ID('nope'), HAS_DBACCESS('nope')", [(1, "msdb", None, None)]),
        ("SELECT IS_SRVROLEMEMBER('sysadmin'), IS_SRVROLEMEMBER('nope'), SUSER_SNAME()", [(1, None, "keeper")]),
        ("SELECT COUNT(*) FROM master..sysnothing WHERE 1 = 0", 208),
        ("SELECT nope FROM sys.databases", 207),
        ("SELECT d.nope FROM sys.databases d", 207),
        ("SELECT x.name FROM sys.databases d", 4104),
        ("SELECT name FROM sys.databases a, sys.databases b", 209),
        ("SELECT 1 FROM sys.databases a, sys.tables a", 1011),
        ("SELECT name, COUNT(*) FROM sys.databases", 8120),
        ("SELECT nope(1)", 195),
        ("SELECT LEN()", 174),
        ("SELECT 1 WHERE 1", 4145),
        ("SELECT 1 / 0", 8134),
        ("SELECT CAST('x' AS int)", 245),
        ("SELECT CAST('x' AS datetime)", 241),
        ("SELECT CAST('x' AS uniqueidentifier)", 8169),
        ("SELECT CAST(300 AS tinyint)", 8115),
        ("SELECT CAST(1 AS nothing)", 2715),
        ("SELECT @x", 137),
        ("SELECT @@nothing", 137),
        ("SELECT * FROM srv.db.dbo.t", 7202),
        ("SELECT *", 263),
        ("SELECT 1 UNION SELECT 1, 2", 205),
        ("SELECT 1 WHERE 1 IN (SELECT 1, 2)", 116),
        ("SELECT GETDATE() + 'x'", 402),
        ("SELECT a FROM (SELECT 1) AS t(a, b)", 8159),
        ("SELECT name FROM (SELECT TOP 1 name FROM sys.databases ORDER BY name) t ORDER BY 5", 108),
        ("SELECT name FROM (SELECT name FROM sys.databases ORDER BY name) t", 1033),
    ],
)  # fmt: skip
def test_selects_answer_as_sql_server_does(ask: Ask, number: Callable[..., int], text: str, rows: Any) -> None:
    if isinstance(rows, int):
        assert number(text) == rows
    else:
        assert ask(text) == rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELEC 1 FROM", 156), ("SELECT 'a", 105), ("SELECT [a", 105), ("SELECT 1 /* a", 113), ("SELECT (1", 102),
        ("SELECT 1 LIMIT 1", 102), ("SELECT 1 FROM t GROUP", 156), ("FROM t", 156), ("SELECT ` FROM t", 102),
        ("SET FOO ON", 195), ("DECLARE @a int = 1", 139), ("DECLARE @a nothing", 2715),
        ("BACKUP DATABASE x TO DISK", 102),
        ("SELECT @a = 1, name FROM sys.databases", 141), ("SELECT 1 AS []", 1038), (f"SELECT [{'x' * 129}]", 103),
        ("BACKUP DATABASE x TO dump", 3206), ("DECLARE @a nvarchar(4001)", 2717), ("BEGIN SELECT 1", 102),
        ("EXEC", 156), ("USE", 156), ("SELECT a || b", 102), ("SELECT a::int", 102),
    ],
)  # fmt: skip
def test_what_cannot_be_parsed_is_refused_before_anything_runs(text: str, expected: int) -> None:
    with pytest.raises(SqlError) as caught:
        parse(text, (9, 0))
    assert caught.value.number == expected


_CHARACTERS = st.characters(codec="utf-8")


@given(st.text(_CHARACTERS, min_size=1, max_size=LONGEST_NAME))
def test_a_quoted_name_is_one_word_whatever_it_holds(name: str) -> None:
    word, end = words_of(quoted(name))
    assert word.value == name
    assert end.text == ""


@given(st.text(_CHARACTERS, max_size=200))
def test_a_quoted_text_is_one_word_whatever_it_holds(text: str) -> None:
    word, _ = words_of("N'" + text.replace("'", "''") + "'")
    assert word.value == text


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(SqlError):
        parse(text, (10, 50))


_WORDS = st.lists(
    st.sampled_from(["SELECT", "FROM", "sys.databases", "name", "(", ")", "*", ",", "WHERE", "=", "'x'", "1", "AS", "a",
                     "ORDER BY", "NOT", "CASE", "WHEN", "END", "UNION", "TOP", "COUNT", "GROUP BY", "@a", "IN", "LIKE",
                     "CAST", "int", "+", "NULL", "."]),
    max_size=14,
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_WORDS)
def test_any_jumble_of_words_is_answered_or_refused(ask: Ask, words: list[str]) -> None:
    with contextlib.suppress(SqlError):
        ask("SELECT " + " ".join(words))


# ---- versions


@pytest.mark.parametrize(
    ("version", "name", "known"),
    [
        ("9.00.5000.00", "ProductVersion", True), ("10.50.4000.0", "IsHadrEnabled", False),
        ("11.0.3000.0", "IsHadrEnabled", True),
        ("14.0.1000.0", "InstanceDefaultBackupPath", False), ("15.0.2000.0", "InstanceDefaultBackupPath", True),
        ("15.0.2000.0", "NoSuchThing", False),
    ],
)  # fmt: skip
def test_a_property_is_null_before_its_version(
    ask: Ask, altered: Any, version: str, name: str, known: bool
) -> None:  # a table
    altered(SqlServer, ("sql1",), version=version)
    [(value,)] = ask(f"SELECT SERVERPROPERTY('{name}')")
    assert (value is not None) == known


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("SELECT compressed_backup_size FROM msdb.dbo.backupset", "9.00.5000.00", 207),
        ("SELECT encryptor_type FROM msdb.dbo.backupset", "11.0.3000.0", 207),
        ("SELECT service_account FROM sys.dm_server_services", "10.0.5500.0", 208),
        ("SELECT name FROM sys.availability_groups", "10.50.4000.0", 208),
        ("SELECT SYSDATETIME()", "9.00.5000.00", 195),
        ("SELECT CAST(1 AS datetime2)", "9.00.5000.00", 2715),
        ("SELECT CONCAT('a', 'b')", "10.50.4000.0", 195),
    ],
)
def test_a_version_refuses_what_it_did_not_know(
    number: Any, altered: Any, text: str, version: str, expected: int
) -> None:
    altered(SqlServer, ("sql1",), version=version)
    assert number(text) == expected


# ---- what the world holds


def test_msdb_tells_of_the_backups_of_this_server_in_its_local_time(ask: Ask, lab: Any) -> None:
    rows = ask("SELECT backup_set_id, backup_start_date, database_name FROM msdb.dbo.backupset ORDER BY backup_set_id")
    records = sorted(lab.world.all(BackupRecord, server="sql1"), key=lambda record: record.id)
    assert [(row[0], row[2]) for row in rows] == [(record.id, record.database) for record in records]
    instance = Instance(lab, "sql1")
    assert rows[0][1] == instance.local(records[0].started).replace(microsecond=0)
    assert ask("SELECT DATEDIFF(minute, GETUTCDATE(), GETDATE())") == [(480,)]


def test_every_backup_has_its_media_family(ask: Ask) -> None:
    joined = (
        "SELECT s.backup_set_id, f.physical_device_name FROM msdb.dbo.backupset AS s"
        " JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id"
    )
    rows = ask(joined)
    assert len(rows) == len(ask("SELECT 1 FROM msdb.dbo.backupset"))
    assert all(path.endswith(".bak") for _, path in rows)


def test_composers_requests_are_those_of_the_world(ask: Ask, lab: Any) -> None:
    before = ask("SELECT ID FROM SVI_REQUEST", database="ViewComposer")
    request = ComposerRequest(
        id="r-1", composer="composer1", operation="recompose", pool="sales-lc", vm="sales-01", state=1, created=1.0
    )
    lab.world.change("tests", "a request", request)
    rows = ask(
        "SELECT ID, OPERATION, POOL_NAME, VM_NAME, STATE, STARTS"
        " FROM [ViewComposer].dbo.[SVI_REQUEST] WHERE STATE IN (0, 1)"
    )
    assert ("r-1", "recompose", "sales-lc", "sales-01", 1, None) in rows
    assert len(ask("SELECT ID FROM SVI_REQUEST", database="ViewComposer")) == len(before) + 1


def test_a_foreign_schema_has_no_table_of_the_known_names(ask: Ask, number: Any, altered: Any) -> None:
    asked = "SELECT TABLE_NAME FROM ViewComposer.INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME LIKE 'SVI[_]%'"
    assert len(ask(asked)) == 6
    altered(Database, ("sql1", "ViewComposer"), schema="foreign")
    assert ask(asked) == []
    assert number("SELECT ID FROM ViewComposer.dbo.SVI_REQUEST") == 208
    assert ask("SELECT TABLE_NAME FROM ViewComposer.INFORMATION_SCHEMA.TABLES")


def test_vcenters_tables_show_its_machines(ask: Ask, lab: Any) -> None:
    assert ask("SELECT COUNT(*) FROM VIM_VCDB.dbo.VPX_VM") == [(len(lab.world.all(Vm, vcenter="vc1")),)]
    assert ask("SELECT COUNT(*) FROM VIM_VCDB.dbo.VPX_VERSION") == [(1,)]


def test_family_guids_are_those_that_backups_carry(ask: Ask, lab: Any) -> None:
    [(guid,)] = ask("SELECT family_guid FROM sys.database_recovery_status WHERE database_id = DB_ID('ViewComposer')")
    assert guid == uuid.UUID(lab.world.require(Database, "sql1", "ViewComposer").family_guid)


# ---- rights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM msdb.dbo.backupset", 229), ("SELECT * FROM ViewComposer.dbo.SVI_REQUEST", 916),
        ("SELECT * FROM sys.dm_exec_connections", 300), ("SELECT * FROM sys.dm_server_services", 300),
    ],
)  # fmt: skip
def test_a_login_without_rights_is_refused(number: Any, text: str, expected: int) -> None:
    assert number(text, login="nobody") == expected


def test_a_backup_operator_reads_no_tables_and_sees_none(ask: Ask, number: Any) -> None:
    assert number("SELECT ID FROM ViewComposer.dbo.SVI_REQUEST", login="operator") == 229
    assert ask("SELECT * FROM ViewComposer.INFORMATION_SCHEMA.TABLES", login="operator") == []


def test_files_of_all_databases_are_seen_by_administrators_only(ask: Ask) -> None:
    assert ask("SELECT * FROM sys.master_files", login="operator") == []
    assert len(ask("SELECT * FROM sys.database_files", login="operator", database="ViewComposer")) == 2
    assert ask("SELECT * FROM sys.master_files")


@pytest.mark.parametrize(
    ("login", "expected"), [("keeper", (1, 1, 1, 1)), ("operator", (1, 1, 1, 0)), ("nobody", (0, 0, 0, 0))]
)
def test_has_perms_by_name_says_what_a_login_may_do(ask: Ask, login: str, expected: tuple[int, ...]) -> None:
    asked = (
        "SELECT HAS_PERMS_BY_NAME(N'[ViewComposer]', N'DATABASE', N'BACKUP DATABASE'),"
        " HAS_PERMS_BY_NAME(N'msdb.dbo.backupset', N'OBJECT', N'SELECT'),"
        " HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE'), HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE')"
    )
    assert ask(asked, login=login) == [expected]


def test_a_permission_on_nothing_is_null(ask: Ask) -> None:
    asked = "SELECT HAS_PERMS_BY_NAME('[nope]', 'DATABASE', 'BACKUP DATABASE'), HAS_PERMS_BY_NAME(NULL, NULL, 'FLY')"
    assert ask(asked) == [(None, None)]
