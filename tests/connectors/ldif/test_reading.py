"""Reading and writing LDIF."""

from __future__ import annotations

import base64
import io
import tracemalloc
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.connectors import ldif
from app.connectors.ldif import reader
from app.connectors.ldif.writer import WIDTH


def read(content: bytes) -> list[ldif.Entry]:
    return list(ldif.read(io.BytesIO(content)))


def written(entries: list[ldif.Entry], line_end: bytes = b"\n") -> bytes:
    out = io.BytesIO()
    ldif.write(entries, out, line_end=line_end)
    return out.getvalue()


def refused(content: bytes) -> ldif.LdifError:
    with pytest.raises(ldif.LdifError) as caught:
        read(content)
    return caught.value


names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}(;[a-z0-9-]{1,8})?", fullmatch=True).filter(
    lambda name: name.lower() not in ("dn", "changetype", "control")
)
awkward = st.lists(st.sampled_from([b"\r", b"\n", b"\0", b" ", b":", b"<", b"#", b"x", b"\xff", b"y: z", b"-"])).map(
    b"".join
)
values = st.one_of(st.binary(max_size=300), awkward)
entries = st.builds(
    ldif.Entry,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
    st.dictionaries(names, st.lists(values, min_size=1, max_size=4), min_size=1, max_size=5),
)


@given(st.lists(entries, max_size=4), st.sampled_from([b"\n", b"\r\n"]))
@example([ldif.Entry("", {"a": [b" ", b": x", b"", b"\r\n", b"x ", b"a" * 500]})], b"\r\n")
def test_whatever_is_written_is_read_back_byte_for_byte(content: list[ldif.Entry], line_end: bytes) -> None:
    text = written(content, line_end)
    assert [(e.dn, e.attributes) for e in read(text)] == [(e.dn, e.attributes) for e in content]
    assert all(len(line) <= WIDTH and max(line, default=0) < 128 for line in text.split(line_end))


@given(st.lists(entries, min_size=1, max_size=3), st.integers(1, 40))
def test_the_size_of_the_blocks_that_are_read_makes_no_difference(content: list[ldif.Entry], size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, _wanted: int | None = -1) -> bytes:
            return super().read(size)

    whole = written(content, b"\r\n")
    assert list(ldif.read(Slow(whole))) == read(whole)


@given(st.lists(entries, min_size=1, max_size=3), st.data())
def test_a_file_cut_anywhere_gives_a_prefix_or_an_error_and_never_something_else(
    content: list[ldif.Entry], data: st.DataObject
) -> None:
    whole = written(content)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    got = []
    try:
        for entry in ldif.read(io.BytesIO(cut)):
            got.append(entry)  # noqa: PERF402  # what came before the error counts
    except ldif.LdifError as error:
        assert error.line > 0  # noqa: PT017
    complete = read(whole)
    assert got[:-1] == complete[: max(len(got) - 1, 0)]  # the last may lack lines: that cannot be known


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_a_line(content: bytes) -> None:
    try:
        read(content)
    except ldif.LdifError as error:
        assert error.line >= 1  # noqa: PT017
        assert "{" not in str(error.what)  # noqa: PT017


def test_lines_are_unfolded_comments_skipped_and_numbers_kept() -> None:
    content = (
        b"\xef\xbb\xbf# made by hand\n#  folded\n  comment\nversion: 1\n\n\n\n"
        b"dn: cn=a,\n dc=b\n# inside\nCN:a\ncn:  b \nempty:\ndescription;lang-zh::5Lit5\n paH\n"
        b"\n# alone\n\ndn:: Y249Yg==\nx: <SID=S-1-5>\n"
    )
    first, second = read(content)
    assert first == ldif.Entry(
        "cn=a,dc=b", {"CN": [b"a"], "cn": [b"b "], "empty": [b""], "description;lang-zh": ["中文".encode()]}, 8
    )
    assert first.values("Cn") == [b"a", b"b "]
    assert second == ldif.Entry("cn=b", {"x": [b"<SID=S-1-5>"]}, 19)


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"dn: cn=a\nx: 1\ny\n\n", 3, "no colon"),
        (b"dn: cn=a\nx: 1\n y\nz:: %%\n\n", 4, "base64"),
        (b"dn: cn=a\nx: 1\ndn: cn=b\nx: 1\n\n", 3, "without an empty line"),
        (b"dn: cn=a\nx: 1\n\nx: 1\n\n", 4, "begin with its dn"),
        (b"dn: cn=a\n\ndn: cn=b\nx: 1\n\n", 1, "no attributes"),
        (b"dn:: /w==\nx: 1\n\n", 1, "UTF-8"),
        (b"dn: cn=a\n: 1\n\n", 2, "name"),
        (b"version: 2\n\ndn: cn=a\nx: 1\n\n", 1, "version 2"),
        (b"<html>\n\n", 1, "begins with a dn"),
        (b"dn: a\nx: 1\n\n-\nfoo: bar\n\n", 4, "begin with its dn"),
    ],
)
def test_damage_is_told_with_its_line(content: bytes, line: int, says: str) -> None:
    error = refused(content)
    assert (error.line, error.cut) == (line, False)
    assert says in str(error)
    assert refused(content.replace(b"\n", b"\r\n")).line == line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"dn: cn=a\nx: 1\ny: no end", 3),
        (b"dn: cn=a\nx: 1\n\ndn: cn", 4),
        (b"dn: cn=a\nx: 1\n\ndn: cn=b\n", 4),
        (b"dn: cn=a\nx:: QUJ\n", 2),
        (b"dn: cn=a\nx: 1\npae-VmSt\n", 3),
        (b"dn: cn=a\r\nx: 1\r", 2),
    ],
)
def test_a_file_that_ends_too_early_is_told_apart_from_a_damaged_one(content: bytes, line: int) -> None:
    error = refused(content)
    assert (error.line, error.cut) == (line, True)
    assert "ends too early" in str(error)


