"""The colours of both themes can be read: contrast as WCAG 2 measures it. No button is squeezed below its words."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.texts import text
from ui.look import ACCENT, COLOURS, THEMES, dress, palette
from ui.widgets.parts import button
from ui.widgets.steps import StepList

WORDS = 4.5  # the least contrast of words
EDGES = 3.0  # the least contrast of what shows where a control is


def light_of(name: str) -> float:
    """Return the relative luminance of a colour."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (QColor(name).redF(), QColor(name).greenF(), QColor(name).blueF())
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((light_of(one), light_of(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("words", ["text", "soft", "error", "warning", "good"])
@pytest.mark.parametrize("ground", ["window", "base", "side"])
def test_words_stand_out_from_every_ground(theme: str, words: str, ground: str) -> None:
    assert contrast(COLOURS[theme][words], COLOURS[theme][ground]) >= WORDS


@pytest.mark.parametrize("theme", THEMES)
def test_words_on_the_accent_and_on_the_banner_of_practice_stand_out(theme: str) -> None:
    colours = COLOURS[theme]
    assert contrast(colours["on-accent"], ACCENT[theme]) >= WORDS
    assert contrast(colours["practice-text"], colours["practice"]) >= WORDS
    assert contrast(colours["soft"], colours["line"]) >= WORDS, "a button that is off"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["window", "base"])
def test_edges_and_the_ring_of_the_keyboard_are_seen(theme: str, ground: str) -> None:
    assert contrast(COLOURS[theme]["edge"], COLOURS[theme][ground]) >= EDGES
    assert contrast(ACCENT[theme], COLOURS[theme][ground]) >= EDGES


@pytest.mark.parametrize("theme", THEMES)
def test_no_layout_makes_a_button_narrower_than_its_words(qtbot: QtBot, qapp: QApplication, theme: str) -> None:
    dress(qapp, theme)
    window, made = QWidget(), button("one")
    qtbot.addWidget(window)
    made.setText("Words that are far longer than what a button has at least")
    QHBoxLayout(window).addWidget(made)
    window.show()
    window.resize(window.minimumSizeHint())
    dress(qapp, "light")
    assert made.width() > made.fontMetrics().horizontalAdvance(made.text())


def test_steps_to_come_can_be_read_with_a_palette_of_the_system_whose_disabled_words_are_faint(
    qapp: QApplication, qtbot: QtBot
) -> None:
    kept = qapp.palette()
    try:
        faint = palette("light")
        faint.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText, QColor("#bebebe"))
        qapp.setPalette(faint)
        dress(qapp)
        steps = StepList()
        qtbot.addWidget(steps)
        steps.show_steps([(text("Task"), True), (text("Run"), False)])
        to_come = steps.findChildren(QLabel)[1]
        to_come.ensurePolished()
        shown = to_come.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText).name()
        assert contrast(shown, COLOURS["light"]["side"]) >= WORDS
    finally:
        qapp.setPalette(kept)
        dress(qapp)
