"""Fixtures that several parts of the tests need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.lab.founding import found
from app.lab.lab import Lab
from app.lab.world import World


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A practice environment of 40 desktops in which nothing takes time; tests start the servers that they need."""
    folder = tmp_path / "lab"
    world = World(folder, found)
    world.begin(desktops=40, seed=1, pace="0")
    lab = Lab(folder, world)
    lab.work.start()
    yield lab
    lab.close()
