"""What a database administrator does beside us: a backup of a database with means and a login of his own."""

from __future__ import annotations

from datetime import UTC, datetime

from app.lab.rows import BackupRecord, Database, SqlServer
from app.lab.world import World

DBA = "PRACTICE\\dba"


def back_up(world: World, server: str, name: str, *, checksums: bool = True) -> BackupRecord:
    """Back up a database into its server's backup folder; returns what msdb has of it. KeyError: not there."""
    from app.lab.sqlserver import media
    from app.lab.sqlserver.msdb import media_guid
    from app.lab.sqlserver.system_views import family

    with world.lock:
        database, instance = world.require(Database, server, name), world.require(SqlServer, server)
        began = world.now()
        stamp = datetime.fromtimestamp(began, UTC).strftime("%Y%m%d%H%M%S")
        path = f"{instance.backup_folder}\\dba-{stamp}-{len(world.all(BackupRecord, server=server))}.bak"
        body = media.content(media.rows_of(world, database), compressed=False)
        header = media.Header(
            server=instance.name.upper(), database=name, set_name=f"{name} by the DBA", description="", position=1,
            user=DBA, started=began, finished=world.now(), version=instance.version, family_guid=str(family(database)),
            content=database.content, recovery=database.recovery, collation=instance.collation, size=database.size,
            pages=media.pages_of(body), copy_only=False, checksums=checksums, compressed=False, lsn=int(began) * 10**9,
        )  # fmt: skip
        written = media.backup_set(header, body)
        known = world.all(BackupRecord, server=server)
        record = BackupRecord(
            server=server, id=max((row.id for row in known), default=0) + 1, database=name, set_name=header.set_name,
            path=path, user=DBA, started=began, finished=header.finished, copy_only=False, checksums=checksums,
            size=len(written), compressed_size=len(written), family_guid=header.family_guid,
        )  # fmt: skip
        label = media.label(str(media_guid(server, path)))
        world.change(
            "operator", f"the DBA backed up {name}", record, world.new_file(instance.host, path, label + written)
        )
        return record
