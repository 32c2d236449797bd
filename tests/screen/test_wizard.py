"""The wizard as a person meets it on a screen, started as the README says; the command line proves what it did."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.screen.conftest import Open
from tests.screen.hands import Screen
from tests.screen.wizard import Program, Wizard
from ui.flow import Page

pytestmark = pytest.mark.timeout(300)


def test_a_first_start_leads_by_mouse_through_a_practice_backup_at_the_pace_of_a_real_one(
    open_window: Open, program: Program
) -> None:
    hands = open_window("mouse")
    wizard = Wizard(hands, mouse=True)
    wizard.to_the_review()
    before = program.off()
    wizard.go_on()
    wizard.is_on(Page.RUN)
    hands.until(program.composer_stands_still, "the freeze")
    hands.shoot("run-freeze")
    wizard.is_ready(Page.RESULT)
    assert program.off() == before
    wizard.close()
    assert len(program.verified_sets()) == 1


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_keyboard_alone_leads_through_a_backup_and_through_verifying_its_set(
    open_window: Open, program: Program, language: str
) -> None:
    program.tell("lab", "start", "--pace", "0")
    before = program.off()
    hands = open_window(f"keys-{language}", language)
    wizard = Wizard(hands, language)
    wizard.to_the_review()
    wizard.go_on()
    wizard.is_ready(Page.RESULT)
    wizard.close()
    assert len(program.verified_sets()) == 1
    assert program.off() == before
    wizard = Wizard(open_window(f"keys-verify-{language}", language), language)
    wizard.is_ready(Page.START)
    wizard.hands.press("alt+v")
    wizard.go_on()
    wizard.is_on(Page.PROFILE)
    wizard.hands.press("End")
    for page in (Page.CHOOSE_SET, Page.VERIFIED):
        wizard.go_on()
        wizard.is_ready(page)
    wizard.close()


def test_the_language_button_changes_all_words_at_once(open_window: Open) -> None:
    hands = open_window("language", "en_US")
    english, chinese = Wizard(hands), Wizard(hands, "zh_CN")
    english.is_ready(Page.START)
    for there in (chinese, english):
        hands.click(-60, 32)
        there.is_ready(Page.START)
    hands.close_window()
    assert hands.ended() == 0


def test_a_window_that_is_closed_in_a_run_asks_stops_safely_and_the_run_is_taken_up_at_the_next_start(
    open_window: Open, program: Program
) -> None:
    program.tell("lab", "start", "--pace", "0.2")
    before = program.off()
    hands = open_window("closed")
    wizard = Wizard(hands)
    wizard.to_the_review()
    wizard.go_on()
    hands.until(program.composer_stands_still, "the freeze")
    title = hands.title
    hands.close_window()
    hands.until(lambda: hands.title != title, "a question")
    hands.rests()
    hands.shoot("question")
    hands.press("Tab", "space")
    wizard.is_ready(Page.RESULT)
    assert program.off() == before
    wizard.close()
    assert not program.verified_sets()
    again = Wizard(open_window("closed-again"))
    again.is_ready(Page.START)
    again.go_on()
    again.is_ready(Page.RECOVERY)
    again.go_on()
    again.is_on(Page.RUN)
    again.is_ready(Page.RESULT)
    again.close()
    assert len(program.verified_sets()) == 1
    assert program.off() == before


def test_a_window_that_dies_in_the_freeze_is_followed_by_one_that_begins_with_what_it_left_off(
    open_window: Open, program: Program
) -> None:
    program.tell("lab", "start", "--pace", "0.2")
    before = program.off()
    hands = open_window("killed")
    wizard = Wizard(hands, mouse=True)
    wizard.to_the_review()
    wizard.go_on()
    hands.until(program.composer_stands_still, "the freeze")
    hands.process.send_signal(signal.SIGKILL)
    hands.process.wait()
    again = Wizard(open_window("killed-again"), mouse=True)
    again.is_ready(Page.RECOVERY)
    assert program.off() > before
    again.go_on()
    again.is_on(Page.RUN)
    again.is_ready(Page.RESULT)
    again.close()
    assert len(program.verified_sets()) == 1
    assert program.off() == before


def test_a_second_start_brings_the_first_window_back_from_the_taskbar_and_ends_well(
    open_window: Open, monitor: Screen
) -> None:
    first = open_window("first", "en_US")
    Wizard(first).is_ready(Page.START)
    title = first.title
    monitor.ask("xdotool", "getactivewindow", "windowminimize")
    first.until(lambda: first.title != title, "its way into the taskbar")
    assert open_window("second", "en_US").ended() == 0
    first.sees(title)
    first.shoot("back")
    first.close_window()
    assert first.ended() == 0


def test_a_data_folder_that_cannot_be_written_is_told_in_a_box_and_by_the_exit_code(
    monitor: Screen, program: Program, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("not a folder", "ascii")
    nowhere = replace(program, data=tmp_path / "a file" / "data")
    hands = nowhere.open(monitor, pictures, "unwritable", "en_US")
    try:
        hands.sees("ViewKeeper")
        hands.shoot("box")
        hands.press("Return")
        assert hands.ended() == 2
        assert not hands.said
    finally:
        hands.leave()
