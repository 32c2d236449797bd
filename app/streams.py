"""Where words go when a program without a window of its own for them is called from a command line.

The executable is one for people who double-click it: Windows gives it no console. Where it was called from one, that is
used; where its output was sent somewhere, it goes there; else there is nobody to read it, and `--out` is the way."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import IO, Any

_PARENT = 0xFFFFFFFF  # ATTACH_PARENT_PROCESS
_ALL_PROCESSES = 2  # TH32CS_SNAPPROCESS
_TIMES_OF_IT = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_STREAMS = (("stdin", "CONIN$", "r"), ("stdout", "CONOUT$", "w"), ("stderr", "CONOUT$", "w"))


def attach() -> None:
    """Give the streams that this process lacks: those of the caller's console, or ones that lead nowhere."""
    missing = [stream for stream in _STREAMS if getattr(sys, stream[0]) is None]
    if not missing:
        return
    if sys.platform == "win32":
        _to_callers_console()
    for name, place, mode in missing:
        stream = _opened(place if sys.platform == "win32" else os.devnull, mode)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)  # a password is asked for without its letters only where both are one


def speak_utf8() -> None:
    """Let what is printed be UTF-8 whatever the system's code page is; a letter that it lacks stops no command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")


if sys.platform == "win32":

    class _Entry(ctypes.Structure):
        """PROCESSENTRY32W: one process of a list of all."""

        _fields_ = (
            ("size", ctypes.c_uint32), ("usage", ctypes.c_uint32), ("process", ctypes.c_uint32),
            ("heap", ctypes.c_size_t), ("module", ctypes.c_uint32), ("threads", ctypes.c_uint32),
            ("parent", ctypes.c_uint32), ("priority", ctypes.c_int32), ("flags", ctypes.c_uint32),
            ("file", ctypes.c_wchar * 260),
        )  # fmt: skip

    def _to_callers_console() -> None:
        """Attach to the console that the program was called from, where there is one and it is not attached already.

        The parent of a one-file executable's program is its loader, which has none: it is the loader's parent's."""
        attach = ctypes.windll.kernel32.AttachConsole
        if not attach(ctypes.c_uint32(_PARENT)) and hasattr(sys, "_MEIPASS") and (caller := parent_of(os.getppid())):
            attach(ctypes.c_uint32(caller))

    def parent_of(process: int) -> int:
        """Return the process that has started another one; 0 where it has ended: its number may be another's now."""
        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateToolhelp32Snapshot.restype = ctypes.c_void_p
        every = ctypes.c_void_p(kernel.CreateToolhelp32Snapshot(_ALL_PROCESSES, 0))
        entry = _Entry(size=ctypes.sizeof(_Entry))
        found, there = 0, kernel.Process32FirstW(every, ctypes.byref(entry))
        while there and not found:
            found = entry.parent if entry.process == process else 0
            there = kernel.Process32NextW(every, ctypes.byref(entry))
        kernel.CloseHandle(every)
        return found if 0 < _begun(found) <= _begun(process) else 0

    def _begun(process: int) -> int:
        """Return when a process has begun, in Windows' own count; 0 where that cannot be had."""
        kernel = ctypes.WinDLL("kernel32")
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.OpenProcess(_TIMES_OF_IT, False, process))
        times = [ctypes.c_uint64() for _ in range(4)]
        known = handle and kernel.GetProcessTimes(handle, *(ctypes.byref(one) for one in times))
        if handle:
            kernel.CloseHandle(handle)
        return times[0].value if known else 0


def _opened(place: str, mode: str) -> IO[str]:
    try:
        return open(place, mode, encoding="utf-8", errors="replace")  # as long as the process lives
    except OSError:  # there is no console, or none that lets us
        return open(os.devnull, mode, encoding="utf-8")  # as long as the process lives
