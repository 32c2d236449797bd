"""A whole practice environment for tests, and everything that a test does with it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app import cli, paths
from app.desk import Desk
from app.lab import process
from app.lab.practice import practice_profile
from app.lab.world import Event
from app.looking import Answer, Looked, look
from app.observation import Observation
from app.profile import Profile
from app.runbooks.checks.check import Surroundings
from app.runbooks.checks.table import CHECKS
from app.texts import use_language
from app.trust import describe

OURS = ("winrm:", "sql:", "vcenter:")
"""What changes the world because a client called: everything else is the environment's own doing, or a test's."""
START = "start"
LONGEST = 30.0  # seconds that something may take which must come
HOME = Path(__file__).resolve().parents[2]


class Sent(msgspec.Struct, frozen=True):
    """A call as a server of the lab has received it."""

    at: float
    system: str
    text: str
    changes: bool


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object that `--json` promises: stdout holds nothing else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Environment:
    """One practice environment in which nothing takes time, in a process of its own; its data folder is `data`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.published = process.start(data, pace="0")
        self.lab("save", name=START)
        self._wire_from = 0

    # ---- the lab

    def lab(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command to the lab's own door, as `lab ...` does."""
        return process.send(self.published, command, **arguments)

    def scene(self, name: str, **options: Any) -> None:
        """Set a scene; `quiet` strikes all. Returns when the doors that it opens or shuts are so."""
        self.lab("scene", name=name, options={key: str(value) for key, value in options.items()})
        self._settle()

    def fault(self, system: str, call: str, kind: str, times: int = -1, detail: str = "") -> str:
        """Let the calls of a system that match fail in that way; returns the fault's id."""
        given = self.lab("fault", system=system, call=call, kind=kind, times=times, detail=detail)
        return str(given["fault"]["id"])

    def named_fault(self, name: str) -> None:
        """Put in a fault that has a name (app.lab.faults.PRESETS)."""
        self.lab("fault", name=name)

    def clear_faults(self) -> None:
        self.lab("fault-clear")

    def operator(self, name: str, **options: Any) -> None:
        """Do by hand what only a person does."""
        self.lab("operator", name=name, options={key: str(value) for key, value in options.items()})

    def pace(self, pace: float) -> None:
        """Let things take that part of their real time."""
        self.lab("pace", pace=pace)

    def events(self, since: int = 0) -> list[Event]:
        """Return the world's events after the first `since`; the founding is the first."""
        lines = (self.data / "lab" / "events.jsonl").read_bytes().splitlines()[since:]
        decode = msgspec.json.Decoder(Event).decode
        return [decode(line) for line in lines]

    def changed_by_us(self, since: int = 0) -> list[Event]:
        """Return the events that calls from outside have made; what only looks makes none."""
        return [event for event in self.events(since) if event.by.startswith(OURS)]

    def mark(self) -> int:
        """Return how many events there are, for `since`."""
        return len((self.data / "lab" / "events.jsonl").read_bytes().splitlines())

    def wire(self) -> list[Sent]:
        """Return the calls that the lab's servers received since this test began."""
        with (self.data / "lab" / "wire.jsonl").open("rb") as log:
            log.seek(self._wire_from)
            whole = [line for line in log if line.endswith(b"\n")]  # the last may still be being written
        return [msgspec.json.decode(line, type=Sent) for line in whole]

    def password(self, account: str) -> str:
        """Return the password that an account has now."""
        known = json.loads((self.data / "lab" / "passwords.json").read_text("utf-8"))
        return str(known[account.lower()])

    def restart(self) -> None:
        """End the lab's process and start another on the same world: shells and sessions that were left are gone."""
        process.stop(self.data)
        self.published = process.start(self.data)

    # ---- the program

    @property
    def desk(self) -> Desk:
        return Desk(self.data)

    @property
    def repository(self) -> Path:
        return self.data / "repository"

    def profile(self) -> Profile:
        """Return the practice profile, its systems' certificates pinned."""
        return self.desk.profile("practice")

    def real_profile(self, name: str = "site", **changes: Any) -> Profile:
        """Return the environment described as a site would describe its own: no word of practice in it.

        Its certificates are not pinned (`pin`), its passwords come from a file (`passwords_file`)."""
        described = practice_profile(self.published, self.data / "repository")
        return msgspec.structs.replace(described, name=name, practice=False, **changes)

    def pin(self) -> None:
        """Accept the certificate that each system showed first."""
        import ssl

        for entry in self.published["systems"].values():
            shown = describe(ssl.PEM_cert_to_DER_cert(entry["certificate"]))
            self.desk.trust.accept("127.0.0.1", entry["port"], shown)

    def passwords_file(self, **other: str) -> Path:
        """Write the accounts' passwords to a file for `--passwords`; `other` replaces some."""
        from app.lab.practice import practice_passwords

        file = self.data / "passwords.json"
        file.write_text(json.dumps(practice_passwords(self.data) | other), "utf-8")
        return file

    def ask(self, key: str, around: Surroundings | None = None, profile: Profile | None = None) -> list[Observation]:
        """Ask one check of the table."""
        check = next(check for check in CHECKS if check.key == key)
        with self.desk.connections(profile or self.profile()) as c:
            return list(check.answers(c, around or Surroundings()))

    def look(self, profile: Profile | None = None) -> Looked:
        """Ask all checks, in this process."""
        return look(self.desk, profile or self.profile(), _nobody)

    def run(self, *words: str) -> Ran:
        """Carry out a command line in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main([words[0], "--data", str(self.data), "--language", "en", *words[1:]])
            except SystemExit as ended:  # argparse, on a wrong command line
                code = int(ended.code or 0)
            finally:
                use_language("en")
        return Ran(code, out.getvalue(), err.getvalue())

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command line as a process of its own, for tests that kill it."""
        return subprocess.Popen(
            [sys.executable, "-m", "app", words[0], "--data", str(self.data), "--language", "en", *words[1:]],
            cwd=HOME, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", env={**os.environ, paths.DATA_VARIABLE: str(self.data)},
        )  # fmt: skip

    def as_process(self, *words: str) -> Ran:
        """Carry out a command line as a process of its own, to its end."""
        process_ = self.start(*words)
        out, err = process_.communicate()
        return Ran(process_.returncode, out, err)

    # ---- between tests

    def _settle(self) -> None:
        """Wait until the systems that answer, and no others, listen: the lab opens and shuts doors on its own time."""
        deadline = time.monotonic() + LONGEST
        for name, system in self.lab("status")["systems"].items():
            while _listens(system["port"]) != system["answers"]:
                assert time.monotonic() < deadline, f"{name} does not come or go"
                time.sleep(0.005)

    def back(self) -> None:
        """Make everything as it was at first: the world, and a data folder that holds nothing but the lab."""
        self.lab("back", name=START)
        self._settle()
        for path in self.data.iterdir():
            if path.name == "lab":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        self._wire_from = (self.data / "lab" / "wire.jsonl").stat().st_size

    def close(self) -> None:
        process.stop(self.data)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _nobody(_answer: Answer) -> None:
    """Tell nobody of the answers as they come."""
