"""What puts back what a run has switched off, by name: all that recovery needs, in any process and version."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.step import Closer
from app.runbooks import provisioning, services, temporary

CLOSERS: Mapping[str, Closer] = {
    provisioning.CLOSER: provisioning.switch_on,
    services.CLOSER: services.start_again,
    temporary.CLOSER: temporary.remove_all,
}
