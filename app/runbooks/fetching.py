"""After the freeze: bring what was captured into the set, compare hashes on both ends, and read what was brought."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath

from app.backupset import repository
from app.backupset.manifest import Manifest, Part
from app.backupset.verifying import ContentCheck
from app.connectors import ldif
from app.engine.context import Context
from app.engine.step import Json, Probe
from app.errors import UserError
from app.observation import Observation, State
from app.profile import Broker, Host
from app.runbooks.places import safe
from app.runbooks.steps import Look, connections
from app.texts import Text, listed, text
from app.view.components import AD_LDS, COMPOSER_KEYS
from app.wire import Command


@dataclass(frozen=True)
class Fetch(Look):
    """Fetch the files that another step captured on `host` into the set's `folder`."""

    source: str
    host: Host
    folder: str
    key: str
    title: Text

    def observe(self, ctx: Context) -> Json:
        return {"files": list(self._files(ctx.evidence(self.source)))}

    def commands(self, ctx: Context, before: Json) -> tuple[Command, ...]:
        return ()  # reading files changes nothing on the host

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # fetching again overwrites what was fetched

    def act(self, ctx: Context, before: Json) -> None:
        host, files = connections(ctx).host(self.host), before["files"]

        def report(done: int, part: float) -> None:
            ctx.progress((done + part) / len(files))

        for done, file in enumerate(files):
            to = Path(ctx.inputs["folder"]) / file["file"]
            ctx.say(text("Fetching {path} from {host}", path=file["path"], host=self.host.name))
            with repository.guarded(to):
                to.parent.mkdir(parents=True, exist_ok=True)
                host.fetch(
                    file["path"],
                    to,
                    progress=partial(report, done),
                    stop=ctx.stop_asked,
                )

    def verify(self, ctx: Context, before: Json) -> Json:
        host, kept = connections(ctx).host(self.host), []
        for file in before["files"]:
            size, digest = repository.sha256(Path(ctx.inputs["folder"]) / file["file"])
            there = host.sha256(file["path"])
            if digest != there or file.get("sha256") not in (None, digest):
                raise UserError(
                    text("{file} is not what lies on {host}.", file=file["file"], host=self.host.name),
                    text("SHA-256 here {here}, there {there}.", here=digest, there=there),
                    text("Try again; if it happens twice, look at the network and the disks."),
                )
            kept.append({"file": file["file"], "path": file["path"], "size": size, "sha256": digest})
        return {"files": kept, "source": self.source, "host": self.host.name}

    def _files(self, captured: Json) -> Iterator[Json]:
        if captured.get("needed", True) is False:
            return
        for file in captured.get("files", [captured]):
            name = safe_file(PureWindowsPath(file["path"]).name)
            yield {"path": file["path"], "file": f"{self.folder}/{name}", "sha256": file.get("sha256")}


def safe_file(name: str) -> str:
    """Return a remote file's name as one of ours, its ending kept."""
    stem, dot, ending = name.rpartition(".")
    return f"{safe(stem)}.{safe(ending)}" if dot else safe(name)


@dataclass(frozen=True)
class ReadAdLds(Look):
    """Read the fetched export whole and hold it against what the broker says. An encrypted one is marked and tried."""

    broker: Broker
    key: str = "backup/read/ad-lds"
    title: Text = text("Read the AD LDS export whole and count")

    def verify(self, ctx: Context, before: Json) -> Json:
        folder = Path(ctx.inputs["folder"])
        [exported] = ctx.evidence("backup/fetch/ad-lds")["files"]
        facts = _facts(folder / exported["file"])
        told = {"kind": facts.kind.value, "entries": facts.entries, "recovery_password": "not-needed"}
        if facts.kind is ldif.Kind.ENCRYPTED:
            told["recovery_password"] = _recovery_password(ctx, self.broker)
            counted = ctx.evidence("backup/fetch/ad-lds-cleansed")["files"]
            facts = _facts(folder / counted[0]["file"]) if counted else facts
        pools = {pool["pool_id"] for pool in ctx.evidence("backup/freeze")["pools"]}
        inside = {pool.pool_id for pool in facts.pools}
        if missing := pools - inside:
            raise UserError(
                text("The export lacks pools that the broker knows: {pools}.", pools=listed(sorted(missing))),
                text("It was read whole: {count} entries.", count=facts.entries),
                text("Look whether the brokers' AD LDS replicates, then back up again."),
            )
        there = ctx.evidence("backup/freeze/compare").get("desktops", 0)
        if len(facts.desktops) < there:
            raise UserError(
                text("The export lacks desktops: it has {count}.", count=len(facts.desktops)),
                text("The broker knew {there} at the end of the freeze, in which none can be made.", there=there),
                text("Look whether the brokers' AD LDS replicates and the disk is not full, then back up again."),
            )
        on = [pool.name for pool in facts.pools if pool.provisioning and pool.can_switch]
        if on:
            raise UserError(
                text("The export says that provisioning is on: {pools}.", pools=listed(on)),
                text("It was not taken in the freeze, or the brokers' AD LDS does not replicate."),
                text("Look at the replication, then back up again."),
            )
        return {
            **told, "pools": len(facts.pools), "desktops": len(facts.desktops),
            "entitlements": len(facts.entitlements),
        }  # fmt: skip


