"""vdmimport: puts a file's records into AD LDS; those that are not in the file stay as they are. -d decrypts."""

from __future__ import annotations

from app.lab.rows import Broker, LdsEntry, Row
from app.lab.windows import recovery
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError
from app.lab.windows.ldif import Entry, LdifBroken, read
from app.lab.windows.tools import view

SECONDS = 4.0
_ROOT = "dc=vdi,dc=vmware,dc=int"
_USAGE = "Usage: vdmimport -f <filename>\n       vdmimport -d -p <recovery password> -f <filename>"


def vdmimport(console: Console, line: CommandLine) -> int:
    """Import -f FILE, or decrypt it to standard output with -d -p PASSWORD."""
    file, password, decrypt = _wish(line.arguments)
    content = console.host.read(console.path(file))
    if decrypt:
        return _decrypt(console, content, password)
    broker = view.broker_of(console)
    view.require_right(console, change=True)
    rows = _rows(console, broker, content)
    console.out(f"Importing {len(rows)} records from {file}")
    console.job.takes(SECONDS)
    console.host.commit(console.job, f"AD LDS imported from {file}", *rows)
    console.out(f"Successfully updated {len(rows)} record(s).")
    return 0


def _decrypt(console: Console, content: bytes, password: str) -> int:
    try:
        # another day's password is as wrong as a mistyped one
        console.raw(recovery.decrypt(content, password + "?" if console.job.met("wrong-password") else password))
    except recovery.WrongPassword as error:
        raise ToolError(1, "Unable to decrypt the file: the recovery password is incorrect.", to_stderr=True) from error
    except recovery.NotEncrypted as error:
        raise ToolError(1, "Unable to decrypt the file: it is not an encrypted export.", to_stderr=True) from error
    return 0


def _rows(console: Console, broker: Broker, content: bytes) -> list[Row]:
    try:
        entries = read(content)
    except LdifBroken as error:
        raise ToolError(1, f"Unable to import: the LDIF file is not valid ({error}).", to_stderr=True) from error
    if not entries or not any(entry.dn.lower().endswith(_ROOT) for entry in entries):
        raise ToolError(
            1,
            "Unable to import: the file holds no View records. An encrypted file must be decrypted first.",
            to_stderr=True,
        )
    return [_row(console, broker, entry) for entry in entries]


def _row(console: Console, broker: Broker, entry: Entry) -> LdsEntry:
    if not entry.dn.lower().endswith(_ROOT):
        raise ToolError(1, f"Unable to import {entry.dn}: it is not below DC=vdi,DC=vmware,DC=int.", to_stderr=True)
    classes: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = {}
    for name, values in entry.values.items():
        try:
            texts = tuple(value.decode("utf-8") for value in values)
        except UnicodeDecodeError as error:
            raise ToolError(1, f"Unable to import {entry.dn}: {name} is not valid.", to_stderr=True) from error
        if name.lower() == "objectclass":
            classes = texts
        else:
            attributes[name] = texts
    old = console.host.world.get(LdsEntry, broker.group, entry.dn.lower())
    if not classes and old is None:
        raise ToolError(1, f"Unable to import {entry.dn}: it has no objectClass.", to_stderr=True)
    return LdsEntry(
        group=broker.group, dn=entry.dn, classes=classes or (old.classes if old else ()), attributes=attributes
    )


def _wish(arguments: tuple[str, ...]) -> tuple[str, str, bool]:
    left, values = list(arguments), dict[str, str]()
    while left:
        word = left.pop(0)
        if word in values or word not in ("-d", "-p", "-f") or (word != "-d" and not left):
            raise ToolError(1, _USAGE, to_stderr=True)
        values[word] = "" if word == "-d" else left.pop(0)
    if "-f" not in values or ("-d" in values) != ("-p" in values):
        raise ToolError(1, _USAGE, to_stderr=True)
    return values["-f"], values.get("-p", ""), "-d" in values
