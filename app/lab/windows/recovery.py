"""Exports that are encrypted with the data recovery password (View 5.1 and later).

What VMware's own look like inside is not known; known is that they are LDIF whose entries are not View's. The bytes are
encrypted (AES and HMAC under a key derived from the password), so that only the right password opens them."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from app.lab.windows.ldif import LdifBroken, read

ROUNDS = 20_000
_PIECE = 30_000  # bytes of an entry's value
_BASE = "DC=vdmexport,DC=encrypted"


class WrongPassword(Exception):
    """The password does not open the export."""


class NotEncrypted(Exception):
    """The file is no encrypted export, or a damaged one."""


def encrypt(content: bytes, password: str) -> bytes:
    """Return `content` as an encrypted export."""
    from cryptography.fernet import Fernet

    salt = secrets.token_bytes(16)
    sealed = Fernet(_key(password, salt)).encrypt(content)
    lines = [
        "version: 1",
        "",
        f"dn: {_BASE}",
        "objectClass: top",
        f"salt:: {base64.b64encode(salt).decode('ascii')}",
        f"rounds: {ROUNDS}",
        f"size: {len(sealed)}",
        "",
    ]
    for number, start in enumerate(range(0, len(sealed), _PIECE)):
        piece = base64.b64encode(sealed[start : start + _PIECE]).decode("ascii")
        folded = "\r\n ".join(re.findall(".{1,75}", piece))
        lines += [f"dn: CN={number:08d},{_BASE}", "objectClass: top", f"data:: {folded}", ""]
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def decrypt(export: bytes, password: str) -> bytes:
    """Return what an encrypted export holds. Raises NotEncrypted, WrongPassword."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        entries = read(export)
        head = next(entry for entry in entries if entry.dn == _BASE)
        sealed = b"".join(entry.values["data"][0] for entry in entries if entry.dn.endswith("," + _BASE))
        salt, size = head.values["salt"][0], int(head.values["size"][0])
    except (LdifBroken, LookupError, StopIteration, ValueError) as error:
        raise NotEncrypted from error
    if len(sealed) != size:
        raise NotEncrypted
    try:
        return Fernet(_key(password, salt)).decrypt(sealed)
    except InvalidToken as error:
        raise WrongPassword from error


def _key(password: str, salt: bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS))
