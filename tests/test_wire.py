"""What a system is called: by programs, and by people."""

from __future__ import annotations

import pytest

from app.wire import plain_system


@pytest.mark.parametrize(
    ("system", "called"),
    [
        ("winrm:broker1", "broker1 (Windows)"), ("sql:sql1", "sql1 (SQL Server)"), ("vcenter:vc1", "vc1 (vCenter)"),
        ("winrm:[fe80::1]", "[fe80::1] (Windows)"), ("broker1", "broker1"), ("ldap:dc1", "ldap:dc1"),
        ("winrm:", "winrm:"), ("", ""),
    ],
)  # fmt: skip
def test_a_system_is_called_by_its_name_and_what_it_is(system: str, called: str) -> None:
    assert plain_system(system) == called
