"""The log of a run: every event as a line of JSON, as it happens, in the data folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from app import datafolder
from app.engine import events
from app.engine.events import Event, Sink
from app.texts import Text, text


@contextlib.contextmanager
def kept(data: Path, sink: Sink) -> Iterator[Sink]:
    """Give a sink that keeps every event in `logs/RUN.jsonl` and passes it on. Either that fails is given up, told by
    the other, and keeps the other from nothing."""
    folder = datafolder.ready(data / "logs")
    with contextlib.ExitStack() as stack:
        files: dict[str, TextIO] = {}

        def write(event: Event) -> None:
            if event.run not in files:
                files[event.run] = stack.enter_context(log_file(folder.parent, event.run).open("a", encoding="utf-8"))
            files[event.run].write(json.dumps(events.as_json(event), ensure_ascii=False) + "\n")
            files[event.run].flush()

        yield _Both(write, sink)


class _Both:
    """Two sinks, of which the second hears nothing that the first has not been given."""

    def __init__(self, log: Sink, screen: Sink) -> None:
        self._sinks: dict[str, Sink] = {"log": log, "screen": screen}

    def __call__(self, event: Event) -> None:
        """Give an event to both. Raises the last one's error where none is left."""
        for name in list(self._sinks):
            try:
                self._sinks[name](event)
            except Exception as error:  # whatever a screen or a disk does, the other must hear of the run
                del self._sinks[name]
                if not self._sinks:
                    raise
                self(events.Remark(run=event.run, at=event.at, line=_lost(name, error)))


def _lost(name: str, error: Exception) -> Text:
    kind = type(error).__name__
    if name == "log":
        return text("The log of the run could not be written any more: {error}", error=kind)
    return text("What the run told could not be shown any more: {error}", error=kind)


def log_file(data: Path, run: str) -> Path:
    """Return the file that keeps what a run told."""
    return data / "logs" / f"{run}.jsonl"
