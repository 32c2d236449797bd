"""Resuming, undoing, closing only, waiting for a person, holding on purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from app.engine.context import Context
from app.engine.ending import Status
from app.engine.journal import Held, Journal, Phase, Run
from app.engine.lease import RunLock
from app.engine.prompter import Choice, GuidedCard, Stay, Unattended
from app.engine.runbook import plan_hash
from app.engine.step import Bracket, Closing, Guided, Json, Parallel, Part, Probe, Release
from app.errors import CouldNotLook, NotSent, UserError
from app.observation import Observation, State
from app.texts import NOTHING, text
from tests.engine.practice import Bench, Off, Temporary, Write, book


def fail_writing(bench: Bench, *names: str) -> None:
    bench.world.broken = lambda what, name: what == "write" and name in names


def mended(bench: Bench) -> None:
    bench.world.broken = lambda _what, _name: False
    bench.told.clear()
    bench.world.calls.clear()


def test_what_stands_outside_brackets_is_kept_and_a_freeze_is_done_anew(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Write("a"), Bracket(Off("pool"), (Write("b"), Write("c"))), Write("d"))
    fail_writing(bench, "c")
    ending = bench.runner(*parts).run()
    mended(bench)
    resumed = bench.runner(*parts).resume(ending.run)
    assert resumed.status is Status.DONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [
        ("off", "pool"), ("write", "b"), ("write", "c"), ("on", "pool"), ("write", "d"),
    ]  # fmt: skip
    phases = {(effect.key, effect.episode): effect.phase for effect in bench.journal.effects(ending.run)}
    assert phases["a", 2] is Phase.KEPT
    assert phases["b", 1] is phases["b", 2] is Phase.DONE
    assert resumed.evidence["a"]["content"].endswith("episode 1")
    assert resumed.evidence["b"]["content"].endswith("episode 2")
    assert "StepKept" in bench.kinds()


def test_what_comes_after_a_freeze_is_never_kept_of_another_one(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (Write("b"),)), Write("fetch"), Write("complete"))
    fail_writing(bench, "complete")
    ending = bench.runner(*parts).run()
    mended(bench)
    assert bench.runner(*parts).resume(ending.run).status is Status.DONE
    assert ("write", "fetch", True) in bench.world.calls


def test_what_does_not_stand_any_more_is_done_anew_and_so_is_what_follows(bench: Bench) -> None:
    parts = (Write("a"), Write("b"), Write("c"))
    fail_writing(bench, "c")
    ending = bench.runner(*parts).run()
    mended(bench)
    del bench.world.files["a"]
    assert bench.runner(*parts).resume(ending.run).status is Status.DONE
    assert [call[1] for call in bench.world.calls if call[2]] == ["a", "b", "c"]


def test_what_cannot_be_looked_at_is_neither_kept_nor_done_anew(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Unseen(Write):
        def verify(self, ctx: Context, before: Json) -> Json:
            if ctx.episode > 1:
                raise CouldNotLook(text("It cannot be seen."))
            return super().verify(ctx, before)

    parts = (Unseen("a"), Write("b"))
    fail_writing(bench, "b")
    ending = bench.runner(*parts).run()
    mended(bench)
    resumed = bench.runner(*parts).resume(ending.run)
    assert resumed.status is Status.UNKNOWN
    assert not any(change for *_, change in bench.world.calls)


def test_a_plan_that_has_changed_is_only_closed_and_undone(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Write("a"), Bracket(Off("pool"), (Write("b"),)))
    bench.world.broken = lambda what, name: (what, name) in {("write", "b"), ("on", "pool")}
    ending = bench.runner(*parts).run()
    assert ending.status is Status.NEEDS_YOU
    mended(bench)
    other = bench.runner(*parts, Write("new"))
    refused = other.resume(ending.run)
    assert (refused.status, refused.exit_code) == (Status.REFUSED, 2)
    assert bench.world.on == {"pool": True}
    assert bench.world.files.keys() == {"a"}
    assert bench.journal.run(ending.run).status == Status.NEEDS_YOU
    assert other.undo(ending.run).status is Status.UNDONE
    assert bench.world.files == {}


def test_the_hash_of_a_plan_is_of_its_tree_and_not_of_its_words() -> None:
    def of(*parts: Part) -> str:
        return plan_hash(book(*parts))

    bracket = Bracket(Off("p"), (Write("a"),))
    assert of(Write("a")) == of(Write("a", title=text("Other words"), weight=3))
    different = [
        of(), of(Write("a")), of(Write("b")), of(bracket), of(replace(bracket, leave="hold")), of(Temporary("a")),
        of(Parallel(((Write("a"),),))), of(Parallel(((Write("a"),), ()))), of(guided(State.PASSED)),
        of(replace(bracket, leave="hold"), Release("r", text("Release"), "p")),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_a_run_that_is_over_or_unknown_is_not_come_back_to(bench: Bench) -> None:
    ending = bench.runner(Write("a")).run()
    assert bench.runner(Write("a")).resume(ending.run).status is Status.REFUSED
    assert bench.runner(Write("a")).resume("nowhere").status is Status.REFUSED
    assert bench.runner(Write("a"), environment="other").resume(ending.run).status is Status.REFUSED
    assert bench.runner(Write("a")).undo(ending.run).status is Status.UNDONE
    assert bench.runner(Write("a")).undo(ending.run).status is Status.REFUSED
    assert bench.journal.run(ending.run).status == "undone"


def test_undoing_takes_back_the_last_first(bench: Bench) -> None:
    ending = bench.runner(Write("a"), Write("b")).run()
    bench.world.calls.clear()
    assert bench.runner(Write("a"), Write("b")).undo(ending.run).status is Status.UNDONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [("remove", "b"), ("remove", "a")]


@pytest.mark.parametrize(("yes", "status"), [(True, Status.UNDONE), (False, Status.FAILED)])
def test_what_someone_else_has_changed_is_asked_about_before_it_is_undone(
    bench: Bench, yes: bool, status: Status
) -> None:
    ending = bench.runner(Write("a")).run()
    bench.world.files["a"] = "of someone else"
    bench.prompter = Unattended(answers={"undo/a": yes})
    assert bench.runner(Write("a")).undo(ending.run).status is status
    assert ("a" in bench.world.files) is not yes


def test_what_cannot_be_undone_fails_and_can_be_tried_again(bench: Bench) -> None:
    @dataclass(frozen=True)
    class Stuck(Write):
        def undo(self, ctx: Context, before: Json, evidence: Json) -> Closing:
            return Closing.IMPOSSIBLE

    ending = bench.runner(Stuck("a")).run()
    failed = bench.runner(Stuck("a")).undo(ending.run)
    assert failed.status is Status.FAILED
    bench.world.broken = lambda what, _name: what == "remove"
    assert bench.runner(Write("a")).undo(ending.run).status is Status.FAILED
    bench.world.broken = lambda _what, _name: False
    bench.world.faults = {len(bench.world.calls): "not-sent"}
    assert bench.runner(Write("a")).undo(ending.run).status is Status.UNDONE


def test_an_undo_that_is_not_sent_again_and_again_comes_to_an_end(bench: Bench) -> None:
    ending = bench.runner(Write("a")).run()
    bench.world.faults = dict.fromkeys(range(len(bench.world.calls), 100), "not-sent")
    failed = bench.runner(Write("a")).undo(ending.run)
    assert isinstance(failed.error, NotSent)


def test_what_a_step_did_before_it_was_skipped_is_undone_too(bench: Bench) -> None:
    bench.world.faults = {1: "defect-after"}
    bench.prompter = Unattended(on_failed_step=Choice.SKIP)
    ending = bench.runner(Write("a", may_skip=True)).run()
    assert ending.skipped == ("a",)
    assert bench.world.files.keys() == {"a"}
    assert bench.runner(Write("a", may_skip=True)).undo(ending.run).status is Status.UNDONE
    assert bench.world.files == {}


def test_undoing_stops_between_steps_when_asked(bench: Bench) -> None:
    ending = bench.runner(Write("a"), Write("b")).run()
    bench.world.before_call = lambda what, _name: bench.stop.ask() if what == "remove" else None
    assert bench.runner(Write("a"), Write("b")).undo(ending.run).status is Status.STOPPED
    assert bench.world.files.keys() == {"a"}


def test_closing_only_closes_and_nothing_else(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (Write("a"),)),)
    bench.world.broken = lambda what, _name: what == "on"
    ending = bench.runner(*parts).run()
    assert ending.status is Status.NEEDS_YOU
    still = bench.runner(*parts).close_only(ending.run)
    assert (still.status, [held.key for held in still.off]) == (Status.NEEDS_YOU, ["pool"])
    mended(bench)
    assert bench.runner(*parts).close_only(ending.run).status is Status.FAILED
    assert bench.world.on == {"pool": True}
    assert bench.journal.run(ending.run).status == "failed"


def test_a_new_run_is_not_begun_while_a_dead_one_cannot_be_closed(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (Write("a"),)),)
    bench.world.broken = lambda what, _name: what == "on"
    first = bench.runner(*parts).run()
    bench.world.calls.clear()
    second = bench.runner(*parts).run()
    assert second.status is Status.NEEDS_YOU
    assert [held.run for held in second.off] == [first.run]
    assert not any(call[0] in ("off", "write") for call in bench.world.calls)


def test_a_closer_that_this_program_does_not_know_is_for_a_person(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (Write("a"),)),)
    bench.world.broken = lambda what, _name: what == "on"
    ending = bench.runner(*parts).run()
    bench.closers = {}
    still = bench.runner(Write("a")).close_only(ending.run)
    assert still.status is Status.NEEDS_YOU
    assert "no closer" in str(still.off[0].note)


def test_a_run_of_another_workstation_is_closed_from_what_its_notice_tells(bench: Bench) -> None:
    bench.world.on["pool"] = False
    run = Run("far", "practice", "backup", {}, "?", "running", 1, 5.0)
    held = Held(7, "far", "pool", "on", {"name": "pool", "was": True}, text("pool"), ("switch on",), "close", 5.0)
    bench.journal.adopt(run, (held,))
    bench.journal.adopt(run, (held,))
    assert len(bench.journal.held("far")) == 1
    parts = (Bracket(Off("pool"), (Write("a"),)),)
    assert bench.runner(*parts).undo("far").status is Status.UNDONE
    assert bench.world.on == {"pool": True}


# ----- a person's turn


def guided(*states: State, may_skip: bool = False) -> Guided:
    looks = iter(states)
    last = [states[-1]]

    def prove(_ctx: Context) -> Observation:
        last[0] = next(looks, last[0])
        return Observation("dba", last[0], text("Backup: {state}", state=last[0].value))

    return Guided("dba", text("The DBA's turn"), text("Let the DBA back up."), prove, may_skip=may_skip)


class Present(Unattended):
    """Someone is there for so many looks."""

    def __init__(self, looks: int = 99, then: Stay = Stay.LEAVE) -> None:
        super().__init__()
        self.__dict__.update(looks=looks, then=then, cards=list[GuidedCard]())

    looks: int
    then: Stay
    cards: list[GuidedCard]

    def guided(self, card: GuidedCard) -> Stay:
        self.cards.append(card)
        return Stay.STAY if len(self.cards) <= self.looks else self.then


def test_a_guided_step_is_done_when_its_proof_is_there_and_not_before(bench: Bench) -> None:
    prompter = Present()
    bench.prompter = prompter
    ending = bench.runner(guided(State.BLOCKED, State.BLOCKED, State.UNKNOWN, State.PASSED)).run()
    assert ending.status is Status.DONE
    assert len(prompter.cards) == 3
    assert bench.kinds().count("GuidedWaits") == 2
    assert ending.evidence["dba"]["state"] == "passed"


def test_a_proof_with_a_warning_counts_and_is_told(bench: Bench) -> None:
    ending = bench.runner(guided(State.WARNING)).run()
    assert ending.status is Status.DONE
    assert len(ending.warnings) == 1


def test_an_unattended_guided_step_leaves_the_run_waiting_with_the_freeze_closed(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (Bracket(Off("pool"), (guided(State.BLOCKED),)), Write("a"))
    ending = bench.runner(*parts).run()
    assert (ending.status, ending.exit_code, ending.error) == (Status.WAITING, 3, None)
    assert bench.world.on == {"pool": True}
    other = bench.runner(Write("a")).run()
    assert other.status is Status.BUSY, "a run that waits reserves its environment"
    again = (Bracket(Off("pool"), (guided(State.PASSED),)), Write("a"))
    assert bench.runner(*again).resume(ending.run).status is Status.DONE


def test_a_guided_step_is_skipped_only_where_it_allows_it(bench: Bench) -> None:
    bench.prompter = Present(looks=0, then=Stay.SKIP)
    ending = bench.runner(guided(State.BLOCKED, may_skip=True)).run()
    assert (ending.status, ending.skipped) == (Status.DONE, ("dba",))
    assert bench.runner(guided(State.BLOCKED, State.PASSED)).run().skipped == ()


def test_a_proof_that_cannot_be_looked_at_is_no_proof(bench: Bench) -> None:
    def prove(_ctx: Context) -> Observation:
        raise UserError(text("The server does not answer."))

    bench.prompter = Present(looks=1)
    step = Guided("dba", text("The DBA's turn"), text("Let the DBA back up."), prove)
    assert bench.runner(step).run().status is Status.WAITING
    assert bench.prompter.cards[0].proof.state is State.UNKNOWN


# ----- held on purpose


def holding(*body: Part, release: bool = True) -> tuple[Part, ...]:
    after = (Release("release", text("Release"), "pool"),) if release else ()
    return (Bracket(Off("pool"), body, leave="hold"), Write("verify"), *after)


def test_what_is_held_stays_off_until_it_is_released(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.before_call = lambda what, name: seen.append(bench.world.on["pool"]) if name == "verify" else None
    seen: list[bool] = []
    ending = bench.runner(*holding(Write("a"))).run()
    assert ending.status is Status.DONE
    assert not any(seen)
    assert bench.world.on == {"pool": True}


def test_a_failure_leaves_held_what_is_held_and_says_so(bench: Bench) -> None:
    bench.world.on["pool"] = True
    fail_writing(bench, "verify")
    ending = bench.runner(*holding(Write("a"))).run()
    assert ending.status is Status.NEEDS_YOU
    assert str(ending.error and ending.error.what) == "It was refused."
    assert [(held.key, held.leave) for held in ending.off] == [("pool", "hold")]
    assert bench.world.on == {"pool": False}
    mended(bench)
    closed = bench.runner(*holding(Write("a"))).close_only(ending.run)
    assert (closed.status, bench.world.on) == (Status.NEEDS_YOU, {"pool": False})
    resumed = bench.runner(*holding(Write("a"))).resume(ending.run)
    assert resumed.status is Status.DONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [("write", "verify"), ("on", "pool")]


def test_what_is_held_is_released_by_the_operators_word(bench: Bench) -> None:
    bench.world.on["pool"] = True
    ending = bench.runner(*holding(release=False)).run()
    assert ending.status is Status.NEEDS_YOU
    assert bench.runner(*holding(release=False)).close_only(ending.run, release=True).status is Status.FAILED
    assert bench.world.on == {"pool": True}


def test_undoing_releases_what_is_held_after_all_that_was_done_under_it(bench: Bench) -> None:
    bench.world.on["pool"] = True
    fail_writing(bench, "verify")
    ending = bench.runner(*holding(Write("a"))).run()
    mended(bench)
    assert bench.runner(*holding(Write("a"))).undo(ending.run).status is Status.UNDONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [("remove", "a"), ("on", "pool")]


def test_what_someone_switched_on_while_it_was_held_is_switched_off_again(bench: Bench) -> None:
    bench.world.on["pool"] = True
    fail_writing(bench, "verify")
    ending = bench.runner(*holding(Write("a"))).run()
    mended(bench)
    bench.world.on["pool"] = True
    assert bench.runner(*holding(Write("a"))).resume(ending.run).status is Status.DONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [
        ("off", "pool"), ("write", "a"), ("write", "verify"), ("on", "pool"),
    ]  # fmt: skip


def test_what_was_released_is_not_held_again_where_all_of_it_stands(bench: Bench) -> None:
    bench.world.on["pool"] = True
    parts = (*holding(Write("a")), Write("last"))
    fail_writing(bench, "last")
    ending = bench.runner(*parts).run()
    assert ending.status is Status.FAILED
    mended(bench)
    assert bench.runner(*parts).resume(ending.run).status is Status.DONE
    assert [call[:2] for call in bench.world.calls if call[2]] == [("write", "last")]


@pytest.mark.parametrize("lost", ["a", "verify"])
def test_what_was_released_is_held_again_where_it_must_be_done_again(bench: Bench, lost: str) -> None:
    bench.world.on["pool"] = True
    parts = (*holding(Write("a")), Write("last"))
    fail_writing(bench, "last")
    ending = bench.runner(*parts).run()
    mended(bench)
    del bench.world.files[lost]
    assert bench.runner(*parts).resume(ending.run).status is Status.DONE
    first = next(call[:2] for call in bench.world.calls if call[2])
    assert first == (("off", "pool") if lost == "a" else ("write", "verify"))
    assert bench.world.on == {"pool": True}


def test_a_release_that_fails_is_asked_about_and_stays_held(bench: Bench) -> None:
    bench.world.on["pool"] = True
    bench.world.broken = lambda what, _name: what == "on"
    ending = bench.runner(*holding(Write("a"))).run()
    assert ending.status is Status.NEEDS_YOU
    assert "could not be released" in str(ending.error and ending.error.what)


def test_releasing_what_is_held_no_more_is_no_error(bench: Bench) -> None:
    bench.world.on["pool"] = True
    ending = bench.runner(*holding(Write("a")), Release("again", text("Release"), "pool")).run()
    assert ending.evidence["again"] == {"released": False}


def test_only_what_a_bracket_holds_can_be_released(bench: Bench) -> None:
    with pytest.raises(ValueError, match="which no bracket holds"):
        bench.runner(Release("release", text("Release"), "pool"))


def test_another_process_in_the_same_environment_is_busy(bench: Bench) -> None:
    with RunLock(bench.folder, "practice", "other", 0):
        ending = bench.runner(Write("a")).run()
        assert (ending.status, ending.exit_code) == (Status.BUSY, 5)
        assert "other" in str(ending.error)
        assert bench.runner(Write("a"), environment="elsewhere").run().status is Status.DONE
    assert bench.journal.runs("practice") == []
    assert bench.runner(Write("a")).run().status is Status.DONE


def test_a_job_of_a_dead_run_that_is_still_at_work_is_waited_for_before_a_new_freeze(bench: Bench) -> None:
    probes = [Probe.RUNNING, Probe.RUNNING, Probe.NOT_DONE]

    @dataclass(frozen=True)
    class Job(Write):
        def probe(self, ctx: Context, before: Json) -> Probe:
            assert bench.world.on["pool"], "the freeze began while the old job was still at work"
            return probes.pop(0)

    bench.world.on["pool"] = True
    bench.journal.begin(Run("dead", "practice", "backup", {}, plan_hash(book(*job(Job("a")))), "running", 1, 5.0))
    bench.journal.intend("dead", 1, "a", {}, 6.0)
    bench.journal.sent("dead", 1, "a", 6.0)
    assert bench.runner(*job(Job("a"))).resume("dead").status is Status.DONE
    assert probes == []
    assert bench.clock.waits == [10, 10]


def job(step: Write) -> tuple[Part, ...]:
    return (Bracket(Off("pool"), (step,)),)


def test_what_was_begun_outside_a_bracket_is_looked_after_and_ended(bench: Bench) -> None:
    run = Run("dead", "practice", "backup", {}, plan_hash(book(Write("a"))), "running", 1, 5.0)
    bench.journal.begin(run)
    bench.journal.intend("dead", 1, "a", {"had": "old"}, 6.0)
    bench.journal.sent("dead", 1, "a", 6.0)
    assert bench.runner(Write("a")).resume("dead").status is Status.DONE
    [first, second] = bench.journal.effects("dead")
    assert (first.phase, second.phase, second.before) == (Phase.INTENT, Phase.DONE, {"had": "old"})


def test_what_a_dead_run_did_but_had_not_proven_is_proven_and_not_done_again(bench: Bench) -> None:
    run = Run("dead", "practice", "backup", {}, plan_hash(book(Write("a"))), "running", 1, 5.0)
    bench.journal.begin(run)
    bench.journal.intend("dead", 1, "a", {"had": None}, 6.0)
    bench.journal.sent("dead", 1, "a", 6.0)
    bench.journal.acted("dead", 1, "a", 7.0)
    bench.world.files["a"] = "a of dead, episode 1"
    assert bench.runner(Write("a")).resume("dead").status is Status.DONE
    assert not any(change for *_, change in bench.world.calls)


def test_a_journal_that_cannot_be_written_fails_the_run_and_everything_is_closed(bench: Bench) -> None:
    bench.world.on["pool"] = True

    class Full(Journal):
        def acted(self, run: str, episode: int, key: str, at: float) -> None:
            if key == "a":
                self._db.execute("PRAGMA query_only=ON")
            super().acted(run, episode, key, at)

    bench._journal = Full(bench.folder / "journal.sqlite")
    ending = bench.runner(Bracket(Off("pool"), (Write("a"),))).run()
    assert ending.status is Status.FAILED
    assert "cannot be written" in str(ending.error)
    assert bench.world.on == {"pool": True}
    assert ending.off == ()
    assert NOTHING not in ending.warnings
    bench.close()
    assert bench.runner(Bracket(Off("pool"), (Write("a"),))).resume(ending.run).status is Status.DONE
