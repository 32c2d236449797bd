"""What lies on the hosts for a while is for administrators only: a private key is among it."""

from __future__ import annotations

import pytest

from app.engine.ending import Status
from app.engine.events import Event, StepDone
from app.lab.rows import HostFolder
from app.runbooks.places import HOME, temporary_folder
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up, sets
from tests.scenarios.standing import ours, provisioning, world_of

SET_RIGHTS = "icacls*viewkeeper*"


def test_the_folder_of_the_keys_is_for_system_and_administrators_only(environment: Environment) -> None:
    seen: list[tuple[str, bool, bool]] = []

    def sink(event: Event) -> None:
        if isinstance(event, StepDone) and event.key.startswith("backup/freeze/keys") and not seen:
            with environment.desk.connections(environment.profile()) as c:
                host = c.host(next(host for host in c.profile.hosts() if host.name == "composer1"))
                for path in (temporary_folder(event.run), temporary_folder(event.run) + r"\keys.xml"):
                    seen.extend((entry.who, entry.allowed, entry.inherited) for entry in host.acl(path))

    assert back_up(environment, sink=sink).status is Status.DONE
    assert sorted(seen) == [
        (who, True, inherited)
        for who in (r"BUILTIN\Administrators", r"NT AUTHORITY\SYSTEM")
        for inherited in (False, True)
    ]


def test_the_plan_shows_that_the_folder_is_closed_to_others(environment: Environment) -> None:
    said = environment.run("backup", "--dry-run", "--yes").out
    for host in ("broker1", "composer1"):
        assert any(f"winrm:{host}> icacls " in line and "/inheritance:r" in line for line in said.splitlines())


@pytest.mark.parametrize(("kind", "says"), [("lie", "Others may: "), ("fail", "icacls ended with 1")])
def test_a_folder_that_stays_open_to_others_ends_the_run_before_a_key_is_written(
    environment: Environment, kind: str, says: str
) -> None:
    before = provisioning(world_of(environment))
    environment.fault("winrm:composer1", SET_RIGHTS, kind)
    ending = back_up(environment)
    assert ending.status is Status.FAILED, ending
    assert ending.error is not None
    assert "could not be kept from others" in str(ending.error.what)
    assert says in str(ending.error.why)
    assert sets(environment) == []
    assert not [one for one in environment.wire() if "aspnet_regiis" in one.text]
    assert (provisioning(world_of(environment)), ours(world_of(environment))) == (before, [])


def test_where_icacls_cannot_a_folder_that_was_closed_by_hand_will_do(environment: Environment) -> None:
    """Windows 2003 has no /inheritance: the operator closes the folder above, as the error says."""
    closed = f'icacls "{HOME}" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'
    with environment.desk.connections(environment.profile()) as c:
        host = c.host(next(host for host in c.profile.hosts() if host.name == "composer1"))
        host.make_folder(HOME)
        assert host.run(closed).exit_code == 0
    environment.fault("winrm:composer1", SET_RIGHTS, "fail")
    assert back_up(environment).status is Status.DONE
    row = world_of(environment).get(HostFolder, "composer1", HOME.lower())
    assert row is not None
    assert row.owned_by
