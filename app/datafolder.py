"""The folder of everything the program writes: made for its owner only, and refused in words where it cannot be had."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from app.errors import Refused
from app.texts import text


def for_the_owner_only() -> None:
    """Let this process, and those that it starts, make files and folders that only their owner may open.

    What is written tells of a whole environment, and backup sets hold its secrets. Windows goes by the folder's own
    rights, and the user's own folders are closed to others there."""
    if os.name == "posix":
        os.umask(0o077)


def ready(folder: Path) -> Path:
    """Make a folder of the program's own where it is not there, and return it. Raises Refused where it cannot be used.

    One that is there keeps its rights: it may be somebody else's, who named it."""
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _refused(folder, os.strerror(13))
    return folder


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the workstation's disk refuses into Refused, in one sentence."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error.strerror or type(error).__name__) from error


def _refused(path: Path, reason: str) -> Refused:
    return Refused(
        text("It cannot be written to {path}.", path=str(path)),
        text("The system says: {reason}.", reason=reason),
        text("Choose another place, or mend its rights."),
    )
