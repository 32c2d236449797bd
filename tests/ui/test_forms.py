"""What is typed, to a profile and back; what is wrong with it; what View proposes. No screen."""

from __future__ import annotations

import pytest

from app.profile import Broker, Composer, Database, Host, ImageBackup, Options, Profile, SqlServer, VCenter, check
from app.runbooks.discovery import Named, NamedBroker, NamedDatabase, NamedServer, NamedVCenter
from ui.forms import Form, HostRow, form_of, number, port, problems
from ui.proposals import proposals


def host(name: str) -> Host:
    return Host(name=name, address=f"{name}.corp.example", account="CORP\\backup", port=5987, authentication="kerberos")


SQL = SqlServer(
    name="sql1", address="sql1.corp.example", account="sa", host=host("vcenter1"), driver="d", encrypt=False
)
WHOLE = Profile(
    name="corp",
    brokers=(Broker(host=host("broker1")), Broker(host=host("broker2"), role="replica", tools="D:\\t", service="s")),
    vcenters=(
        VCenter(name="vc1", address="vcenter1.corp.example", account="CORP\\backup", host=host("vcenter1"),
                database=Database(name="VCDB", server=SQL, backed_up_by="dba", folder="D:\\b")),
        VCenter(name="vc2", address="10.0.0.2", port=8443, account="root"),
    ),
    composers=(Composer(host=host("vcenter1"), database=Database(name="Composer", server=SQL), key_container="k"),),
    security_servers=(host("edge"),),
    event_database=Database(name="Events", server=SQL, straight_to_repository=True),
    repository=r"\\nas\sets",
    options=Options(files_by="share", side_by_side=True, drain_minutes=7.5, event_database="before", old_tls=True),
    image_backup=ImageBackup(product="Imager", date="2012-05-04", what="disks"),
)  # fmt: skip


def wrong(form: Form, *taken: str) -> set[tuple[str, str]]:
    return {(type(problem.row).__name__, problem.field) for problem in problems(form, taken)}


def test_a_profile_that_becomes_a_form_and_a_profile_again_is_the_same() -> None:
    assert form_of(WHOLE).profile() == WHOLE
    assert problems(form_of(WHOLE)) == []


def test_a_host_that_several_rows_use_is_one_and_is_changed_for_all_of_them() -> None:
    form = form_of(WHOLE)
    shared = form.composers[0].host
    assert len(form.users_of(shared)) == 3
    shared.name = "renamed"
    made = form.profile()
    assert made.composers[0].host == made.vcenters[0].host == made.composers[0].database.server.host
    assert check(made) == ()


def test_a_server_that_is_renamed_keeps_its_databases() -> None:
    form = form_of(WHOLE)
    form.servers[0].name = "other"
    assert {database.server.name for database in form.profile().databases()} == {"other"}


def test_databases_of_a_server_that_is_removed_ask_for_another_one() -> None:
    form = form_of(WHOLE)
    form.remove(form.servers[0])
    assert wrong(form) == {("DatabaseRow", "server")}
    assert [problem.row for problem in problems(form)] == [
        form.composers[0].database, form.vcenters[0].database, form.events,
    ]  # fmt: skip


def test_a_host_goes_with_the_last_row_that_uses_it() -> None:
    form = form_of(WHOLE)
    form.remove(form.security_servers[0])
    assert "edge" not in {row.name for row in form.hosts()}


def test_a_new_form_says_what_is_to_be_filled_in() -> None:
    assert wrong(form_of(None)) == {
        ("Form", "name"), ("Form", "repository"), ("HostRow", "name"), ("HostRow", "address"), ("HostRow", "account"),
        ("VCenterRow", "name"), ("VCenterRow", "address"), ("VCenterRow", "account"),
    }  # fmt: skip


def test_an_empty_form_lacks_a_broker_and_a_vcenter() -> None:
    assert {("Form", "brokers"), ("Form", "vcenters")} <= wrong(Form())


@pytest.mark.parametrize("name", ["", "a/b", "con", " practice", "PRACTICE", "Corp"])
def test_a_name_that_cannot_be_or_is_taken_is_told_at_the_name(name: str) -> None:
    form = form_of(WHOLE)
    form.known_as, form.name = "", name
    assert wrong(form, "corp") == {("Form", "name")}


def test_a_profile_may_keep_its_own_name() -> None:
    assert wrong(form_of(WHOLE), "corp", "other") == set()


def test_two_hosts_of_one_name_are_told_at_the_second() -> None:
    form = form_of(WHOLE)
    form.brokers[1].host.name = "BROKER1"
    assert [(problem.row, problem.field) for problem in problems(form)] == [(form.brokers[1].host, "name")]


