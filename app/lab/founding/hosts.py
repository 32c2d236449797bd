"""The Windows hosts: services, files and folders, registry, key containers, WinRM's quotas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PureWindowsPath

from app.lab.founding.databases import BACKUP_FOLDER, SITE_FOLDER, SQL_SERVICE
from app.lab.founding.plan import COMPOSER_VERSION, DAY, DNS, VIEW_BUILD, VIEW_VERSION, Plan
from app.lab.founding.view import lds_entries
from app.lab.ldif import ldif
from app.lab.rows import HostFolder, RegistryKey, Row, RsaContainer, Service, WindowsHost

GB = 1024**3
HOSTS = ("broker1", "broker2", "security1", "composer1", "vcenter1", "vcenter2", "sql1", "sql2")
WINRM_QUOTAS = {
    "MaxEnvelopeSizekb": 150, "MaxTimeoutms": 60000, "MaxConcurrentOperationsPerUser": 15, "IdleTimeout": 180000,
    "MaxConcurrentUsers": 5, "MaxShellRunTime": 28800000, "MaxProcessesPerShell": 15, "MaxMemoryPerShellMB": 150,
    "MaxShellsPerUser": 5,
}  # fmt: skip
VIEW_HOME = r"C:\Program Files\VMware\VMware View\Server"
VIEW_TOOLS = VIEW_HOME + r"\tools\bin"
VDM_BACKUPS = r"C:\ProgramData\VMware\VDM\backups"
COMPOSER_HOME = r"C:\Program Files (x86)\VMware\VMware View Composer"
VCENTER_HOME = r"C:\Program Files\VMware\Infrastructure\VirtualCenter Server"
VCENTER_DATA = r"C:\ProgramData\VMware\VMware VirtualCenter"
FRAMEWORK = r"C:\Windows\Microsoft.NET\Framework\v2.0.50727"
SYSTEM32 = r"C:\Windows\System32"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"HKLM\SOFTWARE\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
SNAPIN = r"HKLM\SOFTWARE\Microsoft\PowerShell\1\PowerShellSnapIns\VMware.View.Broker"
INSTALLED = 200 * DAY  # before the founding

SYSTEM_SERVICES = (
    ("RpcSs", "Remote Procedure Call (RPC)", "NT AUTHORITY\\NetworkService", ()),
    ("LanmanWorkstation", "Workstation", "NT AUTHORITY\\NetworkService", ()),
    ("LanmanServer", "Server", "LocalSystem", ()),
    ("W32Time", "Windows Time", "NT AUTHORITY\\LocalService", ()),
    ("WinRM", "Windows Remote Management (WS-Management)", "NT AUTHORITY\\NetworkService", ("RpcSs",)),
)
BROKER_SERVICES = (
    ("wsbroker", "VMware View Connection Server", "LocalSystem", ()),
    ("wsnm", "VMware View Framework Component", "LocalSystem", ()),
    ("wsmsgbus", "VMware View Message Bus Component", "LocalSystem", ()),
    ("wstunnel", "VMware View Security Gateway Component", "LocalSystem", ()),
    ("wstomcat", "VMware View Web Component", "LocalSystem", ()),
    ("PCOIPSG", "VMware View PCoIP Secure Gateway", "LocalSystem", ()),
    ("WSSH", "VMware View Script Host", "LocalSystem", ()),
    ("ADAM_VMwareVDMDS", "VMwareVDMDS", "NT AUTHORITY\\NetworkService", ("RpcSs",)),
)
SERVICES: dict[str, tuple[tuple[str, str, str, tuple[str, ...]], ...]] = {
    "broker": BROKER_SERVICES,
    "security": (
        ("wssecurity", "VMware View Security Server", "LocalSystem", ()),
        ("PCOIPSG", "VMware View PCoIP Secure Gateway", "LocalSystem", ()),
    ),
    "composer": (("svid", "VMware View Composer", "LocalSystem", ()),),
    "vcenter": (
        ("ADAM_VMwareVCMSDS", "VMwareVCMSDS", "NT AUTHORITY\\NetworkService", ("RpcSs",)),
        ("vpxd", "VMware VirtualCenter Server", "LocalSystem", ("ADAM_VMwareVCMSDS", "LanmanWorkstation")),
        ("vctomcat", "VMware VirtualCenter Management Webservices", "LocalSystem", ("vpxd",)),
    ),
    "sql": (
        ("MSSQLSERVER", "SQL Server (MSSQLSERVER)", SQL_SERVICE, ()),
        ("SQLSERVERAGENT", "SQL Server Agent (MSSQLSERVER)", SQL_SERVICE, ("MSSQLSERVER",)),
    ),
}


def host_rows(plan: Plan) -> Iterator[Row]:
    """Yield the hosts with everything on them."""
    for host in HOSTS:
        yield _host(host)
        yield from _services(host)
        rows = [*_common(plan, host), *_OF_ROLE[role_of(host)](plan, host)]
        yield from rows
        yield from _folders_above(host, rows)


def role_of(host: str) -> str:
    """Return what a host is for: its name without the number."""
    return host.rstrip("0123456789")


def _host(name: str) -> WindowsHost:
    old = name in ("vcenter2", "sql2")
    drives = {"C:": 40 * GB, "D:": 300 * GB} if role_of(name) == "sql" else {"C:": 40 * GB}
    return WindowsHost(
        name=name, dns=f"{name}.{DNS}", free=drives, size={drive: 2 * free for drive, free in drives.items()},
        quotas=dict(WINRM_QUOTAS),
        os="Microsoft Windows Server 2008 Standard" if old else "Microsoft Windows Server 2008 R2 Standard",
        os_version="6.0.6002" if old else "6.1.7601",
        snapins=("VMware.View.Broker",) if role_of(name) == "broker" else (),
    )  # fmt: skip


def _services(host: str) -> Iterator[Service]:
    for number, (name, display, account, needs) in enumerate((*SYSTEM_SERVICES, *SERVICES[role_of(host)])):
        part = name in ("wsnm", "wsmsgbus", "wstunnel", "wstomcat")
        yield Service(
            host=host, name=name, display=display, account=account, depends_on=needs, pid=1200 + 4 * number,
            start_mode="Manual" if part else "Auto",
        )  # fmt: skip


def _common(plan: Plan, host: str) -> Iterator[Row]:
    for tool in ("cmd.exe", "certutil.exe", "icacls.exe", "sc.exe", "whoami.exe", "hostname.exe", "winrm.cmd"):
        yield _program(plan, host, f"{SYSTEM32}\\{tool}", "6.1.7601")
    yield _program(plan, host, SYSTEM32 + r"\WindowsPowerShell\v1.0\powershell.exe", "6.1.7601")
    yield HostFolder(host=host, path=r"C:\Windows\Temp", writers=("BUILTIN\\Users",))
    yield HostFolder(host=host, path=r"C:\ProgramData", writers=())
    yield _key(host, r"HKLM\SOFTWARE\Microsoft\PowerShell\1\PowerShellEngine", PowerShellVersion="2.0")
    yield _key(
        host, r"HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v2.0.50727", Install="1", Version="2.0.50727.4927"
    )


def _key(host: str, path: str, **values: str) -> RegistryKey:
    return RegistryKey(host=host, path=path, values={name.replace("_", " "): value for name, value in values.items()})


def _program(plan: Plan, host: str, path: str, version: str) -> Row:
    name = PureWindowsPath(path).name
    return plan.file(host, path, f"MZ {name} {version}, of the practice environment\r\n".encode(), plan.at - INSTALLED)


def _installed(plan: Plan, host: str, name: str, version: str, place: str, *, bits: int = 64) -> Row:
    guid = plan.guid("product", name).upper()
    return _key(
        host, f"{UNINSTALL_32 if bits == 32 else UNINSTALL}\\{{{guid}}}", DisplayName=name, DisplayVersion=version,
        Publisher="VMware, Inc." if "VMware" in name else "Microsoft Corporation", InstallLocation=place + "\\",
    )  # fmt: skip


def _broker(plan: Plan, host: str) -> Iterator[Row]:
    version = f"{VIEW_VERSION}-{VIEW_BUILD}"
    for tool in ("vdmexport.exe", "vdmimport.exe", "vdmadmin.exe"):
        yield _program(plan, host, f"{VIEW_TOOLS}\\{tool}", version)
    yield _program(plan, host, VIEW_HOME + r"\bin\ws_ConnectionServer.exe", version)
    yield _program(plan, host, VIEW_HOME + r"\Extras\PowerShell\add-snapin.ps1", version)
    conf = VIEW_HOME + r"\sslgateway\conf"
    locked = b"clientHost=broker.practice.example\r\nclientPort=443\r\n"
    yield plan.file(host, conf + r"\locked.properties", locked, plan.at - INSTALLED)
    yield plan.file(host, conf + r"\config.properties", b"# gateway\r\n", plan.at - INSTALLED)
    yield _installed(plan, host, "VMware View Connection Server", f"{VIEW_VERSION}.{VIEW_BUILD}", VIEW_HOME)
    yield _key(host, SNAPIN, PowerShellVersion="2.0", Version=f"{VIEW_VERSION}.{VIEW_BUILD}", Vendor="VMware, Inc.",
               AssemblyName="PowershellService", ApplicationBase=VIEW_HOME + r"\Extras\PowerShell")  # fmt: skip
    yield _key(host, r"HKLM\SOFTWARE\VMware, Inc.\VMware VDM", ServerInstallPath=VIEW_HOME + "\\",
               ProductVersion=f"{VIEW_VERSION}.{VIEW_BUILD}")  # fmt: skip
    yield HostFolder(host=host, path=VDM_BACKUPS)
    if host == "broker1":  # the built-in backup is taken on one broker of a group
        stem = f"{VDM_BACKUPS}\\backup-{_stamp(plan.midnight)}"
        yield plan.file(host, stem + ".LDF", ldif(lds_entries(plan)), plan.midnight + 20)
        clones = "".join(f"{desktop.name}\t{desktop.moid}\r\n" for desktop in plan.desktops if desktop.pool.linked)
        yield plan.file(host, stem + ".SVI", f"SVI 2.7\r\n{clones}".encode(), plan.midnight + 45)


def _stamp(moment: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S")


def _security(plan: Plan, host: str) -> Iterator[Row]:
    conf = VIEW_HOME + r"\sslgateway\conf"
    for name, content in (("locked.properties", b"clientHost=security1.practice.example\r\n"),
                          ("config.properties", b"# paired with broker1\r\n")):  # fmt: skip
        yield plan.file(host, f"{conf}\\{name}", content, plan.at - INSTALLED)
    yield _installed(plan, host, "VMware View Security Server", f"{VIEW_VERSION}.{VIEW_BUILD}", VIEW_HOME)


def _composer(plan: Plan, host: str) -> Iterator[Row]:
    for name in ("SviConfig.exe", "SviWebService.exe"):
        yield _program(plan, host, f"{COMPOSER_HOME}\\{name}", COMPOSER_VERSION)
    settings = (
        '<configuration><appSettings><add key="DsnName" value="View Composer"/></appSettings></configuration>\r\n'
    )
    yield plan.file(host, COMPOSER_HOME + r"\SviWebService.exe.config", settings.encode(), plan.at - INSTALLED)
    yield _program(plan, host, FRAMEWORK + r"\aspnet_regiis.exe", "2.0.50727")
    yield RsaContainer(host=host, name="SviKeyContainer", key_id=plan.guid("rsa", host))
    yield _installed(plan, host, "VMware View Composer", f"{COMPOSER_VERSION}.481620", COMPOSER_HOME, bits=32)
    yield _key(host, r"HKLM\SOFTWARE\Wow6432Node\VMware, Inc.\VMware View Composer",
               ProductVersion=f"{COMPOSER_VERSION}.481620", InstallPath=COMPOSER_HOME + "\\")  # fmt: skip
    yield from _dsn(host, "View Composer", "sql1", "ViewComposer", "viewcomposer", bits=32)


def _vcenter(plan: Plan, host: str) -> Iterator[Row]:
    number = host[-1]
    version, build = {"1": ("5.0.0", "455964"), "2": ("4.1.0", "258902")}[number]
    server, database = {"1": ("sql1", "VIM_VCDB"), "2": ("sql2", "VCDB [alt] 二")}[number]
    yield _program(plan, host, VCENTER_HOME + r"\vpxd.exe", version)
    settings = (
        f"<config>\r\n  <vpxd>\r\n    <odbc><dsn>VMware VirtualCenter</dsn></odbc>\r\n"
        f"    <certmgmt><mode>custom</mode></certmgmt>\r\n    <instanceUuid>{plan.guid('vcenter', 'vc' + number)}"
        "</instanceUuid>\r\n  </vpxd>\r\n</config>\r\n"
    )
    yield plan.file(host, VCENTER_DATA + r"\vpxd.cfg", settings.encode(), plan.at - 90 * DAY)
    for name in ("rui.crt", "rui.key", "rui.pfx"):
        content = f"{name} of {host}: {plan.guid('ssl', host + name)}\r\n".encode()
        yield plan.file(host, f"{VCENTER_DATA}\\SSL\\{name}", content, plan.at - INSTALLED)
    yield _installed(plan, host, "VMware vCenter Server", f"{version}.{build}", VCENTER_HOME)
    yield from _dsn(host, "VMware VirtualCenter", server, database, "vpxuser_db")
    yield RegistryKey(
        host=host, path=r"HKLM\SOFTWARE\VMware, Inc.\VMware VirtualCenter\DB",
        values={"1": "VMware VirtualCenter", "2": "vpxuser_db", "4": "SQL Native Client"},
    )  # fmt: skip


def _dsn(host: str, name: str, server: str, database: str, user: str, *, bits: int = 64) -> Iterator[Row]:
    base = r"HKLM\SOFTWARE\Wow6432Node\ODBC\ODBC.INI" if bits == 32 else r"HKLM\SOFTWARE\ODBC\ODBC.INI"
    driver = "SQL Server Native Client 10.0"
    yield _key(host, f"{base}\\{name}", Server=f"{server}.{DNS}", Database=database, LastUser=user, Driver=driver)
    yield RegistryKey(host=host, path=base + r"\ODBC Data Sources", values={name: driver})


def _sql(plan: Plan, host: str) -> Iterator[Row]:
    version = "10.50.4000.0" if host == "sql1" else "9.00.5000.00"
    home = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL"
    yield _program(plan, host, home + r"\Binn\sqlservr.exe", version)
    yield HostFolder(host=host, path=BACKUP_FOLDER, writers=(SQL_SERVICE,))
    yield HostFolder(host=host, path=home + r"\DATA", writers=(SQL_SERVICE,))
    yield HostFolder(host=host, path=SITE_FOLDER, writers=(SQL_SERVICE,))
    product = "Microsoft SQL Server 2008 R2 (64-bit)" if host == "sql1" else "Microsoft SQL Server 2005 (64-bit)"
    yield _installed(plan, host, product, version, home)
    yield _key(host, r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\MSSQL.1\MSSQLServer", BackupDirectory=BACKUP_FOLDER)


def _folders_above(host: str, rows: list[Row]) -> Iterator[HostFolder]:
    """Yield every folder that a founded file or folder lies in and that is not founded itself."""
    known = {row.key_path for row in rows if isinstance(row, HostFolder)}
    for row in rows:
        path = getattr(row, "path", "")
        for above in PureWindowsPath(path).parents if path[1:2] == ":" else ():
            if str(above).lower() not in known:
                known.add(str(above).lower())
                yield HostFolder(host=host, path=str(above))


_OF_ROLE = {"broker": _broker, "security": _security, "composer": _composer, "vcenter": _vcenter, "sql": _sql}
