"""The scripts of `resources/scripts` as text to send, and the answers as Python values. Pure: sends nothing."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from app import paths
from app.errors import Refused
from app.texts import text

MAX_COMMAND = 8100
"""cmd.exe takes 8,191 characters and cuts what is longer without a word; WinRM puts `cmd.exe /C` before it."""

CHANGING = frozenset(
    {"start-service", "stop-service", "make-folder", "remove", "remove-folder", "write-part", "rename",
     "provisioning-linked-clones", "provisioning-full-clones"}
)  # fmt: skip
"""The scripts that act; all others look."""

QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell ends a single-quoted string at any of these (tokenizer's IsSingleQuote)."""

Literal = str | bool | int | Sequence[str]

_PLACE = re.compile(r"\{(\w+)\}")
_ANSWER = re.compile(r"<<<VK([A-Za-z0-9+/=\s]*?)VK>>>")


def quoted(value: str) -> str:
    """Return `value` as one PowerShell literal. No character but NUL, which no argument can hold, is special in it."""
    if "\0" in value:
        raise Refused(text("A value with a NUL character cannot be sent to a Windows host."))
    return "'" + re.sub(f"([{QUOTES}])", r"\1\1", value) + "'"


def literal(value: Literal) -> str:
    """Return a string, truth value, whole number or list of strings as a PowerShell literal."""
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    return ",".join(quoted(item) for item in value)


def pipeline(script: str, **literals: Literal) -> str:
    """Return `resources/scripts/<script>.ps1` as it is sent: without comments, each {place} filled with a literal."""
    template = _template(script)
    named = set(_PLACE.findall(template))
    if named != literals.keys():
        raise TypeError(f"{script} takes {sorted(named)}, not {sorted(literals)}")
    return _PLACE.sub(lambda place: literal(literals[place[1]]), template)


def cmd_quoted(value: str) -> str:
    """Return `value` as one argument on a command line of cmd.exe.

    Refused are the characters that cmd.exe takes for its own even between quotes, or that `call` doubles."""
    if bad := sorted(set(value) & set('"%^\r\n\0')):
        raise Refused(
            text("A value cannot stand on a Windows command line."),
            text("It holds {characters}, which cmd.exe reads in its own way.", characters=" ".join(map(repr, bad))),
            text("Choose a name, path or password without these characters."),
        )
    return f'"{value}"'


def program(path: str, *arguments: str) -> str:
    r"""Return the command line that runs `path` with arguments that are quoted already where they need it.

    `call` comes first: cmd.exe /C takes the first and the last quote away from a line that begins with one."""
    return " ".join((f"call {cmd_quoted(path)}", *arguments))


@lru_cache
def powershell() -> str:
    """Return the one command line that every PowerShell call has; what to do comes over standard input."""
    encoded = base64.b64encode(_file("bootstrap").encode("utf-16-le")).decode("ascii")
    return f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"


def standard_input(script: str, data: bytes = b"") -> bytes:
    """Return what the bootstrap reads: envelope, script, and the bytes for Write-FilePart. ASCII only."""
    lines = [_base64(_file("envelope").encode()), _base64(script.encode("utf-8", "surrogatepass"))]
    lines += [_base64(data[start : start + 49152]) for start in range(0, len(data), 49152)]
    return b"\n".join(lines) + b"\n"


class NoAnswer(ValueError):
    """Standard output holds no answer of the envelope."""


class Failed(Exception):
    """The script ended with an error: PowerShell's FullyQualifiedErrorId, category and message."""

    def __init__(self, error_id: str, category: str, message: str) -> None:
        super().__init__(error_id, category, message)
        self.error_id, self.category, self.message = error_id, category, message


def answer(out: str) -> list[dict[str, Any]]:
    """Return the objects in a script's standard output. Raises Failed, or NoAnswer where there is none to read."""
    found = _ANSWER.search(out)
    if found is None:
        raise NoAnswer("no marks")
    try:
        content = json.loads(base64.b64decode(re.sub(r"\s", "", found[1]), validate=True).decode("utf-8"))
        if content["ok"] is True:
            return [item if isinstance(item, dict) else {"value": item} for item in content["result"]]
        error = content["error"]
        raised = Failed(str(error["id"]), str(error["category"]), str(error["message"]))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise NoAnswer(str(error)) from error
    raise raised


class FileLines:
    """Picks the bytes of Read-FilePart out of the lines of standard output, as they come."""

    def __init__(self) -> None:
        self._inside = False
        self.ended = False

    def bytes_of(self, line: str) -> bytes | None:
        """Return the bytes that `line` carries, None where it is no line of the file. Raises NoAnswer on damage."""
        line = line.strip()
        if line == "<<<FILE":
            self._inside = True
            return None
        if line == "FILE>>>":
            self._inside, self.ended = False, True
            return None
        if not self._inside:
            return None
        try:
            return base64.b64decode(line, validate=True)
        except binascii.Error as error:
            raise NoAnswer(str(error)) from error


def scripts() -> Iterator[str]:
    """Yield the names of all scripts that `pipeline` knows."""
    for path in sorted((paths.resources() / "scripts").glob("*.ps1")):
        if path.stem not in ("bootstrap", "envelope"):
            yield path.stem


@lru_cache
def _template(script: str) -> str:
    lines = _file(script).splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith("#"))


@lru_cache
def _file(name: str) -> str:
    # a checkout on Windows may have other line ends; what is sent is the same everywhere
    return (paths.resources() / "scripts" / f"{name}.ps1").read_text("utf-8").replace("\r\n", "\n")


def _base64(content: bytes) -> bytes:
    return base64.b64encode(content)
