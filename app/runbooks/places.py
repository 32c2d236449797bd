"""Where things lie on the hosts while a run needs them, and in a backup set afterwards."""

from __future__ import annotations

import hashlib
import re
from pathlib import PureWindowsPath

from app.profile import Database

HOME = r"C:\ProgramData\ViewKeeper"
NOTICE = HOME + r"\notice.json"


def temporary_folder(run: str) -> str:
    """Return the folder on a host that holds what a run has made there and not yet fetched."""
    return f"{HOME}\\{run}"


def database_file(database: Database, folder: str, run: str) -> str:
    """Return the path of a database's backup on its server: a file that no other run or product uses."""
    return str(PureWindowsPath(folder) / f"viewkeeper-{run}-{safe(database.name)}.bak")


def safe(name: str) -> str:
    """Return a name of a remote system as part of a file's name: Latin letters, digits, - and _ stay.

    Where anything had to go, a piece of the name's hash keeps two names from becoming one."""
    kept = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:60]
    return kept if kept == name else f"{kept}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
