"""The pages, one over the other. Where the window is too small for one, it scrolls; the shell's buttons stay."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QStackedWidget, QWidget


class PageStack(QStackedWidget):
    """It asks for no more room than the page that is shown: Qt's own asks for what any of its pages needs."""

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _number: self.updateGeometry())

    def scrolled(self) -> QScrollArea:
        """Return what the stack is put into: an area that scrolls where there is too little room, else is not seen."""
        area = QScrollArea()
        area.setObjectName("page-room")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setViewport(QWidget())  # one that does not paint a background; to ask for Qt's own takes long
        area.setWidgetResizable(True)
        area.setWidget(self)
        self.setAutoFillBackground(False)
        return area

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the least size of the page. Words that wrap ask for heights at the least width, and so too much: for
        them the height at the width that there is counts."""
        page = self.currentWidget()
        least = page.minimumSizeHint() if page is not None else QSize()
        return QSize(least.width(), 0) if self._wraps() else least

    def heightForWidth(self, width: int) -> int:  # noqa: N802  # Qt's name
        """Return the least height at that width. The area would give a page what it likes best, and scroll for it."""
        layout = self._wraps()
        return layout.minimumHeightForWidth(width) if layout else self.minimumSizeHint().height()

    def _wraps(self) -> QLayout | None:
        """Return the layout of the page that is shown, if its height depends on its width."""
        page = self.currentWidget()
        layout = page.layout() if page is not None else None
        return layout if layout is not None and layout.hasHeightForWidth() else None
