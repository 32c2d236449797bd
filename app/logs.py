"""The log of a run: every event as a line of JSON, as it happens, in the data folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from app.backupset import repository
from app.engine import events
from app.engine.events import Event, Sink


@contextlib.contextmanager
def kept(data: Path, sink: Sink) -> Iterator[Sink]:
    """Give a sink that passes every event on and keeps it in `logs/RUN.jsonl`. A log that cannot be written is told."""
    folder = data / "logs"
    with repository.guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = {}

        def keep(event: Event) -> None:
            sink(event)
            if event.run not in files:
                files[event.run] = stack.enter_context(log_file(data, event.run).open("a", encoding="utf-8"))
            files[event.run].write(json.dumps(events.as_json(event), ensure_ascii=False) + "\n")
            files[event.run].flush()

        yield keep


def log_file(data: Path, run: str) -> Path:
    """Return the file that keeps what a run told."""
    return data / "logs" / f"{run}.jsonl"
