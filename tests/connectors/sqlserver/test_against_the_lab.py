"""The connector against the practice environment's SQL Servers, on real sockets."""

from __future__ import annotations

import datetime
import json
import socket
import threading
from collections.abc import Callable

import msgspec
import pytest

from app import profile
from app.connectors.sqlserver import SqlServer, installed_drivers, login, session
from app.errors import AnswerLost, CouldNotLook, NotLetIn, NotSent, Stopped, UserError
from app.lab.lab import Lab
from app.lab.rows import Account, BackupRecord, ComposerRequest, Database, HostFile, Setting
from app.lab.rows import SqlServer as SqlServerRow
from app.observation import State
from app.wire import Command

Connect = Callable[..., SqlServer]
Order = Callable[..., None]
FOLDER = r"C:\Program Files\Microsoft SQL Server\MSSQL.1\MSSQL\Backup"
PATH = FOLDER + r"\vk-run1.bak"
NAME = "ViewKeeper run1"


def records(lab: Lab, server: str = "sql1") -> list[BackupRecord]:
    return [row for row in lab.world.all(BackupRecord, server=server) if row.set_name == NAME]


def there(lab: Lab, host: str = "sql1", path: str = PATH) -> bool:
    return lab.world.get(HostFile, host, path.lower()) is not None


# ---- a whole backup


def test_a_backup_is_made_seen_live_and_proven(lab: Lab, connect: Connect, driver: str) -> None:
    server = connect(driver=driver)
    seen: list[float] = []
    server.backup("ViewComposer", PATH, name=NAME, progress=seen.append)
    assert seen
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    proof = server.prove("ViewComposer", PATH, name=NAME)
    assert (proof.checksums, proof.damaged, proof.copy_only, proof.path) == (True, False, True, PATH)
    assert proof.started <= proof.finished
    assert abs(proof.finished - server.clock()) < datetime.timedelta(minutes=2)
    server.verify_only(PATH)
    assert server.header(PATH)[0]["DatabaseName"] == "ViewComposer"
    assert server.file_list(PATH)
    assert there(lab)
    assert len(records(lab)) == 1


def test_a_name_full_of_quotes_on_2005_is_backed_up_without_compression(
    lab: Lab, connect: Connect, sent: list[Command]
) -> None:
    server = connect("sql2")
    server.backup("VCDB [alt] 二", PATH, name=NAME)
    assert server.prove("VCDB [alt] 二", PATH, name=NAME)
    assert not any("COMPRESSION" in command.text for command in sent)
    assert any("COMPRESSION" in c.text for c in [connect("sql1").backup_command("ViewComposer", PATH, name=NAME)])


def test_any_name_that_sql_server_allows_can_be_backed_up(lab: Lab, connect: Connect, driver: str) -> None:
    server = connect(driver=driver)
    for number, name in enumerate(("a]b'c;d e", "'; DROP DATABASE x --", "汉字 库", "]" * 128, "[x]")):
        lab.world.change("test", "a database", Database(server="sql1", name=name, size=1 << 20))
        path = FOLDER + rf"\odd's {number};.bak"
        server.backup(name, path, name=NAME)
        assert server.prove(name, path, name=NAME).database == name
        assert server.facts(name).name == name


def test_what_is_told_beforehand_is_what_goes_over_the_wire(lab: Lab, connect: Connect, sent: list[Command]) -> None:
    server = connect()
    planned = server.backup_command("ViewComposer", PATH, name=NAME)
    server.backup("ViewComposer", PATH, name=NAME)
    server.prove("ViewComposer", PATH, name=NAME)
    server.verify_only(PATH)
    log = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines()]
    on_the_wire = [Command(line["system"], line["text"], line["changes"]) for line in log]
    assert planned in sent
    assert [command for command in on_the_wire if command in sent] == sent
    assert [command.text for command in on_the_wire if command.changes] == [planned.text]


# ---- what goes wrong


