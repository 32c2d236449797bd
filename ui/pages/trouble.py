"""The page for errors of the program itself: what is safe, where log and report are, and a report to copy."""

from __future__ import annotations

import datetime
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit

from app import defects
from app.errors import UserError
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
    """Shows `draft.trouble`, a traceback, keeps it in a file, and helps to report it."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._report, self._kept = "", text("The report is being written into a file…")
        self._file: Path | None = None
        self._safe = [label(f"safe-{number}") for number, _ in enumerate(SAFE)]
        self._where, self._kept_words = label("where"), label("kept")
        self._details = QPlainTextEdit()
        self._details.setObjectName("report")
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setFont(fixed_letters(self._details))
        self._copy, self._open, self._logs = button("copy"), button("open-folder"), button("open-logs")
        self._copy.clicked.connect(lambda: copy(self._report))
        self._open.clicked.connect(lambda: services.open_path(self._folder()))
        self._logs.clicked.connect(lambda: services.open_path(_there(services.desk.data / "logs")))
        for words in (*self._safe, self._where, self._kept_words):
            self.layout_.addWidget(words)
        self.layout_.addWidget(self._details, 1)
        row = QHBoxLayout()
        for one in (self._copy, self._open, self._logs):
            row.addWidget(one)
        row.addStretch(1)
        self.layout_.addLayout(row)

    def entered(self, draft: Draft) -> None:
        """Show the report, and keep it: it must outlive a window that its reader closes in haste."""
        super().entered(draft)
        moment = datetime.datetime.now(datetime.UTC)
        desk = self.services.desk
        self._report = desk.hide(defects.report(draft.trouble, moment, f"Qt {qVersion()}"))
        self._details.setPlainText(self._report)
        keeping = self.services.work(self, lambda _job: defects.keep(desk.data, self._report, moment))
        keeping.done.connect(self._is_kept)
        keeping.failed.connect(self._is_not_kept)
        keeping.broke.connect(self._is_lost)
        keeping.start()

    def retranslate(self) -> None:
        for shown, words in zip(self._safe, SAFE, strict=True):
            shown.setText(str(words))
        folder = str(self.services.desk.data / "logs")
        self._where.setText(str(text("The logs of all runs lie in {folder}.", folder=folder)))
        self._tell(self._kept)
        self._copy.setText(keyed(text("Copy the report"), "R"))
        self._open.setText(keyed(text("Open its folder"), "O"))
        self._logs.setText(keyed(text("Open the logs"), "L"))
        self._details.setAccessibleName(str(text("Report of the error")))

    # ---- keeping

    def _is_kept(self, file: Path) -> None:
        self._file = file
        self._tell(text("The report is kept in {file}. It holds no password.", file=str(file)))

    def _is_not_kept(self, error: UserError) -> None:
        self._tell(
            text("The report could not be kept in a file: {what} {why} Copy it from here.",
                 what=error.what, why=error.why)
        )  # fmt: skip

    def _is_lost(self, details: str) -> None:
        reason = details.strip().rpartition("\n")[2]
        self._tell(text("The report could not be kept in a file: {reason} Copy it from here.", reason=reason))

    def _tell(self, words: Text) -> None:
        self._kept = words
        self._kept_words.setText(str(words))

    def _folder(self) -> Path:
        return self._file.parent if self._file is not None else _there(defects.folder(self.services.desk.data))


def _there(folder: Path) -> Path:
    """Return a folder, or where it would lie: what is not there cannot be opened."""
    return folder if folder.is_dir() else folder.parent
