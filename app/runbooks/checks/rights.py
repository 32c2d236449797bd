"""May the accounts do what a backup needs? Looked at without doing it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from app.connectors.connections import Connections
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.profile import Database, VCenter
from app.runbooks.checks.check import Surroundings, each_system
from app.runbooks.temporary import folder_for
from app.texts import NOTHING, Text, listed, text

if TYPE_CHECKING:
    from app.connectors.winrm import WinRm

PRIVILEGES = ("System.View", "System.Read", "Datastore.Browse", "Datastore.FileManagement", "Host.Config.Firmware")
WRITES = ("FullControl", "Modify", "Write", "CreateFiles", "WriteData")
SYSTEM = frozenset({"localsystem", r"nt authority\system"})
EVERYBODY = frozenset({"everyone", r"nt authority\authenticated users", r"builtin\users"})
NOBODY = frozenset({r"nt authority\system", "creator owner", r"nt service\trustedinstaller"})


def view(c: Connections, _around: Surroundings) -> Observation:
    """Look whether the account may switch provisioning in View."""
    return c.broker().may_change()


def sql(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether the logins may back up their databases and read msdb; for what the DBA backs up, the latter."""
    seen: list[Observation] = []
    for database in c.profile.databases():
        try:
            seen += _missing(c, database)
        except UserError as error:
            seen.append(could_not_look("rights/sql", error, f"sql:{database.server.name}"))
    return tuple(seen)


def sql_service(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look whether each SQL Server's service account may write into the folder of the backups."""
    own = [d for d in c.profile.databases() if d.backed_up_by == "program"]
    first = {(database.server.name, database.straight_to_repository): database for database in own}
    return each_system(
        "rights/sql-service",
        ((f"sql:{name}", partial(_may_write, c, database)) for (name, _), database in first.items()),
    )


def vcenter(c: Connections, _around: Surroundings) -> tuple[Observation, ...]:
    """Look which privileges of a backup the account lacks on each vCenter's root."""

    def ask(vcenter: VCenter) -> Observation:
        held = c.vcenter(vcenter).has_privileges(PRIVILEGES)
        lacking = [name for name in PRIVILEGES if not held.get(name)]
        system = f"vcenter:{vcenter.name}"
        needed = text("Privileges on the root folder: {names}.", names=listed(PRIVILEGES))
        if not lacking:
            return Observation("rights/vcenter", State.PASSED, text("All are there."), needed, system=system)
        found = text("{account} lacks: {names}.", account=vcenter.account, names=listed(lacking))
        reading = {"System.View", "System.Read"} & set(lacking)
        remedy = text("Give the account a role with these privileges; without them those parts are left out.")
        return Observation("rights/vcenter", State.BLOCKED if reading else State.WARNING, found, needed, remedy, system)

    return each_system(
        "rights/vcenter", ((f"vcenter:{vcenter.name}", partial(ask, vcenter)) for vcenter in c.profile.vcenters)
    )


def _missing(c: Connections, database: Database) -> list[Observation]:
    """Return what the login may not do with a database and what is not told, or one answer that all is well."""
    by_dba = database.backed_up_by == "dba"
    asked = [
        right
        for right in c.database_server(database.server).rights(database.name)
        if not by_dba or right.key.endswith("/may_read_msdb")
    ]
    bad = [
        msgspec.structs.replace(
            right, key="rights/sql", found=text("{database}: {found}", database=database.name, found=right.found)
        )
        for right in asked
        if right.state is not State.PASSED
    ]
    if bad:
        return bad
    found = text("{database}: the login may back it up and read msdb.", database=database.name)
    if by_dba:
        found = text("{database}: the DBA backs it up, and the login may read msdb.", database=database.name)
    return [Observation("rights/sql", State.PASSED, found, asked[0].needed, system=f"sql:{database.server.name}")]


def _may_write(c: Connections, database: Database) -> Observation:
    """Compare the access list of the folder with the account that the SQL Server's service runs as.

    Who is in a group is not looked at: a group that may write leaves it unknown, unless everybody is in it."""
    folder = folder_for(c, database)
    needed = text("SQL Server's service account must be able to write into {folder}.", folder=folder)
    if folder.startswith("\\\\") or database.server.host is None:
        found = text("{folder} lies on another machine, whose rights are not looked at.", folder=folder)
        remedy = text("Look at the rights of the share and the folder there.")
        system = f"sql:{database.server.name}"
        return Observation("rights/sql-service", State.UNKNOWN, found, needed, remedy, system)
    host = c.host(database.server.host)
    instances = [s for s in host.services() if s.name.upper() == "MSSQLSERVER" or s.name.upper().startswith("MSSQL$")]
    accounts = {service.account.casefold(): service.account for service in instances}
    if len(accounts) != 1:
        found = text("Which account the service runs as is not clear on {host}.", host=host.name)
        return _of(host, State.UNKNOWN, found, needed, text("Look at its service there."))
    [account] = accounts.values()
    if account.casefold() in SYSTEM:
        return _of(host, State.PASSED, text("It runs as LocalSystem."), needed)
    own = {account.casefold(), *(rf"nt service\{service.name}".casefold() for service in instances)}
    return _weighed(host, folder, account, own, needed)


def _weighed(host: WinRm, folder: str, account: str, own: set[str], needed: Text) -> Observation:
    entries = [entry for entry in host.acl(folder) if _writes(entry.rights)]
    remedy = text('Give it: icacls "{folder}" /grant "{account}:(OI)(CI)M"', folder=folder, account=account)
    denied = [entry.who for entry in entries if not entry.allowed and entry.who.casefold() not in NOBODY]
    if any(who.casefold() in own | EVERYBODY for who in denied):
        return _of(host, State.BLOCKED, text("{account} is denied to write there.", account=account), needed, remedy)
    allowed = {entry.who for entry in entries if entry.allowed and entry.who.casefold() not in NOBODY}
    groups = sorted(who for who in allowed if who.casefold() not in own | EVERYBODY)
    if denied or not any(who.casefold() in own | EVERYBODY for who in allowed):
        if not allowed:
            found = text("{account} may not write there, nor may any group that it could be in.", account=account)
            return _of(host, State.BLOCKED, found, needed, remedy)
        found = text(
            "{account} may write there only if it is in one of these groups: {groups}.", account=account,
            groups=listed(groups),
        )  # fmt: skip
        if denied:
            found = text("Groups are denied to write there: {groups}.", groups=listed(denied))
        return _of(host, State.UNKNOWN, found, needed, remedy)
    return _of(host, State.PASSED, text("{account} may write there.", account=account), needed)


def _of(host: WinRm, state: State, found: Text, needed: Text, remedy: Text = NOTHING) -> Observation:
    return Observation("rights/sql-service", state, found, needed, remedy, host.system)


def _writes(rights: tuple[str, ...]) -> bool:
    return any(right in WRITES for right in rights)
