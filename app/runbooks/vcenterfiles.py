"""What of vCenter lies beside its database: vpxd.cfg and the SSL folder (domain knowledge, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.context import Context
from app.engine.step import Json
from app.errors import UserError
from app.profile import VCenter
from app.runbooks.steps import Look, connections
from app.texts import Text, text
from app.wire import plain_system

SSL = "SSL"
SETTINGS = "vpxd.cfg"


@dataclass(frozen=True)
class NoteVCenterFiles(Look):
    """Hash vpxd.cfg and the SSL folder's files where they lie; they are fetched from there after the freeze."""

    vcenter: VCenter
    key: str
    title: Text

    def verify(self, ctx: Context, before: Json) -> Json:
        assert self.vcenter.host is not None, "only a vCenter whose host is known has this step"
        host, folder = connections(ctx).host(self.vcenter.host), self.vcenter.settings
        found = [file for file in host.files(f"{folder}\\{SSL}") if not file.folder]
        settings = host.file(f"{folder}\\{SETTINGS}")
        if settings is None or not found:
            raise UserError(
                text(
                    "vCenter's settings were not found in {folder} on {host}.",
                    folder=folder,
                    host=plain_system(host.system),
                ),
                text("Expected were vpxd.cfg and a folder SSL with files in it."),
                text("Correct the folder in the profile."),
            )
        return {
            "host": self.vcenter.host.name,
            "files": [
                {"path": file.path, "size": file.size, "sha256": host.sha256(file.path)} for file in (settings, *found)
            ],
        }
