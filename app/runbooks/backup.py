"""The paper's backup of a View environment, to be read beside it.

vSphere → confirm → provisioning off → drained → AD LDS → Composer stopped → Composer database and keys
→ vCenter database and files → Composer started → desktop states compared → provisioning on → fetched, read, complete
"""

from __future__ import annotations

from collections.abc import Iterator

from app.engine.step import Bracket, Parallel, Part, Runbook
from app.profile import Composer, Database, Host, Profile, VCenter, may_be_kept
from app.runbooks import databases
from app.runbooks.adlds import ExportAdLds
from app.runbooks.completing import ByDba, CompleteSet, Source
from app.runbooks.confirming import ConfirmNothingInProgress
from app.runbooks.fetching import Fetch, ReadAdLds, ReadKeys
from app.runbooks.keys import ExportKeyContainer
from app.runbooks.provisioning import CLOSER as PROVISIONING_ON
from app.runbooks.provisioning import CompareDesktopStates, ProvisioningOff, WaitUntilDrained
from app.runbooks.services import CLOSER as SERVICE_STARTED
from app.runbooks.services import ServiceStopped, StillStopped
from app.runbooks.temporary import CLOSER as TEMPORARY_REMOVED
from app.runbooks.temporary import TemporaryFiles
from app.runbooks.vcenterfiles import NoteVCenterFiles
from app.runbooks.vsphere import SaveHostBundles, SaveInventory, SaveVmx
from app.texts import text
from app.view import components

FREEZE = "backup/freeze"


def backup(profile: Profile) -> Runbook:
    """Return what a backup of this environment does, in the paper's order. ValueError where a database's backup would
    be made and could not come into the set: `profile.check` tells people of it."""
    for database in profile.databases():
        if database.backed_up_by == "program" and not may_be_kept(database, profile.repository):
            raise ValueError(f"the backup of {database.name} could not come into the set")
    events_before = profile.options.event_database == "before"
    return Runbook(
        "backup",
        text("Back up {environment}", environment=profile.environment),
        (
            *(part for vcenter in profile.vcenters for part in vsphere(vcenter)),
            ConfirmNothingInProgress(),
            Bracket(
                TemporaryFiles(_temporary_hosts(profile), _own_databases(profile), closer=TEMPORARY_REMOVED),
                (
                    *(event_database(profile) if events_before else ()),
                    freeze(profile),
                    *(() if events_before else event_database(profile)),
                    *fetch(profile),
                ),
            ),
            CompleteSet(tuple(sources(profile)), cores(profile), tuple(by_dba(profile)), needed(profile)),
        ),
    )


def vsphere(vcenter: VCenter) -> tuple[Part, ...]:
    """The paper's first step, as far as vCenter's API and the hosts reach: disks are for image backups."""
    why = text("Back up vSphere first. (paper: View backup steps, Back up vSphere)")
    key, name = f"backup/vsphere/{vcenter.name}", vcenter.name
    return (
        SaveInventory(vcenter, f"{key}/inventory", text("Save the inventory of {vcenter}", vcenter=name), why=why),
        SaveVmx(vcenter, f"{key}/vmx", text("Save every .vmx of {vcenter}", vcenter=name), why=why, may_skip=True),
        SaveHostBundles(
            vcenter, f"{key}/hosts", text("Save the hosts' configuration of {vcenter}", vcenter=name), why=why,
            may_skip=True,
        ),
    )  # fmt: skip


def freeze(profile: Profile) -> Bracket:
    """Provisioning off on every pool; all stores captured close together; on again where it was on."""
    broker = profile.brokers[0]
    why = text("While provisioning is off the stores cannot drift apart. (paper: Back up AD LDS, steps 2 and 3)")
    exports = (
        ExportAdLds(broker, f"{FREEZE}/ad-lds", text("Export AD LDS with vdmexport"), why=why, weight=3.0),
        ExportAdLds(
            broker, f"{FREEZE}/ad-lds-cleansed", text("Export AD LDS without secrets, to count by"), cleansed=True,
            why=why,
        ),
    )  # fmt: skip
    stores = composers_stopped(profile, profile.composers)
    if profile.options.stop_connection_server:
        stores = (connection_server_stopped(profile, stores),)
    return Bracket(
        ProvisioningOff(broker.host.name, closer=PROVISIONING_ON, why=why, may_cut=True),
        (
            WaitUntilDrained(profile.options.drain_minutes, why=why),
            *((Parallel((exports, stores)),) if profile.options.side_by_side else (*exports, *stores)),
            CompareDesktopStates(
                why=text("Clones that fell into error are mended by a refresh. (paper: note on Composer)")
            ),
        ),
    )


