"""Reads LDIF as a stream. Memory holds one block of the file and one entry, however long the file is."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import BinaryIO

from app.connectors.ldif.entry import NAME, Entry, LdifError, cut_off, damaged
from app.texts import text

BLOCK = 1 << 20
LONGEST_ENTRY = 64 << 20
"""No entry of a directory is that long; a file that has none shorter is not LDIF."""

_MANY_NAMES = 10_000
_CHANGES = (b"changetype", b"control")
_SPECIAL = (b"dn", *_CHANGES)
_LOOKED_AT = 4096
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_START = re.compile(rb"(?i)(?:dn|version)[ \t]*:")


def read(stream: BinaryIO) -> Iterator[Entry]:
    """Give the entries of a content file one by one, as they are read.

    Raises LdifError with the line for what breaks RFC 2849, for change records, values by URL, UTF-16, and for a file
    that ends in the middle of an entry. A file cut exactly between two entries cannot be told from a whole one.
    """
    names = _Names()
    plain, coded = names.plain, names.coded
    for records, line, last, padded in _records(stream):
        for record in records:
            entry = None if padded else _usual(record, line, plain, coded)
            if entry is None:
                entry = _entry(record, line, last, names)
            if entry is not None:
                yield entry
            line += record.count(b"\n") + 2  # noqa: PLW2901  # the number of the next record's first line


class _Names:
    """The names met so far, so that each is checked once: `plain` by `name`, `coded` by `name:` (base64)."""

    def __init__(self) -> None:
        self.plain: dict[bytes, str] = {}
        self.coded: dict[bytes, str] = {}

    def learn(self, name: bytes) -> str:
        if len(self.plain) > _MANY_NAMES:  # a hostile file must not fill the memory with names
            self.plain.clear()
            self.coded.clear()
        known = name.decode("ascii")
        if name.lower() not in _SPECIAL:  # those are looked at wherever they stand
            self.plain[name] = self.coded[name + b":"] = known
        return known


# ---- records: blocks of lines between empty lines


def _records(stream: BinaryIO) -> Iterator[tuple[list[bytes], int, bool, bool]]:
    """Give blocks of lines, many at once, each without its last line's end.

    Beside them: the number of the first one's first line, whether the file ends with them, and whether more than one
    space stands after a colon somewhere, which is rare enough to be looked for here and not in every line."""
    line, rest, held = 1, b"", b""
    first = True
    while block := stream.read(BLOCK):
        if first:
            block, first = _beginning(block, stream), False
        block, held = _unix(held + block)
        content = rest + block
        *whole, rest = content.split(b"\n\n")
        if whole:
            yield whole, line, False, b":  " in content
            line += content.count(b"\n") - rest.count(b"\n")
        if len(rest) > LONGEST_ENTRY:
            raise damaged(line, text("It begins an entry of more than {size} MiB.", size=LONGEST_ENTRY >> 20))
    rest += held
    if rest:
        if not rest.endswith(b"\n"):
            raise cut_off(line + rest.count(b"\n"), text("That line has no end."))
        yield [rest[:-1]], line, True, True


def is_utf16(head: bytes) -> bool:
    """Say whether a file that begins so is UTF-16, with a byte order mark or, as far as ASCII shows it, without."""
    return head.startswith(_UTF16) or (head[:4:2].isascii() and head[1:4:2] == b"\0\0") or head[:4:2] == b"\0\0"


def _beginning(block: bytes, stream: BinaryIO) -> bytes:
    """Return the first block without a mark; raise LdifError at once for what cannot be LDIF."""
    while len(block) < _LOOKED_AT and (more := stream.read(BLOCK)):
        block += more
    if is_utf16(block):
        raise LdifError(
            text("This LDIF file is written in UTF-16."), text("Windows PowerShell's > does that."),
            text("Export again with vdmexport -f FILE, or with > under cmd /c."), line=1,
        )  # fmt: skip
    block = block.removeprefix(_UTF8_MARK)
    for number, content in enumerate(block[:_LOOKED_AT].split(b"\n"), 1):
        if content.strip() and content[:1] not in b"# ":
            if not _START.match(content):
                raise damaged(number, text("An LDIF file begins with a dn."))
            break
    return block


def _unix(block: bytes) -> tuple[bytes, bytes]:
    """Return the block with its line ends as LF, and what must wait for the next block: half of a CRLF."""
    held = b"\r" if block.endswith(b"\r") else b""
    if b"\r" in block:
        block = block.removesuffix(b"\r").replace(b"\r\n", b"\n")
    return block, held


# ---- entries


def _usual(record: bytes, line: int, plain: dict[bytes, str], coded: dict[bytes, str]) -> Entry | None:
    """Return the entry of a block whose lines are all of the usual kind, else None: a short way for most of a file."""
    if record[:4] != b"dn: ":
        return None
    first, *specs = (record.replace(b"\n ", b"") if b"\n " in record else record).split(b"\n")
    attributes: dict[str, list[bytes]] = {}
    try:
        for spec in specs:
            left, separator, value = spec.partition(b": ")
            if left in plain and separator:
                name = plain[left]
            else:
                name, value = coded[left], binascii.a2b_base64(value, strict_mode=True)
            if name in attributes:
                attributes[name].append(value)
            else:
                attributes[name] = [value]
        return Entry(first[4:].decode("utf-8"), attributes, line) if attributes else None
    except (KeyError, ValueError):  # a name not met before, an empty value, a comment, damage: the long way tells which
        return None


def _entry(record: bytes, line: int, last: bool, names: _Names) -> Entry | None:
    """Return the entry of a block of lines; None for a block of comments, a lone version line or empty lines."""
    if record[:1] == b"\n":
        line += len(record) - len(record.lstrip(b"\n"))
        record = record.lstrip(b"\n")
    specs = (record.replace(b"\n ", b"") if b"\n " in record else record).split(b"\n")
    at = _dn_at(specs, record, line)
    if at is None:
        return None
    dn = _dn(specs[at], _number(record, line, at))
    attributes: dict[str, list[bytes]] = {}
    plain, coded = names.plain.get, names.coded.get
    for index in range(at + 1, len(specs)):
        left, separator, value = specs[index].partition(b": ")
        if separator and (name := plain(left)) is not None:
            value = value.lstrip(b" ")
        elif separator and (name := coded(left)) is not None:
            value = _decoded(value, record, line, index, last and index == len(specs) - 1)
        else:
            found = _spec(specs[index], record, line, index, last and index == len(specs) - 1, names, not attributes)
            if found is None:
                continue
            name, value = found
        held = attributes.get(name)
        if held is None:
            attributes[name] = [value]
        else:
            held.append(value)
    if not attributes:
        number = _number(record, line, at)
        why = text("The entry {dn} has no attributes.", dn=dn)
        raise cut_off(number, why) if last else damaged(number, why)
    return Entry(dn, attributes, _number(record, line, at))


def _dn_at(specs: list[bytes], record: bytes, line: int) -> int | None:
    """Return which line holds the dn. Before it may stand comments and, in the first block, the version."""
    for index, spec in enumerate(specs):
        if spec[:3] == b"dn:":
            return index
        if not spec or spec[:1] == b"#":
            continue
        name, colon, value = spec.partition(b":")
        number = _number(record, line, index)
        if colon and name.lower() == b"dn":
            return index
        if not (colon and name.lower() == b"version"):
            raise damaged(number, text("An entry must begin with its dn."))
        if value.strip() != b"1":
            version = value.strip().decode("ascii", "backslashreplace")[:20]
            raise damaged(number, text("It names LDIF version {version}; only 1 is known.", version=version))
    return None


def _dn(spec: bytes, number: int) -> str:
    value = spec.partition(b":")[2]
    try:
        if value[:1] == b":":
            return binascii.a2b_base64(value[1:].strip(b" "), strict_mode=True).decode("utf-8")
        if value[:1] == b"<":
            raise _by_url(number)
        return value.lstrip(b" ").decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise damaged(number, text("Its dn is neither UTF-8 nor whole base64.")) from error


def _spec(
    spec: bytes, record: bytes, line: int, index: int, at_end: bool, names: _Names, first: bool
) -> tuple[str, bytes] | None:
    """Return name and value of any line but the usual ones; None for a comment or an empty line."""
    if not spec or spec[:1] == b"#":
        return None
    number = _number(record, line, index)
    name, colon, value = spec.partition(b":")
    if not colon:
        raise (cut_off if at_end else damaged)(number, text("It has no colon."))
    if not NAME.fullmatch(name):
        raise damaged(number, text("It does not begin with an attribute's name."))
    if name.lower() == b"dn":
        raise damaged(number, text("A new entry begins without an empty line before it."))
    if first and name.lower() in _CHANGES:
        raise LdifError(
            text("Line {line} of the LDIF file asks for a change.", line=number),
            text("An export holds entries, never changes (changetype, control)."),
            text("Choose a file that vdmexport has written."), line=number,
        )  # fmt: skip
    if value[:1] == b"<":
        raise _by_url(number)
    known = names.learn(name)
    if value[:1] == b":":
        return known, _decoded(value[1:], record, line, index, at_end)
    return known, value.lstrip(b" ")


def _decoded(value: bytes, record: bytes, line: int, index: int, at_end: bool) -> bytes:
    """Return the bytes of a base64 value."""
    try:
        return binascii.a2b_base64(value.strip(b" "), strict_mode=True)
    except binascii.Error as error:
        why = text("Its base64 is not whole.")
        raise (cut_off if at_end else damaged)(_number(record, line, index), why) from error


def _by_url(number: int) -> LdifError:
    return LdifError(
        text("Line {line} of the LDIF file names a value by its address (:<).", line=number),
        text("Reading other files on behalf of an export is not safe."),
        text("Choose a file that vdmexport has written."), line=number,
    )  # fmt: skip


def _number(record: bytes, line: int, index: int) -> int:
    """Return the number of the line in the file that the logical line `index` of a block begins with."""
    if index == 0:
        return line
    logical = -1
    for physical, part in enumerate(record.split(b"\n")):
        logical += physical == 0 or part[:1] != b" "
        if logical == index:
            return line + physical
    return line
