"""View itself: brokers, AD LDS, accounts, sessions, Composer with its past requests, event records."""

from __future__ import annotations

from collections.abc import Iterator

from app.lab import directory
from app.lab.founding.plan import (
    BROKERS,
    COMPOSER_VERSION,
    DAY,
    DNS,
    DOMAIN,
    DOMAIN_SID,
    GROUP,
    POOLS,
    VIEW_BUILD,
    VIEW_VERSION,
    DesktopPlan,
    Plan,
    PoolPlan,
)
from app.lab.rows import Account, Broker, Composer, ComposerRequest, EventRecord, LdsEntry, Row, UserSession

MOST_EVENTS = 2000
MOST_REQUESTS = 500
SERVER_POOL_TYPES = {
    "Persistent": directory.AUTOMATIC_DEDICATED,
    "SVIPersistent": directory.AUTOMATIC_DEDICATED,
    "NonPersistent": directory.AUTOMATIC_FLOATING,
    "SVINonPersistent": directory.AUTOMATIC_FLOATING,
    "ManualVCPersistent": directory.MANUAL_VC,
}


def view_rows(plan: Plan) -> Iterator[Row]:
    """Yield View's rows."""
    yield from _accounts(plan)
    for host, role in zip(BROKERS, ("standard", "replica"), strict=True):
        yield Broker(host=host, role=role, group=GROUP, version=VIEW_VERSION, build=VIEW_BUILD)
    yield from lds_entries(plan)
    yield from _sessions(plan)
    yield Composer(
        host="composer1", vcenter="vc1", sql_server="sql1", database="ViewComposer", version=COMPOSER_VERSION,
        key_container="SviKeyContainer",
    )  # fmt: skip
    yield from _requests(plan)
    yield from _events(plan)


def _accounts(plan: Plan) -> Iterator[Account]:
    yield Account(
        name=f"{DOMAIN}\\viewkeeper", sid=f"{DOMAIN_SID}-1001", administers=("*",), view_role=directory.ADMINISTRATORS,
        vcenter_role="Administrator", sql_roles=("sysadmin",),
    )  # fmt: skip
    yield Account(
        name=f"{DOMAIN}\\auditor", sid=f"{DOMAIN_SID}-1002", view_role=directory.READ_ONLY, vcenter_role="ReadOnly"
    )
    yield Account(
        name="vksql",
        sql_roles=(
            "db_backupoperator",
            "db_datareader:msdb",
            "db_datareader:ViewComposer",
            "VIEW SERVER STATE",
            "dbcreator",
        ),
    )
    yield Account(name="limited", sql_roles=("public",))
    for number, name in enumerate(("sqlservice", "viewservice", "dba", "helpdesk")):
        yield Account(name=f"{DOMAIN}\\{name}", sid=f"{DOMAIN_SID}-{1003 + number}")
    for user in (*plan.groups, *plan.users):
        yield Account(name=user.account, sid=user.sid)


# ---- AD LDS


def lds_entries(plan: Plan) -> Iterator[LdsEntry]:
    """Yield the whole tree, parents before children."""
    yield _entry(directory.ROOT, "domainDNS")
    for dn in (directory.SERVERS, directory.POOLS, directory.APPLICATIONS, directory.PROPERTIES):
        yield _unit(dn)
    for dn in (directory.VCENTERS, directory.BROKERS, directory.EVENT_DATABASES, f"OU=Global,{directory.PROPERTIES}"):
        yield _unit(dn)
    yield from _properties(plan)
    members: dict[str, list[str]] = {pool.id: [] for pool in POOLS}
    for desktop in plan.desktops:
        members[desktop.pool.id].append(directory.desktop_dn(desktop.machine))
    for pool in POOLS:
        yield _pool(plan, pool, members[pool.id])
        yield _application(plan, pool)
    snapshots = {(parent, path): moid for parent, path, moid in plan.snapshots}
    for desktop in plan.desktops:
        yield _desktop(plan, desktop, snapshots)


def _entry(dn: str, kind: str, **attributes: str | tuple[str, ...]) -> LdsEntry:
    given = {
        name.replace("_", "-"): (value,) if isinstance(value, str) else value for name, value in attributes.items()
    }
    return LdsEntry(group=GROUP, dn=dn, classes=("top", kind), attributes=given)


def _unit(dn: str) -> LdsEntry:
    return _entry(dn, "organizationalUnit", ou=directory.cn(dn))


