"""A session at a vCenter: opened when first needed, once more where it has expired, ended at the end."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from xml.etree import ElementTree

from app.connectors.vsphere.errors import explained, http_status
from app.errors import CouldNotLook, Guard, NotLetIn, UserError
from app.profile import VCenter
from app.texts import Text, text
from app.wire import Command, Tap

T = TypeVar("T")
CONNECT_SECONDS = 15.0
REST = 5.0  # seconds; a connection that rested longer is not used again
VERSIONS = "/sdk/vimServiceVersions.xml"
LIMIT_VERSIONS = 64 * 1024


class Session:
    """One login. `content` is the service's content, `user` who is logged in."""

    def __init__(
        self, vcenter: VCenter, password: str, context: ssl.SSLContext, seconds: float, tap: Tap, guard: Guard
    ) -> None:
        self._vcenter, self._password, self._context, self._guard = vcenter, password, context, guard
        self._seconds, self._tap = seconds, tap
        self.system = f"vcenter:{vcenter.name}"
        self._stub: Any = None
        self.content: Any = None
        self.user: Any = None
        self._files: http.client.HTTPSConnection | None = None
        self._files_used = 0.0

    # ---- looking

    def look(self, ask: Callable[[Session], T]) -> T:
        """Return what `ask` finds out; asked once more in a new session where the session had expired.

        Raises UserError: NotSent where nothing was sent, CouldNotLook where the answer failed."""
        with self._explaining():
            return self.again(ask)

    def again(self, ask: Callable[[Session], T]) -> T:
        """Like look, with what pyVmomi raises."""
        from app.connectors.vsphere import stub

        self.open()
        try:
            return ask(self)
        except stub.NOT_AUTHENTICATED:
            self.forget()
            self.open()
            return ask(self)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        from app.connectors.vsphere import stub

        try:
            yield
        except stub.BROKEN as error:
            raise explained(error, self._vcenter, opening=self._stub is None) from error

    # ---- opening and closing

    @property
    def pages(self) -> bool:
        return bool(self._stub.pages)

    @property
    def is_open(self) -> bool:
        return self._stub is not None

    def object(self, kind: str, moid: str) -> Any:
        """Return a managed object of this session."""
        from app.connectors.vsphere import stub

        return stub.kind_named(kind)(moid, self._stub)

    def open(self) -> None:
        """Log in, if that has not been done."""
        if self.user is not None:
            return
        from app.connectors.vsphere import stub

        vcenter = self._vcenter
        self._guard.check()
        version = stub.version_for(self._versions())
        if version is None:
            raise CouldNotLook(
                text("The vCenter {name} speaks no version that is known here.", name=vcenter.name),
                text("It told none of the API versions 4.0 and later."),
                text("Check whether a vCenter answers at this address."),
            )
        self._stub = stub.Stub(
            vcenter.address, vcenter.port, version, self._context, self._seconds, self.system, self._tap
        )
        self.content = stub.vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        try:
            self.user = self.content.sessionManager.Login(vcenter.account, self._password)
        except stub.INVALID_LOGIN as error:
            refused = explained(error, vcenter, opening=False)
            if isinstance(refused, NotLetIn):
                self._guard.refuse(refused)
            raise refused from error
        self._guard.let_in()

    def forget(self) -> None:
        """Drop a session that the server does not know any more."""
        if self._stub is not None:
            self._stub.DropConnections()
        self._drop_files()
        self._stub = self.content = self.user = None

    def close(self) -> None:
        """Log out. A server that cannot hear it ends the session by itself when it has been idle."""
        if self.user is not None:
            from app.connectors.vsphere import stub

            with suppress(*stub.BROKEN):
                self.content.sessionManager.Logout()
        self.forget()

    def _versions(self) -> list[str]:
        """Return the API versions that the server offers, newest first."""
        connection = http.client.HTTPSConnection(
            self._vcenter.address, self._vcenter.port, context=self._context, timeout=CONNECT_SECONDS
        )
        self._tap(Command(self.system, f"GET {VERSIONS}", changes=False))
        try:
            connection.request("GET", VERSIONS)
            answer = connection.getresponse()
            content = _body(answer, LIMIT_VERSIONS)
        finally:
            connection.close()
        if answer.status != 200:
            raise http_status(
                self._vcenter,
                text("The vCenter {name} did not tell its versions.", name=self._vcenter.name),
                answer.status,
            )
        return _versions_in(content)

    # ---- files

    def download(self, path: str, limit: int, what: Text) -> bytes:
        """Return the file at `path` of the server, at most `limit` bytes; `what` says in an error what did not come.

        CouldNotLook where it is not there, is larger, or was cut short."""
        with self._explaining():
            status, content = self._file(path, limit)
            if status == 401:  # the session has expired
                self.forget()
                status, content = self._file(path, limit)
        if status != 200:
            raise http_status(self._vcenter, what, status)
        if len(content) > limit:
            why = text("It is larger than {limit} bytes.", limit=limit)
            raise CouldNotLook(what, why, text("Look at it in vSphere Client."))
        return content

    def _file(self, path: str, limit: int) -> tuple[int, bytes]:
        self.open()
        self._tap(Command(self.system, f"GET {path}", changes=False))
        connection = self._connection()
        try:
            connection.request("GET", path, headers={"Cookie": self._stub.cookie.partition(";")[0]})
            answer = connection.getresponse()
            content = _body(answer, limit)
        except (OSError, http.client.HTTPException):
            self._drop_files()
            raise
        if not answer.isclosed():  # more than was asked for: the rest is not read
            self._drop_files()
        self._files_used = time.monotonic()
        return answer.status, content

    def _drop_files(self) -> None:
        if self._files is not None:
            self._files.close()
            self._files = None

    def _connection(self) -> http.client.HTTPSConnection:
        if time.monotonic() - self._files_used > REST:
            self._drop_files()
        if self._files is None:
            self._files = http.client.HTTPSConnection(
                self._vcenter.address, self._vcenter.port, context=self._context, timeout=self._seconds
            )
        return self._files


def _body(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """Return at most `limit` + 1 bytes; IncompleteRead where the server promised more than came."""
    content = answer.read(limit + 1)
    if len(content) <= limit and answer.length:
        raise http.client.IncompleteRead(content, answer.length)
    return content


def _versions_in(content: bytes) -> list[str]:
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  # bounded, and from the trusted server
    except ElementTree.ParseError as error:
        raise UserError(
            text("What answers at this address is no vCenter."),
            text("Its list of versions could not be read."),
            text("Check address and port in the profile."),
            details=str(error),
        ) from error
    for namespace in root.iter("namespace"):
        if namespace.findtext("name") == "urn:vim25":
            prior = [each.text or "" for each in namespace.findall("priorVersions/version")]
            return [namespace.findtext("version") or "", *prior]
    return []
