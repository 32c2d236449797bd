"""The notice: a small file on the broker that says who runs what since when, and what is off meanwhile.

Every run reads it first, so that a second workstation neither collides nor takes "off" for normal, and can close what a
lost one left. Whether its writer lives is told by the broker's own clock: workstations' clocks may differ.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import platform
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from app.connectors.connections import Connections
from app.connectors.winrm import ThereAlready
from app.engine.journal import Held, Run
from app.errors import Busy, UserError
from app.profile import Broker
from app.runbooks.places import HOME, NOTICE
from app.texts import SEMICOLON, Text, listed, text
from app.wire import Command

if TYPE_CHECKING:
    from app.connectors.winrm import WinRm

FORMAT = 1
LEASE = 120.0  # seconds without a heartbeat after which a run counts as lost


class Note(msgspec.Struct, frozen=True):
    """The content of the notice. `held` is what was off when it was last written."""

    run: Run
    workstation: str
    user: str
    held: tuple[Held, ...] = ()
    over: bool = False
    token: str = ""  # who took it: the same run may be gone on with from two workstations
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


def of_this_workstation(note: Note) -> bool:
    """Say whether this workstation's user wrote it: names that others may bear too, so it is no proof by itself."""
    return (note.workstation, note.user) == (platform.node(), getpass.getuser())


class Damaged(UserError):
    """A notice that cannot be understood: who wrote it is not known."""


class Notice:
    """The engine's lease, on the profile's first broker. It has a connection of its own: a thread renews it."""

    def __init__(self, connections: Connections, ours: Callable[[Note], bool] = lambda _note: False) -> None:
        """`ours` says whether a run of this workstation wrote a note, and its process is known to have ended."""
        self._connections, self._ours = connections.branch(), ours
        self._lock = threading.Lock()
        self._note: Note | None = None
        self._token = uuid.uuid4().hex
        self._elsewhere: tuple[Found, ...] = ()  # dead notices on other brokers, that go when the run has ended well

    def look(self, run: Run) -> None:
        """Raise Busy where another living run holds the environment, or a lost one has left something off."""
        with self._lock:
            self._look(run)

    def acquire(self, run: Run) -> None:
        with self._lock:
            there = self._look(run)
            try:
                self._take(Note(run, platform.node(), getpass.getuser(), token=self._token), there)
            except UserError as error:
                self._note = None
                self._take_away(damaged=not isinstance(error, Busy))
                raise

    def note(self, held: tuple[Held, ...]) -> None:
        with self._lock:
            if self._note is not None:
                self._standing()
                self._replace(msgspec.structs.replace(self._note, held=held))

    def renew(self) -> None:
        with self._lock:
            if self._note is not None:
                self._look(self._note.run)
                if self._standing():
                    self._replace(self._note)
                else:
                    self._place(self._note)

    def release(self, left: tuple[Held, ...]) -> None:
        """Remove the notice; where something is left off it stays, and says that its run is over."""
        with self._lock:
            note, self._note = self._note, None
            if note is None:
                return
            with contextlib.suppress(Damaged):  # by a writing of ours that failed: nobody else may write here now
                self._standing()
            if left:
                self._replace(msgspec.structs.replace(note, held=left, over=True))
                self._note = None
                return
            if self._host().file(_part(note.run.id)):  # a renaming that was said to be done, and was not
                self._host().remove(_part(note.run.id))
            self._remove()
            for found in self._elsewhere:
                self._clear(found)

    def commands(self, run: str) -> tuple[Command, ...]:
        """Return what writing, renewing and removing the notice sends, for the dry run."""
        host, part = self._host(), _part(run)
        sent = (
            host.command("make-folder", path=HOME),
            *host.put_commands(NOTICE, part, only_new=True),
            *host.put_commands(NOTICE, part),
            host.command("remove", path=NOTICE),
        )
        return tuple(dict.fromkeys(sent))

    def close(self) -> None:
        """Close its own connection."""
        self._connections.close()

    # ---- looking

    def _look(self, run: Run) -> tuple[Found, ...]:
        """Return the dead notices that this run may replace. Raises Busy where there is one that it may not."""
        return self._replaceable(run, read_all(self._connections))

    def _replaceable(self, run: Run, there: tuple[Found, ...]) -> tuple[Found, ...]:
        dead = []
        for found in there:
            if found.note.token == self._token:
                continue
            ours = self._ours(found.note)
            if not (found.lost or ours):
                raise busy(found)
            here = ours and found.note.run.environment == self._connections.profile.place
            if found.note.held and found.note.run.id != run.id and not here:
                raise _left_off(found)
            dead.append(found)
        return tuple(dead)

    def _standing(self) -> bool:
        """Say whether our notice still stands. Raises Busy where another's does."""
        found = _noted(self._connections, self._broker(), NOTICE)
        if found is not None and found[0].token != self._token:
            raise _overtaken(text("Its notice stands on the broker: {run}.", run=found[0].run.id))
        return found is not None

    # ---- writing

    def _take(self, note: Note, dead: tuple[Found, ...]) -> None:
        """Write the notice where none lies, and look again: of several who come at once, one gets it."""
        first = self._broker().host.name
        self._elsewhere = tuple(found for found in dead if found.broker != first)
        self._host().make_folder(HOME)
        for found in dead:
            if found.broker == first:
                self._set_aside(found, note.run)
        self._place(note)
        self._replaceable(note.run, _others(self._connections))
        if not self._standing():
            raise _overtaken(text("The notice that was just written is not there any more."))

    def _set_aside(self, dead: Found, run: Run) -> None:
        """Take a dead notice out of the way in an act that only one can do; what has come to life is put back."""
        host, aside = self._host(), f"{NOTICE}.{run.id}.old"
        host.remove(aside)
        try:
            host.claim(NOTICE, aside)
        except UserError as error:
            if host.file(NOTICE) is None:
                raise _overtaken(text("Somebody else has just replaced the notice of a lost run.")) from error
            raise
        moved = read(self._connections, self._broker(), aside)
        if moved is None or moved.note != dead.note or not (moved.lost or self._ours(moved.note)):
            with contextlib.suppress(ThereAlready):  # then a third has come, and the one that was moved learns of it
                host.claim(aside, NOTICE)
            host.remove(aside)
            raise _overtaken(text("Somebody else has just replaced the notice of a lost run."))
        host.remove(aside)

    def _place(self, note: Note) -> None:
        content, part = msgspec.json.encode(note), _part(note.run.id)
        try:
            self._host().put(content, NOTICE, temporary=part, only_new=True)
        except ThereAlready as error:
            raise _overtaken(text("Somebody else has just written the notice.")) from error
        self._note = note

    def _replace(self, note: Note) -> None:
        self._host().put(msgspec.json.encode(note), NOTICE, temporary=_part(note.run.id))
        self._note = note

    def _remove(self) -> None:
        host = self._host()
        host.remove(NOTICE)
        if host.file(NOTICE):
            raise UserError(
                text("The notice could not be removed: {path}.", path=NOTICE),
                text("It is still there when looked for."),
                text("Delete it on {host} by hand.", host=self._broker().host.name),
            )

    def _clear(self, found: Found) -> None:
        """Remove a dead notice on another broker, if it is still the one that was found dead."""
        broker = next(one for one in self._connections.profile.brokers if one.host.name == found.broker)
        now = read(self._connections, broker)
        if now is not None and now.note == found.note and (now.lost or self._ours(now.note)):
            self._connections.host(broker.host).remove(NOTICE)

    def _take_away(self, *, damaged: bool) -> None:
        """Remove what a writing that failed has left: a notice that is `damaged` would keep everyone out."""
        with contextlib.suppress(UserError):
            try:
                found = read(self._connections, self._broker())
            except Damaged:
                if damaged:
                    self._remove()  # before we wrote, what lay there could be read
            else:
                if found is not None and found.note.token == self._token:
                    self._remove()

    def _host(self) -> WinRm:
        return self._connections.host(self._broker().host)

    def _broker(self) -> Broker:
        return self._connections.profile.brokers[0]


