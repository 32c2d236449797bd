"""Trying single systems, and what View names: on the practice environment's real sockets."""

from __future__ import annotations

from typing import Any

import msgspec

from app.desk import places
from app.observation import Observation, State
from app.profile import Database, Profile
from app.runbooks.discovery import NamedDatabase, NamedVCenter, from_settings, named_by_view
from app.runbooks.trying import try_all
from tests.scenarios.environment import Environment


def tried(environment: Environment, profile: Profile) -> list[Observation]:
    with environment.desk.connections(profile) as c:
        return list(try_all(c))


def practice(environment: Environment) -> Profile:
    return environment.desk.profile("practice")


def test_every_system_and_database_answers(environment: Environment) -> None:
    profile = practice(environment)
    seen = tried(environment, profile)
    assert {one.state for one in seen} == {State.PASSED}
    hosts = {f"winrm:{host.name}" for host in (*profile.hosts(), *profile.security_servers)}
    assert {one.system for one in seen} == hosts | {"vcenter:vc1", "vcenter:vc2", "sql:sql1", "sql:sql2"}


def test_trying_changes_nothing(environment: Environment) -> None:
    before = len(environment.changed_by_us())
    tried(environment, practice(environment))
    assert len(environment.changed_by_us()) == before


def test_a_silent_system_is_unknown_and_asked_nothing_more(environment: Environment) -> None:
    environment.fault("winrm:broker1", "*", "refuse")
    seen = [one for one in tried(environment, practice(environment)) if one.system == "winrm:broker1"]
    assert [one.state for one in seen] == [State.UNKNOWN]


def test_a_database_that_is_not_there_is_told(environment: Environment) -> None:
    profile = practice(environment)
    server = profile.databases()[0].server
    wrong = msgspec.structs.replace(profile, event_database=Database(name="Nowhere", server=server))
    (seen,) = [one for one in tried(environment, wrong) if one.state is not State.PASSED]
    assert (seen.state, seen.system) == (State.UNKNOWN, "sql:sql1")
    assert "Nowhere" in str(seen.found)


def test_view_names_the_whole_environment_and_no_secret(environment: Environment) -> None:
    with environment.desk.connections(practice(environment)) as c:
        named = named_by_view(c)
    assert [(one.name, one.role) for one in named.brokers] == [("broker1", "standard"), ("broker2", "replica")]
    assert [one.name for one in named.security_servers] == ["security1"]
    assert [(one.address, one.composer) for one in named.vcenters] == [
        ("vcenter1.practice.example", "composer1.practice.example"), ("vcenter2.practice.example", None),
    ]  # fmt: skip
    assert named.event_databases == (NamedDatabase("ViewEvents", "sql1.practice.example", 1433),)


def test_security_servers_show_certificates_that_are_asked_about_too(environment: Environment) -> None:
    assert "winrm:security1" in {system for system, _, _ in places(practice(environment))}


def test_settings_that_say_little_are_read_as_far_as_they_go() -> None:
    rows: list[dict[str, Any]] = [
        {"cn": "b1", "pae-ServerType": "Standard", "pae-ClientURL": None},
        {"cn": "x", "pae-VCURL": "https://VC.corp:8443/sdk", "pae-VCUserName": None},
        {"cn": "y", "pae-VCURL": "https://[broken"},
        {"cn": "Common", "objectClass": ["top", "pae-VDMProperties"]},
        {"cn": "e", "objectClass": "pae-EventDatabase", "pae-EventDatabasePort": "none"},
    ]
    named = from_settings(rows, ["vc.CORP"])
    assert [(one.name, one.address, one.role) for one in named.brokers] == [("b1", "", "standard")]
    assert named.vcenters == (NamedVCenter("vc.corp", 8443, "", ""),)
    assert named.event_databases == (NamedDatabase("", "", None),)
