"""View itself, asked on a Connection Server: View PowerCLI, its AD LDS, and the vendor's own tools, over WinRM."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

from app import profile
from app.errors import CouldNotLook, Refused, UserError
from app.observation import Observation, State, could_not_look
from app.texts import Text, text
from app.view.pools import Desktop, Entitlement, Pool, PoolKind, Session, kind_of
from app.wire import Command

EXPORT_DEADLINE = 3600.0
NO_SUCH_POOL = "viewkeeper-probe"
"""No pool has this id: asking to switch it tells whether we might, and can change nothing."""
LINKED, FULL = "provisioning-linked-clones", "provisioning-full-clones"
CBMONITOR = "CBMonitor"

_MOID = re.compile(r"(?:VirtualMachine-)?(vm-\d+)", re.IGNORECASE)
_NOT_PERMITTED = frozenset({"PermissionDenied", "SecurityError", "AuthenticationError"})
_NO_SUCH_THING = frozenset({"ObjectNotFound", "InvalidArgument", "InvalidData"})


class Done(Protocol):
    """A command that ended."""

    @property
    def exit_code(self) -> int: ...
    @property
    def out(self) -> str: ...
    @property
    def err(self) -> str: ...


class ScriptError(Protocol):
    """The error of a script, as PowerShell gave it."""

    id: str
    category: str
    message: str


class Remote(Protocol):
    """What a broker is reached through: a Windows host that runs scripts and commands."""

    @property
    def system(self) -> str: ...
    @property
    def name(self) -> str: ...
    def call(self, script: str, **literals: Any) -> list[dict[str, Any]]: ...
    def command(self, script: str, **literals: Any) -> Command: ...
    def program(self, path: str, *arguments: str) -> str: ...
    def quoted(self, argument: str) -> str: ...
    def shown(self, command: str, *, changes: bool = True, secret_values: tuple[str, ...] = ()) -> Command: ...
    def run(
        self,
        command: str,
        *,
        deadline: float = 600,
        on_line: Callable[[str], None] | None = None,
        stop: Callable[[], bool] = ...,
        changes: bool = True,
        secret_values: tuple[str, ...] = (),
    ) -> Done: ...
    def script_error(self, error: UserError) -> ScriptError | None: ...


@dataclass(frozen=True)
class ConnectionBroker:
    """A broker of the group, as it names itself."""

    broker_id: str
    kind: str
    external_url: str


@dataclass(frozen=True)
class ViewVCenter:
    """A vCenter as View knows it; pools name it by `vc_id`."""

    vc_id: str
    server: str
    account: str
    composer: bool


class Broker:
    """One Connection Server. Its cmdlets raise an error where they find nothing."""

    def __init__(self, broker: profile.Broker, remote: Remote) -> None:
        self.broker, self._remote = broker, remote

    @property
    def system(self) -> str:
        return self._remote.system

    def close(self) -> None:
        """Nothing is open here: the host's connector is closed by who opened it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- looking

    def brokers(self) -> tuple[ConnectionBroker, ...]:
        """Return the brokers of the group. Raises CouldNotLook where there is none: then PowerCLI is broken."""
        rows = self._remote.call("brokers")
        if not rows:
            raise CouldNotLook(
                text("View on {host} does not name its Connection Servers.", host=self._remote.name),
                text("Get-ConnectionBroker gave nothing, although at least this one is there."),
                text("See whether the Connection Server service runs and View PowerCLI works on it."),
            )
        return tuple(
            ConnectionBroker(_word(row, "broker_id"), _word(row, "type"), _word(row, "externalURL")) for row in rows
        )

    def pools(self) -> tuple[Pool, ...]:
        """Return all pools, by id."""
        return tuple(sorted((pool(row) for row in self._found("pools")), key=lambda found: found.pool_id))

    def desktops(self) -> tuple[Desktop, ...]:
        """Return all desktops, each once, with the state that AD LDS has of it."""
        states = {_word(row, "cn").lower(): row for row in self._remote.call("desktop-states")}
        in_pools = [desktop(row) for row in self._found("desktops") if _yes(row, "isInPool")]
        named = {found.machine_id.lower(): found for found in in_pools}  # View 4.5 returns some twice
        merged = [_with_state(named.get(machine), row) for machine, row in states.items()]
        unknown_to_lds = [found for machine, found in named.items() if machine not in states]
        return tuple(sorted((*merged, *unknown_to_lds), key=lambda found: (found.pool_id, found.name)))

    def sessions(self, pools: tuple[Pool, ...] | None = None) -> tuple[Session, ...]:
        """Return all sessions of `pools` (None: of all), remote ones, and local ones where Local Mode exists."""
        chosen = self.pools() if pools is None else pools
        found = [session(row) for one in chosen for row in self._found("remote-sessions", pool_id=one.pool_id)]
        for one in chosen:
            rows = self._local_sessions(one)
            if rows is None:
                break  # this version has no Local Mode
            found += [session(row, local=True) for row in rows]
        return tuple(found)

    def entitlements(self, pools: tuple[Pool, ...] | None = None) -> tuple[Entitlement, ...]:
        """Return who may use `pools` (None: all)."""
        chosen = self.pools() if pools is None else pools
        return tuple(
            Entitlement(one.pool_id, _word(row, "sid"))
            for one in chosen
            for row in self._found("entitlements", pool_id=one.pool_id)
        )

    def vcenters(self) -> tuple[ViewVCenter, ...]:
        """Return the vCenters that View uses."""
        return tuple(
            ViewVCenter(_word(row, "vc_id"), _word(row, "serverName"), _word(row, "username"), _yes(row, "useComposer"))
            for row in self._found("vcenters")
        )

    def versions(self) -> dict[str, str]:
        """Return the version of every broker of the group by its name, as their monitor gives it: 5.0.1-640055.

        CouldNotLook where it gives none. A broker whose service does not run may be missing."""
        rows = [row for row in self._remote.call("monitors") if row.get("monitor") == CBMONITOR]
        builds = {_word(row, "monitor_id"): _word(row, "build") for row in rows if _word(row, "build")}
        if not builds:
            raise CouldNotLook(
                text("The version of View on {host} is not known.", host=self._remote.name),
                text("Get-Monitor gave no CBMonitor with a build."),
                text("See whether the Connection Server service runs."),
            )
        return builds

    def version(self) -> str:
        """Return this broker's version, or the first of its group where it is not named there. Raises CouldNotLook."""
        builds = self.versions()
        own = (build for name, build in builds.items() if name.casefold() in self._names())
        return next(own, next(iter(builds.values())))

    def _names(self) -> set[str]:
        host = self.broker.host
        return {name.casefold() for name in (host.name, host.address, host.address.partition(".")[0])}

    # ---- provisioning

    def provisioning_command(self, pool: Pool, on: bool) -> Command:
        """Return what `set_provisioning` sends."""
        return self._remote.command(_switch(pool), pool_id=pool.pool_id, on=on)

    def set_provisioning(self, pool: Pool, on: bool) -> None:
        """Tell View to make, or not to make, new desktops in a pool. What it answered is no proof: look at `pools`."""
        self._remote.call(_switch(pool), pool_id=pool.pool_id, on=on)

    def asking_command(self) -> Command:
        """Return what `may_change` sends that would change something, were there such a pool."""
        return self._remote.command(FULL, pool_id=NO_SUCH_POOL, on=True)

    def may_change(self) -> Observation:
        """Say whether the account may switch provisioning, by asking for it on a pool that does not exist."""
        key, needed = "rights/view", text("The View role Administrators")
        try:
            self.brokers()  # where this fails, what follows would say nothing about rights
        except UserError as error:
            return could_not_look(key, error, self.system, needed)
        try:
            self._remote.call(FULL, pool_id=NO_SUCH_POOL, on=True)
        except UserError as error:
            failed = self._remote.script_error(error)
            if failed is None:
                return could_not_look(key, error, self.system, needed)
            return self._right(key, needed, failed, error)
        return Observation(
            key, State.UNKNOWN, text("View took an order for a pool that does not exist."), needed, system=self.system
        )

    def _right(self, key: str, needed: Text, failed: ScriptError, error: UserError) -> Observation:
        if failed.category in _NOT_PERMITTED:
            return Observation(
                key,
                State.BLOCKED,
                text("{account} may not switch provisioning.", account=self.broker.host.account),
                needed,
                text("Give the account the View role Administrators on the root folder."),
                self.system,
                f"{failed.id}: {failed.message}",
            )
        if failed.category in _NO_SUCH_THING and not failed.id.startswith("CommandNotFoundException"):
            return Observation(
                key,
                State.PASSED,
                text(
                    "View let {account} come as far as a pool that does not exist, and refused nothing before it.",
                    account=self.broker.host.account,
                ),
                needed,
                system=self.system,
                details=f"{failed.id}: {failed.message}",
            )
        return could_not_look(key, error, self.system, needed)

    # ---- AD LDS

    def export_command(self, path: str, *, cleansed: bool = False) -> Command:
        """Return what `export` sends."""
        return self._remote.shown(self._export(path, cleansed))

    def export(
        self,
        path: str,
        *,
        cleansed: bool = False,
        deadline: float = EXPORT_DEADLINE,
        on_line: Callable[[str], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Export AD LDS to `path` on the broker; `cleansed`: without secrets, for counting only.

        Raises Stopped, and UserError where vdmexport says that it failed. That it said nothing is no proof."""
        done = self._remote.run(self._export(path, cleansed), deadline=deadline, on_line=on_line, stop=stop)
        if done.exit_code != 0:
            raise UserError(
                text("vdmexport on {host} ended with exit code {code}.", host=self._remote.name, code=done.exit_code),
                text("{message}", message=_last_line(done) or "It said nothing."),
                text("See whether VMwareVDMDS runs, and whether the account has a View role that may read all."),
                details=(done.out + done.err)[-4000:],
            )

    def recovery_command(self, path: str, password: str) -> Command:
        """Return what `try_recovery_password` sends, without the password."""
        return self._remote.shown(self._recovery(path, password), changes=False, secret_values=(password,))

    def try_recovery_password(self, path: str, password: str, *, deadline: float = EXPORT_DEADLINE) -> Observation:
        """Decrypt an export to nowhere, to see whether the data recovery password is the one of its day.

        The password stands in the arguments of the vendor's tool, as it offers no other way: it is seen by the
        administrators of that machine while it runs."""
        key, needed = "recovery-password", text("The data recovery password of the day of the export")
        try:
            line = self._recovery(path, password)
        except Refused as error:
            return could_not_look(key, error, self.system, needed)
        done = self._remote.run(line, deadline=deadline, changes=False, secret_values=(password,))
        if done.exit_code == 0 and not done.err.strip():
            return Observation(key, State.PASSED, text("It opens the export."), needed, system=self.system)
        return Observation(
            key,
            State.BLOCKED,
            text("It does not open the export (vdmimport ended with exit code {code}).", code=done.exit_code),
            needed,
            text("Find the password that was set when View was installed; without it this export cannot be restored."),
            self.system,
            self._remote.shown(done.err or done.out, secret_values=(password,)).text[-2000:],
        )

    def _export(self, path: str, cleansed: bool) -> str:
        arguments = ("-c",) if cleansed else ()
        return self._tool("vdmexport.exe", *arguments, "-f", self._remote.quoted(path))

    def _recovery(self, path: str, password: str) -> str:
        quoted = self._remote.quoted
        return self._tool("vdmimport.exe", "-d", "-p", quoted(password), "-f", quoted(path), "> NUL")

    def _tool(self, name: str, *arguments: str) -> str:
        return self._remote.program(f"{self.broker.tools.rstrip(chr(92))}\\{name}", *arguments)

    # ---- nothing found, or broken?

    def _found(self, script: str, **literals: Any) -> list[dict[str, Any]]:
        """Return a script's objects; an error means "none" only where View itself answers beside it."""
        try:
            return self._remote.call(script, **literals)
        except UserError as error:
            failed = self._remote.script_error(error)
            if failed is None or not _says_none(failed):
                raise
            self.brokers()
            return []

    def _local_sessions(self, pool: Pool) -> list[dict[str, Any]] | None:
        try:
            return self._found("local-sessions", pool_id=pool.pool_id)
        except UserError as error:
            failed = self._remote.script_error(error)
            if failed is not None and failed.id.startswith("CommandNotFoundException"):
                return None
            raise


def pool(row: dict[str, Any]) -> Pool:
    """Read an object of Get-Pool: strings all of them. A type that is not known has no switch that we would touch."""
    pool_type = _word(row, "poolType")
    switches = kind_of(pool_type) in (PoolKind.LINKED_CLONE, PoolKind.FULL_CLONE)
    return Pool(
        pool_id=_word(row, "pool_id"),
        name=_word(row, "displayName") or _word(row, "pool_id"),
        pool_type=pool_type,
        provisioning=_switch_state(row) if switches else None,
        enabled=_yes(row, "enabled"),
        persistent=_word(row, "persistence").casefold() == "persistent",
        vcenter=_word(row, "vc_id"),
        parent_vm=_word(row, "parentVMPath"),
        parent_snapshot=_word(row, "parentVMSnapshotPath"),
        refresh_policy=_word(row, "refreshPolicy"),
        delete_policy=_word(row, "deletePolicy"),
        minimum=_count(row, "minimumCount"),
        maximum=_count(row, "maximumCount"),
        headroom=_count(row, "headroomCount"),
    )


def desktop(row: dict[str, Any]) -> Desktop:
    """Read an object of Get-DesktopVM. The state is not in it."""
    return Desktop(
        machine_id=_word(row, "machine_id"),
        name=_word(row, "Name"),
        pool_id=_word(row, "pool_id"),
        state="",
        moid=moid(_word(row, "id")),
        path=_word(row, "Path"),
        user=_word(row, "user_displayname"),
        user_sid=_word(row, "user_sid"),
        local=_word(row, "localState").casefold() == "checked out",
    )


def session(row: dict[str, Any], *, local: bool = False) -> Session:
    """Read an object of Get-RemoteSession or Get-LocalSession."""
    return Session(
        _word(row, "session_id"), _word(row, "Username"), _word(row, "pool_id"), _word(row, "DNSName"),
        _word(row, "state"), local,
    )  # fmt: skip


def moid(identifier: str) -> str:
    """Return vm-123 for VirtualMachine-vm-123; empty where a desktop is no virtual machine of a vCenter."""
    found = _MOID.fullmatch(identifier)
    return found[1].lower() if found else ""


def _with_state(found: Desktop | None, row: dict[str, Any]) -> Desktop:
    """Put View's two answers about a desktop together. One that PowerCLI does not name is a desktop all the same."""
    if found is not None:
        return replace(found, state=_word(row, "pae-VmState"))
    member = row.get("pae-MemberDNOf")
    return Desktop(
        machine_id=_word(row, "cn"),
        name=_word(row, "pae-DisplayName"),
        pool_id=_cn(member[0] if isinstance(member, list) and member else str(member or "")),
        state=_word(row, "pae-VmState"),
        moid=moid(_word(row, "pae-MOID")),
        path=_word(row, "pae-VmPath"),
    )


def _cn(dn: str) -> str:
    found = re.match(r"cn=((?:\\.|[^,\\])+)", dn, re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _switch(pool: Pool) -> str:
    if pool.kind is PoolKind.LINKED_CLONE:
        return LINKED
    if pool.kind is PoolKind.FULL_CLONE:
        return FULL
    raise Refused(
        text("Pool {pool} has no provisioning to switch.", pool=pool.name),
        text("It is of the type {kind}.", kind=pool.pool_type),
    )


def _switch_state(row: dict[str, Any]) -> bool:
    word = _word(row, "provisionEnabled").casefold()
    if word not in ("true", "false"):
        raise CouldNotLook(
            text("Whether pool {pool} provisions is not known.", pool=_word(row, "pool_id")),
            text("View answered {word}.", word=repr(row.get("provisionEnabled"))),
            text("Look at the pool in View Administrator."),
        )
    return word == "true"


def _says_none(failed: ScriptError) -> bool:
    return failed.category in ("ObjectNotFound", "NotSpecified", "InvalidResult") and not failed.id.startswith(
        ("CommandNotFoundException", "AddPSSnapIn")
    )


def _last_line(done: Done) -> str:
    lines = [line.strip() for line in (done.err or done.out).splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _word(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _yes(row: dict[str, Any], name: str) -> bool:
    return _word(row, name).casefold() == "true"


def _count(row: dict[str, Any], name: str) -> int:
    word = _word(row, name)
    return int(word) if word.lstrip("-").isdigit() else 0
