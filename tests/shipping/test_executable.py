"""What goes around the executable: when it is built anew, its signature, its bill of materials, its licences."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from importlib.metadata import PathDistribution
from pathlib import Path

import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import app
from build import bill, executable, trying, windows
from tests.executable.machine import Executable
from tests.processes import living

LIBRARIES = Path(sysconfig.get_path("purelib"))
FILES = ["msgspec/__init__.py", "jinja2\\loaders.py", "Keyring/core.py", "not/of/any.py"]
"""As PyInstaller under Windows tells them: with its separators, in any case."""

THERE = "print('there', flush=True); input()"
"""A process that only lives."""

HOLDS = "from build import windows\nwith windows.alone('it'): print('there', flush=True); input()"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, by the variable that names one."""
    folder = tmp_path / "own cache"
    monkeypatch.setenv("VIEWKEEPER_CACHE", str(folder))
    return folder


# ---- when it is built anew


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Files that an executable is made from."""
    for name in (
        *("app/__init__.py", "app/lab/lab.py", "ui/program.py", "resources/scripts/a.ps1", "resources/locale/a.po"),
        *(f"build/{name}" for name in executable.BUILD_FILES),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    return tmp_path


def test_any_change_of_any_source_builds_it_anew(sources: Path) -> None:
    seen = {executable.inputs(sources)}
    for number, file in enumerate(executable.sources(sources), 1):
        file.write_text("changed", "utf-8")
        seen.add(executable.inputs(sources))
        assert len(seen) == number + 1, file
    (sources / "ui/program.py").rename(sources / "ui/renamed.py")
    (sources / "app/new.py").touch()
    assert executable.inputs(sources) not in seen


def test_what_is_only_made_from_sources_builds_nothing_anew(sources: Path) -> None:
    before = executable.inputs(sources)
    for name in ("app/__pycache__/a.cpython-313.pyc", "ui/.mypy_cache/a.json", "resources/locale/a.mo", "tests/a.py"):
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).write_text("made", "utf-8")
    assert executable.inputs(sources) == before


def test_every_file_that_it_is_made_from_is_there() -> None:
    names = {file.relative_to(windows.ROOT).as_posix() for file in executable.sources()}
    assert {"ui/__main__.py", "build/viewkeeper.spec", "build/requirements/exe.txt"} <= names
    assert not [name for name in names if "test" in name and name.startswith("tests/")]


def test_a_half_made_folder_of_the_cache_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    place, made = tmp_path / "cache" / "it", []

    def half(folder: Path) -> None:
        folder.mkdir()
        (folder / "first").touch()
        raise windows.Trouble("The network is gone.")

    def whole(folder: Path) -> None:
        folder.mkdir()
        (folder / "all").touch()
        made.append(folder)

    with pytest.raises(windows.Trouble):
        windows._once(place, half)
    assert list(place.parent.iterdir()) == []
    windows._once(place, whole)
    windows._once(place, whole)
    assert [file.name for file in place.iterdir()] == ["all"]
    assert len(made) == 1


def test_of_two_that_make_the_same_folder_at_once_one_is_taken(tmp_path: Path) -> None:
    place = tmp_path / "it"

    def overtaken(folder: Path) -> None:
        folder.mkdir()
        place.mkdir()
        (place / "the other's").touch()

    windows._once(place, overtaken)
    assert [file.name for file in place.iterdir()] == ["the other's"]
    assert not windows._half_made(place).exists()


def test_what_a_killed_one_had_half_made_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "it"
    windows._half_made(place).mkdir()
    (windows._half_made(place) / "half").touch()
    windows._once(place, lambda folder: folder.mkdir())
    assert list(place.iterdir()) == []


def test_what_others_make_is_waited_for_and_never_forgotten_meanwhile(
    own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = own_cache / "it"
    windows._half_made(place).mkdir(parents=True)
    with living(HOLDS) as other:
        windows.forget(place, "it")
        assert windows._half_made(place).exists()
        waiting = threading.Thread(target=windows._once, args=(place, lambda folder: folder.mkdir()))
        waiting.start()
        waiting.join(2 * windows.LOOK)
        assert not place.exists()
        assert other.stdin is not None
        other.stdin.close()
        waiting.join(60)
    assert place.exists()
    assert "waiting for it" in capsys.readouterr().out
    windows.forget(place, "it")
    assert not place.exists()


def test_what_was_made_for_another_lock_is_forgotten_once_nothing_has_used_it_for_long(own_cache: Path) -> None:
    used, lately, long_ago, half = (own_cache / f"prefix-{name}" for name in ("used", "lately", "long", "half.making"))
    others = own_cache / "libraries-long"
    for place in (used, lately, long_ago, half, others):
        place.mkdir(parents=True)
    for place in (used, long_ago, half, others):
        os.utime(place, (time.time() - 2 * windows.UNUSED,) * 2)
    windows.forget_unused([used])
    assert {place.name for place in own_cache.iterdir()} == {used.name, lately.name, others.name, "locks"}
    assert time.time() - used.stat().st_mtime < windows.UNUSED


def test_of_builds_the_newest_are_kept_and_none_that_broke_off_nor_one_that_is_going_on(own_cache: Path) -> None:
    builds = own_cache / "built"
    for age, name in enumerate(("new", "second", "third", "fourth", "fifth")):
        (builds / name).mkdir(parents=True)
        (builds / name / executable.WHOLE).touch()
        os.utime(builds / name / executable.WHOLE, (time.time() - 100 * age,) * 2)
    for name in ("broke off", "killed.making", "going on.making"):
        (builds / name).mkdir()
    with windows.alone("built-going on"):
        executable._forget_older(builds, builds / "new")
    assert {place.name for place in builds.iterdir()} == {"new", "second", "third", "going on.making"}


class Scanned(type(Path())):  # type: ignore[misc]  # what it is depends on the machine
    """A folder that something looks into, so that Windows lets nobody rename it for a while."""

    refusals = 0

    def rename(self, target: str | os.PathLike[str]) -> Path:
        self.refusals -= 1
        if self.refusals >= 0:
            raise PermissionError(13, "Access is denied")
        return Path(super().rename(target))


def test_a_scanner_that_looks_into_a_fresh_folder_is_waited_for_and_named_where_it_goes_on(tmp_path: Path) -> None:
    made = Scanned(tmp_path / "made")
    made.mkdir()
    made.refusals = 10**6
    with pytest.raises(windows.Trouble, match="Access is denied"):
        windows.renamed(made, tmp_path / "it", seconds=0)
    made.refusals = 1
    windows.renamed(made, tmp_path / "it")
    assert (tmp_path / "it").exists()


def test_a_program_that_hangs_or_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    hangs = [sys.executable, "-c", "import time; time.sleep(100)"]
    with pytest.raises(windows.Trouble, match=r"did not end within 0 s: see the end of"):
        windows._called(hangs, tmp_path / "log", seconds=0.2)
    with pytest.raises(windows.Trouble, match=r"no such program could not be started"):
        windows._called(["no such program"], tmp_path / "log")


def test_the_caches_place_is_the_same_from_every_folder(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_cache.mkdir()
    (own_cache.parent / "link").symlink_to(own_cache)
    monkeypatch.chdir(own_cache.parent)
    for named in ("link", "own cache", str(own_cache.parent / "link")):
        monkeypatch.setenv("VIEWKEEPER_CACHE", named)
        assert windows.cache() == own_cache.resolve()


def test_another_python_of_the_machine_counts_where_it_gets_into_the_executable(tmp_path: Path) -> None:
    told = windows.own_python(native=True)
    assert sys.version in told
    assert sys.base_prefix in told
    assert windows.own_python(native=False) == ""
    assert windows.fingerprint(more=told) != windows.fingerprint(more=told + "another")


def test_files_that_change_while_they_are_packed_are_told() -> None:
    executable.check_unchanged("same", "same")
    with pytest.raises(windows.Trouble, match="build it once more"):
        executable.check_unchanged("before", "after")


def test_a_version_is_dated_the_same_everywhere_and_one_without_a_date_says_where_it_is_missing() -> None:
    assert executable.moment("0.1.0") == 1795305600
    assert executable.moment(app.__version__)
    with pytest.raises(windows.Trouble, match=r"build/executable\.py"):
        executable.moment("0.0.0")


def test_what_is_put_out_takes_the_place_of_all_that_lay_there(tmp_path: Path) -> None:
    dist, new = tmp_path / "dist", tmp_path / "ViewKeeper.exe"
    new.write_text("new")
    dist.mkdir()
    (dist / "ViewKeeper.exe").write_text("old")
    (dist / "old.txt").touch()
    executable.put([new], dist)
    assert {file.name: file.read_text() for file in dist.iterdir()} == {"ViewKeeper.exe": "new"}


def test_what_lies_there_is_tried_as_it_is_where_it_was_built_from_these_files_and_is_whole(tmp_path: Path) -> None:
    origin, names = tmp_path / "built-from", [*executable.PROGRAMS, executable.BILL, executable.LICENCES]
    for name in (*names, executable.SUMS):
        (tmp_path / name).touch()
    assert not executable.lies_there(tmp_path, origin)
    origin.write_text("of other files", "ascii")
    assert not executable.lies_there(tmp_path, origin)
    origin.write_text(executable.inputs(), "ascii")
    assert executable.lies_there(tmp_path, origin)
    (tmp_path / executable.SUMS).unlink()
    assert not executable.lies_there(tmp_path, origin)


def test_what_cannot_be_replaced_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "dist").touch()
    with pytest.raises(windows.Trouble, match=r"dist cannot be replaced \(.+\): close it"):
        executable.put([], tmp_path / "dist")


def test_any_change_of_what_it_is_tried_by_has_it_tried_again(tmp_path: Path) -> None:
    counted = ("tests/conftest.py", "tests/screen/hands.py", "tests/executable/a.py", "pyproject.toml",
               "build/windows.py", "build/wine/icuuc.c", "ViewKeeper.exe", "ViewKeeper-debug.exe")  # fmt: skip
    for name in counted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = [tmp_path / name for name in counted[-2:]]
    seen = {trying.fingerprint(files, "wine-8", tmp_path), trying.fingerprint(files, "wine-9", tmp_path)}
    assert len(seen) == 2
    for number, name in enumerate(counted, 3):
        (tmp_path / name).write_text("changed")
        seen.add(trying.fingerprint(files, "wine-8", tmp_path))
        assert len(seen) == number, name


@pytest.mark.skipif(os.name == "nt", reason="processes are found in /proc: the executable is tried on Linux alone")
def test_only_the_processes_of_the_file_that_is_tried_are_its_own(tmp_path: Path) -> None:
    own, others = tmp_path / "a user's abc123", tmp_path / "a user's def456"
    tried = Executable(windows.Windows([], Path()), own / "ViewKeeper.exe", own)
    with living(THERE, str(own / "ViewKeeper.exe")) as mine, living(THERE, str(others / "ViewKeeper.exe")) as another:
        assert tried.processes() == [mine.pid]
        os.kill(mine.pid, signal.SIGKILL)
        assert mine.wait(60) == -signal.SIGKILL
        assert tried.processes() == []
        assert another.poll() is None


def test_a_fingerprint_tells_files_apart_by_content_and_name_and_not_by_line_ends(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a\nb\n")
    two.write_bytes(b"a\nb\n")
    first = windows.fingerprint(one)
    assert windows.fingerprint(two) != first
    assert windows.fingerprint(two, one) == windows.fingerprint(one, two)
    one.write_bytes(b"a\r\nb\r\n")
    assert windows.fingerprint(one) == first
    one.write_bytes(b"a\nc\n")
    assert windows.fingerprint(one) != first


# ---- what Windows shows of it


def test_the_version_resource_can_be_read_and_bears_the_one_version() -> None:
    tree = ast.parse(executable.version_resource("3.14.15"), mode="eval")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [node.func.id for node in calls if isinstance(node.func, ast.Name)]
    assert {"VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "VarFileInfo", "VarStruct"} < set(names)
    fixed = next(node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "FixedFileInfo")
    numbers = {word.arg: ast.literal_eval(word.value) for word in fixed.keywords}
    assert numbers["filevers"] == numbers["prodvers"] == (3, 14, 15, 0)
    told = dict(ast.literal_eval(ast.Tuple(node.args, ast.Load())) for node in calls if node.args[1:] and
                isinstance(node.args[0], ast.Constant) and "Version" in str(node.args[0].value))  # fmt: skip
    assert told == {"FileVersion": "3.14.15", "ProductVersion": "3.14.15"}
    assert executable.version_resource(app.__version__)


# ---- its signature


def signing(folder: Path) -> list[str]:
    """The words that sign with a certificate which is made for it."""
    if shutil.which("osslsigncode") is None or shutil.which("openssl") is None:
        pytest.skip("osslsigncode is not installed: python3 build/make.py exe does it")
    key, certificate, bundle, password = (folder / name for name in ("key", "crt", "p12", "password"))
    password.write_text("S3cret pässword", "utf-8")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Try", "-days", "2"]
    usage = ["-addext", "extendedKeyUsage=codeSigning", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *usage], check=True, capture_output=True)
    pack = ["openssl", "pkcs12", "-export", "-inkey", str(key), "-in", str(certificate), "-out", str(bundle)]
    subprocess.run([*pack, "-passout", f"file:{password}"], check=True, capture_output=True)
    return ["--certificate", str(bundle), "--password-file", str(password)]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A small program for Windows: every Python's pip brings some."""
    small = next(LIBRARIES.glob("pip/_vendor/distlib/t64.exe"), None)
    if small is None:
        pytest.skip("this Python's pip brings no program for Windows")
    return Path(shutil.copy(small, tmp_path / "ViewKeeper.exe"))


