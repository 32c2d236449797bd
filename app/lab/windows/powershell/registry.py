"""Get-ItemProperty, for registry keys."""

from __future__ import annotations

from collections.abc import Iterator

from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, Value

_DRIVE = "HKLM:\\"


def _get(call: Call) -> Iterator[Value]:
    for written in call.values["LiteralPath"]:
        if not written.upper().startswith(_DRIVE):
            drive = written.partition(":")[0]
            raise call.error(
                "DriveNotFound", "ObjectNotFound", f"Cannot find drive. A drive with the name '{drive}' does not exist."
            )
        key = call.host.registry("HKLM\\" + written[len(_DRIVE) :].strip("\\"))
        if key is None:
            raise call.error(
                "PathNotFound", "ObjectNotFound", f"Cannot find path '{written}' because it does not exist."
            )
        if not key.values:
            continue  # as Windows PowerShell: a key without values gives nothing
        found = Object("System.Management.Automation.PSCustomObject", **key.values)
        provider = "Microsoft.PowerShell.Core\\Registry"
        whole = key.path.replace("HKLM", "HKEY_LOCAL_MACHINE", 1)
        parent, _, child = whole.rpartition("\\")
        found.values |= {
            "PSPath": f"{provider}::{whole}",
            "PSParentPath": f"{provider}::{parent}",
            "PSChildName": child,
            "PSDrive": "HKLM",
            "PSProvider": provider,
        }
        yield found


CMDLETS = (
    Cmdlet("Get-ItemProperty", "Microsoft.PowerShell.Commands.GetItemPropertyCommand",
           (Parameter("LiteralPath", Kind.STRINGS, mandatory=True),), _get),
)  # fmt: skip
