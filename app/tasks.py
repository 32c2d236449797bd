"""What can be done with a profile, without a screen and without words: the command line and the wizard both call this."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import profile as profiles
from app.errors import Refused
from app.profile import PRACTICE, Profile, Store
from app.secrets import Ask, Passwords
from app.texts import text
from app.trust import Certificate, Trust
from app.wire import Tap, no_tap

if TYPE_CHECKING:
    from app.backupset.repository import Found
    from app.connectors.connections import Connections
    from app.engine.ending import Ending
    from app.engine.events import Sink
    from app.engine.journal import Journal, Run
    from app.engine.planning import PlannedPart
    from app.engine.prompter import Prompter
    from app.observation import Observation
    from app.runbooks.notice import Found as FoundNotice


@dataclass(frozen=True)
class Desk:
    """One operator's place of work: the data folder, and how passwords and certificates are asked for.

    `ask` None: nobody is there. `trust_it` answers whether a certificate that is not known may be pinned."""

    data: Path
    given: dict[str, str] = field(default_factory=dict, repr=False)
    ask: Ask | None = None
    trust_it: Callable[[str, Certificate, Certificate | None], bool] | None = None

    @property
    def store(self) -> Store:
        return Store(self.data)

    @property
    def trust(self) -> Trust:
        return Trust(self.data / "trust.json")

    def profile(self, name: str) -> Profile:
        """Return the profile of that name. `practice` is the built-in one: its environment is started where it is not."""
        return self._practice() if name == PRACTICE else self.store.load(name)

    def passwords(self, profile: Profile) -> Passwords:
        if not profile.practice:
            return Passwords(profile.name, self.given, self.ask)
        from app.lab.practice import practice_passwords

        return Passwords(profile.name, practice_passwords(self.data) | self.given, self.ask)

    @contextlib.contextmanager
    def connections(self, profile: Profile, tap: Tap = no_tap) -> Iterator[Connections]:
        """Give a profile's connections, and close them."""
        from app.connectors.connections import Connections

        with Connections(profile, self.passwords(profile), self.trust, tap) as opened:
            yield opened

    @contextlib.contextmanager
    def journal(self, hide: Callable[[str], str] = str) -> Iterator[Journal]:
        """Give this workstation's journal, and close it."""
        from app.engine.journal import Journal

        self.data.mkdir(parents=True, exist_ok=True)
        journal = Journal(self.data / "journal.sqlite", hide=hide)
        try:
            yield journal
        finally:
            journal.close()

    def _practice(self) -> Profile:
        from app.lab import practice, process

        published = process.start(self.data)
        for system, address, port, certificate in practice.certificates(published):
            del system  # pinned by place: that is what is looked up
            if (known := self.trust.pins().get(f"{address}:{port}")) is None or known.certificate != certificate:
                self.trust.accept(address, port, certificate)
        return practice.practice_profile(published, self.data / "repository")