def backed_up_and_proven(server: SqlServer) -> None:
    server.backup("ViewComposer", PATH, name=NAME)
    server.prove("ViewComposer", PATH, name=NAME)


@pytest.mark.parametrize(
    ("kind", "error", "row"),
    [
        ("fail", UserError, False),
        ("disk-full", UserError, False),
        ("refuse", AnswerLost, False),
        ("drop", AnswerLost, False),
        ("lose-answer", AnswerLost, True),
    ],
)
def test_a_backup_that_fails_is_told_and_leaves_the_row_that_it_earned(
    lab: Lab, connect: Connect, fault: Order, driver: str, kind: str, error: type[UserError], row: bool
) -> None:
    server = connect(driver=driver)
    server.about()
    fault(kind, "*BACKUP DATABASE*")
    with pytest.raises(UserError) as caught:
        backed_up_and_proven(server)
    assert type(caught.value) is error
    assert (server.recorded("ViewComposer", name=NAME) is not None) is row
    assert bool(records(lab)) is row


def test_a_server_that_says_yes_and_does_nothing_is_found_out(
    lab: Lab, connect: Connect, fault: Order, driver: str
) -> None:
    server = connect(driver=driver)
    fault("lie", "*BACKUP DATABASE*")
    server.backup("ViewComposer", PATH, name=NAME)
    with pytest.raises(UserError, match="not proven"):
        server.prove("ViewComposer", PATH, name=NAME)


@pytest.mark.parametrize("kind", ["half", "truncate"])
def test_half_a_file_is_found_out_by_reading_it_through(
    lab: Lab, connect: Connect, fault: Order, driver: str, kind: str
) -> None:
    server = connect(driver=driver)
    fault(kind, "*BACKUP DATABASE*")
    backed_up_and_proven(server)
    with pytest.raises(UserError, match="does not verify"):
        server.verify_only(PATH)


def test_a_verification_that_breaks_off_proves_nothing(lab: Lab, connect: Connect, fault: Order, driver: str) -> None:
    server = connect(driver=driver)
    server.backup("ViewComposer", PATH, name=NAME)
    for kind, error in (("lose-answer", CouldNotLook), ("fail", UserError)):
        fault(kind, "*VERIFYONLY*")
        with pytest.raises(error):
            server.verify_only(PATH)
        fault(kind, "*VERIFYONLY*", times=0)
    server.verify_only(PATH)


@pytest.mark.parametrize("change", [{"checksums": False}, {"damaged": True}, {"path": "C:\\other.bak"}])
def test_each_part_of_the_proof_can_fail_it(lab: Lab, connect: Connect, change: dict[str, object]) -> None:
    server = connect()
    server.backup("ViewComposer", PATH, name=NAME)
    server.prove("ViewComposer", PATH, name=NAME)
    (row,) = records(lab)
    lab.world.change("test", "tampered", msgspec.structs.replace(row, **change))
    with pytest.raises(UserError, match="not proven"):
        server.prove("ViewComposer", PATH, name=NAME)


def test_a_row_without_its_file_proves_nothing(lab: Lab, connect: Connect) -> None:
    server = connect()
    server.backup("ViewComposer", PATH, name=NAME)
    lab.world.change("test", "deleted", drop=[lab.world.require(HostFile, "sql1", PATH.lower())])
    assert not server.file_there(PATH)
    with pytest.raises(UserError, match="is not there"):
        server.prove("ViewComposer", PATH, name=NAME)


def test_a_stop_cancels_the_backup_and_leaves_no_row(lab: Lab, connect: Connect, driver: str) -> None:
    lab.world.change("test", "slow", Setting(name="pace", value="1"))
    server, seen = connect(driver=driver), threading.Event()
    with pytest.raises(Stopped):
        server.backup("VIM_VCDB", PATH, name=NAME, progress=lambda _f: seen.set(), stop=seen.is_set)
    assert not records(lab)
    assert server.recorded("VIM_VCDB", name=NAME) is None


