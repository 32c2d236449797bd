"""How rows of tables and trees are drawn: with room to breathe, and long words in several lines."""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale, QModelIndex, QPersistentModelIndex, QSize
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

LONG = re.compile(r"\S{24,}")
BREAKS = re.compile(r"(?<=[\\/_.-])(?=\w)")
NO_WIDTH = "\u200b"


def breakable(words: str) -> str:
    """Return words with places of no width in long paths and names, where they may go on in the next line."""
    return LONG.sub(lambda long: BREAKS.sub(NO_WIDTH, long[0]), words)


class Wrapping(QStyledItemDelegate):
    """Shows paths and names that are wider than their column in several lines: Qt would cut them."""

    def displayText(self, value: object, locale: QLocale | QLocale.Language) -> str:  # noqa: N802  # Qt's name
        return breakable(super().displayText(value, locale))


class Roomy(Wrapping):
    """Gives rows and columns of a table or a tree room to breathe, in the measure of their letters."""

    def sizeHint(  # noqa: N802  # Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        needed = super().sizeHint(option, index)
        letter = option.fontMetrics.height()
        return QSize(needed.width() + letter, needed.height() + letter // 2)
