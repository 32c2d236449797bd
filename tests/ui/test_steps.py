"""The tree of steps stands as the run's events say."""

from __future__ import annotations

from app.engine import events
from app.engine.events import Outline
from app.texts import NOTHING, text
from ui.models.steps import Node, Stand, StepsModel, title_of


def outline(kind: str, key: str, *parts: Outline) -> Outline:
    return Outline(kind=kind, key=key, title=text("{key}", key=key) if key else NOTHING, weight=1, parts=parts)


def model() -> StepsModel:
    made = StepsModel()
    branches = (outline("branch", "", outline("step", "b1")), outline("branch", "", outline("step", "b2")))
    made.take(
        [
            events.Plan(
                run="r",
                at=0,
                parts=(
                    outline("step", "one"),
                    outline("bracket", "freeze", outline("parallel", "", *branches), outline("step", "two")),
                ),
            )
        ]
    )
    return made


def started(key: str) -> events.Event:
    return events.StepStarted(run="r", at=0, key=key, title=NOTHING, why=NOTHING)


def done(key: str) -> events.Event:
    return events.StepDone(run="r", at=0, key=key, title=NOTHING, seconds=1.5, overall=0.5)


def stand(made: StepsModel, key: str) -> Stand:
    node = made.node(key)
    assert node is not None
    return node.shown


def stands(node: Node) -> str:
    return node.shown.value


def test_a_step_begins_and_is_done() -> None:
    made = model()
    begun = made.take([started("one")])
    assert begun is made.node("one")
    assert stand(made, "one") is Stand.RUNNING
    made.take([done("one")])
    assert stand(made, "one") is Stand.DONE


def test_what_is_off_says_so_until_it_is_put_back() -> None:
    made = model()
    off = text("Provisioning")
    made.take([
        started("freeze"),
        events.BracketOpened(run="r", at=0, key="freeze", title=off, what_is_off=off),
        done("freeze"),
    ])  # fmt: skip
    assert stand(made, "freeze") is Stand.OFF
    made.take([events.BracketClosing(run="r", at=0, key="freeze", title=off, what_is_off=off)])
    why = text("It is asleep.")
    again = events.BracketRetried(
        run="r", at=0, key="freeze", title=off, what_is_off=off, why=why, seconds=1.0, left=8.0
    )
    made.take([again])
    assert stand(made, "freeze") is Stand.CLOSING
    made.take([events.BracketClosed(run="r", at=0, key="freeze", title=off, what_is_off=off, moot=False)])
    assert stand(made, "freeze") is Stand.PUT_BACK


def test_branches_stand_as_the_worst_of_their_steps() -> None:
    made = model()
    parallel = next(node for node in made.nodes() if node.kind == "parallel")
    made.take([started("b1"), started("b2"), done("b1")])
    assert stands(parallel) == "running"
    failed = events.StepFailed(
        run="r", at=0, key="b2", title=NOTHING, what=NOTHING, why=NOTHING, do=NOTHING, details=""
    )
    made.take([failed])
    assert stands(parallel) == "failed"
    made.take([started("b2"), done("b2")])
    assert stands(parallel) == "done"
    assert [title_of(node) for node in parallel.parts] == ["Branch 1", "Branch 2"]


def test_a_failed_step_waits_for_the_operator_and_stays_failed_when_he_stops() -> None:
    made = model()
    question = {"run": "r", "at": 0.0, "key": "one", "title": NOTHING, "question": NOTHING}
    failed = events.StepFailed(
        run="r", at=0, key="one", title=NOTHING, what=NOTHING, why=NOTHING, do=NOTHING, details=""
    )
    made.take([started("one"), failed, events.QuestionAsked(choices=("retry", "stop"), **question)])  # type: ignore[arg-type]
    assert stand(made, "one") is Stand.WAITING
    made.take([events.QuestionAnswered(answer="stop", **question)])  # type: ignore[arg-type]
    assert stand(made, "one") is Stand.FAILED


def test_what_never_began_is_not_done_when_the_run_is_over() -> None:
    made = model()
    made.take(
        [started("one"), events.RunEnded(run="r", at=0, status="stopped", sentence=NOTHING, error=NOTHING, overall=0)]
    )
    assert stand(made, "one") is Stand.LEFT
    assert stand(made, "two") is Stand.LEFT


def test_the_model_bears_what_views_ask_of_any_model(qtmodeltester: object) -> None:
    made = model()
    qtmodeltester.check(made)  # type: ignore[attr-defined]
    made.take([started("b1"), done("b1")])
    qtmodeltester.check(made)  # type: ignore[attr-defined]
