"""Founds the practice environment's world: its first rows, made anew from a few settings whenever it is opened."""

from __future__ import annotations

import gc
from typing import Any

from app.lab.founding.databases import database_rows
from app.lab.founding.hosts import host_rows
from app.lab.founding.inventory import inventory_rows
from app.lab.founding.plan import Plan
from app.lab.founding.view import view_rows
from app.lab.rows import Row, Setting
from app.lab.world import Founded

__all__ = ["found"]


def found(settings: dict[str, Any]) -> Founded:
    """Return the first rows of a world and the bytes of its files, the same for the same settings.

    `desktops` (40), `seed` (1: every GUID follows from it), `at` (seconds since 1970: the founding's moment, which all
    times of the past are counted from), `pace` ("1": durations as in a real environment, "0": none)."""
    plan = Plan(settings)
    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of rows that all stay: looking for garbage among them doubles the time
    try:
        rows: list[Row] = [Setting(name="pace", value=str(settings.get("pace", "1")))]
        for part in (inventory_rows, view_rows, database_rows, host_rows):
            rows.extend(part(plan))
    finally:
        if collecting:
            gc.enable()
    return Founded(rows, plan.contents)
