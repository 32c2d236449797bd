"""How fast LDIF is read, by hand: python tests/connectors/ldif/bench_ldif.py [MEGABYTES]. Nothing is asserted."""

from __future__ import annotations

import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import BinaryIO

from app.connectors import ldif

ROOT = "DC=vdi,DC=vmware,DC=int"


def desktop(number: int) -> ldif.Entry:
    """Return a desktop as wide as the real ones are."""
    cn = f"{number:08x}-52e6-4b1a-9d5c-0123456789ab"
    values = {
        "objectClass": ["top", "pae-Server", "pae-VM", "pae-WinServer"],
        "cn": [cn],
        "distinguishedName": [f"CN={cn},OU=Servers,{ROOT}"],
        "pae-DisplayName": [f"SALES-{number:05d}"],
        "description": [f"研发桌面 {number}"],
        "pae-VmState": ["READY"],
        "pae-VmPath": [f"/Practice/vm/View/sales-lc/SALES-{number:05d}"],
        "pae-MOID": [f"vm-{number}"],
        "pae-MemberDNOf": [f"CN=sales-lc,OU=Server Groups,{ROOT}"],
        "pae-SVIVmSnapshotMOID": ["snapshot-12"],
        "iPHostNumber": [f"sales-{number:05d}.practice.example"],
        "pae-Disabled": ["0"],
        "pae-VmSuspended": ["0"],
    }
    return ldif.Entry(f"CN={cn},OU=Servers,{ROOT}", {name: [v.encode() for v in all_] for name, all_ in values.items()})


def write(file: BinaryIO, size: int) -> int:
    """Write about `size` bytes of desktops and return how many there are."""
    one = io.BytesIO()
    ldif.write([desktop(1)], one)
    return ldif.write((desktop(number) for number in range(size // len(one.getvalue()))), file, line_end=b"\r\n")


def timed(what: str, megabytes: float, counted: Callable[[], int]) -> None:
    began = time.perf_counter()
    count = counted()
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {megabytes:.0f} MB, {count} entries, {took:.2f} s, {megabytes / took:.1f} MB/s, peak {peak:.0f} MB")


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryFile() as file:
        write(file, wanted << 20)
        length = file.tell() / 1e6
        file.seek(0)
        timed("read", length, lambda: sum(1 for _entry in ldif.read(file)))
        file.seek(0)
        timed("facts", length, lambda: len(ldif.facts(file).desktops))
