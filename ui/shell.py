"""The wizard's own shell: steps on the left, a header, the page, one row of buttons. Only the shell sets buttons."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.texts import LANGUAGES, Text, language, text, use_language
from ui.flow import FLOW, STOP, Draft, Page, Wizard
from ui.page import Services, WizardPage
from ui.widgets.pagestack import PageStack
from ui.widgets.parts import Button, classed, keyed
from ui.widgets.steps import StepList

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMessageBox

    from ui.bridge import Job
    from ui.widgets.practice import PracticePanel

SMALLEST = (1024, 640)
LANGUAGE_NAMES = {"en": "English", "zh_CN": "简体中文"}
PUTTING_BACK = text("The run is being stopped: what it has switched off is put back first. Close this window then.")
PRACTICE = text("PRACTICE: nothing here touches a real system")


class Shell(QMainWindow):
    """The window. It shows where a `Wizard` stands and moves it; it decides nothing itself."""

    language_changed = Signal()

    def __init__(
        self, services: Services, make: Callable[[Page, Services], WizardPage], wizard: Wizard | None = None
    ) -> None:
        super().__init__()
        self.services, self._make, self._wizard = services, make, wizard or Wizard()
        self._pages: dict[Page, WizardPage] = {}
        self._panel: PracticePanel | None = None
        self._closing = False
        self._build()
        self.retranslate()
        self._show()

    # ---- moving

    @property
    def wizard(self) -> Wizard:
        return self._wizard

    @property
    def page(self) -> WizardPage:
        name = self._wizard.page
        if name not in self._pages:
            self._pages[name] = self._made(name)
        return self._pages[name]

    def forward(self) -> None:
        """What Next does; on a last page it closes the window."""
        self._gather()
        if not self._wizard.buttons(self.page.facts()).following_on or not self.page.leaving(forward=True):
            return
        self._gather()
        if self._wizard.stop.last:
            self.close()
            return
        self._wizard = self._wizard.forward()
        self._show()

    def backward(self) -> None:
        """What Back does; what was typed is kept in the draft."""
        if self._wizard.can_go_back() and not self.page.facts().working and self.page.leaving(forward=False):
            self._gather()
            self._wizard = self._wizard.backward()
            self._show()

    def jump(self, page: Page, **changes: object) -> None:
        """Open a page directly; what the present one is looking at is looked at no longer, as with Back."""
        self._gather()
        self.page.leaving(forward=False)
        self._wizard = self._wizard.jump(page, **changes)
        self._show()

    def show_trouble(self, details: str) -> None:
        """Show the page for errors of the program itself. A run that goes on is stopped: nobody would see its
        questions, and what it has switched off must come back on."""
        if self._wizard.page is Page.TROUBLE:
            return
        broken = self.page
        self._wizard = self._wizard.jump(Page.TROUBLE, trouble=details)  # first: what fails now comes back here
        with contextlib.suppress(Exception):  # the page itself may be what has failed
            broken.leaving(forward=False)
        if _works(broken):
            with contextlib.suppress(Exception):
                broken.stop()
            for job in list(self.services.jobs):
                job.stop()
                job.ended.connect(self._refresh)
        self._end_dialogs()
        self._show()

    def cancel(self) -> None:
        """What Cancel or Stop does: a run is stopped safely after a question, everything else just ends."""
        if not self.page.facts().working:
            self.close()
        elif self._sure():
            self.page.stop()

    def escape(self) -> None:
        """What Esc does: it stops a run (after a question), else goes back; it never closes what is not at its end."""
        if self.page.facts().working:
            self.cancel()
        elif self._wizard.stop.last:
            self.close()
        else:
            self.backward()

    def start_anew(self) -> None:
        """Go back to the first page with an empty draft."""
        self._wizard = Wizard(draft=Draft(recovery_due=False))
        self._show()

    # ---- showing

    def retranslate(self) -> None:
        """Put all words into the chosen language, at once."""
        self._language.setText(LANGUAGE_NAMES[self._other_language()])
        self._language.setAccessibleName(str(text("Change the language")))
        self._language.setToolTip(str(text("Change the language")))
        self._practice_words.setText(str(PRACTICE))
        self._practice_button.setText(keyed(text("Practice panel"), "i"))
        self._practice_button.setAccessibleName(str(text("Practice panel")))
        if self._panel is not None:
            self._panel.retranslate()
        self._back.setText(keyed(text("Back"), "B"))
        for page in self._pages.values():
            page.retranslate()
        self._refresh()
        self.language_changed.emit()

    def _build(self) -> None:
        self._fit_the_screen()
        self._steps, self._stack = StepList(), PageStack()
        self._title, self._error = QLabel(), QLabel()
        self._title.setObjectName("title")
        self._title.setWordWrap(True)
        self._error.setObjectName("error")
        self._error.setWordWrap(True)
        self._error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._language = QToolButton()
        self._language.setObjectName("language")
        self._language.setAutoRaise(True)
        self._language.clicked.connect(self._change_language)
        self._back, self._next, self._cancel = Button(), Button(), Button()
        self._next.setObjectName("next")
        self._back.clicked.connect(self.backward)
        self._next.clicked.connect(self.forward)
        self._cancel.clicked.connect(self.cancel)
        QShortcut(QKeySequence(Qt.Modifier.ALT | Qt.Key.Key_Left), self, self.backward)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.escape)
        self._central = self._arranged()
        self.setCentralWidget(self._central)

    def _fit_the_screen(self) -> None:
        """Let the window be as small as its screen: at 200 % a usual one has 960x540 points, less the taskbar."""
        title_bar = 2 * self.fontMetrics().height()  # its height is known only once the window has it
        room = self.screen().availableGeometry().size() - QSize(0, title_bar)
        self.setMinimumSize(QSize(*SMALLEST).boundedTo(room))

    def _banner(self) -> QWidget:
        """What tells practice from the real thing, on every page; its button opens the panel."""
        self._practice_words, self._practice_button = QLabel(), QPushButton()
        self._practice_words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._practice_words.setWordWrap(True)
        self._practice_button.setObjectName("practice-button")
        self._practice_button.setCheckable(True)
        self._practice_button.clicked.connect(self._show_panel)
        banner = QFrame()
        banner.setObjectName("practice")
        row = QHBoxLayout(banner)
        row.setContentsMargins(12, 4, 12, 4)
        row.addWidget(self._practice_words, 1)
        row.addWidget(self._practice_button)
        return banner

    def _show_panel(self, wanted: bool) -> None:
        """Show or hide the panel; the window grows for it where the screen has room."""
        if self._panel is None:
            from ui.widgets.practice import PracticePanel

            self._panel = PracticePanel(self.services)
            self._panel.hide()
            self._panel.visibilityChanged.connect(self._practice_button.setChecked)
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._panel)
        if wanted and not self.isMaximized():
            room = self.screen().availableGeometry().width()
            self.resize(min(self.width() + self._panel.sizeHint().width(), max(room, self.width())), self.height())
        self._panel.setVisible(wanted)

    def _made(self, name: Page) -> WizardPage:
        page = self._make(name, self.services)
        page.retranslate()
        self._stack.addWidget(page)
        page.facts_changed.connect(self._refresh)
        page.go_on.connect(partial(self._go_on, page))
        page.elsewhere.connect(lambda wanted, changes: self.jump(Page(wanted), **changes))
        page.trouble.connect(self.show_trouble)
        return page

    def _arranged(self) -> QWidget:
        header = QHBoxLayout()
        header.addWidget(self._title, 1)
        header.addWidget(self._language)
        buttons = QHBoxLayout()
        buttons.addWidget(self._error, 1)
        for button in (self._back, self._next, self._cancel):
            buttons.addWidget(button)
        right = QVBoxLayout()
        right.setContentsMargins(28, 20, 28, 20)
        right.setSpacing(14)
        right.addLayout(header)
        right.addWidget(self._stack.scrolled(), 1)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setObjectName("line")
        right.addWidget(line)
        right.addLayout(buttons)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self._steps)
        body.addLayout(right, 1)
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self._practice = self._banner()
        whole.addWidget(self._practice)
        whole.addLayout(body, 1)
        central = QWidget()
        central.setLayout(whole)
        return central

    def _show(self) -> None:
        page = self.page
        self._stack.setCurrentWidget(page)
        page.entered(self._wizard.draft)
        self._refresh()
        (page.first_focus() or self._next).setFocus(Qt.FocusReason.OtherFocusReason)

    def _go_on(self, page: WizardPage) -> None:
        # its work may have ended after the operator had gone elsewhere, or closed the window: nothing begins unseen
        if page is self.page and not self._closing:
            self.forward()

    def _gather(self) -> None:
        self._wizard = self._wizard.with_draft(self.page.draft())

    def _refresh(self) -> None:
        self._gather()
        facts, wizard = self.page.facts(), self._wizard
        buttons = wizard.buttons(facts)
        title = str(FLOW[wizard.page].title)
        self._title.setText(title)
        # what the taskbar shows, and a screen reader says first
        self.setWindowTitle(str(text("{title} – ViewKeeper", title=FLOW[wizard.page].title)))
        self._stack.setAccessibleName(title)
        self._steps.show_steps([(FLOW[page].step, present) for page, present in wizard.steps()])
        practice = facts.practice or bool(wizard.draft.profile and wizard.draft.profile.practice)
        self._practice.setVisible(practice)
        if not practice and self._panel is not None:
            self._panel.hide()
        words = facts.error or (PUTTING_BACK if self._putting_back() else facts.hint)
        self._error.setText(str(words or ""))
        classed(self._error, "soft" if words is facts.hint else "error")
        self._back.setVisible(buttons.back)
        self._next.setText(_with_key(buttons.following, "C" if wizard.stop.last else "N"))
        self._next.setEnabled(buttons.following_on)
        self._cancel.setVisible(buttons.cancel is not None)
        if buttons.cancel is not None:
            self._cancel.setText(_with_key(buttons.cancel, "S" if buttons.cancel is STOP else "C"))
            self._cancel.setEnabled(buttons.cancel_on)

    def _other_language(self) -> str:
        return next(one for one in LANGUAGES if one != language())

    def _change_language(self) -> None:
        use_language(self._other_language())
        self.retranslate()

    # ---- ending

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  # Qt's name
        """A window with a run in it does not just go away: it asks, and stops the run safely first."""
        if self.page.facts().working:
            event.ignore()
            if self._sure():
                self.page.stop()
            return
        if self._putting_back():
            event.ignore()
            return
        if self._panel is not None:
            self._panel.hide()
        self._closing = True
        self.hide()  # what is still being looked at may take a while to notice that nobody waits for it
        self._end_dialogs()
        self._end_jobs()
        super().closeEvent(event)

    def _end_dialogs(self) -> None:
        """Close the questions of a page that is left: nobody would hear their answers."""
        for dialog in self.findChildren(QDialog):
            dialog.reject()

    def _end_jobs(self) -> None:
        """Stop all jobs, and wait for them; also for those that the end of one begins, as the report of a defect."""
        waited: list[Job] = []
        while left := [job for job in self.services.jobs if job not in waited]:
            for job in left:
                job.stop()
            for job in left:
                job.wait()
            waited += left

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  # Qt's name
        """Follow the window to screens of other sizes."""
        super().showEvent(event)
        if not event.spontaneous():
            self.windowHandle().screenChanged.connect(self._fit_the_screen)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  # Qt's name
        """Enter presses the button that has the keyboard, and elsewhere on a page Next."""
        focus = self.focusWidget()
        ours = focus is not None and self._central.isAncestorOf(focus)
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or not ours:
            super().keyPressEvent(event)
        elif event.isAutoRepeat():
            event.accept()  # a key that is held down must not run through the pages, and begin a backup unread
        elif isinstance(focus, QPushButton | QToolButton):
            focus.click()
        else:
            self.forward()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._steps.update()

    def _putting_back(self) -> bool:
        """Say whether a run is still at work behind the page of trouble: it ends by itself, and is not cut off."""
        working = any(_works(page) for page in self._pages.values() if page is not self.page)
        return self._wizard.page is Page.TROUBLE and working and any(job.running for job in self.services.jobs)

    def _sure(self) -> bool:
        box, stop = self.stop_question()
        box.exec()
        return box.clickedButton() is stop

    def stop_question(self) -> tuple[QMessageBox, QPushButton]:
        """Return the question before a run is stopped, not yet asked, and its button that stops the run."""
        from PySide6.QtWidgets import QMessageBox

        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(str(text("Stop this run?")))
        box.setInformativeText(
            str(text("What it has switched off is put back first. You can resume or undo it afterwards."))
        )
        stop = box.addButton(keyed(text("Stop the run"), "S"), QMessageBox.ButtonRole.AcceptRole)
        go_on = box.addButton(keyed(text("Go on"), "G"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(go_on)
        return box, stop


def _works(page: WizardPage) -> bool:
    """Say whether a run goes on in a page; one that cannot say it counts as at work, so that it is stopped."""
    try:
        return page.facts().working
    except Exception:  # noqa: BLE001  # the page itself may be what has failed
        return True


def _with_key(words: Text, key: str) -> str:
    """Return a button's words with its access key; words in Latin letters that lack it go without: Enter and Esc do."""
    shown = str(words)
    return shown if shown.isascii() and key.lower() not in shown.lower() else keyed(words, key)
