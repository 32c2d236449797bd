"""The walk through what a smooth backup does not show: no set yet, a run at work, its log and cards, what stays off."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from build.pictures.walk import SIZE, Walk, kill_a_run, world

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from app.engine.ending import Ending
    from ui.pages.run import RunPage


def walk_what_may_go_wrong(w: Walk, data: Path) -> None:
    """Look at what a smooth backup does not show: no set yet, the panel's tabs, a run at work, its log, its cards."""
    from app import practising
    from app.desk import Desk
    from app.practising import Kind, Offer
    from app.texts import NOTHING
    from ui.flow import Page, Task

    desk = Desk(data)
    w.ready("start")
    w.shell.jump(Page.CHOOSE_SET, task=Task.VERIFY, profile=desk.profile("practice"))
    w.ready("choose-set")
    w.shoot("choose-set-none")
    w.shell.jump(Page.VERIFY, set_folder=data / "repository" / "gone")
    w.ready("verify")
    w.shoot("verify-failed")
    w.shell.jump(Page.REVIEW, task=Task.BACK_UP)
    w.ready("review")
    w.choose("show-commands")
    w.shoot("review-commands")
    practising.make(desk, Offer(Kind.SCENE, "recompose-running", NOTHING))
    _look_at_the_panel(w)
    practising.make(desk, Offer(Kind.SCENE, practising.QUIET, NOTHING))
    _slow_export(data)
    w.shell.forward()
    w.until(lambda: "vdmexport" in _now(w))
    w.shoot("run-at-work")
    w.shoot_dialog("question-stop", partial(_stop_question, w))
    _look_at_the_log(w)
    _look_at_cards(w)
    w.until(lambda: not w.shell.page.facts().working)
    w.shoot("run-over")
    w.shell.jump(Page.RESULT, ended=_still_off(), ending={})
    w.ready("result")
    w.shoot("result-still-off")
    kill_a_run(w, desk)
    w.shell.jump(Page.CHECKS, task=Task.BACK_UP)
    w.ready("checks")
    w.shoot("checks-left-off")


def _stop_question(w: Walk) -> QDialog:
    box, _stop = w.shell.stop_question()
    box.open()
    return box


def _still_off() -> Ending:
    """Return the ending that nobody wants: something is still off, and what puts it back by hand."""
    from app.engine.ending import Ending, Status
    from app.engine.journal import Held
    from app.errors import UserError
    from app.texts import text

    held = Held(
        number=1, run="20260101-000000-abcd", key="backup/freeze/composer", closer="composer", before={},
        what_is_off=text("Provisioning of: {pools}", pools="Sales"),
        by_hand=("Update-AutomaticPool -pool_id sales-lc -is_provisioning_enabled $true",), leave="close", opened=0,
    )  # fmt: skip
    error = UserError(text("The practice environment is not running."), do=text("Look at its disk."))
    return Ending(held.run, Status.NEEDS_YOU, error, (held,))


def _slow_export(data: Path) -> None:
    """Let the export take long enough to look at the run."""
    from app.lab import process

    running = process.published(data)
    assert running is not None
    process.send(running, "fault", system="winrm:broker1", call="*vdmexport* -f *", kind="slow", detail="30", times=1)


def _run_page(w: Walk) -> RunPage:
    from ui.pages.run import RunPage

    assert isinstance(w.shell.page, RunPage)
    return w.shell.page


def _now(w: Walk) -> str:
    from PySide6.QtWidgets import QLabel

    found = w.shell.page.findChild(QLabel, "now")
    return found.text() if found is not None else ""


def _look_at_the_panel(w: Walk) -> None:
    """Open the practice panel in the smallest window, and look at each of its tabs."""
    from PySide6.QtWidgets import QTabWidget

    w.choose("practice-button")
    w.until(lambda: "sales-lc" in world(w))
    w.shell.resize(SIZE[0] + 340, SIZE[1])
    tabs = w.shell.findChild(QTabWidget, "practice-tabs")
    assert tabs is not None
    for number, name in enumerate(("world", "scenes", "faults", "acts")):
        tabs.setCurrentIndex(number)
        w.shoot(f"panel-{name}")
    w.choose("practice-button")
    w.shell.resize(*SIZE)


def _look_at_the_log(w: Walk) -> None:
    """Look at the log of the run that is going on: searched, with a line chosen; and at its commands."""
    from PySide6.QtWidgets import QTabWidget

    from ui.pages.run import COMMANDS, LOG, STEPS
    from ui.widgets.logview import LogView

    tabs = w.shell.page.findChild(QTabWidget, "tabs-of-run")
    assert tabs is not None
    log, commands = (tabs.widget(number) for number in (LOG, COMMANDS))
    assert isinstance(log, LogView)
    assert isinstance(commands, LogView)
    tabs.setCurrentIndex(LOG)
    log.search.setText("vc1")
    log.go(1)
    w.shoot("run-log")
    tabs.setCurrentIndex(COMMANDS)
    commands.table.selectRow(1)
    w.shoot("run-commands")
    tabs.setCurrentIndex(STEPS)


def _look_at_cards(w: Walk) -> None:
    """Look at the cards that no backup of the practice environment brings: a question, and a person's turn."""
    from PySide6.QtWidgets import QTabWidget

    from app.engine.prompter import GuidedCard
    from app.observation import Observation, State
    from app.texts import text
    from ui.asking import AskGuided, AskYesNo
    from ui.bridge import Question
    from ui.pages.run import LOG

    page = _run_page(w)
    page.ask(Question(AskYesNo("warnings", text("There are {count} warnings. Go on?", count=2))))
    w.shoot("run-question")
    w.choose("yes")
    proof = Observation("turn", State.BLOCKED, text("View Composer is stopped: linked clones cannot be worked on."))
    turn = GuidedCard(
        "turn", text("Start a Windows service."), text("Look at its disk."),
        text("Another product makes an image backup of all servers that View does not make."), proof, may_skip=True,
    )  # fmt: skip
    page.ask(Question(AskGuided(turn)))
    w.shoot("run-guided")
    tabs = page.findChild(QTabWidget, "tabs-of-run")
    assert tabs is not None
    tabs.setCurrentIndex(LOG)  # who reads the log is not taken away from the page when the run is over
