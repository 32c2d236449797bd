"""Pictures of every page, in both languages, light and dark, at 100 and 200 %, and one sheet to review them on.

Started by `build/make.py screenshots`. It walks the wizard through the practice environment, without a screen.
"""

from __future__ import annotations

import argparse
import datetime
import html
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QRect
    from PySide6.QtWidgets import QDialog, QWidget

    from app.desk import Desk
    from app.engine.ending import Ending
    from app.profile import Profile
    from ui.pages.run import RunPage

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1024, 640)
SCALES = (1, 2)
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh_CN")
STYLE = (
    "body{font:14px sans-serif;margin:24px}div{display:flex;flex-wrap:wrap;gap:12px}"
    "figure{margin:0}img{width:460px;border:1px solid #999}"
)
PATIENCE = 60.0  # seconds that a page may take to be ready
REST = 0.2  # seconds in which nothing moves any more
SETTLE = 3.0  # seconds that layouts may take


class Walk:
    """A window that is walked through, and photographed at each place in every language and theme."""

    def __init__(self, data: Path, out: Path, scale: int, letter: str, only: Sequence[str] = ()) -> None:
        from PySide6.QtWidgets import QApplication

        from app.desk import Desk
        from ui.look import STYLE
        from ui.page import Services

        found = QApplication.instance()
        self._application = found if isinstance(found, QApplication) else QApplication(["viewkeeper", *STYLE])
        self.services = Services(Desk(data), lambda _path: None)
        self._out, self._scale, self._letter, self._only, self._number = out, scale, letter, only, 0
        self.open()

    def open(self) -> None:
        """Open a new window; the one before is closed."""
        from ui.application import open_shell

        self.shell = open_shell(self.services)
        self.shell.resize(*SIZE)
        self.shell.show()

    def close(self) -> None:
        """Close the window and wait until nothing of it works any more."""
        self.shell.close()
        self._spin(0.3)

    def until(self, reached: Callable[[], bool]) -> None:
        """Let the window work until something is so."""
        end = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.shell.wizard.page} does not get ready; it asks: {self.dialog()}")
            self._spin(0.05)
        self._spin(0.3)

    def ready(self, page: str) -> None:
        """Wait until that page is shown and may be left."""
        self.until(lambda: self.shell.wizard.page == page and not self.shell.page.facts().busy)

    def choose(self, name: str) -> None:
        """Press a button of the page by its name."""
        from PySide6.QtWidgets import QAbstractButton

        found = [one for one in self.shell.findChildren(QAbstractButton, name) if one.isVisible()]
        assert found, name
        found[0].click()
        self._spin(0.2)

    def type(self, name: str, words: str) -> None:
        """Put words into the first field of that name that is shown."""
        from PySide6.QtWidgets import QLineEdit

        line = next(one for one in self.shell.page.findChildren(QLineEdit, name) if one.isVisible())
        line.setText(words)
        line.textEdited.emit(words)
        self._spin(0.1)

    def part(self, name: str) -> None:
        """Choose a part of the description by how its title begins."""
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QTreeWidget

        tree = self.shell.page.findChild(QTreeWidget, "parts")
        assert isinstance(tree, QTreeWidget)
        tree.setCurrentItem(tree.findItems(name, Qt.MatchFlag.MatchStartsWith | Qt.MatchFlag.MatchRecursive)[0])
        self._spin(0.1)

    def dialog(self) -> QDialog | None:
        """Return the question that is open now."""
        from PySide6.QtWidgets import QDialog

        return next((one for one in self.shell.findChildren(QDialog) if one.isVisible()), None)

    def shoot_dialog(self, name: str, opened: Callable[[], QDialog]) -> None:
        """Take the pictures of a question; it is asked anew in each language and theme."""
        for file in self._dressed(name):
            dialog = opened()
            self._rest(dialog)
            dialog.grab().save(str(file))
            dialog.reject()
            self._spin(0.1)

    def shoot(self, name: str) -> None:
        """Take the pictures of what is shown now."""
        for file in self._dressed(name):
            self.shell.retranslate()
            self._rest(self.shell)
            self.shell.grab().save(str(file))
        self.shell.retranslate()

    def _dressed(self, name: str) -> Iterator[Path]:
        """Yield the file of each picture, in its language and theme; none where only other pictures are wanted."""
        from app.texts import use_language
        from ui.look import dress

        self._number += 1
        if self._only and not any(name.startswith(wanted) for wanted in self._only):
            return
        for theme in THEMES:
            dress(self._application, theme)
            for language in LANGUAGES:
                use_language(language)
                yield self._out / f"{self._letter}{self._number:02}-{name}-{language}-{theme}-{self._scale * 100}.png"
        use_language("en")
        dress(self._application, "light")

    def _rest(self, window: QWidget) -> None:
        """Let a window work until nothing in it moves any more: Qt lays it out some events after its words changed."""
        end = time.monotonic() + SETTLE
        self._spin(REST)
        places: list[QRect] = []
        while time.monotonic() < end and places != (found := _places(window)):
            places = found
            self._spin(REST)

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            self._application.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.005)


