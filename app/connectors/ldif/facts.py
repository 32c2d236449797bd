"""What an export of View's AD LDS tells: its kind, pools, desktops, entitlements, settings and counts."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO

from app.connectors.ldif.entry import Entry, LdifError
from app.connectors.ldif.reader import is_utf16, read
from app.view.pools import Desktop, Entitlement, Pool

ROOT = "dc=vdi,dc=vmware,dc=int"
"""The naming context of View. An export that holds no entry of it cannot be read without the recovery password."""

_AUTOMATIC, _MANUAL, _TERMINAL = ("3", "4"), ("5", "6"), ("8",)
_PERSISTENCE = ("pae-PoolPersistence", "pae-Persistence")  # remembered, never seen: the first that is there counts
_SECRET = re.compile(r"(?i)passw|pwd|secret|credential")
_SID = re.compile(r"(?i)S-1-\d+(?:-\d+)+")
_HEX_SID = re.compile(r"(?i)<SID=([0-9a-f]{16,136})>")
_BASE64 = frozenset((string.ascii_letters + string.digits + "+/=\r\n").encode())
_WORDS = frozenset(string.printable.encode())
_SAMPLE = 4096
_LONG = 60


class Kind(StrEnum):
    """The kinds of export that View makes, and what is none. A cleansed one holds no secret: it is never imported."""

    PLAIN = "plain"
    CLEANSED = "cleansed"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    NOT_AN_EXPORT = "not an export"


@dataclass(frozen=True)
class Setting:
    """An entry below OU=Properties; secrets are left out of `values`, and named in `secrets`."""

    dn: str
    classes: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    secrets: tuple[str, ...] = ()

    def first(self, name: str, otherwise: str = "") -> str:
        """Return the first value of an attribute, whatever its case."""
        found = (values[0] for other, values in self.values.items() if other.lower() == name.lower() and values)
        return next(found, otherwise)


@dataclass(frozen=True)
class Facts:
    """What an export says. `entries` counts all, `inside` those of View's own tree, `classes` by object class.

    `event_databases`, `brokers` and `settings` are entries below OU=Properties. `complete_end` says whether the file
    ends with an empty line, as exports do: one without it may lack its last entries."""

    kind: Kind
    entries: int = 0
    inside: int = 0
    pools: tuple[Pool, ...] = ()
    desktops: tuple[Desktop, ...] = ()
    entitlements: tuple[Entitlement, ...] = ()
    event_databases: tuple[Setting, ...] = ()
    brokers: tuple[Setting, ...] = ()
    settings: tuple[Setting, ...] = ()
    classes: dict[str, int] = field(default_factory=dict)
    complete_end: bool = False

    @property
    def provisioning_on(self) -> int:
        return sum(pool.provisioning is True for pool in self.pools)

    @property
    def provisioning_off(self) -> int:
        return sum(pool.provisioning is False for pool in self.pools)

    @property
    def vcenters(self) -> tuple[str, ...]:
        """The vCenters that pools live in, as pools name them."""
        return tuple(sorted({pool.vcenter for pool in self.pools if pool.vcenter}))

    def counts(self) -> dict[str, int]:
        """Return what a manifest keeps for comparing."""
        return {
            "entries": self.entries,
            "pools": len(self.pools),
            "desktops": len(self.desktops),
            "entitlements": len(self.entitlements),
            "provisioning_on": self.provisioning_on,
            "provisioning_off": self.provisioning_off,
        }


def facts(stream: BinaryIO) -> Facts:
    """Read an export to its end and return its facts; memory grows with pools and desktops, not with the file.

    Raises LdifError for a file that is damaged, cut off or in UTF-16. Whatever holds no entry of View's tree is no
    error: its kind says what it is (see `Kind`)."""
    watched, found = _Watched(stream), _Gathered()
    try:
        for entry in read(watched):  # type: ignore[arg-type]  # read() only calls .read
            found.add(entry)
    except LdifError as error:
        if found.entries or error.cut or watched.utf16:
            raise
        return Facts(_foreign(watched.head, found))
    if not found.inside:
        return Facts(_foreign(watched.head, found), found.entries)
    return found.facts(complete_end=watched.tail.replace(b"\r", b"").endswith(b"\n\n"))


def is_encrypted(stream: BinaryIO) -> bool:
    """Say whether an export is encrypted: something opaque, and no entry of View's tree. Stops at the first."""
    watched, found = _Watched(stream), _Gathered()
    try:
        for entry in read(watched):  # type: ignore[arg-type]
            found.add(entry)
            if found.inside:
                return False
    except LdifError:
        if watched.utf16:
            raise
    return _foreign(watched.head, found) is Kind.ENCRYPTED


