"""Where words go when a program without a window of its own for them is called from a command line.

The executable is one for people who double-click it: Windows gives it no console. Where it was called from one, that is
used; where its output was sent somewhere, it goes there; else there is nobody to read it, and `--out` is the way."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import IO, Any

_PARENT = 0xFFFFFFFF  # ATTACH_PARENT_PROCESS
_STREAMS = (("stdin", "CONIN$", "r"), ("stdout", "CONOUT$", "w"), ("stderr", "CONOUT$", "w"))


def attach() -> None:
    """Give the streams that this process lacks: those of the caller's console, or ones that lead nowhere."""
    missing = [stream for stream in _STREAMS if getattr(sys, stream[0]) is None]
    if not missing:
        return
    attached = sys.platform == "win32" and bool(ctypes.windll.kernel32.AttachConsole(ctypes.c_uint32(_PARENT)))
    for name, place, mode in missing:
        setattr(sys, name, _opened(place if attached else os.devnull, mode))


def speak_utf8() -> None:
    """Let what is printed be UTF-8 whatever the system's code page is; a letter that it lacks stops no command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")


def _opened(place: str, mode: str) -> IO[str]:
    try:
        return open(place, mode, encoding="utf-8", errors="replace")  # as long as the process lives
    except OSError:  # a console that cannot be written to
        return open(os.devnull, mode, encoding="utf-8")  # as long as the process lives
