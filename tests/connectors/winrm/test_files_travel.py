"""A file arrives whole under its name, or not at all, whichever way it travels."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.connectors.winrm import Fetched, files
from app.errors import Refused, Stopped, UserError

PATH = r"C:\ProgramData\ViewKeeper\vdmconfig.ldf"


def never() -> bool:
    return False


@dataclass
class Disk:
    """A far disk; `spoil` changes what travels."""

    name: str = "broker1"
    kept: dict[str, bytes] = field(default_factory=dict)
    spoil: Callable[[bytes], bytes] = lambda part: part
    calls: list[str] = field(default_factory=list)

    def hashed(self, path: str) -> Fetched:
        return Fetched(len(self.kept[path]), hashlib.sha256(self.kept[path]).hexdigest())

    def parts(self, path: str, size: int, stop: Callable[[], bool]) -> Iterator[bytes]:
        content = self.spoil(self.kept[path])
        for start in range(0, len(content), 7):
            if stop():
                raise Stopped
            yield content[start : start + 7]

    def write_part(self, path: str, offset: int, content: bytes) -> int:
        self.calls.append(f"write {offset}")
        self.kept[path] = (self.kept[path] if offset else b"") + self.spoil(content)
        return len(self.kept[path])

    def rename(self, path: str, to: str) -> None:
        self.kept[to] = self.kept.pop(path)

    def claim(self, path: str, to: str) -> None:
        assert to not in self.kept, "a claim replaces nothing"
        self.rename(path, to)

    def remove(self, path: str) -> None:
        self.kept.pop(path, None)


@pytest.mark.parametrize("content", [b"", b"x", "研发桌面".encode() * 100])
def test_a_file_is_fetched_whole(tmp_path: Path, content: bytes) -> None:
    heard: list[float] = []
    got = files.fetch(Disk(kept={PATH: content}), PATH, tmp_path / "a.ldf", heard.append, never)
    assert (tmp_path / "a.ldf").read_bytes() == content
    assert got == Fetched(len(content), hashlib.sha256(content).hexdigest())
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["a.ldf"]


@pytest.mark.parametrize("spoil", [lambda part: part[:-1], lambda part: part + b"!", lambda part: b"?" + part[1:]])
def test_what_changed_on_the_way_is_not_kept_and_the_old_file_stays(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "a.ldf").write_bytes(b"old")
    with pytest.raises(UserError, match="did not travel whole"):
        files.fetch(Disk(kept={PATH: b"content"}, spoil=spoil), PATH, tmp_path / "a.ldf", None, never)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.ldf": b"old"}


def test_a_stopped_fetch_leaves_nothing(tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(Stopped):
        files.fetch(Disk(kept={PATH: b"x" * 100}), PATH, tmp_path / "a.ldf", None, lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_put_in_parts_and_renamed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WRITTEN", 4)
    disk = Disk(kept={PATH: b"old"})
    files.put(disk, b"0123456789", PATH, None, never)
    assert disk.kept == {PATH: b"0123456789"}
    assert disk.calls == ["write 0", "write 4", "write 8"]


def test_an_empty_file_is_put_too(tmp_path: Path) -> None:
    disk = Disk()
    (tmp_path / "empty").touch()
    files.put(disk, b"", PATH, None, never)
    files.put(disk, tmp_path / "empty", PATH + "2", None, never)
    assert disk.kept == {PATH: b"", PATH + "2": b""}


def test_a_file_of_this_computer_is_put_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WRITTEN", 5)
    (tmp_path / "a").write_bytes(b"0123456789" * 3)
    disk = Disk()
    assert files.put(disk, tmp_path / "a", PATH, None, never).size == 30
    assert disk.kept == {PATH: b"0123456789" * 3}


@pytest.mark.parametrize("spoil", [lambda part: part[:-1], lambda part: b"?" + part[1:]])
def test_what_did_not_arrive_whole_does_not_replace_what_was_there(spoil: Callable[[bytes], bytes]) -> None:
    disk = Disk(kept={PATH: b"old"}, spoil=spoil)
    with pytest.raises(UserError):
        files.put(disk, b"content", PATH, None, never)
    assert disk.kept == {PATH: b"old"}


def test_a_stopped_put_leaves_what_was_there() -> None:
    disk = Disk(kept={PATH: b"old"})
    with pytest.raises(Stopped):
        files.put(disk, b"content", PATH, None, lambda: True)
    assert disk.kept == {PATH: b"old"}


def test_an_administrative_share_names_the_drive() -> None:
    assert files.share_path("10.0.0.5", r"C:\Program Files\x.bak") == r"\\10.0.0.5\C$\Program Files\x.bak"


@pytest.mark.parametrize("path", [r"\\server\share\x", r"folder\x", r"\x", "C:x", ""])
def test_a_path_without_a_drive_has_no_administrative_share(path: str) -> None:
    with pytest.raises(Refused):
        files.share_path("host", path)


def test_a_share_is_read_by_windows_own_means() -> None:
    asked: list[str] = []

    def opened(path: str) -> io.BytesIO:
        asked.append(path)
        return io.BytesIO(b"content")

    assert b"".join(files.share_parts("host", r"D:\x.bak", never, opened)) == b"content"
    assert asked == [r"\\host\D$\x.bak"]
    with pytest.raises(Stopped):
        list(files.share_parts("host", r"D:\x.bak", lambda: True, opened))


def test_a_share_that_cannot_be_opened_is_told_in_a_sentence() -> None:
    def opened(path: str) -> io.BytesIO:
        raise PermissionError(13, "Access is denied", path)

    with pytest.raises(UserError, match="Access is denied"):
        list(files.share_parts("host", r"D:\x.bak", never, opened))


@pytest.mark.skipif(sys.platform == "win32", reason="there, Windows itself reads shares")
def test_elsewhere_than_on_windows_shares_are_refused_with_a_way_out() -> None:
    with pytest.raises(Refused, match="Choose WinRM"):
        list(files.share_parts("host", r"D:\x.bak", never))
