"""vdmexport: AD LDS as LDIF, plain up to View 5.0, encrypted with the data recovery password from 5.1 on."""

from __future__ import annotations

from dataclasses import dataclass

from app.lab.ldif import ldif
from app.lab.rows import Broker
from app.lab.windows import recovery
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError
from app.lab.windows.tools import view

SECONDS = 3.0
_STEPS = 4
_USAGE = (
    "Usage: vdmexport [-f <filename>] [-v] [-c]\n    -f  output file\n    -v  verbatim (plain text)\n    -c  cleansed"
)


@dataclass(frozen=True)
class _Wish:
    file: str = ""
    verbatim: bool = False
    cleansed: bool = False


def vdmexport(console: Console, line: CommandLine) -> int:
    """Export AD LDS to standard output or to -f FILE."""
    wish = _wish(line.arguments)
    broker = view.broker_of(console)
    view.require_right(console, change=wish.verbatim)
    plain = wish.verbatim or wish.cleansed or _version(broker) < (5, 1)
    say = console.out if wish.file else console.error
    entries = view.entries(console, broker)
    for step in range(1, _STEPS + 1):
        console.job.takes(SECONDS / _STEPS)
        say(f"Exported {len(entries) * step // _STEPS} of {len(entries)} records")
    content = ldif(entries, cleansed=wish.cleansed)
    if not plain:
        content = recovery.encrypt(content, console.host.lab.passwords.of(broker.recovery_password or "recovery"))
    if wish.file:
        path = console.path(wish.file)
        console.host.write(console.job, f"AD LDS exported to {path}", path, content)
    else:
        console.raw(content)
    return 0


def _wish(arguments: tuple[str, ...]) -> _Wish:
    left = list(arguments)
    file, flags = "", set()
    while left:
        word = left.pop(0)
        if word == "-f" and left and not file:
            file = left.pop(0)
        elif word in ("-v", "-c"):
            flags.add(word)
        else:
            raise ToolError(1, _USAGE, to_stderr=True)
    if flags == {"-v", "-c"}:
        raise ToolError(1, _USAGE, to_stderr=True)
    return _Wish(file, "-v" in flags, "-c" in flags)


def _version(broker: Broker) -> tuple[int, ...]:
    return tuple(int(part) for part in broker.version.split(".") if part.isdigit())
