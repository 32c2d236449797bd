"""winrm.cmd, whoami, hostname, ver, tasklist."""

from __future__ import annotations

from app.lab.windows import services
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError
from app.lab.windows.settings import config_text


def winrm(console: Console, line: CommandLine) -> int:
    """Print WinRM's configuration: `winrm get winrm/config`."""
    if [argument.lower() for argument in line.arguments] != ["get", "winrm/config"]:
        raise ToolError(87, 'Error: Invalid use of command line. Type "winrm -?" for help.', to_stderr=True)
    console.out(config_text(console.host) + "\n")
    return 0


def whoami(console: Console, line: CommandLine) -> int:
    """Print who runs this: alone, /upn, or /groups."""
    account = console.job.account
    domain, _, user = account.partition("\\")
    asked = [argument.lower() for argument in line.arguments]
    if asked == ["/groups"]:
        _groups(console)
    elif asked == ["/upn"]:
        console.out(f"{user.lower()}@{domain.lower()}.example")
    elif not asked:
        console.out(account.lower())
    else:
        raise ToolError(
            1, f"ERROR: Invalid argument/option - '{line.arguments[0]}'.\nType \"WHOAMI /?\" for usage.", to_stderr=True
        )
    return 0


def _groups(console: Console) -> None:
    rows = [
        ("Everyone", "Well-known group", "S-1-1-0"),
        ("BUILTIN\\Users", "Alias", "S-1-5-32-545"),
        ("NT AUTHORITY\\NETWORK", "Well-known group", "S-1-5-2"),
    ]
    if console.host.administered_by(console.job.account):
        rows.insert(1, ("BUILTIN\\Administrators", "Alias", "S-1-5-32-544"))
    console.out("\nGROUP INFORMATION\n-----------------\n")
    attributes = "Mandatory group, Enabled by default, Enabled group"
    titles = ("Group Name", "Type", "SID", "Attributes")
    widths = [max(len(row[place]) for row in [*rows, titles]) for place in range(3)]
    console.out(" ".join(title.ljust(width) for title, width in zip(titles, [*widths, 0], strict=True)))
    console.out(" ".join("=" * width for width in [*widths, len(attributes)]))
    for row in rows:
        cells = " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.out(f"{cells} {attributes}")


def hostname(console: Console, line: CommandLine) -> int:
    """Print the machine's name."""
    if line.arguments:
        raise ToolError(
            1,
            "sethostname: Use the Network Control Panel Applet to set hostname.\nhostname -s is not supported.",
            to_stderr=True,
        )
    console.out(console.host.name)
    return 0


def ver(console: Console, line: CommandLine) -> int:
    """Print Windows' version."""
    if line.tail:
        raise ToolError(1, "The syntax of the command is incorrect.", to_stderr=True)
    console.out(f"\nMicrosoft Windows [Version {console.host.row.os_version}]")
    return 0


def tasklist(console: Console, line: CommandLine) -> int:
    """Print what runs."""
    if line.arguments:
        raise ToolError(
            1,
            f"ERROR: Invalid argument/option - '{line.arguments[0]}'.\nType \"TASKLIST /?\" for usage.",
            to_stderr=True,
        )
    console.out("\nImage Name                     PID Session Name        Session#    Mem Usage")
    console.out("========================= ======== ================ =========== ============")
    for process in services.processes(console.host):
        name, memory = process.name[:25], f"{process.memory:,} K"
        console.out(f"{name:<25} {process.pid:>8} {'Services':<16} {0:>11} {memory:>12}")
    return 0
