"""SQL Servers, databases, and the site's own backups of the last nights."""

from __future__ import annotations

from collections.abc import Iterator

from app.lab.founding.plan import DAY, Plan
from app.lab.rows import BackupRecord, Database, Row, SqlServer

BACKUP_FOLDER = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"
SQL_SERVICE = "PRACTICE\\sqlservice"
SITE_FOLDER = r"D:\SiteBackup"
MB = 1024**2
LARGER_FROM = 2000  # desktops; the sizes are those of a small site
SYSTEM = (("master", "SIMPLE"), ("msdb", "SIMPLE"), ("model", "FULL"), ("tempdb", "SIMPLE"))
OURS = (
    ("sql1", "ViewComposer", "composer:composer1", "composer1|svid", "FULL", 18),
    ("sql1", "VIM_VCDB", "vcenter:vc1", "vcenter1|vpxd", "FULL", 90),
    ("sql1", "ViewEvents", "events:view", "broker1|wsbroker", "SIMPLE", 6),
    ("sql1", "Intranet", "other", "", "FULL", 40),
    ("sql2", "VCDB [alt] 二", "vcenter:vc2", "vcenter2|vpxd", "FULL", 30),
)


def database_rows(plan: Plan) -> Iterator[Row]:
    """Yield both SQL Servers with their databases and what msdb remembers."""
    yield SqlServer(
        name="sql1", host="sql1", version="10.50.4000.0", edition="Standard Edition (64-bit)", edition_id=2,
        backup_folder=BACKUP_FOLDER, tls="1.2", account=SQL_SERVICE,
    )  # fmt: skip
    yield SqlServer(
        name="sql2", host="sql2", version="9.00.5000.00", edition="Standard Edition", edition_id=2,
        collation="Chinese_PRC_CI_AS", backup_folder=BACKUP_FOLDER, tls="none", account=SQL_SERVICE,
    )  # fmt: skip
    for server in ("sql1", "sql2"):
        for name, recovery in SYSTEM:
            yield Database(
                server=server, name=name, recovery=recovery, size=8 * MB, family_guid=plan.guid("family", server + name)
            )
    for server, name, content, used_by, recovery, megabytes in OURS:
        size = _size(plan, megabytes)
        yield Database(
            server=server, name=name, content=content, recovery=recovery, used_by=used_by, size=size,
            family_guid=plan.guid("family", server + name),
        )  # fmt: skip
    yield from _nightly(plan)


def _size(plan: Plan, megabytes: int) -> int:
    return megabytes * MB * (LARGER_FROM + plan.count) // LARGER_FROM


def _nightly(plan: Plan) -> Iterator[BackupRecord]:
    """The DBA's own full backups of three nights, made without checksums; their files went to tape."""
    numbers = {"sql1": 0, "sql2": 0}
    for night in (3, 2, 1):
        for server, name, _, _, _, megabytes in OURS:
            size = _size(plan, megabytes)
            numbers[server] += 1
            began = plan.midnight - night * DAY + 2 * 3600 + numbers[server] * 120
            yield BackupRecord(
                server=server, id=numbers[server], database=name, set_name=f"{name} nightly", started=began,
                finished=began + megabytes // 2, path=f"{SITE_FOLDER}\\{name}_{night}.bak", user="PRACTICE\\dba",
                copy_only=False, checksums=False, size=size, compressed_size=size,
                family_guid=plan.guid("family", server + name),
            )  # fmt: skip
