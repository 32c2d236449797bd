"""Remote PowerShell: the one envelope, the language, Windows' cmdlets and View's, with the errors of the real ones."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import paths
from app.lab import directory
from app.lab.lab import Lab
from app.lab.rows import Account, Broker, LdsEntry, Service, WindowsHost
from app.lab.windows.powershell import program
from app.lab.windows.powershell.ldapfilter import FilterError
from app.lab.windows.powershell.ldapfilter import parse as ldap_filter
from app.lab.windows.powershell.parser import QUOTES, Argument, Command, ParseError, parse

SNAPIN = "Add-PSSnapin -Name 'VMware.View.Broker'\n"
NAMES = st.from_regex(r"[A-Za-z][A-Za-z]{0,8}(-[A-Za-z]{1,8})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\r"), max_size=30)
LITERALS = TEXTS | st.integers(-(10**12), 10**12) | st.booleans()
VALUES = LITERALS | st.lists(LITERALS, min_size=2, max_size=4)
ARGUMENTS = st.builds(lambda name, value: Argument(name, value, given=True), NAMES, VALUES)
COMMANDS = st.builds(lambda name, some: Command(name, tuple(some)), NAMES, st.lists(ARGUMENTS, max_size=3))
SCRIPTS = st.lists(st.lists(COMMANDS, min_size=1, max_size=3), max_size=3)


def written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(written(item) for item in value)
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return str(value)
    return "'" + "".join(character * 2 if character in QUOTES else character for character in value) + "'"


def script_of(pipelines: list[list[Command]]) -> str:
    def one(command: Command) -> str:
        return " ".join([command.name, *(f"-{each.name} {written(each.value)}" for each in command.arguments)])

    return "\n".join(" | ".join(one(command) for command in pipeline) for pipeline in pipelines)


@given(SCRIPTS)
def test_a_script_of_the_language_is_read_as_it_was_meant(pipelines: list[list[Command]]) -> None:
    assert parse(script_of(pipelines)) == pipelines


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse(text)
    except ParseError:
        return


@pytest.mark.parametrize(
    "script",
    [
        '"double"', "$x", "Get-Item -Path \"x\"", "Get-Item 'x' 'y'", "gi -Path $env:x", "Get-Item -Path (1)", "& 'x'",
        "Get-Item; Get-Item", "Get-Item -Path 'x", "Get-Item -Path 'x'y", "Get-Item -Path x'y'", "| Get-Item",
        "Get-Item |", "Get-Item || Get-Item", "Get-Item -Path 'a',", "Get-Item -Path ,'a'", "{ Get-Item }", "1 + 1",
        "Get-Item -Path 99999999999999999999", "'x' | Get-Item", "Get-Item -", "Get-Item -Path:'x'", "#requires",
    ],
)  # fmt: skip
def test_what_is_more_than_pipelines_with_literals_is_refused(script: str) -> None:
    with pytest.raises(ParseError):
        parse(script)


def test_the_known_envelope_is_the_one_that_is_shipped() -> None:
    for name, known in (("bootstrap", program.BOOTSTRAP), ("envelope", program.ENVELOPE)):
        shipped = (paths.resources() / "scripts" / f"{name}.ps1").read_text("utf-8")
        assert hashlib.sha256(shipped.encode()).hexdigest() == known, f"{name}.ps1 changed: see what it does now"


# ---- over the wire


def sent(script: str, *later: bytes, envelope: str | None = None, bootstrap: str | None = None) -> tuple[str, bytes]:
    folder = paths.resources() / "scripts"
    first = bootstrap if bootstrap is not None else (folder / "bootstrap.ps1").read_text("utf-8")
    encoded = base64.b64encode(first.encode("utf-16-le")).decode()
    whole = envelope if envelope is not None else (folder / "envelope.ps1").read_text("utf-8")
    lines = [whole.encode(), script.encode("utf-8", "surrogatepass"), *later]
    line = f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"
    return line, b"".join(base64.b64encode(part) + b"\n" for part in lines)


class Shell:
    """A host's PowerShell, called as the connector calls it."""

    def __init__(self, connected: Any) -> None:
        self.connected = connected
        self.out = ""

    def answer(self, script: str, *later: bytes) -> dict[str, Any]:
        code, self.out, error = self.connected.run(*sent(script, *later))
        assert (code, error) == (0, "")
        begin, end = self.out.index("<<<VK") + 5, self.out.index("VK>>>")
        return dict(json.loads(base64.b64decode(self.out[begin:end], validate=True)))

    def __call__(self, script: str, *later: bytes) -> list[Any]:
        answer = self.answer(script, *later)
        assert answer["ok"], answer["error"]
        return list(answer["result"])

    def error(self, script: str, *later: bytes) -> tuple[str, str]:
        answer = self.answer(script, *later)
        assert not answer["ok"], answer["result"]
        return answer["error"]["id"].partition(",")[0], answer["error"]["category"]


