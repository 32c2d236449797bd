"""The managed methods that this vCenter carries out. None of them changes the world."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from app.lab.vcenter import collector, entity_leaves, manager_leaves, properties, soap
from app.lab.vcenter.leaf import walk
from app.lab.vcenter.privileges import ALL
from app.lab.vcenter.sight import SessionObject, Sight, Thing

MAX_COLLECTORS = 32


class Host(Protocol):
    """What methods need of the server beside what the session sees."""

    def login(self, account: str, password: str) -> dict[str, Any]: ...
    def logout(self) -> None: ...
    def terminate(self, keys: list[str]) -> None: ...
    def bundle(self, host: Any) -> str: ...


@dataclass
class Call:
    """One call that may go ahead: the account is known, the object is there, the privileges suffice."""

    request: soap.Request
    sight: Sight
    target: Thing
    server: Host
    half: bool = False  # a fault on demand: do half of it

    def __getitem__(self, name: str) -> Any:
        return self.request.arguments.get(name)

    def typed(self, kind: Any, value: Any) -> Any:
        return properties.typed(self.sight, kind, value)


@dataclass(frozen=True)
class Written:
    """An answer that is already XML, in pieces."""

    pieces: Iterator[str]


Method: TypeAlias = Callable[[Call], Any]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Mark a function as the answer to the method of that name on the wire."""

    def keep(function: Method) -> Method:
        METHODS[name] = function
        return function

    return keep


def moid_of(value: Any) -> str:
    """Return the identifier in a reference that a client sent, "" for none."""
    return str(value._moId) if value is not None else ""  # noqa: SLF001  # pyVmomi has no other name for it


def invalid(name: str) -> Exception:
    """Return the fault for a wrong argument."""
    return soap.vmodl.fault.InvalidArgument(  # type: ignore[no-any-return]
        msg=f"A specified parameter was not correct. {name}", invalidProperty=name
    )


# ---- the service and its sessions


@method("RetrieveServiceContent")
def _service_content(call: Call) -> Any:
    inventory = call.sight.inventory
    return call.typed(soap.vim.ServiceInstanceContent, manager_leaves.content_of(inventory.server, inventory.root))


@method("CurrentTime")
def _current_time(call: Call) -> Any:
    return call.typed(call.request.info.result, call.sight.now)


@method("Login")
def _login(call: Call) -> Any:
    return call.typed(soap.vim.UserSession, call.server.login(call["userName"], call["password"]))


@method("Logout")
def _logout(call: Call) -> None:
    call.server.logout()


@method("SessionIsActive")
def _session_is_active(call: Call) -> bool:
    return any(one.key == call["sessionID"] and one.account == call["userName"] for one in call.sight.sessions)


@method("TerminateSession")
def _terminate(call: Call) -> None:
    known = {session.key for session in call.sight.sessions}
    if call.sight.session.key in call["sessionId"]:
        raise invalid("sessionId")
    if not known.issuperset(call["sessionId"]):
        raise soap.vim.fault.NotFound(msg="The session is not there.")
    call.server.terminate(call["sessionId"])


@method("Fetch")
def _fetch(call: Call) -> Any:
    where = properties.path(call.target.kind, call["prop"], call.request.version)
    value = properties.raw(call.sight, call.target, where)
    return None if value is None else call.typed(where.type, value)


# ---- properties and views


