"""A set is whole only where its manifest holds every core component, each with evidence that fits it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.backupset.evidence import contradictions
from app.backupset.manifest import Elsewhere, Manifest, Missing, Part, PoolBefore
from app.observation import State
from app.texts import text

RUN = "20260101-000000-ab12"
PATH = rf"C:\backup\viewkeeper-{RUN}-db.bak"
ROW = {"path": PATH, "checksums": True, "damaged": False}
COUNTS = {"pools": 1, "desktops": 3, "entitlements": 2}
EVIDENCE: dict[str, dict[str, Any]] = {
    "ad-lds": {"sha256": "a" * 64, "read": {**COUNTS, "kind": "plain"}},
    "composer-database": {"path": PATH, "name": f"ViewKeeper {RUN}", "row": ROW},
    "composer-keys": {"sha256": "a" * 64},
    "vcenter-database": {"path": PATH, "name": f"ViewKeeper {RUN}", "row": ROW},
    "vcenter-files": {"files": [{"path": "x", "sha256": "a" * 64}, {"path": "y", "sha256": "b" * 64}]},
}


def part(component: str, **evidence: Any) -> Part:
    told = {**EVIDENCE[component], **evidence}
    return Part(component=component, system="s", file=f"{component}/file", size=1, sha256="a" * 64, evidence=told)


WHOLE = Manifest(
    program="1", run=RUN, profile="p", environment="e", started="", completed="", versions={},
    parts=tuple(part(component) for component in EVIDENCE),
    pools=(PoolBefore(pool_id="p", name="p", kind="full", provisioning=True),), counts=COUNTS, freeze_seconds=1.0,
    skew_seconds=1.0, missing=(Missing(component="event-database", why=text("none")),),
)  # fmt: skip
BY_DBA = Elsewhere(
    component="vcenter-database", system="sql:s", database="db", path=PATH, evidence={"state": "passed", "row": ROW}
)


def changed(**fields: Any) -> Manifest:
    return msgspec.structs.replace(WHOLE, **fields)


def with_part(component: str, **evidence: Any) -> Manifest:
    return changed(
        parts=tuple(part(component, **evidence) if one.component == component else one for one in WHOLE.parts)
    )


def without(*components: str, **fields: Any) -> Manifest:
    return changed(parts=tuple(one for one in WHOLE.parts if one.component not in components), **fields)


def keys(manifest: Manifest) -> list[str]:
    found = list(contradictions(manifest))
    assert all(one.state is State.BLOCKED and str(one.found) and str(one.remedy) for one in found)
    return [one.key for one in found]


def test_a_manifest_in_order_is_not_contradicted() -> None:
    assert keys(WHOLE) == []
    assert keys(without("vcenter-database", elsewhere=(BY_DBA,))) == []


@pytest.mark.parametrize("component", ["ad-lds", "composer-database", "composer-keys", "vcenter-database"])
def test_a_core_component_that_is_nowhere_is_named(component: str) -> None:
    assert keys(without(component)) == [component]


def test_an_empty_manifest_is_no_whole_set() -> None:
    assert set(keys(changed(parts=(), missing=(), pools=()))) == {
        "ad-lds", "composer-database", "vcenter-database", "event-database",
    }  # fmt: skip


def test_ad_lds_is_never_missing_on_purpose() -> None:
    gone = Missing(component="ad-lds", why=text("none"))
    assert keys(without("ad-lds", missing=(*WHOLE.missing, gone))) == ["ad-lds"]


@pytest.mark.parametrize(
    ("component", "evidence"),
    [
        ("composer-database", {"row": None}),
        ("composer-database", {"row": {**ROW, "checksums": False}}),
        ("composer-database", {"row": {"path": PATH, "damaged": False}}),
        ("vcenter-database", {"row": {**ROW, "damaged": True}}),
        ("vcenter-database", {"row": {"path": PATH, "checksums": True}}),
        ("vcenter-database", {"row": {**ROW, "path": "C:\\other.bak"}}),
        ("vcenter-database", {"path": ""}),
        ("vcenter-database", {"name": "ViewKeeper another"}),
        ("vcenter-database", {"sha256": "b" * 64}),
        ("ad-lds", {"sha256": "b" * 64}),
        ("ad-lds", {"read": {}}),
        ("ad-lds", {"read": {**COUNTS, "desktops": 2}}),
        ("composer-keys", {"sha256": "b" * 64}),
        ("composer-keys", {"sha256": ""}),
        ("vcenter-files", {"files": [{"sha256": "b" * 64}]}),
        ("vcenter-files", {"files": []}),
    ],
)
def test_evidence_that_is_not_there_or_says_otherwise_is_named_with_its_file(
    component: str, evidence: dict[str, Any]
) -> None:
    assert set(keys(with_part(component, **evidence))) == {f"{component}/file"}


def test_counts_without_pools_of_before_are_named() -> None:
    assert keys(changed(pools=())) == ["ad-lds"]


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"state": "passed", "row": {**ROW, "checksums": False}},
        {"state": "warning", "row": {**ROW, "damaged": True}},
        {"state": "passed", "row": {**ROW, "path": "D:\\other.bak"}},
    ],
)
def test_what_the_dba_made_needs_its_evidence_too(evidence: dict[str, Any]) -> None:
    theirs = msgspec.structs.replace(BY_DBA, evidence=evidence)
    assert set(keys(without("vcenter-database", elsewhere=(theirs,)))) == {"vcenter-database"}


def test_a_backup_of_the_dbas_without_checksums_is_weak_and_no_contradiction() -> None:
    theirs = msgspec.structs.replace(BY_DBA, evidence={"state": "warning", "row": {**ROW, "checksums": False}})
    assert keys(without("vcenter-database", elsewhere=(theirs,))) == []
