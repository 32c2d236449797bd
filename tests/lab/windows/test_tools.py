"""The command line tools, each as administrators' programs call it, over the real protocol."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from typing import Any

import msgspec
import pytest

from app.lab import directory
from app.lab.lab import Lab
from app.lab.rows import Account, Broker, ComposerRequest, HostFile, LdsEntry, RsaContainer, Service, WindowsHost
from app.lab.windows.ldif import read

BIN = r"C:\Program Files\VMware\VMware View\Server\tools\bin"
EXPORT, IMPORT, ADMIN = (f'call "{BIN}\\{name}.exe"' for name in ("vdmexport", "vdmimport", "vdmadmin"))
REGIIS = r"%windir%\Microsoft.NET\Framework\v2.0.50727\aspnet_regiis"
SVI = r'call "C:\Program Files (x86)\VMware\VMware View Composer\SviConfig.exe"'
OUT = r"C:\Windows\Temp\out.ldf"


def content(lab: Lab, path: str, host: str = "broker1") -> bytes:
    row = lab.world.file(host, path)
    assert row is not None, f"{path} is not there"
    return lab.world.content(row.blob)


def entries(lab: Lab) -> dict[str, LdsEntry]:
    """Return what AD LDS holds by DN; an attribute without values is none."""
    return {
        row.key_dn: msgspec.structs.replace(
            row, attributes={name: some for name, some in row.attributes.items() if some}
        )
        for row in lab.world.all(LdsEntry, group="view")
    }


def role(lab: Lab, view_role: str) -> None:
    row = lab.world.require(Account, "PRACTICE\\viewkeeper")
    lab.world.change("test", "role", msgspec.structs.replace(row, view_role=view_role))


def stop(lab: Lab, host: str, service: str) -> None:
    row = lab.world.require(Service, host, service)
    lab.world.change("test", "stopped", msgspec.structs.replace(row, state="Stopped", pid=0))


def encrypted(lab: Lab) -> str:
    for row in lab.world.all(Broker):
        lab.world.change("test", "5.1", msgspec.structs.replace(row, version="5.1.0", recovery_password="recovery"))
    return lab.passwords.of("recovery")


def changes_since(lab: Lab, count: int) -> list[str]:
    return [event.what for event in lab.world.events[count:]]


class TestCmd:
    def test_a_tool_that_is_not_there_is_not_recognized(self, client: Any) -> None:
        code, out, error = client().run("vdmexport -f x")
        assert (code, out) == (1, "")
        assert error == (
            "'vdmexport' is not recognized as an internal or external command,\noperable program or batch file.\n"
        )

    def test_a_tool_whose_file_is_gone_is_not_recognized(self, lab: Lab, client: Any) -> None:
        row = lab.world.require(HostFile, "broker1", f"{BIN}\\vdmexport.exe".lower())
        lab.world.change("test", "gone", drop=[row])
        code, _, error = client().run(EXPORT)
        assert code == 1
        assert "is not recognized" in error

    def test_a_path_that_leads_nowhere_is_told(self, client: Any) -> None:
        assert client().run(r"C:\nowhere\x.exe")[2] == "The system cannot find the path specified.\n"

    def test_an_overlong_line_prints_nothing_and_ends_well(self, client: Any) -> None:
        assert client().run("echo " + "x" * 9000) == (0, "", "")

    def test_output_goes_to_a_file_or_nowhere(self, lab: Lab, client: Any) -> None:
        connected = client()
        assert connected.run(r"echo one > C:\Windows\Temp\a.txt") == (0, "", "")
        assert connected.run(r"echo two >> C:\Windows\Temp\a.txt")[0] == 0
        assert content(lab, r"C:\Windows\Temp\a.txt").split() == [b"one", b"two"]
        assert connected.run("ver > NUL") == (0, "", "")
        assert connected.run(r"ver > C:\nowhere\a.txt")[2] == "The system cannot find the path specified.\n"

    def test_files_are_made_listed_hashed_and_deleted(self, lab: Lab, client: Any) -> None:
        connected = client()
        assert connected.run(r"mkdir C:\Made\Deep")[0] == 0
        assert connected.run(r"mkdir C:\Made\Deep") == (
            1,
            "",
            "A subdirectory or file C:\\Made\\Deep already exists.\n",
        )
        connected.run(r"echo x> C:\Made\Deep\f.txt")
        assert connected.run(r"dir /b C:\Made\Deep")[1] == "f.txt\n"
        assert connected.run(r"type C:\Made\Deep\f.txt")[1] == "x\n"
        digest = hashlib.sha256(b"x\r\n").hexdigest()
        assert digest in connected.run(r"certutil -hashfile C:\Made\Deep\f.txt SHA256")[1].replace(" ", "")
        assert connected.run(r"icacls C:\Windows\Temp")[1].count("BUILTIN\\Users") == 2
        assert connected.run(r"del C:\Made\Deep\f.txt")[0] == 0
        assert connected.run(r"del C:\Made\Deep\f.txt")[2] == "Could Not Find C:\\Made\\Deep\\f.txt\n"

    def test_icacls_leaves_a_folder_to_those_that_are_named(self, lab: Lab, client: Any) -> None:
        connected = client()
        connected.run(r"mkdir C:\Made\Deep")
        whole = r'icacls C:\Made /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'
        assert connected.run(whole)[0] == 0
        for folder, inherited in ((r"C:\Made", ""), (r"C:\Made\Deep", "(I)")):
            shown = connected.run(f"icacls {folder}")[1]
            assert f"NT AUTHORITY\\SYSTEM:{inherited}(F)" in shown
            assert f"BUILTIN\\Administrators:{inherited}(F)" in shown
            assert "Users" not in shown

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("/inheritance:d", 'Invalid parameter "/inheritance:d"'),
            ("/inheritance:r", 'Invalid parameter "/inheritance:r"'),
            ("/inheritance:r /grant", 'Invalid parameter "/grant"'),
            ("/inheritance:r /grant:r", 'Invalid parameter "/grant:r"'),
            ('/inheritance:r /grant:r "*S-1-5-18:(OI)F"', 'Invalid parameter "*S-1-5-18:(OI)F"'),
            ('/inheritance:r /grant:r "*S-1-5-99:(OI)(CI)F"', "No mapping between account names and security IDs"),
        ],
    )
    def test_icacls_refuses_what_it_does_not_know(self, lab: Lab, client: Any, words: str, said: str) -> None:
        connected = client()
        connected.run(r"mkdir C:\Made")
        before = connected.run(r"icacls C:\Made")
        code, _, err = connected.run(rf"icacls C:\Made {words}")
        assert code != 0
        assert said in err
        assert connected.run(r"icacls C:\Made") == before

    def test_the_icacls_of_windows_2003_knows_no_inheritance(self, lab: Lab, client: Any) -> None:
        row = lab.world.require(WindowsHost, "broker1")
        lab.world.change("test", "old", msgspec.structs.replace(row, os_version="5.2.3790"))
        code, _, err = client().run(r'icacls C:\Windows\Temp /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F"')
        assert (code, err) == (87, 'Invalid parameter "/inheritance:r"\n')

    def test_certutil_says_that_a_file_is_missing(self, client: Any) -> None:
        code, out, _ = client().run(r"certutil -hashfile C:\Windows\nope.txt SHA256")
        assert code == -2147024894
        assert "0x80070002 (WIN32: 2)" in out

    def test_disk_space_is_taken_and_given_back(self, lab: Lab, client: Any) -> None:
        def free() -> int:
            return lab.world.require(WindowsHost, "broker1").free["C:"]

        before = free()
        client().run(rf"{EXPORT} -f {OUT}")
        assert free() == before - len(content(lab, OUT))
        client().run(f"del {OUT}")
        assert free() == before

    def test_a_full_disk_takes_no_file(self, lab: Lab, client: Any) -> None:
        row = lab.world.require(WindowsHost, "broker1")
        lab.world.change("test", "full", msgspec.structs.replace(row, free={"C:": 100}))
        assert client().run(rf"{EXPORT} -f {OUT}")[::2] == (1, "There is not enough space on the disk.\n")

    def test_who_and_where_one_is(self, client: Any) -> None:
        connected = client()
        assert connected.run("whoami")[1] == "practice\\viewkeeper\n"
        assert connected.run("whoami /upn")[1] == "viewkeeper@practice.example\n"
        assert "BUILTIN\\Administrators" in connected.run("whoami /groups")[1]
        assert connected.run("hostname")[1] == "broker1\n"
        assert "dsamain.exe" in connected.run("tasklist")[1]


class TestSc:
    def test_the_codes_are_those_of_windows(self, client: Any) -> None:
        connected = client("composer1")
        assert connected.run("sc query nope")[0] == 1060
        assert connected.run("sc stop RpcSs")[0] == 1051
        assert connected.run("sc start svid")[0] == 1056
        assert connected.run("sc stop svid")[0] == 0
        assert connected.run("sc stop svid")[0] == 1062
        assert "1  STOPPED" in connected.run("sc query svid")[1]
        assert connected.run("sc nonsense svid")[0] == 1639

    def test_configuration_and_process_are_shown(self, client: Any) -> None:
        connected = client()
        assert "DISPLAY_NAME       : VMwareVDMDS" in connected.run("sc qc ADAM_VMwareVDMDS")[1]
        assert "PID                : " in connected.run("sc queryex wsbroker")[1]
        assert "SERVICE_NAME: wsbroker" in connected.run("sc query")[1]


class TestVdmexport:
    def test_what_ad_lds_holds_is_written_as_ldif(self, lab: Lab, client: Any) -> None:
        code, out, _ = client().run(rf"{EXPORT} -f {OUT}")
        assert code == 0
        assert out.count("Exported ") == 4
        found = read(content(lab, OUT))
        assert {entry.dn.lower() for entry in found} == entries(lab).keys()
        pool = next(entry for entry in found if entry.dn.startswith("CN=rd-lc,OU=Server Groups"))
        assert pool.values["pae-DisplayName"] == ["研发桌面".encode()]
        assert all(len(line) <= 76 for line in content(lab, OUT).split(b"\r\n"))
        assert content(lab, OUT).isascii()

    def test_without_a_file_it_goes_to_standard_output(self, lab: Lab, client: Any) -> None:
        _, out, error = client().run(EXPORT)
        assert out.startswith("version: 1\n")
        assert "Exported" in error
        client().run(f"{EXPORT} > {OUT}")
        assert len(read(content(lab, OUT))) == len(entries(lab))

    def test_a_cleansed_one_holds_no_secrets(self, lab: Lab, client: Any) -> None:
        client().run(f"{EXPORT} -f {OUT}")
        assert b"pae-VCPassword" in content(lab, OUT)
        client().run(f"{EXPORT} -c -f {OUT}")
        assert b"pae-VCPassword" not in content(lab, OUT)

    def test_it_needs_the_directory_and_a_role(self, lab: Lab, client: Any) -> None:
        role(lab, "")
        code, _, error = client().run(f"{EXPORT} -f {OUT}")
        assert code == 1
        assert "Insufficient permissions" in error
        role(lab, directory.READ_ONLY)
        assert client().run(f"{EXPORT} -f {OUT}")[0] == 0
        assert client().run(f"{EXPORT} -v -f {OUT}")[0] == 1
        stop(lab, "broker1", "wsbroker")
        assert client().run(f"{EXPORT} -f {OUT}")[0] == 0
        stop(lab, "broker1", "ADAM_VMwareVDMDS")
        assert client().run(f"{EXPORT} -f {OUT}")[0] == 1

    def test_from_5_1_on_it_is_encrypted_and_only_the_right_password_opens_it(self, lab: Lab, client: Any) -> None:
        password = encrypted(lab)
        connected = client()
        connected.run(f"{EXPORT} -f {OUT}")
        exported = content(lab, OUT)
        assert not any(entry.dn.lower().endswith("dc=vdi,dc=vmware,dc=int") for entry in read(exported))
        assert b"READY" not in exported
        code, out, _ = connected.run(f'{IMPORT} -d -p "{password}" -f "{OUT}"')
        assert code == 0
        assert len(read(out.replace("\n", "\r\n").encode())) == len(entries(lab))
        code, out, error = connected.run(f'{IMPORT} -d -p "wrong" -f "{OUT}" > NUL')
        assert (code, out) == (1, "")
        assert "recovery password is incorrect" in error
        assert connected.run(f"{EXPORT} -c -f {OUT}")[0] == 0
        assert b"READY" in content(lab, OUT)
        assert password not in (lab.folder / "wire.jsonl").read_text()

    @pytest.mark.parametrize("arguments", ["-x", "-f", "-v -c", "file"])
    def test_other_arguments_are_wrong_use(self, client: Any, arguments: str) -> None:
        code, _, error = client().run(f"{EXPORT} {arguments}")
        assert code == 1
        assert error.startswith("Usage: vdmexport")


class TestVdmimport:
    def test_records_are_added_and_changed_and_none_is_deleted(self, lab: Lab, client: Any) -> None:
        connected = client()
        connected.run(f"{EXPORT} -f {OUT}")
        before = entries(lab)
        pool = lab.world.require(LdsEntry, "view", directory.pool_dn("fin-full").lower())
        gone = lab.world.require(LdsEntry, "view", directory.pool_dn("eng-full").lower())
        ghost = LdsEntry(group="view", dn=directory.pool_dn("ghost"), classes=("top", "pae-ServerPool"))
        lab.world.change("test", "later", directory.with_values(pool, pae_DisplayName="Other"), ghost, drop=[gone])
        code, out, _ = connected.run(f"{IMPORT} -f {OUT}")
        assert code == 0
        assert f"{len(before)} record(s)" in out
        assert entries(lab) == {**before, ghost.key_dn: ghost}

    def test_a_file_that_is_damaged_or_not_views_changes_nothing(self, lab: Lab, client: Any) -> None:
        encrypted(lab)
        connected = client()
        connected.run(f"{EXPORT} -f {OUT}")
        before, count = entries(lab), len(lab.world.events)
        assert connected.run(f"{IMPORT} -f {OUT}")[0] == 1
        for text in ("dn: CN=x,DC=other", "cn: x", "dn:: !!!"):
            connected.run(rf"echo {text}> C:\Windows\Temp\bad.ldf")
            assert connected.run(rf"{IMPORT} -f C:\Windows\Temp\bad.ldf")[0] == 1
        assert connected.run(rf"{IMPORT} -f C:\Windows\Temp\none.ldf")[0] == 1
        assert entries(lab) == before
        assert not any("imported" in what for what in changes_since(lab, count))

    def test_it_needs_the_role_administrators(self, lab: Lab, client: Any) -> None:
        client().run(f"{EXPORT} -f {OUT}")
        role(lab, directory.READ_ONLY)
        assert client().run(f"{IMPORT} -f {OUT}")[0] == 1


class TestVdmadmin:
    def test_another_servers_entry_is_removed(self, lab: Lab, client: Any) -> None:
        connected = client()
        assert connected.run(f"{ADMIN} -S -r -s broker2")[0] == 0
        assert not [dn for dn in entries(lab) if dn.startswith("cn=broker2,")]
        assert connected.run(f"{ADMIN} -S -r -s broker2")[0] == 1
        assert connected.run(f"{ADMIN} -S -r -s broker1")[0] == 1
        assert connected.run(f"{ADMIN} -A")[0] == 1
        assert connected.run(f"{ADMIN} -?")[0] == 0


class TestKeyContainers:
    def test_the_key_is_exported_with_its_private_part_only_when_asked(self, lab: Lab, client: Any) -> None:
        connected = client("composer1")
        code, out, _ = connected.run(rf'{REGIIS} -px "SviKeyContainer" "C:\Windows\Temp\keys.xml" -pri')
        assert code == 0
        assert out.endswith("Succeeded!\n")
        whole = ET.fromstring(content(lab, r"C:\Windows\Temp\keys.xml", "composer1"))
        assert whole.find("D") is not None
        connected.run(rf'{REGIIS} -px "SviKeyContainer" "C:\Windows\Temp\public.xml"')
        public = ET.fromstring(content(lab, r"C:\Windows\Temp\public.xml", "composer1"))
        assert public.find("D") is None
        assert public.findtext("Modulus") == whole.findtext("Modulus")

    def test_a_container_that_is_not_there_fails(self, client: Any) -> None:
        code, out, _ = client("composer1").run(rf'{REGIIS} -px "Other" "C:\Windows\Temp\keys.xml" -pri')
        assert code == 1
        assert "The RSA key container was not found.\nFailed!" in out

    def test_a_key_that_is_imported_is_the_same_key(self, lab: Lab, client: Any) -> None:
        connected = client("composer1")
        before = lab.world.require(RsaContainer, "composer1", "SviKeyContainer")
        connected.run(rf'{REGIIS} -px "SviKeyContainer" "C:\Windows\Temp\keys.xml" -pri')
        assert connected.run(rf'{REGIIS} -pi "Second" "C:\Windows\Temp\keys.xml" -exp')[0] == 0
        assert lab.world.require(RsaContainer, "composer1", "Second").key_id == before.key_id
        connected.run(r"echo no key> C:\Windows\Temp\keys.xml")
        assert connected.run(rf'{REGIIS} -pi "Second" "C:\Windows\Temp\keys.xml"')[0] == 1

    def test_the_tool_is_only_where_it_is_installed(self, client: Any) -> None:
        assert client("broker1").run(rf'{REGIIS} -px "SviKeyContainer" "C:\x.xml"')[0] == 1


class TestSviconfig:
    @pytest.fixture
    def wish(self, lab: Lab) -> str:
        password = lab.passwords.of("vksql")
        return (
            f'-DsnName="View Composer" -Username=vksql -Password={password} -BackupFilePath=C:\\Windows\\Temp\\svi.bak'
        )

    def test_it_refuses_while_the_service_runs(self, client: Any, wish: str) -> None:
        assert client("composer1").run(f"{SVI} -operation=exportdata {wish}")[0] == 14

    def test_data_are_exported_and_brought_back(self, lab: Lab, client: Any, wish: str) -> None:
        stop(lab, "composer1", "svid")
        connected, before = client("composer1"), lab.world.all(ComposerRequest)
        assert connected.run(f"{SVI} -operation=exportdata {wish}")[0] == 0
        lab.world.change("test", "lost", drop=before[1:])
        assert connected.run(f"{SVI} -operation=restoredata {wish}")[0] == 0
        assert sorted(lab.world.all(ComposerRequest), key=str) == sorted(before, key=str)

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"View Composer": "Other"}, 1),
            ({"-Username=vksql": "-Username=limited"}, 2),
            ({"C:\\Windows\\Temp\\svi.bak": "C:\\nowhere\\svi.bak"}, 24),
            ({"-DsnName": "-Other"}, 4),
        ],
    )
    def test_each_fault_has_its_code(self, lab: Lab, client: Any, wish: str, wrong: dict[str, str], code: int) -> None:
        stop(lab, "composer1", "svid")
        for old, new in wrong.items():
            wish = wish.replace(old, new)
        assert client("composer1").run(f"{SVI} -operation=exportdata {wish}")[0] == code

    def test_a_database_that_does_not_answer_has_its_code(self, lab: Lab, client: Any, wish: str) -> None:
        stop(lab, "composer1", "svid")
        stop(lab, "sql1", "MSSQLSERVER")
        assert client("composer1").run(f"{SVI} -operation=exportdata {wish}")[0] == 18
