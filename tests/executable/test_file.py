"""What Windows reads of the file before it starts it; what is in it, how large it is, and what lies beside it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pefile
import pytest

import app
from build.trying import BESIDE, TRIED
from build.windows import Windows

WINDOWS_10_AND_11 = "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"
RT_ICON, RT_GROUP_ICON, RT_MANIFEST = 3, 14, 24
GUI, CONSOLE = 2, 3
FOREIGN = {"tests", "build", "bare", "pytest", "_pytest", "hypothesis", "unittest", "mypy", "PyInstaller"}
"""What only tests and building use."""

LARGEST = 1.4  # times a bare window, built by the same rules
SIZES = {16, 20, 24, 32, 40, 48, 64, 96, 128, 256}


@pytest.fixture(params=["ViewKeeper.exe", "ViewKeeper-debug.exe"])
def file(request: pytest.FixtureRequest) -> Path:
    if TRIED not in os.environ:
        pytest.skip("it is tried by: python3 build/make.py try-exe")
    return Path(os.environ[TRIED]).with_name(str(request.param))


def resource(image: pefile.PE, kind: int) -> list[bytes]:
    """The resources of a kind."""
    found = []
    for entry in image.DIRECTORY_ENTRY_RESOURCE.entries:
        if entry.id == kind:
            for one in entry.directory.entries:
                data = one.directory.entries[0].data.struct
                found.append(image.get_data(data.OffsetToData, data.Size))
    return found


def test_it_names_itself_and_the_one_version(file: Path) -> None:
    image = pefile.PE(str(file))
    table = image.FileInfo[0][0].StringTable[0].entries
    assert table[b"ProductVersion"].decode() == app.__version__
    assert table[b"ProductName"] == b"ViewKeeper"
    fixed = image.VS_FIXEDFILEINFO[0]
    numbers = (fixed.FileVersionMS >> 16, fixed.FileVersionMS & 0xFFFF, fixed.FileVersionLS >> 16)
    assert ".".join(map(str, numbers)) == app.__version__


def test_its_icon_is_there_in_all_sizes(file: Path) -> None:
    (group,) = resource(pefile.PE(str(file)), RT_GROUP_ICON)
    widths = {group[6 + 14 * number] or 256 for number in range(int.from_bytes(group[4:6], "little"))}
    assert widths == SIZES


def test_its_manifest_asks_for_no_rights_and_knows_windows_10_and_11(file: Path) -> None:
    (manifest,) = resource(pefile.PE(str(file)), RT_MANIFEST)
    words = manifest.decode()
    ElementTree.fromstring(words)
    assert 'level="asInvoker"' in words
    assert re.findall(r'supportedOS Id="([^"]+)"', words) == [WINDOWS_10_AND_11]
    for setting in ("PerMonitorV2", "<longPathAware", "UTF-8"):
        assert setting in words


def test_only_the_one_for_debugging_has_a_console(file: Path) -> None:
    subsystem = pefile.PE(str(file)).OPTIONAL_HEADER.Subsystem
    assert subsystem == (CONSOLE if "debug" in file.name else GUI)


def test_the_sum_beside_it_is_its_own(file: Path) -> None:
    line = f"{hashlib.sha256(file.read_bytes()).hexdigest()} *{file.name}"
    assert line in file.with_name("SHA256SUMS").read_text("ascii").splitlines()


def test_nothing_is_packed_by_upx(file: Path) -> None:
    assert not [section for section in pefile.PE(str(file)).sections if section.Name.startswith(b"UPX")]


def test_it_is_hardly_larger_than_a_bare_window(file: Path) -> None:
    assert file.stat().st_size < LARGEST * Path(os.environ[BESIDE]).stat().st_size


def test_the_program_is_in_it_and_nothing_of_tests_or_of_building(file: Path, there: Windows, tmp_path: Path) -> None:
    """As PyInstaller's own reader tells."""
    log = tmp_path / "packed.txt"
    viewer = [*there.python, "-m", "PyInstaller.utils.cliutils.archive_viewer", "-l", "-r", "-b", there.path(file)]
    libraries = there.path(there.libraries)
    assert there.run(viewer, log=log, seconds=120, PYTHONPATH=libraries, PYTHONUTF8="1") == 0
    names = {line.strip().replace("\\", "/") for line in log.read_text("utf-8").splitlines()}
    assert {"app.cli", "app.lab.lab", "ui.program", "ui.shell"} <= names
    assert not {re.split("[./]", name)[0] for name in names} & FOREIGN
    assert not [name for name in names if re.split("[./]", name)[-1].startswith(("test_", "conftest"))]
