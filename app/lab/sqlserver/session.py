"""One client's connection: login, then batches, calls and transactions, until it goes."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from app.lab.rows import Fault
from app.lab.sqlserver import login as door
from app.lab.sqlserver.batch import Batch, Values
from app.lab.sqlserver.instance import Instance, Request, Seat
from app.lab.sqlserver.parser import parse, parse_declarations
from app.lab.sqlserver.procedures import Given
from app.lab.sqlserver.reply import Reply
from app.lab.sqlserver.state import State
from app.lab.sqlserver.statements import changes
from app.lab.sqlserver.tds.messages import Call, TransactionRequest, read_batch, read_calls, read_transaction
from app.lab.sqlserver.tds.packets import Channel, Gone, Kind, Malformed, Message
from app.lab.sqlserver.tds.parameters import Parameter, UnknownType
from app.lab.sqlserver.tds.tokens import BEGAN, COMMITTED, RESET, ROLLED_BACK
from app.lab.sqlserver.tds.types import INT, SqlType
from app.lab.sqlserver.words import SqlError, say, say_error
from app.lab.sqlserver.work import Cancelled, Dropped, Work

LONGEST_MESSAGE = 32 * 1024**2
LOGIN_SECONDS = 30.0
TRANSACTION_ID = b"\x08" + (42).to_bytes(8, "little")


class Session:
    """Serves one connection of an instance."""

    def __init__(
        self, instance: Instance, connection: socket.socket, logon: door.NewLogon, context: ssl.SSLContext | None
    ) -> None:
        self._instance, self._socket = instance, connection
        self._logon, self._context = logon, context
        self._channel = Channel(connection, limit=64 * 1024)
        self._system = f"sql:{instance.name}"

    def serve(self) -> None:
        """Serve until the client goes, a fault drops it, or it sends what is no TDS."""
        seat: Seat | None = None
        try:
            self._socket.settimeout(LOGIN_SECONDS)
            seated = door.log_in(self._instance, self._channel, self._logon, self._context)
            if seated is None:
                return
            seat, tokens = seated
            self._socket.settimeout(None)
            self._channel.limit = LONGEST_MESSAGE
            self._state, self._tokens = State(self._instance, seat), tokens
            while True:
                self._serve(self._channel.read())
        except (Gone, Malformed, Dropped):
            return  # there is nobody left to tell
        finally:
            if seat is not None:
                self._instance.leave(seat)

    # ---- requests

    def _serve(self, message: Message) -> None:
        procedure = message.kind == Kind.RPC
        reply = Reply(
            self._channel, self._tokens, procedure=procedure, in_transaction=lambda: self._state.transactions > 0
        )
        if message.kind == Kind.ATTENTION:  # it crossed the end of the response that it was meant for
            reply.heard()
            return
        if message.reset:
            self._state.reset()
            reply.put(self._tokens.environment(RESET, b"\0", b"\0"))
        seat = self._state.seat
        work = Work(
            self._instance, seat, reply, self._listen, lambda: self._state.in_transaction, lambda: self._state.language
        )
        seat.request = Request("", self._instance.world.now(), database=seat.database)
        try:
            self._dispatch(message, reply, work)
            reply.end()
        except Cancelled:
            reply.cut_off()
        finally:
            seat.request = None

    def _dispatch(self, message: Message, reply: Reply, work: Work) -> None:
        if message.kind == Kind.BATCH:
            text = read_batch(message.body, self._tokens.version)
            self._batch(text, {}, text, work)
        elif message.kind == Kind.RPC:
            self._calls(message, reply, work)
        elif message.kind == Kind.TRANSACTION:
            self._transaction(message, reply)
        else:
            raise Malformed(f"a message of kind {message.kind} after the login")

    def _listen(self, seconds: float) -> None:
        """Wait for the client; Cancelled when it asks for the end, Gone when it left."""
        if self._channel.waits(seconds):
            message = self._channel.read()
            if message.kind == Kind.ATTENTION:
                raise Cancelled
            raise Malformed("a second request before the end of the first")

    # ---- batches

    def _batch(self, text: str, variables: Values, shown: str, work: Work) -> bool:
        fault = self._met(shown, work)
        if work.seat.request is not None:
            work.seat.request.text = text
        if fault is not None and fault.kind == "fail" and not _is_media(text):
            work.reply.say(say(701, "default", language_name=self._state.language))
            work.reply.done(error=True)
            return False
        good = Batch(self._state, work, variables, fault).run(text)
        if fault is not None and fault.kind in ("lose-answer", "half", "truncate") and not _is_media(text):
            raise Dropped
        return good

    def _met(self, shown: str, work: Work) -> Fault | None:
        """Record a call, and meet the fault that waits for it; what a fault does to a backup is the backup's."""
        lab = self._instance.lab
        fault = lab.fault(self._system, shown)
        lab.wire(self._system, shown, changes=self._changes(shown))
        if fault is None:
            return None
        if fault.kind in ("refuse", "wrong-password") or (fault.kind == "drop" and not _is_media(shown)):
            raise Dropped
        if fault.kind == "hang" and not _is_media(shown):
            work.hang()
        if fault.kind == "slow" and not _is_media(shown):
            work.pause(float(fault.detail or "1"))
        return fault

    def _changes(self, text: str) -> bool:
        try:
            return changes(parse(text, self._instance.release))
        except SqlError:
            return False  # it cannot be parsed, so nothing of it will run

    # ---- calls

    def _calls(self, message: Message, reply: Reply, work: Work) -> None:
        try:
            calls = read_calls(message.body, self._tokens.version)
        except UnknownType as unknown:
            reply.say(say(8009, 1, "", f"{unknown.number:#04x}", language_name=self._state.language))
            reply.done(error=True)
            reply.end()
            raise Dropped from unknown
        for call in calls:
            status, outputs = self._call(call, reply, work)
            reply.put(self._tokens.status(status))
            for name, kind, value in outputs:
                reply.put(self._tokens.returned(name, kind, value))
            reply.procedure_done(error=status != 0)

    def _call(self, call: Call, reply: Reply, work: Work) -> tuple[int, list[tuple[str, SqlType, Any]]]:
        try:
            return self._called(call, reply, work)
        except SqlError as error:
            reply.say(*say_error(error, self._state.language))
            reply.done(error=True)
            return 1, []

    def _called(self, call: Call, reply: Reply, work: Work) -> tuple[int, list[tuple[str, SqlType, Any]]]:
        name, given = call.procedure.lower().removeprefix("sys."), call.parameters
        if name == "sp_executesql":
            return self._run(_text(given, 0, name), _text(given, 1, name, missing=""), given[2:], work)
        if name == "sp_prepare":
            handle = self._state.prepare(_keep(_text(given, 1, name, missing=""), _text(given, 2, name)))
            return 0, [(given[0].name, INT, handle)]
        if name == "sp_prepexec":
            declared, text = _text(given, 1, name, missing=""), _text(given, 2, name)
            handle = self._state.prepare(_keep(declared, text))
            status, outputs = self._run(text, declared, given[3:], work)
            return status, [(given[0].name, INT, handle), *outputs]
        if name in ("sp_execute", "sp_unprepare"):
            wanted = given[0].value if given and isinstance(given[0].value, int) else 0
            kept = self._state.prepared.get(wanted)
            if kept is None:
                raise SqlError(8179, wanted)
            if name == "sp_unprepare":
                self._state.prepared.pop(wanted, None)
                return 0, []
            declared, _, text = kept.partition(_BETWEEN)
            return self._run(text, declared, given[1:], work)
        shown = " ".join([f"EXEC {call.procedure}", *(f"{_shown(parameter)}" for parameter in given)])
        self._met(shown, work)
        values: dict[str, Any] = {}
        arguments = [self._argument(place, parameter, values) for place, parameter in enumerate(given)]
        status = Batch(self._state, work).call(call.procedure, arguments)
        return status, [(p.name, p.kind, values.get(str(place))) for place, p in enumerate(given) if p.output]

    @staticmethod
    def _argument(place: int, parameter: Parameter, values: dict[str, Any]) -> Given:
        def set_output(value: Any) -> None:
            values[str(place)] = value

        return Given(parameter.name, parameter.value, set_output if parameter.output else None)

    def _run(
        self, text: str, declared: str, given: tuple[Parameter, ...], work: Work
    ) -> tuple[int, list[tuple[str, SqlType, Any]]]:
        """Run a statement with parameters: declared by name and type, given by name or place."""
        known = parse_declarations(declared, self._instance.release)
        names = [name for name, _ in known]
        batch = Batch(self._state, work, {name: (kind, None) for name, kind in known})
        places = []
        for place, parameter in enumerate(given):
            name = parameter.name.lower() or (names[place] if place < len(names) else "")
            if name not in names:
                raise SqlError(8144, "sp_executesql")
            batch.assign(name, parameter.kind, parameter.value)
            places.append((name, parameter))
        for name in names[len(given) :]:
            if name not in {one for one, _ in places}:
                raise SqlError(8178, text[:60], name)
        shown = text + "".join(f" -- {name}={parameter.value}" for name, parameter in places)
        good = self._batch(text, batch.variables, shown, work)
        outputs = [(p.name or name, *batch.variables[name]) for name, p in places if p.output]
        return int(not good), outputs

    # ---- transactions

    def _transaction(self, message: Message, reply: Reply) -> None:
        request, begins = read_transaction(message.body, self._tokens.version)
        state, tokens = self._state, self._tokens
        if request == TransactionRequest.BEGIN:
            state.transactions += 1
            reply.put(tokens.environment(BEGAN, TRANSACTION_ID, b"\0"))
        elif request in (TransactionRequest.COMMIT, TransactionRequest.ROLLBACK):
            if not state.transactions:
                number = 3902 if request == TransactionRequest.COMMIT else 3903
                reply.say(say(number, language_name=state.language))
                reply.done(error=True)
                return
            state.transactions = 0
            ended = COMMITTED if request == TransactionRequest.COMMIT else ROLLED_BACK
            reply.put(tokens.environment(ended, b"\0", TRANSACTION_ID))
            if begins:
                state.transactions = 1
                reply.put(tokens.environment(BEGAN, TRANSACTION_ID, b"\0"))
        elif request != TransactionRequest.SAVE:
            reply.say(say(40510, f"transaction manager request {request}", language_name=state.language))
            reply.done(error=True)
            return
        reply.done()


_BETWEEN = "\x00"


def _keep(declared: str, text: str) -> str:
    return declared + _BETWEEN + text


def _text(given: tuple[Parameter, ...], place: int, procedure: str, missing: str | None = None) -> str:
    value = given[place].value if place < len(given) else None
    if value is None and missing is not None:
        return missing
    if not isinstance(value, str):
        raise SqlError(214, procedure)
    return value


def _shown(parameter: Parameter) -> str:
    return f"{parameter.name or '?'}={parameter.value}"


def _is_media(text: str) -> bool:
    """Say whether a batch backs up or reads a backup: there, faults strike in the middle."""
    upper = text.upper()
    return "BACKUP DATABASE" in upper or "RESTORE " in upper
