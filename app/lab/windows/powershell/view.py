"""View PowerCLI (snap-in VMware.View.Broker) with its habits: strings for everything, errors where nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from app.lab import directory
from app.lab.directory import PoolFacts
from app.lab.provisioning import set_provisioning
from app.lab.rows import Account, Broker, LdsEntry, Service, UserSession, VCenter, Vm
from app.lab.windows import services
from app.lab.windows.host import Host
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, PsError, Value

SNAPIN = "VMware.View.Broker"
_TYPE = "VMware.View.PowerShell.Commands."
_LINKED_CLONES_UPDATE, _FULL_CLONES_UPDATE = "Update-AutomaticLinkedClonePool", "Update-AutomaticPool"


def offers(host: Host, cmdlet: Cmdlet) -> bool:
    """Say whether this version of View has the cmdlet: Local Mode was there from 4.5 to 5.3."""
    broker = host.broker
    return cmdlet.name != "Get-LocalSession" or broker is None or (4, 5) <= version(broker) < (6,)


def version(broker: Broker) -> tuple[int, ...]:
    """Return View's version as numbers."""
    return tuple(int(part) for part in broker.version.split(".") if part.isdigit())


def _asked(look: Callable[[Call, Broker], Iterator[Value]]) -> Callable[[Call], Iterator[Value]]:
    """Return a cmdlet that answers only where the broker runs and the account has a role in View."""

    def run(call: Call) -> Iterator[Value]:
        broker = _broker(call)
        if not directory.may_look(call.host.account(call.job.account)):
            raise _denied(call)
        nothing = True
        for item in look(call, broker):
            nothing = False
            yield item
        if nothing and not call.cmdlet.changes:
            raise call.error("ObjectNotFound", "ObjectNotFound", "No matching objects were found.")

    return run


def _broker(call: Call) -> Broker:
    broker = call.host.broker
    for name in ("wsbroker", "ADAM_VMwareVDMDS"):
        service = services.find(call.host, name)
        if broker is None or service is None or service.state not in (services.RUNNING, services.STOPPING):
            raise call.error(
                "ConnectionFailure",
                "ConnectionError",
                "Unable to connect to the local View Connection Server. Verify that the service is running.",
            )
    assert broker is not None
    return broker


def _denied(call: Call) -> PsError:
    return call.error(
        "PermissionDenied",
        "PermissionDenied",
        f"{call.job.account} does not have sufficient permissions to perform this operation.",
    )


