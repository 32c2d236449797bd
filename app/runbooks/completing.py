"""The last step: the README, the manifest, and with it the set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import app
from app import paths
from app.backupset import repository, verifying
from app.backupset.manifest import Elsewhere, Manifest, Missing, Part, PoolBefore
from app.engine.context import Context
from app.engine.step import Json, Probe
from app.errors import UserError
from app.observation import State
from app.profile import Database
from app.runbooks.confirming import UNKNOWN_VERSION
from app.runbooks.databases import NOT_VERIFIED
from app.runbooks.fetching import content_checks
from app.runbooks.progress import some
from app.runbooks.steps import Look, connections, utc
from app.runbooks.vsphere import no_bundle, unread_vmx
from app.texts import Text, listed, text
from app.view import components
from app.view.components import COMPONENTS

README = "README.txt"
NOT_CAPTURED = text("This backup covers the core only; keep it by other means.")
NO_NEED = text("The paper asks for none while another broker of the group is backed up.")
ELSEWHERE = text("The DBA backed it up during the freeze; the manifest says where it lies.")


@dataclass(frozen=True)
class Source:
    """Which step's evidence names files of the set, what they are, and which step captured them."""

    key: str
    captured: str
    component: str
    system: str


@dataclass(frozen=True)
class ByDba:
    """A database that the DBA backs up: the guided step that proves it, and what it is."""

    key: str
    component: str
    database: Database


