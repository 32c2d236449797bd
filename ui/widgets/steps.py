"""The list of steps on the left: what is done, where we are, what is to come."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from app.texts import Text, text

DONE, PRESENT, TO_COME = "✓", "●", "○"
WORDS = {DONE: text("done"), PRESENT: text("here"), TO_COME: text("to come")}


class StepList(QFrame):
    """Steps, each with a sign, a word for screen readers, and bold letters for the present one."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("steps")
        self.setMinimumWidth(200)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(20, 28, 20, 20)
        self._column.setSpacing(10)
        self._labels: list[QLabel] = []
        self._column.addStretch(1)

    def show_steps(self, steps: Sequence[tuple[Text, bool]]) -> None:
        """Show these steps; the present one is marked, those before it count as done."""
        while len(self._labels) < len(steps):
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            self._column.insertWidget(len(self._labels), label)
            self._labels.append(label)
        present = next((number for number, (_, here) in enumerate(steps) if here), -1)
        for number, label in enumerate(self._labels):
            label.setVisible(number < len(steps))
            if number < len(steps):
                sign = PRESENT if number == present else DONE if number < present else TO_COME
                words = str(steps[number][0])
                label.setText(f"{sign}  {words}")
                label.setAccessibleName(f"{words}: {WORDS[sign]}")
                font = label.font()
                font.setBold(number == present)
                label.setFont(font)
                label.setEnabled(number <= present or present < 0)
