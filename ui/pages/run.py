"""The page of a run: its steps, how far it is, what is off meanwhile, its log; questions come as cards."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QTabWidget,
    QTreeView,
    QWidget,
)

from app.engine import events
from app.engine.clock import StopToken
from app.errors import Refused, UserError
from app.profile import Profile
from app.texts import NOTHING, SEMICOLON, Text, listed, text
from ui import power
from ui.asking import AskFailed, AskPassword, AskTrust, AskYesNo, JobPrompter, desk_for
from ui.bridge import Job, Question
from ui.flow import Draft, Facts, Task
from ui.models.log import Entry, Log, entry_of
from ui.models.steps import StepsModel
from ui.page import Services, WizardPage
from ui.widgets import cards, questions
from ui.widgets.cards import Card, CardPlace, GuidedTurn
from ui.widgets.logview import LogView
from ui.widgets.parts import label
from ui.widgets.rows import Roomy
from ui.widgets.times import span

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.prompter import GuidedCard

FREEZE = "backup/freeze"
STEPS, LOG, COMMANDS = range(3)
TABS = (text("Steps"), text("Log"), text("Commands sent"))
SECOND = 1000
WHOLE = 1000
STOPPING = text(
    "What does not answer is tried for two minutes or more, and again at the end: this may take a quarter of an hour. "
    "What cannot be put back is told then."
)
NOT_BEGUN = {
    Task.BACK_UP: text("The backup was not begun; nothing was changed."),
    Task.RESUME: text("The run was not resumed: it stands as before."),
    Task.UNDO: text("The run was not undone: it stands as before."),
}


@dataclasses.dataclass(frozen=True)
class Told:
    """An event, and its line in the log, made in the thread that works."""

    event: events.Event
    entry: Entry | None


class StepsTree(QTreeView):
    """The tree of steps. It says when it has got another size: a card above it takes of its room."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  # Qt's name
        super().resizeEvent(event)
        self.resized.emit()


