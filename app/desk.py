"""An operator's place of work: the data folder, and how passwords and certificates are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app import datafolder
from app.errors import NotSent
from app.secrets import Memory, Passwords
from app.wire import Tap, no_tap

if TYPE_CHECKING:
    from app.connectors.connections import Connections
    from app.engine.clock import Clock
    from app.engine.journal import Journal
    from app.profile import Profile, Store
    from app.secrets import Ask
    from app.trust import Certificate, Trust


@dataclass(frozen=True)
class Desk:
    """One operator's place of work: the data folder, and how passwords and certificates are asked for.

    `ask` None: nobody is there. `trust_it` answers whether a certificate that is not known may be pinned. `clock` None:
    the workstation's own."""

    data: Path
    given: dict[str, str] = field(default_factory=dict, repr=False)
    ask: Ask | None = None
    trust_it: Callable[[str, Certificate, Certificate | None], bool] | None = None
    clock: Clock | None = None
    memory: Memory = field(default_factory=Memory, repr=False)

    @property
    def store(self) -> Store:
        from app.profile import Store

        return Store(self.data)

    @property
    def trust(self) -> Trust:
        from app.trust import Trust

        return Trust(self.data / "trust.json")

    def profile(self, name: str) -> Profile:
        """Return the profile of that name. `practice` is built in, and its environment is started if need be."""
        from app.profile import PRACTICE

        return self.practice() if name == PRACTICE else self.store.load(name)

    def practice(self) -> Profile:
        """Return the profile of the practice environment, which is started if need be."""
        from app.lab import practice, process

        datafolder.ready(self.data / "lab")
        published = process.start(self.data)
        known = self.trust.pins()
        for address, port, certificate in practice.certificates(published):
            pin = known.get(f"{address}:{port}")
            if pin is None or pin.certificate != certificate:
                self.trust.accept(address, port, certificate, seen_by_operator=False)
        return practice.practice_profile(published, self.data / "repository")

    def passwords(self, profile: Profile) -> Passwords:
        # what was typed for one profile stands under its name, and counts for that one alone
        typed = {
            name.partition("\0")[2]: word for name, word in self.given.items() if name.startswith(f"{profile.name}\0")
        }
        given = {name: word for name, word in self.given.items() if "\0" not in name} | typed
        if not profile.practice:
            return Passwords(profile.name, given, self.ask, self.memory)
        from app.lab.practice import practice_passwords

        # nobody knows these: one that was refused, because practice has it so, is looked up again and not asked for
        memory = Memory(self.memory.met)
        return Passwords(profile.name, practice_passwords(self.data) | given, self.ask, memory)

    def hide(self, words: str) -> str:
        """Return `words` without the passwords that this desk has met."""
        return self.memory.hide(words)

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

        datafolder.ready(self.data)
        journal = Journal(self.data / "journal.sqlite", hide=hide)
        try:
            yield journal
        finally:
            journal.close()

    def accept_certificates(self, profile: Profile) -> None:
        """Ask about certificates that are not known, before anything begins. Where the answer is no, say so and end."""
        from app.trust import Untrusted

        for system, address, port in places(profile):
            try:
                self.trust.context(system, address, port, old_tls=profile.options.old_tls)
            except Untrusted as error:
                if self.trust_it is None or not self.trust_it(system, error.certificate, error.pinned):
                    raise
                self.trust.accept(address, port, error.certificate)
            except NotSent:
                continue  # whoever needs that system says so in its own place


def places(profile: Profile) -> Iterator[tuple[str, str, int]]:
    """Yield system, address and port of everything in a profile that shows a certificate over TLS."""
    hosts = {host.name: host for host in (*profile.hosts(), *profile.security_servers)}
    for host in hosts.values():
        if host.tls:
            yield f"winrm:{host.name}", host.address, host.port
    for vcenter in profile.vcenters:
        yield f"vcenter:{vcenter.name}", vcenter.address, vcenter.port
