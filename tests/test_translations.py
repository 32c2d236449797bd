"""Holds the catalogue: everything that people read is marked, translated, and can be shown in both languages."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from app.errors import UserError
from app.texts import LANGUAGES, SEMICOLON, Text, language, listed, render, text, use_language
from app.view import components
from app.words import COMPONENT_WORDS, component_word
from ui.widgets.parts import keyed

ROOT = Path(__file__).resolve().parent.parent

if TYPE_CHECKING:
    from build import catalogue
else:  # a folder of scripts, not a package
    found = importlib.util.spec_from_file_location("catalogue", ROOT / "build" / "catalogue.py")
    catalogue = sys.modules["catalogue"] = importlib.util.module_from_spec(found)
    found.loader.exec_module(catalogue)

SAME = {
    "SHA-256": "the name of a method",
    "WinRM": "the name of a service",
    "Active Directory": "the name of a product",
    "SQL Server": "the name of a product",
    "View Security Server": "the name of a product, which the paper keeps in English",
    "View Transfer Server": "the name of a product, which the paper keeps in English",
}
"""Messages with words that are the same in both languages, and why. Messages of nothing but fields need no entry."""

TERMS = {
    r"backup sets?": "备份集",
    r"recompos\w+": "重构",
    r"linked.clones?": "链接克隆",
    r"provision(ing|s)": "调配",
    r"pools?": "池",
    r"snapshots?": "快照",
    r"parent": "父虚拟机",
    r"replica": "副本",
    r"desktops?": "桌面",
    r"freeze": "冻结",
    r"skew": "时间差",
    r"brokers?": "连接服务器",
    r"repository": "存储库",
    r"data recovery password": "数据恢复密码",
    r"practice environment": "练习环境",
    r"profile": "配置文件",
    r"privileges?": "特权",
    r"datastores?": "数据存储",
    r"notice": "占用通知",
    r"journal": "运行记录",
    r"keyring": "密钥环",
    r"checksums?": "校验和",
    r"fingerprint": "指纹",
    r"the paper": "白皮书",
}
"""The words of the paper, of VMware's Chinese documents and of this program: one for one, wherever they stand."""


@pytest.fixture(scope="module", autouse=True)
def compiled() -> Path:
    """The catalogue that the program reads, as new as its text."""
    return catalogue.compile_mo()


