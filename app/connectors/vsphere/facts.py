"""What is known of a vCenter, as plain data. Texts that the vCenter did not tell are empty."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Literal

from app.view.tasks import Operation, operation_of


@dataclass(frozen=True)
class About:
    """The server itself; `api` is the version that it speaks at most."""

    name: str
    version: str
    build: str
    api: str
    instance_uuid: str


@dataclass(frozen=True)
class Found:
    """One object of a list. `values` holds what is set, by path, as plain data: objects are moids, times are UTC.

    `missing` says what could not be read, and why (a vSphere fault). What is in neither is unset."""

    moid: str
    kind: str
    values: dict[str, Any]
    missing: dict[str, str]

    def text(self, path: str) -> str:
        """Return a value as text, "" where it is unset or could not be read."""
        value = self.values.get(path)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class SnapshotFacts:
    """A snapshot; `path` as View writes it: /base/patched."""

    moid: str
    name: str
    path: str
    created: datetime.datetime


@dataclass(frozen=True)
class VmFacts:
    """A virtual machine's identity and state. MOIDs may be issued again: only with its UUIDs is a VM told from others.

    `path` is the inventory path (DC/vm/Folder/name), `datacenter` the path of its datacenter, `vmx` is written
    "[datastore] folder/name.vmx". `missing` names what could not be read."""

    moid: str
    name: str
    instance_uuid: str
    bios_uuid: str
    path: str
    datacenter: str
    vmx: str
    host: str
    folder: str
    resource_pool: str
    power: str
    connection: str
    template: bool
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """A host; `firmware` is the object that makes its configuration bundle, "" where it offers none."""

    moid: str
    name: str
    version: str
    connection: str
    firmware: str


@dataclass(frozen=True)
class Task:
    """A task that is queued or running. `entity` is a moid; `description` the descriptionId."""

    moid: str
    description: str
    entity: str
    entity_name: str
    state: str
    progress: int
    queued: datetime.datetime

    @property
    def operation(self) -> Operation:
        return operation_of(self.description)


@dataclass(frozen=True)
class Tasks:
    """Unfinished tasks, and how they were found: recentTask shows only those of about the last ten minutes."""

    tasks: tuple[Task, ...]
    how: Literal["collector", "recentTask"]

    def unknown_on(self, vms: set[str]) -> tuple[Task, ...]:
        """Return the tasks of kinds that View does not use, on these VMs (moids)."""
        return tuple(task for task in self.tasks if task.operation is Operation.OTHER and task.entity in vms)


@dataclass(frozen=True)
class ScheduledTask:
    """A task of vCenter's own scheduler; `next_run` is None where it will not run (again)."""

    moid: str
    name: str
    entity: str
    enabled: bool
    next_run: datetime.datetime | None


@dataclass(frozen=True)
class ParentAndSnapshot:
    """The moids of a parent VM and of its snapshot, each "" where there is none."""

    parent: str
    snapshot: str
