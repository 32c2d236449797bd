"""How the wizard looks: Fusion with the system's palette, one accent, sizes in letters; light, dark, high contrast."""

from __future__ import annotations

from PySide6.QtGui import QBrush, QColor, QPalette
from PySide6.QtWidgets import QApplication

from app import paths

STYLE = ("-style", "Fusion")
"""What Qt is told when it starts: to choose the style afterwards takes far longer."""
ACCENT = {"light": "#0f6cbd", "dark": "#62abf5"}
TITLE = 1.9  # times as large as other letters
THEMES = ("light", "dark")
COLOURS = {
    "light": {"window": "#fafafa", "base": "#ffffff", "text": "#1b1a19", "soft": "#5c5a58", "line": "#d6d4d2",
              "edge": "#8f8d8b", "side": "#f0f0f0", "error": "#a4262c", "warning": "#8a5300", "good": "#0e700e",
              "on-accent": "#ffffff", "face": "#ffffff", "practice": "#fff4ce", "practice-text": "#4d3b00"},
    "dark": {"window": "#1f1f1f", "base": "#292929", "text": "#f5f5f5", "soft": "#b5b3b1", "line": "#454443",
             "edge": "#8a8886", "side": "#181818", "error": "#ff99a4", "warning": "#ffd27a", "good": "#8fd694",
             "on-accent": "#10202f", "face": "#3a3938", "practice": "#433519", "practice-text": "#ffe9a8"},
}  # fmt: skip


def is_dark(application: QApplication) -> bool:
    """Say whether the palette in force is a dark one."""
    return application.palette().color(QPalette.ColorRole.Window).lightness() < 128


def dress(application: QApplication, theme: str | None = None) -> None:
    """Set palette and the few rules that a palette cannot say. `theme` None follows the system."""
    if theme is not None:
        application.setPalette(palette(theme))
    chosen = theme or ("dark" if is_dark(application) else "light")
    application.setStyleSheet(sheet(chosen))


def palette(theme: str) -> QPalette:
    """Return the palette of `light` or `dark`, for screenshots and for systems that have none of their own."""
    colours, made = COLOURS[theme], QPalette()
    role = QPalette.ColorRole
    for what, colour in (
        (role.Window, "window"), (role.Base, "base"), (role.AlternateBase, "side"), (role.Button, "side"),
        (role.WindowText, "text"), (role.Text, "text"), (role.ButtonText, "text"), (role.ToolTipBase, "base"),
        (role.ToolTipText, "text"), (role.PlaceholderText, "soft"), (role.Mid, "line"),
    ):  # fmt: skip
        made.setColor(what, QColor(colours[colour]))
    made.setColor(role.Highlight, QColor(ACCENT[theme]))
    made.setColor(role.HighlightedText, QColor(colours["on-accent"]))
    made.setColor(role.Link, QColor(ACCENT[theme]))
    for what in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, what, QColor(colours["soft"]))
    return made


def sheet(theme: str) -> str:
    """Return the style sheet: only what the palette has no word for. Sizes are in the font's own measure."""
    colours, accent = COLOURS[theme], ACCENT[theme]
    title = QApplication.font().pointSizeF() * TITLE
    return f"""
        #title {{ font-size: {title:.1f}pt; font-weight: bold; }}
        #steps {{ background: {colours["side"]}; border: none; border-right: 1px solid {colours["line"]}; }}
        #steps QLabel:disabled {{ color: {colours["soft"]}; }}
        #line {{ color: {colours["line"]}; }}
        #error {{ color: {colours["error"]}; }}
        #practice {{ background: {colours["practice"]}; }}
        #practice QLabel {{ color: {colours["practice-text"]}; font-weight: bold; }}
        .soft {{ color: {colours["soft"]}; }}
        .error {{ color: {colours["error"]}; }}
        #error.soft {{ color: {colours["soft"]}; }}
        .warning {{ color: {colours["warning"]}; }}
        .good {{ color: {colours["good"]}; }}
        QFrame.card {{ background: {colours["base"]}; border: 1px solid {colours["line"]}; border-radius: 6px; }}
        QFrame.trouble {{ border-left: 4px solid {colours["error"]}; }}
        QFrame.turn {{ border-left: 4px solid {accent}; }}
        {_buttons(theme)}
        {_views(theme)}
        {_fields(theme)}
        {_marks(theme)}
    """


