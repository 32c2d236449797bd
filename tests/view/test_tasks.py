from __future__ import annotations

import pytest

from app.view.tasks import OPERATIONS, Operation, operation_of


@pytest.mark.parametrize(
    ("description", "operation"),
    [
        ("VirtualMachine.clone", Operation.CREATE),
        ("VirtualMachine.customize", Operation.CREATE),
        ("VirtualMachine.revertToCurrentSnapshot", Operation.RECOMPOSE),
        ("VirtualMachine.relocate", Operation.RECOMPOSE),
        ("Folder.unregisterAndDestroy", Operation.DELETE),
        ("VirtualMachine.powerOn", Operation.OTHER),
        ("virtualmachine.clone", Operation.OTHER),
        ("", Operation.OTHER),
    ],
)
def test_a_task_is_classed_by_its_description_id(description: str, operation: Operation) -> None:
    assert operation_of(description) is operation


def test_the_table_names_every_operation_but_the_rest() -> None:
    assert set(OPERATIONS.values()) == set(Operation) - {Operation.OTHER}
