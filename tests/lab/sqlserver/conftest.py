"""SQL Servers of the practice environment, and ODBC drivers that nobody here wrote, run against them."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytest

from app.lab.lab import Lab
from app.lab.rows import Account, BackupRecord, Fault
from app.lab.sqlserver.server import SqlServerServer

BACKUPS = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"
pyodbc.pooling = False


def microsoft_driver() -> str:
    """Return the path of Microsoft's ODBC driver, which a package brings for tests."""
    found = importlib.util.find_spec("mssql_python_odbc")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "libs" / "linux" / "debian_ubuntu" / "x86_64" / "lib"
    return str(next(folder.glob("libmsodbcsql-*.so*")))


class Client:
    """Connects to a server of the lab as some account, through some driver."""

    def __init__(self, lab: Lab, servers: dict[str, SqlServerServer]) -> None:
        self.lab, self.servers = lab, servers
        self._open: list[pyodbc.Connection] = []

    def connect(
        self, driver: str = "FreeTDS 7.4", server: str = "sql1", account: str = "keeper", *,
        password: str | None = None, autocommit: bool = True, more: str = "",
    ) -> pyodbc.Connection:  # fmt: skip
        """Return an open connection; it is closed at the end of the test."""
        port = self.servers[server].port
        password = self.lab.passwords.of(account) if password is None else password
        name, _, version = driver.partition(" ")
        words = f"UID={account};PWD={{{password}}};{more}"
        if name == "FreeTDS":
            words = (
                f"DRIVER={{FreeTDS}};SERVER=127.0.0.1;PORT={port};TDS_Version={version};ClientCharset=UTF-8;" + words
            )
        else:
            encrypt = version or "yes"
            words = (
                f"DRIVER={{{microsoft_driver()}}};SERVER=127.0.0.1,{port};Encrypt={encrypt};TrustServerCertificate=yes;"
                + words
            )  # one connection string
        connection = pyodbc.connect(words, autocommit=autocommit, timeout=10)
        self._open.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._open:
            if not connection.closed:
                connection.close()


@pytest.fixture
def servers(lab: Lab) -> Iterator[dict[str, SqlServerServer]]:
    """Both SQL Servers, with a login of an administrator, one of a backup operator and one of nobody."""
    world = lab.world
    world.change(
        "tests", "logins",
        Account(name="keeper", sql_roles=("sysadmin",)),
        Account(name="operator", sql_roles=("db_backupoperator", "db_datareader:msdb", "view server state")),
        Account(name="nobody", sql_roles=("public",)),
        Account(name="stranger"),
    )  # fmt: skip
    found = {name: SqlServerServer(lab, name) for name in ("sql1", "sql2")}
    for server in found.values():
        server.start()
    yield found
    for server in found.values():
        server.stop()


@pytest.fixture
def client(lab: Lab, servers: dict[str, SqlServerServer]) -> Iterator[Client]:
    found = Client(lab, servers)
    yield found
    found.close()


def drained(connection: pyodbc.Connection, batch: str, *values: Any) -> tuple[list[Any], list[int]]:
    """Run a batch to its very end; return its rows and the numbers of its messages. The first error is raised."""
    cursor = connection.cursor()
    cursor.execute(batch, *values)
    rows: list[Any] = []
    numbers: list[int] = []
    while True:
        numbers += [int(kind.rpartition("(")[2].rstrip(")")) for kind, _ in cursor.messages or ()]
        if cursor.description:
            rows += [tuple(row) for row in cursor.fetchall()]
        more: Any = cursor.nextset()
        if isinstance(more, BaseException):
            raise more
        if not more:
            cursor.close()
            return rows, numbers


@pytest.fixture
def run() -> Callable[..., tuple[list[Any], list[int]]]:
    return drained


def number_of(error: BaseException) -> int:
    """Return the first message number that an ODBC error carries."""
    import re

    found = re.search(r"\((\d+)\) \(SQL", str(error))
    return int(found[1]) if found else 0


@pytest.fixture
def refused() -> Callable[..., int]:
    """Run what must fail; return the number of its first error."""

    def run(connection: pyodbc.Connection, batch: str, *values: Any) -> int:
        with pytest.raises(pyodbc.Error) as caught:
            drained(connection, batch, *values)
        return number_of(caught.value)

    return run


@pytest.fixture
def not_let_in(client: Client) -> Callable[..., int]:
    """Log in where it must fail; return the number of the error."""

    def log_in(*arguments: Any, **named: Any) -> int:
        with pytest.raises(pyodbc.Error) as caught:
            client.connect(*arguments, **named)
        return number_of(caught.value)

    return log_in


@pytest.fixture
def backup_batch() -> Callable[..., str]:
    """Return the batch of a backup as the program sends it."""

    def batch(
        database: str = "ViewComposer", file: str = "one.bak", *, name: str = "run 1",
        more: str = "COPY_ONLY, CHECKSUM, INIT",
    ) -> str:  # fmt: skip
        def text(value: str) -> str:
            return "N'" + value.replace("'", "''") + "'"

        path = file if "\\" in file else f"{BACKUPS}\\{file}"
        return (
            "DECLARE @name nvarchar(128), @path nvarchar(260), @set nvarchar(128);"
            f" SET @name = {text(database)}; SET @path = {text(path)}; SET @set = {text(name)};"
            f" BACKUP DATABASE @name TO DISK = @path WITH {more}, NAME = @set, STATS = 10"
        )

    return batch


@pytest.fixture
def ours(lab: Lab) -> Callable[..., list[BackupRecord]]:
    """Return msdb's rows of the backups that a test has made."""

    def found(name: str = "run 1", server: str = "sql1") -> list[BackupRecord]:
        return [record for record in lab.world.all(BackupRecord, server=server) if record.set_name == name]

    return found


@pytest.fixture
def fault(lab: Lab) -> Callable[..., None]:
    """Let a server meet a fault."""

    def put(
        kind: str, call: str = "*BACKUP DATABASE*", *, system: str = "sql:sql1", times: int = -1, detail: str = ""
    ) -> None:
        lab.world.change(
            "tests",
            "a fault",
            Fault(id=f"{kind} {call}", system=system, call=call, kind=kind, times=times, detail=detail),
        )  # one row

    return put


@pytest.fixture
def altered(lab: Lab) -> Callable[..., None]:
    """Change the row of a server or database."""

    def alter(table: Any, key: tuple[str, ...], **fields: Any) -> None:
        row = lab.world.require(table, *key)
        lab.world.change("tests", "another row", msgspec.structs.replace(row, **fields))

    return alter


@pytest.fixture
def tsql(lab: Lab, servers: dict[str, SqlServerServer]) -> Callable[[str], str]:
    """Run a batch through FreeTDS's tsql; return all that it printed."""

    def run(batch: str) -> str:
        port, password = str(servers["sql1"].port), lab.passwords.of("keeper")
        command = ["tsql", "-H", "127.0.0.1", "-p", port, "-U", "keeper", "-P", password]
        done = subprocess.run(command, input=f"{batch}\ngo\n", capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    return run
