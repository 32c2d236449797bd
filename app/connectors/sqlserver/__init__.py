"""SQL Server through ODBC. Nothing of pyodbc is loaded before the first connection."""

from __future__ import annotations

from app.connectors.sqlserver.drivers import Driver, choose_drivers, installed_drivers
from app.connectors.sqlserver.facts import (
    ComposerRequest,
    ComposerRequests,
    DatabaseFacts,
    Instance,
    Recorded,
    can_compress,
)
from app.connectors.sqlserver.server import SqlServer

__all__ = [
    "ComposerRequest",
    "ComposerRequests",
    "DatabaseFacts",
    "Driver",
    "Instance",
    "Recorded",
    "SqlServer",
    "can_compress",
    "choose_drivers",
    "installed_drivers",
]
