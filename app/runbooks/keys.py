"""Composer's RSA key container: without it a Composer elsewhere cannot read its own database (the paper's note)."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.context import Context
from app.engine.step import Json, Probe, StepBase
from app.errors import UserError
from app.profile import Composer
from app.runbooks.places import temporary_folder
from app.runbooks.steps import connections
from app.texts import Text, text
from app.wire import Command

REGIIS = r"%windir%\Microsoft.NET\Framework\v2.0.50727\aspnet_regiis"
FILE = "keys.xml"


@dataclass(frozen=True)
class ExportKeyContainer(StepBase):
    """Export the key container with its private key on Composer's host."""

    composer: Composer
    key: str
    title: Text

    def observe(self, ctx: Context) -> Json:
        return {"path": f"{temporary_folder(ctx.run)}\\{FILE}", "container": self.composer.key_container}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return (Command(f"winrm:{self.composer.host.name}", _line(before)),)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # exporting again overwrites the file and changes nothing else

    def act(self, ctx: Context, before: Json) -> None:
        done = connections(ctx).host(self.composer.host).run(_line(before), stop=ctx.stop_asked)
        if done.exit_code != 0:
            raise UserError(
                text("The key container {name} could not be exported.", name=before["container"]),
                text(
                    "aspnet_regiis ended with {code}: {words}", code=done.exit_code, words=(done.out + done.err).strip()
                ),
                text("See whether the container has that name on {host}.", host=self.composer.host.name),
            )

    def verify(self, ctx: Context, before: Json) -> Json:
        host = connections(ctx).host(self.composer.host)
        facts = host.file(before["path"])
        if facts is None or facts.size == 0:
            raise UserError(
                text("The key container was not written: {path}.", path=before["path"]),
                text("aspnet_regiis reported no error, but the file is missing or empty."),
                text("Look at that host's disk and rights, then try again."),
            )
        return {
            "host": self.composer.host.name, "path": before["path"], "size": facts.size,
            "sha256": host.sha256(before["path"]), "container": before["container"],
        }  # fmt: skip


def _line(before: Json) -> str:
    return f'{REGIIS} -px "{before["container"]}" "{before["path"]}" -pri'
