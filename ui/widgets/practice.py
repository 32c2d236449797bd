"""The practice panel: what the practice environment looks like now, and what can be made to happen in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import practising
from app.errors import UserError
from app.practising import Kind, Offer
from app.texts import Text, listed, text
from ui.bridge import Job
from ui.page import Services
from ui.widgets.parts import button, keyed, label
from ui.widgets.rows import Roomy

WIDE = 50  # letters across
ROOM = 16  # pixels beside the tabs
EVERY = 2000  # milliseconds between two looks at the world
TABS = {
    Kind.SCENE: (text("Scenes"), text("Situations that an administrator meets."), text("Set the scene"), "E"),
    Kind.FAULT: (text("Faults"), text("Failures that a run must bear."), text("Let it fail"), "A"),
    Kind.ACT: (text("By hand"), text("What a person would do meanwhile."), text("Do it"), "D"),
}
SWITCH = {True: text("on"), False: text("off"), None: text("has no switch")}


SERVICES = {
    "Running": text("runs"), "Stopped": text("stopped"), "Start Pending": text("is starting"),
    "Stop Pending": text("is stopping"),
}  # fmt: skip
DESKTOPS = {
    "READY": text("ready"), "ERROR": text("in error"), "MAINTENANCE": text("in maintenance"),
    "CLONING": text("being cloned"), "CLONINGERROR": text("failed to clone"), "DELETING": text("being deleted"),
    "CUSTOMIZING": text("being customized"), "PRE_PROVISIONED": text("about to be cloned"),
    "UNDEFINED": text("undefined"),
}  # fmt: skip
WORK = {
    "clone": text("clone"), "recompose": text("recompose"), "refresh": text("refresh"), "delete": text("delete"),
    "service-start": text("service starts"), "service-stop": text("service stops"),
    "built-in-backup": text("View's own backup"),
}  # fmt: skip
OPTIONS = {
    "host": text("Host"), "pool": text("Pool"), "service": text("Service"), "account": text("Account"),
    "seconds": text("Seconds"), "count": text("How many"), "system": text("System"), "server": text("Server"),
    "database": text("Database"), "state": text("State"), "kind": text("Kind"), "tool": text("Tool"),
}  # fmt: skip

Rows = list[tuple[Text | str, Text | str]]


@dataclass(frozen=True)
class _World:
    """The world as it was just now."""

    status: dict[str, Any]


class PracticePanel(QDockWidget):
    """A panel at the side of the window. It looks while it is shown, and acts on the practice environment only."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setObjectName("practice-panel")
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        self.setAllowedAreas(Qt.DockWidgetArea.RightDockWidgetArea)
        self._services = services
        self._looking: Job | None = None
        self._acting: Job | None = None
        self._status: dict[str, Any] = {}
        self._said: Text | None = None
        self._unseen: Text | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._look)
        self._world, self._answer = _WorldView(), label("practice-answer")
        self._kinds = {kind: _Offers(kind) for kind in Kind}
        self._quiet, self._clear = button("quiet"), button("clear-faults")
        for offers in self._kinds.values():
            offers.act.clicked.connect(lambda _on=False, chosen=offers: self._make(chosen))
        self._quiet.clicked.connect(self._strike)
        self._clear.clicked.connect(lambda: self._do(lambda: practising.clear_faults(services.desk)))
        self._tabs = QTabWidget()
        self._tabs.setObjectName("practice-tabs")
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.addTab(self._world, "")
        for offers in self._kinds.values():
            self._tabs.addTab(offers, "")
        inside = QWidget()
        # as wide in every language: a panel that changes its least width does not push the page aside
        inside.setMinimumWidth(inside.fontMetrics().averageCharWidth() * WIDE)
        column = QVBoxLayout(inside)
        column.addWidget(self._tabs, 1)
        column.addWidget(self._answer)
        row = QHBoxLayout()
        row.addWidget(self._quiet)
        row.addWidget(self._clear)
        column.addLayout(row)
        self.setWidget(inside)
        self.retranslate()

    def retranslate(self) -> None:
        """Put all words into the language that is chosen now."""
        self.setWindowTitle(str(text("Practice environment")))
        self._tabs.setTabText(0, str(text("World now")))
        self._tabs.setAccessibleName(str(text("Practice environment")))
        self._world.name(str(text("World now")))
        for number, (kind, offers) in enumerate(self._kinds.items(), 1):
            self._tabs.setTabText(number, str(TABS[kind][0]))
            offers.retranslate()
        self._tabs.setMinimumWidth(self._tabs.tabBar().sizeHint().width() + ROOM)
        self._quiet.setText(keyed(text("Strike all scenes"), "S"))
        self._clear.setText(keyed(text("Clear all faults"), "F"))
        self._answer.setText(str(self._said or ""))
        self._show_world()

    # ---- looking

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  # Qt's name
        super().showEvent(event)
        self._timer.start()
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802  # Qt's name
        super().hideEvent(event)
        self._timer.stop()

    def _look(self) -> None:
        if self._looking is not None:
            return
        known = bool(self._kinds[Kind.SCENE].offers)
        self._looking = self._services.work(self, lambda job: self._seen(job, known))
        self._looking.batch.connect(self._take)
        self._looking.failed.connect(self._not_seen)
        self._looking.broke.connect(self._broke)
        self._looking.ended.connect(self._looked)
        self._looking.start()

    def _seen(self, job: Job, known: bool) -> None:
        if not known:
            job.post(practising.offers(self._services.desk))
        job.post(_World(practising.world(self._services.desk)))

    def _take(self, batch: list[Any]) -> None:
        for found in batch:
            if isinstance(found, _World):
                self._status, self._unseen = found.status, None
                self._show_world()
            else:
                for kind, offers in self._kinds.items():
                    offers.show_offers([offer for offer in found if offer.kind is kind])

    def _not_seen(self, error: UserError) -> None:
        """What was seen before is not the world now."""
        self._status = {}
        self._unseen = text("It could not be looked at: {what} {why} {do}", what=error.what, why=error.why, do=error.do)
        self._show_world()

    def _looked(self) -> None:
        self._looking = None

    # ---- acting

    def _make(self, offers: _Offers) -> None:
        offer = offers.chosen()
        if offer is not None:
            given = offers.given()
            self._do(lambda: practising.make(self._services.desk, offer, given))

    def _strike(self) -> None:
        quiet = next((one for one in self._kinds[Kind.SCENE].offers if one.name == practising.QUIET), None)
        if quiet is not None:
            self._do(lambda: practising.make(self._services.desk, quiet))

    def _do(self, work: Any) -> None:
        if self._acting is not None:
            return
        self._acting = self._services.work(self, lambda _job: work())
        self._acting.done.connect(self._done)
        self._acting.failed.connect(self._failed)
        self._acting.broke.connect(self._broke)
        self._acting.ended.connect(self._acted)
        self._acting.start()

    def _done(self, said: Text) -> None:
        self._say(said)
        self._look()

    def _acted(self) -> None:
        self._acting = None

    def _failed(self, error: UserError) -> None:
        self._say(text("{what} {why} {do}", what=error.what, why=error.why, do=error.do))

    def _broke(self, details: str) -> None:
        self._say(text("The practice panel failed: {details}", details=details.strip().rpartition("\n")[2]))

    def _say(self, said: Text) -> None:
        self._said = said
        self._answer.setText(str(said))

    def _show_world(self) -> None:
        unseen = self._unseen or (None if self._status else text("The practice environment is being looked at…"))
        self._world.show_groups(unseen, world_groups(self._status) if unseen is None else [])


