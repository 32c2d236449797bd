"""All leaves by kind and path. A leaf is the deepest path that has an answer of its own."""

from __future__ import annotations

from functools import lru_cache

from app.lab.vcenter import entity_leaves, manager_leaves
from app.lab.vcenter.leaf import Leaf


@lru_cache
def of(kind: str) -> dict[str, Leaf]:
    """Return the leaves of a kind by path."""
    entity = entity_leaves.ENTITY if kind in entity_leaves.ENTITIES else {}
    return {**entity, **entity_leaves.KINDS.get(kind, {}), **manager_leaves.KINDS.get(kind, {})}
