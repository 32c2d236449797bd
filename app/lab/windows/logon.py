"""Who is at the door: NTLM by spnego's own implementation, against the practice accounts only.

Left to itself, `spnego.server()` would take the workstation's own accounts (SSPI on Windows, GSSAPI elsewhere)."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.lab.lab import Lab
from app.lab.rows import Account

_one_at_a_time = threading.Lock()  # NTLM_USER_FILE is one per process, and a process may hold several labs


class LogonFailed(Exception):
    """Wrong name or password, or a token that is none."""


class UserFile:
    """The accounts' passwords, for spnego: in a file of a random name that only its owner may read."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._path, self._written = lab, lab.folder / f"{secrets.token_hex(8)}.ntlm", ""

    @contextmanager
    def known(self) -> Iterator[None]:
        """Let spnego find the file inside this context."""
        with _one_at_a_time:
            before = os.environ.get("NTLM_USER_FILE")
            os.environ["NTLM_USER_FILE"] = str(self._current())
            try:
                yield
            finally:
                os.environ.pop("NTLM_USER_FILE")
                if before is not None:
                    os.environ["NTLM_USER_FILE"] = before

    def _current(self) -> Path:
        """Return the file, written anew where accounts came or went."""
        lines = []
        names = [row.name for row in self._lab.world.all(Account) if "\\" in row.name and _may_do_anything(row)]
        self._lab.passwords.make(*names)
        for name in names:
            domain, _, user = name.partition("\\")
            password = self._lab.passwords.of(name)
            lines += [f"{domain}:{user}:{password}", f":{user}@{domain}.example:{password}"]
        content = "\n".join(lines) + "\n"
        if content != self._written:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            self._written = content
        return self._path

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._written = ""


def _may_do_anything(account: Account) -> bool:
    return bool(account.administers or account.view_role or account.vcenter_role)


class Logon:
    """One connection's authentication. `certificate` is the listener's own in DER, for channel bindings over TLS."""

    def __init__(self, users: UserFile, certificate: bytes = b"") -> None:
        self._users, self._certificate = users, certificate
        self._context: Any = None

    @property
    def complete(self) -> bool:
        return self._context is not None and bool(self._context.complete)

    @property
    def account(self) -> str:
        """Return DOMAIN\\user; only when complete."""
        name = str(self._context.client_principal)
        user, at, domain = name.partition("@")
        return f"{domain.partition('.')[0]}\\{user}" if at else name

    def step(self, token: bytes) -> bytes:
        """Take the client's token and return the answer's; raises LogonFailed."""
        from spnego.exceptions import SpnegoError

        with self._users.known():
            try:
                if self._context is None or self.complete:
                    self._context = _server(token)
                return self._context.step(token, channel_bindings=self._bindings(token)) or b""
            except (SpnegoError, ValueError, LookupError, TypeError, OverflowError) as error:
                self._context = None
                raise LogonFailed(type(error).__name__) from error

    def forget(self) -> None:
        """Be nobody again."""
        self._context = None

    def unwrap(self, header: bytes, sealed: bytes) -> bytes:
        """Return the clear bytes of a sealed message; raises LogonFailed where the seal is broken."""
        from spnego.exceptions import SpnegoError

        try:
            return bytes(self._context.unwrap_winrm(header, sealed))
        except (SpnegoError, ValueError) as error:
            raise LogonFailed(type(error).__name__) from error

    def wrap(self, clear: bytes) -> tuple[bytes, bytes, int]:
        """Return header, sealed bytes and padding of a message to the client."""
        result = self._context.wrap_winrm(clear)
        return result.header, result.data, result.padding_length

    def _bindings(self, token: bytes) -> Any:
        """Return what the client must be bound to: as Windows' default (Relaxed), nothing if it sends no bindings."""
        from spnego.channel_bindings import GssChannelBindings

        if not self._certificate or not _sends_bindings(token):
            return None
        digest = hashlib.sha256(self._certificate).digest()
        return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


def _server(token: bytes) -> Any:
    import spnego
    from spnego import NegotiateOptions

    if token.startswith(b"NTLMSSP\x00"):
        return spnego.server(protocol="ntlm", options=NegotiateOptions.use_ntlm)
    return _negotiate()


def _negotiate() -> Any:
    from spnego import NegotiateOptions
    from spnego._context import GSSMech
    from spnego._negotiate import NegotiateProxy

    class NtlmOnly(NegotiateProxy):
        """SPNEGO that knows no mechanism but NTLM; there is no public way to leave out Kerberos."""

        def _preferred_mech_list(self) -> list[GSSMech]:
            return [GSSMech.ntlm]

    return NtlmOnly(
        hostname="unspecified", service="http", usage="accept",
        options=NegotiateOptions.use_negotiate | NegotiateOptions.use_ntlm,
    )  # fmt: skip


def _sends_bindings(token: bytes) -> bool:
    from spnego._ntlm_raw.messages import Authenticate, AvId, NTClientChallengeV2

    start = token.find(b"NTLMSSP\x00\x03\x00\x00\x00")
    if start < 0:
        return False
    try:
        response = Authenticate.unpack(token[start:]).nt_challenge_response
        if not response or len(response) <= 24:
            return False
        bindings = NTClientChallengeV2.unpack(response[16:]).av_pairs.get(AvId.channel_bindings, b"")
    except (ValueError, LookupError, TypeError) as error:
        raise LogonFailed(type(error).__name__) from error
    return any(bindings)


def channel_certificate(files: tuple[Path, Path]) -> bytes:
    """Return the certificate of a pair of PEM files in DER."""
    import ssl

    return ssl.PEM_cert_to_DER_cert(files[0].read_text("ascii"))
