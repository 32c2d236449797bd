"""The world: rows in tables, changed only by events that are kept in one log, so that states can be saved and gone back to."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from app.lab.rows import ANY, HostFile, Row, Setting

R = TypeVar("R", bound=Row)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: when, by whom (winrm:broker1, work, operator ...), what, and the rows put and dropped (table, key).

    `founding` is set in the first event only: the rows that it made are not written out but made again."""

    at: float
    by: str
    what: str
    put: tuple[ANY, ...] = ()
    drop: tuple[tuple[str, str], ...] = ()
    founding: dict[str, Any] | None = None


class World:
    """Rows by table and key. Every reader and writer holds `lock` while it needs several rows to agree."""

    def __init__(self, folder: Path, found: Callable[[dict[str, Any]], Iterable[Row]]) -> None:
        """Open the world kept in `folder`; `found` makes the first rows from the founding's settings."""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.folder = folder
        self.events: list[Event] = []
        self._found = found
        self._tables: dict[type[Row], dict[str, Row]] = {}
        self._blobs = folder / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._log_path = folder / "events.jsonl"
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Event)
        if self._log_path.exists():
            self._replay(len(self._log_path.read_bytes().splitlines()))
        self._log = self._log_path.open("ab")

    def begin(self, **founding: Any) -> None:
        """Found a new world. Only in an empty one."""
        assert not self.events, "this world has been founded already"
        self._commit(Event(time.time(), "lab", "founded", founding=founding))

    # ---- reading

    def get(self, table: type[R], *key: str) -> R | None:
        """Return the row with that key (paths and names of directories in lower case), or None."""
        with self.lock:
            return self._tables.get(table, {}).get("|".join(key))  # type: ignore[return-value]  # a table holds its own class

    def require(self, table: type[R], *key: str) -> R:
        """Return the row with that key; KeyError where there is none."""
        row = self.get(table, *key)
        if row is None:
            raise KeyError(f"{table.__name__} {'|'.join(key)}")
        return row

    def all(self, table: type[R], **fields: Any) -> list[R]:
        """Return the rows of a table whose fields equal those given."""
        with self.lock:
            rows: Iterator[Any] = iter(self._tables.get(table, {}).values())
            return [row for row in rows if all(getattr(row, name) == value for name, value in fields.items())]

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
            lines = self._log_path.read_bytes().splitlines(keepends=True)[:count]
            self._log_path.write_bytes(b"".join(lines))
            self.events.clear()
            self._tables.clear()
            self._replay(count)
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
            path.write_bytes(content)
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
            for row in self._found(event.founding):
                self._put(row)
        for table, key in event.drop:
            self._table(table).pop(key, None)
        for row in event.put:
            self._put(row)

    def _put(self, row: Row) -> None:
        self._tables.setdefault(type(row), {})[row.key] = row

    def _table(self, name: str) -> dict[str, Row]:
        return next((rows for table, rows in self._tables.items() if table.__name__ == name), {})

    def _replay(self, count: int) -> None:
        with self._log_path.open("rb") as log:
            for _, line in zip(range(count), log, strict=False):
                self._apply(self._decoder.decode(line))
