"""The practice environment as a profile: what an administrator would have typed."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app import profile
from app.profile import Broker, Composer, Database, Host, Profile, SqlServer, VCenter
from app.trust import Certificate, describe

ADDRESS = "127.0.0.1"
ACCOUNT = "PRACTICE\\viewkeeper"
SQL_ACCOUNT = "vksql"
ACCOUNTS = (ACCOUNT, "PRACTICE\\auditor", SQL_ACCOUNT, "limited", "recovery")


def practice_profile(published: dict[str, Any], repository: Path) -> Profile:
    """Return the practice environment's profile; `published` is what the lab has published (lab.json)."""
    ports = {system: entry["port"] for system, entry in published["systems"].items()}
    hosts = {
        system.partition(":")[2]: Host(
            name=system.partition(":")[2], address=ADDRESS, port=port, tls=True, account=ACCOUNT
        )
        for system, port in ports.items()
        if system.startswith("winrm:")
    }
    sql1 = SqlServer(
        name="sql1", address=ADDRESS, port=ports["sql:sql1"], account=SQL_ACCOUNT, host=hosts["sql1"], encrypt=True
    )
    sql2 = SqlServer(
        name="sql2", address=ADDRESS, port=ports["sql:sql2"], account=SQL_ACCOUNT, host=hosts["sql2"], encrypt=False
    )
    return Profile(
        name=profile.PRACTICE,
        practice=True,
        brokers=(Broker(host=hosts["broker1"]), Broker(host=hosts["broker2"], role="replica")),
        vcenters=(
            _vcenter("vc1", ports, hosts["vcenter1"], Database(name="VIM_VCDB", server=sql1)),
            _vcenter("vc2", ports, hosts["vcenter2"], Database(name="VCDB [alt] 二", server=sql2)),
        ),
        composers=(Composer(host=hosts["composer1"], database=Database(name="ViewComposer", server=sql1)),),
        security_servers=(hosts["security1"],),
        event_database=Database(name="ViewEvents", server=sql1),
        repository=str(repository),
    )


def practice_passwords(data: Path) -> dict[str, str]:
    """Return the practice accounts' passwords as a workstation has kept them: not what a scene has changed since."""
    known = json.loads((data / "lab" / "passwords.json").read_text("utf-8"))
    kept = {account: known.get(f"first:{account.lower()}", known.get(account.lower())) for account in ACCOUNTS}
    return {account: password for account, password in kept.items() if password is not None}


def practice_password(data: Path, account: str) -> str:
    """Return the password of one practice account; KeyError where it is none."""
    return practice_passwords(data)[account]


def certificates(published: dict[str, Any]) -> Iterator[tuple[str, int, Certificate]]:
    """Yield address, port and certificate of every system, as clients know them."""
    for entry in published["systems"].values():
        yield ADDRESS, entry["port"], describe(ssl.PEM_cert_to_DER_cert(entry["certificate"]))


def _vcenter(name: str, ports: dict[str, int], host: Host, database: Database) -> VCenter:
    return VCenter(
        name=name, address=ADDRESS, port=ports[f"vcenter:{name}"], account=ACCOUNT, host=host, database=database
    )
