"""What is done with files: echo, dir, type, mkdir, del, ren; certutil -hashfile, icacls."""

from __future__ import annotations

import hashlib
import ntpath
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from app.lab.rows import HostFolder
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.host import Host, HostError, Item, no_such_file
from app.lab.windows.job import ToolError

_SYNTAX = "The syntax of the command is incorrect."
FIRST_WITH_INHERITANCE = 6  # Windows' major version: the icacls of Windows 2003 has no /inheritance
_SIDS = {
    "*S-1-5-18": "NT AUTHORITY\\SYSTEM", "*S-1-5-32-544": "BUILTIN\\Administrators", "*S-1-5-32-545": "BUILTIN\\Users",
}  # fmt: skip
_HASHES = {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}


def echo(console: Console, line: CommandLine) -> int:
    """Print the rest of the line."""
    console.out(line.tail or "ECHO is on.")
    return 0


def dir_(console: Console, line: CommandLine) -> int:
    """List a folder or a file, with /b by names alone."""
    bare = any(argument.lower() == "/b" for argument in line.arguments)
    names = [argument for argument in line.arguments if not argument.startswith("/")]
    if len(names) > 1 or any(argument.startswith("/") and argument.lower() != "/b" for argument in line.arguments):
        raise ToolError(1, _SYNTAX, to_stderr=True)
    path = console.path(names[0] if names else ".")
    item = console.host.item(path)
    if item is None:
        parent = console.host.is_folder(ntpath.dirname(path))
        raise ToolError(1, "File Not Found" if parent else "The system cannot find the path specified.", to_stderr=True)
    items = console.host.items(path) if item.folder else [item]
    if bare:
        for one in items:
            console.out(one.name)
        return 0
    _list(console, path if item.folder else ntpath.dirname(path), items)
    return 0


def _list(console: Console, folder: str, items: list[Item]) -> None:
    drive = folder[:1].upper()
    console.out(
        f" Volume in drive {drive} has no label.\n Volume Serial Number is 5C0F-2B7A\n\n Directory of {folder}\n"
    )
    for one in items:
        when = datetime.fromtimestamp(one.modified, UTC).strftime("%m/%d/%Y  %I:%M %p")
        size = "<DIR>         " if one.folder else f"{one.size:>14,}"
        console.out(f"{when}    {size} {one.name}")
    files = [one for one in items if not one.folder]
    free = next((free for name, free in console.host.row.free.items() if name[:1].upper() == drive), 0)
    console.out(f"{len(files):>16} File(s) {sum(one.size for one in files):>14,} bytes")
    console.out(f"{len(items) - len(files):>16} Dir(s)  {free:>14,} bytes free")


def type_(console: Console, line: CommandLine) -> int:
    """Print a file's bytes."""
    if len(line.arguments) != 1:
        raise ToolError(1, _SYNTAX, to_stderr=True)
    console.raw(console.host.read(console.path(line.arguments[0])))
    return 0


def mkdir(console: Console, line: CommandLine) -> int:
    """Make folders, with those above them."""
    if not line.arguments:
        raise ToolError(1, _SYNTAX, to_stderr=True)
    for written in line.arguments:
        path = console.path(written)
        if console.host.item(path) is not None:
            raise ToolError(1, f"A subdirectory or file {written} already exists.", to_stderr=True)
        make_folder(console, path)
    return 0


def make_folder(console: Console, path: str) -> None:
    """Make one folder and those above it that are not there."""
    host = console.host
    if not host.is_folder(ntpath.splitdrive(path)[0] + "\\"):
        raise HostError(3, "The system cannot find the path specified.", path)
    missing = []
    while not host.is_folder(path):
        missing.append(HostFolder(host=host.name, path=path))
        path = ntpath.dirname(path)
    host.commit(console.job, f"folder {missing[0].path} made", *reversed(missing))


def del_(console: Console, line: CommandLine) -> int:
    """Delete files; as cmd, one that is not there is told and is no error."""
    names = [argument for argument in line.arguments if argument.lower() not in ("/q", "/f")]
    if not names or any(name.startswith("/") for name in names):
        raise ToolError(1, _SYNTAX, to_stderr=True)
    for written in names:
        path = console.path(written)
        row = console.host.file(path)
        if row is None:
            console.error(f"Could Not Find {path}")
            continue
        console.host.commit(console.job, f"file {path} deleted", drop=[row])
    return 0


def ren(console: Console, line: CommandLine) -> int:
    """Rename one file within its folder; never over what is there already, and looked and done in one act."""
    if len(line.arguments) != 2 or set(line.arguments[1]) & set('\\/:*?"<>|'):
        raise ToolError(1, _SYNTAX, to_stderr=True)
    source = console.path(line.arguments[0])
    target = ntpath.join(ntpath.dirname(source), line.arguments[1])
    host = console.host
    with host.world.lock:
        row = host.file(source)
        if row is None:
            raise ToolError(1, "The system cannot find the file specified.", to_stderr=True)
        if host.item(target) is not None:
            raise ToolError(1, "A duplicate file name exists, or the file\ncannot be found.", to_stderr=True)
        host.move(console.job, row, msgspec.structs.replace(row, path=target))
    return 0


