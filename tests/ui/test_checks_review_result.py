"""The pages before and after a run, against the practice environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import backups, dry_run, tasks
from app.engine.ending import Ending, Status
from app.engine.journal import Held
from app.engine.prompter import Unattended
from app.errors import UserError
from app.observation import Observation, State
from app.texts import text, use_language
from app.wire import plain_system
from tests.scenarios.environment import Environment
from ui.flow import Draft, Page, Task
from ui.page import Services, WizardPage
from ui.pages.checks import ChecksPage
from ui.pages.result import ResultPage
from ui.pages.review import ReviewPage
from ui.pages.verify import row
from ui.widgets.parts import fixed_letters
from ui.widgets.questions import TrustDialog
from ui.widgets.report import ReportDialog

T = TypeVar("T", bound=QWidget)


def shown(page: WizardPage, qtbot: QtBot, draft: Draft) -> None:
    qtbot.addWidget(page)
    page.resize(768, 480)
    page.show()
    page.entered(draft)
    until(qtbot, lambda: not page.facts().busy)


def until(qtbot: QtBot, reached: Callable[[], bool]) -> None:
    qtbot.waitUntil(reached, timeout=60_000)


def child(page: WizardPage, kind: type[T], name: str = "") -> T:
    found = page.findChild(kind, name) if name else page.findChild(kind)
    assert isinstance(found, kind)
    return found


def test_checks_come_live_and_let_the_operator_go_on(
    practice: Environment, practice_services: Services, qtbot: QtBot
) -> None:
    page = ChecksPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=practice.profile()))
    assert page.facts().complete
    assert page.draft().looked.outcome == "done"
    assert "A backup can begin" in page._summary.text()
    assert page._model.rowCount() == len(page.draft().looked.answers)
    page._passed.setChecked(False)
    assert page._model.rowCount() == sum(a.seen.state is not State.PASSED for a in page.draft().looked.answers)


def test_what_forbids_a_backup_comes_first_with_what_to_do(
    practice: Environment, practice_services: Services, qtbot: QtBot
) -> None:
    practice.scene("recompose-running")
    page = ChecksPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=practice.profile()))
    assert not page.facts().complete
    assert page._model.answer(0).blocks
    assert page._remedy.isVisible()
    assert page._needed.isVisible()
    practice.scene("quiet")
    page._again.click()
    assert page.facts().busy
    until(qtbot, lambda: not page.facts().busy)
    assert page.facts().complete


def test_what_could_not_be_looked_at_is_explained_and_blocks(
    practice: Environment, practice_services: Services, qtbot: QtBot
) -> None:
    practice.fault("vcenter:vc1", "*", "refuse")
    page = ChecksPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=practice.profile()))
    assert not page.facts().complete
    assert page._unknown.isVisible()
    assert "unknown: blocks" in page._heading.text()


def test_leaving_the_checks_ends_the_looking(practice: Environment, practice_services: Services, qtbot: QtBot) -> None:
    page = ChecksPage(practice_services)
    qtbot.addWidget(page)
    page.show()
    page.entered(Draft(task=Task.BACK_UP, profile=practice.profile()))
    jobs = list(practice_services.jobs)
    assert page.leaving(forward=False)
    until(qtbot, lambda: not any(job.running for job in jobs))
    assert not page.facts().complete


def test_the_review_shows_every_command_and_what_is_off(
    practice: Environment, practice_services: Services, qtbot: QtBot
) -> None:
    page = ReviewPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=practice.profile()))
    assert page.facts().complete
    assert "Provisioning of:" in page._off.text()
    assert "VMware View Composer" in page._off.text()
    planned = dry_run.plan(practice_services.desk, practice.profile())
    page._copy.click()
    copied = QApplication.clipboard().text()
    for line in planned:
        assert line.words in copied
        for command in line.commands:
            assert plain_system(command.system) in copied
            assert command.text.splitlines()[-1].strip() in copied
    assert practice.changed_by_us(practice.mark()) == []


def test_the_plan_stays_open_when_the_language_changes(
    practice: Environment, practice_services: Services, qtbot: QtBot
) -> None:
    page = ReviewPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=practice.profile()))
    first = page._model.index(0, 0)
    assert not page._tree.isExpanded(first)
    page._open.click()
    use_language("zh_CN")
    page.retranslate()
    assert page._tree.isExpanded(page._model.index(0, 0))
    page._close.click()
    assert not page._tree.isExpanded(page._model.index(0, 0))


def test_a_plan_that_cannot_be_made_can_be_tried_again(services: Services, practice: Environment, qtbot: QtBot) -> None:
    page = ReviewPage(services)  # whose desk trusts none of these certificates
    qtbot.addWidget(page)
    page.show()
    page.entered(Draft(task=Task.BACK_UP, profile=practice.real_profile()))
    until(qtbot, lambda: page.findChild(TrustDialog) is not None)
    child(page, TrustDialog).reject()
    until(qtbot, lambda: not page.facts().busy)
    assert not page.facts().complete
    until(qtbot, child(page, QPushButton, "again").isVisible)  # a layout shows what it was given a moment later


def test_the_result_of_a_backup_names_what_was_captured_and_how_it_is_proven(
    practice: Environment, practice_services: Services, qtbot: QtBot, opened: list[Path]
) -> None:
    profile = practice.profile()
    ending = tasks.back_up(practice_services.desk, profile, Unattended(), lambda _event: None)
    told = ending.as_json() | backups.of_set(ending)
    page = ResultPage(practice_services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, profile=profile, run=ending.run, ended=ending, ending=told))
    words = page.words()
    assert "All is done and verified." in words
    assert "VERIFYONLY" in words
    assert "Freeze" in words
    assert "No image backup" in words
    assert words.count("configuration bundle") == 1, "what a run warns of and its set calls weak is said once"
    assert page._resume.isHidden()
    page._open.click()
    assert opened == [Path(told["set"])]
    page._log.click()
    assert opened[-1].is_file()
    page._report.click()
    until(qtbot, lambda: page.findChild(ReportDialog) is not None)
    dialog = child(page, ReportDialog)
    assert "backup/freeze" in dialog._words.toPlainText()
    dialog.close()
    use_language("zh_CN")
    page.retranslate()
    assert "All is done" not in page.words()


def test_a_result_that_needs_the_operator_says_what_is_off_and_how_to_mend_it(services: Services, qtbot: QtBot) -> None:
    held = Held(
        number=1, run="r", key="backup/freeze", closer="c", before={}, opened=0.0, leave="close",
        what_is_off=text("Provisioning of: {pools}", pools="Sales"), by_hand=("View Administrator > Pools > Sales",),
    )  # fmt: skip
    error = UserError(text("Still off."), text("The broker is away."), text("Do it by hand."))
    ending = Ending("r", Status.NEEDS_YOU, error, (held,))
    page = ResultPage(services)
    shown(page, qtbot, Draft(task=Task.BACK_UP, run="r", ended=ending, ending=ending.as_json()))
    assert "View Administrator > Pools > Sales" in page.words()
    assert "Sales" in page.words()
    assert page._undo.isVisible()
    by_hand = next(one for one in page.findChildren(QLabel) if one.text() == "View Administrator > Pools > Sales")
    assert by_hand.font().families() == fixed_letters(page).families()
    with qtbot.waitSignal(page.elsewhere) as asked:
        page._resume.click()
    assert asked.args is not None
    assert asked.args[0] == str(Page.RUN)
    assert asked.args[1]["task"] is Task.RESUME


def test_what_is_seen_of_a_file_does_not_repeat_its_name_which_stands_beside_it() -> None:
    whole = Observation("db/a.bak", State.PASSED, text("{file} is as it was captured.", file="db/a.bak"))
    other = Observation("db/a.bak", State.BLOCKED, text("{file} is as it was captured.", file="db/b.bak"))
    assert row(whole)[0][1:] == ("db/a.bak", "The file is as it was captured.")
    assert "db/b.bak" in row(other)[0][2]
