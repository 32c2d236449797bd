"""LDIF (RFC 2849) on bytes: read and written as a stream, and what a View export tells about its environment."""

from __future__ import annotations

from app.connectors.ldif.entry import Entry, LdifError
from app.connectors.ldif.facts import Facts, Kind, Setting, facts, is_encrypted
from app.connectors.ldif.reader import read
from app.connectors.ldif.writer import write

__all__ = ["Entry", "Facts", "Kind", "LdifError", "Setting", "facts", "is_encrypted", "read", "write"]
