"""The rows of the practice environment's world. Frozen: a change puts a new row in the old one's place."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A row of the table named as its class; `KEY` names the fields that tell it from the others.

    `INDEX` names fields (or properties) that large tables are searched by."""

    KEY: ClassVar[tuple[str, ...]] = ("name",)
    INDEX: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> str:
        return "|".join(str(getattr(self, name)) for name in self.KEY)


# ---- Windows hosts


class WindowsHost(Row, frozen=True, kw_only=True):
    """A Windows machine. `quotas` are WinRM's, by the names of `winrm get winrm/config`; `listener`: its ports
    are open; `free` and `size` are
    bytes by drive."""

    name: str
    dns: str
    os: str = "Microsoft Windows Server 2008 R2 Standard"
    os_version: str = "6.1.7601"
    powershell: str = "2.0"
    clock_offset: float = 0.0
    reachable: bool = True
    listener: bool = True
    free: dict[str, int] = {}
    size: dict[str, int] = {}
    quotas: dict[str, int] = {}
    snapins: tuple[str, ...] = ()


class Account(Row, frozen=True, kw_only=True):
    """A login. Its password lies outside the world. `administers` lists hosts ("*": all).

    `sql_roles`: sysadmin, dbcreator, VIEW SERVER STATE, public (may log in, nothing else); db_backupoperator,
    db_datareader, db_owner of every user database, or of one as "db_datareader:msdb". Without any, the account is no
    login of SQL Server."""

    name: str
    sid: str = ""
    administers: tuple[str, ...] = ()
    view_role: str = ""
    vcenter_role: str = ""
    sql_roles: tuple[str, ...] = ()


class Service(Row, frozen=True, kw_only=True):
    """A Windows service; `state` as Win32_Service says it: Running, Stopped, Start Pending, Stop Pending."""

    KEY: ClassVar[tuple[str, ...]] = ("host", "name")
    host: str
    name: str
    display: str
    state: str = "Running"
    start_mode: str = "Auto"
    account: str = "LocalSystem"
    depends_on: tuple[str, ...] = ()
    clustered: bool = False
    pid: int = 0


class HostFile(Row, frozen=True, kw_only=True):
    """A file on a Windows host; `path` as written, the key in lower case. Its bytes are the blob of that SHA-256."""

    KEY: ClassVar[tuple[str, ...]] = ("host", "key_path")
    INDEX: ClassVar[tuple[str, ...]] = ("host",)
    host: str
    path: str
    blob: str
    size: int
    modified: float

    @property
    def key_path(self) -> str:
        return self.path.lower()


class HostFolder(Row, frozen=True, kw_only=True):
    """A folder; `writers` are the accounts that may write in it besides administrators, `denied` those that may not
    whatever else says that they may. `owned_by` are those that have full control where nothing is inherited from above
    any more; None: it is."""

    KEY: ClassVar[tuple[str, ...]] = ("host", "key_path")
    INDEX: ClassVar[tuple[str, ...]] = ("host",)
    host: str
    path: str
    writers: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    owned_by: tuple[str, ...] | None = None

    @property
    def key_path(self) -> str:
        return self.path.lower()


class RegistryKey(Row, frozen=True, kw_only=True):
    """A registry key (`HKLM\\SOFTWARE\\...`) and its values."""

    KEY: ClassVar[tuple[str, ...]] = ("host", "key_path")
    INDEX: ClassVar[tuple[str, ...]] = ("host",)
    host: str
    path: str
    values: dict[str, str] = {}

    @property
    def key_path(self) -> str:
        return self.path.lower()


class RsaContainer(Row, frozen=True, kw_only=True):
    """A machine-level RSA key container (aspnet_regiis); `key_id` tells one key from another."""

    KEY: ClassVar[tuple[str, ...]] = ("host", "name")
    host: str
    name: str
    key_id: str


# ---- View


class Broker(Row, frozen=True, kw_only=True):
    """A Connection Server, standard or replica, of an AD LDS `group` that replicates."""

    host: str
    role: str
    group: str
    version: str
    build: str
    recovery_password: str = ""  # the account's name under which the lab keeps it; empty: exports are plain
    KEY: ClassVar[tuple[str, ...]] = ("host",)


