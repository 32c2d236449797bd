"""Servers that View names and the form does not have: offered, each by itself, and added where it is wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.runbooks.discovery import Named, NamedDatabase, NamedVCenter
from app.texts import Text, text
from ui.forms import DatabaseRow, Form, HostRow, Row


@dataclass(frozen=True)
class Proposal:
    """A server that may be added: what it is, and what adds it to a form."""

    words: Text
    add: Callable[[Form], Row]


def proposals(form: Form, named: Named) -> tuple[Proposal, ...]:
    """Return what View names and the form has not, by name or address."""
    return (
        *_brokers(form, named),
        *_security_servers(form, named),
        *_vcenters(form, named),
        *_composers(form, named),
        *_event_databases(form, named),
    )


def _brokers(form: Form, named: Named) -> Iterator[Proposal]:
    known = _names_of(broker.host for broker in form.brokers)
    for broker in named.brokers:
        if not known & _names(broker.name, broker.address):
            words = text("Connection Server {name} ({role}), {address}", name=broker.name, role=ROLES[broker.role],
                         address=broker.address or "-")  # fmt: skip
            yield Proposal(words, _adds_broker(broker.name, broker.address, broker.role))


ROLES = {"standard": text("standard"), "replica": text("replica")}


def _adds_broker(name: str, address: str, role: str) -> Callable[[Form], Row]:
    def add(form: Form) -> Row:
        row = form.add_broker()
        row.role = role
        row.host.name, row.host.address = name, address or name
        return row

    return add


def _security_servers(form: Form, named: Named) -> Iterator[Proposal]:
    known = _names_of(form.security_servers)
    for server in named.security_servers:
        if not known & _names(server.name, server.address):
            words = text("Security Server {name}, {address}", name=server.name, address=server.address or "-")
            yield Proposal(words, _adds_security_server(server.name, server.address))


def _adds_security_server(name: str, address: str) -> Callable[[Form], Row]:
    def add(form: Form) -> Row:
        row = form.add_security_server()
        row.name, row.address = name, address or name
        return row

    return add


def _vcenters(form: Form, named: Named) -> Iterator[Proposal]:
    known = set().union(*(_names(row.name, row.address) for row in form.vcenters))
    known |= _names_of(row.host for row in form.vcenters if row.host)
    for vcenter in named.vcenters:
        if not known & _names(vcenter.address):
            words = text("vCenter {address} (View logs in as {account})", address=vcenter.address,
                         account=vcenter.account or "-")  # fmt: skip
            yield Proposal(words, _adds_vcenter(vcenter))


def _adds_vcenter(vcenter: NamedVCenter) -> Callable[[Form], Row]:
    def add(form: Form) -> Row:
        row = next((one for one in form.vcenters if not one.name and not one.address), None) or form.add_vcenter()
        row.name, row.address, row.port = _short(vcenter.address), vcenter.address, str(vcenter.port)
        row.account = row.account or form.new_host().account
        row.host = _host(form, vcenter.address)
        return row

    return add


def _composers(form: Form, named: Named) -> Iterator[Proposal]:
    known = _names_of(row.host for row in form.composers)
    for vcenter in named.vcenters:
        if vcenter.composer is None or (vcenter.composer and known & _names(vcenter.composer)):
            continue
        if not vcenter.composer and form.composers:
            continue  # View does not say which it is: one that is described may be it
        words = text("View Composer of {vcenter}, {address}", vcenter=vcenter.address,
                     address=vcenter.composer or text("View does not say at which address"))  # fmt: skip
        yield Proposal(words, _adds_composer(vcenter.composer))


def _adds_composer(address: str) -> Callable[[Form], Row]:
    def add(form: Form) -> Row:
        row = form.add_composer()
        if address:
            row.host = _host(form, address)
        return row

    return add


def _event_databases(form: Form, named: Named) -> Iterator[Proposal]:
    for database in named.event_databases:
        if not form.events.wanted and (database.name or database.server):
            words = text("View's event database {name} on {server}", name=database.name or "-",
                         server=database.server or "-")  # fmt: skip
            yield Proposal(words, _adds_event_database(database))


def _adds_event_database(database: NamedDatabase) -> Callable[[Form], Row]:
    def add(form: Form) -> Row:
        server = next(
            (one for one in form.servers if _names(one.name, one.address) & _names(database.server)
             or (one.host and _names_of([one.host]) & _names(database.server))),
            None,
        )  # fmt: skip
        if server is None:
            server = form.add_server()
            server.name, server.address = _short(database.server), database.server
            server.host = _host(form, database.server)
            server.port = str(database.port or server.port)
        form.events = DatabaseRow(database.name, server)
        return form.events

    return add


def _host(form: Form, address: str) -> HostRow:
    """Return the host of that address: one that the form has, else a new one that is reached as the first broker is."""
    known = next((host for host in form.hosts() if _names_of([host]) & _names(address)), None)
    if known is not None:
        return known
    row = form.new_host()
    row.name, row.address = _short(address), address
    return row


def _names_of(hosts: Iterable[HostRow]) -> set[str]:
    return set().union(*(_names(host.name, host.address) for host in hosts))


def _names(*words: str) -> set[str]:
    """Return the names by which a server may be called: whole, and the first part of a name of DNS."""
    whole = {word.strip().casefold() for word in words if word.strip()}
    return whole | {_short(word) for word in whole}


def _short(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return address.partition(".")[0]
    return address
