"""The paper's first step: confirm that no create, recompose or delete operation is in progress."""

from __future__ import annotations

from dataclasses import dataclass

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.ending import Blocked
from app.engine.step import Json
from app.errors import CouldNotLook
from app.observation import State
from app.profile import Composer
from app.runbooks import progress
from app.runbooks.provisioning import faulty_desktops
from app.runbooks.steps import Look, connections
from app.texts import Text, text

COMPOSER_KEYS = (  # remembered, not documented: the places are tried in turn
    r"HKLM:\SOFTWARE\Wow6432Node\VMware, Inc.\VMware View Composer",
    r"HKLM:\SOFTWARE\VMware, Inc.\VMware View Composer",
)


UNKNOWN_VERSION = "unknown"


@dataclass(frozen=True)
class ConfirmNothingInProgress(Look):
    """Look from three sides, once more right before the freeze; remember versions and desktops that are in error."""

    key: str = "backup/confirm"
    title: Text = text("Confirm that no create, recompose or delete is in progress")
    why: Text = text("(paper: Back up AD LDS, step 1)")

    def verify(self, ctx: Context, before: Json) -> Json:
        c = connections(ctx)
        looked = progress.look(c)
        for seen in looked:
            if seen.state is State.BLOCKED:
                raise Blocked(text("An operation is in progress."), seen.found, seen.remedy)
            if progress.must_be_known(seen):
                raise CouldNotLook(
                    text("Whether an operation is in progress could not be looked at."), seen.found, seen.remedy
                )
            if seen.state is not State.PASSED:
                ctx.warn(seen.found)
        return {
            "seen": {seen.key: {"state": seen.state.value, "found": str(seen.found)} for seen in looked},
            "faulty": faulty_desktops(c),
            "versions": _versions(ctx),
        }


def _versions(ctx: Context) -> dict[str, str]:
    c = connections(ctx)
    found = {f"View ({broker.host.name})": c.broker(broker).version() for broker in c.profile.brokers[:1]}
    for composer in c.profile.composers:
        found[f"View Composer ({composer.host.name})"] = composer_version(c, composer)
    for vcenter in c.profile.vcenters:
        about = c.vcenter(vcenter).about()
        found[f"vCenter ({vcenter.name})"] = f"{about.version} build {about.build}"
    for server in dict.fromkeys(database.server for database in c.profile.databases()):
        about_server = c.database_server(server).about()
        found[f"SQL Server ({server.name})"] = f"{about_server.version} {about_server.edition}"
    return found


def composer_version(c: Connections, composer: Composer) -> str:
    """Return the version of an installed Composer from its host's registry; "unknown" where it is not listed there."""
    host = c.host(composer.host)
    for place in COMPOSER_KEYS:
        if version := (host.registry(place) or {}).get("ProductVersion"):
            return str(version)
    return UNKNOWN_VERSION
