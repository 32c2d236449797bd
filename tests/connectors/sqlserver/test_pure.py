"""What is sent to SQL Server, through which driver, and what its errors mean: without any server."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import profile
from app.connectors import sqlserver
from app.connectors.sqlserver import drivers, faults, tsql
from app.connectors.sqlserver.facts import ahead_of_utc
from app.connectors.sqlserver.faults import Outcome, Said
from app.connectors.sqlserver.session import scrubber
from app.errors import AnswerLost, CouldNotLook, NotLetIn, UserError
from app.texts import text

FAILED = text("It failed.")

awkward = st.text("]['\"; \\-/*%{}()N二汉字😀ab", min_size=1, max_size=128).filter(lambda t: len(t) <= 128)
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\"), min_size=1, max_size=128)
TEXT = re.compile(r"N'((?:[^']|'')*)'")


def literals(batch: str) -> list[str]:
    return [found.replace("''", "'") for found in TEXT.findall(batch)]


# ---- quoting


@given(st.one_of(awkward, any_text))
@example("]" * 128)
@example("'; DROP DATABASE [x] --")
@example("VCDB [alt] 二")
def test_a_name_is_one_token_whatever_it_holds(name: str) -> None:
    quoted = tsql.name(name)
    assert re.fullmatch(r"\[(?:[^\]]|\]\])*\]", quoted, re.DOTALL)
    assert quoted[1:-1].replace("]]", "]") == name


@given(st.one_of(awkward, any_text))
def test_a_literal_is_one_token_whatever_it_holds(value: str) -> None:
    quoted = tsql.literal(value)
    assert re.fullmatch(r"N'(?:[^']|'')*'", quoted, re.DOTALL)
    assert literals(quoted) == [value]


@given(st.one_of(awkward, any_text), st.text("ab\\:'; ]", min_size=1, max_size=200), awkward, st.booleans())
def test_a_backup_says_all_its_options_and_keeps_its_three_values_apart(
    database: str, path: str, run: str, compress: bool
) -> None:
    batch = tsql.backup(database, path, set_name=run, compress=compress)
    assert literals(batch) == [database, path, run]
    bare = TEXT.sub("?", batch)
    assert bare == (
        "DECLARE @name nvarchar(128), @path nvarchar(260), @set nvarchar(128); "
        "SET @name = ?; SET @path = ?; SET @set = ?; "
        "BACKUP DATABASE @name TO DISK = @path WITH COPY_ONLY, CHECKSUM, INIT, NAME = @set, STATS = 5"
        + (", COMPRESSION" if compress else "")
        + "; SELECT 1 AS ended"
    )


@pytest.mark.parametrize("value", ["a\0b", "a\\\nb", "a\\\r\nb"])
def test_what_a_batch_cannot_hold_is_refused_not_changed(value: str) -> None:
    for quote in (tsql.literal, tsql.name):
        with pytest.raises(UserError):
            quote(value)


def test_names_and_paths_that_are_too_long_are_refused_not_cut() -> None:
    for database, path in (("x" * 129, "p"), ("", "p"), ("x", "p" * 260), ("x", "")):
        with pytest.raises(UserError):
            tsql.backup(database, path, set_name="run", compress=False)


# ---- versions and drivers


@pytest.mark.parametrize(
    ("version", "edition_id", "edition", "may"),
    [
        ("9.00.5000.00", 3, "Enterprise Edition", False),
        ("10.0.6000.29", 3, "Enterprise Edition (64-bit)", True),
        ("10.0.6000.29", 3, "Developer Edition", True),
        ("10.0.6000.29", 2, "Standard Edition (64-bit)", False),
        ("10.50.4000.0", 2, "Standard Edition (64-bit)", True),
        ("10.50.4000.0", 2, "Web Edition (64-bit)", False),
        ("10.50.4000.0", 2, "Workgroup Edition", False),
        ("10.50.4000.0", 4, "Express Edition with Advanced Services", False),
        ("11.0.7001.0", 2, "Business Intelligence Edition", True),
        ("16.0.1000.6", 4, "Express Edition", False),
        ("16.0.1000.6", 2, "Standard Edition", True),
        ("16.0.1000.6", 0, "", False),
        ("", 3, "Enterprise", False),
    ],
)
def test_compression_is_asked_for_only_where_it_is_known(
    version: str, edition_id: int, edition: str, may: bool
) -> None:
    assert sqlserver.can_compress(version, edition_id, edition) is may


WINDOWS = (
    "SQL Server", "SQL Server Native Client 10.0", "SQL Server Native Client 11.0", "ODBC Driver 11 for SQL Server",
    "ODBC Driver 13 for SQL Server", "ODBC Driver 17 for SQL Server", "ODBC Driver 18 for SQL Server",
    "Microsoft Access Driver (*.mdb, *.accdb)", "MySQL ODBC 8.0 Driver",
)  # fmt: skip


def chosen(major: int, installed: tuple[str, ...] = WINDOWS, *, encrypt: bool = False) -> list[str]:
    return [found.name for found in drivers.choose_drivers(installed, major=major, encrypt=encrypt)]


def test_2005_is_asked_through_the_native_client_or_the_old_driver_before_the_newer_ones() -> None:
    assert chosen(9)[:3] == ["SQL Server Native Client 11.0", "SQL Server Native Client 10.0", "SQL Server"]
    assert chosen(9, ("SQL Server", "ODBC Driver 18 for SQL Server"))[0] == "SQL Server"


def test_2008_is_asked_through_drivers_11_and_13_and_17_before_18() -> None:
    order = chosen(10)
    assert order[0] == "ODBC Driver 13 for SQL Server"
    assert order[-1] == "ODBC Driver 18 for SQL Server"
    assert {"ODBC Driver 11 for SQL Server", "ODBC Driver 17 for SQL Server"} < set(order[:3])


def test_newer_servers_are_asked_through_the_newest_driver_first() -> None:
    assert chosen(11)[0] == "ODBC Driver 18 for SQL Server"
    assert chosen(15)[:2] == ["ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server"]
    assert chosen(0)[0] == "ODBC Driver 18 for SQL Server"


def test_the_driver_that_every_windows_has_is_used_where_there_is_no_other_and_nothing_must_be_encrypted() -> None:
    assert chosen(10, ("SQL Server",)) == ["SQL Server"]
    assert chosen(10, ("SQL Server",), encrypt=True) == []


def test_other_databases_drivers_are_never_chosen() -> None:
    assert chosen(10, ("MySQL ODBC 8.0 Driver", "SQLite3", "PostgreSQL Unicode")) == []


def test_the_driver_of_the_profile_is_the_only_one_tried() -> None:
    assert [found.name for found in drivers.choose_drivers(WINDOWS, wanted="ODBC Driver 17 for SQL Server")] == [
        "ODBC Driver 17 for SQL Server"
    ]
    assert drivers.choose_drivers(WINDOWS, wanted="Some other driver")[0].name == "Some other driver"


def test_freetds_is_known_by_name_and_by_file_and_serves_every_version() -> None:
    for name in ("FreeTDS", *drivers.FREETDS_PLACES):
        found = drivers.driver(name)
        assert found is not None
        assert found.family == "freetds"
        assert all(found.knows(major) for major in range(17))
    assert drivers.driver("/x/libmsodbcsql-18.6.so.2.1") == drivers.Driver("/x/libmsodbcsql-18.6.so.2.1", "odbc", 18)


def parsed(words: str, *, freetds: bool = False) -> dict[str, str]:
    """Take a connection string apart: as ODBC defines it, or as FreeTDS was seen to do."""
    value = r"(?:[^}]|\}(?!;))*" if freetds else r"(?:[^}]|\}\})*"
    found = re.findall(r"([^=;]+)=\{(" + value + r")\};", words, re.DOTALL)
    assert "".join(f"{k}={{{v}}};" for k, v in found) == words
    return {key: value if freetds else value.replace("}}", "}") for key, value in found}


@given(st.sampled_from([*WINDOWS[:7], "FreeTDS"]), any_text, any_text, st.booleans(), st.integers(9, 16))
@example("FreeTDS", "sa", "a}b;PWD=x{}};", True, 10)
def test_no_value_of_a_connection_string_can_end_early(
    name: str, account: str, password: str, encrypt: bool, major: int
) -> None:
    found = drivers.driver(name)
    assert found is not None
    if not drivers.can_say(found, account, password):
        assert "};" in account + "\n" + password
        return
    target = drivers.Target("h", 1433, account, encrypt, major)
    words = parsed(drivers.connection_string(found, target, password), freetds=found.family == "freetds")
    assert (words["UID"], words["PWD"], words["DRIVER"]) == (account, password, name)
    if found.family == "freetds":
        assert words["Encryption"] == ("require" if encrypt else "request")
        assert words["TDS_Version"] == {9: "7.2", 10: "7.3"}.get(major, "7.4")
    elif found.family != "old":
        assert words["Encrypt"] == ("yes" if encrypt else "no")


def test_without_an_account_the_workstations_own_login_is_used() -> None:
    found = drivers.Driver("ODBC Driver 18 for SQL Server", "odbc", 18)
    words = parsed(drivers.connection_string(found, drivers.Target("h", 1, "", True), ""))
    assert words["Trusted_Connection"] == "yes"
    assert not {"UID", "PWD"} & words.keys()


# ---- errors


def error(number: int, *, state: str = "42000") -> Outcome:
    message = f"[{state}] [driver][SQL Server]Meldung in der Sprache des Hauses. ({number}) (SQLExecDirectW)"
    return Outcome(faults.records(Exception(state, message), str))


def test_every_record_of_an_error_is_kept_with_state_and_number() -> None:
    message = (
        "[42000] [FreeTDS][SQL Server]Cannot open backup device; see (5). (3201) (SQLExecDirectW); "
        "[42000] [FreeTDS][SQL Server]BACKUP DATABASE is terminating abnormally. (3013)"
    )
    said = faults.records(Exception("42000", message), str)
    assert [(one.state, one.number) for one in said] == [("42000", 3201), ("42000", 3013)]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (262, "lacks a right"),
        (911, "no such database"),
        (3201, "cannot open"),
        (3202, "could not write"),
        (3241, "damaged"),
    ],
)
def test_what_the_server_says_is_known_by_its_number_in_every_language(number: int, says: str) -> None:
    told = faults.not_done("sql1", "sa", error(number), FAILED)
    assert says in str(told)
    assert type(told) is UserError
    assert "Meldung" in told.details


def test_a_full_disk_is_told_apart_from_another_write_error() -> None:
    full = Outcome((Said("42000", 3202, 'Write on "x" failed: 112(Nicht genug Platz.)'),))
    assert "full" in str(faults.not_done("sql1", "sa", full, FAILED))


def test_a_broken_connection_is_an_answer_lost_for_an_act_and_no_look_for_a_look() -> None:
    for outcome in (error(20003, state="08S01"), error(10054, state="08S01"), error(0, state="08S01"), error(20006)):
        assert outcome.broken
        assert isinstance(faults.not_done("sql1", "sa", outcome, FAILED), AnswerLost)
        assert isinstance(faults.not_seen("sql1", "sa", outcome), CouldNotLook)
    assert not error(3201).broken


def test_a_refused_login_is_no_reason_to_try_again_and_names_the_account() -> None:
    told = faults.not_connected("sql1", "PRACTICE\\x", error(18456, state="28000"))
    assert isinstance(told, NotLetIn)
    assert "PRACTICE\\x" in str(told)
    assert error(18456).from_server


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=20).filter(lambda t: "•" not in t))
@example("p}w;d")
def test_no_password_survives_in_an_errors_words(password: str) -> None:
    target = drivers.Target("h", 1433, "u", encrypt=True)
    words = drivers.connection_string(drivers.Driver("SQL Server", "old"), target, password)
    echo = Exception("08001", f"[08001] cannot connect with {words} nor with <{password}> (0) (SQLDriverConnect)")
    (said,) = faults.records(echo, scrubber(password))
    assert f"<{password}>" not in said.words
    assert f"PWD={{{password}}}" not in said.words


def test_no_password_is_shown_by_a_server() -> None:
    server = sqlserver.SqlServer(profile.SqlServer(name="sql1", address="h"), "hush-hush")
    assert "hush" not in repr(server)
    assert "hush" not in str(vars(server))
    assert "hush" not in repr(server._login)


def test_no_driver_is_loaded_before_the_first_connection() -> None:
    program = "import sys, app.connectors.sqlserver; sys.exit('pyodbc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: datetime.timedelta(minutes=15 * quarters)),
    st.integers(-2, 2).map(lambda ticks: datetime.timedelta(milliseconds=3 * ticks)),
)
def test_a_server_is_ahead_of_utc_by_its_zone_whatever_lies_between_two_looks_at_its_clock(
    zone: datetime.timedelta, between: datetime.timedelta
) -> None:
    utc = datetime.datetime(2026, 11, 21, 2, 18, 0, 3000)  # noqa: DTZ001  # as SQL Server gives it: of no zone
    assert ahead_of_utc(utc, utc + zone + between) == zone
