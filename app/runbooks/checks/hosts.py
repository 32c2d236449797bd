"""The Windows hosts: services, tools, space, clocks, and what WinRM allows."""

from __future__ import annotations

import re
from functools import partial

import msgspec

from app.backupset import repository
from app.connectors.connections import Connections
from app.errors import NotSent
from app.observation import Observation, State, could_not_look
from app.profile import Broker, Database, Host
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.runbooks.places import HOME
from app.runbooks.temporary import folder_for
from app.texts import text

AD_LDS = "VMwareVDMDS"
CLUSTER = re.compile(r"^ClusSvc$|Heartbeat|Neverfail", re.IGNORECASE)
SKEW = 5.0  # seconds between the hosts' clocks that a manifest's times can bear
ROOM = 512 << 20  # bytes that an export, keys and settings need at most on a host
SHELLS = 2  # WinRM shells at the same time: one for the run, one for the notice
MEMORY = 128  # MB that a shell needs to read a file in parts
REGIIS = r"C:\Windows\Microsoft.NET\Framework\v2.0.50727\aspnet_regiis.exe"


def services(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether the services that a backup needs run: AD LDS, Connection Server, Composer."""
    wanted: list[tuple[Host, str]] = []
    for broker in c.profile.brokers[:1]:
        wanted += [(broker.host, AD_LDS), (broker.host, broker.service)]
    wanted += [(composer.host, composer.service) for composer in c.profile.composers]
    return each_system(
        "services",
        ((f"winrm:{host.name}", partial(_service, c, host, name)) for host, name in wanted),
    )


def clustered(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look for clusters: a stop would be answered with a failover."""
    hosts = [composer.host for composer in c.profile.composers]
    if c.profile.options.stop_connection_server:
        hosts.append(c.profile.brokers[0].host)
    return each_system("clustered", ((f"winrm:{host.name}", partial(_cluster, c, host)) for host in hosts))


def tools(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether vdmexport and aspnet_regiis are where they are expected."""
    asked = [(c.profile.brokers[0].host, _vdmexport(c.profile.brokers[0]))]
    asked += [(composer.host, REGIIS) for composer in c.profile.composers]
    return each_system("tools", ((f"winrm:{host.name}", partial(_tool, c, host, path)) for host, path in asked))


def space(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look at the room on hosts, on the SQL Servers' backup drives and in the repository."""
    hosts = [c.profile.brokers[0].host, *(composer.host for composer in c.profile.composers)]
    own = [database for database in c.profile.databases() if database.backed_up_by == "program"]
    asked: list[Asked] = [(f"winrm:{host.name}", partial(_room, c, host, HOME, ROOM)) for host in hosts]
    for server in dict.fromkeys(database.server for database in own):
        if server.host is None:
            continue
        mine = [database for database in own if database.server == server]
        asked.append((f"winrm:{server.host.name}", partial(_database_room, c, mine)))
    asked.append(("", partial(_repository_room, c, own)))
    return each_system("space", asked)


def clocks(c: Connections, around: Surroundings) -> tuple[Observation, ...]:
    """Look how far the hosts' clocks are from this workstation's: the set's times and the notice's rest on them."""

    def ask(host: Host) -> Observation:
        off = abs(c.host(host).clock().timestamp() - around.now())
        state = State.PASSED if off <= SKEW else State.WARNING
        found = text("{host}: {seconds} seconds from this workstation.", host=host.name, seconds=round(off, 1))
        needed = text("At most {seconds} seconds.", seconds=SKEW)
        return Observation(
            "clocks",
            state,
            found,
            needed,
            text("Let all machines take their time from the domain."),
            f"winrm:{host.name}",
        )

    return each_system("clocks", ((f"winrm:{host.name}", partial(ask, host)) for host in c.profile.hosts()))


def winrm(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether every host listens, and what its WinRM allows a user. Where none answers: how to enable it."""

    def ask(host: Host) -> Observation:
        try:
            return _quotas(c, host)
        except NotSent as error:
            seen = could_not_look("winrm", error, f"winrm:{host.name}")
            return msgspec.structs.replace(seen, remedy=HOW_TO_ENABLE)

    return each_system("winrm", ((f"winrm:{host.name}", partial(ask, host)) for host in c.profile.hosts()))


HOW_TO_ENABLE = text(
    "On that host, as administrator: winrm quickconfig -transport:https (Windows 2003 and 2008 need WinRM 2.0 first)."
)


def _service(c: Connections, host: Host, name: str) -> Observation:
    needed = text("The service {name} must be running.", name=name)
    found = c.host(host).service(name)
    if found is None:
        seen = text("There is no service {name} on {host}.", name=name, host=host.name)
        return Observation(
            "services", State.BLOCKED, seen, needed, text("Correct its name in the profile."), f"winrm:{host.name}"
        )
    seen = text("{name} on {host}: {state}.", name=found.display, host=host.name, state=found.state)
    state = State.PASSED if found.state == "Running" else State.BLOCKED
    return Observation(
        "services", state, seen, needed, text("Start it, and see why it had stopped."), f"winrm:{host.name}"
    )


def _cluster(c: Connections, host: Host) -> Observation:
    needed = text("Services must not be clustered: a stop would be answered with a failover.")
    found = [s for s in c.host(host).services() if CLUSTER.search(s.name) or CLUSTER.search(s.display)]
    if not found:
        return Observation(
            "clustered", State.PASSED, text("{host}: no cluster.", host=host.name), needed, system=f"winrm:{host.name}"
        )
    seen = text("{host} has the service {name}.", host=host.name, name=found[0].display)
    remedy = text("Take the service out of its cluster for the backup, with the cluster's own tool.")
    return Observation("clustered", State.BLOCKED, seen, needed, remedy, f"winrm:{host.name}")


def _vdmexport(broker: Broker) -> str:
    return broker.tools + r"\vdmexport.exe"


def _tool(c: Connections, host: Host, path: str) -> Observation:
    there = c.host(host).file(path) is not None
    seen = text("{path} is there.", path=path) if there else text("{path} is missing.", path=path)
    remedy = text("Correct the folder in the profile, or install it.")
    return Observation(
        "tools", State.PASSED if there else State.BLOCKED, seen, text("It is needed."), remedy, f"winrm:{host.name}"
    )


def _room(c: Connections, host: Host, path: str, needed: int) -> Observation:
    drive = path[:2].upper()
    disks = {name[:2].upper(): sizes for name, sizes in c.host(host).disks().items()}
    if drive not in disks:
        seen = text("{host} has no drive {drive}.", host=host.name, drive=drive)
        return Observation("space", State.UNKNOWN, seen, system=f"winrm:{host.name}")
    return _enough(f"winrm:{host.name}", f"{host.name} {drive}", disks[drive][0], needed)


def _database_room(c: Connections, databases: list[Database]) -> Observation:
    server = c.database_server(databases[0].server)
    sizes = {facts.name: facts.size for facts in server.databases()}
    needed = sum(sizes.get(database.name, 0) for database in databases)
    host = databases[0].server.host
    assert host is not None, "asked only where the server's host is known"
    return _room(c, host, folder_for(c, databases[0]), needed)


def _repository_room(c: Connections, databases: list[Database]) -> Observation:
    needed = ROOM
    for server in dict.fromkeys(database.server for database in databases):
        sizes = {facts.name: facts.size for facts in c.database_server(server).databases()}
        needed += sum(sizes.get(database.name, 0) for database in databases if database.server == server)
    return _enough("", c.profile.repository, repository.free_space(c.profile.repository), needed)


def _enough(system: str, where: str, free: int, needed: int) -> Observation:
    seen = text("{where}: {free} free.", where=where, free=megabytes(free))
    wanted = text("{size} at most will be needed.", size=megabytes(needed))
    state = State.PASSED if free >= needed else State.BLOCKED
    return Observation(
        "space", state, seen, wanted, text("Make room, or choose another folder in the profile."), system
    )


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / (1 << 20):,.0f} MB"


def _quotas(c: Connections, host: Host) -> Observation:
    quotas = c.host(host).quotas()
    seen = text("{host}: {quotas}", host=host.name, quotas=", ".join(f"{k} {quotas[k]}" for k in _NAMED if k in quotas))
    needed = text("{shells} shells per user, {memory} MB per shell.", shells=SHELLS, memory=MEMORY)
    unknown = [name for name in _NAMED if not isinstance(quotas.get(name), int)]
    if unknown:
        return Observation(
            "winrm",
            State.UNKNOWN,
            text("{host} does not say: {names}.", host=host.name, names=", ".join(unknown)),
            needed,
            system=f"winrm:{host.name}",
        )
    low = int(quotas[_SHELLS]) < SHELLS or int(quotas[_MEMORY]) < MEMORY
    remedy = text('On that host: winrm set winrm/config/winrs @{MaxShellsPerUser="5";MaxMemoryPerShellMB="150"}')
    return Observation("winrm", State.WARNING if low else State.PASSED, seen, needed, remedy, f"winrm:{host.name}")


_SHELLS, _MEMORY = "Winrs.MaxShellsPerUser", "Winrs.MaxMemoryPerShellMB"
_NAMED = (_SHELLS, _MEMORY)
