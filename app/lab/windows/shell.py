"""What cmd.exe does with a line: expand, redirect, find the tool, run it, give its exit code."""

from __future__ import annotations

import ntpath
from collections.abc import Callable
from dataclasses import dataclass

from app.lab.windows import commandline, faults
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.host import Host, HostError
from app.lab.windows.job import Job, Terminated, ToolError
from app.lab.windows.tools import aspnet, composer, files, services, system, vdmadmin, vdmexport, vdmimport
from app.lab.windows.tools.view import TOOLS_FOLDER

Tool = Callable[[Console, CommandLine], int]

_BUILT_IN: dict[str, Tool] = {
    "echo": files.echo, "dir": files.dir_, "type": files.type_, "mkdir": files.mkdir, "md": files.mkdir,
    "del": files.del_, "erase": files.del_, "ren": files.ren, "rename": files.ren, "ver": system.ver,
}  # fmt: skip
_SYSTEM32: dict[str, Tool] = {
    "sc": services.sc, "winrm": system.winrm, "whoami": system.whoami, "hostname": system.hostname,
    "certutil": files.certutil, "icacls": files.icacls, "tasklist": system.tasklist,
}  # fmt: skip
_POWERSHELL_FOLDER = r"C:\Windows\System32\WindowsPowerShell\v1.0"
_NET_FOLDER = r"C:\Windows\Microsoft.NET\Framework\v2.0.50727"
_ON_PATH = (r"C:\Windows\System32", _POWERSHELL_FOLDER)
_SUFFIXES = (".exe", ".com", ".bat", ".cmd")

LOOKS = frozenset({
    "echo", "dir", "type", "ver", "winrm", "whoami", "hostname", "certutil", "icacls", "tasklist",
})  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A tool that a line names: its short name, and what runs it."""

    name: str
    run: Tool


def variables(host: Host, account: str) -> dict[str, str]:
    """Return the environment that a remote shell of `account` begins with."""
    user = account.rpartition("\\")[2]
    return {
        "windir": r"C:\Windows", "SystemRoot": r"C:\Windows", "SystemDrive": "C:",
        "ComSpec": r"C:\Windows\system32\cmd.exe",
        "ProgramFiles": r"C:\Program Files", "ProgramFiles(x86)": r"C:\Program Files (x86)",
        "ProgramData": r"C:\ProgramData", "ALLUSERSPROFILE": r"C:\ProgramData", "PUBLIC": r"C:\Users\Public",
        "COMPUTERNAME": host.name.upper(), "USERNAME": user, "USERDOMAIN": account.partition("\\")[0],
        "USERPROFILE": rf"C:\Users\{user}", "TEMP": rf"C:\Users\{user}\AppData\Local\Temp",
        "TMP": rf"C:\Users\{user}\AppData\Local\Temp", "PATHEXT": ".COM;.EXE;.BAT;.CMD", "OS": "Windows_NT",
        "PATH": ";".join(_ON_PATH),
    }  # fmt: skip


def run(job: Job) -> int:
    """Run the line of `job` and return its exit code."""
    text = commandline.expand(commandline.after_c(job.line), job.variables)
    while (called := commandline.without_call(text)) is not None:
        text = commandline.expand(called, job.variables)  # call reads its line once more
    line, program, trouble = _understood(job, text)
    if program is None or program.name != "powershell":  # a remote pipeline is written down by itself
        faults.meet(job, faults.without_secrets(job.line), changes=_changes(line, program))
    plain = Console(job)
    if len(text) > commandline.LONGEST:
        return 0  # cmd cuts it, prints nothing and is content
    if trouble:
        plain.error(trouble)
        return 1
    if line is None:
        return 0
    try:
        console = Console(job, line)
    except HostError as error:
        plain.error(error.message)
        return 1
    code = 1
    try:
        code = _run(console, line, program)
    finally:
        code = _close(console, code)
    return code


def _understood(job: Job, text: str) -> tuple[CommandLine | None, Program | None, str]:
    """Return the line taken apart, the tool that it names, and what cmd complains of."""
    if len(text) > commandline.LONGEST:
        return None, None, ""
    try:
        line = commandline.parse(text)
        if line is None:
            return None, None, ""
        program = find(job.host, line, job.folder)
        job.name = program.name if program else line.program
    except commandline.LineError as error:
        return None, None, str(error)
    except HostError as error:
        return None, None, error.message
    return line, program, ""


def _changes(line: CommandLine | None, program: Program | None) -> bool:
    """Say whether a line acts rather than looks: it writes a file, or its tool changes something."""
    if line is None or program is None:
        return False
    writes = any(not r.target.startswith("&") and r.target.lower().rstrip(":") != "nul" for r in line.redirections)
    return writes or _acts(program.name, [argument.lower() for argument in line.arguments])


def _acts(name: str, arguments: list[str]) -> bool:
    if name == "sc":
        return arguments[:1] in (["start"], ["stop"])
    if name == "vdmexport":
        return "-f" in arguments
    if name == "vdmimport":
        return "-d" not in arguments
    if name == "icacls":
        return len(arguments) > 1
    return name not in LOOKS


def find(host: Host, line: CommandLine, folder: str) -> Program | None:
    """Return the tool that a line names; None where there is none. Raises HostError for a path that leads nowhere."""
    written = line.program
    name = ntpath.basename(written.replace("/", "\\")).lower()
    stem = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)
    placed = "\\" in written or "/" in written
    if not placed and name in _BUILT_IN:
        return Program(name, _BUILT_IN[name])
    places = [ntpath.dirname(host.path(written, folder))] if placed else [folder, *_ON_PATH]
    for place in places:
        tool = _tool_in(host, place.lower().rstrip("\\"), stem)
        if tool is not None:
            return Program(stem, tool)
    if placed and not host.is_folder(places[0]):
        raise HostError(3, "The system cannot find the path specified.", written)
    return None


def _tool_in(host: Host, folder: str, stem: str) -> Tool | None:
    from app.lab.windows.powershell import program as powershell

    if folder == r"c:\windows\system32":
        return _SYSTEM32.get(stem)
    if folder == _POWERSHELL_FOLDER.lower():
        return powershell.run if stem == "powershell" else None
    if folder == _NET_FOLDER.lower():
        return aspnet.aspnet_regiis if stem == "aspnet_regiis" else None
    installed: dict[tuple[str, str], Tool] = {
        (TOOLS_FOLDER.lower(), "vdmexport"): vdmexport.vdmexport,
        (TOOLS_FOLDER.lower(), "vdmimport"): vdmimport.vdmimport,
        (TOOLS_FOLDER.lower(), "vdmadmin"): vdmadmin.vdmadmin,
        (composer.FOLDER.lower(), "sviconfig"): composer.sviconfig,
    }
    tool = installed.get((folder, stem))
    return tool if tool and host.file(f"{folder}\\{stem}.exe") else None


def _run(console: Console, line: CommandLine, program: Program | None) -> int:
    try:
        if program is None:
            console.error(
                f"'{line.program}' is not recognized as an internal or external command,\n"
                "operable program or batch file."
            )
            return 1
        faults.fail(console.job)
        return program.run(console, line)
    except ToolError as error:
        (console.error if error.to_stderr else console.out)(error.message)
        return error.code
    except HostError as error:
        console.error(error.message)
        return 1


def _close(console: Console, code: int) -> int:
    try:
        console.close()
    except HostError as error:
        if error.number != 112:
            raise
        console.error(error.message)
        return code or 1
    except Terminated:
        return 1
    return code
