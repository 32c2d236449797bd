"""Describe an environment: a tree of its systems, a form for the one that is chosen, and what is still wrong."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.errors import UserError
from app.observation import Observation, could_not_look
from app.profile import Profile
from app.runbooks.discovery import Named, named_by_view
from app.runbooks.trying import KEY, try_all
from app.secrets import keyring_there
from app.texts import Text, text
from ui.asking import AskPassword, desk_for, forget, remember
from ui.bridge import Job, Question
from ui.editing import (
    ADDED,
    Node,
    Section,
    accounts_of,
    nodes,
    problem_keys,
    section_of,
    title_of,
    whereabouts,
)
from ui.flow import Draft, Facts
from ui.forms import Form, Problem, Row, form_of, problems
from ui.look import colour
from ui.page import Services, WizardPage
from ui.proposals import Proposal, proposals
from ui.widgets.files import Dialogs
from ui.widgets.panels import Panel, ProposalPanel, RowPanel, SectionPanel
from ui.widgets.parts import button, keyed
from ui.widgets.questions import answer

BUTTONS = {
    "propose": ("L", text("Propose from AD LDS")),
    "mend": ("M", text("Go to what is missing")),
    "undo": ("U", text("Undo my changes")),
}
PLACE = Qt.ItemDataRole.UserRole


class EditPage(WizardPage):
    """Lets the operator describe an environment. What is typed is kept as it was typed, on Back too, until saved."""

    def __init__(self, services: Services, dialogs: Dialogs | None = None) -> None:
        super().__init__(services)
        self._dialogs = dialogs or Dialogs()
        self._kept: dict[str, tuple[Profile | None, Form]] = {}
        self._form, self._problems = Form(), list[Problem]()
        self._taken: tuple[str, ...] = ()
        self._saved: Profile | None = None
        self._error: Text | None = None
        self._node = Node(Section.NAME)
        self._nodes: list[Node] = []
        self._answers: dict[int, list[Observation]] = {}
        self._job: Job | None = None
        self._offered: tuple[Proposal, ...] | None = None
        self._offer_failed: Observation | None = None
        self._tree, self._scroll, self._right, self._side = QTreeWidget(), QScrollArea(), QVBoxLayout(), QWidget()
        self._buttons = {name: button(name) for name in BUTTONS}
        self._panel: Panel | None = None
        self._arrange()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._saved, self._error = None, None
        key = draft.editing.name if draft.editing is not None else ""
        if key not in self._kept or self._kept[key][0] != draft.editing:
            self._kept[key] = (draft.editing, form_of(draft.editing))
        form = self._kept[key][1]
        if form is not self._form:
            self._forget_looks()
            self._form, self._node = form, Node(Section.NAME)
        self._taken = self.services.desk.store.names()
        self._rebuild()

    def draft(self) -> Draft:
        if self._saved is None:
            return self._draft
        return dataclasses.replace(self._draft, profile=self._saved, editing=self._saved)

    def facts(self) -> Facts:
        """Where nothing was typed yet, what is missing is no error: it is what there is to do."""
        if self._error is not None or not self._problems:
            return Facts(complete=not self._problems, error=self._error)
        where = whereabouts(self._form, self._problems[0])
        words = text("{where}: {words}", where=where, words=self._problems[0].words)
        begun = bool(self._form.known_as) or self._form.profile() != form_of(None).profile()
        return Facts(complete=False, error=words if begun else None, hint=None if begun else words)

    def leaving(self, forward: bool) -> bool:
        """Save, where the page is left forward; a profile that cannot be saved keeps the operator here."""
        if forward:
            try:
                profile = self._form.profile()
                # at once, and not in a Job: a few KiB brought to this computer's own disk are a matter of milliseconds
                self.services.desk.store.save(profile)
            except UserError as error:
                self._error = text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)
                self.facts_changed.emit()
                return False
            self._kept.clear()
            self._saved = profile
        self._stop_job()
        return True

    def first_focus(self) -> QWidget | None:
        editor = self._panel.first_editor() if self._panel is not None else None
        return editor or super().first_focus()

    def retranslate(self) -> None:
        for name, (key, words) in BUTTONS.items():
            self._buttons[name].setText(keyed(words, key))
            self._buttons[name].setAccessibleName(str(words))
        self._buttons["propose"].setToolTip(
            str(text("Ask the first broker which servers View knows. Nothing is taken over unless you tick it."))
        )
        self._side.setMinimumWidth(max(made.sizeHint().width() for made in self._buttons.values()))
        self._tree.setAccessibleName(str(text("Parts of the environment")))
        self._rebuild()

    # ---- building

    def _arrange(self) -> None:
        self._tree.setObjectName("parts")
        self._tree.setHeaderHidden(True)
        self._tree.setRootIsDecorated(False)
        self._tree.setIndentation(self.fontMetrics().averageCharWidth() * 2)
        self._tree.currentItemChanged.connect(self._chosen)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._buttons["propose"].clicked.connect(self._propose)
        self._buttons["mend"].clicked.connect(self._go_to_problem)
        self._buttons["undo"].clicked.connect(self._undo)
        left = QVBoxLayout(self._side)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self._tree, 1)
        for made in self._buttons.values():
            left.addWidget(made)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self._side, 3)
        self._right.addWidget(self._scroll, 1)
        row.addLayout(self._right, 7)
        self.layout_.addLayout(row, 1)

    def _rebuild(self) -> None:
        """Show the tree and the form anew, as after a row was added; the same part stays chosen."""
        self._nodes = list(nodes(self._form, offered=self._offered is not None or self._offer_failed is not None))
        if self._node not in self._nodes:
            self._node = Node(self._node.section) if Node(self._node.section) in self._nodes else self._nodes[0]
        self._tree.blockSignals(True)
        self._tree.clear()
        above: QTreeWidgetItem | None = None
        for place, node in enumerate(self._nodes):
            item = QTreeWidgetItem(self._tree) if node.row is None or above is None else QTreeWidgetItem(above)
            item.setData(0, PLACE, place)
            if node.row is None:
                above = item
            if node == self._node:
                self._tree.setCurrentItem(item)
        self._tree.expandAll()
        self._tree.blockSignals(False)
        self._show_panel()
        self._look()

    def _show_panel(self) -> None:
        at = self._keyboard_at()
        if self._panel is not None:  # it may hold what has just been clicked: it goes when that is over
            self._scroll.takeWidget()
            for old in (self._panel, self._panel.footer):
                if old is not None:
                    old.hide()
                    old.setParent(self)
                    old.deleteLater()
        self._panel = self._made_panel()
        self._panel.changed.connect(self._look)
        self._scroll.setWidget(self._panel)
        if self._panel.footer is not None:
            self._right.addWidget(self._panel.footer)
            self._panel.footer.show()
        order: list[QWidget] = [self._tree, *self._panel.order(), *self._buttons.values()]
        for first, second in itertools.pairwise(order):
            QWidget.setTabOrder(first, second)
        made = self._panel.order()
        if at is not None and at < len(made):  # the same field, in its new words or after a choice has changed the form
            made[at].setFocus(Qt.FocusReason.OtherFocusReason)

    def _keyboard_at(self) -> int | None:
        """Return which one of the panel's fields and buttons has the keyboard, counted in the order of Tab."""
        here = self.window().focusWidget()
        order = self._panel.order() if self._panel is not None else []
        return order.index(here) if here is not None and here in order else None

    def _made_panel(self) -> Panel:
        section, row = self._node.section, self._node.row
        if section is Section.PROPOSED:
            panel = ProposalPanel(self._offered or (), self._offer_failed)
            panel.taken.connect(self._take_proposals)
            return panel
        if row is None:
            made = SectionPanel(section, self._form, self._dialogs)
            made.add.connect(self._add)
            made.rebuilt.connect(self._rebuild)
            return made
        form_panel = RowPanel(section, row, self._form)
        form_panel.rebuilt.connect(self._rebuild)
        form_panel.remove.connect(partial(self._remove, row))
        form_panel.test.connect(partial(self._test, row))
        form_panel.password.connect(partial(self._password, row))
        form_panel.show_answers(self._answers.get(id(row), []), busy=self._job is not None)
        return form_panel

    def _look(self) -> None:
        """See what is wrong now, and show it: at the fields, in the tree, on the buttons."""
        self._error = None
        self._problems = problems(self._form, self._taken)
        keys = problem_keys(self._problems)
        wrong = {row for row, _ in keys}
        application = QApplication.instance()
        error = QBrush(colour(application, "error")) if isinstance(application, QApplication) else QBrush()
        for item in self._items():
            node = self._nodes[item.data(0, PLACE)]
            title = title_of(self._form, node)
            bad = bool(wrong & node.ids(self._form))
            item.setText(0, f"{title}  !" if bad else title)
            item.setForeground(0, error if bad else QBrush())
            font = item.font(0)
            font.setBold(node.row is None)
            item.setFont(0, font)
            spoken = text("{title}: something is missing or wrong", title=title) if bad else title
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, str(spoken))
            item.setToolTip(0, str(spoken))
        self._tree.header().setMinimumSectionSize(self._tree.sizeHintForColumn(0))  # it scrolls, and cuts no name
        if self._panel is not None:
            ready = not (wrong & self._node.tried_ids(self._form))
            self._panel.show_problems(keys, ready=ready and self._job is None, known=bool(self._form.known_as))
        first = self._form.brokers[0] if self._form.brokers else None
        ready = first is not None and not ({id(first), id(first.host)} & wrong) and self._job is None
        self._buttons["propose"].setEnabled(ready)
        self._buttons["mend"].setEnabled(bool(self._problems))
        before = self._draft.editing
        self._buttons["undo"].setEnabled(self._form.profile() != (before or form_of(None).profile()))
        self.facts_changed.emit()

    def _items(self) -> list[QTreeWidgetItem]:
        tops = [self._tree.topLevelItem(place) for place in range(self._tree.topLevelItemCount())]
        found: list[QTreeWidgetItem | None] = []
        for top in tops:
            found.append(top)
            found += [top.child(place) for place in range(top.childCount())] if top is not None else []
        return [item for item in found if item is not None]

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self._node = self._nodes[item.data(0, PLACE)]
            self._show_panel()
            self._look()

    def _choose(self, node: Node) -> None:
        self._node = node
        self._rebuild()
        if self._panel is not None and (editor := self._panel.first_editor()) is not None:
            editor.setFocus(Qt.FocusReason.OtherFocusReason)

    # ---- rows

    def _add(self) -> None:
        adding = ADDED[self._node.section]
        self._choose(Node(self._node.section, adding(self._form)))

    def _remove(self, row: Row) -> None:
        self._form.remove(row)
        self._answers.pop(id(row), None)
        self._node = Node(self._node.section)
        self._rebuild()
        self._tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def _undo(self) -> None:
        before = self._draft.editing
        self._form = form_of(before)
        self._kept[before.name if before is not None else ""] = (before, self._form)
        self._forget_looks()
        self._node = Node(Section.NAME)
        self._rebuild()

    def _go_to_problem(self) -> None:
        if not self._problems:
            return
        first = self._problems[0]
        self._choose(section_of(self._form, first))
        editor = self._panel.first_wrong(problem_keys(self._problems)) if self._panel is not None else None
        if editor is not None:
            editor.setFocus(Qt.FocusReason.OtherFocusReason)

    # ---- asking systems

    def _test(self, row: Row) -> None:
        if any(seen.state.value != "passed" for seen in self._answers.get(id(row), [])):
            for account, system in accounts_of(row):
                forget(self.services.desk, self._form.name.strip(), account, system)  # it may have been mistyped
        self._answers[id(row)] = []
        job = self._start(partial(_try, self.services, self._form.alone(row)))
        job.batch.connect(partial(self._tried, row))
        job.ended.connect(self._ended)
        self._begin(job)

    def _tried(self, row: Row, seen: list[Observation]) -> None:
        self._answers.setdefault(id(row), []).extend(seen)
        self._show_answers()

    def _password(self, row: Row) -> None:
        job = self._start(partial(_keep_passwords, self.services, self._form.name.strip(), accounts_of(row)))
        job.failed.connect(lambda error: self._tried(row, [could_not_look(KEY, error)]))
        job.ended.connect(self._ended)
        self._begin(job)

    def _propose(self) -> None:
        broker = self._form.brokers[0]
        job = self._start(partial(_ask_view, self.services, self._form.alone(broker)))
        job.done.connect(self._proposed)
        job.failed.connect(self._not_proposed)
        job.ended.connect(self._ended)
        self._begin(job)

    def _proposed(self, named: Named | None) -> None:
        if named is not None:
            self._offered, self._offer_failed = proposals(self._form, named), None
            self._choose(Node(Section.PROPOSED))

    def _not_proposed(self, error: UserError) -> None:
        self._offered, self._offer_failed = None, could_not_look(KEY, error)
        self._choose(Node(Section.PROPOSED))

    def _take_proposals(self, ticked: list[Proposal]) -> None:
        added = [proposal.add(self._form) for proposal in ticked]
        self._offered = tuple(one for one in self._offered or () if one not in ticked) or None
        node = next((node for node in nodes(self._form, offered=False) if added and node.row is added[0]), None)
        self._choose(node or Node(Section.NAME))

    def _start(self, work: Callable[[Job], object]) -> Job:
        job = self._job = self.services.work(self, work)
        job.asked.connect(self._asked)
        job.broke.connect(self.trouble)
        return job

    def _begin(self, job: Job) -> None:
        job.start()
        self._show_answers()
        self._look()

    def _asked(self, question: Question) -> None:
        answer(self, question)

    def _ended(self) -> None:
        self._job = None
        self._show_answers()
        self._look()

    def _show_answers(self) -> None:
        if isinstance(self._panel, RowPanel) and self._node.row is not None:
            self._panel.show_answers(self._answers.get(id(self._node.row), []), busy=self._job is not None)

    def _stop_job(self) -> None:
        if self._job is not None:
            self._job.stop()

    def _forget_looks(self) -> None:
        self._stop_job()
        self._answers, self._offered, self._offer_failed = {}, None, None


def _try(services: Services, alone: Profile, job: Job) -> None:
    desk = desk_for(job, services.desk)
    try:
        desk.accept_certificates(alone)
        with desk.connections(alone) as c:
            for seen in try_all(c):
                job.post(seen)
    except UserError as error:
        job.post(could_not_look(KEY, error))


def _ask_view(services: Services, alone: Profile, job: Job) -> Named:
    desk = desk_for(job, services.desk)
    desk.accept_certificates(alone)
    with desk.connections(alone) as c:
        return named_by_view(c)


def _keep_passwords(services: Services, profile: str, accounts: list[tuple[str, str]], job: Job) -> None:
    """Ask for the password of each account, and keep it as the operator wants it kept."""
    for account, system in accounts:
        question = text("Password of {account} on {system}", account=account, system=system)
        given = job.ask(AskPassword(question, profile, bool(profile) and keyring_there()))
        if given is not None and given.password:
            remember(services.desk, profile, account, system, given)