def vcenter_id(plan: Plan, vcenter: str) -> str:
    """Return the GUID by which View knows a vCenter."""
    return plan.guid("view-vc", vcenter)


def vcenter_dn(plan: Plan, vcenter: str) -> str:
    """Return where View's entry of a vCenter lies."""
    return f"CN={vcenter_id(plan, vcenter)},{directory.VCENTERS}"


def _properties(plan: Plan) -> Iterator[LdsEntry]:
    for name, host, composer in (("vc1", "vcenter1", "composer1"), ("vc2", "vcenter2", "")):
        url = {"pae_SVIURL": f"https://{composer}.{DNS}:18443", "pae_SVIUserName": f"{DOMAIN}\\viewservice",
               "pae_SVIPassword": plan.guid("secret", "svi" + name)} if composer else {}  # fmt: skip
        yield _entry(
            vcenter_dn(plan, name), "pae-VirtualCenter", cn=vcenter_id(plan, name),
            pae_VCURL=f"https://{host}.{DNS}:443/sdk", pae_VCUserName=f"{DOMAIN}\\viewservice",
            pae_VCPassword=plan.guid("secret", "vc" + name), **url,
        )  # fmt: skip
    for host in BROKERS:
        yield _entry(
            f"CN={host},{directory.BROKERS}", "pae-VDMProperties", cn=host,
            pae_ClientURL=f"https://{host}.{DNS}:443", pae_ServerType="standard" if host == "broker1" else "replica",
            pae_DirectConnect="0", pae_BackupFrequency="1", pae_BackupMaxFiles="10",
            pae_BackupLocation=r"C:\ProgramData\VMware\VDM\backups",
        )  # fmt: skip
    yield _entry(
        f"CN=security1,{directory.BROKERS}", "pae-VDMProperties", cn="security1",
        pae_ClientURL=f"https://security1.{DNS}:443", pae_ServerType="security", pae_SecurityServerPair="broker1",
    )  # fmt: skip
    guid = plan.guid("event-database")
    yield _entry(
        f"CN={guid},{directory.EVENT_DATABASES}", "pae-EventDatabase", cn=guid, pae_EventDatabaseServer=f"sql1.{DNS}",
        pae_EventDatabasePort="1433", pae_EventDatabaseName="ViewEvents", pae_EventDatabaseTablePrefix="VE_",
        pae_EventDatabaseUser="viewevents", pae_EventDatabasePassword=plan.guid("secret", "events"),
    )  # fmt: skip
    yield _entry(
        directory.COMMON, "pae-VDMProperties", cn="Common", pae_VDMVersion=VIEW_VERSION, pae_SessionTimeout="600",
        pae_MultipleMonitors="1", pae_PreLoginMessage="仅限授权用户使用 Authorized users only",
    )  # fmt: skip


def _pool(plan: Plan, pool: PoolPlan, members: list[str]) -> LdsEntry:
    count = len(members)
    automatic: dict[str, str | tuple[str, ...]] = {}
    if pool.provisioning is not None:
        automatic = {
            "pae_VmProvEnabled": "1" if pool.provisioning else "0", "pae_VmProvError": "",
            "pae_VmMinimumCount": str(count + pool.missing), "pae_VmMaximumCount": str(count + pool.missing + 10),
            "pae_VmHeadroomCount": "1", "pae_VmNamePrefix": pool.prefix + "-{n:fixed=3}",
            "pae_VmResourcePool": f"/{center(pool)}/host/{cluster(pool)}/Resources/Desktops",
            "pae_VmDeletePolicy": pool.delete,
        }  # fmt: skip
    if pool.linked:
        moid = next(moid for parent, path, moid in plan.snapshots if (parent, path) == (pool.parent, pool.snapshot))
        automatic |= {
            "pae_SVIVmParentVM": f"/{center(pool)}/vm/Parents/{pool.parent}", "pae_SVIVmSnapshot": pool.snapshot,
            "pae_SVIVmSnapshotMOID": moid, "pae_SVIVmRefreshPolicy": pool.refresh,
            "pae_SVIVmDatastore": f"/{center(pool)}/host/{cluster(pool)}/clones-01",
        }  # fmt: skip
    return _entry(
        directory.pool_dn(pool.id), directory.POOL, cn=pool.id, pae_DisplayName=pool.name,
        pae_ServerPoolType=SERVER_POOL_TYPES[pool.type], pae_Disabled="0", pae_VCDN=vcenter_dn(plan, pool.vcenter),
        pae_PoolPersistence="Persistent" if pool.persistent else "NonPersistent",
        pae_VmFolder=f"/{center(pool)}/vm/Desktops/{pool.id}", **automatic, pae_MemberDN=tuple(members),
    )  # fmt: skip


