"""The wire itself: versions, broken calls, files, faults on demand, starting and stopping."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from xml.parsers.expat import ExpatError

import pytest

from app.lab.lab import Lab
from app.lab.rows import Fault, Managed, Vm
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import VIM, support, vim, vmodl
from tests.lab.vcenter.client import AUDITOR, KEEPER, Client, Connect, trusting

ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>{}'
    "</soapenv:Body></soapenv:Envelope>"
)


def post(server: VCenterServer, body: str, action: str = '"urn:vim25/5.0"', cookie: str = "") -> tuple[int, str]:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting(server))
    try:
        connection.request("POST", "/sdk", body.encode(), {"SOAPAction": action, "Cookie": cookie})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def call(method: str, this: str = "ServiceInstance", rest: str = "", kind: str = "ServiceInstance") -> str:
    return ENVELOPE.format(f'<{method} xmlns="{VIM}"><_this type="{kind}">{this}</_this>{rest}</{method}>')


# ---- calls


def test_a_call_that_another_client_writes_otherwise_is_understood(server: VCenterServer) -> None:
    body = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v="urn:vim25"><S:Header><x/></S:Header>'
        '<S:Body><v:RetrieveServiceContent><v:_this type="ServiceInstance">ServiceInstance</v:_this>'
        "</v:RetrieveServiceContent></S:Body></S:Envelope>"
    )
    status, answer = post(server, body, "")
    assert (status, "<apiVersion>5.0</apiVersion>" in answer) == (200, True)


@pytest.mark.parametrize("action", ['"urn:vim25/5.5"', '"urn:vim25/9.9"', '"urn:other/1"'])
def test_a_version_that_the_server_does_not_speak_is_refused_in_its_own_words(
    server: VCenterServer, action: str
) -> None:
    status, answer = post(server, call("RetrieveServiceContent"), action)
    assert (status, "VersionMismatchFaultCode" in answer) == (500, True)
    assert f"Unsupported version URI {action}".replace('"', "") in answer.replace('"', "")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("not xml", "InvalidRequestFault"),
        (ENVELOPE.format(""), "InvalidRequestFault"),
        (call("RetrieveServiceContent", kind="Nonsense"), "InvalidRequestFault"),
        (call("RetrieveServiceContent", this="elsewhere"), "ManagedObjectNotFoundFault"),
        (call("RetrieveServiceContent", rest="<more>1</more>"), "InvalidRequestFault"),
        (call("Login", "SessionManager", "<userName>a</userName>", "SessionManager"), "InvalidRequestFault"),
        (call("Login", "SessionManager", "<userName>a</userName><userName>b</userName><password>c</password>",
              "SessionManager"), "InvalidRequestFault"),
        (call("CurrentTime"), "NotAuthenticatedFault"),
    ],
)  # fmt: skip
def test_a_broken_call_gets_the_fault_of_its_kind(server: VCenterServer, body: str, fault: str) -> None:
    status, answer = post(server, body)
    assert (status, fault in answer) == (500, True), answer


def test_a_method_that_does_not_exist_is_told_from_one_that_is_not_offered(
    server: VCenterServer, connect: Connect
) -> None:
    client = connect(server)
    cookie = client.stub.cookie.partition(";")[0]
    assert "MethodNotFoundFault" in post(server, call("Frobnicate"), cookie=cookie)[1]
    with pytest.raises(vmodl.fault.NotSupported):
        client.service.RetrieveProductComponents()
    old = connect(server, api="4.1")
    manager = vim.SessionManager("SessionManager", old.stub)
    with pytest.raises(vmodl.fault.MethodNotFound):  # the library itself refuses it; the wire does too
        manager.LoginByToken()
    assert (
        "MethodNotFoundFault"
        in post(server, call("LoginByToken", "SessionManager", kind="SessionManager"), cookie=cookie)[1]
    )


def test_the_versions_are_told_newest_first(server: VCenterServer, old_server: VCenterServer, connect: Connect) -> None:
    status, told = connect(server).get("/sdk/vimServiceVersions.xml")
    assert status == 200
    order = [told.index(f"<version>{api}</version>".encode()) for api in ("5.0", "4.1", "4.0", "2.5")]
    assert order == sorted(order)
    assert b">5.1<" not in told
    assert b">5.0<" not in connect(old_server).get("/sdk/vimServiceVersions.xml")[1]


def test_the_wire_log_holds_every_call_by_method_type_and_object(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    client = connect(server)
    client.service.CurrentTime()
    vm = vim.VirtualMachine(lab.world.all(Vm, vcenter="vc1")[0].moid, client.stub)
    with pytest.raises(vmodl.fault.NotSupported):
        vm.PowerOff()
    lines = [json.loads(line) for line in (lab.folder / "wire.jsonl").read_text("utf-8").splitlines()]
    told = {line["text"]: line["changes"] for line in lines if line["system"] == "vcenter:vc1"}
    assert told["CurrentTime ServiceInstance:ServiceInstance"] is False
    assert told[f"PowerOffVM_Task VirtualMachine:{vm._moId}"] is True


def test_nothing_that_is_read_changes_the_world(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    before = len(lab.world.events)
    client = connect(server)
    client.list(vim.VirtualMachine, whole=True)
    client.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec()).ReadNextTasks(10)
    assert len(lab.world.events) == before


def test_things_are_found_by_uuid_path_and_name(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    row = lab.world.all(Vm, vcenter="vc1")[0]
    index = client.content.searchIndex
    center = index.FindByInventoryPath("Beijing")
    assert index.FindByUuid(None, row.uuid.upper(), True, False)._moId == row.moid
    assert index.FindByUuid(center, row.instance_uuid, True, True)._moId == row.moid
    assert [one._moId for one in index.FindAllByUuid(None, row.uuid, True)] == [row.moid]
    assert index.FindByUuid(None, row.uuid, False) is None
    assert index.FindByInventoryPath("/Beijing/vm/Servers/dc01-vc1")._moId == client.vm("dc01-vc1")._moId
    assert index.FindByInventoryPath("Beijing/vm/nowhere") is None
    assert index.FindChild(center, "vm")._moId == index.FindByInventoryPath("Beijing/vm")._moId
    host = lab.world.all(Managed, vcenter="vc1", kind="HostSystem")[0]
    assert index.FindByUuid(None, host.properties["hardware"]["systemInfo"]["uuid"], False)._moId == host.moid


# ---- files


def folder_url(row: Vm, datacenter: str = "Beijing") -> str:
    datastore, _, path = row.vmx.removeprefix("[").partition("] ")
    return f"/folder/{quote(path)}?{urlencode({'dcPath': datacenter, 'dsName': datastore}, quote_via=quote)}"


def test_a_vmx_is_given_to_a_session_that_may_browse_its_datastore(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    client, row = connect(server), lab.world.all(Vm, vcenter="vc1")[0]
    status, content = client.get(folder_url(row))
    assert status == 200
    assert f'displayName = "{row.name}"' in content.decode()
    assert client.get(folder_url(row), cookie="")[0] == 401
    assert client.get(folder_url(row), cookie="vmware_soap_session=x")[0] == 401
    assert client.get(folder_url(row, "Nanjing"))[0] == 404
    assert client.get("/folder/no/such.vmx?dcPath=Beijing&dsName=servers-01")[0] == 404
    assert client.get("/elsewhere")[0] == 404
    assert connect(server, AUDITOR).get(folder_url(row))[0] == 403


def test_the_vmx_of_a_vm_that_cannot_be_reached_cannot_be_had(
    server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    row = lab.world.all(Vm, vcenter="vc1")[0]
    change(row, connection="inaccessible")
    assert connect(server).get(folder_url(row))[0] == 404


def firmware(client: Client, lab: Lab) -> Any:
    host = lab.world.all(Managed, vcenter="vc1", kind="HostSystem")[0].moid
    return client.at(vim.HostSystem(host, client.stub), "configManager.firmwareSystem").propSet[0].val


def test_a_bundle_is_an_archive_at_an_address_of_its_own(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    client = connect(server)
    url = firmware(client, lab).BackupFirmwareConfiguration()
    assert url.startswith("https://*/downloads/")
    status, content = client.get(url.removeprefix("https://*"))
    assert status == 200
    assert b"state.json" in gzip.decompress(content)
    assert url != firmware(client, lab).BackupFirmwareConfiguration()


def test_a_host_that_is_disconnected_gives_no_bundle(
    server: VCenterServer, connect: Connect, lab: Lab, change: Callable[..., None]
) -> None:
    row = lab.world.all(Managed, vcenter="vc1", kind="HostSystem")[0]
    away = {**row.properties, "runtime": {**row.properties["runtime"], "connectionState": "disconnected"}}
    change(row, properties=away)
    with pytest.raises(support.GetWsdlType(VIM, "HostNotConnected")):
        firmware(connect(server), lab).BackupFirmwareConfiguration()


# ---- faults on demand


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("", vmodl.fault.SystemError),
        ("NotAuthenticated", vim.fault.NotAuthenticated),
        ("own words", vmodl.fault.SystemError),
    ],
)
def test_fail_is_the_fault_that_was_asked_for(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], detail: str, kind: Any
) -> None:
    client = connect(server)
    fault("CurrentTime*", "fail", times=1, detail=detail)
    with pytest.raises(kind):
        client.service.CurrentTime()
    assert client.service.CurrentTime()


@pytest.mark.parametrize("kind", ["refuse", "drop", "truncate"])
def test_refused_dropped_and_cut_answers_break_the_call(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], kind: str
) -> None:
    client = connect(server)
    fault("CurrentTime*", kind, times=1)
    with pytest.raises((OSError, http.client.HTTPException, ExpatError)):
        client.service.CurrentTime()
    assert client.service.CurrentTime()


@pytest.mark.parametrize("kind", ["wrong-password", "refuse"])
def test_a_login_is_refused_although_the_password_is_right(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], kind: str
) -> None:
    fault("Login*", kind, times=1)
    with pytest.raises(vim.fault.InvalidLogin):
        connect(server)
    connect(server)


def test_a_lost_answer_is_to_something_that_was_done(
    server: VCenterServer, connect: Connect, fault: Callable[..., None]
) -> None:
    client = connect(server)
    fault("Logout*", "lose-answer")
    with pytest.raises((OSError, http.client.HTTPException)):
        client.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        client.service.CurrentTime()


def test_a_lie_is_an_answer_to_something_that_was_not_done(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab
) -> None:
    client = connect(server)
    fault("Logout*", "lie")
    client.content.sessionManager.Logout()
    assert client.service.CurrentTime()
    fault("RetrieveProperties*", "lie", times=1)
    assert client.list(vim.VirtualMachine, "name") == {}
    system = firmware(client, lab)
    fault("BackupFirmware*", "lie")
    assert client.get(system.BackupFirmwareConfiguration().removeprefix("https://*"))[0] == 404


def test_half_of_a_list(server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab) -> None:
    client = connect(server)
    fault("RetrieveProperties*", "half")
    assert len(client.list(vim.VirtualMachine, "name")) == len(lab.world.all(Vm, vcenter="vc1")) // 2


def test_a_full_disk(server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab) -> None:
    system = firmware(connect(server), lab)
    fault("BackupFirmware*", "disk-full")
    with pytest.raises(vim.fault.NoDiskSpace):
        system.BackupFirmwareConfiguration()


def test_a_call_that_hangs_goes_on_when_the_fault_is_taken_away(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab
) -> None:
    client, ended = connect(server), threading.Event()
    fault("CurrentTime*", "hang")

    def ask() -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            client.service.CurrentTime()
        ended.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert connect(server)  # others are answered meanwhile
    lab.world.change("test", "no fault any more", drop=[lab.world.all(Fault)[0]])
    assert ended.wait(30)
    asking.join()


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("fail", 500), ("refuse", 401), ("disk-full", 500), ("half", 200), ("lie", 200)],
)
def test_faults_of_files(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab, kind: str, wanted: int
) -> None:
    client, row = connect(server), lab.world.all(Vm, vcenter="vc1")[0]
    whole = client.get(folder_url(row))[1]
    fault("GET /folder/*", kind)
    status, content = client.get(folder_url(row))
    assert status == wanted
    assert len(content) == {"half": len(whole) // 2}.get(kind, 0)


@pytest.mark.parametrize("kind", ["truncate", "drop", "lose-answer"])
def test_a_file_that_does_not_come_whole(
    server: VCenterServer, connect: Connect, fault: Callable[..., None], lab: Lab, kind: str
) -> None:
    client, row = connect(server), lab.world.all(Vm, vcenter="vc1")[0]
    fault("GET /folder/*", kind)
    with pytest.raises((OSError, http.client.HTTPException)):
        client.get(folder_url(row))


def test_a_connection_is_refused_before_anything_is_said(
    server: VCenterServer, connect: Connect, fault: Callable[..., None]
) -> None:
    fault("connect", "refuse", times=1)
    with pytest.raises((ConnectionError, ssl.SSLEOFError)):  # reset, or closed: which of them comes first is chance
        connect(server)
    connect(server)


# ---- certificates, starting, stopping


def test_the_certificate_is_read_anew_for_every_connection(server: VCenterServer, connect: Connect, lab: Lab) -> None:
    old = connect(server)
    before = trusting(server)
    lab.certificates.change(server.system)
    assert old.service.CurrentTime()  # the connection stands
    with pytest.raises(ssl.SSLCertVerificationError):
        before.wrap_socket(socket.create_connection(("127.0.0.1", server.port)))
    connect(server)


def test_an_expired_certificate_is_shown(server: VCenterServer, lab: Lab) -> None:
    lab.certificates.change(server.system, expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        trusting(server).wrap_socket(socket.create_connection(("127.0.0.1", server.port)))


def test_a_server_that_is_stopped_leaves_no_thread_and_starts_again_on_its_port(lab: Lab, connect: Connect) -> None:
    server = VCenterServer(lab, "vc1")
    server.start()
    port = server.port
    client = connect(server, KEEPER)
    server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vcenter:")]
    with pytest.raises((OSError, http.client.HTTPException)):
        client.service.CurrentTime()
    server.start()
    assert server.port == port
    with pytest.raises(vim.fault.NotAuthenticated):  # sessions do not outlive the service
        client.service.CurrentTime()
    connect(server)
    server.stop()
