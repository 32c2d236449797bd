"""The language of the shipped scripts: cmdlets joined by |, parameters by full name, literals. Nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes any of these for a single quote."""

_LARGEST = (1 << 63) - 1
_PUNCTUATION = {"|": "pipe", ",": "comma", "\n": "end"}


class ParseError(Exception):
    """The text is not in the language; the message is worded as PowerShell's."""


@dataclass(frozen=True)
class Token:
    """`kind` is word, parameter, literal, pipe, comma or end."""

    kind: str
    value: Any
    at: int


@dataclass(frozen=True)
class Argument:
    """A parameter by name; `given` says whether a value followed it."""

    name: str
    value: Any = None
    given: bool = False


@dataclass(frozen=True)
class Command:
    """One cmdlet with its arguments."""

    name: str
    arguments: tuple[Argument, ...] = ()


def parse(script: str) -> list[list[Command]]:
    """Return the pipelines of a script, in order. Raises ParseError."""
    pipelines: list[list[Command]] = []
    line: list[Token] = []
    for token in [*_tokens(script.replace("\r\n", "\n")), Token("end", "\n", len(script))]:
        if token.kind != "end":
            line.append(token)
        elif line and line[-1].kind not in ("pipe", "comma"):
            pipelines.append([_command(part) for part in _parts(line)])
            line = []
        elif line and token.at == len(script):
            raise ParseError(
                "An empty pipe element is not allowed." if line[-1].kind == "pipe" else "Missing expression after ','."
            )
    return pipelines


def _parts(line: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in [*line, Token("pipe", "|", 0)]:
        if token.kind == "pipe":
            if not part:
                raise ParseError("An empty pipe element is not allowed.")
            yield part
            part = []
        else:
            part.append(token)


def _command(tokens: list[Token]) -> Command:
    name, *rest = tokens
    if name.kind != "word":
        raise ParseError("Expressions are only allowed as the first element of a pipeline.")
    arguments: list[Argument] = []
    while rest:
        parameter = rest.pop(0)
        if parameter.kind != "parameter":
            raise ParseError(f"Unexpected token '{parameter.value}' in expression or statement.")
        values: list[Any] = []
        while rest and rest[0].kind == "literal":
            values.append(rest.pop(0).value)
            if not rest or rest[0].kind != "comma":
                break
            rest.pop(0)
            if not rest or rest[0].kind != "literal":
                raise ParseError("Missing expression after ','.")
        value = values[0] if len(values) == 1 else values
        arguments.append(Argument(str(parameter.value), value if values else None, bool(values)))
    return Command(str(name.value), tuple(arguments))


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        character = text[at]
        if character in " \t":
            at += 1
        elif character in _PUNCTUATION:
            yield Token(_PUNCTUATION[character], character, at)
            at += 1
        elif character in QUOTES:
            value, end = _string(text, at + 1)
            yield Token("literal", value, at)
            at = _ended(text, end)
        else:
            end = at
            while end < len(text) and text[end] not in " \t|,\n" and text[end] not in QUOTES:
                end += 1
            yield _word(text[at:end], at)
            at = end
            if at < len(text) and text[at] in QUOTES:
                raise ParseError(f"Unexpected token '{text[at]}' in expression or statement.")


def _string(text: str, at: int) -> tuple[str, int]:
    kept: list[str] = []
    while at < len(text):
        if text[at] in QUOTES:
            if at + 1 >= len(text) or text[at + 1] not in QUOTES:
                return "".join(kept), at + 1
            at += 1
        kept.append(text[at])
        at += 1
    raise ParseError("The string is missing the terminator: '.")


def _ended(text: str, at: int) -> int:
    if at < len(text) and text[at] not in " \t|,\n":
        raise ParseError(f"Unexpected token '{text[at]}' in expression or statement.")
    return at


def _word(word: str, at: int) -> Token:
    lower = word.lower()
    if lower in ("$true", "$false"):
        return Token("literal", lower == "$true", at)
    digits = word.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        if int(digits) > _LARGEST:
            raise ParseError(f"The numeric constant {word} is not valid.")
        return Token("literal", int(word), at)
    name = word.removeprefix("-")
    if not name or not name[0].isalpha() or not all(c.isalnum() or c in "_-" for c in name) or not name.isascii():
        raise ParseError(f"Unexpected token '{word}' in expression or statement.")
    if word.startswith("-"):
        return Token("parameter", name, at)
    return Token("word", word, at)
