"""What can go wrong on the way to a Windows host: the libraries' exceptions told apart, and put into words."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from xml.etree import ElementTree

from app.errors import AnswerLost, CouldNotLook, NotLetIn, NotSent, UserError
from app.profile import Host
from app.texts import NOTHING, Text, text

SHELL_GONE = frozenset({2150858843, 995, 2147943395, 2147943418})
"""The shell is not there (any more), or its operations were aborted: idle, killed, or the service was restarted."""

QUOTA = frozenset({2150859173, 2150859174, 2150859078, 2150859179})
"""Too many shells or operations of this user, processes in a shell, or users with shells."""

ACCESS_DENIED = frozenset({5, 2150858990})
"""Not an administrator; remote shells are not allowed on that host."""
MORE_SHELLS = 'winrm set winrm/config/winrs @{MaxShellsPerUser="30"}'

BAD_REQUEST = 400  # what an idle, encrypted connection gets: nothing of it was carried out


class Kind(StrEnum):
    """How an exchange failed."""

    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    FAULT = "fault"
    TIMEOUT = "timeout"
    LOST = "lost"


@dataclass(frozen=True)
class Trouble:
    """One failed exchange; `code` is WinRM's own (or HTTP's), `reason` in the other system's words."""

    kind: Kind
    reason: str
    code: int = 0

    @property
    def answered(self) -> bool:
        """Say that the host itself turned the call down: then it did not carry it out."""
        return self.kind is Kind.FAULT

    @property
    def never_arrived(self) -> bool:
        return self.kind in (Kind.UNREACHABLE, Kind.CERTIFICATE, Kind.REJECTED, Kind.UNSUPPORTED)

    @property
    def shut(self) -> bool:
        """Say that trying again changes nothing, until somebody has done something about it."""
        kinds = (Kind.CERTIFICATE, Kind.REJECTED, Kind.UNSUPPORTED)
        return self.kind in kinds or (self.answered and self.code in ACCESS_DENIED)

    @property
    def wants_new_shell(self) -> bool:
        return self.answered and (self.code in SHELL_GONE or self.code in QUOTA or self.code == BAD_REQUEST)


def exceptions() -> tuple[type[Exception], ...]:
    """Return all that an exchange through pywinrm may raise, garbage from the other end included."""
    import requests
    import requests_credssp.exceptions as credssp
    import spnego.exceptions
    import urllib3.exceptions
    from winrm.exceptions import WinRMError, WinRMOperationTimeoutError, WinRMTransportError

    return (
        credssp.AuthenticationException, credssp.InvalidConfigurationException, credssp.NTStatusException,
        WinRMError, WinRMTransportError, WinRMOperationTimeoutError, requests.RequestException,
        urllib3.exceptions.HTTPError, spnego.exceptions.SpnegoError, ElementTree.ParseError, OSError, KeyError,
        AttributeError, IndexError, ValueError, TypeError, StopIteration, AssertionError, struct.error,
    )  # fmt: skip


def tell(error: Exception) -> Trouble:
    """Tell one of `exceptions` apart."""
    from winrm.exceptions import (
        AuthenticationError,
        WinRMError,
        WinRMOperationTimeoutError,
        WinRMTransportError,
        WSManFaultError,
    )

    if isinstance(error, WinRMOperationTimeoutError):
        return Trouble(Kind.TIMEOUT, "OperationTimeout")
    if isinstance(error, WSManFaultError):
        return Trouble(Kind.FAULT, error.reason.strip(), error.wsman_fault_code or 0)
    if isinstance(error, WinRMTransportError):
        return Trouble(Kind.FAULT, f"HTTP {error.code}", int(error.code))
    if isinstance(error, AuthenticationError):
        return Trouble(Kind.REJECTED, str(error))
    if isinstance(error, PermissionError):  # requests_ntlm: the host answered without a challenge
        return Trouble(Kind.REJECTED, str(error))
    if isinstance(error, WinRMError):
        return Trouble(Kind.UNSUPPORTED, str(error))
    return _network(error)


