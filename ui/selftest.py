"""`--self-test`: looks whether this copy of the program is whole, its screen too; `--out FILE` takes the answer."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app import answers, selftest
from app.errors import UserError
from app.texts import text


def main(words: Sequence[str]) -> int:
    """Look, and say what was found, as JSON; returns 0 where all is whole, else 1, and 2 for wrong use."""
    about = text("Looks whether this copy of the program is whole.")
    parser = argparse.ArgumentParser(prog="--self-test", description=str(about))
    answer = text("the answer into a file, which is there once it is whole")
    parser.add_argument("--out", metavar="FILE", help=str(answer))
    options = parser.parse_args(words)
    try:
        with answers.to(options.out):
            found = selftest.look(LOOKS)
            sys.stdout.write(json.dumps(selftest.as_object(found), ensure_ascii=False, indent=1) + "\n")
    except UserError as error:  # the file for the answer cannot be written
        sys.stderr.write(f"{error}\n")
        return 2
    return 0 if all(one.whole for one in found) else 1


def _pages() -> str:
    from ui.flow import Page

    for page in Page:
        importlib.import_module(f"ui.pages.{page.replace('-', '_')}")
    return f"{len(selftest.modules('ui'))} modules"


def _window() -> str:
    """Make the wizard's window and paint it, on whatever screen there is; it is not shown."""
    from PySide6.QtCore import QLibraryInfo, QTranslator, qVersion
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication, QLabel

    from ui.application import has_display

    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _find_platform(Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms")
    application = QApplication.instance() or QApplication(["ViewKeeper"])
    narrow, broad = (QLabel(letter).grab().toImage() for letter in ("i", "W"))
    if narrow == broad:  # nothing at all, or the boxes that stand for letters where there is no font
        raise LookupError("letters were painted, and they are not to be told apart: is there a font?")
    if not QTranslator().load("qtbase_zh_CN", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        raise LookupError("Qt's own words in Chinese are not there")
    assert isinstance(application, QApplication)
    return f"Qt {qVersion()}, {QGuiApplication.platformName()}, {QGuiApplication.font().family()}"


def _find_platform(folder: Path) -> None:
    """Look for what Qt draws by. Where it is missing, Qt itself ends the whole process, and nothing would be told."""
    usual = {"win32": "windows", "darwin": "cocoa"}.get(sys.platform, "xcb")
    wanted = (os.environ.get("QT_QPA_PLATFORM") or usual).partition(";")[0].partition(":")[0]
    if not list(folder.glob(f"*q{wanted}*")):
        raise FileNotFoundError(f"{folder}: no {wanted}")


LOOKS: tuple[tuple[str, Callable[[], str]], ...] = (("pages", _pages), ("window", _window))
