"""A check: a question to the environment, and what its answers mean for a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from app.backupset.manifest import Manifest
from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.texts import Text, text

AGAIN = text("Mend that, then look again.")


class Meaning(StrEnum):
    """What a bad or an unknown answer does to a run."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True)
class Surroundings:
    """What checks may look at beside the environment itself: the newest whole set, or why it is not known."""

    last_set: Manifest | None = None
    sets_unknown: UserError | None = None
    now: Callable[[], float] = time.time

    def newest_set(self) -> Manifest | None:
        """Return the manifest of the newest whole set, None where there is none. Raises UserError."""
        if self.sets_unknown is not None:
            raise self.sets_unknown
        return self.last_set


Answer: TypeAlias = Observation | Iterable[Observation]


@dataclass(frozen=True)
class Check:
    """One row of the table. `look` gives one observation for each system that it asks; what it raises is an unknown.

    `bad` and `unknown` say what such an answer does. Where `bad` blocks, lesser trouble may still only warn."""

    key: str
    title: Text
    why: Text
    needed: Text
    bad: Meaning
    unknown: Meaning
    look: Callable[[Connections, Surroundings], Answer]

    def answers(self, c: Connections, around: Surroundings) -> tuple[Observation, ...]:
        """Look, and return what was seen; what cannot be looked at is unknown, never passed."""
        try:
            found = self.look(c, around)
            seen = (found,) if isinstance(found, Observation) else tuple(found)
        except UserError as error:
            seen = (could_not_look(self.key, error),)
        return tuple(self._weighed(observation) for observation in seen)

    def blocks(self, seen: Observation) -> bool:
        """Say whether this answer keeps a run from beginning."""
        if seen.state is State.UNKNOWN:
            return self.unknown is Meaning.BLOCKS
        return seen.state is State.BLOCKED

    def _weighed(self, seen: Observation) -> Observation:
        milder = seen.state is State.BLOCKED and self.bad is Meaning.WARNS
        remedy = seen.remedy if seen.remedy.message or seen.state is State.PASSED else AGAIN
        return msgspec.structs.replace(
            seen,
            state=State.WARNING if milder else seen.state,
            needed=seen.needed if seen.needed.message else self.needed,
            remedy=remedy,
        )


Asked: TypeAlias = tuple[str, Callable[[], Observation]]
"""A system, and the question put to it."""


def each_system(key: str, asked: Iterable[Asked]) -> tuple[Observation, ...]:
    """Ask one system after the other; one that cannot be looked at does not keep the others from it."""
    seen = []
    for system, ask in asked:
        try:
            seen.append(ask())
        except UserError as error:
            seen.append(could_not_look(key, error, system))
    return tuple(seen)
