from __future__ import annotations

from collections.abc import Callable

import pytest

from app.lab.lab import Lab
from app.lab.rows import Account, Managed, Permission, Role, Vm
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import vim, vmodl
from tests.lab.vcenter.client import AUDITOR, CLERK, KEEPER, Connect


def folder(lab: Lab, name: str) -> Managed:
    return next(row for row in lab.world.all(Managed, vcenter="vc1", kind="Folder") if row.name == name)


def permit(lab: Lab, entity: str, role: int, *, principal: str = CLERK, propagate: bool = True) -> None:
    row = Permission(vcenter="vc1", entity=entity, principal=principal, role=role, propagate=propagate)
    lab.world.change("test", "a permission", row)


def test_read_only_reads_everything_and_may_do_nothing(server: VCenterServer, connect: Connect) -> None:
    keeper, auditor = connect(server), connect(server, AUDITOR)
    assert auditor.list(vim.VirtualMachine, "name") == keeper.list(vim.VirtualMachine, "name")
    host = next(iter(auditor.list(vim.HostSystem, "name")))
    firmware = auditor.at(vim.HostSystem(host, auditor.stub), "configManager.firmwareSystem").propSet[0].val
    with pytest.raises(vim.fault.NoPermission) as caught:
        firmware.BackupFirmwareConfiguration()
    assert (caught.value.privilegeId, caught.value.object._moId) == ("Host.Config.Firmware", host)


def test_what_an_account_may_not_read_it_does_not_see(
    server: VCenterServer, connect: Connect, lab: Lab, clerk: Account
) -> None:
    servers = folder(lab, "Servers")
    permit(lab, servers.moid, -2)
    client = connect(server, CLERK)
    inside = {row.moid for row in lab.world.all(Vm, vcenter="vc1") if row.folder == servers.moid}
    assert set(client.list(vim.VirtualMachine, "name")) == inside
    assert not client.list(vim.HostSystem, "name")
    outside = next(row for row in lab.world.all(Vm, vcenter="vc1") if row.folder != servers.moid)
    assert client.content.searchIndex.FindByUuid(None, outside.uuid, True) is None


def test_what_lies_above_is_seen_by_name_and_the_rest_of_it_is_missing(
    server: VCenterServer, connect: Connect, lab: Lab, clerk: Account
) -> None:
    servers = folder(lab, "Servers")
    permit(lab, servers.moid, -2)
    client = connect(server, CLERK)
    told = client.at(vim.Folder(servers.parent, client.stub), "name", "overallStatus")
    assert [one.name for one in told.propSet] == ["name"]
    assert (told.missingSet[0].path, told.missingSet[0].fault.privilegeId) == ("overallStatus", "System.Read")


def test_no_access_on_a_folder_hides_it_unless_the_resource_pool_shows_it(
    server: VCenterServer, connect: Connect, lab: Lab, clerk: Account
) -> None:
    servers = folder(lab, "Servers")
    root = folder(lab, "Datacenters")
    permit(lab, root.moid, -2)
    permit(lab, servers.moid, -5)
    client = connect(server, CLERK)
    assert servers.moid not in client.list(vim.Folder, "name")
    inside = {row.moid for row in lab.world.all(Vm, vcenter="vc1") if row.folder == servers.moid and not row.template}
    assert inside <= set(client.list(vim.VirtualMachine, "name"))  # a VM inherits from its resource pool too


def test_a_permission_that_does_not_propagate_counts_where_it_stands_only(
    server: VCenterServer, connect: Connect, lab: Lab, clerk: Account
) -> None:
    permit(lab, folder(lab, "Datacenters").moid, -2, propagate=False)
    client = connect(server, CLERK)
    assert len(client.list(vim.Folder, "name")) == 0
    assert client.at(client.content.rootFolder, "overallStatus").propSet


def test_the_nearest_permission_counts(server: VCenterServer, connect: Connect, lab: Lab, clerk: Account) -> None:
    lab.world.change("test", "a role", Role(vcenter="vc1", id=77, name="Looker", privileges=("System.View",)))
    permit(lab, folder(lab, "Datacenters").moid, -2)
    permit(lab, folder(lab, "Desktops").moid, 77)
    told = connect(server, CLERK).list(vim.Folder, "name", "effectiveRole")
    roles = {values["name"]: values["effectiveRole"] for values in told.values()}
    assert (roles["Servers"], roles["Desktops"], roles["sales-lc"]) == ([-2], [77], [77])


def test_privileges_are_told_one_by_one(server: VCenterServer, connect: Connect) -> None:
    client = connect(server, AUDITOR)
    manager, key = client.content.authorizationManager, client.content.sessionManager.currentSession.key
    asked = ["System.Read", "Host.Config.Firmware", "Datastore.Browse"]
    assert list(manager.HasPrivilegeOnEntity(client.content.rootFolder, key, asked)) == [True, False, False]
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.HasPrivilegeOnEntity(client.content.rootFolder, key, ["Nothing.Known"])
    with pytest.raises(vmodl.fault.MethodNotFound):  # it came with 5.5
        manager.HasPrivilegeOnEntities([client.content.rootFolder], key, asked)


def test_the_sessions_of_others_are_told_to_administrators_only(server: VCenterServer, connect: Connect) -> None:
    auditor = connect(server, AUDITOR)
    told = auditor.at(auditor.content.sessionManager, "sessionList", "currentSession")
    assert [one.name for one in told.propSet] == ["currentSession"]
    assert told.missingSet[0].fault.privilegeId == "Sessions.TerminateSession"


def test_roles_and_permissions_are_told(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    roles = {role.roleId: role.name for role in client.content.authorizationManager.roleList}
    assert roles[-1] == "Admin"
    assert {row.id: row.name for row in lab.world.all(Role, vcenter="vc1")}.items() <= roles.items()
    told = client.content.authorizationManager.RetrieveAllPermissions()
    assert {(one.entity._moId, one.principal, one.roleId) for one in told} == {
        (row.entity, row.principal, row.role) for row in lab.world.all(Permission, vcenter="vc1")
    }
    inherited = client.content.authorizationManager.RetrieveEntityPermissions(
        vim.Folder(folder(lab, "Desktops").moid, client.stub), True
    )
    assert {"PRACTICE\\Helpdesk", "PRACTICE\\viewservice"} <= {one.principal for one in inherited}


def test_the_group_of_administrators_counts_for_those_of_the_vcenters_host(
    server: VCenterServer, connect: Connect, lab: Lab, clerk: Account, change: Callable[..., None]
) -> None:
    change(clerk, administers=("vcenter1",))
    group = Permission(
        vcenter="vc1", entity=folder(lab, "Datacenters").moid, principal="BUILTIN\\Administrators", role=-1, group=True
    )
    lab.world.change("test", "the default permission", group)
    assert connect(server, CLERK).list(vim.HostSystem, "name")


def test_the_keeper_may_everything(server: VCenterServer, connect: Connect) -> None:
    client = connect(server, KEEPER)
    held = client.content.authorizationManager.HasPrivilegeOnEntity(
        client.content.rootFolder, client.content.sessionManager.currentSession.key, ["Host.Config.Firmware"]
    )
    assert list(held) == [True]
