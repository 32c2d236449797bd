"""`--self-test`: looks whether this copy of the program is whole, its screen too; `--out FILE` takes the answer."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

from app import answers, selftest


def main(words: Sequence[str]) -> int:
    """Look, and say what was found, as JSON; returns 0 where all is whole, else 1."""
    parser = argparse.ArgumentParser(prog="--self-test", description=__doc__)
    parser.add_argument("--out", metavar="FILE")
    options = parser.parse_args(words)
    with answers.to(options.out) as answer:
        found = selftest.look(LOOKS)
        answer.write(json.dumps(selftest.as_object(found), ensure_ascii=False, indent=1) + "\n")
    return 0 if all(one.whole for one in found) else 1


def _pages() -> str:
    return f"{len(selftest.modules('ui'))} modules"


def _window() -> str:
    """Make the wizard's window and paint it, on whatever screen there is; it is not shown."""
    from PySide6.QtCore import QLibraryInfo, QTranslator, qVersion
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication, QLabel

    application = QApplication.instance() or QApplication(["ViewKeeper"])
    label = QLabel("二 ä €")
    picture = label.grab().toImage()
    colours = {picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}
    if len(colours) < 2:  # ink and paper
        raise LookupError("a line of text was painted, and nothing is to be seen")
    if not QTranslator().load("qtbase_zh_CN", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        raise LookupError("Qt's own words in Chinese are not there")
    assert isinstance(application, QApplication)
    return f"Qt {qVersion()}, {QGuiApplication.platformName()}, {label.font().family()}"


LOOKS: tuple[tuple[str, Callable[[], str]], ...] = (("pages", _pages), ("window", _window))
