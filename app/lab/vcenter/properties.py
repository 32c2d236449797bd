"""Property paths: which there are, what privilege each needs, and what the world's rows answer.

Answers are raw: strings, numbers, dicts and lists as JSON has them, moids as strings, times as seconds since 1970.
Their type comes"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.lab.vcenter import leaves, soap
from app.lab.vcenter.leaf import Leaf, copy, walk
from app.lab.vcenter.sight import Sight, Thing

DYNAMIC = {
    ("VmwareDistributedVirtualSwitch", "config"): soap.vim.dvs.VmwareDistributedVirtualSwitch.ConfigInfo,
    ("ClusterComputeResource", "configurationEx"): soap.vim.cluster.ConfigInfoEx,
    ("ClusterComputeResource", "summary"): soap.vim.ClusterComputeResource.Summary,
}
UNREADABLE = ("inaccessible", "invalid")  # a VM in these states has no configuration to show


@dataclass(frozen=True)
class Path:
    """A property path of one kind: its static type, whether it must have a value, and the privilege it needs."""

    name: str
    kind: str
    type: Any
    required: bool
    privilege: str


@lru_cache(maxsize=4096)
def path(kind: str, name: str, version: str) -> Path:
    """Return the path; vmodl.query.InvalidProperty where this kind, in this version, has none of that name."""
    holder: Any = soap.kind_named(kind)
    privilege, info = "System.Read", None
    walked = ""
    for part in name.split("."):
        walked = f"{walked}.{part}" if walked else part
        try:
            info = soap.support.GetPropertyInfo(holder, part)
        except (AttributeError, KeyError):
            raise _invalid(name) from None
        if not soap.speaks(version, info.version):
            raise _invalid(name)
        if issubclass(holder, soap.ManagedObject):
            if walked != part:
                raise _invalid(name)  # a path does not lead through another object
            privilege = info.privId or "System.Read"
        holder = DYNAMIC.get((kind, walked), info.type)
    return Path(name, kind, holder, not info.flags & soap.F_OPTIONAL if info else False, privilege)


def _invalid(name: str) -> Exception:
    return soap.vmodl.query.InvalidProperty(msg="A specified property is not valid.", name=name)  # type: ignore[no-any-return]


def all_paths(kind: str, version: str) -> list[str]:
    """Return the top-level properties of `kind` that rows can answer."""
    names = []
    for base in soap.kind_named(kind).__mro__:
        for info in vars(base).get("_propInfo", {}).values():
            answered = any(known.partition(".")[0] == info.name for known in leaves.of(kind))
            if answered and soap.speaks(version, info.version):
                names.append(info.name)
    return names


# ---- raw values


def raw(sight: Sight, thing: Thing, where: Path) -> Any:
    """Return the raw value at a path, None where it is unset. vmodl.fault.NotSupported where no row can say."""
    value = _getter(thing.kind, where.name)(sight, thing.row)
    if value is None and where.required:
        above = where.name.rpartition(".")[0]
        if above and _getter(thing.kind, above)(sight, thing.row) is None:
            return None  # what it belongs to is unset
        if zero(where.type) is None:
            raise soap.vmodl.fault.NotSupported(msg=f"{thing.kind}.{where.name} is not kept by this server.")
        return {} if issubclass(where.type, soap.DataObject) else zero(where.type)
    return value


@lru_cache(maxsize=4096)
def _getter(kind: str, name: str) -> Callable[[Sight, Any], Any]:
    known = leaves.of(kind)
    if name in known:
        return _guarded(kind, name, known[name])
    below = {path.removeprefix(f"{name}."): leaf for path, leaf in known.items() if path.startswith(f"{name}.")}
    above = max((path for path in known if name.startswith(f"{path}.")), key=len, default="")
    if below:
        return _guarded(kind, name, _gathered(below, name))
    if above:
        rest = name.removeprefix(f"{above}.").split(".")
        return _guarded(kind, name, lambda sight, row: walk(known[above](sight, row), rest))
    parts = name.split(".")
    return _guarded(kind, name, lambda _sight, row: walk(getattr(row, "properties", {}), parts))


def _gathered(below: dict[str, Leaf], name: str) -> Leaf:
    """Return a leaf that puts the leaves below it, and what the row itself says, into one dict."""

    def gather(sight: Sight, row: Any) -> Any:
        told = walk(getattr(row, "properties", {}), name.split("."))
        value: dict[str, Any] = copy(told) if isinstance(told, dict) else {}
        for rest, leaf in below.items():
            place = value
            *way, last = rest.split(".")
            for part in way:
                place = place.setdefault(part, {})
            place[last] = leaf(sight, row)
        return value

    return gather


def _guarded(kind: str, name: str, leaf: Leaf) -> Leaf:
    if kind != "VirtualMachine" or name.partition(".")[0] not in ("config", "layoutEx", "snapshot"):
        return leaf
    return lambda sight, row: None if row.connection in UNREADABLE else leaf(sight, row)


# ---- typed values


def typed(sight: Sight, kind: Any, value: Any) -> Any:
    """Return a raw value as pyVmomi's own type."""
    if value is None or isinstance(value, soap.DataObject | soap.ManagedObject):
        return value
    if hasattr(kind, "Item"):
        return kind([typed(sight, kind.Item, item) for item in value])
    if issubclass(kind, soap.DataObject):
        return _data(sight, kind, value)
    if issubclass(kind, soap.ManagedObject):
        thing = sight.thing(value)
        return soap.reference(thing.kind if thing else soap.name_of(kind), value)
    if kind is datetime.datetime:
        return datetime.datetime.fromtimestamp(value, datetime.UTC)
    if kind is type:
        return str if value == "string" else soap.kind_named(value)
    if kind is soap.support.ManagedMethod:
        return soap.support.GetWsdlMethod(soap.VIM, value)
    if kind is object:
        return value
    return kind(value)


