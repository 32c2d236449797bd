"""What every page of the wizard is: a widget that edits a draft and states facts. It never decides what comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.desk import Desk
from ui.bridge import Job
from ui.flow import Draft, Facts


@dataclass
class Services:
    """What pages are given: the desk of the command line, and work in threads. Tests hand in doubles through it."""

    desk: Desk
    open_path: Callable[[Path], None]
    ask_trust: bool = True
    jobs: list[Job] = field(default_factory=list)

    def work(self, owner: QObject, work: Callable[[Job], Any]) -> Job:
        """Return a job, not yet started; the shell waits for it at the end."""
        job = Job(work, owner)
        self.jobs.append(job)
        job.ended.connect(lambda: self.jobs.remove(job) if job in self.jobs else None)
        return job


class WizardPage(QWidget):
    """A page. `entered` is called with the draft when it is shown; `draft` gives back what it made of it.

    `facts_changed` whenever facts differ; `go_on` asks the shell to press Next (a double click, a finished run);
    `elsewhere` asks it to open a page directly, with changes of the draft (the result offers to resume a run)."""

    facts_changed = Signal()
    go_on = Signal()
    elsewhere = Signal(str, object)
    trouble = Signal(str)

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.layout_ = QVBoxLayout(self)
        self.layout_.setContentsMargins(0, 0, 0, 0)
        self.layout_.setSpacing(12)
        self._draft = Draft()

    def entered(self, draft: Draft) -> None:
        """Take the draft over and show it."""
        self._draft = draft

    def draft(self) -> Draft:
        """Return the draft with what was chosen or typed here."""
        return self._draft

    def facts(self) -> Facts:
        return Facts()

    def leaving(self, forward: bool) -> bool:
        """Say whether the page may be left; a page that saves something does it here, and says no when it cannot."""
        del forward
        return True

    def stop(self) -> None:
        """The operator wants to stop what goes on here. Only asked of a page whose facts say `working`."""

    def first_focus(self) -> QWidget | None:
        """Return what the keyboard is given to when the page is shown: here, what comes first in the order of Tab."""
        widget = self.nextInFocusChain()
        while widget is not None and widget is not self:
            ready = self.isAncestorOf(widget) and widget.isVisibleTo(self) and widget.isEnabled()
            if ready and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                return widget
            widget = widget.nextInFocusChain()
        return None

    def retranslate(self) -> None:
        """Put all words into the language that is chosen now."""
