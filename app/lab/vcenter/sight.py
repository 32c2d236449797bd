"""What one session sees of its vCenter at one moment: the inventory through the account's rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.lab.rows import Managed, VcTask, Vm
from app.lab.vcenter.tree import Inventory, Rights

MANAGERS = {
    "ServiceInstance": "ServiceInstance",
    "propertyCollector": "PropertyCollector",
    "ViewManager": "ViewManager",
    "SessionManager": "SessionManager",
    "AuthorizationManager": "AuthorizationManager",
    "TaskManager": "TaskManager",
    "ScheduledTaskManager": "ScheduledTaskManager",
    "CustomFieldsManager": "CustomFieldsManager",
    "SearchIndex": "SearchIndex",
    "FileManager": "FileManager",
}
RECENT = 600.0  # seconds that a finished task stays in recentTask
FIRMWARE = "firmwareSystem-"


@dataclass(frozen=True)
class Thing:
    """Anything that has a managed object reference. `entity` is where rights on it are looked up."""

    kind: str
    moid: str
    row: Any
    entity: str


@dataclass
class SessionObject:
    """A view or a collector: it belongs to one session and ends with it."""

    moid: str
    kind: str
    given: dict[str, Any] = field(default_factory=dict)
    page_size: int = 10
    position: int = 0


@dataclass
class Session:
    """A login. `key` is told to others, `cookie` only to its owner."""

    key: str
    cookie: str
    account: str
    began: float
    used: float
    address: str = ""
    calls: int = 0
    objects: dict[str, SessionObject] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)


class Sight:
    """The inventory, the rights and the session of one call."""

    def __init__(
        self, inventory: Inventory, rights: Rights, session: Session, sessions: tuple[Session, ...], now: float
    ) -> None:
        self.inventory, self.rights, self.session, self.sessions, self.now = inventory, rights, session, sessions, now

    def thing(self, moid: str) -> Thing | None:
        """Return what a reference names, whether or not the account may see it; None where nothing is."""
        inventory = self.inventory
        row = inventory.entity(moid)
        if isinstance(row, Vm):
            return Thing("VirtualMachine", moid, row, moid)
        if isinstance(row, Managed):
            return Thing(row.kind, moid, row, moid)
        if moid in MANAGERS:
            return Thing(MANAGERS[moid], moid, None, inventory.root)
        if moid in self.session.objects:
            mine = self.session.objects[moid]
            return Thing(mine.kind, moid, mine, inventory.root)
        return self._task(moid) or self._firmware(moid)

    def _task(self, moid: str) -> Thing | None:
        task = self.inventory.tasks.get(moid)
        if task:
            return Thing("Task", moid, task, self.known(task.entity))
        scheduled = self.inventory.scheduled.get(moid)
        if scheduled:
            return Thing("ScheduledTask", moid, scheduled, self.known(scheduled.entity))
        return None

    def _firmware(self, moid: str) -> Thing | None:
        host = self.inventory.managed.get(moid.removeprefix(FIRMWARE)) if moid.startswith(FIRMWARE) else None
        if host and host.kind == "HostSystem" and host.properties.get("offersBundle"):
            return Thing("HostFirmwareSystem", moid, host, host.moid)
        return None

    def known(self, entity: str) -> str:
        """Return `entity`, or the root where it is not (any more) in the inventory."""
        return entity if self.inventory.entity(entity) else self.inventory.root

    def visible(self, moid: str) -> bool:
        thing = self.thing(moid)
        return thing is not None and self.rights.may(thing.entity, "System.View")

    def seen(self, moids: Iterable[str]) -> list[str]:
        """Return those of `moids` that the account sees."""
        return [moid for moid in moids if self.visible(moid)]

    def recent_tasks(self) -> list[VcTask]:
        """Return what TaskManager.recentTask holds: unfinished tasks, and those that ended in the last ten minutes."""
        tasks = sorted(self.inventory.tasks.values(), key=lambda task: task.queued)
        return [
            task
            for task in tasks
            if (task.state in ("queued", "running") or self.now - task.completed < RECENT) and self.visible(task.moid)
        ]