@dataclass(frozen=True)
class ReadKeys(Look):
    """See that the fetched key container holds the private key: without it a Composer elsewhere is blind."""

    fetched: str
    key: str
    title: Text

    def verify(self, ctx: Context, before: Json) -> Json:
        [kept] = ctx.evidence(self.fetched)["files"]
        if not holds_private_key(Path(ctx.inputs["folder"]) / kept["file"]):
            raise UserError(
                text("{file} does not hold a private key.", file=kept["file"]),
                text("It must be an RSA key with its private part."),
                text("Look whether the container's key may be exported, then back up again."),
            )
        return {"private_key": True}


def holds_private_key(path: Path) -> bool:
    """Say whether a file is an RSA key in XML whose private part is there, whole, and belongs to its public part."""
    import xml.etree.ElementTree as ElementTree

    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314  # fetched from our own host over a pinned connection
        n, e, d, p, q = (_number(root.findtext(name)) for name in ("Modulus", "Exponent", "D", "P", "Q"))
    except (ElementTree.ParseError, ValueError):
        return False
    return root.tag == "RSAKeyValue" and min(p, q) > 1 and p * q == n and e * d % math.lcm(p - 1, q - 1) == 1


def _number(words: str | None) -> int:
    """Read a number of an RSA key in XML: base64, the highest byte first. ValueError where there is none."""
    return int.from_bytes(base64.b64decode(words or "", validate=True), "big")


KINDS = {
    ldif.Kind.PLAIN: text("plain"),
    ldif.Kind.CLEANSED: text("without secrets"),
    ldif.Kind.ENCRYPTED: text("encrypted"),
    ldif.Kind.EMPTY: text("empty"),
}


def content_checks(manifest: Manifest) -> dict[str, ContentCheck]:
    """Return how contents of a set are looked at beyond their hashes, by component."""
    return {AD_LDS: partial(check_ldif, manifest), COMPOSER_KEYS: check_keys}


def check_ldif(manifest: Manifest, path: Path, part: Part) -> Observation:
    """Read an export whole again, and hold its counts against the manifest's. An encrypted one cannot be counted: there
    must be one without secrets beside it, which is."""
    facts = _facts(path)
    exports = manifest.part(AD_LDS)
    if part == exports[0] and facts.kind.value != part.evidence.get("read", {}).get("kind"):
        return _bad(part, text("{file} is of another kind: {kind}.", file=path.name, kind=_kind(facts)))
    if facts.kind is ldif.Kind.ENCRYPTED:
        if len(exports) < 2:
            return _bad(part, text("{file} is encrypted, and no export to count by is beside it.", file=path.name))
    elif facts.kind not in (ldif.Kind.PLAIN, ldif.Kind.CLEANSED):
        return _bad(part, text("{file} holds nothing of View: {kind}.", file=path.name, kind=_kind(facts)))
    elif other := _otherwise(facts, manifest):
        return _bad(
            part, text("{file} holds other than the manifest says: {names}.", file=path.name, names=listed(other))
        )
    found = text("{file} holds {entries} entries, {kind}.", file=path.name, entries=facts.entries, kind=_kind(facts))
    return Observation(part.file, State.PASSED, found)


def _otherwise(facts: ldif.Facts, manifest: Manifest) -> list[str]:
    """Return the counts that differ, and how."""
    counted = {"pools": facts.pools, "desktops": facts.desktops, "entitlements": facts.entitlements}
    said = {name: manifest.counts.get(name) for name in counted}
    return [f"{name} {len(seen)} ({said[name]})" for name, seen in counted.items() if len(seen) != said[name]]


def _kind(facts: ldif.Facts) -> Text | str:
    return KINDS.get(facts.kind, facts.kind.value)


def _bad(part: Part, found: Text) -> Observation:
    needed, remedy = text("It must be as it was captured."), text("Do not restore from it; choose another set.")
    return Observation(part.file, State.BLOCKED, found, needed, remedy, part.system)


def check_keys(path: Path, part: Part) -> Observation:
    """Look for the private key again."""
    good = holds_private_key(path)
    if not good:
        return _bad(part, text("{file} does not hold a private key.", file=part.file))
    return Observation(part.file, State.PASSED, text("It holds the private key."))


def _facts(path: Path) -> ldif.Facts:
    with repository.guarded(path), path.open("rb") as stream:
        return ldif.facts(stream)


def _recovery_password(ctx: Context, broker: Broker) -> str:
    """Try the data recovery password on the export of this very run: an old export needs the password of its day."""
    c = connections(ctx)
    account = f"recovery@{c.profile.environment}"
    path = ctx.evidence("backup/freeze/ad-lds")["path"]
    try:
        password = c.passwords.of("recovery", c.profile.environment)
    except UserError:
        ctx.warn(
            text("The export is encrypted, and its data recovery password is not known here ({name}).", name=account)
        )
        return "unknown"
    tried = c.broker(broker).try_recovery_password(path, password)
    if tried.state is State.BLOCKED:
        raise UserError(text("The data recovery password does not open the export."), tried.found, tried.remedy)
    if tried.state is not State.PASSED:
        ctx.warn(tried.found)
        return "unknown"
    return "tried"
