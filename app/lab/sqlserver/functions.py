"""The scalar functions of T-SQL that are answered. A name that is not here is refused as SQL Server does (195)."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.lab.sqlserver import properties, values
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.tds.types import (
    DATETIME,
    GUID,
    INT,
    SMALLINT,
    SYSNAME,
    VARIANT,
    SqlType,
    nvarchar,
)  # fmt: skip
from app.lab.sqlserver.tds.versions import SQL_2005, SQL_2008, SQL_2012, Release
from app.lab.sqlserver.words import SqlError


@dataclass(frozen=True)
class Function:
    """A function: how many arguments, which type, and how it is worked out from values as SQLite keeps them."""

    fewest: int
    most: int
    kind: SqlType | Callable[[Sequence[SqlType]], SqlType]
    call: Callable[..., Any]
    since: Release = SQL_2005
    part_first: bool = False  # DATEADD and its like: the first argument is a word, no expression

    def type_of(self, kinds: Sequence[SqlType]) -> SqlType:
        return self.kind if isinstance(self.kind, SqlType) else self.kind(kinds)


def _like_first(kinds: Sequence[SqlType]) -> SqlType:
    return kinds[0]


def _first_known(kinds: Sequence[SqlType]) -> SqlType:
    return next((kind for kind in kinds if kind.name != "null"), kinds[0])


def _text_like_first(kinds: Sequence[SqlType]) -> SqlType:
    return kinds[0] if kinds[0].is_text else nvarchar(4000)


def _time_like_third(kinds: Sequence[SqlType]) -> SqlType:
    return kinds[2] if kinds[2].is_time else DATETIME


def _widest(kinds: Sequence[SqlType]) -> SqlType:
    found = kinds[0]
    for kind in kinds[1:]:
        found = values.wider(found, kind)
    return found


# ---- texts


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of a Look and values give NULL where any of its values is NULL."""

    def call(look: Look, *given: Any) -> Any:
        return None if any(value is None for value in given) else function(look, *given)

    return call


def _substring(_: Look, value: Any, start: int, length: int) -> Any:
    if length < 0:
        raise SqlError(537)
    begin = max(start, 1)
    source = value if isinstance(value, bytes) else str(value)
    return source[begin - 1 : max(start + length - 1, 0)]


def _replace(_: Look, value: Any, old: str, new: str) -> str:
    if not old:
        return str(value)
    found, lowered, wanted, at = [], str(value).lower(), str(old).lower(), 0
    while (hit := lowered.find(wanted, at)) >= 0:
        found += [str(value)[at:hit], str(new)]
        at = hit + len(wanted)
    return "".join([*found, str(value)[at:]])


def _char_index(_: Look, wanted: Any, value: Any, start: int = 1) -> int:
    return str(value).lower().find(str(wanted).lower(), max(start - 1, 0)) + 1


def _quote_name(_: Look, value: str, sign: str = "[") -> str | None:
    end = {"[": "]", "]": "]", '"': '"', "'": "'"}.get(sign[:1])
    if end is None or len(value) > 128:
        return None
    return ("[" if end == "]" else end) + value.replace(end, end * 2) + end


# ---- times

_SECONDS = {
    "second": 1, "ss": 1, "s": 1, "minute": 60, "mi": 60, "n": 60, "hour": 3600, "hh": 3600, "day": 86400, "dd": 86400,
    "d": 86400, "week": 604800, "wk": 604800, "ww": 604800, "millisecond": 0.001, "ms": 0.001,
}  # fmt: skip
_MONTHS = {"month": 1, "mm": 1, "m": 1, "quarter": 3, "qq": 3, "q": 3, "year": 12, "yy": 12, "yyyy": 12}


