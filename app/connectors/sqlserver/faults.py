"""What ODBC and SQL Server say when something fails, by number and state: words are in the site's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.errors import AnswerLost, CouldNotLook, NotLetIn, NotSent, UserError
from app.texts import NOTHING, Text, text

_RECORD = re.compile(r"; (?=\[[0-9A-Z]{5}\] )")
_NUMBER = re.compile(r"\((-?\d+)\)(?= \(SQL|\s*$)")
_STATE = re.compile(r"^\[([0-9A-Z]{5})\] ")

PERMISSION_DENIED, _TERMINATING = 262, 3013
LOGIN_REFUSED = frozenset({18450, 18451, 18452, 18456, 18461, 18470, 18486, 18487, 18488})
_NOT_READY = frozenset({17142, 17187, 17188, 17189, 17809, 18401})
_UNKNOWN_DATABASE = frozenset({911, 4060})
_NO_RIGHT = frozenset({229, 230, 262, 297, 300, 371, 916, 3110, 15247, 15562, 22001})
_CANNOT_OPEN, _CANNOT_WRITE, _DISK_FULL = frozenset({3201}), frozenset({3202, 3271, 18210}), "112("
_DAMAGED = frozenset({3183, 3189, 3203, 3240, 3241, 3242, 3243, 3246, 3254, 3258, 3271})
_UNKNOWN_COMPRESSION = frozenset({1844, 155})
_BROKEN_STATES = frozenset({"08S01", "08003", "08007", "01002", "08001"})
_CANCELLED_STATES = frozenset({"HY008"})
_NO_DRIVER_STATES = frozenset({"IM002", "IM003", "IM004"})
_TIMEOUT_STATES = frozenset({"HYT00", "HYT01"})
BROKEN_NUMBERS = frozenset({20003, 20004, 20006, 20009, 20017, 20047, 10053, 10054, 10060, 104, 32, 26})
"""Of FreeTDS and of Windows' and Linux's sockets: the connection is gone."""


@dataclass(frozen=True)
class Said:
    """One diagnostic record: its SQLSTATE, SQL Server's message number (0: none), and the words, without secrets."""

    state: str
    number: int
    words: str


class Outcome(Exception):
    """A batch failed: all errors of all its results, the first first."""

    def __init__(self, said: tuple[Said, ...]) -> None:
        super().__init__(said)
        self.said = said

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(one.number for one in self.said)

    @property
    def states(self) -> frozenset[str]:
        return frozenset(one.state for one in self.said)

    @property
    def broken(self) -> bool:
        """The connection is gone, or the driver gave up: not the server's own word on the batch."""
        from_server = any(one.number > 0 and one.number not in BROKEN_NUMBERS for one in self.said)
        return not from_server and bool(self.states & _BROKEN_STATES or self.numbers & BROKEN_NUMBERS)

    @property
    def cancelled(self) -> bool:
        return bool(self.states & _CANCELLED_STATES)

    @property
    def only_terminating(self) -> bool:
        """The server says that it gave up, and nothing of why."""
        return self.numbers == {_TERMINATING}

    def because(self, number: int) -> Outcome:
        """Return this outcome with the error that it comes from before it."""
        return Outcome((Said("42000", number, self.said[0].words), *self.said[1:]))

    @property
    def cannot_open(self) -> bool:
        return bool(self.numbers & _CANNOT_OPEN)

    @property
    def no_driver(self) -> bool:
        return bool(self.states & _NO_DRIVER_STATES) or any("Can't open lib" in one.words for one in self.said)

    @property
    def from_server(self) -> bool:
        """The server itself has refused: another driver would hear the same."""
        return bool(self.numbers & (LOGIN_REFUSED | _NOT_READY | _UNKNOWN_DATABASE | _NO_RIGHT))

    @property
    def words(self) -> str:
        return "\n".join(one.words for one in self.said)


def records(error: BaseException, scrub: Callable[[str], str]) -> tuple[Said, ...]:
    """Take a pyodbc error apart: its message holds one record or several, each with state and number."""
    state = str(error.args[0]) if error.args else ""
    message = str(error.args[1]) if len(error.args) > 1 else str(error)
    return tuple(_said(part, state, scrub) for part in _RECORD.split(message))


def _said(part: str, state: str, scrub: Callable[[str], str]) -> Said:
    own, numbers = _STATE.match(part), _NUMBER.findall(part)
    return Said(own[1] if own else state, int(numbers[-1]) if numbers else 0, scrub(part))


def informed(kind: str, words: str, scrub: Callable[[str], str]) -> Said:
    """Take one of pyodbc's cursor.messages apart: ("[01000] (3211)", "[driver][SQL Server]5 percent processed.")."""
    number = _NUMBER.search(kind)
    state = _STATE.match(kind)
    return Said(state[1] if state else "", int(number[1]) if number else 0, scrub(words))


