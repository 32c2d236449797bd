"""The connector against a Windows host of the practice environment: NTLM, TLS or message encryption, real sockets."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.connectors.winrm import PowerShellError, WinRm
from app.errors import AnswerLost, CouldNotLook, NotSent, Stopped, UserError
from app.lab.lab import Lab
from app.lab.rows import Fault, HostFolder, RegistryKey, Service, Setting
from app.lab.windows.server import WindowsServer
from app.wire import Command

Reach = Callable[..., WinRm]
EXPORT = r'call "C:\Program Files\VMware\VMware View\Server\tools\bin\vdmexport.exe" -f "C:\ProgramData\x.ldf"'
FOLDER = r"C:\ProgramData\ViewKeeper\研发 [1] it's"


def fault(lab: Lab, kind: str, call: str, *, times: int = 1, detail: str = "", system: str = "winrm:broker1") -> None:
    made = Fault(id=f"{kind} {call}", system=system, call=call, kind=kind, times=times, detail=detail)
    lab.world.change("test", "a fault is set", made)


@pytest.mark.parametrize("tls", [True, False])
def test_a_command_runs_as_the_account_over_https_and_over_encrypted_http(reach: Reach, tls: bool) -> None:
    done = reach(tls=tls).run("whoami")
    assert (done.exit_code, done.out.strip().lower()) == (0, "practice\\viewkeeper")


def test_chinese_goes_in_and_comes_out(host: WinRm) -> None:
    assert host.run("echo 研发桌面").out == "研发桌面\r\n"


def test_an_unknown_command_ends_as_on_windows(host: WinRm) -> None:
    done = host.run("nosuchtool")
    assert done.exit_code == 1
    assert "is not recognized" in done.err


def test_a_line_printed_while_a_remote_act_goes_on_is_seen_before_it_ends(lab: Lab, host: WinRm) -> None:
    lab.world.change("test", "time passes", Setting(name="pace", value="0.1"))
    there: list[bool] = []
    host.run(EXPORT, on_line=lambda _line: there.append(lab.world.file("broker1", r"C:\ProgramData\x.ldf") is not None))
    assert there[0] is False, "the first line was heard before the export had ended"
    assert host.file(r"C:\ProgramData\x.ldf") is not None


def test_a_stop_ends_a_command_that_hangs_and_the_next_one_works(lab: Lab, host: WinRm) -> None:
    fault(lab, "hang", "*vdmexport*")
    asked = iter([False, False])
    with pytest.raises(Stopped):
        host.run(EXPORT, stop=lambda: next(asked, True))
    assert host.run("hostname").exit_code == 0


def test_a_command_past_its_deadline_is_in_doubt(lab: Lab, host: WinRm) -> None:
    fault(lab, "hang", "*vdmexport*")
    with pytest.raises(AnswerLost, match="did not end in time"):
        host.run(EXPORT, deadline=0.1)
    assert host.run("hostname").exit_code == 0


def test_failing_commands_and_lost_answers_leave_no_shell_behind(lab: Lab, reach: Reach) -> None:
    for _ in range(7):  # the host allows five shells
        fault(lab, "drop", "whoami*")
        with reach() as host, pytest.raises(AnswerLost):
            host.run("whoami")
        with reach() as host:
            assert host.run("nosuchtool").exit_code == 1
    assert reach().run("hostname").exit_code == 0


def test_the_sixth_shell_of_an_account_is_refused_with_a_remedy(reach: Reach) -> None:
    for _ in range(5):
        reach().run("hostname")
    with pytest.raises(NotSent, match="MaxShellsPerUser"):
        reach().run("hostname")


def test_a_shell_that_the_host_has_closed_is_opened_again(server: WindowsServer, host: WinRm) -> None:
    host.run("hostname")
    assert server._protocol is not None
    server._protocol._shells.end_all()
    assert host.run("hostname").exit_code == 0


def test_an_answer_lost_is_told_although_the_act_was_done(lab: Lab, host: WinRm) -> None:
    fault(lab, "lose-answer", "*vdmexport*")
    with pytest.raises(AnswerLost):
        host.run(EXPORT)
    assert host.file(r"C:\ProgramData\x.ldf") is not None


def test_a_closed_port_is_not_sent(reach: Reach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with pytest.raises(NotSent, match="cannot be reached"):
        reach(port=free).run("hostname")


def test_a_wrong_password_is_not_sent_and_not_shown(reach: Reach) -> None:
    with pytest.raises(CouldNotLook, match="does not let") as raised:
        reach(password="wrong-secret").run("hostname")
    assert "wrong-secret" not in repr(raised.value) + str(raised.value) + raised.value.details


def test_over_http_a_wrong_password_has_the_same_sentence(reach: Reach) -> None:
    with pytest.raises(CouldNotLook, match="does not let"):
        reach(password="wrong-secret", tls=False).run("hostname")


def test_an_account_without_rights_on_the_host_is_told_so(reach: Reach) -> None:
    with pytest.raises(CouldNotLook, match="may not use WinRM"):
        reach(account="PRACTICE\\auditor").run("hostname")


@pytest.mark.parametrize("way", ["kerberos", "credssp"])
@pytest.mark.parametrize("tls", [True, False])
def test_a_way_of_authentication_that_is_not_to_be_had_is_told_and_not_tried_again(
    reach: Reach, way: str, tls: bool
) -> None:
    with pytest.raises(CouldNotLook, match=way):
        reach(authentication=way, tls=tls).run("hostname")


def test_a_certificate_that_has_changed_is_refused_before_anything_is_sent(lab: Lab, reach: Reach) -> None:
    host = reach()
    lab.certificates.change("winrm:broker1")
    with pytest.raises(CouldNotLook, match="certificate"):
        host.run("hostname")


def test_a_server_that_does_not_speak_tls_is_a_sentence(server: WindowsServer, reach: Reach) -> None:
    with pytest.raises(NotSent):
        reach(port=server.http_port).run("hostname")


# ---- remote PowerShell


def test_services_are_found_by_display_name_and_by_short_name(host: WinRm) -> None:
    found = host.service("VMware View Connection Server")
    assert found == host.service("WSBROKER")
    assert found is not None
    assert (found.name, found.state, found.start_mode, found.account) == ("wsbroker", "Running", "Auto", "LocalSystem")
    assert host.service("No such service") is None


def test_a_service_stops_and_starts(lab: Lab, host: WinRm) -> None:
    host.stop_service("wsbroker")
    assert lab.world.require(Service, "broker1", "wsbroker").state == "Stopped"
    host.start_service("wsbroker")
    assert lab.world.require(Service, "broker1", "wsbroker").state == "Running"


def test_a_service_that_is_not_there_is_an_error_with_powershells_id(host: WinRm) -> None:
    with pytest.raises(PowerShellError) as raised:
        host.stop_service("nosuch")
    assert raised.value.id.startswith("NoServiceFoundForGivenName")
    assert raised.value.category == "ObjectNotFound"


def test_the_dependents_of_a_service_are_named(host: WinRm) -> None:
    assert {one.name for one in host.dependents("RpcSs")} >= {"ADAM_VMwareVDMDS", "WinRM"}
    assert host.dependents("wsbroker") == ()


def test_processes_disks_clock_and_system_are_read(lab: Lab, host: WinRm) -> None:
    assert any(process.pid for process in host.processes())
    free, size = host.disks()["C:"]
    assert 0 < free < size
    assert abs(host.clock().timestamp() - lab.world.now()) < 60
    assert host.operating_system().version == "6.1.7601"
    assert host.operating_system().last_boot < datetime.now(UTC)
    assert host.computer().name.lower() == "broker1"


def test_quotas_are_those_of_an_old_host(host: WinRm) -> None:
    found = host.quotas()
    assert found["Winrs.MaxShellsPerUser"] == 5
    assert found["Winrs.MaxMemoryPerShellMB"] == 150
    assert found["MaxEnvelopeSizekb"] == 150


def test_registry_keys_are_read_and_a_missing_one_is_none(lab: Lab, host: WinRm) -> None:
    key = r"HKLM\SOFTWARE\Microsoft\PowerShell\1\PowerShellSnapIns\VMware.View.Broker"
    found = host.registry(key)
    assert found == lab.world.require(RegistryKey, "broker1", key.lower()).values
    assert host.registry(r"HKLM\SOFTWARE\No\Such") is None


def test_an_access_list_names_who_may_write(lab: Lab, host: WinRm) -> None:
    folder = HostFolder(host="broker1", path=r"C:\Backup", writers=("PRACTICE\\sqlservice",))
    lab.world.change("test", "a folder", folder)
    entries = [entry for entry in host.acl(r"C:\Backup") if entry.who == "PRACTICE\\sqlservice"]
    assert entries
    assert all(entry.allowed for entry in entries)
    assert any({"Write", "Modify", "FullControl"} & set(entry.rights) for entry in entries)


def test_the_host_gets_exactly_what_the_plan_shows(lab: Lab, reach: Reach) -> None:
    heard: list[Command] = []
    host = reach(tap=heard.append)
    host.stop_service("wsbroker")
    host.service("wsbroker")
    host.run("hostname", changes=False)
    wire = [line for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines() if "winrm:broker1" in line]
    logged = [Command(entry["system"], entry["text"], entry["changes"]) for entry in map(json.loads, wire)]
    assert heard == [entry for entry in logged if not entry.text.startswith("logon")]
    assert heard[0] == host.command("stop-service", name="wsbroker")


# ---- files


@pytest.mark.parametrize("tls", [True, False])
def test_a_file_of_some_megabytes_travels_both_ways_unchanged(tmp_path: Path, reach: Reach, tls: bool) -> None:
    host = reach(tls=tls)
    content = hashlib.shake_256(b"seed").digest(5_000_001)
    host.make_folder(FOLDER)
    sent = host.put(content, FOLDER + "\\数据.bin")
    heard: list[float] = []
    got = host.fetch(FOLDER + "\\数据.bin", tmp_path / "数据.bin", progress=heard.append)
    assert sent == got
    assert got.sha256 == hashlib.sha256(content).hexdigest() == host.sha256(FOLDER + "\\数据.bin")
    assert (tmp_path / "数据.bin").read_bytes() == content
    assert heard == sorted(heard)
    assert [one.path for one in host.files(FOLDER)] == [FOLDER + "\\数据.bin"]


def test_a_file_longer_than_one_remote_command_reads_is_fetched_in_parts(
    tmp_path: Path, host: WinRm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.connectors.winrm.files.READ", 100_000)
    monkeypatch.setattr("app.connectors.winrm.files.WRITTEN", 90_000)
    content = hashlib.shake_256(b"parts").digest(350_000)
    host.put(content, r"C:\ProgramData\parts.bin")
    host.fetch(r"C:\ProgramData\parts.bin", tmp_path / "parts.bin")
    assert (tmp_path / "parts.bin").read_bytes() == content


def test_an_empty_file_travels_too(tmp_path: Path, host: WinRm) -> None:
    host.put(b"", r"C:\ProgramData\empty")
    assert host.fetch(r"C:\ProgramData\empty", tmp_path / "empty").size == 0
    assert (tmp_path / "empty").read_bytes() == b""


def test_putting_replaces_what_was_there(host: WinRm) -> None:
    host.put(b"old", r"C:\ProgramData\notice.json")
    host.put(b"new!", r"C:\ProgramData\notice.json")
    found = host.file(r"C:\ProgramData\notice.json")
    assert found is not None
    assert (found.size, found.folder) == (4, False)
    names = [one.path for one in host.files(r"C:\ProgramData")]
    assert [name for name in names if "notice" in name] == [r"C:\ProgramData\notice.json"]


def test_a_transfer_that_is_cut_short_is_noticed_and_leaves_nothing(lab: Lab, tmp_path: Path, host: WinRm) -> None:
    host.put(b"x" * 100_000, r"C:\ProgramData\x.bin")
    fault(lab, "truncate", "Read-FilePart*")
    with pytest.raises(UserError):
        host.fetch(r"C:\ProgramData\x.bin", tmp_path / "x.bin")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("kind", ["half", "lie", "disk-full", "truncate"])
def test_a_file_that_was_not_written_whole_does_not_replace_the_old_one(lab: Lab, host: WinRm, kind: str) -> None:
    host.put(b"old", r"C:\ProgramData\x.bin")
    fault(lab, kind, "Write-FilePart*")
    with pytest.raises(UserError):
        host.put(b"y" * 100_000, r"C:\ProgramData\x.bin")
    row = lab.world.file("broker1", r"C:\ProgramData\x.bin")
    assert row is not None
    assert lab.world.content(row.blob) == b"old"


def test_what_is_not_there_is_none_and_removing_it_is_no_error(host: WinRm) -> None:
    assert host.file(r"C:\ProgramData\nothing") is None
    assert host.file(r"C:\No such folder\nothing") is None
    assert not host.folder_there(r"C:\ProgramData\nothing")
    host.remove(r"C:\ProgramData\nothing")
    host.remove_folder(r"C:\ProgramData\nothing")
    with pytest.raises(PowerShellError):
        host.sha256(r"C:\ProgramData\nothing")


def test_folders_are_made_seen_and_removed_with_what_is_in_them(host: WinRm) -> None:
    host.make_folder(FOLDER)
    host.make_folder(FOLDER)
    assert host.folder_there(FOLDER)
    assert host.file(FOLDER) is None
    host.put(b"x", FOLDER + "\\a")
    host.remove_folder(FOLDER)
    assert not host.folder_there(FOLDER)
    assert host.file(FOLDER + "\\a") is None


def test_a_file_is_renamed_over_another(host: WinRm) -> None:
    host.put(b"one", r"C:\ProgramData\one")
    host.put(b"two", r"C:\ProgramData\two")
    host.rename(r"C:\ProgramData\one", r"C:\ProgramData\two")
    assert host.file(r"C:\ProgramData\one") is None
    assert host.sha256(r"C:\ProgramData\two") == hashlib.sha256(b"one").hexdigest()
