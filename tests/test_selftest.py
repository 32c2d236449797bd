"""`--self-test`: it finds a whole copy whole, and for each look there is a copy that is broken in just that way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app import selftest
from tests.processes import ROOT, carried_out, environment

DRIVERS = "ODBC drivers"
"""What may rightly be missing where the tests run: who installs the program installs it."""


def looked(folder: Path, *, home: Path = ROOT, code: int = 1, **variables: str) -> dict[str, Any]:
    """What the copy of the program in `home` says of itself; each look by its name."""
    file = folder / "look 二.json"
    here = {"PYTHONPATH": str(home), "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1"}
    done = carried_out("-m", "ui", "--self-test", "--out", str(file), **{**here, **variables})
    assert file.exists(), done.stderr
    found = json.loads(file.read_text("utf-8"))
    whole = {one["name"]: one["whole"] for one in found["looks"]}
    assert (done.returncode, found["outcome"]) == ((0, "whole") if all(whole.values()) else (1, "broken"))
    assert code == done.returncode or not whole[DRIVERS], found
    return {one["name"]: one for one in found["looks"]}


def broken(looks: dict[str, Any]) -> dict[str, str]:
    return {name: one["found"] for name, one in looks.items() if not one["whole"] and name != DRIVERS}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program, to be damaged."""
    home = tmp_path / "copy"
    for part in ("app", "ui", "resources"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    return home


def shadowed(folder: Path, module: str, content: str) -> str:
    """A module that is found before the real one; returns the folder for PYTHONPATH."""
    before = folder / "before"
    before.mkdir(exist_ok=True)
    (before / f"{module}.py").write_text(content, "utf-8")
    return str(before)


def test_a_whole_copy_is_found_whole_and_nothing_is_left_behind(tmp_path: Path, copy: Path) -> None:
    before = sorted(copy.rglob("*"))
    data = tmp_path / "data"
    looks = looked(tmp_path, home=copy, code=0, VIEWKEEPER_DATA=str(data))
    assert broken(looks) == {}
    assert len(looks) == 10
    assert not data.exists()
    assert sorted(copy.rglob("*")) == before


def test_it_looks_without_a_screen_too(tmp_path: Path) -> None:
    without: dict[str, Any] = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    assert "offscreen" in looked(tmp_path, code=0, **without)["window"]["found"]


@pytest.mark.parametrize(
    ("lost", "look"),
    [
        ("app/engine/journal.py", "journal"),
        ("app/lab/process.py", "modules"),
        ("ui/pages/run.py", "pages"),
        ("resources/scripts", "resources"),
        ("resources/icons", "resources"),
        ("resources/help/zh_CN", "resources"),
        ("resources/templates/README.txt.j2", "resources"),
        ("resources/locale/zh_CN/LC_MESSAGES/viewkeeper.mo", "translations"),
        ("app/lab/certificates.py", "TLS"),
        ("app/connectors/sqlserver/drivers.py", "modules"),
    ],
)
def test_a_part_that_is_missing_is_found_by_the_look_for_it(tmp_path: Path, copy: Path, lost: str, look: str) -> None:
    path = copy / lost
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    found = broken(looked(tmp_path, home=copy))
    assert path.stem.partition(".")[0] in found[look] or look == "translations", found


@pytest.mark.parametrize("library", ["winrm", "pyodbc", "spnego"])
def test_a_library_that_is_missing_is_named(tmp_path: Path, copy: Path, library: str) -> None:
    missing = f"raise ModuleNotFoundError('there is no {library}', name='{library}')"
    before = shadowed(tmp_path, library, missing)
    looks = broken(looked(tmp_path, PYTHONPATH=f"{before}:{copy}"))
    assert library in looks["libraries"]


FORGETS = """
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

class Keyring(KeyringBackend):
    priority = 5
    kept = {}
    def set_password(self, service, name, password):
        self.kept[service, name] = SET
    def get_password(self, service, name):
        return self.kept.get((service, name))
    def delete_password(self, service, name):
        DELETED
"""


@pytest.mark.parametrize(
    ("kept", "deleted", "whole"),
    [
        ("password", "del self.kept[service, name]", True),
        ("None", "raise PasswordDeleteError('there is none')", False),
        ("password.encode('ascii', 'ignore').decode()", "del self.kept[service, name]", False),
        ("password", "pass", False),
    ],
    ids=["keeps", "forgets", "loses letters", "never lets go"],
)
def test_a_keyring_that_does_not_keep_what_it_is_given_is_found_out(
    tmp_path: Path, kept: str, deleted: str, whole: bool
) -> None:
    before = shadowed(tmp_path, "forgets", FORGETS.replace("SET", kept).replace("DELETED", deleted))
    named: dict[str, Any] = {"PYTHON_KEYRING_BACKEND": "forgets.Keyring", "PYTHONPATH": before}
    look = looked(tmp_path, code=0 if whole else 1, **named)["keyring"]
    assert look["whole"] is whole
    assert ("forgets" if whole else "does not keep") in look["found"]


def test_a_machine_without_a_keyring_is_whole_and_says_so(tmp_path: Path) -> None:
    null = "keyring.backends.null.Keyring"
    assert "asked for" in looked(tmp_path, code=0, PYTHON_KEYRING_BACKEND=null)["keyring"]["found"]


def test_a_machine_without_a_driver_for_sql_server_is_told_which_to_install() -> None:
    with pytest.raises(LookupError, match="17 or 18"):
        selftest.databases(["SQLite3", "PostgreSQL Unicode"])
    assert selftest.databases(["SQLite3", "ODBC Driver 18 for SQL Server"]) == "ODBC Driver 18 for SQL Server"


def test_a_tls_library_that_shakes_no_hands_is_found_out(tmp_path: Path) -> None:
    settings = tmp_path / "openssl.cnf"
    settings.write_text(
        "openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\nMaxProtocol = TLSv1.1\n", "ascii"
    )
    assert broken(looked(tmp_path, OPENSSL_CONF=str(settings))).keys() == {"TLS"}


def test_a_screen_that_cannot_be_drawn_on_is_told_instead_of_ending_the_process(tmp_path: Path) -> None:
    found = broken(looked(tmp_path, QT_QPA_PLATFORM="nonsense"))
    assert found.keys() == {"window"}
    assert "nonsense" in found["window"]


def test_a_machine_without_letters_is_told(tmp_path: Path) -> None:
    settings = tmp_path / "fonts.conf"
    settings.write_text(f"<fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path}</cachedir></fontconfig>", "utf-8")
    assert "is there a font" in broken(looked(tmp_path, FONTCONFIG_FILE=str(settings)))["window"]


def test_an_answer_that_cannot_be_written_is_wrong_use_and_said_in_a_sentence(tmp_path: Path) -> None:
    done = carried_out("-m", "ui", "--self-test", "--out", str(tmp_path / "no folder" / "look.json"))
    assert done.returncode == 2
    assert "look.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_file_the_answer_is_printed(tmp_path: Path) -> None:
    done = carried_out("-m", "ui", "--self-test", QT_QPA_PLATFORM="offscreen")
    assert len(json.loads(done.stdout)["looks"]) == 10
    assert environment()["PYTHONPATH"].endswith(str(ROOT))
