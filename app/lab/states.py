"""States of the world that were saved, by name: a mark in the log of events that one can go back to."""

from __future__ import annotations

import json
from pathlib import Path

from app import locking
from app.lab import scenes
from app.lab.lab import Lab


class UnknownState(ValueError):
    """No state of that name was saved."""


def save(lab: Lab, name: str) -> int:
    """Remember the world as it is now under `name`; returns how many events have made it."""
    with lab.world.lock:
        count = len(lab.world.events)
        _write(lab, {**saved(lab), name: count})
        return count


def back(lab: Lab, name: str) -> int:
    """Make the world what it was when `name` was saved; what came later is forgotten, later states too."""
    with lab.world.lock:
        known = saved(lab)
        if name not in known:
            raise UnknownState(f"There is no state {name}. Saved are: {', '.join(known) or 'none'}.")
        scenes.give_back(lab)
        lab.world.back_to(known[name])
        _write(lab, {other: count for other, count in known.items() if count <= known[name]})
        return known[name]


def saved(lab: Lab) -> dict[str, int]:
    """Return the saved states: name and number of events."""
    path = _path(lab)
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def _path(lab: Lab) -> Path:
    return lab.folder / "states.json"


def _write(lab: Lab, states: dict[str, int]) -> None:
    temporary = _path(lab).with_suffix(".new")
    temporary.write_text(json.dumps(states), "utf-8")
    locking.patiently(lambda: temporary.replace(_path(lab)))