def test_without_a_certificate_it_says_that_it_is_unsigned(program: Path) -> None:
    before = program.read_bytes()
    assert executable.signed([program], executable.options([])).startswith("Unsigned: no certificate")
    assert program.read_bytes() == before


def test_with_a_certificate_it_is_signed_by_it(program: Path, tmp_path: Path) -> None:
    words = signing(tmp_path)
    executable.check_signing(executable.options(words))
    assert executable.signed([program], executable.options(words)).startswith("Signed without a timestamp")
    verify = ["osslsigncode", "verify", "-CAfile", str(tmp_path / "crt"), "-in", str(program)]
    told = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert not program.with_suffix(".signed").exists()


def test_a_wrong_password_is_told_in_a_sentence_without_it_and_nothing_changes(program: Path, tmp_path: Path) -> None:
    before, words = program.read_bytes(), signing(tmp_path)
    (tmp_path / "password").write_text("wr0ng", "utf-8")
    with pytest.raises(windows.Trouble, match=r"did not sign ViewKeeper\.exe; it said: .*password") as raised:
        executable.signed([program], executable.options(words))
    assert "wr0ng" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert program.read_bytes() == before
    assert not program.with_suffix(".signed").exists()


def test_an_authority_that_does_not_sign_the_time_leaves_it_unsigned(program: Path, tmp_path: Path) -> None:
    before, words = program.read_bytes(), [*signing(tmp_path), "--timestamp", "http://127.0.0.1:9/"]
    with pytest.raises(windows.Trouble, match=r"127\.0\.0\.1"):
        executable.signed([program], executable.options(words))
    assert program.read_bytes() == before