def connection_server_stopped(profile: Profile, body: tuple[Part, ...]) -> Bracket:
    """On request only: the paper's sample script stops wsbroker, its procedure does not. Sessions in a tunnel drop."""
    broker = profile.brokers[0]
    opening = ServiceStopped(
        f"{FREEZE}/connection-server", text("Stop the Connection Server"), broker.host, broker.service,
        closer=SERVICE_STARTED, why=text("Asked for in the profile. (paper: appendix A)"),
    )  # fmt: skip
    return Bracket(opening, body)


def composers_stopped(profile: Profile, composers: tuple[Composer, ...]) -> tuple[Part, ...]:
    """Every Composer stopped while its database, its keys and the vCenter databases are captured."""
    if not composers:
        return captures(profile)
    first, *others = composers
    opening = ServiceStopped(
        f"{FREEZE}/composer/{first.host.name}", text("Stop View Composer on {host}", host=first.host.name),
        first.host, first.service, closer=SERVICE_STARTED,
        why=text("A stopped Composer leaves a clean database. (paper: Back up the Composer database, step 1)"),
    )  # fmt: skip
    return (Bracket(opening, composers_stopped(profile, tuple(others))),)


def captures(profile: Profile) -> tuple[Part, ...]:
    """What is captured while the Composers are stopped."""
    of_composer = text(
        "The Composer database, by the proven means of its server. (paper: Back up the Composer database)"
    )
    of_keys = text("A new Composer needs the original's RSA keys. (paper: note on the RSA key container)")
    of_vcenter = text("The vCenter database, before Composer starts again. (paper: Back up the vCenter database)")
    parts: list[Part] = []
    for composer in profile.composers:
        name = composer.host.name
        title = text("Back up the Composer database of {host}", host=name)
        parts += databases.capture(_composer_key(composer), title, composer.database, of_composer)
        title = text("Export the RSA keys of {host}", host=name)
        parts.append(ExportKeyContainer(composer, f"{FREEZE}/keys/{name}", title, why=of_keys))
    for vcenter in profile.vcenters:
        if vcenter.database:
            title = text("Back up the database of {vcenter}", vcenter=vcenter.name)
            parts += databases.capture(_vcenter_key(vcenter), title, vcenter.database, of_vcenter)
        if vcenter.host:
            title = text("Note vpxd.cfg and the SSL folder of {vcenter}", vcenter=vcenter.name)
            parts.append(NoteVCenterFiles(vcenter, f"{FREEZE}/vcenter-files/{vcenter.name}", title, why=of_vcenter))
    for composer in profile.composers:
        host = composer.host
        title = text("Look whether View Composer on {host} stayed stopped", host=host.name)
        parts.append(StillStopped(f"{FREEZE}/composer-stayed/{host.name}", title, host, composer.service))
    return tuple(parts)


def event_database(profile: Profile) -> tuple[Part, ...]:
    """History, not needed for View to work: beside the freeze, not in it (the paper's table 6)."""
    if profile.event_database is None:
        return ()
    why = text("Events are history; View works without them. (paper: table 6)")
    return databases.capture("backup/events", text("Back up the event database"), profile.event_database, why)


def fetch(profile: Profile) -> tuple[Part, ...]:
    """Bring everything into the set, and read what was brought."""
    broker = profile.brokers[0].host
    parts: list[Part] = [
        Fetch(f"{FREEZE}/ad-lds", broker, "ad-lds", "backup/fetch/ad-lds", text("Fetch the AD LDS export")),
        Fetch(
            f"{FREEZE}/ad-lds-cleansed", broker, "ad-lds", "backup/fetch/ad-lds-cleansed",
            text("Fetch the export without secrets"),
        ),
    ]  # fmt: skip
    for source in sources(profile):
        if source.component == components.AD_LDS or source.key == source.captured:
            continue  # brought above, or written into the set at once
        host = next(host for host in profile.hosts() if f"winrm:{host.name}" == source.system)
        folder = source.key.removeprefix("backup/fetch/")
        parts.append(Fetch(source.captured, host, folder, source.key, text("Fetch {what}", what=folder)))
    parts.append(ReadAdLds(profile.brokers[0]))
    for composer in profile.composers:
        name = composer.host.name
        title = text("Read the RSA keys of {host}", host=name)
        parts.append(ReadKeys(f"backup/fetch/composer-keys/{name}", f"backup/read/keys/{name}", title))
    return tuple(parts)


