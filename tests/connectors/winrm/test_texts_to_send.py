"""What is sent to a Windows host is built by pure functions: no value may break out of its place."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.winrm import MAX_COMMAND, cmd_quoted, pipeline, program, quoted
from app.connectors.winrm import scripts as sending
from app.errors import Refused

NO_NUL = st.text(st.characters(exclude_characters="\0", codec=None))
QUOTES = "'\u2018\u2019\u201a\u201b"


def read_as_powershell_does(literal: str) -> tuple[str, str]:
    """Read one single-quoted literal as PowerShell's tokenizer does; return its value and what stands after it."""
    assert literal[0] in QUOTES
    value: list[str] = []
    at = 1
    while True:
        if literal[at] in QUOTES:
            if at + 1 < len(literal) and literal[at + 1] in QUOTES:
                at += 1
            else:
                return "".join(value), literal[at + 1 :]
        value.append(literal[at])
        at += 1


@given(NO_NUL)
def test_any_text_without_nul_survives_quoting_as_exactly_one_literal(value: str) -> None:
    assert read_as_powershell_does(quoted(value)) == (value, "")


@given(NO_NUL, NO_NUL)
def test_a_value_never_reaches_into_the_next_parameter(path: str, to: str) -> None:
    sent = pipeline("rename", path=path, to=to)
    assert sent.startswith("Move-FileTo -Path ")
    first, rest = read_as_powershell_does(sent.removeprefix("Move-FileTo -Path "))
    assert rest.startswith(" -Destination ")
    assert (first, *read_as_powershell_does(rest.removeprefix(" -Destination "))) == (path, to, "")


def test_a_nul_is_refused() -> None:
    with pytest.raises(Refused):
        quoted("a\0b")


def test_truth_values_numbers_and_lists_become_literals_of_their_own() -> None:
    assert sending.literal(True) == "$true"
    assert sending.literal(False) == "$false"
    assert sending.literal(12) == "12"
    assert sending.literal(["a", "it's"]) == "'a','it''s'"


def test_a_script_takes_exactly_the_values_it_names() -> None:
    with pytest.raises(TypeError, match="path"):
        pipeline("file")
    with pytest.raises(TypeError, match="path"):
        pipeline("file", path="x", more="y")


def test_comments_do_not_travel() -> None:
    assert pipeline("services").startswith("Get-WmiObject")
    assert "#" not in pipeline("brokers")
    assert pipeline("brokers").splitlines()[0] == "Add-PSSnapin -Name 'VMware.View.Broker'"


def test_the_powershell_command_line_fits_the_oldest_windows() -> None:
    assert len(sending.powershell()) < 2047
    encoded = sending.powershell().split()[-1]
    assert base64.b64decode(encoded).decode("utf-16-le").startswith("$ProgressPreference = 'SilentlyContinue'")


@given(NO_NUL, st.binary(max_size=200_000))
def test_standard_input_is_ascii_and_carries_script_and_bytes(value: str, data: bytes) -> None:
    script = pipeline("file", path=value)
    lines = sending.standard_input(script, data).decode("ascii").splitlines()
    assert base64.b64decode(lines[1]).decode("utf-8", "surrogatepass") == script
    assert b"".join(map(base64.b64decode, lines[2:])) == data
    assert "function Invoke-VkScript" in base64.b64decode(lines[0]).decode()


@given(st.text(st.characters(exclude_characters='"%^\r\n\0', codec="utf-8")))
def test_a_command_line_argument_is_whole_between_its_quotes(value: str) -> None:
    assert cmd_quoted(value) == f'"{value}"'


@pytest.mark.parametrize("value", ['a"b', "100%PATH%", "a^b", "a\nb", "a\rb", "a\0b"])
def test_what_cmd_reads_in_its_own_way_is_refused_as_an_argument(value: str) -> None:
    with pytest.raises(Refused):
        cmd_quoted(value)


def test_a_program_line_does_not_begin_with_a_quote_which_cmd_would_take_away() -> None:
    assert program(r"C:\Program Files\x.exe", "-f", cmd_quoted("y z")) == r'call "C:\Program Files\x.exe" -f "y z"'
    assert MAX_COMMAND < 8191


def answered(content: str) -> str:
    return f"noise\r\n<<<VK{base64.b64encode(content.encode()).decode()}VK>>>\r\nmore noise"


def test_objects_are_read_from_between_the_marks() -> None:
    out = answered('{"result": [{"Name": "研发桌面", "n": 3, "on": true, "none": null, "l": ["a"]}], "ok": true}')
    assert sending.answer(out) == [{"Name": "研发桌面", "n": 3, "on": True, "none": None, "l": ["a"]}]


def test_an_answer_that_came_in_pieces_of_base64_lines_is_whole() -> None:
    whole = base64.b64encode(b'{"result": [], "ok": true}').decode()
    assert sending.answer(f"<<<VK{whole[:8]}\r\n{whole[8:]}\r\nVK>>>") == []


def test_an_error_has_powershells_id_category_and_message() -> None:
    out = answered('{"result":[],"ok":false,"error":{"id":"PathNotFound,X","category":"ObjectNotFound","message":"m"}}')
    with pytest.raises(sending.Failed) as raised:
        sending.answer(out)
    assert (raised.value.error_id, raised.value.category, raised.value.message) == (
        "PathNotFound,X", "ObjectNotFound", "m",
    )  # fmt: skip


NO_ANSWERS = ["{}", "[]", "{", '{"ok": true}', '{"ok": "yes", "result": []}']


@pytest.mark.parametrize("out", ["", "hello", "<<<VK", "<<<VKe30=VK>>", "<<<VKeVK>>>", *map(answered, NO_ANSWERS)])
def test_anything_else_is_no_answer(out: str) -> None:
    with pytest.raises(sending.NoAnswer):
        sending.answer(out)


@given(st.text())
def test_whatever_a_host_writes_is_an_answer_or_told_to_be_none(out: str) -> None:
    with pytest.raises(sending.NoAnswer):
        sending.answer(out)


@given(st.lists(st.binary(min_size=1, max_size=300)))
def test_the_bytes_of_a_file_are_found_among_other_lines(parts: list[bytes]) -> None:
    lines = ["noise", "<<<FILE", *(base64.b64encode(part).decode() for part in parts), "FILE>>>", "<<<VKxxxxVK>>>"]
    reader = sending.FileLines()
    found = [part for part in map(reader.bytes_of, lines) if part is not None]
    assert found == parts
    assert reader.ended


def test_a_damaged_line_of_a_file_is_noticed() -> None:
    reader = sending.FileLines()
    reader.bytes_of("<<<FILE")
    with pytest.raises(sending.NoAnswer):
        reader.bytes_of("abc")
    assert not reader.ended


def test_every_script_is_pipelines_of_cmdlets_with_literal_parameters() -> None:
    value = r"(?:'[^'{}]*'|\{\w+\}|\$true|\$false|\d+)"
    values = rf"{value}(?:,{value})*"
    cmdlet = rf"[A-Za-z]+-[A-Za-z0-9]+(?: -[A-Za-z_]+(?: {values})?)*"
    for script in sending.scripts():
        for line in sending._template(script).splitlines():
            assert re.fullmatch(rf"{cmdlet}(?: \| {cmdlet})*", line), (script, line)
