"""What is typed into the description of an environment, kept as it was typed; to a profile and back. Imports no Qt.

Rows refer to each other as objects, so that one host or SQL Server that several rows use is one, whatever its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

from app.observation import State
from app.profile import (
    PRACTICE,
    UNSAFE_NAME,
    Answers,
    Authentication,
    Broker,
    Composer,
    Database,
    FilesBy,
    Host,
    ImageBackup,
    Options,
    Profile,
    SqlServer,
    VCenter,
    check,
)  # fmt: skip
from app.texts import Text, text


@dataclass(eq=False)
class HostRow:
    """A Windows host as it is typed."""

    name: str = ""
    address: str = ""
    port: str = "5986"
    tls: bool = True
    authentication: str = "ntlm"
    account: str = ""


@dataclass(eq=False)
class ServerRow:
    """A SQL Server as it is typed; `host` None: its files cannot be fetched."""

    name: str = ""
    address: str = ""
    port: str = "1433"
    account: str = ""
    host: HostRow | None = None
    driver: str = ""
    encrypt: bool = True


@dataclass(eq=False)
class DatabaseRow:
    """A database as it is typed. Not `wanted`: it is left out of the profile."""

    name: str = ""
    server: ServerRow | None = None
    backed_up_by: str = "program"
    folder: str = ""
    straight_to_repository: bool = False
    wanted: bool = True


@dataclass(eq=False)
class BrokerRow:
    """A Connection Server as it is typed."""

    host: HostRow = field(default_factory=HostRow)
    role: str = "standard"
    tools: str = r"C:\Program Files\VMware\VMware View\Server\tools\bin"
    service: str = "VMware View Connection Server"


@dataclass(eq=False)
class VCenterRow:
    """A vCenter as it is typed."""

    name: str = ""
    address: str = ""
    port: str = "443"
    account: str = ""
    host: HostRow | None = None
    settings: str = r"C:\ProgramData\VMware\VMware VirtualCenter"
    database: DatabaseRow = field(default_factory=lambda: DatabaseRow(wanted=False))


@dataclass(eq=False)
class ComposerRow:
    """A View Composer as it is typed; its database always belongs to it."""

    host: HostRow = field(default_factory=HostRow)
    service: str = "VMware View Composer"
    key_container: str = "SviKeyContainer"
    database: DatabaseRow = field(default_factory=DatabaseRow)


@dataclass(eq=False)
class SettingsRow:
    """How backups are made, as it is typed."""

    files_by: str = "winrm"
    event_database: str = "after"
    drain_minutes: str = "60"
    side_by_side: bool = False
    stop_connection_server: bool = False
    old_tls: bool = False
    on_failed_step: str = "stop"
    on_warning: str = "go-on"
    image_product: str = ""
    image_date: str = ""
    image_what: str = ""


Row = HostRow | ServerRow | DatabaseRow | BrokerRow | VCenterRow | ComposerRow | SettingsRow


@dataclass(eq=False)
class Form:
    """The whole description. `known_as` is the name under which it is saved already, "" for a new one: a saved name is
    not changed, as backup sets and stored passwords go by it."""

    known_as: str = ""
    name: str = ""
    repository: str = ""
    brokers: list[BrokerRow] = field(default_factory=list)
    vcenters: list[VCenterRow] = field(default_factory=list)
    composers: list[ComposerRow] = field(default_factory=list)
    security_servers: list[HostRow] = field(default_factory=list)
    servers: list[ServerRow] = field(default_factory=list)
    events: DatabaseRow = field(default_factory=lambda: DatabaseRow(wanted=False))
    settings: SettingsRow = field(default_factory=SettingsRow)
    practice: bool = False

    def hosts(self) -> list[HostRow]:
        """Return every Windows host that some row names, once, brokers' first."""
        return list(dict.fromkeys(host for host, _ in self.uses()))

    def uses(self) -> Iterator[tuple[HostRow, Row]]:
        """Yield each host with the row that names it."""
        yield from ((broker.host, broker) for broker in self.brokers)
        yield from ((composer.host, composer) for composer in self.composers)
        yield from ((vcenter.host, vcenter) for vcenter in self.vcenters if vcenter.host)
        yield from ((host, host) for host in self.security_servers)
        yield from ((server.host, server) for server in self.servers if server.host)

    def users_of(self, host: HostRow) -> list[Row]:
        """Return the rows that name a host."""
        return [row for used, row in self.uses() if used is host]

    def databases(self) -> list[tuple[DatabaseRow, ComposerRow | VCenterRow | None]]:
        """Return every database there is a place for, with whose it is; None: View's events."""
        found: list[tuple[DatabaseRow, ComposerRow | VCenterRow | None]] = []
        found += [(composer.database, composer) for composer in self.composers]
        found += [(vcenter.database, vcenter) for vcenter in self.vcenters]
        return [*found, (self.events, None)]

    # ---- adding and removing

    def new_host(self) -> HostRow:
        """Return a host that is reached as the first broker is."""
        like = self.brokers[0].host if self.brokers else HostRow()
        return HostRow(port=like.port, tls=like.tls, authentication=like.authentication, account=like.account)

    def add_broker(self) -> BrokerRow:
        row = BrokerRow(self.new_host(), "replica" if self.brokers else "standard")
        self.brokers.append(row)
        return row

    def add_vcenter(self) -> VCenterRow:
        row = VCenterRow(account=self.new_host().account)
        self.vcenters.append(row)
        return row

    def add_composer(self) -> ComposerRow:
        row = ComposerRow(self.new_host(), database=DatabaseRow(server=self._only_server()))
        self.composers.append(row)
        return row

    def add_security_server(self) -> HostRow:
        self.security_servers.append(self.new_host())
        return self.security_servers[-1]

    def add_server(self) -> ServerRow:
        row = ServerRow(host=self.new_host())
        self.servers.append(row)
        return row

    def remove(self, row: Row) -> None:
        """Remove a row. Databases of a SQL Server that goes are without one, which `problems` then tells."""
        every: tuple[list[Any], ...] = (
            self.brokers, self.vcenters, self.composers, self.security_servers, self.servers,
        )  # fmt: skip
        for rows in every:
            rows[:] = [one for one in rows if one is not row]
        for database, _ in self.databases():
            if database.server is row:
                database.server = None

    def _only_server(self) -> ServerRow | None:
        return self.servers[0] if len(self.servers) == 1 else None

    # ---- to a profile and back

    def profile(self) -> Profile:
        """Return the profile that this describes, complete or not; what is no number counts as 0."""
        s = self.settings
        return Profile(
            name=self.name.strip(),
            brokers=tuple(_broker(row) for row in self.brokers),
            vcenters=tuple(_vcenter(row) for row in self.vcenters),
            composers=tuple(_composer(row) for row in self.composers),
            security_servers=tuple(_host(row) for row in self.security_servers),
            event_database=_database(self.events) if self.events.wanted else None,
            repository=self.repository.strip(),
            options=Options(
                files_by=_one_of(s.files_by, FilesBy),
                event_database=_one_of(s.event_database, Literal["before", "after"]),
                stop_connection_server=s.stop_connection_server, side_by_side=s.side_by_side,
                drain_minutes=number(s.drain_minutes) or 0.0, old_tls=s.old_tls,
            ),
            answers=Answers(
                on_failed_step=_one_of(s.on_failed_step, Literal["stop", "retry", "skip"]),
                on_warning=_one_of(s.on_warning, Literal["go-on", "stop"]),
            ),
            image_backup=_image_backup(s),
            practice=self.practice,
        )  # fmt: skip

    def alone(self, row: Row) -> Profile:
        """Return a profile that holds one system alone, to try it: never valid as a whole."""
        one = Form(name=self.name, settings=self.settings, practice=self.practice)
        if isinstance(row, BrokerRow):
            one.brokers = [row]
        elif isinstance(row, VCenterRow):
            one.vcenters = [replace(row, database=DatabaseRow(wanted=False))]
        elif isinstance(row, ComposerRow):
            one.security_servers = [row.host]
        elif isinstance(row, HostRow):
            one.security_servers = [row]
        elif isinstance(row, ServerRow):
            one.events = DatabaseRow(server=row)
        elif isinstance(row, DatabaseRow):
            one.events = replace(row, wanted=True)
        return one.profile()


