"""A vCenter over its API: what there is, what is going on, and the files that it hands out."""

from app.connectors.vsphere.connector import VSphere
from app.connectors.vsphere.facts import (
    About,
    Found,
    HostFacts,
    ParentAndSnapshot,
    ScheduledTask,
    SnapshotFacts,
    Task,
    Tasks,
    VmFacts,
)

__all__ = [
    "About",
    "Found",
    "HostFacts",
    "ParentAndSnapshot",
    "ScheduledTask",
    "SnapshotFacts",
    "Task",
    "Tasks",
    "VSphere",
    "VmFacts",
]
