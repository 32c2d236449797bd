"""What View's own tools have in common: where they lie, and what they need."""

from __future__ import annotations

from app.lab import directory
from app.lab.rows import Broker, LdsEntry
from app.lab.windows import services
from app.lab.windows.console import Console
from app.lab.windows.job import ToolError

TOOLS_FOLDER = r"C:\Program Files\VMware\VMware View\Server\tools\bin"
LDS_SERVICE = "ADAM_VMwareVDMDS"


def broker_of(console: Console) -> Broker:
    """Return the broker that this host is, with its AD LDS running. Raises ToolError."""
    broker, service = console.host.broker, services.find(console.host, LDS_SERVICE)
    if broker is None or service is None or service.state != services.RUNNING:
        raise ToolError(
            1,
            "Unable to connect to the View LDAP repository on localhost:389: the server is not operational.",
            to_stderr=True,
        )
    return broker


def require_right(console: Console, *, change: bool) -> None:
    """Raise ToolError where the account's role in View does not allow it; administering the host is not enough."""
    who = console.host.account(console.job.account)
    if not (directory.may_change(who) if change else directory.may_look(who)):
        raise ToolError(
            1,
            f"Insufficient permissions: the required View administrator role is not assigned to {console.job.account}.",
            to_stderr=True,
        )


def entries(console: Console, broker: Broker) -> list[LdsEntry]:
    """Return all that AD LDS holds, parents before children."""
    return console.host.world.all(LdsEntry, group=broker.group)