@pytest.fixture
def english_again() -> Iterator[None]:
    before = language()
    yield
    use_language(before)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small project of its own, in which a test plants what it looks for."""
    (tmp_path / "app").mkdir()
    (tmp_path / "ui").mkdir()
    return tmp_path


@cache
def messages() -> list[str]:
    return sorted(catalogue.messages())


@cache
def translations() -> dict[str, str]:
    found: dict[str, str] = catalogue.translated()
    return found


def words_of(message: str) -> str:
    """Return what is left of a message without its fields."""
    return re.sub(r"\{[^}]*\}", "", message)


# ---- what the catalogue holds


def test_the_catalogue_lacks_nothing_and_nothing_passes_it_by() -> None:
    assert catalogue.check() == []


def test_nothing_in_the_catalogue_is_marked_as_doubtful() -> None:
    assert [m.id for m in catalogue.read_po() if m.id and m.fuzzy] == []


def test_the_fields_of_a_message_are_the_same_in_both_languages() -> None:
    assert [m for m, words in translations().items() if not catalogue.same_fields(m, words)] == []


def test_a_brace_too_many_is_found() -> None:
    assert not catalogue.same_fields("Pool {pool}", "池 {{pool}")
    assert not catalogue.same_fields("Pool {pool}", "池 {pool")
    assert not catalogue.same_fields("{free:.1f} GiB", "{free} GiB")
    assert catalogue.same_fields("{a} of {b}", "{b} 中的 {a}")


def test_no_translation_is_the_english_sentence() -> None:
    left = [m for m, words in translations().items() if words == m and re.search(r"[A-Za-z]", words_of(m))]
    assert sorted(set(left) - SAME.keys()) == []


def test_no_exception_stands_for_a_message_that_is_gone_or_translated() -> None:
    known = translations()
    assert [m for m in SAME if known.get(m) != m] == []


@pytest.mark.parametrize(("english", "chinese"), TERMS.items())
def test_a_term_has_one_translation_everywhere(english: str, chinese: str) -> None:
    term = re.compile(rf"(?<![\w{{-]){english}(?![\w}}@=-])", re.IGNORECASE)
    there = {m: words for m, words in translations().items() if term.search(words_of(m))}
    assert there, "no message has this word any more"
    assert {m: words for m, words in there.items() if chinese not in words} == {}


def test_chinese_sentences_have_chinese_punctuation() -> None:
    assert {m: words for m, words in translations().items() if half_width(words)} == {}


def half_width(words: str) -> str:
    """Return the first place where Chinese words have a sign of half the width, or one of the wrong width; else ""."""
    han, full = r"[\u4e00-\u9fff）」”}]", "，。；：？！、（）"
    wrong = (
        rf"{han}\s*[,;!?]",  # a sign after a word, or after a field
        r"[\u4e00-\u9fff）]\s*:|[\u4e00-\u9fff）]\.(?!\w)",  # "12:30" and ".vmx" are no punctuation
        r"[,;!?:]\s*[\u4e00-\u9fff]|[\u4e00-\u9fff]\s?\(|\)\s?[\u4e00-\u9fff]|[\"'][\u4e00-\u9fff]",
        rf"（[^）]*\)|\([^)]*[\u4e00-\u9fff）]|\s[{full}]|[{full}] |[Ａ-Ｚａ-ｚ０-９]",
    )
    return next((found[0] for one in wrong if (found := re.search(one, words))), "")


@pytest.mark.parametrize(
    "planted",
    [
        "禁用,然后停止", "池 {pool}, 已禁用", "禁用: 池", "已禁用.", "已禁用吗?", "池(已禁用)", "池 (2) 个", "池（2)",
        "已禁用 。", "禁用， 然后", "第１个", "(已禁用", "全部 : 池", "“池”,", "说\"池\"",
    ],
)  # fmt: skip
def test_a_sign_of_the_wrong_width_is_found(planted: str) -> None:
    assert half_width(planted)


@pytest.mark.parametrize(
    "innocent", ["{vm} 的 .vmx。", "{address}:{port} 无法连接。", "池：{pools}（{count} 个）", "12:30 开始", "A, B"]
)
def test_signs_that_stand_right_are_left_alone(innocent: str) -> None:
    assert not half_width(innocent)


def test_what_goes_on_and_what_asks_further_has_one_sign_in_both_languages() -> None:
    wrong = re.compile(r"\.\.\.|\s…|……")
    assert [(m, words) for m, words in translations().items() if wrong.search(m + "\n" + words)] == []
    assert [m for m, words in translations().items() if m.endswith("…") != words.endswith("…")] == []


def test_a_sentence_stays_a_sentence_and_a_name_a_name() -> None:
    ends = {".": "。", "?": "？", ":": "："}
    assert {
        m: words
        for m, words in translations().items()
        if re.search(r"[A-Za-z)]", words_of(m)) and ends.get(m[-1]) not in (None, words[-1])
    } == {}


def test_no_message_brings_an_access_key_of_its_own() -> None:
    assert [m for m, words in translations().items() if "&" in m + words] == []


@pytest.mark.parametrize("key", ["B", "N", "C"])
@pytest.mark.parametrize("label", [text("Back"), text("Next"), text("Cancel"), text("Stop")])
def test_a_button_has_the_same_access_key_in_both_languages(label: Text, key: str, english_again: None) -> None:
    for name in LANGUAGES:
        use_language(name)
        assert re.findall(r"&(.)", keyed(label, key).upper()) == [key]


def test_an_access_key_stands_before_the_dots_that_announce_a_question() -> None:
    assert keyed("新建…", "n") == "新建(&N)…"
    assert keyed("浏览...", "B") == "浏览(&B)..."
    assert keyed("New…", "N") == "&New…"


# ---- showing


def dummy(form: str) -> object:
    return 7 if form[-1:] in tuple("defg%") else "二 x"


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_message_can_be_shown_with_values(name: str) -> None:
    for message in messages():
        fields = catalogue.fields(message)
        if not all(field.isidentifier() for field in fields):
            continue  # braces that are meant: such a text is never given values
        shown = render(Text(message, {field: dummy(form) for field, (form, _) in fields.items()}), name)
        assert shown
        assert "{" not in shown
        assert not fields or "二 x" in shown or "7" in shown


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_message_without_values_can_be_shown(name: str) -> None:
    assert all(render(Text(message), name) for message in messages())


def test_the_language_changes_at_once_and_inner_texts_change_with_it(english_again: None) -> None:
    inner = text("Stop View Composer on {host}", host="composer1")
    outer = text("{title}: done and verified.", title=inner)
    use_language("en")
    assert str(outer) == "Stop View Composer on composer1: done and verified."
    use_language("zh_CN")
    assert str(outer) == "停止 composer1 上的 View Composer：完成并已验证。"
    assert str(UserError(inner)) == "停止 composer1 上的 View Composer"


def test_a_list_is_joined_as_the_language_joins_it(english_again: None) -> None:
    names = text("Off: {names}.", names=listed(["Sales", text("none"), 3]))
    kept = msgspec.json.decode(msgspec.json.encode(names), type=Text)
    use_language("en")
    assert str(names) == str(kept) == "Off: Sales, none, 3."
    assert str(listed(name for name in ("a, b", "c"))) == "a, b, c"
    assert str(listed(["a, b", "c"], SEMICOLON)) == "a, b; c"
    assert str(listed([])) == "-"
    use_language("zh_CN")
    assert str(listed(["Sales", "{research}"])) == "Sales、{research}"
    assert str(kept).count("、") == 2
    assert str(listed(["a, b", "c"], SEMICOLON)) == "a, b；c"


JOINED = re.compile(r"[,;] ?")


def lists_joined_by_hand(file: Path) -> list[int]:
    """Return the lines where a message is given a list that is joined by English signs."""
    return [
        inner.lineno
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text"
        for argument in node.keywords
        for inner in ast.walk(argument.value)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "join"
        if isinstance(inner.func.value, ast.Constant) and JOINED.fullmatch(str(inner.func.value.value))
    ]


def test_no_message_is_given_a_list_that_is_joined_by_english_signs() -> None:
    assert {file.name: lines for file in catalogue.source_files() if (lines := lists_joined_by_hand(file))} == {}


def test_a_list_that_is_joined_by_english_signs_is_found(sources: Path) -> None:
    file = sources / "app" / "one.py"
    file.write_text('text("{a}", a=listed(b))\ntext("{a}", a=", ".join(b) or "-")\n"; ".join(b)\n', "utf-8")
    assert lists_joined_by_hand(file) == [2]


def test_a_language_that_is_not_there_is_english(english_again: None) -> None:
    use_language("tlh")
    assert str(text("Next")) == "Next"


def test_every_component_has_its_words() -> None:
    for component in components.COMPONENTS:
        assert str(component_word(component.key)) == component.name
    kinds = {value for name, value in vars(components).items() if name.isupper() and isinstance(value, str)}
    assert sorted(kinds - COMPONENT_WORDS.keys()) == []


# ---- finding messages


def test_a_message_is_found_where_it_is_marked_and_only_there(sources: Path) -> None:
    (sources / "app" / "one.py").write_text(
        "from app.texts import Text, text\n"
        "a = text('Pool {pool} is '\n         'off', pool='x')\n"
        "b = node.text('not ours')\n"
        "c = text(f'{a} by hand')\n",
        "utf-8",
    )
    (sources / "ui" / "two.py").write_text("from app.texts import text as said\nsaid('Next')\n", "utf-8")
    (sources / "ui" / "three.py").write_text("def text(words): ...\ntext('another function')\n", "utf-8")
    assert sorted(catalogue.messages(sources)) == ["Next", "Pool {pool} is off"]
    assert [place.line for place in catalogue.unreadable(sources)] == [5]


@pytest.mark.parametrize(
    "planted",
    [
        "label.setText('No run yet')",
        "label.setText(f'{count} desktops are gone')",
        "label.setText('on' if pool else 'switched off')",
        "label.setText(str(count) + ' desktops')",
        "box.addItems(['All pools', 'One pool'])",
        "button = QPushButton('Start')",
        "label.setAccessibleName('Log')",
        "console.line('Nothing is known.')",
        "raise UserError('It is broken.')",
        "raise Broken(what, why='It is broken.')",
        "raise UserError(Text('It is broken.'))",
        "Observation(key, State.PASSED, Text('All is well.'))",
        "parser.add_argument('--yes', help='no questions')",
        "console.table(('set', 'completed'), rows)",
    ],
)
def test_words_that_pass_the_catalogue_by_are_found(sources: Path, planted: str) -> None:
    (sources / "app" / "errors.py").write_text("class Lost(UserError): ...\nclass Broken(Lost): ...\n", "utf-8")
    (sources / "ui" / "page.py").write_text(f"{planted}\n", "utf-8")
    assert [place.line for place, _ in catalogue.unmarked(sources)] == [1] * len(catalogue.unmarked(sources))
    assert catalogue.unmarked(sources)


@pytest.mark.parametrize(
    "innocent",
    [
        "label.setText(str(text('No run yet')))",
        "label.setText('')",
        "label.setText(f'<b>{name}</b>: {value}')",
        "label.setText('✓')",
        "label.setObjectName('the title')",
        "label.setText(names['some key'])",
        "Observation('sql login', State.PASSED, found, system='sql:sql1')",
        "console.line(text('Nothing is known.'))",
        "parser.add_argument('--data', metavar='DIR', help=words('no questions'))",
    ],
)
def test_words_that_nobody_reads_are_left_alone(sources: Path, innocent: str) -> None:
    (sources / "ui" / "page.py").write_text(f"{innocent}\n", "utf-8")
    assert catalogue.unmarked(sources) == []


# ---- the files


def test_updating_keeps_translations_takes_in_the_new_and_drops_the_dead(sources: Path) -> None:
    po = sources / "viewkeeper.po"
    catalogue.write_po({"Next": "下一步", "Dead": "已死"}, po)
    (sources / "app" / "one.py").write_text("from app.texts import text\ntext('Next')\ntext('New {x}', x=1)\n", "utf-8")
    assert catalogue.update(po, sources) == (2, 1)
    assert catalogue.translated(po) == {"Next": "下一步"}
    complaints = catalogue.check(po, sources)
    assert len(complaints) == 1
    assert "app/one.py:3: not translated: 'New {x}'" in complaints[0]


def test_updating_twice_changes_no_byte_and_writes_no_place_or_date(sources: Path) -> None:
    po = sources / "viewkeeper.po"
    (sources / "app" / "one.py").write_text("from app.texts import text\ntext('B')\ntext('A')\n", "utf-8")
    catalogue.update(po, sources)
    once = po.read_bytes()
    catalogue.update(po, sources)
    assert po.read_bytes() == once
    assert b"one.py" not in once
    assert b"Date" not in once
    assert once.index(b'"A"') < once.index(b'"B"')


def test_the_check_names_fields_that_differ_and_messages_that_are_dead(sources: Path) -> None:
    po = sources / "viewkeeper.po"
    (sources / "app" / "one.py").write_text("from app.texts import text\ntext('Pool {pool}', pool=1)\n", "utf-8")
    catalogue.write_po({"Pool {pool}": "池 {Pool}", "Dead": "已死"}, po)
    complaints = "\n".join(catalogue.check(po, sources))
    assert "other fields: 'Pool {pool}'" in complaints
    assert "nothing uses: 'Dead'" in complaints


def test_doubtful_and_empty_translations_are_not_shown() -> None:
    doubtful, empty, dead = '#, fuzzy\nmsgid "A"\nmsgstr "甲"', 'msgid "B"\nmsgstr ""', '#~ msgid "C"\n#~ msgstr "丙"'
    po = "\n\n".join((doubtful, empty, dead, 'msgid "D"\nmsgstr "丁"\n'))
    assert catalogue.finished_entries(po) == {"D": "丁"}


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip),
        st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip),
        max_size=5,
    )
)
def test_whatever_babel_writes_is_compiled_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, str]
) -> None:
    po = tmp_path_factory.mktemp("po") / "viewkeeper.po"
    catalogue.write_po(pairs, po)
    entries = catalogue.finished_entries(po.read_text("utf-8"))
    assert {m: words for m, words in entries.items() if m} == pairs
    shown = gettext.GNUTranslations(io.BytesIO(catalogue.as_mo(entries)))
    assert all(shown.gettext(m) == words for m, words in pairs.items())


def test_the_compiled_catalogue_says_what_babels_own_would_say(compiled: Path) -> None:
    theirs = io.BytesIO()
    with catalogue.PO.open("rb") as file:
        write_mo(theirs, read_po(file))
    theirs.seek(0)
    expected = gettext.GNUTranslations(theirs)
    with compiled.open("rb") as file:
        ours = gettext.GNUTranslations(file)
    assert [m for m in messages() if ours.gettext(m) != expected.gettext(m)] == []


def test_compiling_does_nothing_where_nothing_is_new(tmp_path: Path) -> None:
    po = tmp_path / "viewkeeper.po"
    catalogue.write_po({"Next": "下一步"}, po)
    made = catalogue.compile_mo(po).stat()
    assert catalogue.compile_mo(po).stat().st_ino == made.st_ino
