"""Whose certificate is trusted: the machine's own authorities first; on doubt the operator, once, and then the pin."""

from __future__ import annotations

import datetime
import hashlib
import os
import socket
import ssl
from pathlib import Path

import msgspec

from app import datafolder
from app.errors import CouldNotLook, NotSent, Refused, UserError
from app.texts import text
from app.wire import plain_system

PARTIAL_CHAIN = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the ssl module has no name for it
CONNECT_SECONDS = 15


class Certificate(msgspec.Struct, frozen=True):
    """What people are shown of a certificate before they trust it. Times are UTC."""

    sha256: str
    subject: str
    issuer: str
    not_before: datetime.datetime
    not_after: datetime.datetime

    @property
    def expired(self) -> bool:
        return self.not_after < datetime.datetime.now(datetime.UTC)


class Pin(msgspec.Struct, frozen=True):
    """A certificate that the operator accepted for one host and port."""

    certificate: Certificate
    accepted: datetime.datetime
    although_expired: bool = False


class Pins(msgspec.Struct, frozen=True):
    """The content of trust.json."""

    pins: dict[str, Pin] = {}
    format: int = 1


class Untrusted(CouldNotLook):
    """The certificate is not (or no longer) trusted: nothing was asked of that server, so nothing is known of it.

    `certificate` is what was shown, `pinned` what was expected."""

    def __init__(self, error: UserError, certificate: Certificate, pinned: Certificate | None) -> None:
        super().__init__(error.what, error.why, error.do, details=error.details)
        self.certificate, self.pinned = certificate, pinned


class Trust:
    """The pins kept in one file, and TLS contexts that accept exactly what they name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pins(self) -> dict[str, Pin]:
        """Return what is pinned by `address:port`; a damaged file is refused, never taken for empty."""
        if not self._path.exists():
            return {}
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Pins).pins
        except msgspec.MsgspecError as error:
            raise Refused(
                text("The file of trusted certificates is damaged: {path}.", path=str(self._path)),
                str(error),
                text("Rename it; certificates will then be asked for again."),
            ) from error

    def accept(self, address: str, port: int, certificate: Certificate, *, seen_by_operator: bool = True) -> None:
        """Pin `certificate` for that host and port, on the operator's word; one that has run out only if it was shown
        as such: `seen_by_operator`."""
        pin = Pin(certificate, _now(), although_expired=certificate.expired and seen_by_operator)
        pins = self.pins() | {f"{address}:{port}": pin}
        datafolder.ready(self._path.parent)
        temporary = self._path.with_suffix(".new")
        with datafolder.writing(self._path):
            with temporary.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(Pins(pins)), indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)

    def context(self, system: str, address: str, port: int, *, old_tls: bool = False) -> ssl.SSLContext:
        """Return a context that accepts the certificate of that server and no other, after having looked at it.

        Raises NotSent where the server does not answer, Untrusted where its certificate is unknown, changed or expired.
        `old_tls` allows TLS 1.0 and SHA-1, which vSphere 4 and 5 speak; only on the operator's word.
        """
        pin = self.pins().get(f"{address}:{port}")
        if pin is None and not old_tls and _trusted_by_machine(address, port):
            return ssl.create_default_context()
        der = _shown(system, address, port, old_tls)
        certificate = describe(der)
        if pin is None:
            raise Untrusted(_unknown(system), certificate, None)
        if pin.certificate.sha256 != certificate.sha256:
            raise Untrusted(_changed(system, pin.certificate, certificate), certificate, pin.certificate)
        if certificate.expired and not pin.although_expired:
            raise Untrusted(_expired(system, certificate), certificate, pin.certificate)
        return _only(der, old_tls, although_expired=pin.although_expired)


def describe(der: bytes) -> Certificate:
    """Return what a certificate (DER) says of itself."""
    from cryptography import x509

    parsed = x509.load_der_x509_certificate(der)
    return Certificate(
        hashlib.sha256(der).hexdigest(),
        parsed.subject.rfc4514_string(),
        parsed.issuer.rfc4514_string(),
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _bare(old_tls: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is compared, which is stricter than its name
    if old_tls:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def _only(der: bytes, old_tls: bool, although_expired: bool) -> ssl.SSLContext:
    context = _bare(old_tls)
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(der))
    context.verify_flags |= PARTIAL_CHAIN
    if although_expired:
        context.verify_flags |= NO_CHECK_TIME
    return context


def _trusted_by_machine(address: str, port: int) -> bool:
    try:
        with (
            socket.create_connection((address, port), CONNECT_SECONDS) as raw,
            ssl.create_default_context().wrap_socket(raw, server_hostname=address),
        ):
            return True
    except OSError:  # whatever it was, looking at the certificate tells it apart
        return False


def _shown(system: str, address: str, port: int, old_tls: bool) -> bytes:
    context = _bare(old_tls)
    context.verify_mode = ssl.CERT_NONE  # only to look at it: nothing is sent over this connection
    try:
        with (
            socket.create_connection((address, port), CONNECT_SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=address) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
    except OSError as error:
        raise _no_answer(system, address, port, error) from error
    assert der is not None, "a TLS server always shows a certificate"
    return der


def _no_answer(system: str, address: str, port: int, error: OSError) -> NotSent:
    if isinstance(error, socket.gaierror):
        why = text("The name {address} is not known.", address=address)
        do = text("Correct the address in the profile, or the name service.")
    elif isinstance(error, ssl.SSLError):
        why = text("It does not speak TLS as this program does: {reason}.", reason=error.reason or str(error))
        do = text("Allow old TLS for it in the profile if it is that old; else look at its listener.")
    elif isinstance(error, TimeoutError):
        why = text("It did not answer within {seconds} seconds.", seconds=CONNECT_SECONDS)
        do = text("See whether it is up and whether a firewall is in between.")
    else:
        why = text("The connection was refused or broken off ({reason}).", reason=error.strerror or str(error))
        do = text("See whether the service listens on port {port}.", port=port)
    return NotSent(
        text(
            "{system} cannot be reached at {address}:{port}.", system=plain_system(system), address=address, port=port
        ),
        why,
        do,
    )


def _unknown(system: str) -> UserError:
    return UserError(
        text("The certificate of {system} is not known yet.", system=plain_system(system)),
        text("No authority that this machine trusts has signed it, and nobody has accepted it."),
        text("Compare its fingerprint on the server, then accept it."),
    )


def _changed(system: str, old: Certificate, new: Certificate) -> UserError:
    return UserError(
        text("The certificate of {system} has changed.", system=plain_system(system)),
        text("Accepted was SHA-256 {old}; now it shows {new}.", old=old.sha256, new=new.sha256),
        text("Find out why; accept the new one only if it was changed on purpose."),
    )


def _expired(system: str, certificate: Certificate) -> UserError:
    return UserError(
        text("The certificate of {system} has expired.", system=plain_system(system)),
        text("It was valid until {day}.", day=certificate.not_after.strftime("%Y-%m-%d")),
        text("Renew it, or accept it once more although it has expired."),
    )
