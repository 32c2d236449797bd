"""Scenes about the stores: versions, encrypted exports, certificates, parents, a foreign schema."""

from __future__ import annotations

import msgspec

from app.lab import builtin, directory
from app.lab.rows import Broker, Database, HostFile, LdsEntry, Managed, SqlServer, Vm
from app.lab.scenes.stage import Stage, scene
from app.texts import text

ENCRYPTING = ("5.1.0", "799444")
RECOVERY = "recovery"


@scene(
    "encrypted-export",
    text("View is 5.1: exports are encrypted with the data recovery password."),
    shows=(("recovery-password", "passed"),),
)
def _encrypted_export(stage: Stage) -> None:
    _encrypting(stage)
    _nightly(stage)


@scene(
    "recovery-password-lost",
    text("View is 5.1, and the data recovery password is another one than was kept."),
    shows=(("recovery-password", "blocked"),),
)
def _recovery_password_lost(stage: Stage) -> None:
    _encrypting(stage, RECOVERY + "-changed")
    _nightly(stage)


@scene(
    "built-in-backups-missing",
    text("View is 5.1, and there is no file of its own backup to try the data recovery password on."),
    shows=(("recovery-password", "unknown"),),
)
def _built_in_backups_missing(stage: Stage) -> None:
    _encrypting(stage)
    stage.drop(*_built_in(stage))


def _encrypting(stage: Stage, password: str = RECOVERY) -> None:
    version, build = ENCRYPTING
    for broker in stage.world.all(Broker):
        stage.put(msgspec.structs.replace(broker, version=version, build=build, recovery_password=password))


def _built_in(stage: Stage) -> list[HostFile]:
    folder = builtin.FOLDER.lower() + "\\"
    return [file for file in stage.world.all(HostFile, host="broker1") if file.key_path.startswith(folder)]


def _nightly(stage: Stage) -> None:
    """The files of last night's built-in backup are encrypted as well."""
    from app.lab.windows import recovery

    password = stage.lab.passwords.of(stage.world.require(Broker, "broker1").recovery_password)
    for file in _built_in(stage):
        if file.key_path.endswith(".ldf"):
            sealed = stage.world.new_file(
                "broker1", file.path, recovery.encrypt(stage.world.content(file.blob), password)
            )
            stage.put(msgspec.structs.replace(sealed, modified=file.modified))


@scene(
    "version-mismatch",
    text("The brokers of the group have different versions: an upgrade is half done."),
    shows=(("versions", "blocked"),),
)
def _version_mismatch(stage: Stage) -> None:
    broker = stage.world.require(Broker, "broker2")
    stage.put(msgspec.structs.replace(broker, version="5.0.0", build="481677"))


@scene(
    "certificate-changed",
    text("A system shows another certificate than before (system=winrm:broker1)."),
    options=("system",),
)
def _certificate_changed(stage: Stage) -> None:
    stage.new_certificate(stage.options.get("system", "winrm:broker1"), expired=False)


@scene(
    "certificate-expired",
    text("A system shows a certificate that ran out yesterday (system=winrm:broker1)."),
    options=("system",),
)
def _certificate_expired(stage: Stage) -> None:
    stage.new_certificate(stage.options.get("system", "winrm:broker1"), expired=True)


@scene(
    "password-changed",
    text("An account has got another password (account=vksql)."),
    options=("account",),
)
def _password_changed(stage: Stage) -> None:
    stage.new_password(stage.options.get("account", "vksql"))


@scene(
    "parent-missing",
    text("The parent VM of a linked-clone pool has been deleted."),
    shows=(("parents", "warning"),),
)
def _parent_missing(stage: Stage) -> None:
    stage.drop(*stage.world.all(Vm, vcenter="vc1", name="win7-kiosk"))


@scene(
    "snapshot-missing",
    text("The snapshot that a linked-clone pool is made from has been deleted."),
    shows=(("parents", "warning"),),
)
def _snapshot_missing(stage: Stage) -> None:
    parent = stage.world.all(Vm, vcenter="vc1", name="win7-sales")[0]
    stage.put(msgspec.structs.replace(parent, snapshots=parent.snapshots[:1]))


@scene(
    "foreign-composer-schema",
    text("Composer's database has other tables than those that are known."),
    shows=(("progress/composer", "unknown"), ("scheduled", "unknown")),
)
def _foreign_composer_schema(stage: Stage) -> None:
    for database in stage.world.all(Database, content="composer:composer1"):
        stage.put(msgspec.structs.replace(database, schema="foreign"))


@scene("no-high-availability", text("vSphere HA is off in the cluster."))
def _no_high_availability(stage: Stage) -> None:
    for cluster in stage.world.all(Managed, vcenter="vc1", kind="ClusterComputeResource"):
        configuration = cluster.properties["configuration"]
        off = {**configuration, "dasConfig": {**configuration["dasConfig"], "enabled": False}}
        stage.put(msgspec.structs.replace(cluster, properties={**cluster.properties, "configuration": off}))


@scene(
    "sql-clustered",
    text("The SQL Servers are failover clusters, as the paper recommends."),
    shows=(("single-points", "passed"),),
)
def _sql_clustered(stage: Stage) -> None:
    for server in stage.world.all(SqlServer):
        stage.put(msgspec.structs.replace(server, clustered=True))


@scene(
    "nothing-drains",
    text("No floating pool refreshes or deletes desktops at logoff."),
    shows=(("draining", "passed"),),
)
def _nothing_drains(stage: Stage) -> None:
    for facts in directory.pools(stage.world, "view"):
        if facts.linked:
            entry = stage.world.require(LdsEntry, facts.group, facts.dn.lower())
            stage.put(directory.with_values(entry, pae_SVIVmRefreshPolicy="Never", pae_VmDeletePolicy="Default"))


@scene(
    "vcenter-not-described",
    text("View uses one more vCenter, with a Composer: somebody has added it since the profile was written."),
    shows=(("described", "warning"),),
)
def _vcenter_not_described(stage: Stage) -> None:
    group = stage.world.require(Broker, "broker1").group
    first = next(one for one in directory.below(stage.world, group, directory.VCENTERS) if one.first("pae-SVIURL"))
    url = "https://vcenter3.practice.example:443/sdk"
    added = directory.with_values(first, cn="8d2c0b5e-0000-4000-8000-000000000003", pae_VCURL=url)
    stage.put(msgspec.structs.replace(added, dn=f"CN={added.first('cn')},{directory.VCENTERS}"))
