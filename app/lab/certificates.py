"""Self-made certificates of the lab's servers, one per system, as old installations have them."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


class Certificates:
    """Certificate and key of every system, made at first use and kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._key: rsa.RSAPrivateKey | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, system: str) -> tuple[Path, Path]:
        """Return the files of certificate and key (PEM) of `system`."""
        stem = system.replace(":", "-")
        certificate, key = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        with self._lock:
            if not certificate.exists():
                self._make(system, certificate, key, days=3650)
        return certificate, key

    def change(self, system: str, *, expired: bool = False) -> None:
        """Give `system` another certificate: a new one, or one that ran out yesterday."""
        certificate, key = self.of(system)
        with self._lock:
            for file in (certificate, key):
                first = file.with_suffix(file.suffix + ".first")
                if not first.exists():
                    first.write_bytes(file.read_bytes())
            certificate.with_suffix(".expired").unlink(missing_ok=True)
            self._make(system, certificate, key, days=-1 if expired else 3650)
            if expired:
                certificate.with_suffix(".expired").touch()

    def back(self, system: str) -> None:
        """Give `system` its first certificate back."""
        self.of(system)[0].with_suffix(".expired").unlink(missing_ok=True)
        for file in self.of(system):
            first = file.with_suffix(file.suffix + ".first")
            if first.exists():
                with self._lock:
                    first.replace(file)

    def known(self, system: str) -> str:
        """Return the certificate (PEM) that clients of `system` know: its first one, or the one that ran out."""
        certificate, _ = self.of(system)
        first = certificate.with_suffix(certificate.suffix + ".first")
        ran_out = certificate.with_suffix(".expired").exists()
        return (first if first.exists() and not ran_out else certificate).read_text("ascii")

    def fingerprint(self, system: str) -> str:
        """Return the SHA-256 of the certificate in DER, hexadecimal, as a client pins it."""
        certificate, _ = self.of(system)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))).hexdigest()

    def _make(self, system: str, certificate: Path, key: Path, days: int) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        private = self._private_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, system.partition(":")[2] or system)])
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=400))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .sign(private, hashes.SHA256())
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        temporary = certificate.with_suffix(".new")  # a server may be reading it
        temporary.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        temporary.replace(certificate)

    def _private_key(self) -> rsa.RSAPrivateKey:
        """Return the lab's one key: RSA, as old clients know no other, and making one for each system takes seconds."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        if self._key is None:
            self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return self._key
