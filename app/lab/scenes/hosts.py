"""Scenes about Windows hosts: unreachable, full, without tools, with other rights and clocks."""

from __future__ import annotations

import json

import msgspec

from app.lab.rows import Account, HostFile, HostFolder, RegistryKey, Service, WindowsHost
from app.lab.scenes.stage import Stage, scene
from app.texts import text

NOTICE = r"C:\ProgramData\ViewKeeper\notice.json"
COMPOSER_KEY = r"hklm\software\wow6432node\vmware, inc.\vmware view composer"
VDMEXPORT = r"c:\program files\vmware\vmware view\server\tools\bin\vdmexport.exe"
REGIIS = r"c:\windows\microsoft.net\framework\v2.0.50727\aspnet_regiis.exe"
POWERCLI = r"hklm\software\microsoft\powershell\1\powershellsnapins\vmware.view.broker"
LITTLE = 1 << 20  # bytes


def _host(stage: Stage, otherwise: str) -> WindowsHost:
    return stage.world.require(WindowsHost, stage.options.get("host", otherwise))


@scene(
    "host-unreachable",
    text("A Windows host does not answer at all."),
    options=("host",),
    shows=tuple((check, "unknown") for check in ("services", "clustered", "tools", "space", "clocks", "winrm")),
)
def _host_unreachable(stage: Stage) -> None:
    stage.put(msgspec.structs.replace(_host(stage, "composer1"), reachable=False))


@scene(
    "listener-missing",
    text("A host has no WinRM listener: its port is closed."),
    options=("host",),
    shows=(("winrm", "unknown"),),
)
def _listener_missing(stage: Stage) -> None:
    stage.put(msgspec.structs.replace(_host(stage, "vcenter2"), listener=False))


@scene(
    "winrm-quotas-low",
    text("WinRM on a host allows one shell of little memory."),
    options=("host",),
    shows=(("winrm", "warning"),),
)
def _winrm_quotas_low(stage: Stage) -> None:
    host = _host(stage, "composer1")
    quotas = {**host.quotas, "MaxShellsPerUser": 1, "MaxMemoryPerShellMB": 64}
    stage.put(msgspec.structs.replace(host, quotas=quotas))


@scene(
    "winrm-shells-used-up",
    text("Others use all the shells that WinRM on a host allows."),
    options=("host",),
    shows=(("winrm", "unknown"),),
)
def _winrm_shells_used_up(stage: Stage) -> None:
    host = _host(stage, "composer1")
    stage.put(msgspec.structs.replace(host, quotas={**host.quotas, "MaxShellsPerUser": 0}))


@scene(
    "disk-full",
    text("The system drive of a host is full."),
    options=("host", "free"),
    shows=(("space", "blocked"),),
)
def _disk_full(stage: Stage) -> None:
    host = _host(stage, "sql1")
    stage.put(msgspec.structs.replace(host, free={**host.free, "C:": int(stage.options.get("free", LITTLE))}))


@scene(
    "clock-off",
    text("The clock of a host is ten minutes fast."),
    options=("host", "seconds"),
    shows=(("clocks", "warning"),),
)
def _clock_off(stage: Stage) -> None:
    offset = float(stage.options.get("seconds", "600"))
    stage.put(msgspec.structs.replace(_host(stage, "composer1"), clock_offset=offset))


@scene(
    "composer-stopped",
    text("View Composer is stopped: linked clones cannot be worked on."),
    shows=(("services", "blocked"),),
)
def _composer_stopped(stage: Stage) -> None:
    service = stage.world.require(Service, "composer1", "svid")
    stage.put(msgspec.structs.replace(service, state="Stopped", pid=0))


@scene(
    "service-stopped",
    text("A service is stopped (host=, service= by its short name)."),
    options=("host", "service"),
    shows=(("services", "blocked"),),
)
def _service_stopped(stage: Stage) -> None:
    key = (stage.options.get("host", "broker1"), stage.options.get("service", "ADAM_VMwareVDMDS"))
    stage.put(msgspec.structs.replace(stage.world.require(Service, *key), state="Stopped", pid=0))


@scene(
    "composer-clustered",
    text("View Composer runs in a cluster: a stop is answered with a failover."),
    shows=(("clustered", "blocked"),),
)
def _composer_clustered(stage: Stage) -> None:
    service = stage.world.require(Service, "composer1", "svid")
    cluster = Service(host="composer1", name="ClusSvc", display="Cluster Service", pid=880)
    stage.put(msgspec.structs.replace(service, clustered=True), cluster)


@scene(
    "cluster-service-idle",
    text("Composer's host has a cluster service that does not run, and Hyper-V's heartbeat (start_mode=Disabled)."),
    options=("start_mode",),
    shows=(("clustered", "passed"),),
)
def _cluster_service_idle(stage: Stage) -> None:
    stage.put(
        Service(
            host="composer1", name="ClusSvc", display="Cluster Service", state="Stopped",
            start_mode=stage.options.get("start_mode", "Disabled"),
        ),
        Service(host="composer1", name="vmicheartbeat", display="Hyper-V Heartbeat Service", pid=912),
    )  # fmt: skip


