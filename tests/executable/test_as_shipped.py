"""The file that ships, tried as its user does: whole, by command line, killed, started and ended many times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import app
from app import unpacked
from build import executable
from tests.executable.machine import Executable, until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(600)


def composer_is_off(exe: Executable) -> bool:
    status = exe.answer("lab", "status")
    return any(one["name"] == "svid" and one["state"] != "Running" for one in status["services"])


def off(exe: Executable) -> set[str]:
    """What is off in the practice environment: provisioning of pools, services that stand still."""
    world = exe.answer("lab", "status")
    pools = {f"provisioning of {pool['id']}" for pool in world["pools"] if not pool["provisioning"]}
    return pools | {f"{one['name']} on {one['host']}" for one in world["services"] if one["state"] != "Running"}


def verified_here(place: Path, data: Path) -> dict[str, Any]:
    """What the program for this machine says of a set that the executable has made."""
    done = subprocess.run(
        [sys.executable, "-m", "app", "verify", "--json", str(place)], capture_output=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "VIEWKEEPER_DATA": str(data)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


CONSOLE = """
import ctypes, pathlib, subprocess, sys, traceback
file, *command = sys.argv[1:]
try:
    kernel = ctypes.WinDLL("kernel32")
    for number in (-10, -11, -12):  # wine hands these on to programs with windows as well, and Windows does not
        kernel.SetStdHandle(number, None)
    apart = 0x8  # DETACHED_PROCESS: likewise, wine lets them have the console
    code = subprocess.run(command, creationflags=apart).returncode
    kernel.CreateFileW.restype = ctypes.c_void_p
    screen = ctypes.c_void_p(kernel.CreateFileW("CONOUT$", 0xC0000000, 3, None, 3, 0, None))
    seen, length = ctypes.create_unicode_buffer(2001), ctypes.c_uint32()
    kernel.ReadConsoleOutputCharacterW(screen, seen, 2000, ctypes.c_uint32(0), ctypes.byref(length))
    said = f"{code}: {' '.join(seen.value.split())}"
except Exception:
    said = traceback.format_exc()
pathlib.Path(file).write_text(said, "utf-8")
"""
"""A command prompt, which writes down what stands in its window after a program with windows has been called in it."""

OPENED = """
import subprocess, sys
sys.exit(subprocess.run(sys.argv[1:], creationflags=0x10).returncode)  # CREATE_NEW_CONSOLE
"""

READER = """
import pathlib, sys, time
file = pathlib.Path(sys.argv[1])
with file.open("rb"):
    print("there", flush=True)
    while not file.with_name(f"{file.name}.new").exists():
        time.sleep(0.01)
    time.sleep(0.5)
"""
"""A program that has the last answer open, and still half a second after the next command has begun."""

RUNBOOKS = [("backup", ("--profile", "practice", "--yes"))]
"""What it can carry out, each with its words; what it makes is a set, which is looked at afterwards."""


def test_it_finds_itself_whole(exe: Executable) -> None:
    file = exe.data.parent / "look.json"
    said = exe.tell("--self-test", "--out", exe.windows.path(file))
    found = json.loads(file.read_text("utf-8"))
    assert {one["name"]: one["found"] for one in found["looks"] if not one["whole"]} == {}
    assert (said.code, found["outcome"], found["frozen"]) == (0, "whole", True)
    assert "Windows" in next(one["found"] for one in found["looks"] if one["name"] == "keyring")


@pytest.mark.parametrize(("runbook", "words"), RUNBOOKS)
def test_it_carries_out_a_runbook_and_its_set_is_verified_by_it_and_by_the_program_for_this_machine(
    exe: Executable, tmp_path: Path, runbook: str, words: tuple[str, ...]
) -> None:
    exe.answer("lab", "start", "--pace", "0")
    before = off(exe)
    made = exe.answer(runbook, *words)
    assert made["outcome"] == "done"
    assert off(exe) == before
    assert exe.answer("verify", made["set"])["outcome"] == "done"
    here = exe.here(made["set"])
    verified_here(here, tmp_path)
    damaged = max((file for file in here.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    damaged.chmod(0o600)
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        file.write(b"\0damaged\0")
    said = exe.tell("verify", made["set"])
    assert said.code == 6
    assert damaged.name in said.out


def test_wrong_words_end_with_the_code_of_wrong_use_and_say_why(exe: Executable) -> None:
    said = exe.tell("bake")
    assert (said.code, "bake" in said.err) == (2, True)


def test_the_console_that_it_is_called_from_shows_what_it_says(exe: Executable, tmp_path: Path) -> None:
    prompt, file = exe.data.parent / "prompt.py", exe.data.parent / "seen.txt"
    prompt.write_text(CONSOLE, "utf-8")
    python, path = exe.windows.python, exe.windows.path
    words = [*python, "-c", OPENED, python[-1], path(prompt), path(file), path(exe.file), "--version"]
    assert exe.windows.run(words, log=tmp_path / "log", seconds=60) == 0
    assert file.read_text("utf-8") == f"0: ViewKeeper {app.__version__}"


def test_an_answer_takes_its_place_although_another_program_has_the_last_one_open_for_a_moment(exe: Executable) -> None:
    file = exe.data.parent / "answer.json"
    file.write_text("yesterday's", "utf-8")
    command = [*exe.windows.python, "-c", READER, exe.windows.path(file)]
    with subprocess.Popen(
        command, env=exe.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == b"there"
        said = exe.tell("sets", "--json", "--out", exe.windows.path(file))
        assert said.code == 0, said.err
        assert "sets" in json.loads(file.read_text("utf-8"))


def test_a_place_that_cannot_be_written_to_is_said_before_anything_begins(exe: Executable) -> None:
    nowhere = exe.data.parent / "a file"
    nowhere.write_text("not a folder")
    said = exe.tell("sets", "--out", exe.windows.path(nowhere / "answer.json"))
    assert said.code == 2
    assert "answer.json" in said.err
    said = exe.tell("backup", "--yes", VIEWKEEPER_DATA=exe.windows.path(nowhere))
    assert said.code == 2
    assert "a file" in said.err
    assert "Traceback" not in said.err


def in_the_freeze(exe: Executable) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Begin a backup, and return it with its loader and its program when Composer is off."""
    lab = set(exe.processes())
    run = exe.start("backup", "--yes", "--json")
    until(lambda: composer_is_off(exe), "the freeze")
    both = sorted(set(exe.processes()) - lab, key=begun)
    assert len(both) == 2
    return run, both


