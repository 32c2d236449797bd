"""What can be done with a profile, without a screen: the command line and the wizard both call this."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import app
from app import datafolder
from app.errors import NotSent, Refused, UserError
from app.observation import Observation, State
from app.profile import PRACTICE, Profile, Store, digest, unreachable
from app.secrets import Ask, Passwords
from app.texts import NOTHING, Text, text
from app.trust import Certificate, Trust
from app.wire import Command, Tap, no_tap

if TYPE_CHECKING:
    from app.backupset.repository import Found
    from app.connectors.connections import Connections
    from app.engine.clock import Clock, StopToken
    from app.engine.ending import Ending
    from app.engine.events import Sink
    from app.engine.journal import Journal, Run
    from app.engine.planning import PlannedStep
    from app.engine.prompter import Prompter
    from app.engine.runner import Runner
    from app.runbooks.checks.check import Check


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

    @property
    def store(self) -> Store:
        return Store(self.data)

    @property
    def trust(self) -> Trust:
        return Trust(self.data / "trust.json")

    def profile(self, name: str) -> Profile:
        """Return the profile of that name. `practice` is built in, and its environment is started if need be."""
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

    def _practice(self) -> Profile:
        from app.lab import practice, process

        datafolder.ready(self.data / "lab")
        published = process.start(self.data)
        known = self.trust.pins()
        for address, port, certificate in practice.certificates(published):
            pin = known.get(f"{address}:{port}")
            if pin is None or pin.certificate != certificate:
                self.trust.accept(address, port, certificate, seen_by_operator=False)
        return practice.practice_profile(published, self.data / "repository")


def places(profile: Profile) -> Iterator[tuple[str, str, int]]:
    """Yield system, address and port of everything in a profile that shows a certificate over TLS."""
    hosts = {host.name: host for host in (*profile.hosts(), *profile.security_servers)}
    for host in hosts.values():
        if host.tls:
            yield f"winrm:{host.name}", host.address, host.port
    for vcenter in profile.vcenters:
        yield f"vcenter:{vcenter.name}", vcenter.address, vcenter.port


# ---- looking


@dataclass(frozen=True)
class Answer:
    """One answer of a check: what was seen, and whether it keeps a run from beginning."""

    check: Check
    seen: Observation

    @property
    def blocks(self) -> bool:
        return self.check.blocks(self.seen)


@dataclass(frozen=True)
class Looked:
    """All answers of the checks."""

    answers: tuple[Answer, ...]

    @property
    def outcome(self) -> str:
        """Return done (a run may begin), blocked, or unknown (what blocks is that something could not be looked at)."""
        blocking = [answer.seen.state for answer in self.answers if answer.blocks]
        if not blocking:
            return "done"
        return "blocked" if State.BLOCKED in blocking else "unknown"

    @property
    def warnings(self) -> tuple[Answer, ...]:
        """Return what is neither in order nor keeps a run from beginning; an unattended run may stop for it."""
        return tuple(a for a in self.answers if a.seen.state is not State.PASSED and not a.blocks)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "check": answer.check.key, "key": answer.seen.key, "state": answer.seen.state.value,
                "blocks": answer.blocks, "system": answer.seen.system, "found": str(answer.seen.found),
                "needed": str(answer.seen.needed), "remedy": str(answer.seen.remedy),
            }
            for answer in self.answers
        ]  # fmt: skip


def look(desk: Desk, profile: Profile, tell: Callable[[Answer], None]) -> Looked:
    """Ask all checks, telling each answer as it comes. Changes nothing."""
    from app.runbooks.checks.check import Surroundings
    from app.runbooks.checks.table import look as ask

    desk.accept_certificates(profile)
    try:
        whole = [found.manifest for found in sets(profile) if found.manifest]
        around = Surroundings(whole[0] if whole else None)
    except UserError as error:
        around = Surroundings(sets_unknown=error)
    answers = []
    with desk.connections(profile) as c:
        for check, seen in ask(c, around):
            answers.append(Answer(check, seen))
            tell(answers[-1])
    return Looked(tuple(answers))


# ---- sets


def sets(profile: Profile) -> list[Found]:
    """Return what lies in a profile's repository, newest first."""
    from app.backupset import repository

    return repository.sets(profile.repository, profile.name)


def set_json(found: Found) -> dict[str, Any]:
    """Return a found set for `--json`."""
    if found.manifest is None:
        return {"set": str(found.folder), "whole": False, "problem": str(found.problem)}
    whole = bool(found.manifest.read_whole)
    m = found.manifest
    return {
        "set": str(found.folder), "whole": whole, "run": m.run, "completed": m.completed, "parts": len(m.parts),
        "freeze_seconds": m.freeze_seconds, "skew_seconds": m.skew_seconds,
    }  # fmt: skip


