"""Bytes that arrive in pieces, as lines of text, each told the moment it is whole."""

from __future__ import annotations

import codecs
from collections.abc import Callable


class Lines:
    """Decodes UTF-8 piece by piece. What is no UTF-8 becomes U+FFFD: an old tool's words must not end a run."""

    def __init__(self, on_line: Callable[[str], None] | None, *, keep: bool = True) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._on_line, self._keep = on_line, keep
        self._parts: list[str] = []
        self._rest: list[str] = []

    def take(self, piece: bytes) -> None:
        """Take the next bytes; tell the lines that they end."""
        self._text(self._decoder.decode(piece))

    def end(self) -> str:
        """Tell what stands after the last line end; return all that was taken (empty where it is not kept)."""
        self._text(self._decoder.decode(b"", final=True))
        if self._rest and any(self._rest):
            self._tell("".join(self._rest))
        self._rest = []
        return "".join(self._parts)

    def _text(self, text: str) -> None:
        if self._keep:
            self._parts.append(text)
        if self._on_line is None:
            return
        first, *others = text.split("\n")
        self._rest.append(first)  # a list: joining a long line at every piece would take quadratic time
        for other in others:
            self._tell("".join(self._rest))
            self._rest = [other]

    def _tell(self, line: str) -> None:
        if self._on_line is not None:
            self._on_line(line.rstrip("\r"))
