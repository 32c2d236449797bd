"""The PropertyCollector: selecting objects along traversals, reading their paths, answering in pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.lab.vcenter import properties, soap
from app.lab.vcenter.sight import Sight, Thing

PAGE = 1000  # objects in one answer at most, whatever the client asks for
Collector = soap.vmodl.query.PropertyCollector


@dataclass
class Pending:
    """What is still to be answered: moids, each with the number of the filter that selected it."""

    specs: list[Any]
    objects: list[tuple[int, str]]
    version: str


def not_found(kind: str, moid: str) -> Exception:
    """Return the fault for a reference to nothing."""
    return soap.vmodl.fault.ManagedObjectNotFound(  # type: ignore[no-any-return]
        msg="The object has already been deleted or has not been completely created", obj=soap.reference(kind, moid)
    )


def selected(sight: Sight, specs: list[Any], version: str) -> Pending:
    """Return the objects that filters select, each once per filter. Raises the faults of a wrong filter."""
    objects: list[tuple[int, str]] = []
    for number, spec in enumerate(specs):
        _check(spec, version)
        wanted = [soap.kind_named(soap.name_of(prop.type)) for prop in spec.propSet]
        for moid in _objects(sight, spec, version):
            thing = sight.thing(moid)
            if thing and issubclass(soap.kind_named(thing.kind), tuple(wanted)):
                objects.append((number, moid))
    return Pending(specs, objects, version)


def _check(spec: Any, version: str) -> None:
    if not spec.propSet or not spec.objectSet:
        raise soap.vmodl.fault.InvalidRequest(msg="Required property propSet or objectSet is missing.")
    for prop in spec.propSet:
        for name in prop.pathSet:
            properties.path(soap.name_of(prop.type), name, version)


def _objects(sight: Sight, spec: Any, version: str) -> list[str]:
    found: dict[str, None] = {}
    for start in spec.objectSet:
        moid, kind = start.obj._moId, soap.name_of(type(start.obj))  # noqa: SLF001  # pyVmomi has no other name for it
        thing = sight.thing(moid)
        if thing is None or not issubclass(soap.kind_named(thing.kind), type(start.obj)):
            if spec.reportMissingObjectsInResults:
                continue
            raise not_found(kind, moid)
        if not start.skip:
            found[moid] = None
        _Traversal(sight, start.selectSet or [], version, found).follow(thing, start.selectSet or [])
    return list(found)


class _Traversal:
    """Follows traversal specs from object to object."""

    def __init__(self, sight: Sight, specs: list[Any], version: str, found: dict[str, None]) -> None:
        self._sight, self._version, self._found = sight, version, found
        self._named: dict[str, Any] = {}
        self._learn(specs)
        self._done: set[tuple[str, int]] = set()

    def _learn(self, specs: list[Any]) -> None:
        for spec in specs:
            if isinstance(spec, Collector.TraversalSpec):
                if spec.name:
                    self._named[spec.name] = spec
                self._learn(spec.selectSet or [])

    def follow(self, thing: Thing, specs: list[Any]) -> None:
        waiting: list[tuple[Thing, Any]] = [(thing, spec) for spec in specs]
        while waiting:
            here, given = waiting.pop()
            spec = self._real(given)
            if not issubclass(soap.kind_named(here.kind), spec.type) or (here.moid, id(spec)) in self._done:
                continue
            self._done.add((here.moid, id(spec)))
            for there in self._step(here, spec):
                if not spec.skip:
                    self._found[there.moid] = None
                waiting.extend((there, next_spec) for next_spec in spec.selectSet or ())

    def _real(self, spec: Any) -> Any:
        if isinstance(spec, Collector.TraversalSpec):
            return spec
        if spec.name not in self._named:
            raise soap.vmodl.fault.InvalidArgument(
                msg="A specified parameter was not correct.", invalidProperty="selectSet"
            )
        return self._named[spec.name]

    def _step(self, here: Thing, spec: Any) -> Iterator[Thing]:
        if spec.path == "view" and here.kind.endswith("View"):
            moids = properties.raw(self._sight, here, properties.Path("view", here.kind, list, False, ""))
        else:
            where = properties.path(here.kind, spec.path, self._version)
            if not issubclass(getattr(where.type, "Item", where.type), soap.ManagedObject):
                raise soap.vmodl.query.InvalidProperty(msg="A specified property is not valid.", name=spec.path)
            if not self._sight.rights.may(here.entity, where.privilege):
                return
            moids = properties.raw(self._sight, here, where)
        for moid in [moids] if isinstance(moids, str) else moids or ():
            thing = self._sight.thing(moid)
            if thing is not None and self._sight.visible(moid):
                yield thing


# ---- answers


def objects(sight: Sight, pending: Pending, name: str) -> Iterator[str]:
    """Give the ObjectContent of what is pending, each as an element `name`. What vanished meanwhile is left out."""
    known: dict[tuple[int, str], list[properties.Path]] = {}
    for number, moid in pending.objects:
        thing = sight.thing(moid)
        if thing is None:
            continue
        paths = known.get((number, thing.kind))
        if paths is None:
            paths = known[number, thing.kind] = _paths(thing.kind, pending.specs[number], pending.version)
        yield _content(sight, thing, paths, name, pending.version)


def _paths(kind: str, spec: Any, version: str) -> list[properties.Path]:
    names: dict[str, None] = {}
    for prop in spec.propSet:
        if issubclass(soap.kind_named(kind), prop.type):
            names.update(dict.fromkeys(properties.all_paths(kind, version) if prop.all else prop.pathSet))
    return [properties.path(kind, name, version) for name in names]


def _content(sight: Sight, thing: Thing, paths: list[properties.Path], name: str, version: str) -> str:
    parts = [f'<{name}><obj type="{thing.kind}">{soap.escape(thing.moid)}</obj>']
    missing = []
    privileges = sight.rights.of(thing.entity)
    for where in paths:
        if where.privilege not in privileges and where.privilege != "System.Anonymous":
            missing.append(_missing(where, _no_permission(thing, where.privilege), version))
            continue
        try:
            value = properties.raw(sight, thing, where)
            if value is not None:
                val = properties.val(sight, where.type, value, version)
                parts.append(f"<propSet><name>{where.name}</name>{val}</propSet>")
        except soap.vmodl.fault.NotSupported as fault:
            missing.append(_missing(where, fault, version))
    return "".join((*parts, *missing, f"</{name}>"))


def _no_permission(thing: Thing, privilege: str) -> Any:
    return soap.vim.fault.NoPermission(
        msg="Permission to perform this operation was denied.", privilegeId=privilege,
        object=soap.reference(thing.kind, thing.moid),
    )  # fmt: skip


def _missing(where: properties.Path, fault: Any, version: str) -> str:
    value = Collector.MissingProperty(path=where.name, fault=fault)
    return soap.element("missingSet", value, Collector.MissingProperty, version)


def page(sight: Sight, pending: Pending, most: int | None) -> Iterator[str]:
    """Give one RetrieveResult: a token where more is left, and at most `most` objects (never more than PAGE).

    Pages belong to the session; a token is good once."""
    size = min(most or PAGE, PAGE)
    here = Pending(pending.specs, pending.objects[:size], pending.version)
    left = pending.objects[size:]
    yield "<returnval>"
    if left:
        token = uuid.uuid4().hex
        sight.session.pages[token] = (Pending(pending.specs, left, pending.version), size)
        yield f"<token>{token}</token>"
    yield from objects(sight, here, "objects")
    yield "</returnval>"
