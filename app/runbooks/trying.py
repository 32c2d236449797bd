"""Whether a system answers as the profile describes it: what "Test connection" asks. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.profile import Broker, Database, Host, SqlServer, VCenter
from app.texts import Text, text

KEY = "connection"
Asked = tuple[str, Callable[[], Observation]]


def try_all(c: Connections) -> Iterator[Observation]:
    """Yield an answer of each system of a profile, and of each database. The profile may hold one system alone.

    A system that could not be looked at is asked nothing more."""
    silent: set[str] = set()
    for system, ask in _asked(c):
        if system in silent:
            continue
        try:
            yield ask()
        except UserError as error:
            silent.add(system)
            yield could_not_look(KEY, error, system)


def _asked(c: Connections) -> Iterator[Asked]:
    profile = c.profile
    brokers = {broker.host.name: broker for broker in profile.brokers}
    for host in {host.name: host for host in (*profile.hosts(), *profile.security_servers)}.values():
        yield f"winrm:{host.name}", partial(_host, c, host)
        if host.name in brokers:
            yield f"winrm:{host.name}", partial(_broker, c, brokers[host.name])
    for vcenter in profile.vcenters:
        yield f"vcenter:{vcenter.name}", partial(_vcenter, c, vcenter)
    for server in {database.server.name: database.server for database in profile.databases()}.values():
        yield f"sql:{server.name}", partial(_server, c, server)
    for database in profile.databases():
        if database.name:
            yield f"sql:{database.server.name}", partial(_database, c, database)


def _host(c: Connections, host: Host) -> Observation:
    about = c.host(host).operating_system()
    named = c.host(host).computer().name
    found = text("Windows answers: {name}, {system} ({version}).", name=named, system=about.caption,
                 version=about.version)  # fmt: skip
    return _passed(found, f"winrm:{host.name}")


def _broker(c: Connections, broker: Broker) -> Observation:
    found = text("View answers: version {version}.", version=c.broker(broker).version())
    return _passed(found, f"winrm:{broker.host.name}")


def _vcenter(c: Connections, vcenter: VCenter) -> Observation:
    about = c.vcenter(vcenter).about()
    c.vcenter(vcenter).clock()  # `about` is told to anybody; the time only to who has logged in
    found = text("vCenter answers: {name} {version}, build {build}.", name=about.name, version=about.version,
                 build=about.build)  # fmt: skip
    return _passed(found, f"vcenter:{vcenter.name}")


def _server(c: Connections, server: SqlServer) -> Observation:
    about = c.database_server(server).about()
    words = text("SQL Server answers: {name}, {edition}, version {version}.", name=about.name, edition=about.edition,
                 version=about.version)  # fmt: skip
    system = f"sql:{server.name}"
    if about.encrypted or not server.encrypt:
        return _passed(words, system)
    return Observation(
        KEY, State.WARNING, text("{words} The connection is not encrypted.", words=words),
        text("An encrypted connection, as the profile asks for"),
        text("This driver cannot insist on it: choose a newer driver, or allow it without encryption."), system,
    )  # fmt: skip


def _database(c: Connections, database: Database) -> Observation:
    facts, system = c.database_server(database.server).facts(database.name), f"sql:{database.server.name}"
    found: Text = text("Database {name}: {state}, recovery model {recovery}.", name=facts.name, state=facts.state,
                       recovery=facts.recovery)  # fmt: skip
    if facts.state.upper() == "ONLINE":
        return _passed(found, system)
    return Observation(
        KEY, State.BLOCKED, found, text("The database must be online."),
        text("See in SQL Server's log why it is not."), system,
    )  # fmt: skip


def _passed(found: Text, system: str) -> Observation:
    return Observation(KEY, State.PASSED, found, system=system)
