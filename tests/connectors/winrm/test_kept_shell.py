"""One shell is kept, opened again when it is gone, and never left behind; what failed is told by how far it got."""

from __future__ import annotations

import base64
import contextlib
import re
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from winrm.exceptions import InvalidCredentialsError, WinRMError, WinRMOperationTimeoutError, WinRMTransportError
from winrm.protocol import Protocol

from app.connectors.winrm import WinRm
from app.errors import AnswerLost, CouldNotLook, NotSent, Refused, Stopped, UserError
from app.profile import Host
from app.wire import Command, Tap, no_tap

ADDRESS = Host(name="broker1", address="127.0.0.1", port=1, tls=False, account="PRACTICE\\viewkeeper")
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault">'
    "<s:Header><a:RelatesTo>{relates}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
STATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/"


@dataclass
class Wire:
    """Answers messages; `before` may raise for an action, `answers` may put any bytes in an answer's place."""

    out: list[bytes] = field(default_factory=lambda: [b"hello\r\n"])
    code: int = 0
    shells: set[str] = field(default_factory=set)
    opened: int = 0
    actions: list[str] = field(default_factory=list)
    input: bytes = b""
    inputs: list[int] = field(default_factory=list)
    left: list[bytes] = field(default_factory=list)
    closed: int = 0
    read_timeout_sec: tuple[float, float] = (0, 0)
    before: Callable[[str], None] = lambda action: None
    answers: Callable[[str], bytes | None] = lambda action: None

    def close_session(self) -> None:
        self.closed += 1

    def send_message(self, message: bytes | str) -> bytes:
        text = message.decode() if isinstance(message, bytes) else message
        action = re.search(r"<a:Action[^>]*>[^<]*/(\w+)<", text)[1]  # type: ignore[index]
        self.actions.append(action)
        self.before(action)
        put = self.answers(action)
        relates = re.search(r"<a:MessageID>([^<]*)<", text)[1]  # type: ignore[index]
        body = self.body(action, text)
        return put if put is not None else ENVELOPE.format(relates=relates, body=body).encode()

    def body(self, action: str, text: str) -> str:
        shell = re.search(r'<w:Selector Name="ShellId">([^<]*)<', text)
        if action == "Create":
            made = str(uuid.uuid4()).upper()
            self.shells.add(made)
            self.opened += 1
            return f'<w:Selector Name="ShellId">{made}</w:Selector>'
        assert shell is not None
        if shell[1] not in self.shells:
            raise fault(2150858843)
        if action == "Delete":
            self.shells.discard(shell[1])
        if action == "Command":
            self.left, self.input = list(self.out), b""
            return "<rsp:CommandResponse><rsp:CommandId>C1</rsp:CommandId></rsp:CommandResponse>"
        if action == "Send":
            piece = base64.b64decode(re.search(r"<rsp:Stream[^>]*>([^<]*)<", text)[1])  # type: ignore[index]
            self.input += piece
            self.inputs.append(len(text))
        if action == "Receive":
            return self.output()
        return ""

    def output(self) -> str:
        if not self.left:
            return f'<rsp:CommandState State="{STATE}Done"><rsp:ExitCode>{self.code}</rsp:ExitCode></rsp:CommandState>'
        piece = base64.b64encode(self.left.pop(0)).decode()
        return f'<rsp:Stream Name="stdout">{piece}</rsp:Stream><rsp:CommandState State="{STATE}Running"/>'


def fault(code: int, reason: str = "No.") -> WinRMTransportError:
    """Return what a fault of WinRM is to pywinrm's Protocol."""
    body = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault Code="{code}"/></s:Detail></s:Fault>'
    )
    return WinRMTransportError("http", 500, ENVELOPE.format(relates="", body=body))


def once(action: str, error: Exception) -> Callable[[str], None]:
    """Return a `before` that raises `error` at the first message of that action."""
    left = [error]

    def before(found: str) -> None:
        if found == action and left:
            raise left.pop()

    return before


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def host(wire: Wire) -> WinRm:
    return reach(wire)


def reach(wire: Wire, tap: Tap = no_tap, now: Callable[[], float] = time.monotonic) -> WinRm:
    """Return a connector whose messages pywinrm makes and reads, and `wire` answers."""

    def connect(host: Host, password: str, _context: ssl.SSLContext | None) -> Protocol:
        protocol = Protocol(f"http://{host.address}/wsman", "ntlm", host.account, password)
        protocol.transport = wire  # type: ignore[assignment]  # it does what the protocol asks of a transport
        return protocol

    return WinRm(ADDRESS, "secret", context=None, patience=2, tap=tap, now=now, connect=connect)


