"""The table: what is looked at before a backup, and what a bad or an unknown answer does. Help prints it."""

from __future__ import annotations

from collections.abc import Iterator

from app.connectors.connections import Connections
from app.observation import Observation
from app.runbooks.checks import described, history, hosts, rights, single, space, stores, work
from app.runbooks.checks.check import Check, Meaning, Surroundings
from app.texts import text

BLOCKS, WARNS = Meaning.BLOCKS, Meaning.WARNS
STEP_1 = text("(paper: Back up AD LDS, step 1)")

CHECKS: tuple[Check, ...] = (
    Check(
        "notice", text("Another run"), text("Two runs would undo each other."),
        text("No other run may be going on, and none may have left something off."),
        BLOCKS, BLOCKS, history.others,
    ),
    Check(
        "services", text("Services"), text("The tools need them. (paper: Restore, step 8)"),
        text("AD LDS, Connection Server and Composer must be running."),
        BLOCKS, BLOCKS, hosts.services,
    ),
    Check(
        "clustered", text("Clusters"), text("A stop would be a failover."),
        text("Services that will be stopped must not be clustered."),
        BLOCKS, BLOCKS, hosts.clustered,
    ),
    Check(
        "progress/view", text("Work in View"), STEP_1,
        text("No desktop may be in the making or being deleted."),
        BLOCKS, BLOCKS, work.in_view,
    ),
    Check(
        "progress/vcenter", text("Work in vCenter"), STEP_1,
        text("No task that creates, changes or deletes VMs may be queued or running."),
        BLOCKS, BLOCKS, work.in_vcenter,
    ),
    Check(
        "progress/composer", text("Work in Composer"), STEP_1,
        text("Composer must not be working on a request."),
        BLOCKS, WARNS, work.in_composer,
    ),
    Check(
        "scheduled", text("Scheduled work"), text("Provisioning off does not stop it."),
        text("Nothing should begin while the backup runs."),
        BLOCKS, WARNS, work.scheduled,
    ),
    Check(
        "draining", text("Work at logoff"), text("Provisioning off does not stop it."),
        text("No desktop should be refreshed or deleted at logoff while the stores are captured."),
        WARNS, WARNS, work.draining,
    ),
    Check(
        "built-in", text("View's own backup"), text("Both would export at once."),
        text("View's own backup must not be running."),
        BLOCKS, WARNS, work.built_in_backup,
    ),
    Check(
        "described", text("What View uses"), text("What the profile does not name, no set holds."),
        text("Every vCenter, Composer and broker that View uses must be in the profile."),
        WARNS, WARNS, described.described,
    ),
    Check(
        "versions", text("Versions"), text("A restore needs exactly these."),
        text("The brokers must have one version; all versions should be known."),
        BLOCKS, WARNS, stores.versions,
    ),
    Check(
        "rights/view", text("Rights in View"), text("What is switched off must be switched on again."),
        text("The account must have the View role Administrators."),
        BLOCKS, BLOCKS, rights.view,
    ),
    Check(
        "rights/sql", text("Rights in SQL Server"), text("The proof of a backup is in msdb."),
        text("The logins must be able to back up their databases and to read msdb."),
        BLOCKS, BLOCKS, rights.sql,
    ),
    Check(
        "rights/sql-service", text("SQL Server's own account"), text("It writes the backup's file."),
        text("SQL Server's service account must be able to write into the backup folder."),
        BLOCKS, WARNS, rights.sql_service,
    ),
    Check(
        "rights/vcenter", text("Rights in vCenter"), text("Else parts are missing. (paper: Back up vSphere)"),
        text("The account must be able to read vCenter's inventory."),
        BLOCKS, BLOCKS, rights.vcenter,
    ),
    Check(
        "tools", text("Tools"), text("The makers' own tools do the work. (paper: Back up AD LDS, step 3)"),
        text("vdmexport, View PowerCLI and aspnet_regiis must be there."),
        BLOCKS, BLOCKS, hosts.tools,
    ),
    Check(
        "space", text("Free space"), text("A full disk ends a backup half-way."),
        text("There must be room on the hosts, for the databases, and in the repository."),
        BLOCKS, WARNS, space.space,
    ),
    Check(
        "security-servers", text("Security Servers"), text("Users come in by them. (paper: table 6)"),
        text("Security Servers should be running."),
        WARNS, WARNS, hosts.security_servers,
    ),
    Check(
        "clocks", text("Clocks"), text("The set's times rest on them."),
        text("All clocks should tell the same time."),
        WARNS, WARNS, hosts.clocks,
    ),
    Check(
        "winrm", text("WinRM"), text("All commands travel over it."),
        text("WinRM must answer on every host, and allow enough."),
        WARNS, BLOCKS, hosts.winrm,
    ),
    Check(
        "parents", text("Parents and snapshots"), text("Without them no clone can be made again."),
        text("Each linked-clone pool's parent and snapshot must exist."),
        WARNS, WARNS, stores.parents,
    ),
    Check(
        "recovery-password", text("Recovery password"), text("Without it an encrypted export is worthless."),
        text("Where exports are encrypted, the data recovery password must be known."),
        BLOCKS, WARNS, stores.recovery_password,
    ),
    Check(
        "more-off", text("Pools that are off"), text("It may be someone else's freeze."),
        text("No more pools should be off than at the last backup."),
        WARNS, WARNS, history.more_off,
    ),
    Check(
        "single-points", text("Single points"), text("The paper urges high availability. (paper: table 6)"),
        text("Brokers, databases and clusters should outlast the loss of one machine."),
        WARNS, WARNS, single.single_points,
    ),
    Check(
        "age", text("Age of the last set"), text("The paper wants one every day. (paper: table 6)"),
        text("The last backup set should be younger than a day."),
        WARNS, WARNS, history.age,
    ),
)  # fmt: skip


def look(c: Connections, around: Surroundings) -> Iterator[tuple[Check, Observation]]:
    """Ask everything, in the order of the table, and give each answer as it comes."""
    for check in CHECKS:
        for seen in check.answers(c, around):
            yield check, seen
