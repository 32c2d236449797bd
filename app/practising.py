"""The practice environment as a person meets it on the screen: its world now, and what can be made to happen in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from app.desk import Desk
from app.errors import UserError
from app.texts import Text, text


class Kind(StrEnum):
    """What can be made to happen: a situation, a failure, or what a person does."""

    SCENE = "scene"
    FAULT = "fault"
    ACT = "operator"


@dataclass(frozen=True)
class Offer:
    """One thing that can be made to happen; `options` are the names that it understands."""

    kind: Kind
    name: str
    about: Text
    options: tuple[str, ...] = ()


QUIET = "quiet"


def offers(desk: Desk) -> tuple[Offer, ...]:
    """Return everything that can be made to happen, by kind, in the practice environment's own order."""
    scenes, faults, acts = (_send(desk, command) for command in ("scenes", "faults", "acts"))
    return (
        *(_offer(Kind.SCENE, row) for row in scenes["scenes"]),
        *(_offer(Kind.FAULT, row) for row in faults["named"]),
        *(_offer(Kind.ACT, row) for row in acts["acts"]),
    )


def make(desk: Desk, offer: Offer, options: dict[str, str] | None = None) -> Text:
    """Make it happen; returns what was done. Raises UserError with what the practice environment says."""
    if offer.kind is Kind.FAULT:
        _send(desk, "fault", name=offer.name)
        return text("This will fail from now on: {name}", name=offer.name)
    answer = _send(desk, offer.kind, name=offer.name, options=options or {})
    if offer.kind is Kind.ACT:
        return msgspec.convert(answer["said"], Text)
    if offer.name == QUIET:
        return text("All scenes are struck.")
    return text("The scene is set: {name}", name=offer.name)


def clear_faults(desk: Desk) -> Text:
    """Take all faults away."""
    return text("{count} faults are gone.", count=_send(desk, "fault-clear")["cleared"])


def world(desk: Desk) -> dict[str, Any]:
    """Return the world as it is now: pools, services, work, faults, scenes, counts (`lab status --json`)."""
    return _send(desk, "status")


def _offer(kind: Kind, row: dict[str, Any]) -> Offer:
    # the practice environment tells its own words in English; as a message of the catalogue they are in any language
    return Offer(kind, row["name"], Text(row["about"]), tuple(row.get("options", ())))


def _send(desk: Desk, command: str, **arguments: Any) -> dict[str, Any]:
    from app.lab import process

    running = process.published(desk.data)
    if running is None:
        raise UserError(
            text("The practice environment is not running."),
            do=text("Choose Practise on the first page: it is started."),
        )
    return process.send(running, command, **arguments)
