"""What a run leaves on the hosts while it lasts, and removes again: a folder each, and the databases' backup files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Closing, Json, Probe, StepBase
from app.errors import UserError
from app.profile import Database, Host
from app.runbooks.places import database_file, temporary_folder
from app.runbooks.steps import connections, each
from app.texts import Text, text
from app.wire import Command

if TYPE_CHECKING:
    from app.connectors.winrm import WinRm

CLOSER = "temporary-removed"


@dataclass(frozen=True)
class TemporaryFiles(StepBase):
    """Make a folder of this run's own on each host, and write down which files the databases' backups will be."""

    hosts: tuple[Host, ...]
    databases: tuple[Database, ...]
    key: str = "backup/temporary"
    title: Text = text("Make room on the hosts for what will be captured")

    def observe(self, ctx: Context) -> Json:
        c = connections(ctx)
        return {
            "folder": temporary_folder(ctx.run),
            "hosts": [host.name for host in self.hosts],
            "files": [
                {"host": database.server.host.name, "path": database_file(database, folder_for(c, database), ctx.run)}
                for database in self.databases
                if database.server.host
            ],
        }

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        c = connections(ctx)
        return tuple(c.host(host).command("make-folder", path=before["folder"]) for host in self.hosts)

    def closing(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        c, hosts = connections(ctx), {host.name: host for host in connections(ctx).profile.hosts()}
        files = (c.host(hosts[file["host"]]).command("remove", path=file["path"]) for file in before["files"])
        folders = (c.host(host).command("remove-folder", path=before["folder"]) for host in self.hosts)
        return (*files, *folders)

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # making a folder that is there already changes nothing

    def act(self, ctx: Context, before: Json) -> None:
        for host in self.hosts:
            connections(ctx).host(host).make_folder(before["folder"])

    def verify(self, ctx: Context, before: Json) -> Json:
        for host in self.hosts:
            if not connections(ctx).host(host).folder_there(before["folder"]):
                raise UserError(
                    text("The folder {folder} is not there on {host}.", folder=before["folder"], host=host.name),
                    text("It was made without an error, and is not found when looked for."),
                    text("Look at the rights and the disk there, then try again."),
                )
        return before

    def what_is_off(self, before: Json) -> Text:
        hosts = dict.fromkeys([*before["hosts"], *(file["host"] for file in before["files"])])
        return text("Temporary files on: {hosts}", hosts=", ".join(hosts))

    def by_hand(self, before: Json) -> tuple[str, ...]:
        folders = [f'{host}: rmdir /s /q "{before["folder"]}"' for host in before["hosts"]]
        return (*folders, *(f'{file["host"]}: del "{file["path"]}"' for file in before["files"]))


def folder_for(c: Connections, database: Database) -> str:
    """Return the folder on the server that a database is backed up to: the profile's, else the server's default."""
    folder = database.folder or c.database_server(database.server).about().backup_folder
    if not folder:
        raise UserError(
            text("Where {server} keeps backups is not known.", server=database.server.name),
            text("The server names no default backup folder."),
            text("Name a folder on that server in the profile."),
        )
    return folder


def remove_all(ctx: Context, before: Json) -> Closing:
    """Remove folders and files, and see that they are gone. What cannot be removed keeps nothing else from it. Raises
    UserError where something is left: the engine tries again; impossible where the profile knows a host no more."""
    hosts = {host.name: host for host in connections(ctx).profile.hosts()}
    places = [(file["host"], file["path"], _file_gone) for file in before["files"]]
    places += [(name, before["folder"], _folder_gone) for name in before["hosts"]]
    known = [(hosts[name], path, gone) for name, path, gone in places if name in hosts]
    gone = each(known, lambda place: place[2](connections(ctx).host(place[0]), place[1]))
    left = [f"{place[0].name}: {place[1]}" for place, is_gone in zip(known, gone, strict=True) if not is_gone]
    if left:
        raise UserError(
            text("It could not be removed: {files}.", files=", ".join(left)),
            text("It was removed without an error, and is still there when looked for."),
            text("Remove it by hand."),
        )
    return Closing.CLOSED if len(known) == len(places) else Closing.IMPOSSIBLE


def _file_gone(host: WinRm, path: str) -> bool:
    if host.file(path):
        host.remove(path)
    return host.file(path) is None


def _folder_gone(host: WinRm, path: str) -> bool:
    if host.folder_there(path):
        host.remove_folder(path)
    return not host.folder_there(path)