def form_of(profile: Profile | None) -> Form:
    """Return the form of a profile; of None one with a first broker and vCenter to fill in."""
    if profile is None:
        form = Form()
        form.add_broker()
        form.add_vcenter()
        return form
    return _Read(profile).form()


class _Read:
    """Reads a profile into rows; equal hosts and SQL Servers become one row."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._hosts: dict[Host, HostRow] = {}
        self._servers: dict[SqlServer, ServerRow] = {}

    def form(self) -> Form:
        p, image = self._profile, self._profile.image_backup or ImageBackup(product="", date="")
        form = Form(
            known_as=p.name, name=p.name, repository=p.repository, practice=p.practice,
            brokers=[BrokerRow(self._host(b.host), b.role, b.tools, b.service) for b in p.brokers],
            composers=[
                ComposerRow(self._host(c.host), c.service, c.key_container, self._database(c.database))
                for c in p.composers
            ],
            vcenters=[self._vcenter(vcenter) for vcenter in p.vcenters],
            security_servers=[self._host(host) for host in p.security_servers],
            events=self._database(p.event_database),
            settings=SettingsRow(
                p.options.files_by, p.options.event_database, f"{p.options.drain_minutes:g}", p.options.side_by_side,
                p.options.stop_connection_server, p.options.old_tls, p.answers.on_failed_step, p.answers.on_warning,
                image.product, image.date, image.what,
            ),
        )  # fmt: skip
        form.servers = list(self._servers.values())
        return form

    def _host(self, host: Host) -> HostRow:
        row = HostRow(host.name, host.address, str(host.port), host.tls, host.authentication, host.account)
        return self._hosts.setdefault(host, row)

    def _maybe_host(self, host: Host | None) -> HostRow | None:
        return self._host(host) if host is not None else None

    def _vcenter(self, vcenter: VCenter) -> VCenterRow:
        return VCenterRow(
            vcenter.name, vcenter.address, str(vcenter.port), vcenter.account, self._maybe_host(vcenter.host),
            vcenter.settings, self._database(vcenter.database),
        )  # fmt: skip

    def _database(self, database: Database | None) -> DatabaseRow:
        if database is None:
            return DatabaseRow(wanted=False)
        return DatabaseRow(
            database.name, self._server(database.server), database.backed_up_by, database.folder,
            database.straight_to_repository,
        )  # fmt: skip

    def _server(self, server: SqlServer) -> ServerRow:
        if server not in self._servers:
            self._servers[server] = ServerRow(
                server.name, server.address, str(server.port), server.account, self._maybe_host(server.host),
                server.driver, server.encrypt,
            )  # fmt: skip
        return self._servers[server]


def _host(row: HostRow) -> Host:
    return Host(
        name=row.name.strip(), address=row.address.strip(), port=port(row.port) or 0, tls=row.tls,
        authentication=_one_of(row.authentication, Authentication), account=row.account.strip(),
    )  # fmt: skip


def _maybe_host(row: HostRow | None) -> Host | None:
    return _host(row) if row is not None else None


def _broker(row: BrokerRow) -> Broker:
    return Broker(
        host=_host(row.host), role=_one_of(row.role, Literal["standard", "replica"]), tools=row.tools.strip(),
        service=row.service.strip(),
    )  # fmt: skip


def _composer(row: ComposerRow) -> Composer:
    return Composer(
        host=_host(row.host), database=_database(row.database), service=row.service.strip(),
        key_container=row.key_container.strip(),
    )  # fmt: skip


def _vcenter(row: VCenterRow) -> VCenter:
    return VCenter(
        name=row.name.strip(), address=row.address.strip(), port=port(row.port) or 0, account=row.account.strip(),
        host=_maybe_host(row.host), database=_database(row.database) if row.database.wanted else None,
        settings=row.settings.strip(),
    )  # fmt: skip


def _database(row: DatabaseRow) -> Database:
    return Database(
        name=row.name.strip(), server=_server(row.server or ServerRow()),
        backed_up_by=_one_of(row.backed_up_by, Literal["program", "dba"]), folder=row.folder.strip(),
        straight_to_repository=row.straight_to_repository,
    )  # fmt: skip


def _server(row: ServerRow) -> SqlServer:
    return SqlServer(
        name=row.name.strip(), address=row.address.strip(), port=port(row.port) or 0, account=row.account.strip(),
        host=_maybe_host(row.host), driver=row.driver.strip(), encrypt=row.encrypt,
    )  # fmt: skip


def _image_backup(row: SettingsRow) -> ImageBackup | None:
    product, date, what = row.image_product.strip(), row.image_date.strip(), row.image_what.strip()
    return ImageBackup(product=product, date=date, what=what) if product or date or what else None


def _one_of(word: str, choices: Any) -> Any:
    """Return `word` as one of the words that a Literal allows. Rows only ever hold such words."""
    return msgspec.convert(word, choices)


def port(typed: str) -> int | None:
    """Return a port as it was typed, None for what is none."""
    found = int(typed) if typed.strip().isascii() and typed.strip().isdigit() else 0
    return found if 0 < found < 65536 else None


def number(typed: str) -> float | None:
    """Return a number as it was typed, with a point or a comma; None for what is none."""
    try:
        found = float(typed.strip().replace(",", "."))
    except ValueError:
        return None
    return found if 0 < found < 1e6 else None


# ---- what is wrong


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field of a row. `field` "" means the row, or the form, as a whole."""

    row: Row | Form
    field: str
    words: Text


