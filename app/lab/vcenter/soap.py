"""SOAP as vCenter speaks it, read and written with pyVmomi's own types from the server's side."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

import pyVmomi
from pyVmomi import SoapAdapter, VmomiSupport

# pyVmomi makes its types at run time: to a type checker all of it is Any
library: Any = pyVmomi
vim, vmodl = library.vim, library.vmodl
adapter: Any = SoapAdapter
support: Any = VmomiSupport
F_OPTIONAL: int = support.F_OPTIONAL
DataObject, ManagedObject, Enum = support.DataObject, support.ManagedObject, support.Enum
escape: Any = adapter.XmlEscape
name_of: Any = support.GetWsdlName  # a type's name on the wire

VIM = "urn:vim25"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {VIM: "", XSD: "xsd", XSI: "xsi"}
HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:xsd="{XSD}" '
    f'xmlns:xsi="{XSI}"><soapenv:Body>'
)
TAIL = "</soapenv:Body></soapenv:Envelope>"
VERSIONS = ("2.5", "4.0", "4.1", "5.0", "5.1", "5.5", "6.0")
BASE = "vim.version.version1"


class UnsupportedVersion(Exception):
    """A client asked for an API version that this server does not speak; the text is vCenter's own."""


@dataclass(frozen=True)
class Identity:
    """What pyVmomi wants beside a managed object's identifier. Nothing is ever called through it."""

    version: str
    versionId: str = ""  # noqa: N815  # pyVmomi's own name


@dataclass(frozen=True)
class Request:
    """One call as it arrived. `info` is pyVmomi's description of the method, None where the type has no such method."""

    method: str
    type_name: str
    moid: str
    kind: type
    version: str
    info: Any
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{self.method} {self.type_name}:{self.moid}"


def version_of(action: str | None, api: str) -> str:
    """Return pyVmomi's name of the version in a SOAPAction header, at most the server's own `api`.

    UnsupportedVersion for one that this server does not know. A client that names none gets the oldest.
    """
    asked = (action or "").strip().strip('"')
    name = asked.removeprefix(f"{VIM}/") if asked.startswith(f"{VIM}/") else ("" if asked in ("", VIM) else None)
    if name is None or (name and (name not in VERSIONS or VERSIONS.index(name) > VERSIONS.index(api))):
        raise UnsupportedVersion(f'Unsupported version URI "{asked}"')
    return str(support.versionMap[f"vim25/{name or VERSIONS[0]}"])


def speaks(version: str, needed: str) -> bool:
    """Say whether something that came with the version `needed` is part of `version`."""
    return bool(support.IsChildVersion(version, needed))


def kind_named(name: str) -> type:
    """Return pyVmomi's class of a managed type on the wire; KeyError where vSphere has none of that name."""
    return support.GetWsdlType(VIM, name)  # type: ignore[no-any-return]


def reference(name: str, moid: str) -> Any:
    """Return a managed object reference."""
    return kind_named(name)(moid, Identity(BASE))


def method_of(kind: type, name: str, prop: str = "") -> Any:
    """Return pyVmomi's description of a method by its name on the wire, or None."""
    if name == "Fetch":
        try:
            info = support.GetPropertyInfo(kind, prop)
        except AttributeError:
            return None
        return support.Object(
            wsdlName="Fetch", version=info.version, privId=info.privId or "System.Read",
            params=(support.Object(name="prop", type=str, version=BASE, flags=0, privId=None),),
            result=info.type, resultFlags=F_OPTIONAL,
        )  # fmt: skip
    for base in kind.__mro__:
        for info in vars(base).get("_methodInfo", {}).values():
            if info.wsdlName == name:
                return info
    return None


# ---- reading


