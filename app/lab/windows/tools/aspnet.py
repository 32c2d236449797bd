"""aspnet_regiis: exports (-px) and imports (-pi) machine-level RSA key containers."""

from __future__ import annotations

from app.lab.rows import RsaContainer
from app.lab.windows import rsa
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError

_TITLE = (
    "Microsoft (R) ASP.NET RegIIS version 2.0.50727.5420\n"
    "Administration utility to install and uninstall ASP.NET on the local machine.\n"
    "Copyright (C) Microsoft Corporation.  All rights reserved."
)


def aspnet_regiis(console: Console, line: CommandLine) -> int:
    """Export or import a key container."""
    console.out(_TITLE)
    words = [word.lower() for word in line.arguments]
    if words[:1] == ["-px"] and (len(words) == 3 or words[3:] == ["-pri"]):
        return _export(console, line.arguments[1], line.arguments[2], private=words[3:] == ["-pri"])
    if words[:1] == ["-pi"] and (len(words) == 3 or words[3:] == ["-exp"]):
        return _import(console, line.arguments[1], line.arguments[2])
    raise ToolError(1, "Invalid or missing command line arguments. Use -? for help.")


def _export(console: Console, container: str, file: str, *, private: bool) -> int:
    console.out("Exporting RSA Keys to file...")
    found = _container(console, container)
    if found is None:
        raise ToolError(1, "The RSA key container was not found.\nFailed!")
    path = console.path(file)
    content = rsa.export(console.host.lab, found.key_id, private=private)
    console.host.write(console.job, f"key container {found.name} exported to {path}", path, content)
    console.out("Succeeded!")
    return 0


def _import(console: Console, container: str, file: str) -> int:
    console.out("Importing RSA Keys from file..")
    try:
        key_id = rsa.key_of(console.host.lab, console.host.read(console.path(file)))
    except rsa.NotAKey as error:
        raise ToolError(1, "The RSA key container could not be opened: the file holds no key.\nFailed!") from error
    found = _container(console, container)
    row = RsaContainer(host=console.host.name, name=found.name if found else container, key_id=key_id)
    console.host.commit(console.job, f"key container {row.name} imported", row)
    console.out("Succeeded!")
    return 0


def _container(console: Console, name: str) -> RsaContainer | None:
    rows = console.host.world.all(RsaContainer, host=console.host.name)
    return next((row for row in rows if row.name.lower() == name.lower()), None)
