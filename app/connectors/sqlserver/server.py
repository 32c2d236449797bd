"""SQL Server through ODBC: acts and looks, apart. What an act answers is never the proof that it was done."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from app import profile
from app.connectors.sqlserver import drivers, faults, tsql
from app.connectors.sqlserver.facts import (
    FIRST_THAT_GUARDS_FILES,
    ComposerRequests,
    DatabaseFacts,
    Instance,
    Recorded,
    ahead_of_utc,
    numbers,
    recorded_of,
    request_of,
)
from app.connectors.sqlserver.faults import Outcome
from app.connectors.sqlserver.login import Choose, Login, by_matrix
from app.connectors.sqlserver.progress import Watch
from app.connectors.sqlserver.session import GRACE, Answer, Cancelled, Rows, Session, Silent, never
from app.errors import CouldNotLook, Guard, Stopped, UserError
from app.observation import Observation, State
from app.texts import NOTHING, Text, listed, text
from app.wire import Command, Tap, no_tap

LOOK_TIMEOUT = 60.0
LONG_LOOK_TIMEOUT = 24 * 3600.0
"""Seconds: for a look, and for one that reads a whole backup."""


class SqlServer:
    """One instance, with one kept connection for looks and one of its own for every act. Not shared by threads."""

    def __init__(
        self, server: profile.SqlServer, password: str, *, tap: Tap = no_tap,
        driver_choice: Choose = by_matrix, installed: Callable[[], Sequence[str]] = drivers.installed_drivers,
        guard: Guard | None = None,
    ) -> None:  # fmt: skip
        """Prepare; nothing is sent before the first question. `guard` knows whether the account may still be tried."""
        self.server = server
        self.system = f"sql:{server.name}"
        self._tap = tap
        self._login = Login(server, password, driver_choice, installed, guard or Guard())
        self._session: Session | None = None
        self._about: Instance | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"SqlServer({self.server.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connection. It is opened again when needed."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    # ---- the instance

    def about(self) -> Instance:
        """Return the instance's facts, asked once. `backup_folder` is "" where the server names none."""
        if self._about is None:
            (row,) = self._rows(tsql.ABOUT).dicts()
            session = self._opened()
            self._about = Instance(
                row["name"] or "", row["version"] or "", row["edition"] or "", int(row["edition_id"] or 0),
                bool(row["in_cluster"]), None if row["hadr"] is None else bool(row["hadr"]),
                row["backup_folder"] or self._registered_folder(), session.driver.name,
                self.server.encrypt and session.driver.can_require_encryption,
            )  # fmt: skip
        return self._about

    def _registered_folder(self) -> str:
        """Return the default backup folder as the registry has it; versions before 2019 have no property for it."""
        found = self._answer(tsql.BACKUP_FOLDER).sets  # without such a value the server gives no row, or no set at all
        return str(found[0].rows[0][1] or "") if found and found[0].rows else ""

    def clock(self) -> datetime.datetime:
        """Return the server's time, in UTC."""
        return self._clock()[0]

    def _clock(self) -> tuple[datetime.datetime, datetime.timedelta]:
        (row,) = self._rows(tsql.CLOCK).dicts()
        return row["utc"].replace(tzinfo=datetime.UTC), ahead_of_utc(row["utc"], row["local"])

    def service_account(self) -> str:
        """Return the account that SQL Server runs as and writes backups as; "" where this version does not show it."""
        if not self.about().shows_services:
            return ""
        rows = self._rows(tsql.SERVICES).dicts()
        return next((r["service_account"] or "" for r in rows if r["servicename"].startswith("SQL Server (")), "")

    def agent_jobs(self) -> tuple[tuple[str, bool], ...]:
        """Return the agent's jobs, and whether each is enabled."""
        return tuple((row["name"], bool(row["enabled"])) for row in self._rows(tsql.JOBS).dicts())

    # ---- databases

    def databases(self) -> tuple[DatabaseFacts, ...]:
        """Return all databases that the login sees."""
        return tuple(_database(row) for row in self._rows(tsql.DATABASES).dicts())

    def facts(self, database: str) -> DatabaseFacts:
        """Return one database's facts; UserError where there is none of that name, or none that the login sees."""
        rows = self._rows(tsql.database(database)).dicts()
        if not rows:
            raise UserError(
                text("SQL Server {server} shows no database {database}.", server=self.server.name, database=database),
                do=text("Look at the database's name in the profile, and at the rights of the account."),
            )
        return _database(rows[0])

    def rights(self, database: str) -> tuple[Observation, ...]:
        """Return what the login may do: back up, read msdb (the proof), see requests (the progress), verify."""
        (row,) = self._rows(tsql.rights(database)).dicts()
        who = self.server.account or text("this workstation's login")
        if numbers(self.about().version) < FIRST_THAT_GUARDS_FILES:
            row["may_verify"] = 1
        needs: tuple[tuple[str, State, Text, Text, Text], ...] = (
            ("may_back_up", State.BLOCKED, text("{who} may back up {database}.", who=who, database=database),
             text("{who} may not back up {database}.", who=who, database=database),
             text("Give the account the role db_backupoperator in that database.")),
            ("may_read_msdb", State.BLOCKED, text("{who} may read the list of backups in msdb.", who=who),
             text("{who} may not read the list of backups in msdb.", who=who),
             text("Give the account the right SELECT on msdb.dbo.backupset and msdb.dbo.backupmediafamily.")),
            ("may_view_state", State.WARNING, text("{who} may see how far a backup is.", who=who),
             text("{who} may not see how far a backup is.", who=who),
             text("Give the login the right VIEW SERVER STATE, or do without: the backup's own messages say it too.")),
            ("may_verify", State.WARNING, text("{who} may let the server read a backup through.", who=who),
             text("{who} may not let the server read a backup through.", who=who),
             text("Give the login the role dbcreator (RESTORE VERIFYONLY asks for it), or do without this proof.")),
        )  # fmt: skip
        return tuple(
            self._right(f"{database}/{key}", row[key], otherwise, yes, no, do) for key, otherwise, yes, no, do in needs
        )

    def may_verify(self) -> bool:
        """Say whether the login may let the server read a backup through: from 2008 on that needs CREATE DATABASE."""
        (row,) = self._rows(tsql.rights("master")).dicts()
        return bool(row["may_verify"]) or numbers(self.about().version) < FIRST_THAT_GUARDS_FILES

    def _right(self, key: str, says: int | None, otherwise: State, yes: Text, no: Text, remedy: Text) -> Observation:
        full_key = f"rights/{self.server.name}/{key}"
        if says is None:
            found = text("The server does not say: no such database, or none that the login sees.")
            return Observation(full_key, State.UNKNOWN, found, yes, remedy, self.system)
        if says:
            return Observation(full_key, State.PASSED, yes, yes, NOTHING, self.system)
        return Observation(full_key, otherwise, no, yes, remedy, self.system)

    # ---- backing up

    def backup(
        self, database: str, path: str, *, name: str, progress: Callable[[float], None] = lambda _fraction: None,
        stop: Callable[[], bool] = never,
    ) -> None:  # fmt: skip
        """Back a database up into `path` on the server, under the set name `name`; `progress` gets 0 to 1.

        Waits to the end of the last result. A `stop` cancels; where the backup was done all the same, it returns, else
        it raises Stopped. Raises NotSent, AnswerLost (look with `recorded`), or UserError with what the server said.
        That it returns proves nothing: see `prove`."""
        command = self.backup_command(database, path, name=name)
        what = text("Database {database} could not be backed up.", database=database)
        session = self._login.open()
        look = Command(self.system, tsql.percent(database), changes=False)
        watch = Watch(progress, look, self._login.open, self._tap)
        self._tap(command)
        try:
            session.run(command.text, deadline=None, stop=stop, on_message=watch.message, meanwhile=watch.quiet).whole()
        except Outcome as outcome:
            reason = self._unmasked(outcome, database, "may_back_up")
            raise faults.not_done(self.server.name, self.server.account, reason, what) from None
        except Silent:
            raise faults.no_answer(self.server.name, what, GRACE, act=True) from None
        except Cancelled:
            if self.recorded(database, name=name) is None:
                raise Stopped from None
        finally:
            session.close()
            watch.close()

    def backup_batch(self, database: str, path: str, *, name: str) -> str:
        """Return what `backup` sends; it depends on the server's version only by COMPRESSION."""
        return tsql.backup(database, path, set_name=name, compress=self.about().compresses)

    def backup_command(self, database: str, path: str, *, name: str) -> Command:
        """Return the command of `backup`, for plans."""
        return Command(self.system, self.backup_batch(database, path, name=name))

    # ---- proofs

    def recorded(
        self, database: str, *, name: str | None = None, since: datetime.datetime | None = None
    ) -> Recorded | None:
        """Return the newest full backup that msdb lists for a database, or None.

        With `name` only those of that set name; with `since` (aware of its zone) only one that began then or later."""
        rows = self._rows(tsql.recorded(database, name)).dicts()
        if not rows:
            return None
        found = recorded_of(rows[0], self._clock()[1])
        return None if since is not None and found.started < since else found

    def file_there(self, path: str) -> bool:
        """Say whether the server sees a file. CouldNotLook where this login may not know.

        xp_fileexist says no for every file to who is no administrator: then the file's backup header is read."""
        rows = self._rows(tsql.file_there(path)).rows
        if rows and rows[0][0]:
            return True
        if self._rows(tsql.ADMINISTRATOR).rows[0][0]:
            return False
        try:
            return bool(self._drained(tsql.header(path), LOOK_TIMEOUT, never).whole())
        except Outcome as outcome:
            if outcome.cannot_open:
                return False
            reason = self._unmasked(outcome, "master", "may_verify")
            raise faults.not_seen(self.server.name, self.server.account, reason) from None

    def verify_only(self, path: str, *, stop: Callable[[], bool] = never) -> None:
        """Let the server read a backup through, page checksums too; UserError where it is damaged or not there."""
        try:
            self._drained(tsql.verify_only(path), LONG_LOOK_TIMEOUT, stop).whole()
        except Outcome as outcome:
            reason = self._unmasked(outcome, "master", "may_verify")
            raise faults.not_verified(self.server.name, self.server.account, path, reason) from None
        except Cancelled:
            raise Stopped from None

    def header(self, path: str) -> list[dict[str, Any]]:
        """Return the backup sets in a file (RESTORE HEADERONLY)."""
        return self._framed(tsql.header(path))

    def file_list(self, path: str) -> list[dict[str, Any]]:
        """Return the database files in a backup (RESTORE FILELISTONLY)."""
        return self._framed(tsql.file_list(path))

    def prove(self, database: str, path: str, *, name: str) -> Recorded:
        """Return msdb's row of a backup that is proven, else raise UserError.

        Proven: a row of that set name and file, with checksums, not damaged, and the file is there."""
        found = self.recorded(database, name=name)
        why = None
        if found is None or found.path.lower() != path.lower():
            why = text("msdb has no row for it: the server did not finish this backup.")
        elif not found.checksums or found.damaged:
            why = text("msdb says that it has no checksums or is damaged.")
        elif not self.file_there(path):
            why = text("The file {path} is not there.", path=path)
        if why is not None or found is None:
            raise UserError(
                text("The backup of {database} is not proven.", database=database), why or NOTHING,
                text("Look at the server's error log and its disk, then try again."),
            )  # fmt: skip
        return found

    # ---- Composer

    def composer_requests(self, database: str) -> ComposerRequests:
        """Return what Composer is at, from its own database; not known where its schema is not the inferred one."""
        rows = self._rows(tsql.columns(database, [tsql.COMPOSER_TABLE])).dicts()
        by_schema: dict[str, set[str]] = {}
        for row in rows:
            by_schema.setdefault(row["TABLE_SCHEMA"], set()).add(row["COLUMN_NAME"].upper())
        schema = next((s for s, found in by_schema.items() if found.issuperset(tsql.COMPOSER_COLUMNS)), None)
        if schema is None:
            found = sorted({column for columns in by_schema.values() for column in columns})
            why = text(
                "Expected was the table {table} with {columns}; found was {found}.", table=tsql.COMPOSER_TABLE,
                columns=listed(tsql.COMPOSER_COLUMNS),
                found=listed(found) if found else text("no such table"),
            )  # fmt: skip
            return ComposerRequests(known=False, why_unknown=why)
        requests = self._rows(tsql.composer_requests(database, schema)).dicts()
        return ComposerRequests(
            known=True,
            running=tuple(request_of(row) for row in requests if int(row["STATE"]) == 1),
            waiting_scheduled=tuple(request_of(row) for row in requests if int(row["STATE"]) == 0),
        )

    # ---- connections

    def _rows(self, batch: str) -> Rows:
        """Ask a question whose answer is one table."""
        answer = self._answer(batch)
        if not answer.sets:
            raise CouldNotLook(
                text("SQL Server {server} did not answer a question.", server=self.server.name),
                text("It gave no table where one was asked for."), details=batch,
            )  # fmt: skip
        return answer.sets[0]

    def _framed(self, batch: str) -> list[dict[str, Any]]:
        """Ask what a backup file holds."""
        try:
            return [row for rows in self._drained(batch, LOOK_TIMEOUT, never).whole() for row in rows.dicts()]
        except Outcome as outcome:
            reason = self._unmasked(outcome, "master", "may_verify")
            raise faults.not_seen(self.server.name, self.server.account, reason) from None

    def _unmasked(self, outcome: Outcome, database: str, right: str) -> Outcome:
        """Return an outcome with the missing right that it may come from.

        FreeTDS shows only the gravest error of a result: "terminating abnormally" hides "permission denied"."""
        if not outcome.only_terminating:
            return outcome
        try:
            (row,) = self._rows(tsql.rights(database)).dicts()
        except UserError:
            return outcome  # the first error is the news, not this one
        return outcome if row[right] else outcome.because(faults.PERMISSION_DENIED)

    def _answer(self, batch: str) -> Answer:
        try:
            return self._drained(batch, LOOK_TIMEOUT, never)
        except Outcome as outcome:
            raise faults.not_seen(self.server.name, self.server.account, outcome) from None

    def _drained(self, batch: str, deadline: float, stop: Callable[[], bool]) -> Answer:
        """Ask over the kept connection. One that was lost while it lay idle is opened again, once."""
        with self._lock:
            kept = self._session is not None
            try:
                return self._asked(batch, deadline, stop)
            except Outcome as outcome:
                if not (outcome.broken and kept):
                    raise
            return self._asked(batch, deadline, stop)

    def _asked(self, batch: str, deadline: float, stop: Callable[[], bool]) -> Answer:
        session = self._opened()
        self._tap(Command(self.system, batch, changes=False))
        try:
            return session.run(batch, deadline=deadline, stop=stop)
        except Silent:
            what = text("SQL Server {server} did not answer a question.", server=self.server.name)
            raise faults.no_answer(self.server.name, what, deadline, act=False) from None
        finally:
            if not session.usable:
                self._session = None

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._login.open()
        return self._session


def _database(row: dict[str, Any]) -> DatabaseFacts:
    return DatabaseFacts(
        row["name"], row["state_desc"] or "", row["recovery_model_desc"] or "", int(row["size"] or 0),
        (row["family_guid"] or "").lower(), bool(row["mirrored"]),
    )  # fmt: skip
