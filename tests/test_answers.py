"""`--out FILE`: the file is there once the answer is whole, it is this command's, and no answer is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import answers, cli
from app.errors import Refused
from app.lab import process
from tests.processes import carried_out, environment

DATA = "VIEWKEEPER_DATA"


def told(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return carried_out("-m", "app", *words, **{DATA: str(folder / "data 二")})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- the file


def test_the_file_is_there_only_once_the_answer_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "answer 二.json"
    with answers.to(str(file)):
        print("二")
        assert not file.exists()
    assert file.read_bytes() == "二\n".encode()
    assert names(tmp_path) == [file.name]


def test_what_is_written_letter_by_letter_arrives_in_its_order(tmp_path: Path) -> None:
    with answers.to(str(tmp_path / "file")):
        print("first")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"second\r\n")
        print("third")
    assert (tmp_path / "file").read_bytes() == b"first\nsecond\r\nthird\n"


def test_an_earlier_answer_is_never_taken_for_that_of_a_command_that_did_not_end(tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text("yesterday's", "utf-8")

    def interrupted() -> None:
        with answers.to(str(file)):
            print("half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", "utf-8")
    (tmp_path / "a folder").mkdir()
    begun = []
    for place in (tmp_path / "a file" / "answer", tmp_path / "no folder" / "answer", tmp_path / "a folder"):
        with pytest.raises(Refused, match=place.name), answers.to(str(place)):
            begun.append(place)
    assert not begun
    assert names(tmp_path) == ["a file", "a folder"]


def test_an_answer_that_cannot_be_put_in_its_place_at_the_end_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "answer"

    def answered() -> None:
        with answers.to(str(place)):
            print("the answer 二")
            place.mkdir()  # somebody makes a folder there meanwhile

    with pytest.raises(answers.NotKept):
        answered()
    assert capsys.readouterr().out == "the answer 二\n"
    assert names(tmp_path) == ["answer"]


def test_without_a_file_the_answer_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with answers.to(None):
        print("the answer")
    assert capsys.readouterr().out == "the answer\n"


# ---- the command line


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """Carries a command out in this process, and returns what it printed; it must succeed."""
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    before = os.umask(0o022)
    os.umask(before)

    def carry_out(*words: str) -> str:
        code = cli.main([*words, "--language", "en"])
        os.umask(before)
        said = capfd.readouterr()
        assert code == 0, said.err
        return said.out

    yield carry_out
    process.stop(tmp_path / "data")  # many a command starts the practice environment


@pytest.mark.parametrize(
    "command",
    [
        ["profiles", "list"],
        ["profiles", "show", "practice"],
        ["profiles", "check", "practice"],
        ["profiles", "export", "practice", "{folder}/exported.json"],
        ["check", "--table"],
        ["sets"],
        ["runs"],
        ["lab", "status"],
        ["lab", "stop"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_a_command_would_print_goes_into_the_file_and_nowhere_else(
    tmp_path: Path, here: Callable[..., str], command: list[str]
) -> None:
    file = tmp_path / "answer"
    words = [word.format(folder=tmp_path) for word in command]
    for more in ([], ["--json"]):
        printed = here(*words, *more)
        assert printed
        assert here(*words, *more, "--out", str(file)) == ""
        assert file.read_text("utf-8") == printed
    assert isinstance(json.loads(file.read_text("utf-8")), dict)


@pytest.mark.parametrize("where", ["before", "after"])
def test_the_practice_environments_own_commands_take_the_common_options_on_both_sides(
    tmp_path: Path, where: str
) -> None:
    common = ["--json", "--out", str(tmp_path / "answer"), "--data", str(tmp_path / "another"), "--language", "zh_CN"]
    words = ["lab", *common, "status"] if where == "before" else ["lab", "status", *common]
    done = told(tmp_path, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "answer").read_text("utf-8")) == {"running": False}


def test_a_command_that_fails_tells_why_in_the_file_too_and_keeps_its_exit_code(tmp_path: Path) -> None:
    done = told(tmp_path, "profiles", "show", "no such", "--json", "--out", str(tmp_path / "answer"))
    answer = json.loads((tmp_path / "answer").read_text("utf-8"))
    assert (done.returncode, done.stdout, answer["outcome"]) == (2, "", "refused")
    assert "no such" in answer["error"]["what"]


def test_a_place_that_cannot_be_written_to_is_told_in_words_and_as_json(tmp_path: Path) -> None:
    done = told(tmp_path, "sets", "--json", "--out", str(tmp_path))
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (2, "refused")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a pipe with a name keeps the command waiting")
def test_a_command_that_is_interrupted_leaves_no_file_behind(tmp_path: Path) -> None:
    pipe, file = tmp_path / "passwords", tmp_path / "answer"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "app", "check", "--passwords", str(pipe), "--out", str(file)]
    given = environment(**{DATA: str(tmp_path / "data")})
    with subprocess.Popen(command, env=given, stderr=subprocess.PIPE) as run, pipe.open("w"):  # it reads from now on
        assert names(tmp_path) == ["answer.new", "passwords"]
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
    assert not file.exists()
    assert not (tmp_path / "answer.new").exists()
