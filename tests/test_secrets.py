"""Passwords come from where the operator put them, and show nowhere."""

import base64
import io
import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import secrets
from app.errors import NotLetIn, Refused, UserError
from app.secrets import Memory, Passwords, disguises, passwords_from
from app.texts import text


class InMemory(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.fails: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        self.fail()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.fail()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.fail()
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("none")

    def fail(self) -> None:
        if self.fails:
            raise self.fails


WORD = "t0p secret"


class WindowsFailed(Exception):
    """As pywintypes.error is: no kind of OSError, and none of keyring's."""

    def __init__(self, winerror: int, function: str, strerror: str) -> None:
        super().__init__(winerror, function, strerror)
        self.winerror, self.function, self.strerror = winerror, function, strerror


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, ring = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_what_is_given_counts_before_the_keyring_and_one_system_before_all(ring: InMemory) -> None:
    secrets.store_password("p", "D\\a", "from the keyring")
    assert Passwords("p").of("D\\a", "broker1") == "from the keyring"
    given = {"D\\a": "given", "D\\a@sql1": "given for sql1"}
    assert Passwords("p", given).of("D\\a", "broker1") == "given"
    assert Passwords("p", given).of("D\\a", "sql1") == "given for sql1"


def test_a_password_is_asked_for_once(ring: InMemory) -> None:
    asked: list[str] = []

    def ask(question: object) -> str:
        asked.append(str(question))
        return "typed"

    passwords = Passwords("p", ask=ask)
    assert [passwords.of("a", "s"), passwords.of("a", "s")] == ["typed", "typed"]
    assert len(asked) == 1


WRONG = NotLetIn(text("It is not let in."))


def test_an_account_that_no_system_has_let_in_is_asked_for_anew_everywhere(ring: InMemory) -> None:
    memory, given = Memory(), {"CORP\\vk": "old"}
    before = Passwords("corp", given, memory=memory)
    before.guard("CORP\\vk", "broker1").refuse(WRONG)
    after = Passwords("corp", given, lambda _question: "new", memory)
    assert after.of("CORP\\vk", "broker1") == "new"
    after.guard("CORP\\vk", "broker1").let_in()
    assert after.of("CORP\\vk", "sql1") == "new", "the old one is not tried on another system"
    assert Passwords("corp", given, lambda _question: "third", memory).of("CORP\\vk", "sql1") == "old"


def test_where_another_system_lets_the_account_in_only_the_one_that_refused_it_is_asked_for_anew(
    ring: InMemory,
) -> None:
    memory, given = Memory(), {"CORP\\vk": "old"}
    before = Passwords("corp", given, memory=memory)
    before.guard("CORP\\vk", "broker1").let_in()
    before.guard("CORP\\vk", "sql1").refuse(WRONG)
    after = Passwords("corp", given, lambda _question: "new", memory)
    assert [after.of("corp\\VK", place) for place in ("broker1", "sql1")] == ["old", "new"]
    assert Passwords("other", given, lambda _question: "new", memory).of("CORP\\vk", "sql1") == "old"


def test_what_was_refused_is_used_again_where_nobody_can_be_asked(ring: InMemory) -> None:
    memory, given = Memory(), {"CORP\\vk": "old"}
    Passwords("corp", given, memory=memory).guard("CORP\\vk", "sql1").refuse(WRONG)
    assert Passwords("corp", given, memory=memory).of("CORP\\vk", "sql1") == "old"


def test_no_password_is_said_and_an_empty_one_is_not_invented(ring: InMemory) -> None:
    with pytest.raises(UserError, match="no password"):
        Passwords("p").of("a", "s")


def test_a_locked_keyring_is_told_and_not_passed_over(ring: InMemory) -> None:
    ring.locked = True
    with pytest.raises(UserError, match="keyring"):
        Passwords("p").of("a", "s")


@pytest.mark.parametrize(
    "use",
    [
        lambda: secrets.stored_password("p", "a"),
        lambda: secrets.store_password("p", "a", WORD),
        lambda: secrets.forget_password("p", "a"),
        secrets.keyring_keeps,
    ],
    ids=["read", "store", "forget", "look"],
)
def test_whatever_a_keyring_raises_is_told_in_a_sentence_without_the_password(
    ring: InMemory, use: Callable[[], object]
) -> None:
    ring.fails = WindowsFailed(1312, "CredRead", f"{WORD}: a specified logon session does not exist")
    with pytest.raises(UserError, match=r"could not be used.*WindowsFailed 1312") as told:
        use()
    assert WORD not in "".join(traceback.format_exception(told.value))


def test_a_password_too_long_for_the_keyring_is_refused(ring: InMemory) -> None:
    with pytest.raises(Refused, match="1281"):
        secrets.store_password("p", "a", "x" * 1281)


def test_a_forgotten_password_is_gone_and_forgetting_twice_is_no_error(ring: InMemory) -> None:
    secrets.store_password("p", "a", "x")
    secrets.forget_password("p", "a")
    secrets.forget_password("p", "a")
    assert secrets.stored_password("p", "a") is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=20))
def test_a_password_and_its_disguises_are_hidden(password: str) -> None:
    passwords = Passwords("p", {"a": password})
    coded = base64.b64encode(password.encode()).decode()
    for shape in (password, coded, base64.b64encode(password.encode("utf-16-le")).decode(), json.dumps(password)):
        assert password not in passwords.hide(f"before {shape} after") or password in "before  after" + secrets.HIDDEN
        assert coded not in passwords.hide(f"<{coded}>")
    assert password in disguises(password)


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{'a': 'S3cret'}"])
def test_a_file_of_passwords_that_is_none_is_refused_without_its_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(Refused) as raised:
        passwords_from(str(path))
    assert "S3cret" not in str(raised.value)


def test_passwords_are_read_from_standard_input_and_from_a_file_with_a_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": "密码"}'))
    assert passwords_from("-") == {"a": "密码"}
    (tmp_path / "p.json").write_bytes(b'\xef\xbb\xbf{"a": "b"}')
    assert passwords_from(str(tmp_path / "p.json")) == {"a": "b"}