class _Watched:
    """A stream that remembers how it began and ended."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.head, self.tail = stream, b"", b""

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if len(self.head) < _SAMPLE:
            self.head += block[: _SAMPLE - len(self.head)]
        self.tail = (self.tail + block[-4:])[-4:]
        return block

    @property
    def utf16(self) -> bool:
        return is_utf16(self.head)


class _Gathered:
    """What has been read so far."""

    def __init__(self) -> None:
        self.entries = self.inside = 0
        self.secrets = False
        self.classes: Counter[str] = Counter()
        self.pools: list[Pool] = []
        self.desktops: list[Desktop] = []
        self.entitlements: list[Entitlement] = []
        self.settings: list[Setting] = []

    def add(self, entry: Entry) -> None:
        self.entries += 1
        classes = {value.decode("ascii", "replace").lower() for value in entry.values("objectClass")}
        place = _place(entry.dn)
        if not (place == ROOT or place.endswith("," + ROOT)):
            return
        self.inside += 1
        self.classes.update(classes)
        self.secrets = self.secrets or bool(_secrets(entry))
        if "pae-serverpool" in classes:
            self.pools.append(pool_of(entry))
        elif "pae-vm" in classes:
            self.desktops.append(desktop_of(entry))
        elif "pae-desktopapplication" in classes:
            self.entitlements += entitlements_of(entry)
        elif place.endswith(",ou=properties," + ROOT):
            self.settings.append(_setting(entry))

    def facts(self, *, complete_end: bool) -> Facts:
        below: Callable[[str], tuple[Setting, ...]] = lambda unit: tuple(  # noqa: E731  # used thrice, here only
            setting for setting in self.settings if f",{unit},ou=properties," in _place(setting.dn)
        )
        events = tuple(s for s in self.settings if "pae-eventdatabase" in {name.lower() for name in s.classes})
        return Facts(
            Kind.PLAIN if self.secrets else Kind.CLEANSED, self.entries, self.inside,
            tuple(self.pools), tuple(self.desktops), tuple(self.entitlements),
            events, below("ou=server"), tuple(self.settings), dict(self.classes), complete_end,
        )  # fmt: skip


def _foreign(head: bytes, found: _Gathered) -> Kind:
    """Return what a file is that holds no entry of View's tree, judged by its beginning.

    How an encrypted export looks is nowhere written down. So: nothing but comments is empty; entries of any other tree
    are encrypted, and so is anything opaque; readable words are a message, or another program's file."""
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith(b"#")]
    content = [line for line in lines if not re.match(rb"(?i)version\s*:", line)]
    if not content:
        return Kind.EMPTY
    if found.entries:
        return Kind.ENCRYPTED
    if not _WORDS.issuperset(head):
        return Kind.ENCRYPTED
    longest = max((word for line in content for word in line.split()), key=len)
    return Kind.ENCRYPTED if len(longest) >= _LONG and _BASE64.issuperset(longest) else Kind.NOT_AN_EXPORT


# ---- entries in View's words


def pool_of(entry: Entry) -> Pool:
    """Return the pool that an entry of OU=Server Groups describes. What the entry does not say stays empty or unknown.

    The type is put together from pae-ServerPoolType, the parent VM and the persistence; where one is missing it is "",
    a kind that is not known. Provisioning is None where the pool has no switch or the attribute is missing."""
    server_type, parent = entry.first("pae-ServerPoolType").strip(), entry.first("pae-SVIVmParentVM")
    persistent, vcenter = _persistent(entry), _first_name(entry.first("pae-VCDN"))
    return Pool(
        pool_id=_cn(entry), name=entry.first("pae-DisplayName") or _cn(entry),
        pool_type=_pool_type(server_type, bool(parent), bool(vcenter), persistent),
        provisioning=None if server_type in _MANUAL + _TERMINAL else _switch(entry.first("pae-VmProvEnabled")),
        enabled=_switch(entry.first("pae-Disabled")) is not True, persistent=bool(persistent),
        vcenter=vcenter, parent_vm=parent, parent_snapshot=entry.first("pae-SVIVmSnapshot"),
        refresh_policy=entry.first("pae-SVIVmRefreshPolicy"), delete_policy=entry.first("pae-VmDeletePolicy"),
        minimum=_number(entry.first("pae-VmMinimumCount")), maximum=_number(entry.first("pae-VmMaximumCount")),
        headroom=_number(entry.first("pae-VmHeadroomCount")),
    )  # fmt: skip


