"""The plan as a tree: what is done, and under it every command, with the host that it goes to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QFont, QStandardItem, QStandardItemModel

from app.dry_run import PlannedLine
from app.texts import text
from app.wire import plain_system
from app.words import clean

STEP = Qt.ItemDataRole.UserRole  # a step's key; commands have none


class PlanModel(QStandardItemModel):
    """Columns: what is done or sent, and to which system. Commands are rows under the line that sends them."""

    WHAT, WHERE = range(2)

    def __init__(self, letters: QFont, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._letters = letters
        self._lines: tuple[PlannedLine, ...] = ()

    def show_plan(self, lines: Sequence[PlannedLine]) -> None:
        """Show these lines."""
        self._lines = tuple(lines)
        self.clear()
        self.setHorizontalHeaderLabels([str(text("What is done")), str(text("Where"))])
        above: list[QStandardItem] = []
        holding = {line.key for line in self._lines if line.closing}
        for line in self._lines:
            del above[line.depth :]
            while len(above) < line.depth:  # what only holds others together has no words of its own
                above.append(above[-1] if above else self.invisibleRootItem())
            parent = above[-1] if above else self.invisibleRootItem()
            item = _row(parent, _words(line), _systems(line))
            item.setData(line.key, STEP)
            if line.unknown.message:
                item.setToolTip(str(line.unknown))
            above.append(item)
            sent = self._sent(item, line, holds=line.key in holding and not line.closing)
            for command in line.commands:
                self._command(sent, command.text, plain_system(command.system))

    def words(self) -> str:
        """Return the whole plan as text, commands and all."""
        written = []
        for line in self._lines:
            written.append("    " * line.depth + line.words)
            written += ["    " * line.depth + f"  {plain_system(c.system)}> {_one_line(c.text)}" for c in line.commands]
        return "\n".join(written)

    def _sent(self, item: QStandardItem, line: PlannedLine, *, holds: bool) -> QStandardItem:
        """Return where a step's commands stand: beside what happens while something is off, in a row of their own."""
        if not (holds and line.commands):
            return item
        return _row(item, str(text("Commands: {count}", count=len(line.commands))), "")

    def _command(self, parent: QStandardItem, words: str, system: str) -> None:
        item = _row(parent, _one_line(words), system)
        item.setFont(self._letters)
        item.setToolTip(clean(words))
        said = text("Command to {system}: {words}", system=system, words=_one_line(words))
        item.setData(str(said), Qt.ItemDataRole.AccessibleTextRole)


def _row(parent: QStandardItem, words: str, where: str) -> QStandardItem:
    made = [QStandardItem(words), QStandardItem(where)]
    for item in made:
        item.setEditable(False)
    parent.appendRow(made)
    return made[0]


def _words(line: PlannedLine) -> str:
    if not line.title.message:
        return str(text("Branch"))
    return str(line.title)


def _systems(line: PlannedLine) -> str:
    """Return where a line's commands go; of many systems, their number: their names stand with the commands."""
    systems = list(dict.fromkeys(plain_system(command.system) for command in line.commands))
    return ", ".join(systems) if len(systems) < 2 else str(text("{count} systems", count=len(systems)))


def _one_line(words: str) -> str:
    return clean("; ".join(part.strip() for part in words.splitlines() if part.strip()))
