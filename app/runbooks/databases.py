"""Databases: backed up by this program, or by the DBA with the same proof; and files that lie beside them.

What a database hands to a runbook is a tuple of parts, so that another kind of database brings parts of its own.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from app.backupset import repository
from app.engine.context import Context
from app.engine.step import Guided, Json, Part, Probe, StepBase
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.profile import Database, is_unc
from app.runbooks.places import database_file
from app.runbooks.steps import connections, utc
from app.runbooks.temporary import folder_for
from app.texts import NOTHING, Text, text
from app.wire import Command, plain_system


def capture(key: str, title: Text, database: Database, why: Text) -> tuple[Part, ...]:
    """Return the parts that back up a database: a step of our own, or a guided one where the DBA does it."""
    if database.backed_up_by == "dba":
        instructions = text(
            "Ask the DBA to make a full backup of {database} on {server} now, while provisioning is off.",
            database=database.name, server=database.server.name,
        )  # fmt: skip
        return (Guided(key, title, instructions, prove=lambda ctx: made_by_dba(ctx, key, database), why=why),)
    kind = BackUpStraight if database.straight_to_repository else BackUpDatabase
    return (kind(key, title, database, why=why, weight=8.0),)


def folder_in_set(key: str) -> str:
    """Return the folder of the set that holds what the step of that key captures."""
    return key.removeprefix("backup/").removeprefix("freeze/")


NOT_VERIFIED = "not read through: the login may not"


def set_name(run: str) -> str:
    """Return the name under which msdb lists a backup of this run."""
    return f"ViewKeeper {run}"


@dataclass(frozen=True)
class BackUpDatabase(StepBase):
    """Back up one database with COPY_ONLY and CHECKSUM, drained to its end, and prove it from msdb and the file."""

    key: str
    title: Text
    database: Database

    def observe(self, ctx: Context) -> Json:
        path = database_file(self.database, folder_for(connections(ctx), self.database), ctx.run)
        return {"path": path, "name": set_name(ctx.run), "since": ctx.now()}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        server = connections(ctx).database_server(self.database.server)
        return (server.backup_command(self.database.name, before["path"], name=before["name"]),)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.DONE if self._recorded(ctx, before) else Probe.NOT_DONE

    def act(self, ctx: Context, before: Json) -> None:
        connections(ctx).database_server(self.database.server).backup(
            self.database.name, before["path"], name=before["name"], progress=ctx.progress, stop=ctx.stop_asked
        )
        ctx.check_stop()

    def verify(self, ctx: Context, before: Json) -> Json:
        recorded = self._recorded(ctx, before)
        if recorded is None:
            raise self._unproven(text("msdb has no row for it: the server did not finish this backup."))
        if not recorded.checksums or recorded.damaged:
            raise self._unproven(text("msdb says that it has no checksums or is damaged."))
        if not self._file_there(ctx, before["path"]):
            raise self._unproven(text("The file {path} is not there.", path=before["path"]))
        verified = self._verified(ctx, before["path"])
        return {
            "path": before["path"], "name": before["name"], "database": self.database.name,
            "server": self.database.server.name, "row": row_of(recorded), "verified": verified,
            "started": utc(recorded.started.timestamp()), "ended": utc(recorded.finished.timestamp()),
        }  # fmt: skip

    def _recorded(self, ctx: Context, before: Json) -> Any:
        server = connections(ctx).database_server(self.database.server)
        since = datetime.datetime.fromtimestamp(before["since"], datetime.UTC) - datetime.timedelta(days=2)
        found = server.recorded(self.database.name, name=before["name"], since=since)
        return found if found and found.path.lower() == before["path"].lower() else None

    def _verified(self, ctx: Context, path: str) -> str:
        """Let the server read the backup through, page checksums too, where the login may; returns what was done."""
        server = connections(ctx).database_server(self.database.server)
        if not server.may_verify():
            ctx.warn(
                text("{server}: the login may not let it read the backup through.", server=plain_system(server.system))
            )
            return NOT_VERIFIED
        server.verify_only(path, stop=ctx.stop_asked)
        return "RESTORE VERIFYONLY WITH CHECKSUM"

    def _file_there(self, ctx: Context, path: str) -> bool:
        """Ask the server's host where it is known: SQL Server tells only administrators which files there are."""
        if self.database.server.host is not None:
            return connections(ctx).host(self.database.server.host).file(path) is not None
        return connections(ctx).database_server(self.database.server).file_there(path)

    def _unproven(self, why: Text) -> UserError:
        return UserError(
            text("The backup of {database} is not proven.", database=self.database.name),
            why,
            text("Look at the server's error log and its disk, then try again."),
        )