@pytest.fixture
def shell(client: Any) -> Shell:
    return Shell(client())


class TestEnvelope:
    def test_another_bootstrap_or_envelope_is_answered_as_broken_input(self, client: Any) -> None:
        folder = paths.resources() / "scripts"
        for name in ("bootstrap", "envelope"):
            text = (folder / f"{name}.ps1").read_text("utf-8") + "\n"
            code, out, error = client().run(*sent("Get-Service", **{name: text}))
            assert (code, out) == (1, "")
            assert error

    def test_other_arguments_and_broken_encoding_are_refused(self, client: Any) -> None:
        connected = client()
        assert connected.run("powershell.exe -Command ver", b"")[0] == 1
        assert connected.run("powershell.exe -EncodedCommand !!!", b"")[0] == -196608
        assert connected.run(sent("")[0], b"x\n")[0] == 1
        assert connected.run(sent("")[0], b"!\n!\n")[0] == 1

    def test_a_script_that_is_not_in_the_language_is_a_parse_error(self, shell: Shell) -> None:
        assert shell.error("Get-Service | Where-Object { $_ }") == ("DotNetMethodException", "NotSpecified")

    def test_what_came_before_an_error_is_in_the_answer(self, shell: Shell) -> None:
        answer = shell.answer("Get-Service -Name 'WinRM' | Select-Object -Property 'Name'\nGet-Nothing")
        assert answer["result"] == [{"Name": "WinRM"}]
        assert answer["error"]["id"] == "CommandNotFoundException"

    def test_input_that_does_not_fit_the_shells_memory_is_too_much(self, lab: Lab, shell: Shell) -> None:
        row = lab.world.require(WindowsHost, "broker1")
        quotas = {**row.quotas, "MaxMemoryPerShellMB": 41}
        lab.world.change("test", "little memory", msgspec.structs.replace(row, quotas=quotas))
        assert shell("Get-Service") != []
        line, stdin = sent("Write-FilePart -Path 'C:\\Windows\\Temp\\x' -Offset 0", b"x" * 300_000)
        command = shell.connected.protocol.run_command(shell.connected.shell, line)
        for start in range(0, len(stdin), 90_000):
            part, last = stdin[start : start + 90_000], start + 90_000 >= len(stdin)
            shell.connected.protocol.send_command_input(shell.connected.shell, command, part, end=last)
        _, wrong, code = shell.connected.protocol.get_command_output(shell.connected.shell, command)
        assert (code, b"OutOfMemory" in wrong) == (1, True)

    def test_every_character_comes_back(self, shell: Shell) -> None:
        text = '"\\\x01\x7f é研\U0001f600'
        assert shell(f"Get-Service | Select-Object -First 1 -Property 'Name','{text}'")[0][text] is None

    def test_a_long_answer_comes_in_pieces_that_are_one_base64(self, lab: Lab, shell: Shell) -> None:
        rows = [Service(host="broker1", name=f"svc{n:04d}", display="研" * 50) for n in range(2000)]
        lab.world.change("test", "services", *rows)
        assert len(shell("Get-WmiObject -Class 'Win32_Service'")) > 2000


