"""WinRM on the wire, against the libraries that administrators' programs use, and against bad messages."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError

from app.lab.lab import Lab
from app.lab.rows import Account, Setting, WindowsHost
from app.lab.windows.server import WindowsServer

ACCOUNT = "PRACTICE\\viewkeeper"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = f"{SHELL}/cmd"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
Start = Callable[[str], WindowsServer]


def change_host(lab: Lab, **fields: Any) -> None:
    row = lab.world.require(WindowsHost, "broker1")
    lab.world.change("test", "host changed", msgspec.structs.replace(row, **fields))


def set_quotas(lab: Lab, **quotas: int) -> None:
    change_host(lab, quotas={**lab.world.require(WindowsHost, "broker1").quotas, **quotas})


def code_of(error: pytest.ExceptionInfo[WSManFaultError]) -> int | None:
    return error.value.wsman_fault_code


@pytest.fixture
def wsman(lab: Lab, host: Start) -> Iterator[Callable[..., WSMan]]:
    made: list[WSMan] = []

    def connect(*, tls: bool = True, auth: str = "ntlm") -> WSMan:
        server = host("broker1")
        options: dict[str, Any] = {
            "port": server.port if tls else server.http_port, "ssl": tls, "username": ACCOUNT, "auth": auth,
            "password": lab.passwords.of(ACCOUNT), "no_proxy": True, "operation_timeout": 4,
            "cert_validation": str(lab.certificates.of(server.system)[0]),
        }  # fmt: skip
        made.append(WSMan("127.0.0.1", **options))
        return made[-1]

    yield connect
    for one in made:
        one.close()


class TestClients:
    @pytest.mark.parametrize("tls", [True, False])
    def test_pywinrm_runs_a_command_over_tls_and_with_message_encryption(self, client: Any, tls: bool) -> None:
        code, out, error = client(tls=tls).run("sc query wsbroker")
        assert (code, error) == (0, "")
        assert "STATE              : 4  RUNNING" in out

    @pytest.mark.parametrize(("tls", "auth"), [(True, "ntlm"), (False, "ntlm"), (True, "negotiate")])
    def test_pypsrp_runs_a_command_in_a_shell_of_its_own(self, wsman: Any, tls: bool, auth: str) -> None:
        with WinRS(wsman(tls=tls, auth=auth)) as shell:
            process = Process(shell, "sc", ["query", "wsbroker"])
            process.invoke()
            process.signal(SignalCode.TERMINATE)
        assert process.rc == 0
        assert b"RUNNING" in process.stdout

    def test_pypsrp_reads_the_largest_envelope_from_the_configuration(self, wsman: Any) -> None:
        connection = wsman()
        connection.update_max_payload_size()
        assert connection.max_envelope_size == 150 * 1024

    def test_a_large_output_arrives_whole_in_pieces_that_fit_their_envelopes(self, lab: Lab, client: Any) -> None:
        content = b"0123456789abcdef\r\n" * 60_000
        lab.world.change("test", "file", lab.world.new_file("broker1", r"C:\Windows\Temp\big.txt", content))
        code, out, _ = client().run(r"type C:\Windows\Temp\big.txt")
        assert code == 0
        assert out.replace("\n", "\r\n").encode() == content

    def test_text_goes_through_the_shells_code_page(self, client: Any) -> None:
        connected = client()
        assert connected.run("echo 研发桌面")[1].strip() == "研发桌面"
        shell = connected.protocol.open_shell(codepage=437)
        command = connected.protocol.run_command(shell, "echo 研é")
        assert connected.protocol.get_command_output(shell, command)[0].strip() == "?é".encode("cp437")


class TestLogon:
    def test_a_wrong_password_is_refused(self, host: Start, lab: Lab, client: Any) -> None:
        lab.passwords.of("PRACTICE\\nobody")
        with pytest.raises(InvalidCredentialsError):
            client(account="PRACTICE\\nobody").run("ver")
        connected = client()
        connected.protocol.transport.password = "wrong"
        with pytest.raises(InvalidCredentialsError):
            connected.run("ver")

    def test_a_user_principal_name_is_known_too(self, lab: Lab, client: Any) -> None:
        password = lab.passwords.of(ACCOUNT)
        lab.passwords.set("viewkeeper@PRACTICE.example", password)
        assert client(account="viewkeeper@PRACTICE.example").run("whoami")[1].strip() == "practice\\viewkeeper"

    def test_an_account_that_does_not_administer_the_host_is_denied(self, client: Any) -> None:
        with pytest.raises(WSManFaultError) as error:
            client(account="PRACTICE\\auditor").run("ver")
        assert code_of(error) == 5

    def test_basic_is_not_offered_and_not_taken(self, lab: Lab, host: Start) -> None:
        server = host("broker1")
        url = f"http://127.0.0.1:{server.http_port}/wsman"
        answer = requests.post(url, data="x", auth=(ACCOUNT, lab.passwords.of(ACCOUNT)), timeout=10)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Negotiate"

    def test_plain_http_without_message_encryption_is_refused(self, lab: Lab, client: Any) -> None:
        connected = client(tls=False)
        connected.protocol.transport.message_encryption = "never"
        with pytest.raises((InvalidCredentialsError, WinRMTransportError)):
            connected.run("ver")

    def test_the_passwords_for_ntlm_lie_in_a_private_file_that_goes_with_the_server(
        self, lab: Lab, client: Any, host: Start
    ) -> None:
        client().run("ver")
        (path,) = lab.folder.glob("*.ntlm")
        assert path.stat().st_mode & 0o077 == 0
        host("broker1").stop()
        assert not list(lab.folder.glob("*.ntlm"))

    def test_a_fault_of_the_logon_refuses_only_as_often_as_it_says(self, client: Any, fault: Any) -> None:
        fault("winrm:broker1", "logon *viewkeeper", "wrong-password", times=1)
        connected = client()
        with pytest.raises(InvalidCredentialsError):
            connected.run("ver")
        assert connected.run("ver")[0] == 0


class TestCertificates:
    def test_a_changed_certificate_is_shown_to_the_next_connection(
        self, lab: Lab, client: Any, host: Start, tmp_path: Path
    ) -> None:
        host("broker1")
        pinned = tmp_path / "pinned.crt"
        pinned.write_bytes(lab.certificates.of("winrm:broker1")[0].read_bytes())
        connected = client(trusted=str(pinned))
        connected.run("ver")
        lab.certificates.change("winrm:broker1")
        assert connected.run("ver")[0] == 0  # the connection that stands goes on
        connected.close()
        with pytest.raises(requests.exceptions.SSLError):
            connected.run("ver")

    def test_an_expired_certificate_is_shown_as_such(self, lab: Lab, client: Any) -> None:
        lab.certificates.of("winrm:broker1")
        lab.certificates.change("winrm:broker1", expired=True)
        with pytest.raises(requests.exceptions.SSLError, match="expired"):
            client().run("ver")


class TestReach:
    def test_an_unreachable_host_closes_the_connection(self, lab: Lab, client: Any) -> None:
        connected = client()
        change_host(lab, reachable=False)
        with pytest.raises(requests.exceptions.ConnectionError):
            connected.run("ver")
        change_host(lab, reachable=True)
        assert connected.run("ver")[0] == 0

    def test_a_server_that_was_stopped_starts_again_on_its_ports(self, client: Any, host: Start) -> None:
        connected, server = client(), host("broker1")
        connected.run("ver")
        port = server.port
        server.stop()
        with pytest.raises(requests.exceptions.ConnectionError):
            connected.run("ver")
        server.start()
        assert server.port == port
        with pytest.raises(WSManFaultError) as error:
            connected.run("ver")  # the old shell went with the old service
        assert code_of(error) == 2150858843

    def test_stopping_ends_commands_and_connections_that_hang(
        self, lab: Lab, client: Any, host: Start, fault: Any
    ) -> None:
        fault("winrm:broker1", "ver", "hang", times=1)
        connected, ended = client(poll=30), threading.Event()

        def run() -> None:
            with contextlib.suppress(requests.exceptions.ConnectionError):
                connected.run("ver")
            ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        assert lab.world.wait_for(lambda: lab.world.events[-1].what == "fault hang met", 30)
        host("broker1").stop()
        thread.join(30)
        assert ended.is_set()

    def test_a_client_that_says_nothing_holds_up_nobody(self, client: Any, host: Start) -> None:
        with socket.create_connection(("127.0.0.1", host("broker1").port)):
            assert client().run("ver")[0] == 0


class TestCommands:
    def test_a_line_is_seen_while_the_command_goes_on(self, lab: Lab, client: Any) -> None:
        lab.world.change("test", "real time", Setting(name="pace", value="1"))
        protocol, shell = client().protocol, ""
        shell = protocol.open_shell(codepage=65001)
        tool = r'call "C:\Program Files\VMware\VMware View\Server\tools\bin\vdmexport.exe" -f C:\Windows\Temp\x.ldf'
        command = protocol.run_command(shell, tool)
        out, _, _, done = protocol.get_command_output_raw(shell, command)
        assert out.startswith(b"Exported ")
        assert not done
        protocol.cleanup_command(shell, command)
        assert lab.world.file("broker1", r"C:\Windows\Temp\x.ldf") is None  # it was ended before it wrote

    def test_no_output_in_time_is_the_time_out_that_clients_know(self, client: Any, fault: Any) -> None:
        fault("winrm:broker1", "ver", "hang")
        protocol = client(poll=1).protocol
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "ver")
        with pytest.raises(WinRMOperationTimeoutError):
            protocol.get_command_output_raw(shell, command)

    def test_ctrl_c_ends_a_command_and_its_end_can_be_read(self, wsman: Any, fault: Any) -> None:
        fault("winrm:broker1", "hostname*", "hang")
        with WinRS(wsman()) as shell:
            process = Process(shell, "hostname")
            process.begin_invoke()
            process.signal(SignalCode.CTRL_C)
            process.end_invoke()
            assert process.rc == 1

    def test_a_command_that_was_terminated_is_not_known_any_more(self, client: Any) -> None:
        protocol = client().protocol
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "ver")
        protocol.cleanup_command(shell, command)
        with pytest.raises(WSManFaultError) as error:
            protocol.get_command_output_raw(shell, command)
        assert code_of(error) == 2150858843

    def test_input_after_its_end_is_not_read(self, client: Any) -> None:
        connected = client()
        command = connected.protocol.run_command(connected.shell, "ver")
        connected.protocol.send_command_input(connected.shell, command, b"x", end=True)
        connected.protocol.send_command_input(connected.shell, command, b"y", end=True)
        assert connected.protocol.get_command_output(connected.shell, command)[2] == 0


class TestQuotas:
    def test_one_shell_too_many_is_the_quota_fault(self, lab: Lab, client: Any) -> None:
        set_quotas(lab, MaxShellsPerUser=2)
        protocol = client().protocol
        first = protocol.open_shell()
        protocol.open_shell()
        with pytest.raises(WSManFaultError, match="maximum number of 2 concurrent shells") as error:
            protocol.open_shell()
        assert code_of(error) == 2150859173
        protocol.close_shell(first, close_session=False)
        protocol.open_shell()

    def test_too_many_operations_are_the_other_quota_fault(self, lab: Lab, client: Any, fault: Any) -> None:
        fault("winrm:broker1", "ver", "hang")
        set_quotas(lab, MaxConcurrentOperationsPerUser=2)
        connected = client()
        for _ in range(2):
            connected.protocol.run_command(connected.shell, "ver")
        with pytest.raises(WSManFaultError) as error:
            connected.protocol.run_command(connected.shell, "ver")
        assert code_of(error) == 2150859174

    def test_a_shell_that_idles_too_long_is_gone(self, lab: Lab, client: Any) -> None:
        connected = client()
        connected.run("ver")
        lab.world.change("test", "three minutes pass", Setting(name="clock_offset", value="181"))
        with pytest.raises(WSManFaultError) as error:
            connected.run("ver")
        assert code_of(error) == 2150858843

    def test_a_message_larger_than_the_envelope_allows_is_refused(self, lab: Lab, client: Any) -> None:
        set_quotas(lab, MaxEnvelopeSizekb=20)
        connected = client()
        with pytest.raises(WinRMTransportError) as error:
            connected.run("echo " + "x" * 30_000)
        assert error.value.code == 413

    def test_remote_shells_may_be_forbidden(self, lab: Lab, client: Any) -> None:
        set_quotas(lab, AllowRemoteShellAccess=0)
        with pytest.raises(WSManFaultError):
            client().run("ver")

    def test_another_users_shell_is_not_there(self, lab: Lab, client: Any) -> None:
        lab.world.change("test", "a second administrator", Account(name="PRACTICE\\other", administers=("*",)))
        mine, theirs = client(), client(account="PRACTICE\\other")
        theirs.protocol.open_shell()
        with pytest.raises(WSManFaultError) as error:
            theirs.protocol.run_command(mine.shell, "ver")
        assert code_of(error) == 2150858843


def message(connected: Any, action: str, resource: str, body: str = "", header: str = "") -> str:
    import xmltodict

    request = {"env:Envelope": connected.protocol.build_wsman_header(action=action, resource_uri=resource)}
    request["env:Envelope"]["env:Body"] = {}
    text = xmltodict.unparse(request)
    return (
        str(text)
        .replace("<env:Body></env:Body>", f"<env:Body>{body}</env:Body>")
        .replace("</env:Header>", f"{header}</env:Header>")
    )


class TestBadMessages:
    @pytest.mark.parametrize("text", ["", "<a", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "\x00\x01"])
    def test_what_is_no_xml_is_a_bad_request(self, client: Any, text: str) -> None:
        connected = client()
        connected.run("ver")
        if text:
            with pytest.raises(WinRMTransportError) as error:
                connected.protocol.transport.send_message(text)
            assert error.value.code == 400

    @pytest.mark.parametrize(
        ("action", "resource", "body", "header", "code"),
        [
            ("http://example/Nonsense", CMD, "", "", 2150858753),
            (CREATE, f"{SHELL}/none", "", "", 2150858752),
            ("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", "http://example/none", "", "", 2150858752),
            (CREATE, CMD, "", "", 2150858817),
            (f"{SHELL}/Command", CMD, "", "", 2150858843),
            (CREATE, CMD, "", '<q:Odd xmlns:q="u:q" env:mustUnderstand="true"/>', 2150858835),
            (CREATE, CMD, "", "<w:OperationTimeout>soon</w:OperationTimeout>", 2150858817),
        ],
    )
    def test_a_request_that_is_not_understood_is_a_fault(
        self, client: Any, action: str, resource: str, body: str, header: str, code: int
    ) -> None:
        connected = client()
        text = message(connected, action, resource, body, header)
        if "OperationTimeout" in header:
            text = text.replace("<w:OperationTimeout>PT4S</w:OperationTimeout>", "", 1)
        with pytest.raises(WSManFaultError) as error:
            connected.protocol.send_message(text)
        assert code_of(error) == code

    def test_any_other_path_is_not_found(self, host: Start) -> None:
        server = host("broker1")
        assert requests.post(f"http://127.0.0.1:{server.http_port}/", data="x", timeout=10).status_code == 404

    def test_a_broken_seal_is_a_bad_request(self, client: Any) -> None:
        connected = client(tls=False)
        connected.run("ver")
        transport = connected.protocol.transport
        sealed = transport.encryption.prepare_encrypted_request(transport.session, transport.endpoint, b"<a/>")
        sealed.body = sealed.body[:-40] + bytes(byte ^ 1 for byte in sealed.body[-40:-30]) + sealed.body[-30:]
        assert transport.session.send(sealed, timeout=10).status_code == 400

    def test_identify_tells_the_product_and_the_version_only_to_who_logged_on(self, client: Any, host: Start) -> None:
        ask = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/'
            'wsman/identify/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>'
        )
        known = ET.fromstring(client().protocol.send_message(ask))
        assert "OS: 6.1.7601 SP: 1.0 Stack: 2.0" in ET.tostring(known, "unicode")
        url = f"http://127.0.0.1:{host('broker1').http_port}/wsman"
        answer = requests.post(url, data=ask, headers={"WSMANIDENTIFY": "unauthenticated"}, timeout=10)
        assert "OS: 0.0.0" in answer.text

    def test_garbage_for_a_token_is_refused_and_the_door_stays_open(self, host: Start, client: Any) -> None:
        url = f"http://127.0.0.1:{host('broker1').http_port}/wsman"
        for token in (b"NTLMSSP\x00\x03\x00\x00\x00", b"NTLMSSP\x00\x01\x00\x00\x00", b"\x60\x10", b"", b"\xff" * 200):
            header = {"Authorization": "Negotiate " + base64.b64encode(token).decode()}
            assert requests.post(url, data="x", headers=header, timeout=10).status_code == 401
        assert client().run("ver")[0] == 0
