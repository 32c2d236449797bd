"""The privileges that vCenter 4 and 5 know, and the roles that every vCenter has."""

from __future__ import annotations

from app.lab.rows import Role

ADMIN, READ_ONLY, VIEW, ANONYMOUS, NO_ACCESS = -1, -2, -4, -3, -5

ALL = frozenset(
    """
    Alarm.Acknowledge Alarm.Create Alarm.Delete Alarm.DisableActions Alarm.Edit Alarm.SetStatus
    Alarm.ToggleEnableOnEntity Authorization.ModifyPermissions Authorization.ModifyRoles
    Authorization.ReassignRolePermissions DVPortgroup.Create DVPortgroup.Delete DVPortgroup.Modify
    DVPortgroup.PolicyOp DVPortgroup.ScopeOp DVSwitch.Create DVSwitch.Delete DVSwitch.HostOp DVSwitch.Modify
    DVSwitch.Move DVSwitch.PolicyOp DVSwitch.PortConfig DVSwitch.ResourceManagement DVSwitch.Vspan Datacenter.Create
    Datacenter.Delete Datacenter.IpPoolConfig Datacenter.IpPoolQueryAllocations Datacenter.IpPoolReleaseIp
    Datacenter.Move Datacenter.Reconfigure Datacenter.Rename Datastore.AllocateSpace Datastore.Browse
    Datastore.Config Datastore.Delete Datastore.DeleteFile Datastore.FileManagement Datastore.Move Datastore.Rename
    Datastore.UpdateVirtualMachineFiles Extension.Register Extension.Unregister Extension.Update Folder.Create
    Folder.Delete Folder.Move Folder.Rename Global.CancelTask Global.CapacityPlanning Global.Diagnostics
    Global.DisableMethods Global.EnableMethods Global.GlobalTag Global.Health Global.Licenses Global.LogEvent
    Global.ManageCustomFields Global.Proxy Global.ScriptAction Global.ServiceManagers Global.SetCustomField
    Global.Settings Global.SystemTag Global.VCServer Host.Cim.CimInteraction Host.Config.AdvancedConfig
    Host.Config.AuthenticationStore Host.Config.AutoStart Host.Config.Connection Host.Config.DateTime
    Host.Config.Firmware Host.Config.HyperThreading Host.Config.Image Host.Config.Maintenance Host.Config.Memory
    Host.Config.NetService Host.Config.Network Host.Config.Patch Host.Config.PciPassthru Host.Config.Power
    Host.Config.Resources Host.Config.Settings Host.Config.Storage Host.Inventory.AddHostToCluster
    Host.Inventory.AddStandaloneHost Host.Inventory.CreateCluster Host.Inventory.EditCluster Host.Inventory.MoveHost
    Host.Local.ManageUserGroups Network.Assign Network.Config Network.Delete Network.Move
    Performance.ModifyIntervals Profile.Clear Profile.Create Profile.Delete Profile.Edit Profile.Export Profile.View
    Resource.ApplyRecommendation Resource.AssignVAppToPool Resource.AssignVMToPool Resource.ColdMigrate
    Resource.CreatePool Resource.DeletePool Resource.EditPool Resource.HotMigrate Resource.MovePool
    Resource.QueryVMotion Resource.RenamePool ScheduledTask.Create ScheduledTask.Delete ScheduledTask.Edit
    ScheduledTask.Run Sessions.GlobalMessage Sessions.ImpersonateUser Sessions.TerminateSession
    Sessions.ValidateSession System.Anonymous System.Read System.View Task.Create Task.Update VApp.Clone VApp.Create
    VApp.Export VApp.ExtractOvfEnvironment VApp.Import VApp.PowerOff VApp.PowerOn VApp.Suspend VApp.Unregister
    VirtualMachine.Config.AddExistingDisk VirtualMachine.Config.AddNewDisk VirtualMachine.Config.AddRemoveDevice
    VirtualMachine.Config.AdvancedConfig VirtualMachine.Config.Annotation VirtualMachine.Config.CPUCount
    VirtualMachine.Config.ChangeTracking VirtualMachine.Config.DiskExtend VirtualMachine.Config.DiskLease
    VirtualMachine.Config.EditDevice VirtualMachine.Config.HostUSBDevice VirtualMachine.Config.Memory
    VirtualMachine.Config.QueryFTCompatibility VirtualMachine.Config.QueryUnownedFiles
    VirtualMachine.Config.RawDevice VirtualMachine.Config.ReloadFromPath VirtualMachine.Config.RemoveDisk
    VirtualMachine.Config.Rename VirtualMachine.Config.ResetGuestInfo VirtualMachine.Config.Resource
    VirtualMachine.Config.Settings VirtualMachine.Config.SwapPlacement VirtualMachine.Config.Unlock
    VirtualMachine.Config.UpgradeVirtualHardware VirtualMachine.GuestOperations.Execute
    VirtualMachine.GuestOperations.Modify VirtualMachine.GuestOperations.Query
    VirtualMachine.Interact.AnswerQuestion VirtualMachine.Interact.Backup VirtualMachine.Interact.ConsoleInteract
    VirtualMachine.Interact.CreateScreenshot VirtualMachine.Interact.CreateSecondary
    VirtualMachine.Interact.DefragmentAllDisks VirtualMachine.Interact.DeviceConnection
    VirtualMachine.Interact.DisableSecondary VirtualMachine.Interact.EnableSecondary
    VirtualMachine.Interact.GuestControl VirtualMachine.Interact.MakePrimary VirtualMachine.Interact.PowerOff
    VirtualMachine.Interact.PowerOn VirtualMachine.Interact.Record VirtualMachine.Interact.Replay
    VirtualMachine.Interact.Reset VirtualMachine.Interact.SetCDMedia VirtualMachine.Interact.SetFloppyMedia
    VirtualMachine.Interact.Suspend VirtualMachine.Interact.TerminateFaultTolerantVM
    VirtualMachine.Interact.ToolsInstall VirtualMachine.Interact.TurnOffFaultTolerance
    VirtualMachine.Inventory.Create VirtualMachine.Inventory.CreateFromExisting VirtualMachine.Inventory.Delete
    VirtualMachine.Inventory.Move VirtualMachine.Inventory.Register VirtualMachine.Inventory.Unregister
    VirtualMachine.Provisioning.Clone VirtualMachine.Provisioning.CloneTemplate
    VirtualMachine.Provisioning.CreateTemplateFromVM VirtualMachine.Provisioning.Customize
    VirtualMachine.Provisioning.DeployTemplate VirtualMachine.Provisioning.DiskRandomAccess
    VirtualMachine.Provisioning.DiskRandomRead VirtualMachine.Provisioning.FileRandomAccess
    VirtualMachine.Provisioning.GetVmFiles VirtualMachine.Provisioning.MarkAsTemplate
    VirtualMachine.Provisioning.MarkAsVM VirtualMachine.Provisioning.ModifyCustSpecs
    VirtualMachine.Provisioning.PromoteDisks VirtualMachine.Provisioning.PutVmFiles
    VirtualMachine.Provisioning.ReadCustSpecs VirtualMachine.State.CreateSnapshot
    VirtualMachine.State.RemoveSnapshot VirtualMachine.State.RenameSnapshot VirtualMachine.State.RevertToSnapshot
    """.split()  # noqa: SIM905  # a list of 150 names reads better as text
)


def system_roles(vcenter: str) -> tuple[Role, ...]:
    """Return the roles that cannot be removed: Admin, ReadOnly, View, Anonymous and NoAccess."""
    given = (
        (ADMIN, "Admin", tuple(sorted(ALL))),
        (READ_ONLY, "ReadOnly", ("System.Anonymous", "System.Read", "System.View")),
        (VIEW, "View", ("System.Anonymous", "System.View")),
        (ANONYMOUS, "Anonymous", ("System.Anonymous",)),
        (NO_ACCESS, "NoAccess", ()),
    )
    return tuple(
        Role(vcenter=vcenter, id=number, name=name, privileges=privileges, system=True)
        for number, name, privileges in given
    )
