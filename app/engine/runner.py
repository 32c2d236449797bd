"""The runner: carries a runbook out, comes back to a run, undoes one; and always closes what it has opened."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from app.engine import events
from app.engine.closing import Closer, by_itself
from app.engine.effects import Leaving
from app.engine.ending import SENTENCES, Ending, Status, error_json, needs_you, status_of
from app.engine.heartbeat import Heartbeat
from app.engine.journal import GOOD, Held, Run
from app.engine.lease import RunLock
from app.engine.planning import outline
from app.engine.recovery import close_left, latest, plan_differs, released, settle, undo_all
from app.engine.runbook import check, plan_hash, steps, weight
from app.engine.session import Session, Surroundings, unexpected
from app.engine.step import Json, Runbook
from app.engine.walking import Walk
from app.errors import Busy, Refused, Stopped, UserError
from app.texts import NOTHING, Text, text

OVER = (Status.DONE, Status.UNDONE)


class Runner:
    """Runs one runbook in one environment. Every method returns an Ending; a runbook that cannot be run safely is a
    ValueError. A console turns Ctrl-C into `given.stop.ask()`: an interrupt while closing would leave things off."""

    def __init__(self, given: Surroundings, runbook: Runbook, inputs: Json) -> None:
        """`inputs` is JSON without secrets, from which the same runbook can be built again: a run that began with
        others cannot be gone on with, only closed or undone."""
        check(runbook, given.closers)
        self._given, self._runbook, self._inputs = given, runbook, inputs
        self._hash = plan_hash(runbook)

    def run(self, run: str | None = None) -> Ending:
        """Begin a new run (`run` is its id, else one is made). What dead runs of this environment left off is closed
        first; where that cannot be done, nothing is begun."""
        now = self._given.clock.now()
        name = run or uuid.uuid4().hex[:8]
        new = Run(name, self._given.environment, self._runbook.name, self._inputs, self._hash, "running", 1, now)
        return self._locked(new, lambda: self._begin(new))

    def resume(self, run: str) -> Ending:
        """Go on with a run, in a new episode: close what it left, keep what still stands, do the rest."""
        return self._come_back(run, self._resume)

    def undo(self, run: str) -> Ending:
        """Take a run back: close what it left, then undo what its steps offer to undo, the last first."""
        return self._come_back(run, self._undo)

    def close_only(self, run: str, *, release: bool = False) -> Ending:
        """Only close what a run left off; with `release`, by the operator's word, also what it holds on purpose."""
        return self._come_back(run, lambda found: self._close(found, release=release))

    # ----- beginning

    def _begin(self, run: Run) -> Ending:
        journal = self._given.journal
        others = journal.runs(run.environment)
        for other in others:
            if other.status == Status.WAITING:
                raise _reserved(other)
        self._given.lease.look(run)
        journal.begin(run)
        session, closer, left = self._open(run, others)

        def work() -> Status:
            close_left(session, closer, left, journal)
            self._bury(others)
            Walk(session, closer, {}, set()).parts(session.root, self._runbook.parts)
            return Status.DONE

        return self._episode(session, closer, "run", work)

    def _bury(self, others: list[Run]) -> None:
        """Record the end of runs whose process died: we hold the lock that they would hold."""
        for run in others:
            if run.status == Status.RUNNING:
                self._given.journal.end(run.id, Status.FAILED, self._given.clock.now(), error_json(_died()))

    def _open(self, run: Run, others: list[Run]) -> tuple[Session, Closer, list[Held]]:
        """Return what an episode works with, and what is still held: by this run, and what dead ones did not close."""
        held = self._given.journal.open_held(run.environment)
        left = [one for one in held if one.run == run.id or by_itself(one)]
        session = Session(self._given, run, weight(self._runbook))
        return session, Closer(session, others), left

    # ----- coming back

    def _come_back(self, run: str, work: Callable[[Run], Ending]) -> Ending:
        try:
            found = self._given.journal.run(run)
        except UserError as error:
            return Ending(run, Status.REFUSED, error)
        if found.environment != self._given.environment:
            return Ending(run, Status.REFUSED, _elsewhere(found))
        return self._locked(found, lambda: work(self._given.journal.run(run)))

    def _resume(self, run: Run) -> Ending:
        if run.status in OVER:
            raise _over(run)
        journal = self._given.journal
        same = run.plan_hash == self._hash and run.inputs == self._inputs
        remark = self._look(run)
        earlier, held = latest(journal.effects(run.id)), journal.held(run.id)
        if same:
            journal.next_episode(run.id)
        session, closer, left = self._open(journal.run(run.id), journal.runs(run.environment))

        def work() -> Status:
            self._begin_recovery(session, closer, left, remark)
            if not same:
                raise plan_differs(run)
            settle(session, steps(self._runbook), earlier)
            Walk(session, closer, earlier, released(held)).parts(session.root, self._runbook.parts)
            return Status.DONE

        return self._episode(session, closer, "resume", work, run.status)

    def _undo(self, run: Run) -> Ending:
        if run.status == Status.UNDONE:
            raise _over(run)
        journal = self._given.journal
        remark = self._look(run)
        session, closer, left = self._open(run, journal.runs(run.environment))

        def work() -> Status:
            self._begin_recovery(session, closer, left, remark)
            effects = journal.effects(run.id)
            session.evidence = {key: one.result for key, one in latest(effects).items() if one.phase in GOOD}
            undo_all(session, closer, steps(self._runbook), effects)
            return Status.UNDONE

        return self._episode(session, closer, "undo", work, run.status)

    def _close(self, run: Run, *, release: bool) -> Ending:
        remark = self._look(run)
        session, closer, left = self._open(run, self._given.journal.runs(run.environment))

        def work() -> Status:
            self._begin_recovery(session, closer, left, remark)
            if not left:
                session.touch_to_close()  # a notice that the run has left goes with it
            if release and not closer.sweep(bool):
                raise needs_you(session.still_open())
            ended = run.status not in (Status.RUNNING, Status.NEEDS_YOU)
            return Status(run.status) if ended else Status.FAILED

        return self._episode(session, closer, "close", work, run.status)

    def _look(self, run: Run) -> UserError | None:
        """Read the notice before coming back. That it cannot be read keeps nothing from being put back; it is told."""
        try:
            self._given.lease.look(run)
        except Busy:
            raise
        except UserError as error:
            return error
        return None

    def _begin_recovery(self, session: Session, closer: Closer, left: list[Held], remark: UserError | None) -> None:
        if remark is not None:
            session.remark(_words(remark))
        close_left(session, closer, left, self._given.journal)

    # ----- one episode

    def _locked(self, run: Run, work: Callable[[], Ending]) -> Ending:
        """Work while no other process of this workstation can run in the environment."""
        given = self._given
        try:
            with RunLock(given.journal.path.parent, run.environment, run.id, given.clock.now()):
                return work()
        except UserError as error:
            return Ending(run.id, status_of(error, changed=False), error)

    def _episode(
        self, session: Session, closer: Closer, doing: str, work: Callable[[], Status], was: str = Status.RUNNING
    ) -> Ending:
        """Work, and whatever comes of it: close, give the lease up, record the end. `was` is how the run stood."""
        error: UserError | None = None
        status = Status.FAILED
        with Heartbeat(session):
            try:
                self._announce(session, doing)
                status = work()
            except Stopped:
                status = Status.STOPPED
            except KeyboardInterrupt:
                session.uncertain, status = True, Status.STOPPED
            except Leaving:
                status = Status.WAITING
            except UserError as failure:
                error, status = failure, status_of(failure, changed=session.changed)
            except Exception as defect:  # noqa: BLE001  # whatever happened, what is off must come on again
                error = unexpected(defect)
            finally:
                closer.sweep(by_itself)
        if session.lost is not None and status is not Status.DONE:
            error, status = session.lost, status_of(session.lost, changed=session.changed)
        session.release()
        ending = self._ending(session, status, error)
        return self._record(session, ending, doing, was)

    def _announce(self, session: Session, doing: str) -> None:
        book = self._runbook
        session.tell(
            events.RunStarted(
                run=session.run.id, at=session.now(), runbook=book.name, title=book.title,
                environment=session.run.environment, episode=session.run.episode, doing=doing,
            )
        )  # fmt: skip
        session.tell(events.Plan(run=session.run.id, at=session.now(), parts=outline(book.parts)))

    def _ending(self, session: Session, status: Status, error: UserError | None) -> Ending:
        off = session.still_open()
        if off and not (status is Status.WAITING and all(not by_itself(held) for held in off)):
            status = Status.NEEDS_YOU
            error = error or needs_you(off)
        evidence, skipped = dict(session.evidence), tuple(session.skipped)
        return Ending(session.run.id, status, error, off, evidence, skipped, tuple(session.warnings))

    def _record(self, session: Session, ending: Ending, doing: str, was: str) -> Ending:
        """Write the end down. A refused or busy return leaves the run as it was."""
        run, status = session.run, ending.status
        written = status
        if doing != "run" and status in (Status.REFUSED, Status.BUSY, Status.BLOCKED, Status.UNKNOWN):
            written = Status.FAILED if was == Status.RUNNING else Status(was)
        try:
            self._given.journal.end(run.id, written, session.now(), error_json(ending.error) if ending.error else None)
        except UserError as second:
            session.remark(text("{what} {why}", what=second.what, why=second.why))
            ending = _unrecorded(ending, second, tuple(session.warnings))
        words: Text = NOTHING if ending.error is None else _words(ending.error)
        session.over(
            events.RunEnded(
                run=run.id,
                at=session.now(),
                status=ending.status,
                sentence=SENTENCES[ending.status],
                error=words,
                overall=session.overall(whole=ending.status in OVER),
            )
        )
        return ending


def _unrecorded(ending: Ending, error: UserError, warnings: tuple[Text, ...]) -> Ending:
    """A run whose end is not on disk is not done."""
    status = Status.FAILED if ending.status in OVER else ending.status
    return Ending(
        ending.run, status, ending.error or error, ending.off, ending.evidence, ending.skipped, warnings
    )  # fmt: skip


def _words(error: UserError) -> Text:
    return text("{what} {why} {do}", what=error.what, why=error.why, do=error.do)


def _reserved(other: Run) -> UserError:
    return Busy(
        text("The run {run} waits in this environment for a step that a person does.", run=other.id),
        NOTHING,
        text("Resume or undo it first."),
    )


def _elsewhere(run: Run) -> UserError:
    return Refused(
        text("The run {run} belongs to another environment: {name}.", run=run.id, name=run.environment),
        NOTHING,
        text("Choose that one's profile."),
    )


def _over(run: Run) -> UserError:
    return Refused(
        text("The run {run} is over: {status}.", run=run.id, status=run.status),
        NOTHING,
        text("Begin a new run."),
    )


def _died() -> UserError:
    return UserError(
        text("The run did not come to its end."),
        text("Its process ended before it could; what it had switched off was put back by a later one."),
    )
