"""What is known of an instance, its databases and its backups."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from app.texts import NOTHING, Text

ENTERPRISE, STANDARD, EXPRESS = 3, 2, 4
"""SERVERPROPERTY('EngineEdition'): 3 is Developer and Evaluation too, 2 is Standard, Web, Workgroup and others."""

FIRST_THAT_GUARDS_FILES = (10,)
"""2008: from then on only who may create databases is told what lies in a backup file."""

_FIRST_WITH_SERVICES = (10, 50, 2500)  # 2008 R2 SP1


@dataclass(frozen=True)
class Instance:
    """A SQL Server. `edition_id` is its EngineEdition; `hadr` None: this version does not know it.

    `driver` is the ODBC driver that reached it, `encrypted` whether that was told to encrypt or fail."""

    name: str
    version: str
    edition: str
    edition_id: int
    clustered: bool
    hadr: bool | None
    backup_folder: str
    driver: str
    encrypted: bool

    @property
    def compresses(self) -> bool:
        return can_compress(self.version, self.edition_id, self.edition)

    @property
    def shows_services(self) -> bool:
        return numbers(self.version) >= _FIRST_WITH_SERVICES


def numbers(version: str) -> tuple[int, ...]:
    """Return a version's parts: "10.50.4000.0" gives (10, 50, 4000, 0); what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def can_compress(version: str, edition_id: int, edition: str) -> bool:
    """Say whether BACKUP ... WITH COMPRESSION is known there: 2008 Enterprise and Developer, from 2008 R2 Standard too.

    Never Express, Web or Workgroup, and never where the edition is not known."""
    parts = numbers(version)
    if parts < (10,):
        return False
    if edition_id == ENTERPRISE:
        return True
    standard = edition.lower().startswith(("standard", "business intelligence"))
    return parts >= (10, 50) and edition_id == STANDARD and standard


@dataclass(frozen=True)
class DatabaseFacts:
    """A database; `size` in bytes, 0 where the login may not see it; `family_guid` "" likewise."""

    name: str
    state: str
    recovery: str
    size: int
    family_guid: str
    mirrored: bool


@dataclass(frozen=True)
class Recorded:
    """A row of msdb.dbo.backupset with its file: it exists only for a backup that succeeded. `size` in bytes."""

    set_id: int
    name: str
    database: str
    path: str
    started: datetime.datetime
    finished: datetime.datetime
    size: int
    kind: str
    position: int
    copy_only: bool
    checksums: bool
    damaged: bool
    user: str


@dataclass(frozen=True)
class ComposerRequest:
    """A request that Composer works on, or will."""

    id: str
    operation: str
    pool: str
    vm: str
    created: str = ""
    starts: str = ""


@dataclass(frozen=True)
class ComposerRequests:
    """Composer's work, from its own database. Not `known`: its schema is another one, and nothing can be said."""

    known: bool
    running: tuple[ComposerRequest, ...] = ()
    waiting_scheduled: tuple[ComposerRequest, ...] = ()
    why_unknown: Text = NOTHING


def ahead_of_utc(utc: datetime.datetime, local: datetime.datetime) -> datetime.timedelta:
    """Return how far a server's local time is ahead, in whole minutes as zones are.

    The server reads its clock twice for the two, and a tick of 3 ms may lie between: a backup would seem to have begun
    at another moment at each look."""
    return datetime.timedelta(minutes=round((local - utc) / datetime.timedelta(minutes=1)))


def recorded_of(row: dict[str, Any], ahead: datetime.timedelta) -> Recorded:
    """Return a row of msdb; its times are the server's local ones, `ahead` of UTC."""

    def utc(local: datetime.datetime) -> datetime.datetime:
        return (local - ahead).replace(tzinfo=datetime.UTC)

    return Recorded(
        int(row["backup_set_id"]), row["name"] or "", row["database_name"], row["physical_device_name"] or "",
        utc(row["backup_start_date"]), utc(row["backup_finish_date"]), int(row["backup_size"] or 0), row["type"] or "",
        int(row["position"] or 0), bool(row["is_copy_only"]), bool(row["has_backup_checksums"]),
        bool(row["is_damaged"]), row["user_name"] or "",
    )  # fmt: skip


def request_of(row: dict[str, Any]) -> ComposerRequest:
    """Return one of Composer's requests."""
    words = {name: "" if value is None else str(value) for name, value in row.items()}
    return ComposerRequest(
        words["ID"], words["OPERATION"], words["POOL_NAME"], words["VM_NAME"], words["CREATED"], words["STARTS"]
    )
