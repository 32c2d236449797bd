"""Stopping a service for a while: View Composer's for a clean backup, on request the Connection Server's."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.context import Context
from app.engine.step import Closing, Json, Probe, StepBase
from app.errors import UserError
from app.profile import Host
from app.runbooks.steps import Look, connections
from app.texts import Text, text
from app.wire import Command

CLOSER = "service-started"
PATIENCE = 300.0  # seconds: a Composer finishes what it does in its database before it stops
LOOKS = 1.0


@dataclass(frozen=True)
class ServiceStopped(StepBase):
    """Stop one service, found by its display name, and wait until Windows says that it has stopped."""

    key: str
    title: Text
    host: Host
    display: str

    def observe(self, ctx: Context) -> Json:
        service = connections(ctx).host(self.host).service(self.display)
        if service is None:
            raise UserError(
                text("There is no service {service} on {host}.", service=self.display, host=self.host.name),
                text("It was looked for by its display name."),
                text("Correct the service's name in the profile."),
            )
        return {"host": self.host.name, "name": service.name, "display": service.display, "state": service.state}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        if before["state"] == "Stopped":
            return ()
        return (connections(ctx).host(self.host).command("stop-service", name=before["name"]),)

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        if before["state"] == "Stopped":
            return ()
        return (connections(ctx).host(self.host).command("start-service", name=before["name"]),)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return _stands(ctx, self.host, before, "Stopped", "Stop Pending")

    def act(self, ctx: Context, before: Json) -> None:
        if before["state"] == "Stopped":
            ctx.say(text("{service} is stopped already; it will be left so.", service=before["display"]))
            return
        ctx.say(text("Stopping {service} on {host}", service=before["display"], host=self.host.name))
        connections(ctx).host(self.host).stop_service(before["name"])
        _await(ctx, self.host, before, "Stop Pending")

    def verify(self, ctx: Context, before: Json) -> Json:
        found = _state(ctx, self.host, before)
        if found != "Stopped":
            raise _not_so(before, found, text("stopped"))
        return {"service": before["display"], "state": found, "was": before["state"]}

    def what_is_off(self, before: Json) -> Text:
        return text("Service {service} on {host}", service=before["display"], host=before["host"])

    def by_hand(self, before: Json) -> tuple[str, ...]:
        return (f'sc \\\\{self.host.address} start "{before["name"]}"',) if before["state"] != "Stopped" else ()


@dataclass(frozen=True)
class StillStopped(Look):
    """Look once more before a service starts again: what was captured is worth nothing if it has run meanwhile."""

    key: str
    title: Text
    host: Host
    display: str

    def verify(self, ctx: Context, before: Json) -> Json:
        service = connections(ctx).host(self.host).service(self.display)
        if service is None or service.state != "Stopped":
            state = service.state if service else text("there is no such service")
            raise UserError(
                text("{service} on {host} did not stay stopped.", service=self.display, host=self.host.name),
                text("Windows says: {state}. The stores may have drifted apart while they were captured.", state=state),
                text("See who or what started it, then resume: everything is captured anew."),
            )
        return {"service": service.display, "state": service.state}


def start_again(ctx: Context, before: Json) -> Closing:
    """Start a service that ran before it was stopped, and see it run. One that was stopped before stays so. Raises
    UserError where it does not run then: the engine tries again."""
    if before["state"] == "Stopped":
        return Closing.CLOSED
    c = connections(ctx)
    host = next((host for host in c.profile.hosts() if host.name == before["host"]), None)
    if host is None:
        return Closing.IMPOSSIBLE  # the profile no longer knows the host: a person must look
    found = _state(ctx, host, before)
    if found is None:
        return Closing.MOOT
    if found == "Stop Pending":
        _await(ctx, host, before, "Stop Pending")
        found = _state(ctx, host, before)
    if found == "Stopped":
        ctx.say(text("Starting {service} on {host}", service=before["display"], host=host.name))
        c.host(host).start_service(before["name"])
    _await(ctx, host, before, "Start Pending")
    found = _state(ctx, host, before)
    if found != "Running":
        raise _not_so(before, found, text("running"))
    return Closing.CLOSED


def _state(ctx: Context, host: Host, before: Json) -> str | None:
    service = connections(ctx).host(host).service(before["name"])
    return service.state if service else None


def _stands(ctx: Context, host: Host, before: Json, wanted: str, underway: str) -> Probe:
    found = _state(ctx, host, before)
    return {wanted: Probe.DONE, underway: Probe.RUNNING}.get(found or "", Probe.NOT_DONE)


def _await(ctx: Context, host: Host, before: Json, passing: str) -> None:
    """Wait until a service has left a state that passes; the caller looks what it came to."""
    deadline = ctx.now() + PATIENCE
    while _state(ctx, host, before) == passing and ctx.now() < deadline:
        ctx.wait(LOOKS)


def _not_so(before: Json, found: str | None, wanted: Text) -> UserError:
    return UserError(
        text("{service} on {host} is not {wanted}.", service=before["display"], host=before["host"], wanted=wanted),
        text("Windows says: {state}.", state=found or text("there is no such service")),
        text("Look at the service on that host, then try again."),
    )
