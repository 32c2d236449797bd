"""vSphere, before anything else (the paper's first step): what its API and hosts tell. Disks are not covered."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from app.backupset import repository
from app.connectors.connections import Connections
from app.engine.context import Context
from app.engine.step import Json, Probe
from app.errors import UserError
from app.profile import VCenter
from app.runbooks.places import safe
from app.runbooks.progress import some
from app.runbooks.steps import Look, connections
from app.texts import Text, listed, text
from app.wire import Command

NOT_COVERED = text(
    "The disks of the virtual machines and the VMFS volumes are not in this set; image backups keep them."
)


@dataclass(frozen=True)
class _OneFile(Look):
    """A step that reads from a vCenter and writes one file of the set. Nothing changes on the other side."""

    vcenter: VCenter
    key: str
    title: Text

    def observe(self, ctx: Context) -> Json:
        return {"file": self.file}

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # reading again changes nothing

    ending: ClassVar[str]

    @property
    def file(self) -> str:
        return f"vsphere/{safe(self.vcenter.name)}-{self.ending}"

    def _path(self, ctx: Context) -> Path:
        return Path(ctx.inputs["folder"]) / self.file

    def _written(self, ctx: Context) -> Json:
        size, digest = repository.sha256(self._path(ctx))
        return {"file": self.file, "size": size, "sha256": digest}


@dataclass(frozen=True)
class SaveInventory(_OneFile):
    """Write the inventory: folders, pools, hosts, switches, roles, permissions, custom fields, each VM's identity."""

    ending: ClassVar[str] = "inventory.json"

    def act(self, ctx: Context, before: Json) -> None:
        inventory = connections(ctx).vcenter(self.vcenter).inventory()
        repository.write_file(self._path(ctx), json.dumps(inventory, ensure_ascii=False, indent=1).encode())

    def verify(self, ctx: Context, before: Json) -> Json:
        written = json.loads(self._path(ctx).read_text("utf-8"))
        there = {vm.moid for vm in connections(ctx).vcenter(self.vcenter).vms()}
        lost = there - {vm["moid"] for vm in written["vms"]}
        if lost:
            raise UserError(
                text("The inventory of {vcenter} is not whole.", vcenter=self.vcenter.name),
                text("{count} virtual machines that vCenter knows are not in it.", count=len(lost)),
                text("Machines may have been made meanwhile; try again."),
            )
        return {**self._written(ctx), "vms": len(written["vms"]), "parts": sorted(written)}


@dataclass(frozen=True)
class SaveVmx(_OneFile):
    """Write each VM's .vmx into one archive; what could not be read is named."""

    ending: ClassVar[str] = "vmx.zip"

    def act(self, ctx: Context, before: Json) -> None:
        connector = connections(ctx).vcenter(self.vcenter)
        vms, unread = connector.vms(), {}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for done, vm in enumerate(vms, start=1):
                ctx.check_stop()
                try:
                    archive.writestr(f"{vm.moid}/{safe(vm.name)}.vmx", connector.vmx(vm))
                except UserError as error:
                    unread[vm.name] = str(error)
                ctx.progress(done / len(vms))
            archive.writestr("unread.json", json.dumps(unread, ensure_ascii=False))
        repository.write_file(self._path(ctx), content.getvalue())

    def verify(self, ctx: Context, before: Json) -> Json:
        with zipfile.ZipFile(self._path(ctx)) as archive:
            damaged = archive.testzip()
            unread = json.loads(archive.read("unread.json"))
            kept = {name.partition("/")[0] for name in archive.namelist() if name.endswith(".vmx")}
        lost = [vm.name for vm in connections(ctx).vcenter(self.vcenter).vms() if vm.moid not in kept]
        lost = [name for name in lost if name not in unread]
        if unread and not kept:
            raise UserError(
                text("Not one .vmx of {vcenter} could be read.", vcenter=self.vcenter.name),
                next(iter(unread.values())),
                text("Give the account the right to browse datastores, or leave this step out."),
            )
        if damaged or lost:
            raise UserError(
                text("The archive of .vmx files of {vcenter} is not whole.", vcenter=self.vcenter.name),
                text("Missing or damaged: {names}.", names=listed([*lost[:5], *([damaged] if damaged else [])])),
                text("Machines may have been made meanwhile; try again."),
            )
        if unread:
            ctx.warn(unread_vmx(unread))
        return {**self._written(ctx), "vmx": len(kept), "unread": sorted(unread)}


@dataclass(frozen=True)
class SaveHostBundles(_OneFile):
    """Write the configuration bundle of every host that offers one; which do not is said."""

    ending: ClassVar[str] = "hosts.zip"

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return connections(ctx).vcenter(self.vcenter).host_bundle_commands()

    def act(self, ctx: Context, before: Json) -> None:
        connector = connections(ctx).vcenter(self.vcenter)
        kept: dict[str, bytes] = {}
        without: dict[str, str] = {}
        for host in connector.hosts():
            ctx.check_stop()
            try:
                kept[host.name] = connector.host_bundle(host.moid)
            except UserError as error:
                without[host.name] = str(error)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, bundle in kept.items():
                archive.writestr(f"{safe(name)}/configBundle.tgz", bundle)
            archive.writestr("hosts.json", json.dumps({"kept": sorted(kept), "without": without}, ensure_ascii=False))
        repository.write_file(self._path(ctx), content.getvalue())

    def verify(self, ctx: Context, before: Json) -> Json:
        with zipfile.ZipFile(self._path(ctx)) as archive:
            damaged = archive.testzip()
            told = json.loads(archive.read("hosts.json"))
            inside = sum(name.endswith("configBundle.tgz") for name in archive.namelist())
        hosts = {host.name for host in connections(ctx).vcenter(self.vcenter).hosts()}
        if damaged or inside != len(told["kept"]) or hosts - set(told["kept"]) - set(told["without"]):
            raise UserError(
                text("The hosts' configuration bundles of {vcenter} are not whole.", vcenter=self.vcenter.name),
                text("What was written is not what was fetched."),
                text("Try again; look at the repository's disk if it happens twice."),
            )
        if told["without"]:
            ctx.warn(no_bundle(told["without"]))
        return {**self._written(ctx), "bundles": told["kept"], "without": sorted(told["without"])}


def unread_vmx(names: Collection[str]) -> Text:
    """Return what a run warns of and its set calls weak, in the same words: who reads both is told it once."""
    return text("{count} .vmx files could not be read: {names}.", count=len(names), names=some(sorted(names)))


def no_bundle(hosts: Collection[str]) -> Text:
    """Return the same of hosts."""
    return text("These hosts gave no configuration bundle: {names}.", names=listed(sorted(hosts)))


def versions(c: Connections, vcenter: VCenter) -> str:
    """Return a vCenter's exact version, as its manifest entry says it."""
    about = c.vcenter(vcenter).about()
    return f"{about.version} build {about.build}"
