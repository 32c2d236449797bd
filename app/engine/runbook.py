"""Reading a runbook's tree: steps, weights, and the hash by which a resumed run knows that the plan is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from app.engine.step import Bracket, Guided, Parallel, Part, Release, Runbook, Step

Leaf: TypeAlias = Step | Guided | Release


def leaves(parts: Iterable[Part]) -> Iterator[Leaf]:
    """Give every step in the order in which it begins, openings of brackets included."""
    for part in parts:
        if isinstance(part, Bracket):
            yield part.opening
            yield from leaves(part.body)
        elif isinstance(part, Parallel):
            for branch in part.branches:
                yield from leaves(branch)
        else:
            yield part


def brackets(parts: Iterable[Part]) -> Iterator[Bracket]:
    """Give every bracket, outer ones first."""
    for part in parts:
        if isinstance(part, Bracket):
            yield part
            yield from brackets(part.body)
        elif isinstance(part, Parallel):
            for branch in part.branches:
                yield from brackets(branch)


def steps(runbook: Runbook) -> dict[str, Leaf]:
    """Return the steps by key."""
    return {leaf.key: leaf for leaf in leaves(runbook.parts)}


def weight(runbook: Runbook) -> float:
    """Return the weight of the whole; closing a bracket weighs as much as opening it."""
    opened = sum(leaf.weight for leaf in leaves(runbook.parts))
    return opened + sum(bracket.opening.weight for bracket in brackets(runbook.parts) if bracket.leave == "close")


def check(runbook: Runbook, closers: Iterable[str]) -> None:
    """Raise ValueError where the tree cannot be run safely: that is a mistake in the runbook, not the operator's."""
    known = set(closers)
    seen: set[str] = set()
    for leaf in leaves(runbook.parts):
        if leaf.key in seen:
            raise ValueError(f"two steps have the key {leaf.key!r}")
        seen.add(leaf.key)
        closer = _closer(leaf)
        if closer is not None and closer not in known:
            raise ValueError(f"the step {leaf.key!r} names a closer that there is not: {closer!r}")
    holds = {bracket.opening.key for bracket in brackets(runbook.parts) if bracket.leave == "hold"}
    for bracket in brackets(runbook.parts):
        if bracket.opening.closer is None:
            raise ValueError(f"the bracket {bracket.opening.key!r} cannot be closed: its opening names no closer")
    for leaf in leaves(runbook.parts):
        if isinstance(leaf, Release) and leaf.of not in holds:
            raise ValueError(f"{leaf.key!r} releases {leaf.of!r}, which no bracket holds")


def plan_hash(runbook: Runbook) -> str:
    """Return a hash over name, tree, keys, closers and what follows brackets. Wording and weights are not in it."""
    tree = [runbook.name, [_shape(part) for part in runbook.parts]]
    return hashlib.sha256(json.dumps(tree, separators=(",", ":")).encode()).hexdigest()


def _closer(leaf: Leaf) -> str | None:
    return None if isinstance(leaf, Guided | Release) else leaf.closer


def _shape(part: Part) -> list[Any]:
    if isinstance(part, Bracket):
        body = [_shape(inner) for inner in part.body]
        return ["bracket", part.opening.key, part.opening.closer, part.leave, body]
    if isinstance(part, Parallel):
        return ["parallel", [[_shape(inner) for inner in branch] for branch in part.branches]]
    if isinstance(part, Guided):
        return ["guided", part.key]
    if isinstance(part, Release):
        return ["release", part.key, part.of]
    return ["step", part.key, part.closer]
