"""Words and signs that the terminal and the screen share."""

from __future__ import annotations

import unicodedata

from app.engine import events
from app.observation import State
from app.texts import Text, text

SIGNS = {State.PASSED: "+", State.WARNING: "!", State.BLOCKED: "x", State.UNKNOWN: "?"}
QUIET = (events.StepProgress, events.Heartbeat, events.Plan, events.QuestionAsked)
"""Events that no log shows: they move bars and clocks."""


def state_word(state: State) -> Text:
    """Return the word for a state."""
    return {
        State.PASSED: text("passed"),
        State.WARNING: text("warning"),
        State.BLOCKED: text("blocked"),
        State.UNKNOWN: text("unknown"),
    }[state]


def clean(words: str) -> str:
    """Return words of remote systems without what would steer the terminal."""
    return "".join(letter if letter in "\n\t" or unicodedata.category(letter)[0] != "C" else "�" for letter in words)
