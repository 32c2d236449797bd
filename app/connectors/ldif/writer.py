"""Writes LDIF: lines folded at 76 columns, base64 where RFC 2849 demands it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import BinaryIO

from app.connectors.ldif.entry import NAME, Entry, LdifError
from app.texts import Text, text

WIDTH = 76

_SAFE = re.compile(
    rb"(?:[\x01-\x09\x0b\x0c\x0e-\x1f!-9;=-\x7f](?:[\x01-\x09\x0b\x0c\x0e-\x7f]*[\x01-\x09\x0b\x0c\x0e-\x1f!-\x7f])?)?"
)


def write(entries: Iterable[Entry], stream: BinaryIO, *, line_end: bytes = b"\n", version: bool = True) -> int:
    """Write entries as a content file and return how many. Every entry is followed by an empty line, the last too.

    `read` gives back the same names and values, whatever bytes they hold. Raises LdifError, before any byte of it is
    written, for an entry that LDIF cannot hold: no attributes, an attribute without values or with an impossible name.
    """
    if version:
        stream.write(b"version: 1" + line_end * 2)
    count = 0
    for entry in entries:
        stream.write(line_end.join((*_lines(entry), b"", b"")))
        count += 1
    return count


def _lines(entry: Entry) -> list[bytes]:
    try:
        lines = _folded(_line(b"dn", entry.dn.encode()))
    except UnicodeEncodeError as error:
        raise _impossible(entry, text("Its dn is not text.")) from error
    if not entry.attributes:
        raise _impossible(entry, text("It has no attributes."))
    for place, (name, values) in enumerate(entry.attributes.items()):
        spelled = _name(entry, name, first=place == 0)
        if not values:
            raise _impossible(entry, text("{name} has no value.", name=name))
        for value in values:
            lines += _folded(_line(spelled, value))
    return lines


def _name(entry: Entry, name: str, *, first: bool) -> bytes:
    spelled = name.encode("utf-8", "replace")
    taken = ("dn", "changetype", "control") if first else ("dn",)
    if not NAME.fullmatch(spelled) or name.lower() in taken:
        raise _impossible(entry, text("{name} cannot be an attribute's name here.", name=repr(name)))
    return spelled


def _line(name: bytes, value: bytes) -> bytes:
    if not value:
        return name + b":"
    if _SAFE.fullmatch(value):
        return name + b": " + value
    return name + b":: " + base64.b64encode(value)


def _folded(line: bytes) -> list[bytes]:
    """Return the line in parts of at most WIDTH columns; all but the first begin with a space, which is not content."""
    if len(line) <= WIDTH:
        return [line]
    rest = range(WIDTH, len(line), WIDTH - 1)
    return [line[:WIDTH], *(b" " + line[at : at + WIDTH - 1] for at in rest)]


def _impossible(entry: Entry, why: Text) -> LdifError:
    return LdifError(
        text("The entry {dn} cannot be written as LDIF.", dn=entry.dn.encode("utf-8", "replace").decode()), why
    )
