"""Choose an environment: the saved profiles, the last used first, and the practice environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app import profile as profiles
from app.errors import Refused, UserError
from app.profile import PRACTICE, Profile
from app.secrets import forget_password
from app.texts import Text, listed, text
from ui.bridge import Job
from ui.flow import Draft, Facts
from ui.page import Services, WizardPage
from ui.widgets.files import Dialogs
from ui.widgets.parts import button, card, keyed, label
from ui.widgets.twolines import ABOUT, TwoLines

NAME = Qt.ItemDataRole.UserRole
BUTTONS = {
    "new": ("w", text("New…")),
    "edit": ("E", text("Edit…")),
    "import": ("I", text("Import…")),
    "export": ("x", text("Export…")),
    "remove": ("R", text("Remove")),
}


class ProfilePage(WizardPage):
    """Offers the profiles; one is chosen from the start. The practice environment is started when it is selected, and
    where the page has chosen it because there is no other, by Next: nothing is started unasked."""

    def __init__(self, services: Services, dialogs: Dialogs | None = None) -> None:
        super().__init__(services)
        self._dialogs = dialogs or Dialogs()
        self._chosen = ""
        self._profile: Profile | None = None
        self._editing: Profile | None = None
        self._edit_wanted = self._go_on_when_started = False
        self._error: Text | None = None
        self._starting: Job | None = None
        self._forgetting: Job | None = None
        self._list = QListWidget()
        self._list.setObjectName("profiles")
        self._list.setItemDelegate(TwoLines(self._list))
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.itemSelectionChanged.connect(self._selected)
        self._list.itemDoubleClicked.connect(lambda _item: self.go_on.emit() if self.facts().complete else None)
        self._buttons = {name: button(name) for name in BUTTONS}
        self._buttons["new"].clicked.connect(self._new)
        self._buttons["edit"].clicked.connect(self._edit)
        self._buttons["import"].clicked.connect(self._import)
        self._buttons["export"].clicked.connect(self._export)
        self._buttons["remove"].clicked.connect(self._remove)
        self._about, self._empty = _About(), label("empty", soft=True)
        self._arrange()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._edit_wanted, self._editing, self._error = False, None, None
        self._go_on_when_started = False
        known = draft.profile.name if draft.profile is not None else self._chosen
        self._fill(known)

    def draft(self) -> Draft:
        return dataclasses.replace(
            self._draft,
            profile=None if self._edit_wanted else self._profile,
            practice_wanted=self._chosen == PRACTICE,
            editing=self._editing if self._edit_wanted else self._draft.editing,
            edit_wanted=self._edit_wanted,
        )

    def facts(self) -> Facts:
        return Facts(
            complete=self._edit_wanted or self._profile is not None or self._chosen == PRACTICE,
            busy=self._starting is not None and self._chosen == PRACTICE,
            error=self._error,
        )

    def first_focus(self) -> QWidget | None:
        return self._list

    def retranslate(self) -> None:
        for name, (key, words) in BUTTONS.items():
            self._buttons[name].setText(keyed(words, key))
            self._buttons[name].setAccessibleName(str(words))
        self._buttons["edit"].setToolTip(str(text("The practice environment is as it is, and cannot be edited.")))
        self._list.setAccessibleName(str(text("Profiles")))
        self._empty.setText(
            str(text("No environment is described yet. Describe yours with New, import a profile, or practise first."))
        )
        for row in range(self._list.count()):
            self._entitle(self._list.item(row))
        self._show()

    def leaving(self, forward: bool) -> bool:
        """Practice needs its environment: it is started, and then the page is left."""
        if forward and self._profile is None and self._chosen == PRACTICE and not self._edit_wanted:
            self._go_on_when_started = True
            self._start_practice()
            return False
        self._go_on_when_started = False
        if forward and self._profile is not None and not self._profile.practice and not self._edit_wanted:
            self.services.desk.store.used(self._profile.name)
        return True

    # ---- the list

    def _arrange(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self._empty)
        left.addWidget(self._list, 1)
        right = QVBoxLayout()
        for name in BUTTONS:
            right.addWidget(self._buttons[name])
        right.addStretch(1)
        above = QHBoxLayout()
        above.setSpacing(12)
        above.addLayout(left, 1)
        above.addLayout(right)
        self.layout_.addLayout(above, 1)
        self.layout_.addWidget(self._about)

    def _fill(self, chosen: str) -> None:
        """Show the profiles; `chosen` is selected, else the last used one, else practice, which is not started yet."""
        names = self.services.desk.store.names()
        offered = (*names, PRACTICE)
        wanted = chosen if chosen in offered else offered[0]
        self._list.blockSignals(True)
        self._list.clear()
        for name in offered:
            item = QListWidgetItem()
            item.setData(NAME, name)
            self._entitle(item)
            self._list.addItem(item)
        self._list.setCurrentRow(offered.index(wanted))
        self._list.blockSignals(False)
        self._empty.setVisible(not names)
        self._take(wanted, start=chosen == PRACTICE)

    def _entitle(self, item: QListWidgetItem) -> None:
        """Give a row its words: what it is called, and what is behind it."""
        name = item.data(NAME)
        item.setText(str(PRACTICE_TITLE) if name == PRACTICE else name)
        about = str(PRACTICE_ABOUT if name == PRACTICE else self._about_of(name))
        item.setData(ABOUT, about)
        item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, about)

    def _about_of(self, name: str) -> Text:
        try:
            found = self.services.desk.store.load(name)
        except UserError as error:
            return error.what
        brokers = listed(broker.host.name for broker in found.brokers)
        return text("{brokers}; backup sets in {folder}", brokers=brokers, folder=found.repository)

    def _selected(self) -> None:
        chosen = self._list.selectedItems()  # not the current one: the keyboard coming here alone chooses nothing
        self._take(chosen[0].data(NAME) if chosen else "")

    def _take(self, name: str, *, start: bool = True) -> None:
        self._chosen, self._profile, self._error = name, None, None
        self._go_on_when_started = False
        if name == PRACTICE:
            if start:
                self._start_practice()
        elif name:
            try:
                self._profile = self.services.desk.store.load(name)
            except UserError as error:
                self._error = _words(error)
        self._show()

    def _show(self) -> None:
        practice = self._chosen == PRACTICE
        self._buttons["edit"].setEnabled(self._profile is not None and not practice)
        self._buttons["export"].setEnabled(self._profile is not None and not practice)
        self._buttons["remove"].setEnabled(bool(self._chosen) and not practice and self._forgetting is None)
        starting = practice and self._starting is not None
        self._about.show_profile(self._profile, starting=starting)
        self.facts_changed.emit()

    # ---- practice

    def _start_practice(self) -> None:
        if self._starting is not None:
            return
        desk = self.services.desk
        job = self._starting = self.services.work(self, lambda _job: desk.profile(PRACTICE))
        job.done.connect(self._practice_started)
        job.failed.connect(self._practice_failed)
        job.broke.connect(self.trouble)
        job.start()
        self._show()

    def _practice_started(self, found: Profile) -> None:
        self._starting = None
        if self._chosen == PRACTICE:
            self._profile = found
        self._show()
        if self._go_on_when_started:
            self.go_on.emit()

    def _practice_failed(self, error: UserError) -> None:
        self._starting, self._go_on_when_started = None, False
        if self._chosen == PRACTICE:
            self._error = _words(error)
        self._show()

    # ---- what the buttons do

    def _new(self) -> None:
        self._go_edit(None)

    def _edit(self) -> None:
        self._go_edit(self._profile)

    def _go_edit(self, editing: Profile | None) -> None:
        self._editing, self._edit_wanted = editing, True
        self.facts_changed.emit()
        self.go_on.emit()
        self._edit_wanted = False  # coming back here, Next means the profile that is chosen

    def _import(self) -> None:
        path = self._dialogs.existing_file(self, text("Import a profile"))
        if path is None:
            return
        store = self.services.desk.store
        try:
            found = _as_ones_own(profiles.read(path))
            if found.name in store.names() and not self._dialogs.sure(
                self, text("Replace the profile {name}?", name=found.name),
                text("There is a profile of this name already; what it says is lost."), text("Replace"),
            ):  # fmt: skip
                return
            store.save(found)
        except UserError as error:
            self._error = _words(error)
            self.facts_changed.emit()
            return
        self._chosen = ""
        self._fill(found.name)

    def _export(self) -> None:
        if self._profile is None:
            return
        path = self._dialogs.new_file(self, text("Export the profile: it holds no passwords"), f"{self._chosen}.json")
        if path is None:
            return
        try:
            profiles.write(self._profile, path)
        except UserError as error:
            self._error = _words(error)
            self.facts_changed.emit()

    def _remove(self) -> None:
        name, profile = self._chosen, self._profile
        if not self._dialogs.sure(
            self, text("Remove the profile {name}?", name=name),
            text("Its description and its passwords in this workstation's keyring go; backup sets and runs stay."),
            text("Remove"),
        ):  # fmt: skip
            return
        try:
            self.services.desk.store.remove(name)
        except UserError as error:
            self._error = _words(error)
            self.facts_changed.emit()
            return
        if profile is not None:
            job = self._forgetting = self.services.work(self, lambda _job: _forget(profile))
            job.failed.connect(lambda error: self._forgotten(_words(error)))
            job.done.connect(lambda _done: self._forgotten(None))
            job.broke.connect(self.trouble)
            job.start()
        self._chosen = ""
        self._fill("")

    def _forgotten(self, error: Text | None) -> None:
        self._forgetting, self._error = None, error or self._error
        self._show()


class _About(QWidget):
    """What a profile holds, in a few lines."""

    def __init__(self) -> None:
        super().__init__()
        frame = card("about")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(frame)
        self._grid = QGridLayout(frame)
        self._grid.setContentsMargins(14, 10, 14, 10)
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnStretch(1, 1)
        self._rows = [(label(soft=True), label()) for _ in range(6)]
        for row, (name, value) in enumerate(self._rows):
            name.setWordWrap(False)
            self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, row, 1)

    def show_profile(self, profile: Profile | None, *, starting: bool) -> None:
        """Show a profile; without one, that the practice environment is being started, or nothing."""
        lines = list(_lines(profile)) if profile is not None else []
        if starting:
            lines = [(PRACTICE_TITLE, str(text("It is being started on this computer; this takes a few seconds.")))]
        self.setVisible(bool(lines))
        for row, (name, value) in enumerate(self._rows):
            shown = row < len(lines)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                name.setText(str(lines[row][0]))
                value.setText(lines[row][1])
                value.setAccessibleName(f"{lines[row][0]}: {lines[row][1]}")


PRACTICE_TITLE = text("Practice environment")
PRACTICE_ABOUT = text("A View environment in miniature on this computer; nothing in it is real.")


def _lines(profile: Profile) -> Iterable[tuple[Text, str]]:
    yield text("Connection Servers"), _listed(broker.host.name for broker in profile.brokers)
    yield text("vCenters"), _listed(vcenter.name for vcenter in profile.vcenters)
    if profile.composers:
        yield text("View Composers"), _listed(composer.host.name for composer in profile.composers)
    yield text("Databases"), _listed(f"{one.name} ({one.server.name})" for one in profile.databases())
    yield text("Repository"), profile.repository


def _listed(names: Iterable[str]) -> str:
    return str(listed(names))


def _words(error: UserError) -> Text:
    return text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)


def _as_ones_own(found: Profile) -> Profile:
    """Return an imported profile as one of the operator's own. Raises Refused for the practice environment's name."""
    if found.name.casefold() == PRACTICE:
        raise Refused(
            text("The profile {name} cannot be imported.", name=found.name),
            text("This is the name of the practice environment, which is built in."),
            text("Give it another name in the file."),
        )
    return msgspec.structs.replace(found, practice=False)


def _forget(profile: Profile) -> None:
    """Take the passwords of a profile's accounts out of the keyring."""
    accounts = [(host.account, host.name) for host in (*profile.hosts(), *profile.security_servers)]
    accounts += [(vcenter.account, vcenter.name) for vcenter in profile.vcenters]
    accounts += [(database.server.account, database.server.name) for database in profile.databases()]
    for account, system in dict.fromkeys(accounts):
        if account:
            forget_password(profile.name, f"{account}@{system}")
            forget_password(profile.name, account)
