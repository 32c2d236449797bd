"""A backup set being read: a bar, and what is seen of each file as it comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QProgressBar, QWidget

from app import backups
from app.backupset import repository
from app.errors import Stopped, UserError
from app.observation import Observation, State
from app.texts import Text, text
from app.words import clean
from ui.bridge import Job
from ui.flow import Draft, Facts
from ui.models.answers import SIGNS
from ui.page import Services, WizardPage
from ui.widgets.cards import CardPlace, trouble
from ui.widgets.columns import Columns
from ui.widgets.parts import label

WORDS = {
    State.PASSED: text("whole"), State.WARNING: text("remark"), State.BLOCKED: text("damaged"),
    State.UNKNOWN: text("not known"),
}  # fmt: skip
KINDS = {State.WARNING: "warning", State.BLOCKED: "error", State.UNKNOWN: "warning"}
HEADINGS = (text("State"), text("File"), text("Found"))


@dataclasses.dataclass(frozen=True)
class _Size:
    """How many files the set has."""

    files: int


class VerifyPage(WizardPage):
    """Reads `draft.set_folder` whole; gives back what was seen, and goes on by itself where that could be had."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._seen: list[Observation] = []
        self._files = 0
        self._ended = False
        self._error: UserError | None = None
        self._reading: Job | None = None
        self._words, self._bar, self._table = label("reading"), QProgressBar(), Columns("files")
        self._bar.setObjectName("bar")
        self._bar.setTextVisible(False)  # it is drawn lower than letters are
        self._place = CardPlace()
        self.layout_.addLayout(self._place)
        for widget in (self._words, self._bar):
            self.layout_.addWidget(widget)
        self.layout_.addWidget(self._table, 1)
        self.layout_.addStretch(0)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._seen, self._files, self._ended, self._error = [], 0, False, None
        self._place.drop()
        self._table.show_rows(HEADINGS, [])
        folder, profile = draft.set_folder, draft.profile
        if folder is None or profile is None:
            return
        self._reading = self.services.work(self, lambda job: self._read(job, profile.name, folder))
        self._reading.batch.connect(self._take)
        self._reading.done.connect(self._done)
        self._reading.failed.connect(self._failed)
        self._reading.broke.connect(self.trouble)
        self._reading.start()
        self._show()

    def draft(self) -> Draft:
        return dataclasses.replace(self._draft, verified=tuple(self._seen) if self._ended else ())

    def facts(self) -> Facts:
        return Facts(complete=self._ended, busy=self._reading is not None)

    def leaving(self, forward: bool) -> bool:
        """Going back ends the reading: it has changed nothing."""
        if not forward and self._reading is not None:
            self._reading.stop()
            self._reading.batch.disconnect(self._take)
            self._reading = None
        return True

    def first_focus(self) -> QWidget | None:
        return self._table

    def retranslate(self) -> None:
        self._bar.setAccessibleName(str(text("How much is read")))
        self._table.setAccessibleName(str(text("Files of the set")))
        self._place.retranslate()
        show_seen(self._table, self._seen)
        self._show()

    def _read(self, job: Job, profile: str, folder: Path) -> bool:
        def tell(seen: Observation) -> None:
            job.post(seen)
            if job.stop_asked.is_set():
                raise Stopped

        job.post(_Size(len(repository.open_set(folder).parts)))
        backups.verify(self.services.desk, profile, str(folder), tell)
        return True

    def _take(self, batch: list[Observation | _Size]) -> None:
        if self.sender() is not self._reading:
            return
        new = [one for one in batch if isinstance(one, Observation)]
        self._files = next((one.files for one in batch if isinstance(one, _Size)), self._files)
        self._seen += new
        add_seen(self._table, new)
        self._show()

    def _done(self, whole: bool | None) -> None:
        if self.sender() is not self._reading:
            return
        self._reading, self._ended = None, bool(whole)
        self._show()
        self.facts_changed.emit()
        if self._ended:
            self.go_on.emit()

    def _failed(self, error: UserError) -> None:
        if self.sender() is not self._reading:
            return
        self._reading, self._error = None, error
        heading = text("{folder} could not be read as a backup set.", folder=str(self._draft.set_folder))
        self._place.show_card(trouble(error, heading, lambda: self.entered(self._draft)))
        self._show()
        self.facts_changed.emit()

    def _show(self) -> None:
        self._words.setText(str(text("Reading {folder}", folder=str(self._draft.set_folder or ""))))
        self._bar.setRange(0, self._files)
        self._bar.setValue(min(len(self._seen), self._files))
        for widget in (self._words, self._bar, self._table):
            widget.setVisible(self._error is None)


def row(seen: Observation) -> tuple[tuple[str, ...], Observation]:
    """Return what is seen of a file as a row."""
    sign = SIGNS[seen.state]
    return (f"{sign}  {WORDS[seen.state]}", clean(seen.key), clean(str(_of_the_file(seen)))), seen


def _of_the_file(seen: Observation) -> Text:
    """Return what was found of a file without its name, which stands beside it."""
    found = seen.found
    named = found.values.get("file") in (seen.key, Path(seen.key).name)
    return Text(found.message, {**found.values, "file": text("The file")}) if named else found


def show_seen(table: Columns, seen: Sequence[Observation]) -> None:
    """Show what is seen of these files in place of all others."""
    table.show_rows(HEADINGS, [])
    add_seen(table, seen)


def add_seen(table: Columns, seen: Sequence[Observation]) -> None:
    """Add what is seen of these files; what is not as it should be stands out."""
    first = table.rowCount()
    table.add_rows([row(one) for one in seen])
    for number, one in enumerate(seen, first):
        if one.state in KINDS:
            table.colour(number, 0, KINDS[one.state])
