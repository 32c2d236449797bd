"""The stores themselves: versions, what pools are made from, the recovery password."""

from __future__ import annotations

from functools import partial

import msgspec

from app.connectors.connections import Connections
from app.observation import Observation, State
from app.profile import Broker, Composer, VCenter
from app.runbooks import progress
from app.runbooks.adlds import encrypts
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.runbooks.checks.hosts import vdm_tool
from app.runbooks.checks.work import built_in_files
from app.runbooks.confirming import composer_version
from app.texts import listed, text
from app.view.pools import Pool, PoolKind

UNKNOWN = "unknown"


def versions(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether all brokers have one version, and whether Composer's and vCenter's can be told."""

    def brokers() -> Observation:
        found = c.broker().versions()
        seen = text("View: {versions}.", versions=listed(f"{name} {version}" for name, version in found.items()))
        needed = text("All brokers of the group must have the same version.")
        state = State.PASSED if len(set(found.values())) == 1 else State.BLOCKED
        remedy = text("Finish the upgrade of the other brokers first.")
        return Observation("versions", state, seen, needed, remedy, f"winrm:{c.profile.brokers[0].host.name}")

    def composer(composer: Composer) -> Observation:
        return _told("Composer", composer_version(c, composer), f"winrm:{composer.host.name}")

    def vcenter(vcenter: VCenter) -> Observation:
        about = c.vcenter(vcenter).about()
        return _told(vcenter.name, f"{about.version} build {about.build}", f"vcenter:{vcenter.name}")

    asked: list[Asked] = [(f"winrm:{c.profile.brokers[0].host.name}", brokers)]
    asked += [(f"winrm:{one.host.name}", partial(composer, one)) for one in c.profile.composers]
    asked += [(f"vcenter:{one.name}", partial(vcenter, one)) for one in c.profile.vcenters]
    return each_system("versions", asked)


def parents(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether parent VM and snapshot of every linked-clone pool are in a vCenter: without them no recompose."""
    return each_system("parents", [(f"winrm:{c.profile.brokers[0].host.name}", partial(_parents, c))])


def _parents(c: Connections) -> Observation:
    key, system = "parents", f"winrm:{c.profile.brokers[0].host.name}"
    needed = text("Each linked-clone pool's parent and snapshot must exist.")
    pools = [pool for pool in c.broker().pools() if pool.kind is PoolKind.LINKED_CLONE]
    told = [pool for pool in pools if pool.parent_vm and pool.parent_snapshot]
    missing = [f"{pool.name}: {pool.parent_vm} {pool.parent_snapshot}" for pool in told if not _made_from(c, pool)]
    if missing:
        found = text("Not found in any vCenter: {names}.", names=progress.some(missing))
        remedy = text("Bring the parent and its snapshot back, or give the pool another one.")
        return Observation(key, State.BLOCKED, found, needed, remedy, system)
    if unread := [pool.name for pool in pools if pool not in told]:
        found = text("View does not say what these pools are made from: {names}.", names=progress.some(unread))
        return Observation(key, State.UNKNOWN, found, needed, text("Look at them in View Administrator."), system)
    found = text("{count} linked-clone pools, parents and snapshots are all there.", count=len(pools))
    return Observation(key, State.PASSED, found, needed, system=system)


def _made_from(c: Connections, pool: Pool) -> bool:
    """Say whether a pool's parent and snapshot are in a vCenter. Raises UserError where one could not be asked."""
    return any(
        c.vcenter(vcenter).parent_and_snapshot(pool.parent_vm, pool.parent_snapshot).snapshot
        for vcenter in c.profile.vcenters
    )


def recovery_password(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Where exports are encrypted, try the data recovery password on the newest file of View's own backup."""
    return each_system("recovery-password", [(f"winrm:{c.profile.brokers[0].host.name}", partial(_recovery, c))])


def _recovery(c: Connections) -> Observation:
    broker, key = c.profile.brokers[0], "recovery-password"
    needed = text("Where exports are encrypted, the data recovery password must be known.")
    system = f"winrm:{broker.host.name}"
    version = c.broker(broker).version()
    if not encrypts(version):
        return Observation(
            key, State.PASSED, text("View {version} exports in plain.", version=version), needed, system=system
        )
    remedy = text("Store the password under the name recovery@{environment}.", environment=c.profile.environment)
    if c.host(broker.host).file(vdm_tool(broker, "vdmimport")) is None:
        found = text("vdmimport, which would try it, is missing on {host}.", host=broker.host.name)
        return Observation(key, State.UNKNOWN, found, needed, text("Correct the folder in the profile."), system)
    newest = _newest_export(c, broker)
    if newest is None:
        found = text("There is no file of View's own backup to try it on; it will be tried on the export.")
        return Observation(key, State.UNKNOWN, found, needed, remedy, system)
    password = c.passwords.of("recovery", c.profile.environment)
    return msgspec.structs.replace(c.broker(broker).try_recovery_password(newest, password), key=key)


def _told(what: str, version: str, system: str) -> Observation:
    if not version or version == UNKNOWN:
        found = text("The version of {what} cannot be told.", what=what)
        remedy = text("Note it by hand beside the set: a restore needs exactly that version.")
        return Observation("versions", State.UNKNOWN, found, text("Its exact version."), remedy, system)
    return Observation("versions", State.PASSED, text("{what}: {version}.", what=what, version=version), system=system)


def _newest_export(c: Connections, broker: Broker) -> str | None:
    exports = [f for f in built_in_files(c, broker) if f.path.upper().endswith(".LDF")]
    return max(exports, key=lambda file: file.modified).path if exports else None