@scene(
    "tool-missing",
    text("A tool is missing: vdmexport on the first broker, or with tool=aspnet_regiis the one on Composer's host."),
    options=("tool",),
    shows=(("tools", "blocked"),),
)
def _tool_missing(stage: Stage) -> None:
    if stage.options.get("tool", "vdmexport") == "aspnet_regiis":
        stage.drop(stage.world.require(HostFile, "composer1", REGIIS))
    else:
        stage.drop(stage.world.require(HostFile, "broker1", VDMEXPORT))


@scene(
    "powercli-missing",
    text("View PowerCLI is not registered on the first broker."),
    shows=(("progress/view", "unknown"), ("draining", "unknown"), ("rights/view", "unknown")),
)
def _powercli_missing(stage: Stage) -> None:
    host = stage.world.require(WindowsHost, "broker1")
    stage.put(msgspec.structs.replace(host, snapins=()))
    stage.drop(stage.world.require(RegistryKey, "broker1", POWERCLI))


@scene(
    "composer-version-unknown",
    text("The registry does not say which Composer is installed."),
    shows=(("versions", "unknown"),),
)
def _composer_version_unknown(stage: Stage) -> None:
    stage.drop(stage.world.require(RegistryKey, "composer1", COMPOSER_KEY))


@scene(
    "foreign-notice",
    text("Another workstation is at a backup of this environment; with age=SECONDS it has been silent for so long."),
    options=("age",),
    shows=(("notice", "blocked"),),
)
def _foreign_notice(stage: Stage) -> None:
    now = stage.world.now()
    run = {
        "id": "20110930-060000-foreign", "environment": "broker1", "runbook": "backup", "inputs": {}, "plan_hash": "",
        "status": "running", "episode": 1, "started": now - 600,
    }  # fmt: skip
    note = {"run": run, "workstation": "ADMIN-PC2", "user": "zhao.min", "held": [], "over": False, "format": 1}
    _notice(stage, json.dumps(note).encode(), now - float(stage.options.get("age", "0")))


@scene(
    "notice-unreadable",
    text("The notice on the first broker is damaged."),
    shows=(("notice", "unknown"),),
)
def _notice_unreadable(stage: Stage) -> None:
    _notice(stage, b'{"run": {"id": "2011', stage.world.now())


def _notice(stage: Stage, content: bytes, modified: float) -> None:
    file = stage.world.new_file("broker1", NOTICE, content)
    folder = HostFolder(host="broker1", path=NOTICE.rpartition("\\")[0])
    if stage.world.get(HostFolder, "broker1", folder.key_path) is None:
        stage.put(folder)
    stage.put(msgspec.structs.replace(file, modified=modified))


@scene(
    "sql-folder-closed",
    text("The service account of SQL Server is denied to write into its backup folder."),
    options=("host",),
    shows=(("rights/sql-service", "blocked"),),
)
def _sql_folder_closed(stage: Stage) -> None:
    for folder in _backup_folders(stage):
        stage.put(msgspec.structs.replace(folder, denied=folder.writers))


@scene(
    "sql-folder-not-opened",
    text("Only administrators may write into the backup folder of SQL Server, by a group."),
    options=("host",),
    shows=(("rights/sql-service", "unknown"),),
)
def _sql_folder_not_opened(stage: Stage) -> None:
    for folder in _backup_folders(stage):
        stage.put(msgspec.structs.replace(folder, writers=()))


def _backup_folders(stage: Stage) -> list[HostFolder]:
    host = stage.options.get("host", "sql1")
    return [folder for folder in stage.world.all(HostFolder, host=host) if folder.path.endswith("\\Backup")]


@scene(
    "second-sql-instance",
    text("A second SQL Server instance runs on the host, under another account."),
    options=("host",),
    shows=(("rights/sql-service", "unknown"),),
)
def _second_sql_instance(stage: Stage) -> None:
    stage.put(
        Service(
            host=stage.options.get("host", "sql1"), name="MSSQL$SQLEXP_VIM", display="SQL Server (SQLEXP_VIM)",
            account="NT AUTHORITY\\NetworkService", pid=2400,
        )
    )  # fmt: skip


def _account(stage: Stage, otherwise: str) -> Account:
    return stage.world.require(Account, stage.options.get("account", otherwise))


@scene(
    "view-read-only",
    text("The account has only the View role Administrators (Read only)."),
    options=("account",),
    shows=(("rights/view", "blocked"),),
)
def _view_read_only(stage: Stage) -> None:
    account = _account(stage, "PRACTICE\\viewkeeper")
    stage.put(msgspec.structs.replace(account, view_role="Administrators (Read only)"))


@scene(
    "sql-rights-missing",
    text("The SQL login may not back up databases."),
    options=("account",),
    shows=(("rights/sql", "blocked"),),
)
def _sql_rights_missing(stage: Stage) -> None:
    account = _account(stage, "vksql")
    roles = tuple(role for role in account.sql_roles if not role.startswith("db_backupoperator"))
    stage.put(msgspec.structs.replace(account, sql_roles=(*roles, "public")))


@scene(
    "vcenter-rights-missing",
    text("The account may only look at vCenter."),
    options=("account",),
    shows=(("rights/vcenter", "warning"),),
)
def _vcenter_rights_missing(stage: Stage) -> None:
    stage.put(msgspec.structs.replace(_account(stage, "PRACTICE\\viewkeeper"), vcenter_role="ReadOnly"))
