"""The paper's components (table 6), by their row, and which of them a backup of the core holds."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import Text, text


@dataclass(frozen=True)
class Component:
    """A row of table 6: `key` names it for good, `in_core` says that the core backup captures it."""

    key: str
    name: str
    in_core: bool = False


AD_LDS = "ad-lds"
COMPOSER_DATABASE = "composer-database"
COMPOSER_KEYS = "composer-keys"
VCENTER_DATABASE = "vcenter-database"
VCENTER_FILES = "vcenter-files"
EVENT_DATABASE = "event-database"
VSPHERE = "vsphere"
README = "readme"

COMPONENTS = (
    Component(COMPOSER_DATABASE, text("View Composer database").message, in_core=True),
    Component(VCENTER_DATABASE, text("vCenter database").message, in_core=True),
    Component("active-directory", text("Active Directory").message),
    Component(AD_LDS, text("AD LDS of View").message, in_core=True),
    Component("transfer-server", text("View Transfer Server").message),
    Component("stateful-desktops", text("Stateful virtual desktops").message),
    Component("thinapp-repository", text("ThinApp repository").message),
    Component("connection-server", text("View Connection Server (the machine)").message),
    Component("security-server", text("View Security Server").message),
    Component("vcenter-server", text("vCenter Server (the machine)").message),
    Component("composer-server", text("View Composer server (the machine)").message),
    Component(EVENT_DATABASE, text("Event and log database").message, in_core=True),
    Component("esx-hosts", text("ESX hosts").message),
    Component("replica-servers", text("View replica servers").message),
    Component("client-management", text("Vendors' client management servers").message),
)

OTHERS = {
    COMPOSER_KEYS: text("RSA keys of View Composer"),
    VCENTER_FILES: text("Files of vCenter Server"),
    VSPHERE: text("vSphere: inventory and configuration"),
    README: text("How to restore by hand"),
}


def name_of(key: str) -> Text:
    """Return what a part of a backup set is called, for people; the key itself where it is not known."""
    named = {component.key: Text(component.name) for component in COMPONENTS} | OTHERS
    return named.get(key, Text("{key}", {"key": key}))