def _places(window: QWidget) -> list[QRect]:
    """Return where everything stands in a window."""
    from PySide6.QtWidgets import QWidget

    return [one.geometry() for one in window.findChildren(QWidget) if one.isVisible()]


def walk_a_backup(w: Walk, data: Path) -> None:
    """Go from the first page to the result of a backup, with all that may come between, and verify its set."""
    from app import practising
    from app.desk import Desk
    from app.practising import Kind, Offer
    from app.texts import NOTHING
    from ui.flow import Page, Task

    desk = Desk(data)
    w.ready("start")
    w.shoot("start-first")
    w.choose("practise")
    w.shell.forward()
    w.ready("what")
    w.shoot("what")
    w.choose("practice-button")
    w.until(lambda: "sales-lc" in _world(w))
    w.shell.resize(SIZE[0] + 340, SIZE[1])
    w.shoot("practice-panel")
    w.choose("practice-button")
    w.shell.resize(*SIZE)
    for page in ("checks", "review"):
        w.shell.forward()
        w.ready(page)
        w.shoot(page)
    practising.make(desk, Offer(Kind.FAULT, "composer-backup-fails", NOTHING))
    w.shell.forward()
    w.until(lambda: _button(w, "retry") is not None)
    w.shoot("run-failed")
    practising.clear_faults(desk)
    w.choose("stop")
    w.until(lambda: w.shell.wizard.page == "result" or not w.shell.page.facts().working)
    if w.shell.wizard.page != "result":
        w.shoot("run-stopped")
        w.shell.forward()
    w.ready("result")
    w.shoot("result-stopped")
    w.close()
    w.open()
    w.ready("start")
    w.shoot("start-unfinished")
    w.choose("take-up")
    w.shell.forward()
    w.ready("recovery")
    w.shoot("recovery")
    w.shell.forward()
    w.until(lambda: w.shell.wizard.page == "result" or (w.shell.wizard.page == "run" and w.shell.page.facts().complete))
    if w.shell.wizard.page == "run":
        w.shoot("run-done")
        w.shell.forward()
    w.ready("result")
    w.shoot("result")
    w.shell.start_anew()
    w.ready("start")
    w.shoot("start")
    w.choose("verify")
    w.shell.forward()
    w.ready("profile")
    w.shoot("profile")
    w.shell.jump(Page.CHOOSE_SET, task=Task.VERIFY, profile=desk.profile("practice"))
    w.ready("choose-set")
    w.shoot("choose-set")
    w.shell.forward()
    w.shoot("verify")
    w.ready("verified")
    w.shoot("verified")
    _damage(data)
    w.shell.jump(Page.VERIFY)
    w.ready("verified")
    w.shoot("verified-damaged")
    w.shell.jump(
        Page.TROUBLE, trouble='Traceback (most recent call last):\n  File "ui/...", line 1\nValueError: an example'
    )
    w.shoot("trouble")


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

    _kill_a_run(w, desk)
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


