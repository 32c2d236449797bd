"""Passwords and certificates: what the dialogs show and answer, and for how long a password is kept."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.desk import Desk
from app.errors import UserError
from app.profile import Profile
from app.texts import text
from app.trust import Certificate
from ui.asking import AskPassword, AskTrust, AskYesNo, Given, desk_for, forget, remember
from ui.bridge import Job, Question
from ui.widgets.questions import answer, fingerprint, name_in_lines

ACCOUNT, SYSTEM = "CORP\\backup", "broker1"
QUESTION = text("Password of {account} on {system}", account=ACCOUNT, system=SYSTEM)
CORP = Profile(name="corp", brokers=(), vcenters=(), repository="r")


class Kept(KeyringBackend):
    """A keyring in memory, as a workstation has one."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library annotates it half
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


@pytest.fixture
def kept() -> Iterator[Kept]:
    before, made = keyring.get_keyring(), Kept()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def certificate(letters: str = "ab", year: int = 2040) -> Certificate:
    def day(number: int) -> datetime.datetime:
        return datetime.datetime(number, 1, 2, tzinfo=datetime.UTC)

    return Certificate(letters * 32, "CN=broker1,O=Corp\\, Inc", "CN=ca", day(2010), day(year))


def words(dialog: QWidget) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def box(dialog: QWidget, said: str) -> QCheckBox:
    return next(one for one in dialog.findChildren(QCheckBox) if said in one.text().replace("&", ""))


def test_a_typed_password_is_hidden_and_given_by_enter(window: QWidget) -> None:
    question = Question(AskPassword(QUESTION, "corp", may_keep=True))
    dialog = answer(window, question)
    line = dialog.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    assert line.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClicks(line, "s3cret")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert question.wait() == Given("s3cret", everywhere=True, keep=False)


def test_an_empty_password_is_not_given_by_enter_and_esc_gives_none(window: QWidget) -> None:
    question = Question(AskPassword(QUESTION))
    dialog = answer(window, question)
    line = dialog.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert question.wait() is None


def test_without_a_keyring_keeping_is_not_offered_and_the_reason_is_told(window: QWidget) -> None:
    dialog = answer(window, Question(AskPassword(QUESTION, "corp", may_keep=False)))
    assert not box(dialog, "Keep it").isEnabled()
    assert "has no keyring" in words(dialog)
    dialog.reject()


def test_a_password_of_no_saved_profile_cannot_be_kept(window: QWidget) -> None:
    dialog = answer(window, Question(AskPassword(QUESTION)))
    assert not box(dialog, "Keep it").isVisible()
    dialog.reject()


def test_a_certificate_is_not_trusted_by_enter(window: QWidget) -> None:
    question = Question(AskTrust("winrm:broker1", certificate(), None))
    QTest.keyClick(answer(window, question), Qt.Key.Key_Return)
    assert question.wait() is False


def test_a_certificate_is_shown_whole_and_trusted_by_its_button(window: QWidget) -> None:
    question = Question(AskTrust("winrm:broker1", certificate(), None))
    dialog = answer(window, question)
    for part in ("CN=broker1,\nO=Corp\\, Inc", "CN=ca", "2010-01-02", "2040-01-02", fingerprint("ab" * 32)):
        assert part in words(dialog)
    assert "Accepted before" not in words(dialog)
    QTest.keyClick(next(b for b in dialog.findChildren(QPushButton) if "Trust" in b.text()), Qt.Key.Key_Space)
    assert question.wait() is True


def test_a_changed_certificate_stands_beside_the_old_one_and_names_the_difference(window: QWidget) -> None:
    dialog = answer(window, Question(AskTrust("winrm:broker1", certificate("cd", 2011), certificate())))
    assert "has changed" in words(dialog)
    assert "it has expired" in words(dialog)
    assert fingerprint("cd" * 32) in words(dialog)
    assert fingerprint("ab" * 32) in words(dialog)
    spoken = [label.accessibleName() for label in dialog.findChildren(QLabel)]
    assert [name.partition(",")[0] for name in spoken if name.endswith("(differs)")] == ["Valid until", "SHA-256"]
    dialog.reject()


def test_a_dialog_asks_nothing_else(window: QWidget) -> None:
    with pytest.raises(TypeError):
        answer(window, Question(AskYesNo("key", text("Sure?"))))


def test_names_are_split_at_their_parts_only() -> None:
    assert name_in_lines("CN=a\\,b,O=c\u202ed") == "CN=a\\,b,\nO=c�d"


# ---- how long it is kept


def ask(qtbot: QtBot, desk: Desk, given: Given | None, profile: Profile = CORP, system: str = SYSTEM) -> object:
    """Ask for a password as a connection does; returns it, or the error."""
    asked: list[AskPassword] = []

    def work(job: Job) -> object:
        with_questions = desk_for(job, desk)
        try:
            return (with_questions.passwords(profile).of(ACCOUNT, system), len(asked))
        except UserError as error:
            return (error, len(asked))

    def reply(question: Question) -> None:
        asked.append(question.subject)
        question.answer(given)

    job = Job(work)
    job.asked.connect(reply)
    with qtbot.waitSignal(job.done) as done:
        job.start()
    job.wait()
    job.deleteLater()
    return done.args[0] if done.args else None


def test_a_password_is_asked_for_once_for_one_profile(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert ask(qtbot, desk, Given("one", everywhere=True)) == ("one", 1)
    assert ask(qtbot, desk, None, system="broker2") == ("one", 0)
    other = Profile(name="other", brokers=(), vcenters=(), repository="r")
    assert ask(qtbot, desk, Given("two"), other) == ("two", 1)


def test_a_password_for_one_system_is_for_that_one(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert ask(qtbot, desk, Given("one")) == ("one", 1)
    assert ask(qtbot, desk, Given("two"), system="broker2") == ("two", 1)
    assert ask(qtbot, desk, None) == ("one", 0)


def test_a_password_that_was_forgotten_is_asked_for_again(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    ask(qtbot, desk, Given("wrong", everywhere=True))
    forget(desk, "corp", ACCOUNT, SYSTEM)
    assert ask(qtbot, desk, Given("right")) == ("right", 1)


def test_a_password_goes_into_the_keyring_only_where_that_is_wanted(qtbot: QtBot, tmp_path: Path, kept: Kept) -> None:
    ask(qtbot, Desk(tmp_path), Given("one"))
    assert kept.kept == {}
    ask(qtbot, Desk(tmp_path), Given("two", everywhere=True, keep=True))
    assert kept.kept == {("ViewKeeper:corp", ACCOUNT): "two"}
    assert ask(qtbot, Desk(tmp_path), None) == ("two", 0), "a later start finds it there"


def test_a_password_that_the_keyring_does_not_take_is_remembered_all_the_same(
    qtbot: QtBot, tmp_path: Path, kept: Kept
) -> None:
    desk, long = Desk(tmp_path), "x" * 2000
    with pytest.raises(UserError):
        remember(desk, "corp", ACCOUNT, SYSTEM, Given(long, keep=True))
    assert ask(qtbot, desk, None) == (long, 0)


def test_no_password_is_an_error_that_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    found = ask(qtbot, Desk(tmp_path), None)
    assert isinstance(found, tuple)
    assert isinstance(found[0], UserError)
    assert ACCOUNT in str(found[0])


def test_a_given_password_is_not_in_its_representation() -> None:
    assert "s3cret" not in repr(Given("s3cret"))
