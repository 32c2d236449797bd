"""What every server of the practice environment is given: the world, faults, passwords, certificates, the wire log."""

from __future__ import annotations

import fnmatch
import json
import os
import secrets
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import msgspec

from app.lab.certificates import Certificates
from app.lab.rows import Fault, Row
from app.lab.work import Ticker
from app.lab.world import World


class Server(Protocol):
    """A server of one protocol. `system` names it: winrm:broker1, sql:sql1, vcenter:vc1."""

    system: str
    port: int

    def start(self) -> None: ...
    def stop(self) -> None: ...


ACCOUNTS = ("PRACTICE\\viewkeeper", "PRACTICE\\auditor", "PRACTICE\\dba", "vksql", "limited", "recovery")
"""Those that somebody may log in with, and the data recovery password."""


class Lab:
    """One practice environment, kept in `folder`. `work` drives what goes on by itself once it is started.

    `used` is when it was last called (monotonic seconds)."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.passwords = Passwords(folder / "passwords.json")
        self.passwords.make(*ACCOUNTS)
        self.work = Ticker(world)
        self.certificates = Certificates(folder / "tls")
        self.used = time.monotonic()
        self._wire_lock = threading.Lock()
        self._wire = (folder / "wire.jsonl").open("ab")

    def wire(self, system: str, text: str, *, changes: bool) -> None:
        """Record a call as it was received; `changes` says whether it is one that acts rather than looks."""
        line = msgspec.json.encode({"at": self.world.now(), "system": system, "text": text, "changes": changes})
        with self._wire_lock:
            self.used = time.monotonic()
            self._wire.write(line + b"\n")
            self._wire.flush()

    def fault(self, system: str, call: str) -> Fault | None:
        """Return the fault that this call meets, and count it down. Only the server that carries it out asks."""
        with self.world.lock:
            for fault in self.world.all(Fault, system=system):
                if fault.times != 0 and _matches(fault.call, call):
                    if fault.times > 0:
                        self.world.change(
                            "lab", f"fault {fault.kind} met", msgspec.structs.replace(fault, times=fault.times - 1)
                        )
                    return fault
        return None

    def row(self, table: type[Row], *key: str) -> Any:
        return self.world.require(table, *key)

    def close(self) -> None:
        self.work.stop()
        self._wire.close()
        self.world.close()


class Passwords:
    """The practice accounts' passwords: random, in a file of the lab's own that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def of(self, account: str) -> str:
        """Return the password of `account` (any case), made at first use."""
        self.make(account)
        return self._known[account.lower()]

    def make(self, *accounts: str) -> None:
        """Give those of `accounts` that have none a password."""
        with self._lock:
            missing = [name.lower() for name in accounts if name.lower() not in self._known]
            if missing:
                self._write({**self._known, **{name: secrets.token_urlsafe(12) for name in missing}})

    def change(self, account: str) -> None:
        """Give `account` another password; the first one is kept for `back`."""
        first = self.of(account)
        with self._lock:
            kept = {f"first:{account.lower()}": first, **self._known}
            self._write({**kept, account.lower(): secrets.token_urlsafe(12)})

    def back(self, account: str) -> None:
        """Give `account` its first password back."""
        with self._lock:
            first = self._known.get(f"first:{account.lower()}")
            if first is not None:
                kept = {name: value for name, value in self._known.items() if name != f"first:{account.lower()}"}
                self._write({**kept, account.lower(): first})

    def set(self, account: str, password: str) -> None:
        """Give `account` that password."""
        with self._lock:
            self._write({**self._known, account.lower(): password})

    def _write(self, known: dict[str, str]) -> None:
        temporary = self._path.with_suffix(".new")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file)
        temporary.replace(self._path)
        self._known = known

    def right(self, account: str, password: str) -> bool:
        known = self._known.get(account.lower())
        return known is not None and secrets.compare_digest(known.encode(), password.encode())


def _matches(patterns: str, call: str) -> bool:
    return any(fnmatch.fnmatchcase(call.lower(), pattern) for pattern in patterns.lower().split("||"))


def server_context(certificate: tuple[Path, Path], minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    """Return the TLS context of a server with that certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.load_cert_chain(*certificate)
    return context