@dataclass(frozen=True)
class BackUpStraight(BackUpDatabase):
    """Back a database up by a server whose service account may write into the repository: the file lies in the set at
    once, under a UNC path, and nothing lies on the server. The file is read from the workstation's side."""

    def observe(self, ctx: Context) -> Json:
        folder = straight_folder(ctx.inputs["folder"], self.key)
        path = database_file(self.database, folder, ctx.run)
        file = f"{folder_in_set(self.key)}/{PureWindowsPath(path).name}"
        return {"path": path, "name": set_name(ctx.run), "since": ctx.now(), "file": file}

    def act(self, ctx: Context, before: Json) -> None:
        repository.make_folder(_in_set(ctx, before["file"]).parent)
        super().act(ctx, before)

    def verify(self, ctx: Context, before: Json) -> Json:
        proven = super().verify(ctx, before)
        size, digest = repository.sha256(_in_set(ctx, before["file"]))
        return {**proven, "file": before["file"], "size": size, "sha256": digest}

    def _file_there(self, ctx: Context, path: str) -> bool:
        return _in_set(ctx, f"{folder_in_set(self.key)}/{PureWindowsPath(path).name}").is_file()


def straight_folder(folder: str, key: str) -> str:
    """Return the folder of the set that a server writes into, as that server reaches it: UserError where it cannot."""
    if not is_unc(folder):
        raise UserError(
            text("No SQL Server can write into {folder}.", folder=folder),
            text("Other machines do not know it under this name."),
            text("Give the repository as a share, {example}, or let the backup be fetched.", example=r"\\server\share"),
        )
    return str(PureWindowsPath(folder) / folder_in_set(key))


def _in_set(ctx: Context, file: str) -> Path:
    return Path(ctx.inputs["folder"]) / file


def row_of(recorded: Any) -> Json:
    """Return what msdb says of a backup, as evidence."""
    return {
        "set_id": recorded.set_id, "path": recorded.path, "started": utc(recorded.started.timestamp()),
        "finished": utc(recorded.finished.timestamp()), "checksums": recorded.checksums, "damaged": recorded.damaged,
        "copy_only": recorded.copy_only, "size": recorded.size, "user": recorded.user,
    }  # fmt: skip


def made_by_dba(ctx: Context, key: str, database: Database) -> Observation:
    """Look in msdb for a full backup of the database, made by anyone since the freeze began, with checksums. Its row is
    in the details, as JSON."""
    system = f"sql:{database.server.name}"
    needed = text("A full backup of {database}, begun after provisioning went off.", database=database.name)
    span = ctx.span("backup/freeze")
    try:
        server = connections(ctx).database_server(database.server)
        frozen = datetime.timedelta(seconds=ctx.now() - (span[0] if span else ctx.now()))
        since = server.clock() - frozen  # its rows are in its own time, and workstations' clocks may differ
        since = since.replace(microsecond=0)  # msdb keeps whole seconds
        found = server.recorded(database.name, since=since)
    except UserError as error:
        return could_not_look(key, error, system, needed)
    if found is None:
        return Observation(key, State.BLOCKED, text("msdb lists none yet."), needed, text("Waiting for it."), system)
    if found.damaged:
        return Observation(
            key, State.BLOCKED, text("msdb lists one, marked as damaged."), needed, text("Make it again.")
        )
    weak = State.PASSED if found.checksums else State.WARNING
    found_text = text("{path}, finished {when} by {user}.", path=found.path, when=str(found.finished), user=found.user)
    remedy, row = NO_CHECKSUMS if weak is State.WARNING else NOTHING, json.dumps(row_of(found), ensure_ascii=False)
    return Observation(key, weak, found_text, needed, remedy, system, row)


NO_CHECKSUMS = text("It was made without checksums, and so proves little; ask for WITH CHECKSUM next time.")
