"""One thing to choose of several: a title with an access key, and what it means in a sentence."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QRadioButton, QVBoxLayout, QWidget

from app.texts import Text
from ui.widgets.parts import keyed, label, redress

INDENT = 20  # pixels: the sentence begins where the title does, behind its mark


class Choice(QFrame):
    """A radio button with a sentence below it. A click anywhere chooses it, a second one `go_on`s."""

    go_on = Signal()

    def __init__(self, name: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"choice-{name}")
        self.setProperty("class", "card")
        self.setProperty("chosen", False)
        self.setProperty("here", False)
        self._key = key
        self.button = QRadioButton()
        self.button.setObjectName(name)
        font = self.button.font()
        font.setBold(True)
        self.button.setFont(font)
        self._about = label(soft=True)
        self._about.setIndent(INDENT)
        self._about.setTextInteractionFlags(self._about.textInteractionFlags().NoTextInteraction)
        self.button.toggled.connect(lambda _on: self._mark())
        self.button.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 14, 8)
        column.setSpacing(2)
        column.addWidget(self.button)
        column.addWidget(self._about)

    def say(self, title: Text, about: Text) -> None:
        """Show these words."""
        self.button.setText(keyed(title, self._key))
        self.button.setAccessibleName(str(title))
        self.button.setAccessibleDescription(str(about))
        self._about.setText(str(about))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._mark()
        return super().eventFilter(watched, event)

    def _mark(self) -> None:
        """Draw the frame in the accent where this is chosen, and wider where the keyboard is."""
        now = (self.button.isChecked(), self.button.isChecked() and self.button.hasFocus())
        if now != (self.property("chosen"), self.property("here")):
            self.setProperty("chosen", now[0])
            self.setProperty("here", now[1])
            redress(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  # Qt's name
        if self.button.isEnabled():
            self.button.setChecked(True)
            self.button.setFocus()
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  # Qt's name
        super().mouseDoubleClickEvent(event)
        if self.button.isChecked():
            self.go_on.emit()
