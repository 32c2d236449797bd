"""Services start and stop as Windows and View have it."""

from __future__ import annotations

import pytest

from app.lab import services
from app.lab.lab import Lab
from app.lab.rows import Service, Setting, UserSession, Work
from app.lab.services import ServiceRefusal, service_start, service_stop


def state(lab: Lab, host: str, name: str) -> str:
    return lab.world.require(Service, host, name).state


def test_stopping_the_connection_server_stops_its_parts_and_not_ad_lds(lab: Lab) -> None:
    service_stop(lab.world, "test", "broker1", "wsbroker")
    assert {state(lab, "broker1", part) for part in services.BROKER_PARTS} == {"Stopped"}
    assert state(lab, "broker1", "ADAM_VMwareVDMDS") == "Running"
    service_start(lab.world, "test", "broker1", "VMware View Connection Server")
    assert {state(lab, "broker1", part) for part in services.BROKER_PARTS} == {"Running"}


def test_stopping_the_connection_server_drops_the_sessions_tunnelled_through_it_only(lab: Lab) -> None:
    before = len(lab.world.all(UserSession, state="CONNECTED", local=False))
    service_stop(lab.world, "test", "broker1", "wsbroker")
    middle = len(lab.world.all(UserSession, state="CONNECTED", local=False))
    service_stop(lab.world, "test", "broker2", "wsbroker")
    assert before > middle > 0
    assert not lab.world.all(UserSession, state="CONNECTED", local=False)
    assert lab.world.all(UserSession, state="CONNECTED", local=True)


def test_a_service_that_others_need_is_not_stopped_under_them(lab: Lab) -> None:
    with pytest.raises(ServiceRefusal) as refusal:
        service_stop(lab.world, "test", "vcenter1", "vpxd")
    assert refusal.value.code == 1051
    service_stop(lab.world, "test", "vcenter1", "vctomcat")
    service_stop(lab.world, "test", "vcenter1", "vpxd")
    assert state(lab, "vcenter1", "vpxd") == "Stopped"


def test_starting_a_service_starts_what_it_needs(lab: Lab) -> None:
    for name in ("vctomcat", "vpxd", "ADAM_VMwareVCMSDS"):
        service_stop(lab.world, "test", "vcenter1", name)
    service_start(lab.world, "test", "vcenter1", "vctomcat")
    assert {state(lab, "vcenter1", name) for name in ("vctomcat", "vpxd", "ADAM_VMwareVCMSDS")} == {"Running"}


@pytest.mark.parametrize(("act", "code"), [(service_start, 1056), (service_stop, 1062)])
def test_what_is_so_already_is_refused_with_windows_own_code(lab: Lab, act: object, code: int) -> None:
    if code == 1062:
        service_stop(lab.world, "test", "composer1", "svid")
    with pytest.raises(ServiceRefusal) as refusal:
        act(lab.world, "test", "composer1", "svid")  # type: ignore[operator]  # one of the two functions above
    assert refusal.value.code == code


def test_an_unknown_service_is_refused(lab: Lab) -> None:
    with pytest.raises(ServiceRefusal) as refusal:
        service_stop(lab.world, "test", "composer1", "nosuch")
    assert refusal.value.code == 1060


def test_a_clustered_service_that_is_stopped_runs_on_elsewhere(lab: Lab) -> None:
    import msgspec

    svid = lab.world.require(Service, "composer1", "svid")
    lab.world.change("test", "clustered", msgspec.structs.replace(svid, clustered=True))
    service_stop(lab.world, "test", "composer1", "svid")
    after = lab.world.require(Service, "composer1", "svid")
    assert after.state == "Running"
    assert after.pid != svid.pid


def test_a_stop_that_takes_time_is_pending_until_it_is_over_and_refuses_another(lab: Lab) -> None:
    lab.world.change("test", "slowly", Setting(name="pace", value="0.02"))
    service_stop(lab.world, "test", "composer1", "svid")
    assert state(lab, "composer1", "svid") == "Stop Pending"
    assert services.running(lab.world, "composer1", "svid")
    with pytest.raises(ServiceRefusal) as refusal:
        service_start(lab.world, "test", "composer1", "svid")
    assert refusal.value.code == 1061
    assert lab.world.wait_for(lambda: state(lab, "composer1", "svid") == "Stopped", 10)
    assert not lab.world.all(Work)
