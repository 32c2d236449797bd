"""The table: what is looked at before a backup, and what a bad or an unknown answer does. Help prints it."""

from __future__ import annotations

from collections.abc import Iterator

from app.connectors.connections import Connections
from app.observation import Observation
from app.runbooks.checks import history, hosts, rights, single, space, stores, work
from app.runbooks.checks.check import Check, Meaning, Surroundings
from app.texts import text

BLOCKS, WARNS = Meaning.BLOCKS, Meaning.WARNS
PAPER = text("(paper: Back up AD LDS, step 1)")

CHECKS: tuple[Check, ...] = (
    Check("notice", text("Another run"), text("Two runs would undo each other."), BLOCKS, BLOCKS, history.others),
    Check("services", text("Services"), text("The tools need them."), BLOCKS, BLOCKS, hosts.services),
    Check("clustered", text("Clusters"), text("A stop would be a failover."), BLOCKS, BLOCKS, hosts.clustered),
    Check("progress/view", text("Work in View"), PAPER, BLOCKS, BLOCKS, work.in_view),
    Check("progress/vcenter", text("Work in vCenter"), PAPER, BLOCKS, BLOCKS, work.in_vcenter),
    Check("progress/composer", text("Work in Composer"), PAPER, BLOCKS, WARNS, work.in_composer),
    Check("scheduled", text("Scheduled work"), text("Off does not stop it."), BLOCKS, WARNS, work.scheduled),
    Check("draining", text("Work at logoff"), text("Off does not stop it."), WARNS, WARNS, work.draining),
    Check(
        "built-in", text("View's own backup"), text("Both would export at once."), BLOCKS, WARNS, work.built_in_backup
    ),
    Check("versions", text("Versions"), text("A restore needs exactly these."), BLOCKS, WARNS, stores.versions),
    Check(
        "rights/view",
        text("Rights in View"),
        text("What is switched off must be switched on."),
        BLOCKS,
        BLOCKS,
        rights.view,
    ),
    Check("rights/sql", text("Rights in SQL Server"), text("The proof is in msdb."), BLOCKS, BLOCKS, rights.sql),
    Check(
        "rights/sql-service",
        text("SQL Server's own account"),
        text("It writes the file."),
        BLOCKS,
        WARNS,
        rights.sql_service,
    ),
    Check("rights/vcenter", text("Rights in vCenter"), text("Else parts are missing."), BLOCKS, BLOCKS, rights.vcenter),
    Check("tools", text("Tools"), text("View's own tools do the work."), BLOCKS, BLOCKS, hosts.tools),
    Check("space", text("Free space"), text("A full disk ends a backup half-way."), BLOCKS, WARNS, space.space),
    Check(
        "security-servers",
        text("Security Servers"),
        text("Users come in by them."),
        WARNS,
        WARNS,
        hosts.security_servers,
    ),
    Check("clocks", text("Clocks"), text("The set's times rest on them."), WARNS, WARNS, hosts.clocks),
    Check("winrm", text("WinRM"), text("All commands travel over it."), WARNS, BLOCKS, hosts.winrm),
    Check(
        "parents",
        text("Parents and snapshots"),
        text("Without them no clone can be made again."),
        WARNS,
        WARNS,
        stores.parents,
    ),
    Check(
        "recovery-password",
        text("Recovery password"),
        text("Without it the export is worthless."),
        BLOCKS,
        WARNS,
        stores.recovery_password,
    ),
    Check(
        "more-off", text("Pools that are off"), text("It may be someone else's freeze."), WARNS, WARNS, history.more_off
    ),
    Check(
        "single-points",
        text("Single points"),
        text("The paper urges high availability."),
        WARNS,
        WARNS,
        single.single_points,
    ),
    Check("age", text("Age of the last set"), text("A backup that is old is none."), WARNS, WARNS, history.age),
)


def look(c: Connections, around: Surroundings) -> Iterator[tuple[Check, Observation]]:
    """Ask everything, in the order of the table, and give each answer as it comes."""
    for check in CHECKS:
        for seen in check.answers(c, around):
            yield check, seen
