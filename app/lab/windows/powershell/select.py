"""Select-Object."""

from __future__ import annotations

from collections.abc import Iterator

from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, Value


def _select(call: Call) -> Iterator[Value]:
    first = call.values.get("First")
    for place, item in enumerate(call.input):
        if first is not None and place >= first:
            return
        if "ExpandProperty" in call.values:
            yield from _expanded(call, item)
        elif "Property" in call.values:
            yield _chosen(item, call.values["Property"])
        else:
            yield item


def _chosen(item: Value, names: list[str]) -> Object:
    chosen = Object("Selected.System.Management.Automation.PSCustomObject")
    for name in names:
        found = item.property(name) if isinstance(item, Object) else None
        own, value = found or (name, None)
        chosen.values.setdefault(own, value)
    return chosen


def _expanded(call: Call, item: Value) -> Iterator[Value]:
    name = call.text("ExpandProperty")
    found = item.property(name) if isinstance(item, Object) else None
    if found is None:
        raise call.error("ExpandPropertyNotFound", "InvalidArgument", f'Property "{name}" cannot be found.')
    value = found[1]
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


CMDLETS = (
    Cmdlet(
        "Select-Object", "Microsoft.PowerShell.Commands.SelectObjectCommand",
        (Parameter("Property", Kind.STRINGS), Parameter("ExpandProperty"), Parameter("First", Kind.LONG)),
        _select, takes_input=True,
    ),
)  # fmt: skip
