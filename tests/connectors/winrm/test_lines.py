"""Bytes that arrive in any pieces give the same lines."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.connectors.winrm.lines import Lines


@given(st.binary(), st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_how_the_bytes_were_cut(content: bytes, cuts: list[int]) -> None:
    whole: list[str] = []
    lines = Lines(whole.append)
    lines.take(content)
    text = lines.end()
    pieces: list[str] = []
    cut = Lines(pieces.append)
    places = sorted({min(place, len(content)) for place in cuts} | {0, len(content)})
    for start, end in itertools.pairwise(places):
        cut.take(content[start:end])
    assert cut.end() == text == content.decode("utf-8", "replace")
    assert pieces == whole


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))))
def test_every_line_is_told_once_without_its_end(written: list[str]) -> None:
    heard: list[str] = []
    lines = Lines(heard.append)
    lines.take("".join(f"{line}\r\n" for line in written).encode())
    lines.end()
    assert heard == written


def test_a_line_is_told_before_the_next_begins_and_the_last_without_an_end() -> None:
    heard: list[str] = []
    lines = Lines(heard.append)
    lines.take("导出".encode()[:4])
    assert heard == []
    lines.take("导出\n进行".encode()[4:])
    assert heard == ["导出"]
    assert lines.end() == "导出\n进行"
    assert heard == ["导出", "进行"]


def test_lines_that_are_not_kept_are_still_told() -> None:
    heard: list[str] = []
    lines = Lines(heard.append, keep=False)
    lines.take(b"a\nb")
    assert (lines.end(), heard) == ("", ["a", "b"])