class TestBinding:
    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("Get-Nothing", "CommandNotFoundException"),
            ("Get-Service -Nme 'x'", "NamedParameterNotFound"),
            ("Get-Service -Na 'x'", "NamedParameterNotFound"),
            ("Get-Service -Name 'WinRM' -Name 'WinRM'", "ParameterAlreadyBound"),
            ("Get-Service -Name", "MissingArgument"),
            ("Stop-Service", "MissingMandatoryParameter"),
            ("Get-WmiObject -Class ''", "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
            ("Get-WmiObject -Class 'a','b'", "CannotConvertArgument"),
            ("Get-Service | Select-Object -First 'x'", "ParameterArgumentTransformationError"),
            ("Remove-Item -LiteralPath 'C:\\x' -Recurse $true", "PositionalParameterNotFound"),
            ("Get-Service | Get-Service", "InputObjectNotBound"),
            ("Get-Service | Select-Object -ExpandProperty 'Nothing'", "ExpandPropertyNotFound"),
        ],
    )
    def test_errors_are_powershells(self, shell: Shell, script: str, error: str) -> None:
        assert shell.error(script)[0] == error

    def test_nothing_runs_when_a_later_cmdlet_of_the_pipeline_is_unknown(self, lab: Lab, shell: Shell) -> None:
        shell.error("Stop-Service -Name 'wsbroker' | Select-Nothing")
        assert lab.world.require(Service, "broker1", "wsbroker").state == "Running"

    def test_a_property_that_is_not_there_is_null_and_names_are_found_in_any_case(self, shell: Shell) -> None:
        found = shell("Get-WmiObject -Class 'win32_computersystem' | Select-Object -Property 'NAME','Nonsense'")
        assert found == [{"Name": "BROKER1", "Nonsense": None}]