def certutil(console: Console, line: CommandLine) -> int:
    """Hash a file: -hashfile FILE [algorithm]."""
    verb, *rest = [*line.arguments, ""]
    names = [name for name in rest if name]
    if verb.lower() not in ("-hashfile", "/hashfile") or not 1 <= len(names) <= 2:
        raise ToolError(-2147024809, "CertUtil: The parameter is incorrect.")
    algorithm = _HASHES.get((names[1] if len(names) == 2 else "sha1").lower())
    if algorithm is None:
        raise _certutil_error(-2147024809, "0x80070057 (WIN32: 87)", "The parameter is incorrect.")
    path = console.path(names[0])
    try:
        content = console.host.read(path)
    except HostError as error:
        raise _certutil_error(
            -2147024896 + error.number, f"0x{0x80070000 + error.number:x} (WIN32: {error.number})", error.message
        ) from error
    if not content:
        raise _certutil_error(
            -2147023890,
            "0x800703ee (WIN32: 1006)",
            "The volume for a file has been externally altered so that the opened file is no longer valid.",
        )
    digest = algorithm(content).digest()
    title = (names[1] if len(names) == 2 else "SHA1").upper()
    console.out(f"{title} hash of file {names[0]}:\n{digest.hex(' ')}")
    console.out("CertUtil: -hashfile command completed successfully.")
    return 0


def _certutil_error(code: int, number: str, message: str) -> ToolError:
    return ToolError(code, f"CertUtil: -hashfile command FAILED: {number}\nCertUtil: {message}")


def icacls(console: Console, line: CommandLine) -> int:
    """Print who may do what with a file or folder; or give a folder full-control entries instead of inherited ones:
    FOLDER /inheritance:r /grant:r *SID:(OI)(CI)F ..."""
    if not line.arguments:
        raise ToolError(87, "Invalid parameter", to_stderr=True)
    owners = _owners(console, line.arguments[1:])
    path = console.path(line.arguments[0])
    item = console.host.item(path)
    if item is None or (owners and not item.folder):
        error = no_such_file(path)
        raise ToolError(
            2,
            f"{line.arguments[0]}: {error.message}\nSuccessfully processed 0 files; Failed processing 1 files",
            to_stderr=True,
        )
    if owners:
        bare = HostFolder(host=console.host.name, path=path)
        row = console.host.world.get(HostFolder, bare.host, bare.key_path) or bare
        alone = msgspec.structs.replace(row, writers=(), owned_by=owners)
        console.host.commit(console.job, f"rights of {path} set", alone)
        console.out(f"processed file: {line.arguments[0]}\nSuccessfully processed 1 files; Failed processing 0 files")
        return 0
    lead = line.arguments[0]
    for entry in access(console.host, path):
        letters = {"FullControl": "F", "Modify": "M", "Write": "W"}.get(entry.rights, "RX")
        shown = f"{'(I)' if entry.inherited else ''}{'' if entry.allowed else '(DENY)'}({letters})"
        console.out(f"{lead} {entry.account}:{shown}")
        lead = " " * len(line.arguments[0])
    console.out("\nSuccessfully processed 1 files; Failed processing 0 files")
    return 0


def _owners(console: Console, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the accounts that are granted full control in place of all that was inherited; () where icacls only
    shows. What it is not known to take is refused as a parameter that there is not."""
    if not words:
        return ()
    known = ["/inheritance:r", "/grant:r"]
    if int(console.host.row.os_version.split(".")[0]) < FIRST_WITH_INHERITANCE:
        raise _invalid(words[0])
    for wanted, written in zip(known, words, strict=False):
        if written.lower() != wanted:
            raise _invalid(written)
    if len(words) < len(known) + 1:
        raise _invalid(words[-1])
    owners = []
    for grant in words[len(known) :]:
        sid, colon, rights = grant.partition(":")
        if not colon or rights.upper() != "(OI)(CI)F":
            raise _invalid(grant)
        if sid.upper() not in _SIDS:
            raise ToolError(
                1332,
                f"{sid}: No mapping between account names and security IDs was done.\n"
                "Successfully processed 0 files; Failed processing 1 files",
                to_stderr=True,
            )
        owners.append(_SIDS[sid.upper()])
    return tuple(dict.fromkeys(owners))


def _invalid(word: str) -> ToolError:
    return ToolError(87, f'Invalid parameter "{word}"', to_stderr=True)


@dataclass(frozen=True)
class Entry:
    """One entry of an access list; `rights` is FullControl, Modify, Write or ReadAndExecute."""

    account: str
    rights: str
    inherited: bool
    allowed: bool = True


def access(host: Host, path: str) -> list[Entry]:
    """Return who may do what with a path, in the order in which Windows keeps it: what is denied there comes first."""
    found = []
    inherited, above = False, path.rstrip("\\")
    while above:
        row = host.world.get(HostFolder, host.name, above.lower())
        found += [Entry(account, "Write", inherited, allowed=False) for account in (row.denied if row else ())]
        found += [Entry(account, "Modify", inherited) for account in (row.writers if row else ())]
        if row and row.owned_by is not None:
            return [*found, *(Entry(account, "FullControl", inherited) for account in row.owned_by)]
        inherited, path, above = True, above, ntpath.dirname(above).rstrip("\\")
        if above == path:
            break
    found += [
        Entry("NT AUTHORITY\\SYSTEM", "FullControl", inherited=True),
        Entry("BUILTIN\\Administrators", "FullControl", inherited=True),
        Entry("BUILTIN\\Users", "ReadAndExecute", inherited=True),
    ]
    return list(dict.fromkeys(found))