def verify(
    desk: Desk, profile: str, name: str, tell: Callable[[Observation], None]
) -> tuple[Path, tuple[Observation, ...]]:
    """Read a set whole, telling what is seen of each file. `name` is a folder, a set's name or its run."""
    from app.backupset import repository, verifying
    from app.runbooks.fetching import content_checks

    folder = Path(name)
    if not folder.is_dir():
        candidates = [found.folder for found in sets(desk.profile(profile)) if _named(found.folder, name)]
        if len(candidates) != 1:
            raise Refused(
                text("There is no backup set {name}.", name=name),
                text("Neither a folder nor a set of the profile has this name."),
                text("List the sets with `sets`."),
            )
        folder = candidates[0]
    seen = []
    manifest = repository.open_set(folder)
    for found in verifying.verify(folder, manifest, content_checks(manifest)):
        seen.append(found)
        tell(found)
    return folder, tuple(seen)


def _named(folder: Path, name: str) -> bool:
    return folder.name == name or folder.name.endswith(f"-{name}")


# ---- runs


def new_run(moment: datetime.datetime) -> str:
    """Return the name of a new run: its UTC time and four digits, so that two workstations never share one."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def back_up(
    desk: Desk,
    profile: Profile,
    prompter: Prompter,
    sink: Sink,
    stop: StopToken | None = None,
    now: float | None = None,
) -> Ending:
    """Make a backup, from the vSphere part to the whole set. Returns how it ended; raises before anything was begun."""
    from app.backupset import repository

    desk.accept_certificates(profile)
    started = datetime.datetime.fromtimestamp(now or time.time(), datetime.UTC)
    run = new_run(started)
    folder = repository.folder_of(profile.repository, profile.name, repository.folder_name(started, run))
    inputs = {"profile": profile.name, "folder": str(folder), "started": f"{started:%Y-%m-%dT%H:%M:%SZ}"}
    inputs |= _begun_with(profile)
    with _runner(desk, profile, inputs, prompter, sink, stop) as runner:
        repository.make_folder(folder)
        return runner.run(run)


def close_left(
    desk: Desk, profile: Profile, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending | None:
    """Put back what runs of this workstation left off whose process died, or that could not, and take their notice
    away. Before the checks: both else block them. Returns how the first ended that could not be closed, None where
    nothing is off any more. Raises Busy where another run lives."""
    from app import leftovers
    from app.engine.ending import Status

    desk.accept_certificates(profile)
    with desk.journal() as journal, desk.connections(profile) as c:
        dead = [run.id for run in leftovers.dead(desk.data, journal, c)]
    for run in dead:
        ending = _come_back(desk, profile, run, prompter, sink, stop, _closing(run))
        if ending.off or ending.status in (Status.BUSY, Status.REFUSED):
            return ending
    return None


def _closing(run: str) -> Callable[[Runner], Ending]:
    return lambda runner: runner.close_only(run)


def _begun_with(profile: Profile) -> dict[str, str]:
    """Return what must be the same when a run is gone on with: what it has captured must not mix two environments."""
    return {"program": app.__version__, "described": digest(profile)}


def resume(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending:
    """Close what a run left off, keep what still stands, do the rest in a new freeze."""
    return _come_back(desk, profile, run, prompter, sink, stop, lambda runner: runner.resume(run))


def undo(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None = None
) -> Ending:
    """Close what a run left off; what it captured so far is no set, and its folder goes."""
    from app.engine.ending import Status

    with desk.journal() as journal:
        if any(known.id == run and known.status == Status.DONE for known in journal.runs()):
            raise Refused(
                text("The run {run} has ended well: there is nothing to undo.", run=run),
                text("Everything that it had switched off is on again, and its set is whole."),
                text("Delete the set's folder by hand if it is not wanted."),
            )
    ending = _come_back(desk, profile, run, prompter, sink, stop, lambda runner: runner.undo(run))
    if ending.status is Status.UNDONE:
        with desk.journal() as journal:
            if not _whole_all_the_same(journal, run):
                _remove_unfinished(profile, journal.run(run))
    return ending


def plan(desk: Desk, profile: Profile) -> tuple[PlannedLine, ...]:
    """Return what a backup would do, line by line, with every command that changes something, that of the checks before
    it too. Looks only."""
    from app.engine.planning import plan as planned
    from app.engine.planning import planning_context
    from app.runbooks.backup import backup
    from app.runbooks.notice import Notice

    _refuse_unreachable(profile)
    desk.accept_certificates(profile)
    inputs = {"profile": profile.name, "folder": str(Path(profile.repository) / "dry-run"), "started": ""}
    with desk.connections(profile) as c, contextlib.closing(Notice(c)) as notice:
        ctx = planning_context(profile.place, c, inputs)
        asked = text("Look whether a backup can begin; what is asked of a pool that does not exist changes nothing")
        check = PlannedLine(0, "check", asked, (c.broker().asking_command(),))
        sent = notice.commands(ctx.run)
        first = PlannedLine(0, "notice", text("Write the notice on the broker, and renew it"), sent)
        return (check, first, *_lines(planned(backup(profile), ctx), 0))


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


def _lines(parts: Iterable[PlannedStep], depth: int) -> Iterator[PlannedLine]:
    for part in parts:
        yield PlannedLine(depth, part.key, part.title, part.commands, part.why, part.unknown)
        yield from _lines(part.parts, depth + 1)
        if part.closing:
            back = text("Put back: {title}", title=part.title)
            yield PlannedLine(depth, part.key, back, part.closing, off=part.off, closing=True)


def of_set(ending: Ending) -> dict[str, Any]:
    """Return what `--json` says of the set that a run has completed; empty where it completed none."""
    done = ending.evidence.get("backup/complete")
    if not done or ending.exit_code != 0:
        return {}
    weak = [str(msgspec.convert(weakness, Text)) for weakness in done["weaknesses"]]
    return {**done, "weaknesses": weak}


def _refuse_unreachable(profile: Profile) -> None:
    """Raise Refused for a profile that was written by hand, or before this was asked of one."""
    for seen in unreachable(profile):
        raise Refused(text("The profile cannot be used."), seen.found, seen.remedy)


@contextlib.contextmanager
def _runner(
    desk: Desk, profile: Profile, inputs: dict[str, Any], prompter: Prompter, sink: Sink, stop: StopToken | None
) -> Iterator[Runner]:
    from app import leftovers, logs
    from app.engine import clock
    from app.engine.runner import Runner
    from app.engine.session import Surroundings
    from app.runbooks.backup import backup
    from app.runbooks.closers import CLOSERS
    from app.runbooks.notice import Notice

    _refuse_unreachable(profile)
    with (
        desk.connections(profile) as c,
        desk.journal(c.passwords.hide) as journal,
        contextlib.closing(Notice(c, partial(leftovers.ended_here, desk.data, journal, profile.place))) as lease,
        logs.kept(desk.data, sink) as told,
    ):
        given = Surroundings(
            profile.place, journal, c, told, prompter, CLOSERS, lease=lease, stop=stop or clock.StopToken(),
            clock=desk.clock or clock.SystemClock(), hide=c.passwords.hide,
        )  # fmt: skip
        yield Runner(given, backup(profile), inputs)


def _come_back(
    desk: Desk, profile: Profile, run: str, prompter: Prompter, sink: Sink, stop: StopToken | None,
    work: Callable[[Runner], Ending],
) -> Ending:  # fmt: skip
    desk.accept_certificates(profile)
    _adopt(desk, profile, run)
    with desk.journal() as journal:
        inputs = journal.run(run).inputs | _begun_with(profile)
    with _runner(desk, profile, inputs, prompter, sink, stop) as runner:
        return work(runner)


def _adopt(desk: Desk, profile: Profile, run: str) -> None:
    """Take a run over that only the broker's notice tells of: another workstation began it, and is lost."""
    from app.runbooks import adopting, notice

    with desk.journal() as journal:
        if run in {known.id for known in journal.runs()}:
            return
        with desk.connections(profile) as c:
            found = next((one for one in notice.read_all(c) if one.note.run.id == run), None)
        if found is None:
            raise Refused(
                text("There is no run {run}.", run=run),
                text("Neither this workstation's journal nor the broker's notice knows it."),
                text("List the runs with `runs`."),
            )
        if not found.lost:
            raise notice.busy(found)
        journal.adopt(*adopting.believed(found.note, profile))


