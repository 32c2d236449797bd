"""Carries out pipelines: finds every cmdlet and binds its arguments first, then lets objects flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.lab.windows.powershell import functions, registry, select, snapins, view, wmi
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Session, bind, unknown
from app.lab.windows.powershell.filesystem import CMDLETS as FILES
from app.lab.windows.powershell.objects import PsError, Value
from app.lab.windows.powershell.parser import Command
from app.lab.windows.powershell.services import CMDLETS as SERVICES

_KNOWN: dict[str, Cmdlet] = {
    cmdlet.name.lower(): cmdlet
    for part in (
        functions.CMDLETS, registry.CMDLETS, select.CMDLETS, snapins.CMDLETS, view.CMDLETS, wmi.CMDLETS, FILES, SERVICES
    )
    for cmdlet in part
}  # fmt: skip


def run(session: Session, pipelines: list[list[Command]]) -> Iterator[Value]:
    """Yield what the pipelines put out, one pipeline after another. Raises PsError at the first error."""
    for pipeline in pipelines:
        yield from _run(session, pipeline)


def changes(pipelines: list[list[Command]]) -> bool:
    """Say whether a script acts rather than looks."""
    names = [command.name.lower() for pipeline in pipelines for command in pipeline]
    return any(name in _KNOWN and _KNOWN[name].changes for name in names)


def _run(session: Session, pipeline: list[Command]) -> Iterator[Value]:
    bound = []
    for command in pipeline:
        cmdlet = _find(session, command.name)
        bound.append((cmdlet, bind(cmdlet, command)))
    flow: Iterable[Value] = ()
    for place, (cmdlet, values) in enumerate(bound):
        if place and not cmdlet.takes_input:
            raise PsError(
                f"InputObjectNotBound,{cmdlet.type}",
                "InvalidArgument",
                "The input object cannot be bound to any parameters for the command either because the command "
                "does not take pipeline input or the input and its properties do not match any of the "
                "parameters that take pipeline input.",
            )
        flow = cmdlet.run(Call(cmdlet, session, values, flow))
    yield from flow


def _find(session: Session, name: str) -> Cmdlet:
    cmdlet = _KNOWN.get(name.lower())
    if cmdlet is None or (cmdlet.snapin and cmdlet.snapin.lower() not in session.snapins):
        raise unknown(name)
    if not view.offers(session.host, cmdlet):
        raise unknown(name)
    return cmdlet
