"""Where a command's answer goes: standard output, or a file that is there only once the answer is whole."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from app import datafolder


@contextlib.contextmanager
def to(file: str | None) -> Iterator[TextIO]:
    """Give the stream for an answer. With a `file`, everything that is printed meanwhile goes there too.

    The file takes its place when the block ends, whatever the exit code; not where the block raises. Raises Refused
    before anything else where it cannot be written."""
    if file is None:
        yield sys.stdout
        return
    path = Path(file).absolute()
    beside = path.with_name(f"{path.name}.new")
    with datafolder.writing(path):
        stream = beside.open("w", encoding="utf-8", newline="\n")
    try:
        with stream, contextlib.redirect_stdout(stream):
            yield stream
        with datafolder.writing(path):
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
