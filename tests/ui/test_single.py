"""One wizard for one data folder: the second brings the first to the front, and no dead one is in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.errors import UserError
from tests.processes import environment, living
from ui import application, single
from ui.single import Single, channel, place_of, reached, show_the_first

FIRST = """
import sys
from pathlib import Path
from ui.single import Single
place = Single(Path(sys.argv[1]))
if sys.argv[2] == "listens":
    place.listen(lambda: print("shown", flush=True))
print("there", flush=True)
sys.stdin.readline()
place.close()
print("closed", flush=True)
sys.stdin.readline()
"""
"""A process that has the place, as a wizard has it."""


ENDING = """
import sys, threading
from pathlib import Path
from ui.single import Single
asked = threading.Event()
def gone():
    asked.set()
    raise RuntimeError("Internal C++ object already deleted.")
place = Single(Path(sys.argv[1]))
place.listen(gone)
print("there", flush=True)
asked.wait()
place.close()
sys.stdin.readline()
"""
"""One whose window is gone already, and that ends while another asks for it."""


@contextmanager
def first(data: Path, *, listens: bool = True) -> Iterator[subprocess.Popen[str]]:
    data.mkdir(exist_ok=True)
    with living(FIRST, str(data), "listens" if listens else "is deaf") as process:
        yield process


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def press_the_boxs_button(said: list[str]) -> QTimer:
    """Note what a box says as soon as one is there, and close it as Enter does."""
    timer = QTimer()

    def look() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            said.extend((box.text(), box.informativeText()))
            box.accept()

    timer.timeout.connect(look)
    timer.start(20)
    return timer


# ---- the place, between processes


def test_the_first_is_shown_each_time_that_another_one_asks(tmp_path: Path) -> None:
    with first(tmp_path / "data 二") as one:
        with pytest.raises(BlockingIOError):
            Single(tmp_path / "data 二")
        for _ in range(3):
            assert show_the_first(tmp_path / "data 二")
            assert line(one) == "shown"


def test_a_first_one_that_does_not_answer_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "PATIENCE", 0.3)
    with first(tmp_path / "data", listens=False):
        assert not show_the_first(tmp_path / "data")


@pytest.mark.skipif(os.name == "nt", reason="a signal stops a process only elsewhere")
def test_a_first_one_that_hangs_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with first(tmp_path / "data") as one:
        assert show_the_first(tmp_path / "data")
        monkeypatch.setattr(single, "PATIENCE", 0.3)
        one.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, one.pid, os.WSTOPPED)  # it may go on for a moment on the other core
        assert not show_the_first(tmp_path / "data")


def test_the_place_of_one_that_was_killed_is_free_and_so_is_its_channel(tmp_path: Path) -> None:
    with first(tmp_path / "data") as one:
        one.kill()
        one.wait()
    with first(tmp_path / "data") as again:
        assert show_the_first(tmp_path / "data")
        assert line(again) == "shown"


def test_a_place_that_is_given_up_is_free_at_once(tmp_path: Path) -> None:
    with first(tmp_path / "data") as one:
        assert one.stdin is not None
        print(file=one.stdin, flush=True)
        assert line(one) == "closed"
        with closing(Single(tmp_path / "data")) as mine:
            mine.listen(lambda: None)


def test_the_place_of_one_that_is_just_ending_is_had_once_it_is_free(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with living(ENDING, str(tmp_path / "data")):
        mine = place_of(tmp_path / "data")
        assert mine is not None
        mine.close()


def test_one_whose_window_cannot_be_shown_says_so_and_goes_on_listening(tmp_path: Path) -> None:
    shown: list[str] = []

    def show() -> None:
        shown.append("asked")
        if len(shown) == 1:
            raise RuntimeError("Internal C++ object already deleted.")

    with closing(Single(tmp_path)) as mine:
        mine.listen(show)
        assert not show_the_first(tmp_path)
        assert show_the_first(tmp_path)


def test_a_line_that_windows_refuses_is_not_tried_for_long(tmp_path: Path) -> None:
    tried: list[str] = []

    def refused(name: str, _family: str) -> Connection:
        tried.append(name)
        raise PermissionError(13, "Access is denied")

    with pytest.raises(PermissionError):
        reached(channel(tmp_path), 60.0, refused)
    assert tried == [channel(tmp_path)]


def test_wizards_of_two_data_folders_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "PATIENCE", 0.3)
    (tmp_path / "other").mkdir()
    with first(tmp_path / "data") as one, closing(Single(tmp_path / "other")):
        assert not show_the_first(tmp_path / "other")
        assert show_the_first(tmp_path / "data")
        assert line(one) == "shown"


def test_nothing_but_showing_itself_can_be_asked_of_it(tmp_path: Path) -> None:
    with first(tmp_path / "data") as one:
        assert show_the_first(tmp_path / "data")
        assert line(one) == "shown"
        where = channel(tmp_path / "data"), "AF_PIPE" if os.name == "nt" else "AF_UNIX"
        with Client(*where) as mute:  # goes away without a word
            mute.recv_bytes(16)
        with Client(*where) as other:
            other.recv_bytes(16)
            other.send_bytes(b"show me all")
            assert other.recv_bytes(16) == b"show me all"
        with Client(*where) as liar:
            liar.recv_bytes(16)
            liar.send_bytes(b"x" * 1000)
        assert show_the_first(tmp_path / "data")
        assert one.stdin is not None
        print(file=one.stdin, flush=True)
        assert [line(one), line(one)] == ["shown", "closed"], "shown once, for the last one"


def test_where_another_program_has_the_channel_the_wizard_works_all_the_same(tmp_path: Path) -> None:
    where = channel(tmp_path), "AF_PIPE" if os.name == "nt" else "AF_UNIX"
    with Listener(*where), closing(Single(tmp_path)) as mine:
        mine.listen(lambda: None)
        assert mine._thread is not None
        mine._thread.join()


# ---- the wizard


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_second_wizard_brings_the_first_to_the_front_and_ends_well(qapp: QApplication, data: Path) -> None:
    with first(data) as one:
        assert application.main(["viewkeeper"]) == 0
        assert line(one) == "shown"


def test_a_second_wizard_says_that_the_first_does_not_answer(
    qapp: QApplication, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "PATIENCE", 0.3)
    said: list[str] = []
    with first(data, listens=False):
        timer = press_the_boxs_button(said)
        assert application.main(["viewkeeper"]) == 2
        timer.stop()
    assert "does not answer" in said[0]
    assert str(data) in said[1]


def test_one_that_was_started_as_an_administrator_is_told_of_as_such(tmp_path: Path) -> None:
    def refused(_data: Path) -> Single | None:
        raise PermissionError(13, "Access is denied")

    why = application.placed(tmp_path / "data", refused)
    assert isinstance(why, UserError)
    assert "administrator" in str(why.what)
    assert str(tmp_path / "data") in str(why.why)


def test_a_data_folder_that_cannot_be_written_is_told_in_a_box(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("not a folder", "ascii")
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "a file" / "data"))
    said: list[str] = []
    timer = press_the_boxs_button(said)
    assert application.main(["viewkeeper"]) == 2
    timer.stop()
    assert str(tmp_path / "a file" / "data") in said[0]
    assert said[1]


def test_a_lock_that_cannot_be_written_is_told_in_a_box(qapp: QApplication, data: Path) -> None:
    (data / "wizard.lock").mkdir(parents=True)
    said: list[str] = []
    timer = press_the_boxs_button(said)
    assert application.main(["viewkeeper"]) == 2
    timer.stop()
    assert str(data) in said[0]


def test_a_window_that_comes_forward_is_out_of_the_taskbar_and_before_all_others(qtbot: QtBot) -> None:
    window, other = QWidget(), QWidget()
    qtbot.addWidget(window)
    qtbot.addWidget(other)
    window.showMaximized()
    window.setWindowState(window.windowState() | Qt.WindowState.WindowMinimized)
    other.show()
    application.come_forward(window)
    qtbot.waitUntil(window.isActiveWindow)
    assert not window.isMinimized()
    assert window.isMaximized()


def test_two_whole_wizards_of_one_data_folder_are_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    given = environment(**{paths.DATA_VARIABLE: str(data), "QT_QPA_PLATFORM": "offscreen"})
    command = [sys.executable, "-P", "-m", "ui"]
    with subprocess.Popen(command, env=given, stderr=subprocess.PIPE) as one:
        try:
            while not show_the_first(data):
                assert one.poll() is None
            assert subprocess.run(command, env=given, timeout=60, check=False).returncode == 0
            assert one.poll() is None
        finally:
            one.kill()
