"""Add-PSSnapin, Get-PSSnapin."""

from __future__ import annotations

from collections.abc import Iterator

from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, Value

BUILT_IN = ("Microsoft.PowerShell.Core", "Microsoft.PowerShell.Management", "Microsoft.PowerShell.Utility")
_REGISTERED = "HKLM\\SOFTWARE\\Microsoft\\PowerShell\\1\\PowerShellSnapIns\\"


def _add(call: Call) -> Iterator[Value]:
    for name in call.values["Name"]:
        registered = call.host.registry(_REGISTERED + name) is not None
        if not registered or name.lower() not in (one.lower() for one in call.host.row.snapins):
            message = f"The Windows PowerShell snap-in '{name}' is not installed on this machine."
            raise call.error("AddPSSnapInRead", "InvalidArgument", message)
        if name.lower() in call.session.snapins:
            message = (
                f"Cannot add Windows PowerShell snap-in {name} because it is already added. Verify the name of the "
                "snap-in and try again."
            )
            raise call.error("AddPSSnapInRead", "InvalidArgument", message)
        call.session.snapins.add(name.lower())
    yield from ()


def _get(call: Call) -> Iterator[Value]:
    registered = [name for name in call.host.row.snapins if call.host.registry(_REGISTERED + name) is not None]
    there = [*BUILT_IN, *(name for name in registered if name.lower() in call.session.snapins)]
    if "Registered" in call.values:
        there = registered
    for wanted in call.values.get("Name", there):
        found = next((name for name in there if name.lower() == wanted.lower()), None)
        if found is None:
            raise call.error(
                "NoPSSnapInsFound",
                "InvalidArgument",
                f"No Windows PowerShell snap-ins matching the pattern '{wanted}' were found. Check the pattern "
                "and then try the command again.",
            )
        yield Object("System.Management.Automation.PSSnapInInfo", Name=found, PSVersion=call.host.row.powershell)


CMDLETS = (
    Cmdlet("Add-PSSnapin", "Microsoft.PowerShell.Commands.AddPSSnapinCommand",
           (Parameter("Name", Kind.STRINGS, mandatory=True),), _add),
    Cmdlet("Get-PSSnapin", "Microsoft.PowerShell.Commands.GetPSSnapinCommand",
           (Parameter("Name", Kind.STRINGS), Parameter("Registered", Kind.SWITCH)), _get),
)  # fmt: skip
