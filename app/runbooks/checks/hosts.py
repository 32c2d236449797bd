"""The Windows hosts: services, clusters, tools, clocks, and what WinRM allows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from app.connectors.connections import Connections
from app.errors import NotSent, UserError
from app.observation import Observation, State, could_not_look
from app.profile import Broker, Host, Profile, VCenter
from app.profile import SqlServer as Server
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.texts import Text, listed, text
from app.wire import plain_system

AD_LDS = "VMwareVDMDS"
SECURITY_SERVER = "VMware View Security Server"
CLUSTER = "clussvc"
GUARD = re.compile(r"vCenter Server Heartbeat|Neverfail", re.IGNORECASE)  # Hyper-V's own "heartbeat" is no guard
SKEW = 5.0  # seconds between the clocks that a manifest's times can bear
ALWAYS = 2  # WinRM shells at the same time: one for the run, one for the notice
BRANCHES = 2  # of parts side by side: AD LDS, and the databases; each has connections of its own beside the run's
MEMORY = 128  # MB that a shell needs to read a file in parts
FRAMEWORK = r"Microsoft.NET\Framework\v2.0.50727"
POWERCLI = r"HKLM\SOFTWARE\Microsoft\PowerShell\1\PowerShellSnapIns\VMware.View.Broker"


# ---- services


def services(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether the services that a backup needs run: AD LDS, Connection Server, Composer."""
    broker = c.profile.brokers[0]
    wanted = [(broker.host, AD_LDS), (broker.host, broker.service)]
    wanted += [(composer.host, composer.service) for composer in c.profile.composers]
    return each_system(
        "services", ((f"winrm:{host.name}", partial(_service, c, "services", host, name)) for host, name in wanted)
    )