def _selected(call: Call) -> collector.Pending:
    pending = collector.selected(call.sight, call["specSet"], call.request.version)
    if call.half:
        del pending.objects[len(pending.objects) // 2 :]
    return pending


@method("RetrieveProperties")
def _retrieve(call: Call) -> Written:
    pending = _selected(call)
    return Written(collector.objects(call.sight, pending, "returnval"))


@method("RetrievePropertiesEx")
def _retrieve_ex(call: Call) -> Written | None:
    most = call["options"].maxObjects
    if most is not None and most <= 0:
        raise invalid("options.maxObjects")
    pending = _selected(call)
    return Written(collector.page(call.sight, pending, most)) if pending.objects else None


@method("ContinueRetrievePropertiesEx")
def _continue(call: Call) -> Written:
    pending, size = _page(call)
    return Written(collector.page(call.sight, pending, size))


@method("CancelRetrievePropertiesEx")
def _cancel(call: Call) -> None:
    _page(call)


def _page(call: Call) -> Any:
    found = call.sight.session.pages.pop(call["token"], None)
    if found is None:
        raise soap.vmodl.fault.InvalidArgument(
            msg="A specified parameter was not correct. token", invalidProperty="token"
        )
    return found


def _new_object(call: Call, kind: str, **given: Any) -> Any:
    session = call.sight.session
    made = SessionObject(f"session[{session.key}]{uuid.uuid4()}", kind, given)
    session.objects[made.moid] = made
    return soap.reference(kind, made.moid)


def _entity(call: Call, value: Any) -> str:
    moid = moid_of(value)
    if call.sight.inventory.entity(moid) is None:
        raise collector.not_found(soap.name_of(type(value)), moid)
    return moid


@method("CreateContainerView")
def _container_view(call: Call) -> Any:
    container = _entity(call, call["container"])
    if call.sight.inventory.kind(container) not in (
        "Folder", "Datacenter", "ComputeResource", "ClusterComputeResource", "ResourcePool", "HostSystem",
    ):  # fmt: skip
        raise invalid("container")
    asked = {soap.name_of(kind) for kind in call["type"]}
    kinds = {
        name for name in entity_leaves.ENTITIES if any(issubclass(soap.kind_named(name), kind) for kind in call["type"])
    }
    if asked and not kinds:
        kinds = asked  # a type that this inventory has none of
    return _new_object(
        call, "ContainerView", container=container, asked=asked, kinds=kinds, recursive=call["recursive"]
    )


@method("CreateListView")
def _list_view(call: Call) -> Any:
    return _new_object(call, "ListView", objects=[moid_of(one) for one in call["obj"]])


@method("DestroyView")
@method("DestroyCollector")
def _destroy(call: Call) -> None:
    del call.sight.session.objects[call.target.moid]


# ---- tasks


@method("CreateCollectorForTasks")
def _task_collector(call: Call) -> Any:
    wanted = call["filter"]
    open_ones = [one for one in call.sight.session.objects.values() if one.kind == "TaskHistoryCollector"]
    if len(open_ones) >= MAX_COLLECTORS:
        raise soap.vim.fault.InvalidState(msg="The maximum number of collectors is in use.")
    if wanted.entity is not None:
        _entity(call, wanted.entity.entity)
    for name in ("userName", "alarm", "scheduledTask", "eventChainId", "tag", "parentTaskKey", "rootTaskKey"):
        if getattr(wanted, name):
            raise soap.vmodl.fault.NotSupported(msg=f"This server does not filter tasks by {name}.")
    return _new_object(call, "TaskHistoryCollector", filter=wanted)


@method("ReadNextTasks")
def _next_tasks(call: Call) -> Any:
    mine: SessionObject = call.target.row
    start = min(mine.position, len(manager_leaves.matching_tasks(call.sight, mine)))
    return _read_tasks(call, start, start + _count(call))


@method("ReadPreviousTasks")
def _previous_tasks(call: Call) -> Any:
    end = call.target.row.position
    answer = _read_tasks(call, max(0, end - _count(call)), end)
    call.target.row.position = max(0, end - _count(call))
    return call.request.info.result(reversed(answer))


def _count(call: Call) -> int:
    count = int(call["maxCount"])
    if not 0 < count <= 1000:
        raise invalid("maxCount")
    return count


def _read_tasks(call: Call, start: int, end: int) -> Any:
    tasks = manager_leaves.matching_tasks(call.sight, call.target.row)[start:end]
    call.target.row.position = start + len(tasks)
    return call.typed(call.request.info.result, [manager_leaves.task_info(task) for task in tasks])


@method("RewindCollector")
def _rewind(call: Call) -> None:
    call.target.row.position = 0


@method("ResetCollector")
def _reset(call: Call) -> None:
    call.target.row.position = max(
        0, len(manager_leaves.matching_tasks(call.sight, call.target.row)) - call.target.row.page_size
    )


@method("SetCollectorPageSize")
def _page_size(call: Call) -> None:
    call.target.row.page_size = _count(call)


@method("RetrieveEntityScheduledTask")
def _scheduled(call: Call) -> Any:
    wanted = call["entity"]
    moid = _entity(call, wanted) if wanted is not None else ""
    found = [row.moid for row in call.sight.inventory.scheduled.values() if not moid or row.entity == moid]
    return call.typed(call.request.info.result, call.sight.seen(found))


# ---- who may what


@method("RetrieveAllPermissions")
def _all_permissions(call: Call) -> Any:
    return call.typed(call.request.info.result, entity_leaves.permissions(call.sight))


@method("RetrieveEntityPermissions")
def _entity_permissions(call: Call) -> Any:
    moid = _entity(call, call["entity"])
    above = [row.moid for row in call.sight.inventory.above(moid)] if call["inherited"] else []
    found = [one for one in entity_leaves.permissions(call.sight) if one["entity"] in (moid, *above)]
    return call.typed(call.request.info.result, found)


@method("RetrieveRolePermissions")
def _role_permissions(call: Call) -> Any:
    if call["roleId"] not in call.sight.inventory.roles:
        raise soap.vim.fault.NotFound(msg="The role is not there.")
    found = [one for one in entity_leaves.permissions(call.sight) if one["roleId"] == call["roleId"]]
    return call.typed(call.request.info.result, found)


@method("HasPrivilegeOnEntity")
def _has_privilege(call: Call) -> Any:
    return call.request.info.result(_held(call, _entity(call, call["entity"])))


@method("HasPrivilegeOnEntities")
def _has_privileges(call: Call) -> Any:
    made = []
    for entity in call["entity"]:
        held = [
            soap.vim.AuthorizationManager.PrivilegeAvailability(privId=name, isGranted=granted)
            for name, granted in zip(call["privId"], _held(call, _entity(call, entity)), strict=True)
        ]
        made.append(soap.vim.AuthorizationManager.EntityPrivilege(entity=entity, privAvailability=held))
    return call.request.info.result(made)


def _held(call: Call, moid: str) -> list[bool]:
    session = call.sight.session
    if call["sessionId"] != session.key:
        raise invalid("sessionId")  # another session's rights are not told here
    if not ALL.issuperset(call["privId"]):
        raise invalid("privId")
    return [call.sight.rights.may(moid, privilege) for privilege in call["privId"]]


# ---- finding


@method("FindByInventoryPath")
def _by_path(call: Call) -> Any:
    return _seen(call, call.sight.inventory.at_path(call["inventoryPath"]))


@method("FindByUuid")
def _by_uuid(call: Call) -> Any:
    return next(iter(_by_uuids(call)), None)


@method("FindAllByUuid")
def _all_by_uuid(call: Call) -> Any:
    return call.request.info.result(_by_uuids(call))


def _by_uuids(call: Call) -> list[Any]:
    inventory, wanted = call.sight.inventory, call["uuid"].lower()
    field = "instance_uuid" if call["instanceUuid"] else "uuid"
    if call["vmSearch"]:
        moids = [vm.moid for vm in inventory.vms.values() if getattr(vm, field).lower() == wanted]
    else:
        hosts = [row for row in inventory.managed.values() if row.kind == "HostSystem"]
        way = ("hardware", "systemInfo", "uuid")
        moids = [row.moid for row in hosts if str(walk(row.properties, way)).lower() == wanted]
    home = moid_of(call["datacenter"])
    if home:
        moids = [moid for moid in moids if (place := inventory.datacenter(moid)) and place.moid == home]
    return [found for moid in moids if (found := _seen(call, moid)) is not None]


@method("FindChild")
def _child(call: Call) -> Any:
    inventory = call.sight.inventory
    children = inventory.children.get(_entity(call, call["entity"]), ())
    return _seen(call, next((child for child in children if inventory.name(child) == call["name"]), ""))


def _seen(call: Call, moid: str) -> Any:
    if not moid or not call.sight.visible(moid):
        return None
    return soap.reference(call.sight.inventory.kind(moid), moid)


# ---- hosts


@method("BackupFirmwareConfiguration")
def _back_up_firmware(call: Call) -> str:
    if entity_leaves.connection_of(call.target.row) != "connected":
        words = "Unable to communicate with the remote host, since it is disconnected."
        raise soap.kind_named("HostNotConnected")(msg=words)
    return call.server.bundle(call.target.row)
