"""The lab's own door, for its commands and for tests: JSON over HTTP on loopback, with a token that each start makes.

It acts on the world only. Engine and connectors never come here."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from app.lab import faults, operator, scenes, states
from app.lab.lab import Lab
from app.lab.rows import Fault, Setting
from app.lab.showing import status

Json = dict[str, Any]
LONGEST = 1 << 20  # bytes of a call
PATIENCE = 60.0  # seconds that a caller waits for an answer


class ControlError(Exception):
    """The lab refused a call; the sentence says why."""


class NotThere(Exception):
    """No lab answers there, or another program does."""


def call(port: int, token: str, command: str, patience: float = PATIENCE, **arguments: Any) -> Json:
    """Send a command to the lab and return its answer. Raises NotThere, ControlError."""
    connection = HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(
            "POST", f"/{command}", json.dumps(arguments), {"Authorization": f"Bearer {token}", "Connection": "close"}
        )
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise NotThere(str(error)) from error
    finally:
        connection.close()
    if not isinstance(found, dict):
        raise NotThere("what answers is no lab")
    if answer.status != 200:
        raise ControlError(str(found.get("error", answer.reason)))
    return found


class Control:
    """Serves the door on a free port. `stop` (the command) calls `ask_to_stop`; `publish` writes lab.json anew."""

    def __init__(
        self, lab: Lab, systems: Callable[[], Json], publish: Callable[[], None], ask_to_stop: Callable[[], None]
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self._lab, self._systems, self._publish, self._ask_to_stop = lab, systems, publish, ask_to_stop
        control = self

        class Handler(_Handler):
            door = control

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="lab control", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, command: str, given: Json) -> Json:
        """Carry out a command. Raises what the world's own rules raise."""
        self._lab.used = time.monotonic()
        if command == "stop":
            self._ask_to_stop()
            return {"stopping": True}
        found = COMMANDS.get(command)
        if found is None:
            raise ControlError(f"There is no command {command}.")
        if command == "status":
            return {**status(self._lab), "systems": self._systems()}
        answer = found(self._lab, given)
        if command in ("scene", "back"):
            self._publish()  # certificates may be others now
        return answer


def _scene(lab: Lab, given: Json) -> Json:
    if given["name"] == "quiet":
        scenes.quiet(lab)
    else:
        scenes.play(lab, given["name"], given.get("options"))
    return {"scenes": scenes.active(lab.world)}


def _scenes(_lab: Lab, _given: Json) -> Json:
    found = [{"name": s.name, "about": str(s.about), "options": s.options} for s in scenes.SCENES.values()]
    return {"scenes": [*found, {"name": "quiet", "about": str(scenes.QUIET), "options": ()}]}


def _fault(lab: Lab, given: Json) -> Json:
    if "name" in given:
        fault = faults.add_preset(lab.world, given["name"])
    else:
        times, detail = int(given.get("times", -1)), str(given.get("detail", ""))
        fault = faults.add(lab.world, given["system"], given["call"], given["kind"], times, detail)
    return {"fault": _shown(fault)}


def _faults(lab: Lab, _given: Json) -> Json:
    named = [{"name": name, "about": str(preset.about)} for name, preset in faults.PRESETS.items()]
    return {"faults": [_shown(fault) for fault in lab.world.all(Fault)], "named": named, "kinds": list(faults.KINDS)}


def _shown(fault: Fault) -> Json:
    return {"id": fault.id, "system": fault.system, "call": fault.call, "kind": fault.kind, "times": fault.times,
            "detail": fault.detail}  # fmt: skip


def _acts(_lab: Lab, _given: Json) -> Json:
    return {"acts": [{"name": a.name, "about": str(a.about), "options": a.options} for a in operator.ACTS.values()]}


def _operator(lab: Lab, given: Json) -> Json:
    done = operator.perform(lab, given["name"], given.get("options"))
    return {"done": str(done), "said": msgspec.to_builtins(done)}  # in words, and as what can be said in any language


def _pace(lab: Lab, given: Json) -> Json:
    pace = float(given["pace"])
    if not 0 <= pace <= 100:
        raise ControlError("The pace is a number from 0 (nothing takes time) over 1 (as in a real environment) to 100.")
    lab.world.change("operator", f"pace {pace:g}", Setting(name="pace", value=f"{pace:g}"))
    return {"pace": pace}


def _clock(lab: Lab, given: Json) -> Json:
    """Move the world's time: what idles out or falls due does so without anybody waiting for it."""
    offset = float(lab.world.setting("clock_offset", "0")) + float(given["forward"])
    lab.world.change(
        "operator", f"the clock goes {offset:g} s ahead", Setting(name="clock_offset", value=f"{offset:g}")
    )
    return {"now": lab.world.now()}


COMMANDS: dict[str, Callable[[Lab, Json], Json]] = {
    "ping": lambda _lab, _given: {"pid": os.getpid()},
    "status": lambda lab, _given: status(lab),
    "scene": _scene,
    "scenes": _scenes,
    "fault": _fault,
    "faults": _faults,
    "fault-clear": lambda lab, given: {"cleared": faults.clear(lab.world, given.get("id"))},
    "operator": _operator,
    "acts": _acts,
    "pace": _pace,
    "clock": _clock,
    "save": lambda lab, given: {"events": states.save(lab, given["name"])},
    "back": lambda lab, given: {"events": states.back(lab, given["name"])},
    "states": lambda lab, _given: {"states": states.saved(lab)},
}
REFUSALS = (ControlError, scenes.UnknownScene, faults.BadFault, operator.CannotDo, states.UnknownState)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # with it, two programs share a port on Windows

    def server_bind(self) -> None:
        if os.name == "nt":
            self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009  # Windows has it
        super().server_bind()


class _Handler(BaseHTTPRequestHandler):
    door: Control
    timeout = 30

    def do_POST(self) -> None:  # the base class asks for this name
        wanted = f"Bearer {self.door.token}"
        size = int(self.headers.get("Content-Length", "0"))
        if not secrets.compare_digest(self.headers.get("Authorization", "").encode(), wanted.encode()):
            self._say(403, {"error": "The token is wrong."})
        elif size > LONGEST:
            self._say(413, {"error": "The call is too long."})
        else:
            self._carry_out(self.rfile.read(size))

    def _carry_out(self, body: bytes) -> None:
        try:
            given = json.loads(body or b"{}")
            answer = self.door.answer(self.path.strip("/"), given)
        except REFUSALS as refusal:
            self._say(400, {"error": str(refusal)})
        except (KeyError, ValueError) as error:
            self._say(400, {"error": f"The call lacks something, or names something that is not there: {error}"})
        else:
            self._say(200, answer)

    def _say(self, status: int, answer: Json) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep no log of calls: the world's events tell what they did."""
