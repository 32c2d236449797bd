"""WinRM's own configuration, as `winrm get winrm/config` prints it and a Get of it returns it."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from app.lab.windows.host import Host
from app.lab.windows.soap import CONFIG

# as Windows Server 2008 R2 has them (WinRM 2.0), by the names of `winrm get winrm/config`
QUOTAS = {
    "MaxEnvelopeSizekb": 150, "MaxTimeoutms": 60000, "MaxBatchItems": 32000, "MaxProviderRequests": 4294967295,
    "MaxConcurrentOperations": 4294967295, "MaxConcurrentOperationsPerUser": 15, "EnumerationTimeoutms": 60000,
    "MaxConnections": 25, "MaxPacketRetrievalTimeSeconds": 120, "AllowRemoteShellAccess": 1, "IdleTimeout": 180000,
    "MaxConcurrentUsers": 5, "MaxShellRunTime": 28800000, "MaxProcessesPerShell": 15, "MaxMemoryPerShellMB": 150,
    "MaxShellsPerUser": 5,
}  # fmt: skip


def quota(host: Host, name: str) -> int:
    """Return a quota of the host, by WinRM's own name."""
    return host.row.quotas.get(name, QUOTAS[name])


_AUTH = {"Basic": "false", "Kerberos": "true", "Negotiate": "true", "Certificate": "false", "CredSSP": "false"}
_CLIENT_AUTH = {
    "Basic": "true",
    "Digest": "true",
    "Kerberos": "true",
    "Negotiate": "true",
    "Certificate": "true",
    "CredSSP": "false",
}
_PORTS = {"HTTP": "5985", "HTTPS": "5986"}


def config(host: Host) -> dict[str, Any]:
    """Return the configuration as nested names and texts."""

    def of(*names: str) -> dict[str, str]:
        return {name: str(quota(host, name)) for name in names}

    return {
        **of("MaxEnvelopeSizekb", "MaxTimeoutms", "MaxBatchItems", "MaxProviderRequests"),
        "Client": {
            "NetworkDelayms": "5000", "URLPrefix": "wsman", "AllowUnencrypted": "false", "Auth": _CLIENT_AUTH,
            "DefaultPorts": _PORTS, "TrustedHosts": "",
        },
        "Service": {
            "RootSDDL": "O:NSG:BAD:P(A;;GA;;;BA)S:P(AU;FA;GA;;;WD)(AU;SA;GWGX;;;WD)",
            **of("MaxConcurrentOperations", "MaxConcurrentOperationsPerUser", "EnumerationTimeoutms", "MaxConnections",
                 "MaxPacketRetrievalTimeSeconds"),
            "AllowUnencrypted": "false", "Auth": {**_AUTH, "CbtHardeningLevel": "Relaxed"}, "DefaultPorts": _PORTS,
            "IPv4Filter": "*", "IPv6Filter": "*", "EnableCompatibilityHttpListener": "false",
            "EnableCompatibilityHttpsListener": "false", "CertificateThumbprint": "",
        },
        "Winrs": {
            "AllowRemoteShellAccess": "true" if quota(host, "AllowRemoteShellAccess") else "false",
            **of("IdleTimeout", "MaxConcurrentUsers", "MaxShellRunTime", "MaxProcessesPerShell", "MaxMemoryPerShellMB",
                 "MaxShellsPerUser"),
        },
    }  # fmt: skip


def config_text(host: Host) -> str:
    """Return the configuration as winrm.cmd prints it."""
    return "\n".join(["Config", *_lines(config(host), 1)])


def config_xml(host: Host) -> str:
    """Return the configuration as the body of an answer to Get."""
    return f'<cfg:Config xmlns:cfg="{CONFIG}">{_elements(config(host))}</cfg:Config>'


def _lines(values: dict[str, Any], depth: int) -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += ["    " * depth + name, *_lines(value, depth + 1)]
        else:
            lines.append("    " * depth + (f"{name} = {value}" if value else name))
    return lines


def _elements(values: dict[str, Any]) -> str:
    return "".join(
        f"<cfg:{name}>{_elements(value) if isinstance(value, dict) else escape(value)}</cfg:{name}>"
        for name, value in values.items()
    )
