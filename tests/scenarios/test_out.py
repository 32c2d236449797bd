"""Every command's answer goes into the file that `--out` names, as text and as JSON, with the exit code as ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.environment import Environment
from tests.scenarios.running import sets


class Out:
    """Carries commands out with `--out`; nothing may be printed beside the file."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment, self._file = environment, folder / "answer 二"

    def text(self, *words: str, code: int = 0) -> str:
        ran = self._environment.run(*words, "--out", str(self._file))
        assert (ran.code, ran.out) == (code, ""), ran.err
        found = self._file.read_bytes().decode()
        self._file.unlink()
        return found

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        found = json.loads(self.text(*words, "--json", code=code))
        assert isinstance(found, dict)
        return found


@pytest.fixture
def out(environment: Environment, tmp_path: Path) -> Out:
    return Out(environment, tmp_path)


def test_a_backups_answer_and_those_of_all_that_look_at_it_go_into_the_file(environment: Environment, out: Out) -> None:
    assert out.json("check")["outcome"] == "done"
    assert "A backup can begin." in out.text("check")
    assert out.json("backup", "--dry-run")["plan"]
    made = out.json("backup", "--yes")
    assert made["outcome"] == "done"
    (folder,) = sets(environment)
    assert out.json("verify", str(folder))["outcome"] == "done"
    assert folder.name in out.text("sets")
    assert out.json("report", made["run"])["run"] == made["run"]
    assert made["run"] in out.text("runs")
    assert out.text("pools", "--csv", "-").count("\r\n") == len(out.json("pools")["pools"]) + 2  # headings, total


def test_what_is_not_good_goes_into_the_file_too(environment: Environment, out: Out) -> None:
    out.json("backup", "--yes")
    (folder,) = sets(environment)
    damaged = max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    damaged.chmod(0o600)
    damaged.write_bytes(b"damaged")
    assert damaged.name in out.text("verify", str(folder), code=6)
    assert out.json("verify", str(folder), code=6)["outcome"] != "done"
    environment.scene("recompose-running")
    assert out.json("backup", "--yes", code=4)["outcome"] == "blocked"


def test_the_practice_environments_answers_go_into_the_file(environment: Environment, out: Out) -> None:
    assert out.json("lab", "start")["running"]
    assert out.json("lab", "status")["pools"]
    for command in ("scene", "fault", "operator"):
        assert out.json("lab", command, "--list")
        assert out.text("lab", command, "--list")
    assert "recompose-running" in out.text("lab", "scene", "recompose-running")
    assert out.json("lab", "state", "list")["states"]
    assert out.json("lab", "scene", "no such", code=1)["outcome"] == "failed"