class TestWindows:
    def test_services_are_told_started_and_stopped(self, lab: Lab, shell: Shell) -> None:
        query = "Get-WmiObject -Class 'Win32_Service' -Filter 'Name=''WSBROKER''' | Select-Object -Property 'State'"
        assert shell(query) == [{"State": "Running"}]
        assert shell("Stop-Service -Name 'wsbroker'") == []
        assert shell("Stop-Service -Name 'wsbroker'") == []
        assert shell(query) == [{"State": "Stopped"}]
        assert shell("Get-Service -Name 'wstomcat' | Select-Object -Property 'Status'") == [{"Status": "Stopped"}]
        shell("Start-Service -Name 'wsbroker'")
        assert shell(query) == [{"State": "Running"}]

    def test_service_errors_are_those_of_windows(self, lab: Lab, shell: Shell) -> None:
        assert shell.error("Stop-Service -Name 'nope'") == ("NoServiceFoundForGivenName", "ObjectNotFound")
        assert shell.error("Stop-Service -Name 'RpcSs'") == ("ServiceHasDependentServices", "InvalidOperation")
        row = lab.world.require(Service, "broker1", "PCOIPSG")
        off = msgspec.structs.replace(row, state="Stopped", start_mode="Disabled", pid=0)
        lab.world.change("test", "disabled", off)
        assert shell.error("Start-Service -Name 'PCOIPSG'") == ("CouldNotStartService", "OpenError")

    def test_dependents_are_objects_of_their_own(self, shell: Shell) -> None:
        expanded = "Get-Service -Name 'RpcSs' | Select-Object -ExpandProperty 'DependentServices'"
        script = f"{expanded} | Select-Object -Property 'Name'"
        assert {"Name": "ADAM_VMwareVDMDS"} in shell(script)

    def test_wmi_refuses_what_it_does_not_know(self, shell: Shell) -> None:
        for script in ("-Class 'Win32_Nothing'", "-Class 'Win32_Service' -Filter 'Nme=''x'''",
                       "-Class 'Win32_Service' -Filter 'Name like ''x'''"):  # fmt: skip
            assert shell.error(f"Get-WmiObject {script}")[0] == "GetWMIManagementException"

    def test_disks_are_filtered_and_the_clock_has_its_zone(self, shell: Shell) -> None:
        disks = shell(
            "Get-WmiObject -Class 'Win32_LogicalDisk' -Filter 'DriveType=3' | Select-Object -Property 'DeviceID'"
        )
        assert disks == [{"DeviceID": "C:"}]
        assert len(shell("Get-WmiObject -Class 'Win32_LogicalDisk'")) == 2
        (clock,) = shell("Get-WmiObject -Class 'Win32_OperatingSystem' | Select-Object -Property 'LocalDateTime'")
        assert clock["LocalDateTime"].endswith("+480")

    def test_files_and_folders(self, shell: Shell) -> None:
        shell("New-Item -ItemType 'Directory' -Path 'C:\\New\\Deep'")
        assert shell.error("New-Item -ItemType 'Directory' -Path 'C:\\New'") == ("DirectoryExist", "ResourceExists")
        assert shell.error("New-Item -ItemType 'Folder' -Path 'C:\\Other'")[0] == "Argument"
        content = bytes(range(256)) * 300
        part = "Write-FilePart -Path 'C:\\New\\Deep\\f.bin' -Offset"
        assert shell(f"{part} 0", content[:50_000])[0]["Length"] == 50_000
        assert shell(f"{part} 50000", content[50_000:])[0]["Length"] == len(content)
        assert shell.error(f"{part} 7", b"x")[1] == "OperationStopped"
        (hashed,) = shell("Get-FileSha256 -Path 'C:\\New\\Deep\\f.bin'")
        assert hashed["Sha256"] == hashlib.sha256(content).hexdigest()
        shell("Read-FilePart -Path 'C:\\New\\Deep\\f.bin' -Offset 10 -Count 60000")
        lines = shell.out.splitlines()
        read = b"".join(base64.b64decode(line) for line in lines[1 : lines.index("FILE>>>")])
        assert read == content[10:60_010]
        shell("Move-FileTo -Path 'C:\\New\\Deep\\f.bin' -Destination 'C:\\New\\g.bin'")
        names = shell("Get-ChildItem -LiteralPath 'C:\\New' | Select-Object -Property 'Name','Length','PSIsContainer'")
        assert names == [
            {"Name": "Deep", "Length": None, "PSIsContainer": True},
            {"Name": "g.bin", "Length": len(content), "PSIsContainer": False},
        ]
        assert shell.error("Remove-Item -LiteralPath 'C:\\New'") == ("InvalidOperation", "InvalidOperation")
        shell("Remove-Item -LiteralPath 'C:\\New' -Recurse")
        assert shell("Test-Path -LiteralPath 'C:\\New'") == [False]

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("Get-Item -LiteralPath 'C:\\nope'", ("PathNotFound", "ObjectNotFound")),
            ("Get-Item -LiteralPath 'Q:\\nope'", ("DriveNotFound", "ObjectNotFound")),
            ("Get-Item -LiteralPath '\\\\server\\share'", ("PathNotFound", "ObjectNotFound")),
            ("Remove-Item -LiteralPath 'C:\\nope'", ("PathNotFound", "ObjectNotFound")),
            ("Get-Acl -Path 'C:\\nope'", ("GetAcl_PathNotFound_Exception", "ObjectNotFound")),
            ("Get-ItemProperty -LiteralPath 'HKLM:\\SOFTWARE\\Nope'", ("PathNotFound", "ObjectNotFound")),
            ("Get-FileSha256 -Path 'C:\\nope'", ("DotNetMethodException", "NotSpecified")),
            ("Get-FileSha256 -Pth 'C:\\nope'", ("DotNetMethodException", "NotSpecified")),
            ("Read-FilePart -Path 'C:\\nope\\x' -Offset 0 -Count 1", ("DotNetMethodException", "NotSpecified")),
            ("Move-FileTo -Path 'C:\\nope' -Destination 'C:\\x'", ("DotNetMethodException", "NotSpecified")),
            ("Write-FilePart -Path 'C:\\nope\\x' -Offset 0", ("DotNetMethodException", "NotSpecified")),
        ],
    )
    def test_what_is_not_there_is_told(self, shell: Shell, script: str, error: tuple[str, str]) -> None:
        assert shell.error(script) == error


