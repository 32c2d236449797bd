"""Free space: on the hosts that tools write on, on the drives of the databases' backups, in the repository."""

from __future__ import annotations

from functools import partial

from app.backupset import repository
from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State
from app.profile import Database, Host
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.runbooks.places import HOME
from app.runbooks.temporary import folder_for
from app.texts import Text, listed, text

KEY = "space"
ROOM = 512 << 20  # bytes that an export, keys and settings need at most on a host
ROOM_OF_REPOSITORY = text("Make room, or choose another folder in the profile.")
SIZES = text("Give the login the right VIEW ANY DEFINITION, or look at the sizes there.")


def space(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look at the room on hosts, on the SQL Servers' backup drives and in the repository."""
    hosts = [c.profile.brokers[0].host, *(composer.host for composer in c.profile.composers)]
    own = [database for database in c.profile.databases() if database.backed_up_by == "program"]
    asked: list[Asked] = [(f"winrm:{host.name}", partial(_room, c, host, HOME, ROOM)) for host in hosts]
    fetched = [database for database in own if not database.straight_to_repository]
    for server in dict.fromkeys(database.server for database in fetched):
        mine = [database for database in fetched if database.server == server]
        asked.append((f"sql:{server.name}", partial(_database_room, c, server.host, mine)))
    asked.append(("", partial(_repository_room, c, own)))
    return each_system(KEY, asked)


def _room(c: Connections, host: Host, path: str, needed: int) -> Observation:
    system, wanted = f"winrm:{host.name}", _wanted(needed)
    if path.startswith("\\\\"):
        found = text("{path} lies on another machine, whose room is not looked at.", path=path)
        return Observation(KEY, State.UNKNOWN, found, wanted, text("Look at the room there."), system)
    drive = path[:2].upper()
    disks = {name[:2].upper(): sizes for name, sizes in c.host(host).disks().items()}
    if drive not in disks:
        found = text("{host} names no fixed disk {drive}.", host=host.name, drive=drive)
        return Observation(KEY, State.UNKNOWN, found, wanted, text("Correct the folder in the profile."), system)
    return _enough(system, f"{host.name} {drive}", disks[drive][0], needed)


def _database_room(c: Connections, host: Host | None, databases: list[Database]) -> Observation:
    """Look at the drives that the backups of one server go to; the tightest is told."""
    server = databases[0].server
    sizes = _sizes(c, databases)
    if isinstance(sizes, Observation):
        return sizes
    if host is None:
        found = text("Which host {server} runs on is not in the profile.", server=server.name)
        remedy = text("Name the host in the profile, or look at the room there.")
        return Observation(KEY, State.UNKNOWN, found, _wanted(sum(sizes.values())), remedy, f"sql:{server.name}")
    needed: dict[str, int] = {}
    for database in databases:
        folder = folder_for(c, database)
        place = folder if folder.startswith("\\\\") else folder[:2]
        needed[place] = needed.get(place, 0) + sizes[database.name]
    seen = [_room(c, host, place, size) for place, size in needed.items()]
    return next((one for one in seen if one.state is not State.PASSED), seen[0])


def _sizes(c: Connections, databases: list[Database]) -> dict[str, int] | Observation:
    """Return the sizes of databases of one server; what the login may not see is told, never taken for nothing."""
    server = databases[0].server
    sizes = {facts.name.casefold(): facts.size for facts in c.database_server(server).databases()}
    found = {database.name: sizes.get(database.name.casefold(), 0) for database in databases}
    if unseen := [name for name, size in found.items() if not size]:
        seen = text("How large these databases are is not told: {names}.", names=listed(unseen))
        return Observation(KEY, State.UNKNOWN, seen, text("Room for each backup."), SIZES, f"sql:{server.name}")
    return found


def _repository_room(c: Connections, databases: list[Database]) -> Observation:
    needed = ROOM
    for server in dict.fromkeys(database.server for database in databases):
        sizes = _sizes(c, [database for database in databases if database.server == server])
        if isinstance(sizes, Observation):
            return sizes
        needed += sum(sizes.values())
    try:
        free = repository.free_space(c.profile.repository)
    except UserError as error:
        found = text("{what} {why}", what=error.what, why=error.why)
        return Observation(KEY, State.BLOCKED, found, _wanted(needed), error.do)
    return _enough("", c.profile.repository, free, needed)


def _wanted(size: int) -> Text:
    return text("{size} at most will be needed.", size=megabytes(size))


def _enough(system: str, where: str, free: int, needed: int) -> Observation:
    found = text("{where}: {free} free.", where=where, free=megabytes(free))
    state = State.PASSED if free >= needed else State.BLOCKED
    return Observation(KEY, state, found, _wanted(needed), ROOM_OF_REPOSITORY, system)


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / (1 << 20):,.0f} MB"
