"""The report of a run: what each step did, as the journal has it, to be read, copied and saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.texts import text
from ui.widgets.parts import button, copy, fixed_letters, keyed, label


def report_words(told: Mapping[str, Any]) -> str:
    """Return `history.report` as text."""
    return "\n".join(_lines(told))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield str(text("Run {run}: {status}", run=told["run"], status=told["status"]))
    yield str(text("Environment: {name}", name=told["environment"]))
    if told["error"]:
        yield str(told["error"])
    yield ""
    width = max((len(step["key"]) for step in told["steps"]), default=0)
    for step in told["steps"]:
        yield f"{step['key']:{width}}  {step['phase']:10} {step['seconds']!s:>10}"
    for off in told["off"]:
        yield ""
        yield str(text("Still off: {what}", what=off["what"]))
        yield from (f"    {line}" for line in off["by_hand"])


class ReportDialog(QDialog):
    """Shows the report. It goes away when it is closed."""

    def __init__(self, words: str, run: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(str(text("Report of run {run}", run=run)))
        self._run, self._said = run, label("said", soft=True)
        self._words = QPlainTextEdit(words)
        self._words.setReadOnly(True)
        self._words.setTabChangesFocus(True)
        self._words.setFont(fixed_letters(self._words))
        self._words.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._words.setAccessibleName(self.windowTitle())
        row = QHBoxLayout()
        row.addWidget(self._said, 1)
        for name, shown, key, act in (
            ("copy-report", text("Copy"), "Y", lambda: copy(words)),
            ("save-report", text("Save…"), "V", self._save),
            ("close-report", text("Close"), "C", self.close),
        ):
            made = button(name)
            made.setText(keyed(shown, key))
            made.clicked.connect(act)
            row.addWidget(made)
        column = QVBoxLayout(self)
        column.addWidget(self._words, 1)
        column.addLayout(row)
        metrics = self._words.fontMetrics()
        self.resize(metrics.averageCharWidth() * 96, metrics.lineSpacing() * 30)

    def _save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, str(text("Save the report")), f"{self._run}.txt", "*.txt")
        if not chosen:
            return
        try:
            Path(chosen).write_text(self._words.toPlainText() + "\n", "utf-8")
        except OSError as error:
            self._said.setText(str(text("It could not be saved: {why}", why=error.strerror or type(error).__name__)))
        else:
            self._said.setText(str(text("Saved: {path}", path=chosen)))
