"""May the accounts do what a backup needs? Looked at without doing it."""

from __future__ import annotations

from functools import partial

from app.connectors.connections import Connections
from app.observation import Observation, State
from app.profile import Database, VCenter
from app.runbooks.checks.check import Surroundings, each_system
from app.runbooks.temporary import folder_for
from app.texts import text

PRIVILEGES = ("System.View", "System.Read", "Datastore.Browse", "Datastore.FileManagement", "Host.Config.Firmware")
WRITES = ("FullControl", "Modify", "Write", "CreateFiles", "WriteData")


def view(c: Connections, _around: Surroundings) -> Observation:
    """Look whether the account may switch provisioning in View."""
    return c.broker().may_change()


def sql(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether the logins may back up their databases and read msdb."""
    seen: list[Observation] = []
    for database in c.profile.databases():
        system = f"sql:{database.server.name}"

        def ask(database: Database = database) -> Observation:
            return _worst(c.database_server(database.server).rights(database.name), database)

        seen += each_system("rights/sql", [(system, ask)])
    return tuple(seen)


def sql_service(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether each SQL Server's service account may write into the folder of the backups."""
    own = [d for d in c.profile.databases() if d.backed_up_by == "program" and d.server.host]
    first = {database.server.name: database for database in own}
    return each_system(
        "rights/sql-service",
        ((f"sql:{name}", partial(_may_write, c, database)) for name, database in first.items()),
    )


def vcenter(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look which privileges of a backup the account lacks on each vCenter's root."""

    def ask(vcenter: VCenter) -> Observation:
        held = c.vcenter(vcenter).has_privileges(PRIVILEGES)
        lacking = [name for name in PRIVILEGES if not held.get(name)]
        system = f"vcenter:{vcenter.name}"
        needed = text("Privileges on the root folder: {names}.", names=", ".join(PRIVILEGES))
        if not lacking:
            return Observation("rights/vcenter", State.PASSED, text("All are there."), needed, system=system)
        found = text("{account} lacks: {names}.", account=vcenter.account, names=", ".join(lacking))
        reading = {"System.View", "System.Read"} & set(lacking)
        remedy = text("Give the account a role with these privileges; without them those parts are left out.")
        return Observation("rights/vcenter", State.BLOCKED if reading else State.WARNING, found, needed, remedy, system)

    return each_system(
        "rights/vcenter", ((f"vcenter:{vcenter.name}", partial(ask, vcenter)) for vcenter in c.profile.vcenters)
    )


def _worst(seen: tuple[Observation, ...], database: Database) -> Observation:
    order = (State.BLOCKED, State.UNKNOWN, State.WARNING)
    for state in order:
        for observation in seen:
            if observation.state is state:
                return observation
    found = text("{database}: the login may back it up and read msdb.", database=database.name)
    return Observation("rights/sql", State.PASSED, found, system=f"sql:{database.server.name}")


def _may_write(c: Connections, database: Database) -> Observation:
    """Compare the access list of the folder with the account that the SQL Server's service runs as."""
    assert database.server.host is not None, "asked only where the server's host is known"
    host, key = c.host(database.server.host), "rights/sql-service"
    system, folder = f"winrm:{host.name}", folder_for(c, database)
    needed = text("SQL Server's service account must be able to write into {folder}.", folder=folder)
    accounts = {
        s.account for s in host.services() if s.name.upper() == "MSSQLSERVER" or s.name.upper().startswith("MSSQL$")
    }
    if len(accounts) != 1:
        found = text("Which account the service runs as is not clear on {host}.", host=host.name)
        return Observation(key, State.UNKNOWN, found, needed, text("Look at its service there."), system)
    [account] = accounts
    if account.lower() in ("localsystem", r"nt authority\system"):
        return Observation(key, State.PASSED, text("It runs as LocalSystem."), needed, system=system)
    granted = [entry for entry in host.acl(folder) if entry.who.lower() == account.lower()]
    denied = any(not entry.allowed and _writes(entry.rights) for entry in granted)
    if any(entry.allowed and _writes(entry.rights) for entry in granted) and not denied:
        return Observation(
            key, State.PASSED, text("{account} may write there.", account=account), needed, system=system
        )
    found = text("{account} has no right of its own to write there.", account=account)
    remedy = text('Give it: icacls "{folder}" /grant "{account}:(OI)(CI)M"', folder=folder, account=account)
    return Observation(key, State.BLOCKED, found, needed, remedy, system)


def _writes(rights: tuple[str, ...]) -> bool:
    return any(right in WRITES for right in rights)