def test_a_stop_that_comes_too_late_finds_the_backup_done(connect: Connect, driver: str) -> None:
    server, done = connect(driver=driver), threading.Event()
    server.backup(
        "ViewComposer", PATH, name=NAME, progress=lambda f: done.set() if f >= 1.0 else None, stop=done.is_set
    )
    assert server.prove("ViewComposer", PATH, name=NAME)


def test_a_server_that_hangs_ends_a_look_and_a_stopped_backup(
    connect: Connect, fault: Order, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.3)
    monkeypatch.setattr(session, "PATIENCE", 0.1)
    server = connect(driver=driver)
    server.about()
    fault("hang", "*BACKUP DATABASE*")
    with pytest.raises((AnswerLost, Stopped)):
        server.backup("ViewComposer", PATH, name=NAME, stop=lambda: True)
    fault("hang", "*GETUTCDATE*", times=1)
    monkeypatch.setattr("app.connectors.sqlserver.server.LOOK_TIMEOUT", 0.3)
    with pytest.raises(CouldNotLook):
        server.clock()
    monkeypatch.setattr("app.connectors.sqlserver.server.LOOK_TIMEOUT", 30.0)
    assert server.clock()


# ---- logging in


def test_a_wrong_password_is_told_once_and_not_tried_through_every_driver(
    connect: Connect, driver: str, lab: Lab
) -> None:
    secret = "the-wrong-}-one"
    server = connect(driver=driver, password=secret)
    with pytest.raises(NotLetIn, match="refuses the login of administrator") as caught:
        server.about()
    lab.passwords.set("administrator", secret)
    with pytest.raises(NotLetIn, match="refuses the login of administrator"):
        server.about()  # it is not even tried
    assert secret not in repr(caught.value) + str(caught.value) + caught.value.details


@pytest.mark.parametrize("password", ["a}b", "a;b{c", "{x}", "p=1;PWD=z", "密码é'\"", "}"])
def test_a_password_of_any_characters_arrives_whole(
    connect: Connect, lab: Lab, driver: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lab.passwords._known, "administrator", password)
    assert connect(driver=driver, password=password).about().name


