"""What an export tells about its environment."""

from __future__ import annotations

import base64
import io

import pytest

from app.connectors import ldif
from app.connectors.ldif import Kind
from app.connectors.ldif.facts import sid_of
from app.view.pools import PoolKind

ROOT = "DC=vdi,DC=vmware,DC=int"
GROUPS = f"OU=Server Groups,{ROOT}"
SID = "S-1-5-21-1-2-3-1105"


def entry(dn: str, *classes: str, **values: str | list[str]) -> ldif.Entry:
    attributes = {"objectClass": [name.encode() for name in ("top", *classes)]}
    for name, value in values.items():
        many = value if isinstance(value, list) else [value]
        attributes[name.replace("_", "-")] = [one.encode() for one in many]
    return ldif.Entry(dn, attributes)


def pool(cn: str, **values: str) -> ldif.Entry:
    return entry(f"CN={cn},OU=Server Groups,{ROOT}", "pae-ServerPool", cn=cn, **values)


EXPORT = [
    entry(ROOT, "domainDNS"),
    pool("sales-lc", pae_DisplayName="Sales", pae_ServerPoolType="4", pae_SVIVmParentVM="/P/vm/base",
         pae_SVIVmSnapshot="/one",
         pae_PoolPersistence="Persistent", pae_VmProvEnabled="1", pae_VmMaximumCount="20",
         pae_VCDN=f"CN=vc\\,1,OU=VirtualCenter,OU=Properties,{ROOT}"),
    pool("fin-full", pae_ServerPoolType="4", pae_PoolPersistence="NonPersistent", pae_VmProvEnabled="0"),
    pool("odd", pae_ServerPoolType="4", pae_VmProvEnabled="maybe", pae_Disabled="1", pae_DisplayName="研发"),
    pool("hand", pae_ServerPoolType="5", pae_VmProvEnabled="1"),
    pool("ts", pae_ServerPoolType="8"),
    entry(f"CN=m-1,OU=Servers,{ROOT}", "pae-Server", "pae-VM", cn="m-1", pae_DisplayName="SALES-1", pae_VmState="READY",
          pae_MOID="vm-7", pae_VmPath="/P/vm/SALES-1", pae_MemberDNOf=f"CN=sales-lc,{GROUPS}", member=f"<SID={SID}>"),
    entry(f"CN=sales-lc,OU=Applications,{ROOT}", "pae-DesktopApplication", pae_Servers=f"CN=sales-lc,{GROUPS}",
          member=[f"<SID={SID}>", "CN=someone,OU=People"]),
    entry(f"CN=e,OU=Database,OU=Properties,{ROOT}", "pae-EventDatabase", pae_Server="sql1",
          pae_DatabasePassword="hush"),
    entry(f"CN=broker1,OU=Server,OU=Properties,{ROOT}", "pae-Broker", cn="broker1"),
    entry("CN=elsewhere,DC=other", "pae-ServerPool"),
]  # fmt: skip


def export(entries: list[ldif.Entry]) -> bytes:
    out = io.BytesIO()
    ldif.write(entries, out, line_end=b"\r\n", version=False)
    return out.getvalue()


def facts(content: bytes) -> ldif.Facts:
    found = ldif.facts(io.BytesIO(content))
    assert ldif.is_encrypted(io.BytesIO(content)) == (found.kind is Kind.ENCRYPTED)
    return found


def test_pools_are_told_in_views_words() -> None:
    pools = {pool.pool_id: pool for pool in facts(export(EXPORT)).pools}
    sales = pools["sales-lc"]
    assert (sales.name, sales.pool_type, sales.kind) == ("Sales", "SVIPersistent", PoolKind.LINKED_CLONE)
    assert (sales.provisioning, sales.enabled, sales.maximum, sales.vcenter) == (True, True, 20, "vc,1")
    assert (sales.parent_vm, sales.parent_snapshot) == ("/P/vm/base", "/one")
    assert (pools["fin-full"].pool_type, pools["fin-full"].provisioning) == ("NonPersistent", False)
    assert pools["hand"].provisioning is None
    assert pools["ts"].kind is PoolKind.TERMINAL


def test_what_an_entry_does_not_say_stays_unknown() -> None:
    odd = next(pool for pool in facts(export(EXPORT)).pools if pool.pool_id == "odd")
    assert (odd.name, odd.kind, odd.provisioning, odd.enabled) == ("研发", PoolKind.UNKNOWN, None, False)


