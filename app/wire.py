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


Tap: TypeAlias = Callable[[Command], None]
"""Is told of every command just before it is sent."""


def no_tap(_command: Command) -> None:
    """Listen to nothing."""
