"""A grid of the fields of a form, with what is wrong beside each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from app.texts import NOTHING, Text
from ui.formfields import Field, Kind
from ui.widgets.parts import classed, label

AIR = 1  # pixel more between fields without a note: more would make the longest form scroll in the smallest window


class Fields(QWidget):
    """A grid of fields of rows: a label, what is typed or chosen, and below it what is wrong, or what is meant.

    What is typed goes into the row at once; `changed` tells of it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(3)
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._notes: dict[tuple[int, str], tuple[QLabel, Text]] = {}
        self._editors: dict[tuple[int, str], QWidget] = {}
        self._touched: set[tuple[int, str]] = set()

    def heading(self, words: Text) -> None:
        """Add a heading over what follows."""
        made = _short(bold=True)
        made.setText(str(words))
        self._grid.addWidget(made, self._grid.rowCount(), 0, 1, 3)
        self._grid.setRowMinimumHeight(self._grid.rowCount() - 1, self.fontMetrics().height() * 2)

    def words(self, words: Text) -> QLabel:
        """Add a soft sentence."""
        made = _short(soft=True)
        made.setText(str(words))
        self._grid.addWidget(made, self._grid.rowCount(), 0, 1, 3)
        return made

    def add(self, row: Any, fields: Sequence[Field]) -> None:
        """Add fields of a row."""
        for field in fields:
            self._add(row, field)

    def choose(
        self, row: Any, name: str, words: Text, choices: Sequence[tuple[Any, str]], chosen: Any,
        choose: Callable[[Any], None], hint: Text = NOTHING,
    ) -> QComboBox:  # fmt: skip
        """Add a choice of things (compared by identity); `choose` is called with the one that the operator takes."""
        box = QComboBox()
        for thing, shown in choices:
            box.addItem(shown)
            box.setItemData(box.count() - 1, shown, Qt.ItemDataRole.ToolTipRole)
            if thing is chosen:
                box.setCurrentIndex(box.count() - 1)
        if not any(thing is chosen for thing, _ in choices):
            box.setCurrentIndex(-1)
        box.activated.connect(lambda place: choose(choices[place][0]))
        self._place(row, Field(name, words, hint), box)
        return box

    def beside(self, row: Any, name: str, widget: QWidget) -> None:
        """Put a button beside a field."""
        at = self._grid.getItemPosition(self._grid.indexOf(self._editors[id(row), name]))
        assert isinstance(at, tuple)
        self._grid.addWidget(widget, at[0], 2)

    def read_only(self, row: Any, name: str) -> None:
        """Let a field be read, and not changed."""
        editor = self._editors[id(row), name]
        assert isinstance(editor, QLineEdit)
        editor.setReadOnly(True)

    def editor(self, row: Any, name: str) -> QWidget:
        """Return what a field is filled in with."""
        return self._editors[id(row), name]

    def order(self) -> list[QWidget]:
        """Return what is filled in, from top to bottom."""
        return list(self._editors.values())

    def show_problems(self, found: Mapping[tuple[int, str], Text], *, all_touched: bool = False) -> None:
        """Show what is wrong beside each field, by the row's id and the field's name; else what is meant by it.

        A field that is only still empty, and was not touched, is no error yet."""
        for key, (note, hint) in self._notes.items():
            wrong = found.get(key)
            note.setText(str(wrong or hint))
            note.setVisible(bool(note.text()))
            severe = wrong is not None and (all_touched or key in self._touched or self._filled(key))
            note.setObjectName("error" if severe else "note")
            classed(note, "error" if severe else "soft")
            classed(self._editors[key], "wrong" if severe else "")
            self._editors[key].setAccessibleDescription(note.text())

    def first_wrong(self, found: Mapping[tuple[int, str], Text]) -> QWidget | None:
        """Return the first editor whose field is wrong."""
        return next((self._editors[key] for key in self._notes if key in found), None)

    def _filled(self, key: tuple[int, str]) -> bool:
        editor = self._editors[key]
        return isinstance(editor, QLineEdit) and bool(editor.text())

    def _add(self, row: Any, field: Field) -> None:
        value = getattr(row, field.name)
        if field.kind is Kind.FLAG:
            box = QCheckBox(str(field.words))
            box.setChecked(value)
            box.toggled.connect(lambda on: self._took(row, field, on))
            self._place(row, field, box)
        elif field.kind is Kind.CHOICE:
            combo = QComboBox()
            for word, shown in field.choices:
                combo.addItem(str(shown), word)
            combo.setCurrentIndex(max(combo.findData(value), 0))
            combo.activated.connect(lambda place: self._took(row, field, combo.itemData(place)))
            self._place(row, field, combo)
        else:
            line = QLineEdit(value)
            line.setObjectName(field.name)
            line.textEdited.connect(lambda typed: self._took(row, field, typed))
            line.editingFinished.connect(lambda: self._left(row, field))
            self._place(row, field, line)

    def _took(self, row: Any, field: Field, value: Any) -> None:
        setattr(row, field.name, value)
        self._touched.add((id(row), field.name))
        self.changed.emit()

    def _left(self, row: Any, field: Field) -> None:
        if (id(row), field.name) not in self._touched:
            self._touched.add((id(row), field.name))
            self.changed.emit()

    def _place(self, row: Any, field: Field, editor: QWidget) -> None:
        at = self._grid.rowCount()
        note = _short(soft=True)
        note.setContentsMargins(1, 0, 0, 4)
        editor.setAccessibleName(str(field.words))
        if isinstance(editor, QCheckBox):
            editor.setMinimumHeight(self.fontMetrics().height() * 3 // 2)
            self._grid.addWidget(editor, at, 0, 1, 3)
        else:
            words = QLabel(str(field.words))
            words.setBuddy(editor)
            self._grid.addWidget(words, at, 0)
            self._grid.addWidget(editor, at, 1)
            if not field.hint.message:
                self._grid.setRowMinimumHeight(at, editor.sizeHint().height() + AIR)
        self._grid.addWidget(note, at + 1, 1, 1, 2)
        self._notes[id(row), field.name] = (note, field.hint)
        self._editors[id(row), field.name] = editor


def _short(*, soft: bool = False, bold: bool = False) -> QLabel:
    """Return a label that asks for no more room than its words take at the width they get."""
    made = label(soft=soft, bold=bold)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    return made
