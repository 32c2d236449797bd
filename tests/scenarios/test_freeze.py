"""What somebody does during the freeze is seen before the thaw: stores that may have drifted apart make no set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from app.engine.ending import Status
from app.engine.events import Event, StepStarted
from app.engine.step import Json
from app.observation import State
from app.runbooks.provisioning import _changed
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up, sets, with_options
from tests.scenarios.standing import ours, provisioning, world_of


def once_at(step: str, do: Callable[[], None]) -> Callable[[Event], None]:
    """Return a sink that does something once, when a step begins."""
    done: list[str] = []

    def sink(event: Event) -> None:
        if isinstance(event, StepStarted) and event.key.startswith(step) and not done:
            done.append(event.key)
            do()

    return sink


@dataclass(frozen=True)
class Meddling:
    """What somebody does at a step, and the sentence that tells it."""

    step: str
    does: Callable[[Environment], None]
    says: str


MEDDLING = (
    Meddling(
        "backup/freeze/vcenter-database", lambda e: e.operator("provisioning", pool="sales-lc", to="on"),
        "Provisioning was switched on during the freeze: Sales",
    ),
    Meddling(
        "backup/freeze/vcenter-database", lambda e: e.operator("provisioning", pool="training-lc", to="on"),
        "Provisioning was switched on during the freeze: Training",
    ),
    Meddling(
        "backup/freeze/vcenter-database", lambda e: e.operator("start-service", host="composer1", service="svid"),
        "View Composer on composer1 did not stay stopped.",
    ),
    Meddling("backup/freeze/vcenter-files", lambda e: e.scene("clone-running"), "Work began during the freeze"),
)  # fmt: skip


@pytest.mark.parametrize("meddling", MEDDLING, ids=lambda m: m.says[:45].replace(" ", "-"))
@pytest.mark.parametrize("side_by_side", [False, True])
def test_what_makes_the_stores_drift_in_the_freeze_fails_the_run(
    environment: Environment, meddling: Meddling, *, side_by_side: bool
) -> None:
    before = provisioning(world_of(environment))
    profile = with_options(environment.profile(), side_by_side=side_by_side)
    ending = back_up(environment, profile, sink=once_at(meddling.step, lambda: meddling.does(environment)))
    assert ending.status is Status.FAILED, ending
    assert ending.error is not None
    assert meddling.says in str(ending.error.what)
    assert sets(environment) == []
    after = provisioning(world_of(environment))
    assert {pool: on for pool, on in after.items() if pool != "training-lc"} == {
        pool: on for pool, on in before.items() if pool != "training-lc"
    }
    assert ours(world_of(environment)) == []


def test_a_desktop_that_is_lost_to_a_logoff_in_the_freeze_is_a_weakness_of_the_set(environment: Environment) -> None:
    ending = back_up(
        environment,
        sink=once_at("backup/freeze/vcenter-database", lambda: environment.operator("log-off", pool="kiosk-lc")),
    )
    assert ending.status is Status.DONE, ending
    told = ending.evidence["backup/complete"]
    assert told["fell_into_error"]
    [fell] = told["fell_into_error"]
    assert any("fell into error" in weakness["message"] for weakness in told["weaknesses"])
    assert any(fell in str(warning) for warning in ending.warnings)


def test_desktops_that_came_to_another_state_in_the_freeze_are_named(environment: Environment) -> None:
    ending = back_up(
        environment,
        sink=once_at("backup/freeze/vcenter-files", lambda: environment.scene("desktop-state-unknown")),
    )
    assert ending.status is Status.DONE, ending
    [changed] = ending.evidence["backup/freeze/compare"]["changed_in_freeze"]
    assert "READY → AWAITING_AGENT" in changed
    weak = ending.evidence["backup/complete"]["weaknesses"]
    assert [one["values"]["names"]["values"]["parts"] for one in weak if "changed" in one["message"]] == [[changed]]


def test_desktops_that_come_and_go_are_told_apart_from_those_that_change() -> None:
    def stand(ids: str, **not_ready: str) -> Json:
        return {"count": len(ids), "ids": ids, "not_ready": not_ready}

    assert _changed(stand("ab", a="ERROR"), stand("ab", a="ERROR"), set()) == []
    assert _changed(stand("ab", a="ERROR"), stand("ab", b="MAINTENANCE"), set()) == [
        "a (ERROR → READY)", "b (READY → MAINTENANCE)",
    ]  # fmt: skip
    assert _changed(stand("ab"), stand("ab", a="ERROR"), {"a"}) == []
    assert _changed(stand("ab"), stand("a"), set()) == ["2 → 1"]
    assert _changed(stand("ab"), stand("ac"), set()) == ["2 → 2"]


def test_desktops_in_maintenance_block_where_composer_does_not_tell(environment: Environment) -> None:
    environment.scene("recompose-running")
    assert [seen.state for seen in environment.ask("progress/view")] == [State.WARNING]
    environment.scene("foreign-composer-schema")
    [seen] = environment.ask("progress/view")
    assert seen.state is State.BLOCKED
    assert "Composer does not tell" in str(seen.found)
