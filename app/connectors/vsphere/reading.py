"""Lists of objects by the PropertyCollector: one call for any list, only the leaves asked for, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.connectors.vsphere.facts import Found
from app.connectors.vsphere.session import Session

PAGE = 500


def in_container(
    session: Session, kinds: Sequence[str], paths: Sequence[str], container: Any = None
) -> Iterator[Found]:
    """Yield the objects of these kinds below `container` (else all there are)."""
    from app.connectors.vsphere import stub

    types = [stub.kind_named(kind) for kind in kinds]
    content = session.content
    view = content.viewManager.CreateContainerView(container or content.rootFolder, types, True)
    along = stub.Collector.TraversalSpec(name="view", type=stub.vim.view.ContainerView, path="view", skip=False)
    yield from _retrieve(session, types, paths, view, along)
    view.Destroy()  # after an error it goes with the session


def at(session: Session, kind: str, moids: Iterable[str], paths: Sequence[str]) -> Iterator[Found]:
    """Yield these objects themselves."""
    from app.connectors.vsphere import stub

    starts = [stub.Collector.ObjectSpec(obj=session.object(kind, moid), skip=False) for moid in moids]
    if starts:
        yield from _pages(session, _filter([stub.kind_named(kind)], paths, starts))


def along(session: Session, start: Any, path: str, kind: str, paths: Sequence[str]) -> Iterator[Found]:
    """Yield the objects that the property `path` of the object `start` leads to."""
    from app.connectors.vsphere import stub

    step = stub.Collector.TraversalSpec(name="step", type=type(start), path=path, skip=False)
    yield from _retrieve(session, [stub.kind_named(kind)], paths, start, step)


def _retrieve(session: Session, types: list[Any], paths: Sequence[str], start: Any, step: Any) -> Iterator[Found]:
    from app.connectors.vsphere import stub

    starts = [stub.Collector.ObjectSpec(obj=start, skip=True, selectSet=[step])]
    yield from _pages(session, _filter(types, paths, starts))


def _filter(types: list[Any], paths: Sequence[str], starts: list[Any]) -> Any:
    from app.connectors.vsphere import stub

    wanted = [stub.Collector.PropertySpec(type=kind, all=False, pathSet=list(paths)) for kind in types]
    return stub.Collector.FilterSpec(propSet=wanted, objectSet=starts)


def _pages(session: Session, spec: Any) -> Iterator[Found]:
    from app.connectors.vsphere import stub

    collector = session.content.propertyCollector
    if not session.pages:
        yield from map(_found, collector.RetrieveContents([spec]) or ())
        return
    answer = collector.RetrievePropertiesEx([spec], stub.Collector.RetrieveOptions(maxObjects=PAGE))
    while answer is not None:
        yield from map(_found, answer.objects)
        answer = collector.ContinueRetrievePropertiesEx(answer.token) if answer.token else None


def _found(content: Any) -> Found:
    from app.connectors.vsphere import stub

    return Found(
        stub.moid(content.obj),
        stub.name_of(type(content.obj)),
        {one.name: stub.plain(one.val) for one in content.propSet},
        {one.path: _reason(one.fault) for one in content.missingSet},
    )


def _reason(fault: Any) -> str:
    from app.connectors.vsphere import stub

    kind = stub.name_of(type(fault))
    privilege = getattr(fault, "privilegeId", None)
    return f"{kind}: {privilege}" if privilege else kind
