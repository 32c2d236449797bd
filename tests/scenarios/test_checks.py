"""Every check is asked of the practice environment over its real protocols: in order, in trouble, and in the dark."""

from __future__ import annotations

from app.observation import State
from tests.scenarios.environment import Environment


def test_in_a_quiet_environment_a_backup_can_begin(environment: Environment) -> None:
    looked = environment.look()
    assert looked.outcome == "done"
    assert {a.check.key for a in looked.answers if a.seen.state is not State.PASSED} <= {
        "draining", "single-points", "age", "more-off",
    }  # fmt: skip


def test_again(environment: Environment) -> None:
    environment.scene("recompose-running")
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 4, ran
    assert ran.json["outcome"] == "blocked"
    assert not environment.changed_by_us()
    environment.scene("quiet")
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 0, ran
