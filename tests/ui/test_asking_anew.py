"""What is asked for a second time: a password that a real server has refused, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.lab.practice import ACCOUNT, SQL_ACCOUNT
from app.observation import State
from app.secrets import store_password
from tests.scenarios.environment import Environment
from tests.ui.test_questions import Kept
from ui.flow import Draft, Task
from ui.page import Services
from ui.pages.checks import ChecksPage
from ui.widgets.questions import PasswordDialog

WRONG = "not-the-password"
RECOVERY = "recovery"


class Typist:
    """Types into each password dialog of a page what `knows` has for its account, and notes who was asked for."""

    def __init__(self, page: ChecksPage, knows: dict[str, str]) -> None:
        self.page, self.knows = page, knows
        self.asked: list[str] = []
        self._timer = QTimer(page)
        self._timer.timeout.connect(self._type)
        self._timer.start(20)

    def answers(self, qtbot: QtBot) -> list[str]:
        """Return whose passwords were asked for while the page looks, until it has looked."""
        self.asked = []
        qtbot.waitUntil(lambda: not self.page.facts().busy, timeout=60_000)
        return self.asked

    def rest(self) -> None:
        self._timer.stop()

    def _type(self) -> None:
        for dialog in self.page.findChildren(PasswordDialog):
            if dialog.isVisible():
                field = dialog.findChild(QLineEdit)
                assert field is not None
                account = next(one for one in self.knows if one in field.accessibleName())
                self.asked.append(account)
                field.setText(self.knows[account])
                use = next(one for one in dialog.findChildren(QPushButton) if "Use this" in one.text().replace("&", ""))
                use.click()


@pytest.fixture
def typist(practice: Environment, practice_services: Services, qtbot: QtBot) -> Iterator[Typist]:
    """A page of checks of an environment that is described as a site's own, and who knows its passwords."""
    practice.pin()
    page = ChecksPage(practice_services)
    qtbot.addWidget(page)
    page.show()
    made = Typist(page, {account: practice.password(account) for account in (ACCOUNT, SQL_ACCOUNT)} | {RECOVERY: "r"})
    yield made
    made.rest()


def look(typist: Typist, practice: Environment) -> None:
    typist.page.entered(Draft(task=Task.BACK_UP, profile=practice.real_profile()))


def unknown(typist: Typist) -> list[str]:
    """Return what could not be looked at, but for what no first backup can know."""
    answers = typist.page.draft().looked.answers
    found = [f"{one.check.key}: {one.seen.found}" for one in answers if one.seen.state is State.UNKNOWN]
    return [one for one in found if not one.startswith("more-off")]


def test_an_account_is_asked_for_once_where_its_password_is_for_all_systems(
    typist: Typist, practice: Environment, qtbot: QtBot
) -> None:
    look(typist, practice)
    asked = typist.answers(qtbot)
    assert {ACCOUNT, SQL_ACCOUNT} <= set(asked)
    assert len(asked) == len(set(asked))
    typist.page._again.click()
    assert typist.answers(qtbot) == []
    assert not unknown(typist)


def test_a_password_that_was_refused_is_asked_for_when_looking_again(
    typist: Typist, practice: Environment, qtbot: QtBot
) -> None:
    right, typist.knows[ACCOUNT] = typist.knows[ACCOUNT], WRONG
    look(typist, practice)
    assert typist.answers(qtbot).count(ACCOUNT) == 1
    assert unknown(typist)
    typist.knows[ACCOUNT] = right
    typist.page._again.click()
    assert typist.answers(qtbot) == [ACCOUNT], "and the account that was let in is not asked for"
    assert not unknown(typist)
    typist.page._again.click()
    assert typist.answers(qtbot) == []


def test_a_wrong_password_of_the_keyring_is_asked_for_when_looking_again(
    typist: Typist, practice: Environment, qtbot: QtBot
) -> None:
    keyring.set_keyring(Kept())
    store_password("site", ACCOUNT, WRONG)
    look(typist, practice)
    assert ACCOUNT not in typist.answers(qtbot)
    assert unknown(typist)
    typist.page._again.click()
    assert typist.answers(qtbot) == [ACCOUNT]
    assert not unknown(typist)
