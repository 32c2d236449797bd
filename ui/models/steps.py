"""The steps of a run as a tree with states, fed by its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from app.engine import events
from app.engine.events import Outline
from app.texts import Text, text
from ui.look import brush

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class Stand(StrEnum):
    """How a step stands."""

    TO_COME = "to-come"
    RUNNING = "running"
    WAITING = "waiting"
    OFF = "off"
    CLOSING = "closing"
    DONE = "done"
    KEPT = "kept"
    PUT_BACK = "put-back"
    SKIPPED = "skipped"
    FAILED = "failed"
    STILL_OFF = "still-off"
    ABANDONED = "abandoned"
    LEFT = "left"


SIGNS = {
    Stand.TO_COME: "○", Stand.RUNNING: "●", Stand.WAITING: "?", Stand.OFF: "◐", Stand.CLOSING: "◑", Stand.DONE: "✓",
    Stand.KEPT: "✓", Stand.PUT_BACK: "✓", Stand.SKIPPED: "–", Stand.FAILED: "✕", Stand.STILL_OFF: "✕",
    Stand.ABANDONED: "!", Stand.LEFT: "–",
}  # fmt: skip
WORDS = {
    Stand.TO_COME: text("to come"), Stand.RUNNING: text("at work"), Stand.WAITING: text("waits for you"),
    Stand.OFF: text("to be put back"), Stand.CLOSING: text("being put back"), Stand.DONE: text("done, verified"),
    Stand.KEPT: text("done earlier, verified"), Stand.PUT_BACK: text("put back"), Stand.SKIPPED: text("skipped"),
    Stand.FAILED: text("failed"), Stand.STILL_OFF: text("still off"), Stand.ABANDONED: text("may still act"),
    Stand.LEFT: text("not done"),
}  # fmt: skip
WORSE = (Stand.STILL_OFF, Stand.FAILED, Stand.WAITING, Stand.ABANDONED, Stand.CLOSING, Stand.RUNNING, Stand.OFF)
COLOURS = {
    Stand.TO_COME: "soft", Stand.SKIPPED: "soft", Stand.LEFT: "soft", Stand.WAITING: "warning",
    Stand.ABANDONED: "warning", Stand.FAILED: "error", Stand.STILL_OFF: "error",
}  # fmt: skip
PRESENT = (Stand.RUNNING, Stand.WAITING, Stand.CLOSING, Stand.FAILED)
OVER = (Stand.DONE, Stand.KEPT, Stand.PUT_BACK, Stand.SKIPPED)


@dataclass(eq=False)
class Node:
    """A part of the plan: how it stands, how far it is (0 to 1), and how many seconds it took."""

    kind: str
    key: str
    title: Text
    parent: Node | None
    row: int
    parts: list[Node] = field(default_factory=list)
    stand: Stand = Stand.TO_COME
    fraction: float = 0.0
    seconds: float | None = None
    asked_from: Stand = Stand.RUNNING

    @property
    def shown(self) -> Stand:
        """Return how it stands; what only holds others stands as they do."""
        if self.key or not self.parts:
            return self.stand
        stands = [part.shown for part in self.parts]
        for stand in WORSE:
            if stand in stands:
                return stand
        if all(stand in OVER for stand in stands):
            return Stand.DONE
        return Stand.RUNNING if any(stand in OVER for stand in stands) else stands[0]

    def whole(self) -> Iterator[Node]:
        yield self
        for part in self.parts:
            yield from part.whole()


class StepsModel(QAbstractItemModel):
    """The tree. Columns: what is done, how it stands, how long it took."""

    WHAT, STAND, TIME = range(3)
    COLUMNS = 3

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._roots: list[Node] = []
        self._by_key: dict[str, Node] = {}
        self._open: set[str] = set()

    # ---- being told

    def take(self, batch: Iterable[events.Event]) -> Node | None:
        """Take a batch of events over; returns the step that began last, if any did."""
        changed: dict[int, Node] = {}
        begun: Node | None = None
        for event in batch:
            if isinstance(event, events.Plan):
                self._plan(event.parts)
                changed.clear()
            elif isinstance(event, events.RunEnded):
                changed |= {id(node): node for node in self._settled()}
            elif isinstance(event, events.StepEvent) and (node := self._by_key.get(event.key)):
                self._told(node, event)
                changed[id(node)] = node
                if isinstance(event, events.StepStarted):
                    begun = node
        self._show(changed.values())
        return begun

    def node(self, key: str) -> Node | None:
        return self._by_key.get(key)

    def nodes(self) -> list[Node]:
        return [node for root in self._roots for node in root.whole()]

    def retranslate(self) -> None:
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.COLUMNS - 1)
        self._show(self.nodes())

    def clear(self) -> None:
        self._plan(())

    def _plan(self, parts: Iterable[Outline]) -> None:
        self.beginResetModel()
        self._open.clear()
        self._roots = _nodes(parts, None)
        self._by_key = {node.key: node for node in self.nodes() if node.key}
        self.endResetModel()

    def _told(self, node: Node, event: events.StepEvent) -> None:
        if isinstance(event, events.StepProgress):
            node.fraction = event.fraction
        elif isinstance(event, events.StepDone):
            node.seconds = event.seconds
            node.stand = Stand.OFF if node.key in self._open else Stand.DONE
        elif isinstance(event, events.QuestionAsked):
            node.asked_from, node.stand = node.stand, Stand.WAITING
        elif isinstance(event, events.QuestionAnswered):
            node.stand = node.asked_from
        elif isinstance(event, events.BracketOpened):
            self._open.add(node.key)
        elif isinstance(event, events.BracketClosed):
            self._open.discard(node.key)
            node.stand = Stand.PUT_BACK
        elif (stand := STANDS.get(type(event))) is not None:
            node.stand = stand
            if stand is Stand.RUNNING:
                node.fraction, node.seconds = 0.0, None

    def _settled(self) -> Iterator[Node]:
        """Yield what was cut off when the run ended, or never began."""
        for node in self.nodes():
            if node.stand in (Stand.RUNNING, Stand.WAITING, Stand.TO_COME):
                node.stand = Stand.LEFT
                yield node

    def _show(self, nodes: Iterable[Node]) -> None:
        shown: set[int] = set()
        for node in nodes:
            above: Node | None = node
            while above is not None and id(above) not in shown:
                shown.add(id(above))
                self.dataChanged.emit(self.index_of(above), self.index_of(above, self.COLUMNS - 1))
                above = above.parent

    # ---- Qt's questions

    def index_of(self, node: Node, column: int = 0) -> QModelIndex:
        return self.createIndex(node.row, column, node)

    def index(self, row: int, column: int, parent: Index = NO_INDEX) -> QModelIndex:
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.index_of(self._parts(parent)[row], column)

    def parent(self, index: Index = NO_INDEX) -> QModelIndex:  # type: ignore[override]  # QObject.parent() is another
        above = index.internalPointer().parent if index.isValid() else None
        return self.index_of(above) if above is not None else QModelIndex()

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return 0 if parent.column() > 0 else len(self._parts(parent))

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return self.COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        node: Node = index.internalPointer()
        stand = node.shown
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(node, stand, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title_of(node)}: {WORDS[stand]}" if index.column() == 0 else self._words(node, stand, 1)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == self.TIME:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and stand in COLOURS:
            return brush(COLOURS[stand])
        if role == Qt.ItemDataRole.FontRole and stand in PRESENT and index.column() == self.WHAT:
            bold = QFont()
            bold.setBold(True)
            return bold
        return None

    def headerData(  # noqa: N802  # Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section == self.TIME:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            return str((text("Step"), text("State"), text("Seconds"))[section])
        return None

    def _parts(self, parent: Index) -> list[Node]:
        return parent.internalPointer().parts if parent.isValid() else self._roots

    def _words(self, node: Node, stand: Stand, column: int) -> str:
        if column == self.WHAT:
            return f"{SIGNS[stand]}  {title_of(node)}"
        if column == self.TIME:
            return "" if node.seconds is None else f"{node.seconds:.1f}"
        if stand is Stand.RUNNING and node.fraction > 0:
            return f"{WORDS[stand]}, {node.fraction:.0%}"
        return str(WORDS[stand])


STANDS: dict[type[events.StepEvent], Stand] = {
    events.StepStarted: Stand.RUNNING,
    events.StepRetried: Stand.RUNNING,
    events.StepFailed: Stand.FAILED,
    events.StepSkipped: Stand.SKIPPED,
    events.StepKept: Stand.KEPT,
    events.StepAbandoned: Stand.ABANDONED,
    events.BracketClosing: Stand.CLOSING,
    events.BracketImpossible: Stand.STILL_OFF,
    events.GuidedWaits: Stand.WAITING,
}


def title_of(node: Node) -> str:
    """Return what a node is called; branches have no title of their own."""
    return str(node.title) or str(text("Branch {number}", number=node.row + 1))


def _nodes(parts: Iterable[Outline], parent: Node | None) -> list[Node]:
    made = []
    for row, part in enumerate(parts):
        node = Node(part.kind, part.key, part.title, parent, row)
        node.parts = _nodes(part.parts, node)
        made.append(node)
    return made
