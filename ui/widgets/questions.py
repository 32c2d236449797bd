"""The two questions that any work may ask: a password, and whether a certificate is trusted. Dialogs, never a halt."""

from __future__ import annotations

import re
import unicodedata

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.texts import Text, text
from app.trust import Certificate
from app.wire import plain_system
from ui.asking import AskPassword, AskTrust, Given
from ui.bridge import Question
from ui.widgets.parts import Button, keyed

WIDTH = 64  # letters
PAIRS = 8  # of a fingerprint's two-digit groups in a line


def answer(parent: QWidget, question: Question) -> QDialog:
    """Show the dialog of a question about a password or a certificate; its end answers the question.

    Returns at once: the window goes on living. Other questions are not for this: TypeError."""
    subject = question.subject
    dialog: PasswordDialog | TrustDialog
    if isinstance(subject, AskPassword):
        dialog = PasswordDialog(subject, parent)
    elif isinstance(subject, AskTrust):
        dialog = TrustDialog(subject, parent)
    else:
        raise TypeError(f"no dialog asks this: {subject!r}")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.finished.connect(lambda _code: question.answer(dialog.answer()))
    column = dialog.layout()
    assert column is not None
    width = max(dialog.minimumWidth(), dialog.sizeHint().width())
    dialog.resize(width, column.totalHeightForWidth(width))  # Qt's own guess is too high for words that wrap
    dialog.open()
    return dialog


class PasswordDialog(QDialog):
    """Asks for a password, and for how long it is kept."""

    def __init__(self, subject: AskPassword, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        account, system = (plain(str(subject.question.values.get(name, ""))) for name in ("account", "system"))
        self.setWindowTitle(str(text("Password")))
        self._typed = QLineEdit()
        self._typed.setEchoMode(QLineEdit.EchoMode.Password)
        self._typed.textChanged.connect(self._refresh)
        question = _words(plain(str(subject.question)))
        question.setBuddy(self._typed)
        self._typed.setAccessibleName(question.text())
        self._show = QCheckBox(keyed(text("Show what is typed"), "S"))
        self._show.toggled.connect(self._reveal)
        shown = account.replace("&", "&&")
        self._everywhere = QCheckBox(keyed(text("Use it wherever {account} logs in", account=shown), "W"))
        self._everywhere.setToolTip(str(text("Else it is used on {system} only.", system=system)))
        self._everywhere.setChecked(True)
        self._keep = QCheckBox(keyed(text("Keep it in this workstation's keyring"), "K"))
        self._keep.setEnabled(subject.may_keep)
        self._note = _words("")
        self._note.setProperty("class", "soft")
        self._may_keep, self._profile = subject.may_keep, subject.profile
        self._keep.toggled.connect(self._refresh)
        column = QVBoxLayout(self)
        for widget in (question, self._typed, self._show, self._everywhere, self._keep, self._note):
            column.addWidget(widget)
        self._use, _ = _buttons(self, column, text("Use this password"), "U", accepting=True)
        self._keep.setVisible(bool(subject.profile))
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * WIDTH)
        self._refresh()

    def answer(self) -> Given | None:
        """Return what was given; None where the operator gave none."""
        if self.result() != QDialog.DialogCode.Accepted or not self._typed.text():
            return None
        return Given(self._typed.text(), self._everywhere.isChecked(), self._keep.isChecked())

    def _refresh(self) -> None:
        self._use.setEnabled(bool(self._typed.text()))
        if self._keep.isChecked():
            words = text("It is kept under your own login, and never in a file of this program.")
        elif self._profile and not self._may_keep:
            words = text("This workstation has no keyring: the password is asked for each time the program is started.")
        else:
            words = text("It is forgotten when the program ends, and asked for again.")
        self._note.setText(str(words))

    def _reveal(self, shown: bool) -> None:
        self._typed.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)


