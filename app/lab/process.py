"""The practice environment as a process of its own: it outlives who started it, and ends by command or when unused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec

import app
from app import locking, unpacked
from app.errors import UserError
from app.lab.control import Control, ControlError, NotThere, call
from app.lab.lab import Lab, Server
from app.lab.rows import SqlServer, VCenter, WindowsHost
from app.lab.wires import Wires, answers
from app.lab.work import step
from app.lab.world import World
from app.texts import text

FORMAT = 1
IDLE = 3600.0  # seconds without a call after which the lab ends by itself
READY = 90.0  # seconds that a start may take; 20,000 desktops need some
GONE = 30.0  # seconds that an ordered end may take
LOOK = 0.02  # seconds between looks at whether the other process is ready
TAKEN = 5  # exit code of a process that finds another lab in its folder
ALONE = 0x08000000 | 0x00000200  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
BREAKAWAY = 0x01000000  # CREATE_BREAKAWAY_FROM_JOB: the job of a one-file executable ends all that is in it

Published = dict[str, Any]


class _Door(msgspec.Struct, frozen=True):
    port: int
    token: str


class _System(msgspec.Struct, frozen=True):
    port: int
    fingerprint: str
    certificate: str


class _File(msgspec.Struct, frozen=True):
    """lab.json: where the door and the systems are; `certificate` is the one that clients know of each, in PEM."""

    pid: int
    started: float
    control: _Door
    systems: dict[str, _System]
    format: int = FORMAT


def folder(data: Path) -> Path:
    """Return where the lab of a data folder keeps its state."""
    return data / "lab"


def published(data: Path) -> Published | None:
    """Return what the running lab of that data folder has published; None where none runs, or only its file is left."""
    try:
        found = msgspec.json.decode((folder(data) / "lab.json").read_bytes(), type=_File)
        call(found.control.port, found.control.token, "ping", patience=10.0)
    except (OSError, msgspec.MsgspecError, NotThere, ControlError):
        return None  # no file, a file of a process that has died, or another program on its port
    return dict(msgspec.to_builtins(found))


def start(data: Path, *, desktops: int = 40, pace: str = "1", seed: int = 1) -> Published:
    """Start the lab of that data folder, or find the one that runs; returns what it has published once it is ready.

    `desktops`, `seed` and `pace` count only where the world is founded by this start. Raises UserError."""
    running = published(data)
    if running is not None:
        return running
    folder(data).mkdir(parents=True, exist_ok=True)
    words = ["serve", "--data", str(data), "--desktops", str(desktops), "--pace", pace, "--seed", str(seed)]
    child = _detached(words, folder(data) / "lab.log")
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        running = published(data)
        if running is not None:
            _children[child.pid] = child
            return running
        if child.poll() == TAKEN and _lock_is_free(data):  # the one that had the lock was about to end
            child = _detached(words, folder(data) / "lab.log")
        elif child.poll() not in (None, TAKEN):
            break
        time.sleep(LOOK)
    raise UserError(
        text("The practice environment did not start."),
        text("Its log says: {line}", line=_last_line(folder(data) / "lab.log")),
        text("Look into {log}, or remove the folder {folder} and start again.",
             log=str(folder(data) / "lab.log"), folder=str(folder(data))),
    )  # fmt: skip


def stop(data: Path) -> bool:
    """End the running lab and wait until it has ended; returns False where none ran."""
    running = published(data)
    if running is None:
        return False
    send(running, "stop")
    deadline = time.monotonic() + GONE
    while not _lock_is_free(data):
        if time.monotonic() > deadline:
            raise UserError(
                text("The practice environment does not end."),
                text("Its process is {pid}.", pid=running["pid"]),
                text("End that process."),
            )
        time.sleep(LOOK)
    child = _children.pop(running["pid"], None)
    if child is not None:
        child.wait()
    return True


def send(running: Published, command: str, **arguments: Any) -> dict[str, Any]:
    """Send a command to the control port of a running lab. Raises UserError with what the lab says."""
    try:
        return call(running["control"]["port"], running["control"]["token"], command, **arguments)
    except ControlError as error:
        raise UserError(text("The practice environment refuses: {why}", why=str(error))) from error
    except NotThere as error:
        raise UserError(
            text("The practice environment does not answer."), str(error), text("Start it: lab start")
        ) from error


def serve(
    data: Path, founding: dict[str, Any], servers: Callable[[Lab], Sequence[Server]] | None = None,
    stopping: threading.Event | None = None, idle: float = IDLE,
) -> int:  # fmt: skip
    """Be the lab until told to stop, or unused for `idle` seconds; returns an exit code (TAKEN: another one runs)."""
    place, stop_asked = folder(data), stopping or threading.Event()
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        lock = _lock(data)
        if lock is None:
            return TAKEN
        ending.callback(lock.close)
        _remove(place / "lab.json")
        lab = _open(place, founding)
        ending.callback(lab.close)
        made = (servers or all_servers)(lab)
        wires = Wires(lab.world, made)
        wires.start()
        ending.callback(wires.stop)
        lab.work.start()
        control = Control(lab, lambda: _systems(lab, made), lambda: _publish(place, lab, made, control), stop_asked.set)
        control.start()
        ending.callback(control.stop)
        _publish(place, lab, made, control)
        ending.callback(lambda: _remove(place / "lab.json"))
        while not stop_asked.wait(max(idle - (time.monotonic() - lab.used), 0.01)):
            if time.monotonic() - lab.used >= idle:
                break
    return 0


def serve_until_signal(data: Path, founding: dict[str, Any]) -> int:
    """Be the lab; a signal to end is an ordered end."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return serve(data, founding, stopping=stopping)


