"""The flow of pages, as a table in plain Python. Imports no Qt: every path is tested without a screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.texts import Text, text

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.profile import Profile


class Page(StrEnum):
    """The pages of the wizard, by the name that tests, screenshots and the flow call them."""

    RECOVERY = "recovery"
    START = "start"
    PROFILE = "profile"
    EDIT = "edit"
    WHAT = "what"
    CHECKS = "checks"
    REVIEW = "review"
    RUN = "run"
    RESULT = "result"
    CHOOSE_SET = "choose-set"
    VERIFY = "verify"
    VERIFIED = "verified"
    TROUBLE = "trouble"


class Task(StrEnum):
    """What the operator wants to do."""

    BACK_UP = "back-up"
    VERIFY = "verify"
    RESUME = "resume"
    UNDO = "undo"


@dataclass(frozen=True)
class Draft:
    """All that pages have gathered so far; kept on Back. Frozen: a page gives back a changed copy.

    `practice_wanted`: the practice environment is chosen for `profile`, which is known once it has been started.
    `editing` is the profile under the operator's hands; `run` the run that the run page shows, and how it ended
    (`ended` as the engine says it, `ending` as `--json`'s object); `trouble` an error of the program itself."""

    task: Task | None = None
    practise: bool = False
    profile: Profile | None = None
    practice_wanted: bool = False
    editing: Profile | None = None
    edit_wanted: bool = False
    looked: Any = None
    run: str = ""
    ending: Mapping[str, Any] | None = None
    ended: Ending | None = None
    set_folder: Path | None = None
    verified: tuple[Any, ...] = ()
    left_off: tuple[Any, ...] = ()
    recovery_due: bool = False
    trouble: str = ""


NEXT = text("Next")
CLOSE = text("Close")
STOP = text("Stop")


@dataclass(frozen=True)
class Stop:
    """One row of the table. `title` is an instruction; `step` its name in the list of steps ("" for none).

    `following` says which page comes next, None where nothing does; `button` what leads there is called.
    `back`: the operator may go back from here. `working`: a page that works by itself. `last`: only Close is left."""

    title: Text
    step: Text
    following: Callable[[Draft], Page | None]
    button: Callable[[Draft], Text] = lambda _draft: NEXT
    back: bool = True
    working: bool = False
    last: bool = False


COMING_BACK = (Task.RESUME, Task.UNDO)


def _after_start(draft: Draft) -> Page | None:
    if draft.recovery_due:
        return Page.RECOVERY
    if draft.task is None:
        return None
    return Page.WHAT if draft.practise else Page.PROFILE


def _after_profile(draft: Draft) -> Page | None:
    if draft.edit_wanted:
        return Page.EDIT
    if draft.profile is None and not draft.practice_wanted:
        return None
    return Page.CHOOSE_SET if draft.task is Task.VERIFY else Page.WHAT


def _always(page: Page) -> Callable[[Draft], Page | None]:
    return lambda _draft: page


def _nothing(_draft: Draft) -> Page | None:
    return None


def _coming_back(draft: Draft, otherwise: Text) -> Text:
    if draft.task is Task.RESUME:
        return text("Resume the run")
    return text("Undo the run") if draft.task is Task.UNDO else otherwise


FLOW: Mapping[Page, Stop] = {
    Page.RECOVERY: Stop(
        text("A run was left unfinished: decide what happens to it"), text("Recovery"),
        lambda draft: Page.RUN if draft.task in COMING_BACK else Page.START,
        lambda draft: _coming_back(draft, text("Later")),
        back=False,
    ),
    Page.START: Stop(text("What do you want to do?"), text("Task"), _after_start, back=False),
    Page.PROFILE: Stop(text("Choose the environment"), text("Environment"), _after_profile),
    Page.EDIT: Stop(
        text("Describe the environment"), text("Environment"),
        lambda draft: Page.CHOOSE_SET if draft.task is Task.VERIFY else Page.WHAT,
        lambda _draft: text("Save and go on"),
    ),
    Page.WHAT: Stop(text("Choose what is backed up, and where to"), text("What and where"), _always(Page.CHECKS)),
    Page.CHECKS: Stop(text("See whether a backup can begin"), text("Checks"), _always(Page.REVIEW)),
    Page.REVIEW: Stop(
        text("Read what will be done"), text("Review"), _always(Page.RUN), lambda _draft: text("Start backup")
    ),
    Page.RUN: Stop(
        text("Watch the run"), text("Run"), _always(Page.RESULT), lambda _draft: text("See the result"),
        back=False, working=True,
    ),
    Page.RESULT: Stop(
        text("See what came of it"), text("Result"), _nothing, lambda _draft: CLOSE, back=False, last=True
    ),
    Page.CHOOSE_SET: Stop(
        text("Choose the backup set to verify"), text("Backup set"),
        lambda draft: Page.VERIFY if draft.set_folder else None, lambda _draft: text("Verify"),
    ),
    Page.VERIFY: Stop(
        text("Watch the set being read"), text("Verify"), _always(Page.VERIFIED),
        lambda _draft: text("See the result"), working=True,
    ),
    Page.VERIFIED: Stop(
        text("See whether the set is whole"), text("Result"), _nothing, lambda _draft: CLOSE, last=True
    ),
    Page.TROUBLE: Stop(
        text("The program itself failed: nothing is lost"), text("Trouble"), _nothing, lambda _draft: CLOSE,
        back=False, last=True,
    ),
}  # fmt: skip

STEPS: Mapping[Task | None, tuple[Page, ...]] = {
    None: (Page.START,),
    Task.BACK_UP: (Page.START, Page.PROFILE, Page.WHAT, Page.CHECKS, Page.REVIEW, Page.RUN, Page.RESULT),
    Task.VERIFY: (Page.START, Page.PROFILE, Page.CHOOSE_SET, Page.VERIFY, Page.VERIFIED),
    Task.RESUME: (Page.RECOVERY, Page.RUN, Page.RESULT),
    Task.UNDO: (Page.RECOVERY, Page.RUN, Page.RESULT),
}
"""What the list of steps shows for a task. A page that is not in it (the editor) counts as the one before it."""


@dataclass(frozen=True)
class Facts:
    """What a page says of itself; the shell sets every button from it.

    `complete`: the operator may go on. `busy`: something is being looked at. `working`: a run goes on, which only Stop
    ends. `error` is shown beside the buttons, and so is `hint`, softer: what is still to be done here.
    `practice`: it is about the practice environment, though none is chosen yet."""

    complete: bool = True
    busy: bool = False
    working: bool = False
    error: Text | None = None
    hint: Text | None = None
    practice: bool = False


@dataclass(frozen=True)
class Buttons:
    """How the one row of buttons looks: label, or None for one that is not shown; and which may be pressed."""

    back: bool
    following: Text
    following_on: bool
    cancel: Text | None
    cancel_on: bool = True


@dataclass(frozen=True)
class Wizard:
    """Where the operator stands: the pages gone through, the last of them shown, and the draft."""

    trail: tuple[Page, ...] = (Page.START,)
    draft: Draft = field(default_factory=Draft)

    @property
    def page(self) -> Page:
        return self.trail[-1]

    @property
    def stop(self) -> Stop:
        return FLOW[self.page]

    def following(self) -> Page | None:
        """Return the page that Next leads to, None where there is none."""
        return self.stop.following(self.draft)

    def forward(self) -> Wizard:
        """Go to the next page."""
        page = self.following()
        assert page is not None, "the shell offers Next only where there is a next page"
        return Wizard((*self.trail, page), self.draft)

    def backward(self) -> Wizard:
        """Go back; what was typed is kept."""
        return Wizard(self.trail[:-1], self.draft) if self.can_go_back() else self

    def can_go_back(self) -> bool:
        return self.stop.back and len(self.trail) > 1 and not FLOW[self.trail[-2]].working

    def jump(self, page: Page, **changes: Any) -> Wizard:
        """Open a page directly, as recovery and trouble do; the trail begins anew."""
        return Wizard((page,), dataclasses.replace(self.draft, **changes))

    def with_draft(self, draft: Draft) -> Wizard:
        return Wizard(self.trail, draft)

    def steps(self) -> tuple[tuple[Page, bool], ...]:
        """Return the list of steps, and which of them is the present one. Trouble ends a task: no step is to come."""
        if self.page is Page.TROUBLE:
            return ((Page.TROUBLE, True),)
        pages = STEPS[Task.RESUME if self.page is Page.RECOVERY else self.draft.task]
        if self.draft.practise:
            pages = tuple(page for page in pages if page is not Page.PROFILE)
        present = next((page for page in reversed(self.trail) if page in pages), None)
        return tuple((page, page is present) for page in pages)

    def buttons(self, facts: Facts) -> Buttons:
        """Return what the row of buttons looks like, from where we stand and what the page says."""
        if self.stop.last:
            return Buttons(False, self.stop.button(self.draft), True, None)
        idle = not (facts.busy or facts.working)
        follows = facts.complete and idle and self.following() is not None
        return Buttons(
            self.can_go_back() and not facts.working, self.stop.button(self.draft), follows, self._cancel(facts)
        )

    def _cancel(self, facts: Facts) -> Text:
        """Return what the last button is called; where the work of a page is over nothing is left to be cancelled."""
        if facts.working:
            return STOP
        return CLOSE if self.stop.working and not facts.busy else text("Cancel")
