"""The door: PRELOGIN, encryption as far as this server has it, LOGIN7 with a password or NTLM, and the welcome."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.lab.sqlserver.catalogue import open_database
from app.lab.sqlserver.instance import Instance, Login, Seat
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.tds import messages
from app.lab.sqlserver.tds.messages import Encrypt
from app.lab.sqlserver.tds.packets import FIRST_PACKET_SIZE, Channel, Gone, Kind, Malformed, Message
from app.lab.sqlserver.tds.tokens import (
    ERROR,
    NEW_COLLATION,
    NEW_DATABASE,
    NEW_LANGUAGE,
    NEW_PACKET_SIZE,
    Tokens,
)  # fmt: skip
from app.lab.sqlserver.tds.types import Dialect
from app.lab.sqlserver.tds.versions import agreed
from app.lab.sqlserver.words import ENGLISH, SqlError, say_error
from app.lab.sqlserver.work import LONG, Dropped

if TYPE_CHECKING:
    from app.lab.windows.logon import Logon

NewLogon = Callable[[], "Logon"]
SMALLEST_PACKET, LARGEST_PACKET = 512, 32767


class Refused(Exception):
    """The login is refused, with what is said to the client."""

    def __init__(self, error: SqlError) -> None:
        super().__init__(error.number)
        self.error = error


def log_in(
    instance: Instance, channel: Channel, logon: NewLogon, context: ssl.SSLContext | None
) -> tuple[Seat, Tokens] | None:
    """Take a client through the door. None where it was refused and told so; Gone, Malformed, Dropped as they come."""
    message = channel.read()
    encryption = Encrypt.NOT_SUPPORTED
    if message.kind == Kind.PRELOGIN:
        encryption = _greet(instance, channel, message, context)
        message = channel.read()
    if message.kind != Kind.LOGIN:
        raise Malformed("expected LOGIN7")
    asked = messages.read_login(message.body)
    if encryption is Encrypt.OFF:
        channel.end_tls()
    version = agreed(asked.version, instance.release)
    tokens = Tokens(Dialect(version, instance.collation), instance.server_name)
    try:
        login = _who(instance, channel, asked, tokens, logon)
        database = _database(instance, asked, login)
    except Refused as refused:
        said = say_error(refused.error, instance.language)
        channel.write(b"".join(tokens.said(one) for one in said) + tokens.done(ERROR), last=True)
        return None
    seat = instance.seat(
        login, asked.host, asked.application, asked.interface,
        encrypted=encryption in (Encrypt.ON, Encrypt.REQUIRED), integrated=asked.sspi is not None,
    )  # fmt: skip
    seat.database = database
    _welcome(instance, channel, tokens, asked, database)
    return seat, tokens


def _greet(instance: Instance, channel: Channel, message: Message, context: ssl.SSLContext | None) -> Encrypt:
    """Answer PRELOGIN and begin TLS where both sides can; return how much of the connection is encrypted."""
    wish = messages.read_prelogin(message.body).encrypt
    if context is None or wish is Encrypt.NOT_SUPPORTED:
        answer = Encrypt.NOT_SUPPORTED
    else:
        answer = Encrypt.OFF if wish is Encrypt.OFF else Encrypt.ON
    channel.write(messages.write_prelogin(instance.build, answer), last=True)
    if answer is not Encrypt.NOT_SUPPORTED and context is not None:
        channel.begin_tls(context)
    return answer


# ---- who it is


def _who(instance: Instance, channel: Channel, asked: messages.Login, tokens: Tokens, logon: NewLogon) -> Login:
    named = asked.user or "integrated"
    _meet_fault(instance, channel, named)
    if asked.sspi is not None:
        return _integrated(instance, channel, asked.sspi, tokens, logon)
    login = instance.login(asked.user)
    # a Windows account has no login of this kind, whatever its password
    if login is None or "\\" in asked.user or not instance.lab.passwords.right(asked.user, asked.password):
        raise Refused(SqlError(18456, asked.user))
    return login


def _meet_fault(instance: Instance, channel: Channel, named: str) -> None:
    text = f"LOGIN {named}"
    system = f"sql:{instance.name}"
    fault = instance.lab.fault(system, text)
    instance.lab.wire(system, text, changes=False)
    if fault is None:
        return
    if fault.kind in ("refuse", "drop", "lose-answer"):
        raise Dropped
    if fault.kind == "wrong-password":
        raise Refused(SqlError(18456, named))
    if fault.kind == "fail":
        raise Refused(SqlError(17187))
    if fault.kind in ("hang", "slow"):
        seconds = LONG if fault.kind == "hang" else float(fault.detail or "1")
        if channel.waits(seconds):
            raise Gone


def _integrated(instance: Instance, channel: Channel, token: bytes, tokens: Tokens, logon: NewLogon) -> Login:
    from app.lab.windows.logon import LogonFailed

    door = logon()
    try:
        answer = door.step(token)
        while not door.complete:
            channel.write(tokens.sspi(answer), last=True)
            message = channel.read()
            if message.kind != Kind.SSPI:
                raise Malformed("expected the next token")
            answer = door.step(message.body)
    except LogonFailed as failed:
        raise Refused(SqlError(18452)) from failed
    login = instance.login(door.account)
    if login is None:
        raise Refused(SqlError(18456, door.account))
    return login


def _database(instance: Instance, asked: messages.Login, login: Login) -> str:
    """Return the database to begin in: the one asked for, or refuse with 4060."""
    if not asked.database:
        return "master"
    found = instance.database(asked.database)
    if found is not None:
        seat = Seat(0, login, "", "", "", encrypted=False, integrated=False, began=0.0)
        try:
            open_database(Look(instance, seat, found), found)
        except SqlError:
            found = None
    if found is None:
        raise Refused(SqlError(18456, login.name, also=(SqlError(4060, asked.database),)))
    return found.name


# ---- the welcome


def _welcome(instance: Instance, channel: Channel, tokens: Tokens, asked: messages.Login, database: str) -> None:
    size = asked.packet_size or FIRST_PACKET_SIZE
    size = min(max(size, SMALLEST_PACKET), LARGEST_PACKET)
    language = instance.language
    collation = instance.collation.wire
    body = tokens.renamed(NEW_DATABASE, database, "master")
    body += b"".join(tokens.said(one) for one in say_error(SqlError(5701, database, state=2), language))
    if tokens.version > 0x07000000:  # TDS 7.0 knows no collations
        body += tokens.environment(NEW_COLLATION, bytes([len(collation)]) + collation, b"\0")
    body += tokens.renamed(NEW_LANGUAGE, language, ENGLISH if language != ENGLISH else "")
    body += b"".join(tokens.said(one) for one in say_error(SqlError(5703, language), language))
    body += tokens.logged_in(instance.build) + tokens.renamed(NEW_PACKET_SIZE, str(size), str(FIRST_PACKET_SIZE))
    if asked.asks_features:
        body += tokens.no_features()
    channel.write(body + tokens.done(), last=True)
    channel.packet_size = size
