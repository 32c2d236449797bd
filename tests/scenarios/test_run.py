"""The whole backup by the command line: what the set holds, what is left in the environment, how it is told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.backupset import repository
from app.backupset.manifest import Manifest
from app.connectors.winrm import WinRm
from app.engine.ending import Status
from app.lab.rows import BackupRecord, Service
from app.view import components
from tests.scenarios.environment import Environment, Ran, Sent
from tests.scenarios.running import back_up, sets, with_options
from tests.scenarios.standing import State, changed, ours, provisioning, standing, world_of

CORE = (
    components.AD_LDS,
    components.COMPOSER_DATABASE,
    components.COMPOSER_KEYS,
    components.VCENTER_DATABASE,
    components.VCENTER_FILES,
    components.EVENT_DATABASE,
    components.VSPHERE,
)


@dataclass(frozen=True)
class Whole:
    """A backup by the command line and everything that tests look at."""

    ran: Ran
    manifest: Manifest
    folder: Path
    before: State
    after: State
    switches: tuple[dict[str, str], dict[str, str]]
    left: list[str]
    wire: list[Sent]
    records: list[BackupRecord]
    composer: Service


@pytest.fixture
def whole(environment: Environment) -> Whole:
    before = world_of(environment)
    ran = environment.run("backup", "--profile", "practice", "--yes", "--json")
    assert ran.code == 0, ran
    after = world_of(environment)
    folder = Path(ran.json["set"])
    return Whole(
        ran, repository.open_set(folder), folder, standing(before), standing(after),
        (provisioning(before), provisioning(after)), ours(after), environment.wire(),
        [record for record in after.all(BackupRecord) if record.set_name.startswith("ViewKeeper")],
        after.require(Service, "composer1", "svid"),
    )  # fmt: skip


def evidence(manifest: Manifest, component: str) -> list[dict[str, Any]]:
    return [part.evidence for part in manifest.part(component)]


def test_a_backup_makes_a_whole_set_and_leaves_all_as_it_was(whole: Whole, environment: Environment) -> None:
    told = whole.ran.json
    assert {"outcome", "run", "set", "freeze_seconds", "skew_seconds", "parts", "pools"} <= told.keys()
    assert told["outcome"] == "done"
    assert Path(told["set"]) == whole.folder
    assert told["run"] in whole.folder.name
    assert (told["parts"], told["pools"]) == (len(whole.manifest.parts), 7)
    assert told["freeze_seconds"] > 0
    assert told["freeze_seconds"] >= told["skew_seconds"] > 0
    assert all(whole.manifest.part(component) for component in CORE)

    _each_part_has_its_evidence(whole)
    _the_pools_are_told_as_they_were_before(whole)
    _what_is_not_in_it_is_named(whole)

    assert changed(whole.before, whole.after) == {}
    assert whole.left == []
    assert whole.switches[0] == whole.switches[1]
    assert whole.composer.state == "Running"
    _no_session_stays_open(whole, environment)

    assert environment.run("verify", told["run"], "--json").json["outcome"] == "done"
    _the_run_is_told(told["run"], environment)


def _each_part_has_its_evidence(whole: Whole) -> None:
    manifest = whole.manifest
    for part in manifest.parts:
        path = whole.folder / part.file
        assert repository.sha256(path) == (part.size, part.sha256)
        assert part.component == components.README or (part.started and part.ended and part.system)
    [export] = evidence(manifest, components.AD_LDS)
    assert export["read"]["pools"] == 7
    assert export["read"]["desktops"] == 40
    assert export["read"]["recovery_password"] == "not-needed"
    for component in (components.COMPOSER_DATABASE, components.VCENTER_DATABASE, components.EVENT_DATABASE):
        for part in manifest.part(component):
            row = part.evidence["row"]
            [record] = [one for one in whole.records if one.path == row["path"]]
            assert (row["set_id"], row["size"]) == (record.id, record.size)
            assert (row["checksums"], row["damaged"], row["copy_only"]) == (True, False, True)
            assert part.evidence["verified"]
            assert part.size > record.size, "the medium's own label comes before the backup"
    assert [one["container"] for one in evidence(manifest, components.COMPOSER_KEYS)] == ["SviKeyContainer"]
    vsphere = evidence(manifest, components.VSPHERE)
    assert sum(one.get("vms", 0) for one in vsphere) == manifest.counts["vms"] > 40
    assert sum(one.get("vmx", 0) for one in vsphere) == manifest.counts["vms"]
    assert any(one.get("bundles") for one in vsphere)


def _the_pools_are_told_as_they_were_before(whole: Whole) -> None:
    said = {pool.pool_id: pool.provisioning for pool in whole.manifest.pools}
    words = {"1": True, "0": False, "": None}
    assert said == {pool: words[state] for pool, state in whole.switches[0].items()}


def _what_is_not_in_it_is_named(whole: Whole) -> None:
    missing = {one.component for one in whole.manifest.missing}
    inside = {part.component for part in whole.manifest.parts}
    assert "active-directory" in missing
    assert not missing & inside
    assert {component.key for component in components.COMPONENTS} <= missing | inside
    told = (whole.folder / "README.txt").read_text("utf-8")
    assert whole.manifest.run in told
    assert "研发桌面" in told


def _no_session_stays_open(whole: Whole, environment: Environment) -> None:
    calls = Counter((one.system, one.text.split()[0]) for one in whole.wire if one.system.startswith("vcenter:"))
    for name in ("vc1", "vc2"):
        assert calls[f"vcenter:{name}", "Login"] == calls[f"vcenter:{name}", "Logout"] > 0
    profile = environment.profile()
    passwords = environment.desk.passwords(profile)
    for host in profile.hosts():
        environment.scene("winrm-quotas-low", host=host.name)  # one shell: it opens where none of ours is left
        context = environment.desk.trust.context(f"winrm:{host.name}", host.address, host.port)
        with WinRm(host, passwords.of(host.account, host.name), context=context) as connector:
            assert connector.run("hostname", changes=False).out.strip().lower() == host.name
        environment.scene("quiet")


def _the_run_is_told(run: str, environment: Environment) -> None:
    told = environment.run("report", run, "--json").json
    assert (told["run"], told["status"], told["off"], told["error"]) == (run, "done", [], "")
    assert {step["phase"] for step in told["steps"]} == {"done"}
    keys = [step["key"] for step in told["steps"]]
    freeze = ("", "/drained", "/ad-lds", "/composer/composer1", "/composer-database/composer1", "/vcenter-database/vc1")
    order = ["backup/vsphere/vc1/inventory", "backup/confirm", *(f"backup/freeze{part}" for part in freeze)]
    order += ["backup/freeze/compare", "backup/events", "backup/complete"]
    assert [key for key in keys if key in order] == order
    assert run in environment.run("report", run).out


def test_the_order_on_the_wire_is_the_papers(environment: Environment) -> None:
    back_up(environment)
    texts = [one.text.lower() for one in environment.wire()]

    def at(*pieces: str) -> int:
        return next(number for number, text in enumerate(texts) if all(piece in text for piece in pieces))

    order = [
        at("retrievepropertiesex"), at("isprovisioningenabled $false"), at("vdmexport"), at("stop-service", "svid"),
        at("viewcomposer", "backup database"), at("aspnet_regiis"), at("vim_vcdb", "backup database"),
        at("start-service", "svid"), at("isprovisioningenabled $true"), at("read-filepart", "vdmconfig"),
    ]  # fmt: skip
    assert order == sorted(order)


# ---- sets that are damaged


def test_a_damaged_file_of_a_set_is_named(whole: Whole, environment: Environment) -> None:
    for component in (components.AD_LDS, components.COMPOSER_DATABASE, components.VSPHERE):
        part = whole.manifest.part(component)[0]
        path = whole.folder / part.file
        good = path.read_bytes()
        middle = len(good) // 2
        path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        ran = environment.run("verify", whole.manifest.run, "--json")
        assert (ran.code, ran.json["outcome"]) == (6, "damaged"), ran
        assert [file["key"] for file in ran.json["files"] if file["state"] == "blocked"] == [part.file]
        assert part.file in ran.err
        path.write_bytes(good)
    assert environment.run("verify", whole.manifest.run, "--json").code == 0


def test_what_else_may_be_wrong_with_a_set_is_told(whole: Whole, environment: Environment) -> None:
    part = whole.manifest.part(components.COMPOSER_KEYS)[0]
    (whole.folder / part.file).unlink()
    ran = environment.run("verify", str(whole.folder), "--json")
    assert ran.code == 6
    assert f"{part.file} is missing." in ran.err
    manifest = whole.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"run": "2', b'"run": "1', 1))
    ran = environment.run("verify", str(whole.folder), "--json")
    assert (ran.code, ran.json["outcome"]) == (2, "refused"), ran
    assert "manifest is damaged" in ran.err
    manifest.unlink()
    ran = environment.run("verify", str(whole.folder), "--json")
    assert (ran.code, ran.json["outcome"]) == (2, "refused"), ran
    [listed] = environment.run("sets", "--json").json["sets"]
    assert not listed["whole"]


# ---- work in progress


def test_a_recompose_in_progress_blocks_and_nothing_is_changed(environment: Environment) -> None:
    environment.scene("recompose-running")
    mark = environment.mark()
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (4, "blocked"), ran
    assert environment.changed_by_us(mark) == []


def test_a_clone_that_begins_late_is_waited_for(environment: Environment) -> None:
    environment.scene("clone-starts-late", seconds=1)
    before = provisioning(world_of(environment))
    said: list[str] = []
    ending = back_up(environment, sink=lambda event: said.append(str(event.text)))
    assert (ending.status, ending.exit_code) == (Status.DONE, 0), ending
    assert any("Waiting: " in line for line in said)
    assert provisioning(world_of(environment)) == before
    assert len(sets(environment)) == 1


def test_a_clone_that_does_not_end_ends_the_run_with_everything_put_back(environment: Environment) -> None:
    environment.scene("clone-starts-late", seconds=3600)
    before = provisioning(world_of(environment))
    ending = back_up(environment, with_options(environment.profile(), drain_minutes=0.5))
    assert (ending.status, ending.exit_code) == (Status.FAILED, 1), ending
    assert ending.error is not None
    assert "Work is still in progress" in str(ending.error.what)
    assert provisioning(world_of(environment)) == before
    assert ours(world_of(environment)) == []


def test_the_named_fault_of_composers_database_fails_the_run(environment: Environment) -> None:
    before = standing(world_of(environment))
    environment.named_fault("composer-backup-fails")
    ran = environment.run("backup", "--yes", "--json")
    assert (ran.code, ran.json["outcome"]) == (1, "failed"), ran
    assert "ViewComposer" in ran.json["error"]["what"]
    assert "set" not in ran.json
    world = world_of(environment)
    assert changed(before, standing(world)) == {}
    assert ours(world) == []


def test_one_object_is_on_standard_output_and_no_secret_anywhere(environment: Environment) -> None:
    ran = environment.as_process("backup", "--yes", "--json", "--verbose")
    assert ran.code == 0, ran
    assert json.loads(ran.out)["outcome"] == "done"
    written = ran.out + ran.err
    for path in environment.data.rglob("*"):
        if path.is_file() and "lab" not in path.relative_to(environment.data).parts and path.suffix != ".bak":
            written += path.read_bytes().decode("utf-8", "replace")
    for account in ("PRACTICE\\viewkeeper", "vksql", "recovery"):
        assert environment.password(account) not in written
