"""Every kind of fault, met on the real protocol: what the client sees, and what the world is left with."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError

from app import paths
from app.lab.lab import Lab
from app.lab.rows import Fault, LdsEntry, Service

EXPORT = r'call "C:\Program Files\VMware\VMware View\Server\tools\bin\vdmexport.exe" -f C:\Windows\Temp\x.ldf'
OUT = r"C:\Windows\Temp\x.ldf"
SWITCH = (
    "Add-PSSnapin -Name 'VMware.View.Broker'\nUpdate-AutomaticPool -pool_id 'fin-full' -isProvisioningEnabled $false"
)
SYSTEM = "winrm:broker1"


def powershell(script: str) -> tuple[str, bytes]:
    folder = paths.resources() / "scripts"
    encoded = base64.b64encode((folder / "bootstrap.ps1").read_text("utf-8").encode("utf-16-le")).decode()
    line = f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"
    parts = [(folder / "envelope.ps1").read_text("utf-8").encode(), script.encode()]
    return line, b"".join(base64.b64encode(part) + b"\n" for part in parts)


def call(connected: Any, script: str) -> dict[str, Any]:
    line, stdin = powershell(script)
    code, out, error = connected.run(line, stdin)
    assert (code, error) == (0, "")
    answer = out.strip().removeprefix("<<<VK").removesuffix("VK>>>")
    return dict(json.loads(base64.b64decode(answer, validate=True)))


def state(lab: Lab, name: str = "wsbroker") -> str:
    return lab.world.require(Service, "broker1", name).state


def provisions(lab: Lab) -> bool:
    pool = lab.world.require(LdsEntry, "view", "cn=fin-full,ou=server groups,dc=vdi,dc=vmware,dc=int")
    return pool.first("pae-VmProvEnabled") == "1"


def size(lab: Lab) -> int | None:
    row = lab.world.file("broker1", OUT)
    return row.size if row else None


def test_refuse_turns_the_logon_down(client: Any, fault: Any) -> None:
    fault(SYSTEM, "logon*", "refuse")
    with pytest.raises(InvalidCredentialsError):
        client().run("ver")


def test_wrong_password_turns_the_logon_down(client: Any, fault: Any) -> None:
    fault(SYSTEM, "*", "wrong-password")
    with pytest.raises(InvalidCredentialsError):
        client().run("ver")


def test_refuse_denies_a_command(client: Any, fault: Any) -> None:
    fault(SYSTEM, "*vdmexport*", "refuse")
    assert client().run(EXPORT)[::2] == (1, "Access is denied.\n")


def test_fail_fails_a_tool_and_nothing_is_done(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*vdmexport*", "fail", detail="An LDAP error occurred: 81")
    assert client().run(EXPORT)[::2] == (1, "An LDAP error occurred: 81\n")
    assert size(lab) is None


def test_fail_fails_a_cmdlet_with_its_own_error(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "stop-service*", "fail")
    answer = call(client(), "Stop-Service -Name 'wsbroker'")
    assert answer["error"]["id"] == "CouldNotStopService,Microsoft.PowerShell.Commands.StopServiceCommand"
    assert state(lab) == "Running"


def test_hang_gives_no_output_until_the_client_gives_up(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*vdmexport*", "hang")
    protocol = client(poll=1).protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, EXPORT)
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    protocol.close_shell(shell)
    assert size(lab) is None


def test_drop_breaks_the_connection_before_anything_is_done(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*vdmexport*", "drop", times=1)
    connected = client()
    with pytest.raises(requests.exceptions.ConnectionError):
        connected.run(EXPORT)
    assert size(lab) is None
    with pytest.raises(WSManFaultError):
        connected.run("ver")  # the shell went with the connection
    assert client().run(EXPORT)[0] == 0


def test_lose_answer_does_it_and_breaks_the_connection(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*update-automatic*", "lose-answer", times=1)
    connected = client()
    with pytest.raises(requests.exceptions.ConnectionError):
        call(connected, SWITCH)
    assert not provisions(lab)


def test_lie_answers_success_and_does_nothing(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*", "lie")
    connected = client()
    count = len(lab.world.events)
    assert call(connected, "Stop-Service -Name 'wsbroker'")["ok"]
    assert call(connected, SWITCH)["ok"]
    assert connected.run(EXPORT)[0] == 0
    assert connected.run("sc stop wsbroker")[0] == 0
    assert (state(lab), provisions(lab), size(lab)) == ("Running", True, None)
    assert len(lab.world.events) == count


@pytest.mark.parametrize("kind", ["half", "truncate"])
def test_half_and_truncate_leave_a_file_that_is_cut(lab: Lab, client: Any, fault: Any, kind: str) -> None:
    connected = client()
    connected.run(EXPORT)
    whole = size(lab)
    fault(SYSTEM, "*vdmexport*", kind)
    assert connected.run(EXPORT)[0] == 0
    cut = size(lab)
    assert whole is not None
    assert cut is not None
    assert 0 < cut < whole


def test_half_leaves_a_service_that_is_stopping_for_ever(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "stop-service*", "half")
    assert call(client(), "Stop-Service -Name 'wsbroker'")["ok"]
    assert state(lab) == "Stop Pending"


def test_truncate_cuts_an_answer_before_its_end_mark(client: Any, fault: Any) -> None:
    fault(SYSTEM, "get-wmiobject*", "truncate")
    line, stdin = powershell("Get-WmiObject -Class 'Win32_Service'")
    out = client().run(line, stdin)[1]
    assert out.startswith("<<<VK")
    assert "VK>>>" not in out


def test_slow_keeps_its_answer_back_and_then_is_right(client: Any, fault: Any) -> None:
    fault(SYSTEM, "ver", "slow", detail="1.5")
    protocol = client(poll=1).protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "ver")
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    out, _, code = protocol.get_command_output(shell, command)
    assert (b"6.1.7601" in out, code) == (True, 0)


def test_disk_full_is_said_by_tools_and_by_cmdlets(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "*", "disk-full")
    assert client().run(EXPORT)[::2] == (1, "There is not enough space on the disk.\n")
    answer = call(client(), "Write-FilePart -Path 'C:\\Windows\\Temp\\x.ldf' -Offset 0")
    assert "not enough space on the disk" in answer["error"]["message"]
    assert size(lab) is None


def test_a_fault_is_met_as_often_as_it_says(lab: Lab, client: Any, fault: Any) -> None:
    fault(SYSTEM, "ver", "fail", times=2)
    connected = client()
    assert [connected.run("ver")[0] for _ in range(3)] == [1, 1, 0]
    assert lab.world.require(Fault, "fail").times == 0


def test_what_is_called_is_written_down_with_whether_it_acts(lab: Lab, client: Any) -> None:
    connected = client()
    for line in ("sc query wsbroker", "sc stop PCOIPSG", EXPORT, "ver", "ver > C:\\Windows\\Temp\\v.txt", "nope"):
        connected.run(line)
    call(connected, "Get-Service -Name 'wsbroker'")
    call(connected, SWITCH)
    lines = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines()]
    assert {line["system"] for line in lines} == {SYSTEM}
    assert [(line["text"], line["changes"]) for line in lines] == [
        ("sc query wsbroker", False), ("sc stop PCOIPSG", True), (EXPORT, True), ("ver", False),
        ("ver > C:\\Windows\\Temp\\v.txt", True), ("nope", False), ("Get-Service -Name 'wsbroker'", False),
        (SWITCH, True),
    ]  # fmt: skip
