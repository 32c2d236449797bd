"""The flow of pages, without a screen: every path, every button."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from app.profile import Broker, Host, Profile, VCenter
from app.texts import text
from ui.flow import FLOW, STEPS, Draft, Facts, Page, Task, Wizard

HOST = Host(name="b1", address="b1.example", account="me")
PROFILE = Profile(
    name="site",
    brokers=(Broker(host=HOST),),
    vcenters=(VCenter(name="vc", address="vc", account="me"),),
    repository="r",
)
BUSY, WORKING, INCOMPLETE = Facts(busy=True), Facts(working=True), Facts(complete=False)


def walked(draft: Draft, start: Page = Page.START) -> list[Page]:
    """Return the pages that Next leads through from `start`."""
    wizard = Wizard((start,), draft)
    while wizard.following() is not None:
        wizard = wizard.forward()
        wizard = wizard.with_draft(dataclasses.replace(wizard.draft, recovery_due=False))
        assert len(wizard.trail) < 20, "it goes round in a circle"
    return list(wizard.trail)


def test_a_backup_goes_from_the_task_over_checks_and_review_to_its_result() -> None:
    assert walked(Draft(task=Task.BACK_UP, profile=PROFILE)) == [
        Page.START, Page.PROFILE, Page.WHAT, Page.CHECKS, Page.REVIEW, Page.RUN, Page.RESULT
    ]  # fmt: skip


def test_practising_needs_no_choice_of_an_environment() -> None:
    assert walked(Draft(task=Task.BACK_UP, profile=PROFILE, practise=True))[:2] == [Page.START, Page.WHAT]


def test_an_environment_that_is_to_be_described_is_edited_first() -> None:
    wizard = Wizard((Page.START, Page.PROFILE), Draft(task=Task.BACK_UP, edit_wanted=True)).forward()
    assert wizard.page is Page.EDIT
    assert wizard.forward().page is Page.WHAT


def test_an_environment_that_is_edited_for_verifying_leads_to_its_sets() -> None:
    assert Wizard((Page.EDIT,), Draft(task=Task.VERIFY)).forward().page is Page.CHOOSE_SET


def test_verifying_goes_over_the_choice_of_a_set() -> None:
    draft = Draft(task=Task.VERIFY, profile=PROFILE, set_folder=Path("set"))
    assert walked(draft) == [Page.START, Page.PROFILE, Page.CHOOSE_SET, Page.VERIFY, Page.VERIFIED]


def test_nothing_follows_where_nothing_is_chosen() -> None:
    assert Wizard().following() is None
    assert Wizard((Page.START, Page.PROFILE), Draft(task=Task.BACK_UP)).following() is None
    assert Wizard((Page.CHOOSE_SET,), Draft(task=Task.VERIFY, profile=PROFILE)).following() is None


@pytest.mark.parametrize("task", [Task.RESUME, Task.UNDO])
def test_recovery_leads_straight_to_the_run(task: Task) -> None:
    assert walked(Draft(task=task, run="r"), Page.RECOVERY) == [Page.RECOVERY, Page.RUN, Page.RESULT]


def test_what_was_left_off_comes_before_any_task_and_may_be_put_off() -> None:
    wizard = Wizard((Page.START,), Draft(recovery_due=True)).forward()
    assert wizard.page is Page.RECOVERY
    later = wizard.with_draft(Draft(recovery_due=False))
    assert str(later.buttons(Facts()).following) == "Later"
    assert later.forward().page is Page.START


def test_trouble_is_opened_from_anywhere_and_leads_nowhere() -> None:
    wizard = Wizard((Page.START, Page.PROFILE), Draft(profile=PROFILE)).jump(Page.TROUBLE, trouble="words")
    assert wizard.trail == (Page.TROUBLE,)
    assert wizard.draft.trouble == "words"
    assert wizard.draft.profile is PROFILE
    assert wizard.following() is None


def test_back_keeps_what_was_typed() -> None:
    wizard = Wizard((Page.START, Page.PROFILE, Page.WHAT), Draft(task=Task.BACK_UP, profile=PROFILE))
    assert wizard.backward().page is Page.PROFILE
    assert wizard.backward().draft == wizard.draft


@pytest.mark.parametrize("page", [Page.START, Page.RECOVERY, Page.RUN, Page.RESULT, Page.TROUBLE])
def test_there_is_no_way_back_from_pages_that_begin_or_end_something(page: Page) -> None:
    wizard = Wizard((Page.REVIEW, page), Draft(task=Task.BACK_UP, profile=PROFILE))
    assert wizard.backward() is wizard
    assert not wizard.buttons(Facts()).back


def test_there_is_no_way_back_into_a_page_that_works_by_itself() -> None:
    assert not Wizard((Page.VERIFY, Page.VERIFIED)).can_go_back()


def test_the_button_before_anything_changes_names_the_act() -> None:
    wizard = Wizard((Page.START, Page.REVIEW), Draft(task=Task.BACK_UP, profile=PROFILE))
    assert str(wizard.buttons(Facts()).following) == "Start backup"


@pytest.mark.parametrize(("task", "label"), [(Task.RESUME, "Resume the run"), (Task.UNDO, "Undo the run")])
def test_the_button_of_recovery_names_the_act(task: Task, label: str) -> None:
    assert str(Wizard((Page.RECOVERY,), Draft(task=task)).buttons(Facts()).following) == label


def test_before_a_run_there_is_cancel_during_it_stop_and_after_it_only_close() -> None:
    draft = Draft(task=Task.BACK_UP, profile=PROFILE)
    before = Wizard((Page.START, Page.WHAT), draft).buttons(Facts())
    during = Wizard((Page.REVIEW, Page.RUN), draft).buttons(WORKING)
    after = Wizard((Page.RUN, Page.RESULT), draft).buttons(Facts())
    assert (str(before.cancel), before.back, before.following_on) == ("Cancel", True, True)
    assert (str(during.cancel), during.back, during.following_on) == ("Stop", False, False)
    assert (after.cancel, str(after.following), after.following_on) == (None, "Close", True)


@pytest.mark.parametrize("page", [Page.RUN, Page.VERIFY])
def test_where_the_work_of_a_page_is_over_nothing_is_offered_to_be_cancelled(page: Page) -> None:
    wizard = Wizard((Page.START, page), Draft(task=Task.BACK_UP, profile=PROFILE))
    assert str(wizard.buttons(Facts()).cancel) == "Close"
    assert str(wizard.buttons(INCOMPLETE).cancel) == "Close"
    assert str(wizard.buttons(BUSY).cancel) == "Cancel"


@pytest.mark.parametrize("task", [None, *Task])
def test_trouble_ends_a_task_so_that_none_of_its_steps_is_still_to_come(task: Task | None) -> None:
    wizard = Wizard((Page.START,), Draft(task=task, profile=PROFILE)).jump(Page.TROUBLE, trouble="words")
    assert wizard.steps() == ((Page.TROUBLE, True),)


@pytest.mark.parametrize("facts", [BUSY, WORKING, INCOMPLETE])
@pytest.mark.parametrize("page", [page for page in Page if not FLOW[page].last])
def test_nobody_goes_on_while_a_page_is_not_ready(page: Page, facts: Facts) -> None:
    draft = Draft(task=Task.BACK_UP, profile=PROFILE, set_folder=Path("set"))
    assert not Wizard((page,), draft).buttons(facts).following_on


@pytest.mark.parametrize("page", list(Page))
def test_every_page_has_a_title_that_is_shown_and_a_name_in_the_list_of_steps(page: Page) -> None:
    assert str(FLOW[page].title)
    assert str(FLOW[page].step)


@pytest.mark.parametrize("task", [None, *Task])
@pytest.mark.parametrize("practise", [False, True])
def test_the_present_step_is_marked_on_every_page_of_a_task(task: Task | None, practise: bool) -> None:
    draft = Draft(task=task, profile=PROFILE, set_folder=Path("set"), practise=practise)
    for page in (page for page in STEPS[task] if not (practise and page is Page.PROFILE)):
        steps = Wizard((page,), draft).steps()
        assert [shown for shown, here in steps if here] == [page]
        assert not (practise and Page.PROFILE in [shown for shown, _ in steps])


def test_the_editor_counts_as_the_choice_of_the_environment() -> None:
    wizard = Wizard((Page.START, Page.PROFILE, Page.EDIT), Draft(task=Task.BACK_UP))
    assert (Page.PROFILE, True) in wizard.steps()


def test_recovery_shows_its_own_steps_before_anything_is_chosen() -> None:
    assert Wizard((Page.START, Page.RECOVERY)).steps()[0] == (Page.RECOVERY, True)


def test_every_page_is_reached_by_some_path() -> None:
    drafts = [
        Draft(task=Task.BACK_UP, profile=PROFILE),
        Draft(task=Task.BACK_UP, edit_wanted=True),
        Draft(task=Task.VERIFY, profile=PROFILE, set_folder=Path("set")),
        Draft(recovery_due=True),
    ]
    reached = {page for draft in drafts for page in _once(draft)}
    assert reached | {Page.TROUBLE} == set(Page)


def _once(draft: Draft) -> list[Page]:
    wizard = Wizard(draft=draft)
    while wizard.following() is not None and wizard.trail.count(wizard.page) < 2 and len(wizard.trail) < 20:
        wizard = wizard.forward()
        if wizard.page is Page.EDIT:
            wizard = wizard.with_draft(dataclasses.replace(wizard.draft, edit_wanted=False, profile=PROFILE))
        if wizard.page is Page.RECOVERY:
            wizard = wizard.with_draft(dataclasses.replace(wizard.draft, recovery_due=False))
    return list(wizard.trail)


def test_the_flow_loads_no_qt() -> None:
    program = "import sys, ui.flow; print([name for name in sys.modules if name.startswith('PySide6')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).resolve().parents[2])  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_an_error_of_a_page_changes_no_button() -> None:
    wizard = Wizard((Page.START, Page.WHAT), Draft(task=Task.BACK_UP, profile=PROFILE))
    assert wizard.buttons(Facts(error=text("Wrong."))) == wizard.buttons(Facts())
