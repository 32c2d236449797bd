"""BACKUP DATABASE: refused, carried out with live progress, aborted when nobody waits for it, or done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.lab.rows import BackupRecord, Database, Fault, WindowsHost
from app.lab.sqlserver import media
from app.lab.sqlserver.catalogue import refuse_unopened
from app.lab.sqlserver.instance import Instance, Listed
from app.lab.sqlserver.msdb import media_guid
from app.lab.sqlserver.paths import NotThere, Place, free_bytes, place, refuse_unwritable, with_less_room
from app.lab.sqlserver.properties import supports_compression
from app.lab.sqlserver.system_views import family, files_of
from app.lab.sqlserver.tds.tokens import BACKUP
from app.lab.sqlserver.words import HostError, SqlError
from app.lab.sqlserver.work import Dropped, Work

BYTES_PER_SECOND = 60 * 1024**2
LINGER = 0.2
"""Seconds before a backup is finished in which its client may still go away. On a real server none is over sooner;
here, where durations may be nothing, a client that does not wait for the end would else find one all the same."""

DISK_FULL, DEVICE_ERROR = HostError(112), HostError(1117)
ACT = "BACKUP DATABASE"


@dataclass(frozen=True)
class Order:
    """What BACKUP DATABASE was told, its variables worked out."""

    database: Any
    path: Any
    options: dict[str, Any]


def back_up(work: Work, order: Order, fault: Fault | None) -> None:
    """Carry out a backup. SqlError where SQL Server refuses it, with 3013 at its end."""
    try:
        found = _refusals(work, order)
        where = _where(work.instance, order.path)
        _Backup(work, order, found, where, fault).run()
    except SqlError as error:
        raise SqlError(
            3013, ACT, also=(*error.also, SqlError(error.number, *error.values, state=error.state))
        ) from error


def _refusals(work: Work, order: Order) -> Listed:
    instance, login = work.instance, work.seat.login
    if work.in_transaction:
        raise SqlError(3021)
    found = instance.database(str(order.database)) if order.database is not None else None
    if found is None:
        raise SqlError(911, order.database if order.database is not None else "")
    if found.name.lower() == "tempdb":
        raise SqlError(3147)
    if not login.may_back_up(found.name):
        if not login.may_open(found.name):
            raise SqlError(916, login.name, found.name)
        raise SqlError(262, ACT, found.name)
    refuse_unopened(found)
    if "COMPRESSION" in order.options and not supports_compression(instance):
        raise SqlError(1844, f"{ACT} WITH COMPRESSION", instance.row.edition)
    return found


def _where(instance: Instance, path: Any) -> Place:
    if not path:
        raise SqlError(3044)
    try:
        where = place(instance, str(path))
        refuse_unwritable(instance, where)
    except NotThere as refused:
        raise SqlError(3201, path, refused.error) from refused
    return where


class _Backup:
    def __init__(self, work: Work, order: Order, found: Listed, where: Place, fault: Fault | None) -> None:
        self._work, self._order, self._where, self._fault = work, order, where, fault
        self._instance, self._database, self._row = work.instance, found, found.row
        self._kind = fault.kind if fault else ""
        self._earlier = self._media_there()

    def run(self) -> None:
        began = self._instance.world.now()
        self._progress()
        self._work.pause(LINGER)
        pages = self._finish(began)
        seconds = max(self._instance.world.now() - began, 0.001)
        stem = self._row.name
        self._work.say(4035, pages, stem, files_of(self._row)[0][2], self._position)
        rate = pages * media.PAGE_SIZE / seconds / 1024**2
        self._work.say(3014, ACT, pages, f"{seconds:.3f}", f"{rate:.3f}")
        self._work.reply.done(BACKUP)
        if self._kind == "lose-answer":
            raise Dropped

    # ---- while it goes on

    def _progress(self) -> None:
        """Go through the database in steps, telling each; fail where the disk ends or a fault says so."""
        world = self._instance.world
        every = self._every()
        step = every or 10
        wait = world.takes(self._row.size / BYTES_PER_SECOND) * step / 100
        if self._kind == "slow":
            wait += float(self._fault.detail or "1") * step / 100 if self._fault else 0.0
        ends = min(100, 100 * free_bytes(self._instance, self._where) // max(self._row.size, 1))
        if self._kind == "disk-full":
            ends = 50
        with self._work.request(ACT, self._database.name) as request:
            for percent in range(step, 101, step):
                self._work.pause(wait)
                if percent > ends:
                    raise SqlError(3202, self._where.written, DISK_FULL)
                if percent > 50:
                    self._half_way()
                request.percent = float(percent)
                if every:
                    self._work.say_now(3211, percent)
                self._work.pause(0)

    def _every(self) -> int:
        """Return after how many percent a message is due; 0 for none."""
        if "STATS" not in self._order.options:
            return 0
        given = self._order.options["STATS"]
        return 10 if given is None else min(max(int(given), 1), 100)

    def _half_way(self) -> None:
        if self._kind == "fail":
            raise SqlError(3202, self._where.written, DEVICE_ERROR)
        if self._kind == "drop":
            raise Dropped
        if self._kind == "hang":
            self._work.hang()

    # ---- the end

    def _media_there(self) -> bytes:
        """Return what the file holds already and keeps. SqlError 3242 where it is there and is no backup."""
        found = self._instance.world.file(self._where.host, self._where.path)
        if found is None or "FORMAT" in self._order.options:
            return b""
        data = self._instance.world.content(found.blob)
        try:
            media.read(data)
        except media.Broken as broken:
            raise SqlError(3242, self._where.written) from broken
        return b"" if "INIT" in self._order.options else data

    @property
    def _position(self) -> int:
        return len(media.read(self._earlier)[1]) + 1 if self._earlier else 1

    def _finish(self, began: float) -> int:
        """Write the file and msdb's row in one change of the world; return the pages that were written."""
        instance, options = self._instance, self._order.options
        world = instance.world
        with world.lock:
            row = world.require(Database, self._row.server, self._row.name)
            compressed = "COMPRESSION" in options
            body = media.content(media.rows_of(world, row), compressed=compressed)
            header = self._header(row, began, media.pages_of(body), compressed=compressed)
            written = media.backup_set(header, body)
            data = (self._earlier or media.label(str(media_guid(instance.name, self._where.path)))) + written
            if self._kind != "lie":
                record = self._record(header, len(written), row)
                self._write(record, data)
            return header.pages + 2

    def _header(self, row: Database, began: float, pages: int, *, compressed: bool) -> media.Header:
        instance, options = self._instance, self._order.options
        return media.Header(
            server=instance.server_name, database=row.name, set_name=str(options.get("NAME") or ""),
            description=str(options.get("DESCRIPTION") or ""), position=self._position, user=self._work.seat.login.name,
            started=began, finished=instance.world.now(), version=instance.row.version, family_guid=str(family(row)),
            content=row.content, recovery=row.recovery, collation=instance.row.collation, size=row.size, pages=pages,
            copy_only="COPY_ONLY" in options, checksums="CHECKSUM" in options, compressed=compressed,
            lsn=int(began) * 10**9,
        )  # fmt: skip

    def _record(self, header: media.Header, size: int, row: Database) -> BackupRecord:
        known = self._instance.world.all(BackupRecord, server=self._instance.name)
        return BackupRecord(
            server=self._instance.name, id=max((record.id for record in known), default=0) + 1, database=row.name,
            set_name=header.set_name, path=self._where.written, user=header.user, started=header.started,
            finished=header.finished, copy_only=header.copy_only, checksums=header.checksums, size=size,
            compressed_size=size, position=header.position, family_guid=header.family_guid,
        )  # fmt: skip

    def _write(self, record: BackupRecord, data: bytes) -> None:
        world, where = self._instance.world, self._where
        what = f"backed up {record.database} to {where.path}"
        if self._kind == "half" and self._fault is not None and self._fault.detail == "missing":
            world.change(f"sql:{self._instance.name}", what, record)
            return
        if self._kind == "half":
            data = media.damaged(data)
        if self._kind == "truncate":
            data = data[: len(data) // 2]
        host = with_less_room(self._instance, where, len(data))
        world.change(f"sql:{self._instance.name}", what, record, host, world.new_file(where.host, where.path, data))


def fixed_drives(instance: Instance) -> list[tuple[str, int]]:
    """Return the drives of the server's host with their free megabytes."""
    host = instance.world.require(WindowsHost, instance.row.host)
    return [(name[:1].upper(), free // 1024**2) for name, free in sorted(host.free.items())]