EMPTY = text("Fill this in.")
NO_PORT = text("Give a number from 1 to 65535.")


def problems(form: Form, taken: Collection[str] = ()) -> list[Problem]:
    """Return all that keeps a form from being saved, in the order of the form. `taken`: names of other profiles."""
    found = [*_of_name(form, taken)]
    if not form.brokers:
        found.append(Problem(form, "brokers", text("Add one Connection Server at least.")))
    if not form.vcenters:
        found.append(Problem(form, "vcenters", text("Add the vCenters that View uses.")))
    for host in form.hosts():
        found += _empty(host, "name", "address", "account") + _bad_port(host)
    for vcenter in form.vcenters:
        found += _empty(vcenter, "name", "address", "account") + _bad_port(vcenter)
    for server in form.servers:
        found += _empty(server, "name", "address") + _bad_port(server)
    found += [*_twice(form.hosts()), *_twice(form.vcenters), *_twice(form.servers)]
    for database, _ in form.databases():
        if database.wanted:
            found += _empty(database, "name")
            if database.server not in form.servers:
                found.append(Problem(database, "server", text("Choose the SQL Server that it lies on.")))
    if number(form.settings.drain_minutes) is None:
        found.append(Problem(form.settings, "drain_minutes", text("Give a number of minutes above 0.")))
    if _image_backup(form.settings) is not None:
        found += _empty(form.settings, "image_product", "image_date")
    if found:
        return found
    blocked = (seen for seen in check(form.profile()) if seen.state is State.BLOCKED)
    return [Problem(form, "", text("{found} {remedy}", found=s.found, remedy=s.remedy)) for s in blocked]