def test_what_freetds_cannot_be_told_is_said_and_not_sent(connect: Connect, lab: Lab) -> None:
    name = "FreeTDS"
    if name not in installed_drivers():
        pytest.skip("FreeTDS is not installed here")
    with pytest.raises(NotSent) as caught:
        connect(driver=name, password="a};b").about()
    assert "};" in caught.value.details
    assert "a};b" not in caught.value.details


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("wrong-password", "refuses the login of administrator"), ("fail", "takes no logins now"),
        ("refuse", "came to terms"), ("hang", "came to terms|does not answer"),
    ],
)  # fmt: skip
def test_a_login_that_comes_to_nothing_has_sent_nothing(
    connect: Connect, fault: Order, driver: str, kind: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "hang":
        monkeypatch.setattr(login, "TIMEOUT", 0.3)
        monkeypatch.setattr(session, "SLACK", 0.0)
    fault(kind, "LOGIN *")
    with pytest.raises(NotLetIn if kind == "wrong-password" else NotSent, match=says):
        connect(driver=driver).backup("ViewComposer", PATH, name=NAME)


def test_a_closed_port_and_an_unknown_host_are_told_apart() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        closed = SqlServer(profile.SqlServer(name="s", address="127.0.0.1", port=port, account="a"), "p")
        with pytest.raises(NotSent, match="is closed"):
            closed.about()
    unknown = SqlServer(profile.SqlServer(name="s", address="no-such-host.invalid", account="a"), "p")
    with pytest.raises(NotSent, match="is not known"):
        unknown.about()


def test_a_port_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = SqlServer(
            profile.SqlServer(name="s", address="127.0.0.1", port=silent.getsockname()[1], account="a"), "p"
        )
        with pytest.raises(NotSent, match=r"does not answer"):
            server.about()


def test_without_any_driver_it_says_what_to_install(servers: dict[str, object], lab: Lab, connect: Connect) -> None:
    where = connect().server
    with pytest.raises(NotSent, match="Install"):
        SqlServer(where, "p", installed=lambda: ("SQLite3",)).about()


def test_a_driver_that_cannot_be_loaded_is_passed_over_for_the_next(connect: Connect, lab: Lab, driver: str) -> None:
    where = connect().server
    with SqlServer(
        where, lab.passwords.of("administrator"), installed=lambda: ("ODBC Driver 13 for SQL Server", driver)
    ) as server:
        assert server.about().driver == driver
    with pytest.raises(NotSent) as caught:
        SqlServer(where, "p", installed=lambda: ("ODBC Driver 13 for SQL Server",)).about()
    assert "ODBC Driver 13" in caught.value.details


def test_a_server_without_encryption_is_refused_where_the_profile_asks_for_it(connect: Connect, lab: Lab) -> None:
    where = connect("sql2").server
    with pytest.raises(NotSent, match="cannot encrypt"):
        SqlServer(msgspec.structs.replace(where, encrypt=True), lab.passwords.of("administrator")).about()
    assert connect("sql2").about().encrypted is False


# ---- looking


def test_the_instance_tells_what_it_is(connect: Connect, driver: str) -> None:
    about = connect(driver=driver).about()
    assert (about.version, about.edition_id, about.clustered, about.hadr) == ("10.50.4000.0", 2, False, None)
    assert about.edition.startswith("Standard")
    assert (about.backup_folder, about.driver, about.encrypted, about.compresses) == (FOLDER, driver, True, True)


def test_2005_tells_its_backup_folder_too(connect: Connect) -> None:
    about = connect("sql2").about()
    assert (about.version, about.backup_folder, about.compresses) == ("9.00.5000.00", FOLDER, False)
    assert connect("sql2").service_account() == ""


def test_a_newer_server_tells_more(lab: Lab, connect: Connect) -> None:
    row = lab.world.require(SqlServerRow, "sql1")
    newer = msgspec.structs.replace(
        row, version="15.0.4000.1", clustered=True, edition="Developer Edition", edition_id=3
    )
    lab.world.change("test", "newer", newer)
    server = connect()
    about = server.about()
    assert (about.clustered, about.hadr is None, about.backup_folder) == (True, False, FOLDER)
    assert server.service_account().lower() == "practice\\sqlservice"


def test_databases_are_listed_with_their_facts(connect: Connect, driver: str) -> None:
    found = {one.name: one for one in connect(driver=driver).databases()}
    assert {"master", "msdb", "ViewComposer", "VIM_VCDB", "ViewEvents"} <= found.keys()
    composer = found["ViewComposer"]
    assert (composer.state, composer.recovery, composer.mirrored) == ("ONLINE", "FULL", False)
    assert composer.size > 0
    assert composer.family_guid


def test_an_unknown_database_is_told(connect: Connect, driver: str) -> None:
    server = connect(driver=driver)
    with pytest.raises(UserError, match="shows no database Nope"):
        server.facts("Nope")
    with pytest.raises(UserError, match="no such database"):
        server.backup("Nope", PATH, name=NAME)


def test_rights_are_observations(connect: Connect, driver: str) -> None:
    assert [o.state for o in connect(driver=driver).rights("ViewComposer")] == [State.PASSED] * 4
    limited = {o.key.rpartition("/")[2]: o.state for o in connect(account="limited").rights("ViewComposer")}
    assert limited["may_view_state"] is State.WARNING
    assert limited["may_back_up"] in (State.BLOCKED, State.UNKNOWN)
    assert limited["may_read_msdb"] is State.BLOCKED
    assert connect().rights("Nope")[0].state is State.UNKNOWN


def test_a_login_that_may_not_see_files_is_not_told_that_there_is_none(lab: Lab, connect: Connect, driver: str) -> None:
    administrator = connect(driver=driver)
    administrator.backup("ViewComposer", PATH, name=NAME)
    account = lab.world.require(Account, "limited")
    limited = connect(driver=driver, account="limited")
    assert not limited.may_verify()
    with pytest.raises(CouldNotLook, match="lacks a right"):
        limited.file_there(PATH)
    with pytest.raises(CouldNotLook, match="lacks a right"):
        limited.verify_only(PATH)
    lab.world.change("test", "a role", msgspec.structs.replace(account, sql_roles=("public", "dbcreator")))
    creator = connect(driver=driver, account="limited")
    assert creator.may_verify()
    assert creator.file_there(PATH)
    assert not creator.file_there(PATH + "x")
    creator.verify_only(PATH)
    assert (administrator.file_there(PATH), administrator.file_there(PATH + "x")) == (True, False)


def test_without_the_right_a_backup_says_so(connect: Connect, driver: str, lab: Lab) -> None:
    server = connect(account="limited", driver=driver)
    with pytest.raises(UserError, match=r"lacks a right|no such database"):
        server.backup("ViewComposer", PATH, name=NAME)
    with pytest.raises(CouldNotLook, match="lacks a right"):
        server.recorded("ViewComposer")


def test_the_newest_backup_of_anyone_is_found_and_an_old_one_does_not_count(connect: Connect) -> None:
    server = connect()
    found = server.recorded("ViewComposer")
    assert found is not None
    assert found.name == "ViewComposer nightly"
    assert server.recorded("ViewComposer", since=server.clock()) is None
    assert server.recorded("ViewComposer", since=found.started) == found
    assert server.recorded("ViewComposer", name=NAME) is None


def test_a_damaged_or_missing_file_does_not_verify(connect: Connect, lab: Lab, driver: str) -> None:
    server = connect(driver=driver)
    server.backup("ViewComposer", PATH, name=NAME)
    kept = lab.world.require(HostFile, "sql1", PATH.lower())
    content = lab.world.content(kept.blob)
    blob = lab.world.store(content[: len(content) // 2])
    lab.world.change("test", "truncated", msgspec.structs.replace(kept, blob=blob, size=len(content) // 2))
    with pytest.raises(UserError, match=r"does not verify.*damaged"):
        server.verify_only(PATH)
    with pytest.raises(UserError, match=r"does not verify.*cannot open"):
        server.verify_only(FOLDER + r"\nowhere.bak")


def test_composers_requests_are_read_where_its_schema_is_the_known_one(lab: Lab, connect: Connect, driver: str) -> None:
    server = connect(driver=driver)
    before = server.composer_requests("ViewComposer")
    assert before.known
    rows = [
        ComposerRequest(id=f"r{state}", composer="composer1", operation="recompose", pool="sales-lc",
                        vm=f"SALES-{state}", state=state, created=lab.world.now())
        for state in (0, 1, 2, 3)
    ]  # fmt: skip
    lab.world.change("test", "requests", *rows)
    found = server.composer_requests("ViewComposer")
    assert [one.vm for one in found.running if one.id == "r1"] == ["SALES-1"]
    assert [one.operation for one in found.waiting_scheduled if one.id == "r0"] == ["recompose"]
    assert len(found.running) + len(found.waiting_scheduled) == 2 + len(before.running) + len(before.waiting_scheduled)


def test_a_foreign_schema_is_unknown_and_not_idle(lab: Lab, connect: Connect) -> None:
    row = lab.world.require(Database, "sql1", "ViewComposer")
    lab.world.change("test", "foreign", msgspec.structs.replace(row, schema="foreign"))
    server = connect()
    found = server.composer_requests("ViewComposer")
    assert not found.known
    assert "SVI_REQUEST" in str(found.why_unknown)
    assert not server.composer_requests("ViewEvents").known


def test_a_connection_lost_while_it_lay_idle_is_opened_again(
    connect: Connect, servers: dict[str, object], driver: str, fault: Order
) -> None:
    server = connect(driver=driver)
    server.about()
    fault("drop", "*GETUTCDATE*", times=1)
    assert server.clock()
    fault("drop", "*GETUTCDATE*", times=-1)
    with pytest.raises(CouldNotLook):
        server.clock()
