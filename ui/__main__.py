"""`python -m ui`: the wizard."""

import gc
import sys


def start() -> int:
    """Open the wizard; returns the exit code when its window is closed."""
    gc.disable()  # what is loaded for the first window stays: to look through it for cycles would only hold it up
    from ui.application import main

    return main()


sys.exit(start())
