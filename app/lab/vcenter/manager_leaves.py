"""What managers, tasks, views and collectors answer, property by property."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.lab.rows import VCenter, VcScheduledTask, VcTask
from app.lab.vcenter.entity_leaves import fields
from app.lab.vcenter.leaf import Leaf, number
from app.lab.vcenter.sight import MANAGERS, Session, SessionObject, Sight


def task_info(task: VcTask) -> dict[str, Any]:
    """Return a task's TaskInfo."""
    failed = task.state == "error"
    return {
        "key": task.moid, "task": task.moid, "descriptionId": task.description, "entity": task.entity or None,
        "entityName": task.entity_name, "state": task.state, "cancelled": False, "cancelable": False,
        "progress": task.progress if task.state == "running" else None, "queueTime": task.queued,
        "startTime": task.started or None, "completeTime": task.completed or None, "eventChainId": number(task.moid),
        "reason": {"_type": "TaskReasonUser", "userName": "View"},
        "error": {"_type": "SystemError", "msg": task.error, "reason": task.error} if failed else None,
    }  # fmt: skip


def _scheduled_info(sight: Sight, row: VcScheduledTask) -> dict[str, Any]:
    return {
        "name": row.name, "description": "", "enabled": True, "scheduledTask": row.moid, "entity": row.entity,
        "scheduler": {"_type": "OnceTaskScheduler", "runAt": row.next_run},
        "action": {"_type": "CreateTaskAction", "taskTypeId": row.action, "cancelable": False},
        "lastModifiedTime": 0.0, "lastModifiedUser": "", "taskObject": row.entity,
        "nextRunTime": row.next_run if row.next_run > sight.now else None,
        "state": "queued" if row.next_run > sight.now else "success",
    }  # fmt: skip


def user_session(session: Session) -> dict[str, Any]:
    """Return a session's UserSession, as others see it."""
    return {"key": session.key, "userName": session.account, "fullName": session.account, "loginTime": session.began,
            "lastActiveTime": session.used, "locale": "en", "messageLocale": "en", "extensionSession": False,
            "ipAddress": session.address, "userAgent": "", "callCount": session.calls}  # fmt: skip


def about_of(server: VCenter) -> dict[str, Any]:
    """Return the server's AboutInfo."""
    return {"name": "VMware vCenter Server", "vendor": "VMware, Inc.", "version": server.version, "build": server.build,
            "fullName": f"VMware vCenter Server {server.version} build-{server.build}", "localeVersion": "INTL",
            "localeBuild": "000", "osType": "win32-x64", "productLineId": "vpx", "apiType": "VirtualCenter",
            "apiVersion": server.api, "instanceUuid": server.instance_uuid,
            "licenseProductName": "VMware VirtualCenter Server",
            "licenseProductVersion": server.api.partition(".")[0] + ".0"}  # fmt: skip


def content_of(server: VCenter, root: str) -> dict[str, Any]:
    """Return the ServiceContent: it is told before a login."""
    fields = {kind[0].lower() + kind[1:]: moid for moid, kind in MANAGERS.items() if kind != "ServiceInstance"}
    return {"rootFolder": root, "about": about_of(server), **fields}


def contained(sight: Sight, view: SessionObject) -> list[str]:
    """Return what a container view holds: of the kinds asked for, and seen by the account."""
    container, kinds = view.given["container"], view.given["kinds"]
    inventory = sight.inventory
    if view.given["recursive"]:
        below: Iterable[str] = inventory.below(container)
    else:
        below = inventory.children.get(container, ())
    if inventory.kind(container) in ("ResourcePool", "HostSystem"):
        below = [*below, *inventory.vms_of.get(container, ())]
    if inventory.kind(container) in ("ComputeResource", "ClusterComputeResource"):
        below = list(below)
        below += [
            vm for pool in below for vm in inventory.vms_of.get(pool, ()) if inventory.kind(pool) == "ResourcePool"
        ]
    return sight.seen(moid for moid in below if not kinds or inventory.kind(moid) in kinds)


def matching_tasks(sight: Sight, collector: SessionObject) -> list[VcTask]:
    """Return the tasks that a collector's filter lets through and the account sees, oldest first."""
    wanted = collector.given["filter"]
    states = [str(state) for state in wanted.state or ()]
    around = _around(sight, wanted.entity)
    tasks = sorted(sight.inventory.tasks.values(), key=lambda task: (task.queued, task.moid))
    return [
        task for task in tasks
        if (not states or task.state in states) and (around is None or task.entity in around)
        and _in_time(task, wanted.time) and sight.visible(task.moid)
    ]  # fmt: skip


def _around(sight: Sight, wanted: Any) -> set[str] | None:
    if wanted is None:
        return None
    moid, recursion = wanted.entity._moId, str(wanted.recursion)  # noqa: SLF001  # pyVmomi has no other name for it
    below = set(sight.inventory.children.get(moid, ())) if recursion == "children" else set(sight.inventory.below(moid))
    return {"self": {moid}, "children": below, "all": {moid, *below}}[recursion]


def _in_time(task: VcTask, wanted: Any) -> bool:
    if wanted is None:
        return True
    moment = {"queuedTime": task.queued, "startedTime": task.started, "completedTime": task.completed}
    at = moment[str(wanted.timeType)]
    after = wanted.beginTime is None or at >= wanted.beginTime.timestamp()
    return after and (wanted.endTime is None or at <= wanted.endTime.timestamp())


KINDS: dict[str, dict[str, Leaf]] = {
    "Task": {"info": lambda _sight, row: task_info(row)},
    "ScheduledTask": {"info": _scheduled_info},
    "TaskManager": {"recentTask": lambda sight, _row: [task.moid for task in sight.recent_tasks()],
                    "maxCollector": lambda _sight, _row: 32},
    "TaskHistoryCollector": {
        "latestPage": lambda sight, row: [
            task_info(task) for task in reversed(matching_tasks(sight, row)[-row.page_size:])],
        "filter": lambda _sight, row: row.given["filter"],
    },
    "ScheduledTaskManager": {"scheduledTask": lambda sight, _row: sight.seen(sight.inventory.scheduled)},
    "AuthorizationManager": {
        "roleList": lambda sight, _row: [
            {"roleId": role.id, "system": role.system, "name": role.name, "privilege": list(role.privileges),
             "info": {"label": role.name, "summary": role.name}} for role in sight.inventory.roles.values()],
    },
    "CustomFieldsManager": {"field": fields},
    "SessionManager": {
        "sessionList": lambda sight, _row: [user_session(session) for session in sight.sessions],
        "currentSession": lambda sight, _row: user_session(sight.session),
        "defaultLocale": lambda _sight, _row: "en",
    },
    "ServiceInstance": {"serverClock": lambda sight, _row: sight.now,
                        "content": lambda sight, _row: content_of(sight.inventory.server, sight.inventory.root)},
    "ViewManager": {"viewList": lambda sight, _row: [
        one.moid for one in sight.session.objects.values() if one.kind.endswith("View")]},
    "ContainerView": {"view": contained, "container": lambda _sight, row: row.given["container"],
                      "type": lambda _sight, row: sorted(row.given["asked"]),
                      "recursive": lambda _sight, row: row.given["recursive"]},
    "ListView": {"view": lambda sight, row: sight.seen(row.given["objects"])},
    "HostFirmwareSystem": {},
    "PropertyCollector": {"filter": lambda _sight, _row: []},
    "SearchIndex": {},
    "FileManager": {},
}  # fmt: skip
