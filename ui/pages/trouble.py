"""The page for errors of the program itself: what is safe, where the log is, and a report to copy."""

from __future__ import annotations

import platform
import sys

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit

import app
from app.texts import Text, text
from ui.flow import Draft
from ui.page import Services, WizardPage
from ui.widgets.parts import button, copy, fixed_letters, keyed, label

SAFE: tuple[Text, ...] = (
    text("This is a defect of the program, not of your environment."),
    text(
        "Whatever a run has switched off stands in its journal: close this window and start again, "
        "and the program offers to put it back before anything else."
    ),
    text("A backup set counts only once it is whole: what this run had captured so far is not taken for one."),
)  # fmt: skip


class TroublePage(WizardPage):
    """Shows `draft.trouble`, a traceback, and helps to report it."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._safe = [label(f"safe-{number}") for number, _ in enumerate(SAFE)]
        self._where = label("where")
        self._details = QPlainTextEdit()
        self._details.setObjectName("report")
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setFont(fixed_letters(self._details))
        self._copy, self._open = button("copy"), button("open-logs")
        self._copy.clicked.connect(lambda: copy(self.report()))
        self._open.clicked.connect(lambda: services.open_path(services.desk.data))
        for words in (*self._safe, self._where):
            self.layout_.addWidget(words)
        self.layout_.addWidget(self._details, 1)
        row = QHBoxLayout()
        row.addWidget(self._copy)
        row.addWidget(self._open)
        row.addStretch(1)
        self.layout_.addLayout(row)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._details.setPlainText(self.report())

    def report(self) -> str:
        """Return what helps to find the defect. Tracebacks name lines of the program, never what it was given."""
        system = f"{platform.platform()}, Python {sys.version.split()[0]}, Qt {qVersion()}"
        return f"ViewKeeper {app.__version__}\n{system}\n\n{self._draft.trouble}"

    def retranslate(self) -> None:
        for shown, words in zip(self._safe, SAFE, strict=True):
            shown.setText(str(words))
        folder = str(self.services.desk.data / "logs")
        self._where.setText(str(text("The logs of all runs lie in {folder}.", folder=folder)))
        self._copy.setText(keyed(text("Copy the report"), "R"))
        self._open.setText(keyed(text("Open the data folder"), "O"))
        self._details.setAccessibleName(str(text("Report of the error")))
