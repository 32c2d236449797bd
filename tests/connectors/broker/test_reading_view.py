"""What View PowerCLI answers, with its quirks, is read for what it means."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import profile
from app.connectors import broker as reading
from app.connectors.broker import Broker
from app.connectors.winrm import Completed, WinRm
from app.connectors.winrm.remote import PowerShellError
from app.connectors.winrm.scripts import Failed
from app.errors import AnswerLost, CouldNotLook, Refused, UserError
from app.observation import State
from app.texts import text
from app.view.pools import Pool
from app.wire import Command

HOST = profile.Host(name="broker1", address="127.0.0.1", account="PRACTICE\\viewkeeper")
NONE = Failed("NotFound,VMware.View", "ObjectNotFound", "Nothing found.")
Rows = list[dict[str, Any]]
QUIET = Completed(0, "", "")


@dataclass
class Fake(WinRm):
    """A host whose scripts answer what they are told to."""

    answers: dict[str, Rows | Failed | Exception | Callable[..., Rows]]
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ran: list[tuple[Command, str]] = field(default_factory=list)
    done: Completed = QUIET
    host: profile.Host = HOST

    def call(self, script: str, **literals: Any) -> Rows:
        self.calls.append((script, literals))
        answer = self.answers[script]
        if isinstance(answer, Failed):
            raise PowerShellError("broker1", script, answer)
        if isinstance(answer, Exception):
            raise answer
        return answer(**literals) if callable(answer) else answer

    def run(self, command: str, **options: Any) -> Completed:
        shown = {name: value for name, value in options.items() if name in ("changes", "secret_values")}
        self.ran.append((self.shown(command, **shown), command))
        return self.done


def view(done: Completed | None = None, **answers: Any) -> tuple[Broker, Fake]:
    answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
    fake = Fake({"brokers": [{"broker_id": "broker1"}]} | answers, done=done or QUIET)
    return Broker(profile.Broker(host=HOST), fake), fake


POOL = {
    "pool_id": "rd-lc", "displayName": "研发桌面", "enabled": "true", "poolType": "SVIPersistent",
    "persistence": "Persistent", "provisionEnabled": "true", "vc_id": "v1", "parentVMPath": "/dc/vm/parent",
    "parentVMSnapshotPath": "/base",
    "minimumCount": "2", "maximumCount": "10", "headroomCount": "1",
    "refreshPolicy": "Never", "deletePolicy": "Default",
}  # fmt: skip


def test_a_pool_is_read_from_strings() -> None:
    found = view(pools=[POOL])[0].pools()
    assert found == (
        Pool("rd-lc", "研发桌面", "SVIPersistent", provisioning=True, enabled=True, persistent=True, vcenter="v1",
             parent_vm="/dc/vm/parent", parent_snapshot="/base", refresh_policy="Never", delete_policy="Default",
             minimum=2, maximum=10, headroom=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["Manual", "ManualVCPersistent", "TerminalService", "IndividualVC", "Brand New Kind", ""]
)
def test_a_pool_of_a_kind_without_a_switch_or_unknown_has_none(kind: str) -> None:
    found = view(pools=[POOL | {"poolType": kind, "provisionEnabled": "true"}])[0].pools()[0]
    assert found.provisioning is None
    with pytest.raises(Refused):
        view()[0].set_provisioning(found, on=False)


@pytest.mark.parametrize("word", ["", None, "maybe", "1"])
def test_a_switch_that_says_neither_on_nor_off_could_not_be_looked_at(word: str | None) -> None:
    with pytest.raises(CouldNotLook):
        view(pools=[POOL | {"provisionEnabled": word}])[0].pools()


@given(st.dictionaries(st.sampled_from(sorted(POOL)), st.one_of(st.none(), st.text(), st.integers(), st.booleans())))
def test_any_object_is_a_pool_or_told_to_be_unreadable(row: dict[str, Any]) -> None:
    with contextlib.suppress(CouldNotLook):
        assert isinstance(reading.pool(row), Pool)


def test_nothing_found_is_an_empty_list_where_view_itself_answers() -> None:
    broker, fake = view(pools=NONE)
    assert broker.pools() == ()
    assert [name for name, _ in fake.calls] == ["pools", "brokers"]


@pytest.mark.parametrize(
    "brokers", [[], Failed("x", "NotSpecified", "The server is not operational"), AnswerLost(text("Lost."))]
)
def test_nothing_found_is_an_error_where_view_itself_does_not_answer(brokers: Any) -> None:
    with pytest.raises(UserError):
        view(pools=NONE, brokers=brokers)[0].pools()


@pytest.mark.parametrize(
    "failed",
    [
        Failed("CommandNotFoundException", "ObjectNotFound", "The term 'Get-Pool' is not recognized"),
        Failed("AddPSSnapInRead,AddPSSnapinCommand", "InvalidArgument", "No snap-ins"),
        Failed("Denied", "PermissionDenied", "Access denied"),
    ],
)
def test_a_broken_powercli_is_never_an_empty_list(failed: Failed) -> None:
    with pytest.raises(PowerShellError):
        view(pools=failed)[0].pools()


DESKTOP = {"Name": "fin-01", "id": "VirtualMachine-vm-123", "Path": "/dc/vm/fin-01", "machine_id": "M1",
           "pool_id": "fin", "isInPool": "true", "localState": "checked in", "user_displayname": "A",
           "user_sid": "S-1"}  # fmt: skip
STATE = {"cn": "m1", "pae-DisplayName": "fin-01", "pae-VmState": "READY", "pae-MOID": "vm-123", "pae-VmPath": "/p",
         "pae-MemberDNOf": "CN=fin,OU=Server Groups,DC=vdi,DC=vmware,DC=int", "pae-Disabled": None}  # fmt: skip


def test_a_desktop_has_the_state_that_ad_lds_knows_and_the_moid_of_vcenter() -> None:
    (found,) = view(desktops=[DESKTOP], desktop_states=[STATE])[0].desktops()
    assert (found.machine_id, found.state, found.moid, found.local, found.user_sid) == (
        "M1",
        "READY",
        "vm-123",
        False,
        "S-1",
    )


def test_a_desktop_that_view_4_5_returns_twice_is_one() -> None:
    assert len(view(desktops=[DESKTOP, DESKTOP], desktop_states=[STATE])[0].desktops()) == 1


def test_a_machine_that_is_in_no_pool_is_no_desktop() -> None:
    loose = DESKTOP | {"isInPool": "false", "machine_id": None, "pool_id": None, "Name": "other"}
    assert [one.name for one in view(desktops=[DESKTOP, loose], desktop_states=[STATE])[0].desktops()] == ["fin-01"]


def test_a_desktop_being_made_is_told_although_powercli_does_not_name_it() -> None:
    cloning = STATE | {"cn": "m2", "pae-DisplayName": "fin-02", "pae-VmState": "CLONING", "pae-MOID": None}
    found = view(desktops=[DESKTOP], desktop_states=[STATE, cloning])[0].desktops()
    assert [(one.name, one.pool_id, one.state, one.moid) for one in found] == [
        ("fin-01", "fin", "READY", "vm-123"), ("fin-02", "fin", "CLONING", ""),
    ]  # fmt: skip


def test_a_desktop_that_is_checked_out_is_local() -> None:
    out = DESKTOP | {"localState": "checked out"}
    assert view(desktops=[out], desktop_states=[STATE])[0].desktops()[0].local


@pytest.mark.parametrize(
    ("written", "moid"), [("VirtualMachine-vm-123", "vm-123"), ("vm-9", "vm-9"), ("", ""), ("x", "")]
)
def test_the_moid_is_read_from_powerclis_identity(written: str, moid: str) -> None:
    assert reading.moid(written) == moid


@given(st.text(min_size=1).filter(lambda name: "\n" not in name))
def test_the_pool_is_read_from_any_distinguished_name(name: str) -> None:
    escaped = "".join(f"\\{letter}" if letter in ',\\+"<>;=#' else letter for letter in name)
    assert reading._cn(f"CN={escaped},OU=Server Groups,DC=vdi") == name


SESSION = {"session_id": "1", "Username": "A", "pool_id": "rd-lc", "DNSName": "fin-01", "state": "CONNECTED"}


def test_sessions_are_asked_for_pool_by_pool_remote_and_local() -> None:
    broker, fake = view(pools=[POOL, POOL | {"pool_id": "b"}], local_sessions=NONE,
                        remote_sessions=lambda pool_id: [SESSION | {"pool_id": pool_id}])  # fmt: skip
    assert [(one.pool_id, one.local) for one in broker.sessions()] == [("b", False), ("rd-lc", False)]
    assert ("local-sessions", {"pool_id": "b"}) in fake.calls


def test_a_version_without_local_mode_has_no_local_sessions() -> None:
    missing = Failed("CommandNotFoundException", "ObjectNotFound", "Get-LocalSession")
    broker, _fake = view(pools=[POOL], remote_sessions=[SESSION], local_sessions=missing)
    assert [one.local for one in broker.sessions()] == [False]


def test_the_version_is_the_build_of_the_brokers_monitor() -> None:
    rows = [{"monitor": "DBMonitor", "build": None}, {"monitor": "CBMonitor", "build": "5.0.1-640055"}]
    assert view(monitors=rows)[0].version() == "5.0.1-640055"
    with pytest.raises(CouldNotLook):
        view(monitors=rows[:1])[0].version()


def test_switching_says_beforehand_exactly_what_it_sends() -> None:
    linked = reading.pool(POOL)
    full = reading.pool(POOL | {"poolType": "NonPersistent", "pool_id": "it's"})
    broker, fake = view(provisioning_linked_clones=[], provisioning_full_clones=[])
    sent = broker.provisioning_command(linked, on=False)
    assert sent.text.endswith("Update-AutomaticLinkedClonePool -pool_id 'rd-lc' -isProvisioningEnabled $false")
    assert sent.changes
    assert broker.provisioning_command(full, on=True).text.endswith(
        "Update-AutomaticPool -pool_id 'it''s' -isProvisioningEnabled $true"
    )
    broker.set_provisioning(linked, on=False)
    assert fake.calls == [("provisioning-linked-clones", {"pool_id": "rd-lc", "on": False})]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Failed("PoolNotFound", "ObjectNotFound", "No such pool"), State.PASSED),
        (Failed("Denied", "PermissionDenied", "Insufficient permission"), State.BLOCKED),
        (Failed("Odd", "OperationStopped", "?"), State.UNKNOWN),
        ([], State.UNKNOWN),
        (AnswerLost(text("Lost.")), State.UNKNOWN),
    ],
)
def test_the_right_to_switch_is_seen_from_a_pool_that_does_not_exist(answer: Any, state: State) -> None:
    assert view(provisioning_full_clones=answer)[0].may_change().state is state


def test_a_broker_that_does_not_answer_leaves_the_right_unknown() -> None:
    assert view(brokers=AnswerLost(text("Lost.")))[0].may_change().state is State.UNKNOWN


def test_an_export_names_tool_and_file_in_full() -> None:
    broker, fake = view()
    broker.export(r"C:\a b\x.ldf")
    broker.export(r"C:\a b\y.ldf", cleansed=True)
    tool = r'call "C:\Program Files\VMware\VMware View\Server\tools\bin\vdmexport.exe"'
    assert [line for _, line in fake.ran] == [rf'{tool} -f "C:\a b\x.ldf"', rf'{tool} -c -f "C:\a b\y.ldf"']
    assert fake.ran[0][0] == broker.export_command(r"C:\a b\x.ldf")


def test_an_export_that_ends_with_an_error_says_the_tools_last_words() -> None:
    broker, _ = view(done=Completed(1, "Exporting\r\n", "Access denied\r\n"))
    with pytest.raises(UserError, match="Access denied"):
        broker.export(r"C:\x.ldf")


def test_trying_the_recovery_password_shows_it_nowhere() -> None:
    broker, fake = view(done=Completed(1, "", "bad password: hunter2"))
    seen = broker.try_recovery_password(r"C:\x.ldf", "hunter2")
    assert seen.state is State.BLOCKED
    (shown, sent) = fake.ran[0]
    assert '-p "hunter2"' in sent
    assert sent.endswith("> NUL")
    assert "hunter2" not in shown.text + repr(seen)
    assert shown == broker.recovery_command(r"C:\x.ldf", "hunter2")
    assert not shown.changes


def test_a_recovery_password_that_opens_the_export_passes() -> None:
    assert view()[0].try_recovery_password(r"C:\x.ldf", "right").state is State.PASSED


def test_a_recovery_password_that_cmd_would_change_is_unknown_and_not_sent() -> None:
    broker, fake = view()
    seen = broker.try_recovery_password(r"C:\x.ldf", 'a"b%c')
    assert (seen.state, fake.ran) == (State.UNKNOWN, [])
    assert 'a"b%c' not in repr(seen)
