"""One kept remote shell (WinRS) on a Windows host, over pywinrm's Protocol. Knows bytes, not what they mean."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from app.connectors.winrm import trouble
from app.connectors.winrm.trouble import Kind, Trouble
from app.errors import AnswerLost, Guard, NotLetIn, Stopped, UserError
from app.profile import Host
from app.texts import text

if TYPE_CHECKING:
    from winrm.protocol import Protocol

UTF_8 = 65001  # code page
POLL = 1
"""Seconds that a host may keep us waiting for output before we look whether to stop (OperationTimeout)."""
PIECE = 90_000
"""Bytes of standard input in one message: with base64 and headers below the old quota of 150 KB."""
IDLE = 60.0
"""Seconds after which a connection is made anew: HTTP.sys closes idle ones after two minutes, and one that was
authenticated cannot be had back in the middle of a message."""

Take: TypeAlias = Callable[[Literal["out", "err"], bytes], None]
log = logging.getLogger(__name__)


class Shell:
    """Runs commands, one at a time, in one shell that is opened when first needed and again when it is gone.

    `connect` opens a connection; `patience` is how long (seconds) the host may take to answer one message; `now` is a
    monotonic clock; `guard` knows whether the account may still be tried.
    """

    def __init__(
        self, host: Host, connect: Callable[[], Protocol], patience: float, now: Callable[[], float], guard: Guard
    ) -> None:
        self._host, self._connect, self._patience, self._now = host, connect, patience, now
        self._guard = guard
        self._protocol: Protocol | None = None
        self._shell: str | None = None
        self._used = 0.0
        self._lock = threading.RLock()

    def run(self, command: str, stdin: bytes, take: Take, deadline: float, stop: Callable[[], bool]) -> int:
        """Run `command` and return its exit code; its output goes to `take` as it comes.

        A command that is given standard input must do nothing before it has read all of it: what fails before that
        counts as not sent. Raises NotSent, AnswerLost (also after `deadline` seconds), Stopped.
        """
        with self._lock:
            started = self._now()
            command_id = self._begin(command, has_input=bool(stdin))
            try:
                fed = self._feed(command_id, stdin)
                code = self._receive(command_id, take, started + deadline, stop, fed)
            except BaseException:
                self._end(command_id)
                raise
            self._end(command_id)
            return code

    def close(self) -> None:
        """Delete the shell on the host and end the connection. Never raises for a host that is gone."""
        with self._lock:
            self._delete()

    def _begin(self, command: str, *, has_input: bool) -> str:
        for attempt in (1, 2):
            shell = self._open()
            try:
                return str(self._at().run_command(shell, command, console_mode_stdin=not has_input))
            except trouble.exceptions() as error:
                found = trouble.tell(error)
                self._delete()
                if found.wants_new_shell and attempt == 1:
                    log.info("%s: the shell is opened again (%s)", self._host.name, found.reason)
                    continue
                if found.answered or found.never_arrived or has_input:
                    raise self._not_sent(found) from error
                raise trouble.answer_lost(self._host, found) from error
        raise AssertionError("the second attempt ends one way or the other")

    def _open(self) -> str:
        if self._shell is not None:
            if self._now() - self._used > IDLE:
                self._disconnect()
            return self._shell
        self._guard.check()
        try:
            self._shell = str(self._at().open_shell(codepage=UTF_8, noprofile=False))
        except trouble.exceptions() as error:
            self._disconnect()
            raise self._not_sent(trouble.tell(error)) from error
        self._guard.let_in()
        return self._shell

    def _not_sent(self, found: Trouble) -> UserError:
        error = trouble.not_sent(self._host, found)
        if isinstance(error, NotLetIn):
            self._guard.refuse(error)
        return error

    def _feed(self, command_id: str, stdin: bytes) -> bool:
        """Send standard input and its end. Returns whether all of it was taken: a command may die before."""
        for start in range(0, len(stdin), PIECE):
            last = start + PIECE >= len(stdin)
            try:
                self._at().send_command_input(self._shell, command_id, stdin[start : start + PIECE], end=last)
            except trouble.exceptions() as error:
                found = trouble.tell(error)
                if found.answered:
                    return False  # its output says why it died
                if last and not found.never_arrived:
                    raise trouble.answer_lost(self._host, found) from error
                raise self._not_sent(found) from error
        return True

    def _receive(self, command_id: str, take: Take, deadline: float, stop: Callable[[], bool], fed: bool) -> int:
        while True:
            if stop():
                raise Stopped
            if self._now() > deadline:
                raise self._too_late()
            try:
                out, err, code, done = self._at(POLL).get_command_output_raw(self._shell, command_id)
            except trouble.exceptions() as error:
                found = trouble.tell(error)
                if found.kind is Kind.TIMEOUT:
                    continue  # the host says: no output yet
                raise (trouble.answer_lost(self._host, found) if fed else self._not_sent(found)) from error
            if out:
                take("out", out)
            if err:
                take("err", err)
            if done:
                return int(code)

    def _end(self, command_id: str) -> None:
        """Tell the host that we are done with the command; one that still runs is ended."""
        try:
            self._at().cleanup_command(self._shell, command_id)
        except trouble.exceptions() as error:
            log.info("%s: the shell is given up (%s)", self._host.name, trouble.tell(error).reason)
            self._delete()

    def _delete(self) -> None:
        """Delete the shell, over a new connection, since the old one may be what is broken."""
        shell, self._shell = self._shell, None
        if shell is not None:
            self._disconnect()
            try:
                self._at().close_shell(shell, close_session=False)
            except trouble.exceptions() as error:
                log.info("%s: the shell could not be deleted (%s)", self._host.name, trouble.tell(error).reason)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._protocol is not None:
            self._protocol.transport.close_session()
            self._protocol = None

    def _too_late(self) -> UserError:
        return AnswerLost(
            text("A command on {host} did not end in time.", host=self._host.name),
            text("It was told to end, but may have done part of its work."),
            text("Look what it did; give it more time if the host is slow."),
        )

    def _at(self, operation: int | None = None) -> Any:
        """Return the protocol, connected when first needed, with the time-outs of the next message."""
        if self._protocol is None:
            self._protocol = self._connect()
        operation = operation or max(1, int(self._patience))
        self._protocol.operation_timeout_sec = operation
        transport: Any = self._protocol.transport
        transport.read_timeout_sec = (min(15.0, self._patience), operation + self._patience)
        self._used = self._now()
        return self._protocol


def connect(host: Host, password: str, context: ssl.SSLContext | None) -> Protocol:
    """Return pywinrm's protocol for `host`. With TLS nothing is sent yet; without, the first message authenticates."""
    from winrm.protocol import Protocol

    protocol: Any = Protocol  # its annotations know neither None for the trust path nor two time-outs
    made: Protocol = protocol(
        endpoint=f"{'https' if host.tls else 'http'}://{host.address}:{host.port}/wsman",
        transport=host.authentication,
        username=host.account,
        password=password,
        ca_trust_path=None,  # neither the environment nor certifi decides whom we trust, the context does
        message_encryption="auto" if host.tls else "always",
        proxy=None,
    )
    if host.tls:
        made.transport.build_session().mount("https://", _adapter(context))
    return made


def _adapter(context: ssl.SSLContext | None) -> Any:
    """Return an adapter for requests that trusts what `context` trusts, and nothing that requests would add."""
    from requests.adapters import HTTPAdapter

    chosen = context or ssl.create_default_context()

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **others: Any) -> None:
            assert_hostname = None if chosen.check_hostname else False
            super().init_poolmanager(
                connections, maxsize, block, ssl_context=chosen, assert_hostname=assert_hostname, **others
            )

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            """Add no authorities of requests' own."""
            conn.cert_reqs = "CERT_REQUIRED"

    return Adapter()
