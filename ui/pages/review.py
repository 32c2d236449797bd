"""The last page before anything changes: the whole plan, every command and host, and what is off meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTreeView, QWidget

from app.dry_run import PlannedLine
from app.errors import UserError
from app.texts import Text, text
from ui.asking import desk_for
from ui.bridge import Job, Question
from ui.flow import Draft, Facts
from ui.models.plan import STEP, PlanModel
from ui.page import Services, WizardPage
from ui.widgets import questions
from ui.widgets.cards import CardPlace, trouble
from ui.widgets.parts import button, copy, fixed_letters, keyed, label
from ui.widgets.rows import Roomy

LOOKING = text("The plan is being made: the systems are looked at, nothing is changed.")
FAILED = text("The plan could not be made.")


class ReviewPage(WizardPage):
    """Makes the plan anew whenever it is entered, since what is there may have changed."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._job: Job | None = None
        self._lines: tuple[PlannedLine, ...] = ()
        self._place = CardPlace()
        self._every = False
        self._build()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._look()

    def facts(self) -> Facts:
        return Facts(complete=bool(self._lines), busy=self._job is not None)

    def leaving(self, forward: bool) -> bool:
        if self._job is not None and not forward:
            self._job.stop()
            self._job = None
        return True

    def first_focus(self) -> QWidget | None:
        return self._tree

    def retranslate(self) -> None:
        self._open.setText(keyed(text("Show every command"), "V"))
        self._close.setText(keyed(text("Steps only"), "S"))
        self._copy.setText(keyed(text("Copy the plan"), "Y"))
        self._tree.setAccessibleName(str(text("The plan")))
        self._off_title.setText(
            str(text("Off or left on hosts meanwhile; put back also if the run fails or is stopped:"))
        )
        self._place.retranslate()
        self._show()

    # ---- building

    def _build(self) -> None:
        self._summary = label("summary", bold=True)
        self._off_title, self._off, self._unknown = label("off-title"), label("off"), label("unknown", soft=True)
        self._tree = QTreeView()
        self._tree.setObjectName("plan")
        self._tree.setUniformRowHeights(True)
        self._tree.setItemDelegate(Roomy(self._tree))
        self._tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._model = PlanModel(fixed_letters(self._tree), self)
        self._tree.setModel(self._model)
        self._open, self._close, self._copy = button("show-commands"), button("steps-only"), button("copy-plan")
        self._open.clicked.connect(lambda: self._expand(commands=True))
        self._close.clicked.connect(lambda: self._expand(commands=False))
        self._copy.clicked.connect(lambda: copy(self._model.words()))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._open)
        row.addWidget(self._close)
        row.addStretch(1)
        row.addWidget(self._copy)
        self.layout_.setSpacing(8)
        self.layout_.addLayout(self._place)
        for widget in (self._summary, self._off_title, self._off):
            self.layout_.addWidget(widget)
        self.layout_.addWidget(self._tree, 1)
        self.layout_.addWidget(self._unknown)
        self.layout_.addLayout(row)

    # ---- looking

    def _look(self) -> None:
        profile = self._draft.profile
        self._lines = ()
        self._place.drop()
        if profile is None:
            self._show()
            return

        def work(job: Job) -> tuple[PlannedLine, ...]:
            from app import dry_run

            return dry_run.plan(desk_for(job, self.services.desk), profile)

        job = self.services.work(self, work)
        job.asked.connect(self._asked)
        job.done.connect(lambda lines: self._planned(job, lines))
        job.failed.connect(lambda error: self._failed(job, error))
        job.broke.connect(self.trouble)
        self._job = job.start()
        self._show()
        self.facts_changed.emit()

    def _asked(self, question: Question) -> None:
        questions.answer(self.window(), question)

    def _planned(self, job: Job, lines: Sequence[PlannedLine] | None) -> None:
        if job is not self._job:
            return
        self._job, self._lines = None, tuple(lines or ())
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
        self._model.show_plan(self._lines)
        header = self._tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(PlanModel.WHAT, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(PlanModel.WHERE, QHeaderView.ResizeMode.ResizeToContents)
        self._expand(commands=self._every)
        off = list(_off(self._lines))
        self._off.setText("\n".join(f"•  {words}" for words in off))
        for widget in (self._off_title, self._off):
            widget.setVisible(bool(off))
        self._summary.setText(str(self._sentence()))
        self._summary.setVisible(self._place.card is None)
        later = sum(1 for line in self._lines if line.unknown.message)
        self._unknown.setText(
            str(text("The commands of {count} steps are known only when the run has come there.", count=later))
        )
        self._unknown.setVisible(bool(later))
        for offered in (self._open, self._close, self._copy):
            offered.setEnabled(bool(self._lines))

    def _sentence(self) -> Text:
        if self._job is not None:
            return LOOKING
        if not self._lines:
            return text("There is no plan yet. Go back and choose an environment.")
        systems = {command.system for line in self._lines for command in line.commands}
        commands = sum(len(line.commands) for line in self._lines)
        return text(
            "{steps} steps; {commands} commands that change something, on {systems} systems. Nothing is changed yet.",
            steps=len(self._lines), commands=commands, systems=len(systems),
        )  # fmt: skip

    def _expand(self, *, commands: bool) -> None:
        """Show all steps, and their commands if they are wanted; another language leaves it so."""
        self._every = commands
        if commands:
            self._tree.expandAll()
            return
        self._tree.collapseAll()
        items = [self._model.invisibleRootItem()]
        while items:
            item = items.pop()
            below = [item.child(row) for row in range(item.rowCount())]
            steps = [child for child in below if child.data(STEP) is not None]
            if steps:
                self._tree.setExpanded(item.index(), True)
            items += steps


def _off(lines: Sequence[PlannedLine]) -> Iterator[Text]:
    """Yield what is off, or left on hosts, until it is put back: in the order in which it begins."""
    begins = {line.key: number for number, line in reversed(tuple(enumerate(lines)))}
    return (line.off for line in sorted(lines, key=lambda line: begins[line.key]) if line.closing)
