"""Scenes: what an environment may look like when somebody wants to back it up. Each can be undone (`quiet`)."""

from __future__ import annotations

from app.lab.scenes import hosts, stores, working
from app.lab.scenes.stage import SCENES, Scene, UnknownScene, active, give_back, play, quiet
from app.texts import text

QUIET = text("Strikes all scenes: work that they began is ended, everything else is as each of them found it.")
BY_ITSELF = (("draining", "warning"), ("single-points", "warning"), ("more-off", "unknown"), ("age", "warning"))
"""What checks say of the environment as it is founded, without any scene: (check, state)."""

__all__ = [
    "BY_ITSELF", "QUIET", "SCENES", "Scene", "UnknownScene", "active", "give_back", "hosts", "play", "quiet", "stores",
    "working",
]  # fmt: skip
