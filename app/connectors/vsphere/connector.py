"""One vCenter, as the runbooks see it."""

from __future__ import annotations

import datetime
import io
import re
import ssl
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from app.connectors.vsphere import inventory, reading, tasks
from app.connectors.vsphere.errors import explained
from app.connectors.vsphere.facts import About, Found, HostFacts, ParentAndSnapshot, ScheduledTask, Tasks, VmFacts
from app.connectors.vsphere.session import Session
from app.errors import CouldNotLook, Guard, UserError
from app.profile import VCenter
from app.texts import text
from app.wire import Command, Tap, no_tap

SECONDS = 120.0
"""How long a vCenter may be silent."""
LARGEST_VMX = 1024 * 1024
LARGEST_BUNDLE = 64 * 1024 * 1024
IDENTITY = re.compile(rb'^\s*(uuid\.bios|vc\.uuid)\s*=\s*"([^"]*)"', re.MULTILINE)


class VSphere:
    """A vCenter. It logs in when first asked, again where its session has expired, and out in close().

    Every method raises UserError: NotSent where nothing was sent, CouldNotLook where looking failed, and plain ones
    where the operator must change something (password, privilege). Not for several threads at once."""

    def __init__(
        self, vcenter: VCenter, password: str, *, context: ssl.SSLContext, tap: Tap = no_tap,
        seconds: float = SECONDS, guard: Guard | None = None,
    ) -> None:  # fmt: skip
        """`context` decides which certificate is trusted; `seconds` is how long the server may be silent.

        `guard` knows whether the account may still be tried."""
        self.vcenter = vcenter
        self._session = Session(vcenter, password, context, seconds, tap, guard or Guard())

    @property
    def system(self) -> str:
        return f"vcenter:{self.vcenter.name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out and close the connections."""
        self._session.close()

    # ---- the server

    def about(self) -> About:
        """Return the server's names and versions."""
        told = self._session.look(lambda session: session.content.about)
        return About(told.name, told.version, told.build, told.apiVersion, told.instanceUuid or "")

    def clock(self) -> datetime.datetime:
        """Return the server's time, UTC."""

        def ask(session: Session) -> Any:
            return session.object("ServiceInstance", "ServiceInstance").CurrentTime()

        told: datetime.datetime = self._session.look(ask)
        return told.astimezone(datetime.UTC)

    def has_privileges(self, privileges: Sequence[str], *, kind: str = "Folder", entity: str = "") -> dict[str, bool]:
        """Say which of these privileges the account has on `entity` (moid of a `kind`), else on the root folder.

        By the roles that count there (effectiveRole): every API version has them."""

        def ask(session: Session) -> set[str] | None:
            moid = entity or inventory.moid_of(session.content.rootFolder)
            found = next(iter(reading.at(session, kind, [moid], ["effectiveRole"])))
            if "effectiveRole" not in found.values:
                return None
            roles = session.content.authorizationManager.roleList
            return {name for role in roles if role.roleId in found.values["effectiveRole"] for name in role.privilege}

        held = self._session.look(ask)
        if held is None:
            raise CouldNotLook(
                text("The vCenter {name} does not tell which privileges the account has.", name=self.vcenter.name),
                text("The effective role on the folder is unset or may not be read."),
                text("Look at the account's role in vSphere Client."),
            )
        return {privilege: privilege in held for privilege in privileges}

    # ---- lists

    def read(self, kind: str | Sequence[str], paths: Sequence[str]) -> Iterator[Found]:
        """Yield all objects of a kind (VirtualMachine, HostSystem ...), with the leaves `paths`, each object once.

        One PropertyCollector call, answered in pages. Where the session expires between two pages, it begins anew and
        leaves out what was given already."""
        from app.connectors.vsphere import stub

        kinds = (kind,) if isinstance(kind, str) else tuple(kind)
        given: set[str] = set()
        for attempt in (1, 2):
            try:
                self._session.open()
                for one in reading.in_container(self._session, kinds, paths):
                    if one.moid not in given:
                        given.add(one.moid)
                        yield one
            except stub.BROKEN as error:
                if isinstance(error, stub.NOT_AUTHENTICATED) and attempt == 1:
                    self._session.forget()
                    continue
                raise explained(error, self.vcenter, opening=not self._session.is_open) from error
            else:
                return

    def vms(self) -> tuple[VmFacts, ...]:
        """Return every VM, templates too."""
        return self._session.look(inventory.vms)

    def hosts(self) -> tuple[HostFacts, ...]:
        """Return every host."""
        return tuple(
            HostFacts(
                one.moid, one.text("name"), one.text("summary.config.product.version"),
                one.text("runtime.connectionState"), one.text("configManager.firmwareSystem"),
            )
            for one in self.read("HostSystem", (
                "name", "summary.config.product.version", "runtime.connectionState", "configManager.firmwareSystem"))
        )  # fmt: skip

    def inventory(self) -> dict[str, Any]:
        """Return the whole inventory, fit for JSON: what is needed to build it again by hand. No disks.

        `unread` names the parts that the account may not read, `missing` in an entity its unreadable values."""
        return self._session.look(lambda session: inventory.whole(session, datetime.datetime.now(datetime.UTC)))

    def running_tasks(self) -> Tasks:
        """Return the tasks that are queued or running, and how they were found."""
        return self._session.look(tasks.unfinished)

    def scheduled_tasks(self) -> tuple[ScheduledTask, ...]:
        """Return the tasks of vCenter's own scheduler."""
        return self._session.look(tasks.scheduled)

    def parent_and_snapshot(self, parent: str, snapshot: str) -> ParentAndSnapshot:
        """Return the moids of the VM at the inventory path `parent` and of its snapshot, as View writes both paths."""

        def ask(session: Session) -> ParentAndSnapshot:
            vm = session.content.searchIndex.FindByInventoryPath(parent.strip("/"))
            if not inventory.is_vm(vm):
                return ParentAndSnapshot("", "")
            moid = inventory.moid_of(vm)
            found = next(iter(reading.at(session, "VirtualMachine", [moid], ["snapshot"])))
            if "snapshot" in found.missing:
                raise CouldNotLook(
                    text("The snapshots of {vm} could not be read.", vm=parent),
                    found.missing["snapshot"], text("Give the account the right to read there."),
                )  # fmt: skip
            wanted = f"/{snapshot.strip('/')}"
            shots = inventory.snapshots(found.values.get("snapshot"))
            return ParentAndSnapshot(moid, next((shot.moid for shot in shots if shot.path == wanted), ""))

        return self._session.look(ask)

    # ---- files

    def vmx(self, vm: VmFacts) -> bytes:
        """Return a VM's .vmx as its datastore has it. It must name the VM's own UUIDs: so a cut file is not taken."""
        what = text("The .vmx of {vm} could not be read.", vm=vm.name)
        datastore, _, path = vm.vmx.removeprefix("[").partition("] ")
        if not path:
            raise CouldNotLook(
                what, text("vCenter does not tell where it lies."), text("Look at the VM in vSphere Client.")
            )
        query = urlencode({"dcPath": vm.datacenter, "dsName": datastore}, quote_via=quote)
        content = self._session.download(f"/folder/{quote(path)}?{query}", LARGEST_VMX, what)
        told = {name: _digits(value.decode("ascii", "replace")) for name, value in IDENTITY.findall(content)}
        known = {b"uuid.bios": _digits(vm.bios_uuid), b"vc.uuid": _digits(vm.instance_uuid)}
        if not any(told.values()) or any(known[name] and known[name] != value for name, value in told.items() if value):
            raise CouldNotLook(
                what, text("What came is cut short, or belongs to another VM: the UUIDs are not this one's."),
                text("Look at the file in the datastore browser."),
            )  # fmt: skip
        return content

    def host_bundle_commands(self) -> tuple[Command, ...]:
        """Return the commands that fetching all hosts' bundles will send."""
        return tuple(
            Command(self.system, f"BackupFirmwareConfiguration HostFirmwareSystem:{host.firmware}")
            for host in self.hosts() if host.firmware
        )  # fmt: skip

    def host_bundle(self, moid: str) -> bytes:
        """Return a host's configuration bundle (.tgz). CouldNotLook "does not offer" where the host makes none.

        The address that the host gives has `*` for the server that was asked: the vCenter. Remembered, not documented
        for hosts behind a vCenter; where the vCenter does not pass the file on, the error says so."""
        what = text("The configuration bundle of the host {host} could not be had.", host=moid)

        def ask(session: Session) -> str:
            read = reading.at(session, "HostSystem", [moid], ["name", "configManager.firmwareSystem"])
            found = next(iter(read), None)
            if found is None:
                raise CouldNotLook(what, text("The vCenter says nothing of this host."), text("Try again."))
            firmware = found.text("configManager.firmwareSystem")
            if not firmware:
                raise CouldNotLook(
                    text("The host {host} does not offer a configuration bundle.", host=found.text("name") or moid),
                    text("Only ESXi makes one; ESX with a service console keeps its settings in files of its own."),
                    text("Back up its service console by its own means."),
                )
            return str(session.object("HostFirmwareSystem", firmware).BackupFirmwareConfiguration())

        address = urlsplit(self._session.look(ask))
        if address.hostname not in ("*", self.vcenter.address):
            why = text("It lies on {host}, whose certificate nobody has trusted.", host=address.hostname or "?")
            raise CouldNotLook(what, why, text("Fetch it from the host itself."))
        content = self._session.download(address.path, LARGEST_BUNDLE, what)
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
                whole = bool(archive.getnames())
        except (tarfile.TarError, OSError, EOFError, zlib.error):
            whole = False
        if not whole:
            raise UserError(what, text("What came is not a whole archive."), text("Try again."))
        return content


def _digits(uuid: str) -> str:
    return re.sub("[^0-9a-f]", "", uuid.lower())
