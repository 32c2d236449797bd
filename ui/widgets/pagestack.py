"""The pages, one over the other. Where the window is too small for one, it scrolls; the shell's buttons stay."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget


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
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else QSize()

    def heightForWidth(self, width: int) -> int:  # noqa: N802  # Qt's name
        """Return the least height at that width. The area would give a page what it likes best, and scroll for it."""
        page = self.currentWidget()
        layout = page.layout() if page is not None else None
        if layout is None or not layout.hasHeightForWidth():
            return self.minimumSizeHint().height()
        return layout.minimumHeightForWidth(width)
