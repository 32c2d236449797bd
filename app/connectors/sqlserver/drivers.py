"""Which ODBC driver reaches which server, and how each is told: pure functions."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.errors import NotSent
from app.texts import text

FREETDS_PLACES = (
    "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so",
    "/usr/lib/aarch64-linux-gnu/odbc/libtdsodbc.so",
    "/usr/lib64/libtdsodbc.so.0",
    "/usr/local/lib/libtdsodbc.so",
)
"""Where FreeTDS lies when odbcinst.ini does not name it."""

OLD = "SQL Server"
_ODBC = re.compile(r"ODBC Driver (\d+)(?:\.\d+)? for SQL Server", re.IGNORECASE)
_NATIVE = re.compile(r"SQL (?:Server )?Native Client(?: (\d+)\.\d+)?", re.IGNORECASE)
_FREETDS = re.compile(r"FreeTDS|(?:.*[/\\])?libtdsodbc\.so[.\d]*", re.IGNORECASE)
_MICROSOFT_FILE = re.compile(r".*[/\\]libmsodbcsql-?(\d+)[.\d]*\.so[.\d]*", re.IGNORECASE)
_MAJOR_2005, _MAJOR_2008, _MAJOR_2012, _MAJOR_2014 = 9, 10, 11, 12


@dataclass(frozen=True)
class Driver:
    """An installed driver: `name` as ODBC knows it, or its file; `family` odbc, native, old or freetds."""

    name: str
    family: str
    version: int = 0

    def knows(self, major: int) -> bool:
        """Say whether its maker supports it with that major version of SQL Server (9 is 2005; 0: not known yet)."""
        if self.family in ("freetds", "old") or not major:
            return True
        if self.family == "native":
            return major <= _MAJOR_2012 + 1
        if major <= _MAJOR_2005:
            return False
        if major == _MAJOR_2008:
            return self.version <= 17  # 17.0 to 17.3 do; the name does not tell them apart
        if major < _MAJOR_2014:
            return True
        return self.version >= 17

    @property
    def can_require_encryption(self) -> bool:
        """The old driver has no word of its own that makes encryption a must."""
        return self.family != "old"


def driver(name: str) -> Driver | None:
    """Return what is known of a driver by its name or file; None for one of another database."""
    if found := _ODBC.fullmatch(name) or _MICROSOFT_FILE.fullmatch(name):
        return Driver(name, "odbc", int(found[1]))
    if found := _NATIVE.fullmatch(name):
        return Driver(name, "native", int(found[1] or 9))
    if _FREETDS.fullmatch(name):
        return Driver(name, "freetds")
    return Driver(name, "old") if name.lower() == OLD.lower() else None


def choose_drivers(
    installed: Iterable[str], *, major: int = 0, encrypt: bool = False, wanted: str = ""
) -> tuple[Driver, ...]:
    """Return the drivers to try, the best first.

    `installed` as pyodbc.drivers() lists them (files may be among them), `major` is the server's version where known
    (9 is 2005, 10 is 2008 and 2008 R2), `wanted` the one that the profile asks for: then no other is tried. Those that
    support the server come first, newest first; the others follow, because a maker's silence is no proof. With
    `encrypt` the old driver is left out, because nothing can make it encrypt or fail."""
    if wanted:
        return (driver(wanted) or Driver(wanted, "odbc"),)
    known = [found for name in dict.fromkeys(installed) if (found := driver(name))]
    usable = [found for found in known if found.can_require_encryption or not encrypt]
    return tuple(sorted(usable, key=lambda found: _rank(found, major)))


def _rank(found: Driver, major: int) -> tuple[bool, int, int]:
    families = {"odbc": 0, "native": 1, "freetds": 2, "old": 3}
    if major == _MAJOR_2005:
        families = {"native": 0, "freetds": 1, "old": 2, "odbc": 3}
    oldest_first = major == _MAJOR_2008 and found.family == "odbc" and found.version in (13, 17)
    version = {13: -100, 17: -1}[found.version] if oldest_first else -found.version
    return (not found.knows(major), families[found.family], version)


def installed_drivers() -> tuple[str, ...]:
    """Return the names of the drivers of this machine; FreeTDS by its file where ODBC's list lacks it."""
    import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look

    names = list(pyodbc.drivers())
    if sys.platform != "win32" and not any(_FREETDS.fullmatch(name) for name in names):
        names += [place for place in FREETDS_PLACES if Path(place).exists()][:1]
    return tuple(names)


def no_driver(*, encrypt: bool) -> NotSent:
    """Return the error of a machine without a usable driver."""
    if sys.platform == "win32":
        do = text("Install Microsoft's ODBC Driver 17 or 18 for SQL Server.")
        if encrypt:
            do = text("Install Microsoft's ODBC Driver 17 or 18, or allow unencrypted connections in the profile.")
    else:
        do = text("Install FreeTDS (packages unixodbc and tdsodbc) or Microsoft's ODBC Driver 18.")
    return NotSent(text("There is no ODBC driver for SQL Server on this machine."), do=do)


# ---- how a driver is told


def connection_string(chosen: Driver, facts: Target, password: str) -> str:
    """Return the connection string; it holds the password, so it is shown to nobody.

    Every value stands in braces, so that none can end early or add a word. `can_say` must have been asked."""
    words: dict[str, str] = {"DRIVER": chosen.name}
    if chosen.family == "freetds":
        words |= {"SERVER": facts.address, "PORT": str(facts.port), "TDS_Version": _tds(facts.major)}
        words |= {"Encryption": "require" if facts.encrypt else "request", "ClientCharset": "UTF-8"}
    else:
        tcp = "" if chosen.family == "old" else "tcp:"
        words["SERVER"] = f"{tcp}{facts.address},{facts.port}"
        if chosen.can_require_encryption:
            words |= {"Encrypt": "yes" if facts.encrypt else "no", "TrustServerCertificate": "yes"}
    words["DATABASE"] = "master"
    words["APP"] = "ViewKeeper"
    words |= {"UID": facts.account, "PWD": password} if facts.account else {"Trusted_Connection": "yes"}
    quote = unescaped if chosen.family == "freetds" else braced
    return "".join(f"{word}={quote(value)};" for word, value in words.items())


def can_say(chosen: Driver, *values: str) -> bool:
    """Say whether values can be told to a driver: FreeTDS ends one at the first }; and knows no way around it."""
    return chosen.family != "freetds" or not any("};" in value for value in values)


@dataclass(frozen=True)
class Target:
    """Where to connect, and as whom: `account` empty means the workstation's own login."""

    address: str
    port: int
    account: str
    encrypt: bool
    major: int = 0


def braced(value: str) -> str:
    """Return a value of a connection string in braces, closing ones doubled as ODBC wants it."""
    return "{" + value.replace("}", "}}") + "}"


def unescaped(value: str) -> str:
    """Return a value in braces as FreeTDS reads them: nothing is doubled, and only }; ends it."""
    assert "};" not in value, "ask can_say first"
    return "{" + value + "}"


def _tds(major: int) -> str:
    if major == _MAJOR_2005:
        return "7.2"
    return "7.3" if major == _MAJOR_2008 else "7.4"
