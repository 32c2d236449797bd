"""build/make.py: one clear sentence for whatever goes wrong, and no set-up twice."""

from __future__ import annotations

import ast
import hashlib
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app import cli

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "build" / "make.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own whose locks ask for nothing."""
    folder = tmp_path / "a project 二"
    (folder / "build" / "requirements").mkdir(parents=True)
    shutil.copy(MAKE, folder / "build")
    for name in ("run", "dev"):
        (folder / "build" / "requirements" / f"{name}.txt").write_text("# nothing\n", "ascii")
    return folder


def make(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "build" / "make.py"), *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=env, cwd=project, check=False)


def is_one_sentence(words: str) -> bool:
    return len(words.strip().splitlines()) == 1 and "Traceback" not in words and words.strip().endswith((".", "!", "?"))


def test_an_older_python_is_told_what_is_needed() -> None:
    older = f"import sys; sys.version_info = (3, 8, 10, 'final', 0); exec(open({str(MAKE)!r}, encoding='utf-8').read())"
    done = subprocess.run([sys.executable, "-c", older], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "3.11" in done.stderr


def test_an_older_python_can_read_the_file_at_all() -> None:
    ast.parse(MAKE.read_text("utf-8"), feature_version=(3, 7))


def test_an_unknown_command_is_wrong_use_and_names_the_known_ones(project: Path) -> None:
    done = make(project, "bake")
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "peers" in done.stderr


def test_help_names_every_command(project: Path) -> None:
    told = make(project, "help").stdout
    assert make(project).stdout == make(project, "--help").stdout == told
    for command in runpy.run_path(str(MAKE))["COMMANDS"]:
        assert f"make.py {command}" in told


def test_a_second_start_sets_nothing_up(project: Path) -> None:
    first, second = make(project, "setup"), make(project, "setup")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "Installing the Python libraries" in first.stdout
    assert second.stdout == "All is set up.\n"


@pytest.mark.skipif(os.name == "nt", reason="a program that runs cannot be removed on Windows")
def test_what_was_broken_since_is_set_up_anew(project: Path) -> None:
    make(project, "setup")
    next(project.glob(".venv/bin/python")).unlink()
    assert "Installing the Python libraries" in make(project, "setup").stdout
    shutil.rmtree(next(project.glob(".venv/lib/*/site-packages/pip")))
    assert "Installing the Python libraries" in make(project, "setup").stdout
    assert make(project, "setup").stdout == "All is set up.\n"


def test_without_a_network_it_says_so_in_one_sentence(project: Path) -> None:
    shutil.copy(ROOT / "build/requirements/run.txt", project / "build/requirements")
    away = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}  # fmt: skip
    done = make(project, "cli", "runs", **away)
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "network" in done.stderr
    assert "setup.log" in done.stderr


def test_a_file_with_another_hash_is_not_installed(project: Path) -> None:
    wheel = project.parent / "thing-1.0-py3-none-any.whl"  # pip splits its variables at spaces
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("thing.py", "")
        packed.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        packed.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr("thing-1.0.dist-info/RECORD", "")
    here = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel)}
    (project / "app").mkdir()
    (project / "app" / "__main__.py").write_text("import thing\n", "ascii")
    for right, code in ((False, 1), (True, 0)):
        digest = hashlib.sha256(wheel.read_bytes() if right else b"another").hexdigest()
        (project / "build/requirements/run.txt").write_text(f"thing==1.0 --hash=sha256:{digest}\n", "ascii")
        assert make(project, "cli", **here).returncode == code
    assert "DO NOT MATCH THE HASHES" in (project / "out/setup.log").read_text("utf-8")


def test_a_project_that_is_not_whole_says_what_is_missing(project: Path) -> None:
    (project / "build/requirements/run.txt").unlink()
    done = make(project, "setup")
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "run.txt" in done.stderr


def test_the_exit_code_of_the_program_is_passed_on(project: Path) -> None:
    (project / "app").mkdir()
    (project / "app" / "__main__.py").write_text("import sys; print(sys.argv[1:]); sys.exit(4)\n", "ascii")
    done = make(project, "cli", "backup", "--dry-run", "二")
    assert done.returncode == 4
    assert done.stdout.splitlines()[-1] == "['backup', '--dry-run', '二']"


