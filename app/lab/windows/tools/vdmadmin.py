"""vdmadmin: -S -r -s NAME drops a broker's or Security Server's entry; anything else prints how to use it."""

from __future__ import annotations

from app.lab import directory
from app.lab.rows import LdsEntry
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError
from app.lab.windows.tools import view

_USAGE = (
    "Usage: vdmadmin -S -r -s <server>\n"
    "    -S  manage the entry of a View Connection Server or security server\n"
    "    -r  remove the entry\n    -s  the server's name"
)


def vdmadmin(console: Console, line: CommandLine) -> int:
    """Remove a server's entry from AD LDS."""
    words = line.arguments
    if words in (("-?",), ("-h",), ()):
        console.out(_USAGE)
        return 0 if words else 1
    if len(words) != 4 or sorted(words[:3]) != ["-S", "-r", "-s"] or words[2] != "-s":
        raise ToolError(1, _USAGE, to_stderr=True)
    broker = view.broker_of(console)
    view.require_right(console, change=True)
    name = words[3]
    dn = f"CN={name},{directory.BROKERS}"
    entry = console.host.world.get(LdsEntry, broker.group, dn.lower())
    if entry is None:
        raise ToolError(1, f"Unable to find the server {name}.", to_stderr=True)
    if name.lower() == console.host.name.lower():
        raise ToolError(1, "Unable to remove the entry of the server that this command runs on.", to_stderr=True)
    console.host.commit(console.job, f"{name} removed from the group", drop=[entry])
    console.out(f"The entry of {name} was removed.")
    return 0