class _WorldView(QWidget):
    """The world as a list under headings; a sentence in its place while it was not seen."""

    def __init__(self) -> None:
        super().__init__()
        self._unseen, self._tree = label("world-unseen"), QTreeWidget()
        self._shown: list[tuple[str, ...]] = []
        self._tree.setObjectName("world")
        self._tree.setColumnCount(2)
        self._tree.setHeaderHidden(True)
        self._tree.setRootIsDecorated(False)
        self._tree.setIndentation(8)
        self._tree.setItemDelegate(Roomy(self._tree))
        self._tree.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        column = QVBoxLayout(self)
        column.addWidget(self._unseen)
        column.addWidget(self._tree, 1)
        column.addStretch(0)

    def name(self, words: str) -> None:
        """Give the list the name that a screen reader says."""
        self._tree.setAccessibleName(words)

    def show_groups(self, unseen: Text | None, groups: list[tuple[Text, Rows]]) -> None:
        """Show these headings with their rows, or the sentence; what is shown already stays as it is."""
        self._unseen.setText(str(unseen or ""))
        self._unseen.setVisible(unseen is not None)
        self._tree.setVisible(unseen is None)
        said = [(str(heading), *(f"{name}: {state}" for name, state in rows)) for heading, rows in groups]
        if said == self._shown:
            return
        self._shown = said
        place = self._tree.verticalScrollBar().value()
        self._tree.clear()
        for heading, rows in groups:
            above = QTreeWidgetItem(self._tree, [str(heading)])
            above.setFirstColumnSpanned(True)
            font = above.font(0)
            font.setBold(True)
            above.setFont(0, font)
            for name, state in rows:
                item = QTreeWidgetItem(above, [str(name), str(state)])
                item.setToolTip(0, str(name))
                item.setToolTip(1, str(state))
                item.setFirstColumnSpanned(not str(state))
        self._tree.expandAll()
        self._tree.verticalScrollBar().setValue(place)