LOST = requests.ConnectionError("Connection aborted.")


def test_commands_share_one_shell_and_close_deletes_it(wire: Wire, host: WinRm) -> None:
    for _ in range(4):
        assert host.run("echo").out == "hello\r\n"
    assert (wire.opened, len(wire.shells)) == (1, 1)
    host.close()
    assert wire.shells == set()


def test_every_command_is_told_to_end_so_that_the_host_keeps_nothing_of_it(wire: Wire, host: WinRm) -> None:
    host.run("echo")
    assert wire.actions == ["Create", "Command", "Receive", "Receive", "Signal"]


@pytest.mark.parametrize("code", [2150858843, 995, 2147943395, 2150859174, 2150859078])
def test_a_shell_that_is_gone_or_full_is_opened_again_and_the_command_is_sent_once_more(
    wire: Wire, host: WinRm, code: int
) -> None:
    host.run("echo")
    wire.before = once("Command", fault(code))
    assert host.run("echo").out == "hello\r\n"
    assert (wire.opened, len(wire.shells)) == (2, 1)


def test_a_connection_that_idled_too_long_to_be_understood_is_made_anew(wire: Wire, host: WinRm) -> None:
    host.run("echo")
    wire.before = once("Command", WinRMTransportError("http", 400, ""))
    assert host.run("echo").exit_code == 0
    assert len(wire.shells) == 1


def test_a_host_without_room_for_a_shell_says_how_to_make_room(wire: Wire, host: WinRm) -> None:
    wire.before = once("Create", fault(2150859173, "This user is allowed a maximum number of 5 concurrent shells"))
    with pytest.raises(NotSent) as raised:
        host.run("echo")
    assert "MaxShellsPerUser" in str(raised.value)
    assert "{" in str(raised.value.do)


def test_a_command_that_the_host_turns_down_is_not_sent_and_not_tried_again(wire: Wire, host: WinRm) -> None:
    def refuse(action: str) -> None:
        if action == "Command":
            raise fault(5, "Access is denied.")

    wire.before = refuse
    with pytest.raises(CouldNotLook, match="may not use WinRM"):
        host.run("echo")
    assert wire.actions.count("Command") == 1
    assert wire.shells == set()


@pytest.mark.parametrize("action", ["Command", "Receive"])
def test_a_connection_lost_after_the_command_was_sent_is_an_answer_lost(wire: Wire, host: WinRm, action: str) -> None:
    wire.before = once(action, LOST)
    with pytest.raises(AnswerLost):
        host.run("echo")
    assert wire.actions.count("Command") == 1
    assert wire.actions[-1] in ("Signal", "Delete"), "what may still run is ended"
    assert host.run("echo").exit_code == 0
    assert len(wire.shells) == 1


@pytest.mark.parametrize("error", [LOST, WinRMOperationTimeoutError(), requests.ReadTimeout("x"), fault(2150859173)])
def test_what_fails_while_the_shell_is_opened_is_not_sent(wire: Wire, host: WinRm, error: Exception) -> None:
    wire.before = once("Create", error)
    with pytest.raises(NotSent):
        host.run("echo")


@pytest.mark.parametrize("action", ["Command", "Send"])
def test_a_script_whose_input_did_not_arrive_whole_was_not_carried_out(wire: Wire, host: WinRm, action: str) -> None:
    wire.before = once(action, LOST)
    with pytest.raises(NotSent):
        host.run("powershell", stdin=b"x" * 200_000)
    assert wire.actions[-1] in ("Signal", "Delete"), "what waits for input is ended"


def test_a_script_whose_last_piece_of_input_is_in_doubt_may_have_been_carried_out(wire: Wire, host: WinRm) -> None:
    wire.before = once("Send", LOST)
    with pytest.raises(AnswerLost):
        host.run("powershell", stdin=b"x")


def test_a_command_that_dies_before_its_input_is_still_heard(wire: Wire, host: WinRm) -> None:
    wire.before, wire.code = once("Send", fault(109, "The pipe has been ended.")), 1
    assert host.run("powershell", stdin=b"x").exit_code == 1


def test_long_input_goes_in_pieces_below_the_old_quota(wire: Wire, host: WinRm) -> None:
    host.run("powershell", stdin=b"y" * 1_000_000)
    assert wire.input == b"y" * 1_000_000
    assert max(wire.inputs) < 150 * 1024


def test_no_output_yet_means_that_it_still_runs(wire: Wire, host: WinRm) -> None:
    silences = [WinRMOperationTimeoutError() for _ in range(5)]

    def before(action: str) -> None:
        if action == "Receive" and silences:
            raise silences.pop()

    wire.before = before
    assert host.run("slow").out == "hello\r\n"


