"""The catalogue of translations: finds the messages, brings the .po up to date, checks it, compiles the .mo.

    python catalogue.py compile        write the .mo where the .po is newer; needs nothing but Python
    python catalogue.py update         take new messages in and dead ones out; needs Babel
    python catalogue.py check          say what is missing, unfinished or not marked; needs Babel

`make.py i18n` and its set-up call this. A message is what `text("...")` of app/texts.py is given, and nothing else:
methods of that name are not ours, so the syntax tree is read instead of looking for the word.
"""

from __future__ import annotations

import ast
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("app", "ui")
SPEAK_AS_SERVERS = ("app/lab/sqlserver", "app/lab/windows", "app/lab/vcenter")
"""What these say is what the real systems say, in their own English."""
LANGUAGE = "zh_CN"
PO = ROOT / "resources" / "locale" / LANGUAGE / "LC_MESSAGES" / "viewkeeper.po"

HEADER = """\
# Simplified Chinese for ViewKeeper, in the words of VMware's own Chinese documents.
msgid ""
msgstr ""
"Project-Id-Version: ViewKeeper\\n"
"Language: zh_CN\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates, so that a file in which no message changed does not change."""


@dataclass(frozen=True)
class Place:
    """Where something stands in the sources."""

    file: Path
    line: int

    def __str__(self) -> str:
        shown = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{shown.as_posix()}:{self.line}"


# ---- what the sources mark


def source_files(root: Path = ROOT) -> list[Path]:
    """Return every Python file whose texts people read."""
    return sorted(file for folder in SOURCES for file in (root / folder).rglob("*.py"))


def marked(file: Path, tree: ast.Module) -> Iterator[tuple[Place, str | None]]:
    """Yield each message of a file and its place; None for a `text(...)` whose message is not written out there."""
    names = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.texts"
        for name in node.names
        if name.name == "text"
    }
    if file.parts[-2:] == ("app", "texts.py"):  # where it is made, it need not be imported
        names.add("text")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            message = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            yield Place(file, node.lineno), message if isinstance(message, str) else None


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def messages(root: Path = ROOT) -> dict[str, Place]:
    """Return all messages of the sources and the first place of each."""
    found: dict[str, Place] = {}
    for file in source_files(root):
        for place, message in marked(file, parsed(file)):
            if message:
                found.setdefault(message, place)
    return found


def unreadable(root: Path = ROOT) -> list[Place]:
    """Return the places where a message is made by hand (an f-string, a variable), so that none can be found."""
    return [place for file in source_files(root) for place, message in marked(file, parsed(file)) if message is None]


# ---- what the sources forget to mark