class TestView:
    def test_the_cmdlets_are_there_only_with_the_snapin_and_on_a_broker(self, client: Any, shell: Shell) -> None:
        assert shell.error("Get-Pool") == ("CommandNotFoundException", "ObjectNotFound")
        assert shell.error(SNAPIN + SNAPIN + "Get-Pool")[0] == "AddPSSnapInRead"
        assert Shell(client("vcenter1")).error(SNAPIN + "Get-Pool") == ("AddPSSnapInRead", "InvalidArgument")

    def test_a_snapin_that_is_not_registered_cannot_be_added(self, lab: Lab, shell: Shell) -> None:
        row = lab.world.require(WindowsHost, "broker1")
        lab.world.change("test", "no snap-in", msgspec.structs.replace(row, snapins=()))
        assert shell.error(SNAPIN + "Get-Pool")[0] == "AddPSSnapInRead"

    def test_pools_are_strings_all_of_them(self, shell: Shell) -> None:
        pools = {pool["pool_id"]: pool for pool in shell(SNAPIN + "Get-Pool")}
        assert all(isinstance(value, str) for pool in pools.values() for value in pool.values())
        assert (pools["training-lc"]["provisionEnabled"], pools["rd-lc"]["provisionEnabled"]) == ("false", "true")
        assert (pools["rd-lc"]["desktopSource"], pools["fin-full"]["desktopSource"]) == ("SVI", "VC")
        assert "provisionEnabled" not in pools["contractors"]
        assert pools["rd-lc"]["displayName"] == "研发桌面"
        assert [pool["pool_id"] for pool in shell(SNAPIN + "Get-Pool -pool_id 'RD-LC'")] == ["rd-lc"]

    def test_nothing_found_is_an_error(self, shell: Shell) -> None:
        assert shell.error(SNAPIN + "Get-Pool -pool_id 'none'") == ("ObjectNotFound", "ObjectNotFound")
        assert shell.error(SNAPIN + "Get-RemoteSession -pool_id 'none'") == ("ObjectNotFound", "ObjectNotFound")

    def test_without_the_brokers_services_there_is_no_answer(self, lab: Lab, shell: Shell) -> None:
        for name in ("ADAM_VMwareVDMDS", "wsbroker"):
            row = lab.world.require(Service, "broker1", name)
            lab.world.change("test", "stopped", msgspec.structs.replace(row, state="Stopped"))
            assert shell.error(SNAPIN + "Get-Pool") == ("ConnectionFailure", "ConnectionError")
            lab.world.change("test", "running", row)

    @pytest.mark.parametrize(
        ("cmdlet", "pool", "switches"),
        [
            ("Update-AutomaticPool", "fin-full", True),
            ("Update-AutomaticLinkedClonePool", "rd-lc", True),
            ("Update-AutomaticPool", "rd-lc", False),
            ("Update-AutomaticLinkedClonePool", "fin-full", False),
            ("Update-AutomaticPool", "contractors", False),
        ],
    )
    def test_each_kind_of_pool_has_its_cmdlet(
        self, lab: Lab, shell: Shell, cmdlet: str, pool: str, switches: bool
    ) -> None:
        def provisions() -> str:
            return lab.world.require(LdsEntry, "view", directory.pool_dn(pool).lower()).first("pae-VmProvEnabled")

        before = provisions()
        answer = shell.answer(SNAPIN + f"{cmdlet} -pool_id '{pool}' -isProvisioningEnabled $false")
        assert answer["ok"] is switches
        assert provisions() == ("0" if switches else before)

    def test_who_may_only_read_may_not_switch(self, lab: Lab, shell: Shell) -> None:
        row = lab.world.require(Account, "PRACTICE\\viewkeeper")
        lab.world.change("test", "role", msgspec.structs.replace(row, view_role=directory.READ_ONLY))
        assert shell(SNAPIN + "Get-Pool")
        script = SNAPIN + "Update-AutomaticPool -pool_id 'nope' -isProvisioningEnabled $false"
        assert shell.error(script) == ("PermissionDenied", "PermissionDenied")
        lab.world.change("test", "role", msgspec.structs.replace(row, view_role=""))
        assert shell.error(SNAPIN + "Get-Pool") == ("PermissionDenied", "PermissionDenied")

    def test_view_4_5_returns_some_desktops_twice(self, lab: Lab, shell: Shell) -> None:
        once = shell(SNAPIN + "Get-DesktopVM -isInPool 'true'")
        row = lab.world.require(Broker, "broker1")
        lab.world.change("test", "4.5", msgspec.structs.replace(row, version="4.5.0"))
        twice = shell(SNAPIN + "Get-DesktopVM -isInPool 'true'")
        assert len(twice) > len(once)
        assert {one["machine_id"] for one in twice} == {one["machine_id"] for one in once}

    def test_machines_that_are_no_desktops_are_told_apart(self, shell: Shell) -> None:
        found = shell(SNAPIN + "Get-DesktopVM")
        assert {one["isInPool"] for one in found} == {"true", "false"}
        assert len([one for one in found if one["isInPool"] == "true"]) == 10

    def test_local_mode_is_gone_in_later_versions(self, lab: Lab, shell: Shell) -> None:
        row = lab.world.require(Broker, "broker1")
        lab.world.change("test", "6.0", msgspec.structs.replace(row, version="6.0.1"))
        assert shell.error(SNAPIN + "Get-LocalSession")[0] == "CommandNotFoundException"

    def test_the_topology_can_be_read(self, shell: Shell) -> None:
        assert {one["broker_id"] for one in shell(SNAPIN + "Get-ConnectionBroker")} == {
            "broker1",
            "broker2",
            "security1",
        }
        assert [one["useComposer"] for one in shell(SNAPIN + "Get-ViewVC")] == ["true", "false"]
        builds = [one["build"] for one in shell(SNAPIN + "Get-Monitor") if one["monitor"] == "CBMonitor"]
        assert builds == ["5.0.1-640055"] * 2
        assert shell(SNAPIN + "Get-PoolEntitlement -pool_id 'rd-lc'")[0]["sid"].startswith("S-1-5-21-")
        assert shell(SNAPIN + "Get-GlobalSetting")[0]["SessionTimeout"] == "600"