def _whole_all_the_same(journal: Journal, run: str) -> bool:
    """Say whether a run had completed its set, and only its own end was not written down any more. A manifest of a run
    taken over from another workstation is believed: it is written once every part has been read."""
    from app.backupset import manifest
    from app.engine.journal import GOOD

    effects = journal.effects(run)
    if effects:
        return any(effect.key == "backup/complete" and effect.phase in GOOD for effect in effects)
    return (Path(str(journal.run(run).inputs.get("folder"))) / manifest.NAME).exists()


def _remove_unfinished(profile: Profile, run: Run) -> None:
    from app.backupset import repository
    from app.runbooks import adopting

    folder = Path(str(run.inputs.get("folder")))
    if not adopting.is_unfinished_set(str(folder), run.id, profile.repository, run.inputs.get("profile")):
        return
    if folder.is_dir():
        with repository.guarded(folder):
            shutil.rmtree(folder)


def runs(desk: Desk, profile: Profile) -> Listed:
    """Return the runs of the journal, and one that only the broker's notice tells of. Looks only."""
    from app.engine.lease import is_alive
    from app.runbooks import notice

    with desk.journal() as journal:
        known = [
            ListedRun(
                run.id, run.runbook, _stands(run, is_alive(desk.data, run.environment)), run.started,
                tuple(str(held.what_is_off) for held in journal.held(run.id) if held.closed is None), "journal",
            )
            for run in journal.runs()
        ]  # fmt: skip
    try:
        with desk.connections(profile) as c:
            found = notice.read_all(c)
    except UserError as error:
        return Listed(tuple(known), error)
    ids = {run.id for run in known}
    strangers = [
        ListedRun(
            one.note.run.id, one.note.run.runbook, "lost" if one.lost else "running elsewhere", one.note.run.started,
            tuple(str(held.what_is_off) for held in one.note.held), "notice",
        )
        for one in found
        if one.note.run.id not in ids
    ]  # fmt: skip
    return Listed((*known, *strangers))


