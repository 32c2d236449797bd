"""A View environment as the operator describes it. No secrets: passwords are named here and kept elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from app import datafolder
from app.errors import Refused
from app.observation import Observation, State
from app.texts import Text, listed, text

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
    """A database, where it lies, and who backs it up. `folder` empty means the server's default backup folder.

    `straight_to_repository`: the server itself writes into the set, over the repository's UNC path."""

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
    """What an unattended run answers. A step is skipped only where it allows that, and the report says so.

    `guided_minutes` is how long it waits for what a person does (a DBA's backup) before the run is left waiting."""

    on_failed_step: Literal["stop", "retry", "skip"] = "stop"
    on_warning: Literal["go-on", "stop"] = "go-on"
    guided_minutes: float = 0.0


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
        """What people call this environment: its first broker, not the profile's own name."""
        return self.brokers[0].host.name.lower()

    @property
    def place(self) -> str:
        """What this environment is, whatever a profile calls it: where its first broker answers. The practice
        environment is the data folder's own, on ports that change."""
        host = self.brokers[0].host
        return PRACTICE if self.practice else f"{host.address}:{host.port}".casefold()

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


UNSAFE_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|[. ]$|^(CON|PRN|AUX|NUL|COM\d|LPT\d)(\..*)?$', re.IGNORECASE)
UNC = re.compile(r"\\\\[^\\/:?*<>|\"]+[\\/][^\\/:?*<>|\"]+")
PRACTICE = "practice"


