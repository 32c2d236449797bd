"""Clients that others wrote, in every version of TDS that they speak, with and without encryption."""

from __future__ import annotations

import datetime
import shutil
from decimal import Decimal
from typing import Any

import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytest

from app.lab.rows import SqlServer

MANY = (
    "SELECT N'hé中文', CAST(N'x' AS nvarchar(max)), CAST('2012-03-04T05:06:07' AS datetime), CAST(1 AS bit),"
    " CAST('1.25' AS decimal(10, 2)), 0x0102, CAST(0x03 AS varbinary(max)), NULL, CAST(1.5 AS float), CAST(7 AS bigint)"
)
VALUES = ("hé中文", "x", datetime.datetime(2012, 3, 4, 5, 6, 7), True, Decimal("1.25"), b"\1\2", b"\3", None, 1.5, 7)  # noqa: DTZ001  # as datetime is


@pytest.mark.parametrize(
    "driver", ["FreeTDS 7.1", "FreeTDS 7.2", "FreeTDS 7.3", "FreeTDS 7.4", "Microsoft yes", "Microsoft no"]
)
def test_every_type_reaches_every_client(client: Any, run: Any, driver: str) -> None:
    assert run(client.connect(driver), MANY)[0] == [VALUES]


@pytest.mark.parametrize("driver", ["FreeTDS 7.0", "FreeTDS 7.1", "FreeTDS 7.2", "FreeTDS 7.4", "Microsoft no"])
def test_2005_is_reached_without_encryption(client: Any, run: Any, driver: str) -> None:
    connection = client.connect(driver, "sql2")
    assert connection.getinfo(pyodbc.SQL_DBMS_VER) == "09.00.5000"
    assert run(connection, "SELECT name FROM sys.databases WHERE database_id = 5")[0] == [("VCDB [alt] 二",)]


def test_2005_refuses_to_encrypt(client: Any, not_let_in: Any) -> None:
    assert not_let_in("Microsoft yes", "sql2") == 20  # the driver's own: encryption not supported
    with pytest.raises(pyodbc.Error):
        client.connect("FreeTDS 7.2", "sql2", more="Encryption=require")


@pytest.mark.parametrize("driver", ["FreeTDS 7.4", "Microsoft"])
@pytest.mark.parametrize(
    "value",
    [
        "中文",
        "it's",
        "a]b",
        "",
        "x" * 5000,
        5,
        -(2**40),
        1.5,
        True,
        None,
        Decimal("12.50"),
        b"\0\1",
        datetime.datetime(2012, 3, 4),  # noqa: DTZ001  # as datetime is
    ],  # one list
)
def test_parameters_arrive_as_values(client: Any, run: Any, driver: str, value: Any) -> None:
    assert run(client.connect(driver), "SELECT ? AS given", value)[0] == [(value,)]


@pytest.mark.parametrize("driver", ["FreeTDS 7.4", "Microsoft"])
def test_a_prepared_statement_runs_again(client: Any, driver: str) -> None:
    cursor = client.connect(driver).cursor()
    for name, number in (("master", 1), ("msdb", 4), ("nope", None)):
        row = cursor.execute("SELECT database_id FROM sys.databases WHERE name = ?", name).fetchone()
        assert (row[0] if row else None) == number


def test_whole_answers_of_many_rows_arrive(client: Any, run: Any) -> None:
    numbers = " CROSS JOIN ".join(f"(SELECT database_id AS n FROM sys.databases) AS t{place}" for place in range(4))
    rows, _ = run(client.connect("Microsoft"), f"SELECT t0.n, t1.n, REPLACE('{'x' * 40}', 'x', N'中') FROM {numbers}")
    assert len(rows) == 9**4 or len(rows) == 8**4


def test_integrated_logins_are_practice_accounts(client: Any, run: Any) -> None:
    connection = client.connect("FreeTDS 7.4", account="PRACTICE\\viewkeeper")
    assert run(connection, "SELECT SUSER_SNAME(), IS_SRVROLEMEMBER('sysadmin')")[0] == [("PRACTICE\\viewkeeper", 1)]


def test_python_tds_reads_a_backup_to_its_end(servers: Any, lab: Any, backup_batch: Any, ours: Any) -> None:
    import pytds

    password = lab.passwords.of("keeper")
    with (
        pytds.connect(
            "127.0.0.1", port=servers["sql1"].port, user="keeper", password=password, autocommit=True
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(backup_batch())
        while cursor.nextset():
            pass
    assert len(ours()) == 1


@pytest.mark.skipif(shutil.which("tsql") is None, reason="FreeTDS's tsql is not installed")
def test_tsql_runs_a_backup(tsql: Any, backup_batch: Any, ours: Any) -> None:
    assert "100 percent processed" in tsql(backup_batch())
    assert len(ours()) == 1


@pytest.mark.parametrize("driver", ["FreeTDS 7.4", "Microsoft"])
def test_a_query_timeout_ends_what_takes_too_long(client: Any, run: Any, driver: str) -> None:
    connection = client.connect(driver)
    connection.timeout = 1
    with pytest.raises(pyodbc.Error) as caught:
        connection.cursor().execute("WAITFOR DELAY '00:10:00'")
    assert caught.value.args[0] == "HYT00"
    assert run(connection, "SELECT 1")[0] == [(1,)]


def test_messages_are_in_the_language_of_the_site(client: Any, altered: Any, backup_batch: Any) -> None:
    altered(SqlServer, ("sql1",), language="Simplified Chinese")
    cursor = client.connect("Microsoft").cursor()
    cursor.execute(backup_batch())
    assert "已处理百分之 10。" in cursor.messages[0][1]
    while cursor.nextset():
        assert "percent" not in str(cursor.messages)
    with pytest.raises(pyodbc.Error, match=r"对象名 'nope' 无效。.*\(208\)"):
        cursor.execute("SELECT * FROM nope")


def test_many_connections_work_side_by_side(client: Any) -> None:
    cursors = [client.connect(driver).cursor() for driver in ("FreeTDS 7.4", "Microsoft") * 10]
    for cursor in cursors:
        cursor.execute("SELECT @@SPID")
    assert len({cursor.fetchone()[0] for cursor in cursors}) == len(cursors)


def test_the_certificate_is_the_one_that_the_lab_has_now(client: Any, run: Any, lab: Any) -> None:
    certificate, _ = lab.certificates.of("sql:sql1")
    trusted = f"TrustServerCertificate=no;ServerCertificate={certificate}"
    run(client.connect("Microsoft", more=trusted), "SELECT 1")