@dataclass(frozen=True)
class CompleteSet(Look):
    """Look at every part, write README.txt and the manifest, and read the whole set back.

    `cores` are the captures between which the skew is measured; without each of `needed` there is no set."""

    sources: tuple[Source, ...]
    cores: tuple[str, ...]
    by_dba: tuple[ByDba, ...] = ()
    needed: tuple[str, ...] = ()
    key: str = "backup/complete"
    title: Text = text("Write the manifest and read the whole set back")

    def probe(self, ctx: Context, before: Json) -> Probe:
        return Probe.NOT_DONE  # writing the manifest again changes nothing but the manifest

    def act(self, ctx: Context, before: Json) -> None:
        folder = Path(ctx.inputs["folder"])
        repository.withdraw(folder)  # of an earlier episode: what is not looked at yet is no set
        manifest = self._manifest(ctx)
        size, digest = repository.write_file(folder / README, readme(manifest, ctx).encode())
        about = Part(component=components.README, system="", file=README, size=size, sha256=digest)
        manifest = msgspec.structs.replace(manifest, parts=(*manifest.parts, about))
        _whole(folder, manifest, lambda part: ctx.progress(part / 2))
        repository.complete(folder, msgspec.structs.replace(manifest, read_whole=utc(ctx.now())))

    def verify(self, ctx: Context, before: Json) -> Json:
        folder = Path(ctx.inputs["folder"])
        try:
            manifest = repository.open_set(folder)
            _whole(folder, manifest, lambda part: ctx.progress(0.5 + part / 2))
        except UserError:
            repository.withdraw(folder)
            raise
        return {
            "set": str(folder), "parts": len(manifest.parts), "freeze_seconds": manifest.freeze_seconds,
            "skew_seconds": manifest.skew_seconds, "pools": len(manifest.pools),
            "fell_into_error": list(manifest.fell_into_error),
            "weaknesses": msgspec.to_builtins(manifest.weaknesses),
        }  # fmt: skip

    def _manifest(self, ctx: Context) -> Manifest:
        c, frozen = connections(ctx), ctx.evidence("backup/freeze")
        parts, elsewhere = tuple(self._parts(ctx)), tuple(self._elsewhere(ctx))
        self._refuse_gaps(ctx)
        freeze = ctx.span("backup/freeze")
        return Manifest(
            program=app.__version__,
            run=ctx.run,
            profile=c.profile.name,
            environment=c.profile.environment,
            started=ctx.inputs["started"],
            completed=utc(ctx.now()),
            versions=self._versions(ctx),
            parts=parts,
            elsewhere=elsewhere,
            pools=tuple(
                PoolBefore(pool_id=p["pool_id"], name=p["name"], kind=p["kind"], provisioning=p["provisioning"])
                for p in frozen["pools"]
            ),
            counts=self._counts(ctx),
            freeze_seconds=round(freeze[1] - freeze[0], 3) if freeze else 0.0,
            skew_seconds=self._skew(ctx),
            spans=self._spans(ctx),
            fell_into_error=tuple(ctx.evidence("backup/freeze/compare").get("fell_into_error", ())),
            missing=tuple(missing(parts, elsewhere, len(c.profile.brokers))),
            weaknesses=tuple(self._weaknesses(ctx, parts, elsewhere)),
            image_backup=msgspec.to_builtins(c.profile.image_backup) if c.profile.image_backup else None,
        )

    def _refuse_gaps(self, ctx: Context) -> None:
        """Raise UserError where a capture has neither brought a file into the set nor proof of one elsewhere."""
        there = {source.captured for source in self.sources if _files(ctx.evidence(source.key))}
        there |= {one.key for one in self.by_dba if ctx.evidence(one.key)}
        if gaps := [key for key in self.needed if key not in there]:
            raise UserError(
                text("There is no set: {what} is neither in it nor proven elsewhere.", what=listed(gaps)),
                text("A set holds all that a restore needs, or is none."),
                text("Look at the server in the profile, then back up again."),
            )

    def _parts(self, ctx: Context) -> Iterator[Part]:
        for source in self.sources:
            fetched, captured = ctx.evidence(source.key), ctx.evidence(source.captured)
            span = ctx.span(source.captured) or (0.0, 0.0)
            for file in _files(fetched):
                yield Part(
                    component=source.component,
                    system=source.system,
                    file=file["file"],
                    size=file["size"],
                    sha256=file["sha256"],
                    host=str(fetched.get("host", "")),
                    started=captured.get("started", utc(span[0])),
                    ended=captured.get("ended", utc(span[1])),
                    evidence=_evidence(ctx, source, captured),
                )

    def _elsewhere(self, ctx: Context) -> Iterator[Elsewhere]:
        for one in self.by_dba:
            if proof := ctx.evidence(one.key):
                row = json.loads(proof["details"])
                evidence = {"state": proof["state"], "row": row}
                yield Elsewhere(
                    component=one.component, system=f"sql:{one.database.server.name}", database=one.database.name,
                    path=row["path"], evidence=evidence,
                )  # fmt: skip

    def _versions(self, ctx: Context) -> dict[str, str]:
        confirmed = ctx.evidence("backup/confirm")
        return dict(confirmed["versions"])

    def _counts(self, ctx: Context) -> dict[str, int]:
        read = ctx.evidence("backup/read/ad-lds")
        vms = sum(ctx.evidence(source.key).get("vms", 0) for source in self.sources)
        names = ("pools", "desktops", "entitlements", "entries")
        return {**{name: read[name] for name in names}, "vms": vms}

    def _spans(self, ctx: Context) -> dict[str, dict[str, str]]:
        found = {source.captured: ctx.span(source.captured) for source in self.sources}
        return {key: {"from": utc(span[0]), "to": utc(span[1])} for key, span in found.items() if span}

    def _skew(self, ctx: Context) -> float:
        """From the start of the first to the end of the last capture of AD LDS, Composer and vCenter databases."""
        spans = [span for key in self.cores if (span := ctx.span(key))]
        return round(max(end for _, end in spans) - min(start for start, _ in spans), 3) if spans else 0.0

    def _weaknesses(self, ctx: Context, parts: tuple[Part, ...], elsewhere: tuple[Elsewhere, ...]) -> Iterator[Text]:
        if ctx.evidence("backup/read/ad-lds")["recovery_password"] == "unknown":  # noqa: S105  # how the trial ended
            yield text("The export is encrypted and its data recovery password was not tried.")
        yield from self._unknown(ctx)
        yield from self._left_out(ctx)
        if fell := ctx.evidence("backup/freeze/compare").get("fell_into_error"):
            yield text("{count} desktops fell into error during the freeze.", count=len(fell))
        if other := ctx.evidence("backup/freeze/compare").get("changed_in_freeze"):
            yield text("Desktops changed during the freeze: {names}.", names=some(other))
        for part in parts:
            if part.evidence.get("verified") == NOT_VERIFIED:
                yield text("{file} was not read through by its server: the login may not.", file=part.file)
            if part.evidence.get("without"):
                yield no_bundle(part.evidence["without"])
            if part.evidence.get("unread"):
                yield unread_vmx(part.evidence["unread"])
        for one in elsewhere:
            if one.evidence["state"] == State.WARNING:
                yield text("{path}, made by the DBA, has no checksums, and so proves little.", path=one.path)
        if not connections(ctx).profile.image_backup:
            yield text("No image backup of the virtual disks is on record.")

    def _unknown(self, ctx: Context) -> Iterator[Text]:
        """Yield what could not be looked at before and in the freeze."""
        confirmed = ctx.evidence("backup/confirm")
        drained = ctx.evidence("backup/freeze/drained").get("seen", {})
        seen = {key: one["state"] for key, one in confirmed.get("seen", {}).items()}
        words = {key: one["found"] for key, one in confirmed.get("seen", {}).items()}
        for key in dict.fromkeys((*seen, *drained)):
            if State.UNKNOWN in (seen.get(key), drained.get(key)):
                yield text("Whether work was in progress was not known ({what}): {found}", what=key,
                           found=words.get(key, ""))  # fmt: skip
        for system, version in confirmed.get("versions", {}).items():
            if version == UNKNOWN_VERSION:
                yield text("The version of {system} is not known.", system=system)

    def _left_out(self, ctx: Context) -> Iterator[Text]:
        """Yield what the profile does not name, and what was skipped."""
        for vcenter in connections(ctx).profile.vcenters:
            if vcenter.database is None:
                yield text("{vcenter}: its database is not in the set; the profile names none.", vcenter=vcenter.name)
            if vcenter.host is None:
                yield text("{vcenter}: vpxd.cfg and SSL are not in the set; the profile names no host.",
                           vcenter=vcenter.name)  # fmt: skip
        for source in self.sources:
            if source.component == components.VSPHERE and not _files(ctx.evidence(source.key)):
                yield text("{what} was skipped.", what=source.captured.removeprefix("backup/"))