class LdsEntry(Row, frozen=True, kw_only=True):
    """An entry of View's AD LDS, the same on every broker of the group. Pools, desktops and entitlements are these."""

    KEY: ClassVar[tuple[str, ...]] = ("group", "key_dn")
    INDEX: ClassVar[tuple[str, ...]] = ("main_class", "member_of")
    group: str
    dn: str
    classes: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]] = {}

    @property
    def key_dn(self) -> str:
        return self.dn.lower()

    @property
    def main_class(self) -> str:
        """The last, most special class: pae-VM, pae-ServerPool, pae-DesktopApplication ..."""
        return self.classes[-1]

    @property
    def member_of(self) -> str:
        """The DN of the pool that a desktop belongs to, in lower case."""
        return self.first("pae-MemberDNOf").lower()

    def first(self, attribute: str, otherwise: str = "") -> str:
        values = self.attributes.get(attribute)
        return values[0] if values else otherwise


class UserSession(Row, frozen=True, kw_only=True):
    """A remote session, or a local one for a desktop that is checked out."""

    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEX: ClassVar[tuple[str, ...]] = ("pool", "desktop", "local")
    id: str
    group: str
    user: str
    pool: str
    desktop: str
    state: str = "CONNECTED"
    local: bool = False
    started: float = 0.0


class Composer(Row, frozen=True, kw_only=True):
    """A View Composer with its database and the key that protects it."""

    host: str
    vcenter: str
    sql_server: str
    database: str
    version: str
    key_container: str
    KEY: ClassVar[tuple[str, ...]] = ("host",)


class ComposerRequest(Row, frozen=True, kw_only=True):
    """A request in Composer's own database; `state` 0 waiting, 1 running, 2 done, 3 failed."""

    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEX: ClassVar[tuple[str, ...]] = ("state",)
    id: str
    composer: str
    operation: str
    pool: str
    vm: str
    state: int
    created: float
    starts: float = 0.0


class Work(Row, frozen=True, kw_only=True):
    """Something that goes on by itself: clone, recompose, refresh, delete, service-start, service-stop,
    built-in-backup."""

    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    kind: str
    subject: str
    starts: float
    ends: float
    details: dict[str, Any] = {}


# ---- vCenter


class VCenter(Row, frozen=True, kw_only=True):
    """A vCenter server; `databases` of it is (sql_server, database)."""

    name: str
    host: str
    version: str
    build: str
    api: str
    instance_uuid: str
    sql_server: str
    database: str


class Managed(Row, frozen=True, kw_only=True):
    """Any managed object but a VM: Datacenter, Folder, ClusterComputeResource, HostSystem, ResourcePool, Datastore,
    Network, VmwareDistributedVirtualSwitch, DistributedVirtualPortgroup. `properties` are JSON, shaped by kind."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "moid")
    INDEX: ClassVar[tuple[str, ...]] = ("vcenter", "kind")
    vcenter: str
    moid: str
    kind: str
    name: str
    parent: str = ""
    properties: dict[str, Any] = {}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot; `path` is its place in the tree, as View writes it: /base/patched."""

    moid: str
    name: str
    path: str
    created: float


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual disk's file and the file that it is a child of."""

    path: str
    parent: str = ""
    size: int = 0


class Vm(Row, frozen=True, kw_only=True):
    """A virtual machine: desktop, parent, replica, source or anything else. `files` of it lie on `datastore`."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "moid")
    INDEX: ClassVar[tuple[str, ...]] = ("vcenter", "name", "folder", "host")
    vcenter: str
    moid: str
    name: str
    uuid: str
    instance_uuid: str
    host: str
    folder: str
    resource_pool: str
    datastore: str
    network: str
    vmx: str
    power: str = "poweredOn"
    connection: str = "connected"
    template: bool = False
    annotation: str = ""
    guest: str = ""
    snapshots: tuple[Snapshot, ...] = ()
    disks: tuple[Disk, ...] = ()
    custom: dict[str, str] = {}
    protected: bool = False  # Composer's replicas and sources


class VcTask(Row, frozen=True, kw_only=True):
    """A task: `state` queued, running, success, error."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "moid")
    INDEX: ClassVar[tuple[str, ...]] = ("state", "entity")
    vcenter: str
    moid: str
    description: str  # descriptionId, as VirtualMachine.clone
    entity: str
    entity_name: str
    state: str
    queued: float
    started: float = 0.0
    completed: float = 0.0
    progress: int = 0
    error: str = ""