def _string(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(kind: str, **values: object) -> Object:
    return Object(f"VMware.View.{kind}", **{name: _string(value) for name, value in values.items()})


# ---- pools


def _pools(call: Call, broker: Broker) -> Iterator[Value]:
    for pool in directory.pools(call.host.world, broker.group):
        shown = _pool(call, pool)
        if all(str(shown.get(name)).lower() == str(value).lower() for name, value in call.values.items()):
            yield shown


def _pool(call: Call, pool: PoolFacts) -> Object:
    entry = directory.pool(call.host.world, pool.group, pool.id)
    assert entry is not None
    automatic = pool.linked or pool.full
    values: dict[str, Any] = {
        "pool_id": pool.id, "displayName": pool.name, "description": entry.first("description"),
        "enabled": pool.enabled,
        "poolType": pool.type, "deliveryModel": "Provisioned" if automatic else "Manual",
        "desktopSource": "SVI" if pool.linked else "TerminalService" if pool.type == "TerminalService" else "VC",
        "persistence": "Persistent" if pool.persistent else "NonPersistent", "vc_id": pool.vcenter,
        "multiSessionAllowed": False, "protocol": "PCOIP", "allowProtocolOverride": True,
    }  # fmt: skip
    if automatic:
        values |= {
            "provisionEnabled": bool(pool.provisioning),
            "provisionSuspendOnError": entry.first("pae-VmProvSuspendOnError", "1") == "1",
            "minimumCount": pool.minimum, "maximumCount": pool.maximum, "headroomCount": pool.headroom,
            "namePrefix": entry.first("pae-VmNamePrefix"), "deletePolicy": pool.delete,
            "vmFolderPath": entry.first("pae-VmFolder"), "resourcePoolPath": entry.first("pae-VmResourcePool"),
        }  # fmt: skip
    if pool.linked:
        values |= {
            "parentVMPath": pool.parent, "parentVMSnapshotPath": pool.snapshot, "refreshPolicy": pool.refresh,
            "parentVMSnapshotMOID": entry.first("pae-SVIVmSnapshotMOID"),
            "datastoreSpecs": entry.first("pae-SVIVmDatastore"),
        }  # fmt: skip
    return _object("Pool", **values)


def _switch(call: Call, broker: Broker) -> Iterator[Value]:
    if not directory.may_change(call.host.account(call.job.account)):
        raise _denied(call)
    world = call.host.world
    with world.lock:
        entry = directory.pool(world, broker.group, call.text("pool_id"))
        if entry is None:
            raise call.error("ObjectNotFound", "ObjectNotFound", f"Pool {call.text('pool_id')} was not found.")
        pool = directory.facts(entry)
        fits = pool.linked if call.cmdlet.name == _LINKED_CLONES_UPDATE else pool.full
        if not fits:
            raise call.error(
                "InvalidPoolType",
                "InvalidArgument",
                f"Pool {pool.id} is of type {pool.type} and cannot be updated with {call.cmdlet.name}.",
            )
        wanted = call.values.get("isProvisioningEnabled")
        if wanted is not None and not call.job.met("lie", "half"):
            set_provisioning(world, call.host.system, broker.group, pool.id, wanted)
    yield from ()


# ---- desktops and sessions


def _desktops(call: Call, broker: Broker) -> Iterator[Value]:
    wanted = {name.lower(): str(value).lower() for name, value in call.values.items()}
    twice = version(broker) < (4, 6)
    for number, shown in enumerate(_all_desktops(call, broker)):
        if all(str(shown.get(name) or "").lower() == value for name, value in wanted.items()):
            yield shown
            if twice and number % 3 == 0:
                yield shown  # View 4.5 returns some twice


def _all_desktops(call: Call, broker: Broker) -> Iterator[Object]:
    world = call.host.world
    pools = {pool.dn.lower(): pool for pool in directory.pools(world, broker.group)}
    people = {row.sid: row for row in world.all(Account) if row.sid}
    out = {session.desktop for session in world.all(UserSession, group=broker.group, local=True)}
    in_pools: set[tuple[str, str]] = set()
    for entry in directory.desktops(world, broker.group):
        pool = pools.get(entry.member_of)
        in_pools.add((pool.vcenter if pool else "", entry.first("pae-MOID")))
        yield _desktop(entry, pool, people, entry.first("cn") in out)
    for vc_id, name in _reachable_vcenters(call, broker):
        for vm in world.all(Vm, vcenter=name):
            if (vc_id, vm.moid) not in in_pools and not vm.template:
                yield _object(
                    "DesktopVM",
                    Name=vm.name,
                    id=f"VirtualMachine-{vm.moid}",
                    Path=vm.name,
                    vc_id=vc_id,
                    machine_id="",
                    pool_id="",
                    isInPool=False,
                    isLinkedClone=False,
                    localState="",
                )


def _desktop(entry: LdsEntry, pool: PoolFacts | None, people: dict[str, Account], local: bool) -> Object:
    sid = next(directory.sids(entry), "")
    person = people.get(sid)
    moid = entry.first("pae-MOID")
    return _object(
        "DesktopVM", Name=entry.first("pae-DisplayName"), id=f"VirtualMachine-{moid}" if moid else "",
        Path=entry.first("pae-VmPath"), machine_id=entry.first("cn"), pool_id=pool.id if pool else "",
        vc_id=pool.vcenter if pool else "", isInPool=True, isLinkedClone=bool(pool and pool.linked),
        localState="checked out" if local else "checked in", HostName=entry.first("iPHostNumber"),
        user_displayname=person.name if person else "", user_sid=sid,
    )  # fmt: skip


def _reachable_vcenters(call: Call, broker: Broker) -> Iterator[tuple[str, str]]:
    """Yield View's id and our name of each vCenter whose service runs."""
    world = call.host.world
    by_dns = {world_host(row, call.host): row for row in world.all(VCenter)}
    for entry in _vcenter_entries(call, broker):
        row = by_dns.get(_server_of(entry))
        service = world.get(Service, row.host, "vpxd") if row else None
        if row is not None and service is not None and service.state == services.RUNNING:
            yield entry.first("cn"), row.name


def world_host(row: VCenter, host: Host) -> str:
    """Return the DNS name of a vCenter's host."""
    return Host(host.lab, row.host).row.dns.lower()


def _sessions(*, local: bool) -> Callable[[Call, Broker], Iterator[Value]]:
    def look(call: Call, broker: Broker) -> Iterator[Value]:
        world = call.host.world
        for row in world.all(UserSession, group=broker.group, local=local):
            desktop = world.get(LdsEntry, broker.group, directory.desktop_dn(row.desktop).lower())
            started = datetime.fromtimestamp(row.started, UTC).strftime("%m/%d/%Y %H:%M:%S")
            shown = _object(
                "LocalSession" if local else "RemoteSession", session_id=row.id, Username=row.user, pool_id=row.pool,
                DNSName=desktop.first("iPHostNumber") if desktop else "", state=row.state, startTime=started,
                session="Local" if local else "PCOIP",
            )  # fmt: skip
            if all(str(shown.get(name)).lower() == str(value).lower() for name, value in call.values.items()):
                yield shown

    return look


# ---- the rest


def _brokers(call: Call, broker: Broker) -> Iterator[Value]:
    kinds = {"standard": "Connection Server", "replica": "Connection Server", "security": "Security Server"}
    for entry in directory.below(call.host.world, broker.group, directory.BROKERS)[1:]:
        name = entry.first("cn")
        if call.text("broker_id").lower() in ("", name.lower()):
            yield _object(
                "ConnectionBroker",
                broker_id=name,
                type=kinds.get(entry.first("pae-ServerType"), ""),
                externalURL=entry.first("pae-ClientURL"),
                tags="",
                directConnect=entry.first("pae-DirectConnect", "0") == "1",
            )


def _vcenter_entries(call: Call, broker: Broker) -> list[LdsEntry]:
    return directory.below(call.host.world, broker.group, directory.VCENTERS)[1:]


def _server_of(entry: LdsEntry) -> str:
    return entry.first("pae-VCURL").partition("//")[2].partition("/")[0].partition(":")[0].lower()


def _vcenters(call: Call, broker: Broker) -> Iterator[Value]:
    for entry in _vcenter_entries(call, broker):
        if call.text("vc_id").lower() in ("", entry.first("cn").lower()):
            yield _object(
                "ViewVC",
                vc_id=entry.first("cn"),
                serverName=_server_of(entry),
                port=443,
                useSSL=True,
                username=entry.first("pae-VCUserName"),
                useComposer=bool(entry.first("pae-SVIURL")),
                composerUrl=entry.first("pae-SVIURL"),
                displayName=_server_of(entry),
            )


def _entitlements(call: Call, broker: Broker) -> Iterator[Value]:
    world = call.host.world
    people = {row.sid: row for row in world.all(Account) if row.sid}
    for entry in world.all(LdsEntry, group=broker.group, main_class=directory.APPLICATION):
        pool = directory.cn(entry.first("pae-Servers"))
        if call.text("pool_id").lower() not in ("", pool.lower()):
            continue
        for sid in directory.sids(entry):
            name = people[sid].name if sid in people else ""
            yield _object("PoolEntitlement", pool_id=pool, sid=sid, displayName=name, cn=sid)


def _global_setting(call: Call, broker: Broker) -> Iterator[Value]:
    entry = call.host.world.get(LdsEntry, broker.group, directory.COMMON.lower())
    if entry is not None:
        yield _object(
            "GlobalSetting",
            SessionTimeout=entry.first("pae-SessionTimeout"),
            PreLoginMessage=entry.first("pae-PreLoginMessage"),
            DisplayPreLogin=bool(entry.first("pae-PreLoginMessage")),
        )


def _monitors(call: Call, broker: Broker) -> Iterator[Value]:
    world = call.host.world
    for row in world.all(Broker, group=broker.group):
        service = world.get(Service, row.host, "wsbroker")
        if service is not None and service.state == services.RUNNING:
            yield _object(
                "Monitor", monitor="CBMonitor", monitor_id=row.host, build=f"{row.version}-{row.build}", status="OK"
            )
    for entry in _vcenter_entries(call, broker):
        yield _object("Monitor", monitor="VCMonitor", monitor_id=_server_of(entry), status="OK")
    yield _object(
        "Monitor", monitor="DomainMonitor", monitor_id=world.require(Broker, call.host.name).host, status="OK"
    )


def _cmdlet(
    name: str, look: Callable[[Call, Broker], Iterator[Value]], *parameters: Parameter, changes: bool = False
) -> Cmdlet:
    kind = _TYPE + name.replace("-", "")
    return Cmdlet(name, kind, parameters, _asked(look), changes=changes, snapin=SNAPIN)


_POOL_ID = Parameter("pool_id")
_UPDATE = (Parameter("pool_id", mandatory=True), Parameter("isProvisioningEnabled", Kind.BOOL))
CMDLETS = (
    _cmdlet("Get-Pool", _pools, _POOL_ID, *(Parameter(n) for n in ("displayName", "enabled", "poolType", "vc_id"))),
    _cmdlet("Get-DesktopVM", _desktops, _POOL_ID, *(Parameter(name) for name in ("Name", "vc_id", "isInPool"))),
    _cmdlet("Get-RemoteSession", _sessions(local=False), _POOL_ID, Parameter("Username"), Parameter("session_id")),
    _cmdlet("Get-LocalSession", _sessions(local=True), _POOL_ID, Parameter("Username"), Parameter("session_id")),
    _cmdlet("Get-ConnectionBroker", _brokers, Parameter("broker_id")),
    _cmdlet("Get-ViewVC", _vcenters, Parameter("vc_id")),
    _cmdlet("Get-PoolEntitlement", _entitlements, _POOL_ID),
    _cmdlet("Get-GlobalSetting", _global_setting),
    _cmdlet("Get-Monitor", _monitors),
    _cmdlet(_FULL_CLONES_UPDATE, _switch, *_UPDATE, changes=True),
    _cmdlet(_LINKED_CLONES_UPDATE, _switch, *_UPDATE, changes=True),
)  # fmt: skip
