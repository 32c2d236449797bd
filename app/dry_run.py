"""The plan of a backup, line by line, with every command that changes something. Looks only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.desk import Desk
from app.profile import Profile, refuse_unreachable
from app.texts import NOTHING, Text, text
from app.wire import Command

if TYPE_CHECKING:
    from app.engine.planning import PlannedStep


@dataclass(frozen=True)
class PlannedLine:
    """A line of the plan: how deep it stands, its step, what is done, and what it sends that changes something.

    `why` is the paper's reason; `unknown` says why the commands cannot be told beforehand. `closing`: it puts back what
    an earlier line of the same key has switched off; `off` says there what that is."""

    depth: int
    key: str
    title: Text
    commands: tuple[Command, ...] = ()
    why: Text = NOTHING
    unknown: Text = NOTHING
    off: Text = NOTHING
    closing: bool = False

    @property
    def words(self) -> str:
        return f"{self.title} — {self.unknown}" if self.unknown.message else str(self.title)

    def as_json(self) -> dict[str, Any]:
        return {
            "depth": self.depth, "key": self.key, "words": self.words,
            "commands": [{"system": command.system, "text": command.text} for command in self.commands],
        }  # fmt: skip


def plan(desk: Desk, profile: Profile) -> tuple[PlannedLine, ...]:
    """Return what a backup would do, line by line, with every command that changes something, that of the checks before
    it too. Looks only."""
    from app.engine.planning import plan as planned
    from app.engine.planning import planning_context
    from app.runbooks.backup import backup
    from app.runbooks.notice import Notice

    refuse_unreachable(profile)
    desk.accept_certificates(profile)
    inputs = {"profile": profile.name, "folder": str(Path(profile.repository) / "dry-run"), "started": ""}
    with desk.connections(profile) as c, contextlib.closing(Notice(c)) as notice:
        ctx = planning_context(profile.place, c, inputs)
        asked = text("Look whether a backup can begin; the right to switch pools is tried on one that does not exist")
        check = PlannedLine(0, "check", asked, (c.broker().asking_command(),))
        sent = notice.commands(ctx.run)
        first = PlannedLine(0, "notice", text("Write the notice on the broker, and renew it"), sent)
        return (check, first, *_lines(planned(backup(profile), ctx), 0))


def _lines(parts: Iterable[PlannedStep], depth: int) -> Iterator[PlannedLine]:
    for part in parts:
        yield PlannedLine(depth, part.key, part.title, part.commands, part.why, part.unknown)
        yield from _lines(part.parts, depth + 1)
        if part.closing:
            back = text("Put back: {title}", title=part.title)
            yield PlannedLine(depth, part.key, back, part.closing, off=part.off, closing=True)
