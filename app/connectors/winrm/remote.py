"""The typed face of one Windows host. Everything that is sent has a pure twin that gives the Command."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path, PureWindowsPath
from types import TracebackType
from typing import Any, Self, TypeVar

from app.connectors.winrm import facts, files, scripts
from app.connectors.winrm.facts import (
    Access,
    Completed,
    Computer,
    Dependent,
    Fetched,
    FileFacts,
    OperatingSystem,
    Process,
    Service,
)
from app.connectors.winrm.files import Progress, ThereAlready
from app.connectors.winrm.lines import Lines
from app.connectors.winrm.scripts import Literal
from app.connectors.winrm.shell import Shell, connect
from app.errors import AnswerLost, CouldNotLook, Guard, Refused, UserError
from app.profile import FilesBy, Host
from app.texts import text
from app.wire import Command, Tap, no_tap

T = TypeVar("T")
PATIENCE = 30.0
CALL_DEADLINE = 600.0
HIDDEN = "•••"
HASH_DEADLINE = 4 * 3600.0
QUOTAS = "winrm get winrm/config"
NOT_THERE = "ObjectNotFound"
THERE_ALREADY = "ResourceExists"


class PowerShellError(UserError):
    """A script ended with an error on the host; `id` is its FullyQualifiedErrorId, `category` PowerShell's own."""

    def __init__(self, host: str, script: str, failed: scripts.Failed) -> None:
        super().__init__(
            text("PowerShell on {host} could not do what {script} asks.", host=host, script=script),
            text("{message}", message=failed.message.strip()),
            text("See the message; then try again."),
            details=f"{failed.error_id} ({failed.category})",
        )
        self.id, self.category, self.message = failed.error_id, failed.category, failed.message

    @property
    def nothing_there(self) -> bool:
        return self.category == NOT_THERE


def never() -> bool:
    """Never stop."""
    return False