def _kill_a_run(w: Walk, desk: Desk) -> None:
    """Begin a backup, and end its process in the middle of the freeze."""
    from app import overview
    from app.lab import process

    running = process.published(desk.data)
    assert running is not None
    process.send(running, "pace", pace="20")
    command = [sys.executable, "-m", "app", "backup", "--yes", "--profile", "practice"]
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    w.until(lambda: killed.poll() is not None or _holds(desk))
    killed.kill()
    killed.wait()
    assert overview.here(desk).left_off
    process.send(running, "pace", pace="0")


def _holds(desk: Desk) -> bool:
    """Say whether a run holds something off now."""
    with desk.journal() as journal:
        return any(one.closed is None for run in journal.runs() for one in journal.held(run.id))


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
    _kill_a_run(w, desk)
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
    w.until(lambda: "sales-lc" in _world(w))
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


WALKS: Mapping[str, Callable[[Walk, Path], None]] = {
    "backup": walk_a_backup, "description": walk_a_description, "wrong": walk_what_may_go_wrong,
}  # fmt: skip


def _button(w: Walk, name: str) -> object:
    from PySide6.QtWidgets import QAbstractButton

    return next((found for found in w.shell.findChildren(QAbstractButton, name) if found.isVisible()), None)


def _world(w: Walk) -> str:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QTreeWidget

    found = w.shell.findChild(QTreeWidget, "world")
    shown = found.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive) if found is not None else []
    return "\n".join(item.text(0) for item in shown)


def _damage(data: Path) -> None:
    """Change one letter of a captured file."""
    file = next(iter(sorted((data / "repository").rglob("*.bak"))))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def sheet(out: Path) -> Path:
    """Write the page on which all pictures stand beside each other; return it."""
    pictures: dict[str, list[Path]] = {}
    for file in sorted(out.glob("*.png")):
        pictures.setdefault(file.name.split("-", 1)[1].rsplit("-", 3)[0], []).append(file)
    rows = [
        f"<h2>{html.escape(name)}</h2><div>"
        + "".join(
            f'<figure><a href="{one.name}"><img src="{one.name}" loading="lazy"></a>'
            f"<figcaption>{html.escape(one.stem.split('-', 1)[1])}</figcaption></figure>"
            for one in files
        )
        + "</div>"
        for name, files in pictures.items()
    ]
    page = out / "index.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><title>ViewKeeper: all pages</title><style>{STYLE}</style>'
        f"<h1>All pages</h1>{''.join(rows)}\n",
        "utf-8",
    )
    return page


def main() -> int:
    """Walk once for each scale, in a process of its own, and write the sheet."""
    parser = argparse.ArgumentParser(prog="screenshots")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "screenshots")
    parser.add_argument("--scale", type=int, choices=SCALES)
    parser.add_argument("--walk", choices=WALKS, help="only this one of the walks")
    parser.add_argument("--only", nargs="*", default=[], help="only pictures whose names begin like this")
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data:
        _take(options.walk, options.data, options.out, options.scale, options.only)
        return 0
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    for walk in [options.walk] if options.walk else WALKS:
        for scale in [options.scale] if options.scale else SCALES:
            _one_scale(walk, options.out, scale, options.only)
    print(f"All pictures: {sheet(options.out)}")
    return 0


def _take(walk: str, data: Path, out: Path, scale: int, only: Sequence[str]) -> None:
    """Take the pictures of one walk. The practice environment of `data` must run."""
    w = Walk(data, out, scale, "abcdefgh"[list(WALKS).index(walk)], only)
    try:
        WALKS[walk](w, data)
    finally:
        w.close()  # else what still waits for an answer keeps this process alive


def _one_scale(walk: str, out: Path, scale: int, only: Sequence[str]) -> None:
    from app.lab import process

    with tempfile.TemporaryDirectory(prefix="viewkeeper-", ignore_cleanup_errors=True) as folder:
        process.start(Path(folder), pace="0")
        try:
            given = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale), "VIEWKEEPER_DATA": folder}
            kept_out = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
            command = [sys.executable, __file__, "--walk", walk, "--scale", str(scale), "--data", folder]
            command += ["--out", str(out), "--only", *only]
            subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **given, **kept_out})
        finally:
            process.stop(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
