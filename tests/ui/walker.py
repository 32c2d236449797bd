"""`python -m tests.ui.walker DATA`: a wizard that goes by itself as far as it can. Tests kill it."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.desk import Desk
from ui.application import open_shell
from ui.page import Services


def main() -> int:
    application = QApplication(["viewkeeper"])
    shell = open_shell(Services(Desk(Path(sys.argv[1])), lambda _path: None))
    shell.show()
    chosen = shell.findChild(QAbstractButton, "practise")
    assert chosen is not None
    chosen.setChecked(True)
    timer = QTimer()
    timer.timeout.connect(shell.forward)
    timer.start(100)
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
