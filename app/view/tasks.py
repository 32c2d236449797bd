"""What a vCenter task means for View: a create, recompose or delete in progress, or something else."""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """The operations that the paper wants ended before a backup or restore, and the rest."""

    CREATE = "create"
    RECOMPOSE = "recompose"
    DELETE = "delete"
    OTHER = "other"


OPERATIONS: dict[str, Operation] = {
    "VirtualMachine.clone": Operation.CREATE,
    "Folder.createVm": Operation.CREATE,
    "ResourcePool.createVm": Operation.CREATE,
    "Folder.registerVm": Operation.CREATE,
    "ResourcePool.registerVm": Operation.CREATE,
    "VirtualMachine.customize": Operation.CREATE,
    # recompose, refresh and rebalance show as these
    "VirtualMachine.reconfigure": Operation.RECOMPOSE,
    "VirtualMachine.attachDisk": Operation.RECOMPOSE,
    "VirtualMachine.detachDisk": Operation.RECOMPOSE,
    "VirtualMachine.revertToCurrentSnapshot": Operation.RECOMPOSE,
    "VirtualMachine.createSnapshot": Operation.RECOMPOSE,
    "VirtualMachine.relocate": Operation.RECOMPOSE,
    "VirtualMachine.destroy": Operation.DELETE,
    "VirtualMachine.unregister": Operation.DELETE,
    "Folder.unregisterAndDestroy": Operation.DELETE,
}
"""By TaskInfo.descriptionId, as the vendor's own check of tasks in progress reads it."""


def operation_of(description_id: str) -> Operation:
    """Return what a task with this descriptionId is doing; one that is not in the table is OTHER."""
    return OPERATIONS.get(description_id, Operation.OTHER)