def test_what_cannot_be_signed_with_is_told_before_anything_is_built(tmp_path: Path) -> None:
    executable.check_signing(executable.options([]))
    words = signing(tmp_path)
    (tmp_path / "password").unlink()
    with pytest.raises(windows.Trouble, match="password"):
        executable.check_signing(executable.options(words))
    with pytest.raises(windows.Trouble, match="no such"):
        executable.check_signing(executable.options(["--certificate", str(tmp_path / "no such")]))
    with pytest.raises(windows.Trouble, match="--certificate FILE"):
        executable.check_signing(executable.options(["--thumbprint", "AB12"]))


def test_windows_own_tool_is_given_the_certificate_the_hash_and_the_authority() -> None:
    plain = ["signtool", "sign", "/sha1", "AB12", "/fd", "sha256"]
    chosen = executable.options(["--thumbprint", "AB12"])
    assert executable._signtool(Path("ViewKeeper.exe"), chosen) == [*plain, "ViewKeeper.exe"]
    chosen = executable.options(["--thumbprint", "AB12", "--timestamp", "http://t/"])
    stamp = ["/tr", "http://t/", "/td", "sha256"]
    assert executable._signtool(Path("ViewKeeper.exe"), chosen) == [*plain, *stamp, "ViewKeeper.exe"]
    with pytest.raises(windows.Trouble, match="--thumbprint"):
        executable._signtool(Path("ViewKeeper.exe"), executable.options(["--certificate", "a.p12"]))


