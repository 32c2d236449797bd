"""LDIF that OpenLDAP writes is read whole, and what is written here OpenLDAP takes."""

from __future__ import annotations

import base64
import random
import string
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from app.connectors import ldif

Entries: TypeAlias = dict[str, dict[str, list[bytes]]]
Need: TypeAlias = Callable[[str, str], str]

ROOT = "dc=vdi,dc=vmware,dc=int"
UNITS = ("Servers", "Server Groups", "Applications")
POOLS, DESKTOPS = 60, 1500
OPERATIONAL = {
    *("structuralObjectClass", "entryUUID", "creatorsName", "createTimestamp", "entryCSN"),
    *("modifiersName", "modifyTimestamp", "contextCSN"),
}
"""What slapcat tells beyond what was put in."""


class Slapd:
    """An OpenLDAP database in a folder of its own, used through its tools: no service of the machine is touched."""

    def __init__(self, folder: Path, need: Need) -> None:
        folder.mkdir()
        (folder / "db").mkdir()
        self.folder, self._need = folder, need
        self.settings = folder / "slapd.conf"
        self.settings.write_text(
            "\n".join(
                [
                    f'include "{Path(__file__).with_name("view.schema")}"',
                    "modulepath /usr/lib/ldap",
                    "moduleload back_mdb",
                    "sizelimit unlimited",
                    "database mdb",
                    "maxsize 268435456",
                    f'suffix "{ROOT}"',
                    f'directory "{folder / "db"}"',
                    f'pidfile "{folder / "pid"}"',
                    "",
                ]
            ),
            "utf-8",
        )

    def add(self, content: bytes) -> None:
        source = self.folder / "add.ldif"
        source.write_bytes(content)
        done = self._run("slapadd", "-q", "-l", str(source))
        assert done.returncode == 0, done.stderr.decode()

    def cat(self) -> Path:
        written = self.folder / "cat.ldif"
        done = self._run("slapcat", "-l", str(written))
        assert done.returncode == 0, done.stderr.decode()
        return written

    def _run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self._need("slapd", tool), "-f", str(self.settings), *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=60)


@pytest.fixture
def slapd(tmp_path: Path, need: Need) -> Slapd:
    return Slapd(tmp_path / "slapd", need)


@pytest.fixture(scope="module")
def view() -> Entries:
    """A View environment with every kind of value that LDIF has a rule for, the same at every start."""
    chance = random.Random(20110926)
    entries: Entries = {ROOT: {"objectClass": [b"domain"], "dc": [b"vdi"]}}
    for unit in UNITS:
        entries[f"ou={unit},{ROOT}"] = {"objectClass": [b"organizationalUnit"], "ou": [unit.encode()]}
    for number in range(POOLS):
        pool = f"pool-{number}" if number % 3 else f"研发-{number}"
        entries[f"cn={pool},ou=Server Groups,{ROOT}"] = {
            "objectClass": [b"pae-ServerPool"],
            "cn": [pool.encode()],
            "pae-DisplayName": [f"Pool {number} 桌面".encode() if number % 2 else b"x" * (60 + number)],
            "pae-ServerPoolType": [b"4"],
            "pae-PoolPersistence": [b"Persistent" if number % 2 else b"NonPersistent"],
            "pae-VmProvEnabled": [b"1" if number % 4 else b"0"],
            "pae-Anything": odd_values(chance, number),
        }
        entries[f"cn={pool},ou=Applications,{ROOT}"] = {
            "objectClass": [b"pae-DesktopApplication"],
            "cn": [pool.encode()],
            "pae-Servers": [f"cn={pool},ou=Server Groups,{ROOT}".encode()],
            "member": [f"<SID=S-1-5-21-1-2-3-{1000 + number}>".encode(), chance.randbytes(28)],
        }
    for number in range(DESKTOPS):
        entries[f"cn={chance.getrandbits(128):032x},ou=Servers,{ROOT}"] = {}
        name = next(reversed(entries)).split(",")[0].removeprefix("cn=")
        entries[f"cn={name},ou=Servers,{ROOT}"] = {
            "objectClass": [b"pae-VM"],
            "cn": [name.encode()],
            "pae-DisplayName": [f"desktop-{number}".encode()],
            "pae-VmState": [b"READY"],
            "pae-MOID": [f"vm-{number}".encode()],
            "pae-MemberDNOf": [f"cn=pool-{number % POOLS},ou=Server Groups,{ROOT}".encode()],
            "pae-Anything": odd_values(chance, number),
        }
    return entries


