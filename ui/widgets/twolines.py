"""Rows of two lines: a name, and below it, softer, a word on what it is."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

ABOUT = Qt.ItemDataRole.UserRole + 1
"""The role of an item under which its second line is kept."""


class TwoLines(QStyledItemDelegate):
    """Draws an item's words in bold letters, and its `ABOUT` below them."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        name, shown.text = shown.text, ""
        shown.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
        chosen = bool(shown.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole
        room = _inside(shown)
        painter.save()
        painter.setPen(shown.palette.color(role.HighlightedText if chosen else role.Text))
        font = shown.font
        font.setBold(True)
        painter.setFont(font)
        _line(painter, QRect(room.left(), room.top(), room.width(), room.height() // 2), name)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(shown.palette.color(role.HighlightedText if chosen else role.PlaceholderText))
        about = str(index.data(ABOUT) or "")
        _line(painter, QRect(room.left(), room.center().y(), room.width(), room.height() // 2), about)
        painter.restore()

    def sizeHint(  # noqa: N802  # Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        letter = option.fontMetrics.height()
        return QSize(super().sizeHint(option, index).width(), letter * 2 + letter)


def _inside(option: QStyleOptionViewItem) -> QRect:
    """Return the room for words in a row."""
    letter = option.fontMetrics.height()
    return option.rect.adjusted(letter * 2 // 3, letter // 3, -letter * 2 // 3, -letter // 3)


def _line(painter: QPainter, room: QRect, words: str) -> None:
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
