"""Which servers View itself names in its settings (AD LDS), asked of one broker. Changes nothing, reads no secret."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from app.connectors.connections import Connections
from app.errors import CouldNotLook
from app.texts import text

Role = Literal["standard", "replica"]


@dataclass(frozen=True)
class NamedBroker:
    """A Connection Server of the group; `address` is the one that clients are told, "" where none is."""

    name: str
    address: str
    role: Role


@dataclass(frozen=True)
class NamedServer:
    """A Security Server."""

    name: str
    address: str


@dataclass(frozen=True)
class NamedVCenter:
    """A vCenter that View uses, by the account that View uses; `composer` is its Composer's address, None for none.

    Where View has a Composer there and does not say at which address, `composer` is ""."""

    address: str
    port: int
    account: str
    composer: str | None


@dataclass(frozen=True)
class NamedDatabase:
    """View's event database. `port` None: not told."""

    name: str
    server: str
    port: int | None


@dataclass(frozen=True)
class Named:
    """What View's settings name."""

    brokers: tuple[NamedBroker, ...]
    security_servers: tuple[NamedServer, ...]
    vcenters: tuple[NamedVCenter, ...]
    event_databases: tuple[NamedDatabase, ...]


def named_by_view(c: Connections) -> Named:
    """Return what the first broker of the profile says of its group. Raises UserError; CouldNotLook where it names
    no broker, as it must name itself."""
    rows = c.host(c.profile.brokers[0].host).call("topology")
    named = from_settings(rows, (vcenter.server for vcenter in c.broker().vcenters() if vcenter.composer))
    if not named.brokers:
        raise CouldNotLook(
            text("View's settings on {host} name no Connection Server.", host=c.profile.brokers[0].host.name),
            text("The broker must name itself there; so they were not read as they are."),
            text("See whether the service VMwareVDMDS runs there, and whether the account may read AD LDS."),
        )
    return named


def from_settings(rows: Iterable[dict[str, Any]], with_composer: Iterable[str] = ()) -> Named:
    """Read entries below OU=Properties. `with_composer`: addresses of vCenters that have a Composer for View, which
    PowerCLI tells also where the settings do not name its address."""
    entries = list(rows)
    composers = {server.casefold() for server in with_composer}
    servers = [row for row in entries if _word(row, "pae-ServerType") and _word(row, "cn")]
    return Named(
        tuple(
            NamedBroker(_word(row, "cn"), _host(_word(row, "pae-ClientURL")), _role(_word(row, "pae-ServerType")))
            for row in servers
            if _word(row, "pae-ServerType").casefold() != "security"
        ),
        tuple(
            NamedServer(_word(row, "cn"), _host(_word(row, "pae-ClientURL")))
            for row in servers
            if _word(row, "pae-ServerType").casefold() == "security"
        ),
        tuple(_vcenter(row, composers) for row in entries if _host(_word(row, "pae-VCURL"))),
        tuple(_database(row) for row in entries if _is(row, "pae-EventDatabase")),
    )


def _vcenter(row: dict[str, Any], with_composer: set[str]) -> NamedVCenter:
    url = _word(row, "pae-VCURL")
    address, composer = _host(url), _host(_word(row, "pae-SVIURL"))
    has = bool(composer) or address.casefold() in with_composer
    return NamedVCenter(address, _port(url) or 443, _word(row, "pae-VCUserName"), composer if has else None)


def _database(row: dict[str, Any]) -> NamedDatabase:
    name, server, port = (_word(row, f"pae-EventDatabase{what}") for what in ("Name", "Server", "Port"))
    return NamedDatabase(name, server, int(port) if port.isdigit() else None)


def _role(word: str) -> Role:
    return "replica" if word.casefold() == "replica" else "standard"


def _is(row: dict[str, Any], kind: str) -> bool:
    classes = row.get("objectClass")
    named = classes if isinstance(classes, list) else [classes]
    return kind.casefold() in {str(name).casefold() for name in named}


def _host(url: str) -> str:
    """Return the host of a URL, "" for what is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _word(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