def test_a_command_past_its_deadline_is_ended_and_told_as_in_doubt(wire: Wire) -> None:
    clock = [0.0]

    def before(action: str) -> None:
        if action == "Receive":
            clock[0] += 10
            raise WinRMOperationTimeoutError

    wire.before = before
    host = reach(wire, now=lambda: clock[0])
    with pytest.raises(AnswerLost, match="did not end in time"):
        host.run("for ever", deadline=25)
    assert wire.actions[-1] == "Signal"


def test_a_stop_ends_the_command_and_keeps_the_shell(wire: Wire, host: WinRm) -> None:
    asked = iter([False, True])
    with pytest.raises(Stopped):
        host.run("long", stop=lambda: next(asked))
    assert wire.actions[-1] == "Signal"
    assert len(wire.shells) == 1


def test_a_listener_that_raises_does_not_leave_the_command_running(wire: Wire, host: WinRm) -> None:
    def fail(_line: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        host.run("echo", on_line=fail)
    assert wire.actions[-1] == "Signal"


def test_five_failures_of_every_kind_leave_no_shell(wire: Wire, host: WinRm) -> None:
    for action in ("Command", "Send", "Receive", "Signal", "Create"):
        wire.before = once(action, LOST)
        for _ in range(2):
            with contextlib.suppress(UserError):
                host.run("x", stdin=b"y")
        assert len(wire.shells) <= 1
    host.close()
    assert wire.shells == set()


def test_closing_a_host_that_is_gone_raises_nothing(wire: Wire, host: WinRm) -> None:
    host.run("echo")
    wire.before = once("Delete", LOST)
    host.close()


def test_a_wrong_password_has_a_sentence_of_its_own(wire: Wire, host: WinRm) -> None:
    wire.before = once("Create", InvalidCredentialsError("the specified credentials were rejected by the server"))
    with pytest.raises(CouldNotLook, match=r"broker1 does not let PRACTICE\\viewkeeper in") as raised:
        host.run("echo")
    assert "secret" not in repr(raised.value) + str(raised.value) + raised.value.details


def test_a_way_of_authentication_that_is_not_installed_is_said_to_be_so(wire: Wire, host: WinRm) -> None:
    wire.before = once("Create", WinRMError("requested auth method is kerberos, but pykerberos is not installed"))
    with pytest.raises(CouldNotLook, match="cannot be used from this computer"):
        host.run("echo")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    action=st.sampled_from(["Create", "Command", "Send", "Receive", "Signal"]),
    garbage=st.one_of(st.binary(max_size=60), st.sampled_from([b"<a/>", b"<a><CommandId/></a>", b"<x>" * 20, b""])),
)
def test_garbage_from_the_other_end_is_a_sentence_not_a_crash(wire: Wire, action: str, garbage: bytes) -> None:
    put = [garbage]
    wire.answers = lambda found: put.pop() if found == action and put else None
    host = reach(wire)
    with contextlib.suppress(UserError):
        host.run("x", stdin=b"y")
    wire.answers = lambda _found: None
    host.close()


def test_the_tap_hears_of_a_command_before_it_is_sent_and_without_secrets(wire: Wire) -> None:
    heard: list[Command] = []

    def tap(command: Command) -> None:
        assert "Command" not in wire.actions
        heard.append(command)

    host = reach(wire, tap)
    host.run('vdmimport -d -p "hunter2" -f x', changes=False, secret_values=("hunter2", ""))
    assert heard == [Command("winrm:broker1", 'vdmimport -d -p "•••" -f x', False)]
    assert heard == [host.shown('vdmimport -d -p "hunter2" -f x', changes=False, secret_values=("hunter2",))]


def test_nothing_that_describes_a_host_shows_its_password(host: WinRm) -> None:
    assert "secret" not in repr(host) + repr(host._shell)


@pytest.mark.parametrize("command", ["x" * 8101, "a\nb", "a\rb", "a\0b"])
def test_a_command_that_windows_would_cut_is_refused(wire: Wire, host: WinRm, command: str) -> None:
    with pytest.raises(Refused):
        host.run(command)
    assert wire.actions == []


def test_input_that_is_not_ascii_is_a_mistake_of_the_program(host: WinRm) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        host.run("x", stdin="研".encode())


def test_an_idle_connection_is_made_anew_but_the_shell_is_kept(wire: Wire) -> None:
    clock = [0.0]
    host = reach(wire, now=lambda: clock[0])
    host.run("echo")
    host.run("echo")
    assert wire.closed == 0
    clock[0] = 1000.0
    host.run("echo")
    assert (wire.closed, wire.opened) == (1, 1)
