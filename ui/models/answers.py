"""What the checks have answered, as a table: live while it is looked, the worst first when all is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from app.looking import Answer
from app.observation import State
from app.texts import Text, text
from app.wire import plain_system
from app.words import clean, state_word
from ui.look import brush

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
SIGNS = {State.PASSED: "✓", State.WARNING: "!", State.BLOCKED: "✕", State.UNKNOWN: "?"}


class AnswersModel(QAbstractTableModel):
    """Columns: state, what was looked at, where, what was found."""

    STATE, CHECK, WHERE, FOUND = range(4)
    COLUMNS = 4

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers: list[Answer] = []
        self._shown: list[Answer] = []
        self._all = True

    @property
    def answers(self) -> tuple[Answer, ...]:
        return tuple(self._answers)

    def clear(self) -> None:
        self._answers.clear()
        self._anew()

    def append(self, answers: Sequence[Answer]) -> None:
        """Add a batch, in the order in which it was answered."""
        self._answers.extend(answers)
        new = [answer for answer in answers if self._fits(answer)]
        if new:
            self.beginInsertRows(NO_INDEX, len(self._shown), len(self._shown) + len(new) - 1)
            self._shown.extend(new)
            self.endInsertRows()

    def settle(self) -> None:
        """All is known: what forbids a run comes first, then what is unknown, then warnings."""
        self._answers.sort(key=_rank)
        self._anew()

    def show_passed(self, wanted: bool) -> None:
        """Show also what is as it should be, or only what is not."""
        self._all = wanted
        self._anew()

    def answer(self, row: int) -> Answer:
        return self._shown[row]

    def retranslate(self) -> None:
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.COLUMNS - 1)
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, self.COLUMNS - 1))

    def _fits(self, answer: Answer) -> bool:
        return self._all or answer.seen.state is not State.PASSED

    def _anew(self) -> None:
        self.beginResetModel()
        self._shown = [answer for answer in self._answers if self._fits(answer)]
        self.endResetModel()

    # ---- Qt's questions

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802  # Qt's name
        return 0 if parent.isValid() else self.COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        answer = self._shown[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(answer, index.column())
        if role == Qt.ItemDataRole.FontRole and index.column() == self.STATE and answer.blocks:
            bold = QFont()
            bold.setBold(True)
            return bold
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == self.STATE and answer.blocks:
            return brush("error")
        return None

    def headerData(  # noqa: N802  # Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return str((text("State"), text("Looked at"), text("Where"), text("Found"))[section])
        return None

    def _words(self, answer: Answer, column: int) -> str:
        if column == self.STATE:
            return f"{SIGNS[answer.seen.state]}  {word(answer)}"
        if column == self.CHECK:
            return str(answer.check.title)
        return clean(plain_system(answer.seen.system)) if column == self.WHERE else clean(str(answer.seen.found))


def word(answer: Answer) -> Text:
    """Return the word for how an answer stands; of what is unknown it says whether that forbids a run."""
    if answer.blocks and answer.seen.state is State.UNKNOWN:
        return text("unknown: blocks")
    return state_word(answer.seen.state)


def _rank(answer: Answer) -> int:
    if answer.blocks:
        return 0 if answer.seen.state is State.BLOCKED else 1
    return {State.BLOCKED: 2, State.UNKNOWN: 3, State.WARNING: 4, State.PASSED: 5}[answer.seen.state]
