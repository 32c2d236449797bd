"""The journal: what runs intended, did and proved, what they hold off, what was asked. One SQLite file, always flushed.

All writes go through one connection and one lock; each is one transaction, so that what is read after a crash is what
some moment of the run looked like. `hide` takes passwords out of whatever is written."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from app.engine.step import Json
from app.errors import Refused, UserError
from app.texts import NOTHING, Text, text

VERSION = 1
BUSY_SECONDS = 30.0
IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
NO_ROOM_OR_RIGHT = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM)
Leave = Literal["close", "hold", "end"]
Moment = Literal["before", "after"]
T = TypeVar("T")


class Phase(StrEnum):
    """How an effect stands. `abandoned`: its part did not stop in time and may still act. `undoing`: the intent to take
    it back is on disk."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    KEPT = "kept"
    ABANDONED = "abandoned"
    UNDOING = "undoing"
    UNDONE = "undone"


UNFINISHED = (Phase.INTENT, Phase.FAILED, Phase.ABANDONED)
GOOD = (Phase.DONE, Phase.KEPT)


class Run(msgspec.Struct, frozen=True):
    """One run. Times are UTC in seconds since 1970; `status` is a Status, `running` also for one whose process died."""

    id: str
    environment: str
    runbook: str
    inputs: Json
    plan_hash: str
    status: str
    episode: int
    started: float
    ended: float | None = None
    error: dict[str, str] | None = None


class Effect(msgspec.Struct, frozen=True):
    """One step of one episode. `sent`: when act was first called; `acted`: when it returned; `ended`: when proven."""

    number: int
    run: str
    key: str
    episode: int
    phase: Phase
    before: Json
    result: Json
    intended: float
    sent: float | None = None
    acted: float | None = None
    ended: float | None = None
    attempts: int = 0


class Held(msgspec.Struct, frozen=True):
    """What is off, or left behind, until `closer` has put it back: all that recovery needs.

    `leave`: close (with its bracket), hold (until released), end (at the end of the run). `outcome`: closed or moot;
    while open: empty or impossible, `note` saying why."""

    number: int
    run: str
    key: str
    closer: str
    before: Json
    what_is_off: Text
    by_hand: tuple[str, ...]
    leave: Leave
    opened: float
    closed: float | None = None
    outcome: str = ""
    note: Text = NOTHING


class Answer(msgspec.Struct, frozen=True):
    """A question that was put, and what was answered; `at` is UTC in seconds since 1970."""

    run: str
    key: str
    question: Text
    answer: str
    at: float


class NewHold(msgspec.Struct, frozen=True):
    """What an intent takes on to close later."""

    closer: str
    what_is_off: Text
    by_hand: tuple[str, ...]
    leave: Leave


SCHEMA = """
CREATE TABLE run(id TEXT PRIMARY KEY, environment TEXT NOT NULL, runbook TEXT NOT NULL, inputs TEXT NOT NULL,
  plan_hash TEXT NOT NULL, status TEXT NOT NULL, episode INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
  error TEXT);
CREATE TABLE effect(number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES run, key TEXT NOT NULL,
  episode INTEGER NOT NULL, phase TEXT NOT NULL, before TEXT NOT NULL, result TEXT NOT NULL, intended REAL NOT NULL,
  sent REAL, acted REAL, ended REAL, attempts INTEGER NOT NULL, UNIQUE(run, key, episode));
CREATE TABLE held(number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES run, key TEXT NOT NULL,
  closer TEXT NOT NULL, before TEXT NOT NULL, what_is_off TEXT NOT NULL, by_hand TEXT NOT NULL, leave TEXT NOT NULL,
  opened REAL NOT NULL, closed REAL, outcome TEXT NOT NULL, note TEXT NOT NULL);
CREATE UNIQUE INDEX one_open_hold ON held(run, key) WHERE closed IS NULL;
CREATE TABLE answer(run TEXT NOT NULL REFERENCES run, key TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,
  at REAL NOT NULL);
PRAGMA user_version = 1;
"""
JSON_COLUMNS = frozenset({"inputs", "error", "before", "result", "what_is_off", "by_hand", "note", "question"})


