"""The view of a log: levels, search with the places marked, follow and hold, copy, save."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPalette, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.errors import UserError
from app.texts import NOTHING, Text, text
from ui.bridge import Job
from ui.models.log import Level, Log, LogModel, Show
from ui.page import Services
from ui.widgets.parts import button, copy, fixed_letters, keyed, label

KINDS: tuple[tuple[Text, frozenset[Level]], ...] = (
    (text("Everything"), frozenset(Level)),
    (text("Steps, warnings and errors"), frozenset((Level.STEP, Level.WARNING, Level.ERROR))),
    (text("Warnings and errors"), frozenset((Level.WARNING, Level.ERROR))),
    (text("Commands"), frozenset((Level.COMMAND,))),
)
MARGIN = 4
ALIGNED = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
MARK = {"light": "#ffe58a", "dark": "#6b5600"}


class LogView(QWidget):
    """A log to be read while it grows. While it follows, the newest line is in sight; scrolling up holds it."""

    def __init__(self, services: Services, log: Log, *, commands: bool = False, keys: str = "WYV") -> None:
        """`commands`: shows only commands, and offers no levels. `keys` are the access keys of follow, copy and save,
        which must be no others' on the page."""
        super().__init__()
        self._services = services
        self._commands, self._keys, self._only = commands, keys, NOTHING
        self.model = LogModel(log, self)
        self._found: list[int] = []
        self._said: Text | None = None
        self._feeding = False
        self._build()
        if commands:
            self.model.show_only(Show(KINDS[-1][1]))
        self.model.rowsAboutToBeInserted.connect(self._before_rows)
        self.model.rowsInserted.connect(self._after_rows)
        self.retranslate()

    # ---- what others ask of it

    def show_step(self, key: str, title: Text) -> None:
        """Show the lines of one step only; "" shows all again."""
        self._only = title if key else NOTHING
        self._filter(Show(self.model.shown.levels, key))
        self.retranslate()

    def chosen(self) -> list[int]:
        """Return the rows that are marked, if they are several; else all that are shown."""
        marked = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return marked if len(marked) > 1 else list(range(self.model.rowCount()))

    def copy_lines(self) -> None:
        """Copy the marked lines, or all that are shown."""
        rows = self.chosen()
        job = self._services.work(self, lambda _job: self.model.lines(rows))
        job.done.connect(copy)
        job.start()

    def write(self, path: Path) -> Job:
        """Write what is shown into a file, as UTF-8; returns the work, begun."""
        rows = list(range(self.model.rowCount()))

        def work(_job: Job) -> None:
            try:
                path.write_text(self.model.lines(rows) + "\n", "utf-8")
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise UserError(
                    text("{path} could not be written.", path=str(path)), why, text("Choose another place.")
                ) from error

        job = self._services.work(self, work)
        job.done.connect(lambda _nothing: self._say(text("Saved: {path}", path=str(path))))
        job.failed.connect(
            lambda error: self._say(text("{what} {why} {do}", what=error.what, why=error.why, do=error.do))
        )
        return job.start()

    def retranslate(self) -> None:
        shown = self.levels.currentIndex()
        self.levels.blockSignals(True)
        self.levels.clear()
        self.levels.addItems([str(words) for words, _ in KINDS])
        self.levels.setCurrentIndex(max(0, shown))
        self.levels.blockSignals(False)
        self.levels.setAccessibleName(str(text("Which lines are shown")))
        self.search.setPlaceholderText(str(text("Search, Enter for the next place")))
        self.search.setAccessibleName(str(text("Search in the log")))
        self.follow.setText(keyed(text("Follow"), self._keys[0]))
        self.follow.setToolTip(str(text("Keep the newest line in sight; scrolling up holds the view.")))
        self.copy.setText(keyed(text("Copy"), self._keys[1]))
        self.save.setText(keyed(text("Save…"), self._keys[2]))
        self.all_steps.setText(str(text("All steps")))
        self.only.setText(str(text("Only: {title}", title=self._only)) if self._only.message else "")
        for widget in (self.only, self.all_steps):
            widget.setVisible(bool(self._only.message))
        self.table.setAccessibleName(str(text("Commands sent") if self._commands else text("Log")))
        self.whole.setAccessibleName(str(text("The chosen line, whole")))
        self.model.retranslate(self._search)
        self._count()

    # ---- building

    def _build(self) -> None:
        self.levels, self.search, self.follow = QComboBox(), QLineEdit(), QCheckBox()
        self.levels.setObjectName("levels")
        self.levels.setVisible(not self._commands)
        self.levels.currentIndexChanged.connect(self._level_chosen)
        self.search.setObjectName("search")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        self.search.installEventFilter(self)
        self.follow.setObjectName("follow")
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._follow_now)
        self.places = QLabel()
        self.copy, self.save, self.all_steps = button("copy-log"), button("save-log"), button("all-steps")
        self.copy.clicked.connect(self.copy_lines)
        self.save.clicked.connect(self._save)
        self.all_steps.clicked.connect(lambda: self.show_step("", NOTHING))
        self.only, self.empty = label("only", bold=True), label("empty", soft=True)
        self.whole = QPlainTextEdit()
        self.whole.setReadOnly(True)
        self.whole.setTabChangesFocus(True)
        self.whole.setVisible(False)
        self.table = self._table()
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus).setContext(
            Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        QShortcut(QKeySequence.StandardKey.FindNext, self, lambda: self.go(1)).setContext(
            Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        QShortcut(QKeySequence.StandardKey.FindPrevious, self, lambda: self.go(-1)).setContext(
            Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        self._arrange()

    def _table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("commands" if self._commands else "log")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        table.setItemDelegate(Marking(self))
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if self._commands:
            table.hideColumn(LogModel.SIGN)
        table.selectionModel().currentRowChanged.connect(self._row_chosen)
        table.verticalScrollBar().valueChanged.connect(self._scrolled)
        table.installEventFilter(self)
        return table

    def _arrange(self) -> None:
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(self.levels)
        above.addWidget(self.search, 1)
        above.addWidget(self.places)
        above.addWidget(self.follow)
        above.addWidget(self.copy)
        above.addWidget(self.save)
        only = QHBoxLayout()
        only.addWidget(self.only, 1)
        only.addWidget(self.all_steps)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(6)
        column.addLayout(above)
        column.addLayout(only)
        column.addWidget(self.empty)
        column.addWidget(self.table, 1)
        column.addWidget(self.whole)
        self._measure()

    def _measure(self) -> None:
        """Set what depends on the letters: no size here is asked of a row."""
        metrics = self.table.fontMetrics()
        self.table.verticalHeader().setMinimumSectionSize(1)
        self.table.verticalHeader().setDefaultSectionSize(metrics.height() + 6)
        for column, widest in (
            (LogModel.TIME, "00:00:00 "),
            (LogModel.SIGN, "✕ "),
            (LogModel.WHERE, "composer1 (SQL Server) "),
        ):
            self.table.setColumnWidth(column, metrics.horizontalAdvance(widest) + 12)
        self.whole.setFont(fixed_letters(self.whole))

    # ---- showing

    def _level_chosen(self, number: int) -> None:
        if number >= 0:
            self._filter(Show(KINDS[number][1], self.model.shown.key))

    def _filter(self, show: Show) -> None:
        self._feeding = True
        self.model.show_only(show)
        self._feeding = False
        self.whole.setVisible(False)
        self._search()
        self._count()
        self._follow_now(self.follow.isChecked())

    def _before_rows(self) -> None:
        self._feeding = True

    def _after_rows(self, _parent: QModelIndex, first: int, last: int) -> None:
        if self.search.text():
            self._found += self.model.find(self.search.text(), first, last + 1)
        self._count()
        if self.follow.isChecked():
            self.table.scrollToBottom()
        self._feeding = False

    def _follow_now(self, following: bool) -> None:
        if following:
            self._feeding = True
            self.table.scrollToBottom()
            self._feeding = False

    def _scrolled(self, value: int) -> None:
        """The operator has scrolled: away from the end it holds, back at the end it follows again."""
        if not self._feeding:
            self.follow.setChecked(value >= self.table.verticalScrollBar().maximum())

    def _row_chosen(self, current: QModelIndex, _before: QModelIndex) -> None:
        self.whole.setVisible(current.isValid())
        if current.isValid():
            entry = self.model.entry(current.row())
            self.whole.setPlainText(entry.words.replace(" ⏎ ", "\n"))
            self._fit_whole()

    def _fit_whole(self) -> None:
        """Give the whole line as much room as it needs, up to four lines."""
        spacing = self.whole.fontMetrics().lineSpacing()
        across = max(1, self.whole.viewport().width() // max(1, self.whole.fontMetrics().horizontalAdvance("0")))
        lines = sum(1 + len(line) // across for line in self.whole.toPlainText().splitlines())
        self.whole.setFixedHeight(spacing * min(max(lines, 1), 4) + 14)

    def _count(self) -> None:
        nothing = text("No command has been sent yet.") if self._commands else text("Nothing has been told yet.")
        words = self._said or (nothing if self.model.rowCount() == 0 else None)
        self.empty.setText(str(words or ""))
        self.empty.setVisible(words is not None)
        if not self.search.text():
            self.places.clear()
            return
        at = bisect.bisect_left(self._found, self.table.currentIndex().row()) + 1
        known = self.table.currentIndex().row() in self._found[at - 1 : at]
        total = len(self._found)
        self.places.setText(
            str(text("{at} of {total}", at=at, total=total) if known else text("{total} found", total=total))
        )

    # ---- searching

    def _search(self) -> None:
        self._found = self.model.find(self.search.text())
        self._count()
        self.table.viewport().update()

    def go(self, step: int) -> None:
        """Go to the next place that was found, or the one before."""
        if not self._found:
            return
        here = self.table.currentIndex().row()
        if step > 0:
            place = bisect.bisect_right(self._found, here) % len(self._found)
        else:
            place = bisect.bisect_left(self._found, here) - 1
        self.follow.setChecked(False)
        self.table.setCurrentIndex(self.model.index(self._found[place], LogModel.WHAT))
        self._count()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's name
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.search and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.go(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
            if watched is self.table and event.matches(QKeySequence.StandardKey.Copy):
                self.copy_lines()
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "table"):
            self._measure()

    # ---- saving

    def _save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, str(text("Save the log")), "viewkeeper.log", "*.log *.txt")
        if chosen:
            self.write(Path(chosen))

    def _say(self, words: Text) -> None:
        self._said = words
        self._count()


class Marking(QStyledItemDelegate):
    """Draws a cell of the log, with the places marked that the search has found.

    Qt's own delegate asks the model seven times for a cell; while another thread computes, each question waits."""

    def __init__(self, view: LogView) -> None:
        super().__init__(view)
        self._view = view

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        words = self._view.model.data(index)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        palette, rect = option.palette, option.rect
        if chosen:
            painter.fillRect(rect, palette.brush(QPalette.ColorRole.Highlight))
        if not words:
            return
        room, metrics = rect.adjusted(MARGIN, 0, -MARGIN, 0), option.fontMetrics
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width())
        wanted = self._view.search.text().casefold()
        if wanted:
            self._mark(painter, room, metrics.horizontalAdvance, shown, wanted, chosen=chosen)
        painter.setPen(palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text))
        painter.drawText(room, ALIGNED, shown)

    def _mark(
        self, painter: QPainter, room: QRect, wide: Callable[[str], int], shown: str, wanted: str, *, chosen: bool
    ) -> None:
        folded = shown.casefold()
        if len(folded) != len(shown):  # a letter that folds into two: its places would be others
            folded = shown.lower()
        theme = "dark" if self._view.palette().color(QPalette.ColorRole.Base).lightness() < 128 else "light"
        colour = QColor(0, 0, 0, 90) if chosen and theme == "light" else QColor(MARK[theme])
        if chosen and theme == "dark":
            colour = QColor(255, 255, 255, 110)
        place = folded.find(wanted)
        while place >= 0:
            left, right = wide(shown[:place]), wide(shown[: place + len(wanted)])
            top, bottom = room.top() + 2, room.bottom() - 2
            painter.fillRect(QRect(QPoint(room.left() + left, top), QPoint(room.left() + right, bottom)), colour)
            place = folded.find(wanted, place + len(wanted))
