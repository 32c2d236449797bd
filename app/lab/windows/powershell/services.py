"""Get-Service, Start-Service, Stop-Service."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from app.lab.rows import Service
from app.lab.services import dependents
from app.lab.windows import services
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, PsError, Value
from app.lab.windows.services import DEPENDENTS_RUN, NOT_STARTED, STARTING, STOPPED, STOPPING, ServiceRefusal


def _found(call: Call) -> list[Service]:
    rows = sorted(call.host.world.all(Service, host=call.host.name), key=lambda row: row.name.lower())
    if "Name" not in call.values:
        return rows
    found: list[Service] = []
    for name in call.values["Name"]:
        matching = [row for row in rows if fnmatch.fnmatchcase(row.name.lower(), name.lower())]
        if not matching and not set(name) & set("*?["):
            raise call.error(
                "NoServiceFoundForGivenName", "ObjectNotFound", f"Cannot find any service with service name '{name}'."
            )
        found += matching
    return found


def _shown(call: Call, row: Service, *, nested: bool = True) -> Object:
    below = [found for name in row.depends_on if (found := services.find(call.host, name)) is not None]
    above = dependents(call.host.world, row)
    return Object(
        "System.ServiceProcess.ServiceController",
        Name=row.name, DisplayName=row.display, Status=row.state.replace(" ", ""), ServiceName=row.name,
        CanStop=row.state == services.RUNNING, MachineName=".",
        DependentServices=[_shown(call, one, nested=False) for one in above] if nested else None,
        ServicesDependedOn=[_shown(call, one, nested=False) for one in below] if nested else None,
    )  # fmt: skip


def _get(call: Call) -> Iterator[Value]:
    for row in _found(call):
        yield _shown(call, row)


def _start(call: Call) -> Iterator[Value]:
    for row in _found(call):
        if row.state == services.RUNNING:
            continue
        try:
            services.start(call.job, row.name)
        except ServiceRefusal as error:
            raise call.error("CouldNotStartService", "OpenError", _cannot(row, "started", "start")) from error
        services.wait_while(call.job, row.name, STARTING)
        if services.require(call.host, row.name).state == STOPPED and not call.job.met("lie"):
            raise call.error(
                "StartServiceFailed", "OpenError", f"Failed to start service '{row.display} ({row.name})'."
            )
    yield from ()


def _stop(call: Call) -> Iterator[Value]:
    for row in _found(call):
        if row.state == STOPPED:
            continue
        try:
            services.stop(call.job, row.name)
        except ServiceRefusal as error:
            if error.code == NOT_STARTED:
                continue
            if error.code == DEPENDENTS_RUN:
                raise call.error(
                    "ServiceHasDependentServices",
                    "InvalidOperation",
                    f"Cannot stop service '{row.display} ({row.name})' because it has dependent services. It can only "
                    "be stopped if the Force flag is set.",
                ) from error
            raise call.error("CouldNotStopService", "CloseError", _cannot(row, "stopped", "stop")) from error
        services.wait_while(call.job, row.name, STOPPING)
    yield from ()


def _cannot(row: Service, done: str, verb: str) -> str:
    return (
        f"Service '{row.display} ({row.name})' cannot be {done} due to the following error: Cannot {verb} service "
        f"{row.name} on computer '.'."
    )


def refusal(cmdlet: str, name: str) -> PsError | None:
    """Return the error of a service cmdlet that fails on demand; None for any other cmdlet."""
    if cmdlet.lower() not in ("start-service", "stop-service"):
        return None
    verb = cmdlet.lower().partition("-")[0]
    done, category = ("started", "OpenError") if verb == "start" else ("stopped", "CloseError")
    return PsError(
        f"CouldNot{verb.title()}Service,Microsoft.PowerShell.Commands.{verb.title()}ServiceCommand",
        category,
        f"Service '{name}' cannot be {done} due to the following error: Cannot {verb} service {name} on computer '.'.",
    )


CMDLETS = (
    Cmdlet("Get-Service", "Microsoft.PowerShell.Commands.GetServiceCommand", (Parameter("Name", Kind.STRINGS),), _get),
    Cmdlet("Start-Service", "Microsoft.PowerShell.Commands.StartServiceCommand",
           (Parameter("Name", Kind.STRINGS, mandatory=True),), _start, changes=True),
    Cmdlet("Stop-Service", "Microsoft.PowerShell.Commands.StopServiceCommand",
           (Parameter("Name", Kind.STRINGS, mandatory=True),), _stop, changes=True),
)  # fmt: skip
