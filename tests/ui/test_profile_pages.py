"""Choosing an environment, and describing it: what is offered, kept, told, asked and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTreeWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import profile as profiles
from app.lab.practice import ACCOUNT, certificates, practice_passwords, practice_profile
from app.profile import PRACTICE, Profile
from app.texts import LANGUAGES, Text, use_language
from tests.scenarios.environment import Environment
from ui.flow import Draft, Page, Task, Wizard
from ui.page import Services, WizardPage
from ui.pages.edit import EditPage
from ui.pages.profile import ProfilePage
from ui.shell import Shell
from ui.widgets.files import Dialogs
from ui.widgets.questions import PasswordDialog, TrustDialog
from ui.widgets.twolines import ABOUT


class Answering(Dialogs):
    """Answers as an operator who is always of one mind."""

    def __init__(self, path: Path | None = None, *, sure: bool = True) -> None:
        self.path, self.is_sure, self.asked = path, sure, list[str]()

    def existing_file(self, parent: QWidget, title: Text) -> Path | None:
        return self.path

    def new_file(self, parent: QWidget, title: Text, proposed: str) -> Path | None:
        return self.path

    def folder(self, parent: QWidget, title: Text, at: str) -> Path | None:
        return self.path

    def sure(self, parent: QWidget, question: Text, consequence: Text, act: Text) -> bool:
        self.asked.append(str(question))
        return self.is_sure


class Last(WizardPage):
    """Stands for the page that comes after."""


def described(practice: Environment, name: str = "corp") -> Profile:
    made = practice_profile(practice.published, practice.data / "sets")
    return msgspec.structs.replace(made, name=name, practice=False)


def opened_shell(qtbot: QtBot, services: Services, dialogs: Dialogs | None = None) -> Shell:
    """Return a window that stands at the choice of an environment."""
    pages: dict[Page, WizardPage] = {
        Page.START: Last(services),
        Page.PROFILE: ProfilePage(services, dialogs),
        Page.EDIT: EditPage(services, dialogs),
        Page.WHAT: Last(services),
    }
    start = Wizard((Page.START, Page.PROFILE), Draft(task=Task.BACK_UP))
    shell = Shell(services, lambda page, _services: pages[page], start)
    qtbot.addWidget(shell)
    shell.show()
    return shell


def child(shell: Shell, kind: type[Any], name: str) -> Any:
    (found,) = [one for one in shell.page.findChildren(kind, name) if one.isVisible()]
    return found


def press(shell: Shell, name: str) -> None:
    pressed = child(shell, QPushButton, name)
    assert pressed.isEnabled(), name
    pressed.click()


def names(shell: Shell) -> list[str]:
    offered = child(shell, QListWidget, "profiles")
    return [offered.item(place).data(Qt.ItemDataRole.UserRole) for place in range(offered.count())]


def choose(shell: Shell, name: str) -> None:
    child(shell, QListWidget, "profiles").setCurrentRow(names(shell).index(name))


def go_to(shell: Shell, title: str) -> None:
    tree = child(shell, QTreeWidget, "parts")
    (item, *_) = tree.findItems(title, Qt.MatchFlag.MatchStartsWith | Qt.MatchFlag.MatchRecursive)
    tree.setCurrentItem(item)


def parts(shell: Shell) -> list[str]:
    tree = child(shell, QTreeWidget, "parts")
    return [one.text(0) for one in tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)]


def fill(shell: Shell, qtbot: QtBot, name: str, words: str, number: int = 0) -> None:
    line = [one for one in shell.page.findChildren(QLineEdit, name) if one.isVisible()][number]
    line.selectAll()
    QTest.keyClicks(line, words)


def error(shell: Shell) -> str:
    return str(shell.page.facts().error or "")


def answers(shell: Shell) -> str:
    return " ".join(one.text() for one in shell.page.findChildren(QLabel, "answers") if one.isVisible())


# ---- choosing


def test_the_profile_used_last_comes_first_and_is_chosen_and_practice_is_offered(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    for name in ("old", "new"):
        services.desk.store.save(described(practice, name))
    services.desk.store.used("old")
    shell = opened_shell(qtbot, services)
    assert names(shell) == ["old", "new", PRACTICE]
    assert shell.page.draft().profile == described(practice, "old")
    assert shell.page.facts().complete


def test_without_a_profile_practice_is_chosen_and_nothing_is_started(qtbot: QtBot, services: Services) -> None:
    shell = opened_shell(qtbot, services)
    listed = child(shell, QListWidget, "profiles")
    assert (names(shell), listed.currentRow(), services.jobs) == ([PRACTICE], 0, [])
    assert shell.page.first_focus() is listed
    assert "New" in child(shell, QWidget, "empty").text()


def test_without_a_profile_next_starts_practice_and_goes_on_with_it(qtbot: QtBot, practice_services: Services) -> None:
    shell = opened_shell(qtbot, practice_services)
    shell.forward()
    assert shell.page.facts().busy
    assert shell.wizard.page is Page.PROFILE
    qtbot.waitUntil(lambda: shell.wizard.page is Page.WHAT, timeout=60000)
    assert shell.wizard.draft.profile is not None
    assert shell.wizard.draft.profile.practice


def test_what_is_no_longer_chosen_when_practice_has_started_is_not_gone_on_with(
    qtbot: QtBot, practice_services: Services
) -> None:
    shell = opened_shell(qtbot, practice_services)
    shell.forward()
    child(shell, QListWidget, "profiles").clearSelection()
    qtbot.waitUntil(lambda: not practice_services.jobs, timeout=60000)
    assert (shell.wizard.page, shell.page.facts().complete) == (Page.PROFILE, False)


def test_choosing_practice_starts_it_and_marks_the_page(qtbot: QtBot, practice_services: Services) -> None:
    shell = opened_shell(qtbot, practice_services)
    listed = child(shell, QListWidget, "profiles")
    listed.clearSelection()
    listed.item(0).setSelected(True)
    assert shell.page.facts().busy
    qtbot.waitUntil(lambda: not shell.page.facts().busy, timeout=60000)
    profile = shell.page.draft().profile
    assert profile is not None
    assert profile.practice
    assert not child(shell, QPushButton, "edit").isEnabled()
    assert not child(shell, QPushButton, "remove").isEnabled()


def test_going_on_makes_a_profile_the_one_used_last(qtbot: QtBot, practice: Environment, services: Services) -> None:
    for name in ("first", "second"):
        services.desk.store.save(described(practice, name))
    services.desk.store.used("second")
    shell = opened_shell(qtbot, services)
    choose(shell, "first")
    shell.forward()
    assert shell.wizard.page.value == Page.WHAT.value
    assert services.desk.store.names() == ("first", "second")


def test_a_damaged_profile_is_told_and_not_chosen(qtbot: QtBot, services: Services) -> None:
    folder = services.desk.data / "profiles"
    folder.mkdir(parents=True)
    (folder / "bad.json").write_text("{", "utf-8")
    shell = opened_shell(qtbot, services)
    assert not shell.page.facts().complete
    assert "bad.json" in error(shell)


def test_a_profile_is_exported_imported_and_removed(
    qtbot: QtBot, practice: Environment, services: Services, tmp_path: Path
) -> None:
    services.desk.store.save(described(practice))
    dialogs = Answering(tmp_path / "out.json")
    shell = opened_shell(qtbot, services, dialogs)
    press(shell, "export")
    assert profiles.read(tmp_path / "out.json") == described(practice)
    press(shell, "remove")
    assert names(shell) == [PRACTICE]
    qtbot.waitUntil(lambda: not services.jobs)
    press(shell, "import")
    assert names(shell) == ["corp", PRACTICE]
    assert shell.page.draft().profile == described(practice)
    assert dialogs.asked == ["Remove the profile corp?"]


def test_what_is_not_wanted_is_not_removed_or_replaced(
    qtbot: QtBot, practice: Environment, services: Services, tmp_path: Path
) -> None:
    services.desk.store.save(described(practice))
    other = msgspec.structs.replace(described(practice), repository="other")
    profiles.write(other, tmp_path / "in.json")
    dialogs = Answering(tmp_path / "in.json", sure=False)
    shell = opened_shell(qtbot, services, dialogs)
    press(shell, "remove")
    press(shell, "import")
    assert services.desk.store.load("corp") == described(practice)
    assert dialogs.asked == ["Remove the profile corp?", "Replace the profile corp?"]


def test_the_name_of_practice_cannot_be_imported(
    qtbot: QtBot, practice: Environment, services: Services, tmp_path: Path
) -> None:
    profiles.write(described(practice, PRACTICE), tmp_path / "in.json")
    shell = opened_shell(qtbot, services, Answering(tmp_path / "in.json"))
    press(shell, "import")
    assert (names(shell), services.desk.store.names()) == ([PRACTICE], ())
    assert "built in" in error(shell)


# ---- describing


def test_a_new_environment_is_described_saved_and_gone_on_with(
    qtbot: QtBot, services: Services, tmp_path: Path
) -> None:
    shell = opened_shell(qtbot, services, Answering(tmp_path / "sets"))
    press(shell, "new")
    assert shell.wizard.page.value == Page.EDIT.value
    assert not shell.page.facts().complete
    fill(shell, qtbot, "name", "corp")
    press(shell, "browse")
    go_to(shell, "(without a name)")
    fill(shell, qtbot, "name", "broker1")
    fill(shell, qtbot, "address", "broker1.corp.example")
    fill(shell, qtbot, "account", "CORP\\backup")
    go_to(shell, "(without a name)")
    fill(shell, qtbot, "name", "vc1")
    fill(shell, qtbot, "address", "vc1.corp.example")
    fill(shell, qtbot, "account", "CORP\\backup")
    assert error(shell) == ""
    shell.forward()
    assert shell.wizard.page.value == Page.WHAT.value
    saved = services.desk.store.load("corp")
    assert (saved.brokers[0].host.address, saved.vcenters[0].name) == ("broker1.corp.example", "vc1")
    assert saved.repository == str(tmp_path / "sets")
    assert shell.wizard.draft.profile == saved


def test_what_was_typed_is_kept_on_back_and_can_be_undone(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    go_to(shell, "vc1")
    fill(shell, qtbot, "port", "x1")
    assert "Give a number" in error(shell)
    shell.backward()
    assert shell.wizard.page == Page.PROFILE
    press(shell, "edit")
    assert "vCenters › vc1 › Port" in error(shell)
    press(shell, "undo")
    assert error(shell) == ""
    assert not child(shell, QPushButton, "undo").isEnabled()


def test_next_means_the_chosen_profile_again_after_coming_back_from_describing(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    shell.backward()
    shell.forward()
    assert str(shell.wizard.page) == Page.WHAT


def test_a_problem_is_marked_in_the_list_told_at_the_field_and_one_button_away(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    go_to(shell, "vc2")
    fill(shell, qtbot, "address", " ")
    assert [part for part in parts(shell) if part.endswith("!")] == ["vc2  !"]
    wrong = [one for one in shell.page.findChildren(QLabel, "error") if one.isVisible()]
    assert [one.text() for one in wrong] == ["Fill this in."]
    go_to(shell, "How it is done")
    press(shell, "mend")
    focus = shell.focusWidget()
    assert isinstance(focus, QLineEdit)
    assert (focus.objectName(), focus.accessibleDescription()) == ("address", "Fill this in.")


def test_rows_are_added_and_removed_and_a_database_asks_for_another_server(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    go_to(shell, "View Composers")
    press(shell, "add")
    assert parts(shell).count("(without a name)  !") == 1
    press(shell, "remove")
    assert not shell.page.facts().error
    go_to(shell, "sql2")
    press(shell, "remove")
    assert "vc2: VCDB [alt] 二 › SQL Server: Choose" in error(shell)
    press(shell, "mend")
    box = shell.focusWidget()
    assert isinstance(box, QComboBox)
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert error(shell) == ""


def test_a_profile_that_cannot_be_saved_keeps_the_operator_on_the_page(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    (services.desk.data / "profiles" / "corp.json.new").mkdir()  # what is written first cannot be written
    shell.forward()
    assert shell.wizard.page.value == Page.EDIT.value
    assert "cannot be written" in error(shell)


def test_the_name_of_a_saved_profile_is_not_changed(qtbot: QtBot, practice: Environment, services: Services) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    assert child(shell, QLineEdit, "name").isReadOnly()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_names_all_that_takes_the_keyboard(
    qtbot: QtBot, practice: Environment, services: Services, language: str
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    use_language(language)
    shell.retranslate()
    press(shell, "edit")
    tree = child(shell, QTreeWidget, "parts")
    for item in tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive):
        tree.setCurrentItem(tree.findItems(item.text(0), Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0])
        for widget in shell.page.findChildren(QWidget):
            takes = widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            if takes and widget.window() is shell:
                assert widget.accessibleName() or getattr(widget, "text", str)(), widget


# ---- asking systems


def dialog(qtbot: QtBot, shell: Shell, kind: type[Any]) -> Any:
    """Return the dialog of that kind that is open, once it is."""
    qtbot.waitUntil(lambda: bool([one for one in shell.findChildren(kind) if one.isVisible()]), timeout=30000)
    return next(one for one in shell.findChildren(kind) if one.isVisible())


def give(qtbot: QtBot, asking: QDialog, password: str) -> None:
    line = asking.findChild(QLineEdit)
    assert line is not None
    QTest.keyClicks(line, password)
    QTest.keyClick(line, Qt.Key.Key_Return)


def finished(qtbot: QtBot, services: Services) -> None:
    qtbot.waitUntil(lambda: not services.jobs, timeout=60000)


def test_a_test_asks_for_certificate_and_password_pins_the_one_and_remembers_the_other(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    go_to(shell, "broker1")
    press(shell, "test")
    asking = dialog(qtbot, shell, TrustDialog)
    trust = next(one for one in asking.findChildren(QPushButton) if "Trust" in one.text())
    QTest.keyClick(trust, Qt.Key.Key_Space)
    give(qtbot, dialog(qtbot, shell, PasswordDialog), practice_passwords(practice.data)[ACCOUNT])
    finished(qtbot, services)
    assert "✓ passed: Windows answers: BROKER1" in answers(shell)
    assert "View answers: version 5.0.1" in answers(shell)
    assert len(services.desk.trust.pins()) == 1
    go_to(shell, "broker2")
    press(shell, "test")
    asking = dialog(qtbot, shell, TrustDialog)
    QTest.keyClick(asking, Qt.Key.Key_Escape)
    finished(qtbot, services)
    assert "certificate" in answers(shell)
    assert len(services.desk.trust.pins()) == 1, "Esc trusts nothing"
    press(shell, "propose")
    finished(qtbot, services)
    assert "View names no server" in answers(shell), "the account's password was asked for once"


def test_a_mistyped_password_is_asked_for_again(qtbot: QtBot, practice: Environment, services: Services) -> None:
    services.desk.store.save(described(practice))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    go_to(shell, "sql1")
    server = described(practice).databases()[0].server
    assert server.host is not None
    asked = []
    for password in ("wrong", practice_passwords(practice.data)[server.account]):
        press(shell, "test")
        while services.jobs:
            qtbot.waitUntil(
                lambda: not services.jobs or any(d.isVisible() for d in shell.findChildren(QDialog)), timeout=30000
            )
            for one in [found for found in shell.findChildren(QDialog) if found.isVisible()]:
                if isinstance(one, TrustDialog):
                    one.accept()
                else:
                    asked.append(one.findChildren(QLineEdit)[0].accessibleName())
                    for_host = "viewkeeper" in asked[-1]
                    give(qtbot, one, practice_passwords(practice.data)[ACCOUNT] if for_host else password)
    assert [words for words in asked if "vksql" in words] == ["Password of vksql on sql1"] * 2
    assert "SQL Server answers: SQL1" in answers(shell)


def test_servers_that_view_names_are_offered_unticked_and_added_when_ticked(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    whole = described(practice)
    little = msgspec.structs.replace(
        whole, brokers=whole.brokers[:1], vcenters=whole.vcenters[:1], composers=(), security_servers=(),
        event_database=None,
    )  # fmt: skip
    services.desk.store.save(little)
    for address, port, certificate in certificates(practice.published):
        services.desk.trust.accept(address, port, certificate)
    services.desk.given.update(practice_passwords(practice.data))
    shell = opened_shell(qtbot, services)
    press(shell, "edit")
    press(shell, "propose")
    finished(qtbot, services)
    boxes = {box.text(): box for box in shell.page.findChildren(QCheckBox) if box.isVisible()}
    assert [words.split(",")[0] for words in boxes] == [
        "Connection Server broker2 (replica)", "Security Server security1",
        "vCenter vcenter2.practice.example (View logs in as PRACTICE\\viewservice)",
        "View Composer of vcenter1.practice.example", "View's event database ViewEvents on sql1.practice.example",
    ]  # fmt: skip
    assert not any(box.isChecked() for box in boxes.values())
    assert not child(shell, QPushButton, "take").isEnabled()
    next(box for words, box in boxes.items() if "security1" in words).setChecked(True)
    press(shell, "take")
    assert "security1" in parts(shell)
    shell.forward()
    saved = services.desk.store.load("corp")
    assert [host.name for host in saved.security_servers] == ["security1"]
    assert len(saved.brokers) == 1


def test_a_new_description_is_not_scolded_before_anything_was_typed(qtbot: QtBot, services: Services) -> None:
    shell = opened_shell(qtbot, services)
    press(shell, "new")
    assert not shell.page.facts().error
    assert "Fill this in" in str(shell.page.facts().hint)
    fill(shell, qtbot, "name", "a/b")
    assert "file" in error(shell)
    assert shell.page.facts().hint is None


def test_another_language_leaves_the_keyboard_where_it_was_and_what_was_typed(qtbot: QtBot, services: Services) -> None:
    shell = opened_shell(qtbot, services)
    press(shell, "new")
    fill(shell, qtbot, "repository", "R:")
    child(shell, QLineEdit, "repository").setFocus()
    use_language("zh_CN")
    shell.retranslate()
    here = shell.focusWidget()
    assert isinstance(here, QLineEdit)
    assert (here.objectName(), here.text()) == ("repository", "R:")


def test_each_environment_says_what_is_behind_it_even_one_that_cannot_be_read(
    qtbot: QtBot, practice: Environment, services: Services
) -> None:
    services.desk.store.save(described(practice, "corp"))
    damaged = services.desk.data / "profiles" / "old.json"
    damaged.write_text("{", "utf-8")
    offered = child(opened_shell(qtbot, services), QListWidget, "profiles")
    said = {offered.item(row).text(): offered.item(row).data(ABOUT) for row in range(offered.count())}
    assert "broker1, broker2" in said["corp"]
    assert "old" in said["old"]
    assert "nothing in it is real" in said["Practice environment"]
