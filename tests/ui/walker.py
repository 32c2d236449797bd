"""`python -m tests.ui.walker DATA [REPOSITORY]`: a wizard that goes by itself as far as it can. Tests kill it.

With REPOSITORY, the sets go there, and parts are captured side by side: both chosen for this run only."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit

from app.desk import Desk
from ui.application import open_shell
from ui.flow import Page
from ui.look import STYLE
from ui.page import Services
from ui.shell import Shell

SIDE_BY_SIDE = "side-by-side"


def main() -> int:
    application = QApplication(["viewkeeper", *STYLE])
    shell = open_shell(Services(Desk(Path(sys.argv[1])), lambda _path: None))
    shell.show()
    chosen = shell.findChild(QAbstractButton, "practise")
    assert chosen is not None
    chosen.setChecked(True)
    timer = QTimer()
    timer.timeout.connect(lambda: step(shell, sys.argv[2:]))
    timer.start(100)
    return application.exec()


def step(shell: Shell, repository: list[str]) -> None:
    """Go on to the next page; where a repository is given, choose it and an option first."""
    if shell.wizard.page is Page.WHAT and repository:
        folder, beside = shell.findChild(QLineEdit, "repository"), shell.findChild(QAbstractButton, SIDE_BY_SIDE)
        assert folder is not None
        assert beside is not None
        folder.setText(repository[0])
        beside.setChecked(True)
    shell.forward()


if __name__ == "__main__":
    sys.exit(main())
