"""Files that vCenter hands out over HTTPS: .vmx files of its datastores, configuration bundles of its hosts."""

from __future__ import annotations

import io
import tarfile

import msgspec

from app.lab.rows import Managed, Vm
from app.lab.vcenter.tree import Inventory


def vmx(inventory: Inventory, vm: Vm) -> bytes:
    """Return the .vmx that the host would keep for this VM."""
    network = inventory.name(inventory.network_of(vm)) or "VM Network"
    lines = {
        ".encoding": "UTF-8",
        "config.version": "8",
        "virtualHW.version": "8" if inventory.server.api >= "5" else "7",
        "displayName": vm.name,
        "extendedConfigFile": vm.vmx.rpartition("/")[2] + "f",
        "guestOS": (vm.guest or "otherGuest").removesuffix("Guest").lower(),
        "memsize": "2048",
        "numvcpus": "1",
        "annotation": vm.annotation.replace("\n", "|0A"),
        "scsi0.present": "TRUE",
        "scsi0.virtualDev": "lsilogic",
    }
    for number, disk in enumerate(vm.disks):
        lines[f"scsi0:{number}.present"] = "TRUE"
        lines[f"scsi0:{number}.deviceType"] = "scsi-hardDisk"
        lines[f"scsi0:{number}.fileName"] = _disk_name(vm, disk.path)
    lines["ethernet0.present"] = "TRUE"
    lines["ethernet0.networkName"] = network
    lines["uuid.bios"] = _spaced(vm.uuid)
    lines["vc.uuid"] = _spaced(vm.instance_uuid)
    kept = {name: value for name, value in lines.items() if value}
    return "".join(f'{name} = "{_quoted(value)}"\n' for name, value in kept.items()).encode()


def _disk_name(vm: Vm, path: str) -> str:
    """Return a disk as a .vmx names it: beside it by its name alone, elsewhere by its whole path."""
    folder = vm.vmx.rpartition("/")[0]
    if path.rpartition("/")[0] == folder:
        return path.rpartition("/")[2]
    datastore, _, name = path.partition("] ")
    return f"/vmfs/volumes/{datastore.removeprefix('[')}/{name}" if name else path


def _spaced(uuid: str) -> str:
    """Return a UUID as a .vmx writes it: 52 3d 1f 0e 8a 11 22 33-44 55 66 77 88 99 aa bb."""
    digits = uuid.replace("-", "").lower()
    pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    return f"{' '.join(pairs[:8])}-{' '.join(pairs[8:])}" if len(digits) == 32 else uuid


def _quoted(value: str) -> str:
    return value.replace("|", "|7C").replace('"', "|22")


def datastore_file(inventory: Inventory, datacenter: str, datastore: str, path: str) -> Vm | None:
    """Return the VM whose .vmx lies at `path` on that datastore of the datacenter with that inventory path, or None.

    An empty datacenter means the only one there is, as vCenter takes it."""
    for moid in inventory.by_vmx.get(f"[{datastore}] {path}", ()):
        home = inventory.datacenter(moid)
        if not datacenter or (home and inventory.path(home.moid) == datacenter):
            return inventory.vms[moid]
    return None


def bundle(host: Managed) -> bytes:
    """Return the configuration bundle of a host, a gzipped tar as ESXi makes it."""
    holder = io.BytesIO()
    with tarfile.open(fileobj=holder, mode="w:gz") as archive:
        for name, content in (
            (
                "Manifest.txt",
                f"esx_version={host.properties.get('summary', {}).get('config', {})}\nhost={host.name}\n".encode(),
            ),
            ("state.json", msgspec.json.encode({"moid": host.moid, "name": host.name, "properties": host.properties})),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return holder.getvalue()