class TestAdLds:
    def test_entries_are_found_below_a_base_by_a_filter(self, shell: Shell) -> None:
        script = (
            "Find-AdLdsEntry -Base 'OU=Server Groups,DC=vdi,DC=vmware,DC=int' "
            "-Filter '(&(objectClass=pae-ServerPool)(!(pae-VmProvEnabled=1))(pae-ServerPoolType=*))' "
            "-Property 'cn','pae-VmProvEnabled','objectClass','pae-None'"
        )
        found = sorted(shell(script), key=lambda one: str(one["cn"]))
        assert [(one["cn"], one["pae-VmProvEnabled"], one["pae-None"]) for one in found] == [
            ("contractors", None, None),
            ("training-lc", "0", None),
        ]
        assert found[0]["objectClass"] == ["top", "pae-ServerPool"]

    def test_a_wrong_base_or_filter_is_an_error(self, shell: Shell) -> None:
        for script in ("-Base 'OU=None,DC=x' -Filter '(cn=*)'", "-Base 'DC=vdi,DC=vmware,DC=int' -Filter '(cn=*'"):
            assert shell.error(f"Find-AdLdsEntry {script} -Property 'cn'")[0] == "DotNetMethodException"


ENTRY = LdsEntry(
    group="view", dn="CN=a,DC=x", classes=("top", "pae-VM"), attributes={"cn": ("Ab 研",), "n": ("1", "2")}
)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("(objectclass=PAE-vm)", True), ("(cn=ab 研)", True), ("(cn=a*)", True), ("(cn=*b*)", True), ("(n=3)", False),
        ("(|(n=3)(n=2))", True), ("(!(n=3))", True), ("(&(n=1)(cn=x))", False), ("(cn=\\41b*)", True),
        ("(none=*)", False),
    ],
)  # fmt: skip
def test_filters_fit_as_ldap_says(text: str, fits: bool) -> None:
    assert ldap_filter(text)(ENTRY) is fits


@given(st.text("()&|!=*abc\\5c ", max_size=30))
def test_any_filter_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        ldap_filter(text)(ENTRY)
    except FilterError:
        return
