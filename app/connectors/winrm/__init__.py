"""A Windows host over WinRM: commands with live lines, remote PowerShell, services, files. The only user of pywinrm."""

from app.connectors.winrm.facts import (
    Access,
    Completed,
    Computer,
    Dependent,
    Fetched,
    FileFacts,
    OperatingSystem,
    Process,
    Service,
)
from app.connectors.winrm.files import ThereAlready
from app.connectors.winrm.remote import PowerShellError, WinRm
from app.connectors.winrm.scripts import MAX_COMMAND, cmd_quoted, pipeline, program, quoted

__all__ = [
    "MAX_COMMAND",
    "Access",
    "Completed",
    "Computer",
    "Dependent",
    "Fetched",
    "FileFacts",
    "OperatingSystem",
    "PowerShellError",
    "Process",
    "Service",
    "ThereAlready",
    "WinRm",
    "cmd_quoted",
    "pipeline",
    "program",
    "quoted",
]