def _date_add(_: Look, part: str, count: Any, when: Any) -> str:
    found = values.moment(str(when))
    if part in _SECONDS:
        return str(values.to_sqlite(_shifted(found, datetime.timedelta(seconds=_SECONDS[part] * int(count)))))
    if part not in _MONTHS:
        raise SqlError(155, part, "dateadd")
    months = found.year * 12 + found.month - 1 + _MONTHS[part] * int(count)
    if not 12 <= months < 120000:
        raise SqlError(517)
    first = datetime.datetime(months // 12, months % 12 + 1, 1)  # noqa: DTZ001  # datetime knows no zone
    days = ((first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - first).days
    since_midnight = found - found.replace(hour=0, minute=0, second=0, microsecond=0)
    return str(values.to_sqlite(first.replace(day=min(found.day, days)) + since_midnight))


def _shifted(found: datetime.datetime, by: datetime.timedelta) -> datetime.datetime:
    try:
        return found + by
    except OverflowError as error:
        raise SqlError(517) from error


def _date_diff(_: Look, part: str, begin: Any, end: Any) -> int:
    """Count the boundaries of `part` between two times, as DATEDIFF does."""
    one, other = values.moment(str(begin)), values.moment(str(end))
    if part in _MONTHS:
        months = (other.year - one.year) * 12 + other.month - one.month
        return other.year - one.year if _MONTHS[part] == 12 else months // _MONTHS[part]
    if part not in _SECONDS:
        raise SqlError(155, part, "datediff")
    unit = _SECONDS[part]
    epoch = datetime.datetime(1899, 12, 31)  # noqa: DTZ001  # a Sunday: weeks begin there
    found = math.floor((other - epoch).total_seconds() / unit) - math.floor((one - epoch).total_seconds() / unit)
    if not -(2**31) <= found < 2**31:
        raise SqlError(535, "datediff", "datediff")
    return found


def _date_part(_: Look, part: str, when: Any) -> int:
    found = values.moment(str(when))
    known = {
        "year": found.year, "yyyy": found.year, "yy": found.year, "month": found.month, "mm": found.month,
        "m": found.month,
        "day": found.day, "dd": found.day, "d": found.day, "hour": found.hour, "hh": found.hour, "minute": found.minute,
        "mi": found.minute, "n": found.minute, "second": found.second, "ss": found.second, "s": found.second,
        "millisecond": found.microsecond // 1000, "ms": found.microsecond // 1000,
        "weekday": found.isoweekday() % 7 + 1,
        "dw": found.isoweekday() % 7 + 1, "dayofyear": found.timetuple().tm_yday, "dy": found.timetuple().tm_yday,
    }  # fmt: skip
    if part not in known:
        raise SqlError(155, part, "datepart")
    return known[part]


def _clock(*, utc: bool) -> Callable[[Look], str]:
    def call(look: Look) -> str:
        instance = look.instance
        show = instance.utc if utc else instance.local
        return str(values.to_sqlite(show(instance.world.now())))

    return call


# ---- the list

_DATETIME2 = SqlType("datetime2", scale=7)
_WORDS = nvarchar(4000)

FUNCTIONS: dict[str, Function] = {
    "LEN": Function(1, 1, INT, _strict(lambda _, value: len(str(value).rstrip(" ")))),
    "DATALENGTH": Function(1, 1, INT, _strict(lambda _, value: len(value) * (1 if isinstance(value, bytes) else 2))),
    "UPPER": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value).upper())),
    "LOWER": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value).lower())),
    "LTRIM": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value).lstrip(" "))),
    "RTRIM": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value).rstrip(" "))),
    "LEFT": Function(2, 2, _text_like_first, _strict(lambda _, value, count: str(value)[: max(count, 0)])),
    "RIGHT": Function(2, 2, _text_like_first, _strict(lambda _, value, n: str(value)[-n:] if n > 0 else "")),
    "SUBSTRING": Function(3, 3, _text_like_first, _strict(_substring)),
    "REPLACE": Function(3, 3, _text_like_first, _strict(_replace)),
    "REVERSE": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value)[::-1])),
    "CHARINDEX": Function(2, 3, INT, _strict(_char_index)),
    "QUOTENAME": Function(1, 2, nvarchar(258), _strict(_quote_name)),
    "ABS": Function(1, 1, _like_first, _strict(lambda _, value: abs(value))),
    "ISNULL": Function(2, 2, _first_known, lambda _, value, other: other if value is None else value),
    "NULLIF": Function(2, 2, _like_first, lambda _, value, other: None if value == other else value),
    "COALESCE": Function(2, 99, _widest, lambda _, *given: next((value for value in given if value is not None), None)),
    "GETDATE": Function(0, 0, DATETIME, _clock(utc=False)),
    "GETUTCDATE": Function(0, 0, DATETIME, _clock(utc=True)),
    "SYSDATETIME": Function(0, 0, _DATETIME2, _clock(utc=False), SQL_2008),
    "SYSUTCDATETIME": Function(0, 0, _DATETIME2, _clock(utc=True), SQL_2008),
    "DATEADD": Function(3, 3, _time_like_third, _strict(_date_add), part_first=True),
    "DATEDIFF": Function(3, 3, INT, _strict(_date_diff), part_first=True),
    "DATEPART": Function(2, 2, INT, _strict(_date_part), part_first=True),
    "YEAR": Function(1, 1, INT, _strict(lambda look, when: _date_part(look, "year", when))),
    "MONTH": Function(1, 1, INT, _strict(lambda look, when: _date_part(look, "month", when))),
    "DAY": Function(1, 1, INT, _strict(lambda look, when: _date_part(look, "day", when))),
    "NEWID": Function(0, 0, GUID, lambda _: str(properties.new_guid()).upper()),
    "SERVERPROPERTY": Function(1, 1, VARIANT, _strict(properties.of_server)),
    "DATABASEPROPERTYEX": Function(2, 2, VARIANT, _strict(properties.of_database)),
    "DB_ID": Function(0, 1, SMALLINT, properties.database_id),
    "DB_NAME": Function(0, 1, SYSNAME, properties.database_name),
    "OBJECT_ID": Function(1, 2, INT, properties.object_id),
    "HAS_DBACCESS": Function(1, 1, INT, _strict(properties.has_access)),
    "HAS_PERMS_BY_NAME": Function(3, 5, INT, properties.has_permission),
    "IS_SRVROLEMEMBER": Function(1, 2, INT, properties.in_server_role),
    "IS_MEMBER": Function(1, 1, INT, _strict(properties.in_database_role)),
    "IS_ROLEMEMBER": Function(1, 2, INT, properties.in_database_role, SQL_2012),
    "SUSER_SNAME": Function(0, 1, SYSNAME, properties.login_name),
    "SUSER_NAME": Function(0, 1, SYSNAME, properties.login_name),
    "ORIGINAL_LOGIN": Function(0, 0, SYSNAME, properties.login_name),
    "USER_NAME": Function(0, 1, SYSNAME, properties.user_name),
    "SCHEMA_NAME": Function(0, 1, SYSNAME, lambda *_: "dbo"),
    "HOST_NAME": Function(0, 0, SYSNAME, lambda look: look.seat.host),
    "APP_NAME": Function(0, 0, SYSNAME, lambda look: look.seat.program),
    "FLOOR": Function(1, 1, _like_first, _strict(lambda _, value: math.floor(value))),
    "CEILING": Function(1, 1, _like_first, _strict(lambda _, value: math.ceil(value))),
    "STR": Function(1, 1, nvarchar(10), _strict(lambda _, value: f"{round(value):>10}")),
    "CONCAT": Function(2, 254, _WORDS, lambda _, *given: "".join("" if v is None else str(v) for v in given), SQL_2012),
    "TRIM": Function(1, 1, _text_like_first, _strict(lambda _, value: str(value).strip(" ")), (14, 0)),
}  # fmt: skip

GLOBALS: dict[str, tuple[SqlType, Callable[[Look], Any]]] = {
    "VERSION": (nvarchar(300), properties.version_words),
    "SERVERNAME": (SYSNAME, lambda look: look.instance.server_name),
    "SERVICENAME": (SYSNAME, lambda _: "MSSQLSERVER"),
    "SPID": (SMALLINT, lambda look: look.seat.id),
    "LANGUAGE": (SYSNAME, lambda look: look.instance.language),
    "MICROSOFTVERSION": (INT, properties.version_number),
    "MAX_PRECISION": (SqlType("tinyint"), lambda _: 38),
    "TEXTSIZE": (INT, lambda _: 2147483647),
    "LOCK_TIMEOUT": (INT, lambda _: -1),
    "DATEFIRST": (SqlType("tinyint"), lambda _: 7),
    "OPTIONS": (INT, lambda _: 5496),
    "MAX_CONNECTIONS": (INT, lambda _: 32767),
}  # fmt: skip
"""Those that hang on the session (@@TRANCOUNT, @@ROWCOUNT, @@ERROR) are the batch's own."""

AGGREGATES = frozenset({"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG"})
WINDOW_ONLY = frozenset({"ROW_NUMBER", "RANK", "DENSE_RANK"})
