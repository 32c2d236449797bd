"""powershell.exe: takes one bootstrap and one envelope, carries out the script, writes what that envelope would."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.lab.windows import faults
from app.lab.windows.commandline import CommandLine
from app.lab.windows.console import Console
from app.lab.windows.job import Job, ToolError
from app.lab.windows.powershell import interpreter
from app.lab.windows.powershell.cmdlets import Session
from app.lab.windows.powershell.objects import Object, PsError, Value, method_error, text_of
from app.lab.windows.powershell.parser import Command, ParseError, parse
from app.lab.windows.powershell.services import refusal
from app.lab.windows.settings import quota

BOOTSTRAP = "aef98f7407b5f7b24a6379ea092a04f25f5dc7815ca6a09255ee976b68d89c49"
ENVELOPE = "253899c996d0f6054d96f243ee25bd227618be2013f6a3501ee9768828297b42"
"""SHA-256 of the only PowerShell that is known here (resources/scripts): set when they change on purpose."""

_PIECE = 49152  # bytes of JSON that the envelope gathers before it writes
_NOT_ENCODED = -196608
_EMPTY, _TIMES = 40 << 20, 5
"""What powershell.exe itself takes of a shell's memory, in bytes, and how often it holds its input: its lines are
UTF-16, then an array of them, then what they stand for. Both estimated."""
_SPECIAL = re.compile('[\x00-\x1f"\\\\\x7f]|[\U00010000-\U0010ffff]|[\ud800-\udfff]')


def run(console: Console, line: CommandLine) -> int:
    """Run powershell.exe with the arguments of the one command line that is known."""
    bootstrap = _encoded_command(line.arguments)
    if hashlib.sha256(bootstrap.encode("utf-8", "surrogatepass")).hexdigest() != BOOTSTRAP:
        raise _broken("Unexpected token in expression or statement.")
    stdin = console.job.input()
    if _EMPTY + _TIMES * len(stdin) > quota(console.host, "MaxMemoryPerShellMB") << 20:
        raise _broken("Exception of type 'System.OutOfMemoryException' was thrown.")
    lines = [one.rstrip("\r") for one in stdin.decode("ascii", "replace").split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) < 2:
        raise _broken('Exception calling "FromBase64String" with "1" argument(s): "Value cannot be null.')
    envelope, script = (_decoded(one) for one in lines[:2])
    if hashlib.sha256(envelope.encode("utf-8", "surrogatepass")).hexdigest() != ENVELOPE:
        raise _broken("Unexpected token in expression or statement.")
    _script(console, script, lines[2:])
    return 0


def _encoded_command(arguments: tuple[str, ...]) -> str:
    left, encoded = [word.lower() for word in arguments], ""
    place = 0
    while place < len(left):
        word = left[place]
        if word == "-executionpolicy" and left[place + 1 : place + 2] == ["bypass"]:
            place += 1
        elif word == "-encodedcommand" and place + 1 < len(left) and not encoded:
            place += 1
            encoded = arguments[place]
        elif word not in ("-noprofile", "-noninteractive"):
            raise _broken(
                f"The term '{arguments[place]}' is not recognized as the name of a cmdlet, function, script file, "
                "or operable program."
            )
        place += 1
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ToolError(
            _NOT_ENCODED,
            "Cannot process the command because the value specified with -EncodedCommand is not "
            "properly encoded. The value must be Base64 encoded.",
            to_stderr=True,
        ) from error


def _decoded(line: str) -> str:
    try:
        return base64.b64decode(line, validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise _broken(
            'Exception calling "FromBase64String" with "1" argument(s): "Invalid length for a Base-64 char array."'
        ) from error


def _broken(message: str) -> ToolError:
    return ToolError(1, message, to_stderr=True)


def _script(console: Console, script: str, later: list[str]) -> None:
    answer = _Answer(console)
    session = Session(console.job, later, set(), console.out)
    try:
        try:
            pipelines = parse(script)
        except ParseError as error:
            faults.meet(console.job, script, changes=False)
            raise method_error("Create", 1, str(error)) from error
        faults.meet(console.job, script, changes=interpreter.changes(pipelines))
        _fail(console.job, pipelines)
        for item in interpreter.run(session, pipelines):
            if item is not None:
                answer.add(item)
    except PsError as error:
        answer.end(error)
    else:
        answer.end(None)


def _fail(job: Job, pipelines: list[list[Command]]) -> None:
    """Raise the error of a script that fails on demand, as its last pipeline's first cmdlet would."""
    if job.fault is None or not job.met("fail", "refuse") or not pipelines:
        return
    command = pipelines[-1][0]
    name = next((str(argument.value) for argument in command.arguments if argument.name.lower() == "name"), "")
    known = refusal(command.name, name)
    if known is not None and job.met("fail"):
        raise known
    if job.met("refuse"):
        raise PsError(f"AccessDenied,{command.name}", "PermissionDenied", job.fault.detail or "Access is denied.")
    raise PsError(f"GenericFailure,{command.name}", "InvalidOperation", job.fault.detail or "Generic failure")


class _Answer:
    """Writes the envelope's one line, in pieces while objects come."""

    def __init__(self, console: Console) -> None:
        self._console, self._bytes = console, bytearray(b'{"result":[')
        self._begun, self._separator = False, ""

    def add(self, item: Value) -> None:
        self._bytes += (self._separator + _json_object(item)).encode("utf-8")
        self._separator = ","
        if len(self._bytes) >= _PIECE:
            self._flush(len(self._bytes) - len(self._bytes) % 3)

    def end(self, error: PsError | None) -> None:
        tail = '],"ok":true}'
        if error is not None:
            tail = (
                f'],"ok":false,"error":{{"id":{_json_text(error.id)},"category":{_json_text(error.category)},'
                f'"message":{_json_text(error.message)}}}}}'
            )
        self._bytes += tail.encode("utf-8")
        if self._console.job.met("truncate"):
            self._flush(len(self._bytes) // 2)
            return
        self._flush(len(self._bytes))
        self._console.raw(b"VK>>>\r\n")

    def _flush(self, count: int) -> None:
        if not self._begun:
            self._console.raw(b"<<<VK")
            self._begun = True
        self._console.raw(base64.b64encode(self._bytes[:count]))
        del self._bytes[:count]


def _json_text(text: str) -> str:
    return '"' + _SPECIAL.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def _json_value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f'"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"'
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return "[" + ",".join(_json_value(item) for item in value) + "]"
    return _json_text(text_of(value))


def _json_object(item: Value) -> str:
    if not isinstance(item, Object):
        return _json_value(item)
    return "{" + ",".join(f"{_json_text(name)}:{_json_value(value)}" for name, value in item.values.items()) + "}"
