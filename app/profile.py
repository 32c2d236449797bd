"""A View environment as the operator describes it. No secrets: passwords are named here and kept elsewhere."""

from __future__ import annotations

from typing import Literal

import msgspec

FORMAT = 1

Authentication = Literal["ntlm", "kerberos", "credssp"]
FilesBy = Literal["share", "winrm"]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A Windows host and how WinRM reaches it. `name` is what people call it, `address` where it answers."""

    name: str
    address: str
    port: int = 5986
    tls: bool = True
    authentication: Authentication = "ntlm"
    account: str


class SqlServer(msgspec.Struct, frozen=True, kw_only=True):
    """A SQL Server instance. With `account` empty, the workstation's own login is used (integrated).

    `host` names the Windows host its files are fetched from; `driver` empty means: by the matrix."""

    name: str
    address: str
    port: int = 1433
    account: str = ""
    host: Host | None = None
    driver: str = ""
    encrypt: bool = True


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A database, where it lies, and who backs it up. `folder` empty means the server's default backup folder."""

    name: str
    server: SqlServer
    backed_up_by: Literal["program", "dba"] = "program"
    folder: str = ""
    straight_to_repository: bool = False


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """A Connection Server, standard or replica."""

    host: Host
    role: Literal["standard", "replica"] = "standard"
    tools: str = r"C:\Program Files\VMware\VMware View\Server\tools\bin"
    service: str = "VMware View Connection Server"


class Composer(msgspec.Struct, frozen=True, kw_only=True):
    """A View Composer. The key container's name is remembered, not documented, hence a field."""

    host: Host
    database: Database
    service: str = "VMware View Composer"
    key_container: str = "SviKeyContainer"


class VCenter(msgspec.Struct, frozen=True, kw_only=True):
    """A vCenter: its API, and where known its Windows host and database."""

    name: str
    address: str
    port: int = 443
    account: str
    host: Host | None = None
    database: Database | None = None
    settings: str = r"C:\ProgramData\VMware\VMware VirtualCenter"


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What an unattended run answers. A step is skipped only where it allows that, and the report says so."""

    on_failed_step: Literal["stop", "retry", "skip"] = "stop"
    on_warning: Literal["go-on", "stop"] = "go-on"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a backup is made."""

    files_by: FilesBy = "winrm"
    stop_connection_server: bool = False
    side_by_side: bool = False
    event_database: Literal["before", "after"] = "after"
    drain_minutes: float = 60.0
    old_tls: bool = False


class ImageBackup(msgspec.Struct, frozen=True, kw_only=True):
    """An image backup of disks made with another product: recorded, not proven."""

    product: str
    date: str
    what: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One View environment: a group of brokers, several vCenters, Composers and databases."""

    name: str
    brokers: tuple[Broker, ...]
    vcenters: tuple[VCenter, ...]
    composers: tuple[Composer, ...] = ()
    security_servers: tuple[Host, ...] = ()
    event_database: Database | None = None
    repository: str
    options: Options = Options()
    answers: Answers = Answers()
    image_backup: ImageBackup | None = None
    practice: bool = False
    format: int = FORMAT

    @property
    def environment(self) -> str:
        """What names this environment on every workstation: its first broker, not the profile's own name."""
        return self.brokers[0].host.name.lower()

    def databases(self) -> tuple[Database, ...]:
        """Return all databases, Composers' first, then vCenters', then the event database."""
        found = [composer.database for composer in self.composers]
        found += [vcenter.database for vcenter in self.vcenters if vcenter.database]
        return (*found, self.event_database) if self.event_database else tuple(found)

    def hosts(self) -> tuple[Host, ...]:
        """Return every Windows host once, brokers first."""
        hosts = [broker.host for broker in self.brokers]
        hosts += [composer.host for composer in self.composers]
        hosts += [vcenter.host for vcenter in self.vcenters if vcenter.host]
        hosts += [database.server.host for database in self.databases() if database.server.host]
        return tuple({host.name: host for host in hosts}.values())
