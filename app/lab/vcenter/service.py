"""What this vCenter does with a call: whose it is, whether it may, and the answer."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.lab.lab import Lab
from app.lab.rows import Account, VCenter
from app.lab.vcenter import collector, files, manager_leaves, soap
from app.lab.vcenter.methods import METHODS, Call, Written, moid_of
from app.lab.vcenter.sessions import Sessions
from app.lab.vcenter.sight import Session, Sight
from app.lab.vcenter.tree import Inventory, Rights

SESSION_SECONDS = "1800"  # what vCenter gives an idle session
KEPT_BUNDLES = 64
OPEN = frozenset({"RetrieveServiceContent", "Login"})  # what may be called without a session


@dataclass
class Answer:
    """An answer's XML in pieces; `cookie` is set where a session began."""

    pieces: Iterable[str]
    cookie: str = ""


class Service:
    """The vCenter `name` of `lab`, without its wire."""

    def __init__(self, lab: Lab, name: str, system: str) -> None:
        self.lab, self.name, self.system = lab, name, system
        self.sessions = Sessions()
        self.bundles: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._cached: tuple[Any, Inventory, dict[str, Rights]] | None = None

    @property
    def row(self) -> VCenter:
        return self.lab.world.require(VCenter, self.name)

    def session(self, cookie: str) -> Session | None:
        """Return the session of a cookie, which counts as using it."""
        world = self.lab.world
        seconds = float(world.setting("vcenter-session-seconds", SESSION_SECONDS))
        return self.sessions.find(cookie, world.now(), seconds)

    def sight(self, session: Session) -> Sight:
        """Return what a session sees now. Inventory and rights are kept until the world changes."""
        world = self.lab.world
        with self._lock:
            newest = world.events[-1] if world.events else None
            if self._cached is None or self._cached[0] is not newest:
                self._cached = (newest, Inventory(world, self.name), {})
            _, inventory, known = self._cached
            if session.account not in known:
                account = world.get(Account, session.account) or Account(name=session.account)
                known[session.account] = Rights(inventory, account)
            return Sight(inventory, known[session.account], session, self.sessions.all(), world.now())

    # ---- carrying out

    def carry_out(self, request: soap.Request, cookie: str, address: str, *, half: bool = False) -> Answer:
        """Do what a call asks. Raises the fault (vmodl.MethodFault) that vCenter would answer with."""
        session = self.session(cookie)
        visitor = _Visit(self, session, address)
        if session is None and not _is_open(request):
            raise soap.vim.fault.NotAuthenticated(
                msg="The session is not authenticated.", privilegeId="System.View",
                object=soap.reference(request.type_name, request.moid),
            )  # fmt: skip
        sight = self.sight(session or Session("", "", "", 0.0, 0.0))
        call = self._allowed(request, sight, visitor, anonymous=session is None)
        call.half = half
        result = METHODS[request.method](call)
        return Answer(_written(request, result), visitor.cookie)

    def _allowed(self, request: soap.Request, sight: Sight, visitor: _Visit, *, anonymous: bool) -> Call:
        thing = sight.thing(request.moid)
        if thing is None or not issubclass(soap.kind_named(thing.kind), request.kind):
            raise collector.not_found(request.type_name, request.moid)
        if request.method == "Fetch" and request.info is None:
            raise soap.vmodl.query.InvalidProperty(msg="A specified property is not valid.", name="")
        if request.info is None or not soap.speaks(request.version, request.info.version):
            raise soap.vmodl.fault.MethodNotFound(
                msg=f"{request.type_name}.{request.method} is not known.", method=request.method,
                receiver=soap.reference(request.type_name, request.moid),
            )  # fmt: skip
        if request.method not in METHODS:
            raise soap.vmodl.fault.NotSupported(msg=f"{request.type_name}.{request.method} is not supported here.")
        call = Call(request, sight, thing, visitor)
        if not anonymous:
            self._check_privileges(call)
        return call

    def _check_privileges(self, call: Call) -> None:
        needed = [(call.target.entity, call.request.info.privId)]
        for parameter in call.request.info.params:
            given = call[parameter.name]
            if parameter.privId and given is not None:
                needed += [(moid_of(one), parameter.privId) for one in (given if isinstance(given, list) else [given])]
        for entity, privilege in needed:
            thing = call.sight.thing(entity)
            if privilege and thing and not call.sight.rights.may(thing.entity, privilege):
                raise soap.vim.fault.NoPermission(
                    msg="Permission to perform this operation was denied.", privilegeId=privilege,
                    object=soap.reference(call.sight.inventory.kind(thing.entity), thing.entity),
                )  # fmt: skip

    # ---- logging in

    def login(self, name: str, password: str) -> Account:
        """Return the account; InvalidLogin or NoPermission as vCenter answers."""
        world = self.lab.world
        account = world.get(Account, name)
        if account is None:  # Windows knows names in any case
            account = next((row for row in world.all(Account) if row.name.lower() == name.lower()), None)
        if account is None or not self.lab.passwords.right(account.name, password):
            raise soap.vim.fault.InvalidLogin(msg="Cannot complete login due to an incorrect user name or password.")
        with self._lock:
            rights = Rights(Inventory(world, self.name), account)
        if not rights.any:
            inventory = Inventory(world, self.name)
            raise soap.vim.fault.NoPermission(
                msg="Permission to perform this operation was denied.", privilegeId="System.View",
                object=soap.reference("Folder", inventory.root),
            )  # fmt: skip
        return account

    def keep_bundle(self, path: str, content: bytes) -> None:
        """Keep a bundle for fetching; the oldest go."""
        with self._lock:
            self.bundles[path] = content
            for old in list(self.bundles)[:-KEPT_BUNDLES]:
                del self.bundles[old]


