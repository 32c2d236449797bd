"""Backup files: a format of this practice environment's own, with a magic number, headers, pages and page checksums.

A file is a label and backup sets, one after another. A set is a header, a database's content in pages, an end mark;
every part says how long it is, so that what was cut off or changed is seen."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from app.lab.rows import (
    ANY,
    Composer,
    ComposerRequest,
    CustomField,
    Database,
    EventRecord,
    Managed,
    Permission,
    Role,
    Row,
    VCenter,
    VcScheduledTask,
    VcTask,
    Vm,
)  # fmt: skip
from app.lab.world import World

LABEL, HEADER, DATA, END = b"TAPE", b"SSET", b"MQDA", b"ESET"
PAGE_SIZE = 8192
_PART = struct.Struct("<4sIII")  # mark, length, checksum, 1 where the checksum counts
_COMPOSERS = (ComposerRequest,)
_VCENTERS = (Managed, Vm, VcTask, VcScheduledTask, Role, Permission, CustomField)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup set says of itself."""

    server: str
    database: str
    set_name: str
    description: str
    position: int
    user: str
    started: float
    finished: float
    version: str
    family_guid: str
    content: str
    recovery: str
    collation: str
    size: int
    pages: int
    copy_only: bool
    checksums: bool
    compressed: bool
    lsn: int


class Content(msgspec.Struct, frozen=True):
    """The rows of the world that a database held when it was backed up."""

    rows: tuple[ANY, ...]


class Broken(Exception):
    """A backup file is not whole. `at` says what: label, header, data, end."""

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.at = at


@dataclass(frozen=True)
class Part:
    """One part of a file as it was read; `whole` says whether its checksum is right, where it has one."""

    mark: bytes
    body: bytes
    whole: bool


def rows_of(world: World, database: Database) -> tuple[Row, ...]:
    """Return the rows of the world that a database holds."""
    kind, _, owner = database.content.partition(":")
    with world.lock:
        if kind == "composer":
            own = world.get(Composer, owner)
            return (*([own] if own else []), *(row for table in _COMPOSERS for row in world.all(table, composer=owner)))
        if kind == "vcenter":
            vcenter = world.get(VCenter, owner)
            mine: list[Row] = [vcenter] if vcenter else []
            for table in _VCENTERS:
                mine += world.all(table, vcenter=owner)
            return tuple(mine)
        if kind == "events":
            return tuple(world.all(EventRecord, group=owner))
    return ()


def content(rows: tuple[Row, ...], *, compressed: bool) -> bytes:
    """Return rows as a backup set carries them."""
    raw = msgspec.json.encode(Content(rows))  # type: ignore[arg-type]  # every Row is in ANY
    return zlib.compress(raw) if compressed else raw


def pages_of(body: bytes) -> int:
    """Return how many pages a content takes."""
    return (len(body) + PAGE_SIZE - 1) // PAGE_SIZE


def label(identifier: str) -> bytes:
    """Return the beginning of a new file."""
    return _part(LABEL, identifier.encode(), checked=True)


def backup_set(header: Header, body: bytes) -> bytes:
    """Return one backup set; its pages have checksums where the header says so."""
    parts = [_part(HEADER, msgspec.json.encode(header), checked=True)]
    parts += (_part(DATA, body[at : at + PAGE_SIZE], checked=header.checksums) for at in range(0, len(body), PAGE_SIZE))
    return b"".join([*parts, _part(END, str(header.pages).encode(), checked=True)])


def _part(mark: bytes, body: bytes, *, checked: bool) -> bytes:
    return _PART.pack(mark, len(body), zlib.crc32(body) if checked else 0, int(checked)) + body


def parts(data: bytes) -> Iterator[Part]:
    """Yield the parts of a file. Broken where it ends too soon or is no backup."""
    at = 0
    while at < len(data):
        if at + _PART.size > len(data):
            raise Broken("end")
        mark, length, checksum, checked = _PART.unpack_from(data, at)
        if mark not in (LABEL, HEADER, DATA, END) or (at == 0 and mark != LABEL):
            raise Broken("label" if at == 0 else "data")
        body = data[at + _PART.size : at + _PART.size + length]
        if len(body) < length:
            raise Broken("end")
        yield Part(mark, body, not checked or zlib.crc32(body) == checksum)
        at += _PART.size + length


@dataclass(frozen=True)
class Found:
    """A backup set in a file: its header, whether all of it is there, and whether its checksums are right."""

    header: Header
    complete: bool
    whole: bool
    body: bytes


def read(data: bytes) -> tuple[str, list[Found]]:
    """Return a file's label and its backup sets, the last one maybe incomplete. Broken where it is no backup at all."""
    identifier, sets, header = "", [], None
    pages: list[Part] = []
    try:
        for part in parts(data):
            if part.mark == LABEL:
                if not part.whole:
                    raise Broken("label")  # noqa: TRY301  # caught below, where the label is told from the rest
                identifier = part.body.decode("ascii", "replace")
            elif part.mark == HEADER:
                header, pages = _header(part), []
            elif part.mark == DATA:
                pages.append(part)
            elif header is not None:
                sets.append(_found(header, pages, ended=True))
                header = None
    except Broken as broken:
        if broken.at == "label" or not identifier:
            raise
    if not identifier:
        raise Broken("label")
    if header is not None:
        sets.append(_found(header, pages, ended=False))
    return identifier, sets


def _found(header: Header, pages: list[Part], *, ended: bool) -> Found:
    complete = ended and len(pages) == header.pages
    return Found(header, complete, all(page.whole for page in pages), b"".join(page.body for page in pages))


def _header(part: Part) -> Header:
    if not part.whole:
        raise Broken("header")
    try:
        return msgspec.json.decode(part.body, type=Header)
    except msgspec.MsgspecError as error:
        raise Broken("header") from error


def restored(found: Found) -> tuple[Any, ...]:
    """Return the rows that a backup set holds; Broken where its pages are damaged."""
    try:
        raw = zlib.decompress(found.body) if found.header.compressed else found.body
        return msgspec.json.decode(raw, type=Content).rows
    except (zlib.error, msgspec.MsgspecError) as error:
        raise Broken("data") from error


def damaged(data: bytes) -> bytes:
    """Return a file with one byte of its data changed, as a bad disk leaves it."""
    at = data.rfind(DATA)
    if at < 0:
        return data
    length = _PART.unpack_from(data, at)[1]
    middle = at + _PART.size + length // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