class VcScheduledTask(Row, frozen=True, kw_only=True):
    """A scheduled task of vCenter's own scheduler."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "moid")
    vcenter: str
    moid: str
    name: str
    entity: str
    action: str
    next_run: float


class Role(Row, frozen=True, kw_only=True):
    """A role of vCenter."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "id")
    vcenter: str
    id: int
    name: str
    privileges: tuple[str, ...]
    system: bool = False


class Permission(Row, frozen=True, kw_only=True):
    """A role that an account or group has on an entity."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "entity", "principal")
    vcenter: str
    entity: str
    principal: str
    role: int
    group: bool = False
    propagate: bool = True


class CustomField(Row, frozen=True, kw_only=True):
    """A custom attribute; values are with the virtual machines."""

    KEY: ClassVar[tuple[str, ...]] = ("vcenter", "id")
    vcenter: str
    id: int
    name: str
    managed_type: str = "VirtualMachine"


# ---- SQL Server


class SqlServer(Row, frozen=True, kw_only=True):
    """An instance. `version` as SERVERPROPERTY('ProductVersion'); `edition_id` 3 Enterprise, 2 Standard, 4 Express.

    `tls`: "none" (old, unencrypted only), "1.0", "1.2". `account` is the service account that writes backups."""

    name: str
    host: str
    version: str
    edition: str
    edition_id: int
    collation: str = "SQL_Latin1_General_CP1_CI_AS"
    backup_folder: str = ""
    tls: str = "1.2"
    clustered: bool = False
    account: str = ""
    language: str = "us_english"


class Database(Row, frozen=True, kw_only=True):
    """A database; `content` says which part of the world it holds: composer:HOST, vcenter:NAME, events:GROUP, other."""

    KEY: ClassVar[tuple[str, ...]] = ("server", "name")
    server: str
    name: str
    content: str = "other"
    recovery: str = "FULL"
    state: str = "ONLINE"
    family_guid: str = ""
    size: int = 0
    owner: str = "sa"
    used_by: str = ""  # "HOST|SERVICE" that keeps a connection while it runs
    schema: str = "known"  # "foreign": Composer's tables have other names


class BackupRecord(Row, frozen=True, kw_only=True):
    """A row of msdb.dbo.backupset with its media family. Rows exist only for backups that succeeded."""

    KEY: ClassVar[tuple[str, ...]] = ("server", "id")
    INDEX: ClassVar[tuple[str, ...]] = ("database",)
    server: str
    id: int
    database: str
    set_name: str
    path: str
    user: str
    started: float
    finished: float
    copy_only: bool
    checksums: bool
    damaged: bool = False
    size: int = 0
    compressed_size: int = 0
    position: int = 1
    family_guid: str = ""
    kind: str = "D"


class EventRecord(Row, frozen=True, kw_only=True):
    """A row of View's event database."""

    KEY: ClassVar[tuple[str, ...]] = ("group", "id")
    group: str
    id: int
    time: float
    kind: str
    severity: str
    text: str
    desktop: str = ""
    pool: str = ""
    user: str = ""


# ---- the lab itself


class Fault(Row, frozen=True, kw_only=True):
    """A fault on demand. `system` as winrm:broker1, sql:sql1, vcenter:vc1; `call` a pattern (fnmatch, any case) on the
    call's text, or several with || between them.

    `kind`: refuse, fail, hang, drop, lose-answer, lie (say yes, do nothing), half, slow, disk-full, wrong-password,
    truncate.
    `times` left, -1 for always."""

    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    system: str
    call: str
    kind: str
    times: int = -1
    detail: str = ""


class Setting(Row, frozen=True, kw_only=True):
    """A setting of the lab: pace (durations are multiplied by it; 0: none), language, scene."""

    name: str
    value: str


ANY = (
    WindowsHost | Account | Service | HostFile | HostFolder | RegistryKey | RsaContainer | Broker | LdsEntry
    | UserSession | Composer | ComposerRequest | Work | VCenter | Managed | Vm | VcTask | VcScheduledTask | Role
    | Permission | CustomField | SqlServer | Database | BackupRecord | EventRecord | Fault | Setting
)  # fmt: skip
