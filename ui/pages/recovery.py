"""What earlier runs have left off: each with what is off, and what Resume, Undo and Later lead to."""

from __future__ import annotations

import dataclasses
import datetime

from PySide6.QtWidgets import QButtonGroup, QComboBox, QVBoxLayout, QWidget

from app.errors import UserError
from app.overview import LeftOff
from app.profile import PRACTICE, Profile
from app.texts import Text, text
from ui.bridge import Job
from ui.flow import Draft, Facts, Task
from ui.page import Services, WizardPage
from ui.widgets.choice import Choice
from ui.widgets.parts import card, label

RESUME, UNDO, LATER = "resume", "undo", "later"
WORDS = {
    RESUME: (
        "R", text("Resume"),
        text("Puts back what is off, keeps what still stands, and captures the rest in a new freeze."),
    ),
    UNDO: (
        "U", text("Undo"),
        text("Puts back what is off. What the run has captured so far is no backup set, and its folder is removed."),
    ),
    LATER: (
        "L", text("Later"),
        text("Changes nothing now. What is off stays off, and no other run can begin in this environment until then."),
    ),
}  # fmt: skip
NOTHING_OFF = {
    RESUME: text("Keeps what still stands, and captures the rest in a new freeze."),
    UNDO: text("What the run has captured so far is no backup set: its folder is removed."),
    LATER: text("Changes nothing now. Nothing is off; you can come back to this from the first page."),
}
TASKS = {RESUME: Task.RESUME, UNDO: Task.UNDO}
STATUS = {
    "interrupted": text("It was broken off: its process ended in the middle."),
    "lost": text("Another workstation began it, and has been silent for so long that it counts as lost."),
    "needs-you": text("It has ended, and something could not be put back."),
    "waiting": text("It waits for a step that a person does."),
    "stopped": text("It was stopped."),
    "failed": text("It has failed."),
}
SHOWN_OFF = 6


class RecoveryPage(WizardPage):
    """Shows the runs of `draft.left_off`, one at a time; gives back the run, its profile and what to do with it."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._runs = QComboBox()
        self._runs.setObjectName("runs")
        self._runs.currentIndexChanged.connect(self._changed)
        self._what, self._off = label("what"), label("off", bold=True)
        self._profile: Profile | None = None
        self._loading: Job | None = None
        self._error: Text | None = None
        frame = card("left-off")
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 10, 14, 12)
        for widget in (self._what, self._off):
            column.addWidget(widget)
        self.layout_.addWidget(self._runs)
        self.layout_.addWidget(frame)
        self._group = QButtonGroup(self)
        self._choices = {name: Choice(name, key) for name, (key, _, _) in WORDS.items()}
        for choice in self._choices.values():
            self._group.addButton(choice.button)
            choice.go_on.connect(self.go_on)
            self.layout_.addWidget(choice)
        self._choices[RESUME].button.setChecked(True)
        self._group.buttonToggled.connect(lambda _button, on: self._changed() if on else None)
        self.layout_.addStretch(1)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._error, self._profile = None, None
        self._fill()
        self._choices[RESUME].button.setChecked(True)
        self._changed()

    def draft(self) -> Draft:
        left, chosen = self._left(), self._chosen()
        if left is None or chosen == LATER:
            return dataclasses.replace(self._draft, task=None, recovery_due=False)
        return dataclasses.replace(
            self._draft, task=TASKS[chosen], run=left.run.id, profile=self._profile, ending=None, recovery_due=False
        )

    def facts(self) -> Facts:
        left = self._left()
        return Facts(
            complete=left is not None, busy=self._loading is not None, error=self._error,
            practice=left is not None and left.profile == PRACTICE,
        )  # fmt: skip

    def leaving(self, forward: bool) -> bool:
        """The run's profile is needed; for a practice run its environment is started."""
        left = self._left()
        if not forward or left is None or self._chosen() == LATER or self._profile is not None:
            return True
        if self._loading is None:
            self._error = None
            wanted = left.run.id, self._chosen()
            self._loading = self.services.work(self, lambda _job: self.services.desk.profile(left.profile))
            self._loading.done.connect(lambda profile: self._loaded(wanted, profile))
            self._loading.failed.connect(self._failed)
            self._loading.broke.connect(self.trouble)
            self._loading.start()
            self.facts_changed.emit()
        return False

    def first_focus(self) -> QWidget | None:
        return self._group.checkedButton()

    def retranslate(self) -> None:
        for name, (_, title, about) in WORDS.items():
            self._choices[name].say(title, about)
        self._runs.setAccessibleName(str(text("Unfinished runs")))
        for number in range(self._runs.count()):
            self._runs.setItemText(number, _name(self._draft.left_off[number]))
        self._show()

    # ---- inside

    def _loaded(self, wanted: tuple[str, str], profile: Profile) -> None:
        """Go on with what was asked for; who has chosen something else meanwhile asks for that himself."""
        left, self._loading = self._left(), None
        still = left is not None and (left.run.id, self._chosen()) == wanted
        self._profile = profile if still else None
        self.facts_changed.emit()
        if still:
            self.go_on.emit()

    def _failed(self, error: UserError) -> None:
        self._loading = None
        self._error = text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)
        self.facts_changed.emit()

    def _left(self) -> LeftOff | None:
        number = self._runs.currentIndex()
        return self._draft.left_off[number] if 0 <= number < len(self._draft.left_off) else None

    def _chosen(self) -> str:
        checked = self._group.checkedButton()
        return checked.objectName() if checked else LATER

    def _fill(self) -> None:
        self._runs.blockSignals(True)
        self._runs.clear()
        self._runs.addItems([_name(left) for left in self._draft.left_off])
        self._runs.blockSignals(False)
        self._runs.setVisible(len(self._draft.left_off) > 1)

    def _changed(self) -> None:
        self._profile = None
        self._show()
        self.facts_changed.emit()

    def _show(self) -> None:
        left = self._left()
        if left is None:
            return
        lines = [_name(left), str(STATUS[left.run.status])]
        if left.run.workstation:
            by = text("{user} began it on {workstation}.", user=left.run.user, workstation=left.run.workstation)
            lines[1:] = [str(by), str(STATUS[left.run.status])]
        self._what.setText("\n".join(lines))
        if left.run.off:
            shown = list(left.run.off[:SHOWN_OFF])
            more = len(left.run.off) - len(shown)
            lines = [str(text("Still off:")), *(f"•  {one}" for one in shown)]
            lines += [str(text("and {count} more", count=more))] if more else []
            self._off.setText("\n".join(lines))
        else:
            self._off.setText(str(text("Nothing is off any more.")))
        for name, (_, title, about) in WORDS.items():
            self._choices[name].say(title, about if left.run.off else NOTHING_OFF[name])


def _name(left: LeftOff) -> str:
    when = datetime.datetime.fromtimestamp(left.run.started).astimezone()
    words = text(
        "{profile}: run {run}, begun {when}", profile=left.profile, run=left.run.id, when=f"{when:%Y-%m-%d %H:%M}"
    )
    return str(words)
