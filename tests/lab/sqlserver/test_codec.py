"""The wire's own types and messages: what goes out comes back, and what is no TDS is Malformed and nothing else."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.sqlserver.tds import messages, types, versions
from app.lab.sqlserver.tds.packets import Malformed
from app.lab.sqlserver.tds.parameters import UnknownType, read_value
from app.lab.sqlserver.tds.reader import Reader

VERSIONS = (versions.V7_1, versions.V7_2, versions.V7_3A, versions.V7_3B, versions.V7_4)
COLLATION = types.collation("SQL_Latin1_General_CP1_CI_AS")
DAYS = st.datetimes(datetime.datetime(1753, 1, 1), datetime.datetime(9999, 12, 31))  # noqa: DTZ001  # T-SQL's own range


def there_and_back(kind: types.SqlType, value: Any, version: int) -> Any:
    dialect = types.Dialect(version, COLLATION)
    reader = Reader(types.type_info(kind, dialect) + types.value(kind, value, dialect))
    _, found = read_value(reader, version)
    assert not reader.left
    return found


@given(st.text(max_size=300), st.sampled_from(VERSIONS))
def test_texts_come_back(text: str, version: int) -> None:
    assert there_and_back(types.nvarchar(4000), text, version) == text


@given(st.text(max_size=6000), st.sampled_from(VERSIONS[1:]))
def test_long_texts_come_back(text: str, version: int) -> None:
    assert there_and_back(types.nvarchar(), text, version) == text


@given(st.binary(max_size=9000), st.sampled_from(VERSIONS[1:]))
def test_bytes_come_back(raw: bytes, version: int) -> None:
    assert there_and_back(types.SqlType("varbinary", types.MAX), raw, version) == raw


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(VERSIONS))
def test_whole_numbers_come_back(number: int, version: int) -> None:
    assert there_and_back(types.BIGINT, number, version) == number


@given(st.floats(allow_nan=False), st.sampled_from(VERSIONS))
def test_floats_come_back(number: float, version: int) -> None:
    assert there_and_back(types.FLOAT, number, version) == number


@given(st.decimals(-(10**20), 10**20, places=6), st.sampled_from(VERSIONS))
def test_decimals_come_back(number: Decimal, version: int) -> None:
    assert there_and_back(types.decimal(38, 6), number, version) == number


@given(st.uuids(), st.sampled_from(VERSIONS))
def test_guids_come_back(guid: uuid.UUID, version: int) -> None:
    assert there_and_back(types.GUID, guid, version) == guid


@given(DAYS, st.sampled_from(VERSIONS))
def test_datetimes_come_back_to_a_three_hundredth_of_a_second(moment: datetime.datetime, version: int) -> None:
    found = there_and_back(types.DATETIME, moment, version)
    assert abs(found - moment) <= datetime.timedelta(milliseconds=2)


@given(DAYS)
def test_datetime2_comes_back_exactly(moment: datetime.datetime) -> None:
    assert there_and_back(types.SqlType("datetime2", scale=7), moment, versions.V7_4) == moment


@given(st.booleans() | st.none(), st.sampled_from(VERSIONS))
def test_bits_and_null_come_back(bit: bool | None, version: int) -> None:  # it is the value
    assert there_and_back(types.BIT, bit, version) == bit


@pytest.mark.parametrize("name", ["int", "float", "datetime", "uniqueidentifier", "decimal", "bit"])
def test_null_of_every_type_comes_back(name: str) -> None:
    kind = types.decimal(10, 2) if name == "decimal" else types.SqlType(name)
    assert there_and_back(kind, None, versions.V7_4) is None


def test_a_version_that_nobody_knew_is_answered_with_the_next_lower_one() -> None:
    assert versions.agreed(0x74000099, versions.SQL_2012) == versions.V7_4
    assert versions.agreed(versions.V7_4, versions.SQL_2005) == versions.V7_2
    assert versions.agreed(versions.V7_1, versions.SQL_2012) == versions.V7_1
    assert versions.agreed(0x01000000, versions.SQL_2012) == versions.V7_0


@given(st.binary(max_size=400), st.sampled_from(VERSIONS))
def test_garbage_is_malformed_and_nothing_else(raw: bytes, version: int) -> None:
    for read in (
        lambda: messages.read_prelogin(raw),
        lambda: messages.read_login(raw),
        lambda: messages.read_calls(raw, version),
        lambda: messages.read_batch(raw, version),
        lambda: messages.read_transaction(raw, version),
    ):
        with contextlib.suppress(Malformed, UnknownType):
            read()


@given(st.binary(min_size=1, max_size=200), st.sampled_from(VERSIONS))
def test_a_garbled_parameter_is_malformed_and_nothing_else(raw: bytes, version: int) -> None:
    with contextlib.suppress(Malformed, UnknownType):
        read_value(Reader(raw), version)
