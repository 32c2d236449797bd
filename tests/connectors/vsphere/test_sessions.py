from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.connectors.vsphere import VSphere
from app.errors import CouldNotLook, NotLetIn, NotSent, UserError
from app.lab.lab import Lab, server_context
from app.lab.rows import Account, Fault, Vm
from app.lab.vcenter.server import VCenterServer
from app.wire import Command
from tests.connectors.vsphere.conftest import KEEPER, Open


def test_nothing_is_sent_before_something_is_asked(vsphere: VSphere, sent: list[Command]) -> None:
    assert sent == []
    vsphere.about()
    assert [command.text for command in sent] == [
        "GET /sdk/vimServiceVersions.xml", "RetrieveServiceContent ServiceInstance:ServiceInstance",
        "Login SessionManager:SessionManager",
    ]  # fmt: skip


def test_what_is_told_is_what_arrives(vsphere: VSphere, sent: list[Command], lab: Lab) -> None:
    vsphere.vms()
    vsphere.running_tasks()
    vsphere.vmx(vsphere.vms()[0])
    vsphere.host_bundle(vsphere.hosts()[0].moid)
    lines = [msgspec.json.decode(line) for line in (lab.folder / "wire.jsonl").read_bytes().splitlines()]
    assert [(line["text"], line["changes"]) for line in lines] == [(one.text, one.changes) for one in sent]
    assert [one.text for one in sent if one.changes] == [
        "BackupFirmwareConfiguration HostFirmwareSystem:firmwareSystem-host-1"
    ]


def test_the_password_is_in_nothing_that_is_told_or_shown(vsphere: VSphere, sent: list[Command], lab: Lab) -> None:
    vsphere.about()
    password = lab.passwords.of(KEEPER)
    assert password not in repr(sent) + repr(vsphere) + (lab.folder / "wire.jsonl").read_text("utf-8")


def test_closing_logs_out(server: VCenterServer, vsphere: VSphere) -> None:
    vsphere.about()
    assert len(server.service.sessions.all()) == 1
    vsphere.close()
    assert server.service.sessions.all() == ()


def test_closing_a_connector_whose_server_is_gone_says_nothing(server: VCenterServer, vsphere: VSphere) -> None:
    vsphere.about()
    server.stop()
    vsphere.close()


def test_a_closed_connector_opens_again_when_it_is_asked(vsphere: VSphere) -> None:
    vsphere.about()
    vsphere.close()
    assert vsphere.about().api == "5.0"


@pytest.mark.parametrize("ask", ["about", "clock", "vms", "inventory", "running_tasks", "scheduled_tasks", "hosts"])
def test_an_expired_session_is_opened_again(
    vsphere: VSphere, expire: Callable[[], None], sent: list[Command], ask: str
) -> None:
    vsphere.about()
    expire()
    assert getattr(vsphere, ask)()
    if ask != "about":  # what the server is was told already
        assert [command.text.partition(" ")[0] for command in sent].count("Login") == 2


