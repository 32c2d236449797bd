"""Logs in: through the best driver that is there, on failure through the next, never past a refusal of the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app import profile
from app.connectors.sqlserver import drivers, faults
from app.connectors.sqlserver.faults import Outcome, Said
from app.connectors.sqlserver.prelogin import greet
from app.connectors.sqlserver.session import Session, Silent, connect
from app.errors import Guard, NotLetIn, NotSent
from app.texts import text

TIMEOUT = 15.0
"""Seconds that a server has to answer, and a driver to log in."""

Choose = Callable[[Sequence[str], int, bool, str], tuple[drivers.Driver, ...]]
"""Chooses by: installed drivers, the server's major version, whether to encrypt, the driver the profile asks for."""


def by_matrix(installed: Sequence[str], major: int, encrypt: bool, wanted: str) -> tuple[drivers.Driver, ...]:
    """Choose drivers by the matrix."""
    return drivers.choose_drivers(installed, major=major, encrypt=encrypt, wanted=wanted)


class Login:
    """How one account reaches one server. What has worked once is used from then on."""

    def __init__(
        self, server: profile.SqlServer, password: str, choose: Choose, installed: Callable[[], Sequence[str]],
        guard: Guard,
    ) -> None:  # fmt: skip
        self._server, self._password, self._guard = server, password, guard
        self._choose, self._installed = choose, installed
        self._worked: drivers.Driver | None = None

    def open(self) -> Session:
        """Return a new connection. Raises NotSent, with what each driver said in its details; NotLetIn."""
        server = self._server
        self._guard.check()
        greeting = greet(server.address, server.port, TIMEOUT)
        if server.encrypt and greeting.can_encrypt is False:
            raise NotSent(
                text("SQL Server {server} cannot encrypt.", server=server.name),
                text("The profile asks for an encrypted connection."),
                text("Install a certificate there, or allow unencrypted connections to it in the profile."),
            )
        target = drivers.Target(server.address, server.port, server.account, server.encrypt, greeting.major)
        failed: list[Said] = []
        for chosen in self._candidates(greeting.major):
            if not drivers.can_say(chosen, server.address, server.account, self._password):
                failed.append(Said("", 0, f"{chosen.name}: no way to tell it an account or password with }}; in it"))
                continue
            try:
                session = connect(chosen, target, self._password, TIMEOUT)
            except Outcome as outcome:
                if outcome.from_server:  # another driver would hear the same, and count as another wrong password
                    refused = faults.not_connected(server.name, server.account, outcome)
                    if isinstance(refused, NotLetIn):
                        self._guard.refuse(refused)
                    raise refused from None
                failed += (Said(one.state, one.number, f"{chosen.name}: {one.words}") for one in outcome.said)
            except Silent:
                failed.append(Said("HYT00", 0, f"{chosen.name}: no answer in {TIMEOUT:.0f} s"))
            else:
                self._worked = chosen
                self._guard.let_in()
                return session
        if not failed:
            raise drivers.no_driver(encrypt=server.encrypt)
        raise faults.not_connected(server.name, server.account, Outcome(tuple(failed)))

    def _candidates(self, major: int) -> tuple[drivers.Driver, ...]:
        if self._worked is not None:
            return (self._worked,)
        return self._choose(self._installed(), major, self._server.encrypt, self._server.driver)
