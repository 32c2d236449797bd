from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.lab.lab import Lab
from app.lab.rows import Account, Managed, Permission, VcScheduledTask, VcTask, Vm
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import vim, vmodl
from tests.lab.vcenter.client import CLERK, Connect


@pytest.fixture
def tasks(lab: Lab) -> list[VcTask]:
    """Five tasks of the last minutes, oldest first: done, failed, running, queued, running."""
    now, vms = lab.world.now(), lab.world.all(Vm, vcenter="vc1")
    states = ("success", "error", "running", "queued", "running")
    made = [
        VcTask(
            vcenter="vc1", moid=f"task-{900 + n}", description="VirtualMachine.clone", entity=vms[n].moid,
            entity_name=vms[n].name, state=state, queued=now - 60 + n, started=now - 50 if state != "queued" else 0.0,
            completed=now - 40 if n < 2 else 0.0, progress=30, error="it broke" if state == "error" else "",
        )
        for n, state in enumerate(states)
    ]  # fmt: skip
    lab.world.change("test", "tasks", *made)
    return made


def collector(client: Any, **filters: Any) -> Any:
    return client.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec(**filters))


def test_a_collector_reads_what_its_filter_lets_through_oldest_first(
    server: VCenterServer, connect: Connect, tasks: list[VcTask]
) -> None:
    reader = collector(connect(server), state=["queued", "running"])
    assert [info.key for info in reader.ReadNextTasks(2)] == ["task-902", "task-903"]
    assert [info.key for info in reader.ReadNextTasks(2)] == ["task-904"]
    assert list(reader.ReadNextTasks(2)) == []
    assert [info.key for info in reader.ReadPreviousTasks(2)] == ["task-904", "task-903"]
    reader.RewindCollector()
    assert [info.key for info in reader.ReadNextTasks(9)] == ["task-902", "task-903", "task-904"]


def test_the_latest_page_is_as_long_as_it_was_set(server: VCenterServer, connect: Connect, tasks: list[VcTask]) -> None:
    reader = collector(connect(server))
    reader.SetCollectorPageSize(2)
    assert [info.key for info in reader.latestPage] == ["task-904", "task-903"]


def test_a_task_tells_what_is_known_of_it(server: VCenterServer, connect: Connect, tasks: list[VcTask]) -> None:
    told = {info.key: info for info in collector(connect(server)).ReadNextTasks(100)}
    running, failed = told["task-902"], told["task-901"]
    assert (running.descriptionId, running.entityName, running.progress) == (
        tasks[2].description, tasks[2].entity_name, 30)  # fmt: skip
    assert running.startTime.timestamp() == pytest.approx(tasks[2].started, abs=0.01)
    assert told["task-903"].startTime is None
    assert failed.error.reason == "it broke"


def test_a_filter_by_entity_takes_what_lies_in_it(
    server: VCenterServer, connect: Connect, tasks: list[VcTask], lab: Lab
) -> None:
    client = connect(server)
    home = lab.world.require(Vm, "vc1", tasks[2].entity).folder
    inside = {task.moid for task in tasks if lab.world.require(Vm, "vc1", task.entity).folder == home}
    around = vim.TaskFilterSpec.ByEntity(entity=vim.Folder(home, client.stub), recursion="all")
    found = {info.key for info in collector(client, entity=around).ReadNextTasks(100)}
    assert inside <= found
    alone = vim.TaskFilterSpec.ByEntity(entity=vim.Folder(home, client.stub), recursion="self")
    assert list(collector(client, entity=alone).ReadNextTasks(100)) == []


def test_a_filter_by_time(server: VCenterServer, connect: Connect, tasks: list[VcTask]) -> None:
    import datetime

    begin = datetime.datetime.fromtimestamp(tasks[3].queued - 0.5, datetime.UTC)
    when = vim.TaskFilterSpec.ByTime(timeType="queuedTime", beginTime=begin)
    assert [info.key for info in collector(connect(server), time=when).ReadNextTasks(9)] == ["task-903", "task-904"]


def test_a_filter_that_is_not_understood_is_refused(server: VCenterServer, connect: Connect) -> None:
    with pytest.raises(vmodl.fault.NotSupported):
        collector(connect(server), eventChainId=[3])


@pytest.mark.parametrize("count", [0, 1001])
def test_a_count_out_of_bounds_is_refused(server: VCenterServer, connect: Connect, count: int) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector(connect(server)).ReadNextTasks(count)


def test_there_are_at_most_32_collectors(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    readers = [collector(client) for _ in range(32)]
    with pytest.raises(vim.fault.InvalidState):
        collector(client)
    readers[0].DestroyCollector()
    collector(client)


def test_recent_tasks_are_the_unfinished_and_those_of_the_last_ten_minutes(
    server: VCenterServer, connect: Connect, tasks: list[VcTask], later: Callable[[float], None]
) -> None:
    client = connect(server)
    assert {task.moid for task in tasks} <= {one._moId for one in client.content.taskManager.recentTask}
    later(700)
    recent = client.content.taskManager.recentTask
    assert [one._moId for one in recent] == ["task-902", "task-903", "task-904"]
    assert recent[0].info.descriptionId == "VirtualMachine.clone"


def test_tasks_on_what_an_account_does_not_see_are_not_told_to_it(
    server: VCenterServer, connect: Connect, tasks: list[VcTask], lab: Lab, clerk: Account
) -> None:
    home = next(row for row in lab.world.all(Managed, vcenter="vc1", kind="Folder") if row.name == "kiosk-lc")
    lab.world.change("test", "a permission", Permission(vcenter="vc1", entity=home.moid, principal=CLERK, role=-2))
    client = connect(server, CLERK)
    assert list(collector(client).ReadNextTasks(100)) == []
    assert list(client.content.taskManager.recentTask) == []


def test_scheduled_tasks(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    row = lab.world.all(VcScheduledTask, vcenter="vc1")[0]
    told = client.content.scheduledTaskManager.RetrieveEntityScheduledTask(vim.VirtualMachine(row.entity, client.stub))
    assert [one._moId for one in told] == [row.moid]
    assert told[0].info.name == row.name
    assert told[0].info.nextRunTime.timestamp() == pytest.approx(row.next_run, abs=0.01)
    other = next(vm.moid for vm in lab.world.all(Vm, vcenter="vc1") if vm.moid != row.entity)
    assert (
        list(client.content.scheduledTaskManager.RetrieveEntityScheduledTask(vim.VirtualMachine(other, client.stub)))
        == []
    )
