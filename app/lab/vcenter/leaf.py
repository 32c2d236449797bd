"""What all leaves are made of. A leaf answers one property path from a row of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from app.lab.vcenter.sight import Sight

Leaf: TypeAlias = Callable[[Sight, Any], Any]


def walk(value: Any, parts: Iterable[str]) -> Any:
    """Return what lies at `parts` in nested dicts, or None."""
    for part in parts:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def copy(value: dict[str, Any]) -> dict[str, Any]:
    """Return nested dicts anew."""
    return {name: copy(item) if isinstance(item, dict) else item for name, item in value.items()}


def status(_sight: Sight, _row: Any) -> str:
    """Answer an entity's health: nothing is ever wrong here."""
    return "green"


def own(name: str) -> Leaf:
    """Return a leaf of a row's own field."""
    return lambda _sight, vm: getattr(vm, name)


def number(moid: str) -> int:
    """Return the number in a moid."""
    tail = moid.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0