def all_servers(lab: Lab) -> list[Server]:
    """Return one server for each Windows host, SQL Server and vCenter of the world."""
    from app.lab.sqlserver.server import SqlServerServer
    from app.lab.vcenter.server import VCenterServer
    from app.lab.windows.server import WindowsServer

    made: list[Server] = [WindowsServer(lab, row.name) for row in lab.world.all(WindowsHost)]
    made += [SqlServerServer(lab, row.name) for row in lab.world.all(SqlServer)]
    made += [VCenterServer(lab, row.name) for row in lab.world.all(VCenter)]
    return made


_children: dict[int, subprocess.Popen[bytes]] = {}


def _open(place: Path, founding: dict[str, Any]) -> Lab:
    from app.lab.founding import found

    world = World(place, found)
    if not world.events:
        world.begin(**founding)
    step(world)  # what came due while no process ran
    return Lab(place, world)


def _systems(lab: Lab, servers: Sequence[Server]) -> dict[str, Any]:
    return {
        server.system: {"port": server.port, "answers": answers(lab.world, server.system)}
        for server in servers
    }  # fmt: skip


def _publish(place: Path, lab: Lab, servers: Sequence[Server], control: Control) -> None:
    certificates = lab.certificates
    systems = {
        server.system: _System(server.port, certificates.fingerprint(server.system), certificates.known(server.system))
        for server in servers
    }
    content = _File(os.getpid(), time.time(), _Door(control.port, control.token), systems)
    temporary = place / "lab.json.new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(content))
    locking.patiently(lambda: temporary.replace(place / "lab.json"))


def _remove(file: Path) -> None:
    locking.patiently(lambda: file.unlink(missing_ok=True))


def _detached(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start this program again as a process that has nothing to do with this one any more."""
    frozen = getattr(sys, "frozen", False)
    command = [sys.executable, *(["--lab"] if frozen else ["-m", "app.lab"]), *words]
    home = str(Path(app.__file__).resolve().parent.parent)
    environment = unpacked.fresh_environment()
    if not frozen:
        environment["PYTHONPATH"] = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("ab") as output, unpacked.others_find_their_own():

        def begin(flags: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603  # our own program
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, close_fds=True, env=environment,
                cwd=log.parent, creationflags=flags, start_new_session=os.name != "nt",
            )  # fmt: skip

        if os.name != "nt":
            return begin(0)
        try:
            return begin(ALONE | BREAKAWAY)
        except PermissionError:  # the job that we are in lets nobody break away
            return begin(ALONE)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")


def _lock(data: Path) -> IO[bytes] | None:
    """Return a file whose lock says that the lab of this folder runs, or None where another process holds it."""
    return locking.lock(folder(data) / "lab.lock")


def _lock_is_free(data: Path) -> bool:
    lock = _lock(data)
    if lock is None:
        return False
    lock.close()
    return True
