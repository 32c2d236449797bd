"""What is backed up, and where to: the environment's parts, the repository, and the options of a backup."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.backupset import repository
from app.errors import UserError
from app.profile import Database, Options, Profile
from app.texts import NOTHING, Text, listed, text
from ui.bridge import Job
from ui.flow import Draft, Facts
from ui.page import Services, WizardPage
from ui.widgets.parts import button, card, keyed, label

FILES_BY = {"winrm": text("over WinRM (slow, needs nothing else)"), "share": text("over administrative shares (fast)")}
EVENTS = {"after": text("after the freeze"), "before": text("before the freeze")}
GIB = 1 << 30
INSET = 6  # pixels before a number: the padding of the style sheet does not reach into a spin box


class WhatPage(WizardPage):
    """Gives back the profile with the repository and the options chosen here; they are kept in it."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._profile: Profile | None = None
        self._measuring: Job | None = None
        self._error: Text | None = None
        self._room: Text = NOTHING
        self._parts_title, self._parts = label("parts-title", bold=True), label("parts")
        frame = card("parts-card")
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 10, 14, 12)
        column.addWidget(self._parts_title)
        column.addWidget(self._parts)
        self.layout_.addWidget(frame)
        self.layout_.addLayout(self._form())
        self.layout_.addStretch(1)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._error = None
        if draft.profile is not None and draft.profile is not self._profile:
            self._profile = draft.profile
            self._fill(draft.profile)
        self._show()
        self._measure()

    def draft(self) -> Draft:
        return dataclasses.replace(self._draft, profile=self._made()) if self._profile else self._draft

    def facts(self) -> Facts:
        return Facts(complete=bool(self._repository.text().strip()), error=self._error)

    def leaving(self, forward: bool) -> bool:
        """What was chosen is kept in the profile: a run that is taken up again later must find it there."""
        made = self._made()
        if not forward or made.practice or made == self._draft.profile:
            return True
        try:
            self.services.desk.store.save(made)
        except UserError as error:
            self._error = text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)
            self.facts_changed.emit()
            return False
        return True

    def first_focus(self) -> QWidget | None:
        return self._repository

    def retranslate(self) -> None:
        self._parts_title.setText(str(text("What is backed up")))
        for words, key, field, caption in self._rows:
            caption.setText(keyed(words, key))
            field.setAccessibleName(str(words))
        self._browse.setText(keyed(text("Browse…"), "w"))
        self._minutes.setSuffix(str(text(" minutes")))
        for box, named in ((self._files, FILES_BY), (self._events, EVENTS)):
            for number, meaning in enumerate(named.values()):
                box.setItemText(number, str(meaning))
        self._stop.setText(keyed(text("Stop the Connection Server while its directory is exported"), "S"))
        self._beside.setText(keyed(text("Capture directory and databases side by side: a shorter freeze"), "d"))
        self._tell(self._room)
        self._show()

    # ---- the form

    def _form(self) -> QFormLayout:
        self._repository, self._browse, self._space = QLineEdit(), button("browse"), label("space", soft=True)
        self._files, self._events, self._minutes = QComboBox(), QComboBox(), QDoubleSpinBox()
        self._stop, self._beside = QCheckBox(), QCheckBox()
        self._space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        for name, widget in (
            ("repository", self._repository), ("files-by", self._files), ("event-database", self._events),
            ("drain-minutes", self._minutes), ("stop-connection-server", self._stop), ("side-by-side", self._beside),
        ):  # fmt: skip
            widget.setObjectName(name)
        for box, words in ((self._files, FILES_BY), (self._events, EVENTS)):
            for name in words:
                box.addItem("", name)
        self._minutes.setRange(1, 24 * 60)
        self._minutes.setDecimals(0)
        self._minutes.lineEdit().setTextMargins(INSET, 0, 0, 0)
        self._repository.textChanged.connect(self._retyped)
        self._repository.editingFinished.connect(self._measure)
        self._browse.clicked.connect(self._choose)
        line, where = QHBoxLayout(), QVBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._repository, 1)
        line.addWidget(self._browse)
        where.setSpacing(2)
        where.addLayout(line)
        where.addWidget(self._space)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._rows: list[tuple[Text, str, QWidget, QLabel]] = []
        self._row(form, text("Folder of the backup sets"), "F", self._repository, where)
        self._row(form, text("Fetch files from the hosts"), "h", self._files)
        self._row(form, text("Back up the event database"), "e", self._events)
        self._row(form, text("Wait for work in flight at most"), "m", self._minutes)
        form.addRow("", self._stop)
        form.addRow("", self._beside)
        return form

    def _row(self, form: QFormLayout, words: Text, key: str, field: QWidget, layout: QVBoxLayout | None = None) -> None:
        caption = QLabel()
        caption.setBuddy(field)
        form.addRow(caption, layout or field)
        self._rows.append((words, key, field, caption))

    def _fill(self, profile: Profile) -> None:
        options = profile.options
        self._repository.setText(profile.repository)
        self._files.setCurrentIndex(self._files.findData(options.files_by))
        self._events.setCurrentIndex(self._events.findData(options.event_database))
        self._minutes.setValue(options.drain_minutes)
        self._stop.setChecked(options.stop_connection_server)
        self._beside.setChecked(options.side_by_side)

    def _made(self) -> Profile:
        assert self._profile is not None
        options: Options = msgspec.structs.replace(
            self._profile.options,
            files_by=self._files.currentData(),
            event_database=self._events.currentData(),
            drain_minutes=self._minutes.value(),
            stop_connection_server=self._stop.isChecked(),
            side_by_side=self._beside.isChecked(),
        )
        return msgspec.structs.replace(self._profile, repository=self._repository.text().strip(), options=options)

    def _choose(self) -> None:
        found = QFileDialog.getExistingDirectory(self, str(text("Folder of the backup sets")), self._repository.text())
        if found:
            self._repository.setText(found)
            self._measure()

    def _retyped(self) -> None:
        self._tell(NOTHING)
        self._error = None
        self.facts_changed.emit()

    # ---- what is said

    def _measure(self) -> None:
        """Ask how much room there is; a share that does not answer must not hold the window up."""
        folder = self._repository.text().strip()
        if not folder or self._measuring is not None:
            return
        self._measuring = self.services.work(
            self, lambda _job: (folder, repository.free_space(folder), Path(folder).exists())
        )
        self._measuring.done.connect(self._measured)
        self._measuring.failed.connect(self._not_measured)
        self._measuring.broke.connect(self.trouble)
        self._measuring.ended.connect(self._measuring_ended)
        self._measuring.start()

    def _measured(self, found: tuple[str, int, bool]) -> None:
        folder, free, there = found
        if folder == self._repository.text().strip():
            kind = text("A new folder is made there.") if not there else NOTHING
            self._tell(text("{free:.1f} GiB are free. {kind}", free=free / GIB, kind=kind))

    def _not_measured(self, error: UserError) -> None:
        self._tell(text("{what} {why}", what=error.what, why=error.why))

    def _tell(self, room: Text) -> None:
        self._room = room
        self._space.setText(str(room).strip())

    def _measuring_ended(self) -> None:
        self._measuring = None

    def _show(self) -> None:
        if self._profile is None:
            return
        self._parts.setText("\n".join(f"•  {words}" for words in parts(self._profile)))
        self._events.setEnabled(self._profile.event_database is not None)


def parts(profile: Profile) -> Iterator[Text]:
    """Yield what of an environment is backed up, in words, in the order of the paper."""
    yield text("vSphere's inventory: {names}", names=listed(vcenter.name for vcenter in profile.vcenters))
    yield text("View's directory (AD LDS) from {name}", name=profile.brokers[0].host.name)
    for composer in profile.composers:
        yield text(
            "View Composer on {name}: keys, {database}", name=composer.host.name, database=_of(composer.database)
        )
    for vcenter in profile.vcenters:
        if vcenter.database is not None:
            yield text("vCenter {name}: settings, {database}", name=vcenter.name, database=_of(vcenter.database))
    if profile.event_database is not None:
        yield text("The event database: {database}", database=_of(profile.event_database))


def _of(database: Database) -> Text:
    if database.backed_up_by == "dba":
        return text(
            "database {name} on {server} (the DBA backs it up)", name=database.name, server=database.server.name
        )
    return text("database {name} on {server}", name=database.name, server=database.server.name)
