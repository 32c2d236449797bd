"""What stands in the way of a backup, told by the command line: in sentences, in JSON, by the exit code."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import profile as profiles
from app.profile import Answers, Host, Profile
from app.runbooks.checks.table import CHECKS
from app.wire import plain_system
from tests.scenarios.environment import Environment, Ran

Imported = Callable[..., str]
FIELDS = {"check", "key", "state", "blocks", "system", "found", "needed", "remedy"}


@pytest.fixture
def imported(environment: Environment, tmp_path: Path) -> Imported:
    """Imports a profile of the environment as a site would describe it; returns what `check` and `backup` are told."""

    def take_in(**changes: Any) -> str:
        file = tmp_path / "site.json"
        profiles.write(environment.real_profile("site", **changes), file)
        assert environment.run("profiles", "import", str(file)).code == 0
        return "site"

    return take_in


def checked(environment: Environment, profile: str, **passwords: str) -> Ran:
    file = environment.passwords_file(**passwords)
    return environment.run("check", "--profile", profile, "--yes", "--json", "--passwords", str(file))


def bad(ran: Ran, state: str) -> list[dict[str, Any]]:
    return [answer for answer in ran.json["checks"] if answer["state"] == state and answer["blocks"]]


def with_host(profile: Profile, name: str, **changes: Any) -> Profile:
    """Return a profile in which one host is described otherwise, wherever it stands."""

    def changed(value: Any) -> Any:
        if isinstance(value, Host):
            return msgspec.structs.replace(value, **changes) if value.name == name else value
        if isinstance(value, tuple):
            return tuple(changed(one) for one in value)
        if isinstance(value, msgspec.Struct):
            fields = {field: changed(getattr(value, field)) for field in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        return value

    found = changed(profile)
    assert isinstance(found, Profile)
    return found


# ---- blocked and unknown, end to end


def test_a_recompose_blocks_a_backup_and_nothing_was_changed(environment: Environment) -> None:
    environment.scene("recompose-running")
    mark = environment.mark()
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 4
    assert ran.json["outcome"] == "blocked"
    assert {answer["check"] for answer in bad(ran, "blocked")} == {"progress/vcenter", "progress/composer"}
    assert not environment.changed_by_us(mark)
    assert not list(environment.repository.glob("*/*"))
    assert "nothing was changed" in ran.err


def test_what_blocks_and_could_not_be_looked_at_is_told_apart_from_what_is_bad(environment: Environment) -> None:
    environment.scene("powercli-missing")
    environment.scene("tool-missing", tool="aspnet_regiis")
    assert environment.run("check", "--json").json["outcome"] == "blocked"
    environment.scene("quiet")
    environment.named_fault("pools-unreadable")
    mark = environment.mark()
    for command in ("check", "backup"):
        ran = environment.run(command, "--yes", "--json")
        assert ran.code == 7
        assert ran.json["outcome"] == "unknown"
        assert [answer["check"] for answer in bad(ran, "unknown")] == ["progress/view"]
    assert not environment.changed_by_us(mark)


def test_an_unknown_that_only_warns_lets_a_backup_begin(environment: Environment) -> None:
    environment.scene("foreign-composer-schema")
    ran = environment.run("check", "--json")
    assert ran.code == 0
    assert ran.json["outcome"] == "done"
    unknown = {answer["check"] for answer in ran.json["checks"] if answer["state"] == "unknown"}
    assert unknown >= {"progress/composer", "scheduled"}


def test_a_check_gives_one_object_with_all_answers(environment: Environment) -> None:
    ran = environment.run("check", "--json")
    answers = ran.json["checks"]
    assert set(ran.json) == {"outcome", "checks"}
    assert {answer["check"] for answer in answers} == {check.key for check in CHECKS}
    for answer in answers:
        assert set(answer) == FIELDS
        assert answer["found"]
        assert answer["state"] == "passed" or (answer["needed"] and answer["remedy"])
    assert ran.err.count("passed:") == sum(answer["state"] == "passed" for answer in answers)


def test_the_table_of_checks_is_printed_without_any_environment(environment: Environment) -> None:
    table = environment.run("check", "--table", "--json").json["table"]
    assert [(row["check"], row["bad"], row["unknown"]) for row in table] == [
        (check.key, check.bad.value, check.unknown.value) for check in CHECKS
    ]


def test_a_profile_may_stop_an_unattended_backup_at_warnings(environment: Environment, imported: Imported) -> None:
    name = imported(answers=Answers(on_warning="stop"))
    environment.pin()
    mark = environment.mark()
    passwords = str(environment.passwords_file())
    ran = environment.run("backup", "--profile", name, "--yes", "--json", "--passwords", passwords)
    assert ran.code == 4
    assert ran.json["outcome"] == "blocked"
    assert not [answer for answer in ran.json["checks"] if answer["blocks"]]
    assert "nothing was changed" in ran.err
    assert not environment.changed_by_us(mark)


def test_the_operator_is_asked_about_warnings_and_silence_means_no(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/null").open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        mark = environment.mark()
        ran = environment.run("backup", "--json")
    assert ran.code == 4
    assert "warnings. Go on? [yes/no]" in ran.err
    assert not environment.changed_by_us(mark)


# ---- bad input


def test_an_unknown_host_a_closed_port_and_a_wrong_password_each_have_a_sentence_of_their_own(
    environment: Environment, imported: Imported
) -> None:
    described = environment.real_profile()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        described = with_host(described, "composer1", port=bound.getsockname()[1])
        described = with_host(described, "vcenter2", address="nosuch.invalid")
        name = imported(brokers=described.brokers, composers=described.composers, vcenters=described.vcenters)
        environment.pin()
        ran = checked(environment, name, vksql="wrong")
    assert ran.code == 7
    told = {(answer["system"], answer["check"]): answer for answer in bad(ran, "unknown")}
    closed = told["winrm:composer1", "winrm"]
    assert "connection was refused" in closed["found"]
    assert "winrm quickconfig" in closed["remedy"]
    unknown = told["winrm:vcenter2", "winrm"]
    assert "name nosuch.invalid is not known" in unknown["found"]
    assert "Correct the address in the profile" in unknown["remedy"]
    wrong = told["sql:sql1", "rights/sql"]
    assert "refuses the login of vksql" in wrong["found"]
    assert "password" in wrong["remedy"]
    assert "wrong" not in json.dumps(ran.json, ensure_ascii=False).replace("is wrong", "")


def test_a_wrong_password_is_tried_once_by_a_whole_look(environment: Environment, imported: Imported) -> None:
    name = imported()
    environment.pin()
    ran = checked(environment, name, **{"PRACTICE\\viewkeeper": "no-such-word"})
    assert ran.code == 7
    found = {answer["found"] for answer in bad(ran, "unknown")}
    assert sum("does not let PRACTICE\\viewkeeper in" in words for words in found) == 1
    assert any("was not tried on vc1" in words for words in found)
    assert not [sent for sent in environment.wire() if "Login" in sent.text]
    assert "no-such-word" not in ran.out + ran.err


def test_where_there_is_no_password_it_says_how_to_give_one(environment: Environment, imported: Imported) -> None:
    name = imported()
    environment.pin()
    ran = environment.run("check", "--profile", name, "--yes", "--json")
    assert ran.code == 7
    assert "There is no password for" in bad(ran, "unknown")[0]["found"]
    assert "--passwords FILE" in bad(ran, "unknown")[0]["remedy"]


def test_a_certificate_that_nobody_accepted_is_not_accepted_by_itself(
    environment: Environment, imported: Imported
) -> None:
    ran = checked(environment, imported())
    assert ran.code == 7
    assert ran.json["outcome"] == "unknown"
    assert "not known yet" in ran.json["error"]["what"]
    assert "accept it" in ran.json["error"]["do"]
    assert not environment.wire()  # nothing was sent to any of them


@pytest.mark.parametrize(("scene", "words"), [("certificate-changed", "changed"), ("certificate-expired", "expired")])
@pytest.mark.parametrize("system", ["winrm:composer1", "vcenter:vc1"])
@pytest.mark.parametrize("command", ["check", "backup"])
def test_a_certificate_that_has_changed_or_expired_ends_it_before_anything_is_sent(
    environment: Environment, scene: str, words: str, system: str, command: str
) -> None:
    environment.profile()
    environment.scene(scene, system=system)
    mark = environment.mark()
    ran = environment.run(command, "--yes", "--json")
    assert ran.code == 7
    assert ran.json["outcome"] == "unknown"
    assert f"certificate of {plain_system(system)} has {words}" in ran.json["error"]["what"]
    assert ran.json["error"]["do"]
    assert not environment.changed_by_us(mark)


def test_a_missing_right_and_a_missing_tool_block(environment: Environment) -> None:
    environment.scene("view-read-only")
    environment.scene("tool-missing")
    mark = environment.mark()
    ran = environment.run("backup", "--yes", "--json")
    assert ran.code == 4
    told = {answer["check"]: answer for answer in bad(ran, "blocked")}
    assert set(told) == {"rights/view", "tools"}
    assert "View role Administrators" in told["rights/view"]["remedy"]
    assert "vdmexport.exe is missing" in told["tools"]["found"]
    assert not environment.changed_by_us(mark)


def test_a_repository_that_is_no_folder_is_told(environment: Environment, imported: Imported) -> None:
    (environment.data / "a file").write_text("not a folder")
    name = imported(repository=str(environment.data / "a file" / "sets"))
    environment.pin()
    ran = checked(environment, name)
    assert ran.code == 4
    [answer] = bad(ran, "blocked")
    assert answer["check"] == "space"
    assert "The repository cannot be used" in answer["found"]
    assert answer["remedy"]


# ---- profiles


def test_a_profile_is_imported_listed_shown_checked_and_exported(environment: Environment, tmp_path: Path) -> None:
    file, copy = tmp_path / "site.json", tmp_path / "copy.json"
    profiles.write(environment.real_profile("site"), file)
    assert environment.run("profiles", "import", str(file), "--json").json["profile"] == "site"
    assert environment.run("profiles", "list", "--json").json == {"profiles": ["site", "practice"]}
    shown = environment.run("profiles", "show", "site", "--json").json["profile"]
    assert shown == json.loads(file.read_text("utf-8"))
    checked_ = environment.run("profiles", "check", "site", "--json")
    assert (checked_.code, checked_.json["problems"]) == (0, [])
    assert environment.run("profiles", "export", "site", str(copy)).code == 0
    assert json.loads(copy.read_text("utf-8")) == shown
    assert not [word for word in ("password", "secret") if word in copy.read_text("utf-8").lower()]


def damaged(text: str) -> str:
    return text[: len(text) // 2]


def newer(text: str) -> str:
    return json.dumps(json.loads(text) | {"format": 2})


def without_brokers(text: str) -> str:
    return json.dumps(json.loads(text) | {"brokers": []})


def wrong_port(text: str) -> str:
    return text.replace('"port": 1433', '"port": "1433"').replace('"encrypt": true', '"encrypt": "yes"')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damaged, "Input data was truncated"), (newer, "newer program"), (without_brokers, "no broker"),
        (wrong_port, "$.vcenters[0].database.server"),
    ],
)  # fmt: skip
def test_a_damaged_profile_is_refused_in_one_sentence_with_its_place(
    environment: Environment, tmp_path: Path, spoil: Callable[[str], str], words: str
) -> None:
    file = tmp_path / "site.json"
    profiles.write(environment.real_profile("site"), file)
    file.write_text(spoil(file.read_text("utf-8")), "utf-8")
    ran = environment.run("profiles", "import", str(file), "--json")
    assert ran.code == 2
    assert ran.json["outcome"] == "refused"
    assert words in ran.json["error"]["why"]
    assert ran.json["error"]["do"]
    assert environment.run("profiles", "list", "--json").json == {"profiles": ["practice"]}


@pytest.mark.parametrize("command", ["check", "backup", "sets", "pools", "runs"])
def test_a_profile_that_is_not_there_is_refused(environment: Environment, command: str) -> None:
    ran = environment.run(command, "--profile", "nosuch", "--yes", "--json")
    assert ran.code == 2
    assert "no profile nosuch" in ran.json["error"]["what"]
    assert "practice" in ran.json["error"]["why"]


def test_passwords_that_cannot_be_read_are_refused_without_showing_them(
    environment: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "passwords.json"
    file.write_text('{"PRACTICE\\\\viewkeeper": "hush-hush"', "utf-8")
    for given in (file, tmp_path / "missing.json"):
        ran = environment.run("check", "--yes", "--json", "--passwords", str(given))
        assert ran.code == 2
        assert ran.json["error"]["do"]
        assert "hush-hush" not in ran.out + ran.err