def _data(sight: Sight, kind: Any, value: dict[str, Any]) -> Any:
    made = (soap.kind_named(value["_type"]) if "_type" in value else kind)()
    for info in made._GetPropertyList():  # noqa: SLF001  # pyVmomi's only way to list them
        given = value.get(info.name)
        if given is None and not info.flags & soap.F_OPTIONAL and not hasattr(info.type, "Item"):
            given = {} if issubclass(info.type, soap.DataObject) else zero(info.type)
        if given is not None:
            setattr(made, info.name, typed(sight, info.type, given))
    return made


def zero(kind: Any) -> Any:
    """Return what a required value of this type is where no row says more; None where a type has no such value."""
    if hasattr(kind, "Item"):
        return []
    if issubclass(kind, bool):
        return False
    if issubclass(kind, int | float):
        return kind(0)
    if issubclass(kind, soap.Enum):
        return kind.values[0]
    if kind is datetime.datetime:
        return 0.0
    if issubclass(kind, str):
        return ""
    return {} if issubclass(kind, soap.DataObject) else None


# ---- on the wire


def val(sight: Sight, kind: Any, value: Any, version: str) -> str:
    """Return a raw value as the `val` element of a property. The common types are written straight: it is 20 times
    faster than through pyVmomi's objects, and reads the same (a test compares them)."""
    if kind is str:
        return f'<val xsi:type="xsd:string">{soap.escape(value)}</val>'
    if kind is bool:
        return f'<val xsi:type="xsd:boolean">{"true" if value else "false"}</val>'
    if not hasattr(kind, "Item"):
        if issubclass(kind, soap.Enum):
            return f'<val xsi:type="{soap.name_of(kind)}">{value}</val>'
        if issubclass(kind, soap.ManagedObject):
            thing = sight.inventory.kind(value) or soap.name_of(kind)
            return f'<val type="{thing}" xsi:type="ManagedObjectReference">{soap.escape(value)}</val>'
    try:
        return soap.element("val", typed(sight, kind, value), object, version)
    except TypeError as error:  # the API demands a part that no row has and that has no zero
        raise soap.vmodl.fault.NotSupported(msg=f"This is not kept whole here: {error}") from error