def odd_values(chance: random.Random, number: int) -> list[bytes]:
    """Return values that must be folded, or kept from being taken for something else, all different."""
    letters = "".join(chance.choices(string.ascii_letters + "    ", k=chance.randrange(70, 90))).encode()
    odd = [
        b" begins with a space", b"ends with a space ", b": a colon", b"< an arrow", b"# a hash", b"dn: cn=no,dc=dn",
        b"two\nlines", b"\r\n", b"nul\0inside", b"-", bytes(range(256)), "简体中文".encode() * 30, letters, b"=", b"::",
    ]  # fmt: skip
    return [odd[number % len(odd)], b"%d " % number + chance.randbytes(chance.randrange(200))]


def base64_only(entries: Entries) -> bytes:
    """Write entries in the plainest way that LDIF has, by none of the code that is tested."""
    lines = []
    for dn, attributes in entries.items():
        lines.append(b"dn:: " + base64.b64encode(dn.encode()))
        for name, values in attributes.items():
            lines += [name.encode() + b":: " + base64.b64encode(value) for value in values]
        lines.append(b"")
    return b"\n".join(lines) + b"\n"


def without_operational(entries: Iterator[ldif.Entry]) -> Entries:
    return {
        entry.dn: {name: sorted(values) for name, values in entry.attributes.items() if name not in OPERATIONAL}
        for entry in entries
    }


def in_order(entries: Entries) -> Entries:
    return {dn: {name: sorted(values) for name, values in attributes.items()} for dn, attributes in entries.items()}


def test_what_slapcat_writes_is_read_whole(slapd: Slapd, view: Entries) -> None:
    slapd.add(base64_only(view))
    written = slapd.cat()
    assert b"\n " in written.read_bytes(), "nothing was folded: this proves less than it says"
    with written.open("rb") as stream:
        assert without_operational(ldif.read(stream)) == in_order(view)


def test_the_facts_of_what_slapcat_writes_are_those_of_the_directory(slapd: Slapd, view: Entries) -> None:
    slapd.add(base64_only(view))
    with slapd.cat().open("rb") as stream:
        facts = ldif.facts(stream)
    assert (len(facts.pools), len(facts.desktops)) == (POOLS, DESKTOPS)
    assert facts.entries == facts.inside == len(view)
    assert facts.provisioning_off == POOLS // 4
    assert {pool.pool_id for pool in facts.pools} == {f"pool-{n}" if n % 3 else f"研发-{n}" for n in range(POOLS)}
    assert {found.sid for found in facts.entitlements} == {f"S-1-5-21-1-2-3-{1000 + n}" for n in range(POOLS)}


def test_what_is_written_here_slapadd_takes_and_gives_back_unchanged(slapd: Slapd, view: Entries) -> None:
    ours = slapd.folder / "ours.ldif"
    with ours.open("wb") as stream:
        # slapadd knows no version line, in neither of the places where RFC 2849 allows it
        ldif.write((ldif.Entry(dn, attributes) for dn, attributes in view.items()), stream, version=False)
    slapd.add(ours.read_bytes())
    with slapd.cat().open("rb") as stream:
        assert without_operational(ldif.read(stream)) == in_order(view)


def test_what_ldapsearch_prints_with_its_comments_is_read_whole(slapd: Slapd, view: Entries, need: Need) -> None:
    slapd.add(base64_only(view))
    address = "ldapi://" + str(slapd.folder / "socket").replace("/", "%2F")
    server = subprocess.Popen([need("slapd", "slapd"), "-f", str(slapd.settings), "-h", address, "-d", "0"])
    try:
        search = [need("slapd", "ldapsearch"), "-x", "-L", "-H", address, "-b", ROOT]
        deadline = time.monotonic() + 20
        while (done := subprocess.run(search, capture_output=True, check=False)).returncode and server.poll() is None:
            assert time.monotonic() < deadline, done.stderr.decode()
            time.sleep(0.05)
    finally:
        server.terminate()
        server.wait(20)
    printed = slapd.folder / "search.ldif"
    printed.write_bytes(done.stdout)
    assert b"\n# " in done.stdout
    with printed.open("rb") as stream:
        assert without_operational(ldif.read(stream)) == in_order(view)