def test_desktops_entitlements_and_settings_are_found() -> None:
    found = facts(export(EXPORT))
    (desktop,) = found.desktops
    assert (desktop.machine_id, desktop.name, desktop.pool_id, desktop.moid) == ("m-1", "SALES-1", "sales-lc", "vm-7")
    assert (desktop.state, desktop.user_sid) == ("READY", SID)
    assert [(one.pool_id, one.sid) for one in found.entitlements] == [("sales-lc", SID)]
    assert [setting.first("cn") for setting in found.brokers] == ["broker1"]
    assert found.event_databases[0].first("PAE-server") == "sql1"


def test_counts_are_those_of_views_own_tree() -> None:
    found = facts(export(EXPORT))
    assert (found.entries, found.inside, found.complete_end) == (11, 10, True)
    assert found.counts() == {
        "entries": 11, "pools": 5, "desktops": 1, "entitlements": 1, "provisioning_on": 1, "provisioning_off": 1,
    }  # fmt: skip
    assert found.classes["pae-serverpool"] == 5


def test_no_secret_is_kept_in_the_settings() -> None:
    found = facts(export(EXPORT))
    assert found.event_databases[0].secrets == ("pae-DatabasePassword",)
    assert "hush" not in repr(found)


def test_an_export_without_any_secret_is_a_cleansed_one() -> None:
    assert facts(export(EXPORT)).kind is Kind.PLAIN
    assert facts(export(EXPORT[:7])).kind is Kind.CLEANSED


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"\r\n\r\n", Kind.EMPTY),
        (b"# nothing\nversion: 1\n\n", Kind.EMPTY),
        (base64.encodebytes(bytes(range(256)) * 40), Kind.ENCRYPTED),
        (b"VMWENC1\n" + base64.b64encode(bytes(range(256)) * 40), Kind.ENCRYPTED),
        (bytes(range(250, 0, -1)) * 9, Kind.ENCRYPTED),
        (b"dn: cn=encrypted\ndata:: " + base64.b64encode(b"x" * 300) + b"\n\n", Kind.ENCRYPTED),
        (b"dn: dc=sealed\nobjectClass: top\n\n", Kind.ENCRYPTED),
        (b"dn: cn=a,dc=xvdi,dc=vmware,dc=int\nobjectClass: top\n\n", Kind.ENCRYPTED),
        (b"vdmexport: access denied\r\n", Kind.NOT_AN_EXPORT),
        (b"<html><body>no</body></html>", Kind.NOT_AN_EXPORT),
    ],
)
def test_what_holds_no_entry_of_view_is_told_apart(content: bytes, kind: Kind) -> None:
    assert facts(content).kind is kind


def test_an_encrypted_export_that_holds_zero_bytes_is_not_taken_for_utf_16() -> None:
    assert facts(bytes([7, 0, 9, 200]) * 50).kind is Kind.ENCRYPTED


def test_a_truncated_export_is_an_error_and_not_a_smaller_environment() -> None:
    whole = export(EXPORT)
    for cut in (whole[: len(whole) // 2], whole[:-10], whole[:20]):
        with pytest.raises(ldif.LdifError) as caught:
            ldif.facts(io.BytesIO(cut))
        assert caught.value.cut


def test_an_export_without_its_last_empty_line_is_marked() -> None:
    assert not facts(export(EXPORT).removesuffix(b"\r\n")).complete_end


def test_an_encrypted_export_that_is_damaged_is_an_error() -> None:
    content = b"dn: cn=encrypted\ndata:: " + base64.b64encode(b"x" * 300) + b"\n\n"
    for cut in (content[:-10], content + content[:20], content + b"nothing\n\n"):
        with pytest.raises(ldif.LdifError):
            ldif.facts(io.BytesIO(cut))


def test_utf_16_is_an_error_also_when_asked_for_encryption() -> None:
    content = export(EXPORT).decode().encode("utf-16")
    for look in (ldif.facts, ldif.is_encrypted):
        with pytest.raises(ldif.LdifError, match="UTF-16"):
            look(io.BytesIO(content))


@pytest.mark.parametrize(
    ("member", "sid"),
    [
        (b"<SID=S-1-5-32-544>", "S-1-5-32-544"),
        (b"<SID=01020000000000052000000020020000>", "S-1-5-32-544"),
        (b"CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=vdi", "S-1-5-11"),
        (b"<SID=0102000000000005200000002002000>", ""),
        (b"<SID=0103000000000005200000002002000000>", ""),
        (b"CN=someone", ""),
    ],
)
def test_members_are_decoded_in_every_form(member: bytes, sid: str) -> None:
    assert sid_of(member) == sid


def test_spaces_and_case_in_a_dn_make_no_difference() -> None:
    content = b"dn: cn=a , ou=Server Groups, dc = VDI, dc=VMware, dc=int\nobjectclass: PAE-serverpool\n\n"
    assert facts(content).pools[0].pool_id == "a"
