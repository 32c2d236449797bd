"""sc.exe: query, queryex, qc, start, stop."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from app.lab.rows import Service
from app.lab.windows import services
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError
from app.lab.windows.services import RUNNING, STARTING, STOPPED, STOPPING, UNKNOWN, ServiceRefusal

_STATES = {
    STOPPED: (1, "STOPPED"),
    STARTING: (2, "START_PENDING"),
    STOPPING: (3, "STOP_PENDING"),
    RUNNING: (4, "RUNNING"),
}
_MODES = {"Auto": (2, "AUTO_START"), "Manual": (3, "DEMAND_START"), "Disabled": (4, "DISABLED")}
_USAGE = (
    "DESCRIPTION:\n        SC is a command line program used for communicating with the\n"
    "        Service Control Manager and services.\nUSAGE:\n"
    "        sc <server> [command] [service name] <option1> <option2>...\n"
)


def sc(console: Console, line: CommandLine) -> int:
    """Run sc.exe. Its errors end it with Windows' error number."""
    verb, *rest = [*line.arguments, ""]
    names = [name for name in rest if name]
    commands: dict[str, Callable[[Console, str], None]] = {
        "query": _query, "queryex": _queryex, "qc": _qc, "start": _start, "stop": _stop,
    }  # fmt: skip
    command = commands.get(verb.lower())
    if command is None:
        raise ToolError(1639, _USAGE)
    if verb.lower() in ("query", "queryex") and (not names or names == ["state=", "all"]):
        for row in console.host.world.all(Service, host=console.host.name):
            if names or row.state != STOPPED:
                _show(console, row, extended=verb.lower() == "queryex", display=True)
        return 0
    if len(names) != 1:
        raise ToolError(1639, _USAGE)
    command(console, names[0])
    return 0


def _query(console: Console, name: str) -> None:
    _show(console, _found(console, name, "EnumQueryServicesStatus:OpenService"))


def _queryex(console: Console, name: str) -> None:
    _show(console, _found(console, name, "EnumQueryServicesStatus:OpenService"), extended=True)


def _qc(console: Console, name: str) -> None:
    row = _found(console, name, "OpenService")
    number, mode = _MODES[row.start_mode]
    needs = list(row.depends_on) or [""]
    console.out("[SC] QueryServiceConfig SUCCESS\n")
    console.out(f"SERVICE_NAME: {row.name}")
    for title, value in (
        ("TYPE", "10  WIN32_OWN_PROCESS "),
        ("START_TYPE", f"{number}   {mode}"),
        ("ERROR_CONTROL", "1   NORMAL"),
        ("BINARY_PATH_NAME", ""),
        ("LOAD_ORDER_GROUP", ""),
        ("TAG", "0"),
        ("DISPLAY_NAME", row.display),
        ("DEPENDENCIES", needs[0]),
        *(("", need) for need in needs[1:]),
        ("SERVICE_START_NAME", row.account),
    ):
        console.out(f"        {title:<19}: {value}")


def _start(console: Console, name: str) -> None:
    _found(console, name, "StartService: OpenService")
    try:
        told = services.start(console.job, name)
    except ServiceRefusal as error:
        raise _failed("StartService", error) from error
    # sc does not wait: it shows the service on its way
    _show(console, msgspec.structs.replace(told, state=STARTING), extended=True)


def _stop(console: Console, name: str) -> None:
    _found(console, name, "OpenService")
    try:
        told = services.stop(console.job, name)
    except ServiceRefusal as error:
        raise _failed("ControlService", error) from error
    _show(console, msgspec.structs.replace(told, state=STOPPING))


def _found(console: Console, name: str, call: str) -> Service:
    row = services.find(console.host, name)
    if row is None:
        raise _failed(call, ServiceRefusal(UNKNOWN))
    return row


def _failed(call: str, error: ServiceRefusal) -> ToolError:
    return ToolError(error.code, f"[SC] {call} FAILED {error.code}:\n\n{error.text}\n")


def _show(console: Console, row: Service, *, extended: bool = False, display: bool = False) -> None:
    number, word = _STATES[row.state]
    stops = "STOPPABLE" if row.state == RUNNING else "NOT_STOPPABLE"
    shuts = "ACCEPTS_SHUTDOWN" if row.state == RUNNING else "IGNORES_SHUTDOWN"
    console.out(f"\nSERVICE_NAME: {row.name} " + (f"\nDISPLAY_NAME: {row.display}" if display else ""))
    console.out("        TYPE               : 10  WIN32_OWN_PROCESS  ")
    console.out(f"        STATE              : {number}  {word} ")
    console.out(f"                                ({stops}, NOT_PAUSABLE, {shuts})")
    for title in ("WIN32_EXIT_CODE", "SERVICE_EXIT_CODE"):
        console.out(f"        {title:<19}: 0  (0x0)")
    console.out("        CHECKPOINT         : 0x0")
    console.out("        WAIT_HINT          : 0x0")
    if extended:
        console.out(f"        PID                : {row.pid}")
        console.out("        FLAGS              : ")
