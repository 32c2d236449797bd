"""HTTP as vCenter speaks it, and the faults on demand."""

from __future__ import annotations

import http.server
import itertools
import select
import socket
import threading
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from app.lab.rows import Fault
from app.lab.vcenter import files, soap
from app.lab.vcenter.methods import METHODS
from app.lab.vcenter.service import Service, lie
from app.lab.vcenter.sessions import COOKIE

READS = frozenset(METHODS) - {"TerminateSession", "BackupFirmwareConfiguration"}
AHEAD = 256 * 1024  # bytes of an answer that are made before its first is sent
LARGEST = 16 * 1024 * 1024


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Its thread ends with it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    server_version = "VMware-client"
    sys_version = ""

    def __init__(self, connection: socket.socket, address: Any, service: Service, stopping: threading.Event) -> None:
        self.service, self.stopping = service, stopping
        super().__init__(connection, address, None)  # type: ignore[arg-type]  # there is no socketserver here

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the wire log has it all."""

    # ---- SOAP

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if urlsplit(self.path).path.rstrip("/") != "/sdk" or length > LARGEST:
            self._send(404, "text/plain", b"")
            return
        body = self.rfile.read(length)
        try:
            request = soap.read(body, self.headers.get("SOAPAction"), self.service.row.api)
        except soap.UnsupportedVersion as error:
            self._xml(500, [soap.plain_fault("vim:VersionMismatchFaultCode", str(error))])
            return
        except soap.vmodl.MethodFault as error:
            self._xml(500, [soap.fault_answer(error, soap.BASE)])
            return
        fault = self._meet(request.text, changes=request.method not in READS)
        if fault is None or not self._misbehave(fault, request):
            self._answer(request, fault)

    def _answer(self, request: soap.Request, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        try:
            answer = self.service.carry_out(request, self._cookie(), self.client_address[0], half=kind == "half")
            if kind == "lose-answer":
                self._hang_up()
            else:
                self._xml(200, answer.pieces, answer.cookie, cut=kind == "truncate")
        except soap.vmodl.MethodFault as error:
            self._xml(500, [soap.fault_answer(error, request.version)])

    def _misbehave(self, fault: Fault, request: soap.Request) -> bool:
        """Do what a fault says instead of the call; say whether that was all."""
        error = _error(fault, request.method)
        if error is not None:
            self._xml(500, [soap.fault_answer(error, request.version)])
        elif fault.kind == "refuse":
            self._send(503, "text/plain", b"503 Service Unavailable (Failed to connect to endpoint)")
            self.close_connection = True
        elif fault.kind == "lie":
            try:
                self._xml(200, lie(request))
            except KeyError:
                return False
        else:
            return self._stall(fault)
        return True

    def _stall(self, fault: Fault) -> bool:
        """Hang, drop or slow down; say whether the connection is over."""
        if fault.kind == "slow":
            self.stopping.wait(float(fault.detail or "1"))
            return self.stopping.is_set()
        if fault.kind == "hang":
            while not self.stopping.is_set() and self._there(fault) and not self._client_left():
                self.stopping.wait(0.1)
        if fault.kind in ("hang", "drop"):
            self._hang_up()
            return True
        return False

    def _there(self, fault: Fault) -> bool:
        return self.service.lab.world.get(Fault, fault.id) is not None

    def _client_left(self) -> bool:
        return bool(select.select([self.connection], [], [], 0)[0])  # nothing else is to come from it now

    def _meet(self, text: str, *, changes: bool) -> Fault | None:
        self.service.lab.wire(self.service.system, text, changes=changes)
        return self.service.lab.fault(self.service.system, text)

    # ---- files

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        fault = self._meet(f"GET {self.path}", changes=False)
        if fault and self._spoil(fault):
            return
        if address.path == "/sdk/vimServiceVersions.xml":
            status, content = 200, _versions(self.service.row.api)
        elif address.path.startswith("/folder/"):
            status, content = self._datastore_file(
                unquote(address.path.removeprefix("/folder/")), parse_qs(address.query)
            )
        else:
            found = self.service.bundles.get(unquote(address.path))
            status, content = (200, found) if found is not None else (404, b"")
        kind = fault.kind if fault else ""
        if kind in ("half", "lie"):
            content = content[: len(content) // 2] if kind == "half" else b""
        self._send(status, "text/xml" if address.path.endswith(".xml") else "application/octet-stream", content,
                   cut=kind == "truncate")  # fmt: skip

    def _spoil(self, fault: Fault) -> bool:
        if fault.kind in ("fail", "disk-full"):
            self._send(500, "text/plain", b"")
        elif fault.kind in ("refuse", "wrong-password"):
            self._send(401, "text/plain", b"")
        elif fault.kind == "lose-answer":
            self._hang_up()
        else:
            return self._stall(fault)
        return True

    def _datastore_file(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        session = self.service.session(self._cookie())
        if session is None:
            return 401, b""
        sight = self.service.sight(session)
        datacenter, datastore = query.get("dcPath", [""])[0], query.get("dsName", [""])[0]
        vm = files.datastore_file(sight.inventory, datacenter, datastore, path)
        if vm is None or not sight.visible(vm.moid) or vm.connection in ("inaccessible", "invalid"):
            return 404, b""
        if not sight.rights.may(sight.known(sight.inventory.datastore_of(vm)), "Datastore.Browse"):
            return 403, b""
        return 200, files.vmx(sight.inventory, vm)

    # ---- sending

    def _cookie(self) -> str:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie") or "").get(COOKIE)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    def _xml(self, status: int, pieces: Iterable[str], cookie: str = "", *, cut: bool = False) -> None:
        """Send an answer: whole where it is small, else in chunks while it is being made."""
        making = iter(pieces)
        begun = list(_until(making, AHEAD))
        rest = next(making, None)
        if rest is None or cut:
            whole = "".join((*begun, rest or "", *making)).encode()
            self._send(status, "text/xml; charset=utf-8", whole, cookie, cut=cut)
            return
        self._head(status, "text/xml; charset=utf-8", cookie)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        making = itertools.chain((*begun, rest), making)
        while chunk := "".join(_until(making, AHEAD)).encode():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, kind: str, cookie: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if cookie:
            self.send_header("Set-Cookie", f'{COOKIE}="{cookie}"; Path=/; HttpOnly; Secure;')

    def _send(self, status: int, kind: str, content: bytes, cookie: str = "", *, cut: bool = False) -> None:
        self._head(status, kind, cookie)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self._hang_up()


def _until(pieces: Iterable[str], size: int) -> Iterable[str]:
    """Give pieces until `size` characters are passed."""
    given = 0
    for piece in pieces:
        yield piece
        given += len(piece)
        if given >= size:
            return


def _error(fault: Fault, method: str) -> Any:
    """Return the vSphere fault that a fault on demand means for this method, or None."""
    if fault.kind == "wrong-password" or (fault.kind == "refuse" and method == "Login"):
        if method != "Login":
            return None
        return soap.vim.fault.InvalidLogin(msg="Cannot complete login due to an incorrect user name or password.")
    if fault.kind == "disk-full":
        return soap.vim.fault.NoDiskSpace(msg="Insufficient disk space on datastore.", file="", datastore="")
    if fault.kind != "fail":
        return None
    if fault.detail:
        try:
            kind = soap.kind_named(fault.detail)
        except KeyError:
            kind = None
        if kind and issubclass(kind, soap.vmodl.MethodFault):
            return kind(msg=f"{fault.detail}.")
    words = fault.detail or "A general system error occurred: Internal error"
    return soap.vmodl.fault.SystemError(msg=words, reason=words)


def _versions(api: str) -> bytes:
    older = reversed(soap.VERSIONS[: soap.VERSIONS.index(api)])
    prior = "".join(f"<version>{version}</version>" for version in older)
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<namespaces version="1.0"><namespace><name>urn:vim25</name>'
        f"<version>{api}</version><priorVersions>{prior}</priorVersions></namespace></namespaces>\n"
    ).encode("ascii")
