"""One entry of an LDIF file, and what can be wrong with one."""

from __future__ import annotations

import re

import msgspec

from app.errors import UserError
from app.texts import NOTHING, Text, text

NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]*(?:;[A-Za-z0-9_-]+)*")
"""An attribute's name and options. RFC 2849 forbids the underscore, directories do not."""


class Entry(msgspec.Struct, frozen=True):
    """An entry as it stands in the file: names as written, values as bytes. `line` is that of its `dn`, from 1 on."""

    dn: str
    attributes: dict[str, list[bytes]]
    line: int = 0

    def values(self, name: str) -> list[bytes]:
        """Return the values of an attribute, whatever the case its name is written in; none: an empty list."""
        found = self.attributes.get(name)
        if found is not None:
            return found
        low = name.lower()
        return [value for other, values in self.attributes.items() if other.lower() == low for value in values]

    def first(self, name: str, otherwise: str = "") -> str:
        """Return the first value as text; bytes that are no UTF-8 are shown, not hidden."""
        values = self.values(name)
        return values[0].decode("utf-8", "backslashreplace") if values else otherwise


class LdifError(UserError):
    """A file is not the LDIF that was expected. `line` counts from 1 (0: unknown); `cut` says that it seems cut off."""

    def __init__(
        self, what: Text, why: Text | str = NOTHING, do: Text = NOTHING, *, line: int = 0, cut: bool = False
    ) -> None:
        super().__init__(what, why, do)
        self.line, self.cut = line, cut


def damaged(line: int, why: Text) -> LdifError:
    """Return the error of a line that breaks the format."""
    return LdifError(text("Line {line} of the LDIF file is damaged.", line=line), why, _AGAIN, line=line)


def cut_off(line: int, why: Text) -> LdifError:
    """Return the error of a file whose end is missing."""
    return LdifError(text("The LDIF file ends too early, in line {line}.", line=line), why, _AGAIN, line=line, cut=True)


_AGAIN = text("Make the export again, and look for free space where it is written.")