def read_all(connections: Connections) -> tuple[Found, ...]:
    """Return the notices on the brokers of the profile. The first broker must answer; another that does not is passed
    over here, and told by its own check."""
    first = read(connections, connections.profile.brokers[0])
    return (*((first,) if first else ()), *_others(connections))


def _others(connections: Connections) -> tuple[Found, ...]:
    found = []
    for broker in connections.profile.brokers[1:]:
        with contextlib.suppress(UserError):
            found.append(read(connections, broker))
    return tuple(notice for notice in found if notice is not None)


def read(connections: Connections, broker: Broker, path: str = NOTICE) -> Found | None:
    """Return the notice on one broker, or None. Raises Damaged, and UserErrors of looking."""
    found = _noted(connections, broker, path)
    if found is None:
        return None
    note, modified = found
    return Found(note, broker.host.name, (connections.host(broker.host).clock() - modified).total_seconds())


def _noted(connections: Connections, broker: Broker, path: str) -> tuple[Note, datetime.datetime] | None:
    host = connections.host(broker.host)
    facts = host.file(path)
    if facts is None:
        return None
    content = host.read(path)
    try:
        note = msgspec.json.decode(content, type=Note)
    except msgspec.MsgspecError as error:
        raise Damaged(
            text("The notice on {host} cannot be understood: {path}.", host=broker.host.name, path=path),
            str(error),
            text("Look at it on the broker; delete it only if no other workstation is at work."),
        ) from error
    return note, facts.modified


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


def _overtaken(why: Text) -> Busy:
    return Busy(
        text("Another run has taken this environment."),
        why,
        text("Wait a few minutes, list the runs with `runs`, then try again."),
    )


def _part(run: str) -> str:
    """Return under which name a run writes the notice: two that write at once must not share one."""
    return f"{NOTICE}.{run}.part"


def _left_off(found: Found) -> Busy:
    run = found.note.run
    return Busy(
        text("A lost run has left something off in this environment: {run}.", run=run.id),
        text("Off: {what}", what=listed((held.what_is_off for held in found.note.held), SEMICOLON)),
        text("Close it first: resume {run}, or undo {run}.", run=run.id),
    )