def desktop_of(entry: Entry) -> Desktop:
    """Return the desktop that an entry of OU=Servers describes."""
    sids = [sid for value in entry.values("member") if (sid := sid_of(value))]
    return Desktop(
        machine_id=_cn(entry), name=entry.first("pae-DisplayName"), pool_id=_first_name(entry.first("pae-MemberDNOf")),
        state=entry.first("pae-VmState"), moid=entry.first("pae-MOID"), path=entry.first("pae-VmPath"),
        user_sid=sids[0] if sids else "",
    )  # fmt: skip


def entitlements_of(entry: Entry) -> list[Entitlement]:
    """Return who may use the pool that an entry of OU=Applications stands for."""
    pool = _first_name(entry.first("pae-Servers")) or _cn(entry)
    return [Entitlement(pool, sid) for value in entry.values("member") if (sid := sid_of(value))]


def sid_of(value: bytes) -> str:
    """Return the security identifier in a `member`: <SID=S-1-...>, <SID=hexadecimal> or CN=S-1-...,...; else ""."""
    words = value.decode("utf-8", "replace")
    if plain := _SID.search(words):
        return plain[0].upper()
    if packed := _HEX_SID.fullmatch(words.strip()):
        return _sid_from(bytes.fromhex(packed[1])) if len(packed[1]) % 2 == 0 else ""
    return ""


def _sid_from(packed: bytes) -> str:
    revision, count = packed[0], packed[1]
    if len(packed) != 8 + 4 * count:
        return ""
    parts = [int.from_bytes(packed[at : at + 4], "little") for at in range(8, len(packed), 4)]
    return "-".join(["S", str(revision), str(int.from_bytes(packed[2:8], "big")), *map(str, parts)])


def _pool_type(server_type: str, linked: bool, managed: bool, persistent: bool | None) -> str:
    if server_type in _TERMINAL:
        return "TerminalService"
    if server_type in _MANUAL:
        return "ManualVCPersistent" if managed and persistent else "Manual"
    if server_type in _AUTOMATIC and persistent is not None:
        return ("SVI" if linked else "") + ("Persistent" if persistent else "NonPersistent")
    return ""


def _persistent(entry: Entry) -> bool | None:
    for name in _PERSISTENCE:
        value = entry.first(name).strip().lower()
        if value:
            return {
                "persistent": True,
                "1": True,
                "true": True,
                "nonpersistent": False,
                "0": False,
                "false": False,
            }.get(value)
    return None


def _switch(value: str) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get(value.strip().lower())


def _number(value: str) -> int:
    return int(value) if value.strip().lstrip("-").isdecimal() else 0


def _cn(entry: Entry) -> str:
    return entry.first("cn") or _first_name(entry.dn)


def _first_name(dn: str) -> str:
    """Return the value of a dn's first part: CN=sales\\, west,OU=... gives "sales, west"."""
    first = re.split(r"(?<!\\),", dn, maxsplit=1)[0].partition("=")[2]
    return re.sub(r"\\(.)", r"\1", first).strip()


def _place(dn: str) -> str:
    low = dn.lower()
    return re.sub(r"\s*([,=])\s*", r"\1", low) if ", " in low or " ," in low or "= " in low or " =" in low else low


def _secrets(entry: Entry) -> tuple[str, ...]:
    return tuple(name for name, values in entry.attributes.items() if _SECRET.search(name) and any(values))


def _setting(entry: Entry) -> Setting:
    secrets = _secrets(entry)
    values: dict[str, Any] = {
        name: tuple(value.decode("utf-8", "backslashreplace") for value in all_)
        for name, all_ in entry.attributes.items()
        if not _SECRET.search(name)
    }
    return Setting(
        entry.dn, tuple(value.decode("ascii", "replace") for value in entry.values("objectClass")), values, secrets
    )
