"""Every check is asked of the practice environment over its real protocols: in order, in trouble, and in the dark."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from app.backupset.manifest import Manifest, PoolBefore
from app.errors import UserError
from app.lab.faults import PRESETS
from app.lab.scenes import SCENES
from app.observation import State
from app.runbooks.checks.check import Surroundings
from app.runbooks.checks.table import CHECKS
from app.texts import text
from tests.scenarios.environment import Environment

PASSED, WARNING, BLOCKED, UNKNOWN = State.PASSED, State.WARNING, State.BLOCKED, State.UNKNOWN
QUIET = {("draining", WARNING), ("single-points", WARNING), ("age", WARNING), ("more-off", UNKNOWN)}
"""What a quiet environment that was never backed up shows all the same."""


@dataclass(frozen=True)
class Case:
    """One thing played on the lab: which answer of a check it must bring about, on which system, in which words."""

    check: str
    state: State
    words: str
    system: str = ""
    scene: str = ""
    options: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    call: tuple[str, str, str] = ("", "", "")
    around: Callable[[], Surroundings] = Surroundings

    def __str__(self) -> str:
        told = "-".join((self.scene or self.fault or self.call[1], *(value for _, value in self.options)))
        return f"{self.check}-{self.state}-{told or 'quiet'}"

    def play(self, environment: Environment) -> None:
        if self.scene:
            environment.scene(self.scene, **dict(self.options))
        if self.fault:
            environment.named_fault(self.fault)
        if self.call[0]:
            environment.fault(*self.call)


def on(**options: str) -> tuple[tuple[str, str], ...]:
    return tuple(options.items())


def after_a_set(hours_ago: float) -> Callable[[], Surroundings]:
    """A set whose pools were all on was completed so long ago."""

    def around() -> Surroundings:
        names = ("fin-full", "sales-lc", "kiosk-lc", "rd-lc", "eng-full")
        pools = [PoolBefore(pool_id=name, name=name, kind="", provisioning=True) for name in names]
        pools.append(PoolBefore(pool_id="training-lc", name="", kind="", provisioning=False))
        completed = datetime.fromtimestamp(time.time() - hours_ago * 3600, UTC).isoformat()
        return Surroundings(
            Manifest(
                program="", profile="", environment="", run="", started=completed, completed=completed, versions={},
                parts=(), pools=tuple(pools), counts={}, freeze_seconds=0, skew_seconds=0,
            )
        )  # fmt: skip

    return around


def without_a_repository() -> Surroundings:
    return Surroundings(sets_unknown=UserError(text("The repository cannot be used."), do=text("Connect the disk.")))


BAD = (
    Case("notice", BLOCKED, "ADMIN-PC2", "winrm:broker1", "foreign-notice"),
    Case("notice", WARNING, "zhao.min", "winrm:broker1", "foreign-notice", on(age="3600")),
    Case("services", BLOCKED, "VMware View Composer on composer1: Stopped", "winrm:composer1", "composer-stopped"),
    Case("services", BLOCKED, "VMwareVDMDS on broker1: Stopped", "winrm:broker1", "service-stopped"),
    Case("services", BLOCKED, "Server on broker1: Stopped", "winrm:broker1", "service-stopped", on(service="wsbroker")),
    Case("clustered", BLOCKED, "Cluster Service", "winrm:composer1", "composer-clustered"),
    Case("clustered", WARNING, "Stopped", "winrm:composer1", "cluster-service-idle", on(start_mode="Manual")),
    Case("progress/view", BLOCKED, "FIN-", "winrm:broker1", "clone-running"),
    Case("progress/view", BLOCKED, "DELETING", "winrm:broker1", "delete-running"),
    Case("progress/view", WARNING, "maintenance", "winrm:broker1", "recompose-running"),
    Case("progress/view", WARNING, "(AWAITING_AGENT)", "winrm:broker1", "desktop-state-unknown"),
    Case("progress/vcenter", BLOCKED, "VirtualMachine.reconfigure", "vcenter:vc1", "recompose-running"),
    Case("progress/vcenter", BLOCKED, "VirtualMachine.clone", "vcenter:vc1", "clone-running"),
    Case("progress/vcenter", BLOCKED, "VirtualMachine.destroy", "vcenter:vc2", "delete-running"),
    Case("progress/composer", BLOCKED, "RECOMPOSE SALES-", "sql:sql1", "recompose-running"),
    Case("scheduled", BLOCKED, "RECOMPOSE sales-lc", "sql:sql1", "recompose-scheduled"),
    Case("scheduled", BLOCKED, "Snapshot of FIN-001", "vcenter:vc1", "vcenter-task-scheduled"),
    Case("draining", WARNING, "Kiosk, Training room", "winrm:broker1"),
    Case("built-in", BLOCKED, r"C:\ProgramData\VMware\VDM\backups", "winrm:broker1", "built-in-backup"),
    Case("described", WARNING, "vcenter3.practice.example, Composer of", "winrm:broker1", "vcenter-not-described"),
    Case("versions", BLOCKED, "broker2 5.0.0-481677", "winrm:broker1", "version-mismatch"),
    Case("rights/view", BLOCKED, r"PRACTICE\viewkeeper may not", "winrm:broker1", "view-read-only"),
    Case("rights/sql", BLOCKED, "vksql may not back up ViewComposer", "sql:sql1", "sql-rights-missing"),
    Case("rights/sql-service", BLOCKED, r"PRACTICE\sqlservice is denied", "winrm:sql1", "sql-folder-closed"),
    Case("rights/vcenter", WARNING, "Host.Config.Firmware", "vcenter:vc1", "vcenter-rights-missing"),
    Case("tools", BLOCKED, "vdmexport.exe is missing", "winrm:broker1", "tool-missing"),
    Case("tools", BLOCKED, "aspnet_regiis.exe is missing", "winrm:composer1", "tool-missing", on(tool="aspnet_regiis")),
    Case("tools", BLOCKED, "PowerCLI is not registered", "winrm:broker1", "powercli-missing"),
    Case("space", BLOCKED, "sql1 C:: 1 MB free", "winrm:sql1", "disk-full"),
    Case("space", BLOCKED, "broker1 C:: 1 MB free", "winrm:broker1", "disk-full", on(host="broker1")),
    Case(
        "security-servers", WARNING, "Security Server on security1: Stopped", "winrm:security1", "service-stopped",
        on(host="security1", service="wssecurity"),
    ),
    Case("clocks", WARNING, "600.0 seconds", "winrm:composer1", "clock-off"),
    Case("winrm", WARNING, "Winrs.MaxShellsPerUser 1", "winrm:composer1", "winrm-quotas-low"),
    Case("parents", WARNING, "win7-kiosk /base", "winrm:broker1", "parent-missing"),
    Case("parents", WARNING, "patched-2011-08", "winrm:broker1", "snapshot-missing"),
    Case("recovery-password", BLOCKED, "does not open the export", "winrm:broker1", "recovery-password-lost"),
    Case("more-off", WARNING, "on at the last backup: ", "winrm:broker1", "pools-off", around=after_a_set(1)),
    Case("single-points", WARNING, "ViewComposer is neither clustered nor mirrored", "sql:sql1"),
    Case("single-points", WARNING, "Clusters without vSphere HA", "vcenter:vc1", "no-high-availability"),
    Case("age", WARNING, "no backup set yet"),
    Case("age", WARNING, "30.0 hours old", around=after_a_set(30)),
)  # fmt: skip
IN_THE_DARK = (
    Case("notice", UNKNOWN, "cannot be understood", "winrm:broker1", "notice-unreadable"),
    Case("notice", UNKNOWN, "broker2 (Windows) cannot be", "winrm:broker2", "host-unreachable", on(host="broker2")),
    Case("services", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("clustered", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("progress/view", UNKNOWN, "snap-in", "winrm:broker1", "powercli-missing"),
    Case("progress/vcenter", UNKNOWN, "vc1", "vcenter:vc1", fault="vcenter-tasks-unreadable"),
    Case("progress/vcenter", UNKNOWN, "vc1", "vcenter:vc1", fault="vcenter-unreachable"),
    Case("progress/composer", UNKNOWN, "SVI_REQUEST", "sql:sql1", "foreign-composer-schema"),
    Case("progress/composer", UNKNOWN, "sql1", "sql:sql1", fault="sql-unreachable"),
    Case("scheduled", UNKNOWN, "SVI_REQUEST", "sql:sql1", "foreign-composer-schema"),
    Case("scheduled", UNKNOWN, "vc1", "vcenter:vc1", fault="vcenter-unreachable"),
    Case("draining", UNKNOWN, "snap-in", "winrm:broker1", scene="powercli-missing"),
    Case("draining", UNKNOWN, "pools", "winrm:broker1", fault="pools-unreadable"),
    Case("built-in", UNKNOWN, "files", "winrm:broker1", fault="files-unreadable"),
    Case("described", UNKNOWN, "snap-in", "winrm:broker1", "powercli-missing"),
    Case("versions", UNKNOWN, "version of Composer", "winrm:composer1", "composer-version-unknown"),
    Case("rights/view", UNKNOWN, "snap-in", "winrm:broker1", "powercli-missing"),
    Case("rights/view", UNKNOWN, "broker1", "winrm:broker1", fault="rights-unreadable"),
    Case("rights/sql", UNKNOWN, "sql1", "sql:sql1", fault="sql-unreachable"),
    Case("rights/sql-service", UNKNOWN, "not clear on sql1", "winrm:sql1", "second-sql-instance"),
    Case("rights/sql-service", UNKNOWN, r"BUILTIN\Administrators", "winrm:sql1", "sql-folder-not-opened"),
    Case("rights/vcenter", UNKNOWN, "vc1", "vcenter:vc1", fault="vcenter-unreachable"),
    Case("tools", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("space", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("space", UNKNOWN, "disks", "winrm:broker1", call=("winrm:broker1", "*win32_logicaldisk*", "fail")),
    Case(
        "security-servers", UNKNOWN, "security1 (Windows) cannot be reached", "winrm:security1", "host-unreachable",
        on(host="security1"),
    ),
    Case("clocks", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("clocks", UNKNOWN, "clock", "winrm:broker1", call=("winrm:broker1", "*localdatetime*", "fail")),
    Case("winrm", UNKNOWN, "composer1 (Windows) cannot be reached", "winrm:composer1", "host-unreachable"),
    Case("winrm", UNKNOWN, "vcenter2 (Windows) cannot be reached", "winrm:vcenter2", "listener-missing"),
    Case("winrm", UNKNOWN, "no room for another session", "winrm:composer1", "winrm-shells-used-up"),
    Case("parents", UNKNOWN, "pools", "winrm:broker1", fault="pools-unreadable"),
    Case("parents", UNKNOWN, "vc1", "winrm:broker1", fault="vcenter-unreachable"),
    Case("recovery-password", UNKNOWN, "no file of View's own backup", "winrm:broker1", "built-in-backups-missing"),
    Case("more-off", UNKNOWN, "no earlier set to compare with; off now: Training room", "winrm:broker1"),
    Case("more-off", UNKNOWN, "pools", "winrm:broker1", fault="pools-unreadable"),
    Case("single-points", UNKNOWN, "sql1", "sql:sql1", fault="sql-unreachable"),
    Case("age", UNKNOWN, "dated in the future", around=after_a_set(-5)),
    Case("age", UNKNOWN, "repository cannot be used", around=without_a_repository),
)  # fmt: skip
HEALED = (
    Case("clustered", PASSED, "composer1: no cluster", "winrm:composer1", "cluster-service-idle"),
    Case("recovery-password", PASSED, "It opens the export", "winrm:broker1", "encrypted-export"),
    Case("draining", PASSED, "No pool does this", "winrm:broker1", "nothing-drains"),
    Case("single-points", PASSED, "VIM_VCDB: its SQL Server is clustered", "sql:sql1", "sql-clustered"),
    Case("more-off", PASSED, "No more than then", "winrm:broker1", around=after_a_set(1)),
    Case("age", PASSED, "1.0 hours old", around=after_a_set(1)),
)


def test_in_a_quiet_environment_a_backup_can_begin(environment: Environment) -> None:
    looked = environment.look()
    assert looked.outcome == "done"
    assert {(a.check.key, a.seen.state) for a in looked.answers if a.seen.state is not PASSED} == QUIET
    assert {answer.check.key for answer in looked.answers} == {check.key for check in CHECKS}
    assert not environment.changed_by_us()
    assert not [sent for sent in environment.wire() if sent.changes and "viewkeeper-probe" not in sent.text]


def test_each_check_is_seen_in_trouble_and_in_the_dark() -> None:
    keys = {check.key for check in CHECKS}
    assert {case.check for case in BAD} == keys
    assert {case.check for case in IN_THE_DARK} == keys


def test_what_scenes_and_faults_promise_to_show_is_tried_here() -> None:
    promised = {(name, *shown) for name, scene in SCENES.items() for shown in scene.shows}
    promised |= {(name, *shown) for name, fault in PRESETS.items() for shown in fault.shows}
    tried = {(case.scene or case.fault, case.check, case.state.value) for case in (*BAD, *IN_THE_DARK, *HEALED)}
    assert promised <= tried


@pytest.mark.parametrize("case", [*BAD, *IN_THE_DARK, *HEALED], ids=str)
def test_a_check_sees_what_is_wrong_says_it_and_says_what_to_do(environment: Environment, case: Case) -> None:
    case.play(environment)
    seen = environment.ask(case.check, case.around())
    expected = [one for one in seen if one.state is case.state and case.words in str(one.found)]
    assert expected, seen
    assert case.system in {one.system for one in expected}
    others = {one.state for one in seen if one.state not in (case.state, PASSED)}
    assert others <= {state for key, state in QUIET if key == case.check}
    for one in seen:
        assert str(one.found)
        assert one.state is PASSED or (str(one.needed) and str(one.remedy)), one
