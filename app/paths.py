"""Where resources and data lie, frozen or not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA_VARIABLE = "VIEWKEEPER_DATA"


def resources() -> Path:
    """Return the folder of scripts, templates, translations and help."""
    home = getattr(sys, "_MEIPASS", None)
    return (Path(home) if home else Path(__file__).resolve().parent.parent) / "resources"


def data(chosen: str | None = None) -> Path:
    """Return the folder of everything the program writes: `chosen`, else VIEWKEEPER_DATA, else the user's own."""
    if named := chosen or os.environ.get(DATA_VARIABLE):
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_data_path("ViewKeeper", appauthor=False)
