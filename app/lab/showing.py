"""What the world looks like now, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.lab import directory, scenes
from app.lab.lab import Lab
from app.lab.rows import BackupRecord, Broker, Fault, Service, Vm, Work
from app.texts import text

SHOWN = {"wsbroker", "svid", "vpxd", "MSSQLSERVER", "ADAM_VMwareVDMDS", "wssecurity"}
Json = dict[str, Any]


def status(lab: Lab) -> Json:
    """Return pools and their provisioning, services, running work, faults, scenes and counts."""
    world = lab.world
    with world.lock:
        groups = dict.fromkeys(broker.group for broker in world.all(Broker))
        return {
            "time": world.now(),
            "pace": world.setting("pace", "1"),
            "events": len(world.events),
            "pools": [_pool(lab, facts) for group in groups for facts in directory.pools(world, group)],
            "services": [
                {"host": row.host, "name": row.name, "display": row.display, "state": row.state}
                for row in world.all(Service)
                if row.name in SHOWN
            ],
            "work": [
                {"kind": work.kind, "subject": work.subject, "phase": work.details.get("phase", ""), "ends": work.ends}
                for work in world.all(Work)
            ],
            "faults": [f"{row.id} {row.kind} {row.system} {row.call} {row.times}" for row in world.all(Fault)],
            "scenes": scenes.active(world),
            "machines": len(world.all(Vm)),
            "backups": len(world.all(BackupRecord)),
        }


def as_text(status: Json) -> str:
    """Return a status for people, one thing a line."""
    counted = text(
        "Pace {pace}; {machines} virtual machines; {backups} backups in msdb",
        pace=status["pace"], machines=status["machines"], backups=status["backups"],
    )  # fmt: skip
    lines = [str(counted), ""]
    for pool in status["pools"]:
        switch = {True: "on", False: "off", None: "-"}[pool["provisioning"]]
        states = ", ".join(f"{count} {state}" for state, count in pool["states"].items())
        lines.append(f"pool     {pool['id']:<14} {pool['type']:<20} provisioning {switch:<4} {states}")
    lines += [f"service  {row['host']:<14} {row['display']:<40} {row['state']}" for row in status["services"]]
    lines += [f"work     {row['kind']} of {row['subject']} {row['phase']}" for row in status["work"]]
    lines += [f"fault    {fault}" for fault in status["faults"]]
    lines += [f"scene    {name}" for name in status["scenes"]]
    for system, entry in status.get("systems", {}).items():
        lines.append(f"system   {system:<20} 127.0.0.1:{entry['port']} {'' if entry['answers'] else 'closed'}".rstrip())
    return "\n".join(lines)


def _pool(lab: Lab, facts: directory.PoolFacts) -> Json:
    desktops = directory.desktops(lab.world, facts.group, facts.id)
    return {
        "id": facts.id, "name": facts.name, "type": facts.type, "provisioning": facts.provisioning,
        "states": dict(Counter(entry.first(directory.STATE) for entry in desktops)),
    }  # fmt: skip