class Store:
    """The profiles kept in one folder, a JSON file each. Unknown fields in a file are kept when it is saved again."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "profiles"

    def names(self) -> tuple[str, ...]:
        """Return the names of the saved profiles, the last used first."""
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        return tuple(file.stem for file in files)

    def load(self, name: str) -> Profile:
        """Return the profile of that name, or raise Refused: there is none, or it is damaged or of a newer program."""
        path = self._path(name)
        if not path.exists():
            raise Refused(
                text("There is no profile {name}.", name=name),
                text("Known are: {names}.", names=listed((*self.names(), PRACTICE))),
                text("Name one of these, or import one."),
            )
        return read(path)

    def save(self, profile: Profile) -> Path:
        """Write a profile under its name, whole or not at all; returns the file."""
        for problem in check(profile):
            if problem.state is State.BLOCKED:
                raise Refused(text("The profile cannot be saved."), problem.found, problem.remedy)
        path = self._path(profile.name)
        with datafolder.writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        write(profile, path, kept=_unknown_fields(path))
        return path

    def used(self, name: str) -> None:
        """Remember that a profile is used now: `names` gives it first from now on."""
        with contextlib.suppress(OSError):  # only the order of a list hangs on it
            now = time.time_ns()  # finer than the clock that a file system stamps by
            os.utime(self._path(name), ns=(now, now))

    def remove(self, name: str) -> None:
        """Delete a saved profile; nothing else of it is touched. Raises Refused where the disk does not let it go."""
        path = self._path(name)
        with datafolder.writing(path):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not name or UNSAFE_NAME.search(name):
            raise Refused(
                text("{name} cannot be the name of a profile.", name=name or '""'),
                text("It is also the name of a file and of a folder."),
                text("Leave out these characters: {characters}", characters='< > : " / \\ | ? *'),
            )
        return self._folder / f"{name}.json"


def read(path: Path) -> Profile:
    """Read a profile from a file (also: import). Raises Refused with the place of the damage."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    try:
        found = msgspec.json.decode(content)
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise _unreadable(path, text("A newer program has written it."))
        return msgspec.convert(found, Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from error


def write(profile: Profile, path: Path, kept: dict[str, Any] | None = None) -> None:
    """Write a profile to a file (also: export): under a temporary name, flushed, renamed. It holds no secret."""
    whole = {**(kept or {}), **msgspec.to_builtins(profile)}
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Refused(
            text("The profile cannot be written to {path}.", path=str(path)),
            error.strerror or str(error),
            text("Choose a folder that you may write to, with space left."),
        ) from error


def check(profile: Profile) -> tuple[Observation, ...]:
    """Return what is wrong in a profile as it stands, without asking any system. Empty: nothing was found."""
    found = [
        *_needed(profile),
        *_twice("host", Counter(host.name.lower() for host in set(_all_hosts(profile)))),
        *_twice("vCenter", Counter(vcenter.name.lower() for vcenter in profile.vcenters)),
        *_twice("SQL Server", Counter(server.name.lower() for server in {d.server for d in profile.databases()})),
        *_bad_ports(profile),
        *unreachable(profile),
    ]
    return tuple(found)


def _blocked(found: Text, remedy: Text) -> Observation:
    return Observation("profile", State.BLOCKED, found, remedy=remedy)


def _needed(profile: Profile) -> list[Observation]:
    problems = []
    if not profile.name or UNSAFE_NAME.search(profile.name):
        problems.append(_blocked(text("The name cannot be a file's name."), text("Choose another name.")))
    if not profile.brokers:
        problems.append(_blocked(text("There is no broker."), text("Add one Connection Server at least.")))
    if not profile.vcenters:
        problems.append(_blocked(text("There is no vCenter."), text("Add the vCenters that View uses.")))
    if not profile.repository.strip():
        problems.append(_blocked(text("There is no repository."), text("Name the folder that backup sets go to.")))
    for what, value in _named_fields(profile):
        if not value.strip():
            problems.append(_blocked(text("A field is empty: {field}.", field=what), text("Fill it in.")))
    return problems


def _named_fields(profile: Profile) -> list[tuple[str, str]]:
    fields = []
    for host in _all_hosts(profile):
        fields += [(f"{host.name}.name", host.name), (f"{host.name}.address", host.address)]
        fields += [(f"{host.name}.account", host.account)]
    for vcenter in profile.vcenters:
        fields += [(f"{vcenter.name}.address", vcenter.address), (f"{vcenter.name}.account", vcenter.account)]
    for database in profile.databases():
        fields += [(f"{database.server.name}.address", database.server.address), ("database.name", database.name)]
    return fields


def _all_hosts(profile: Profile) -> list[Host]:
    return [*profile.hosts(), *profile.security_servers]


def _twice(what: str, count: Counter[str]) -> list[Observation]:
    return [
        _blocked(
            text("Two different entries have the same name: {what} {name}.", what=what, name=name),
            text("Give each its own name, or the same address, port and account."),
        )
        for name, times in count.items()
        if times > 1
    ]


def _bad_ports(profile: Profile) -> list[Observation]:
    ports = [(host.name, host.port) for host in _all_hosts(profile)]
    ports += [(vcenter.name, vcenter.port) for vcenter in profile.vcenters]
    ports += [(database.server.name, database.server.port) for database in profile.databases()]
    return [
        _blocked(text("{port} is no port ({name}).", port=port, name=name), text("Give a number from 1 to 65535."))
        for name, port in dict.fromkeys(ports)
        if not 0 < port < 65536
    ]


def is_unc(path: str) -> bool:
    r"""Say whether a path is one that other machines reach under the same name: \\server\share, and what is below."""
    return UNC.match(path.strip()) is not None


HOW_ONLY = frozenset({"account", "authentication", "tls", "driver", "encrypt", "tools", "old_tls", "files_by"})
"""Fields that say how systems are reached, not which they are or what is done: a run may go on when they change."""
OF_NO_RUN = frozenset({"name", "answers", "image_backup", "repository", "format"})
MAY_GROW = frozenset({"drain_minutes"})


CHOSEN = ("stop_connection_server", "side_by_side", "event_database", "drain_minutes")
"""The options that decide what a run does, and may have been chosen for that one run only."""


def chosen(profile: Profile) -> dict[str, Any]:
    """Return what a run was begun with that its profile, as it is kept, need not say: repository and options. JSON."""
    return {"repository": profile.repository, **{name: getattr(profile.options, name) for name in CHOSEN}}


def as_begun(profile: Profile, begun_with: dict[str, Any]) -> Profile:
    """Return a profile with what `chosen` has kept of a run: who goes on with it, or undoes it, must do as it did. It
    may wait longer than it did. Empty: the profile as it is."""
    if not begun_with:
        return profile
    options = {name: begun_with[name] for name in CHOSEN}
    options["drain_minutes"] = max(options["drain_minutes"], profile.options.drain_minutes)
    return msgspec.structs.replace(
        profile,
        repository=begun_with["repository"],
        options=msgspec.structs.replace(profile.options, **options),
    )


def digest(profile: Profile) -> str:
    """Return what tells two descriptions apart between which a run must not change: which systems there are, where they
    answer, which databases, what is done. SHA-256 in hex. Ports on this machine itself are left out: practice has
    others at each start, and whoever describes it as an environment of their own has them in the profile."""
    whole = {name: value for name, value in msgspec.to_builtins(profile).items() if name not in OF_NO_RUN}
    same = _without(whole, HOW_ONLY | MAY_GROW | {"practice"})
    return hashlib.sha256(msgspec.json.encode(same, order="deterministic")).hexdigest()


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        moving = {"port"} if value.get("address") in ("127.0.0.1", "localhost", "::1") else set()
        return {name: _without(inner, names) for name, inner in value.items() if name not in names | moving}
    if isinstance(value, list | tuple):
        return [_without(inner, names) for inner in value]
    return value


def may_be_kept(database: Database, repository: str) -> bool:
    """Say whether the backup that the program makes of a database can come into the set: fetched from the server's
    host, or written there by the server itself."""
    return is_unc(repository) if database.straight_to_repository else database.server.host is not None


def unreachable(profile: Profile) -> Iterator[Observation]:
    """Yield the databases whose backups the program would make and could not bring into the set."""
    for database in dict.fromkeys(profile.databases()):
        if database.backed_up_by == "dba" or may_be_kept(database, profile.repository):
            continue
        if not database.straight_to_repository:
            yield _blocked(
                text("The backup of {database} could not be fetched: {server} has no Windows host.",
                     database=database.name, server=database.server.name),
                text("Name the host that the server runs on, or let the DBA back the database up."),
            )  # fmt: skip
        else:
            yield _blocked(
                text("{server} cannot write {database} into this repository: {repository}",
                     server=database.server.name, database=database.name, repository=profile.repository),
                text("Give the repository as a share, {example}, or let the backup be fetched.",
                     example=r"\\server\share"),
            )  # fmt: skip


def refuse_unreachable(profile: Profile) -> None:
    """Raise Refused for a profile that was written by hand, or before this was asked of one."""
    for seen in unreachable(profile):
        raise Refused(text("The profile cannot be used."), seen.found, seen.remedy)


def _unreadable(path: Path, why: Text | str) -> Refused:
    return Refused(
        text("The profile {path} cannot be used.", path=str(path)),
        why,
        text("Mend it at that place, or import it again; nothing was changed."),
    )


def _unknown_fields(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}  # nothing readable there whose fields could be lost
    known = {field.encode_name for field in msgspec.structs.fields(Profile)}
    return {name: value for name, value in found.items() if name not in known} if isinstance(found, dict) else {}
