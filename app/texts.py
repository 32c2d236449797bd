"""Every text for people: kept as a message and its arguments, put into words when it is shown.

A `Text` is data: it can be journaled, sent as an event and shown again later in another language.
`text("Pool {pool} is off", pool="Sales")` both makes one and marks the message for the catalogue.
"""

from __future__ import annotations

import gettext
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app import paths

LANGUAGES = ("en", "zh_CN")
_PRIMARY_LANGUAGE, _CHINESE = 0x3FF, 0x04  # of a LANGID (winnt.h)
LANGUAGE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_language = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """A message of the catalogue (English, with `{named}` fields) and the values of its fields."""

    message: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return render(self)


def text(message: str, /, **values: Any) -> Text:
    """Return `message` as a Text; values are strings, numbers or other Texts."""
    return Text(message, values)


NOTHING = Text("")
COMMA, SEMICOLON = text(", "), text("; ")
PARTS = "parts"


def listed(parts: Iterable[Any], between: Text = COMMA) -> Text:
    """Return several values as one Text, joined as the reader's language joins them; "-" where there are none.

    `between` is SEMICOLON for parts that may hold commas themselves."""
    found = list(parts)
    return Text(between.message, {PARTS: found}) if found else Text("-")


def render(message: Text, language: str | None = None) -> str:
    """Put `message` into words, in `language` or else in the chosen one."""
    words = _catalogue(language or _language).gettext(message.message) if message.message else ""
    if isinstance(parts := message.values.get(PARTS), list):
        return words.join(str(_value(part, language)) for part in parts)
    if not message.values:
        return words
    return words.format_map({name: _value(value, language) for name, value in message.values.items()})


def use_language(language: str) -> None:
    """Choose the language of everything that is shown from now on; an unknown one means English."""
    global _language  # noqa: PLW0603  # one program speaks one language at a time
    _language = language if language in LANGUAGES else "en"


def language() -> str:
    """Return the chosen language."""
    return _language


def system_language() -> str:
    """Return the language that the system is set to, if the program speaks it, else English.

    On Windows that of its own menus, and not the region whose dates it writes. Outside Windows the variables say it: a
    language that Debian has no locale installed of never becomes the locale."""
    if sys.platform == "win32":
        import ctypes

        chinese = ctypes.windll.kernel32.GetUserDefaultUILanguage() & _PRIMARY_LANGUAGE == _CHINESE
    else:
        chinese = next(filter(None, map(os.environ.get, LANGUAGE_VARIABLES)), "").startswith("zh")
    return "zh_CN" if chinese else "en"


def _value(value: Any, language: str | None) -> Any:
    if isinstance(value, Text):
        return render(value, language)
    if isinstance(value, dict) and value.keys() == {"message", "values"}:  # a Text that came back from JSON
        return render(Text(**value), language)
    return value


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    compiled = paths.resources() / "locale" / language / "LC_MESSAGES" / "viewkeeper.mo"
    if not compiled.exists():  # English needs none
        return gettext.NullTranslations()
    with compiled.open("rb") as file:
        return gettext.GNUTranslations(file)
