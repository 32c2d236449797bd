"""Where a command's answer goes: standard output, or a file that is there only once the answer is whole."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from app import datafolder, locking
from app.errors import UserError
from app.texts import text


class NotKept(UserError):
    """The command has ended, and its answer could not be written where it was wanted; standard output has it."""


@contextlib.contextmanager
def to(file: str | None) -> Iterator[None]:
    """Let what is printed meanwhile go to a `file`; to standard output as ever, where none is named.

    The file takes its place when the block ends, whatever the exit code; not where the block raises. An answer that an
    earlier command has left there is removed first: whoever finds the file must find this command's. Meanwhile it is
    kept in memory, so that a disk that fills up stops no run in its middle.

    Raises Refused before the block is entered where the file cannot be written, NotKept after it has ended."""
    if file is None:
        yield
        return
    path = Path(file).absolute()
    beside = path.with_name(f"{path.name}.new")
    kept = io.BytesIO()
    answer = io.TextIOWrapper(kept, encoding="utf-8", errors="replace", newline="\n")
    try:
        with datafolder.writing(path):
            beside.touch()
            locking.patiently(lambda: path.unlink(missing_ok=True))
        with contextlib.redirect_stdout(answer):
            yield
        answer.flush()
        _put(kept.getvalue(), beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _put(answer: bytes, beside: Path, path: Path) -> None:
    try:
        beside.write_bytes(answer)
        locking.patiently(lambda: beside.replace(path))
    except OSError as error:
        sys.stdout.write(answer.decode())  # it is not lost where somebody looks
        raise NotKept(
            text("The command has ended, but its answer could not be written to {path}.", path=str(path)),
            text("The system says: {reason}.", reason=error.strerror or type(error).__name__),
            text("The answer was printed instead."),
        ) from error
