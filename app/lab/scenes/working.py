"""Scenes in which work is going on, or is about to."""

from __future__ import annotations

from app.lab import builtin, directory, operations, provisioning
from app.lab.rows import Broker, LdsEntry, Setting, VcScheduledTask, Vm
from app.lab.scenes.stage import Stage, scene
from app.texts import text

GROUP = "view"
LATE_SECONDS = "3"
SOON = 1800.0  # seconds from now


@scene(
    "recompose-running",
    text("A recompose of a linked-clone pool goes on until it is ended."),
    options=("pool", "seconds", "count"),
    shows=(("progress/vcenter", "blocked"), ("progress/composer", "blocked"), ("progress/view", "warning")),
)
def _recompose_running(stage: Stage) -> None:
    count = int(stage.options.get("count", "3"))
    pool = stage.options.get("pool", "sales-lc")
    stage.begins(operations.start_recompose(stage.world, "scene", pool, count=count, pace=stage.pace()))


@scene(
    "recompose-scheduled",
    text("A recompose is scheduled to begin soon; provisioning off does not stop it."),
    options=("pool", "in", "seconds"),
    shows=(("scheduled", "blocked"),),
)
def _recompose_scheduled(stage: Stage) -> None:
    at = stage.world.now() + float(stage.options.get("in", SOON))
    pace = operations.Pace(seconds=float(stage.options.get("seconds", "60")), at=at)
    pool = stage.options.get("pool", "sales-lc")
    stage.begins(operations.start_recompose(stage.world, "scene", pool, count=3, pace=pace))


@scene(
    "vcenter-task-scheduled",
    text("A scheduled task of vCenter is about to work on a desktop."),
    options=("in",),
    shows=(("scheduled", "blocked"),),
)
def _vcenter_task_scheduled(stage: Stage) -> None:
    vm = stage.world.all(Vm, vcenter="vc1", name="FIN-001")[0]
    stage.put(
        VcScheduledTask(
            vcenter="vc1", moid="schedule-900", name="Snapshot of FIN-001", entity=vm.moid,
            action="CreateSnapshot_Task", next_run=stage.world.now() + float(stage.options.get("in", SOON)),
        )
    )  # fmt: skip


@scene(
    "clone-running",
    text("Desktops of a pool are being cloned until that is ended."),
    options=("pool", "seconds", "count"),
    shows=(("progress/view", "blocked"), ("progress/vcenter", "blocked")),
)
def _clone_running(stage: Stage) -> None:
    pool = stage.options.get("pool", "fin-full")
    stage.begins(operations.start_clone(stage.world, "scene", pool, int(stage.options.get("count", "1")), stage.pace()))


@scene(
    "delete-running",
    text("A desktop is being deleted."),
    options=("pool", "seconds"),
    shows=(("progress/view", "blocked"), ("progress/vcenter", "blocked")),
)
def _delete_running(stage: Stage) -> None:
    stage.begins(operations.start_delete(stage.world, "scene", stage.options.get("pool", "eng-full"), 1, stage.pace()))


@scene(
    "clone-starts-late",
    text("A clone begins between the check and provisioning off, and ends after a while."),
    options=("seconds",),
)
def _clone_starts_late(stage: Stage) -> None:
    stage.put(Setting(name=provisioning.LATE_CLONE, value=stage.options.get("seconds", LATE_SECONDS)))


@scene(
    "built-in-backup",
    text("View's own backup is being written on the first broker."),
    options=("seconds",),
    shows=(("built-in", "blocked"),),
)
def _built_in_backup(stage: Stage) -> None:
    seconds = stage.options.get("seconds")
    broker = stage.world.require(Broker, "broker1")
    password = stage.lab.passwords.of(broker.recovery_password) if broker.recovery_password else ""
    stage.begins(
        builtin.start(
            stage.world, "scene", "broker1", float(seconds) if seconds else None, password, held=seconds is None
        )
    )


@scene(
    "pools-off",
    text("More pools are off than were before, as in somebody else's freeze."),
    options=("pool",),
    shows=(("more-off", "warning"),),
)
def _pools_off(stage: Stage) -> None:
    named = stage.options.get("pool")
    for facts in directory.pools(stage.world, GROUP):
        if facts.provisioning and (named is None or facts.id == named):
            entry = stage.world.require(LdsEntry, GROUP, facts.dn.lower())
            stage.put(directory.with_values(entry, pae_VmProvEnabled="0"))


@scene(
    "desktop-state-unknown",
    text("A desktop is in a state that no manual names (state=)."),
    options=("state",),
    shows=(("progress/view", "warning"),),
)
def _desktop_state_unknown(stage: Stage) -> None:
    entry = directory.desktops(stage.world, GROUP)[0]
    stage.put(directory.with_values(entry, pae_VmState=stage.options.get("state", "AWAITING_AGENT")))
