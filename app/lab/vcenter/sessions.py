"""Who is logged in."""

from __future__ import annotations

import secrets
import threading
import uuid

from app.lab.vcenter.sight import Session

COOKIE = "vmware_soap_session"


class Sessions:
    """The sessions of one vCenter, by cookie. Unused for long, one is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def begin(self, account: str, address: str, now: float) -> Session:
        session = Session(str(uuid.uuid4()), secrets.token_hex(20), account, now, now, address)
        with self._lock:
            self._open[session.cookie] = session
        return session

    def find(self, cookie: str, now: float, timeout: float) -> Session | None:
        """Return the session of a cookie and mark it as used; None where there is none (any more)."""
        with self._lock:
            self._open = {key: one for key, one in self._open.items() if now - one.used <= timeout}
            session = self._open.get(cookie)
            if session:
                session.used = now
                session.calls += 1
            return session

    def all(self) -> tuple[Session, ...]:
        with self._lock:
            return tuple(self._open.values())

    def clear(self) -> None:
        """End all sessions: the service was started anew."""
        with self._lock:
            self._open.clear()

    def end(self, *keys: str) -> None:
        """End the sessions with these keys."""
        with self._lock:
            self._open = {cookie: one for cookie, one in self._open.items() if one.key not in keys}
