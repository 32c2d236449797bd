"""What stands beside the list of parts: the form of a section or of one of its rows, or what View proposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.observation import Observation, State
from app.texts import NOTHING, Text, listed, text
from app.words import clean, state_word
from ui.editing import SECTIONS, Section, form_key, row_title
from ui.formfields import (
    BROKER,
    COMPOSER,
    DATABASE,
    FORM_NAME,
    HOST,
    HOW,
    IMAGE,
    REPOSITORY,
    SERVER,
    UNATTENDED,
    VCENTER,
)
from ui.forms import (
    BrokerRow,
    ComposerRow,
    DatabaseRow,
    Form,
    HostRow,
    Row,
    ServerRow,
    VCenterRow,
)  # fmt: skip
from ui.models.answers import SIGNS
from ui.proposals import Proposal
from ui.widgets.fields import Fields
from ui.widgets.files import Dialogs
from ui.widgets.parts import button, classed, keyed, label

HOST_HEADING = text("Windows host")
NEW = object()
"""Stands for what a choice is to make anew."""


class Panel(QWidget):
    """A form. `changed`: something was typed; `rebuilt`: what is shown must be made anew. `footer` stays in sight."""

    changed = Signal()
    rebuilt = Signal()
    footer: QWidget | None = None

    def __init__(self, title: str, words: Text = NOTHING) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        heading = label(bold=True)
        heading.setText(title)
        self._column.addWidget(heading)
        if words.message:
            about = label(soft=True)
            about.setText(str(words))
            self._column.addWidget(about)
        self._fields = Fields()
        self._fields.setParent(self)
        self._fields.changed.connect(self.changed)

    def order(self) -> list[QWidget]:
        """Return what the keyboard goes through, in that order."""
        return _by_tab(self)

    def first_editor(self) -> QWidget | None:
        """Return what is filled in first."""
        return next(iter(self._fields.order()), None) or next((w for w in self.order() if w.isEnabled()), None)

    def first_wrong(self, found: Mapping[tuple[int, str], Text]) -> QWidget | None:
        """Return the first editor whose field is wrong."""
        return self._fields.first_wrong(found) or self.first_editor()

    def show_problems(self, found: Mapping[tuple[int, str], Text], *, ready: bool, known: bool) -> None:
        """Show what is wrong at each field. `ready`: nothing is wrong with what would be tried; `known`: the profile
        was saved before, so that what is empty was emptied."""
        del ready
        self._fields.show_problems(found, all_touched=known)


class SectionPanel(Panel):
    """What a section is, and what adds a row to it; for those without rows their fields."""

    add = Signal()

    def __init__(self, section: Section, form: Form, dialogs: Dialogs) -> None:
        about = SECTIONS[section]
        super().__init__(str(about.title), about.words)
        self._section, self._form, self._dialogs = section, form, dialogs
        self._wrong = label("error")
        self._column.addWidget(self._wrong)
        if section is Section.NAME:
            self._name_fields()
        elif section is Section.HOW:
            self._how_fields()
        if about.add is not None:
            adding = button("add")
            adding.setText(keyed(about.add, "A"))
            adding.setAccessibleName(str(about.add))
            adding.clicked.connect(self.add)
            self._column.addWidget(adding, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._fields)
        self._column.addStretch(1)

    def show_problems(self, found: Mapping[tuple[int, str], Text], *, ready: bool, known: bool) -> None:
        super().show_problems(_of_form(self._form, found), ready=ready, known=known)
        own = {Section.NAME: "", Section.BROKERS: "brokers", Section.VCENTERS: "vcenters"}.get(self._section)
        words = found.get(form_key(own)) if own is not None else None
        self._wrong.setText(str(words or ""))
        self._wrong.setVisible(words is not None)

    def first_wrong(self, found: Mapping[tuple[int, str], Text]) -> QWidget | None:
        return super().first_wrong(_of_form(self._form, found))

    def _name_fields(self) -> None:
        self._fields.add(self._form, (FORM_NAME, REPOSITORY))
        if self._form.known_as:
            self._fields.read_only(self._form, "name")
        browse = button("browse")
        browse.setText(keyed(text("Browse…"), "o"))
        browse.setAccessibleName(str(text("Browse for the repository's folder")))
        browse.clicked.connect(self._browse)
        self._fields.beside(self._form, "repository", browse)

    def _browse(self) -> None:
        chosen = self._dialogs.folder(self, text("Folder that backup sets go to"), self._form.repository)
        if chosen is not None:
            self._form.repository = str(chosen)
            self.rebuilt.emit()

    def _how_fields(self) -> None:
        settings = self._form.settings
        self._fields.add(settings, HOW)
        self._fields.heading(text("Runs without an operator"))
        self._fields.add(settings, UNATTENDED)
        self._fields.heading(text("Image backup made with another product"))
        self._fields.words(text("It is recorded in the set and not proven: this program cannot see it."))
        self._fields.add(settings, IMAGE)


class RowPanel(Panel):
    """The form of one system or database, with what tries it."""

    remove = Signal()
    test = Signal()
    password = Signal()

    def __init__(self, section: Section, row: Row, form: Form) -> None:
        super().__init__(str(SECTIONS[section].title))
        self._row, self._form = row, form
        if isinstance(row, DatabaseRow):
            self._database(row)
        elif isinstance(row, HostRow):
            self._host(row, row)
        else:
            self._system(row)
        self._column.addWidget(self._fields)
        self._test, self._password = button("test"), button("password")
        self._test.setText(keyed(text("Test connection"), "T"))
        self._password.setText(keyed(text("Password…"), "P"))
        self._test.clicked.connect(self.test)
        self._password.clicked.connect(self.password)
        acts: list[QPushButton] = [self._test, self._password]
        if not isinstance(row, DatabaseRow):
            removing = button("remove")
            removing.setText(keyed(text("Remove"), "R"))
            removing.clicked.connect(self.remove)
            acts.append(removing)
        self._acts = self.footer = QWidget()
        below = QVBoxLayout(self._acts)
        below.setContentsMargins(0, 0, 0, 0)
        line = QHBoxLayout()
        for act in acts:
            act.setAccessibleName(act.text().replace("&", ""))
            line.addWidget(act)
        line.addStretch(1)
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName(str(text("The system is being asked")))
        self._seen = label("answers")
        self._seen.setContentsMargins(10, 6, 10, 6)
        below.addWidget(self._busy)
        below.addWidget(self._seen)
        below.addLayout(line)
        self._column.addStretch(1)

    def order(self) -> list[QWidget]:
        return [*super().order(), *_by_tab(self._acts)]

    def show_problems(self, found: Mapping[tuple[int, str], Text], *, ready: bool, known: bool) -> None:
        super().show_problems(found, ready=ready, known=known)
        wanted = not isinstance(self._row, DatabaseRow) or self._row.wanted
        self._test.setEnabled(ready and wanted)
        self._password.setEnabled(ready and wanted)

    def show_answers(self, seen: Sequence[Observation], *, busy: bool) -> None:
        """Show what a test has found so far; `busy`: a system is being asked."""
        self._busy.setVisible(busy)
        self._seen.setText("\n".join(told(one) for one in seen))
        fine = all(one.state is State.PASSED for one in seen)
        classed(self._seen, "card" if fine else "card trouble")
        self._seen.setVisible(bool(seen))

    # ---- fields

    def _system(self, row: Row) -> None:
        if isinstance(row, BrokerRow):
            self._host(row, row.host)
            self._fields.heading(text("View on this host"))
            self._fields.add(row, BROKER)
        elif isinstance(row, ComposerRow):
            self._choose_host(row, row.host, may_be_none=False)
            self._host(row, row.host)
            self._fields.heading(text("View Composer on this host"))
            self._fields.add(row, COMPOSER)
        elif isinstance(row, VCenterRow | ServerRow):
            self._fields.add(row, VCENTER if isinstance(row, VCenterRow) else SERVER)
            self._fields.heading(HOST_HEADING)
            self._choose_host(row, row.host, may_be_none=True)
            if row.host is not None:
                self._host(row, row.host)

    def _host(self, row: Row, host: HostRow) -> None:
        self._fields.add(host, HOST)
        others = [row_title(self._form, user) for user in self._form.users_of(host) if user is not row]
        if others:
            names = listed(dict.fromkeys(others))
            self._fields.words(text("The same host is used by: {names}. What you change here counts for them too.",
                                    names=names))  # fmt: skip

    def _choose_host(
        self, row: ComposerRow | VCenterRow | ServerRow, host: HostRow | None, *, may_be_none: bool
    ) -> None:
        choices: list[tuple[Any, str]] = (
            [(None, str(text("none, or not reached by this program")))] if may_be_none else []
        )
        choices += [(one, _host_title(one)) for one in self._form.hosts()]
        choices.append((NEW, str(text("another host…"))))

        def choose(chosen: Any) -> None:
            row.host = self._form.new_host() if chosen is NEW else chosen
            self.rebuilt.emit()

        hint = _WHY_HOST.get(type(row), NOTHING)
        self._fields.choose(row, "host", text("It runs on"), choices, host, choose, hint)

    def _database(self, row: DatabaseRow) -> None:
        owner = next(owner for database, owner in self._form.databases() if database is row)
        title = label()
        title.setText(row_title(self._form, row))
        self._column.addWidget(title)
        if not isinstance(owner, ComposerRow):
            wanted = QCheckBox(str(text("It belongs to the backup")))
            wanted.setChecked(row.wanted)
            wanted.toggled.connect(self._want)
            self._column.addWidget(wanted)
        if not row.wanted:
            return
        choices: list[tuple[Any, str]] = [(one, row_title(self._form, one)) for one in self._form.servers]
        choices.append((NEW, str(text("another SQL Server…"))))

        def choose(chosen: Any) -> None:
            row.server = self._form.add_server() if chosen is NEW else chosen
            self.rebuilt.emit()

        self._fields.choose(row, "server", text("SQL Server"), choices, row.server, choose)
        self._fields.add(row, DATABASE)
        if row.server is not None and row.server.host is None:
            self._fields.words(
                text("This SQL Server has no Windows host here: the backup file cannot be fetched from it.")
            )

    def _want(self, wanted: bool) -> None:
        assert isinstance(self._row, DatabaseRow)
        self._row.wanted = wanted
        if wanted and self._row.server is None and len(self._form.servers) == 1:
            self._row.server = self._form.servers[0]
        self.rebuilt.emit()


_WHY_HOST: Mapping[type, Text] = {
    VCenterRow: text("Its settings and keys are captured through WinRM."),
    ServerRow: text("Backup files are fetched from it through WinRM, or by its share."),
}


class ProposalPanel(Panel):
    """Servers that View names and the form has not, none of them ticked."""

    taken = Signal(list)

    def __init__(self, offered: Sequence[Proposal], failed: Observation | None) -> None:
        about = SECTIONS[Section.PROPOSED]
        super().__init__(str(about.title), about.words if offered else NOTHING)
        self._boxes = [(QCheckBox(clean(str(one.words)).replace("&", "&&")), one) for one in offered]
        for box, _ in self._boxes:
            box.toggled.connect(self._refresh)
            self._column.addWidget(box)
        self._take = button("take")
        self._take.setText(keyed(text("Add what is ticked"), "A"))
        self._take.setAccessibleName(str(text("Add what is ticked")))
        self._take.clicked.connect(lambda: self.taken.emit([one for box, one in self._boxes if box.isChecked()]))
        self._take.setVisible(bool(self._boxes))
        if not offered:
            empty = label("answers")
            empty.setText(told(failed) if failed is not None else str(NOTHING_NEW))
            self._column.addWidget(empty)
        self._column.addWidget(self._take, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self._refresh()

    def _refresh(self) -> None:
        self._take.setEnabled(any(box.isChecked() for box, _ in self._boxes))


NOTHING_NEW = text("View names no server that is not described here already.")


def told(seen: Observation) -> str:
    """Return an observation as people read it: its state by a sign and a word, and what to do where it is not good."""
    line = f"{SIGNS[seen.state]} {state_word(seen.state)}: {seen.found}"
    more = [] if seen.state is State.PASSED else [str(one) for one in (seen.needed, seen.remedy) if one.message]
    return clean("\n    ".join([line, *more]))


def _of_form(form: Form, found: Mapping[tuple[int, str], Text]) -> dict[tuple[int, str], Text]:
    """Return problems with the form's own fields under the form's id, as fields know them."""
    own = {(id(form), field): words for (row, field), words in found.items() if row < 0}
    return own | {key: words for key, words in found.items() if key[0] >= 0}


def _host_title(host: HostRow) -> str:
    return f"{host.name.strip() or '?'} ({host.address.strip() or '-'})"


def _by_tab(panel: QWidget) -> list[QWidget]:
    """Return what takes the keyboard in a panel, from top to bottom."""
    made = (widget for widget in panel.findChildren(QWidget) if widget.window() is panel.window())
    found = [one for one in made if one.focusPolicy() & Qt.FocusPolicy.TabFocus and not isinstance(one, QLabel)]
    places = {id(widget): place for place, widget in enumerate(_laid_out(panel))}
    return sorted(found, key=lambda widget: places.get(id(widget), len(places)))


def _laid_out(widget: QWidget) -> list[QWidget]:
    """Return a panel's widgets from top to bottom, as its layouts have them."""
    found: list[QWidget] = []

    def walk(layout: Any) -> None:
        for place in range(layout.count()):
            item = layout.itemAt(place)
            if item.widget() is not None:
                found.append(item.widget())
                if item.widget().layout() is not None:
                    walk(item.widget().layout())
            elif item.layout() is not None:
                walk(item.layout())

    walk(widget.layout())
    return found
