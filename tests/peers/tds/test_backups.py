"""Clients that others wrote make backups on the practice SQL Servers; one that does not wait for the end finds none."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import mssql_python_odbc
import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytds
import pytest

from app.lab.lab import Lab
from app.lab.rows import BackupRecord, Setting, SqlServer
from app.lab.sqlserver.server import SqlServerServer

ACCOUNT = "vksql"
DATABASES = {"sql1": "ViewComposer", "sql2": "VCDB [alt] 二"}
"""sql1 is a 2008 R2 with TLS 1.2; sql2 a 2005 that encrypts nothing."""


class Client(Protocol):
    """A client of SQL Server that someone else wrote."""

    def run(self, batch: str) -> str:
        """Send the batch, wait for its end, and return all that the server said."""
        ...


class Leaver(Client, Protocol):
    """One that can also go away before the end. python-tds cannot: its execute() waits for it by itself."""

    def leave(self, batch: str) -> None: ...


class Tsql:
    """FreeTDS's own command line."""

    def __init__(self, program: str, lab: Lab, server: SqlServerServer, folder: Path, *, encrypted: bool) -> None:
        self._command = [program, "-S", "practice", "-U", ACCOUNT, "-P", lab.passwords.of(ACCOUNT), "-o", "q"]
        settings = folder / "freetds.conf"
        encryption = "require" if encrypted else "off"
        settings.write_text(
            f"[practice]\nhost = 127.0.0.1\nport = {server.port}\ntds version = auto\nencryption = {encryption}\n"
            "client charset = UTF-8\n",
            "ascii",
        )
        self._environment = {**os.environ, "FREETDSCONF": str(settings), "LC_ALL": "C.UTF-8"}

    def run(self, batch: str) -> str:
        done = self._start()
        out, _ = done.communicate(f"{batch}\ngo\nexit\n", timeout=60)
        return out

    def leave(self, batch: str) -> None:
        process = self._start()
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{batch}\ngo\n")
        process.stdin.flush()
        while "percent" not in (line := process.stdout.readline()):
            assert line, "it ended without a word of the backup's progress"
        process.kill()
        process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command, env=self._environment, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


class PythonTds:
    """python-tds: the protocol written anew in Python, which speaks without TLS here."""

    def __init__(self, lab: Lab, server: SqlServerServer) -> None:
        self._login = {"port": server.port, "user": ACCOUNT, "password": lab.passwords.of(ACCOUNT)}

    def run(self, batch: str) -> str:
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute(batch)
            said = [words(cursor)]
            while cursor.nextset():
                said.append(words(cursor))
            return "\n".join(said)

    def _connected(self) -> Any:
        return contextlib.closing(pytds.connect("127.0.0.1", "master", autocommit=True, pooling=False, **self._login))


class MicrosoftOdbc:
    """Microsoft's own driver, of the newest kind."""

    def __init__(self, lab: Lab, server: SqlServerServer, *, encrypted: bool) -> None:
        folder = Path(mssql_python_odbc.__file__).parent
        driver = next(path for path in folder.rglob("libmsodbcsql-*.so*") if "debian" in str(path))
        self._login = (
            f"DRIVER={{{driver}}};SERVER=tcp:127.0.0.1,{server.port};DATABASE=master;UID={ACCOUNT};"
            f"PWD={{{lab.passwords.of(ACCOUNT)}}};Encrypt={'yes' if encrypted else 'no'};TrustServerCertificate=yes"
        )

    def run(self, batch: str) -> str:
        with self._connected() as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(batch)
            said = [words(cursor)]
            while (more := cursor.nextset()) is True:
                said.append(words(cursor))
            assert more is False, more  # pyodbc returns some errors instead of raising them
            return "\n".join(said)

    def leave(self, batch: str) -> None:
        with self._connected() as connection:
            connection.cursor().execute(batch)

    def _connected(self) -> Any:
        return contextlib.closing(pyodbc.connect(self._login, autocommit=True))