def _buttons(theme: str) -> str:
    """Return the rules for buttons: flat, the one that goes on in the accent, a ring where the keyboard is.

    A least width is no rule here: Qt would let layouts squeeze a button down to it, though its words need more."""
    colours, accent = COLOURS[theme], ACCENT[theme]
    return f"""
        QPushButton {{ padding: 6px 18px; background: {colours["face"]};
            border: 1px solid {colours["edge"]}; border-radius: 4px; }}
        QPushButton:hover, QPushButton:checked {{ border-color: {accent}; }}
        QPushButton:pressed {{ background: {colours["line"]}; }}
        QPushButton:focus {{ border: 2px solid {accent}; padding: 5px 17px; }}
        QPushButton:disabled {{ color: {colours["soft"]}; background: {colours["side"]};
            border-color: {colours["line"]}; }}
        #practice QPushButton {{ padding: 2px 10px; }}
        #practice QPushButton:focus {{ padding: 1px 9px; }}
        QPushButton#next, QPushButton.primary {{ background: {accent}; color: {colours["on-accent"]};
            border: 1px solid {accent}; font-weight: bold; }}
        QPushButton#next:disabled, QPushButton.primary:disabled {{ background: {colours["line"]};
            color: {colours["soft"]}; border-color: {colours["line"]}; }}
        QPushButton#next:focus, QPushButton.primary:focus {{ border: 2px solid {colours["text"]}; }}
    """


def _views(theme: str) -> str:
    """Return the rules for tables, trees, tabs and bars: Fusion draws their edges for a light page only."""
    colours, accent = COLOURS[theme], ACCENT[theme]
    return f"""
        QTableView, QTreeView, QListView, QPlainTextEdit {{ border: 1px solid {colours["line"]}; border-radius: 4px; }}
        QTableView:focus, QTreeView:focus, QListView:focus, QPlainTextEdit:focus {{ border-color: {accent}; }}
        QHeaderView {{ background: {colours["base"]}; border: none; }}
        QHeaderView::section {{ background: {colours["base"]}; color: {colours["soft"]}; padding: 6px 4px;
            border: none; border-bottom: 1px solid {colours["line"]}; }}
        QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
        QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
        QScrollBar::handle {{ background: {colours["edge"]}; border-radius: 4px; margin: 2px; }}
        QScrollBar::handle:vertical {{ min-height: 28px; }}
        QScrollBar::handle:horizontal {{ min-width: 28px; }}
        QScrollBar::handle:hover {{ background: {colours["soft"]}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        QTabWidget::pane {{ border: none; border-top: 1px solid {colours["line"]}; }}
        QTabBar {{ background: transparent; }}
        QTabBar::tab {{ background: transparent; color: {colours["soft"]}; padding: 6px 14px; margin: 0;
            border: none; border-bottom: 3px solid transparent; }}
        QTabBar::tab:selected {{ color: {colours["text"]}; border-bottom-color: {accent}; }}
        QTabBar::tab:hover {{ color: {colours["text"]}; }}
        QTabBar::tab:focus {{ background: {colours["line"]}; }}
        QProgressBar {{ background: {colours["line"]}; border: none; border-radius: 4px; max-height: 8px; }}
        QProgressBar::chunk {{ background: {accent}; border-radius: 4px; }}
        QDockWidget {{ color: {colours["text"]}; }}
        QDockWidget::title {{ background: {colours["side"]}; padding: 8px 12px; }}
    """