def center(pool: PoolPlan) -> str:
    """Return the name of the datacenter that a pool's desktops are in."""
    return "Beijing" if pool.vcenter == "vc1" else "Shanghai 上海"


def cluster(pool: PoolPlan) -> str:
    """Return the name of the cluster that a pool's desktops run on."""
    return "View-A" if pool.vcenter == "vc1" else "View-B"


def _application(plan: Plan, pool: PoolPlan) -> LdsEntry:
    entitled = plan.sids[f"{DOMAIN}\\{pool.entitled}"]
    return _entry(
        f"CN={pool.id},{directory.APPLICATIONS}", directory.APPLICATION, cn=pool.id, pae_DisplayName=pool.name,
        pae_Servers=directory.pool_dn(pool.id), pae_Disabled="0",
        member=f"<SID={entitled}>",
    )  # fmt: skip


def _desktop(plan: Plan, desktop: DesktopPlan, snapshots: dict[tuple[str, str], str]) -> LdsEntry:
    pool = desktop.pool
    attributes: dict[str, tuple[str, ...]] = {
        "cn": (desktop.machine,), "pae-DisplayName": (desktop.name,), "pae-VmState": (desktop.state,),
        "pae-VmPath": (f"/{center(pool)}/vm/Desktops/{pool.id}/{desktop.name}",), "pae-MOID": (desktop.moid,),
        "pae-MemberDNOf": (directory.pool_dn(pool.id),), "iPHostNumber": (f"{desktop.name}.{DNS}".lower(),),
        "pae-Disabled": ("0",), "pae-VmSuspended": ("0",), "pae-DirtyForNewSessions": ("0",),
    }  # fmt: skip
    if pool.linked:
        attributes["pae-SVIVmSnapshotMOID"] = (snapshots[pool.parent, pool.snapshot],)
        attributes["pae-SVIVmOperationFlags"] = ("0",)
    if desktop.user and pool.persistent:
        attributes["member"] = (f"<SID={plan.sids[desktop.user]}>",)
    classes = ("top", "pae-Server", "pae-WinServer", "pae-ThinWinServer", directory.DESKTOP)
    return LdsEntry(group=GROUP, dn=directory.desktop_dn(desktop.machine), classes=classes, attributes=attributes)


# ---- what happened before


def _sessions(plan: Plan) -> Iterator[UserSession]:
    for number, desktop in enumerate(plan.desktops):
        if desktop.remote or desktop.local:
            yield UserSession(
                id=plan.guid("session", desktop.name), group=GROUP, user=desktop.user, pool=desktop.pool.id,
                desktop=desktop.machine, local=desktop.local,
                state="CONNECTED" if desktop.local or number % 2 == 0 else "DISCONNECTED",
                started=plan.at - (3 * DAY if desktop.local else 3600) - number % 1800,
            )  # fmt: skip


def _requests(plan: Plan) -> Iterator[ComposerRequest]:
    linked = [desktop for desktop in plan.desktops if desktop.pool.linked]
    for number, desktop in enumerate(linked[:MOST_REQUESTS]):
        yield ComposerRequest(
            id=plan.guid("request", desktop.name), composer="composer1", operation="CREATE", pool=desktop.pool.id,
            vm=desktop.name, state=3 if desktop.state == "ERROR" else 2, created=plan.midnight - 15 * DAY + number * 60,
        )  # fmt: skip


def _events(plan: Plan) -> Iterator[EventRecord]:
    for number, desktop in enumerate(plan.desktops[: MOST_EVENTS // 2]):
        moment = plan.midnight - 15 * DAY + number * 60
        yield EventRecord(
            group=GROUP, id=2 * number + 1, time=moment, kind="AGENT_STARTUP", severity="INFO", pool=desktop.pool.id,
            desktop=desktop.name, text=f"The agent running on machine {desktop.name} has started",
        )  # fmt: skip
        if desktop.user:
            yield EventRecord(
                group=GROUP, id=2 * number + 2, time=plan.at - 3600 - number, kind="BROKER_USERLOGGEDIN",
                severity="AUDIT_SUCCESS", pool=desktop.pool.id, desktop=desktop.name, user=desktop.user,
                text=f"User {desktop.user} has logged in",
            )  # fmt: skip
