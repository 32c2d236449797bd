"""What cannot be read whole in a window: words that are larger than the place they are shown in."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDockWidget,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QTabBar,
    QTableView,
    QToolButton,
    QTreeView,
    QWidget,
)

SLACK = 1  # pixels that rounding may cost
ROWS = 300  # of a table that are looked at
FRAME = 8  # pixels around the words of a line to type in, or of a combo box
BY_DESIGN = {
    "log": "a line is as long as what a server says: the chosen one is shown whole beneath, and all are saved whole",
    "commands": "as the log",
}
"""Tables whose words may be cut, and why."""


def cut(window: QWidget) -> Iterator[str]:
    """Yield what cannot be read whole of what a window shows."""
    for widget in (window, *window.findChildren(QWidget)):
        if not widget.isVisible():
            continue
        if not isinstance(widget, QHeaderView):
            yield from _beyond_its_parent(widget, window)
        if isinstance(widget, QLabel):
            yield from _label(widget)
        elif isinstance(widget, QPushButton | QCheckBox | QRadioButton | QToolButton):
            yield from _button(widget)
        elif isinstance(widget, QComboBox):
            yield from _wide("combo", widget, widget.currentText(), widget.width() - 20 - FRAME)
        elif isinstance(widget, QLineEdit) and not widget.text():
            yield from _wide("placeholder", widget, widget.placeholderText(), widget.width() - FRAME)
        elif isinstance(widget, QTabBar):
            yield from _tabs(widget)
        elif isinstance(widget, QGroupBox):
            yield from _wide("group", widget, widget.title(), widget.width() - FRAME)
        elif isinstance(widget, QDockWidget):
            yield from _wide("panel", widget, widget.windowTitle(), widget.width() - FRAME)
        elif isinstance(widget, QHeaderView):
            yield from _header(widget)
        elif isinstance(widget, QTreeView | QTableView) and widget.objectName() not in BY_DESIGN:
            yield from _cells(widget)


def bars(window: QWidget, name: str) -> list[str]:
    """Return which bars of the scroll areas of that name are shown: what is large enough for a page has none."""
    return [
        f"{name} scrolls {way}"
        for area in window.findChildren(QScrollArea, name)
        for way, bar in (("down", area.verticalScrollBar()), ("across", area.horizontalScrollBar()))
        if bar.isVisible()
    ]


def _named(kind: str, widget: QWidget, needed: int, has: int, words: str) -> str:
    return f"{kind} {widget.objectName()} ({needed} > {has}): {words[:60]}"


def _wide(kind: str, widget: QWidget, words: str, has: int) -> Iterator[str]:
    needed = widget.fontMetrics().horizontalAdvance(words.replace("&", ""))
    if needed > has + SLACK:
        yield _named(kind, widget, needed, has, words)


def _wrapped(metrics: QFontMetrics, room: int, words: str) -> QRect:
    """Return the place that words take where they are wrapped; it is wider than `room` for a word that is."""
    return metrics.boundingRect(QRect(0, 0, room, 100_000), int(Qt.TextFlag.TextWordWrap), words)


def _beyond_its_parent(widget: QWidget, window: QWidget) -> Iterator[str]:
    """What lies beyond its parent is not seen; beyond the port of a scroll area it can be brought into sight."""
    parent = widget.parentWidget()
    if widget is window or widget.isWindow() or parent is None or not isinstance(widget, QLabel | QAbstractButton):
        return
    if isinstance(parent, QAbstractItemView) or parent.objectName() == "qt_scrollarea_viewport":
        return
    inside = parent.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK)
    if not inside.contains(widget.geometry()):
        words = widget.text()
        yield f"{widget.objectName()} lies beyond its parent: {widget.geometry().getRect()} {words[:60]}"


def _label(label: QLabel) -> Iterator[str]:
    if not label.text():
        return
    if label.wordWrap():
        needed, has = label.heightForWidth(label.width()), label.height()
        wrapped = _wrapped(label.fontMetrics(), label.width(), label.text())
        if wrapped.width() > label.width() + SLACK:
            yield _named("word of label", label, wrapped.width(), label.width(), label.text())
    else:
        needed, has = label.sizeHint().width(), label.width()
    if needed > has + SLACK:
        yield _named("label", label, needed, has, label.text())


def _button(button: QAbstractButton) -> Iterator[str]:
    has = button.width()
    if isinstance(button, QCheckBox | QRadioButton):
        has -= button.iconSize().width()
    yield from _wide("button", button, button.text(), has)
    if button.text() and button.fontMetrics().height() > button.height() + SLACK:
        yield _named("height of button", button, button.fontMetrics().height(), button.height(), button.text())


def _tabs(tabs: QTabBar) -> Iterator[str]:
    if tabs.sizeHint().width() > tabs.width() + SLACK:
        words = " ".join(tabs.tabText(number) for number in range(tabs.count()))
        yield _named("tabs", tabs, tabs.sizeHint().width(), tabs.width(), words)
    for number in range(tabs.count()):
        yield from _wide("tab", tabs, tabs.tabText(number), tabs.tabRect(number).width() - FRAME)


def _header(header: QHeaderView) -> Iterator[str]:
    margin = 2 * header.style().pixelMetric(QStyle.PixelMetric.PM_HeaderMargin, None, header)
    for section in range(header.count()):
        if header.isSectionHidden(section) or header.orientation() is Qt.Orientation.Vertical:
            continue
        words = str(header.model().headerData(section, header.orientation()) or "")
        yield from _wide("heading", header, words, header.sectionSize(section) - margin)


def _cells(view: QTreeView | QTableView) -> Iterator[str]:
    index = view.indexAt(view.viewport().rect().topLeft())
    for row in _rows(view, index):
        for column in range(view.model().columnCount(row.parent())):
            cell = row.siblingAtColumn(column)
            place = view.visualRect(cell)
            if place.isValid() and not view.isColumnHidden(column):
                yield from _cell(view, cell, place)


def _rows(view: QTreeView | QTableView, first: QModelIndex) -> Iterator[QModelIndex]:
    """Yield rows from that one on, in the order in which they are shown."""
    index = first
    for _ in range(ROWS):
        if not index.isValid():
            return
        yield index
        index = view.indexBelow(index) if isinstance(view, QTreeView) else index.siblingAtRow(index.row() + 1)


def _cell(view: QTreeView | QTableView, cell: QModelIndex, place: QRect) -> Iterator[str]:
    delegate = view.itemDelegateForIndex(cell)
    words = str(cell.data() or "")
    if isinstance(delegate, QStyledItemDelegate):
        words = delegate.displayText(words, view.locale())
    margin = 2 * (view.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, view) + 1)
    mark = view.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, None, view) + margin
    room = place.width() - margin - (mark if cell.data(Qt.ItemDataRole.CheckStateRole) is not None else 0)
    font = cell.data(Qt.ItemDataRole.FontRole)
    metrics = QFontMetrics(font) if isinstance(font, QFont) else view.fontMetrics()
    if not view.wordWrap():
        needed, has = metrics.horizontalAdvance(words), room
    else:
        wrapped = _wrapped(metrics, room, words)
        needed, has = (wrapped.width(), room) if wrapped.width() > room else (wrapped.height(), place.height())
    if words and needed > has + SLACK:
        yield _named(f"cell {cell.row()},{cell.column()}", view, needed, has, words)