class RunPage(WizardPage):
    """Carries the draft's task out and shows it. It is left only when the run is over."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._job: Job | None = None
        self._stop = StopToken()
        self._begun, self._frozen_since, self._frozen = 0.0, 0.0, 0.0
        self._overall, self._stopping = 0.0, False
        self._now: Text = NOTHING
        self._at = ""
        self._off: dict[str, Text] = {}
        self._place = CardPlace()
        self._question: Question | None = None
        self._dialog: QDialog | None = None
        self._taskbar: power.Taskbar | None = None
        self._log, self._steps = Log(), StepsModel(self)
        self._clock = QTimer(self)
        self._clock.setInterval(SECOND)
        self._clock.timeout.connect(self._tell_time)
        self._build()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        if self._job is None or not self._job.running:
            self._begin()

    def draft(self) -> Draft:
        return self._draft

    def facts(self) -> Facts:
        working = self._job is not None
        hint = STOPPING if working and self._stopping else None
        return Facts(complete=self._draft.ended is not None and not working, working=working, hint=hint)

    def stop(self) -> None:
        """Ask the run to stop. A question that waits is answered in the careful way; what is off is put back first."""
        self._stop.ask()
        if not self._stopping:
            self._say(text("Stopping: what is off is put back first."))
        self._stopping = True
        if self._dialog is not None:
            self._dialog.reject()
        if self._question is not None:
            self._question.answer(None)
            self._answered()
        self.facts_changed.emit()

    def first_focus(self) -> QWidget | None:
        return self._tree

    def retranslate(self) -> None:
        for number, words in enumerate(TABS):
            self._tabs.setTabText(number, str(words))
        self._tabs.setAccessibleName(str(text("Steps, log and commands")))
        self._tree.setAccessibleName(str(text("Steps of the run")))
        self._bar.setAccessibleName(str(text("How far the run is")))
        self._steps.retranslate()
        for view in (self._view, self._commands):
            view.retranslate()
        self._place.retranslate()
        self._say(self._now)
        self._tell_time()

    # ---- building

    def _build(self) -> None:
        self._now_label = label("now", bold=True)
        self._bar = QProgressBar()
        self._bar.setRange(0, WHOLE)
        self._bar.setTextVisible(False)  # it is drawn lower than letters are
        self._share = label("share")
        self._elapsed, self._freeze, self._off_label = label("elapsed"), label("freeze"), label("off", soft=True)
        times = QHBoxLayout()
        times.setSpacing(24)
        times.addWidget(self._share)
        times.addWidget(self._elapsed)
        times.addWidget(self._freeze)
        times.addStretch(1)
        self._tree = self._made_tree()
        self._view = LogView(self.services, self._log)
        self._commands = LogView(self.services, self._log, commands=True, keys="WYV")
        self._tabs = QTabWidget()
        self._tabs.setObjectName("tabs-of-run")
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        for widget in (self._tree, self._view, self._commands):
            self._tabs.addTab(widget, "")
        self.layout_.setSpacing(8)
        self.layout_.addWidget(self._now_label)
        self.layout_.addWidget(self._bar)
        self.layout_.addLayout(times)
        self.layout_.addWidget(self._off_label)
        self.layout_.addLayout(self._place)
        self.layout_.addWidget(self._tabs, 1)

    def _made_tree(self) -> QTreeView:
        tree = StepsTree()
        tree.setObjectName("steps-of-run")
        tree.setModel(self._steps)
        tree.setUniformRowHeights(True)
        tree.setItemDelegate(Roomy(tree))
        tree.setAlternatingRowColors(False)
        tree.setSelectionBehavior(QTreeView.SelectionBehavior.SelectRows)
        tree.activated.connect(self._step_chosen)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(StepsModel.WHAT, QHeaderView.ResizeMode.Stretch)
        for column in (StepsModel.STAND, StepsModel.TIME):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self._steps.modelReset.connect(tree.expandAll)
        tree.resized.connect(self._show_step)
        return tree

    # ---- working

    def _begin(self) -> None:
        draft = self._draft
        run = draft.run if draft.task in (Task.RESUME, Task.UNDO) else ""
        self._draft = dataclasses.replace(draft, run=run, ended=None, ending=None)
        self._stop, self._stopping = StopToken(), False
        self._begun, self._frozen_since, self._frozen, self._overall = time.monotonic(), 0.0, 0.0, 0.0
        self._at = ""
        self._off.clear()
        self._place.drop()
        self._log.clear()
        self._steps.clear()
        self._show_share(0)
        self._tabs.setCurrentIndex(STEPS)
        self._say(text("Looking at what is there, before anything is begun."))
        stop = self._stop
        self._job = self.services.work(self, lambda job: work(job, self.services, draft, stop))
        self._job.batch.connect(self._take)
        self._job.asked.connect(self.ask)
        self._job.done.connect(self._done)
        self._job.failed.connect(self._not_begun)
        self._job.broke.connect(self._broke)
        power.stay_awake(True)
        self._taskbar = power.Taskbar(self)
        self._clock.start()
        self._job.start()
        self._tell_time()
        self.facts_changed.emit()

    def _take(self, batch: Sequence[Told]) -> None:
        told = [one.event for one in batch]
        begun = self._steps.take(told)
        self._log.append([one.entry for one in batch if one.entry is not None])
        for event in told:
            self._tell(event)
        if begun is not None:
            self._at = begun.key
            self._show_step()
        self._show_share(max(self._bar.value(), int(self._overall * WHOLE)))
        self._show_taskbar()
        self._tell_time()

    def _tell(self, event: events.Event) -> None:
        self._overall = max(self._overall, getattr(event, "overall", 0.0))
        if isinstance(event, events.RunStarted):
            self._draft = dataclasses.replace(self._draft, run=event.run)
        elif isinstance(event, events.StopAwaits):
            self._say(event.text)
        elif isinstance(event, events.StepStarted) and not self._stopping:
            self._say(event.title)
        elif isinstance(event, events.BracketOpened):
            self._off[event.key] = event.what_is_off
            if event.key == FREEZE:
                self._frozen_since = time.monotonic()
        elif isinstance(event, events.BracketClosing | events.BracketRetried | events.BracketImpossible):
            self._off.setdefault(event.key, event.what_is_off)  # it may be off since before this page was opened
            self._say(event.text)
        elif isinstance(event, events.BracketClosed):
            self._off.pop(event.key, None)
            if event.key == FREEZE and self._frozen_since:
                self._frozen, self._frozen_since = time.monotonic() - self._frozen_since, 0.0
        elif isinstance(event, events.Heartbeat):
            self._beat(event)
        elif isinstance(event, events.StepDone | events.StepSkipped):
            self._turn_over(event.key)

    def _turn_over(self, key: str) -> None:
        turn = self._place.card
        if isinstance(turn, GuidedTurn) and turn.key == key:
            self._place.drop()

    def _beat(self, event: events.Heartbeat) -> None:
        """Something may be off since before this page was opened: a resumed run closes it first."""
        if event.frozen and not self._frozen_since and not self._frozen and not self._off:
            self._say(text("Something has been off for {time}: it is put back first.", time=span(event.frozen)))

    # ---- asking

    def ask(self, question: Question) -> None:
        """Show what the run asks, as a card or as a dialog."""
        subject: Any = question.subject
        self._question = question
        if isinstance(subject, AskPassword | AskTrust):
            self._dialog = questions.answer(self.window(), question)
            self._dialog.finished.connect(self._dialog_over)
        elif (turn := cards.guided_subject(question)) is not None:
            question.answer(self._guided(turn).looked(turn))
            self._question = None
        elif isinstance(subject, AskFailed):
            self._show_card(cards.failed(question, self._show_commands, self._answered))
        elif isinstance(subject, AskYesNo):
            self._show_card(cards.yes_no(question, self._answered))
        else:
            raise TypeError(f"nobody knows how to ask this: {subject!r}")

    def _guided(self, turn: GuidedCard) -> GuidedTurn:
        """Return the card of a person's turn; it stays while the same turn is asked about again and again."""
        shown = self._place.card
        if isinstance(shown, GuidedTurn) and shown.key == turn.key:
            return shown
        made = GuidedTurn(turn)
        self._show_card(made)
        return made

    def _show_card(self, card: Card) -> None:
        self._place.show_card(card)
        self._show_taskbar()
        QApplication.alert(self.window())

    def _dialog_over(self) -> None:
        self._dialog = self._question = None

    def _answered(self) -> None:
        self._question = None
        self._place.drop()
        self._show_taskbar()
        self._tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_commands(self, key: str, title: Text) -> None:
        self._commands.show_step(key, title)
        self._tabs.setCurrentIndex(COMMANDS)
        self._commands.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # ---- ending

    def _done(self, ending: Ending) -> None:
        from app import backups

        self._over()
        self._show_share(WHOLE if ending.exit_code == 0 else self._bar.value())
        told = {**ending.as_json(), **backups.of_set(ending)}
        run = ending.run or self._draft.run
        self._draft = dataclasses.replace(self._draft, run=run, ending=told, ended=ending)
        self._say(ending.text)
        self.facts_changed.emit()
        if self._tabs.currentIndex() == STEPS:  # who reads the log goes on when he has read it
            self.go_on.emit()

    def _not_begun(self, error: UserError) -> None:
        from app.engine.ending import Ending, Status, status_of

        self._over()
        task = self._draft.task or Task.BACK_UP
        status = status_of(error, changed=False)
        ending = Ending(self._draft.run, Status.REFUSED if status is Status.FAILED else status, error)
        self._draft = dataclasses.replace(self._draft, ending=ending.as_json(), ended=ending)
        self._say(NOT_BEGUN[task])
        self._show_card(cards.trouble(error, NOT_BEGUN[task], self._begin))
        self.facts_changed.emit()

    def _broke(self, details: str) -> None:
        self._over()
        self.facts_changed.emit()
        self.trouble.emit(details)

    def _over(self) -> None:
        self._job = None
        self._question = None
        self._frozen_since = 0.0
        self._clock.stop()
        self._place.drop()
        power.stay_awake(False)
        if self._taskbar is not None:
            self._taskbar.show(0, power.NONE)
        self._tell_time()

    # ---- showing

    def _say(self, words: Text) -> None:
        self._now = words
        self._now_label.setText(str(words))

    def _show_share(self, done: int) -> None:
        self._bar.setValue(done)
        self._share.setText(f"{done / WHOLE:.0%}")

    def _tell_time(self) -> None:
        if self._job is not None:
            self._elapsed.setText(str(text("Elapsed {time}", time=span(time.monotonic() - self._begun))))
        frozen = time.monotonic() - self._frozen_since if self._frozen_since else self._frozen
        lasted = text("Freeze so far {time}", time=span(frozen))
        self._freeze.setText(str(lasted if self._job is not None else text("Freeze {time}", time=span(frozen))))
        names = listed(self._off.values(), SEMICOLON)
        self._off_label.setText(str(text("To be put back: {names}", names=names)) if self._off else "")
        self._off_label.setVisible(bool(self._off))

    def _show_step(self) -> None:
        """Keep the step at work in sight, unless the operator is reading elsewhere in the tree."""
        step = self._steps.node(self._at)
        if step is not None and not self._tree.selectionModel().hasSelection():
            self._tree.scrollTo(self._steps.index_of(step), QTreeView.ScrollHint.PositionAtCenter)

    def _step_chosen(self, index: QModelIndex) -> None:
        node = index.internalPointer()
        if node.key:
            self._view.show_step(node.key, node.title)
            self._tabs.setCurrentIndex(LOG)

    def _show_taskbar(self) -> None:
        if self._taskbar is not None:
            self._taskbar.show(self._overall, power.PAUSED if self._place.card else power.NORMAL)


def work(job: Job, services: Services, draft: Draft, stop: StopToken) -> Ending:
    """Carry out the draft's task in this thread, asking and telling through the job; returns how the run ended."""
    from app import looking, tasks

    profile = _profile(draft)
    desk, prompter = desk_for(job, services.desk), JobPrompter(job)

    def tell(event: events.Event) -> None:
        if isinstance(event, events.RunStarted):
            gc.freeze()  # all modules are loaded now: to look through them for cycles would halt the window
        job.post(Told(event, entry_of(event)))

    if draft.task is Task.RESUME:
        return tasks.resume(desk, profile, draft.run, prompter, tell, stop)
    if draft.task is Task.UNDO:
        return tasks.undo(desk, profile, draft.run, prompter, tell, stop)
    if draft.looked is not None:
        looking.look_again_if_old(desk, profile, draft.looked, stop.asked)
    return tasks.back_up(desk, profile, prompter, tell, stop)


def _profile(draft: Draft) -> Profile:
    if draft.profile is None:
        raise Refused(text("No environment is chosen."), do=text("Go back to the first page, and choose one."))
    return draft.profile
