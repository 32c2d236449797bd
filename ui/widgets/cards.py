"""Cards of the run page, in the operator's words: a failed step, a question, a person's turn, a run not begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.engine.prompter import Choice, GuidedCard, Stay
from app.errors import UserError
from app.texts import NOTHING, Text, text
from ui.asking import AskFailed, AskGuided, AskYesNo
from ui.bridge import Question
from ui.widgets.parts import button, fixed_letters, keyed, label

CHOICES: dict[Choice, tuple[Text, str]] = {
    Choice.RETRY: (text("Retry"), "R"),
    Choice.SKIP: (text("Skip this step"), "K"),
    Choice.STOP: (text("Stop the run"), "T"),
}


class Card(QFrame):
    """A heading, sentences, and a row of buttons, of which the first is meant for most."""

    def __init__(self, name: str, kind: str = "") -> None:
        """`kind`: trouble for what went wrong, turn for what waits for the operator; its edge shows it."""
        super().__init__()
        self.setObjectName(name)
        self.setProperty("class", f"card {kind}".strip())
        self._words: list[tuple[QLabel | QPushButton, Text, str]] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 16, 12)
        self._column.setSpacing(6)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)

    def say(self, words: Text | str, *, bold: bool = False, soft: bool = False, command: bool = False) -> QLabel:
        """Add a sentence; nothing is added for none. A `command` is told by its letters, all of one width."""
        shown = label(bold=bold, soft=soft)
        if command:  # before it has a parent: given letters afterwards, it loses them when its card gets one
            shown.setFont(fixed_letters(shown))
        # its least height is asked of its real width, not of the narrowest one: a page would scroll for nothing
        shown.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        said = words if isinstance(words, Text) else Text("{words}", {"words": words})
        self._column.addWidget(shown)
        self._words.append((shown, said, ""))
        shown.setVisible(bool(str(words)))
        return shown

    def offer(self, name: str, words: Text, key: str, act: Callable[[], None]) -> QPushButton:
        """Add a button."""
        made = button(name)
        made.clicked.connect(act)
        self._buttons.addWidget(made)
        self._words.append((made, words, key))
        return made

    def finish(self, details: str = "") -> None:
        """Close the row of buttons; with `details`, a last button shows them."""
        if details:
            self._add_details(details)
        self._buttons.addStretch(1)
        self._column.addLayout(self._buttons)
        self.retranslate()

    def first(self) -> QWidget | None:
        """Return what gets the focus when the card comes."""
        return next((widget for widget, _, _ in self._words if isinstance(widget, QPushButton)), None)

    def retranslate(self) -> None:
        for widget, words, key in self._words:
            widget.setText(keyed(words, key) if key else str(words))
        headings = [str(words) for widget, words, key in self._words if isinstance(widget, QLabel) and str(words)]
        self.setAccessibleName(headings[0] if headings else "")
        self.setAccessibleDescription(" ".join(headings[1:]))

    def _add_details(self, details: str) -> None:
        shown = QPlainTextEdit(details)
        shown.setReadOnly(True)
        shown.setTabChangesFocus(True)
        shown.setFont(fixed_letters(shown))
        shown.setMaximumHeight(shown.fontMetrics().lineSpacing() * 5 + 12)
        shown.setVisible(False)
        shown.setAccessibleName(str(text("Details")))
        self._column.addWidget(shown)
        self.offer("details", text("Details"), "D", lambda: shown.setVisible(not shown.isVisible()))


class CardPlace(QVBoxLayout):
    """Where a page shows a card, one at a time; it takes no room while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.card: Card | None = None

    def show_card(self, card: Card) -> None:
        """Show this card in place of the one before; the keyboard goes to its first button."""
        self.drop()
        self.card = card
        self.addWidget(card)
        first = card.first()
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)

    def drop(self) -> None:
        """Take the card away, if there is one."""
        if self.card is not None:
            self.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = None

    def retranslate(self) -> None:
        if self.card is not None:
            self.card.retranslate()


def failed(question: Question, commands: Callable[[str, Text], None], over: Callable[[], None]) -> Card:
    """Return the card for a step that failed. `commands` shows what it sent; `over` is called when it is answered."""
    assert isinstance(question.subject, AskFailed)
    step = question.subject.step
    made = Card("failed-step", "trouble")
    made.say(text("{title}: failed", title=step.title), bold=True).setProperty("class", "error")
    made.say(step.error.what)
    made.say(step.error.why)
    made.say(step.error.do)
    if step.attempts > 1:
        made.say(text("Tried {count} times.", count=step.attempts), soft=True)
    for choice in sorted(step.choices, key=list(CHOICES).index):
        words, key = CHOICES[choice]
        offered = made.offer(choice.value, words, key, _answering(question, choice, over))
        if choice is Choice.RETRY:
            offered.setProperty("class", "primary")
    made.offer("show-commands", text("What was sent"), "W", lambda: commands(step.key, step.title))
    made.finish(step.error.details)
    return made


def yes_no(question: Question, over: Callable[[], None]) -> Card:
    """Return the card for a question of a step."""
    assert isinstance(question.subject, AskYesNo)
    made = Card("question", "turn")
    made.say(question.subject.question, bold=True)
    made.offer("yes", text("Yes"), "Y", _answering(question, True, over))
    made.offer("no", text("No"), "O", _answering(question, False, over))
    made.finish()
    return made


def _answering(question: Question, answer: Any, over: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        question.answer(answer)
        over()

    return act


class GuidedTurn(Card):
    """A person's turn. It stays while the proof is looked at again and again; the operator may skip it or leave it."""

    def __init__(self, card: GuidedCard) -> None:
        super().__init__("guided-step", "turn")
        self.key = card.key
        self._wish = Stay.STAY
        self.say(text("Your turn: {title}", title=card.title), bold=True)
        self.say(card.instructions)
        self.say(card.why, soft=True)
        self._proof = self.say(NOTHING)
        self.say(text("It is looked at again by itself; the run goes on as soon as it is proven."), soft=True)
        if card.may_skip:
            self.offer("skip", *CHOICES[Choice.SKIP], lambda: self._wants(Stay.SKIP))
        self.offer("leave", text("Leave it for later"), "L", lambda: self._wants(Stay.LEAVE))
        self.finish()
        self.looked(card)

    def looked(self, card: GuidedCard) -> Stay:
        """Show what the last look at the proof gave; returns what the operator wants meanwhile."""
        words = text("Last look: {found}", found=card.proof.found)
        self._words = [(w, words if w is self._proof else t, k) for w, t, k in self._words]
        self._proof.setVisible(bool(str(card.proof.found)))
        self.retranslate()
        return self._wish

    def _wants(self, wish: Stay) -> None:
        self._wish = wish
        for offered in self._offers():
            offered.setEnabled(False)

    def _offers(self) -> Iterator[QPushButton]:
        return (widget for widget, _, _ in self._words if isinstance(widget, QPushButton))


def guided_subject(question: Question) -> GuidedCard | None:
    """Return the card of a question about a person's turn, None for other questions."""
    return question.subject.card if isinstance(question.subject, AskGuided) else None


def trouble(error: UserError, heading: Text, again: Callable[[], None]) -> Card:
    """Return the card for work that could not begin, with a button that tries it again."""
    made = Card("trouble", "trouble")
    made.say(heading, bold=True).setProperty("class", "error")
    for words in (error.what, error.why, error.do):
        made.say(words)
    made.offer("again", text("Try again"), "R", again)
    made.finish(error.details)
    return made
