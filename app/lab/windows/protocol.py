"""WS-Management and the remote shell (MS-WSMV): what each action does, and the faults of those that cannot be done."""

from __future__ import annotations

import base64
import binascii
import codecs
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from app.lab.windows import soap
from app.lab.windows.host import Host, HostError
from app.lab.windows.job import Job
from app.lab.windows.settings import config_xml, quota
from app.lab.windows.shells import Shell, Shells, not_found
from app.lab.windows.soap import NAMES, SHELL, TRANSFER, Request, WsFault

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

CMD = f"{SHELL}/cmd"
CONFIG_RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/config"
_SIGNALS = frozenset(f"{SHELL}/signal/{name}" for name in ("terminate", "ctrl_c", "ctrl_break"))


class ConnectionLost(Exception):
    """The connection is to be closed without an answer."""


class Protocol:
    """Answers the requests of one host's listeners."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._shells = Shells(host)
        self._stopping = threading.Event()
        self._actions: dict[str, Callable[[Request, str], str]] = {
            f"{TRANSFER}/Create": self._create, f"{TRANSFER}/Delete": self._delete, f"{TRANSFER}/Get": self._get,
            f"{SHELL}/Command": self._command, f"{SHELL}/Send": self._send, f"{SHELL}/Receive": self._receive,
            f"{SHELL}/Signal": self._signal,
        }  # fmt: skip

    def stop(self) -> None:
        """End every shell and command."""
        self._stopping.set()
        self._shells.end_all()

    def respond(self, message: bytes, account: str) -> tuple[int, bytes]:
        """Return HTTP status and body of the answer to `message` of `account`. Raises ConnectionLost."""
        relates_to = ""
        try:
            request = soap.parse(message)
            if request is None:
                return 200, soap.identity(f"OS: {self._host.row.os_version} SP: 1.0 Stack: 2.0")
            relates_to = request.message_id
            return 200, soap.answer(request, self._action(request, account)(request, account))
        except soap.NotXml:
            return 400, b""
        except WsFault as error:
            return 500, soap.fault(relates_to, self._host.row.dns, error)

    def _action(self, request: Request, account: str) -> Callable[[Request, str], str]:
        if not self._host.administered_by(account):
            raise WsFault(5, "w:AccessDenied", "Access is denied.")
        action = self._actions.get(request.action)
        if action is None:
            raise WsFault(
                2150858753,
                "a:ActionNotSupported",
                f"The WS-Management service cannot process the request. The action {request.action} is not "
                "supported by the service.",
            )
        shells = request.resource in (CMD, SHELL) if request.action == f"{TRANSFER}/Get" else request.resource == CMD
        if not shells and not (request.action == f"{TRANSFER}/Get" and request.resource == CONFIG_RESOURCE):
            raise WsFault(
                2150858752,
                "w:InvalidResourceURI",
                "The WS-Management service cannot process the request. The service cannot find the resource "
                "identified by the resource URI and selectors.",
            )
        return action

    # ---- shells

    def _create(self, request: Request, account: str) -> str:
        asked = request.body.find("rsp:Shell", NAMES)
        if asked is None or (asked.findtext("rsp:OutputStreams", "", NAMES)).split() != ["stdout", "stderr"]:
            raise soap.schema_fault()
        idle = asked.findtext("rsp:IdleTimeOut", None, NAMES)
        folder = asked.findtext("rsp:WorkingDirectory", "", NAMES)
        made = self._shells.create(
            account,
            codepage=_codec(request.options.get("WINRS_CODEPAGE", "437")),
            folder=self._folder(folder) if folder else "",
            variables={
                variable.get("Name", ""): variable.text or ""
                for variable in asked.findall("rsp:Environment/rsp:Variable", NAMES)
            },
            idle=soap.seconds(idle) if idle else None,
        )
        return (
            f"<x:ResourceCreated><a:Address>https://{escape(self._host.row.dns)}:5986/wsman</a:Address>"
            f"<a:ReferenceParameters><w:ResourceURI>{CMD}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{made.id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            f"</x:ResourceCreated>{self._described(made)}"
        )

    def _folder(self, written: str) -> str:
        try:
            folder = self._host.path(written)
        except HostError as error:
            raise WsFault(error.number, "w:InternalError", error.message) from error
        if not self._host.is_folder(folder):
            raise WsFault(267, "w:InternalError", "The directory name is invalid.")
        return folder

    def _described(self, one: Shell) -> str:
        now = self._host.world.now()
        return (
            f"<rsp:Shell><rsp:ShellId>{one.id}</rsp:ShellId><rsp:ResourceUri>{CMD}</rsp:ResourceUri>"
            f"<rsp:Owner>{escape(one.owner)}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            f"<rsp:IdleTimeOut>PT{one.idle:.3f}S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
            f"<rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:ShellRunTime>PT{now - one.opened:.0f}S"
            f"</rsp:ShellRunTime><rsp:ShellInactivity>PT{now - one.used:.0f}S</rsp:ShellInactivity></rsp:Shell>"
        )

    def _delete(self, request: Request, account: str) -> str:
        self._shells.delete(self._shell(request, account))
        return ""

    def _get(self, request: Request, account: str) -> str:
        if request.resource == CONFIG_RESOURCE:
            return config_xml(self._host)
        return self._described(self._shell(request, account))

    def _shell(self, request: Request, account: str) -> Shell:
        return self._shells.require(request.selectors.get("ShellId", ""), account)

    # ---- commands

    def _command(self, request: Request, account: str) -> str:
        one = self._shell(request, account)
        asked = request.body.find("rsp:CommandLine", NAMES)
        command = asked.findtext("rsp:Command", "", NAMES) if asked is not None else ""
        if asked is None or not command:
            raise soap.schema_fault()
        words = [command, *(argument.text or "" for argument in asked.findall("rsp:Arguments", NAMES))]
        command_id = (asked.get("CommandId") or str(uuid.uuid4())).upper()
        if command_id in one.jobs:
            raise WsFault(87, "w:InternalError", "The parameter is incorrect.")
        self._shells.run(one, " ".join(words), command_id)
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: Request, account: str) -> str:
        one = self._shell(request, account)
        streams = request.body.findall("rsp:Send/rsp:Stream", NAMES)
        if not streams:
            raise soap.schema_fault()
        for stream in streams:
            if stream.get("Name") != "stdin":
                raise soap.schema_fault()
            job = self._job(one, stream)
            try:
                content = base64.b64decode("".join((stream.text or "").split()), validate=True)
            except binascii.Error as error:
                raise soap.schema_fault() from error
            job.feed(content, end=stream.get("End", "false").lower() in ("true", "1"))
        return "<rsp:SendResponse/>"

    def _receive(self, request: Request, account: str) -> str:
        one = self._shell(request, account)
        stream = request.body.find("rsp:Receive/rsp:DesiredStream", NAMES)
        if stream is None:
            raise soap.schema_fault()
        job = self._job(one, stream)
        received = job.receive(self._room(request), self._patience(request))
        if self._stopping.is_set() or (job.lost and job.done):
            self._shells.delete(one)
            raise ConnectionLost
        if received is None:
            raise WsFault(
                2150858793,
                "w:TimedOut",
                "The WS-Management service cannot complete the operation within the time specified in "
                "OperationTimeout.",
                sender=False,
            )
        one.used = self._host.world.now()
        return _received((stream.get("CommandId") or "").upper(), job, *received)

    def _room(self, request: Request) -> int:
        """Return how many bytes of output fit in an envelope, in base64 and with what is around them."""
        most = min(request.envelope, quota(self._host, "MaxEnvelopeSizekb") * 1024)
        return max(most - 4096, 1024) * 3 // 4

    def _patience(self, request: Request) -> float:
        return min(request.timeout, quota(self._host, "MaxTimeoutms") / 1000)

    def _signal(self, request: Request, account: str) -> str:
        one = self._shell(request, account)
        signal = request.body.find("rsp:Signal", NAMES)
        code = signal.findtext("rsp:Code", "", NAMES).strip().lower() if signal is not None else ""
        if signal is None or code not in _SIGNALS:
            raise soap.schema_fault()
        job = self._job(one, signal)
        if code.endswith("terminate"):
            self._shells.forget(one, (signal.get("CommandId") or "").upper())
        else:
            job.terminate()
        return "<rsp:SignalResponse/>"

    def _job(self, one: Shell, element: ET.Element) -> Job:
        job = one.jobs.get((element.get("CommandId") or "").upper())
        if job is None:
            raise not_found(one.id)
        return job


def _received(command_id: str, job: Job, out: bytes, error: bytes, ended: bool) -> str:
    parts = []
    for name, content in (("stdout", out), ("stderr", error)):
        if content:
            encoded = base64.b64encode(content).decode("ascii")
            parts.append(f'<rsp:Stream Name="{name}" CommandId="{command_id}">{encoded}</rsp:Stream>')
    if ended:
        parts += [f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"/>' for name in ("stdout", "stderr")]
    state = "Done" if ended else "Running"
    code = f"<rsp:ExitCode>{_signed(job.exit_code or 0)}</rsp:ExitCode>" if ended else ""
    return (
        f'<rsp:ReceiveResponse>{"".join(parts)}<rsp:CommandState CommandId="{command_id}" '
        f'State="{SHELL}/CommandState/{state}">{code}</rsp:CommandState></rsp:ReceiveResponse>'
    )


def _signed(code: int) -> int:
    return code - (1 << 32) if code >= 1 << 31 else code


def _codec(codepage: str) -> str:
    name = {"65001": "utf-8", "936": "gbk"}.get(codepage, f"cp{codepage}")
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise WsFault(87, "w:InternalError", "The parameter is incorrect.") from error
    return name
