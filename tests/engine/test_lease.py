"""The notice, the heartbeat and the lock: who runs here, and what a stop waits for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from app.engine.clock import StopToken, SystemClock
from app.engine.context import Context
from app.engine.ending import Status
from app.engine.events import Event, Heartbeat, StopAwaits
from app.engine.journal import Held, Run
from app.engine.lease import Owner, RunLock, is_alive, lock_path, owners
from app.engine.step import Bracket, Closing, Json
from app.errors import Busy, NotSent, Stopped, UserError
from app.texts import text
from tests.engine.practice import HURRIED, Bench, Off, Write, world

LONG = 30.0


class Notice:
    """A lease that writes down what it is asked, and fails where it is told to."""

    def __init__(self, **failing: Exception) -> None:
        self.said: list[str] = []
        self.failing = failing
        self.renewed = threading.Event()

    def _say(self, what: str, more: str = "") -> None:
        self.said.append(what + more)
        if what in self.failing:
            raise self.failing[what]

    def look(self, run: Run) -> None:
        self._say("look")

    def acquire(self, run: Run) -> None:
        self._say("acquire")

    def note(self, held: tuple[Held, ...]) -> None:
        self._say("note", ":" + ",".join(one.key for one in held))

    def renew(self) -> None:
        try:
            self._say("renew")
        finally:
            self.renewed.set()

    def release(self, left: tuple[Held, ...]) -> None:
        self._say("release", ":" + ",".join(one.key for one in left))


TAKEN = Busy(text("Another run holds the notice."))
AWAY = NotSent(text("The broker does not answer."))


@dataclass(frozen=True)
class Check(Write):
    changes: bool = field(default=False, kw_only=True)

    def act(self, ctx: Context, before: Json) -> None:
        """Look only."""

    def verify(self, ctx: Context, before: Json) -> Json:
        return {}


def test_the_notice_is_read_first_taken_before_the_first_change_and_given_up_last(bench: Bench) -> None:
    notice = Notice()
    bench.lease = notice
    bench.world.on["pool"] = True
    bench.world.before_call = lambda what, name: notice.said.append(f"{what} {name}")
    bench.runner(Check("c"), Bracket(Off("pool"), (Write("w"),))).run()
    assert [said for said in notice.said if not said.startswith("look ")] == [
        "look", "read c", "acquire", "note:pool", "off pool", "read w", "write w", "read w", "on pool", "note:",
        "release:",
    ]  # fmt: skip


def test_a_run_that_only_looks_never_takes_the_notice(bench: Bench) -> None:
    notice = Notice()
    bench.lease = notice
    bench.runner(Check("c")).run()
    assert notice.said == ["look"]


@pytest.mark.parametrize("when", ["look", "acquire"])
def test_a_notice_that_another_run_holds_makes_busy_and_nothing_is_changed(bench: Bench, when: str) -> None:
    bench.lease = Notice(**{when: TAKEN})
    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert (ending.status, ending.off) == (Status.BUSY, ())
    assert not any(change for *_, change in bench.world.calls)


def test_nothing_is_switched_off_that_could_not_be_noted(bench: Bench) -> None:
    bench.lease = Notice(note=AWAY)
    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Write("w"),))).run()
    assert ending.status is Status.FAILED
    assert not any(change for *_, change in bench.world.calls)
    assert ending.off == ()


def test_a_notice_out_of_reach_keeps_nothing_from_being_put_back(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "on"
    ending = bench.runner(Bracket(Off("pool"), ())).run()
    bench.world.broken = lambda _what, _name: False
    bench.lease = Notice(look=AWAY, acquire=AWAY)
    closed = bench.runner(Bracket(Off("pool"), ())).close_only(ending.run)
    assert closed.status is Status.FAILED
    assert bench.world.on == {"pool": True}
    assert len(closed.warnings) == 2
    bench.lease = Notice(look=TAKEN)
    assert bench.runner(Bracket(Off("pool"), ())).close_only(ending.run).status is Status.BUSY


def test_a_notice_that_is_taken_in_the_last_moment_keeps_recovery_away(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "on"
    ending = bench.runner(Bracket(Off("pool"), ())).run()
    bench.world.broken = lambda _what, _name: False
    bench.lease = Notice(acquire=TAKEN)
    again = bench.runner(Bracket(Off("pool"), ())).resume(ending.run)
    assert again.status is Status.NEEDS_YOU
    assert bench.world.on == {"pool": False}


def test_a_notice_that_cannot_be_taken_back_is_told(bench: Bench) -> None:
    bench.lease = Notice(release=AWAY)
    ending = bench.runner(Write("w")).run()
    assert ending.status is Status.DONE
    assert bench.kinds().count("Remark") == 1


def test_what_stays_off_stays_in_the_notice(bench: Bench) -> None:
    notice = Notice()
    bench.lease = notice
    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "on"
    bench.runner(Bracket(Off("pool"), ())).run()
    assert notice.said[-1] == "release:pool"


@dataclass(frozen=True)
class Until(Write):
    """Acts until something has happened."""

    happened: threading.Event = field(default_factory=threading.Event)
    doing: Callable[[Context], None] = lambda _ctx: None

    def act(self, ctx: Context, before: Json) -> None:
        self.doing(ctx)
        assert self.happened.wait(LONG)
        super().act(ctx, before)


def test_the_notice_is_renewed_and_the_freeze_is_told_while_a_step_goes_on(bench: Bench) -> None:
    notice, beaten = Notice(renew=AWAY), threading.Event()
    bench.lease, bench.patience = notice, replace(HURRIED, heartbeat=0.01)
    bench.world.on["pool"] = True

    def sink(event: Event) -> None:
        bench.told.append(event)
        if isinstance(event, Heartbeat) and event.frozen > 0:
            beaten.set()

    bench.sink = sink
    ending = bench.runner(Bracket(Off("pool"), (Until("w", happened=beaten),))).run()
    assert ending.status is Status.DONE
    assert "renew" in notice.said
    assert any("could not be renewed" in str(warning) for warning in ending.warnings)


@pytest.mark.parametrize("error", [TAKEN, RuntimeError("a defect")])
def test_a_lost_lease_ends_the_run_and_leaves_closing_to_who_has_it(bench: Bench, error: Exception) -> None:
    notice = Notice()
    bench.lease, bench.patience = notice, replace(HURRIED, heartbeat=0.01)
    bench.world.on["pool"] = True
    stopped = threading.Event()

    @dataclass(frozen=True)
    class Waiting(Write):
        def act(self, ctx: Context, before: Json) -> None:
            notice.failing["renew"] = error
            notice.renewed.clear()
            try:
                assert notice.renewed.wait(LONG)
                while True:
                    ctx.wait(0.001)
            except Stopped:
                stopped.set()
                raise

    ending = bench.runner(Bracket(Off("pool"), (Waiting("w"),))).run()
    assert stopped.is_set()
    assert ending.status is Status.NEEDS_YOU
    assert isinstance(ending.error, Busy)
    assert bench.world.on == {"pool": False}, "it was switched on in the freeze of another run"
    assert "release:pool" not in notice.said


def test_after_a_sleep_of_the_workstation_the_lease_is_renewed_before_anything_is_done(bench: Bench) -> None:
    notice = Notice()
    bench.lease = notice
    bench.world.before_call = lambda what, name: notice.said.append(f"{what} {name}")

    @dataclass(frozen=True)
    class Sleeping(Write):
        def observe(self, ctx: Context) -> Json:
            bench.clock.time += 3600
            return {}

    bench.runner(Write("a"), Sleeping("b")).run()
    assert notice.said.index("renew") < notice.said.index("write b")
    lost = Notice(renew=TAKEN)
    bench.lease = lost
    ending = bench.runner(Write("c"), Sleeping("d")).run()
    assert ending.status is Status.FAILED
    assert isinstance(ending.error, Busy)
    assert "d" not in bench.world.files


def test_a_stop_waits_for_what_must_not_be_cut_off_and_says_so(bench: Bench) -> None:
    told = threading.Event()
    heard: list[bool] = []

    def sink(event: Event) -> None:
        bench.told.append(event)
        if isinstance(event, StopAwaits):
            told.set()

    def doing(ctx: Context) -> None:
        bench.stop.ask()
        bench.stop.ask()
        ctx.check_stop()
        ctx.wait(1)
        heard.append(ctx.stop_asked())

    bench.sink, bench.patience = sink, replace(HURRIED, heartbeat=0.01)
    ending = bench.runner(Until("w", may_cut=False, happened=told, doing=doing), Write("x")).run()
    assert ending.status is Status.STOPPED
    assert heard == [False]
    assert bench.world.files.keys() == {"w"}
    assert bench.kinds().count("StopAwaits") == 1


def test_what_may_be_cut_off_is_cut_off_in_its_wait(bench: Bench) -> None:
    def doing(ctx: Context) -> None:
        bench.stop.ask()
        ctx.wait(1)

    assert bench.runner(Until("w", doing=doing)).run().status is Status.STOPPED


def test_an_interrupt_is_a_stop(bench: Bench) -> None:
    def doing(_ctx: Context) -> None:
        raise KeyboardInterrupt

    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), (Until("w", doing=doing),))).run()
    assert ending.status is Status.STOPPED
    assert bench.world.on == {"pool": True}


def test_a_closer_waits_to_the_end_even_when_a_stop_is_asked_for(bench: Bench) -> None:
    def closer(ctx: Context, before: Json) -> Closing:
        bench.stop.ask()
        ctx.check_stop()
        ctx.wait(30)
        ctx.progress(0.5)
        ctx.warn(text("It is slow."))
        world(ctx).set(before["name"], on=True)
        return Closing.CLOSED

    bench.closers = {"on": closer}
    bench.world.on["pool"] = True
    ending = bench.runner(Bracket(Off("pool"), ())).run()
    assert ending.status is Status.DONE
    assert bench.clock.waits == [30]
    assert len(ending.warnings) == 1


def test_the_lock_goes_with_its_holder_and_names_it(bench: Bench) -> None:
    assert not is_alive(bench.folder, "practice")
    with RunLock(bench.folder, "practice", "r1", 5.0):
        assert is_alive(bench.folder, "practice")
        with pytest.raises(Busy, match="r1"), RunLock(bench.folder, "practice", "r2", 6.0):
            pass
    assert not is_alive(bench.folder, "practice")
    with RunLock(bench.folder, "practice", "r2", 6.0):
        lock_path(bench.folder, "practice").write_bytes(b"{")
        with pytest.raises(Busy), RunLock(bench.folder, "practice", "r3", 7.0):
            pass
        lock_path(bench.folder, "practice").write_bytes(b"[]")
        with pytest.raises(Busy), RunLock(bench.folder, "practice", "r3", 7.0):
            pass


def test_a_run_is_not_kept_out_by_those_who_only_look_whether_one_is_going_on(bench: Bench) -> None:
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            owners(bench.folder)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for number in range(200):
            with RunLock(bench.folder, "practice", f"r{number}", 5.0):
                pass
    finally:
        over.set()
        looker.join()


def test_who_holds_which_lock_is_known_and_nothing_of_one_whose_words_are_just_being_written(bench: Bench) -> None:
    assert owners(bench.folder) == {}
    place = lock_path(bench.folder, "practice")
    with RunLock(bench.folder, "practice", "r1", 5.0):
        assert owners(bench.folder) == {place: Owner("r1", "practice", os.getpid(), 5.0)}
        for words in (b"{", b"[]", b'{"run": "r1"}', b'{"run": 1, "environment": 1, "process": "x", "since": 1}'):
            place.write_bytes(words)
            assert owners(bench.folder) == {place: None}
    assert owners(bench.folder) == {}


def test_a_lock_that_cannot_be_written_is_told_in_a_sentence(bench: Bench) -> None:
    (bench.folder / "locks").write_text("in the way")
    ending = bench.runner(Write("w")).run()
    assert ending.status is Status.FAILED
    assert isinstance(ending.error, UserError)
    assert "cannot be written" in str(ending.error)


def test_the_clock_of_the_workstation_waits_until_its_time_or_enough(bench: Bench) -> None:
    clock, stop = SystemClock(), StopToken()
    clock.wait(0.001, stop.asked)
    stop.ask()
    clock.wait(LONG * 100, stop.asked)
    assert clock.now() > 1_700_000_000
