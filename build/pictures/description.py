"""The walk through a description: the editor with all that can be wrong in it, questions, checks, what was left off."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from build.pictures.walk import ROOT, Walk, kill_a_run

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from app.desk import Desk
    from app.profile import Profile


def walk_a_description(w: Walk, data: Path) -> None:
    """Describe an environment, with all that can be wrong with it, and look at it with the checks."""
    from app.lab.practice import practice_passwords

    w.ready("start")
    w.choose("back-up")
    w.shell.forward()
    w.ready("profile")
    w.shoot("profile-none")
    w.choose("new")
    w.ready("edit")
    w.shoot("edit-new")
    for field, words in (("name", "head/office"), ("repository", "")):
        w.type(field, words)
    w.shoot("edit-wrong")
    w.close()
    desk = _two_environments(data)
    w.open()
    w.ready("start")
    w.until(lambda: not w.services.jobs)
    w.shoot("start-several")
    w.choose("back-up")
    w.shell.forward()
    w.ready("profile")
    w.shoot("profile-several")
    _questions(w)
    w.services.desk.given.update(practice_passwords(data))
    w.choose("edit")
    w.ready("edit")
    _parts(w)
    w.close()
    w.open()
    w.ready("start")
    _checks(w, desk)
    _left_off(w, desk)


def _two_environments(data: Path) -> Desk:
    """Describe the practice environment twice, as if it were real; of one of them there is an old backup."""
    import msgspec

    from app.desk import Desk

    desk = Desk(data)
    practice = desk.profile("practice")
    for name in ("Branch", "Head office"):
        desk.store.save(msgspec.structs.replace(practice, name=name, practice=False, repository=str(data / name)))
    desk.store.used("Head office")
    _backed_up(desk, practice)
    shutil.move(data / "repository" / "practice", data / "Head office" / "Head office")
    return desk


def _backed_up(desk: Desk, profile: Profile) -> None:
    """Back up by the command line, and make the set three days old."""
    import msgspec

    from app.backupset import manifest

    command = [sys.executable, "-m", "app", "backup", "--yes", "--profile", profile.name]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (file,) = (desk.data / "repository" / "practice").glob("*/manifest.json")
    made = manifest.decode(file.read_bytes(), file)
    ended = datetime.datetime.fromisoformat(made.completed) - datetime.timedelta(days=3)
    file.write_bytes(manifest.encode(msgspec.structs.replace(made, completed=ended.isoformat())))


def _parts(w: Walk) -> None:
    """Go through the parts of the editor; then take some away, ask View for them, and try a system."""
    from app import practising
    from app.practising import Kind, Offer
    from app.texts import NOTHING

    for name in ("Name", "Connection Servers", "broker1", "vCenters", "vc1", "composer1", "security1", "SQL Servers",
                 "sql1", "Databases", "composer1: ViewComposer", "View's events", "How it is done"):  # fmt: skip
        w.part(name)
        w.shoot("edit-part-" + name.lower().replace(" ", "-").replace(":", "").replace("'", ""))
    w.part("sql1")
    w.type("port", "99999")
    w.type("address", "")
    w.shoot("edit-wrong-system")
    w.type("address", "127.0.0.1")
    w.choose("undo")
    w.part("broker1")
    w.choose("test")
    w.until(lambda: not w.services.jobs)
    w.shoot("edit-tested")
    practising.make(w.services.desk, Offer(Kind.SCENE, "host-unreachable", NOTHING), {"host": "broker1"})
    w.choose("test")
    w.until(lambda: not w.services.jobs)
    w.shoot("edit-not-reached")
    practising.make(w.services.desk, Offer(Kind.SCENE, practising.QUIET, NOTHING))
    for name in ("broker2", "security1"):
        w.part(name)
        w.choose("remove")
    w.choose("propose")
    w.until(lambda: not w.services.jobs)
    w.shoot("edit-proposed")
    w.choose("undo")


def _checks(w: Walk, desk: Desk) -> None:
    """Take pictures of what the checks may say."""
    from app import practising
    from app.practising import Kind, Offer
    from app.texts import NOTHING
    from ui.flow import Page, Task

    for name, scenes in (
        ("checks-warned", ()), ("checks-blocked", ("recompose-running", "disk-full")),
        ("checks-unknown", ("host-unreachable",)),
    ):  # fmt: skip
        for scene in scenes:
            practising.make(desk, Offer(Kind.SCENE, scene, NOTHING))
        w.shell.jump(Page.CHECKS, task=Task.BACK_UP, profile=desk.profile("Head office"))
        if not scenes:
            w.shoot("checks-running")
        w.ready("checks")
        w.shoot(name)
        practising.make(desk, Offer(Kind.SCENE, practising.QUIET, NOTHING))
    (desk.data / "trust.json").unlink()
    w.shell.jump(Page.CHECKS)
    w.until(lambda: w.dialog() is not None)
    if (dialog := w.dialog()) is not None:
        dialog.reject()
    w.ready("checks")
    w.shoot("checks-not-trusted")
    desk.profile("practice")  # its certificates are pinned again


def _left_off(w: Walk, desk: Desk) -> None:
    """Leave a run off in the middle of its freeze; let another workstation do so too; take pictures of both."""
    from PySide6.QtWidgets import QComboBox

    from app import practising
    from app.practising import Kind, Offer
    from app.texts import NOTHING

    kill_a_run(w, desk)
    w.close()
    w.open()
    w.ready("recovery")
    w.shoot("recovery-interrupted")
    practising.make(desk, Offer(Kind.SCENE, "foreign-notice", NOTHING), {"age": "7200"})
    w.close()
    w.open()
    w.ready("recovery")
    w.choose("later")
    w.shell.forward()
    w.ready("recovery")
    runs = w.shell.page.findChild(QComboBox, "runs")
    assert isinstance(runs, QComboBox)
    runs.setCurrentIndex(1)
    w.shoot("recovery-elsewhere")


def _questions(w: Walk) -> None:
    """Take pictures of the questions that any work may ask."""
    from app.texts import text
    from app.trust import Certificate
    from ui.asking import AskPassword, AskTrust

    day = datetime.datetime(2011, 9, 30, tzinfo=datetime.UTC)
    old = Certificate("ab" * 32, "CN=broker1.corp.example,O=Corp\\, Inc", "CN=Corp CA", day, day.replace(year=2013))
    new = Certificate("c4" * 32, "CN=broker1.corp.example,O=Corp\\, Inc", "CN=Corp CA", day, day.replace(year=2040))
    question = text("Password of {account} on {system}", account="CORP\\backup", system="broker1")
    for name, subject in (
        ("password", AskPassword(question, "Head office", may_keep=True)),
        ("password-not-kept", AskPassword(question, "Head office")),
        ("certificate", AskTrust("winrm:broker1", new, None)),
        ("certificate-changed", AskTrust("winrm:broker1", new, old)),
    ):
        w.shoot_dialog(f"question-{name}", partial(_asked, w, subject))


def _asked(w: Walk, subject: object) -> QDialog:
    from ui.bridge import Question
    from ui.widgets.questions import answer

    return answer(w.shell, Question(subject))