def _files(brought: Json) -> list[Json]:
    """Return the files of the set that a step's evidence names."""
    found: list[Json] = brought.get("files", [brought] if "file" in brought else [])
    return found


def _whole(folder: Path, manifest: Manifest, progress: Callable[[float], None]) -> None:
    """Read every part and hold it against the manifest. UserError naming the first that is not as it must be."""
    for seen in verifying.verify(folder, manifest, content_checks(manifest), progress):
        if seen.state in (State.BLOCKED, State.UNKNOWN):
            raise UserError(text("The set could not be read back whole."), seen.found, seen.remedy)


def _evidence(ctx: Context, source: Source, captured: Json) -> dict[str, Any]:
    if source.component == components.AD_LDS:
        return {**captured, "read": ctx.evidence("backup/read/ad-lds")}
    return captured


def missing(parts: tuple[Part, ...], elsewhere: tuple[Elsewhere, ...], brokers: int) -> Iterator[Missing]:
    """Yield the components of the paper's table 6 that are not in the set, and why."""
    inside, by_dba = {part.component for part in parts}, {one.component for one in elsewhere}
    for component in COMPONENTS:
        if component.key in inside:
            continue
        why = NO_NEED if component.key == "replica-servers" and brokers > 0 else NOT_CAPTURED
        if component.in_core:
            why = ELSEWHERE if component.key in by_dba else text("The profile names none.")
        yield Missing(component=component.key, why=why)


def readme(manifest: Manifest, ctx: Context) -> str:
    """Return README.txt: how to restore this set by hand, in both languages, with its hosts and versions."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(paths.resources() / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # plain text, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = {component.key: component.name for component in COMPONENTS}
    return environment.get_template("README.txt.j2").render(
        manifest=manifest, profile=connections(ctx).profile, names=names
    )
