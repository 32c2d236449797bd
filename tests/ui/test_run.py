"""The page of a run carries real backups of the practice environment out, and shows what becomes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.engine import events
from app.engine.ending import Ending, Status
from app.engine.prompter import GuidedCard, Stay
from app.errors import Refused
from app.observation import Observation, State
from app.texts import NOTHING, text, use_language
from tests.scenarios.environment import Environment
from ui.asking import AskGuided, AskYesNo
from ui.bridge import Question
from ui.flow import Draft, Task
from ui.models.steps import Stand
from ui.page import Services
from ui.pages.run import COMMANDS, LOG, STEPS, STOPPING, RunPage
from ui.widgets.cards import GuidedTurn

EXPORT = ("winrm:broker1", "*vdmexport* -f *", "fail")


@pytest.fixture
def page(practice_services: Services, qtbot: QtBot) -> RunPage:
    made = RunPage(practice_services)
    qtbot.addWidget(made)
    made.resize(768, 480)
    made.show()
    return made


def draft(practice: Environment, task: Task = Task.BACK_UP, run: str = "") -> Draft:
    return Draft(task=task, profile=practice.profile(), run=run)


def press(page: RunPage, name: str) -> None:
    offered(page, name).click()


def offered(page: RunPage, name: str) -> QPushButton:
    found = page.findChild(QPushButton, name)
    assert found is not None, name
    return found


def ended(page: RunPage) -> Ending:
    found = page.draft().ended
    assert found is not None
    return found


def until(qtbot: QtBot, reached: Callable[[], bool]) -> None:
    qtbot.waitUntil(reached, timeout=90_000)


def over(page: RunPage) -> Callable[[], bool]:
    return lambda: not page.facts().working


def test_a_backup_runs_to_its_end_and_asks_to_go_on(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.go_on, timeout=90_000):
        page.entered(draft(practice))
        assert page.facts().working
        assert not page.facts().complete
    facts = page.facts()
    assert facts.complete
    assert not facts.working
    assert ended(page).status is Status.DONE
    assert page.draft().run == ended(page).run
    assert page.draft().ending is not None
    assert Path(page.draft().ending["set"]).is_dir()  # type: ignore[index]
    assert page._bar.value() == page._bar.maximum()
    assert {node.shown for node in page._steps.nodes()} <= {Stand.DONE, Stand.PUT_BACK}
    assert page._off_label.isHidden()


def shown_card(page: RunPage) -> str:
    """Return the name of the card that is shown, "" for none."""
    return page._place.card.objectName() if page._place.card is not None else ""


def test_a_step_that_fails_comes_as_a_card_and_retry_goes_on(
    page: RunPage, practice: Environment, qtbot: QtBot
) -> None:
    practice.fault(*EXPORT, times=1)
    page.entered(draft(practice))
    until(qtbot, lambda: page._place.card is not None)
    assert page.facts().working
    assert "Provisioning" in page._off_label.text()
    assert shown_card(page) == "failed-step"
    press(page, "show-commands")
    assert page._tabs.currentIndex() == COMMANDS
    assert any("vdmexport" in line for line in page._commands.model.lines(page._commands.chosen()).splitlines())
    press(page, "retry")
    assert page._place.card is None
    until(qtbot, over(page))
    assert ended(page).status is Status.DONE


def test_who_reads_the_log_is_not_taken_away_from_it(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    gone: list[bool] = []
    page.go_on.connect(lambda: gone.append(True))
    page.entered(draft(practice))
    page._tabs.setCurrentIndex(LOG)
    until(qtbot, over(page))
    assert page.facts().complete
    assert not gone


def test_what_cannot_be_put_back_yet_stays_in_sight_with_the_reason_and_the_next_try(page: RunPage) -> None:
    off = text("The service on composer1")
    of = {"run": "r", "at": 0.0, "key": "composer", "title": off, "what_is_off": off}
    page._tell(events.BracketClosing(**of))  # type: ignore[arg-type]  # each value has its own kind
    page._tell(events.BracketRetried(**of, why=text("It is asleep."), seconds=30.0, left=90.0))  # type: ignore[arg-type]
    page._tell(events.Heartbeat(run="r", at=0.0, frozen=200.0))
    for words in ("The service on composer1", "It is asleep.", "30 s"):
        assert words in page._now_label.text()
    page._tell_time()
    assert "The service on composer1" in page._off_label.text()
    page._tell(events.BracketClosed(**of, moot=False))  # type: ignore[arg-type]
    page._tell_time()
    assert page._off_label.isHidden()


def test_stop_puts_back_what_is_off_and_ends_the_run(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    practice.fault("winrm:broker1", "*vdmexport* -f *", "slow", detail="2")
    page.entered(draft(practice))
    until(qtbot, lambda: page._steps.node("backup/freeze/ad-lds") is not None)
    until(qtbot, lambda: bool(page._off))
    assert page.facts().hint is None
    page.stop()
    assert page.facts().working
    assert page.facts().hint == STOPPING  # how long it may take
    until(qtbot, over(page))
    assert page.facts().hint is None
    assert ended(page).status is Status.STOPPED
    assert ended(page).off == ()


def test_stop_answers_a_card_that_waits(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    practice.fault(*EXPORT)
    page.entered(draft(practice))
    until(qtbot, lambda: page._place.card is not None)
    page.stop()
    assert page._place.card is None
    until(qtbot, over(page))
    assert ended(page).off == ()


def test_a_stopped_run_is_resumed_and_undone_by_its_name(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    practice.fault(*EXPORT)
    page.entered(draft(practice))
    until(qtbot, lambda: page._place.card is not None)
    press(page, "stop")
    until(qtbot, over(page))
    run = page.draft().run
    page.entered(draft(practice, Task.RESUME, run))
    until(qtbot, lambda: page._place.card is not None)
    practice.clear_faults()
    press(page, "stop")
    until(qtbot, over(page))
    page.entered(draft(practice, Task.UNDO, run))
    until(qtbot, over(page))
    assert ended(page).status is Status.UNDONE


def test_what_could_not_begin_says_why_and_can_be_tried_again(
    page: RunPage, practice: Environment, qtbot: QtBot
) -> None:
    page.entered(draft(practice, Task.RESUME, "20260101-000000-none"))
    until(qtbot, over(page))
    assert page.facts().complete
    assert ended(page).status is Status.REFUSED
    assert isinstance(ended(page).error, Refused)
    assert shown_card(page) == "trouble"
    press(page, "again")
    assert page.facts().working
    until(qtbot, over(page))


def test_without_an_environment_nothing_is_begun(page: RunPage, qtbot: QtBot) -> None:
    page.entered(Draft(task=Task.BACK_UP))
    until(qtbot, over(page))
    assert ended(page).status is Status.REFUSED


def test_the_language_changes_in_the_middle_of_a_question(page: RunPage, practice: Environment, qtbot: QtBot) -> None:
    practice.fault(*EXPORT)
    page.entered(draft(practice))
    until(qtbot, lambda: page._place.card is not None)
    use_language("zh_CN")
    page.retranslate()
    assert "重试" in offered(page, "retry").text()
    assert page._tabs.tabText(STEPS) != "Steps"
    use_language("en")
    page.stop()
    until(qtbot, over(page))


def test_a_question_of_a_step_is_answered_by_yes_or_no(page: RunPage) -> None:
    question = Question(AskYesNo("key", text("Really?")))
    page.ask(question)
    press(page, "no")
    assert question.wait() is False
    assert page._place.card is None


def test_a_persons_turn_stays_while_it_is_looked_at_and_can_be_left(page: RunPage) -> None:
    card = GuidedCard(
        "g", text("Reinstall"), text("Do this."), NOTHING, Observation("g", State.BLOCKED, text("Not yet")), False
    )
    first = Question(AskGuided(card))
    page.ask(first)
    assert first.wait() is Stay.STAY
    shown = page._place.card
    assert isinstance(shown, GuidedTurn)
    again = Question(AskGuided(dataclasses.replace(card, proof=Observation("g", State.BLOCKED, text("Nearly")))))
    page.ask(again)
    assert page._place.card is shown
    assert again.wait() is Stay.STAY
    press(page, "leave")
    last = Question(AskGuided(card))
    page.ask(last)
    assert last.wait() is Stay.LEAVE


def test_the_step_that_waits_stays_in_sight_below_the_card_that_it_brings(
    page: RunPage, practice: Environment, qtbot: QtBot
) -> None:
    practice.fault(*EXPORT, times=1)
    use_language("zh_CN")
    page.retranslate()
    page.entered(draft(practice))
    until(qtbot, lambda: page._place.card is not None)
    waiting = page._steps.node("backup/freeze/ad-lds")
    assert waiting is not None
    seen, tree = page._steps.index_of(waiting), page._tree
    until(qtbot, lambda: tree.viewport().rect().contains(tree.visualRect(seen)))
    page.resize(page.width(), page.height() - 60)
    until(qtbot, lambda: tree.viewport().rect().contains(tree.visualRect(seen)))
    press(page, "stop")
    until(qtbot, over(page))
