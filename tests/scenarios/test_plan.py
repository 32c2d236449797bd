"""The dry run against the wire: what the plan says is what a run sends, in that order."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from app.engine.ending import Status
from app.engine.events import CommandSent, Event
from tests.scenarios.environment import Environment
from tests.scenarios.running import back_up, hurried, with_options
from tests.scenarios.standing import changed, standing, world_of

Line = tuple[str, str]
RUN = re.compile(r"dry-run|\d{8}-\d{6}-[0-9a-f]{4}")
NOTICE = r"C:\ProgramData\ViewKeeper\notice.json"


def without_run(system: str, text: str) -> Line:
    """Return a command with its run's name taken out of it."""
    return system, RUN.sub("RUN", text)


def planned(environment: Environment, *words: str) -> list[dict[str, Any]]:
    ran = environment.run("backup", "--dry-run", "--yes", "--json", *words)
    assert ran.code == 0, ran
    assert ran.json["outcome"] == "planned"
    lines: list[dict[str, Any]] = ran.json["plan"]
    return lines


def commands(lines: list[dict[str, Any]]) -> list[Line]:
    """Return what the plan says that the run changes, in its order, without the notice."""
    return [
        without_run(command["system"], command["text"])
        for line in lines
        if line["key"] != "notice"
        for command in line["commands"]
    ]


def noticing(lines: list[dict[str, Any]]) -> set[Line]:
    """Return what the plan says that writing, renewing and removing the notice sends."""
    [line] = [line for line in lines if line["key"] == "notice"]
    return {without_run(one["system"], one["text"]) for one in line["commands"]}


def sent(environment: Environment, notice: set[Line]) -> list[Line]:
    """Return what the lab received that changes something, the notice's own writing apart."""
    received = [without_run(one.system, one.text) for one in environment.wire() if one.changes]
    return [one for one in received if one not in notice]


def test_the_plan_is_what_a_run_sends_in_that_order(environment: Environment) -> None:
    before = standing(world_of(environment))
    lines = planned(environment)
    assert [line["key"] for line in lines[:2]] == ["check", "notice"]
    assert changed(before, standing(world_of(environment))) == {}
    assert not [one for one in environment.wire() if one.changes], "the dry run changed something"
    notice = noticing(lines)
    assert environment.run("backup", "--yes", "--json").code == 0
    received = [one for one in environment.wire() if one.changes]
    assert sent(environment, notice) == commands(lines)
    assert {without_run(one.system, one.text) for one in received} >= notice, "the notice is planned otherwise"


def test_the_notice_is_written_before_anything_and_removed_after_everything(environment: Environment) -> None:
    back_up(environment)
    received = [one for one in environment.wire() if one.changes]
    first = next(number for number, one in enumerate(received) if NOTICE in one.text)
    assert all(one.system.startswith("vcenter:") for one in received[: first - 1])
    assert received[-1].text == f"Remove-Item -LiteralPath '{NOTICE}'"


@pytest.mark.parametrize(
    "options", [{"stop_connection_server": True, "event_database": "before"}], ids=["connection-server-events-before"]
)
def test_the_plan_follows_the_options(environment: Environment, options: dict[str, Any]) -> None:
    from app import dry_run

    profile = with_options(environment.profile(), **options)
    lines = [line.as_json() for line in dry_run.plan(hurried(environment), profile)]
    assert back_up(environment, profile).status is Status.DONE
    assert sent(environment, noticing(lines)) == commands(lines[1:])


def test_a_person_reads_every_command_with_its_host(environment: Environment) -> None:
    ran = environment.run("backup", "--dry-run", "--yes")
    assert ran.code == 0
    for system, text in commands(planned(environment)):
        first = text.replace("\n", "; ").replace("RUN", "dry-run")
        assert f"{system}> {first}" in ran.out


def test_every_call_of_a_run_is_told_with_its_host_before_it_is_sent(environment: Environment) -> None:
    """Looks too; apart from the notice's own, and from what drivers and sessions do to be there at all."""
    told: list[tuple[str, str, bool]] = []

    def sink(event: Event) -> None:
        if isinstance(event, CommandSent):
            told.append((event.system, event.command.text, event.command.changes))

    assert back_up(environment, sink=sink).status is Status.DONE
    by_themselves = re.compile(r"LOGIN |sp_datatype_info_|Logout |.*\\notice\.json|New-Item .*\\ViewKeeper' ")
    received = [(one.system, one.text, one.changes) for one in environment.wire() if not by_themselves.match(one.text)]
    assert Counter(received) == Counter(told)
    assert len(received) > 200
