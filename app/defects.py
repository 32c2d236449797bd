"""Reports of errors of the program itself: what helps to mend them, kept in the data folder, without any password."""

from __future__ import annotations

import datetime
import platform
import secrets
import sys
from pathlib import Path

import app
from app import datafolder


def report(details: str, moment: datetime.datetime, also: str = "") -> str:
    """Return what helps to find a defect: versions, moment, and `details`, a traceback. `also`: more versions."""
    versions = ", ".join(part for part in (platform.platform(), f"Python {sys.version.split()[0]}", also) if part)
    return f"ViewKeeper {app.__version__}\n{versions}\n{moment:%Y-%m-%dT%H:%M:%SZ}\n\n{details}"


def folder(data: Path) -> Path:
    """Return the folder that the reports lie in; it is made with the first one."""
    return data / "reports"


def keep(data: Path, words: str, moment: datetime.datetime) -> Path:
    """Write a report into a file of its own, and return it. Raises Refused where the disk does not take it."""
    file = datafolder.ready(folder(data)) / f"error-{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.txt"
    with datafolder.writing(file):
        try:
            file.write_text(words, "utf-8")
        except OSError:
            file.unlink(missing_ok=True)  # half a report would be taken for one
            raise
    return file
