"""A certificate is trusted when the machine's authorities say so, or when the operator has pinned exactly it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import NotSent, Refused
from app.lab.certificates import Certificates
from app.trust import Trust, Untrusted, describe

SYSTEM = "winrm:broker1"


class Shower:
    """A TLS server that shows the certificate that the lab has for it at the moment."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificates.of(SYSTEM))
            with connection:
                try:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        secured.settimeout(5)
                        secured.send(b"hello" if secured.recv(5) else b"")
                except OSError:
                    continue  # the client did not like the certificate, or had seen enough

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "tls")


@pytest.fixture
def server(certificates: Certificates) -> Iterator[Shower]:
    shower = Shower(certificates)
    yield shower
    shower.close()


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "trust.json")


def pinned(trust: Trust, server: Shower, certificates: Certificates) -> None:
    pem = certificates.of(SYSTEM)[0].read_text("ascii")
    trust.accept("127.0.0.1", server.port, describe(ssl.PEM_cert_to_DER_cert(pem)))


def greets(context: ssl.SSLContext, port: int) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as secured,
    ):
        secured.send(b"hello")
        return secured.recv(5)


def test_an_unknown_certificate_is_shown_and_not_trusted(
    trust: Trust, server: Shower, certificates: Certificates
) -> None:
    with pytest.raises(Untrusted, match="not known yet") as raised:
        trust.context(SYSTEM, "127.0.0.1", server.port)
    assert raised.value.certificate.sha256 == certificates.fingerprint(SYSTEM)
    assert raised.value.pinned is None


def test_a_pinned_certificate_is_trusted(trust: Trust, server: Shower, certificates: Certificates) -> None:
    pinned(trust, server, certificates)
    assert greets(trust.context(SYSTEM, "127.0.0.1", server.port), server.port) == b"hello"


def test_a_changed_certificate_is_refused_with_both_fingerprints(
    trust: Trust, server: Shower, certificates: Certificates
) -> None:
    pinned(trust, server, certificates)
    before = certificates.fingerprint(SYSTEM)
    certificates.change(SYSTEM)
    with pytest.raises(Untrusted, match="has changed") as raised:
        trust.context(SYSTEM, "127.0.0.1", server.port)
    assert before in str(raised.value)
    assert certificates.fingerprint(SYSTEM) in str(raised.value)


def test_a_certificate_that_changes_after_it_was_looked_at_is_not_spoken_to(
    trust: Trust, server: Shower, certificates: Certificates
) -> None:
    pinned(trust, server, certificates)
    context = trust.context(SYSTEM, "127.0.0.1", server.port)
    certificates.change(SYSTEM)
    with pytest.raises(ssl.SSLCertVerificationError):
        greets(context, server.port)


def test_an_expired_certificate_is_refused_until_it_is_accepted_although_expired(
    trust: Trust, server: Shower, certificates: Certificates
) -> None:
    pinned(trust, server, certificates)
    certificates.change(SYSTEM, expired=True)
    with pytest.raises(Untrusted, match="has changed"):
        trust.context(SYSTEM, "127.0.0.1", server.port)
    pinned(trust, server, certificates)
    assert greets(trust.context(SYSTEM, "127.0.0.1", server.port), server.port) == b"hello"


def test_a_closed_port_and_an_unknown_name_are_told_apart(trust: Trust) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match="refused"):
        trust.context(SYSTEM, "127.0.0.1", port)
    with pytest.raises(NotSent, match="not known"):
        trust.context(SYSTEM, "nowhere.invalid", 443)


def test_a_damaged_file_of_pins_is_refused_and_never_taken_for_empty(tmp_path: Path, trust: Trust) -> None:
    (tmp_path / "trust.json").write_bytes(b'{"pins": {"a:1": ')
    with pytest.raises(Refused, match="damaged"):
        trust.pins()