def words(cursor: Any) -> str:
    """Return what the last result said: its rows, and the messages beside it."""
    rows = cursor.fetchall() if cursor.description else []
    return "\n".join([*(str(row) for row in rows), *(str(message[1]) for message in cursor.messages or ())])


@pytest.fixture
def servers(lab: Lab) -> Iterator[dict[str, SqlServerServer]]:
    started = {row.name: SqlServerServer(lab, row.name) for row in lab.world.all(SqlServer)}
    for server in started.values():
        server.start()
    yield started
    for server in started.values():
        server.stop()


Make = Callable[[str, str], Leaver]


@pytest.fixture
def client(lab: Lab, servers: dict[str, SqlServerServer], tmp_path: Path, need: Callable[[str, str], str]) -> Make:
    """Make the client of that name, connected to the server of that name: encrypted where the server can."""

    def make(name: str, server: str) -> Any:
        encrypted = server == "sql1"
        if name == "tsql":
            return Tsql(need("tsql", "tsql"), lab, servers[server], tmp_path, encrypted=encrypted)
        if name == "microsoft":
            return MicrosoftOdbc(lab, servers[server], encrypted=encrypted)
        return PythonTds(lab, servers[server])

    return make


def backup_batch(lab: Lab, server: str, name: str) -> str:
    database = DATABASES[server].replace("]", "]]")
    return (
        f"BACKUP DATABASE [{database}] TO DISK=N'{backup_path(lab, server)}' "
        f"WITH COPY_ONLY, CHECKSUM, INIT, NAME=N'{name}', STATS=10"
    )


def backup_path(lab: Lab, server: str) -> str:
    return lab.world.require(SqlServer, server).backup_folder + "\\peer.bak"


def recorded(name: str) -> str:
    return f"SELECT name, has_backup_checksums, is_damaged FROM msdb.dbo.backupset WHERE name = N'{name}'"


@pytest.mark.parametrize("server", DATABASES)
@pytest.mark.parametrize("name", ["tsql", "python-tds", "microsoft"])
def test_a_backup_that_is_waited_for_is_recorded_and_its_file_is_there(
    lab: Lab, client: Make, name: str, server: str
) -> None:
    said = client(name, server).run(backup_batch(lab, server, "by a peer"))
    assert [f"{percent} percent processed." in said for percent in range(10, 101, 10)] == [True] * 10
    assert "by a peer" in client(name, server).run(recorded("by a peer"))
    (record,) = lab.world.all(BackupRecord, server=server, set_name="by a peer")
    assert (record.database, record.checksums, record.damaged) == (DATABASES[server], True, False)
    host = lab.world.require(SqlServer, server).host
    file = lab.world.file(host, backup_path(lab, server))
    assert file is not None
    assert file.size > 0


@pytest.mark.parametrize("server", DATABASES)
@pytest.mark.parametrize("name", ["tsql", "microsoft"])
def test_a_backup_whose_client_goes_away_leaves_no_row(lab: Lab, client: Make, name: str, server: str) -> None:
    lab.world.change("test", "backups take their time", Setting(name="pace", value="1"))
    client(name, server).leave(backup_batch(lab, server, "left"))
    lab.world.change("test", "nothing takes time", Setting(name="pace", value="0"))
    assert "left" not in client(name, server).run(recorded("left"))
    client(name, server).run(backup_batch(lab, server, "waited for"))  # it holds nothing that keeps others from theirs
    assert [row.set_name for row in lab.world.all(BackupRecord, server=server) if row.path.endswith("peer.bak")] == [
        "waited for"
    ]


@pytest.mark.parametrize("name", ["tsql", "python-tds", "microsoft"])
def test_what_the_server_refuses_each_client_is_told(lab: Lab, client: Make, name: str) -> None:
    try:
        said = client(name, "sql1").run("BACKUP DATABASE [No such] TO DISK=N'C:\\x.bak' WITH COPY_ONLY")
    except (pytds.DatabaseError, pyodbc.Error) as error:
        said = str(error)
    assert "No such" in said
