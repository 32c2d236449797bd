"""Where passwords come from (the keyring, a file that is named, or the operator), and what hides them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Guard, Refused, UserError
from app.texts import Text, text

if TYPE_CHECKING:
    from app.profile import Profile

SERVICE = "ViewKeeper"
LONGEST = 1280  # characters that Windows' credential store keeps
HIDDEN = "•••"

Ask = Callable[[Text], str | None]


@dataclass(frozen=True)
class Memory:
    """What is remembered of passwords as long as the program runs: all that were met, so that they can be hidden; and
    which account was refused where (profile, account, system), so that the next look asks for it anew. System "" means
    everywhere: no system has let that account in."""

    met: set[str] = field(default_factory=set, repr=False)
    refused: set[tuple[str, str, str]] = field(default_factory=set)

    def hide(self, words: str) -> str:
        """Return `words` with every password that was met, and its usual disguises, replaced."""
        return hidden(words, self.met)


class Passwords:
    """Passwords by account and system, looked up in this order: given (file), keyring, asked. Kept for this process.

    An account is known as `ACCOUNT@SYSTEM` (only there) or `ACCOUNT` (wherever it is used); those that are given, in
    any case: to Windows and SQL Server it makes no difference. What a system has refused is not looked up again where
    somebody can be asked: it may have been mistyped, or have changed."""

    def __init__(
        self, profile: str, given: dict[str, str] | None = None, ask: Ask | None = None, memory: Memory | None = None
    ) -> None:
        self._profile, self._ask, self._memory = profile, ask, memory or Memory()
        self._given = {name.casefold(): password for name, password in (given or {}).items()}
        self._memory.met.update(filter(None, self._given.values()))
        self._doubted = frozenset(self._memory.refused)
        self._known: dict[str, str] = {}
        self._guards: dict[tuple[str, str, str], Guard] = {}

    def guard(self, account: str, system: str) -> Guard:
        """Return what keeps `account` from being locked by wrong tries. A domain counts the tries of all systems."""
        domain = "" if "\\" in account or "@" in account else system
        key = (account.casefold(), self._known.get(f"{account}@{system}", ""), domain)
        return self._guards.setdefault(key, Guard(account, heard=partial(self._heard, account))).on(system)

    def of(self, account: str, system: str) -> str:
        """Return the password of `account` on `system`, or raise UserError where none can be had."""
        name = f"{account}@{system}"
        if name not in self._known:
            self._known[name] = self._find(account, system)
            self._memory.met.add(self._known[name])
        return self._known[name]

    def hide(self, words: str) -> str:
        """Return `words` with every known password, and its usual disguises, replaced."""
        return hidden(words, self.all())

    def all(self) -> set[str]:
        return {password for password in (*self._known.values(), *self._given.values()) if password}

    def _heard(self, account: str, system: str, let_in: bool, somewhere: bool) -> None:
        refusals = {(self._profile, account.casefold(), place) for place in (system, "")}
        if let_in:
            self._memory.refused.difference_update(refusals)
        else:
            self._memory.refused.update(one for one in refusals if one[2] or not somewhere)

    def _find(self, account: str, system: str) -> str:
        doubted = any((self._profile, account.casefold(), place) in self._doubted for place in (system, ""))
        if not (doubted and self._ask) and (kept := self._kept(account, system)) is not None:
            return kept
        if self._ask and (
            answer := self._ask(text("Password of {account} on {system}", account=account, system=system))
        ):
            # another password has a trial of its own, even where the system cannot be reached now
            self._memory.refused.discard((self._profile, account.casefold(), system))
            return answer
        raise UserError(
            text("There is no password for {account} on {system}.", account=account, system=system),
            text("It is neither in the keyring nor given, and nobody was there to be asked."),
            text("Store it, or give it with --passwords FILE."),
        )

    def _kept(self, account: str, system: str) -> str | None:
        names = (f"{account}@{system}", account)
        for name in names:
            if name.casefold() in self._given:
                return self._given[name.casefold()]
        for name in names:
            if (stored := stored_password(self._profile, name)) is not None:
                return stored
        return None


def hidden(words: str, passwords: Iterable[str]) -> str:
    """Return `words` with these passwords, and their usual disguises, replaced."""
    for disguise in sorted({d for p in set(passwords) for d in disguises(p)}, key=len, reverse=True):
        words = words.replace(disguise, HIDDEN)
    return words


def disguises(password: str) -> set[str]:
    """Return the shapes in which a password may turn up: plain, base64 (UTF-8, UTF-16), URL, XML, SQL, PowerShell."""
    import base64
    import json
    from urllib.parse import quote

    if len(password) < 3:  # hiding one or two letters would hide everything and protect nothing
        return {password} if password else set()
    xml = password.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        password,
        base64.b64encode(password.encode()).decode(),
        base64.b64encode(password.encode("utf-16-le")).decode(),
        quote(password, safe=""),
        xml,
        xml.replace('"', "&quot;"),
        password.replace("'", "''"),
        json.dumps(password)[1:-1],
    }


def stored_password(profile: str, name: str) -> str | None:
    """Return what the keyring has under that name, or None. A keyring that cannot be read is told, not passed over."""
    import keyring
    import keyring.errors

    with _told_in_a_sentence():
        try:
            return keyring.get_password(f"{SERVICE}:{profile}", name)
        except keyring.errors.NoKeyringError:
            return None  # a workstation without a keyring: passwords are asked for or given


def keyring_there() -> bool:
    """Say whether this workstation has a keyring that keeps passwords. May take a moment: libraries are asked."""
    import keyring

    return keyring.get_keyring().priority >= 1  # below 1 is what forgets, or keeps in plain (keyring's own scale)


def keyring_keeps() -> str:
    """Put a password into the keyring, read it back and remove it; returns its name, nothing where there is none.

    Raises UserError where it takes one and does not give it back as it was, or keeps it although it was removed."""
    from secrets import token_hex

    import keyring
    from keyring.errors import PasswordDeleteError

    if not keyring_there():
        return ""
    service, name, word = f"{SERVICE} self-test", token_hex(4), f"pässwörd 二 {token_hex(4)}"
    with _told_in_a_sentence():
        keyring.set_password(service, name, word)
        try:
            given_back = keyring.get_password(service, name)
        finally:
            with contextlib.suppress(PasswordDeleteError):  # it has forgotten it already: that is told below
                keyring.delete_password(service, name)
        stayed = keyring.get_password(service, name) is not None
    if given_back != word or stayed:
        raise UserError(
            text("The keyring does not keep what it is given."),
            text("A password that was put into it for a try came back otherwise, or stayed although it was removed."),
            text("Choose that passwords are asked for each time."),
        )
    return type(keyring.get_keyring()).__module__


def store_password(profile: str, name: str, password: str) -> None:
    """Put a password into the keyring."""
    import keyring

    if len(password) > LONGEST:
        raise Refused(
            text("This password cannot be stored."),
            text("It has {length} characters; the keyring takes {longest}.", length=len(password), longest=LONGEST),
            text("Choose to be asked each time."),
        )
    with _told_in_a_sentence():
        keyring.set_password(f"{SERVICE}:{profile}", name, password)


def forget_password(profile: str, name: str) -> None:
    """Take a password out of the keyring; one that is not there is no error."""
    import keyring
    import keyring.errors

    with (
        _told_in_a_sentence(),
        contextlib.suppress(keyring.errors.PasswordDeleteError, keyring.errors.NoKeyringError),
    ):
        keyring.delete_password(f"{SERVICE}:{profile}", name)


def passwords_from(source: str) -> dict[str, str]:
    """Read `--passwords`, a file or `-` (standard input): a JSON object, `ACCOUNT` or `ACCOUNT@SYSTEM` to password."""
    import json

    try:
        content = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            text("The passwords cannot be read from {source}.", source=source),
            getattr(error, "strerror", None) or text("It is not UTF-8."),
            text("Name a readable JSON file, or - for standard input."),
        ) from error
    try:
        found = json.loads(content)
    except json.JSONDecodeError:
        found = None  # the parser's own words may quote a password
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Refused(
            text("The passwords in {source} cannot be understood.", source=source),
            text("They must be one JSON object of strings."),
            text('Write {"ACCOUNT": "PASSWORD", "ACCOUNT@SYSTEM": "PASSWORD"}.'),
        )
    _refuse_twice(source, found)
    return found


def unused_names(given: Iterable[str], profile: Profile) -> list[str]:
    """Return which of the given names no account of a profile answers to."""
    recovery = [("recovery", profile.environment)]
    windows = [(host.account, host.name) for host in (*profile.hosts(), *profile.security_servers)]
    servers = [(one.account, one.name) for database in profile.databases() for one in (database.server,)]
    vcenters = [(one.account, one.name) for one in profile.vcenters]
    used = {
        name.casefold()
        for account, system in (*recovery, *windows, *servers, *vcenters)
        for name in (account, f"{account}@{system}")
    }
    return sorted(name for name in given if name.casefold() not in used)


def _refuse_twice(source: str, found: dict[str, str]) -> None:
    seen: dict[str, str] = {}
    for name, password in found.items():
        other = seen.setdefault(name.casefold(), name)
        if found[other] != password:
            raise Refused(
                text("The passwords in {source} contradict each other.", source=source),
                text("{one} and {other} are the same account.", one=other, other=name),
                text("Leave one of them."),
            )


@contextlib.contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """Turn whatever a keyring raises into UserError. Each has errors of its own: Windows' a plain Exception, for a task
    that runs though its user is not logged on. Its own words are left out: they may quote the password."""
    try:
        yield
    except UserError:  # a part of the program that it needs could not be unpacked
        raise
    except Exception as error:  # noqa: BLE001  # no common kind is promised
        raise _keyring_failed(error) from None


def _keyring_failed(error: Exception) -> UserError:
    number = getattr(error, "winerror", None)  # that of the system, by which its reason can be found
    return UserError(
        text("The keyring of this workstation could not be used."),
        f"{type(error).__name__} {number}" if number else type(error).__name__,
        text("Unlock it and try again, or give passwords with --passwords FILE."),
    )
