"""The first page: what the operator may do, and how each environment stands."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.errors import UserError
from app.texts import Text, listed, text
from ui.bridge import Job
from ui.flow import Draft, Facts, Task
from ui.page import Services, WizardPage
from ui.widgets.choice import Choice
from ui.widgets.parts import classed, label

if TYPE_CHECKING:
    from app.overview import Elsewhere, GoingOn, Here, LeftOff, Standing
    from app.profile import Profile

BACK_UP, VERIFY, PRACTISE, TAKE_UP = "back-up", "verify", "practise", "take-up"
OFFERS = {
    BACK_UP: (
        "k", text("Back up now"),
        text("Capture a whole View environment in the right order. You see every step before anything changes."),
    ),
    VERIFY: (
        "V", text("Verify a backup set"),
        text("Read a set whole, and name every file that is not as it was captured."),
    ),
    PRACTISE: (
        "P", text("Practise"),
        text("A View environment in miniature on this computer. Nothing in it touches a real system."),
    ),
    TAKE_UP: (
        "u", text("Resume or undo a run that ended early"),
        text("A run was stopped or has failed. What it had switched off is as before."),
    ),
}  # fmt: skip
TASKS = {BACK_UP: Task.BACK_UP, PRACTISE: Task.BACK_UP, VERIFY: Task.VERIFY}
GOOD, ATTENTION = "✓", "!"
DRAWN = 50  # milliseconds in which a window is drawn: to look at the same time would keep it from it
NOWHERE = Qt.AlignmentFlag(0)
SHOWN = 4  # environments at a glance; the page for choosing one lists all


@dataclass(frozen=True)
class _Seen:
    """What a look has found at this workstation."""

    standings: tuple[Standing, ...]
    here: Here


class StartPage(WizardPage):
    """Offers the tasks. What earlier runs left off is looked for at once, and comes before anything else."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._standings: tuple[Standing, ...] | None = None
        self._here: Here | None = None
        self._elsewhere: Elsewhere | None = None
        self._going: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()
        self._looking: Job | None = None
        self._look_again = False
        self._founding: Job | None = None
        self._practice: Profile | None = None
        self._error: Text | None = None
        self._group = QButtonGroup(self)
        self._choices = {name: Choice(name, key) for name, (key, _, _) in OFFERS.items()}
        for choice in self._choices.values():
            self._group.addButton(choice.button)
            choice.go_on.connect(self.go_on)
            self.layout_.addWidget(choice)
        self._group.buttonToggled.connect(lambda _button, on: self._changed() if on else None)
        self._heading, self._standing = label("glance-title", bold=True), label("standing", soft=True)
        self.layout_.addWidget(self._glance())
        self.layout_.addStretch(1)
        self._later = label("later", soft=True)
        self.layout_.addWidget(self._later)

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._error, self._practice = None, None
        self._told |= self._going
        self._going = frozenset()
        QTimer.singleShot(DRAWN, self, self._look_around)
        self._show()

    def draft(self) -> Draft:
        chosen = self._chosen()
        known = None if self._draft.practise else self._draft.profile
        return dataclasses.replace(
            self._draft,
            task=TASKS.get(chosen),
            practise=chosen == PRACTISE,
            profile=self._practice if chosen == PRACTISE else known,
            left_off=self._left_off(),
            recovery_due=bool(self._going) or chosen == TAKE_UP,
        )

    def facts(self) -> Facts:
        busy = self._standings is None or self._founding is not None
        return Facts(complete=bool(self._chosen() or self._due()), busy=busy, error=self._error)

    def leaving(self, forward: bool) -> bool:
        """Recovery comes first. Practice needs its environment: it is started, and then the page is left."""
        if not forward:
            return True
        self._going = frozenset(self._due())
        if self._going or self._chosen() != PRACTISE or self._practice is not None:
            return True
        if self._founding is None:
            self._found()
        return False

    def first_focus(self) -> QWidget | None:
        return self._group.checkedButton() or super().first_focus()

    def retranslate(self) -> None:
        for name, (_, title, about) in OFFERS.items():
            self._choices[name].say(title, about)
        self._heading.setText(str(text("How things stand")))
        self._later.setText(
            str(text("Restoring and repairing are not built yet: README.txt in each set tells how to do it by hand."))
        )
        self._show()

    # ---- looking

    def _look_around(self) -> None:
        """Begin to look; where that goes on, once more after it: what it has seen may be old."""
        self._look_again = self._looking is not None
        if self._looking is None:
            self._looking = self.services.work(self, self._look)
            self._looking.batch.connect(self._take)
            self._looking.failed.connect(self._failed)
            self._looking.broke.connect(self.trouble)
            self._looking.ended.connect(self._looked)
            self._looking.start()

    def _look(self, job: Job) -> None:
        import datetime

        from app import overview

        desk = self.services.desk
        now = datetime.datetime.now(datetime.UTC)
        standings = overview.standings(desk, now)
        try:
            here = overview.here(desk)
        except UserError:
            job.post(_Seen(standings, overview.Here()))  # how things stand is known all the same
            raise
        job.post(_Seen(standings, here))
        if not job.stop_asked.is_set():
            job.post(overview.elsewhere(desk))

    def _take(self, batch: list[_Seen | Elsewhere]) -> None:
        for seen in batch:
            if isinstance(seen, _Seen):
                self._standings, self._here = seen.standings, seen.here
            else:
                self._elsewhere = seen
        if not self._chosen() or (self._chosen() == TAKE_UP and not self._left_off()):
            self._propose()
        self._changed()
        if self._due():
            self.go_on.emit()

    def _propose(self) -> None:
        real = [one for one in self._standings or () if not one.practice]
        self._choices[TAKE_UP if self._left_off() else BACK_UP if real else PRACTISE].button.setChecked(True)
        first = self.first_focus()
        if self.isVisible() and first is not None:
            first.setFocus()

    def _looked(self) -> None:
        again = self._look_again and self._looking is not None and not self._looking.stop_asked.is_set()
        self._looking, self._look_again = None, False
        if again:
            self._error = None  # what could not be looked at is looked at once more
            self._look_around()

    def _left_off(self) -> tuple[LeftOff, ...]:
        """Return what runs have left off, here and, as it was last seen, elsewhere."""
        here = self._here.left_off if self._here is not None else ()
        known = self._here.known if self._here is not None else frozenset()
        elsewhere = self._elsewhere.left_off if self._elsewhere is not None else ()
        return here + tuple(left for left in elsewhere if left.run.id not in known)

    def _failed(self, error: UserError) -> None:
        """What could not be looked at is told; it keeps nobody from beginning, since the checks look again."""
        self._standings = self._standings or ()
        self._error = text(
            "What earlier runs left off could not be looked at: {what} {why}", what=error.what, why=error.why
        )
        self._changed()

    def _due(self) -> list[str]:
        return [left.run.id for left in self._left_off() if left.urgent and left.run.id not in self._told]

    # ---- practice

    def _found(self) -> None:
        self._error = None
        self._founding = self.services.work(self, lambda _job: self.services.desk.practice())
        self._founding.done.connect(self._founded)
        self._founding.failed.connect(self._not_founded)
        self._founding.broke.connect(self.trouble)
        self._founding.start()
        self._changed()

    def _founded(self, profile: Profile) -> None:
        self._practice, self._founding = profile, None
        self._changed()
        self.go_on.emit()

    def _not_founded(self, error: UserError) -> None:
        self._founding = None
        self._error = text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)
        self._changed()

    # ---- showing

    def _chosen(self) -> str:
        checked = self._group.checkedButton()
        return checked.objectName() if checked else ""

    def _changed(self) -> None:
        self._show()
        self.facts_changed.emit()

    def _glance(self) -> QWidget:
        frame = QFrame()  # no card: it is read, and not chosen
        frame.setObjectName("glance")
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 8, 14, 0)
        column.addWidget(self._heading)
        self._at_work = label("at-work", bold=True)
        classed(self._at_work, "warning")
        column.addWidget(self._at_work)
        column.addWidget(self._standing)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnStretch(2, 1)
        self._cells: list[tuple[QLabel, QLabel, QLabel]] = []
        for row in range(SHOWN):
            cells = label(f"sign-{row}", bold=True), label(f"environment-{row}", bold=True), label(f"stands-{row}")
            for cell in cells[:2]:
                cell.setWordWrap(False)
            # its least height is asked of its real width, not of the narrowest one: the page would scroll for nothing
            cells[2].setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            for column_, cell in enumerate(cells):
                self._grid.addWidget(cell, row, column_, Qt.AlignmentFlag.AlignTop if column_ < 2 else NOWHERE)
            self._cells.append(cells)
        column.addLayout(self._grid)
        self._others = label("elsewhere", soft=True)
        self._others.setContentsMargins(0, 8, 0, 0)  # it is not about the last environment above it
        column.addWidget(self._others)
        return frame

    def _show(self) -> None:
        standings = self._standings or ()
        self._choices[TAKE_UP].setVisible(bool(self._left_off()))
        if self._founding is not None:
            words = text("The practice environment is being started…")
        elif self._standings is None:
            words = text("Looking whether an earlier run left something off…")
        elif not standings:
            words = text("No environment is described yet. New here? Practise first: it takes five minutes.")
        else:
            words = text("The last backups that this computer knows of:")
        self._standing.setText(str(words))
        at_work = [at_work_in(one) for seen in (self._here, self._elsewhere) if seen for one in seen.going_on]
        self._at_work.setText("\n".join(str(one) for one in at_work))
        self._at_work.setVisible(bool(at_work))
        told = not_looked(self._elsewhere) if self._elsewhere is not None else []
        self._others.setText(str(functools.reduce(_followed, told)) if told else "")
        self._others.setVisible(bool(told))
        for row, (sign, name, stands) in enumerate(self._cells):
            for cell in (sign, name, stands):
                cell.setVisible(row < len(standings))
            if row < len(standings):
                fine = is_fine(standings[row])
                sign.setText(GOOD if fine else ATTENTION)
                classed(sign, "good" if fine else "warning")
                name.setText(standings[row].profile)
                stands.setText(str(functools.reduce(_followed, sentences(standings[row]))))