def _item(offer: Offer) -> QListWidgetItem:
    made = QListWidgetItem(str(offer.about))
    made.setToolTip(offer.name)
    return made


class _Offers(QWidget):
    """The offers of one kind: a list, the options of the current one, and a button."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._kind = kind
        self.offers: list[Offer] = []
        self._about, self._list, self.act = label(soft=True), QListWidget(), button(f"make-{kind}")
        self._list.setObjectName(f"list-{kind}")
        self._list.setWordWrap(True)
        self._list.setItemDelegate(Roomy(self._list))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.currentRowChanged.connect(self._show_options)
        self._list.itemActivated.connect(lambda _item: self.act.click())
        self._form, self._options = QFormLayout(), dict[str, QLineEdit]()
        column = QVBoxLayout(self)
        column.addWidget(self._about)
        column.addWidget(self._list, 1)
        column.addLayout(self._form)
        column.addWidget(self.act)

    def show_offers(self, offers: list[Offer]) -> None:
        """Show these in place of all others."""
        self.offers = offers
        self._list.clear()
        for offer in offers:
            self._list.addItem(_item(offer))
        self._list.setCurrentRow(0)

    def chosen(self) -> Offer | None:
        number = self._list.currentRow()
        return self.offers[number] if 0 <= number < len(self.offers) else None

    def given(self) -> dict[str, str]:
        """Return the options that something was typed for."""
        return {name: field.text().strip() for name, field in self._options.items() if field.text().strip()}

    def retranslate(self) -> None:
        _, about, act, key = TABS[self._kind]
        self._about.setText(str(about))
        self._list.setAccessibleName(str(about))
        self.act.setText(keyed(act, key))
        for number, offer in enumerate(self.offers):
            item = self._list.item(number)
            if item is not None:
                item.setText(str(offer.about))
        typed = self.given()
        self._show_options()
        for name, words in typed.items():
            self._options[name].setText(words)

    def _show_options(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self._options = {}
        offer = self.chosen()
        for name in offer.options if offer else ():
            field, caption = QLineEdit(), QLabel(str(OPTIONS.get(name, name)))
            field.setObjectName(name)
            field.setPlaceholderText(str(text("as usual")))
            field.setAccessibleName(caption.text())
            caption.setBuddy(field)
            self._form.addRow(caption, field)
            self._options[name] = field


def world_groups(status: dict[str, Any]) -> list[tuple[Text, Rows]]:
    """Return the world as headings with rows: pools, services, work going on, scenes and faults. Each row is a name
    and how it stands."""
    pools: Rows = [(pool["id"], _pool(pool)) for pool in status["pools"]]
    services: Rows = [(one["host"], _service(one)) for one in status["services"]]
    work: Rows = [(one["subject"], _work(one)) for one in status["work"]]
    made: Rows = [(name, "") for name in (*status["scenes"], *status["faults"])]
    none: Rows = [(text("none"), "")]
    return [
        (text("Pools: provisioning, desktops"), pools),
        (text("Services"), services),
        (text("Work going on"), work or none),
        (text("Scenes and faults"), made or none),
        (text("Backups that SQL Server has on record"), [(str(status["backups"]), "")]),
    ]


def _pool(pool: dict[str, Any]) -> Text:
    states = [
        text("{count} {state}", count=count, state=_word(DESKTOPS, state)) for state, count in pool["states"].items()
    ]
    return text("{switch}; {states}", switch=SWITCH[pool["provisioning"]], states=listed(states) if states else "0")


def _service(service: dict[str, Any]) -> Text:
    # how it stands comes first: the name of a service may be longer than the panel is wide
    return text("{state}: {name}", name=service["display"], state=_word(SERVICES, service["state"]))


def _work(work: dict[str, Any]) -> Text:
    kind = _word(WORK, work["kind"])
    return text("{kind}, scheduled", kind=kind) if work["phase"] == "scheduled" else kind


def _word(words: dict[str, Text], key: str) -> Text:
    """Return the word for a state of the world; what has none is shown as the world calls it."""
    return words.get(key, Text("{name}", {"name": key}))
