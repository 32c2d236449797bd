"""The paper's pool report (appendix A): each pool, its provisioning, desktops and sessions, and their totals."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any

from app.desk import Desk
from app.profile import Profile
from app.texts import listed, text
from app.words import pool_kind_word


@dataclass(frozen=True)
class PoolRow:
    """A pool of the report: its kind, its provisioning, desktops and sessions."""

    pool_id: str
    name: str
    kind: str
    provisioning: str
    desktops: int
    remote: int
    local: int

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def pools(desk: Desk, profile: Profile) -> tuple[PoolRow, ...]:
    """Return the paper's pool report (appendix A), one row a pool."""
    desk.accept_certificates(profile)
    with desk.connections(profile) as c:
        broker = c.broker()
        found, desktops, sessions = broker.pools(), broker.desktops(), broker.sessions()
    count = Counter(desktop.pool_id for desktop in desktops)
    remote = Counter(session.pool_id for session in sessions if not session.local)
    local = Counter(session.pool_id for session in sessions if session.local)
    words = {True: "on", False: "off", None: "-"}
    return tuple(
        PoolRow(
            p.pool_id,
            p.name,
            p.kind.value,
            words[p.provisioning],
            count[p.pool_id],
            remote[p.pool_id],
            local[p.pool_id],
        )
        for p in found
    )


def totals(rows: tuple[PoolRow, ...]) -> PoolRow:
    """Return the sums: pools by kind, pools that are on, desktops and sessions."""
    kinds = str(
        listed(
            text("{kind}: {number}", kind=pool_kind_word(kind), number=number)
            for kind, number in sorted(Counter(row.kind for row in rows).items())
        )
    )
    on = sum(row.provisioning == "on" for row in rows)
    return PoolRow(
        str(text("total")), str(len(rows)), kinds, str(text("on: {number}", number=on)),
        sum(row.desktops for row in rows),
        sum(row.remote for row in rows), sum(row.local for row in rows),
    )  # fmt: skip
