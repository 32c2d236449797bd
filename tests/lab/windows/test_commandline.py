"""cmd.exe's line: what is taken apart, what is refused, and that quoting always comes back whole."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.windows.commandline import (
    CommandLine,
    LineError,
    Redirection,
    after_c,
    expand,
    parse,
    split,
    without_call,
)
from app.lab.windows.faults import without_secrets

WORDS = st.lists(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=20), max_size=6)


@given(WORDS)
def test_arguments_quoted_by_microsofts_rules_come_back_as_they_were(words: list[str]) -> None:
    assert split(subprocess.list2cmdline(words)) == tuple(words)


@given(st.text(max_size=200))
def test_any_line_is_taken_apart_or_refused_and_nothing_else(line: str) -> None:
    try:
        found = parse(line)
    except LineError:
        return
    assert found is None or isinstance(found, CommandLine)


@given(st.text(st.characters(exclude_characters='"\r\n^%'), min_size=1))
def test_what_stands_in_quotes_is_never_an_operator(inside: str) -> None:
    found = parse(f'echo "{inside}" x')
    assert found is not None
    assert found.redirections == ()
    assert found.tail == f'"{inside}" x'


@pytest.mark.parametrize(
    ("line", "redirections"),
    [
        ("ver > C:\\a.txt", (Redirection(1, "C:\\a.txt"),)),
        ('ver>"C:\\a b.txt"', (Redirection(1, "C:\\a b.txt"),)),
        ("ver 2> NUL", (Redirection(2, "NUL"),)),
        ("ver >> x 2>&1", (Redirection(1, "x", append=True), Redirection(2, "&1"))),
        ("echo a2>b", (Redirection(1, "b"),)),
        ("echo 1^>2", ()),
    ],
)
def test_redirections_are_found(line: str, redirections: tuple[Redirection, ...]) -> None:
    found = parse(line)
    assert found is not None
    assert found.redirections == redirections


@pytest.mark.parametrize("line", ["ver & del x", "ver | more", "(ver)", "ver < x", "ver >", "> x", "ver 2>&3"])
def test_what_is_not_carried_out_is_refused(line: str) -> None:
    with pytest.raises(LineError):
        parse(line)


@pytest.mark.parametrize("line", ["", "   ", "\r\n"])
def test_an_empty_line_is_nothing(line: str) -> None:
    assert parse(line) is None


def test_variables_are_put_in_whatever_their_case_and_unknown_ones_stay() -> None:
    assert expand("%WinDir%\\x %nope% 5%", {"windir": "C:\\Windows"}) == "C:\\Windows\\x %nope% 5%"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ('"C:\\a b\\x.exe" -f "C:\\c d"', 'C:\\a b\\x.exe" -f "C:\\c d'),
        ('"C:\\a b\\x.exe"', '"C:\\a b\\x.exe"'),
        ('call "C:\\a b\\x.exe" -f "y"', 'call "C:\\a b\\x.exe" -f "y"'),
        ("ver", "ver"),
        ('"', ""),
    ],
)
def test_cmd_takes_the_outer_quotes_from_a_line_that_begins_with_one(line: str, after: str) -> None:
    assert after_c(line) == after


def test_call_comes_before_a_line() -> None:
    assert without_call('CALL "x y" z') == '"x y" z'
    assert without_call("caller x") is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('vdmimport -d -p "a b" -f "c" > NUL', 'vdmimport -d -p "•••" -f "c" > NUL'),
        ("vdmimport -d -p secret -f c", "vdmimport -d -p ••• -f c"),
        ("sviconfig -Username=u -Password=x", "sviconfig -Username=u -Password=•••"),
        ("dir C:\\-p", "dir C:\\-p"),
    ],
)
def test_passwords_are_left_out_of_what_is_written_down(line: str, shown: str) -> None:
    assert without_secrets(line) == shown
