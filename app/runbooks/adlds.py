"""AD LDS of the Connection Server: `vdmexport` while provisioning is off (the paper's step 4)."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.context import Context
from app.engine.step import Json, Probe, StepBase
from app.errors import UserError
from app.profile import Broker
from app.runbooks.places import temporary_folder
from app.runbooks.steps import connections
from app.texts import Text, text
from app.wire import Command

FILE = "vdmconfig.ldf"
CLEANSED = "vdmconfig-cleansed.ldf"
ENCRYPTED_FROM = (5, 1)  # View 5.1 exports with the data recovery password (domain knowledge, section 2)
DEADLINE = 3600.0


@dataclass(frozen=True)
class ExportAdLds(StepBase):
    """Export AD LDS on one broker. `cleansed`: one without secrets, to count by if the first is encrypted."""

    broker: Broker
    key: str
    title: Text
    cleansed: bool = False

    def observe(self, ctx: Context) -> Json:
        version = connections(ctx).broker(self.broker).version()
        needed = not self.cleansed or encrypts(version)
        path = f"{temporary_folder(ctx.run)}\\{CLEANSED if self.cleansed else FILE}"
        return {"path": path, "version": version, "needed": needed}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        if not before["needed"]:
            return ()
        return (connections(ctx).broker(self.broker).export_command(before["path"], cleansed=self.cleansed),)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # an export that may have been cut off is made anew; it changes nothing in AD LDS

    def act(self, ctx: Context, before: Json) -> None:
        if not before["needed"]:
            ctx.say(text("Not needed: this View exports in plain."))
            return
        connections(ctx).broker(self.broker).export(
            before["path"],
            cleansed=self.cleansed,
            deadline=DEADLINE,
            on_line=lambda line: ctx.say(Text("{line}", {"line": line})),
            stop=ctx.stop_asked,
        )

    def verify(self, ctx: Context, before: Json) -> Json:
        if not before["needed"]:
            return {"needed": False}
        host = connections(ctx).host(self.broker.host)
        facts = host.file(before["path"])
        if facts is None or facts.size == 0:
            raise UserError(
                text("The export was not written: {path} on {host}.", path=before["path"], host=self.broker.host.name),
                text("vdmexport reported no error, but the file is missing or empty."),
                text("See whether the account has the View role Administrators, and look at the disk there."),
            )
        return {
            "needed": True, "host": self.broker.host.name, "path": before["path"], "size": facts.size,
            "sha256": host.sha256(before["path"]), "view": before["version"],
        }  # fmt: skip


def encrypts(version: str) -> bool:
    """Say whether a View of that version exports encrypted. A version that cannot be read counts as one that does."""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return len(numbers) < 2 or tuple(numbers) >= ENCRYPTED_FROM
