"""A table of few rows that is read and chosen from: columns as wide as their words, and every word to be seen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from app.texts import Text
from ui.look import brush
from ui.widgets.rows import Roomy


class Columns(QTableWidget):
    """Rows of plain words with a heading; each row may carry any data. Long words are wrapped, never cut."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setItemDelegate(Roomy(self))
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(self.fontMetrics().height() + 6)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(self, headings: Sequence[Text], rows: Sequence[tuple[Sequence[str], object]]) -> None:
        """Show these rows in place of all others; the row that was current stays so, by its number."""
        chosen = self.currentIndex().row()
        self.blockSignals(True)
        self.setRowCount(0)
        self.setColumnCount(len(headings))
        self.setHorizontalHeaderLabels([str(heading) for heading in headings])
        self.add_rows(rows)
        self.blockSignals(False)
        if chosen >= 0:
            self.choose(chosen)

    def add_rows(self, rows: Sequence[tuple[Sequence[str], object]]) -> None:
        """Add rows in one batch."""
        first = self.rowCount()
        self.setRowCount(first + len(rows))
        for number, (words, carried) in enumerate(rows, first):
            for column, shown in enumerate(words):
                item = QTableWidgetItem(shown)
                item.setData(Qt.ItemDataRole.UserRole, carried)
                item.setToolTip(shown)
                self.setItem(number, column, item)
        self._fit()

    def colour(self, row: int, column: int, name: str) -> None:
        """Write a cell in a colour of the theme."""
        item = self.item(row, column)
        if item is not None:
            item.setForeground(brush(name))

    def choose(self, number: int) -> None:
        """Make that row the current one; none where there is no such row."""
        if 0 <= number < self.rowCount():
            self.selectRow(number)
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def carried(self) -> object:
        """Return what the current row carries; None where there is none."""
        item = self.item(self.currentIndex().row(), 0) if self.currentIndex().isValid() else None
        return item.data(Qt.ItemDataRole.UserRole) if item else None

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        header, columns = self.horizontalHeader(), range(self.columnCount())
        wanted = [max(self.sizeHintForColumn(column), header.sectionSizeHint(column)) for column in columns]
        for column, width in enumerate(shares(self.viewport().width(), wanted)[:-1]):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.resizeRowsToContents()


def shares(room: int, wanted: Sequence[int]) -> list[int]:
    """Return how wide each column is that wants to be so wide: those that want little get it, those that want more than
    an equal share of the rest get that share, and their words are wrapped."""
    given: dict[int, int] = {}
    for column in sorted(range(len(wanted)), key=wanted.__getitem__):
        given[column] = min(wanted[column], (room - sum(given.values())) // (len(wanted) - len(given)))
    return [given[column] for column in range(len(wanted))]