def _fields(theme: str) -> str:
    """Return the rules for what is typed into or chosen from: an edge that is seen, and room for the letters."""
    colours, accent = COLOURS[theme], ACCENT[theme]
    down = (paths.resources() / "icons" / f"down-{theme}.svg").as_posix()
    up = (paths.resources() / "icons" / f"up-{theme}.svg").as_posix()
    kinds = ("QLineEdit", "QComboBox", "QAbstractSpinBox")

    def each(state: str) -> str:
        return ", ".join(kind + state for kind in kinds)

    return f"""
        {each("")} {{ background: {colours["base"]}; border: 1px solid {colours["edge"]}; border-radius: 4px;
            padding: 3px 6px; selection-background-color: {accent}; selection-color: {colours["on-accent"]}; }}
        QComboBox {{ padding-left: 8px; }}
        {each(":hover")} {{ border-color: {colours["soft"]}; }}
        {each(":focus")} {{ border: 2px solid {accent}; padding: 2px 5px; }}
        QComboBox:focus {{ padding-left: 7px; }}
        {each(":disabled")}, QLineEdit:read-only {{ background: {colours["side"]}; color: {colours["soft"]};
            border-color: {colours["line"]}; }}
        QLineEdit.wrong, QComboBox.wrong {{ border-color: {colours["error"]}; }}
        QAbstractSpinBox {{ padding-left: 3px; }}
        QAbstractSpinBox:focus {{ padding-left: 2px; }}
        QComboBox::drop-down {{ border: none; width: 22px; }}
        QComboBox::down-arrow {{ image: url("{down}"); width: 12px; height: 12px; }}
        QComboBox QAbstractItemView {{ background: {colours["base"]}; border: 1px solid {colours["edge"]}; }}
        QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 18px; }}
        QAbstractSpinBox::up-arrow {{ image: url("{up}"); width: 10px; height: 10px; }}
        QAbstractSpinBox::down-arrow {{ image: url("{down}"); width: 10px; height: 10px; }}
        QFrame.card[chosen="true"] {{ border-color: {accent}; }}
        QFrame.card[here="true"] {{ border: 2px solid {accent}; }}
        QTreeView#parts::item {{ padding: 1px 4px; }}
    """


def _marks(theme: str) -> str:
    """Return the marks of choices. Fusion draws their outlines unseen on a dark page, faint on a light one."""
    soft, base, accent = COLOURS[theme]["soft"], COLOURS[theme]["base"], ACCENT[theme]
    tick = (paths.resources() / "icons" / f"tick-{theme}.svg").as_posix()
    stops = f"stop:0 {accent}, stop:0.5 {accent}, stop:0.55 {base}, stop:1 {base}"
    dot = f"qradialgradient(cx:0.5, cy:0.5, radius:0.5, fx:0.5, fy:0.5, {stops})"
    return f"""
        QRadioButton::indicator, QCheckBox::indicator {{ width: 12px; height: 12px; border: 1px solid {soft};
            background: {base}; }}
        QRadioButton::indicator {{ border-radius: 7px; }}
        QRadioButton::indicator:checked {{ background: {dot}; border-color: {accent}; }}
        QCheckBox::indicator {{ border-radius: 2px; }}
        QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url("{tick}"); }}
        QRadioButton::indicator:focus, QCheckBox::indicator:focus {{ border-color: {COLOURS[theme]["text"]}; }}
    """


def colour(application: QApplication, name: str) -> QColor:
    """Return a colour of the theme in force: text, soft, line, error, warning, good, accent ..."""
    theme = "dark" if is_dark(application) else "light"
    return QColor(ACCENT[theme] if name == "accent" else COLOURS[theme][name])


def brush(name: str) -> QBrush:
    """Return a colour of the theme in force, for words of a table or a tree."""
    application = QApplication.instance()
    assert isinstance(application, QApplication), "there are no words of a table without an application"
    return QBrush(colour(application, name))
