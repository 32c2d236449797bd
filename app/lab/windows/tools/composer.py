"""sviconfig: Composer's own exportdata and restoredata. The codes are remembered, not documented."""

from __future__ import annotations

import msgspec

from app.lab.rows import Account, ComposerRequest, SqlServer
from app.lab.windows import services
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.host import Host, HostError
from app.lab.windows.job import ToolError

FOLDER = r"C:\Program Files (x86)\VMware\VMware View Composer"
SECONDS = 5.0
NO_DSN, BAD_CREDENTIALS, UNEXPECTED, IN_USE, RESTORE_FAULT, CANNOT_CONNECT, CANNOT_OPEN = 1, 2, 4, 14, 15, 18, 24
_DSN = r"HKLM\SOFTWARE\Wow6432Node\ODBC\ODBC.INI"


class _Saved(msgspec.Struct):
    """What a file of exportdata holds."""

    composer: str
    database: str
    requests: list[ComposerRequest]


def sviconfig(console: Console, line: CommandLine) -> int:
    """Run -operation=exportdata or restoredata. Its exit code names the fault."""
    wish = dict(_option(word) for word in line.arguments)
    operation = wish.pop("operation", "").lower()
    if operation not in ("exportdata", "restoredata") or wish.keys() != {
        "dsnname",
        "username",
        "password",
        "backupfilepath",
    }:
        raise ToolError(UNEXPECTED, "The command line is not valid.")
    _ready(console, wish)
    console.out(f"Starting operation {operation}...")
    console.job.takes(SECONDS)
    (_save if operation == "exportdata" else _restore)(console, console.path(wish["backupfilepath"]))
    console.out(f"Operation {operation} completed successfully.")
    return 0


def _option(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not word.startswith("-") or not equals:
        raise ToolError(UNEXPECTED, "The command line is not valid.")
    return name[1:].lower(), value


def _ready(console: Console, wish: dict[str, str]) -> None:
    host = console.host
    composer, dsn = host.composer, host.registry(f"{_DSN}\\{wish['dsnname']}")
    if composer is None or dsn is None:
        raise ToolError(NO_DSN, "The data source name was not found.")
    service = services.find(host, "svid")
    if service is not None and service.state != services.STOPPED:
        raise ToolError(IN_USE, "The View Composer service is running. Stop it first.")
    server = services.find(Host(host.lab, _sql_host(host, composer.sql_server)), "MSSQLSERVER")
    if server is None or server.state != services.RUNNING:
        raise ToolError(CANNOT_CONNECT, "Unable to connect to the database.")
    login = next((row for row in host.world.all(Account) if row.name.lower() == wish["username"].lower()), None)
    if login is None or console.job.met("wrong-password") or not host.lab.passwords.right(login.name, wish["password"]):
        raise ToolError(BAD_CREDENTIALS, "The database login credentials are not valid.")


def _sql_host(host: Host, server: str) -> str:
    return host.world.require(SqlServer, server).host


def _save(console: Console, path: str) -> None:
    composer = console.host.composer
    assert composer is not None
    requests = console.host.world.all(ComposerRequest, composer=composer.host)
    content = msgspec.json.encode(_Saved(composer.host, composer.database, requests))
    try:
        console.host.write(console.job, f"Composer's data exported to {path}", path, content)
    except HostError as error:
        raise ToolError(CANNOT_OPEN, "Unable to open the backup file.") from error


def _restore(console: Console, path: str) -> None:
    composer = console.host.composer
    assert composer is not None
    try:
        saved = msgspec.json.decode(console.host.read(path), type=_Saved)
    except HostError as error:
        raise ToolError(CANNOT_OPEN, "Unable to open the backup file.") from error
    except msgspec.MsgspecError as error:
        raise ToolError(RESTORE_FAULT, "The backup file is not valid.") from error
    now = console.host.world.all(ComposerRequest, composer=composer.host)
    kept = {request.id for request in saved.requests}
    console.host.commit(
        console.job,
        f"Composer's data restored from {path}",
        *saved.requests,
        drop=[request for request in now if request.id not in kept],
    )
