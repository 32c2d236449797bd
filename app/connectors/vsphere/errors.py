"""What goes wrong with a vCenter, in sentences for people."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from app.errors import CouldNotLook, NotLetIn, NotSent, UserError
from app.profile import VCenter
from app.texts import Text, text

TOO_WEAK = frozenset({66, 67, 68})  # OpenSSL: key of the certificate or its authority too small, digest too weak
TOO_OLD = frozenset(
    {"UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION",
     "SSLV3_ALERT_HANDSHAKE_FAILURE", "DH_KEY_TOO_SMALL"}
)  # fmt: skip
LOOK_AGAIN = text("Look again when the vCenter answers.")


def explained(error: BaseException, vcenter: VCenter, *, opening: bool) -> UserError:
    """Return the error for people of what the network, TLS, HTTP or vSphere raised.

    `opening`: nothing had been asked yet. NotSent only where provably nothing was sent."""
    from app.connectors.vsphere import stub

    known = _network(error, vcenter) if isinstance(error, OSError) else None
    if known is not None:
        return known
    if isinstance(error, stub.FAULT):
        return _fault(error, vcenter)
    what = text("The vCenter {name} did not answer to the end.", name=vcenter.name)
    details = f"{type(error).__name__}: {error}"
    if opening and isinstance(error, OSError):
        why = text("The connection to {address} failed before anything was asked.", address=_address(vcenter))
        return NotSent(what, why, text("Check whether the vCenter's service runs."), details=details)
    if isinstance(error, TimeoutError):
        return CouldNotLook(what, text("It was silent for too long."), LOOK_AGAIN, details=details)
    return CouldNotLook(what, text("The connection broke, or the answer was cut short."), LOOK_AGAIN, details=details)


def _network(error: OSError, vcenter: VCenter) -> UserError | None:
    address, details = _address(vcenter), f"{type(error).__name__}: {error}"
    what = text("The vCenter {name} could not be reached.", name=vcenter.name)
    if isinstance(error, socket.gaierror):
        why = text("No machine is known by the name {address}.", address=vcenter.address)
        return NotSent(what, why, text("Check the address in the profile, and the name service."), details=details)
    if isinstance(error, ConnectionRefusedError):
        why = text("Nothing listens at {address}.", address=address)
        return NotSent(what, why, text("Check the port, and whether the vCenter's service runs."), details=details)
    if isinstance(error, ssl.SSLCertVerificationError):
        what = text("The vCenter {name} was not trusted.", name=vcenter.name)
        if error.verify_code in TOO_WEAK:
            why = text("Its certificate is as weak as those of vSphere 4: {why}.", why=error.verify_message)
            return NotSent(
                what, why, text("Give it a new certificate, or allow old TLS in the profile."), details=details
            )
        why = text("Its certificate is not the trusted one, or has expired: {why}.", why=error.verify_message)
        return NotSent(what, why, text("Look at the certificate; trust it anew only if you know why."), details=details)
    if isinstance(error, ssl.SSLError) and error.reason in TOO_OLD:
        why = text("It speaks only versions of TLS that are too old.")
        do = text("Allow old TLS in the profile if you must: vSphere 4 and 5 know no newer.")
        return NotSent(what, why, do, details=details)
    return None


def _fault(error: Any, vcenter: VCenter) -> UserError:
    from app.connectors.vsphere import stub

    kind, words = stub.name_of(type(error)), str(error.msg or "")
    if isinstance(error, stub.INVALID_LOGIN):
        return NotLetIn(
            text("The vCenter {name} refused the login of {account}.", name=vcenter.name, account=vcenter.account),
            text("The user name or the password is wrong, or the account is locked."),
            text("Check the account and its password; do not try many times."),
            details=kind,
        )
    if isinstance(error, stub.NOT_AUTHENTICATED):
        return CouldNotLook(
            text("The vCenter {name} ended the session more than once.", name=vcenter.name),
            text("A new login was accepted, and then not known."), LOOK_AGAIN, details=f"{kind}: {words}",
        )  # fmt: skip
    if isinstance(error, stub.NO_PERMISSION):
        return no_permission(vcenter, str(error.privilegeId or ""), named(error.object))
    return CouldNotLook(
        text("The vCenter {name} could not answer.", name=vcenter.name),
        text("It said: {words}", words=words or kind), LOOK_AGAIN, details=f"{kind}: {words}",
    )  # fmt: skip


def no_permission(vcenter: VCenter, privilege: str, entity: str) -> UserError:
    """Return the error for a privilege that the account lacks on an entity."""
    account = vcenter.account
    return UserError(
        text("The account {account} may not do this on the vCenter {name}.", account=account, name=vcenter.name),
        text("It lacks the privilege {privilege} on {entity}.", privilege=privilege or "?", entity=entity or "?"),
        text("Give the account a role with this privilege there."),
        details=f"NoPermission: {privilege}",
    )  # fmt: skip


def named(entity: Any) -> str:
    """Return what a reference in a fault says: Type:moid."""
    from app.connectors.vsphere import stub

    return f"{stub.name_of(type(entity))}:{stub.moid(entity)}" if entity is not None else ""


def _address(vcenter: VCenter) -> str:
    return f"{vcenter.address}:{vcenter.port}"


def http_status(vcenter: VCenter, what: Text, status: int) -> UserError:
    """Return the error for an HTTP status other than 200."""
    if status == 404:
        why = text("The file is not there.")
    elif status == 403:
        why = text("The account lacks the privilege {privilege} on the datastore.", privilege="Datastore.Browse")
    else:
        why = text("The vCenter {name} answered with the HTTP status {status}.", name=vcenter.name, status=status)
    return CouldNotLook(what, why, LOOK_AGAIN if status not in (403, 404) else text("Look at it in vSphere Client."))
