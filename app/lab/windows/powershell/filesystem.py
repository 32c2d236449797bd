"""Get-Item, Get-ChildItem, Test-Path, New-Item, Remove-Item, Get-Acl, on files and folders."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from datetime import UTC, datetime

from app.lab.rows import HostFolder
from app.lab.windows.host import HostError, Item
from app.lab.windows.powershell.cmdlets import Call, Cmdlet, Kind, Parameter
from app.lab.windows.powershell.objects import Object, PsError, Value
from app.lab.windows.tools.files import access

_RIGHTS = {
    "FullControl": "FullControl",
    "Modify": "Modify, Synchronize",
    "Write": "Write",
    "ReadAndExecute": "ReadAndExecute, Synchronize",
}


def _path(call: Call, written: str) -> str:
    try:
        path = call.host.path(written, call.job.folder)
    except HostError as error:
        raise _not_found(call, written) from error
    if not call.host.is_folder(path[:3]):
        raise call.error(
            "DriveNotFound", "ObjectNotFound", f"Cannot find drive. A drive with the name '{path[:1]}' does not exist."
        )
    return path


def _item(call: Call, written: str) -> Item:
    found = call.host.item(_path(call, written))
    if found is None:
        raise _not_found(call, written)
    return found


def _not_found(call: Call, written: str) -> PsError:
    return call.error("PathNotFound", "ObjectNotFound", f"Cannot find path '{written}' because it does not exist.")


def _shown(item: Item) -> Object:
    when = datetime.fromtimestamp(item.modified, UTC)
    found = Object("System.IO.DirectoryInfo" if item.folder else "System.IO.FileInfo", Name=item.name)
    if not item.folder:
        found.values |= {"Length": item.size, "DirectoryName": ntpath.dirname(item.path), "IsReadOnly": False}
    found.values |= {
        "Exists": True,
        "FullName": item.path,
        "Extension": ntpath.splitext(item.path)[1],
        "LastWriteTimeUtc": when,
        "LastWriteTime": when,
        "PSIsContainer": item.folder,
    }
    return found


def _get_item(call: Call) -> Iterator[Value]:
    for written in call.values["LiteralPath"]:
        yield _shown(_item(call, written))


def _get_child_item(call: Call) -> Iterator[Value]:
    for written in call.values["LiteralPath"]:
        item = _item(call, written)
        for child in call.host.items(item.path) if item.folder else [item]:
            yield _shown(child)


def _test_path(call: Call) -> Iterator[Value]:
    for written in call.values["LiteralPath"]:
        try:
            yield call.host.item(call.host.path(written, call.job.folder)) is not None
        except HostError:
            yield False


def _new_item(call: Call) -> Iterator[Value]:
    if call.text("ItemType").lower() != "directory":
        raise call.error(
            "Argument",
            "InvalidArgument",
            'The type is not a known type for the file system. Only "file" and "directory" can be specified.',
        )
    for written in call.values["Path"]:
        path = _path(call, written)
        if call.host.item(path) is not None:
            raise call.error("DirectoryExist", "ResourceExists", f"Item with specified name {path} already exists.")
        missing, above = list[HostFolder](), path
        while not call.host.is_folder(above):
            missing.append(HostFolder(host=call.host.name, path=above))
            above = ntpath.dirname(above)
        call.host.commit(call.job, f"folder {path} made", *reversed(missing))
        yield _shown(Item(path, True, 0, call.host.now()))


def _remove_item(call: Call) -> Iterator[Value]:
    for written in call.values["LiteralPath"]:
        item = _item(call, written)
        rows = call.host.below(item.path)
        if item.folder and len(rows) > 1 and "Recurse" not in call.values:
            raise call.error(
                "InvalidOperation",
                "InvalidOperation",
                "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
            )
        call.host.commit(call.job, f"{item.path} removed", drop=rows)
    yield from ()


def _get_acl(call: Call) -> Iterator[Value]:
    for written in call.values["Path"]:
        try:
            item = _item(call, written)
        except PsError as error:
            raise call.error("GetAcl_PathNotFound_Exception", "ObjectNotFound", error.message) from error
        rules = [
            Object("System.Security.AccessControl.FileSystemAccessRule", FileSystemRights=_RIGHTS[entry.rights],
                   AccessControlType="Allow" if entry.allowed else "Deny", IdentityReference=entry.account,
                   IsInherited=entry.inherited, InheritanceFlags="ContainerInherit, ObjectInherit",
                   PropagationFlags="None")
            for entry in access(call.host, item.path)
        ]  # fmt: skip
        yield Object(
            "System.Security.AccessControl.FileSecurity",
            Path=f"Microsoft.PowerShell.Core\\FileSystem::{item.path}",
            Owner="BUILTIN\\Administrators",
            Access=rules,
        )


_AT = (Parameter("LiteralPath", Kind.STRINGS, mandatory=True),)
_TYPE = "Microsoft.PowerShell.Commands."
CMDLETS = (
    Cmdlet("Get-Item", _TYPE + "GetItemCommand", _AT, _get_item),
    Cmdlet("Get-ChildItem", _TYPE + "GetChildItemCommand", _AT, _get_child_item),
    Cmdlet("Test-Path", _TYPE + "TestPathCommand", _AT, _test_path),
    Cmdlet(
        "New-Item",
        _TYPE + "NewItemCommand",
        (Parameter("ItemType", mandatory=True), Parameter("Path", Kind.STRINGS, mandatory=True)),
        _new_item,
        changes=True,
    ),
    Cmdlet(
        "Remove-Item",
        _TYPE + "RemoveItemCommand",
        (*_AT, Parameter("Recurse", Kind.SWITCH)),
        _remove_item,
        changes=True,
    ),
    Cmdlet("Get-Acl", _TYPE + "GetAclCommand", (Parameter("Path", Kind.STRINGS, mandatory=True),), _get_acl),
)