class WinRm:
    """One Windows host, its shell kept from the first command on until `close`.

    `context` says whose certificate is trusted (with TLS; None: the machine's authorities). `files_by` is how `fetch`
    reads. `patience` is how long (seconds) the host may take for one message; `now` a monotonic clock;
    `connect` gives pywinrm's protocol; `guard` knows whether the account may still be tried.

    """

    def __init__(
        self,
        host: Host,
        password: str,
        *,
        context: ssl.SSLContext | None,
        tap: Tap = no_tap,
        files_by: FilesBy = "winrm",
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
        connect: Callable[[Host, str, ssl.SSLContext | None], Any] = connect,
        guard: Guard | None = None,
    ) -> None:
        self.host, self._tap, self._files_by = host, tap, files_by
        self._shell = Shell(host, partial(connect, host, password, context), patience, now, guard or Guard())

    @property
    def system(self) -> str:
        return f"winrm:{self.host.name}"

    @property
    def name(self) -> str:
        return self.host.name

    def close(self) -> None:
        """Delete the shell and end the connection."""
        self._shell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- commands

    def shown(self, command: str, *, changes: bool = True, secret_values: Sequence[str] = ()) -> Command:
        """Return a command line as plans and logs show it: secrets left out."""
        for secret in filter(None, secret_values):
            command = command.replace(secret, HIDDEN)
        return Command(self.system, command, changes)

    def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        deadline: float = 600,
        on_line: Callable[[str], None] | None = None,
        stop: Callable[[], bool] = never,
        changes: bool = True,
        secret_values: Sequence[str] = (),
    ) -> Completed:
        """Run a command line of cmd.exe and return what it wrote; `on_line` hears each line as it comes.

        Raises NotSent, CouldNotLook (nothing was sent: account or certificate are not accepted), AnswerLost (also after
        `deadline` seconds), Stopped. An exit code other than 0 is not an error.
        With `stdin` (ASCII), the command must do nothing before it has read it to its end."""
        self._sendable(command, stdin)
        self._tap(self.shown(command, changes=changes, secret_values=secret_values))
        return self._carry_out(command, stdin, deadline, on_line, stop)

    def program(self, path: str, *arguments: str) -> str:
        """Return the command line that runs `path`, with arguments that are quoted already where they need it."""
        return scripts.program(path, *arguments)

    def quoted(self, argument: str) -> str:
        """Return one argument for a command line. Raises Refused where cmd.exe would not take it as it stands."""
        return scripts.cmd_quoted(argument)

    # ---- remote PowerShell

    def pipeline(self, script: str, **literals: Literal) -> str:
        """Return what `call` sends."""
        return scripts.pipeline(script, **literals)

    def command(self, script: str, **literals: Literal) -> Command:
        """Return `call` as plans and logs show it."""
        return Command(self.system, scripts.pipeline(script, **literals), script in scripts.CHANGING)

    def call(self, script: str, **literals: Literal) -> list[dict[str, Any]]:
        """Carry out `resources/scripts/<script>.ps1` and return its objects.

        Raises PowerShellError with the script's own error; NotSent, AnswerLost."""
        return self._call(script, literals, CALL_DEADLINE, never)

    def script_error(self, error: UserError) -> PowerShellError | None:
        """Return what a script itself raised, None for what went wrong on the way to it."""
        return error if isinstance(error, PowerShellError) else None

    # ---- Windows

    def services(self) -> tuple[Service, ...]:
        """Return all services."""
        return self._read_rows(facts.service, "services")

    def service(self, display_or_name: str) -> Service | None:
        """Return the service with that display name, else with that short name (any case); None where there is none."""
        wanted, found = display_or_name.casefold(), self.services()
        by_display = (service for service in found if service.display.casefold() == wanted)
        by_name = (service for service in found if service.name.casefold() == wanted)
        return next(by_display, None) or next(by_name, None)

    def start_service(self, name: str) -> None:
        """Start a service, by its short name."""
        self.call("start-service", name=name)

    def stop_service(self, name: str) -> None:
        """Stop a service, by its short name. Fails where running services depend on it."""
        self.call("stop-service", name=name)

    def dependents(self, name: str) -> tuple[Dependent, ...]:
        """Return the services that depend on one, by its short name."""
        return self._read_rows(facts.dependent, "dependents", name=name)

    def processes(self) -> tuple[Process, ...]:
        """Return the running processes, without their arguments."""
        return self._read_rows(facts.process, "processes")

    def registry(self, path: str) -> dict[str, Any] | None:
        r"""Return a key's values (HKLM\SOFTWARE\...), None where there is no such key."""
        rows = self._there("registry", path=facts.drive_path(path))
        if rows is None:
            return None
        return facts.registry(rows[0]) if rows else {}

    def disks(self) -> dict[str, tuple[int, int]]:
        """Return the fixed disks: free and whole size in bytes, by drive (C:)."""
        return dict(self._read_rows(facts.disk, "disks"))

    def clock(self) -> datetime:
        """Return the host's time in UTC."""
        return self._read_one(lambda row: facts.dmtf(row["LocalDateTime"]), "clock")

    def operating_system(self) -> OperatingSystem:
        """Return what Windows it is."""
        return self._read_one(facts.operating_system, "operating-system")

    def computer(self) -> Computer:
        """Return the machine's name and domain."""
        return self._read_one(facts.computer, "computer-system")

    def quotas(self) -> dict[str, int | str | bool]:
        """Return WinRM's own settings, as Winrs.MaxShellsPerUser. Raises CouldNotLook where they cannot be read."""
        done = self.run(QUOTAS, changes=False, deadline=120)
        found = facts.configuration(done.out)
        if done.exit_code != 0 or not found:
            raise CouldNotLook(
                text("The settings of WinRM on {host} cannot be read.", host=self.name),
                text("winrm get winrm/config ended with {code}.", code=done.exit_code),
                text("Run it there as an administrator."),
                details=(done.err or done.out)[-2000:],
            )
        return found

    def acl(self, path: str) -> tuple[Access, ...]:
        """Return the access list of a file or folder."""
        return self._read_rows(facts.access, "acl", path=path)

    # ---- files

    def file(self, path: str) -> FileFacts | None:
        """Return what a file is; None where there is none (or a folder)."""
        found = self._item(path)
        return found if found and not found.folder else None

    def folder_there(self, path: str) -> bool:
        """Say whether there is a folder."""
        found = self._item(path)
        return found is not None and found.folder

    def files(self, folder: str) -> tuple[FileFacts, ...]:
        """Return what is in a folder. Raises PowerShellError where there is no such folder."""
        return self._read_rows(facts.file, "files", path=folder)

    def make_folder(self, path: str) -> None:
        """Make a folder with those above it; one that is there already is as good."""
        try:
            self.call("make-folder", path=path)
        except PowerShellError as error:
            if error.category != THERE_ALREADY:
                raise

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is as good."""
        self._there("remove", path=path)

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all that is in it; one that is gone already is as good."""
        self._there("remove-folder", path=path)

    def rename(self, path: str, to: str) -> None:
        """Rename a file; what is at `to` is replaced in the same act."""
        self.call("rename", path=path, to=to)

    def claim(self, path: str, to: str) -> None:
        """Rename a file within its folder in one act that fails where `to` is there: of several who try, one gets it.

        Raises ThereAlready, UserError."""
        done = self.run(self._claiming(path, to), deadline=CALL_DEADLINE)
        if done.exit_code == 0:
            return
        kind = ThereAlready if self._item(to) else UserError
        raise kind(
            text("{path} on {host} could not be renamed to {to}.", path=path, host=self.name, to=to),
            text("{message}", message=(done.err or done.out).strip() or str(done.exit_code)),
            text("See who else works in that folder, then try again."),
        )

    def _claiming(self, path: str, to: str) -> str:
        return f"ren {scripts.cmd_quoted(path)} {scripts.cmd_quoted(PureWindowsPath(to).name)}"

    def sha256(self, path: str) -> str:
        """Return the SHA-256 of a file, computed on the host, lower-case hexadecimal."""
        return self.hashed(path).sha256

    def hashed(self, path: str) -> Fetched:
        """Return size and SHA-256 of a file as the host sees it."""
        rows = self._call("sha256", {"path": path}, HASH_DEADLINE, never)
        return self._understand(facts.hashed, "sha256", self._only("sha256", rows))

    def fetch(
        self, path: str, to: Path, *, progress: Progress | None = None, stop: Callable[[], bool] = never
    ) -> Fetched:
        """Fetch a file to `to` on this computer: hashed on both ends, flushed, renamed into place."""
        return files.fetch(self, path, to, progress, stop)

    def put(
        self,
        content: bytes | Path,
        path: str,
        *,
        progress: Progress | None = None,
        stop: Callable[[], bool] = never,
        temporary: str = "",
        only_new: bool = False,
    ) -> Fetched:
        """Put bytes or a file of this computer at `path`: hashed on both ends, renamed into place.

        `temporary` is its name on the way; with `only_new` nothing is replaced: raises ThereAlready."""
        return files.put(self, content, path, progress, stop, temporary=temporary, only_new=only_new)

    def put_commands(self, path: str, temporary: str = "", *, only_new: bool = False) -> tuple[Command, ...]:
        """Return what `put` sends for a file of one part, for plans."""
        temporary = temporary or path + files.PART
        renaming = self.command("rename", path=temporary, to=path)
        return (
            self.command("write-part", path=temporary, offset=0),
            self.shown(self._claiming(temporary, path)) if only_new else renaming,
        )

    def read(self, path: str) -> bytes:
        """Return a small file's bytes; one that changes while it is read is told by its hash."""
        there = self.hashed(path)
        content = b"".join(self.parts(path, there.size, never))
        files.compare(self.name, path, there, content)
        return content

    def parts(self, path: str, size: int, stop: Callable[[], bool]) -> Iterator[bytes]:
        """Yield a file's bytes by the way the profile names; `size` is what the host says it has."""
        if self._files_by == "share":
            yield from files.share_parts(self.host.address, path, stop)
            return
        offset = 0
        while offset < size:
            count = min(files.READ, size - offset)
            for part in self._read(path, offset, count, stop):
                offset += len(part)
                yield part

    def write_part(self, path: str, offset: int, content: bytes) -> int:
        """Write at a file's end, which must be `offset` (0 begins it anew); return the size it has then."""
        literals: dict[str, Literal] = {"path": path, "offset": offset}
        rows = self._call("write-part", literals, CALL_DEADLINE, never, content)
        return self._understand(lambda row: int(row["Length"]), "write-part", self._only("write-part", rows))

    # ---- how it is done

    def _read(self, path: str, offset: int, count: int, stop: Callable[[], bool]) -> list[bytes]:
        reader, found, others = scripts.FileLines(), list[bytes](), list[str]()

        def take(line: str) -> None:
            if (part := reader.bytes_of(line)) is None:
                others.append(line)
            else:
                found.append(part)

        literals: dict[str, Literal] = {"path": path, "offset": offset, "count": count}
        self._tap(self.command("read-part", **literals))
        stdin = scripts.standard_input(scripts.pipeline("read-part", **literals))
        out, err = Lines(take, keep=False), Lines(None)
        try:
            code = self._stream(scripts.powershell(), stdin, (out, err), HASH_DEADLINE, stop)
            out.end()
        except scripts.NoAnswer as damaged:
            raise self._incomplete(path, offset, count, found) from damaged
        rows = self._answer("read-part", Completed(code, "\n".join(others), err.end()))
        if not reader.ended or sum(map(len, found)) != count or self._only("read-part", rows).get("Count") != count:
            raise self._incomplete(path, offset, count, found)
        return found

    def _incomplete(self, path: str, offset: int, count: int, found: list[bytes]) -> UserError:
        return UserError(
            text("{path} on {host} did not arrive whole.", path=path, host=self.name),
            text(
                "Of {count} bytes from {offset} on, {got} came.", count=count, offset=offset, got=sum(map(len, found))
            ),
            text("Try again; if it happens again, the file changes while it is read."),
        )

    def _call(
        self,
        script: str,
        literals: dict[str, Literal],
        deadline: float,
        stop: Callable[[], bool],
        data: bytes = b"",
    ) -> list[dict[str, Any]]:
        self._tap(self.command(script, **literals))
        stdin = scripts.standard_input(scripts.pipeline(script, **literals), data)
        return self._answer(script, self._carry_out(scripts.powershell(), stdin, deadline, None, stop))

    def _answer(self, script: str, done: Completed) -> list[dict[str, Any]]:
        try:
            return scripts.answer(done.out)
        except scripts.Failed as failed:
            raise PowerShellError(self.name, script, failed) from failed
        except scripts.NoAnswer as unread:
            raise self._unreadable(script, done) from unread

    def _carry_out(
        self,
        command: str,
        stdin: bytes,
        deadline: float,
        on_line: Callable[[str], None] | None,
        stop: Callable[[], bool],
    ) -> Completed:
        out, err = Lines(on_line), Lines(on_line)
        code = self._stream(command, stdin, (out, err), deadline, stop)
        return Completed(code, out.end(), err.end())

    def _stream(
        self, command: str, stdin: bytes, to: tuple[Lines, Lines], deadline: float, stop: Callable[[], bool]
    ) -> int:
        out, err = to
        return self._shell.run(
            command, stdin, lambda stream, piece: (out if stream == "out" else err).take(piece), deadline, stop
        )

    def _sendable(self, command: str, stdin: bytes) -> None:
        if len(command) > scripts.MAX_COMMAND:
            raise Refused(
                text("A command for {host} is too long to be sent.", host=self.name),
                text("It has {length} characters; Windows cuts what is over {most}.",
                     length=len(command), most=scripts.MAX_COMMAND),
                text("Use shorter paths or names."),
            )  # fmt: skip
        if any(character in command for character in "\r\n\0"):
            raise Refused(text("A command for {host} would end at a line break within it.", host=self.name))
        if not stdin.isascii():
            raise ValueError("standard input is ASCII: send other bytes as base64")

    def _read_rows(self, reader: Callable[[facts.Answer], T], script: str, **literals: Literal) -> tuple[T, ...]:
        return tuple(self._understand(reader, script, row) for row in self.call(script, **literals))

    def _read_one(self, reader: Callable[[facts.Answer], T], script: str) -> T:
        return self._understand(reader, script, self._only(script, self.call(script)))

    def _understand(self, reader: Callable[[facts.Answer], T], script: str, row: facts.Answer) -> T:
        try:
            return reader(row)
        except (KeyError, TypeError, ValueError) as error:
            raise CouldNotLook(
                text("What {host} answered to {script} cannot be read.", host=self.name, script=script),
                text("{reason}.", reason=str(error) or type(error).__name__),
                details=repr(row)[:2000],
            ) from error

    def _only(self, script: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        if len(rows) != 1:
            raise CouldNotLook(
                text("{host} answered {script} with {count} objects instead of one.",
                     host=self.name, script=script, count=len(rows)),
            )  # fmt: skip
        return rows[0]

    def _there(self, script: str, **literals: Literal) -> list[dict[str, Any]] | None:
        try:
            return self.call(script, **literals)
        except PowerShellError as error:
            if error.nothing_there:
                return None
            raise

    def _item(self, path: str) -> FileFacts | None:
        rows = self._there("file", path=path)
        return None if rows is None else self._understand(facts.file, "file", self._only("file", rows))

    def _unreadable(self, script: str, done: Completed) -> UserError:
        return AnswerLost(
            text("PowerShell on {host} gave no answer that can be read.", host=self.name),
            text("{script} ended with exit code {code}.", script=script, code=done.exit_code),
            text("See the details; PowerShell 2.0 or later must be there, and nothing may cut its output."),
            details=(done.err or done.out)[-2000:],
        )
