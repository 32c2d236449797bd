"""The program as it is shipped, with all its faces: without words the wizard, else the command line; `--lab` is the
practice environment's own process, `--self-test` a look at whether this copy of the program is whole."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from collections.abc import Iterator, Sequence

OLDEST_WINDOWS = (10, 0, 17763)  # Windows 10 1809 and Server 2019: what Qt 6 asks for
_ERROR_ICON = 0x10
BROKEN = 1
STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Be what `arguments` (those of the process, where none are given) ask for; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _face(words)
    except ImportError as error:  # before anything else could say it: a copy that is not whole
        return _tell(
            f"ViewKeeper cannot start: a part of it is missing ({error.name or error}).\n\n"
            "Copy or download the file anew, and compare its SHA-256 with the one beside it.",
            in_a_box=not words,
        )
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:  # noqa: BLE001  # else the executable's loader tells it, in a box that waits for ever
        return _tell(_defect(error, whole=bool(words)), in_a_box=not words)


def _defect(error: Exception, *, whole: bool) -> str:
    """Return what is said of an error of the program itself; with where it arose, where there is room for it."""
    kept = _kept(error)
    return (
        f"{_where(error) if whole else type(error).__name__}\n\n"
        "This is an error of ViewKeeper itself: it has stopped here.\n"
        "Whether a backup has left anything switched off is said by the command `runs`, and by the wizard's first page."
    ) + (f"\nWhat helps to mend it lies in {kept}." if kept else "")


def _kept(error: Exception) -> str:
    """Keep in the data folder where an error arose; returns its file, "" where that fails as well. A scheduled task has
    nobody to read what it says."""
    with contextlib.suppress(Exception):
        import datetime

        from app import defects, paths

        moment = datetime.datetime.now(datetime.UTC)
        return str(defects.keep(paths.data(), defects.report(_where(error), moment), moment))
    return ""


def _where(error: Exception) -> str:
    """Return where an error arose, without its own words: they may quote a password."""
    import traceback

    return f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}"


def _face(words: list[str]) -> int:
    if words:
        from app import streams

        streams.attach()  # before anything is said
        streams.speak_utf8()
    if too_old := _too_old():
        return _tell(too_old, in_a_box=not words)
    with _unpacked():
        if not words:
            gc.disable()  # what is loaded for the first window stays: to look through it for cycles only holds it up
            from ui import application

            return application.main([sys.argv[0]])
        if words[0] == "--lab":
            from app.lab.__main__ import run

            return run(words[1:])
        if words[0] == "--self-test":
            from ui.selftest import main as look

            return look(words[1:])
        from app import cli

        return cli.main(words)


@contextlib.contextmanager
def _unpacked() -> Iterator[None]:
    """Hold the folder that the executable has unpacked itself into; remove those that killed ones have left."""
    if not getattr(sys, "frozen", False):
        yield
        return
    from app import locking, unpacked

    folder = unpacked.own()
    held = None
    if folder:
        with contextlib.suppress(OSError):  # somebody else has the mark open: no reason not to start
            held = locking.patiently(lambda: unpacked.hold(folder))
        sys.meta_path.insert(0, unpacked.LateLibraries(folder))
    cleaner = threading.Thread(target=unpacked.remove_left, name="unpacked")
    cleaner.start()
    try:
        yield
    finally:
        cleaner.join()
        if held is not None:
            held.close()


def _too_old() -> str:
    if sys.platform == "win32" and sys.getwindowsversion()[:3] < OLDEST_WINDOWS:
        found = ".".join(str(part) for part in sys.getwindowsversion()[:3])
        return (
            f"ViewKeeper needs Windows 10 (1809), Windows Server 2019 or later; this is Windows {found}.\n\n"
            "Start it on a newer workstation: it reaches the servers over the network."
        )
    return ""


def _tell(words: str, *, in_a_box: bool) -> int:
    """Say without Qt why the program cannot start, or go on; returns the exit code.

    `in_a_box`: somebody has double-clicked it. A scheduled task would wait for ever for a box that nobody sees."""
    if sys.platform == "win32" and in_a_box:
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, words, "ViewKeeper", _ERROR_ICON)
    elif sys.stderr is not None:
        print(words, file=sys.stderr)  # noqa: T201  # there is nothing else to say it with
    return BROKEN
