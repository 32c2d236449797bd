"""A wrong password is tried once: more tries lock the account."""

from __future__ import annotations

import pytest

from app import errors
from app.errors import Guard, NotLetIn
from app.secrets import Passwords
from app.texts import text

WRONG = NotLetIn(text("broker1 does not let it in."))


def test_what_one_system_has_refused_is_tried_on_none() -> None:
    guard = Guard("PRACTICE\\operator")
    guard.on("broker1").refuse(WRONG)
    with pytest.raises(NotLetIn, match="broker1 does not let it in"):
        guard.on("broker1").check()
    with pytest.raises(NotLetIn, match="was not tried on sql1"):
        guard.on("sql1").check()


def test_an_account_that_another_system_lets_in_is_refused_by_one_alone() -> None:
    guard = Guard("PRACTICE\\operator")
    guard.on("broker1").let_in()
    guard.on("vcenter1").refuse(WRONG)
    guard.on("sql1").check()
    with pytest.raises(NotLetIn):
        guard.on("vcenter1").check()


def test_who_was_let_in_before_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard("PRACTICE\\operator").on("broker1")
    guard.let_in()
    guard.refuse(WRONG)
    with pytest.raises(NotLetIn):
        guard.check()
    monkeypatch.setattr(errors, "PAUSE", 0.0)
    guard.check()


def test_a_domain_counts_the_tries_of_all_systems_a_server_only_its_own() -> None:
    passwords = Passwords("site", {"PRACTICE\\operator": "one", "sa": "two", "PRACTICE\\operator@sql2": "three"})
    for account, system in (("PRACTICE\\operator", "broker1"), ("PRACTICE\\operator", "sql2"), ("sa", "sql1")):
        passwords.of(account, system)
    passwords.guard("sa", "sql1").refuse(WRONG)
    passwords.guard("sa", "sql2").check()
    passwords.guard("PRACTICE\\operator", "broker1").refuse(WRONG)
    passwords.guard("PRACTICE\\operator", "sql2").check()  # it has another password there
    passwords.of("PRACTICE\\operator", "broker2")
    with pytest.raises(NotLetIn, match="not tried on broker2"):
        passwords.guard("PRACTICE\\operator", "broker2").check()
