"""A vCenter that others wrote: govmomi's simulator, built once and kept, with 5,000 virtual machines."""

from __future__ import annotations

import hashlib
import os
import secrets
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).with_name("main.go")
ACCOUNT = "administrator@vsphere.local"
CLUSTERS, HOSTS, MACHINES, DATASTORES = 2, 8, 2500, 4


@dataclass(frozen=True)
class Vcsim:
    """Where it answers, who may log in, and the one certificate to accept."""

    port: int
    password: str = field(repr=False)
    context: ssl.SSLContext = field(repr=False)
    account: str = ACCOUNT


@pytest.fixture(scope="session")
def vcsim(need: Callable[[str, str], str]) -> Iterator[Vcsim]:
    password = secrets.token_urlsafe(12)
    size = ["-clusters", CLUSTERS, "-hosts", HOSTS, "-machines", MACHINES, "-datastores", DATASTORES]
    process = subprocess.Popen(
        [str(built(need("vcsim", "go"))), "-account", ACCOUNT, *map(str, size)],
        env={**os.environ, "VCSIM_PASSWORD": password}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        address = process.stdout.readline().strip()  # it is printed when all machines are there
        assert address, "the simulator ended before it answered"
        port = int(address.rpartition(":")[2])
        yield Vcsim(port, password, accepting_only(port))
    finally:
        process.terminate()
        process.wait(30)


def accepting_only(port: int) -> ssl.SSLContext:
    """Return a context that accepts the simulator's certificate and no other."""
    context = ssl.create_default_context(cadata=ssl.get_server_certificate(("127.0.0.1", port)))
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # its key is as short as those of old vCenters
    return context


def built(go: str) -> Path:
    """Return the simulator's path, built where source or compiler have changed. Only Debian's own packages go in."""
    version = subprocess.run([go, "version"], capture_output=True, check=True).stdout
    name = hashlib.sha256(SOURCE.read_bytes() + version).hexdigest()[:16]
    binary = ROOT / "out" / "peers" / f"vcsim-{name}"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        away = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOPROXY": "off", "GOFLAGS": ""}
        made = binary.with_suffix(f".{os.getpid()}")
        build = [go, "build", "-o", str(made), SOURCE.name]
        subprocess.run(build, cwd=SOURCE.parent, env={**os.environ, **away}, check=True, timeout=300)
        made.replace(binary)
    return binary
