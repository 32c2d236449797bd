"""RSA key containers' real keys: one for each `key_id` of the world, in a folder of the lab's own."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from app.lab.lab import Lab

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_PRIVATE = ("P", "Q", "DP", "DQ", "InverseQ", "D")
_making = threading.Lock()


class NotAKey(Exception):
    """The file holds no RSA key."""


def export(lab: Lab, key_id: str, *, private: bool) -> bytes:
    """Return the key as aspnet_regiis writes it; without `private`, only what everyone may know."""
    numbers = _key(lab, key_id).private_numbers()
    public = numbers.public_numbers
    values = {"Modulus": public.n, "Exponent": public.e}
    if private:
        values |= {
            "P": numbers.p,
            "Q": numbers.q,
            "DP": numbers.dmp1,
            "DQ": numbers.dmq1,
            "InverseQ": numbers.iqmp,
            "D": numbers.d,
        }
    parts = "".join(f"<{name}>{_encoded(value)}</{name}>" for name, value in values.items())
    return f"<RSAKeyValue>{parts}</RSAKeyValue>".encode("ascii")


def key_of(lab: Lab, content: bytes) -> str:
    """Return the `key_id` of an exported key that holds its private part; one that was never here becomes known.

    Raises NotAKey."""
    numbers = _numbers(content)
    for path in _folder(lab).glob("*.pem"):
        if _load(path).private_numbers().public_numbers.n == numbers["Modulus"]:
            return path.stem
    key_id = hashlib.sha256(content).hexdigest()[:32]
    _save(_folder(lab) / f"{key_id}.pem", _made_of(numbers))
    return key_id


def _key(lab: Lab, key_id: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    path = _folder(lab) / f"{key_id}.pem"
    with _making:
        if not path.exists():
            # 1024 bits, as the containers of that time have by default
            _save(path, rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
        return _load(path)


def _folder(lab: Lab) -> Path:
    folder = lab.folder / "rsa"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _save(path: Path, key: RSAPrivateKey) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)


def _load(path: Path) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _numbers(content: bytes) -> dict[str, int]:
    try:
        root = ET.fromstring(content.decode("ascii"))  # noqa: S314  # checked below; a document type is refused
        values = {child.tag: int.from_bytes(base64.b64decode(child.text or "", validate=True), "big") for child in root}
    except (ET.ParseError, ValueError) as error:
        raise NotAKey from error
    if b"<!" in content or root.tag != "RSAKeyValue" or values.keys() != {"Modulus", "Exponent", *_PRIVATE}:
        raise NotAKey
    return values


def _made_of(numbers: dict[str, int]) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers

    public = RSAPublicNumbers(numbers["Exponent"], numbers["Modulus"])
    try:
        return RSAPrivateNumbers(
            numbers["P"], numbers["Q"], numbers["D"], numbers["DP"], numbers["DQ"], numbers["InverseQ"], public
        ).private_key()
    except ValueError as error:
        raise NotAKey from error


def _encoded(value: int) -> str:
    return base64.b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode("ascii")
