"""The words of T-SQL: names, literals, variables, operators, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from app.lab.sqlserver.words import SqlError


class Is(Enum):
    """What a word is."""

    WORD = auto()  # unquoted: a keyword or a name
    NAME = auto()  # [bracketed] or "quoted"
    TEXT = auto()  # 'text', of the server's code page
    UNICODE = auto()  # N'text'
    NUMBER = auto()
    BINARY = auto()
    VARIABLE = auto()
    GLOBAL = auto()  # @@version
    SIGN = auto()
    END = auto()


@dataclass(frozen=True)
class Word:
    """One word: `text` as written, `value` what it means."""

    kind: Is
    text: str
    value: str
    start: int
    end: int
    line: int

    @property
    def upper(self) -> str:
        """Return an unquoted word in capitals, "" for all others: what keywords are compared with."""
        return self.value.upper() if self.kind is Is.WORD else ""

    @property
    def is_name(self) -> bool:
        return self.kind in (Is.WORD, Is.NAME)


_PATTERN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      | (?P<comment>/\*)
      | (?P<unicode>[Nn]'(?:[^']|'')*')
      | (?P<text>'(?:[^']|'')*')
      | (?P<bracket>\[(?:[^\]]|\]\])*\])
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<binary>0[xX][0-9A-Fa-f]*)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<global>@@[\w@$#]+)
      | (?P<variable>@[\w@$#]+)
      | (?P<word>[^\W\d][\w@$#]*|\#\#?[\w@$#]+|\$\w+)
      | (?P<sign><=|>=|<>|!=|!<|!>|\+=|-=|[-+*/%(),.;=<>&|^~:?])
    """,
    re.VERBOSE,
)
LONGEST_NAME = 128


def words_of(text: str) -> list[Word]:
    """Return the words of a batch, the last one Is.END. SqlError 102, 103, 105, 113 where it breaks."""
    words: list[Word] = []
    at, line = 0, 1
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            raise _broken(text, at).at(line)
        end = _after_comment(text, at, line) if match.lastgroup == "comment" else match.end()
        if match.lastgroup not in ("space", "comment"):
            words.append(_word(str(match.lastgroup), match.group(), at, line))
        line += text.count("\n", at, end)
        at = end
    words.append(Word(Is.END, "", "", at, at, line))
    return words


def _after_comment(text: str, at: int, line: int) -> int:
    """Return the place after a comment; comments nest in T-SQL."""
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    raise SqlError(113).at(line)


def _broken(text: str, at: int) -> SqlError:
    if text[at] in "'\"[" or text[at : at + 2] in ("N'", "n'"):
        return SqlError(105, text[at + 1 : at + 60].lstrip("'"))
    return SqlError(102, text[at])


def _word(group: str, text: str, at: int, line: int) -> Word:
    kind, value = _MEANINGS[group](text)
    if kind is Is.NAME and not value:
        raise SqlError(1038).at(line)
    if kind in (Is.NAME, Is.WORD) and len(value) > LONGEST_NAME:
        raise SqlError(103, "identifier", value[:LONGEST_NAME], LONGEST_NAME).at(line)
    return Word(kind, text, value, at, at + len(text), line)


_MEANINGS: dict[str, Callable[[str], tuple[Is, str]]] = {
    "unicode": lambda text: (Is.UNICODE, text[2:-1].replace("''", "'")),
    "text": lambda text: (Is.TEXT, text[1:-1].replace("''", "'")),
    "bracket": lambda text: (Is.NAME, text[1:-1].replace("]]", "]")),
    "quoted": lambda text: (Is.NAME, text[1:-1].replace('""', '"')),
    "binary": lambda text: (Is.BINARY, text[2:]),
    "number": lambda text: (Is.NUMBER, text),
    "global": lambda text: (Is.GLOBAL, text[2:].upper()),
    "variable": lambda text: (Is.VARIABLE, text.lower()),
    "word": lambda text: (Is.WORD, text),
    "sign": lambda text: (Is.SIGN, text),
}


def quoted(name: str) -> str:
    """Return a name in brackets, as QUOTENAME does."""
    return "[" + name.replace("]", "]]") + "]"
