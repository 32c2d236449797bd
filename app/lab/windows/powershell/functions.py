"""The functions that the envelope defines, doing here what its PowerShell does there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ntpath
from collections.abc import Iterator

import msgspec

from app.lab.rows import HostFile, LdsEntry
from app.lab.windows import services
from app.lab.windows.host import Host, HostError
from app.lab.windows.powershell import ldapfilter
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, PsError, Value, method_error

_PIECE = 49152
_LDS = "ADAM_VMwareVDMDS"


def _open(call: Call) -> HostFile:
    """Return the row of -Path, or the error of [IO.File]::Open."""
    try:
        return call.host.require_file(_path(call, "Path", "Open", 4))
    except HostError as error:
        raise method_error("Open", 4, _words(error)) from error


def _path(call: Call, name: str, method: str, count: int) -> str:
    written = call.text(name)
    if not written:
        raise method_error(method, count, "Empty path name is not legal.")
    try:
        return call.host.path(written, call.job.folder)
    except HostError as error:
        raise method_error(method, count, _words(error)) from error


def _words(error: HostError) -> str:
    if error.number == 2:
        return f"Could not find file '{error.path}'."
    if error.number == 3:
        return f"Could not find a part of the path '{error.path}'."
    if error.number == 123:
        return "The given path's format is not supported."
    return error.message


def _sha256(call: Call) -> Iterator[Value]:
    row = _open(call)
    digest = hashlib.sha256(call.host.world.content(row.blob)).hexdigest()
    yield Object("System.Management.Automation.PSCustomObject", Path=call.text("Path"), Length=row.size, Sha256=digest)


def _read(call: Call) -> Iterator[Value]:
    row, offset, count = _open(call), _long(call, "Offset"), _long(call, "Count")
    if offset < 0:
        raise method_error("Seek", 2, "An attempt was made to move the file pointer before the beginning of the file.")
    content = call.host.world.content(row.blob)
    part = content[offset : offset + max(count, 0)]
    call.session.write("<<<FILE")
    for start in range(0, len(part), _PIECE):
        call.session.write(base64.b64encode(part[start : start + _PIECE]).decode("ascii"))
    call.session.write("FILE>>>")
    yield Object(
        "System.Management.Automation.PSCustomObject", Path=call.text("Path"), Length=len(content), Count=len(part)
    )


def _write(call: Call) -> Iterator[Value]:
    path, offset = _path(call, "Path", ".ctor", 6), _long(call, "Offset")
    host, old = call.host, call.host.file(path)
    if old is None and offset:
        folder = host.is_folder(ntpath.dirname(path))
        raise method_error(".ctor", 6, _words(HostError(2 if folder else 3, "", path)))
    before = host.world.content(old.blob) if old and offset else b""
    if len(before) != offset:
        raise PsError(
            "The file does not end where this part begins.",
            "OperationStopped",
            "The file does not end where this part begins.",
        )
    try:
        added = b"".join(base64.b64decode(line, validate=True) for line in call.session.input)
    except binascii.Error as error:
        raise method_error("FromBase64String", 1, "Invalid character in a Base-64 string.") from error
    try:
        host.write(call.job, f"{path} written from {offset}", path, before + added)
    except HostError as error:
        raise method_error("Flush" if error.number == 112 else ".ctor", 0, _words(error)) from error
    yield Object("System.Management.Automation.PSCustomObject", Path=call.text("Path"), Length=offset + len(added))


def _move(call: Call) -> Iterator[Value]:
    source, target = _path(call, "Path", "Move", 2), _path(call, "Destination", "Move", 2)
    host, row = call.host, call.host.file(source)
    method, count = ("Invoke", 2) if host.file(target) is not None else ("Move", 2)
    if row is None:
        raise method_error(method, count, f"Could not find file '{source}'.")
    if source.lower() == target.lower():
        raise method_error(method, count, "Access to the path is denied.")
    if not host.is_folder(ntpath.dirname(target)):
        raise method_error(method, count, "Could not find a part of the path.")
    if host.is_folder(target):
        raise method_error(method, count, "Cannot create a file when that file already exists.")
    host.move(call.job, row, msgspec.structs.replace(row, path=target))
    yield from ()


def _find(call: Call) -> Iterator[Value]:
    host: Host = call.host
    service, broker = services.find(host, _LDS), host.broker
    if service is None or service.state != services.RUNNING or broker is None:
        raise method_error("FindAll", 0, "The server is not operational.")
    try:
        fits = ldapfilter.parse(call.text("Filter") or "(objectClass=*)")
    except ldapfilter.FilterError as error:
        raise method_error("FindAll", 0, f"The {call.text('Filter')} search filter is invalid.") from error
    base, world = call.text("Base").lower(), host.world
    if world.get(LdsEntry, broker.group, base) is None:
        raise method_error("FindAll", 0, "There is no such object on the server.")
    names: list[str] = call.values.get("Property", [])
    for entry in world.all(LdsEntry, group=broker.group):
        if (entry.key_dn == base or entry.key_dn.endswith("," + base)) and fits(entry):
            found = Object(
                "System.Management.Automation.PSCustomObject", dn=entry.dn.replace("/", "\\/")
            )  # ADSI's paths escape it
            for name in names:
                have = list(ldapfilter.values(entry, name))
                found.values[name] = None if not have else have[0] if len(have) == 1 else have
            yield found


def _long(call: Call, name: str) -> int:
    return int(call.values.get(name, 0))


_AT = Parameter("Path")
CMDLETS = (
    Cmdlet("Get-FileSha256", "Get-FileSha256", (_AT,), _sha256, function=True),
    Cmdlet(
        "Read-FilePart",
        "Read-FilePart",
        (_AT, Parameter("Offset", Kind.LONG), Parameter("Count", Kind.LONG)),
        _read,
        function=True,
    ),
    Cmdlet(
        "Write-FilePart", "Write-FilePart", (_AT, Parameter("Offset", Kind.LONG)), _write, changes=True, function=True
    ),
    Cmdlet("Move-FileTo", "Move-FileTo", (_AT, Parameter("Destination")), _move, changes=True, function=True),
    Cmdlet(
        "Find-AdLdsEntry",
        "Find-AdLdsEntry",
        (Parameter("Base"), Parameter("Filter"), Parameter("Property", Kind.STRINGS)),
        _find,
        function=True,
    ),
)
