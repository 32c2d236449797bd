"""What a run leaves on the hosts while it lasts, and removes again: a folder each, and the databases' backup files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Closing, Json, Probe, StepBase
from app.errors import UserError
from app.profile import Database, Host
from app.runbooks.places import HOME, database_file, temporary_folder
from app.runbooks.steps import connections, each
from app.texts import Text, listed, text
from app.wire import Command

if TYPE_CHECKING:
    from app.connectors.winrm import WinRm

CLOSER = "temporary-removed"
OWNERS = frozenset({r"nt authority\system", r"builtin\administrators"})


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
        c, folder = connections(ctx), before["folder"]
        return tuple(
            command
            for host in self.hosts
            for command in (
                c.host(host).command("make-folder", path=folder), Command(f"winrm:{host.name}", _alone(folder)),
            )
        )  # fmt: skip

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
            _make_private(ctx, connections(ctx).host(host), before["folder"])

    def verify(self, ctx: Context, before: Json) -> Json:
        for host in self.hosts:
            there = connections(ctx).host(host)
            _must_be_there(there, before["folder"])
            if others := _others(there, before["folder"]):
                raise _not_private(before["folder"], host.name, text("Others may: {names}.", names=listed(others)))
        return before

    def what_is_off(self, before: Json) -> Text:
        hosts = dict.fromkeys([*before["hosts"], *(file["host"] for file in before["files"])])
        return text("Temporary files on: {hosts}", hosts=listed(hosts))

    def by_hand(self, before: Json) -> tuple[str, ...]:
        folders = [f'{host}: rmdir /s /q "{before["folder"]}"' for host in before["hosts"]]
        return (*folders, *(f'{file["host"]}: del "{file["path"]}"' for file in before["files"]))


def _must_be_there(host: WinRm, folder: str) -> None:
    if not host.folder_there(folder):
        raise UserError(
            text("The folder {folder} is not there on {host}.", folder=folder, host=host.name),
            text("It was made without an error, and is not found when looked for."),
            text("Look at the rights and the disk there, then try again."),
        )


def _alone(folder: str) -> str:
    """Return the line that leaves a folder to SYSTEM and Administrators, by their SIDs: names differ by language."""
    return f'icacls "{folder}" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'


def _make_private(ctx: Context, host: WinRm, folder: str) -> None:
    """Leave a folder to SYSTEM and Administrators: a private key will lie in it in clear. One that is theirs alone by
    what it inherits is as good, where icacls cannot (Windows 2003 has no /inheritance)."""
    done = host.run(_alone(folder), stop=ctx.stop_asked)
    if done.exit_code == 0:
        return  # verify looks
    _must_be_there(host, folder)
    if _others(host, folder):
        words = text("icacls ended with {code}: {words}", code=done.exit_code, words=(done.out + done.err).strip())
        raise _not_private(folder, host.name, words)


def _others(host: WinRm, folder: str) -> list[str]:
    """Return who is allowed anything in a folder besides SYSTEM and Administrators.

    In a Windows of another language their names are not known: there it is theirs when nothing is inherited and no more
    than the two that icacls was told have anything, which is all."""
    allowed = [entry for entry in host.acl(folder) if entry.allowed]
    if not any(entry.inherited or entry.rights != ("FullControl",) for entry in allowed) and len(allowed) == len(
        OWNERS
    ):
        return []
    return sorted({entry.who for entry in allowed if entry.who.casefold() not in OWNERS})


def _not_private(folder: str, host: str, why: Text) -> UserError:
    return UserError(
        text("The folder {folder} on {host} could not be kept from others.", folder=folder, host=host),
        why,
        text(
            "Make {home} there by hand, for SYSTEM and Administrators only with nothing inherited, then try again.",
            home=HOME,
        ),
    )  # fmt: skip


def folder_for(c: Connections, database: Database) -> str:
    """Return the folder that a server backs a database up to: the profile's, else the server's default; the repository
    where the server writes straight into it."""
    if database.straight_to_repository:
        return c.profile.repository
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
            text("It could not be removed: {files}.", files=listed(left)),
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
