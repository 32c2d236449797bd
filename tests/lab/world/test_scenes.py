"""Scenes are set and struck, and strike nothing that they have not set."""

from __future__ import annotations

import pytest

from app.lab import directory, faults, operations, operator, scenes
from app.lab.lab import Lab
from app.lab.operations import Pace
from app.lab.provisioning import set_provisioning
from app.lab.rows import BackupRecord, Fault, HostFile, Row, Service, Setting, Vm, WindowsHost, Work

WORKING = {"recompose-running", "recompose-scheduled", "clone-running", "delete-running", "built-in-backup"}


def everything(lab: Lab) -> dict[str, dict[str, Row]]:
    return {name: dict(table.rows) for name, table in lab.world._tables.items() if table.rows}


@pytest.mark.parametrize("name", sorted(set(scenes.SCENES) - WORKING))
def test_a_scene_that_is_struck_leaves_the_world_as_it_was(lab: Lab, name: str) -> None:
    before = everything(lab)
    passwords = {account: lab.passwords.of(account) for account in ("vksql", "recovery")}
    pin = lab.certificates.fingerprint("winrm:broker1")
    scenes.play(lab, name)
    assert scenes.active(lab.world) == [name]
    assert everything(lab) != before
    scenes.quiet(lab)
    assert not scenes.active(lab.world)
    assert everything(lab) == before
    assert {account: lab.passwords.of(account) for account in passwords} == passwords
    assert lab.certificates.fingerprint("winrm:broker1") == pin


@pytest.mark.parametrize("name", sorted(WORKING))
def test_work_that_a_scene_has_begun_goes_on_until_it_is_struck(lab: Lab, name: str) -> None:
    scenes.play(lab, name)
    assert len(lab.world.all(Work)) == 1
    scenes.quiet(lab)
    assert not lab.world.all(Work)
    desktops = directory.desktops(lab.world, "view")
    assert {entry.first("pae-VmState") for entry in desktops} == {"READY", "ERROR"}


def test_striking_leaves_what_others_have_begun(lab: Lab) -> None:
    operations.start_clone(lab.world, "test", "rd-lc", 1, Pace(held=True))
    scenes.play(lab, "recompose-running")
    scenes.quiet(lab)
    assert [work.subject for work in lab.world.all(Work)] == ["rd-lc"]


def test_several_scenes_are_struck_in_the_other_order(lab: Lab) -> None:
    host = lab.world.require(WindowsHost, "composer1")
    scenes.play(lab, "clock-off")
    scenes.play(lab, "winrm-quotas-low")
    scenes.play(lab, "host-unreachable")
    scenes.play(lab, "clock-off", {"seconds": "-60"})
    assert lab.world.require(WindowsHost, "composer1").clock_offset == -60
    scenes.quiet(lab)
    assert lab.world.require(WindowsHost, "composer1") == host


def test_striking_a_scene_leaves_what_others_have_changed_since(lab: Lab) -> None:
    scenes.play(lab, "pools-off")
    set_provisioning(lab.world, "test", "view", "rd-lc", True)
    operations.start_clone(lab.world, "test", "sales-lc", 1)
    scenes.quiet(lab)
    pools = {pool.id: pool for pool in directory.pools(lab.world, "view")}
    assert [pool for pool in pools if not pools[pool].provisioning] == ["training-lc", "contractors"]
    entry = directory.pool(lab.world, "view", "sales-lc")
    assert entry is not None
    assert len(entry.attributes["pae-MemberDN"]) == 13


def test_a_scene_or_an_option_that_is_not_known_is_refused_with_the_known_ones(lab: Lab) -> None:
    with pytest.raises(scenes.UnknownScene, match="recompose-running"):
        scenes.play(lab, "nosuch")
    with pytest.raises(scenes.UnknownScene, match="seconds"):
        scenes.play(lab, "recompose-running", {"nosuch": "1"})
    assert not scenes.active(lab.world)


def test_every_scene_tells_in_one_line_what_it_is() -> None:
    for scene in scenes.SCENES.values():
        assert "\n" not in str(scene.about)
        assert str(scene.about).endswith((".", ")."))


def test_an_encrypting_view_has_encrypted_what_its_own_backup_wrote(lab: Lab) -> None:
    from app.lab.windows import recovery

    def newest() -> bytes:
        files = [f for f in lab.world.all(HostFile, host="broker1") if f.path.endswith(".LDF")]
        return lab.world.content(files[0].blob)

    plain = newest()
    scenes.play(lab, "encrypted-export")
    assert recovery.decrypt(newest(), lab.passwords.of("recovery")) == plain
    scenes.play(lab, "recovery-password-lost")
    with pytest.raises(recovery.WrongPassword):
        recovery.decrypt(newest(), lab.passwords.of("recovery"))
    scenes.quiet(lab)
    assert newest() == plain


def test_the_late_clone_is_there_once_provisioning_goes_off(lab: Lab) -> None:
    scenes.play(lab, "clone-starts-late", {"seconds": "0.05"})
    assert not lab.world.all(Work)
    set_provisioning(lab.world, "test", "view", "sales-lc", False)
    assert any(e.first("pae-VmState") == "CLONING" for e in directory.desktops(lab.world, "view", "sales-lc"))
    assert lab.world.wait_for(lambda: not lab.world.all(Work), 10)


# ---- faults