def sources(profile: Profile) -> list[Source]:
    """Return which step's evidence names which part of the set, in the order of the manifest."""
    broker = f"winrm:{profile.brokers[0].host.name}"
    found = [
        Source("backup/fetch/ad-lds", f"{FREEZE}/ad-lds", components.AD_LDS, broker),
        Source("backup/fetch/ad-lds-cleansed", f"{FREEZE}/ad-lds-cleansed", components.AD_LDS, broker),
    ]
    for composer in profile.composers:
        name = composer.host.name
        found += _database_source(_composer_key(composer), composer.database, components.COMPOSER_DATABASE)
        found.append(
            Source(
                f"backup/fetch/composer-keys/{name}", f"{FREEZE}/keys/{name}", components.COMPOSER_KEYS, f"winrm:{name}"
            )
        )
    for vcenter in profile.vcenters:
        name = vcenter.name
        if vcenter.database:
            found += _database_source(_vcenter_key(vcenter), vcenter.database, components.VCENTER_DATABASE)
        if vcenter.host:
            captured, system = f"{FREEZE}/vcenter-files/{name}", f"winrm:{vcenter.host.name}"
            found.append(Source(f"backup/fetch/vcenter-files/{name}", captured, components.VCENTER_FILES, system))
        for what in ("inventory", "vmx", "hosts"):
            key = f"backup/vsphere/{name}/{what}"
            found.append(Source(key, key, components.VSPHERE, f"vcenter:{name}"))
    if profile.event_database:
        found += _database_source("backup/events", profile.event_database, components.EVENT_DATABASE)
    return found


def by_dba(profile: Profile) -> Iterator[ByDba]:
    """Yield the databases that the DBA backs up: they stay where the DBA puts them, the set holds the proof."""
    found = [(_composer_key(one), components.COMPOSER_DATABASE, one.database) for one in profile.composers]
    found += [
        (_vcenter_key(one), components.VCENTER_DATABASE, one.database) for one in profile.vcenters if one.database
    ]
    if profile.event_database:
        found.append(("backup/events", components.EVENT_DATABASE, profile.event_database))
    return (ByDba(key, component, database) for key, component, database in found if database.backed_up_by == "dba")


def cores(profile: Profile) -> tuple[str, ...]:
    """Return the captures between which the skew is measured: AD LDS, Composer's and vCenter's databases."""
    composers = [_composer_key(composer) for composer in profile.composers]
    vcenters = [_vcenter_key(vcenter) for vcenter in profile.vcenters if vcenter.database]
    return (f"{FREEZE}/ad-lds", *composers, *vcenters)


def needed(profile: Profile) -> tuple[str, ...]:
    """Return the captures without which there is no set: AD LDS, Composers' keys, and every database."""
    keys = [f"{FREEZE}/keys/{composer.host.name}" for composer in profile.composers]
    events = ["backup/events"] if profile.event_database else []
    return (*cores(profile), *keys, *events)


def _composer_key(composer: Composer) -> str:
    return f"{FREEZE}/composer-database/{composer.host.name}"


def _vcenter_key(vcenter: VCenter) -> str:
    return f"{FREEZE}/vcenter-database/{vcenter.name}"


def _database_source(captured: str, database: Database, component: str) -> list[Source]:
    """A DBA's own backup stays where the DBA put it; what we make is fetched from its server's host."""
    if database.backed_up_by == "dba":
        return []
    if database.straight_to_repository:
        return [Source(captured, captured, component, f"sql:{database.server.name}")]
    assert database.server.host is not None, "backup() refuses such a database"
    key = f"backup/fetch/{databases.folder_in_set(captured)}"
    return [Source(key, captured, component, f"winrm:{database.server.host.name}")]


def _own_databases(profile: Profile) -> tuple[Database, ...]:
    """Databases whose backups lie on their servers until they are fetched."""
    own = (database for database in profile.databases() if database.backed_up_by == "program")
    return tuple(database for database in own if not database.straight_to_repository)


def _temporary_hosts(profile: Profile) -> tuple[Host, ...]:
    return (profile.brokers[0].host, *(composer.host for composer in profile.composers))
