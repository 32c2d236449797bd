"""Third-party programs: found, or told apart why not.

By themselves these tests skip what is not installed. Under `build/make.py peers` everything has been installed that
can be: there a program that is missing without a reason fails its tests.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import TypeAlias

import pytest

Need: TypeAlias = Callable[[str, str], str]
"""Given a peer's name (as build/make.py calls it) and one of its programs, the program's path."""

ADMINISTRATORS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian keeps programs that are not on everybody's path."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.peers)


@pytest.fixture(scope="session")
def need() -> Need:
    told = os.environ.get("VIEWKEEPER_PEERS")
    reasons: dict[str, str] = json.loads(told) if told else {}

    def find(peer: str, program: str) -> str:
        if reason := reasons.get(peer):
            pytest.skip(f"skipped, because {reason}")
        path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *ADMINISTRATORS]))
        if path is None and told:
            pytest.fail(f"{program} is missing although {peer} was installed")
        if path is None:
            pytest.skip(f"skipped, because {program} is not installed: python3 build/make.py peers installs it")
        return path

    return find
