"""Self-made certificates of the lab's servers, one per system, as old installations have them."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import ssl
import threading
from pathlib import Path


class Certificates:
    """Certificate and key of every system, made at first use and kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
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
            self._make(system, certificate, key, days=-1 if expired else 3650)

    def fingerprint(self, system: str) -> str:
        """Return the SHA-256 of the certificate in DER, hexadecimal, as a client pins it."""
        certificate, _ = self.of(system)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))).hexdigest()

    def _make(self, system: str, certificate: Path, key: Path, days: int) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        # RSA: the old clients that this lab also serves know no other; elliptic curves would be 20 times faster to make
        private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
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
        certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
