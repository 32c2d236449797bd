"""What a run asks of the workstation: to stay awake, and to show how far it is on Windows' taskbar.

Elsewhere neither is asked for: a desktop that puts itself to sleep in the middle of work is Windows' way."""

from __future__ import annotations

import ctypes
import sys
import uuid
from typing import Any

from PySide6.QtWidgets import QWidget

_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001
_CLASS, _INTERFACE = "56FDF344-FD6D-11D0-958A-006097C9A090", "EA1AFB91-9E28-4B86-90E9-9E9F8A5EEFAF"
_INIT, _SET_VALUE, _SET_STATE = 3, 9, 10  # places in ITaskbarList3's table of functions (shobjidl_core.h)
NONE, NORMAL, ERROR, PAUSED = 0, 2, 4, 8
WHOLE = 1000


def stay_awake(wanted: bool) -> None:
    """Keep the workstation from going to sleep, or let it again. Called in one and the same thread."""
    if sys.platform == "win32":
        ctypes.windll.kernel32.SetThreadExecutionState(_CONTINUOUS | (_SYSTEM_REQUIRED if wanted else 0))


class Taskbar:
    """A window's button on the taskbar. Where Windows gives none (an old shell, wine), it shows nothing."""

    def __init__(self, widget: QWidget) -> None:
        self._widget, self._list = widget, _taskbar_list()

    def show(self, fraction: float, state: int = NORMAL) -> None:
        """Show how far the work is (0 to 1) and how it stands: NORMAL, PAUSED while it asks, ERROR, NONE at the end."""
        if self._list is None:
            return
        handle = ctypes.c_void_p(int(self._widget.window().winId()))
        _call(self._list, _SET_STATE, handle, ctypes.c_int(state))
        if state != NONE:
            _call(self._list, _SET_VALUE, handle, ctypes.c_uint64(int(fraction * WHOLE)), ctypes.c_uint64(WHOLE))


def _taskbar_list() -> ctypes.c_void_p | None:
    made = ctypes.c_void_p()
    if sys.platform == "win32":
        class_, interface = (ctypes.create_string_buffer(uuid.UUID(one).bytes_le, 16) for one in (_CLASS, _INTERFACE))
        ctypes.windll.ole32.CoInitialize(None)
        ctypes.windll.ole32.CoCreateInstance(class_, None, 1, interface, ctypes.byref(made))
    return made if made and _call(made, _INIT) == 0 else None


def _call(of: ctypes.c_void_p, number: int, *arguments: Any) -> int:
    """Call a function of a COM object by its place in the table. None of them keeps what it is given."""
    answer = -1
    if sys.platform == "win32":
        table = ctypes.cast(of, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
        kinds = [type(argument) for argument in arguments]
        function = ctypes.WINFUNCTYPE(ctypes.c_long, ctypes.c_void_p, *kinds)(table[number])
        answer = int(function(of, *arguments))
    return answer
