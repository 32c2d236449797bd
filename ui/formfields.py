"""The fields of each kind of row: what they are called, what is meant, and how they are filled in. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from app.texts import NOTHING, Text, text
from ui.forms import BrokerRow, ComposerRow, DatabaseRow, Form, HostRow, ServerRow, SettingsRow, VCenterRow


class Kind(Enum):
    """How a field is filled in."""

    WORDS = 1
    FLAG = 2
    CHOICE = 3


@dataclass(frozen=True)
class Field:
    """A field of a row: the attribute that it is, what it is called, and a word on what is meant."""

    name: str
    words: Text
    hint: Text = NOTHING
    kind: Kind = Kind.WORDS
    choices: tuple[tuple[str, Text], ...] = ()


NAME = Field("name", text("Name"), text("What you call it; it stands in logs and reports."))
ADDRESS = Field("address", text("Address"), text("A name of DNS, or an IP address."))
PORT = Field("port", text("Port"))
DOMAIN_ACCOUNT = Field("account", text("Account"), text("DOMAIN\\account, or account@domain."))

HOST = (
    NAME,
    ADDRESS,
    DOMAIN_ACCOUNT,
    Field("port", text("WinRM port"), text("5986 with TLS, 5985 without.")),
    Field("tls", text("WinRM over TLS (HTTPS)"), kind=Kind.FLAG),
    Field("authentication", text("Authentication"), kind=Kind.CHOICE,
          choices=(("ntlm", Text("NTLM")), ("kerberos", Text("Kerberos")), ("credssp", Text("CredSSP")))),
)  # fmt: skip
BROKER = (
    Field("role", text("Role"), kind=Kind.CHOICE,
          choices=(("standard", text("Standard")), ("replica", text("Replica")))),
    Field("tools", text("Folder of View's tools"), text("On that host; vdmexport.exe lies there.")),
    Field("service", text("Service"), text("Its display name or its short name.")),
)  # fmt: skip
VCENTER = (
    NAME,
    ADDRESS,
    DOMAIN_ACCOUNT,
    PORT,
    Field("settings", text("Folder of its settings"), text("On its Windows host, if it has one.")),
)
COMPOSER = (
    Field("service", text("Service"), text("Its display name or its short name.")),
    Field("key_container", text("Key container"), text("The RSA keys that encrypt what Composer stores.")),
)
SERVER = (
    NAME,
    ADDRESS,
    PORT,
    Field("account", text("SQL login"), text("Leave it empty to log in as the user of this workstation.")),
    Field("encrypt", text("Insist on an encrypted connection"), kind=Kind.FLAG),
    Field("driver", text("ODBC driver"), text("Leave it empty to let the program choose.")),
)
DATABASE = (
    Field("name", text("Name of the database")),
    Field("backed_up_by", text("Backed up by"), kind=Kind.CHOICE,
          choices=(("program", text("this program")), ("dba", text("the database administrators: only recorded")))),
    Field("folder", text("Folder for the backup"), text("On the SQL Server; empty means its default backup folder.")),
    Field("straight_to_repository", text("SQL Server writes straight into the repository"), kind=Kind.FLAG),
)  # fmt: skip
FORM_NAME = Field("name", text("Name of this profile"), text("Backup sets lie in a folder of this name."))
REPOSITORY = Field("repository", text("Repository"), text("The folder that backup sets go to; a share is best."))
HOW = (
    Field("files_by", text("Files are fetched"), kind=Kind.CHOICE,
          choices=(("winrm", text("through WinRM")), ("share", text("through administrative shares (C$)")))),
    Field("event_database", text("View's event database is backed up"), kind=Kind.CHOICE,
          choices=(("after", text("after the others")), ("before", text("before the others")))),
    Field("drain_minutes", text("Wait for work to end, at most"), text("Minutes; then the run stops and puts back.")),
    Field("side_by_side", text("Back databases up side by side (a shorter freeze, more load)"), kind=Kind.FLAG),
    Field("stop_connection_server", text("Stop the Connection Server service meanwhile (nobody can log in)"),
          kind=Kind.FLAG),
    Field("old_tls", text("Allow old TLS (1.0, SHA-1), which vSphere 4 and 5 speak: less safe"), kind=Kind.FLAG),
)  # fmt: skip
UNATTENDED = (
    Field("on_failed_step", text("When a step fails"), kind=Kind.CHOICE,
          choices=(("stop", text("stop and put back")), ("retry", text("try again")),
                   ("skip", text("skip it where it may be")))),
    Field("on_warning", text("When a check warns"), kind=Kind.CHOICE,
          choices=(("go-on", text("go on")), ("stop", text("do not begin")))),
)  # fmt: skip
IMAGE = (
    Field("image_product", text("Product"), text("Leave all three empty if there is none.")),
    Field("image_date", text("Date")),
    Field("image_what", text("What it holds")),
)
FIELDS: Mapping[type, Sequence[Field]] = {
    Form: (FORM_NAME, REPOSITORY),
    HostRow: HOST,
    BrokerRow: BROKER,
    VCenterRow: VCENTER,
    ComposerRow: COMPOSER,
    ServerRow: SERVER,
    DatabaseRow: (Field("server", text("SQL Server")), *DATABASE),
    SettingsRow: (*HOW, *UNATTENDED, *IMAGE),
}


def field_words(row: object, name: str) -> Text | None:
    """Return what a row's field is called; None where it is none that is typed."""
    return next((field.words for field in FIELDS.get(type(row), ()) if field.name == name), None)
