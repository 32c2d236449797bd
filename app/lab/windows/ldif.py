"""The lab's own small LDIF reader, for what vdmimport is given. Strict: one broken line refuses the file."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*\Z")


class LdifBroken(Exception):
    """The file is no LDIF; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass
class Entry:
    """One entry: values by attribute, as written, in their order."""

    dn: str
    values: dict[str, list[bytes]] = field(default_factory=dict)


def read(content: bytes) -> list[Entry]:
    """Return the entries of a file. Raises LdifBroken."""
    entries: list[Entry] = []
    current: Entry | None = None
    for number, line in _unfolded(content):
        if not line:
            current = None
        elif line.startswith(b"#") or (not entries and current is None and line.lower().startswith(b"version:")):
            continue
        elif current is None:
            name, value = _pair(number, line)
            if name.lower() != "dn":
                raise LdifBroken(number, "an entry begins with its dn")
            current = Entry(_text(number, value))
            entries.append(current)
        else:
            name, value = _pair(number, line)
            current.values.setdefault(name, []).append(value)
    if content and not content.endswith(b"\n"):
        raise LdifBroken(content.count(b"\n") + 1, "the last line is cut off")
    return entries


def _unfolded(content: bytes) -> list[tuple[int, bytes]]:
    lines: list[tuple[int, bytes]] = []
    for number, line in enumerate(content.replace(b"\r\n", b"\n").split(b"\n"), 1):
        if line.startswith(b" "):
            if not lines or not lines[-1][1]:
                raise LdifBroken(number, "nothing stands before a continuation")
            first, before = lines[-1]
            lines[-1] = first, before + line[1:]
        else:
            lines.append((number, line))
    return lines


def _pair(number: int, line: bytes) -> tuple[str, bytes]:
    name, colon, value = line.partition(b":")
    attribute = name.decode("ascii", "replace")
    if not colon or not _NAME.match(attribute):
        raise LdifBroken(number, "no attribute")
    if value.startswith(b":"):
        try:
            return attribute, base64.b64decode(value[1:].strip(), validate=True)
        except binascii.Error as error:
            raise LdifBroken(number, "broken base64") from error
    if value.startswith(b"<") or not value.isascii():
        raise LdifBroken(number, "a value that is not plain")
    return attribute, value.lstrip(b" ")


def _text(number: int, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LdifBroken(number, "no UTF-8") from error
