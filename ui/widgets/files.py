"""The system's own dialogs for files and folders. Pages are given them, so that tests can answer in their place."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.texts import Text, text

PROFILES = "JSON (*.json)"


class Dialogs:
    """Asks where a file is, or is to go. None: the operator gave none."""

    def existing_file(self, parent: QWidget, title: Text) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(parent, str(title), "", PROFILES)
        return Path(name) if name else None

    def new_file(self, parent: QWidget, title: Text, proposed: str) -> Path | None:
        name, _ = QFileDialog.getSaveFileName(parent, str(title), proposed, PROFILES)
        return Path(name) if name else None

    def folder(self, parent: QWidget, title: Text, at: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(parent, str(title), at)
        return Path(name) if name else None

    def sure(self, parent: QWidget, question: Text, consequence: Text, act: Text) -> bool:
        """Ask whether to do something; the button names the act, and Enter does not press it."""
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(str(question))
        box.setInformativeText(str(consequence))
        yes = box.addButton(str(act), QMessageBox.ButtonRole.AcceptRole)
        no = box.addButton(str(text("Cancel")), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.exec()
        sure = box.clickedButton() is yes
        box.deleteLater()
        return sure
