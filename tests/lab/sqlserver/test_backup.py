"""BACKUP DATABASE: its proof is the row and the file, and neither is there unless the client waited for the end."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pyodbc  # type: ignore[import-not-found]  # its stub lies where mypy does not look
import pytest

from app.lab.rows import Database, HostFolder, SqlServer, WindowsHost
from app.lab.sqlserver import media

BACKUPS = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"
DRIVERS = ("FreeTDS 7.4", "Microsoft")


def file_of(lab: Any, name: str = "one.bak", host: str = "sql1") -> Any:
    return lab.world.file(host, f"{BACKUPS}\\{name}")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_drained_backup_leaves_a_row_and_a_file(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, driver: str
) -> None:  # fixtures
    _, numbers = run(client.connect(driver), backup_batch())
    assert numbers == [3211] * 10 + [4035, 3014]
    [record] = ours()
    assert record.copy_only
    assert record.checksums
    assert (record.database, record.user, record.position) == ("ViewComposer", "keeper", 1)
    identifier, [found] = media.read(lab.world.content(file_of(lab).blob))
    assert identifier
    assert found.complete
    assert found.whole
    assert found.header.database == "ViewComposer"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_backup_that_is_not_drained_leaves_no_row_and_no_file(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, driver: str
) -> None:  # fixtures
    connection = client.connect(driver)
    cursor = connection.cursor()
    cursor.execute(backup_batch())
    cursor.close()
    run(connection, "SELECT 1")  # the server is through with it
    assert not ours()
    assert file_of(lab) is None


def test_a_backup_whose_client_goes_away_is_aborted(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any
) -> None:
    connection = client.connect("Microsoft")
    connection.cursor().execute(backup_batch())
    connection.close()
    other = client.connect()
    while run(other, "SELECT COUNT(*) FROM sys.dm_exec_sessions")[0] != [(1,)]:
        pass
    assert not ours()
    assert file_of(lab) is None


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_cancelled_backup_is_aborted_and_the_connection_lives_on(
    client: Any, run: Any, backup_batch: Any, ours: Any, fault: Any, driver: str
) -> None:  # fixtures
    fault("hang")
    connection = client.connect(driver)
    cursor = connection.cursor()
    errors: list[pyodbc.Error] = []

    def back_up() -> None:
        try:
            cursor.execute(backup_batch())
            while cursor.nextset():
                pass
        except pyodbc.Error as error:
            errors.append(error)

    worker = threading.Thread(target=back_up)
    worker.start()
    other = client.connect()
    question = "SELECT percent_complete FROM sys.dm_exec_requests WHERE command = 'BACKUP DATABASE'"
    while run(other, question)[0] != [(50.0,)]:
        pass
    cursor.cancel()
    worker.join()
    assert [error.args[0] for error in errors] in (["HY008"], ["HY010"])  # as the cancel meets the driver's state
    assert run(connection, "SELECT 1")[0] == [(1,)]
    assert not ours()


def test_messages_come_while_the_backup_goes_on(client: Any, backup_batch: Any, fault: Any) -> None:
    fault("hang")  # in the middle: what comes before it comes at once or never
    cursor = client.connect("Microsoft").cursor()
    cursor.execute(backup_batch())
    seen = [words for _, words in cursor.messages]
    for _ in range(4):
        cursor.nextset()
        seen += [words for _, words in cursor.messages]
    assert [words.split("]")[-1].split()[0] for words in seen] == ["10", "20", "30", "40", "50"]
    cursor.cancel()


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ({"database": "nope"}, 911),
        ({"database": "tempdb"}, 3147),
        ({"file": BACKUPS + r"\missing\x.bak"}, 3201),
        ({"file": r"Z:\x.bak"}, 3201),
        ({"file": r"C:\x.bak"}, 3201),
        ({"file": r"\\nas\share\x.bak"}, 3201),
        ({"file": r"\\sql2\C$\x.bak"}, 3201),
        ({"file": BACKUPS + r"\a?b.bak"}, 3201),
        ({"more": "COPY_ONLY, FOO"}, 155),
        ({"more": "INIT, NOINIT"}, 3031),
    ],
)
def test_what_cannot_be_backed_up_is_refused_with_its_number(
    client: Any, refused: Any, backup_batch: Any, ours: Any, arguments: dict[str, str], number: int
) -> None:  # fixtures
    assert refused(client.connect(), backup_batch(**arguments)) == number
    assert not ours()


def test_every_refusal_ends_with_3013(servers: Any, lab: Any, backup_batch: Any) -> None:
    import pytds

    password = lab.passwords.of("keeper")
    with (
        pytds.connect(
            "127.0.0.1", port=servers["sql1"].port, user="keeper", password=password, autocommit=True
        ) as connection,
        connection.cursor() as cursor,
        pytest.raises(pytds.DatabaseError) as caught,
    ):
        cursor.execute(backup_batch(database="nope"))
    assert caught.value.number == 3013
    assert "'nope' does not exist" in str(caught.value)


@pytest.mark.parametrize("driver", DRIVERS)
def test_inside_a_transaction_it_is_refused(client: Any, refused: Any, backup_batch: Any, driver: str) -> None:
    connection = client.connect(driver, autocommit=False)
    assert refused(connection, backup_batch()) == 3021
    connection.rollback()


def test_compression_is_refused_by_editions_that_lack_it(
    client: Any, run: Any, refused: Any, backup_batch: Any, altered: Any
) -> None:  # fixtures
    batch = backup_batch(more="COPY_ONLY, COMPRESSION, INIT")
    run(client.connect(), batch)
    altered(SqlServer, ("sql1",), version="10.0.5500.0")
    assert refused(client.connect(), batch) == 1844
    altered(SqlServer, ("sql1",), edition_id=3)
    run(client.connect(), batch)
    altered(SqlServer, ("sql1",), version="10.50.4000.0", edition_id=4)
    assert refused(client.connect(), batch) == 1844


def test_2005_does_not_know_compression_as_a_word(client: Any, refused: Any, backup_batch: Any) -> None:
    assert refused(client.connect("FreeTDS 7.2", "sql2"), backup_batch(more="COMPRESSION")) == 155


def test_a_full_disk_ends_it_half_way(
    client: Any, refused: Any, backup_batch: Any, ours: Any, lab: Any, altered: Any
) -> None:
    size = lab.world.require(Database, "sql1", "ViewComposer").size
    altered(WindowsHost, ("sql1",), free={"C:": size // 2, "D:": 10**12})
    assert refused(client.connect(), backup_batch()) == 3202
    assert not ours()
    assert file_of(lab) is None


def test_a_folder_that_the_service_account_may_not_write_in_is_refused(
    client: Any, refused: Any, backup_batch: Any, lab: Any
) -> None:  # fixtures
    lab.world.change("tests", "a folder", HostFolder(host="sql1", path=r"D:\Closed", writers=("PRACTICE\\dba",)))
    with pytest.raises(pyodbc.Error, match=r"5\(Access is denied"):
        client.connect().cursor().execute(backup_batch(file=r"D:\Closed\x.bak"))


def test_a_database_that_is_being_restored_is_refused(
    client: Any, refused: Any, backup_batch: Any, altered: Any
) -> None:
    altered(Database, ("sql1", "ViewComposer"), state="RESTORING")
    assert refused(client.connect("Microsoft"), backup_batch()) == 927


def test_without_init_a_second_backup_is_appended_and_init_overwrites(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any
) -> None:  # fixtures
    connection = client.connect()
    run(connection, backup_batch(more="COPY_ONLY"))
    run(connection, backup_batch(more="COPY_ONLY"))
    assert [record.position for record in ours()] == [1, 2]
    assert len(media.read(lab.world.content(file_of(lab).blob))[1]) == 2
    run(connection, backup_batch(more="COPY_ONLY, INIT"))
    assert len(media.read(lab.world.content(file_of(lab).blob))[1]) == 1


def test_a_file_that_is_no_backup_is_not_overwritten_unless_formatted(
    client: Any, run: Any, refused: Any, backup_batch: Any, lab: Any
) -> None:  # fixtures
    lab.world.change("tests", "a file", lab.world.new_file("sql1", f"{BACKUPS}\\one.bak", b"a diary"))
    assert refused(client.connect(), backup_batch()) == 3242
    run(client.connect(), backup_batch(more="FORMAT"))


def test_the_content_of_a_backup_is_what_the_world_held(client: Any, run: Any, backup_batch: Any, lab: Any) -> None:
    run(client.connect(), backup_batch("VIM_VCDB"))
    [found] = media.read(lab.world.content(file_of(lab).blob))[1]
    database = lab.world.require(Database, "sql1", "VIM_VCDB")
    assert media.restored(found) == media.rows_of(lab.world, database)
    assert len(media.restored(found)) > 40


NAMES = (
    "a]b",
    "it's",
    "semi;colon",
    "two  words",
    "中文数据库",
    "[x]]",
    "研" * 64,
    "--",
    "/*",
    '"q"',
    "a'b]c;d",
    "x" * 128,
)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_database_of_any_name_is_backed_up(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, driver: str
) -> None:  # fixtures
    connection = client.connect(driver)
    for name in NAMES:
        lab.world.change("tests", "a database", Database(server="sql1", name=name, size=10**6))
        run(connection, backup_batch(name, name=name))
        assert [record.database for record in ours(name)] == [name]
        asked = "SELECT database_name, name FROM msdb.dbo.backupset WHERE database_name = ?"
        assert run(connection, asked, name)[0] == [(name, name)]
        run(connection, f"USE [{name.replace(']', ']]')}]")
        assert run(connection, "SELECT DB_NAME()")[0] == [(name,)]


def test_names_and_paths_may_be_literals(client: Any, run: Any, ours: Any, lab: Any) -> None:
    lab.world.change("tests", "a database", Database(server="sql1", name="a]b'c", size=10**6))
    run(client.connect(), f"BACKUP DATABASE [a]]b'c] TO DISK = N'{BACKUPS}\\it''s.bak' WITH NAME = N'it''s'")
    assert [(record.database, record.path) for record in ours("it's")] == [("a]b'c", f"{BACKUPS}\\it's.bak")]


def test_a_path_without_n_loses_what_the_code_page_lacks(client: Any, run: Any, ours: Any) -> None:
    with pytest.raises(pyodbc.Error, match=r"\?\?\.bak"):
        run(client.connect(), f"BACKUP DATABASE ViewComposer TO DISK = '{BACKUPS}\\备份.bak'")
    assert not ours("")


# ---- faults


def test_a_server_that_lies_says_yes_and_leaves_nothing(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, fault: Any
) -> None:  # fixtures
    fault("lie")
    assert run(client.connect(), backup_batch())[1][-1] == 3014
    assert not ours()
    assert file_of(lab) is None


def test_half_a_backup_has_its_row_and_damaged_pages(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, fault: Any
) -> None:  # fixtures
    fault("half")
    run(client.connect(), backup_batch())
    assert ours()
    [found] = media.read(lab.world.content(file_of(lab).blob))[1]
    assert found.complete
    assert not found.whole


def test_half_a_backup_may_lack_its_file(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, fault: Any
) -> None:
    fault("half", detail="missing")
    run(client.connect(), backup_batch())
    assert ours()
    assert file_of(lab) is None


def test_a_lost_answer_leaves_a_whole_backup(
    client: Any, run: Any, backup_batch: Any, ours: Any, lab: Any, fault: Any
) -> None:
    fault("lose-answer")
    with pytest.raises(pyodbc.Error):
        run(client.connect(), backup_batch())
    assert ours()
    assert file_of(lab) is not None


@pytest.mark.parametrize(("kind", "number"), [("fail", 3202), ("disk-full", 3202)])
def test_faults_that_end_it_leave_nothing(
    client: Any, refused: Any, backup_batch: Any, ours: Any, lab: Any, fault: Any, kind: str, number: int
) -> None:  # fixtures
    fault(kind, times=1)
    assert refused(client.connect("Microsoft"), backup_batch()) == number
    assert not ours()
    assert file_of(lab) is None


@pytest.mark.parametrize("kind", ["drop", "refuse"])
def test_a_connection_that_breaks_leaves_nothing(
    client: Any, run: Any, backup_batch: Any, ours: Any, fault: Any, kind: str
) -> None:  # fixtures
    fault(kind, times=1)
    with contextlib.suppress(pyodbc.Error):  # Microsoft's driver ends such a batch as if nothing had been
        run(client.connect("Microsoft"), backup_batch())
    assert not ours()


def test_a_fault_is_met_as_often_as_it_says(client: Any, run: Any, refused: Any, backup_batch: Any, fault: Any) -> None:
    fault("fail", times=1)
    connection = client.connect()
    assert refused(connection, backup_batch()) == 3202
    run(connection, backup_batch())
