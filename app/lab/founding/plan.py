"""What is founded: pools, desktops, users and their identities, before any table knows of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from app.lab.rows import HostFile

GROUP = "view"
DOMAIN = "PRACTICE"
DNS = "practice.example"
DOMAIN_SID = "S-1-5-21-1004336348-1177238915-682003330"
VIEW_VERSION, VIEW_BUILD = "5.0.1", "640055"
COMPOSER_VERSION = "2.7.0"
BROKERS = ("broker1", "broker2")
DAY = 86400.0

SURNAMES = tuple("wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo".split())  # noqa: SIM905  # a list of names is read, not a list of quotes
GIVEN = tuple("wei fang na min jing qiang lei jun yang yong yan jie juan tao ming chao xia ping gang hui".split())  # noqa: SIM905  # as above


@dataclass(frozen=True)
class PoolPlan:
    """One pool. `weight` of 40 desktops; `type` as View PowerCLI says it; `entitled` a group of the domain."""

    id: str
    name: str
    type: str
    vcenter: str
    weight: int
    prefix: str
    entitled: str
    provisioning: bool | None = True
    parent: str = ""
    snapshot: str = ""
    refresh: str = ""
    delete: str = "Default"
    missing: int = 0  # desktops fewer than the pool's minimum

    @property
    def linked(self) -> bool:
        return "SVI" in self.type.upper()

    @property
    def persistent(self) -> bool:
        return "NonPersistent" not in self.type


POOLS = (
    PoolPlan("fin-full", "Finance", "Persistent", "vc1", 6, "FIN", "Finance"),
    PoolPlan("sales-lc", "Sales", "SVIPersistent", "vc1", 12, "SALES", "Sales",
             parent="win7-sales", snapshot="/base/patched-2011-08", refresh="Never"),
    PoolPlan("kiosk-lc", "Kiosk", "SVINonPersistent", "vc1", 8, "KIOSK", "Domain Users",
             parent="win7-kiosk", snapshot="/base", refresh="Always", delete="RefreshOnUse"),
    PoolPlan("training-lc", "Training room", "SVINonPersistent", "vc1", 4, "TRAIN", "Trainees", False,
             parent="win7-kiosk", snapshot="/base", refresh="Never", delete="DeleteOnUse", missing=2),
    PoolPlan("rd-lc", "研发桌面", "SVIPersistent", "vc1", 4, "RD", "研发部",
             parent="win7-rd", snapshot="/base/工具/2011-09", refresh="Never"),
    PoolPlan("eng-full", "Engineering", "NonPersistent", "vc2", 4, "ENG", "Engineering"),
    PoolPlan("contractors", "Contractors", "ManualVCPersistent", "vc2", 2, "CON", "Contractors", None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DesktopPlan:
    """One desktop; `user` is the account it is assigned to, `remote` and `local` say what session it has."""

    pool: PoolPlan
    machine: str
    name: str
    moid: str
    state: str
    user: str
    remote: bool
    local: bool


@dataclass(frozen=True)
class User:
    """A user of the domain, or a group."""

    account: str
    sid: str


class Plan:
    """Everything that several parts of the founding must agree on. `contents` gathers the files' bytes by SHA-256."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.seed = int(settings.get("seed", 1))
        self.at = float(settings.get("at", 1317369600.0))  # without a moment: 30 September 2011, 8:00 UTC
        evening = self.at - 3600  # so that nothing of last night is only minutes old
        self.midnight = evening - evening % DAY
        self.count = int(settings.get("desktops", 40))
        self.contents: dict[str, bytes] = {}
        self.groups = tuple(
            User(f"{DOMAIN}\\{name}", "" if name == "Domain Users" else f"{DOMAIN_SID}-{1100 + number}")
            for number, name in enumerate(dict.fromkeys(pool.entitled for pool in POOLS))
        )
        self.groups = tuple(g if g.sid else User(g.account, f"{DOMAIN_SID}-513") for g in self.groups)
        names = [f"{DOMAIN}\\{surname}.{given}" for surname in SURNAMES for given in GIVEN]
        users = names[: max(20, min(len(names), self.count))]
        self.users = tuple(User(name, f"{DOMAIN_SID}-{1200 + number}") for number, name in enumerate(users))
        self.sids = {user.account: user.sid for user in (*self.groups, *self.users)}
        self.moids = {"vc1": Moids(), "vc2": Moids()}
        self.snapshots = tuple(self._snapshots())
        self.desktops = tuple(self._desktops())

    def guid(self, what: str, name: str = "") -> str:
        """Return the GUID of a thing, lower case with hyphens; the seed decides it."""
        digits = hashlib.md5(f"{self.seed}/{what}/{name}".encode(), usedforsecurity=False).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def of_pool(self, pool: PoolPlan) -> tuple[DesktopPlan, ...]:
        return tuple(desktop for desktop in self.desktops if desktop.pool is pool)

    def file(self, host: str, path: str, content: bytes, modified: float) -> HostFile:
        """Return the row of a file on a host, its bytes remembered for the world to keep."""
        blob = hashlib.sha256(content).hexdigest()
        self.contents[blob] = content
        return HostFile(host=host, path=path, blob=blob, size=len(content), modified=modified)

    def _snapshots(self) -> list[tuple[str, str, str]]:
        """Return parent, path and MOID of every snapshot of the linked clones' parents, outermost first."""
        deepest = {pool.parent: pool.snapshot for pool in POOLS if pool.linked}
        found = []
        for parent, path in deepest.items():
            parts = path.strip("/").split("/")
            paths = ["/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))]
            found += [(parent, path, self.moids["vc1"].next("snapshot", 200)) for path in paths]
        return found

    def _desktops(self) -> list[DesktopPlan]:
        whole = sum(pool.weight for pool in POOLS)
        counts = {pool.id: self.count * pool.weight // whole for pool in POOLS}
        counts["sales-lc"] += self.count - sum(counts.values())
        return [self._desktop(pool, number) for pool in POOLS for number in range(counts[pool.id])]

    def _desktop(self, pool: PoolPlan, number: int) -> DesktopPlan:
        name = f"{pool.prefix}-{number + 1:03d}"
        local = pool.id == "sales-lc" and number % 6 == 2
        faulty = pool.id == "kiosk-lc" and number == 1
        assigned = pool.persistent and (local or number % 4 != 3)
        remote = not local and not faulty and number % 3 == 0
        return DesktopPlan(
            pool=pool,
            machine=self.guid("machine", name),
            name=name,
            moid=self.moids[pool.vcenter].next("vm", 1000),
            state="ERROR" if faulty else "READY",
            user=self.users[(number * 7 + pool.weight) % len(self.users)].account if assigned or remote else "",
            remote=remote,
            local=local,
        )


@dataclass
class Moids:
    """Gives out the MOIDs of one vCenter: vm-1000, vm-1001 ... each number once for a kind."""

    _given: dict[str, int] = field(default_factory=dict)

    def next(self, prefix: str, first: int = 1) -> str:
        """Return the next MOID of that prefix; the first time `first`."""
        number = self._given.get(prefix, first - 1) + 1
        self._given[prefix] = number
        return f"{prefix}-{number}"