def elsewhere(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call build/make.py on a system that is neither Windows nor Linux."""
    there = f"import sys; sys.platform = 'darwin'; sys.argv[1:] = {list(arguments)!r}"
    program = f"{there}; import runpy; runpy.run_path({str(MAKE)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows builds it itself")
@pytest.mark.parametrize("command", ["exe", "try-exe", "screen"])
def test_what_only_some_systems_can_do_is_told_on_others_before_anything_is_set_up(command: str) -> None:
    done = elsewhere(command)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize(
    ("python", "says"),
    [
        ([], "--python PATH"),
        (["no such python"], "no such python"),
        ([str(MAKE)], "make.py"),
        (["false"], "false"),
        (["echo"], "echo"),
    ],
)
def test_another_python_that_is_none_is_told_in_one_sentence(project: Path, python: list[str], says: str) -> None:
    done = make(project, "test", "--python", *python)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert says in done.stderr
    assert not list(project.glob(".venv*"))


def test_another_pythons_libraries_lie_beside_ours(project: Path) -> None:
    done = make(project, "test", "--python", sys.executable, "--version")
    assert "No module named pytest" in done.stderr, "the project's locks ask for nothing"
    version = "{}.{}".format(*sys.version_info)
    assert [folder.name for folder in project.glob(".venv*")] == [f".venv-{version}"]
    assert (project / f".venv-{version}" / "set-up.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="Debian only")
def test_no_service_starts_while_packages_are_installed_and_the_machine_keeps_its_own_rule(tmp_path: Path) -> None:
    stays_off = runpy.run_path(str(MAKE))["services_stay_off"]
    policy = tmp_path / "policy-rc.d"
    with stays_off(policy):
        assert subprocess.run([policy, "slapd", "start"], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("the machine's own", "ascii")
    with stays_off(policy):
        assert policy.read_text("ascii") == "the machine's own"
    assert policy.exists()


def test_translations_are_compiled_once_and_again_only_where_their_text_is_newer(project: Path) -> None:
    po = project / "resources" / "locale" / "zh_CN" / "LC_MESSAGES" / "viewkeeper.po"
    po.parent.mkdir(parents=True)
    shutil.copy(ROOT / "build" / "catalogue.py", project / "build")
    po.write_text('msgid "Next"\nmsgstr "下一步"\n', "utf-8")
    set_up = runpy.run_path(str(project / "build" / "make.py"))["set_up_translations"]
    set_up()
    mo = po.with_suffix(".mo")
    assert "下一步".encode() in mo.read_bytes()
    made = mo.stat()
    set_up()
    assert (mo.stat().st_ino, mo.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    po.write_text('msgid "Next"\nmsgstr "前进"\n', "utf-8")
    os.utime(mo, ns=(made.st_atime_ns, po.stat().st_mtime_ns - 1))
    set_up()
    assert "前进".encode() in mo.read_bytes()


def test_translations_that_cannot_be_compiled_are_told_in_one_sentence(project: Path) -> None:
    po = project / "resources" / "locale" / "zh_CN" / "LC_MESSAGES" / "viewkeeper.po"
    po.parent.mkdir(parents=True)
    po.write_text("", "utf-8")
    done = make(project, "cli", "--version")  # catalogue.py is missing here
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "out" in done.stderr


def test_the_readme_names_the_two_commands_and_ci_runs_them() -> None:
    readme, ci = (ROOT / "README.md").read_text("utf-8"), (ROOT / ".ci/run").read_text("utf-8")
    assert "python3 build/make.py run" in readme
    assert "python3 build/make.py test" in readme
    for command in ("check", "test", "peers", "screen", "try-exe"):
        assert f"\npython3 build/make.py {command}\n" in ci
    assert "build/make.py test --python" in ci


def test_every_line_of_the_readmes_tour_is_one_that_the_command_line_takes() -> None:
    tour = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("vk ")]
    parser = cli._parser()
    commands = {parser.parse_args(shlex.split(line, comments=True)[1:]).command.__name__ for line in tour}
    known = {"lab", "profiles", "check", "backup", "sets", "verify", "runs", "resume", "undo", "report", "pools"}
    assert commands == known
