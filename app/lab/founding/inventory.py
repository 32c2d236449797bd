"""The two vCenters' inventories: datacenters, clusters, hosts, datastores, networks, virtual machines, roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.lab.founding.plan import DAY, POOLS, DesktopPlan, Plan, PoolPlan
from app.lab.rows import (
    CustomField,
    Disk,
    Managed,
    Permission,
    Role,
    Row,
    Snapshot,
    VCenter,
    VcScheduledTask,
    VcTask,
    Vm,
)

GB = 1024**3
REPLICAS = "VMwareViewComposerReplicaFolder"
CLONES_PER_DATASTORE = 500
VMS_PER_HOST = 100
VIEW_PRIVILEGES = (
    "System.Anonymous", "System.View", "System.Read", "Folder.Create", "Folder.Delete", "Datastore.AllocateSpace",
    "VirtualMachine.Inventory.Create", "VirtualMachine.Inventory.Delete", "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Interact.PowerOff", "VirtualMachine.Interact.Suspend", "VirtualMachine.Interact.Reset",
    "VirtualMachine.Config.AddRemoveDevice", "VirtualMachine.Config.AdvancedConfig",
    "VirtualMachine.Config.EditDevice", "VirtualMachine.Provisioning.Customize",
    "VirtualMachine.Provisioning.DeployTemplate", "VirtualMachine.Provisioning.Clone",
    "VirtualMachine.State.CreateSnapshot", "VirtualMachine.State.RemoveSnapshot", "Resource.AssignVMToPool",
)  # fmt: skip
HELPDESK_PRIVILEGES = (
    "System.Anonymous", "System.View", "System.Read", "VirtualMachine.Interact.ConsoleInteract",
    "VirtualMachine.Interact.Reset",
)  # fmt: skip


def inventory_rows(plan: Plan) -> Iterator[Row]:
    """Yield what the vCenters know. Sets nothing in `plan` but the MOIDs that it draws."""
    yield VCenter(
        name="vc1", host="vcenter1", version="5.0.0", build="455964", api="5.0", sql_server="sql1", database="VIM_VCDB",
        instance_uuid=plan.guid("vcenter", "vc1"),
    )  # fmt: skip
    yield VCenter(
        name="vc2", host="vcenter2", version="4.1.0", build="258902", api="4.1", sql_server="sql2",
        database="VCDB [alt] 二", instance_uuid=plan.guid("vcenter", "vc2"),
    )  # fmt: skip
    yield from _Site(plan, "vc1", "Beijing", "View-A").rows()
    yield from _Site(plan, "vc2", "Shanghai 上海", "View-B").rows()


class _Site:
    """One vCenter's datacenter, built from the top down; what is below asks for the MOIDs of what is above."""

    def __init__(self, plan: Plan, vcenter: str, datacenter: str, cluster: str) -> None:
        self.plan, self.vcenter, self.datacenter, self.cluster = plan, vcenter, datacenter, cluster
        self.moids = plan.moids[vcenter]
        self.desktops = [desktop for desktop in plan.desktops if desktop.pool.vcenter == vcenter]
        self.made: list[Row] = []
        self.folders: dict[str, str] = {}
        self.hosts: list[str] = []
        self.stores: dict[str, str] = {}
        self.networks: dict[str, str] = {}
        self.pools: dict[str, str] = {}

    def rows(self) -> list[Row]:
        self._tree()
        self._hosts_and_stores()
        self._networks()
        self._resource_pools()
        self._folders()
        self._roles()
        self._servers()
        replicas = self._parents_and_replicas() if self.vcenter == "vc1" else {}
        self._desktops(replicas)
        self._history()
        return self.made

    def _managed(self, prefix: str, kind: str, name: str, parent: str, **properties: Any) -> str:
        moid = self.moids.next(prefix)
        self.made.append(
            Managed(vcenter=self.vcenter, moid=moid, kind=kind, name=name, parent=parent, properties=properties)
        )
        return moid

    def _tree(self) -> None:
        root = self._managed("group-d", "Folder", "Datacenters", "")
        self.center = self._managed("datacenter", "Datacenter", self.datacenter, root)
        self.root = root
        self.folders["vm"] = self._managed("group-v", "Folder", "vm", self.center)
        self.host_folder = self._managed("group-h", "Folder", "host", self.center)
        self.store_folder = self._managed("group-s", "Folder", "datastore", self.center)
        self.network_folder = self._managed("group-n", "Folder", "network", self.center)
        services = {"dasConfig": {"enabled": True, "admissionControlEnabled": True, "failoverLevel": 1}}
        services["drsConfig"] = {"enabled": True, "defaultVmBehavior": "fullyAutomated", "vmotionRate": 3}  # type: ignore[dict-item]  # another configuration's shape
        self.cluster_moid = self._managed(
            "domain-c", "ClusterComputeResource", self.cluster, self.host_folder, configuration=services
        )

    def _hosts_and_stores(self) -> None:
        for name in self._store_names():
            self.stores[name] = self._managed(
                "datastore", "Datastore", name, self.store_folder,
                summary={"capacity": 2048 * GB, "freeSpace": 900 * GB, "type": "NFS" if "nfs" in name else "VMFS",
                         "url": f"ds:///vmfs/volumes/{self.plan.guid('datastore', name)[:17]}/"},
            )  # fmt: skip
        count = max(3 if self.vcenter == "vc1" else 2, -(-len(self.desktops) // VMS_PER_HOST))
        for number in range(1, count + 1):
            self.hosts.append(self._host(number, classic=self.vcenter == "vc2" and number == 2))

    def _store_names(self) -> list[str]:
        if self.vcenter == "vc2":
            return ["alt-vmfs-01", "alt-nfs-templates"]
        clones = max(2, -(-len(self.desktops) // CLONES_PER_DATASTORE))
        return ["servers-01", "replica-ssd", *(f"clones-{number:02d}" for number in range(1, clones + 1))]

    def _host(self, number: int, *, classic: bool) -> str:
        name = f"esx{number:02d}.{self.vcenter}.practice.example"
        version, build = ("5.0.0", "469512") if self.vcenter == "vc1" else ("4.1.0", "260247")
        line = f"VMware {'ESX' if classic else 'ESXi'} {version} build-{build}"
        return self._managed(
            "host", "HostSystem", name, self.cluster_moid,
            summary={"config": {"product": {"version": version, "build": build, "fullName": line}}},
            runtime={"connectionState": "connected", "powerState": "poweredOn", "inMaintenanceMode": False},
            hardware={"systemInfo": {"uuid": self.plan.guid("esx", name), "vendor": "HP", "model": "ProLiant BL460c"}},
            datastore=list(self.stores.values()), offersBundle=not classic,
        )  # fmt: skip

    def _networks(self) -> None:
        self.networks["VM Network"] = self._managed("network", "Network", "VM Network", self.network_folder)
        if self.vcenter == "vc2":
            return
        switch = self._managed(
            "dvs", "VmwareDistributedVirtualSwitch", "dvSwitch-View", self.network_folder,
            uuid=self.plan.guid("dvs"), config={"numPorts": 512, "description": "Desktops' VLANs", "maxMtu": 1500},
        )  # fmt: skip
        for name in ("dv-desktops-110", "dv-desktops-研发"):
            self.networks[name] = self._managed(
                "dvportgroup", "DistributedVirtualPortgroup", name, self.network_folder,
                switch=switch, config={"numPorts": 256},
            )  # fmt: skip
        both = list(self.networks.values())
        for place, row in enumerate(self.made):
            if isinstance(row, Managed) and row.kind == "HostSystem":
                properties = {**row.properties, "network": both}
                self.made[place] = Managed(
                    vcenter=row.vcenter, moid=row.moid, kind=row.kind, name=row.name, parent=row.parent,
                    properties=properties,
                )  # fmt: skip

    def _resource_pools(self) -> None:
        limits = {"cpuAllocation": {"reservation": 0, "limit": -1}, "memoryAllocation": {"reservation": 0, "limit": -1}}
        root = self._managed("resgroup", "ResourcePool", "Resources", self.cluster_moid, config=limits)
        self.pools["Resources"] = root
        for name in ("Desktops", "Servers"):
            self.pools[name] = self._managed("resgroup", "ResourcePool", name, root, config=limits)

    def _folders(self) -> None:
        for name in ("Servers", "Parents", "Desktops"):
            self.folders[name] = self._managed("group-v", "Folder", name, self.folders["vm"])
        if self.vcenter == "vc1":
            self.folders[REPLICAS] = self._managed("group-v", "Folder", REPLICAS, self.folders["vm"])
        for pool in POOLS:
            if pool.vcenter == self.vcenter:
                self.folders[pool.id] = self._managed("group-v", "Folder", pool.id, self.folders["Desktops"])

    def _roles(self) -> None:
        name = self.vcenter
        self.made += [
            Role(vcenter=name, id=11, name="View Manager", privileges=VIEW_PRIVILEGES),
            Role(vcenter=name, id=12, name="Helpdesk 服务台", privileges=HELPDESK_PRIVILEGES),
            Permission(vcenter=name, entity=self.root, principal="PRACTICE\\vCenter Admins", role=-1, group=True),
            Permission(vcenter=name, entity=self.center, principal="PRACTICE\\viewservice", role=11),
            Permission(vcenter=name, entity=self.folders["Desktops"], principal="PRACTICE\\Helpdesk", role=12,
                       group=True),
            CustomField(vcenter=name, id=101, name="Owner"),
            CustomField(vcenter=name, id=102, name="备份"),
        ]  # fmt: skip

    def _servers(self) -> None:
        for name, power in (("dc01", "poweredOn"), ("file01", "poweredOn"), ("erp-test", "poweredOff")):
            self._vm(
                f"{name}-{self.vcenter}", folder="Servers", pool="Servers", store=self._store_names()[0], power=power,
                size=80, custom={"Owner": "IT", "备份": "weekly image"},
            )  # fmt: skip
        self._vm(
            "win7-full-template", folder="Parents", pool="Servers", store=self._store_names()[0], power="poweredOff",
            size=30, template=True, annotation="Template of the full clones",
        )  # fmt: skip

    def _parents_and_replicas(self) -> dict[str, str]:
        """Make the linked clones' parents with their snapshots, and a replica and a source for each that is in use."""
        disks: dict[str, str] = {}
        for parent in dict.fromkeys(parent for parent, _, _ in self.plan.snapshots):
            self._vm(
                parent, folder="Parents", pool="Servers", store="servers-01", power="poweredOff", size=30,
                snapshots=self._snapshots(parent), annotation="Parent of linked clones", custom={"Owner": "VDI team"},
            )  # fmt: skip
        for pool in POOLS:
            if pool.linked:
                disks[pool.id] = self._replica(pool)
        return disks

    def _snapshots(self, parent: str) -> tuple[Snapshot, ...]:
        taken = [(path, moid) for of, path, moid in self.plan.snapshots if of == parent]
        first = self.plan.midnight - 60 * DAY
        return tuple(
            Snapshot(moid=moid, name=path.rpartition("/")[2], path=path, created=first + 20 * n * DAY)
            for n, (path, moid) in enumerate(taken)
        )

    def _replica(self, pool: PoolPlan) -> str:
        """Pools with the same parent and snapshot share one replica; returns its disk."""
        name = f"replica-{self.plan.guid('replica', pool.parent + pool.snapshot)}"
        disk = f"[replica-ssd] {name}/{name}.vmdk"
        if any(isinstance(row, Vm) and row.name == name for row in self.made):
            return disk
        now = self.plan.midnight - 15 * DAY
        shot = (Snapshot(moid=self.moids.next("snapshot", 200), name="snapshot-vmware", path="/snapshot-vmware",
                         created=now),)  # fmt: skip
        self._vm(name, folder=REPLICAS, pool="Desktops", store="replica-ssd", power="poweredOff", size=30,
                 snapshots=shot, protected=True)  # fmt: skip
        source = f"source-{self.plan.guid('source', pool.parent + pool.snapshot)}"
        self._vm(source, folder=REPLICAS, pool="Desktops", store="replica-ssd", power="poweredOff", size=1,
                 disk_parent=disk, protected=True)  # fmt: skip
        return disk

    def _desktops(self, replicas: dict[str, str]) -> None:
        clones = [name for name in self.stores if name.startswith(("clones", "alt-vmfs"))]
        for number, desktop in enumerate(self.desktops):
            self._desktop(desktop, clones[number % len(clones)], replicas.get(desktop.pool.id, ""), number)

    def _desktop(self, desktop: DesktopPlan, store: str, replica: str, number: int) -> None:
        network = "VM Network" if self.vcenter == "vc2" else list(self.networks)[1 + (desktop.pool.id == "rd-lc")]
        self._vm(
            desktop.name, folder=desktop.pool.id, pool="Desktops", store=store, size=3 if replica else 30,
            power="poweredOff" if desktop.local or desktop.state == "ERROR" else "poweredOn", disk_parent=replica,
            moid=desktop.moid, network=network, number=number,
            user_disk=desktop.pool.id == "sales-lc",
        )  # fmt: skip

    def _vm(
        self, name: str, *, folder: str, pool: str, store: str, power: str, size: int, moid: str = "",
        snapshots: tuple[Snapshot, ...] = (), disk_parent: str = "", network: str = "VM Network", number: int = 0,
        custom: dict[str, str] | None = None, protected: bool = False, template: bool = False, annotation: str = "",
        user_disk: bool = False,
    ) -> None:  # fmt: skip
        disks: tuple[Disk, ...] = (Disk(path=f"[{store}] {name}/{name}.vmdk", parent=disk_parent, size=size * GB),)
        if user_disk:  # a dedicated linked clone keeps the user's profile on a persistent disk of its own
            disks += (Disk(path=f"[{store}] {name}/{name}-user-disk.vmdk", size=2 * GB),)
        self.made.append(
            Vm(
                vcenter=self.vcenter, moid=moid or self.moids.next("vm", 100), name=name, power=power,
                uuid=self.plan.guid("bios", self.vcenter + name),
                instance_uuid=self.plan.guid("instance", self.vcenter + name),
                host=self.hosts[number % len(self.hosts)], folder=self.folders[folder], resource_pool=self.pools[pool],
                datastore=self.stores[store], network=self.networks[network], vmx=f"[{store}] {name}/{name}.vmx",
                guest="windows7Guest", snapshots=snapshots, disks=disks, custom=custom or {}, protected=protected,
                template=template, annotation=annotation,
            )
        )  # fmt: skip

    def _history(self) -> None:
        """A task that ended this morning, and a scheduled one that has nothing to do with View."""
        server = next(row for row in self.made if isinstance(row, Vm) and row.name.startswith("file01"))
        began = self.plan.at - 300
        self.made += [
            VcTask(vcenter=self.vcenter, moid=self.moids.next("task", 500), description="VirtualMachine.powerOn",
                   entity=server.moid, entity_name=server.name, state="success", queued=began, started=began + 1,
                   completed=began + 4, progress=100),
            VcScheduledTask(vcenter=self.vcenter, moid=self.moids.next("schedule", 20),
                            name="Weekly snapshot of file01", entity=server.moid, action="CreateSnapshot_Task",
                            next_run=self.plan.midnight + 3 * DAY),
        ]  # fmt: skip
