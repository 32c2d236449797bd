"""The world: rows in tables, changed only by events kept in one log, so that states can be saved and gone back to."""

from __future__ import annotations

import hashlib
import threading
import time
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from app import locking
from app.lab.rows import ANY, HostFile, Row, Setting

R = TypeVar("R", bound=Row)
INDEXED: dict[str, tuple[str, ...]] = {table.__name__: table.INDEX for table in typing.get_args(ANY)}


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: when, by whom (winrm:broker1, work, operator ...), what, and the rows put and dropped (table, key).

    `founding` is set in the first event only: the rows that it made are not written out but made again."""

    at: float
    by: str
    what: str
    put: tuple[ANY, ...] = ()
    drop: tuple[tuple[str, str], ...] = ()
    founding: dict[str, Any] | None = None


@dataclass(frozen=True)
class Founded:
    """What a founding makes: rows, and the bytes of files by their SHA-256."""

    rows: tuple[Row, ...] | list[Row]
    contents: dict[str, bytes]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


class _Table:
    """The rows of one class in the order in which their keys came, with an index for each field that it names."""

    def __init__(self, indexed: tuple[str, ...]) -> None:
        self.rows: dict[str, Row] = {}
        self._order: dict[str, int] = {}
        self._next = 0
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {name: {} for name in indexed}

    def put(self, row: Row) -> None:
        key = row.key
        old = self.rows.get(key)
        if old is None:
            self._order[key] = self._next
            self._next += 1
        self.rows[key] = row
        for name, index in self._indexes.items():
            value = getattr(row, name)
            if old is not None and (before := getattr(old, name)) != value:
                del index[before][key]
            index.setdefault(value, {})[key] = None

    def drop(self, key: str) -> None:
        row = self.rows.pop(key, None)
        if row is not None:
            del self._order[key]
            for name, index in self._indexes.items():
                del index[getattr(row, name)][key]

    def count(self, name: str, value: Any) -> int:
        return len(self._indexes[name].get(value, ()))

    def find(self, fields: dict[str, Any]) -> list[Row]:
        """Return the rows whose fields equal those given, in order."""
        found: Iterable[Row] = self.rows.values()
        buckets = [(self._indexes[name].get(fields[name], {}), name) for name in fields if name in self._indexes]
        if buckets:
            keys, name = min(buckets, key=lambda bucket: len(bucket[0]))
            if len(keys) * 4 < len(self.rows):  # else sorting costs more than looking at all
                found = [self.rows[key] for key in sorted(keys, key=self._order.__getitem__)]
                fields = {other: value for other, value in fields.items() if other != name}
        for name, value in fields.items():
            found = [row for row in found if getattr(row, name) == value]
        return list(found)


class World:
    """Rows by table and key. Every reader and writer holds `lock` while it needs several rows to agree."""

    def __init__(self, folder: Path, found: Callable[[dict[str, Any]], Iterable[Row]]) -> None:
        """Open the world kept in `folder`; `found` makes the first rows from the founding's settings."""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.folder = folder
        self.events: list[Event] = []
        self._found = found
        self._tables: dict[str, _Table] = {}
        self._blobs = folder / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._log_path = folder / "events.jsonl"
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Event)
        if self._log_path.exists():
            self._cut_unfinished()
            self._replay()
        self._log = self._log_path.open("ab")

    def begin(self, **founding: Any) -> None:
        """Found a new world. Only in an empty one. The founding's moment is now unless `at` is given."""
        assert not self.events, "this world has been founded already"
        founding.setdefault("at", time.time())
        self._commit(Event(time.time(), "lab", "founded", founding=founding))

    # ---- reading

    def get(self, table: type[R], *key: str) -> R | None:
        """Return the row with that key (paths and names of directories in lower case), or None."""
        with self.lock:
            return self._table(table.__name__).rows.get("|".join(key))  # type: ignore[return-value]  # a table holds its own class

    def require(self, table: type[R], *key: str) -> R:
        """Return the row with that key; KeyError where there is none."""
        row = self.get(table, *key)
        if row is None:
            raise KeyError(f"{table.__name__} {'|'.join(key)}")
        return row

    def all(self, table: type[R], **fields: Any) -> list[R]:
        """Return the rows of a table whose fields (or properties) equal those given, oldest first."""
        with self.lock:
            return self._table(table.__name__).find(fields)  # type: ignore[return-value]  # a table holds its own class

    def find(self, table: str, key: str) -> Row | None:
        """Return the row with that key from the table of that name, or None."""
        with self.lock:
            return self._table(table).rows.get(key)

    def count(self, table: type[Row], field: str, value: Any) -> int:
        """Return how many rows have that value in a field of the table's INDEX, without looking at them."""
        with self.lock:
            return self._table(table.__name__).count(field, value)

    def wait_for(self, true: Callable[[], object], seconds: float | None = None) -> bool:
        """Wait until `true` says so, looking again after every change; returns False when `seconds` passed first."""
        with self.changed:
            return bool(self.changed.wait_for(true, seconds))

    def now(self) -> float:
        """Return the world's time, seconds since 1970."""
        return time.time() + float(self.setting("clock_offset", "0"))

    def setting(self, name: str, otherwise: str = "") -> str:
        row = self.get(Setting, name)
        return row.value if row else otherwise

    def takes(self, seconds: float) -> float:
        """Return how long something takes here that takes `seconds` in a real environment of this size."""
        return seconds * float(self.setting("pace", "1"))

    # ---- changing

    def change(self, by: str, what: str, *put: Row, drop: Iterable[Row] = ()) -> Event:
        """Put and drop rows as one event, written to the log before it is seen. Returns the event."""
        event = Event(self.now(), by, what, put, tuple((type(row).__name__, row.key) for row in drop))  # type: ignore[arg-type]  # every Row is in ANY
        self._commit(event)
        return event

    def back_to(self, count: int) -> None:
        """Go back to the state after the first `count` events; the later ones are forgotten."""
        with self.lock:
            self._log.close()
            with self._log_path.open("r+b") as log:
                for _ in range(count):
                    log.readline()
                log.truncate(log.tell())
            self.events.clear()
            self._tables.clear()
            self._replay()
            self._log = self._log_path.open("ab")
            self.changed.notify_all()

    def close(self) -> None:
        with self.lock:
            self._log.close()

    # ---- files on hosts

    def store(self, content: bytes) -> str:
        """Keep `content` and return its name, the SHA-256 in hexadecimal."""
        name = hashlib.sha256(content).hexdigest()
        path = self._blobs / name
        if not path.exists():
            temporary = path.with_name(f"{name}.{threading.get_ident()}")
            temporary.write_bytes(content)
            locking.patiently(lambda: temporary.replace(path))
        return name

    def content(self, blob: str) -> bytes:
        return (self._blobs / blob).read_bytes()

    def file(self, host: str, path: str) -> HostFile | None:
        return self.get(HostFile, host, path.lower())

    def new_file(self, host: str, path: str, content: bytes) -> HostFile:
        """Return the row of a file with that content, its bytes stored; it is there once a change has put it."""
        return HostFile(host=host, path=path, blob=self.store(content), size=len(content), modified=self.now())

    # ---- the log

    def _commit(self, event: Event) -> None:
        with self.lock:
            self._log.write(self._encoder.encode(event) + b"\n")
            self._log.flush()
            self._apply(event)
            self.changed.notify_all()

    def _apply(self, event: Event) -> None:
        self.events.append(event)
        if event.founding is not None:
            founded = self._found(event.founding)
            for row in founded:
                self._table(type(row).__name__).put(row)
            if isinstance(founded, Founded):
                for content in founded.contents.values():
                    self.store(content)
        for table, key in event.drop:
            self._table(table).drop(key)
        for row in event.put:
            self._table(type(row).__name__).put(row)

    def _table(self, name: str) -> _Table:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = _Table(INDEXED[name])
        return table

    def _replay(self) -> None:
        with self._log_path.open("rb") as log:
            for line in log:
                self._apply(self._decoder.decode(line))

    def _cut_unfinished(self) -> None:
        """Cut off a last line that a killed process did not finish writing: nobody has seen that event."""
        with self._log_path.open("r+b") as log:
            whole = 0
            for line in log:
                if line.endswith(b"\n"):
                    whole += len(line)
            log.truncate(whole)
