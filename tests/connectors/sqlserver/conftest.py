"""The practice environment's SQL Servers, and the drivers of this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import profile
from app.connectors.sqlserver import SqlServer, installed_drivers
from app.lab.lab import Lab
from app.lab.rows import Account, Fault
from app.lab.sqlserver.server import SqlServerServer
from app.wire import Command

Connect = Callable[..., SqlServer]


def microsofts_driver() -> str | None:
    """Return the file of Microsoft's driver that a wheel brings for Linux, or None."""
    spec = importlib.util.find_spec("mssql_python_odbc")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("libs/linux/debian_ubuntu/*/lib/libmsodbcsql-*.so*"))
    return str(found[0]) if found else None


def freetds() -> str | None:
    """Return FreeTDS as this machine knows it, or None."""
    return next((name for name in installed_drivers() if "freetds" in name.lower() or "libtdsodbc" in name), None)


DRIVERS = {"freetds": freetds, "microsoft": microsofts_driver}


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest) -> str:
    """Every driver that the tests know, one after the other."""
    found = DRIVERS[request.param]()
    if found is None:
        pytest.skip(f"the driver {request.param} is not installed here")
    return found


@pytest.fixture
def servers(lab: Lab) -> Iterator[dict[str, SqlServerServer]]:
    """Both SQL Servers of the practice environment, listening."""
    both = {name: SqlServerServer(lab, name) for name in ("sql1", "sql2")}
    for server in both.values():
        server.start()
    yield both
    for server in both.values():
        server.stop()


@pytest.fixture
def sent() -> list[Command]:
    """What a connector says it sends, in order."""
    return []


@pytest.fixture
def connect(lab: Lab, servers: dict[str, SqlServerServer], sent: list[Command]) -> Iterator[Connect]:
    """Connect to a server of the practice environment, as an account of it."""
    opened: list[SqlServer] = []
    lab.world.change("test", "a SQL login", Account(name="administrator", sql_roles=("sysadmin",)))

    def to(
        name: str = "sql1", account: str = "administrator", driver: str = "", password: str | None = None
    ) -> SqlServer:
        where = profile.SqlServer(
            name=name, address="127.0.0.1", port=servers[name].port, account=account, driver=driver,
            encrypt=name == "sql1",
        )  # fmt: skip
        known = lab.passwords.of(account) if password is None else password
        opened.append(SqlServer(where, known, tap=sent.append))
        return opened[-1]

    yield to
    for one in opened:
        one.close()


@pytest.fixture
def fault(lab: Lab) -> Callable[..., None]:
    """Order a fault from the practice environment."""

    def order(kind: str, call: str, *, system: str = "sql:sql1", times: int = -1, detail: str = "") -> None:
        row = Fault(id=f"{kind} {call}", system=system, call=call, kind=kind, times=times, detail=detail)
        lab.world.change("test", f"fault {kind} ordered", row)

    return order