class TrustDialog(QDialog):
    """Shows a certificate, beside the one that was accepted before where there is one. Nothing is trusted by Enter."""

    def __init__(self, subject: AskTrust, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        changed = subject.pinned is not None and subject.pinned.sha256 != subject.shown.sha256
        self.setWindowTitle(str(text("Certificate")))
        column = QVBoxLayout(self)
        system = plain(plain_system(subject.system))
        heading = (
            text("The certificate of {system} has changed.", system=system)
            if changed
            else text("The certificate of {system} is not trusted yet.", system=system)
        )
        head = _words(str(heading))
        font = head.font()
        font.setBold(True)
        head.setFont(font)
        column.addWidget(head)
        column.addWidget(_words(str(_advice(subject, changed=changed))))
        column.addWidget(self._comparison(subject.shown, subject.pinned if changed else None))
        self._trust, self._refuse = _buttons(self, column, text("Trust this certificate"), "T", accepting=False)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * WIDTH)
        self._refuse.setFocus()

    def answer(self) -> bool:
        """Say whether the operator trusts it."""
        return self.result() == QDialog.DialogCode.Accepted

    def _comparison(self, shown: Certificate, pinned: Certificate | None) -> QWidget:
        frame = QFrame()
        frame.setProperty("class", "card")
        grid = QGridLayout(frame)
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(16)
        grid.setContentsMargins(14, 10, 14, 10)
        columns = [(text("Shown now"), shown)]
        if pinned is not None:
            grid.setColumnStretch(2, 1)
            columns.append((text("Accepted before"), pinned))
            for number, (title, _) in enumerate(columns, 1):
                grid.addWidget(_bold(str(title)), 0, number)
        before = _facts(pinned) if pinned is not None else None
        for row, (name, value) in enumerate(_facts(shown), 1):
            grid.addWidget(_words(str(name), wrap=False), row, 0, Qt.AlignmentFlag.AlignTop)
            differs = before is not None and before[row - 1][1] != value
            self._value(grid, row, 1, name, columns[0][0], value, differs=differs)
            if before is not None:
                self._value(grid, row, 2, name, columns[1][0], before[row - 1][1], differs=False)
        return frame

    def _value(
        self, grid: QGridLayout, row: int, column: int, name: Text, title: Text, value: str, *, differs: bool
    ) -> None:
        label = _bold(value) if differs else _words(value)
        if name == FINGERPRINT:
            fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            fixed.setBold(differs)
            label.setFont(fixed)
            label.setWordWrap(False)
        words = text("{name}, {column}: {value}", name=name, column=title, value=value.replace("\n", " "))
        spoken = text("{words} (differs)", words=words) if differs else words
        label.setAccessibleName(str(spoken))
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)


FINGERPRINT = text("SHA-256")


def _facts(certificate: Certificate) -> list[tuple[Text, str]]:
    """Return the rows of a certificate; they stand in the same order for every one."""
    return [
        (text("Subject"), name_in_lines(certificate.subject)),
        (text("Issuer"), name_in_lines(certificate.issuer)),
        (text("Valid from"), f"{certificate.not_before:%Y-%m-%d}"),
        (text("Valid until"), f"{certificate.not_after:%Y-%m-%d}" + (f" — {_EXPIRED}" if certificate.expired else "")),
        (FINGERPRINT, fingerprint(certificate.sha256)),
    ]


_EXPIRED = text("it has expired")


def _advice(subject: AskTrust, *, changed: bool) -> Text:
    if changed:
        return text("Find out why. Trust the new one only if you know that it was changed on purpose.")
    if subject.shown.expired:
        return text("It has expired. Trust it only if you know that it has not been renewed yet.")
    return text("Compare its SHA-256 on the server itself, then decide.")


def fingerprint(digest: str) -> str:
    """Return a digest as people compare it: in capitals, pairs apart, lines of equal length."""
    pairs = [digest[place : place + 2].upper() for place in range(0, len(digest), 2)]
    return "\n".join(":".join(pairs[place : place + PAIRS]) for place in range(0, len(pairs), PAIRS))


def name_in_lines(name: str) -> str:
    """Return a certificate's name, each part of it in a line of its own, so that no part is ever cut off."""
    return ",\n".join(plain(part) for part in re.split(r"(?<!\\),", name))


def plain(words: str) -> str:
    """Return words of other systems without what would change how the rest is shown."""
    return "".join(letter if unicodedata.category(letter)[0] != "C" else "�" for letter in words)


def _words(words: str, *, wrap: bool = True) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    return label


def _bold(words: str) -> QLabel:
    label = _words(words)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def _buttons(
    dialog: QDialog, column: QVBoxLayout, accept: Text, key: str, *, accepting: bool
) -> tuple[QPushButton, QPushButton]:
    """Add a row of two buttons; `accepting` says which of them Enter presses."""
    row = QDialogButtonBox()
    yes, no = Button(keyed(accept, key)), Button(keyed(text("Cancel"), "C"))
    row.addButton(yes, QDialogButtonBox.ButtonRole.AcceptRole)
    row.addButton(no, QDialogButtonBox.ButtonRole.RejectRole)
    row.accepted.connect(dialog.accept)
    row.rejected.connect(dialog.reject)
    yes.setAutoDefault(accepting)
    yes.setDefault(accepting)
    no.setDefault(not accepting)
    column.addWidget(row)
    return yes, no
