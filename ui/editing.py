"""The parts of a form as the screen lists them: sections, their rows, their titles, and where a problem lies. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from app.texts import Text, text
from ui.formfields import field_words
from ui.forms import BrokerRow, ComposerRow, DatabaseRow, Form, HostRow, Problem, Row, ServerRow, VCenterRow


class Section(Enum):
    """A kind of thing that a profile holds."""

    NAME = "name"
    BROKERS = "brokers"
    VCENTERS = "vcenters"
    COMPOSERS = "composers"
    SECURITY = "security-servers"
    SERVERS = "servers"
    DATABASES = "databases"
    HOW = "how"
    PROPOSED = "proposed"


@dataclass(frozen=True)
class About:
    """What a section is called, what it is, and what its button for one more says."""

    title: Text
    words: Text
    add: Text | None = None


SECTIONS: Mapping[Section, About] = {
    Section.NAME: About(text("Name and repository"), text("What the environment is called, and where sets go to.")),
    Section.BROKERS: About(
        text("Connection Servers"),
        text("The brokers of one group: first the one that AD LDS is exported on, then its replicas. WinRM reaches "
             "them."),
        text("Add a Connection Server"),
    ),
    Section.VCENTERS: About(
        text("vCenters"),
        text("Every vCenter that View uses. With its Windows host, its settings and keys are captured too; its "
             "database is described under Databases."),
        text("Add a vCenter"),
    ),
    Section.COMPOSERS: About(
        text("View Composers"),
        text("Where View Composer runs: on a vCenter's host, or on one of its own. Leave this empty without linked "
             "clones."),
        text("Add a View Composer"),
    ),
    Section.SECURITY: About(
        text("Security Servers"),
        text("They need no backup; checks see that they run."),
        text("Add a Security Server"),
    ),
    Section.SERVERS: About(
        text("SQL Servers"),
        text("Where the databases of vCenter, View Composer and View's events lie."),
        text("Add a SQL Server"),
    ),
    Section.DATABASES: About(
        text("Databases"),
        text("One for each Composer and vCenter, and one for View's events. Choose one on the left."),
    ),
    Section.HOW: About(text("How it is done"), text("How backups are made, and what runs without an operator do.")),
    Section.PROPOSED: About(
        text("Named by View"), text("View names these servers in AD LDS; they are not described here yet.")
    ),
}  # fmt: skip

ADDED: Mapping[Section, Callable[[Form], Row]] = {
    Section.BROKERS: Form.add_broker,
    Section.VCENTERS: Form.add_vcenter,
    Section.COMPOSERS: Form.add_composer,
    Section.SECURITY: Form.add_security_server,
    Section.SERVERS: Form.add_server,
}


@dataclass(frozen=True)
class Node:
    """A line of the list of parts: a section, or one of its rows."""

    section: Section
    row: Row | None = None

    def tried_ids(self, form: Form) -> set[int]:
        """Return the ids of all that a test of this row needs to be whole."""
        row = self.row
        if isinstance(row, DatabaseRow):
            server = row.server
            return {id(row), id(server)} | ({id(server.host)} if server is not None and server.host else set())
        return self.ids(form)

    def ids(self, form: Form) -> set[int]:
        """Return the ids of all that is filled in here."""
        row = self.row
        if row is None:
            return {_problem_id(field) for field in _FIELDS_OF_FORM.get(self.section, ())} | (
                {id(form.settings)} if self.section is Section.HOW else set()
            )
        host = getattr(row, "host", None)
        return {id(row)} | ({id(host)} if host is not None else set())


_FIELDS_OF_FORM = {
    Section.NAME: ("name", "repository", ""),
    Section.BROKERS: ("brokers",),
    Section.VCENTERS: ("vcenters",),
}


def nodes(form: Form, *, offered: bool) -> Iterator[Node]:
    """Yield the lines of the list, in order. `offered`: there is something that View names."""
    if offered:
        yield Node(Section.PROPOSED)
    rows: Mapping[Section, list[Row]] = {
        Section.BROKERS: [*form.brokers],
        Section.VCENTERS: [*form.vcenters],
        Section.COMPOSERS: [*form.composers],
        Section.SECURITY: [*form.security_servers],
        Section.SERVERS: [*form.servers],
        Section.DATABASES: [database for database, _ in form.databases()],
    }
    for section in Section:
        if section is not Section.PROPOSED:
            yield Node(section)
            yield from (Node(section, row) for row in rows.get(section, []))


def title_of(form: Form, node: Node) -> str:
    """Return what a line of the list says."""
    if node.row is None:
        return str(SECTIONS[node.section].title)
    return row_title(form, node.row)


def row_title(form: Form, row: Row) -> str:
    """Return what a row is called: its name, or whose it is."""
    if isinstance(row, BrokerRow | ComposerRow):
        return row.host.name.strip() or str(NAMELESS)
    if isinstance(row, DatabaseRow):
        owner = next(owner for database, owner in form.databases() if database is row)
        whose = text("View's events") if owner is None else Text("{name}", {"name": row_title(form, owner)})
        name = row.name.strip() if row.wanted else str(text("left out"))
        return str(text("{whose}: {name}", whose=whose, name=name or NAMELESS))
    if isinstance(row, HostRow | ServerRow | VCenterRow):
        return row.name.strip() or str(NAMELESS)
    return str(SECTIONS[Section.HOW].title)


NAMELESS = text("(without a name)")


def problem_keys(found: list[Problem]) -> dict[tuple[int, str], Text]:
    """Return problems by their row's id and field; one of the form itself goes by its field alone."""
    keys: dict[tuple[int, str], Text] = {}
    for problem in found:
        row = _problem_id(problem.field) if isinstance(problem.row, Form) else id(problem.row)
        keys.setdefault((row, problem.field), problem.words)
    return keys


def form_key(field: str) -> tuple[int, str]:
    """Return the key of a problem with a field of the form itself."""
    return _problem_id(field), field


def _problem_id(field: str) -> int:
    """Return a number for a field of the form, beside those of rows: ids are never below 0."""
    return -1 - ("name", "repository", "", "brokers", "vcenters").index(field)


def section_of(form: Form, problem: Problem) -> Node:
    """Return the line of the list where a problem can be mended."""
    (key,) = problem_keys([problem])
    return next(node for node in nodes(form, offered=False) if key[0] in node.ids(form))


def whereabouts(form: Form, problem: Problem) -> str:
    """Return where a problem lies, in words."""
    node, field = section_of(form, problem), field_words(problem.row, problem.field)
    places = [str(SECTIONS[node.section].title)]
    places += [title_of(form, node)] if node.row is not None else []
    places += [str(field)] if field is not None else []
    return " › ".join(places)


def accounts_of(row: Row) -> list[tuple[str, str]]:
    """Return the accounts and systems that a test of a row logs in with."""
    if isinstance(row, HostRow):
        found = [(row.account, row.name)]
    elif isinstance(row, BrokerRow | ComposerRow):
        found = [(row.host.account, row.host.name)]
    elif isinstance(row, VCenterRow | ServerRow):
        found = [(row.account, row.name)]
        if row.host is not None:
            found.append((row.host.account, row.host.name))
    elif isinstance(row, DatabaseRow) and row.server is not None:
        found = accounts_of(row.server)
    else:
        found = []
    return [(account.strip(), system.strip()) for account, system in found if account.strip()]