# ---- its bill and its licences


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path]:
    """The bill and the licences of some libraries."""
    contents = tmp_path / "contents.json"
    told = {"python": "3.13.2", "python_licence": "PSF LICENSE AGREEMENT ...", "files": FILES}
    contents.write_text(json.dumps(told), "utf-8")
    files = tmp_path / "bill.json", tmp_path / "licences.txt"
    bill.write(contents, LIBRARIES, *files, 1_700_000_000)
    return files


def test_the_bill_is_one_that_others_programs_take_and_names_what_was_packed(written: tuple[Path, Path]) -> None:
    content = written[0].read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    told = json.loads(content)
    assert {one["name"] for one in told["components"]} == {"CPython", "msgspec", "jinja2", "keyring"} | {
        name for name in bill.PRODUCTS_OF_BUILDING if next(LIBRARIES.glob(f"{name}-*.dist-info"), None)
    }
    assert told["metadata"]["component"]["version"] == app.__version__
    [library] = [one for one in told["components"] if one["name"] == "msgspec"]
    assert library["version"] == msgspec.__version__
    assert library["purl"] == f"pkg:pypi/msgspec@{msgspec.__version__}"
    assert library["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]


def test_two_bills_of_the_same_files_are_alike(written: tuple[Path, Path], tmp_path: Path) -> None:
    again = tmp_path / "again.json", tmp_path / "again.txt"
    bill.write(tmp_path / "contents.json", LIBRARIES, *again, 1_700_000_000)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in written]


def test_the_licences_hold_a_text_for_each_of_them(written: tuple[Path, Path]) -> None:
    told = written[1].read_text("utf-8").split(bill.RULE)
    for name, words in (
        ("CPython 3.13.2 (PSF-2.0)", "PSF LICENSE AGREEMENT"),
        ("msgspec ", "Redistribution and use in source and binary forms"),
        ("jinja2 ", "Redistribution and use in source and binary forms"),
        ("keyring ", "Permission is hereby granted, free of charge"),
    ):
        [block] = [block for block in told if block.lstrip().startswith(name)]
        assert words in " ".join(block.split())
    assert any("GNU LESSER GENERAL PUBLIC LICENSE" in block for block in told)


def test_no_library_of_the_lock_is_without_a_licence() -> None:
    lock = (windows.ROOT / "build/requirements/run.txt").read_text("utf-8")
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    found = {bill._name(one): one for one in map(PathDistribution, LIBRARIES.glob("*.dist-info"))}
    there = locked & found.keys()
    assert len(there) > 15
    assert not [name for name in there if bill.licence(found[name]) in ("", "UNKNOWN", "see its text")]