def _stands(run: Run, alive: bool) -> str:
    return "interrupted" if run.status == "running" and not alive else run.status


def report(desk: Desk, run: str) -> dict[str, Any]:
    """Return what a run did, step by step, as the journal has it."""
    with desk.journal() as journal:
        found, effects, held = journal.run(run), journal.effects(run), journal.held(run)
    return {
        "run": found.id, "status": found.status, "environment": found.environment, "inputs": found.inputs,
        "started": found.started, "ended": found.ended,
        "error": " ".join(v for k, v in (found.error or {}).items() if v and k != "details"),
        "steps": [
            {
                "key": e.key, "episode": e.episode, "phase": e.phase.value, "evidence": e.result,
                "seconds": round(e.ended - e.intended, 3) if e.ended else "",
            }
            for e in effects
        ],
        "off": [{"what": str(h.what_is_off), "by_hand": list(h.by_hand)} for h in held if h.closed is None],
    }  # fmt: skip


@dataclass(frozen=True)
class ListedRun:
    """A run as it is listed: where it is known from (journal or notice), how it stands, and what is still off."""

    id: str
    runbook: str
    status: str
    started: float
    off: tuple[str, ...]
    known_from: str

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.id, "runbook": self.runbook, "status": self.status, "started": self.started,
            "off": list(self.off), "known_from": self.known_from,
        }  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """The runs; `notice_unknown` says why the broker's notice could not be read, None where it could."""

    runs: tuple[ListedRun, ...]
    notice_unknown: UserError | None = None


@dataclass(frozen=True)
class PoolRow:
    """A pool of the report: its kind, its provisioning, desktops and sessions."""

    pool_id: str
    name: str
    kind: str
    provisioning: str
    desktops: int
    remote: int
    local: int

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def pools(desk: Desk, profile: Profile) -> tuple[PoolRow, ...]:
    """Return the paper's pool report (appendix A), one row a pool."""
    desk.accept_certificates(profile)
    with desk.connections(profile) as c:
        broker = c.broker()
        found, desktops, sessions = broker.pools(), broker.desktops(), broker.sessions()
    count = Counter(desktop.pool_id for desktop in desktops)
    remote = Counter(session.pool_id for session in sessions if not session.local)
    local = Counter(session.pool_id for session in sessions if session.local)
    words = {True: "on", False: "off", None: "-"}
    return tuple(
        PoolRow(
            p.pool_id,
            p.name,
            p.kind.value,
            words[p.provisioning],
            count[p.pool_id],
            remote[p.pool_id],
            local[p.pool_id],
        )
        for p in found
    )


def totals(rows: tuple[PoolRow, ...]) -> PoolRow:
    """Return the sums: pools by kind, pools that are on, desktops and sessions."""
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(Counter(row.kind for row in rows).items()))
    on = sum(row.provisioning == "on" for row in rows)
    return PoolRow(
        str(text("total")), str(len(rows)), kinds, f"on {on}", sum(row.desktops for row in rows),
        sum(row.remote for row in rows), sum(row.local for row in rows),
    )  # fmt: skip
