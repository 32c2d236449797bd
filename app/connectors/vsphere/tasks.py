"""Tasks that are not finished, and those that are scheduled."""

from __future__ import annotations

from typing import Any

from app.connectors.vsphere import reading
from app.connectors.vsphere.facts import ScheduledTask, Task, Tasks
from app.connectors.vsphere.session import Session

AT_ONCE = 100
UNFINISHED = ("queued", "running")
LEAVES = ("info.descriptionId", "info.entity", "info.entityName", "info.state", "info.progress", "info.queueTime")


def unfinished(session: Session) -> Tasks:
    """Return queued and running tasks by a collector, where the server has one; else those that recentTask shows."""
    from app.connectors.vsphere import stub

    manager = session.content.taskManager
    try:
        collector = manager.CreateCollectorForTasks(stub.vim.TaskFilterSpec(state=list(UNFINISHED)))
    except stub.LACKING:
        return Tasks(_recent(session, manager), "recentTask")
    tasks: dict[str, Task] = {}
    while read := collector.ReadNextTasks(AT_ONCE):  # a new collector stands before the oldest
        tasks |= {info.key: _task(stub.plain(info)) for info in read}
    collector.DestroyCollector()
    return Tasks(tuple(tasks.values()), "collector")


def _recent(session: Session, manager: Any) -> tuple[Task, ...]:
    found = [
        {path.removeprefix("info."): value for path, value in one.values.items()} | {"task": one.moid}
        for one in reading.along(session, manager, "recentTask", "Task", LEAVES)
    ]
    return tuple(_task(info) for info in found if info.get("state") in UNFINISHED)


def _task(info: dict[str, Any]) -> Task:
    return Task(
        info["task"], info["descriptionId"], info.get("entity", ""), info.get("entityName", ""), info["state"],
        info.get("progress", 0), info["queueTime"],
    )  # fmt: skip


def scheduled(session: Session) -> tuple[ScheduledTask, ...]:
    """Return what vCenter's own scheduler holds."""
    manager = session.content.scheduledTaskManager
    if manager is None:
        return ()
    leaves = ("info.name", "info.entity", "info.enabled", "info.nextRunTime")
    return tuple(
        ScheduledTask(
            one.moid, one.text("info.name"), one.text("info.entity"), bool(one.values.get("info.enabled")),
            one.values.get("info.nextRunTime"),
        )
        for one in reading.along(session, manager, "scheduledTask", "ScheduledTask", leaves)
    )  # fmt: skip
