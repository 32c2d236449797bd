"""The log of a run, as a model that takes batches and bears a hundred thousand lines: it filters and finds by itself.

A proxy model would ask Python once for every line; lists of numbers are made here in one go instead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer

from app.engine import events
from app.texts import Text, language, text
from app.wire import plain_system
from app.words import QUIET, clean

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class Level(StrEnum):
    """How much a line matters."""

    COMMAND = "command"
    LINE = "line"
    STEP = "step"
    WARNING = "warning"
    ERROR = "error"


SIGNS = {Level.COMMAND: "›", Level.LINE: "", Level.STEP: "•", Level.WARNING: "!", Level.ERROR: "✕"}
WORDS = {
    Level.COMMAND: text("command"), Level.LINE: text("line"), Level.STEP: text("step"),
    Level.WARNING: text("warning"), Level.ERROR: text("error"),
}  # fmt: skip


class Entry(msgspec.Struct, gc=False):
    """A line of the log: when, how much it matters, of which step, where it was sent, and its words.

    `words` are in the language of `spoken`; `said` is the Text they come from, packed. A line holds nothing that the
    interpreter has to look through for cycles: with a hundred thousand of them, that look would be felt."""

    at: float
    level: Level
    key: str
    where: str
    said: bytes
    words: str
    spoken: str

    def speak(self) -> None:
        """Put the words into the language that is chosen now."""
        self.words, self.spoken = one_line(str(msgspec.msgpack.decode(self.said, type=Text))), language()

    @property
    def folded(self) -> str:
        """What is searched in."""
        return f"{self.where} {self.words}".casefold()


def one_line(words: str) -> str:
    """Return words of remote systems on one line, without what would steer a screen."""
    return " ⏎ ".join(clean(words).replace("\t", " ").strip().splitlines())


def entry_of(event: events.Event) -> Entry | None:
    """Return the line for an event; None for those that the page shows in other ways. Called by working threads."""
    if isinstance(event, QUIET):
        return None
    key = event.key if isinstance(event, events.StepEvent) else ""
    where, said = "", event.text
    if isinstance(event, events.CommandSent):
        where, said = plain_system(event.system), Text("{words}", {"words": event.words})
    packed = msgspec.msgpack.encode(said)
    return Entry(event.at, _level(event), key, where, packed, one_line(str(said)), language())


_WARNINGS = (
    *(events.StepWarned, events.StepAbandoned, events.StepSkipped, events.StepRetried),
    events.BracketRetried,
)


def _level(event: events.Event) -> Level:
    if isinstance(event, events.CommandSent):
        return Level.COMMAND
    if isinstance(event, events.StepSaid):
        return Level.LINE
    if isinstance(event, events.StepFailed | events.BracketImpossible):
        return Level.ERROR
    if isinstance(event, _WARNINGS):
        return Level.WARNING
    if isinstance(event, events.RunEnded) and str(event.error):
        return Level.ERROR
    return Level.STEP


@dataclass(frozen=True)
class Show:
    """What is shown of the log: lines of these levels, of one step ("": of all)."""

    levels: frozenset[Level] = frozenset(Level)
    key: str = ""

    def all(self) -> bool:
        return len(self.levels) == len(Level) and not self.key


class Log:
    """All lines of a run, once; the views show parts of it.

    What is filtered and searched by stands in lists beside the entries: a hundred thousand of them are gone through
    while the operator types."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.levels: list[Level] = []
        self.keys: list[str] = []
        self.folded: list[str] = []
        self._views: list[LogModel] = []

    def attach(self, view: LogModel) -> None:
        self._views.append(view)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add a batch; each view is told once."""
        first = len(self.entries)
        self.entries.extend(entries)
        self.levels.extend([entry.level for entry in entries])
        self.keys.extend([entry.key for entry in entries])
        self.folded.extend([entry.folded for entry in entries])
        for view in self._views:
            view.grown(first)

    def speak(self, number: int) -> None:
        """Put a line into the language that is chosen now."""
        entry = self.entries[number]
        entry.speak()
        self.folded[number] = entry.folded

    def clear(self) -> None:
        for kept in (self.entries, self.levels, self.keys, self.folded):
            kept.clear()
        for view in self._views:
            view.filter_anew()


class LogModel(QAbstractTableModel):
    """A view of a log. Columns: time, how much it matters, where it was sent, words."""

    TIME, SIGN, WHERE, WHAT = range(4)
    COLUMNS = 4

    def __init__(self, log: Log, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log, self._show = log, Show()
        self._rows: list[int] = []
        self._clock: dict[int, str] = {}
        self._stale: Iterator[int] | None = None
        self._respoken: Callable[[], None] | None = None
        self._later = QTimer(self)
        self._later.setInterval(0)
        self._later.timeout.connect(self._speak_some)
        log.attach(self)

    # ---- what is shown

    @property
    def shown(self) -> Show:
        return self._show

    def show_only(self, show: Show) -> None:
        """Show only these lines."""
        self._show = show
        self.filter_anew()

    def filter_anew(self) -> None:
        self.beginResetModel()
        self._rows = self._fitting(0)
        self.endResetModel()

    def grown(self, first: int) -> None:
        """Take over what was added to the log from its `first` line on."""
        new = self._fitting(first)
        if new:
            self.beginInsertRows(NO_INDEX, len(self._rows), len(self._rows) + len(new) - 1)
            self._rows.extend(new)
            self.endInsertRows()

    def _fitting(self, first: int) -> list[int]:
        log, wanted, key = self._log, self._show.levels, self._show.key
        if self._show.all():
            return list(range(first, len(log.entries)))
        levels = log.levels
        if key:
            keys = log.keys
            return [n for n in range(first, len(keys)) if keys[n] == key and levels[n] in wanted]
        return [n for n in range(first, len(levels)) if levels[n] in wanted]

    def entry(self, row: int) -> Entry:
        """Return the line in a row, in the language that is chosen now."""
        number = self._rows[row]
        found = self._log.entries[number]
        if found.spoken != language():
            self._log.speak(number)
        return found

    def find(self, words: str, first: int = 0, end: int | None = None) -> list[int]:
        """Return the rows from `first` on whose words or system hold `words`, upper case or lower."""
        wanted = words.casefold()
        if not wanted:
            return []
        folded = self._log.folded
        return [row for row, n in enumerate(self._rows[first:end], first) if wanted in folded[n]]

    def line(self, row: int) -> str:
        """Return a row as a line of text."""
        found = self.entry(row)
        where = f"[{found.where}] " if found.where else ""
        return f"{self._time(found.at)} {WORDS[found.level]!s:8} {where}{found.words}"

    def lines(self, rows: Sequence[int]) -> str:
        """Return rows as text. May be called by a working thread: lines are only ever added."""
        return "\n".join(self.line(row) for row in rows)

    # ---- another language

    def retranslate(self, then: Callable[[], None] | None = None) -> None:
        """Put all lines into the chosen language: those in sight at once, the others bit by bit; `then` when done."""
        self._stale, self._respoken = iter(range(len(self._log.entries))), then
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.COLUMNS - 1)
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, self.COLUMNS - 1))
        self._later.start()

    def _speak_some(self) -> None:
        spoken, end = language(), time.monotonic() + 0.01
        for number in self._stale or ():
            if number < len(self._log.entries) and self._log.entries[number].spoken != spoken:
                self._log.speak(number)
                if time.monotonic() > end:
                    return
        self._later.stop()
        self._stale = None
        if self._respoken:
            self._respoken()

    # ---- Qt's questions

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return 0 if parent.isValid() else self.COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return None
        entry, column = self.entry(index.row()), index.column()
        if column == self.WHAT:
            return entry.words
        if column == self.TIME:
            return self._time(entry.at)
        if column == self.WHERE:
            return entry.where
        return SIGNS[entry.level] if role == Qt.ItemDataRole.DisplayRole else str(WORDS[entry.level])

    def headerData(  # noqa: N802  # Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return str((text("Time"), Text(""), text("Where"), text("What"))[section])
        return None

    def _time(self, at: float) -> str:
        second = int(at)
        if second not in self._clock:
            self._clock[second] = time.strftime("%H:%M:%S", time.localtime(second))
        return self._clock[second]