class _Visit:
    """What one call may do to the server: log in, log out, leave a file to be fetched."""

    def __init__(self, service: Service, session: Session | None, address: str) -> None:
        self._service, self._session, self._address = service, session, address
        self.cookie = ""

    def login(self, account: str, password: str) -> dict[str, Any]:
        if self._session is not None:
            raise soap.vim.fault.InvalidLogin(msg="Cannot complete login: this session is logged in already.")
        known = self._service.login(account, password)
        session = self._service.sessions.begin(known.name, self._address, self._service.lab.world.now())
        self.cookie = session.cookie
        return manager_leaves.user_session(session)

    def logout(self) -> None:
        if self._session is not None:
            self._service.sessions.end(self._session.key)

    def terminate(self, keys: list[str]) -> None:
        self._service.sessions.end(*keys)

    def bundle(self, host: Any) -> str:
        path = f"/downloads/{secrets.token_hex(16)}/configBundle-{host.name}.tgz"
        self._service.keep_bundle(path, files.bundle(host))
        return f"https://*{path}"


def _is_open(request: soap.Request) -> bool:
    wanted = request.info.privId if request.method == "Fetch" and request.info else ""
    return request.method in OPEN or (request.type_name == "ServiceInstance" and wanted == "System.Anonymous")


def _written(request: soap.Request, result: Any) -> Iterable[str]:
    yield soap.answer_open(request.method)
    if isinstance(result, Written):
        yield from result.pieces
    elif result is not None:
        flags = getattr(request.info, "resultFlags", 0) | soap.F_OPTIONAL
        yield soap.element("returnval", result, request.info.result, request.version, flags)
    yield soap.answer_close(request.method)


def lie(request: soap.Request) -> list[str]:
    """Return an answer that says yes although nothing was done. KeyError where a lie cannot be told."""
    told: Any = None
    if request.method == "BackupFirmwareConfiguration":
        told = f"https://*/downloads/{secrets.token_hex(16)}/configBundle.tgz"
    elif not request.info or not (
        getattr(request.info, "resultFlags", 0) & soap.F_OPTIONAL or request.info.result is type(None)
    ):
        raise KeyError(soap.name_of(request.kind))
    return list(_written(request, told))