class _Reader(adapter.ExpatDeserializerNSHandlers):  # type: ignore[misc]  # Any, to a type checker
    """Walks envelope, body and call, and leaves every argument to pyVmomi."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version, self.parser = version, ParserCreate(namespace_separator=adapter.NS_SEP)
        self.depth, self.method, self.type_name, self.moid, self.text = 0, "", "", "", ""
        self.kind: type | None = None
        self.info: Any = None
        self.found: list[tuple[str, Any]] = []

    def read(self, raw: bytes) -> None:
        adapter.SetHandlers(self.parser, self._handlers())
        self.parser.Parse(raw, True)

    def _handlers(self) -> tuple[Any, ...]:
        return (self.start, self.end, self.characters, self.StartNamespaceDeclHandler, self.EndNamespaceDeclHandler)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(adapter.NS_SEP)[2]
        self.text = ""
        if self.in_call and self.depth == 3 and name != "_this":
            self._argument(tag, name, attributes)
            return
        self.depth += 1
        if self.depth == 2:
            self.in_body = name == "Body"
        elif self.depth == 3 and self.in_body:
            self.method = name
        elif self.depth == 4 and self.in_body:
            self.type_name = attributes.get("type", "").rpartition(":")[2]

    in_body = False

    @property
    def in_call(self) -> bool:
        return self.in_body and bool(self.method)

    def end(self, tag: str) -> None:
        if self.depth == 4 and self.in_body:
            self.moid, self.kind = self.text, kind_named(self.type_name)
            self.info = method_of(self.kind, self.method)
        self.depth -= 1

    def characters(self, data: str) -> None:
        self.text += data

    def _argument(self, tag: str, name: str, attributes: dict[str, str]) -> None:
        if self.kind is None:
            raise TypeError("_this must come first")
        wanted = _parameter(self.info, name).type if self.info else str if self.method == "Fetch" else object
        argument = adapter.SoapDeserializer(Identity(self.version))
        argument.Deserialize(self.parser, getattr(wanted, "Item", wanted), False, self.nsMap)
        argument.StartElementHandler(tag, attributes)
        self.found.append((name, argument))


def _parameter(info: Any, name: str) -> Any:
    for parameter in info.params:
        if parameter.name == name:
            return parameter
    raise TypeError(f"no parameter {name}")


def read(raw: bytes, action: str | None, api: str) -> Request:
    """Read a call. UnsupportedVersion, vmodl.fault.InvalidRequest or vmodl.fault.MethodNotFound where it is not one."""
    version = version_of(action, api)
    reader = _Reader(version)
    try:
        reader.read(raw)
        found = [(name, argument.GetResult()) for name, argument in reader.found]
    except (ExpatError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise vmodl.fault.InvalidRequest(msg=f"A specified parameter was not correct. {error}") from error
    if reader.kind is None or not issubclass(reader.kind, ManagedObject):
        raise vmodl.fault.InvalidRequest(msg="The request names no managed object.")
    info = reader.info
    if reader.method == "Fetch":
        info = method_of(reader.kind, "Fetch", str(dict(found).get("prop", "")))
    request = Request(reader.method, reader.type_name, reader.moid, reader.kind, version, info)
    if info is not None and speaks(version, info.version):
        request.arguments.update(_arguments(info, found, version))
    return request


def _arguments(info: Any, found: list[tuple[str, Any]], version: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for parameter in info.params:
        given = [value for name, value in found if name == parameter.name]
        if given and not speaks(version, parameter.version):
            raise vmodl.fault.InvalidRequest(msg=f"The parameter {parameter.name} is not part of this version.")
        if hasattr(parameter.type, "Item"):
            values[parameter.name] = given
        elif len(given) > 1:
            raise vmodl.fault.InvalidRequest(msg=f"The parameter {parameter.name} stands more than once.")
        else:
            values[parameter.name] = given[0] if given else None
        if not given and not parameter.flags & F_OPTIONAL:
            raise vmodl.fault.InvalidRequest(msg=f"Required parameter {parameter.name} is missing.")
    return values


# ---- writing


def element(name: str, value: Any, kind: Any, version: str, flags: int = 0) -> str:
    """Return `value` as an XML element; `kind` is the static type, `object` for any."""
    writer = io.StringIO()
    serializer = adapter.SoapSerializer(writer, version, NAMESPACES)
    serializer.outermostAttrs = ""  # a server's answers carry no version
    serializer.Serialize(value, support.Object(name=name, type=kind, version=BASE, flags=flags))
    return writer.getvalue()


def answer_open(method: str) -> str:
    """Return what stands before an answer's values."""
    return f'{HEAD}<{method}Response xmlns="{VIM}">'


def answer_close(method: str) -> str:
    """Return what stands after an answer's values."""
    return f"</{method}Response>{TAIL}"


def fault_answer(fault: Any, version: str) -> str:
    """Return the whole answer for a fault: its words and its detail."""
    name = f"{type(fault)._wsdlName}Fault"  # noqa: SLF001  # pyVmomi keeps it there
    writer = io.StringIO()
    serializer = adapter.SoapSerializer(writer, version, NAMESPACES)
    serializer.outermostAttrs = ""
    serializer.SerializeFaultDetail(fault, support.Object(name=name, type=object, version=BASE, flags=0))
    detail = writer.getvalue().replace(f"<{name}", f'<{name} xmlns="{VIM}"', 1)
    return plain_fault("ServerFaultCode", fault.msg or "", detail)


def plain_fault(code: str, words: str, detail: str = "") -> str:
    """Return the answer for a fault that has only words, as for an unsupported version."""
    return (
        f"{HEAD}<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{escape(words)}</faultstring>"
        f"<detail>{detail}</detail></soapenv:Fault>{TAIL}"
    )
