"""One instance of SQL Server, as the world has it: its release, databases, logins, sessions, clock."""

from __future__ import annotations

import datetime
import threading
import uuid
from dataclasses import dataclass, field

from app.lab.lab import Lab
from app.lab.rows import Account, Database, SqlServer
from app.lab.sqlserver.tds.types import Collation, collation
from app.lab.sqlserver.tds.versions import Release
from app.lab.sqlserver.words import language

SYSTEM_DATABASES = ("master", "tempdb", "model", "msdb")
EVERYONES = ("master", "tempdb", "msdb")
EXPRESS, STANDARD, ENTERPRISE = 4, 2, 3


@dataclass(frozen=True)
class Listed:
    """A database and its number."""

    id: int
    row: Database

    @property
    def name(self) -> str:
        return self.row.name


@dataclass(frozen=True)
class Login:
    """Who is logged in, and what its roles allow."""

    name: str
    roles: frozenset[str]
    sid: bytes

    @property
    def sysadmin(self) -> bool:
        return "sysadmin" in self.roles

    @property
    def sees_server_state(self) -> bool:
        return self.sysadmin or "view server state" in self.roles

    @property
    def may_create_databases(self) -> bool:
        return self.sysadmin or "dbcreator" in self.roles

    def has(self, role: str, database: str) -> bool:
        """Say whether it has a role in a database; a role without a database is one of every user database."""
        everywhere = role in self.roles and database.lower() not in SYSTEM_DATABASES
        return self.sysadmin or everywhere or f"{role}:{database.lower()}" in self.roles

    def may_open(self, database: str) -> bool:
        known = database.lower() in EVERYONES
        return known or any(self.has(role, database) for role in ("db_owner", "db_backupoperator", "db_datareader"))

    def may_back_up(self, database: str) -> bool:
        return self.has("db_owner", database) or self.has("db_backupoperator", database)

    def may_read(self, database: str) -> bool:
        return self.has("db_owner", database) or self.has("db_datareader", database)


@dataclass
class Request:
    """What a session is doing right now, for sys.dm_exec_requests."""

    text: str
    started: float
    command: str = "SELECT"
    percent: float = 0.0
    database: str = ""


@dataclass
class Seat:
    """One session, as sys.dm_exec_sessions shows it."""

    id: int
    login: Login
    host: str
    program: str
    interface: str
    encrypted: bool
    integrated: bool
    began: float
    database: str = "master"
    connection: uuid.UUID = field(default_factory=uuid.uuid4)
    request: Request | None = None


class Instance:
    """The instance `name` of the lab's world, with the sessions of this process."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.world, self.name = lab, lab.world, name
        self._seats: dict[int, Seat] = {}
        self._lock = threading.Lock()

    @property
    def row(self) -> SqlServer:
        return self.world.require(SqlServer, self.name)

    @property
    def release(self) -> Release:
        major, minor = self.row.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def build(self) -> tuple[int, int, int]:
        major, minor, build = self.row.version.split(".")[:3]
        return int(major), int(minor), int(build)

    @property
    def collation(self) -> Collation:
        return collation(self.row.collation)

    @property
    def language(self) -> str:
        return language(self.row.language)

    @property
    def server_name(self) -> str:
        return self.row.host.upper()

    # ---- time

    def local(self, moment: float) -> datetime.datetime:
        """Return a moment as this server's own clock shows it: its zone's time, without saying so."""
        return self.utc(moment) + datetime.timedelta(minutes=self.zone_minutes)

    def utc(self, moment: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).replace(tzinfo=None)

    @property
    def zone_minutes(self) -> int:
        """Minutes ahead of UTC; msdb's times are local ones, so a site in China makes a client show that it knows."""
        return int(self.world.setting("time_zone", "480"))

    # ---- databases

    def databases(self) -> list[Listed]:
        """Return the databases: the system's have numbers 1 to 4, the others follow in the order of their making."""
        rows = {row.name.lower(): row for row in self.world.all(Database, server=self.name)}
        system = [(number, rows[name]) for number, name in enumerate(SYSTEM_DATABASES, 1) if name in rows]
        others = [row for name, row in rows.items() if name not in SYSTEM_DATABASES]
        return [Listed(number, row) for number, row in (*system, *enumerate(others, 5))]

    def database(self, name: str) -> Listed | None:
        """Return the database of that name, in any case and with trailing spaces as SQL Server compares."""
        wanted = name.rstrip(" ").lower()
        return next((known for known in self.databases() if known.name.lower() == wanted), None)

    # ---- logins

    def login(self, name: str) -> Login | None:
        """Return the login of that name; None for an account that SQL Server knows no login of."""
        for account in self.world.all(Account):
            if account.name.lower() == name.lower() and account.sql_roles:
                sid = uuid.uuid5(uuid.NAMESPACE_DNS, account.name.lower()).bytes
                return Login(account.name, frozenset(role.lower() for role in account.sql_roles), sid)
        return None

    # ---- sessions

    def seat(self, login: Login, host: str, program: str, interface: str, *, encrypted: bool, integrated: bool) -> Seat:
        """Give a new session the next free number, from 51 on."""
        with self._lock:
            number = next(number for number in range(51, 32768) if number not in self._seats)
            seat = Seat(number, login, host, program, interface, encrypted, integrated, self.world.now())
            self._seats[number] = seat
            return seat

    def leave(self, seat: Seat) -> None:
        with self._lock:
            self._seats.pop(seat.id, None)

    def seats(self) -> list[Seat]:
        with self._lock:
            return list(self._seats.values())
