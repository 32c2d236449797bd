"""The choice of a backup set: what lies in the profile's repository, newest first, or any other folder."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from app import backups
from app.backupset.repository import Found
from app.errors import UserError
from app.texts import Text, text
from ui.bridge import Job
from ui.flow import Draft, Facts
from ui.page import Services, WizardPage
from ui.widgets.columns import Columns
from ui.widgets.parts import button, keyed, label

HEADINGS = (text("Completed"), text("Files"), text("Freeze"), text("State"))


class ChooseSetPage(WizardPage):
    """Gives back the folder of the set that is to be verified."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._found: tuple[Found, ...] | None = None
        self._other: Path | None = None
        self._looking: Job | None = None
        self._error: Text | None = None
        self._words, self._table = label("sets-words", soft=True), Columns("sets")
        self._table.itemSelectionChanged.connect(self._chosen_here)
        self._table.cellDoubleClicked.connect(lambda _row, _column: self.go_on.emit())
        self._browse, self._elsewhere = button("other-folder"), label("other")
        self._browse.clicked.connect(self._choose)
        self.layout_.addWidget(self._words)
        self.layout_.addWidget(self._table, 1)
        self.layout_.addStretch(0)
        row = QHBoxLayout()
        row.addWidget(self._browse)
        row.addWidget(self._elsewhere, 1)
        self.layout_.insertLayout(2, row)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._error, self._found = None, None
        profile, self._looking = draft.profile, None
        if profile is None:
            return
        job = self._looking = self.services.work(self, lambda _job: tuple(backups.sets(profile)))
        job.done.connect(lambda found: self._take(job, found))
        job.failed.connect(lambda error: self._failed(job, error))
        job.broke.connect(self.trouble)
        job.ended.connect(lambda: self._looked(job))
        job.start()
        self._show()

    def draft(self) -> Draft:
        return dataclasses.replace(self._draft, set_folder=self._folder(), verified=())

    def facts(self) -> Facts:
        return Facts(complete=self._folder() is not None, busy=self._looking is not None, error=self._error)

    def first_focus(self) -> QWidget | None:
        return self._table if self._table.isVisibleTo(self) else self._browse

    def retranslate(self) -> None:
        self._table.setAccessibleName(str(text("Backup sets")))
        self._browse.setText(keyed(text("Another folder…"), "A"))
        self._show()

    # ---- inside

    def _take(self, job: Job, found: tuple[Found, ...]) -> None:
        if job is not self._looking:
            return  # it has looked for another profile, which was chosen before
        self._found = found
        self._show()
        whole = next((number for number, one in enumerate(found) if one.manifest), -1)
        self._table.choose(whole)

    def _failed(self, job: Job, error: UserError) -> None:
        if job is not self._looking:
            return
        self._found = ()
        self._error = text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)
        self._show()

    def _looked(self, job: Job) -> None:
        if job is self._looking:
            self._looking = None
            self.facts_changed.emit()

    def _choose(self) -> None:
        start = self._draft.profile.repository if self._draft.profile else ""
        found = QFileDialog.getExistingDirectory(self, str(text("Folder of a backup set")), start)
        if found:
            self._other = Path(found)
            self._table.choose(-1)
            self._show()
            self.facts_changed.emit()

    def _chosen_here(self) -> None:
        if self._table.carried() is not None:
            self._other = None
            self._elsewhere.setText("")
        self.facts_changed.emit()

    def _folder(self) -> Path | None:
        carried = self._table.carried()
        return self._other or (carried if isinstance(carried, Path) else None)

    def _show(self) -> None:
        where = self._draft.profile.repository if self._draft.profile else ""
        if self._found is None:
            words = text("Looking into {folder}…", folder=where)
        elif not self._found:
            words = text(
                "There is no backup set in {folder} yet. Make a backup, or choose another folder.", folder=where
            )
        else:
            words = text("In {folder}, the newest first:", folder=where)
        self._words.setText(str(words))
        self._elsewhere.setText(str(self._other or ""))
        self._table.setVisible(self._found != ())
        self._table.show_rows(HEADINGS, [_row(found) for found in self._found or ()])


def _row(found: Found) -> tuple[tuple[str, ...], Path | None]:
    if found.manifest is None:
        return (found.folder.name, "", "", str(found.problem)), None
    completed = datetime.datetime.fromisoformat(found.manifest.completed).astimezone()
    weak = len(found.manifest.weaknesses)
    state = text("{state}; weak points: {count}", state=found.state, count=weak) if weak else found.state
    freeze = text("{minutes:.0f} min {seconds:02.0f} s", minutes=found.manifest.freeze_seconds // 60,
                  seconds=found.manifest.freeze_seconds % 60)  # fmt: skip
    words = (f"{completed:%Y-%m-%d %H:%M}", str(len(found.manifest.parts)), str(freeze), str(state))
    return words, found.folder
