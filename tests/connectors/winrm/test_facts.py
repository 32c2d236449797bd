"""How a host's answers are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.winrm import facts

CONFIG = """\
Config
    MaxEnvelopeSizekb = 150
    MaxTimeoutms = 60000
    Client
        NetworkDelayms = 5000
        Auth
            Basic = true
        TrustedHosts
    Service
        RootSDDL = O:NSG:BAD:P(A;;GA;;;BA)S:P(AU;FA;GA;;;WD)
        MaxConcurrentOperationsPerUser = 15 [Source="GPO"]
        Auth
            Basic = false
            Kerberos = true
        CertificateThumbprint
    Winrs
        AllowRemoteShellAccess = true
        IdleTimeout = 180000
        MaxShellsPerUser = 5
        MaxMemoryPerShellMB = 150
"""


def test_the_settings_of_winrm_are_read_by_their_place() -> None:
    found = facts.configuration(CONFIG.replace("\n", "\r\n"))
    assert found["MaxEnvelopeSizekb"] == 150
    assert found["Client.Auth.Basic"] is True
    assert found["Service.Auth.Basic"] is False
    assert found["Service.MaxConcurrentOperationsPerUser"] == 15
    assert found["Winrs.MaxShellsPerUser"] == 5
    assert found["Winrs.MaxMemoryPerShellMB"] == 150
    assert found["Service.RootSDDL"] == "O:NSG:BAD:P(A;;GA;;;BA)S:P(AU;FA;GA;;;WD)"


@given(st.text())
def test_any_text_can_be_read_as_settings_without_an_error(out: str) -> None:
    assert isinstance(facts.configuration(out), dict)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20110901083000.000000+480", datetime(2011, 9, 1, 0, 30, tzinfo=UTC)),
        ("20110901083000.500000-060", datetime(2011, 9, 1, 9, 30, 0, 500000, tzinfo=UTC)),
        ("20110901083000.000000+000", datetime(2011, 9, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_wmi_is_read_with_its_distance_from_utc(written: str, meant: datetime) -> None:
    assert facts.dmtf(written) == meant


@pytest.mark.parametrize("written", ["", "20110901", "20110901083000.000000", "20111301083000.000000+480"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        facts.dmtf(written)


def test_a_folder_has_no_length_and_says_that_it_is_one() -> None:
    row = {"FullName": "C:\\x", "Length": None, "LastWriteTimeUtc": "2011-09-01T08:30:00.123Z", "PSIsContainer": True}
    assert facts.file(row) == facts.FileFacts("C:\\x", 0, datetime(2011, 9, 1, 8, 30, 0, 123000, UTC), folder=True)


def test_what_powershell_adds_to_a_registry_key_is_left_out() -> None:
    assert facts.registry({"PSPath": "x", "PSChildName": "y", "Version": "5.0", "DSN": "vc"}) == {
        "Version": "5.0", "DSN": "vc",
    }  # fmt: skip
    assert facts.drive_path(r"HKLM\SOFTWARE\X") == r"HKLM:\SOFTWARE\X"
    assert facts.drive_path(r"HKLM:\SOFTWARE\X") == r"HKLM:\SOFTWARE\X"


def test_an_entry_of_an_access_list_names_its_rights() -> None:
    row = {"IdentityReference": "PRACTICE\\sqlservice", "FileSystemRights": "Write, ReadAndExecute, Synchronize",
           "AccessControlType": "Allow", "IsInherited": False}  # fmt: skip
    assert facts.access(row) == facts.Access(
        "PRACTICE\\sqlservice", ("Write", "ReadAndExecute", "Synchronize"), allowed=True, inherited=False
    )


def test_a_system_process_has_no_start() -> None:
    row = {"ProcessId": 4, "ParentProcessId": 0, "Name": "System", "CreationDate": None}
    assert facts.process(row) == facts.Process(4, 0, "System", None)
