"""The paper's components (table 6), by their row, and which of them a backup of the core holds."""

from __future__ import annotations

from dataclasses import dataclass


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
    Component(COMPOSER_DATABASE, "View Composer database", in_core=True),
    Component(VCENTER_DATABASE, "vCenter database", in_core=True),
    Component("active-directory", "Active Directory"),
    Component(AD_LDS, "AD LDS of View", in_core=True),
    Component("transfer-server", "View Transfer Server"),
    Component("stateful-desktops", "Stateful virtual desktops"),
    Component("thinapp-repository", "ThinApp repository"),
    Component("connection-server", "View Connection Server (the machine)"),
    Component("security-server", "View Security Server"),
    Component("vcenter-server", "vCenter Server (the machine)"),
    Component("composer-server", "View Composer server (the machine)"),
    Component(EVENT_DATABASE, "Event and log database", in_core=True),
    Component("esx-hosts", "ESX hosts"),
    Component("replica-servers", "View replica servers"),
    Component("client-management", "Vendors' client management servers"),
)
