"""AD LDS entries as LDIF (RFC 2849), as vdmexport and the built-in backup write them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

from app.lab.directory import SECRETS
from app.lab.rows import LdsEntry

SAFE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x1f!-9;=-\x7f][\x01-\x09\x0b\x0c\x0e-\x7f]*\Z")
WIDTH = 76


def ldif(entries: Iterable[LdsEntry], *, cleansed: bool = False) -> bytes:
    """Return `entries` as LDIF: ASCII, lines folded, base64 where a value needs it. `cleansed` leaves secrets out."""
    lines: list[str] = ["version: 1", ""]
    for entry in entries:
        lines.append(_line("dn", entry.dn))
        lines += [_line("objectClass", name) for name in entry.classes]
        for name, values in entry.attributes.items():
            if not (cleansed and name.lower() in SECRETS):
                lines += [_line(name, value) for value in values]
        lines.append("")
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def _line(name: str, value: str) -> str:
    if value == "":
        return f"{name}:"
    if SAFE.match(value) and not value.endswith(" "):
        whole = f"{name}: {value}"
    else:
        whole = f"{name}:: {base64.b64encode(value.encode()).decode()}"
    if len(whole) <= WIDTH:
        return whole
    rest = whole[WIDTH:]
    return "\r\n ".join([whole[:WIDTH], *(rest[at : at + WIDTH - 1] for at in range(0, len(rest), WIDTH - 1))])
