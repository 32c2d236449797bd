"""Starts the wizard: the application, its look, its language, its pages; and what becomes of unexpected errors."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QLibraryInfo, QObject, Qt, QTimer, QTranslator, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QWidget

from app import datafolder, paths
from app.desk import Desk
from app.errors import UserError
from app.texts import language, system_language, text, use_language
from ui.look import STYLE, dress
from ui.page import Services
from ui.pages import make_page
from ui.shell import Shell
from ui.single import Single, place_of

CALM = 300  # milliseconds after which the window stands and the rest may load


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the wizard; returns the exit code when its window is closed."""
    datafolder.for_the_owner_only()
    if not has_display():
        print(  # noqa: T201  # there is no screen to say it on
            "There is no screen here. Start it on a desktop, or use the command line: python3 build/make.py cli --help",
            file=sys.stderr,
        )
        return 2
    use_language(system_language())
    words = [*(sys.argv if arguments is None else arguments), *STYLE]
    application = QApplication.instance() or QApplication(words)  # a process has one at most
    assert isinstance(application, QApplication)
    application.setApplicationName("ViewKeeper")
    application.setWindowIcon(QIcon(str(paths.resources() / "icons" / "viewkeeper.png")))
    place = placed(paths.data())
    if isinstance(place, UserError):
        return _cannot_begin(place)
    if place is None:  # the first wizard of this data folder has come to the front instead
        return 0
    with contextlib.closing(place):
        return _opened(application, place)


def _opened(application: QApplication, place: Single) -> int:
    dress(application)
    translator = qt_words(application)
    shell = open_shell(Services(Desk(paths.data()), _open))
    shell.language_changed.connect(lambda: qt_words(application, translator))
    application.styleHints().colorSchemeChanged.connect(lambda _scheme: dress(application))
    application.styleHints().colorSchemeChanged.connect(lambda _scheme: shell.retranslate())
    catch_everything(shell)
    shell.show()
    bell = _Bell(shell)
    bell.rung.connect(lambda _word: come_forward(shell))
    QTimer.singleShot(CALM, shell, lambda: place.listen(lambda: bell.rung.emit("show")))
    gc.freeze()
    gc.enable()
    return application.exec()


def come_forward(window: QWidget) -> None:
    """Bring a window before all others, and out of the taskbar."""
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()


def placed(data: Path, ask: Callable[[Path], Single | None] = place_of) -> Single | UserError | None:
    """Return the first wizard's place in a data folder, None where the first one has come to the front instead, or why
    neither can be."""
    other = text("Two of them in one data folder would get into each other's way: {folder}.", folder=str(data))
    try:
        return ask(datafolder.ready(data))
    except BlockingIOError:
        return UserError(
            text("ViewKeeper is open already, and does not answer."),
            other,
            text("Close the other one, if need be in the task manager, and start again."),
        )
    except PermissionError:
        return UserError(
            text("ViewKeeper is open already with other rights: one of the two was started as an administrator."),
            other,
            text("Go on in the one that is open, or close it and start again."),
        )
    except UserError as error:
        return error


def _cannot_begin(error: UserError) -> int:
    """Say in a box of its own why the wizard cannot begin; returns the exit code."""
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(QMessageBox.Icon.Critical, "ViewKeeper", str(error.what))
    box.setInformativeText(" ".join(str(more) for more in (error.why, error.do) if str(more)))
    box.exec()
    return 2


def open_shell(services: Services) -> Shell:
    """Return the window; its pages are made as they are shown."""
    return Shell(services, make_page)


def qt_words(application: QApplication, translator: QTranslator | None = None) -> QTranslator:
    """Let Qt's own dialogs speak the chosen language; returns what must be kept alive."""
    translator = translator or QTranslator(application)
    application.removeTranslator(translator)
    if translator.load(f"qtbase_{language()}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(translator)
    return translator


class _Bell(QObject):
    """Rung in any thread, heard in the one that draws: no other may touch a window."""

    rung = Signal(str)


def catch_everything(shell: Shell) -> None:
    """Let errors of the program itself end on the page that says what is safe: in slots and in threads."""
    bell = _Bell(shell)
    bell.rung.connect(shell.show_trouble)

    def in_slot(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        bell.rung.emit("".join(traceback.format_exception(kind, error, trace)))

    def in_thread(what: threading.ExceptHookArgs) -> None:
        in_slot(what.exc_type, what.exc_value or what.exc_type(), what.exc_traceback)

    sys.excepthook = in_slot
    threading.excepthook = in_thread


def has_display() -> bool:
    """Say whether there is a screen to open a window on; in tests, one that nobody sees."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(path: Path) -> None:
    from PySide6.QtCore import QUrl
    from PySide6.QtGui import QDesktopServices

    from app import unpacked

    with unpacked.others_find_their_own():
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
