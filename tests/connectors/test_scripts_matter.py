"""Every word of every shipped script matters: changing one changes or breaks the practice environment's answer."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tree_sitter
import tree_sitter_pwsh

from app.connectors.winrm import Completed, WinRm, pipeline
from app.connectors.winrm import scripts as sending
from app.lab import directory
from app.lab.lab import Lab
from app.lab.rows import HostFile, HostFolder, LdsEntry, Row, Service
from app.lab.windows.server import WindowsServer
from app.lab.world import World
from app.paths import resources
from app.profile import Host

PLACE = r"C:\ProgramData\ViewKeeper"
FILE = PLACE + r"\some file.txt"
CONTENT = bytes(range(100))
SNAPIN = r"HKLM:\SOFTWARE\Microsoft\PowerShell\1\PowerShellSnapIns\VMware.View.Broker"
Change = Callable[[World], tuple[list[Row], list[Row]]]


def as_it_is(_world: World) -> tuple[list[Row], list[Row]]:
    return [], []


def file_there(world: World) -> tuple[list[Row], list[Row]]:
    folder = HostFolder(host="broker1", path=PLACE, writers=("PRACTICE\\sqlservice",))
    others: list[Row] = [
        row for row in world.all(HostFile, host="broker1") if row.path.startswith(PLACE) and row.path != FILE
    ]
    return [folder, world.new_file("broker1", FILE, CONTENT)], others


def folder_gone(world: World) -> tuple[list[Row], list[Row]]:
    rows: list[Row] = [*world.all(HostFolder, host="broker1"), *world.all(HostFile, host="broker1")]
    return [], [row for row in rows if getattr(row, "path", "").startswith(PLACE)]


def service_is(state: str) -> Change:
    def change(world: World) -> tuple[list[Row], list[Row]]:
        return [msgspec.structs.replace(world.require(Service, "broker1", "W32Time"), state=state)], []

    return change


def provisioning_on(world: World) -> tuple[list[Row], list[Row]]:
    found = [directory.pool(world, "view", pool) for pool in ("sales-lc", "fin-full")]
    return [directory.with_values(entry, pae_VmProvEnabled="1") for entry in found if entry is not None], []


@dataclass(frozen=True)
class Case:
    """What a script is filled with, what the world must be like before it, and what standard input carries."""

    literals: dict[str, Any] = field(default_factory=dict)
    before: Change = as_it_is
    data: bytes = b""


CASES = {
    "services": Case(),
    "start-service": Case({"name": "W32Time"}, service_is("Stopped")),
    "stop-service": Case({"name": "W32Time"}, service_is("Running")),
    "dependents": Case({"name": "RpcSs"}),
    "processes": Case(),
    "disks": Case(),
    "clock": Case(),
    "operating-system": Case(),
    "computer-system": Case(),
    "registry": Case({"path": SNAPIN}),
    "acl": Case({"path": PLACE}, file_there),
    "file": Case({"path": FILE}, file_there),
    "files": Case({"path": PLACE}, file_there),
    "make-folder": Case({"path": PLACE}, folder_gone),
    "remove": Case({"path": FILE}, file_there),
    "remove-folder": Case({"path": PLACE}, file_there),
    "sha256": Case({"path": FILE}, file_there),
    "read-part": Case({"path": FILE, "offset": 3, "count": 10}, file_there),
    "write-part": Case({"path": FILE, "offset": len(CONTENT)}, file_there, b"bytes"),
    "rename": Case({"path": FILE, "to": PLACE + r"\other.txt"}, file_there),
    "brokers": Case(),
    "pools": Case(),
    "desktops": Case(),
    "desktop-states": Case(),
    "remote-sessions": Case({"pool_id": "fin-full"}),
    "local-sessions": Case({"pool_id": "sales-lc"}),
    "entitlements": Case({"pool_id": "fin-full"}),
    "monitors": Case(),
    "vcenters": Case(),
    "topology": Case(),
    "provisioning-linked-clones": Case({"pool_id": "sales-lc", "on": False}, provisioning_on),
    "provisioning-full-clones": Case({"pool_id": "fin-full", "on": False}, provisioning_on),
}
VOLATILE = ("CreationDate", "LocalDateTime", "LastWriteTimeUtc", "modified", "pid", "starts", "ends", "free")
"""Times, and what every run takes or gives a little of: only whether they are there counts."""
TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')*')|(?P<truth>\$true|\$false)|(?P<number>(?<=\s)\d+)"
    r"|(?P<parameter>(?<=\s)-[A-Za-z_]+)|(?P<cmdlet>[A-Za-z]+-[A-Za-z0-9]+)|(?P<rest>[\s|,]+)"
)
MUTATED: dict[str, Callable[[str], str]] = {
    "string": lambda token: token[:-1] + "X'",
    "truth": lambda token: {"$true": "$false", "$false": "$true"}[token],
    "number": lambda token: str(int(token) + 1),
    "parameter": lambda token: token + "X",
    "cmdlet": lambda token: token + "X",
}


def mutations(script: str) -> Iterator[tuple[str, str]]:
    """Yield each token of a script, and the script with that one token changed."""
    at = 0
    for found in TOKEN.finditer(script):
        assert found.start() == at, f"not understood: {script[at : found.start()]!r}"
        at = found.end()
        if found.lastgroup != "rest":
            assert found.lastgroup is not None
            yield found[0], script[: found.start()] + MUTATED[found.lastgroup](found[0]) + script[found.end() :]
    assert at == len(script), f"not understood: {script[at:]!r}"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, WinRm]]:
    """One host for all scripts: each run sets the world as it needs it."""
    from app.lab.founding import found

    folder = tmp_path_factory.mktemp("scripts") / "lab"
    world = World(folder, found)
    world.begin(desktops=40, seed=1, pace="0")
    lab = Lab(folder, world)
    server = WindowsServer(lab, "broker1")
    server.start()
    certificate, _ = lab.certificates.of(server.system)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    account = "PRACTICE\\viewkeeper"
    host = Host(name="broker1", address="127.0.0.1", port=server.port, account=account)
    with WinRm(host, lab.passwords.of(account), context=context) as reached:
        yield lab, reached
    server.stop()
    lab.close()


def outcome(practice: tuple[Lab, WinRm], script: str, case: Case) -> Any:
    """Carry a script out; return what it answered and what it changed, times apart."""
    lab, host = practice
    put, drop = case.before(lab.world)
    lab.world.change("test", "as the script needs it", *put, drop=drop)
    events = len(lab.world.events)
    done = host.run(sending.powershell(), stdin=sending.standard_input(script, case.data))
    effects = [effect for event in lab.world.events[events:] for effect in (*map(steady, event.put), *event.drop)]
    return answered(done), effects


def answered(done: Completed) -> Any:
    reader = sending.FileLines()
    content = b"".join(filter(None, map(reader.bytes_of, done.out.splitlines())))
    try:
        rows = sending.answer(done.out)
    except sending.Failed as failed:
        return "error", failed.error_id, failed.category
    except sending.NoAnswer:
        return "no answer", done.exit_code
    return "answer", [without_times(row) for row in rows], content


def steady(row: Row) -> Any:
    return without_times(msgspec.to_builtins(row))


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: (value is not None) if name in VOLATILE else value for name, value in row.items()}


def test_every_shipped_script_is_tried() -> None:
    assert set(CASES) == set(sending.scripts())


@pytest.mark.parametrize("name", sorted(CASES))
def test_changing_one_word_of_a_script_changes_or_breaks_the_answer(practice: tuple[Lab, WinRm], name: str) -> None:
    case = CASES[name]
    script = pipeline(name, **case.literals)
    right = outcome(practice, script, case)
    assert right[0][0] == "answer", right
    assert right[0][1] or right[1], "it answers something, or changes something"
    assert outcome(practice, script, case) == right, "unchanged, it answers the same"
    silent = [token for token, changed in mutations(script) if outcome(practice, changed, case) == right]
    assert silent == []


@pytest.mark.parametrize(
    "script",
    [
        "",
        "Get-Date",
        "Get-Service | Where-Object { $_.Status }",
        "$x = 1",
        "Get-Item -LiteralPath $env:windir",
        'Get-Item -LiteralPath "C:\\Windows"',
        "Get-Item -LiteralPath (Get-Location)",
        "gwmi -Class 'Win32_Service'",
        "Get-WmiObject -Cl 'Win32_Service'",
        "Get-Pool",
        "Get-Item -LiteralPath 'C:\\Windows",
    ],
)
def test_the_practice_environment_carries_out_no_other_language(practice: tuple[Lab, WinRm], script: str) -> None:
    (kind, *_), effects = outcome(practice, script, Case())
    assert (kind, effects) == ("error", []) or (script == "" and effects == [])


# ---- the language


def errors(node: tree_sitter.Node) -> Iterable[tree_sitter.Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from errors(child)


@pytest.mark.parametrize("path", sorted((resources() / "scripts").glob("*.ps1")), ids=lambda path: path.stem)
def test_scripts_are_powershell_to_a_parser(path: Path) -> None:
    text = re.sub(r"\{(\w+)\}", "1", path.read_text("utf-8")) if path.stem in CASES else path.read_text("utf-8")
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))
    tree = parser.parse(text.encode())
    assert [(node.start_point.row + 1, node.type) for node in errors(tree.root_node)] == []


LATER_THAN_2 = (
    r"\[pscustomobject\]", r"\[ordered\]", r"\[nullstring\]", r"-notin\b", r"(?<!\w)-in\b", r"\$psitem", r"\$using:",
    r"convertto-json", r"convertfrom-json", r"get-filehash", r"invoke-webrequest", r"get-ciminstance", r"-raw\b",
    r"\.where\(", r"\.foreach\(", r"::new\(", r"-shl\b", r"\?\?", r"&&", r"\|\|",
    r"\bclass\s+\w+\s*\{",
)  # fmt: skip


@pytest.mark.parametrize("path", sorted((resources() / "scripts").glob("*.ps1")), ids=lambda path: path.stem)
def test_scripts_use_nothing_that_came_after_powershell_2(path: Path) -> None:
    code = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
    assert [later for later in LATER_THAN_2 if re.search(later, code, re.IGNORECASE)] == []
    assert code.isascii()


CMDLETS = {
    "Get-WmiObject": {"Class", "Filter"}, "Select-Object": {"Property", "ExpandProperty"}, "Get-Service": {"Name"},
    "Start-Service": {"Name"}, "Stop-Service": {"Name"}, "Get-ItemProperty": {"LiteralPath"}, "Get-Acl": {"Path"},
    "Get-Item": {"LiteralPath"}, "Get-ChildItem": {"LiteralPath"}, "New-Item": {"ItemType", "Path"},
    "Remove-Item": {"LiteralPath", "Recurse"}, "Add-PSSnapin": {"Name"},
    "Get-FileSha256": {"Path"}, "Read-FilePart": {"Path", "Offset", "Count"}, "Write-FilePart": {"Path", "Offset"},
    "Move-FileTo": {"Path", "Destination"}, "Find-AdLdsEntry": {"Base", "Filter", "Property"},
    "Get-ConnectionBroker": set(), "Get-Pool": set(), "Get-DesktopVM": set(), "Get-RemoteSession": {"pool_id"},
    "Get-LocalSession": {"pool_id"}, "Get-PoolEntitlement": {"pool_id"}, "Get-Monitor": set(), "Get-ViewVC": set(),
    "Update-AutomaticLinkedClonePool": {"pool_id", "isProvisioningEnabled"},
    "Update-AutomaticPool": {"pool_id", "isProvisioningEnabled"},
}  # fmt: skip
"""What PowerShell 2.0, View PowerCLI and the envelope have, as far as the scripts use it."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_scripts_call_only_cmdlets_and_parameters_that_are_there(name: str) -> None:
    script = pipeline(name, **CASES[name].literals)
    cmdlet = ""
    for found in TOKEN.finditer(script):
        if found.lastgroup == "cmdlet":
            cmdlet = found[0]
            assert cmdlet in CMDLETS
        if found.lastgroup == "parameter":
            assert found[0][1:] in CMDLETS[cmdlet], found[0]


VIEW = ("Pool", "DesktopVM", "Monitor", "ViewVC", "RemoteSession", "LocalSession", "PoolEntitlement",
        "ConnectionBroker", "AutomaticPool", "AutomaticLinkedClonePool")  # fmt: skip


def test_view_cmdlets_come_after_their_snap_in() -> None:
    view = {cmdlet for cmdlet in CMDLETS if cmdlet.split("-")[1] in VIEW}
    for name, case in CASES.items():
        script = pipeline(name, **case.literals)
        asks_view = any(f"{cmdlet} " in script + " " or f"{cmdlet}\n" in script for cmdlet in view)
        assert asks_view == script.startswith("Add-PSSnapin -Name 'VMware.View.Broker'\n"), name


def test_desktop_entries_are_of_the_class_that_the_script_asks_for(practice: tuple[Lab, WinRm]) -> None:
    lab, host = practice
    found = {row["cn"] for row in host.call("desktop-states")}
    assert found == {entry.first("cn") for entry in lab.world.all(LdsEntry, group="view") if "pae-VM" in entry.classes}
