"""What goes over a wire, named alike by plans, connectors, logs and the practice environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Command:
    """One call: to which system (winrm:broker1, sql:sql1, vcenter:vc1), in its own words without secrets.

    `changes` tells an act from a look."""

    system: str
    text: str
    changes: bool = True


KINDS = {"winrm": "Windows", "sql": "SQL Server", "vcenter": "vCenter"}
"""What the first word of a system's name stands for: products' names, which are the same in every language."""


def plain_system(system: str) -> str:
    """Return what a person calls a system: `sql1 (SQL Server)` for `sql:sql1`. Programs keep the name that it has."""
    kind, _, name = system.partition(":")
    return f"{name} ({KINDS[kind]})" if name and kind in KINDS else system


Tap: TypeAlias = Callable[[Command], None]
"""Is told of every command just before it is sent."""


def no_tap(_command: Command) -> None:
    """Listen to nothing."""
