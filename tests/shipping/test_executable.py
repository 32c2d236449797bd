"""What goes around the executable: when it is built anew, its signature, its bill of materials, its licences."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sysconfig
from importlib.metadata import PathDistribution
from pathlib import Path

import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import app
from build import bill, executable, windows

LIBRARIES = Path(sysconfig.get_path("purelib"))
FILES = ["msgspec/__init__.py", "jinja2\\loaders.py", "Keyring/core.py", "not/of/any.py"]
"""As PyInstaller under Windows tells them: with its separators, in any case."""

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
    assert list(tmp_path.iterdir()) == [place]


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
