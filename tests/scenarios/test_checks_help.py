"""Help tells the table of checks in both languages, row by row, as the code has it."""

from __future__ import annotations

import re

import pytest

from app import paths
from app.runbooks.checks.check import Meaning
from app.runbooks.checks.table import CHECKS
from app.texts import LANGUAGES, render

ROW = re.compile(
    r"^## (?P<title>.+)\n\n`(?P<key>[^`]+)` · (?:bad: |不好：)(?P<bad>\S+) · (?:unknown: |未知：)(?P<unknown>\S+)\n\n"
    r"(?P<said>(?:- \*\*.+\n)+)",
    re.MULTILINE,
)
WORDS = {
    "en": {Meaning.BLOCKS: "blocks", Meaning.WARNS: "warns"},
    "zh_CN": {Meaning.BLOCKS: "阻止", Meaning.WARNS: "警告"},
}
LABELS = {
    "en": ["Looked at:", "Why:", "Needed:", "Bad:", "Unknown:", "What to do:"],
    "zh_CN": ["检查内容：", "原因：", "需要：", "不好：", "未知：", "措施："],
}


def rows(language: str) -> list[re.Match[str]]:
    page = (paths.resources() / "help" / language / "checks.md").read_text("utf-8")
    found = list(ROW.finditer(page))
    assert len(found) == page.count("\n## ")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_has_the_same_rows_in_the_same_order_with_the_same_meanings(language: str) -> None:
    told = [(row["key"], row["title"], row["bad"], row["unknown"]) for row in rows(language)]
    words = WORDS[language]
    assert told == [
        (check.key, render(check.title, language), words[check.bad], words[check.unknown]) for check in CHECKS
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_says_of_each_row_what_why_and_what_to_do_and_the_why_and_need_of_the_code(language: str) -> None:
    for row, check in zip(rows(language), CHECKS, strict=True):
        said = dict(re.findall(r"^- \*\*(.+?)\*\* (.+)$", row["said"], re.MULTILINE))
        assert list(said) == LABELS[language], check.key
        assert all(said.values())
        assert said[LABELS[language][1]] == render(check.why, language)
        assert said[LABELS[language][2]] == render(check.needed, language)