def test_a_fault_is_met_as_often_as_it_says(lab: Lab) -> None:
    faults.add(lab.world, "winrm:broker1", "*VDMEXPORT*", "fail", times=2)
    met = [lab.fault("winrm:broker1", "vdmexport -f x") is not None for _ in range(3)]
    assert met == [True, True, False]
    assert lab.fault("winrm:broker2", "vdmexport -f x") is None


def test_a_fault_may_name_several_patterns(lab: Lab) -> None:
    faults.add(lab.world, "sql:sql1", "*a*b*||*c*", "fail")
    met = [lab.fault("sql:sql1", text) is not None for text in ("xAxBx", "xCx", "xBxAx")]
    assert met == [True, True, False]


def test_a_named_fault_meets_the_backup_and_not_the_question_of_rights(lab: Lab) -> None:
    faults.add_preset(lab.world, "composer-backup-fails")
    asked = "SELECT HAS_PERMS_BY_NAME(N'[ViewComposer]', N'DATABASE', N'BACKUP DATABASE')"
    for text, meets in (
        ("SET @name = N'ViewComposer'; BACKUP DATABASE @name TO DISK = @path", True),
        ("BACKUP DATABASE [ViewComposer] TO DISK = 'x'", True),
        (asked, False),
        ("BACKUP DATABASE [VIM_VCDB] TO DISK = 'x'", False),
    ):
        assert (lab.fault("sql:sql1", text) is not None) is meets


@pytest.mark.parametrize("name", sorted(faults.PRESETS))
def test_named_faults_can_be_set_and_cleared(lab: Lab, name: str) -> None:
    fault = faults.add_preset(lab.world, name)
    assert lab.world.all(Fault) == [fault]
    assert faults.clear(lab.world, "another") == 0
    assert faults.clear(lab.world) == 1
    assert not lab.world.all(Fault)


@pytest.mark.parametrize(("kind", "detail"), [("explode", ""), ("slow", ""), ("slow", "soon")])
def test_a_fault_that_makes_no_sense_is_refused(lab: Lab, kind: str, detail: str) -> None:
    with pytest.raises(faults.BadFault):
        faults.add(lab.world, "winrm:broker1", "*", kind, detail=detail)


# ---- what a person does


def test_a_person_starts_and_stops_services(lab: Lab) -> None:
    operator.perform(lab, "stop-service")
    assert lab.world.require(Service, "composer1", "svid").state == "Stopped"
    with pytest.raises(operator.CannotDo, match="not been started"):
        operator.perform(lab, "stop-service")
    operator.perform(lab, "start-service")
    assert lab.world.require(Service, "composer1", "svid").state == "Running"


def test_the_dba_makes_a_backup_of_his_own(lab: Lab) -> None:
    operator.perform(lab, "back-up-database", {"server": "sql2", "database": "VCDB [alt] 二"})
    record = lab.world.all(BackupRecord, server="sql2")[-1]
    assert record.user == "PRACTICE\\dba"
    assert not record.copy_only
    file = lab.world.file("sql2", record.path)
    assert file is not None
    assert file.size > record.size > 0


def test_a_person_ends_what_is_going_on(lab: Lab) -> None:
    scenes.play(lab, "recompose-running")
    scenes.play(lab, "built-in-backup")
    done = operator.perform(lab, "finish-work", {"kind": "recompose"})
    assert "recompose of sales-lc" in str(done)
    assert [work.kind for work in lab.world.all(Work)] == ["built-in-backup"]
    scenes.quiet(lab)


def test_a_pool_is_deleted_with_all_that_belongs_to_it(lab: Lab) -> None:
    operator.perform(lab, "delete-pool", {"pool": "eng-full"})
    assert directory.pool(lab.world, "view", "eng-full") is None
    assert not directory.desktops(lab.world, "view", "eng-full")
    assert not [vm for vm in lab.world.all(Vm, vcenter="vc2") if vm.name.startswith("ENG-")]


def test_an_image_backup_marks_the_servers_and_no_desktop(lab: Lab) -> None:
    operator.perform(lab, "image-backup")
    marked = {vm.name for vm in lab.world.all(Vm) if vm.custom.get("备份", "").startswith("image")}
    assert "dc01-vc1" in marked
    assert not {name for name in marked if name.startswith(("SALES", "FIN", "replica"))}


@pytest.mark.parametrize(
    ("name", "options"),
    [("nosuch", {}), ("provisioning", {"pool": "nosuch"}), ("provisioning", {"to": "maybe"}),
     ("provisioning", {"pool": "contractors"}), ("start-service", {"where": "here"}), ("log-off", {"pool": "rd-lc2"}),
     ("back-up-database", {"database": "nosuch"})],
)  # fmt: skip
def test_what_a_person_cannot_do_is_refused_and_changes_nothing(lab: Lab, name: str, options: dict[str, str]) -> None:
    count = len(lab.world.events)
    with pytest.raises(operator.CannotDo):
        operator.perform(lab, name, options)
    assert len(lab.world.events) == count


def test_logging_off_and_view_own_backup_are_done_by_a_person_too(lab: Lab) -> None:
    assert "logged off" in str(operator.perform(lab, "log-off"))
    lab.world.change("test", "in real time", Setting(name="pace", value="1"))
    operator.perform(lab, "built-in-backup")
    assert [work.kind for work in lab.world.all(Work)] == ["built-in-backup"]
    operator.perform(lab, "finish-work")
    assert [f.path[-3:] for f in lab.world.all(HostFile, host="broker1") if "backups" in f.path].count("SVI") == 2