def security_servers(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether the Security Servers can be reached and run. They need no backup; a restore pairs them anew."""

    def ask(host: Host) -> Observation:
        seen = _service(c, "security-servers", host, SECURITY_SERVER)
        return msgspec.structs.replace(seen, remedy=seen.remedy if seen.state is not State.PASSED else KEEP)

    return each_system(
        "security-servers", ((f"winrm:{host.name}", partial(ask, host)) for host in c.profile.security_servers)
    )


KEEP = text("Keep its sslgateway\\conf folder and its certificates by other means: this program does not.")


def _service(c: Connections, key: str, host: Host, name: str) -> Observation:
    needed, system = text("The service {name} must be running.", name=name), f"winrm:{host.name}"
    found = c.host(host).service(name)
    if found is None:
        others = [s.display for s in c.host(host).services() if "vmware" in s.display.casefold()]
        seen = text(
            "There is no service {name} on {host}; there are: {others}.",
            name=name,
            host=host.name,
            others=listed(others),
        )
        return Observation(key, State.BLOCKED, seen, needed, text("Correct its name in the profile."), system)
    seen = text("{name} on {host}: {state}.", name=found.display, host=host.name, state=found.state)
    if found.state == "Running":
        return Observation(key, State.PASSED, seen, needed, system=system)
    return Observation(key, State.BLOCKED, seen, needed, text("Start it, and see why it had stopped."), system)


# ---- clusters


def clustered(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look for clusters on the hosts whose services will be stopped: a stop would be answered with a failover."""
    hosts = [composer.host for composer in c.profile.composers]
    if c.profile.options.stop_connection_server:
        hosts.append(c.profile.brokers[0].host)
    return each_system("clustered", ((f"winrm:{host.name}", partial(_cluster, c, host)) for host in hosts))


def _cluster(c: Connections, host: Host) -> Observation:
    """Tell by the services: Windows 2003 installs its cluster service without being asked, so only one that is not
    switched off says anything."""
    key, system = "clustered", f"winrm:{host.name}"
    needed = text("Services must not be clustered: a stop would be answered with a failover.")
    found = [s for s in c.host(host).services() if s.name.casefold() == CLUSTER or GUARD.search(s.name + s.display)]
    found = [service for service in found if service.state != "Stopped" or service.start_mode != "Disabled"]
    if not found:
        return Observation(key, State.PASSED, text("{host}: no cluster.", host=host.name), needed, system=system)
    seen = text("{host} has the service {name}: {state}.", host=host.name, name=found[0].display, state=found[0].state)
    if all(service.state == "Stopped" for service in found):
        remedy = text("Leave it stopped until the backup has ended.")
        return Observation(key, State.WARNING, seen, needed, remedy, system)
    remedy = text("Take the service out of its cluster for the backup, with the cluster's own tool.")
    return Observation(key, State.BLOCKED, seen, needed, remedy, system)


# ---- tools


def tools(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether vdmexport, View PowerCLI and aspnet_regiis are where they are expected."""
    broker = c.profile.brokers[0]
    asked: list[Asked] = [
        (f"winrm:{broker.host.name}", partial(_tool, c, broker.host, lambda: vdm_tool(broker, "vdmexport"))),
        (f"winrm:{broker.host.name}", partial(_powercli, c, broker.host)),
    ]
    asked += [
        (f"winrm:{composer.host.name}", partial(_tool, c, composer.host, partial(_regiis, c, composer.host)))
        for composer in c.profile.composers
    ]
    return each_system("tools", asked)


def vdm_tool(broker: Broker, name: str) -> str:
    """Return the path of one of View's own tools on a broker."""
    return rf"{broker.tools}\{name}.exe"


def _regiis(c: Connections, host: Host) -> str:
    return rf"{c.host(host).operating_system().windows_folder}\{FRAMEWORK}\aspnet_regiis.exe"


def _tool(c: Connections, host: Host, path_of: Callable[[], str]) -> Observation:
    path, system = path_of(), f"winrm:{host.name}"
    needed = text("The tool {path} must be there.", path=path)
    if c.host(host).file(path) is not None:
        return Observation("tools", State.PASSED, text("{path} is there.", path=path), needed, system=system)
    remedy = text("Correct the folder in the profile, or install it.")
    return Observation("tools", State.BLOCKED, text("{path} is missing.", path=path), needed, remedy, system)


def _powercli(c: Connections, host: Host) -> Observation:
    system, needed = f"winrm:{host.name}", text("View PowerCLI must be registered on {host}.", host=host.name)
    if c.host(host).registry(POWERCLI) is not None:
        return Observation("tools", State.PASSED, text("View PowerCLI is registered."), needed, system=system)
    remedy = text("Run add-snapin.ps1 on it, in View's folder Extras\\PowerShell, as administrator.")
    return Observation("tools", State.BLOCKED, text("View PowerCLI is not registered."), needed, remedy, system)


# ---- clocks


def clocks(c: Connections, around: Surroundings) -> tuple[Observation, ...]:
    """Look how far all clocks are from this workstation's: the set's times, msdb's and the notice's rest on them."""

    def host(host: Host) -> datetime:
        return c.host(host).clock()

    def vcenter(vcenter: VCenter) -> datetime:
        return c.vcenter(vcenter).clock()

    def server(server: Server) -> datetime:
        return c.database_server(server).clock()

    asked: list[tuple[str, Callable[[], datetime]]] = [(f"winrm:{h.name}", partial(host, h)) for h in c.profile.hosts()]
    asked += [(f"vcenter:{one.name}", partial(vcenter, one)) for one in c.profile.vcenters]
    servers = dict.fromkeys(database.server for database in c.profile.databases())
    asked += [(f"sql:{one.name}", partial(server, one)) for one in servers]
    return each_system("clocks", ((system, partial(_clock, around, system, ask)) for system, ask in asked))


def _clock(around: Surroundings, system: str, ask: Callable[[], datetime]) -> Observation:
    """Compare a clock with ours before and after the question: how long the answer took is nobody's error."""
    before = around.now()
    told = ask().timestamp()
    after = around.now()
    off = max(before - told, told - after, 0.0)
    found = text(
        "{system}: {seconds} seconds from this workstation.", system=plain_system(system), seconds=round(off, 1)
    )
    needed = text("At most {seconds} seconds.", seconds=SKEW)
    if off <= SKEW:
        return Observation("clocks", State.PASSED, found, needed, system=system)
    return Observation(
        "clocks", State.WARNING, found, needed, text("Let all machines take their time from the domain."), system
    )


# ---- WinRM


def winrm(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether every host listens, and what its WinRM allows a user. Where none answers: how to enable it."""

    def ask(host: Host) -> Observation:
        try:
            return _quotas(c, host)
        except NotSent as error:
            seen = could_not_look("winrm", error, f"winrm:{host.name}", LISTENS)
            return msgspec.structs.replace(seen, remedy=_how_to_enable(host, error))

    return each_system("winrm", ((f"winrm:{host.name}", partial(ask, host)) for host in c.profile.hosts()))


LISTENS = text("WinRM must listen on the host, and let the account in.")
_SHELLS, _MEMORY = "Winrs.MaxShellsPerUser", "Winrs.MaxMemoryPerShellMB"
_NAMED = (_SHELLS, _MEMORY)


def _how_to_enable(host: Host, error: UserError) -> Text:
    return text(
        "{first} Where WinRM is not enabled there, as administrator: {command} (Windows 2003 and 2008 need WinRM 2.0 "
        "first; HTTPS needs a certificate of the host's name).",
        first=error.do, command="winrm quickconfig -transport:https" if host.tls else "winrm quickconfig",
    )  # fmt: skip


def shells(profile: Profile) -> int:
    """Return how many WinRM shells a run may have open on one host at the same time."""
    return ALWAYS + (BRANCHES if profile.options.side_by_side else 0)


def _quotas(c: Connections, host: Host) -> Observation:
    quotas, system, wanted = c.host(host).quotas(), f"winrm:{host.name}", shells(c.profile)
    needed = text("{shells} shells per user, {memory} MB per shell.", shells=wanted, memory=MEMORY)
    unknown = [name for name in _NAMED if type(quotas.get(name)) is not int]
    if unknown:
        found = text("{host} does not say: {names}.", host=host.name, names=listed(unknown))
        remedy = text("Read them there: {command}", command="winrm get winrm/config")
        return Observation("winrm", State.UNKNOWN, found, needed, remedy, system)
    found = text("{host}: {quotas}", host=host.name, quotas=listed(f"{name} {quotas[name]}" for name in _NAMED))
    if int(quotas[_SHELLS]) >= wanted and int(quotas[_MEMORY]) >= MEMORY:
        return Observation("winrm", State.PASSED, found, needed, system=system)
    remedy = text('On that host: winrm set winrm/config/winrs @{MaxShellsPerUser="5";MaxMemoryPerShellMB="150"}')
    return Observation("winrm", State.WARNING, found, needed, remedy, system)
