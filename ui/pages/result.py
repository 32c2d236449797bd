"""What came of a run: what was captured and how it is proven, what is weak; or what is off, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import history
from app.backupset.manifest import Manifest, Part
from app.engine.ending import Ending, PlanDiffers, Status
from app.errors import UserError
from app.logs import log_file
from app.texts import Text, listed, text
from app.words import component_word
from ui.bridge import Job
from ui.flow import Draft, Facts, Page, Task
from ui.page import Services, WizardPage
from ui.widgets.cards import Card
from ui.widgets.columns import Columns
from ui.widgets.parts import button, card, classed, copy, keyed, label, larger
from ui.widgets.report import ReportDialog, report_words
from ui.widgets.times import size, span

if TYPE_CHECKING:
    from app.engine.journal import Held

SIGNS = {Status.DONE: "✓", Status.UNDONE: "✓", Status.WAITING: "…", Status.STOPPED: "■"}
COMING_BACK = (Status.FAILED, Status.STOPPED, Status.NEEDS_YOU, Status.WAITING)
KINDS = {Status.DONE: "good", Status.UNDONE: "good", Status.WAITING: "warning", Status.STOPPED: ""}
HEADINGS = (text("Component"), text("File"), text("Size"), text("Proven by"))
BESIDE_BAR = 8
HAPPENED = text("What happened")
NEXT = text("What you can do next")
RESUME = text("Resume keeps what still stands, and does the rest in a new freeze.")
UNDO = text("Undo puts back what is still off, and removes what was captured so far.")


@dataclass(frozen=True)
class Seen:
    """What a set's folder says of itself: its manifest, or why it could not be read."""

    folder: Path
    manifest: Manifest | None
    problem: UserError | None = None


