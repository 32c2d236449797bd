"""The page of checks: whether a backup can begin, each answer with what was found, what is needed and what to do."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.errors import Stopped, UserError
from app.looking import Answer, Looked
from app.observation import State
from app.texts import SEMICOLON, Text, listed, text
from ui.asking import desk_for
from ui.bridge import Job, Question
from ui.flow import Draft, Facts, Page
from ui.models.answers import SIGNS, AnswersModel, word
from ui.page import Services, WizardPage
from ui.widgets import questions
from ui.widgets.cards import Card, CardPlace, trouble
from ui.widgets.parts import button, card, keyed, label
from ui.widgets.rows import Roomy

if TYPE_CHECKING:
    from app.overview import LeftOff

OUTCOMES = {
    "done": ("✓", text("A backup can begin.")),
    "blocked": ("✕", text("A backup cannot begin.")),
    "unknown": ("?", text("Whether a backup can begin could not be looked at.")),
}
LOOKING = text("Looking at the environment. Nothing is changed.")
FAILED = text("The environment could not be looked at.")
UNKNOWN = text(
    "Unknown means that it could not be looked at: it may be fine or not. What must not be guessed blocks the backup."
)


@dataclass(frozen=True)
class _Left:
    """Runs of this workstation that have left something off where is looked, each a LeftOff."""

    runs: tuple[LeftOff, ...]


class ChecksPage(WizardPage):
    """Looks whenever it is entered. Only where nothing forbids a backup may the operator go on."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._job: Job | None = None
        self._looked: Looked | None = None
        self._place = CardPlace()
        self._model = AnswersModel(self)
        self._build()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._look()

    def draft(self) -> Draft:
        return dataclasses.replace(self._draft, looked=self._looked)

    def facts(self) -> Facts:
        looked = self._looked
        return Facts(complete=looked is not None and looked.outcome == "done", busy=self._job is not None)

    def leaving(self, forward: bool) -> bool:
        if self._job is not None and not forward:
            self._job.stop()
            self._job = None
        return True

    def first_focus(self) -> QWidget | None:
        return self._table

    def retranslate(self) -> None:
        self._again.setText(keyed(text("Look again"), "L"))
        self._passed.setText(keyed(text("Show also what passed"), "P"))
        self._table.setAccessibleName(str(text("What the checks have answered")))
        self._empty.setText(str(text("The first answers come in a moment.")))
        self._unknown.setText(str(UNKNOWN))
        self._model.retranslate()
        self._place.retranslate()
        self._show()

    # ---- building

    def _build(self) -> None:
        self._summary, self._counts = label("summary", bold=True), label("counts", soft=True)
        self._unknown, self._empty = label("unknown", soft=True), label("empty", soft=True)
        self._again, self._passed = button("look-again"), QCheckBox()
        self._again.clicked.connect(self._look)
        self._passed.setObjectName("show-passed")
        self._passed.setChecked(True)
        self._passed.toggled.connect(self._model.show_passed)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._summary)
        words.addWidget(self._counts)
        above = QHBoxLayout()
        above.setSpacing(12)
        above.addLayout(words, 1)
        above.addWidget(self._passed)
        above.addWidget(self._again)
        self._table = self._made_table()
        self.layout_.setSpacing(8)
        self.layout_.addLayout(self._place)
        self.layout_.addLayout(above)
        self.layout_.addWidget(self._unknown)
        self.layout_.addWidget(self._empty)
        self.layout_.addWidget(self._table, 1)
        self.layout_.addWidget(self._made_detail())
        self.layout_.addStretch(0)

    def _made_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("answers")
        table.setModel(self._model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setItemDelegate(Roomy(table))
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in (AnswersModel.STATE, AnswersModel.CHECK, AnswersModel.WHERE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(AnswersModel.FOUND, QHeaderView.ResizeMode.Stretch)
        table.selectionModel().currentRowChanged.connect(self._chosen)
        return table

    def _made_detail(self) -> QWidget:
        """The chosen answer, whole."""
        self._detail = card("answer")
        self._heading, self._found = label("heading", bold=True), label("found")
        self._needed, self._remedy, self._why = label("needed"), label("remedy"), label("why", soft=True)
        column = QVBoxLayout(self._detail)
        column.setContentsMargins(16, 10, 16, 10)
        column.setSpacing(4)
        for one in (self._heading, self._found, self._needed, self._remedy, self._why):
            column.addWidget(one)
        return self._detail

    # ---- looking

    def _look(self) -> None:
        if self._job is not None:
            self._job.stop()
        self._job, self._looked = None, None
        self._model.clear()
        self._place.drop()
        profile = self._draft.profile
        if profile is None:
            self._show()
            return

        def work(job: Job) -> Looked:
            from app import looking, overview

            left = tuple(one for one in overview.here(self.services.desk, profile.place).left_off if one.run.off)
            if left:
                job.post(_Left(left))

            def tell(answer: Answer) -> None:
                if job.stop_asked.is_set():
                    raise Stopped
                job.post(answer)

            return looking.look(desk_for(job, self.services.desk), profile, tell)

        job = self.services.work(self, work)
        job.batch.connect(lambda answers: self._take(job, answers))
        job.asked.connect(self._asked)
        job.done.connect(lambda looked: self._done(job, looked))
        job.failed.connect(lambda error: self._failed(job, error))
        job.broke.connect(self.trouble)
        self._job = job.start()
        self._show()
        self.facts_changed.emit()

    def _asked(self, question: Question) -> None:
        questions.answer(self.window(), question)

    def _take(self, job: Job, told: Sequence[Answer | _Left]) -> None:
        if job is not self._job:
            return
        for one in told:
            if isinstance(one, _Left):
                self._place.show_card(self._left_card(one.runs))
        self._model.append([one for one in told if isinstance(one, Answer)])
        self._show()

    def _left_card(self, runs: tuple[LeftOff, ...]) -> Card:
        """Return the card that leads to the decision: nothing is put back unasked, and nothing begins before that."""
        made = Card("left-off", "turn")
        made.say(text("An earlier run has left something off"), bold=True)
        off = {str(off): off for one in runs for off in one.run.off}
        made.say(text("Still off: {names}", names=listed(off.values(), SEMICOLON)))
        made.say(text("No backup begins before it is put back. Resuming or undoing that run does it."))
        going = {"left_off": runs, "recovery_due": True}
        made.offer("decide", text("Decide about that run"), "D", lambda: self.elsewhere.emit(Page.RECOVERY, going))
        made.finish()
        return made

    def _done(self, job: Job, looked: Looked | None) -> None:
        if job is not self._job:
            return
        self._job, self._looked = None, looked
        self._model.settle()
        if self._model.rowCount():
            self._table.setCurrentIndex(self._model.index(0, 0))
        self._show()
        self.facts_changed.emit()

    def _failed(self, job: Job, error: UserError) -> None:
        if job is not self._job:
            return
        self._job = None
        self._place.show_card(trouble(error, FAILED, self._look))
        self._show()
        self.facts_changed.emit()

    # ---- showing

    def _show(self) -> None:
        answers = self._model.answers
        count = Counter(answer.seen.state for answer in answers)
        self._summary.setText(self._sentence())
        self._counts.setText(
            str(
                text(
                    "{passed} passed, {warning} warnings, {blocked} blocked, {unknown} unknown",
                    passed=count[State.PASSED], warning=count[State.WARNING], blocked=count[State.BLOCKED],
                    unknown=count[State.UNKNOWN],
                )
            )
        )  # fmt: skip
        self._counts.setVisible(bool(answers))
        self._unknown.setVisible(bool(count[State.UNKNOWN]))
        self._empty.setVisible(not answers and self._job is not None)
        failed = self._job is None and not answers and self._place.card is not None
        for one in (self._table, self._passed, self._again):  # the card says why there is nothing, and tries it again
            one.setVisible(not failed)
        self._table.horizontalHeader().setVisible(bool(answers))
        self._again.setEnabled(self._job is None)
        self._summary.setVisible(self._place.card is None or self._place.card.objectName() != "trouble")
        self._show_chosen()

    def _sentence(self) -> str:
        if self._job is not None:
            return str(LOOKING)
        if self._looked is None:
            return str(text("Nothing has been looked at yet. Go back and choose an environment."))
        sign, words = OUTCOMES[self._looked.outcome]
        return f"{sign}  {words}"

    def _chosen(self, _current: QModelIndex, _before: QModelIndex) -> None:
        self._show_chosen()

    def _show_chosen(self) -> None:
        row = self._table.currentIndex().row()
        self._detail.setVisible(0 <= row < self._model.rowCount())
        if not self._detail.isVisibleTo(self):
            return
        answer = self._model.answer(row)
        seen = answer.seen
        self._heading.setText(f"{SIGNS[seen.state]}  {answer.check.title}: {word(answer)}")
        sayings: tuple[tuple[QLabel, Text, Text], ...] = (
            (self._found, text("Found: {words}", words=seen.found), seen.found),
            (self._needed, text("Needed: {words}", words=seen.needed), seen.needed),
            (self._remedy, text("To do: {words}", words=seen.remedy), seen.remedy),
            (self._why, text("Looked at because: {words}", words=answer.check.why), answer.check.why),
        )
        for widget, words, given in sayings:
            widget.setText(str(words))
            widget.setVisible(bool(given.message) and (seen.state is not State.PASSED or widget is not self._needed))
