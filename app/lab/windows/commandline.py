"""cmd.exe's line, as far as it is carried out here: one command, quotes, %variables% and redirections."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 8191
_VARIABLE = re.compile(r"%([^%:\r\n]+)%")
_OPERATORS = "&|()"


class LineError(Exception):
    """A line that cmd.exe, or this one, does not take; the message is what it prints."""


@dataclass(frozen=True)
class Redirection:
    """`stream` 1 or 2 goes to `target`: a path as written, NUL, or &1."""

    stream: int
    target: str
    append: bool = False


@dataclass(frozen=True)
class CommandLine:
    """A line taken apart: the program as written (without quotes), its arguments, their text, its redirections."""

    program: str
    arguments: tuple[str, ...]
    tail: str
    redirections: tuple[Redirection, ...] = ()


def expand(line: str, variables: dict[str, str]) -> str:
    """Put in %variables%, any case; those that are not set stay as they stand, as on cmd's command line."""
    known = {name.lower(): value for name, value in variables.items()}
    return _VARIABLE.sub(lambda found: known.get(found[1].lower(), found[0]), line)


def after_c(line: str) -> str:
    """Return what cmd.exe makes of a line after /C: a leading quote and the last one go."""
    text = line.lstrip()
    if not text.startswith('"'):
        return line
    inside, _, rest = text[1:].partition('"')
    if '"' not in rest and " " in inside and not set(text) & set("&<>()@^|") and not rest:
        return line  # the name of a program with a space in it, and nothing else
    last = text.rindex('"')
    return text[1:last] + text[last + 1 :] if last else text[1:]


def without_call(line: str) -> str | None:
    """Return the line after `call`, or None where it does not begin with it."""
    words = line.lstrip().split(None, 1)
    return words[1] if len(words) == 2 and words[0].lower() == "call" else None


def parse(line: str) -> CommandLine | None:
    """Take a line apart; None where there is nothing to run. Raises LineError."""
    text, redirections = _redirections(line.replace("\r", "").replace("\n", ""))
    program, tail = _program(text.strip())
    if not program:
        if redirections:
            raise LineError("The syntax of the command is incorrect.")
        return None
    return CommandLine(program, split(tail), tail, tuple(redirections))


def split(tail: str) -> tuple[str, ...]:
    """Split arguments as Microsoft's C programs do: quotes hold together, backslashes escape only quotes."""
    arguments: list[str] = []
    current, quoted, begun, at = [], False, False, 0
    while at < len(tail):
        character = tail[at]
        if character == "\\":
            count = len(tail[at:]) - len(tail[at:].lstrip("\\"))
            at += count
            begun = True
            if tail[at : at + 1] == '"':
                current.append("\\" * (count // 2))
                if count % 2:
                    current.append('"')
                    at += 1
            else:
                current.append("\\" * count)
            continue
        if character == '"':
            if quoted and tail[at + 1 : at + 2] == '"':
                current.append('"')
                at += 1
            else:
                quoted = not quoted
            begun = True
        elif character in " \t" and not quoted:
            if begun:
                arguments.append("".join(current))
            current, begun = [], False
        else:
            current.append(character)
            begun = True
        at += 1
    if begun:
        arguments.append("".join(current))
    return tuple(arguments)


def _redirections(line: str) -> tuple[str, list[Redirection]]:
    """Take the redirections out of a line; carets are resolved, other operators refused."""
    kept: list[str] = []
    found: list[Redirection] = []
    quoted, at = False, 0
    while at < len(line):
        character = line[at]
        if character == '"':
            quoted = not quoted
        elif character == "^" and not quoted:
            kept.append(line[at + 1 : at + 2])
            at += 2
            continue
        elif character == "<" and not quoted:
            raise LineError("< was unexpected at this time.")
        elif character in _OPERATORS and not quoted:
            raise LineError(f"{character} was unexpected at this time.")
        elif character == ">" and not quoted:
            stream = 1
            if kept and kept[-1] in ("1", "2") and (len(kept) == 1 or kept[-2] in " \t"):
                stream = int(kept.pop())
            append = line[at + 1 : at + 2] == ">"
            target, at = _target(line, at + 1 + append)
            found.append(Redirection(stream, target, append))
            continue
        kept.append(character)
        at += 1
    return "".join(kept), found


def _target(line: str, at: int) -> tuple[str, int]:
    while at < len(line) and line[at] in " \t":
        at += 1
    if line[at : at + 1] == "&":
        if line[at + 1 : at + 2] not in ("1", "2"):
            raise LineError("& was unexpected at this time.")
        return line[at : at + 2], at + 2
    start, quoted = at, False
    while at < len(line) and (quoted or line[at] not in ' \t&|()<>"' or line[at] == '"'):
        quoted ^= line[at] == '"'
        at += 1
    target = line[start:at].replace('"', "")
    if not target:
        raise LineError("The syntax of the command is incorrect.")
    return target, at


def _program(text: str) -> tuple[str, str]:
    """Return the program, without quotes, and the rest of the line."""
    at, quoted = 0, False
    while at < len(text):
        character = text[at]
        if character == '"':
            quoted = not quoted
        elif not quoted and (character in " \t,;=" or (character == "/" and at)):
            break
        at += 1
    return text[:at].replace('"', ""), text[at:].strip()