SHOWS = {
    *("setText", "setWindowTitle", "setToolTip", "setAccessibleName", "setAccessibleDescription", "setPlaceholderText"),
    *("setStatusTip", "setWhatsThis", "setInformativeText", "setDetailedText", "setTitle", "setLabelText", "setPrefix"),
    *("setSuffix", "setHeaderLabels", "setHorizontalHeaderLabels", "setSpecialValueText", "addAction", "addItem"),
    *("addItems", "addTab", "addButton", "addRow", "addMenu", "insertItem", "setTabText", "setItemText"),
    *("QLabel", "QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "QGroupBox", "QAction", "QDockWidget"),
    *("information", "question", "critical"),  # QMessageBox
    *("line", "table", "say", "warn", "remark"),  # the console, and what a step tells
    *("Text", "Observation", "UserError"),  # and whatever is derived from the last
}
"""Calls whose words people read."""

HELPS = {"ArgumentParser", "add_parser", "add_argument"}
HELP_ARGUMENTS = {"help", "description", "epilog"}
"""Calls of which people read these arguments, and no other."""

QUIET_ARGUMENTS = {"key", "system", "details", "objectName"}
A_WORD = re.compile(r"[A-Za-z]{2,}")
NAMES = {"ViewKeeper", "SHA-256", "English", "简体中文", "vCenter", "NTLM", "Kerberos", "CredSSP"}
"""Words that are the same in every language."""


def unmarked(root: Path = ROOT) -> list[tuple[Place, str]]:
    """Return words that are shown to people and pass by the catalogue, as far as the syntax tree tells."""
    trees = {file: parsed(file) for file in source_files(root)}
    shows = SHOWS | _errors(trees.values())
    found: list[tuple[Place, str]] = []
    for file, tree in trees.items():
        if file.relative_to(root).as_posix().startswith(SPEAK_AS_SERVERS):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in shows | HELPS:
                found += [(Place(file, node.lineno), words) for words in _shown(node) if _is_for_people(words)]
    return found


def _errors(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of all classes that come from UserError."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    family = {"UserError"}
    while more := {name for name, parents in bases.items() if parents & family} - family:
        family |= more
    return family


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _shown(call: ast.Call) -> Iterator[str]:
    name = _name(call.func)
    plain = call.args[2:5] if name == "Observation" else call.args  # between its key and its system
    named = [word.value for word in call.keywords if word.arg not in QUIET_ARGUMENTS]
    if name in HELPS:
        plain, named = [], [word.value for word in call.keywords if word.arg in HELP_ARGUMENTS]
    for argument in (*plain, *named):
        yield from _literals(argument)


def _literals(node: ast.expr) -> Iterator[str]:
    """Yield the literal words that an expression can become; what another call makes is that call's affair."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    elif isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _literals(value)
    elif isinstance(node, ast.BinOp):
        yield from (*_literals(node.left), *_literals(node.right))
    elif isinstance(node, ast.List | ast.Tuple):
        for element in node.elts:
            yield from _literals(element)
    elif isinstance(node, ast.Call) and _name(node.func) == "str":
        for argument in node.args:
            yield from _literals(argument)


def _is_for_people(words: str) -> bool:
    """Tell words from names, signs, units and rich text's tags."""
    bare = re.sub(r"<[^>]*>|&[a-z]+;|\{[^}]*\}", " ", words).strip(" :.…>")
    return bool(A_WORD.search(bare)) and bare not in NAMES


# ---- the .po


def read_po(path: Path = PO) -> Catalog:
    """Return the catalogue as it lies on disk, empty where there is none yet."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po as read

    if not path.exists():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read(file, locale=LANGUAGE)


def write_po(translations: Mapping[str, str], path: Path = PO) -> None:
    """Write messages and their translations, sorted, without places and dates: differences stay small."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po as write

    catalog = Catalog(locale=LANGUAGE)
    for message, translation in translations.items():
        flags = ["python-brace-format"] if "{" in message else []
        catalog.add(message, translation, flags=flags).flags.discard("python-format")  # a % is a % here
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER.encode())
        write(file, catalog, width=0, no_location=True, omit_header=True, sort_output=True)


def translated(path: Path = PO) -> dict[str, str]:
    """Return the finished translations of the .po: neither empty nor marked as doubtful."""
    return {str(m.id): str(m.string) for m in read_po(path) if m.id and m.string and not m.fuzzy}


def update(path: Path = PO, root: Path = ROOT) -> tuple[int, int]:
    """Take new messages in and dead ones out. Returns how many messages there are, and how many lack a translation."""
    known = translated(path)
    wanted = {message: known.get(message, "") for message in messages(root)}
    write_po(wanted, path)
    return len(wanted), sum(not translation for translation in wanted.values())


def fields(message: str) -> dict[str, tuple[str, str]]:
    """Return the fields of a message, each with its format and conversion."""
    return {
        name: (form or "", conversion or "")
        for _, name, form, conversion in Formatter().parse(message)
        if name is not None
    }


def same_fields(message: str, translation: str) -> bool:
    """Say whether both take the same values; a brace too many or too few is never the same."""
    try:
        return fields(message) == fields(translation)
    except ValueError:
        return False


# ---- checking


def check(path: Path = PO, root: Path = ROOT) -> list[str]:
    """Return every complaint: nothing is missing, unfinished, dead, unreadable, differing in fields, or unmarked."""
    wanted, known = messages(root), {str(m.id): m for m in read_po(path) if m.id}
    finished = translated(path)
    found = [f"{place}: not translated: {m!r}" for m, place in wanted.items() if m not in finished]
    found += [f"the .po has a message that nothing uses: {m!r}" for m in known if m not in wanted]
    found += [
        f"{wanted[m]}: the translation has other fields: {m!r}"
        for m, words in finished.items()
        if m in wanted and not same_fields(m, words)
    ]
    found += [f"{place}: text() needs its message written out" for place in unreadable(root)]
    found += [f"{place}: shown to people, and not marked with text(): {words!r}" for place, words in unmarked(root)]
    return found


# ---- the .mo

A_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def finished_entries(po: str) -> dict[str, str]:
    """Return what a .po translates, header included ("" as its message), without Babel: a user's machine has none."""
    entries: dict[str, str] = {}
    for block in re.split(r"\n[ \t]*\n", po.replace("\r\n", "\n")):
        words = {"msgid": "", "msgstr": ""}
        now, doubtful = "", False
        for line in block.splitlines():
            doubtful = doubtful or (line.startswith("#,") and "fuzzy" in line)
            if line.startswith("#"):
                continue
            keyword = line.split(" ", 1)[0]
            now = keyword if keyword in words else now
            quoted = A_STRING.search(line)
            if now and quoted:
                words[now] += ast.literal_eval(quoted.group())
        if words["msgstr"] and not doubtful:
            entries[words["msgid"]] = words["msgstr"]
    return entries


def as_mo(entries: Mapping[str, str]) -> bytes:
    """Return entries as gettext's binary catalogue (the GNU gettext manual, "The Format of GNU MO Files")."""
    pairs = sorted((message.encode(), words.encode()) for message, words in entries.items())
    tables_at, words_at = 28, 28 + 16 * len(pairs)
    body, tables = bytearray(), ([], [])  # type: tuple[bytearray, tuple[list[bytes], list[bytes]]]
    for side in (0, 1):
        for pair in pairs:
            tables[side].append(struct.pack("<II", len(pair[side]), words_at + len(body)))
            body += pair[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), tables_at, tables_at + 8 * len(pairs), 0, words_at)
    return head + b"".join(tables[0]) + b"".join(tables[1]) + bytes(body)


def compile_mo(path: Path = PO) -> Path:
    """Write the .mo beside the .po where it is missing or older; whole or not at all. Returns its path."""
    target = path.with_suffix(".mo")
    if not target.exists() or target.stat().st_mtime_ns < path.stat().st_mtime_ns:
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        unfinished.write_bytes(as_mo(finished_entries(path.read_text("utf-8"))))
        unfinished.replace(target)
    return target


def main(arguments: list[str]) -> int:
    """Carry out one command and return the exit code."""
    command = arguments[0] if arguments else ""
    if command == "compile":
        compile_mo()
    elif command == "update":
        total, missing = update()
        compile_mo()
        print(f"{total} messages, {missing} of them not translated yet.")
    elif command == "check":
        complaints = check()
        print("\n".join(complaints) or "Every message is translated, and every text is marked.")
        return 1 if complaints else 0
    else:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # both are TextIOWrapper here
    sys.exit(main(sys.argv[1:]))
