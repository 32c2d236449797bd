"""Looks whether this copy of the program is whole: modules, resources, drivers, keyring, TLS. Touches nothing else."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import platform
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app
from app import paths

RESOURCES = {
    "scripts": "*.ps1", "templates": "README.txt.j2", "locale": "zh_CN/LC_MESSAGES/viewkeeper.mo",
    "help/en": "*.md", "help/zh_CN": "*.md", "icons": "*.*",
}  # fmt: skip
"""The folders of the resources, and what must lie in each."""


LIBRARIES = ("cryptography.x509", "jinja2", "msgspec", "pyVmomi", "pyodbc", "spnego",
             "sqlglot.dialects.tsql", "winrm")  # fmt: skip
"""What the program takes from others and imports late: a copy that lacks one would fail in the middle of a run."""


@dataclass(frozen=True)
class Found:
    """What a look has found: `whole` or not, in words for whoever is asked to mend it."""

    name: str
    whole: bool
    found: str


def look(more: Iterable[tuple[str, Callable[[], str]]] = ()) -> list[Found]:
    """Return what each look has found; `more` are the screen's own."""
    return [_found(name, one) for name, one in (*LOOKS, *more)]


def as_object(found: list[Found]) -> dict[str, Any]:
    """Return the answer for programs."""
    return {
        "outcome": "whole" if all(one.whole for one in found) else "broken",
        "version": app.__version__,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "frozen": bool(getattr(sys, "frozen", False)),
        "looks": [{"name": one.name, "whole": one.whole, "found": one.found} for one in found],
    }


def _found(name: str, one: Callable[[], str]) -> Found:
    try:
        return Found(name, True, one())
    except Exception as error:  # noqa: BLE001  # whatever is broken, the other looks are wanted too
        return Found(name, False, f"{type(error).__name__}: {error}")


def modules(package: str) -> list[str]:
    """Return the names of all modules of a package, after each has been imported."""
    found = importlib.import_module(package)
    names = [one.name for one in pkgutil.walk_packages(found.__path__, f"{package}.")]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    return names


def _imports() -> str:
    names = modules("app")
    if "app.lab.process" not in names:
        raise LookupError("app.lab.process is not there")
    return f"{len(names)} modules"


def _libraries() -> str:
    for name in LIBRARIES:
        importlib.import_module(name)
    return ", ".join(LIBRARIES)


def _resources() -> str:
    counted = {}
    for folder, wanted in RESOURCES.items():
        counted[folder] = len(list((paths.resources() / folder).glob(wanted)))
        if not counted[folder]:
            raise FileNotFoundError(f"{paths.resources() / folder}: no {wanted}")
    return ", ".join(f"{folder}: {number}" for folder, number in counted.items())


def _translations() -> str:
    from app.texts import render, text

    said = render(text("the practice environment"), "zh_CN")
    if said.isascii():
        raise LookupError("the Chinese catalogue does not answer")
    return said


def _databases() -> str:
    from app.connectors.sqlserver.drivers import installed_drivers

    return databases(installed_drivers())


def databases(installed: Iterable[str]) -> str:
    """Return which of the ODBC drivers reach SQL Server. Raises LookupError where none does."""
    from app.connectors.sqlserver.drivers import choose_drivers

    usable = choose_drivers(installed)
    if not usable:
        raise LookupError("no ODBC driver for SQL Server is installed: install Microsoft's ODBC Driver 17 or 18")
    return ", ".join(one.name for one in usable)


def _journal() -> str:
    from app.engine.journal import Journal

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "journal 二.sqlite"
        Journal(file).close()
        again = Journal(file)
        try:
            return f"{len(again.runs())} runs"
        finally:
            again.close()


def _keyring() -> str:
    from app.secrets import keyring_keeps

    kept = keyring_keeps()
    if not kept and sys.platform == "win32":
        raise LookupError("Windows' credential store does not answer")
    return kept or "none on this machine: passwords are asked for"


def _tls() -> str:
    """Shake hands over loopback with a certificate made for it, first unknown, then pinned as a server's would be."""
    from app.lab.certificates import Certificates
    from app.trust import Trust, Untrusted

    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as door:
        folder, port = Path(place), door.getsockname()[1]
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*Certificates(folder).of("self-test"))
        threading.Thread(target=_answer, args=(door, server), name="self-test", daemon=True).start()
        trust = Trust(folder / "trust.json")
        try:
            trust.context("self-test", "127.0.0.1", port)
        except Untrusted as error:
            trust.accept("127.0.0.1", port, error.certificate)
        else:
            raise LookupError("a certificate that nobody has accepted was let through")
        context = trust.context("self-test", "127.0.0.1", port)
        with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as secured:
            return f"{secured.version()}, {ssl.OPENSSL_VERSION}"


def _answer(door: socket.socket, server: ssl.SSLContext) -> None:
    """Shake hands with whoever calls, until the door is closed."""
    while True:
        try:
            caller, _ = door.accept()
        except OSError:  # closed: the look is over
            return
        with caller, contextlib.suppress(OSError), server.wrap_socket(caller, server_side=True) as secured:
            secured.recv(1)


LOOKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("modules", _imports), ("libraries", _libraries), ("resources", _resources), ("translations", _translations),
    ("ODBC drivers", _databases), ("journal", _journal), ("keyring", _keyring), ("TLS", _tls),
)  # fmt: skip