def _as_is(words: str) -> str:
    return words


def _no_hook(_write: str, _moment: Moment) -> None:
    """Watch nothing."""


class Journal:
    """The journal in the file `path`; made where there is none. Used from any thread of one process, by many processes.

    `hook` is told of each write by name, before it begins and after it is on disk: tests kill the process there.
    `patience`: seconds that another program may keep the file."""

    def __init__(
        self,
        path: Path,
        *,
        hide: Callable[[str], str] = _as_is,
        hook: Callable[[str, Moment], None] = _no_hook,
        patience: float = BUSY_SECONDS,
    ) -> None:
        self.path, self._hide, self._hook, self._patience = path, hide, hook, patience
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = self._open()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # ----- runs

    def begin(self, run: Run) -> None:
        """Record a new run."""
        with self._write("begin") as db:
            _insert(db, "run", self._row(run))

    def next_episode(self, run: str) -> int:
        """Begin another episode of that run and return its number."""
        with self._write("episode") as db:
            db.execute("UPDATE run SET episode=episode+1, status='running', ended=NULL, error=NULL WHERE id=?", (run,))
            return int(db.execute("SELECT episode FROM run WHERE id=?", (run,)).fetchone()[0])

    def end(self, run: str, status: str, at: float, error: dict[str, str] | None = None) -> None:
        """Record how a run ended."""
        with self._write("end") as db:
            db.execute("UPDATE run SET status=?, ended=?, error=? WHERE id=?", (status, at, self._json(error), run))

    def run(self, run: str) -> Run:
        """Return that run, or raise Refused."""
        found = self._read(Run, "SELECT * FROM run WHERE id=?", run)
        if not found:
            raise Refused(
                text("There is no run {run} in this journal.", run=run),
                do=text("List the runs, and name one of them."),
            )
        return found[0]

    def runs(self, environment: str | None = None) -> list[Run]:
        """Return the runs, oldest first."""
        if environment is None:
            return self._read(Run, "SELECT * FROM run ORDER BY started, rowid")
        return self._read(Run, "SELECT * FROM run WHERE environment=? ORDER BY started, rowid", environment)

    # ----- effects

    def intend(
        self, run: str, episode: int, key: str, before: Json, at: float, hold: NewHold | None = None
    ) -> Held | None:
        """Put on disk what is about to be done and what undoing it restores. What an earlier intent of the episode,
        or a hold that is still open, says of the state before stays: being older, it is right.
        Return what is held under that key from now on."""
        with self._write("intent") as db:
            row = db.execute(
                "SELECT number FROM effect WHERE run=? AND key=? AND episode=?", (run, key, episode)
            ).fetchone()
            if row:
                db.execute(
                    "UPDATE effect SET phase='intent', acted=NULL, ended=NULL, result='{}' WHERE number=?", (row[0],)
                )
            else:
                db.execute(
                    "INSERT INTO effect(run,key,episode,phase,before,result,intended,attempts)"
                    " VALUES(?,?,?,?,?,'{}',?,0)",
                    (run, key, episode, Phase.INTENT, self._json(before), at),
                )
            if hold is not None:
                db.execute(
                    "INSERT INTO held(run,key,closer,before,what_is_off,by_hand,leave,opened,outcome,note)"
                    " VALUES(?,?,?,?,?,?,?,?,'',?) ON CONFLICT DO NOTHING",
                    (run, key, hold.closer, self._json(before), self._json(hold.what_is_off),
                     self._json(hold.by_hand), hold.leave, at, self._json(NOTHING)),
                )  # fmt: skip
            found = db.execute("SELECT * FROM held WHERE run=? AND key=? AND closed IS NULL", (run, key)).fetchone()
            return _struct(Held, found) if found else None

    def sent(self, run: str, episode: int, key: str, at: float) -> None:
        """Record that act is about to be called; the first time of an episode stays."""
        with self._write("sent") as db:
            db.execute(
                "UPDATE effect SET sent=coalesce(sent,?), attempts=attempts+1 WHERE run=? AND key=? AND episode=?",
                (at, run, key, episode),
            )

    def acted(self, run: str, episode: int, key: str, at: float) -> None:
        """Record that act returned. That proves nothing yet."""
        with self._write("acted") as db:
            db.execute("UPDATE effect SET acted=? WHERE run=? AND key=? AND episode=?", (at, run, key, episode))

    def finish(self, run: str, episode: int, key: str, phase: Phase, result: Json, at: float) -> None:
        """Record how an effect ended, with its evidence (done), or with what is known of its failure."""
        with self._write(phase) as db:
            db.execute(
                "UPDATE effect SET phase=?, result=?, ended=? WHERE run=? AND key=? AND episode=?",
                (phase, self._json(result), at, run, key, episode),
            )

    def put(self, effect: Effect) -> None:
        """Record an effect whole: one that is kept from an earlier episode, or skipped. Its number is given anew."""
        with self._write(effect.phase) as db:
            row = self._row(effect)
            del row["number"]
            db.execute(
                "DELETE FROM effect WHERE run=? AND key=? AND episode=?", (effect.run, effect.key, effect.episode)
            )
            _insert(db, "effect", row)

    def taken_back(self, effect: Effect, phase: Literal[Phase.UNDOING, Phase.UNDONE]) -> None:
        """Record that an effect is about to be taken back, or that it was; its evidence stays."""
        with self._write(phase) as db:
            db.execute("UPDATE effect SET phase=? WHERE number=?", (phase, effect.number))

    def effects(self, run: str) -> list[Effect]:
        """Return the effects of all episodes in the order of their intents."""
        return self._read(Effect, "SELECT * FROM effect WHERE run=? ORDER BY number", run)

    # ----- what is held

    def held(self, run: str) -> list[Held]:
        """Return everything that run ever held, in the order of opening."""
        return self._read(Held, "SELECT * FROM held WHERE run=? ORDER BY number", run)

    def open_held(self, environment: str) -> list[Held]:
        """Return what is still held in that environment, by whichever run, in the order of opening."""
        return self._read(
            Held,
            "SELECT held.* FROM held JOIN run ON run.id=held.run"
            " WHERE closed IS NULL AND environment=? ORDER BY number",
            environment,
        )  # fmt: skip

    def mark_closed(self, held: Held, outcome: str, at: float) -> None:
        """Record that it is put back (`closed`), or that there is nothing left to put back (`moot`)."""
        with self._write("closed") as db:
            db.execute(
                "UPDATE held SET closed=?, outcome=?, note=? WHERE number=?",
                (at, outcome, self._json(NOTHING), held.number),
            )

    def mark_impossible(self, held: Held, note: Text) -> None:
        """Record that it could not be put back, and why; it stays open."""
        with self._write("impossible") as db:
            db.execute("UPDATE held SET outcome='impossible', note=? WHERE number=?", (self._json(note), held.number))

    def adopt(self, run: Run, held: tuple[Held, ...]) -> None:
        """Record a run of another workstation and what it holds, as its notice tells, to recover it from here."""
        with self._write("adopt") as db:
            if db.execute("SELECT 1 FROM run WHERE id=?", (run.id,)).fetchone():
                return  # its own journal is at hand, and knows more than the notice
            _insert(db, "run", self._row(run))
            for one in held:
                row = self._row(one)
                del row["number"]
                _insert(db, "held", row)

    # ----- answers

    def answer(self, answer: Answer) -> None:
        """Record a question and its answer."""
        with self._write("answer") as db:
            _insert(db, "answer", self._row(answer))

    def answers(self, run: str) -> list[Answer]:
        return self._read(Answer, "SELECT * FROM answer WHERE run=? ORDER BY rowid", run)

    # ----- the file

    def _open(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(
                self.path, timeout=self._patience, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA foreign_keys=ON")
            if (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(found)
            self._found_or_made(db)
        except sqlite3.Error as error:
            db.close()
            raise self._unusable(error) from error
        except Refused:
            db.close()
            raise
        return db

    def _found_or_made(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("a database of another program")
            for statement in SCHEMA.split(";"):
                db.execute(statement)
        db.execute("COMMIT")
        if version > VERSION:
            raise Refused(
                text("The journal {file} was written by a newer version of this program.", file=str(self.path)),
                text("It has format {found}; this program knows {known}.", found=version, known=VERSION),
                text("Use the newer program, or choose another data folder."),
            )
        for table, columns in TABLES.items():
            if not columns <= {row[1] for row in db.execute(f"PRAGMA table_info({table})")}:
                raise sqlite3.DatabaseError(f"table {table} is not as it should be")

    @contextmanager
    def _write(self, name: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._hook(name, "before")
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise (self._in_use(error) if _code(error) in IN_USE else self._cannot_write(error)) from error
            self._hook(name, "after")

    def _read(self, kind: type[T], query: str, *values: str) -> list[T]:
        with self._lock:
            try:
                rows = self._db.execute(query, values).fetchall()
                return [_struct(kind, row) for row in rows]
            except sqlite3.Error as error:
                raise self._unusable(error) from error
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                raise self._damaged(error) from error

    def _row(self, struct: msgspec.Struct) -> dict[str, Any]:
        row = msgspec.structs.asdict(struct)
        return {name: self._json(value) if name in JSON_COLUMNS else value for name, value in row.items()}

    def _json(self, value: Any) -> str | None:
        if value is None:
            return None
        return msgspec.json.encode(hidden(msgspec.to_builtins(value), self._hide)).decode()

    def _unusable(self, error: sqlite3.Error) -> UserError:
        """Return what is told of a file that does not open. Only one that is damaged is to be moved away: with a whole
        one, what is still off would be forgotten."""
        if _code(error) in IN_USE:
            return self._in_use(error)
        return self._cannot_write(error) if _code(error) in NO_ROOM_OR_RIGHT else self._damaged(error)

    def _in_use(self, error: sqlite3.Error) -> UserError:
        return Refused(
            text("The journal {file} is in use by another program.", file=str(self.path)),
            text("It has not been given back within {seconds:.0f} seconds.", seconds=self._patience),
            text("Wait until that program has ended, and try again; the journal itself is as it was."),
            details=str(error),
        )

    def _damaged(self, error: Exception) -> UserError:
        return Refused(
            text("The journal {file} cannot be read.", file=str(self.path)),
            text("It is damaged, or not a journal."),
            text(
                "Put it back from a copy, or move it away: then a new one is begun, and what is still off in the "
                "environment is known only from the notice on the broker."
            ),
            details=str(error),
        )

    def _cannot_write(self, error: sqlite3.Error) -> UserError:
        return UserError(
            text("The journal {file} cannot be written.", file=str(self.path)),
            text("The data folder may be full, read-only or gone."),
            text("Make room or give the right to write there, and start again."),
            details=str(error),
        )


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code; 0 where the error is not its own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """Return JSON data with `hide` applied to every string in it."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {key: hidden(one, hide) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(one, hide) for one in value]
    return value


def _struct(kind: type[T], row: sqlite3.Row) -> T:
    found = {
        name: msgspec.json.decode(row[name]) if name in JSON_COLUMNS and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118  # iterating over a Row gives its values
    }
    return msgspec.convert(found, kind)


def _insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names, marks = ",".join(row), ",".join("?" * len(row))
    db.execute(f"INSERT INTO {table}({names}) VALUES({marks})", tuple(row.values()))  # names of our own


TABLES = {
    table: {field.name for field in msgspec.structs.fields(kind)}
    for table, kind in (("run", Run), ("effect", Effect), ("held", Held), ("answer", Answer))
}
