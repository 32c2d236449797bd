"""pyVmomi's wire, with every call told to a tap. Imported late: loading pyVmomi takes a while."""

from __future__ import annotations

import datetime
import ssl
from http.client import HTTPException
from typing import Any
from xml.parsers.expat import ExpatError

import pyVmomi
from pyVmomi import SoapAdapter, VmomiSupport

from app.wire import Command, Tap

# pyVmomi makes its types at run time: to a type checker all of it is Any
library: Any = pyVmomi
vim, vmodl = library.vim, library.vmodl
adapter: Any = SoapAdapter
support: Any = VmomiSupport
Collector: Any = vmodl.query.PropertyCollector
PAGES_SINCE = "vmodl.query.version.version3"  # API 4.1 brought RetrievePropertiesEx
IDLE = 30  # seconds; a connection that rested longer may have been closed by the server, and is not used again

ACTS = frozenset({"BackupFirmwareConfiguration"})  # it leaves a file on the host
NOT_AUTHENTICATED: Any = vim.fault.NotAuthenticated
INVALID_LOGIN: Any = vim.fault.InvalidLogin
NO_PERMISSION: Any = vim.fault.NoPermission
FAULT: Any = vmodl.MethodFault
LACKING: tuple[Any, ...] = (vmodl.fault.MethodNotFound, vmodl.fault.NotSupported, vmodl.fault.NotImplemented)
BROKEN: tuple[Any, ...] = (OSError, HTTPException, ExpatError, FAULT)


class Stub(adapter.SoapStubAdapter):  # type: ignore[misc]  # Any, to a type checker
    """The connection to one vCenter."""

    def __init__(
        self, address: str, port: int, version: str, context: ssl.SSLContext, seconds: float, system: str, tap: Tap
    ) -> None:
        super().__init__(
            host=address, port=port, version=version, sslContext=context, httpConnectionTimeout=seconds,
            connectionPoolTimeout=IDLE, poolSize=2,
        )  # fmt: skip
        self._system, self._tap = system, tap

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803  # pyVmomi's names
        text = f"{info.wsdlName} {name_of(type(mo))}:{moid(mo)}"
        self._tap(Command(self._system, text, changes=info.wsdlName in ACTS))
        return super().InvokeMethod(mo, info, args, outerStub)

    @property
    def pages(self) -> bool:
        """Say whether the server answers in pages."""
        return bool(support.IsChildVersion(self.version, PAGES_SINCE))


def moid(value: Any) -> str:
    """Return the identifier of a managed object."""
    return str(value._moId)  # noqa: SLF001  # pyVmomi has no other name for it


def name_of(kind: Any) -> str:
    """Return a type's name as vSphere's reference writes it."""
    return str(support.GetWsdlName(kind))


def kind_named(name: str) -> Any:
    """Return pyVmomi's class for a name of vSphere's reference."""
    return support.GetWsdlType("urn:vim25", name)


def version_for(offered: list[str]) -> str | None:
    """Return pyVmomi's name of the first of the server's versions, newest first, that pyVmomi knows."""
    return next((support.versionMap[f"vim25/{one}"] for one in offered if f"vim25/{one}" in support.versionMap), None)


def plain(value: Any, declared: Any = None) -> Any:
    """Return a value of pyVmomi's as plain data: objects as moids, data objects as dicts of what is set.

    Where a data object is of a narrower type than `declared`, `_type` names it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, support.ManagedObject):
        return moid(value)
    if isinstance(value, list):
        return [plain(item, getattr(declared, "Item", None)) for item in value]
    if isinstance(value, support.DataObject):
        return _data(value, declared)
    if isinstance(value, type):
        return name_of(value)
    return _simple(value)


def _simple(value: Any) -> Any:
    if isinstance(value, support.binary):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC)
    for kind in (str, int, float):  # pyVmomi has classes of its own for each
        if isinstance(value, kind):
            return kind(value)
    return value.info.wsdlName if isinstance(value, support.ManagedMethod) else value


def _data(value: Any, declared: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if declared is not None and type(value) is not declared:
        made["_type"] = name_of(type(value))
    for info in value._GetPropertyList():  # noqa: SLF001  # pyVmomi's only way to list them
        held = getattr(value, info.name)
        if held is not None and not (isinstance(held, list) and not held):
            made[info.name] = plain(held, info.type)
    return made
