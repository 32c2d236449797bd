"""The notice: a small file on the broker that says who runs what since when, and what is off meanwhile.

Every run reads it first, so that a second workstation neither collides nor takes "off" for normal, and can close what a
lost one left. Whether its writer lives is told by the broker's own clock: workstations' clocks may differ.
"""

from __future__ import annotations

import contextlib
import getpass
import platform
import threading
from collections.abc import Callable

import msgspec

from app.connectors.connections import Connections
from app.engine.journal import Held, Run
from app.errors import Busy, UserError
from app.profile import Broker
from app.runbooks.places import HOME, NOTICE
from app.texts import text
from app.wire import Command

FORMAT = 1
LEASE = 120.0  # seconds without a heartbeat after which a run counts as lost


class Note(msgspec.Struct, frozen=True):
    """The content of the notice. `held` is what was off when it was last written."""

    run: Run
    workstation: str
    user: str
    held: tuple[Held, ...] = ()
    over: bool = False
    format: int = FORMAT


class Found(msgspec.Struct, frozen=True):
    """A notice as it was found on a broker, and for how many seconds its writer has been silent."""

    note: Note
    broker: str
    silent: float

    @property
    def lost(self) -> bool:
        """Its run is over, or has been silent for so long that it does not live any more."""
        return self.note.over or self.silent > LEASE


class Damaged(UserError):
    """A notice that cannot be understood: who wrote it is not known."""


class Notice:
    """The engine's lease, on the profile's first broker. It has a connection of its own: a thread renews it."""

    def __init__(self, connections: Connections, ours: Callable[[str], bool] = lambda _run: False) -> None:
        """`ours` says of a run whether this workstation's journal has it: whoever holds the lock here knows it dead."""
        self._connections, self._ours = connections.branch(), ours
        self._lock = threading.Lock()
        self._note: Note | None = None

    def look(self, run: Run) -> None:
        """Raise Busy where another living run holds the environment, or a lost one has left something off."""
        with self._lock:
            self._look(run)

    def acquire(self, run: Run) -> None:
        with self._lock:
            self._look(run)
            try:
                self._write(Note(run, platform.node(), getpass.getuser()))
            except UserError:
                self._take_away(run)
                raise

    def note(self, held: tuple[Held, ...]) -> None:
        with self._lock:
            if self._note is not None:
                self._write(msgspec.structs.replace(self._note, held=held))

    def renew(self) -> None:
        with self._lock:
            if self._note is not None:
                self._look(self._note.run)
                self._write(self._note)

    def release(self, left: tuple[Held, ...]) -> None:
        """Remove the notice; where something is left off it stays, and says that its run is over."""
        with self._lock:
            if self._note is None:
                return
            if left:
                self._write(msgspec.structs.replace(self._note, held=left, over=True))
            else:
                self._remove()
            self._note = None

    def commands(self) -> tuple[Command, ...]:
        """Return what writing and removing the notice sends, for the dry run."""
        host = self._connections.host(self._broker().host)
        return (host.command("make-folder", path=HOME), *host.put_commands(NOTICE), host.command("remove", path=NOTICE))

    def close(self) -> None:
        """Close its own connection."""
        self._connections.close()

    def _look(self, run: Run) -> None:
        for found in read_all(self._connections):
            if found.note.run.id == run.id or self._ours(found.note.run.id):
                continue
            if not found.lost:
                raise busy(found)
            if found.note.held:
                raise _left_off(found)

    def _write(self, note: Note) -> None:
        host = self._connections.host(self._broker().host)
        if self._note is None:
            host.make_folder(HOME)
        host.put(msgspec.json.encode(note), NOTICE)
        self._note = note

    def _remove(self) -> None:
        host = self._connections.host(self._broker().host)
        host.remove(NOTICE)
        if host.file(NOTICE):
            raise UserError(
                text("The notice could not be removed: {path}.", path=NOTICE),
                text("It is still there when looked for."),
                text("Delete it on {host} by hand.", host=self._broker().host.name),
            )

    def _take_away(self, run: Run) -> None:
        """Remove what a writing that failed has left: a damaged notice would keep everyone out."""
        with contextlib.suppress(UserError):
            try:
                found = read(self._connections, self._broker())
            except Damaged:
                self._remove()  # before we wrote, what lay there could be read
            else:
                if found is not None and found.note.run.id == run.id:
                    self._remove()

    def _broker(self) -> Broker:
        return self._connections.profile.brokers[0]


def read_all(connections: Connections) -> tuple[Found, ...]:
    """Return the notices on the brokers of the profile. The first broker must answer; another that does not is passed
    over here, and told by its own check."""
    first, *others = connections.profile.brokers
    found = [read(connections, first)]
    for broker in others:
        with contextlib.suppress(UserError):
            found.append(read(connections, broker))
    return tuple(notice for notice in found if notice is not None)


def read(connections: Connections, broker: Broker) -> Found | None:
    """Return the notice on one broker, or None. Raises Damaged, and UserErrors of looking."""
    host = connections.host(broker.host)
    facts = host.file(NOTICE)
    if facts is None:
        return None
    content = host.read(NOTICE)
    try:
        note = msgspec.json.decode(content, type=Note)
    except msgspec.MsgspecError as error:
        raise Damaged(
            text("The notice on {host} cannot be understood: {path}.", host=broker.host.name, path=NOTICE),
            str(error),
            text("Look at it on the broker; delete it only if no other workstation is at work."),
        ) from error
    return Found(note, broker.host.name, (host.clock() - facts.modified).total_seconds())


def remove_lost(connections: Connections, found: Found) -> None:
    """Take away the notice of a run that left nothing off, or whose leftovers this workstation has closed."""
    broker = next(broker for broker in connections.profile.brokers if broker.host.name == found.broker)
    connections.host(broker.host).remove(NOTICE)


def busy(found: Found) -> Busy:
    """Return the error that names a run which lives."""
    run = found.note.run
    return Busy(
        text("Another run is going on in this environment: {run}.", run=run.id),
        text(
            "{user} on {workstation} has been at it; last sign of life {seconds} seconds ago.",
            user=found.note.user, workstation=found.note.workstation, seconds=round(found.silent),
        ),
        text("Wait until it has ended; silent for {seconds} seconds, it counts as lost.", seconds=round(LEASE)),
    )  # fmt: skip


def _left_off(found: Found) -> Busy:
    run = found.note.run
    return Busy(
        text("A lost run has left something off in this environment: {run}.", run=run.id),
        text("Off: {what}", what="; ".join(str(held.what_is_off) for held in found.note.held)),
        text("Close it first: resume {run}, or undo {run}.", run=run.id),
    )