def _of_name(form: Form, taken: Collection[str]) -> Iterator[Problem]:
    name = form.name.strip()
    if not name:
        yield Problem(form, "name", EMPTY)
    elif UNSAFE_NAME.search(name):
        yield Problem(form, "name", text("It is also the name of a file: choose letters, digits, spaces, - and _."))
    elif name.casefold() == PRACTICE:
        yield Problem(form, "name", text("This is the name of the practice environment: choose another one."))
    elif name.casefold() in {other.casefold() for other in taken if other != form.known_as}:
        yield Problem(form, "name", text("There is a profile of this name already: choose another one."))
    if not form.repository.strip():
        yield Problem(form, "repository", text("Name the folder that backup sets go to."))


def _empty(row: Row, *names: str) -> list[Problem]:
    return [Problem(row, name, EMPTY) for name in names if not getattr(row, name).strip()]


def _bad_port(row: HostRow | VCenterRow | ServerRow) -> list[Problem]:
    return [Problem(row, "port", NO_PORT)] if port(row.port) is None else []


def _twice(rows: Sequence[HostRow | VCenterRow | ServerRow]) -> Iterator[Problem]:
    seen: set[str] = set()
    for row in rows:
        name = row.name.strip().casefold()
        if name and name in seen:
            yield Problem(row, "name", text("Another one has this name already: give each its own."))
        seen.add(name)
