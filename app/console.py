"""The terminal: live lines, tables, questions. Answers of commands go to stdout, what happens meanwhile to stderr."""

from __future__ import annotations

import csv
import getpass
import io
import json
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.engine import events
from app.engine.prompter import Choice, FailedStep, GuidedCard, Stay
from app.errors import UserError
from app.observation import Observation, State
from app.texts import Text, text
from app.trust import Certificate
from app.wire import plain_system
from app.words import QUIET, SIGNS, clean, state_word


@dataclass(frozen=True)
class Console:
    """How a command speaks. `as_json`: one object on stdout at the end, everything else on stderr."""

    as_json: bool = False
    verbose: bool = False

    def line(self, words: Text | str = "") -> None:
        """Write a line of the answer."""
        print(clean(str(words)), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def raw(self, content: str) -> None:
        """Write something made for programs, letter by letter: its line ends and all."""
        stream = sys.stderr if self.as_json else sys.stdout
        stream.flush()
        binary = getattr(stream, "buffer", None)
        if binary is None:  # a stream of a test, which translates nothing
            stream.write(content)
        else:
            binary.write(content.encode())
            binary.flush()

    def live(self, event: events.Event) -> None:
        """Write a line about what happens, as it happens."""
        if isinstance(event, QUIET) or (isinstance(event, events.CommandSent) and not self.verbose):
            return
        alarming = events.StepWarned | events.StepFailed | events.BracketRetried | events.BracketImpossible
        mark = "!" if isinstance(event, alarming) else " "
        deeper = "    " if isinstance(event, events.StepSaid | events.CommandSent) else "  "
        moment = _clock(event.at)
        print(f"{moment}{mark}{deeper}{clean(str(event.text)).strip()}", file=sys.stderr, flush=True)

    def result(self, value: dict[str, Any]) -> None:
        """Write the one object that `--json` promises."""
        if self.as_json:
            print(json.dumps(msgspec.to_builtins(value), ensure_ascii=False), flush=True)

    def error(self, error: UserError) -> None:
        """Write what happened, why, and what to do about it."""
        for sentence in (error.what, error.why, error.do):
            if str(sentence):
                print(clean(str(sentence)), file=sys.stderr)
        if self.verbose and error.details:
            print(clean(error.details), file=sys.stderr)

    def observation(self, seen: Observation) -> None:
        """Write one observation: its state by a sign and a word, what was found, and what to do."""
        where = f" [{seen.system}]" if seen.system else ""
        self.line(f"{SIGNS[seen.state]} {state_word(seen.state)}: {seen.found}{where}")
        if seen.state is not State.PASSED:
            for more in (seen.needed, seen.remedy):
                if str(more):
                    self.line(f"      {more}")

    def table(self, headings: Sequence[Text | str], rows: Sequence[Sequence[Any]]) -> None:
        """Write a table; Chinese takes two columns a letter."""
        cells = [[clean(str(cell)) for cell in row] for row in (headings, *rows)]
        widths = [max(wide(row[column]) for row in cells) for column in range(len(headings))]
        for number, row in enumerate(cells):
            self.line("  ".join(c + " " * (w - wide(c)) for c, w in zip(row, widths, strict=True)).rstrip())
            if number == 0:
                self.line("  ".join("-" * width for width in widths))


@dataclass
class Terminal:
    """The engine's questions, put on a terminal. `asking` while one waits for its answer."""

    console: Console
    asking: bool = False

    def failed(self, step: FailedStep) -> Choice:
        self.console.error(step.error)
        allowed = [choice.value for choice in step.choices]
        question = text("{title} failed. What now?", title=step.title)
        return Choice(self._choose(question, allowed, unanswered=Choice.STOP.value))

    def yes_no(self, key: str, question: Text) -> bool:
        del key  # only the unattended answer by key
        return self._choose(question, ["yes", "no"], unanswered="no") == "yes"

    def guided(self, card: GuidedCard) -> Stay:
        self.console.line(card.instructions)
        self.console.line(card.proof.found)
        choices = [Stay.STAY.value, Stay.LEAVE.value, *([Stay.SKIP.value] if card.may_skip else [])]
        question = text("Look again now, or leave the run waiting?")
        return Stay(self._choose(question, choices, unanswered=Stay.LEAVE.value))

    def _choose(self, question: Text, choices: list[str], *, unanswered: str) -> str:
        """Ask until one of the choices is named; where the input has ended, `unanswered` counts."""
        while True:
            print(f"{clean(str(question))} [{'/'.join(choices)}] ", end="", file=sys.stderr, flush=True)
            self.asking = True
            try:
                answer = sys.stdin.readline()
            finally:
                self.asking = False
            if not answer:
                return unanswered
            found = [choice for choice in choices if choice.startswith(answer.strip().lower()) and answer.strip()]
            if len(found) == 1:
                return found[0]


def ask_password(question: Text) -> str | None:
    """Ask for a password without showing it; None where there is nobody to ask."""
    if not sys.stdin.isatty():
        return None
    try:
        return getpass.getpass(f"{question}: ") or None
    except (EOFError, KeyboardInterrupt):
        return None


def ask_trust(system: str, shown: Certificate, pinned: Certificate | None) -> bool:
    """Show a certificate and ask whether to trust it. Where nobody is there, the answer is no."""
    if not sys.stdin.isatty():
        return False
    print(text("{system} shows this certificate:", system=plain_system(system)), file=sys.stderr)
    for name, value in (
        (text("Subject"), shown.subject), (text("Issuer"), shown.issuer), (text("SHA-256"), shown.sha256),
        (text("Valid"), f"{shown.not_before:%Y-%m-%d} - {shown.not_after:%Y-%m-%d}"),
        (text("Accepted before"), pinned.sha256 if pinned else "-"),
    ):  # fmt: skip
        said = str(name)
        print(f"  {said}{' ' * (17 - wide(said))}{clean(value)}", file=sys.stderr)
    print(text("Type yes to trust it from now on:"), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def as_csv(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as CSV. A cell that a spreadsheet would take for a formula gets an apostrophe before it."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([[_not_a_formula(cell) for cell in row] for row in rows])
    return written.getvalue()


def wide(words: str) -> int:
    """Return how many columns words take on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in words)


def _not_a_formula(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _clock(at: float) -> str:
    import datetime

    return f"{datetime.datetime.fromtimestamp(at).astimezone():%H:%M:%S}"
