"""What a run leaves on the hosts while it lasts, and removes again: a folder each, and the databases' backup files."""

from __future__ import annotations

from dataclasses import dataclass

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Closing, Json, Probe, StepBase
from app.errors import UserError
from app.profile import Database, Host
from app.runbooks.places import database_file, temporary_folder
from app.runbooks.steps import connections
from app.texts import Text, text
from app.wire import Command

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
        return text("Temporary files on: {hosts}", hosts=", ".join(before["hosts"]))

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
    """Remove folders and files, and see that they are gone."""
    c = connections(ctx)
    hosts = {host.name: host for host in c.profile.hosts()}
    if not set(before["hosts"]) | {file["host"] for file in before["files"]} <= hosts.keys():
        return Closing.IMPOSSIBLE  # the profile no longer knows one of the hosts: a person must look
    left = False
    for file in before["files"]:
        host = c.host(hosts[file["host"]])
        if host.file(file["path"]):
            host.remove(file["path"])
        left |= host.file(file["path"]) is not None
    for name in before["hosts"]:
        host = c.host(hosts[name])
        if host.folder_there(before["folder"]):
            host.remove_folder(before["folder"])
        left |= host.folder_there(before["folder"])
    return Closing.IMPOSSIBLE if left else Closing.CLOSED
