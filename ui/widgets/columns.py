"""A table of few rows that is read and chosen from: columns as wide as their words, the last one takes the rest."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from app.texts import Text


class Columns(QTreeWidget):
    """Rows of plain words with a heading; each row may carry any data. Wrapped in the last column, never cut."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(False)
        self.setWordWrap(True)
        self.setAllColumnsShowFocus(True)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.header().setStretchLastSection(True)
        self.header().setSectionsMovable(False)

    def show_rows(self, headings: Sequence[Text], rows: Sequence[tuple[Sequence[str], object]]) -> None:
        """Show these rows in place of all others; the row that was current stays so, by its number."""
        chosen = self.currentIndex().row()
        self.blockSignals(True)
        self.clear()
        self.setColumnCount(len(headings))
        self.setHeaderLabels([str(heading) for heading in headings])
        self.add_rows(rows)
        if chosen >= 0:
            self.choose(chosen)
        self.blockSignals(False)

    def add_rows(self, rows: Sequence[tuple[Sequence[str], object]]) -> None:
        """Add rows in one batch."""
        items = []
        for words, carried in rows:
            item = QTreeWidgetItem(list(words))
            item.setData(0, Qt.ItemDataRole.UserRole, carried)
            for column, shown in enumerate(words):
                item.setToolTip(column, shown)
            items.append(item)
        self.addTopLevelItems(items)
        for column in range(self.columnCount() - 1):
            self.resizeColumnToContents(column)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)

    def choose(self, number: int) -> None:
        """Make that row the current one; none where there is no such row."""
        item = self.topLevelItem(number)
        if item is None:
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentItem(item)

    def carried(self) -> object:
        """Return what the current row carries; None where there is none."""
        item = self.currentItem()
        return item.data(0, Qt.ItemDataRole.UserRole) if item else None
