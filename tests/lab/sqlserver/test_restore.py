"""RESTORE ... ONLY: the file is read, and what is wrong with it has its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.lab.rows import SqlServer
from app.lab.sqlserver import media

BACKUPS = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"
FILE = f"{BACKUPS}\\one.bak"
VERIFY = f"RESTORE VERIFYONLY FROM DISK = N'{FILE}'"


def changed(lab: Any, change: Callable[[bytes], bytes]) -> None:
    content = lab.world.content(lab.world.file("sql1", FILE).blob)
    lab.world.change("tests", "another file", lab.world.new_file("sql1", FILE, change(content)))


@pytest.fixture
def made(client: Any, run: Any, backup_batch: Any) -> Any:
    """A connection on which a backup has been made."""
    connection = client.connect()
    run(connection, backup_batch())
    return connection


def test_a_whole_backup_verifies(made: Any, run: Any) -> None:
    assert run(made, VERIFY + " WITH CHECKSUM, STOP_ON_ERROR, STATS = 50")[1] == [3211, 3211, 3262]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (media.damaged, 3189),
        (lambda data: data[: len(data) // 2], 3203),
        (lambda data: data[:-5], 3203),
        (lambda data: b"X" + data[1:], 3242),
        (lambda data: b"", 3242),
        (lambda data: data[:30], 3241),
    ],
)
def test_what_is_wrong_with_a_file_has_its_number(made: Any, refused: Any, lab: Any, change: Any, number: int) -> None:
    changed(lab, change)
    assert refused(made, VERIFY + " WITH CHECKSUM, STOP_ON_ERROR") == number


def test_damage_in_a_page_is_only_seen_with_checksum(made: Any, run: Any, lab: Any) -> None:
    changed(lab, media.damaged)
    assert run(made, VERIFY)[1] == [3262]


def test_a_backup_without_checksums_cannot_be_verified_with_them(
    made: Any, run: Any, refused: Any, backup_batch: Any
) -> None:
    run(made, backup_batch(more="COPY_ONLY, INIT"))
    assert refused(made, VERIFY + " WITH CHECKSUM") == 3187
    assert run(made, VERIFY)[1] == [3262]


def test_a_missing_file_is_not_opened(client: Any, refused: Any) -> None:
    assert refused(client.connect(), VERIFY) == 3201


def test_a_set_that_is_not_in_the_file_is_not_found(made: Any, refused: Any) -> None:
    assert refused(made, VERIFY + " WITH FILE = 2") == 4038


def test_the_header_says_what_the_backup_is(made: Any) -> None:
    cursor = made.cursor().execute(f"RESTORE HEADERONLY FROM DISK = N'{FILE}'")
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    assert (row["BackupName"], row["DatabaseName"], row["Position"]) == ("run 1", "ViewComposer", 1)
    assert row["HasBackupChecksums"]
    assert row["IsCopyOnly"]
    assert "CompressedBackupSize" in names
    assert "EncryptorType" not in names, "2008 R2 knew no encrypted backups"


def test_a_backup_cut_off_in_the_middle_calls_itself_incomplete(made: Any, run: Any, lab: Any) -> None:
    changed(lab, lambda data: data[:-5])
    assert run(made, f"RESTORE HEADERONLY FROM DISK = N'{FILE}'")[0][0][0] == "*** INCOMPLETE ***"


def test_the_list_of_files_names_data_and_log(made: Any, run: Any) -> None:
    rows, _ = run(made, f"RESTORE FILELISTONLY FROM DISK = N'{FILE}'")
    assert [(row[0], row[2]) for row in rows] == [("ViewComposer", "D"), ("ViewComposer_log", "L")]


def test_the_label_is_one_row(made: Any, run: Any) -> None:
    assert len(run(made, f"RESTORE LABELONLY FROM DISK = N'{FILE}'")[0]) == 1


def test_from_2008_on_reading_a_backup_needs_create_database(
    made: Any, client: Any, run: Any, refused: Any, altered: Any
) -> None:  # fixtures
    assert refused(client.connect("Microsoft", account="operator"), VERIFY) == 262
    altered(SqlServer, ("sql1",), version="9.00.5000.00")
    run(client.connect("FreeTDS 7.2", account="operator"), VERIFY)


def test_restoring_a_database_is_refused_clearly(made: Any, refused: Any) -> None:
    assert refused(made, f"RESTORE DATABASE ViewComposer FROM DISK = N'{FILE}' WITH REPLACE") == 40510


def test_a_server_that_lies_calls_damage_good(made: Any, run: Any, lab: Any, fault: Any) -> None:
    changed(lab, media.damaged)
    fault("lie", "*VERIFYONLY*")
    assert run(made, VERIFY + " WITH CHECKSUM")[1] == [3262]


def test_a_disk_that_cannot_be_read_fails_it(made: Any, refused: Any, fault: Any) -> None:
    fault("fail", "*VERIFYONLY*")
    assert refused(made, VERIFY + " WITH CHECKSUM") == 3203
