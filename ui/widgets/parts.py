"""Small things that several pages are made of: access keys, copied words, fixed letters, words that wrap."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QWidget

from app.texts import Text

NARROWEST = 110  # pixels: buttons beside each other are equally wide where their words are short


class Button(QPushButton):
    """A button that is never narrower than its words, nor so narrow that it looks like none."""

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return super().sizeHint().expandedTo(QSize(NARROWEST, 0))


def keyed(words: Text | str, key: str) -> str:
    """Return a button's words with an access key: in the word where it occurs, else behind it, as Windows does."""
    shown = str(words)
    place = shown.lower().find(key.lower())
    if place >= 0:
        return f"{shown[:place]}&{shown[place:]}"
    bare = shown.rstrip(" .…:：")
    return f"{bare}(&{key.upper()}){shown[len(bare) :]}"


def button(name: str) -> QPushButton:
    """Return a button of a page. Enter presses it where it has the focus, and never another one."""
    made = Button()
    made.setObjectName(name)
    made.setAutoDefault(True)
    return made


def label(name: str = "", *, soft: bool = False, bold: bool = False) -> QLabel:
    """Return a label for plain words that wraps, and whose words can be marked and copied."""
    made = QLabel()
    made.setObjectName(name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if soft:
        made.setProperty("class", "soft")
    if bold:
        font = made.font()
        font.setBold(True)
        made.setFont(font)
    return made


def larger(shown: QLabel) -> None:
    """Let a sentence that says how it all went be read first."""
    font = shown.font()
    font.setPointSizeF(font.pointSizeF() * 1.2)
    shown.setFont(font)


def classed(widget: QWidget, name: str) -> None:
    """Give a widget the look of that class (`soft`, `error`, `warning`, `good`), in place of the one it has."""
    if widget.property("class") != name:
        widget.setProperty("class", name)
        redress(widget)


def redress(widget: QWidget) -> None:
    """Let the style sheet see what has changed of a widget. One that was never shown is dressed when it is."""
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def card(name: str) -> QFrame:
    """Return a frame that stands out from the page."""
    made = QFrame()
    made.setObjectName(name)
    made.setProperty("class", "card")
    return made


def fixed_letters(widget: QWidget) -> QFont:
    """Return letters of one width, as large as the widget's own, for commands."""
    # named by its family: the system's own font names none, and gives way to the parent's when a widget gets one
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).families())
    font.setPointSizeF(widget.font().pointSizeF())
    return font


def copy(words: str) -> None:
    """Put words onto the clipboard."""
    QGuiApplication.clipboard().setText(words)
