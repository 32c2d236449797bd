"""LDAP search filters (RFC 4515), as far as they are used: &, |, !, equality, presence, * in values."""

from __future__ import annotations

import re
from collections.abc import Callable

from app.lab.rows import LdsEntry

Match = Callable[[LdsEntry], bool]
_ITEM = re.compile(r"([A-Za-z][A-Za-z0-9-]*)=([^()]*)\Z")


class FilterError(Exception):
    """The filter is not valid."""


def parse(text: str) -> Match:
    """Return what says whether an entry fits. Raises FilterError."""
    match, rest = _filter(text.strip())
    if rest:
        raise FilterError
    return match


def _filter(text: str) -> tuple[Match, str]:
    if not text.startswith("("):
        raise FilterError
    if text[1:2] in ("&", "|"):
        return _joined(text[1], text[2:])
    if text[1:2] == "!":
        inner, rest = _filter(text[2:])
        return (lambda entry: not inner(entry)), _closed(rest)
    item, close, rest = text[1:].partition(")")
    if not close:
        raise FilterError
    return _item(item), rest


def _joined(operator: str, rest: str) -> tuple[Match, str]:
    parts: list[Match] = []
    while rest.startswith("("):
        part, rest = _filter(rest)
        parts.append(part)
    if not parts:
        raise FilterError
    every = all if operator == "&" else any
    return (lambda entry: every(part(entry) for part in parts)), _closed(rest)


def _closed(text: str) -> str:
    if not text.startswith(")"):
        raise FilterError
    return text[1:]


def _item(item: str) -> Match:
    found = _ITEM.match(item)
    if found is None:
        raise FilterError
    name, wanted = found[1].lower(), found[2]
    if wanted == "*":
        return lambda entry: bool(values(entry, name))
    pieces = [re.escape(_unescaped(piece)) for piece in wanted.split("*")]
    pattern = re.compile(".*".join(pieces), re.IGNORECASE | re.DOTALL)
    return lambda entry: any(pattern.fullmatch(value) for value in values(entry, name))


def _unescaped(piece: str) -> str:
    try:
        return (
            re.sub(r"\\([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]).decode("latin-1"), piece)
            .encode("latin-1")
            .decode("utf-8")
            if "\\" in piece
            else piece
        )
    except UnicodeError as error:
        raise FilterError from error


def values(entry: LdsEntry, name: str) -> tuple[str, ...]:
    """Return an entry's values of an attribute, any case."""
    if name.lower() == "objectclass":
        return entry.classes
    return next((found for own, found in entry.attributes.items() if own.lower() == name.lower()), ())
