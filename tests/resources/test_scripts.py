"""Every script that is sent to a Windows host is well-formed, is ASCII, and keeps to what PowerShell 2.0 knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

SCRIPTS = Path(__file__).resolve().parents[2] / "resources" / "scripts"
FIXED = ("bootstrap", "envelope")
NEWER = (
    *(
        "ConvertTo-Json",
        "ConvertFrom-Json",
        "Get-FileHash",
        "Get-CimInstance",
        "Invoke-WebRequest",
        "Get-ItemPropertyValue",
    ),
    *("[ordered]", "[pscustomobject]", "-in ", "-notin ", "::new(", "-File ", "-Directory "),
)
"""What later PowerShells brought and a View broker's does not know."""

PARSER = Parser(Language(tree_sitter_pwsh.language()))


def scripts() -> list[Path]:
    return sorted(SCRIPTS.glob("*.ps1"))


def filled(script: Path) -> str:
    """Return the script as it is sent: a placeholder's value is a literal."""
    content = script.read_text("ascii")
    return content if script.stem in FIXED else re.sub(r"\{[a-z_]+\}", "'value'", content)


def faults(node: Node) -> Iterator[str]:
    if node.is_error or node.is_missing:
        yield f"line {node.start_point.row + 1}: {(node.text or b'').decode()[:80]!r}"
    for child in node.children:
        if child.has_error or child.is_missing:
            yield from faults(child)


def code(script: Path) -> str:
    return re.sub(r"(?m)^\s*#.*$", "", filled(script))


def test_there_are_scripts() -> None:
    assert {script.stem for script in scripts()} > set(FIXED)


@pytest.mark.parametrize("script", scripts(), ids=lambda script: str(script.stem))
def test_a_script_is_parsed_without_an_error(script: Path) -> None:
    assert list(faults(PARSER.parse(filled(script).encode()).root_node)) == []


@pytest.mark.parametrize("script", scripts(), ids=lambda script: str(script.stem))
def test_a_script_that_lost_its_last_sign_is_not_parsed(script: Path) -> None:
    closers = [found.start() for found in re.finditer(r"['})\]]", code(script))]
    if not closers:
        assert re.fullmatch(r"[\w\s|.:=$,-]+", code(script)), "only a script of bare words has nothing to close"
        return
    text = code(script)
    broken = text[: closers[-1]] + text[closers[-1] + 1 :]
    assert list(faults(PARSER.parse(broken.encode()).root_node))


@pytest.mark.parametrize("script", scripts(), ids=lambda script: str(script.stem))
def test_a_script_knows_nothing_that_came_after_powershell_2(script: Path) -> None:
    assert [word for word in NEWER if word.lower() in code(script).lower()] == []


@pytest.mark.parametrize("script", [s for s in scripts() if s.stem not in FIXED], ids=lambda script: str(script.stem))
def test_a_script_is_pipelines_of_cmdlets_with_literals_and_says_what_it_is_for(script: Path) -> None:
    assert script.read_text("ascii").startswith("# ")
    without_literals = re.sub(r"'(?:[^']|'')*'", "", code(script))
    assert re.findall(r"[\"`;&(){}@]|\$(?!true\b|false\b)\w+", without_literals) == []
