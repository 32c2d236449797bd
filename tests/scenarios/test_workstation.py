"""What the workstation itself refuses is said in one sentence; what is written there is its owner's only."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import logs
from app.console import Console, Terminal
from app.engine import events
from app.engine.events import Event
from app.engine.prompter import Choice, FailedStep, GuidedCard, Stay
from app.errors import Refused, UserError
from app.observation import Observation, State
from app.secrets import Passwords, passwords_from, unused_names
from app.texts import text
from tests.scenarios.environment import HOME, Environment
from tests.scenarios.running import with_options


@pytest.mark.parametrize("words", [("runs",), ("check",), ("backup", "--yes"), ("lab", "start")], ids=lambda w: w[0])
def test_a_data_folder_that_cannot_be_had_is_refused_in_words(
    environment: Environment, words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "a-file"
    file.write_text("x")
    command, *rest = words
    ran = environment.as_process(command, "--data", str(file), *rest)
    assert ran.code == 2, ran
    assert str(file) in ran.err
    assert "Traceback" not in ran.err


def test_a_file_of_pools_that_cannot_be_written_is_refused_in_words(environment: Environment, tmp_path: Path) -> None:
    ran = environment.run("pools", "--csv", str(tmp_path / "nowhere" / "x.csv"))
    assert (ran.code, "nowhere" in ran.err, "Traceback" in ran.err) == (2, True, False), ran


def test_pools_on_standard_output_are_the_same_letters_as_in_a_file(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "pools.csv"
    assert environment.run("pools", "--csv", str(file)).code == 0
    ran = subprocess.run(
        [sys.executable, "-m", "app", "pools", "--data", str(environment.data), "--csv", "-"], cwd=HOME, check=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    written = ran.stdout
    assert written == file.read_bytes().removeprefix("\ufeff".encode())
    assert written.endswith(b"\r\n")


def test_a_file_of_certificates_that_cannot_be_written_is_refused(environment: Environment) -> None:
    environment.profile()
    pin = next(iter(environment.desk.trust.pins().values()))
    (environment.data / "trust.new").mkdir()
    with pytest.raises(Refused, match=r"trust\.json"):
        environment.desk.trust.accept("other", 1, pin.certificate)


@pytest.mark.skipif(os.name != "posix", reason="Windows goes by the rights of the user's own folder")
def test_what_is_written_is_its_owners_only(environment: Environment) -> None:
    assert environment.as_process("backup", "--yes").code == 0
    for name in ("journal.sqlite", "trust.json", "logs", "repository"):
        assert stat.S_IMODE((environment.data / name).stat().st_mode) & 0o077 == 0, name
    inside = [*environment.repository.rglob("*"), *(environment.data / "logs").iterdir()]
    assert [path for path in inside if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


# ---- the log


def an_event(line: str) -> Event:
    return events.Remark(run="r", at=1.0, line=text("{it}", it=line))


def lines(data: Path) -> list[str]:
    return [str(json.loads(line)) for line in logs.log_file(data, "r").read_text("utf-8").splitlines()]


def test_a_screen_that_has_gone_does_not_end_the_log(tmp_path: Path) -> None:
    def gone(_event: Event) -> None:
        raise BrokenPipeError

    with logs.kept(tmp_path, gone) as sink:
        sink(an_event("first"))
        sink(an_event("second"))
    kept = lines(tmp_path)
    assert "first" in kept[0]
    assert "BrokenPipeError" in kept[1]
    assert "second" in kept[2]


def test_a_log_that_cannot_be_written_is_told_on_the_screen_which_hears_the_rest(tmp_path: Path) -> None:
    heard: list[str] = []
    logs.log_file(tmp_path, "r").mkdir(parents=True)
    with logs.kept(tmp_path, lambda event: heard.append(str(event.text))) as sink:
        sink(an_event("first"))
        sink(an_event("second"))
    assert any("could not be written any more" in line for line in heard)
    assert [line for line in heard if "first" in line or "second" in line] == [str(an_event(w).text) for w in
                                                                             ("first", "second")]  # fmt: skip


def test_a_run_says_what_its_episode_does() -> None:
    def said(doing: str) -> str:
        title = text("Back up")
        return str(events.RunStarted(run="r", at=1.0, runbook="b", title=title, environment="e", episode=2,
                                     doing=doing).text)  # fmt: skip

    assert [said(doing) for doing in ("run", "resume", "undo", "close")] == [
        "Back up: begins.", "Back up: is gone on with.", "Back up: is taken back.",
        "Back up: what it left off is put back.",
    ]  # fmt: skip


# ---- nobody is there


@pytest.mark.parametrize("may_skip", [True, False])
def test_at_the_end_of_input_the_careful_answer_counts(monkeypatch: pytest.MonkeyPatch, may_skip: bool) -> None:
    monkeypatch.setitem(vars(sys), "stdin", io.StringIO())
    terminal = Terminal(Console())
    proof = Observation("k", State.UNKNOWN, text("nothing yet"))
    card = GuidedCard("k", text("Do it"), text("How"), text("Why"), proof, may_skip=may_skip)
    assert terminal.guided(card) is Stay.LEAVE
    choices = (Choice.STOP, Choice.RETRY, Choice.SKIP)
    assert terminal.failed(FailedStep("k", text("t"), UserError(text("e")), 1, choices)) is Choice.STOP
    assert not terminal.yes_no("k", text("Go on?"))


# ---- passwords


def test_given_account_names_are_the_same_in_any_case() -> None:
    passwords = Passwords("p", {"Practice\\ViewKeeper": "one", "VKSQL@SQL1": "two"})
    assert passwords.of("PRACTICE\\viewkeeper", "broker1") == "one"
    assert passwords.of("vksql", "sql1") == "two"


def test_an_account_with_two_passwords_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text('{"vksql": "pass-one", "VKSQL": "pass-two"}')
    with pytest.raises(Refused, match="same account") as refused:
        passwords_from(str(file))
    assert "pass-" not in str(refused.value)


def test_passwords_that_nothing_uses_are_named_without_showing_them(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text('{"vkspl": "hidden-word", "VKSQL@sql1": "wrong"}')
    assert unused_names(["vkspl", "VKSQL@sql1"], environment.profile()) == ["vkspl"]
    ran = environment.run("runs", "--passwords", str(file))
    assert "vkspl" in ran.err
    assert "VKSQL" not in ran.err
    assert "hidden-word" not in ran.out + ran.err


# ---- WinRM's shells


def test_the_shells_that_are_needed_follow_from_the_options(environment: Environment) -> None:
    from app.runbooks.checks.hosts import shells

    profile = environment.profile()
    assert shells(with_options(profile, side_by_side=False)) == 2
    assert shells(with_options(profile, side_by_side=True)) > 2