@pytest.mark.parametrize("typed", ["", "0", "65536", "-1", "5986x", "５９８６", "1.5"])
def test_what_is_no_port_is_told_and_kept_as_it_was_typed(typed: str) -> None:
    form = form_of(WHOLE)
    form.vcenters[1].port = typed
    assert wrong(form) == {("VCenterRow", "port")}
    assert form.vcenters[1].port == typed


@pytest.mark.parametrize(("typed", "meant"), [("60", 60), (" 7,5 ", 7.5), ("0", None), ("-1", None), ("nan", None),
                                              ("inf", None), ("x", None), ("", None)])  # fmt: skip
def test_minutes_are_numbers_above_zero(typed: str, meant: float | None) -> None:
    assert number(typed) == meant


def test_ports_may_have_spaces_around() -> None:
    assert port(" 443 ") == 443


def test_an_image_backup_needs_product_and_date_or_nothing() -> None:
    form = form_of(WHOLE)
    form.settings.image_product = ""
    assert wrong(form) == {("SettingsRow", "image_product")}
    form.settings.image_date = form.settings.image_what = ""
    assert wrong(form) == set()
    assert form.profile().image_backup is None


def test_a_database_that_is_not_wanted_is_left_out_and_kept_in_the_form() -> None:
    form = form_of(WHOLE)
    form.vcenters[0].database.wanted = False
    assert form.profile().vcenters[0].database is None
    form.vcenters[0].database.wanted = True
    assert form.profile() == WHOLE


def test_a_new_host_is_reached_as_the_first_broker_is() -> None:
    row = form_of(WHOLE).new_host()
    assert (row.port, row.account, row.authentication, row.name) == ("5987", "CORP\\backup", "kerberos", "")


def test_one_system_alone_is_a_profile_of_nothing_else() -> None:
    form = form_of(WHOLE)
    assert [h.name for h in form.alone(form.brokers[1]).hosts()] == ["broker2"]
    vcenter = form.alone(form.vcenters[0])
    assert ([v.name for v in vcenter.vcenters], vcenter.databases()) == (["vc1"], ())
    database = form.alone(form.composers[0].database)
    assert [(d.name, d.server.name) for d in database.databases()] == [("Composer", "sql1")]
    assert [h.name for h in form.alone(form.security_servers[0]).security_servers] == ["edge"]
    assert [h.name for h in form.alone(form.composers[0]).security_servers] == ["vcenter1"]
    assert form.alone(form.servers[0]).databases()[0].server == SQL
    assert {form.alone(row).options.old_tls for row in (form.servers[0], form.brokers[0])} == {True}


# ---- proposals

NAMED = Named(
    (NamedBroker("broker1", "broker1.corp.example", "standard"), NamedBroker("b3", "", "replica")),
    (NamedServer("EDGE", ""), NamedServer("edge2", "edge2.dmz.example")),
    (NamedVCenter("vcenter1.corp.example", 443, "CORP\\view", "vcenter1.corp.example"),
     NamedVCenter("vc9.corp.example", 8443, "CORP\\view", "composer9.corp.example")),
    (NamedDatabase("Events", "sql1.corp.example", 1433),),
)  # fmt: skip


def test_only_what_the_form_has_not_is_proposed() -> None:
    words = [str(proposal.words) for proposal in proposals(form_of(WHOLE), NAMED)]
    assert words == [
        "Connection Server b3 (replica), -",
        "Security Server edge2, edge2.dmz.example",
        "vCenter vc9.corp.example (View logs in as CORP\\view)",
        "View Composer of vc9.corp.example, composer9.corp.example",
    ]


def test_what_was_added_is_proposed_no_more() -> None:
    form = form_of(WHOLE)
    for proposal in proposals(form, NAMED):
        proposal.add(form)
    assert proposals(form, NAMED) == ()
    made = form.profile()
    assert [broker.host.name for broker in made.brokers] == ["broker1", "broker2", "b3"]
    assert (made.vcenters[2].name, made.vcenters[2].port, made.vcenters[2].account) == ("vc9", 8443, "CORP\\backup")
    assert wrong(form) == {("DatabaseRow", "name")}, "View does not tell which database a Composer has"


def test_a_whole_environment_is_proposed_to_a_form_with_one_broker() -> None:
    form = form_of(None)
    form.brokers[0].host = HostRow("broker1", "broker1.corp.example", account="CORP\\backup")
    for proposal in proposals(form, NAMED):
        proposal.add(form)
    made = form.profile()
    assert [vcenter.name for vcenter in made.vcenters] == ["vcenter1", "vc9"], "the empty first one was taken"
    assert made.composers[0].host == made.vcenters[0].host, "both lie on one machine"
    assert made.event_database is not None
    assert (made.event_database.name, made.event_database.server.name) == ("Events", "sql1")
    assert check(made) != (), "names of databases are still to be given"
