"""Whole practice environments, one for each worker, set back to its beginning before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.null import Keyring

from app import paths
from tests.scenarios.environment import Environment


@pytest.fixture(scope="session")
def _kept_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    environment = Environment(tmp_path_factory.mktemp("environment"))
    yield environment
    environment.close()


@pytest.fixture
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the workstation's own keyring and data folder out of a test, and what it sets out of the next one."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "nowhere"))
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]  # the library annotates it half
    yield
    keyring.set_keyring(before)


@pytest.fixture
def environment(_kept_environment: Environment, _alone: None) -> Environment:
    """A practice environment of 40 desktops in which nothing takes time, as it was founded.

    Its process is shared by the tests of a worker: whoever kills clients and leaves shells behind takes
    `own_environment`."""
    _kept_environment.back()
    return _kept_environment


@pytest.fixture
def own_environment(tmp_path: Path, _alone: None) -> Iterator[Environment]:
    """A practice environment of its own, for tests that kill processes or set a pace."""
    environment = Environment(tmp_path / "data")
    yield environment
    environment.close()