class ResultPage(WizardPage):
    """Says how the run ended. All that lies in the set is read from its manifest."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._seen: Seen | None = None
        self._job: Job | None = None
        self._build()
        self.retranslate()

    # ---- what the shell asks

    def entered(self, draft: Draft) -> None:
        super().entered(draft)
        self._seen, self._job = None, None
        folder = (draft.ending or {}).get("set")
        if folder:
            self._read(Path(folder))
        self._show()

    def facts(self) -> Facts:
        return Facts(busy=self._job is not None)

    def first_focus(self) -> QWidget | None:
        return next((one for one in (self._resume, self._open) if one.isVisibleTo(self)), None)

    def retranslate(self) -> None:
        for widget, words, key in (
            (self._open, text("Open the folder"), "O"), (self._report, text("Report"), "R"),
            (self._log, text("Log file"), "L"), (self._copy, text("Copy"), "Y"),
            (self._resume, text("Resume the run"), "U"), (self._undo, text("Undo the run"), "D"),
        ):  # fmt: skip
            widget.setText(keyed(words, key))
        self._next_title.setText(str(NEXT))
        self._resume_means.setText(str(RESUME))
        self._undo_means.setText(str(UNDO))
        self._parts.setAccessibleName(str(text("What was captured")))
        self._scroll.setAccessibleName(str(text("The result")))
        self._show()

    # ---- building

    def _build(self) -> None:
        self._sentence, self._figures, self._folder = label("sentence", bold=True), label("figures"), label("folder")
        larger(self._sentence)
        self._captured = label("captured", bold=True)
        self._open, self._report, self._log = button("open-folder"), button("report"), button("log-file")
        self._copy, self._resume, self._undo = button("copy-result"), button("resume"), button("undo")
        self._open.clicked.connect(self._open_folder)
        self._report.clicked.connect(self._show_report)
        self._log.clicked.connect(self._open_log)
        self._copy.clicked.connect(lambda: copy(self.words()))
        self._resume.clicked.connect(lambda: self._again(Task.RESUME))
        self._undo.clicked.connect(lambda: self._again(Task.UNDO))
        self._parts = self._made_table()
        self._next = self._made_next()
        self._body = QVBoxLayout()
        self._body.setSpacing(8)
        self._body.setContentsMargins(0, 0, 0, 0)
        inner = QWidget()
        inner.setLayout(self._body)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        # beside the bar there is some room; where there is none, all ends where the page ends
        bar = self._scroll.verticalScrollBar()
        bar.rangeChanged.connect(lambda _least, most: self._body.setContentsMargins(0, 0, BESIDE_BAR if most else 0, 0))
        row = QHBoxLayout()
        row.setSpacing(8)
        for offered in (self._open, self._report, self._log):
            row.addWidget(offered)
        row.addStretch(1)
        row.addWidget(self._copy)
        self.layout_.setSpacing(8)
        for widget in (self._sentence, self._figures, self._folder):
            self.layout_.addWidget(widget)
        self.layout_.addWidget(self._scroll, 1)
        self.layout_.addLayout(row)

    def _made_table(self) -> Columns:
        table = Columns("parts")
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().sectionResized.connect(self._fit)
        table.verticalHeader().geometriesChanged.connect(self._fit)
        return table

    def _made_next(self) -> QWidget:
        """What can be done about a run that is not over: each button beside what it means."""
        made = card("next-steps")
        self._next_title, self._resume_means, self._undo_means = label(bold=True), label(), label()
        grid = QGridLayout(made)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._next_title, 0, 0, 1, 2)
        for row, (offered, means) in enumerate(((self._resume, self._resume_means), (self._undo, self._undo_means)), 1):
            grid.addWidget(offered, row, 0)
            grid.addWidget(means, row, 1)
        return made

    def _fit(self) -> None:
        """Let the table be as high as its rows: the page scrolls, not the table in it."""
        table = self._parts
        height = table.horizontalHeader().height() + table.verticalHeader().length() + 2 * table.frameWidth()
        table.setFixedHeight(height)

    # ---- reading the set

    def _read(self, folder: Path) -> None:
        def work(_job: Job) -> Seen:
            from app.backupset import repository

            try:
                return Seen(folder, repository.open_set(folder))
            except UserError as error:
                return Seen(folder, None, error)

        job = self.services.work(self, work)
        job.done.connect(lambda seen: self._have_read(job, seen))
        job.broke.connect(self.trouble)
        self._job = job.start()

    def _have_read(self, job: Job, seen: Seen) -> None:
        if job is self._job:
            self._job, self._seen = None, seen
            self._show()
            self.facts_changed.emit()

    # ---- doing

    def _open_folder(self) -> None:
        if self._seen is not None:
            self.services.open_path(self._seen.folder)

    def _open_log(self) -> None:
        self.services.open_path(log_file(self.services.desk.data, self._draft.run))

    def _show_report(self) -> None:
        run, desk = self._draft.run, self.services.desk
        job = self.services.work(self, lambda _job: history.report(desk, run))
        job.done.connect(lambda told: ReportDialog(f"{self.words()}\n\n{report_words(told)}", run, self).open())
        job.failed.connect(lambda error: ReportDialog(f"{self.words()}\n\n{error}", run, self).open())
        job.broke.connect(self.trouble)
        job.start()

    def _again(self, task: Task) -> None:
        self.elsewhere.emit(str(Page.RUN), {"task": task, "run": self._draft.run, "ended": None, "ending": None})

    # ---- showing

    def words(self) -> str:
        """Return all that the page says, as text."""
        return "\n".join(self._all_words())

    def _all_words(self) -> Iterator[str]:
        yield self._sentence.text()
        for shown in (self._figures, self._folder):
            if shown.text():
                yield shown.text()
        for heading, lines in self._sections():
            yield ""
            yield str(heading)
            yield from (f"    {line}" for line in lines)
        if self._seen is not None and self._seen.manifest is not None:
            yield ""
            for part in self._seen.manifest.parts:
                yield f"    {part.file}  {size(part.size)}  {proof(part)}"

    def _show(self) -> None:
        ended = self._draft.ended
        self._clear()
        status = ended.status if ended is not None else None
        words = text("Nothing has been run yet.") if ended is None else ended.text
        self._sentence.setText(f"{SIGNS.get(status, '✕')}  {words}" if status else str(words))
        classed(self._sentence, KINDS.get(status, "error") if status else "")
        manifest = self._seen.manifest if self._seen is not None else None
        self._figures.setText(str(_figures(manifest)) if manifest else "")
        self._folder.setText(
            str(text("The set is in {folder}", folder=str(self._seen.folder))) if self._seen is not None else ""
        )
        for shown in (self._figures, self._folder):
            shown.setVisible(bool(shown.text()))
        if ended is not None:
            self._show_sections(ended)
        if manifest is not None:
            self._fill(manifest.parts)
        captured: tuple[QWidget, ...] = (self._captured, self._parts)
        for widget in captured:
            self._body.addWidget(widget)
            widget.setVisible(manifest is not None)
        self._body.addStretch(1)
        self._offer(ended)

    def _offer(self, ended: Ending | None) -> None:
        back = ended is not None and ended.status in COMING_BACK and bool(self._draft.run)
        undo_only = ended is not None and isinstance(ended.error, PlanDiffers) and bool(self._draft.run)
        for offered in (self._resume, self._resume_means):
            offered.setVisible(back)
        for offered in (self._undo, self._undo_means):
            offered.setVisible(back or undo_only)
        self._next.setVisible(back or undo_only)
        self._open.setVisible(self._seen is not None)
        known = bool(self._draft.run)
        self._report.setVisible(known)
        self._log.setVisible(known)

    def _sections(self) -> Iterator[tuple[Text, list[str]]]:
        """Yield what is said below the first sentence: headings, and lines under each."""
        ended = self._draft.ended
        if ended is None:
            return
        if ended.error is not None:
            error = ended.error
            yield HAPPENED, [str(one) for one in (error.what, error.why, error.do) if str(one)]
        for held in ended.off:
            yield text("Still off: {what}", what=held.what_is_off), list(_by_hand(held))
        if ended.status in COMING_BACK and self._draft.run:
            yield NEXT, [str(RESUME), str(UNDO)]
        elif isinstance(ended.error, PlanDiffers) and self._draft.run:
            yield NEXT, [str(UNDO)]
        weak = self._weak(ended)
        if weak:
            yield (text("What is weak") if self._seen is not None else text("What the run noticed")), weak
        manifest = self._seen.manifest if self._seen is not None else None
        if self._seen is not None and self._seen.problem is not None:
            yield text("The set could not be read"), [str(self._seen.problem)]
        if manifest is not None and manifest.missing:
            names = str(listed(component_word(gap.component) for gap in manifest.missing))
            yield text("Not in this set; keep it by other means"), [names]

    def _weak(self, ended: Ending) -> list[str]:
        manifest = self._seen.manifest if self._seen is not None else None
        found = [str(one) for one in (*(manifest.weaknesses if manifest else ()), *ended.warnings)]
        found += [str(text("Skipped by your word: {step}", step=key)) for key in ended.skipped]
        return list(dict.fromkeys(found))

    def _show_sections(self, ended: Ending) -> None:
        off = {str(text("Still off: {what}", what=held.what_is_off)) for held in ended.off}
        for heading, lines in self._sections():
            if heading is NEXT:
                self._body.addWidget(self._next)
                continue
            made = Card("section", "trouble" if heading is HAPPENED or str(heading) in off else "")
            made.say(heading, bold=True)
            for line in lines:
                made.say(line, command=str(heading) in off)
            made.finish()
            self._body.addWidget(made)

    def _clear(self) -> None:
        while (item := self._body.takeAt(0)) is not None:
            widget = item.widget()
            if isinstance(widget, Card):
                widget.hide()
                widget.deleteLater()

    def _fill(self, parts: Sequence[Part]) -> None:
        self._captured.setText(str(text("What was captured")))
        cells = [(str(component_word(part.component)), part.file, size(part.size), str(proof(part))) for part in parts]
        self._parts.show_rows(HEADINGS, [(words, None) for words in cells])
        self._fit()


def _figures(manifest: Manifest) -> Text:
    return text(
        "{files} files, {size}. Freeze {freeze}, skew {skew}. {pools} pools, {desktops} desktops.",
        files=len(manifest.parts), size=size(sum(part.size for part in manifest.parts)),
        freeze=_seconds(manifest.freeze_seconds), skew=_seconds(manifest.skew_seconds),
        pools=manifest.counts.get("pools", len(manifest.pools)), desktops=manifest.counts.get("desktops", 0),
    )  # fmt: skip


def _seconds(value: float) -> Text | str:
    return text("{seconds} s", seconds=f"{value:.1f}") if value < 60 else span(value)


def _by_hand(held: Held) -> Iterator[str]:
    yield from held.by_hand
    if str(held.note):
        yield str(held.note)


def proof(part: Part) -> Text:
    """Return how a file of a set was proven, from its evidence."""
    evidence: dict[str, Any] = part.evidence
    row, read = evidence.get("row"), evidence.get("read")
    if row:
        return text("msdb has its row; {verified}", verified=str(evidence.get("verified", "")))
    if read:
        return text(
            "read whole: {entries} entries, {pools} pools, {desktops} desktops",
            entries=read.get("entries", 0), pools=read.get("pools", 0), desktops=read.get("desktops", 0),
        )  # fmt: skip
    return text("size and SHA-256, read back")
