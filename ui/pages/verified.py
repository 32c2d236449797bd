"""What came of verifying a set: one sentence, and every file that is not as it was captured, by name."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from app.observation import Observation, State
from app.texts import Text, text
from app.words import clean
from ui.flow import Draft
from ui.models.answers import SIGNS
from ui.page import Services, WizardPage
from ui.pages.verify import KINDS, row, show_seen
from ui.widgets.columns import Columns
from ui.widgets.parts import button, classed, copy, keyed, label, larger

ORDER = (State.BLOCKED, State.UNKNOWN, State.WARNING, State.PASSED)


class VerifiedPage(WizardPage):
    """Shows `draft.verified`, the worst first."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._verdict, self._where = label("verdict", bold=True), label("where", soft=True)
        larger(self._verdict)
        self._table, self._all = Columns("seen"), QCheckBox()
        self._all.setObjectName("show-all")
        self._copy, self._open = button("copy"), button("open-folder")
        self._all.toggled.connect(self._show)
        self._copy.clicked.connect(lambda: copy(self.report()))
        self._open.clicked.connect(self._open_folder)
        self.layout_.addWidget(self._verdict)
        self.layout_.addWidget(self._where)
        self.layout_.addWidget(self._all)
        self.layout_.addWidget(self._table, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self._open)
        buttons.addWidget(self._copy)
        buttons.addStretch(1)
        self.layout_.addLayout(buttons)

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._all.setChecked(verdict(draft.verified)[0] is State.PASSED)
        self._show()

    def first_focus(self) -> QWidget | None:
        return self._table if self._table.rowCount() else self._open

    def report(self) -> str:
        """Return the verdict and every file as lines to be kept or sent."""
        lines = [str(verdict(self._draft.verified)[1]), str(self._draft.set_folder)]
        return "\n".join([*lines, *("\t".join(row(one)[0]) for one in _sorted(self._draft.verified))]) + "\n"

    def retranslate(self) -> None:
        self._all.setText(keyed(text("Show also what is as it was captured"), "h"))
        self._copy.setText(keyed(text("Copy the list"), "L"))
        self._open.setText(keyed(text("Open the folder"), "O"))
        self._table.setAccessibleName(str(text("What was seen of each file")))
        self._show()

    def _open_folder(self) -> None:
        if self._draft.set_folder is not None:
            self.services.open_path(self._draft.set_folder)

    def _show(self) -> None:
        state, words = verdict(self._draft.verified)
        self._verdict.setText(f"{SIGNS[state]}  {words}")
        classed(self._verdict, KINDS.get(state, "good"))
        self._where.setText(clean(str(self._draft.set_folder or "")))
        shown = [one for one in _sorted(self._draft.verified) if self._all.isChecked() or one.state is not State.PASSED]
        show_seen(self._table, shown)


def verdict(seen: tuple[Observation, ...]) -> tuple[State, Text]:
    """Return how a set stands, and the sentence for it."""
    if not seen:
        return State.UNKNOWN, text("Whether the set is whole is not known: nothing of it has been read.")
    bad = sum(one.state is State.BLOCKED for one in seen)
    unknown = sum(one.state is State.UNKNOWN for one in seen)
    strange = sum(one.state is State.WARNING for one in seen)
    if bad:
        return State.BLOCKED, text(
            "The set is damaged. Do not restore from it; files that are not as they were captured: {count}.", count=bad
        )
    if unknown:
        return State.UNKNOWN, text(
            "Whether the set is whole is not known. Files that could not be looked at: {count}.", count=unknown
        )
    if strange:
        return State.WARNING, text("The set is whole. Files in its folder with a remark: {count}.", count=strange)
    return State.PASSED, text("The set is whole: all {count} files are as they were captured.", count=len(seen))


def _sorted(seen: tuple[Observation, ...]) -> list[Observation]:
    return sorted(seen, key=lambda one: ORDER.index(one.state))
