"""A set is only a set when it is whole, and every damage is named by its file."""

import datetime
import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backupset import manifest as manifests
from app.backupset import repository, verifying
from app.backupset.manifest import Manifest, Missing, Part, PoolBefore
from app.errors import Refused
from app.observation import Observation, State
from app.texts import text

COUNTS = {"pools": 1, "desktops": 3, "entitlements": 0}


def a_manifest(parts: tuple[Part, ...]) -> Manifest:
    return Manifest(
        program="1",
        run="r1",
        profile="p",
        environment="broker1",
        started="2026-01-01T00:00:00Z",
        completed="2026-01-01T00:01:00Z",
        versions={"view": "5.0.1"},
        parts=parts,
        pools=(PoolBefore(pool_id="rd-lc", name="研发桌面", kind="linked-clone", provisioning=True),),
        counts=COUNTS,
        missing=tuple(
            Missing(component=component, why=text("none"))
            for component in ("composer-database", "vcenter-database", "event-database")
        ),
        freeze_seconds=1.5,
        skew_seconds=1.0,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = repository.folder_of(tmp_path, "p", "2026-01-01T000000Z-r1")
    repository.make_folder(folder)
    parts = []
    for component, name in (("ad-lds", "adlds/vdmconfig.ldf"), ("readme", "README.txt")):
        size, digest = repository.write_file(folder / name, name.encode() * 50)
        parts.append(
            Part(component=component, system="winrm:broker1", file=name, size=size, sha256=digest,
                 evidence={"read": COUNTS, "sha256": digest})
        )  # fmt: skip
    repository.complete(folder, a_manifest(tuple(parts)))
    return folder


def states(folder: Path) -> dict[str, State]:
    return {found.key: found.state for found in verifying.verify(folder, repository.open_set(folder), {})}


def test_a_whole_set_passes_file_by_file(folder: Path) -> None:
    assert states(folder) == {"adlds/vdmconfig.ldf": State.PASSED, "README.txt": State.PASSED}


def test_a_folder_without_a_manifest_is_not_a_set_and_says_so(folder: Path) -> None:
    (folder / manifests.NAME).unlink()
    with pytest.raises(Refused, match="is not a backup set"):
        repository.open_set(folder)
    [found] = repository.sets(folder.parent.parent)
    assert found.manifest is None
    assert "incomplete" in str(found.problem)


def test_every_flipped_byte_of_every_file_is_found_and_its_file_named(folder: Path) -> None:
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        whole = path.read_bytes()
        for place in range(0, len(whole), 7):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
            if path.name == manifests.NAME:
                with pytest.raises(Refused, match="manifest"):
                    repository.open_set(folder)
            else:
                assert states(folder)[path.relative_to(folder).as_posix()] is State.BLOCKED
        path.write_bytes(whole)
    assert set(states(folder).values()) == {State.PASSED}


def test_a_missing_a_longer_and_a_foreign_file_are_each_told(folder: Path) -> None:
    (folder / "README.txt").unlink()
    with (folder / "adlds/vdmconfig.ldf").open("ab") as file:
        file.write(b"x")
    (folder / "foreign.bin").write_bytes(b"?")
    assert states(folder) == {
        "adlds/vdmconfig.ldf": State.BLOCKED,
        "README.txt": State.BLOCKED,
        "foreign.bin": State.WARNING,
    }


def test_a_content_check_has_the_last_word_on_a_file_that_is_whole(folder: Path) -> None:
    def doubt(_path: Path, part: Part) -> Observation:
        return Observation(part.file, State.UNKNOWN, text("no one knows"))

    found = list(verifying.verify(folder, repository.open_set(folder), {"ad-lds": doubt}))
    assert [o.state for o in found] == [State.UNKNOWN, State.PASSED]


def test_a_newer_format_is_refused_by_a_sentence(folder: Path) -> None:
    path = folder / manifests.NAME
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 99'))
    with pytest.raises(Refused, match="newer program"):
        repository.open_set(folder)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "a\\..\\x", ""])
def test_a_name_that_climbs_out_of_the_set_is_never_read(folder: Path, name: str) -> None:
    part = Part(component="ad-lds", system="s", file=name, size=0, sha256="")
    [found, *_] = verifying.verify(folder, a_manifest((part,)), {})
    assert found.state is State.BLOCKED


@given(st.text(), st.integers(0, 2**53), st.floats(0, 1e9), st.booleans() | st.none())
def test_what_is_written_into_a_manifest_is_read_back(name: str, size: int, seconds: float, on: bool | None) -> None:
    part = Part(component="c", system="s", file="f", size=size, sha256="0", evidence={"name": name})
    pool = PoolBefore(pool_id="p", name=name, kind="manual", provisioning=on)
    before = Manifest(
        program=name, run="r", profile="p", environment="e", started="", completed="", versions={"v": name},
        parts=(part,), pools=(pool,), counts={}, freeze_seconds=seconds, skew_seconds=0.0,
    )  # fmt: skip
    after = manifests.decode(manifests.encode(before), Path("manifest.json"))
    assert after.parts == before.parts
    assert after.pools == before.pools
    assert (after.program, after.freeze_seconds) == (name, seconds)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "full"), (errno.EIO, "gone away"), (errno.EACCES, "not allowed"), (errno.ELOOP, "ELOOP")],
)
def test_a_disk_that_refuses_is_told_in_one_sentence_with_a_remedy(number: int, words: str) -> None:
    error = repository.disk_error(Path("/r"), OSError(number, "ELOOP"))
    assert words in str(error)
    assert str(error.do)


def test_sets_are_listed_newest_first_and_folders_are_named_by_time_and_run(tmp_path: Path) -> None:
    names = [
        repository.folder_name(datetime.datetime(2026, 1, day, tzinfo=datetime.UTC), f"r{day}") for day in (1, 3, 2)
    ]
    for name in names:
        folder = repository.folder_of(tmp_path, "p", name)
        repository.make_folder(folder)
        repository.complete(folder, a_manifest(()))
    assert [found.folder.name[-2:] for found in repository.sets(tmp_path)] == ["r3", "r2", "r1"]
