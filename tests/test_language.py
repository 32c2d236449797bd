"""The language of a first start is the system's, on Debian even where that language is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.texts import LANGUAGE_VARIABLES, system_language

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows tells its language by no variable")

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh_CN"),
    ],
)
def test_what_the_variables_say_is_taken_in_their_order(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wanted: str
) -> None:
    for name in LANGUAGE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert system_language() == wanted


def test_the_command_line_speaks_the_systems_language() -> None:
    kept = {name: value for name, value in os.environ.items() if name not in LANGUAGE_VARIABLES}
    done = subprocess.run(
        [sys.executable, "-m", "app", "--help"],
        cwd=ROOT, capture_output=True, encoding="utf-8", env={**kept, "LANG": "zh_CN.UTF-8"}, check=True,
    )  # fmt: skip
    assert "备份" in done.stdout
