from __future__ import annotations

from collections.abc import Callable

import pytest

from app.lab.lab import Lab
from app.lab.rows import Account
from app.lab.vcenter.server import VCenterServer
from app.lab.vcenter.soap import vim, vmodl
from app.lab.vcenter.tree import Inventory
from tests.lab.vcenter.client import CLERK, KEEPER, Connect


def test_the_content_is_told_before_a_login_and_nothing_else(server: VCenterServer, connect: Connect) -> None:
    nobody = connect(server, None)
    assert nobody.content.about.apiVersion == "5.0"
    assert nobody.service.content.about.build == "455964"
    with pytest.raises(vim.fault.NotAuthenticated) as caught:
        nobody.service.CurrentTime()
    assert caught.value.privilegeId == "System.View"


@pytest.mark.parametrize("account", [KEEPER, "PRACTICE\\nobody"])
def test_a_wrong_password_and_an_unknown_account_are_refused_alike(
    server: VCenterServer, connect: Connect, account: str
) -> None:
    with pytest.raises(vim.fault.InvalidLogin, match="incorrect user name or password"):
        connect(server, None).content.sessionManager.Login(account, "wrong")


def test_a_name_is_known_in_any_case(server: VCenterServer, connect: Connect) -> None:
    nobody = connect(server, None)
    session = nobody.content.sessionManager.Login("practice\\VIEWKEEPER", server.lab.passwords.of(KEEPER))
    assert session.userName == KEEPER


def test_an_account_without_any_right_may_not_log_in(server: VCenterServer, connect: Connect, clerk: Account) -> None:
    with pytest.raises(vim.fault.NoPermission) as caught:
        connect(server, CLERK)
    assert caught.value.object._moId == Inventory(server.lab.world, "vc1").root


def test_who_is_logged_in_cannot_log_in_again(server: VCenterServer, connect: Connect) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        connect(server).content.sessionManager.Login(KEEPER, server.lab.passwords.of(KEEPER))


def test_a_logout_ends_the_session(server: VCenterServer, connect: Connect) -> None:
    client = connect(server)
    client.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        client.service.CurrentTime()


def test_a_session_that_rests_for_half_an_hour_is_gone(
    server: VCenterServer, connect: Connect, later: Callable[[float], None]
) -> None:
    client = connect(server)
    later(1700)
    client.service.CurrentTime()
    later(1700 + 1700)
    client.service.CurrentTime()
    later(1700 + 1700 + 1900)
    with pytest.raises(vim.fault.NotAuthenticated):
        client.service.CurrentTime()


def test_an_administrator_ends_the_sessions_of_others_and_not_its_own(server: VCenterServer, connect: Connect) -> None:
    one, other = connect(server), connect(server)
    keys = {session.key for session in one.content.sessionManager.sessionList}
    mine = one.content.sessionManager.currentSession.key
    assert len(keys) == 2
    with pytest.raises(vmodl.fault.InvalidArgument):
        one.content.sessionManager.TerminateSession([mine])
    one.content.sessionManager.TerminateSession(list(keys - {mine}))
    assert one.content.sessionManager.SessionIsActive(mine, KEEPER)
    with pytest.raises(vim.fault.NotAuthenticated):
        other.service.CurrentTime()


def test_an_unknown_session_cannot_be_ended(server: VCenterServer, connect: Connect) -> None:
    with pytest.raises(vim.fault.NotFound):
        connect(server).content.sessionManager.TerminateSession(["x"])


def test_the_answer_to_a_login_carries_no_password_and_the_wire_log_neither(
    server: VCenterServer, connect: Connect, lab: Lab
) -> None:
    connect(server)
    log = (lab.folder / "wire.jsonl").read_text("utf-8")
    assert "Login SessionManager:SessionManager" in log
    assert lab.passwords.of(KEEPER) not in log
