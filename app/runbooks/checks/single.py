"""Single points: what has no second. The paper strongly recommends high availability for the databases."""

from __future__ import annotations

from functools import partial

from app.connectors.connections import Connections
from app.errors import CouldNotLook
from app.observation import Observation, State
from app.profile import Database, VCenter
from app.runbooks import progress
from app.runbooks.checks.check import Asked, Surroundings, each_system
from app.texts import text

KEY = "single-points"
HA = "configuration.dasConfig.enabled"


def single_points(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Name what has no second: brokers, databases, and clusters without vSphere HA."""
    asked: list[Asked] = [("", partial(_brokers, c))]
    asked += [(f"sql:{database.server.name}", partial(_database, c, database)) for database in c.profile.databases()]
    asked += [(f"vcenter:{vcenter.name}", partial(_clusters, c, vcenter)) for vcenter in c.profile.vcenters]
    return each_system(KEY, asked)


def _brokers(c: Connections) -> Observation:
    found = text("{count} brokers in the profile.", count=len(c.profile.brokers))
    needed = text("Two brokers at least, so that one may fail.")
    state = State.PASSED if len(c.profile.brokers) > 1 else State.WARNING
    return Observation(KEY, state, found, needed, text("Add a replica."))


def _database(c: Connections, database: Database) -> Observation:
    system = f"sql:{database.server.name}"
    needed = text("The paper strongly recommends high availability for SQL Server. (paper: table 6)")
    server = c.database_server(database.server)
    about = server.about()
    name = database.name
    if about.clustered:
        return Observation(
            KEY, State.PASSED, text("{name}: its SQL Server is clustered.", name=name), needed, system=system
        )
    if server.facts(name).mirrored:
        return Observation(KEY, State.PASSED, text("{name} is mirrored.", name=name), needed, system=system)
    if about.hadr:
        found = text(
            "{name}: its SQL Server can have availability groups; whether it is in one is not looked at.", name=name
        )
        return Observation(KEY, State.UNKNOWN, found, needed, text("Look at the availability groups there."), system)
    found = text("{name} is neither clustered nor mirrored.", name=name)
    remedy = text("Consider clustering or mirroring; until then a restore is the only way back.")
    return Observation(KEY, State.WARNING, found, needed, remedy, system)


def _clusters(c: Connections, vcenter: VCenter) -> Observation:
    system = f"vcenter:{vcenter.name}"
    needed = text("vSphere HA starts desktops and servers again when a host fails. (paper: table 6)")
    without, unread = [], []
    for cluster in c.vcenter(vcenter).read("ClusterComputeResource", ("name", HA)):
        name = cluster.text("name") or cluster.moid
        if HA not in cluster.values:
            unread.append(name)
        elif not cluster.values[HA]:
            without.append(name)
    if without:
        found = text("Clusters without vSphere HA: {names}.", names=progress.some(without))
        return Observation(KEY, State.WARNING, found, needed, text("Switch vSphere HA on in them."), system)
    if unread:
        raise CouldNotLook(
            text("Whether these clusters have vSphere HA is not told: {names}.", names=progress.some(unread)),
            do=text("Give the account the right to read there."),
        )
    return Observation(KEY, State.PASSED, text("vSphere HA is on in every cluster."), needed, system=system)