def begun(process: int) -> int:
    """Return when a process began, in ticks of this machine's clock (proc(5), field 22 of stat)."""
    return int(Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[19])


@pytest.mark.parametrize("first", [0, 1], ids=["with its loader", "alone"])
def test_killed_in_the_freeze_it_puts_everything_back_at_the_next_start(
    exe: Executable, tmp_path: Path, first: int
) -> None:
    exe.answer("lab", "start", "--pace", "0.3")
    before, lab = off(exe), set(exe.processes())
    run, both = in_the_freeze(exe)
    for number in both[first:]:
        os.kill(number, 9)
    until(lambda: set(exe.processes()) == lab, "the end of the loader")
    run.communicate(timeout=60)
    assert off(exe) > before
    left = next(iter(exe.answer("runs")["runs"]))
    made = exe.answer("resume", left["run"], "--yes")
    assert off(exe) == before
    verified_here(exe.here(made["set"]), tmp_path)


def test_a_program_whose_loader_was_killed_goes_on_to_its_end_and_leaves_nothing(exe: Executable) -> None:
    exe.answer("lab", "start", "--pace", "0.3")
    before, lab, folders = off(exe), set(exe.processes()), set(exe.unpacked())
    run, both = in_the_freeze(exe)
    os.kill(both[0], 9)
    until(lambda: set(exe.processes()) == lab, "the end of the program")
    run.communicate(timeout=60)
    assert off(exe) == before
    assert [one["status"] for one in exe.answer("runs")["runs"]] == ["done"]
    for folder in set(exe.unpacked()) - folders:
        os.utime(folder, (0, 0))  # as if it had been left for longer than unpacking takes
    exe.tell("--version")
    until(lambda: set(exe.unpacked()) == folders, "what the loader would have removed is gone")


def test_the_lab_outlives_whoever_started_it_and_leaves_nothing_when_it_ends(exe: Executable) -> None:
    exe.answer("lab", "start", "--pace", "0")
    assert len(exe.processes()) == 2  # its loader, and itself
    (folder,) = exe.unpacked()
    names = {file.name.lower() for file in folder.rglob("*")}
    assert not {"icuuc.dll", "mscms.dll", "bcryptprimitives.dll", "opengl32sw.dll"} & names
    assert not {name for name in names if name.startswith(("test_", "conftest"))}
    exe.answer("lab", "stop")
    until(lambda: not exe.processes() and not exe.unpacked(), "the end of the lab")


def test_what_killed_ones_have_unpacked_is_removed_and_never_what_a_living_lab_uses(exe: Executable) -> None:
    exe.answer("lab", "start", "--pace", "0")
    lab, living = set(exe.unpacked()), set(exe.processes())
    run = exe.start("backup", "--yes", "--json")
    until(lambda: len(exe.unpacked()) == 2, "a second folder")
    until(lambda: len(set(exe.processes()) - living) == 2, "its program")
    for number in set(exe.processes()) - living:
        os.kill(number, 9)
    run.communicate(timeout=60)
    long_ago = time.time() - 2 * unpacked.UNPACKING
    for folder in exe.unpacked():
        os.utime(folder, (long_ago, long_ago))
    exe.tell("--version")
    assert set(exe.unpacked()) == lab
    assert exe.answer("lab", "status")["running"]


def test_twenty_starts_and_ends_leave_nothing_behind(exe: Executable) -> None:
    assert exe.unpacked() == []
    for _ in range(20):
        assert exe.tell("--version").code == 0
    until(lambda: not exe.processes() and not exe.unpacked(), "the end of all of them")
    assert sorted(file.name for file in exe.file.parent.iterdir()) == [exe.file.name]


def test_a_signed_one_runs_as_an_unsigned_one_does(exe: Executable, tmp_path: Path) -> None:
    key, certificate, bundle, password = (tmp_path / name for name in ("key", "crt", "p12", "password"))
    password.write_text("pässword 1")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Try", "-days", "2"]
    subprocess.run(
        [*request, "-keyout", str(key), "-out", str(certificate), "-addext", "extendedKeyUsage=codeSigning"],
        check=True, capture_output=True,
    )  # fmt: skip
    pack = ["openssl", "pkcs12", "-export", "-inkey", str(key), "-in", str(certificate), "-out", str(bundle)]
    subprocess.run([*pack, "-passout", f"file:{password}"], check=True, capture_output=True)
    options = executable.options(["--certificate", str(bundle), "--password-file", str(password)])
    assert "Signed" in executable.signed([exe.file], options)
    verify = ["osslsigncode", "verify", "-CAfile", str(certificate), "-in", str(exe.file)]
    told = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert exe.tell("--version").code == 0
