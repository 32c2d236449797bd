"""ViewKeeper as a person finds it on a screen: how it is started, where it stands, and whole ways through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import paths
from app.lab import process
from app.texts import render
from tests.screen.hands import Hands, Screen
from ui.flow import FLOW, Page

ROOT = Path(__file__).resolve().parents[2]
MAKE = str(ROOT / "build" / "make.py")
LONG = 100.0  # seconds that a run may take at the pace of a real environment
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


@dataclass(frozen=True)
class Program:
    """How the program is started: the command of its window, that of its command line, and what their environment adds.

    `data` is the folder of everything it writes, as this machine calls it."""

    data: Path
    window: tuple[str, ...] = (sys.executable, MAKE, "run")
    command_line: tuple[str, ...] = (sys.executable, MAKE, "cli")
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole_environment(self) -> dict[str, str]:
        return {paths.DATA_VARIABLE: str(self.data), **NO_KEYRING, **self.environment}

    def open(self, on: Screen, pictures: Path, name: str, language: str = "") -> Hands:
        """Open the window, where the system speaks that language."""
        speaks = {"LANG": f"{language}.UTF-8"} if language else {}
        return Hands(on, self.window, {**self.whole_environment, **speaks}, pictures, name)

    def tell(self, *words: str) -> dict[str, Any]:
        """Carry out a command line and return what it answers; it must succeed."""
        first, *rest = words
        done = subprocess.run(
            [*self.command_line, first, "--json", *rest],
            env={**os.environ, **self.whole_environment}, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    # ---- the practice environment

    def world(self) -> dict[str, Any]:
        """Return how the practice environment stands now; it must run."""
        running = process.published(self.data)
        assert running is not None
        return process.send(running, "status")

    def off(self) -> set[str]:
        """Return what is off in the practice environment: provisioning of pools, and services that stand still."""
        world = self.world()
        pools = {f"provisioning of {pool['id']}" for pool in world["pools"] if not pool["provisioning"]}
        return pools | {f"{one['name']} on {one['host']}" for one in world["services"] if one["state"] != "Running"}

    def composer_stands_still(self) -> bool:
        """Say whether a run is deep in its freeze."""
        return any(off.startswith("svid on ") for off in self.off())

    # ---- what lies on disk

    def verified_sets(self) -> list[str]:
        """Return the whole backup sets, each read to its end by the command line and found good."""
        found = [entry["set"] for entry in self.tell("sets")["sets"] if entry["whole"]]
        for folder in found:
            self.tell("verify", folder)
        return found


class Wizard:
    """A person with the wizard before him: by mouse, or by keyboard alone; in that language."""

    def __init__(self, hands: Hands, language: str = "en", *, mouse: bool = False) -> None:
        self.hands, self.language, self.mouse = hands, language, mouse

    def is_on(self, page: Page) -> None:
        """Wait until the window's title names that page, and take its picture."""
        self.hands.sees(render(FLOW[page].title, self.language), LONG)
        self.hands.shoot(page)

    def is_ready(self, page: Page) -> None:
        """Wait until the window's title names that page and it may be left, and take its picture."""
        self.hands.sees(render(FLOW[page].title, self.language), LONG)
        self.hands.sees_what_leads_on()
        self.hands.rests()
        self.hands.shoot(page)

    def go_on(self) -> None:
        """Press the button that leads on: with the mouse, or by Enter, which does so anywhere on a page."""
        self.hands.go_on(mouse=self.mouse)

    def to_the_review(self) -> None:
        """From the first page, which has practice chosen or chooses it now, to the one before anything changes."""
        self.is_ready(Page.START)
        if not self.mouse:
            self.hands.press("alt+p")
        for page in (Page.WHAT, Page.CHECKS, Page.REVIEW):
            self.go_on()
            self.is_ready(page)

    def close(self) -> None:
        """Press the last page's button; the window goes, and the program has nothing to complain of."""
        if self.mouse:
            self.go_on()
        else:
            self.hands.press("alt+c")
        assert self.hands.ended() == 0
        assert not self.hands.said