def test_a_session_that_expires_between_two_pages_loses_and_doubles_nothing(
    vsphere: VSphere, expire: Callable[[], None], lab: Lab
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    more = [msgspec.structs.replace(row, moid=f"vm-{number}") for number in range(200_000, 201_200)]
    lab.world.change("test", "more VMs", *more)
    found = []
    for one in vsphere.read("VirtualMachine", ("name",)):
        found.append(one.moid)
        if len(found) == 10:
            expire()
    assert len(found) == len(set(found)) == len(lab.world.all(Vm, vcenter="vc1"))


def test_a_session_that_is_never_known_again_is_an_error(vsphere: VSphere, fault: Callable[..., None]) -> None:
    vsphere.about()
    fault("CurrentTime*", "fail", detail="NotAuthenticated")
    with pytest.raises(CouldNotLook, match="ended the session more than once"):
        vsphere.clock()


def test_an_expired_session_does_not_keep_a_file_back(vsphere: VSphere, expire: Callable[[], None]) -> None:
    vm = vsphere.vms()[0]
    expire()
    assert vsphere.vmx(vm)


def test_two_connectors_read_side_by_side(server: VCenterServer, open_: Open, lab: Lab) -> None:
    wanted = {row.moid for row in lab.world.all(Vm, vcenter="vc1")}
    told: list[set[str]] = []

    def ask() -> None:
        told.append({vm.moid for vm in open_(server).vms()})

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [wanted] * 4


# ---- what goes wrong


def refused(error: type[UserError], ask: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as caught:
        ask()
    assert type(caught.value) is error
    assert all(str(part) for part in (caught.value.what, caught.value.why, caught.value.do))
    return caught.value


def test_an_unknown_host(server: VCenterServer, open_: Open) -> None:
    error = refused(NotSent, open_(server, address="no-such-host.invalid").about)
    assert "no-such-host.invalid" in str(error)


def test_a_closed_port(server: VCenterServer, open_: Open) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = refused(NotSent, open_(server, port=held.getsockname()[1]).about)
    assert "Nothing listens" in str(error)


def test_a_host_that_takes_the_connection_and_hangs_up(
    server: VCenterServer, open_: Open, fault: Callable[..., None]
) -> None:
    fault("connect", "refuse")
    refused(NotSent, open_(server).about)


def test_a_wrong_password(server: VCenterServer, open_: Open) -> None:
    connector = open_(server, password="wrong")
    error = refused(NotLetIn, connector.about)
    assert refused(NotLetIn, connector.about) is error  # it is not tried again
    assert "refused the login of PRACTICE\\viewkeeper" in str(error)
    assert "wrong" not in error.details


def test_an_account_without_rights_is_told_from_a_wrong_password(server: VCenterServer, open_: Open, lab: Lab) -> None:
    lab.world.change("test", "a clerk", Account(name="PRACTICE\\clerk"))
    error = refused(UserError, open_(server, account="PRACTICE\\clerk").about)
    assert "lacks the privilege System.View on Folder:" in str(error)


@pytest.mark.parametrize("expired", [False, True])
def test_a_changed_or_expired_certificate(server: VCenterServer, open_: Open, lab: Lab, expired: bool) -> None:
    vsphere = open_(server)
    if expired:
        lab.certificates.change(server.system, expired=True)
        vsphere = open_(server)
    else:
        lab.certificates.change(server.system)
    error = refused(NotSent, vsphere.about)
    assert "certificate" in str(error)
    assert server.service.sessions.all() == ()


def test_a_certificate_that_changes_while_the_session_goes_on_is_not_taken(
    server: VCenterServer, vsphere: VSphere, lab: Lab
) -> None:
    vm = vsphere.vms()[0]
    lab.certificates.change(server.system)
    refused(NotSent, lambda: vsphere.vmx(vm))  # files come over a connection of their own


def test_something_else_at_the_port_is_no_vcenter(
    server: VCenterServer, open_: Open, fault: Callable[..., None]
) -> None:
    fault("GET /sdk/*", "half")
    error = refused(UserError, open_(server).about)
    assert "no vCenter" in str(error)


@pytest.mark.parametrize("kind", ["drop", "truncate", "refuse", "lose-answer"])
def test_a_server_that_dies_in_the_middle_of_a_look(vsphere: VSphere, fault: Callable[..., None], kind: str) -> None:
    vsphere.about()
    fault("RetrieveProperties*", kind)
    error = refused(CouldNotLook, vsphere.vms)
    assert "did not answer to the end" in str(error)


def test_a_server_that_is_gone_in_the_middle(server: VCenterServer, vsphere: VSphere) -> None:
    vsphere.about()
    server.stop()
    with pytest.raises(UserError) as caught:
        vsphere.vms()
    assert isinstance(caught.value, NotSent | CouldNotLook)


def test_a_server_that_says_nothing_for_too_long(
    server: VCenterServer, open_: Open, fault: Callable[..., None], lab: Lab
) -> None:
    vsphere = open_(server, seconds=0.3)
    vsphere.about()
    fault("CurrentTime*", "hang")
    error = refused(CouldNotLook, vsphere.clock)
    assert "silent for too long" in str(error)
    lab.world.change("test", "no fault any more", drop=lab.world.all(Fault))


def test_a_slow_server_is_waited_for(vsphere: VSphere, fault: Callable[..., None]) -> None:
    fault("CurrentTime*", "slow", detail="0.05")
    assert vsphere.clock()


def test_a_fault_of_the_server_is_shown_in_its_words(vsphere: VSphere, fault: Callable[..., None]) -> None:
    fault("CurrentTime*", "fail", detail="the database is full")
    error = refused(CouldNotLook, vsphere.clock)
    assert "the database is full" in str(error)
    assert "SystemError" in error.details


def test_the_connection_is_used_again_after_a_broken_call(vsphere: VSphere, fault: Callable[..., None]) -> None:
    vsphere.about()
    fault("CurrentTime*", "drop", times=1)
    refused(CouldNotLook, vsphere.clock)
    assert vsphere.clock()


def test_importing_the_connector_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    program = "import sys, app.connectors.vsphere; print('pyVmomi' in sys.modules)"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_server_whose_tls_is_too_old_is_named_so(server: VCenterServer, open_: Open, lab: Lab) -> None:
    certificate = lab.certificates.of(server.system)
    old = server_context(certificate)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    new = ssl.create_default_context(cafile=str(certificate[0]))
    new.check_hostname = False
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake() -> None:
            connection, _ = listener.accept()
            with pytest.raises(ssl.SSLError), old.wrap_socket(connection, server_side=True):
                pass
            connection.close()

        thread = threading.Thread(target=shake)
        thread.start()
        error = refused(NotSent, open_(server, context=new, port=listener.getsockname()[1]).about)
        thread.join()
    assert "too old" in str(error)


def test_a_certificate_as_weak_as_those_of_vsphere_4_is_named_so(server: VCenterServer, open_: Open, lab: Lab) -> None:
    context = ssl.create_default_context(cafile=str(lab.certificates.of(server.system)[0]))
    context.check_hostname = False
    context.set_ciphers("DEFAULT:@SECLEVEL=3")  # what 2,048 bits are to it, 1,024 are to the usual level
    error = refused(NotSent, open_(server, context=context).about)
    assert "as weak as those of vSphere 4" in str(error)