# ---- for people


def not_connected(server: str, account: str, outcome: Outcome) -> UserError:
    """Return the error of a login that came to nothing: nothing was sent that changes anything."""
    why, do = _why(outcome, account)
    if outcome.numbers & LOGIN_REFUSED and "\\" in account:
        do = text("Name a SQL login, or leave the account empty to log in as who runs this program.")
    if outcome.no_driver:
        why, do = text("The ODBC driver cannot be loaded."), text("Install it again, or another one.")
    elif not outcome.from_server:
        why = text("No ODBC driver of this machine came to terms with it.")
        do = text("Look at the details, at encryption in the profile, and whether another driver can be installed.")
    kind = NotLetIn if outcome.numbers & LOGIN_REFUSED else NotSent
    return kind(text("Could not log in to SQL Server {server}.", server=server), why, do, details=outcome.words)


def not_done(server: str, account: str, outcome: Outcome, what: Text) -> UserError:
    """Return the error of an act: refused by the server, or sent and never answered."""
    if outcome.broken:
        return AnswerLost(
            what, text("The connection to SQL Server {server} broke in the middle.", server=server),
            text("Whether it was done is looked up before anything else."), details=outcome.words,
        )  # fmt: skip
    why, do = _why(outcome, account)
    return UserError(what, why, do, details=outcome.words)


def not_seen(server: str, account: str, outcome: Outcome) -> CouldNotLook:
    """Return the error of a look."""
    why, do = _why(outcome, account)
    if outcome.broken:
        why, do = text("The connection broke."), text("Look at the network, and whether SQL Server runs.")
    return CouldNotLook(
        text("SQL Server {server} did not answer a question.", server=server), why, do, details=outcome.words
    )


def not_verified(server: str, account: str, path: str, outcome: Outcome) -> UserError:
    """Return the error of a backup that was read through: found bad, or could not be read at all."""
    if outcome.broken or outcome.numbers & _NO_RIGHT:
        return not_seen(server, account, outcome)
    why, do = _why(outcome, account)
    return UserError(text("The backup {path} does not verify.", path=path), why, do, details=outcome.words)


def no_answer(server: str, what: Text, seconds: float, *, act: bool) -> UserError:
    """Return the error of silence."""
    why = text("SQL Server {server} has not answered for {seconds:.0f} s.", server=server, seconds=seconds)
    do = text("Look whether the server is overloaded or hangs.")
    return AnswerLost(what, why, do) if act else CouldNotLook(what, why, do)


def _why(outcome: Outcome, account: str) -> tuple[Text, Text]:
    """Return reason and remedy by the number of the first error that is known."""
    who = account or text("this workstation's login")
    if _DISK_FULL in outcome.words and outcome.numbers & (_CANNOT_WRITE | _CANNOT_OPEN):
        return text("The disk of the server is full."), text("Make room, or choose another folder in the profile.")
    table: Iterable[tuple[frozenset[int], Text, Text]] = (
        (LOGIN_REFUSED, text("It refuses the login of {who}.", who=who), text("Look at the account and its password.")),
        (_NOT_READY, text("It takes no logins now: it starts, stops or is paused."), text("Try again in a while.")),
        (_UNKNOWN_DATABASE, text("It has no such database, or shows none to {who}.", who=who),
         text("Look at the database's name in the profile, and at the rights of the account.")),
        (_NO_RIGHT, text("{who} lacks a right there.", who=who),
         text("Give the account the role db_backupoperator there, read rights in msdb, VIEW SERVER STATE.")),
        (_CANNOT_OPEN, text("The server cannot open the backup file."),
         text("Look whether the folder is there and the service account of SQL Server may write in it.")),
        (_CANNOT_WRITE, text("The server could not write the backup file."), text("Look at its disk.")),
        (_DAMAGED, text("The backup file is damaged, or is none."), text("Make another backup.")),
        (_UNKNOWN_COMPRESSION, text("This version or edition does not know backup compression."), NOTHING),
        (frozenset({3101}), text("The database is in use."), text("Stop the services that use it.")),
    )  # fmt: skip
    for number in (one.number for one in outcome.said):
        for numbers, why, do in table:
            if number in numbers:
                return why, do
    if outcome.states & _TIMEOUT_STATES:
        return text("It took too long."), text("Look whether the server is overloaded or hangs.")
    first = next((one for one in outcome.said if one.number), outcome.said[0] if outcome.said else Said("", 0, ""))
    return text("It said: {words}", words=first.words), text("Look at the details, and at the server's error log.")