def test_the_entries_before_the_cut_are_given_first() -> None:
    entries = ldif.read(io.BytesIO(b"dn: cn=a\nx: 1\n\ndn: cn=b\nx: "))
    assert next(entries).dn == "cn=a"
    with pytest.raises(ldif.LdifError):
        next(entries)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised_and_told_with_its_remedy(codec: str) -> None:
    for content in ("dn: cn=a\r\nx: 1\r\n\r\n".encode(codec), "\ufeffdn: cn=a\r\n".encode(codec)):
        error = refused(content)
        assert "UTF-16" in str(error)
        assert "vdmexport -f" in str(error)


@pytest.mark.parametrize(
    "first", [b"changetype: modify", b"control: 1.2.3 true", b"changetype:delete", b"ChangeType:: YWRk"]
)
def test_change_records_are_refused_wherever_they_stand(first: bytes) -> None:
    plain = b"dn: cn=a\nx: 1\nchangetype: a mere attribute\n\n"
    error = refused(plain + b"dn: cn=b\n" + first + b"\nx: 1\n\n")
    assert error.line == 6
    assert "asks for a change" in str(error)


@pytest.mark.parametrize("value", [b"x:< file:///etc/passwd", b"x:<file:///c: d"])
def test_values_by_url_are_refused(value: bytes) -> None:
    assert "address" in str(refused(b"dn: cn=a\nx: 1\n" + value + b"\n\n"))
    assert refused(b"dn: cn=a\nx: 1\n" + value + b"\n\n").line == 3


@pytest.mark.parametrize(
    "entry",
    [
        ldif.Entry("cn=a", {}),
        ldif.Entry("cn=a", {"x": []}),
        ldif.Entry("cn=a", {"a b": [b""]}),
        ldif.Entry("cn=a", {"": [b""]}),
        ldif.Entry("cn=a", {"x": [b""], "DN": [b""]}),
        ldif.Entry("cn=a", {"ChangeType": [b"add"]}),
        ldif.Entry("cn=a", {"名": [b"add"]}),
        ldif.Entry("cn=\ud800", {"x": [b""]}),
    ],
)
def test_what_ldif_cannot_hold_is_refused_before_a_byte_of_it_is_written(entry: ldif.Entry) -> None:
    out = io.BytesIO()
    with pytest.raises(ldif.LdifError):
        ldif.write([entry], out, version=False)
    assert out.getvalue() == b""


def test_memory_stays_flat_however_long_the_file_is() -> None:
    one = written([ldif.Entry("cn=a", {"x": [b"y" * 60] * 20})]).split(b"\n\n", 1)[1]

    class Endless(io.RawIOBase):
        left = 20

        def read(self, _size: int | None = -1) -> bytes:
            self.left -= 1
            return one * (reader.BLOCK // len(one)) if self.left >= 0 else b""

    list(ldif.read(io.BytesIO(one)))
    tracemalloc.start()
    try:
        count = sum(1 for _ in ldif.read(cast("io.BytesIO", Endless())))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20 * (reader.BLOCK // len(one))
    assert peak < 12 * reader.BLOCK


def test_an_entry_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LONGEST_ENTRY", 1 << 16)
    monkeypatch.setattr(reader, "BLOCK", 1 << 12)
    error = refused(b"dn: cn=a\n" + b"x: " + b"y" * (1 << 20))
    assert error.line == 1


def test_a_great_number_of_names_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MANY_NAMES", 5)
    content = b"dn: cn=a\n" + b"".join(b"x%d:: %s\n" % (n, base64.b64encode(b"%d" % n)) for n in range(50))
    (entry,) = read(content)
    assert entry.attributes == {f"x{n}": [str(n).encode()] for n in range(50)}