def is_fine(one: Standing) -> bool:
    """Say whether nothing of an environment asks for attention; what could not be looked at is not fine."""
    return one.completed is not None and not (one.overdue or one.not_whole or one.problem.message)


def _followed(first: Text, second: Text) -> Text:
    """Return two sentences as one Text: what stands between them is the language's."""
    return text("{what} {why}", what=first, why=second)


def at_work_in(one: GoingOn) -> Text:
    """Say that a run goes on in an environment, and that no other can begin there."""
    import datetime

    from app.words import runbook_word

    when = f"{datetime.datetime.fromtimestamp(one.since).astimezone():%Y-%m-%d %H:%M}"
    if one.workstation:
        who = text("{user} on {workstation}", user=one.user, workstation=one.workstation)
    else:
        who = text("process {process} of this computer", process=one.process)
    return text(
        "{profile}: a run goes on since {when} ({what}, by {who}). No other can begin there before it has ended.",
        profile=one.profile, when=when, who=who, what=runbook_word(one.runbook) if one.runbook else text("just begun"),
    )  # fmt: skip


def not_looked(elsewhere: Elsewhere) -> list[Text]:
    """Return what is not known of runs that other workstations have left, in sentences; none where all is known."""
    told = []
    if elsewhere.unknown.message:
        told.append(
            text("Whether another computer has left a run unfinished in {profile} could not be looked at: {why}",
                 profile=elsewhere.profile, why=elsewhere.unknown)
        )  # fmt: skip
    if elsewhere.not_looked:
        told.append(text("Not looked at for runs of other computers: {names}.", names=listed(elsewhere.not_looked)))
    if told:
        told.append(text("The checks before a backup look again."))
    return told


def sentences(one: Standing) -> list[Text]:
    """Return how an environment stands, in sentences."""
    if one.problem.message:
        return [text("Could not be looked at: {why}", why=one.problem)]
    told = []
    if one.completed is None:
        told.append(text("There is no backup yet."))
    else:
        when = f"{one.completed.astimezone():%Y-%m-%d %H:%M}"
        told.append(text("Last whole backup: {when}.", when=when))
        if one.overdue:
            told.append(text("Overdue: the paper recommends a backup every day."))
    if one.off:
        told.append(text("Off on purpose: {names}.", names=listed(one.off)))
    if one.not_whole:
        told.append(text("Folders that are no whole set: {count}.", count=one.not_whole))
    return told