def _network(error: Exception) -> Trouble:
    import requests
    import requests_credssp.exceptions as credssp
    import spnego.exceptions
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble(Kind.CERTIFICATE, cause.verify_message or cause.reason or "")
        if isinstance(cause, NewConnectionError):
            return Trouble(Kind.UNREACHABLE, _words(cause.__cause__ or cause))
        if isinstance(cause, ConnectTimeoutError):
            return Trouble(Kind.UNREACHABLE, "timed out")
    if isinstance(error, credssp.NTStatusException):
        return Trouble(Kind.REJECTED, str(error))
    if isinstance(error, spnego.exceptions.SpnegoError | credssp.AuthenticationException):
        return Trouble(Kind.UNSUPPORTED, str(error))
    if isinstance(error, requests.Timeout):
        return Trouble(Kind.LOST, "timed out")
    return Trouble(Kind.LOST, _words(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and not any(found is one for one in seen):
            seen.append(found)
            waiting += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
    yield from seen


def _words(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return type(error).__name__


def not_sent(host: Host, trouble: Trouble) -> UserError:
    """Put into words what failed before the command reached the host.

    NotSent is tried again by itself. A door that is shut is CouldNotLook: a wrong password that is tried over and over
    locks the account."""
    what, why, do = _sentences(host, trouble)
    kind = NotLetIn if trouble.kind is Kind.REJECTED else CouldNotLook if trouble.shut else NotSent
    return kind(what, why, do, details=_details(trouble))


def answer_lost(host: Host, trouble: Trouble) -> UserError:
    """Put into words that a command was sent and its answer did not come."""
    return AnswerLost(
        text("The connection to {host} was lost before the answer came.", host=host.name),
        text("The command may have been carried out ({reason}).", reason=trouble.reason or trouble.kind.value),
        text("Look whether it happened before doing it again."),
        details=_details(trouble),
    )


def _details(trouble: Trouble) -> str:
    return f"{trouble.kind.value} {trouble.code or ''} {trouble.reason}".strip()


def _sentences(host: Host, trouble: Trouble) -> tuple[Text, Text, Text]:
    if trouble.kind is Kind.UNREACHABLE:
        return (
            text("{host} cannot be reached at {address}:{port}.", host=host.name, address=host.address, port=host.port),
            text("{reason}.", reason=trouble.reason),
            text("See whether it is up, whether WinRM listens there (winrm quickconfig), and what lies in between."),
        )
    if trouble.kind is Kind.CERTIFICATE:
        return (
            text("The certificate of {host} is not the one that was accepted, or is no longer valid.", host=host.name),
            text("{reason}.", reason=trouble.reason),
            text("Find out why; then accept the new certificate."),
        )
    if trouble.kind is Kind.REJECTED:
        return (
            text("{host} does not let {account} in.", host=host.name, account=host.account),
            text(
                "The password is wrong, the account is locked, or {way} is not allowed there.", way=host.authentication
            ),
            text("Enter the password again; see on the host whether the account may use WinRM."),
        )
    if trouble.kind is Kind.UNSUPPORTED:
        return (
            text("{way} cannot be used from this computer to reach {host}.", way=host.authentication, host=host.name),
            text("{reason}.", reason=trouble.reason.rstrip(".")),
            text("Choose another way of authentication in the profile."),
        )
    if trouble.kind is Kind.FAULT:
        return _fault(host, trouble)
    return (
        text("The connection to {host} was lost before the command was sent.", host=host.name),
        text("{reason}.", reason=trouble.reason) if trouble.reason else NOTHING,
        text("Try again; see whether the network or the host is overloaded."),
    )


def _fault(host: Host, trouble: Trouble) -> tuple[Text, Text, Text]:
    reason = text("{reason}.", reason=trouble.reason.rstrip("."))
    if trouble.code in QUOTA:
        remedy = text("Close sessions left on it, or allow more: {command}", command=MORE_SHELLS)
        return text("WinRM on {host} has no room for another session of this account.", host=host.name), reason, remedy
    if trouble.code in ACCESS_DENIED:
        remedy = text("Make the account a local administrator of the host, or allow it remote shells.")
        return text("{account} may not use WinRM on {host}.", account=host.account, host=host.name), reason, remedy
    return (
        text("WinRM on {host} did not take the command.", host=host.name),
        reason,
        text("See the host's WinRM service and its event log (Windows Remote Management)."),
    )
