"""One door for all faces: what words lead where, with true exit codes, and a sentence where it cannot begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app import paths, unpacked
from app.lab import process
from tests.processes import carried_out, environment
from ui.single import show_the_first


@pytest.fixture(autouse=True)
def _no_lab_is_left(tmp_path: Path) -> Iterator[None]:
    """End the practice environment, which many a command starts."""
    yield
    process.stop(tmp_path)


def told(data: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return carried_out("-m", "ui", *words, **{paths.DATA_VARIABLE: str(data), **variables})


def broken(folder: Path, module: str) -> dict[str, str]:
    """Variables with which a library cannot be imported, as in a copy that is not whole."""
    (folder / f"{module}.py").write_text(
        f"raise ModuleNotFoundError({f'No module named {module}'!r}, name={module!r})\n", "ascii"
    )
    return {"PYTHONPATH": str(folder)}


def test_words_are_those_of_the_command_line_with_its_exit_codes(tmp_path: Path) -> None:
    version, wrong, unknown = (told(tmp_path, *words) for words in (["--version"], ["bake"], ["verify", "no such"]))
    assert (version.returncode, version.stdout) == (0, f"ViewKeeper {app.__version__}\n")
    assert (wrong.returncode, "bake" in wrong.stderr) == (2, True)
    assert (unknown.returncode, "no such" in unknown.stderr, "Traceback" in unknown.stderr) == (2, True, False)


def test_lab_is_the_practice_environments_own_process(tmp_path: Path) -> None:
    status = told(tmp_path, "--lab", "status", "--json")
    assert (status.returncode, json.loads(status.stdout)) == (0, {"running": False})
    refused = told(tmp_path, "--lab", "scene", "quiet")
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "ui", "--lab", "serve", "--data", str(tmp_path), "--pace", "0"],
        env=environment(), stdin=subprocess.DEVNULL,
    ) as serving:  # fmt: skip
        try:
            while (running := process.published(tmp_path)) is None:
                assert serving.poll() is None
            assert running["pid"] == serving.pid
            assert process.stop(tmp_path)
            assert serving.wait(30) == 0
        finally:
            serving.kill()


def test_self_test_looks_whether_the_copy_is_whole(tmp_path: Path) -> None:
    done = told(tmp_path, "--self-test", QT_QPA_PLATFORM="offscreen")
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["outcome"] == "whole" else 1)
    assert told(tmp_path, "--self-test", "--bake").returncode == 2


def test_without_words_it_is_the_wizard(tmp_path: Path) -> None:
    given = environment(**{paths.DATA_VARIABLE: str(tmp_path / "data"), "QT_QPA_PLATFORM": "offscreen"})
    with subprocess.Popen([sys.executable, "-P", "-m", "ui"], env=given) as wizard:
        try:
            while not show_the_first(tmp_path / "data"):
                assert wizard.poll() is None
        finally:
            wizard.kill()


@pytest.mark.skipif(os.name == "nt", reason="Windows has a screen")
def test_without_words_and_without_a_screen_it_says_what_to_do(tmp_path: Path) -> None:
    done = told(tmp_path, QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no screen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "library"),
    [([], "PySide6"), (["sets"], "msgspec"), (["--lab", "status"], "msgspec"), (["--version"], "argparse")],
    ids=["wizard", "command line", "lab", "the first of all"],
)
@pytest.mark.skipif(os.name == "nt", reason="without words Windows says it in a box that waits for somebody")
def test_a_part_that_is_missing_is_told_in_a_sentence_whatever_was_asked_for(
    tmp_path: Path, words: list[str], library: str
) -> None:
    done = told(tmp_path / "data", *words, QT_QPA_PLATFORM="offscreen", **broken(tmp_path, library))
    assert (done.returncode, done.stdout) == (1, "")
    assert library in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [["sets"], ["--lab", "status"]], ids=["command line", "lab"])
def test_an_error_of_the_program_itself_is_told_and_kept_and_ends_with_a_code_that_no_loader_makes_a_box_of(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "msgspec.py").write_text("raise ValueError('terces'[::-1])\n", "utf-8")
    carry_out = "import sys; from ui.program import main; sys.exit(100 + main(sys.argv[1:]))"
    data = tmp_path / "data"
    done = carried_out("-c", carry_out, *words, **{paths.DATA_VARIABLE: str(data), "PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (101, "")
    assert "msgspec.py" in done.stderr
    assert "secret" not in done.stderr
    assert "an error of ViewKeeper itself" in done.stderr
    (report,) = (data / "reports").iterdir()
    assert str(report) in done.stderr
    kept = report.read_text("utf-8")
    assert ("ValueError" in kept, "msgspec.py" in kept, "secret" in kept) == (True, True, False), kept


@pytest.mark.skipif(os.name == "nt", reason="without words Windows says it in a box that waits for somebody")
def test_an_error_before_the_window_is_told_in_a_few_words(tmp_path: Path) -> None:
    (tmp_path / "PySide6.py").write_text("raise ValueError('damaged')\n", "utf-8")
    done = carried_out("-m", "ui", **{paths.DATA_VARIABLE: str(tmp_path / "data"), "PYTHONPATH": str(tmp_path)})
    assert (done.returncode, "ValueError" in done.stderr, "PySide6.py" in done.stderr) == (1, True, False)
    assert "damaged" not in done.stderr, "its words may quote a password"
    assert "an error of ViewKeeper itself" in done.stderr


def test_a_mark_that_cannot_be_locked_keeps_it_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "_MEI12" / unpacked.MARK).mkdir(parents=True)  # it cannot be opened
    frozen = (
        "import sys; sys.frozen, sys._MEIPASS = True, sys.argv.pop(1); from ui.program import main; sys.exit(main())"
    )
    done = carried_out("-c", frozen, str(tmp_path / "_MEI12"), "--version", **{paths.DATA_VARIABLE: str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_data_folder_that_cannot_be_written_is_told_by_the_command_line_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("not a folder", "ascii")
    for words in (["backup", "--yes"], ["lab", "start"], ["profiles", "import", "practice.json"]):
        done = told(tmp_path / "a file" / "data", *words)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
