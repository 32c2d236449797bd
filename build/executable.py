"""Builds the one Windows executable: `python3 build/make.py exe`.

    --certificate FILE     sign with this certificate and key (PKCS #12; osslsigncode on Linux)
    --password-file FILE   the file that holds the certificate's password
    --thumbprint SHA1      on Windows: sign with this certificate of the user's store (signtool)
    --timestamp URL        the authority that signs the time too
    --bare                 build a bare window beside it, to measure against
    --anew                 build although nothing has changed

What comes out lies in out/dist: ViewKeeper.exe, ViewKeeper-debug.exe (with a console), SHA256SUMS, a bill of materials
and the licences. A build from unchanged files is taken from the cache. The same files give the same bytes before they
are signed, wherever and whenever they are built by the same Python, with git or without."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import app
from build import bill, windows
from build.windows import NATIVE, ROOT, Trouble, Windows

DIST = ROOT / "out" / "dist"
ORIGIN = ROOT / "out" / "dist-built-from"
"""Holds `inputs` of what lies in DIST, which a signature does not change."""

LOG = ROOT / "out" / "exe.log"
PROGRAMS = ("ViewKeeper.exe", "ViewKeeper-debug.exe")
BARE = "bare.exe"
PROGRAM, BARE_WINDOW = "program", "bare"  # what viewkeeper.spec can be asked for
WHOLE = "whole.json"  # is there once a build is
BILL, LICENCES, SUMS = "ViewKeeper.cdx.json", "LICENCES.txt", "SHA256SUMS"
HASH_SEED = "1"  # PyInstaller's manual, "Creating a Reproducible Build"
LONGEST = 1500.0  # seconds
KEPT = 3  # builds in the cache

BEGUN = {"0.1.0": "2026-11-22"}
"""The day on which each version was begun. It dates what is built: the date of a commit would be another in a shallow
clone, and after a commit that changes nothing of it; a source archive has none."""

PARTS = ("app", "ui", "resources")
BUILD_FILES = (
    *("viewkeeper.spec", "viewkeeper.manifest", "viewkeeper.ico", "executable.py", "windows.py", "bill.py"),
    *("requirements/exe.txt", "requirements/windows-python.txt", "bare/bare.py"),
    *("licences/LGPL-3.0.txt", "licences/GPL-3.0.txt"),
)
BARE_FILES = tuple(name for name in BUILD_FILES if name not in ("viewkeeper.ico", "bill.py"))
NOT_IN_IT = ("__pycache__", ".mypy_cache")

VERSION = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1,
    subtype=0x0, date=(0, 0)),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      StringStruct('CompanyName', 'ViewKeeper'),
      StringStruct('FileDescription', 'ViewKeeper: backs up VMware View'),
      StringStruct('FileVersion', '{version}'),
      StringStruct('InternalName', 'ViewKeeper'),
      StringStruct('OriginalFilename', 'ViewKeeper.exe'),
      StringStruct('ProductName', 'ViewKeeper'),
      StringStruct('ProductVersion', '{version}')])]),
    VarFileInfo([VarStruct('Translation', [0x0409, 0x04B0])])])
"""


def main(words: Sequence[str]) -> int:
    """Build, and say what was built; returns the exit code."""
    chosen = options(words)
    LOG.parent.mkdir(exist_ok=True)
    LOG.unlink(missing_ok=True)
    names = [*PROGRAMS, *([BARE] if chosen.bare else [])]
    try:
        check_signing(chosen)
        key = inputs()
        with windows.alone(f"built-{key}"):
            folder = built(key, anew=chosen.anew)
            ORIGIN.unlink(missing_ok=True)
            put([folder / name for name in (*PROGRAMS, BILL, LICENCES)], DIST)
        if chosen.bare:
            shutil.copy2(bare(), DIST / BARE)
        how = signed([DIST / name for name in PROGRAMS], chosen)
        _sums(names)
        ORIGIN.write_text(key, "ascii")
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder that may not be written in
        print(f"That did not work: {error}.", file=sys.stderr)
        return 1
    for name in names:
        print(f"{DIST.relative_to(ROOT) / name}  {(DIST / name).stat().st_size / 1e6:.1f} MB")
    print(how)
    return 0


def options(words: Sequence[str]) -> argparse.Namespace:
    """Return what the words of the command choose."""
    parser = argparse.ArgumentParser(
        prog="make.py exe", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("certificate", "password-file", "thumbprint", "timestamp"):
        parser.add_argument(f"--{name}", default="", help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--anew", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


# ---- building


def sources(root: Path = ROOT) -> list[Path]:
    """Return the files that the executable is made from, in order."""
    found = [
        file
        for part in PARTS
        for file in (root / part).rglob("*")
        if file.is_file() and not set(NOT_IN_IT) & set(file.parts) and file.suffix not in (".mo", ".pyc")
    ]
    return sorted([*found, *(root / "build" / name for name in BUILD_FILES)])


def inputs(root: Path = ROOT) -> str:
    """Return a hash of everything that the executable is made from."""
    return _hashed(sources(root), root)


def _hashed(files: Iterable[Path], root: Path) -> str:
    whole = hashlib.sha256(windows.own_python().encode())
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


def builds() -> Path:
    """Return the folder of the cache in which builds are kept, each under its `inputs`."""
    return windows.cache() / "built"


def built(key: str, *, anew: bool = False) -> Path:
    """Return the folder of the cache that holds what is built from these files, whose `inputs` are the key.

    To be called while the lock of that name is held. Raises Trouble."""
    place = builds() / key
    if (place / WHOLE).exists() and not anew:
        print(f"Nothing has changed since it was built: taken from {place}.", flush=True)
        return place
    began = time.monotonic()
    there = _prepared()
    print("PyInstaller packs them (some minutes) …", flush=True)
    with windows.made_beside(place) as made:
        _packed(there, made, PROGRAM, PROGRAMS)
        bill.write(made / "contents.json", there.libraries, made / BILL, made / LICENCES, moment(app.__version__))
        (made / WHOLE).write_text(json.dumps({"seconds": round(time.monotonic() - began)}), "ascii")
        check_unchanged(key, inputs())
        if place.exists():  # what was built from the same files before, or is not whole
            shutil.rmtree(place)
    _forget_older(builds(), place)
    return place


def bare() -> Path:
    """Return the bare window that is built by the same rules; only they, Qt and Python change it. Raises Trouble."""
    key = _hashed((ROOT / "build" / name for name in BARE_FILES), ROOT)
    place = windows.cache() / f"bare-{key}"
    with windows.alone(place.name):
        if not place.exists():
            there = _prepared()
            print("PyInstaller packs a bare window, to measure against …", flush=True)
            with windows.made_beside(place) as made:
                _packed(there, made, BARE_WINDOW, [BARE])
    windows.forget_unused([place])
    return place / BARE


def _prepared() -> Windows:
    print("Preparing Python and libraries for Windows …", flush=True)
    return windows.prepared(LOG)


def check_unchanged(before: str, after: str) -> None:
    """Raise Trouble where files were changed while they were packed: nobody could say what was built."""
    if before != after:
        raise Trouble("Files were changed while it was built from them: build it once more.")


def _forget_older(folder: Path, newest: Path) -> None:
    """Keep the newest builds, each takes 100 MB; of the others, and of those that broke off, nothing."""
    places = {place.with_name(place.name.removesuffix(windows.HALF_MADE)) for place in folder.iterdir()} - {newest}
    whole = sorted(
        (place for place in places if (place / WHOLE).exists()), key=lambda place: (place / WHOLE).stat().st_mtime
    )
    for place in places - set(whole[-(KEPT - 1) :]):
        windows.forget(place, f"built-{place.name}")


def moment(version: str) -> int:
    """Return the moment (seconds since 1970) that a build of a version is dated with. Raises Trouble."""
    day = BEGUN.get(version)
    if day is None:
        raise Trouble(f"Say in build/executable.py (BEGUN) on which day version {version} was begun.")
    return int(datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())


def version_resource(version: str) -> str:
    """Return what Windows shows of the file's properties, as PyInstaller reads it."""
    numbers = (*(int(part) for part in version.split(".")[:3]), 0)
    return VERSION.format(numbers=numbers, version=version)


def _packed(there: Windows, place: Path, what: str, names: Sequence[str]) -> None:
    """Have PyInstaller pack PROGRAM or BARE_WINDOW into a new folder. Raises Trouble where a name is missing then."""
    work = place / "work"
    work.mkdir(parents=True)
    (work / "version.txt").write_text(version_resource(app.__version__), "utf-8")
    (work / "viewkeeper.unpacked").write_text(f"ViewKeeper {app.__version__}\n", "ascii")
    words = ["--noconfirm", "--distpath", there.path(place), "--workpath", there.path(work / "pyinstaller")]
    command = [*there.python, "-m", "PyInstaller", *words, there.path(ROOT / "build" / "viewkeeper.spec")]
    variables = {
        "PYTHONPATH": there.path(there.libraries), "PYTHONHASHSEED": HASH_SEED, "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNODEBUGRANGES": "1",  # tracebacks keep their lines
        "SOURCE_DATE_EPOCH": str(moment(app.__version__)),
        "VIEWKEEPER_BUILD_FOLDER": there.path(place), "VIEWKEEPER_BUILD_WHAT": what,
        "PYINSTALLER_CONFIG_DIR": there.path(work / "config"), "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "9",
    }  # fmt: skip
    code = there.run(command, log=LOG, seconds=LONGEST, **variables)
    missing = [name for name in names if not (place / name).exists()]
    if code or missing:
        raise Trouble(f"PyInstaller did not build {', '.join(missing) or 'it'}: see the end of {LOG}.")
    shutil.rmtree(work)


# ---- what comes out


def put(files: Iterable[Path], dist: Path) -> None:
    """Copy files into a folder from which all else goes. Raises Trouble where Windows has one of them open."""
    try:
        dist.mkdir(parents=True, exist_ok=True)
        for old in sorted(dist.iterdir(), key=lambda old: old.name not in PROGRAMS):  # first those that may be running
            old.unlink()
    except OSError as error:
        raise Trouble(f"{error.filename} cannot be replaced ({error.strerror}): close it, and start again.") from error
    for file in files:
        shutil.copy2(file, dist / file.name)


def lies_there(dist: Path = DIST, origin: Path = ORIGIN) -> bool:
    """Say whether out/dist holds what is built from these files, signed or not."""
    there = all((dist / name).exists() for name in (*PROGRAMS, BILL, LICENCES, SUMS))
    return there and origin.exists() and origin.read_text("ascii") == inputs()


def _sums(names: Iterable[str]) -> None:
    lines = [f"{hashlib.sha256((DIST / name).read_bytes()).hexdigest()} *{name}\n" for name in names]
    (DIST / SUMS).write_text("".join(lines), "ascii", newline="\n")


def check_signing(chosen: argparse.Namespace) -> None:
    """Raise Trouble where signing cannot work: before minutes of building, not after."""
    if not chosen.certificate and not chosen.thumbprint:
        return
    _command(Path("ViewKeeper.exe"), chosen)
    for file in filter(None, (chosen.certificate, chosen.password_file)):
        if not Path(file).is_file():
            raise Trouble(f"{file} is not there: it was to sign with.")
    tool = "signtool" if NATIVE else "osslsigncode"
    if shutil.which(tool) is None:
        raise Trouble(f"{tool} is not installed, and the executable is signed with it.")


def signed(files: Iterable[Path], chosen: argparse.Namespace) -> str:
    """Sign executables where a certificate is given; returns the line that says so, or that they are unsigned."""
    if not chosen.certificate and not chosen.thumbprint:
        return "Unsigned: no certificate was given (--certificate FILE, on Windows --thumbprint SHA1)."
    for file in files:
        _tool(_command(file, chosen), file)
        if not NATIVE:
            file.with_suffix(".signed").replace(file)
            file.chmod(0o755)
    when = f"with the time from {chosen.timestamp}" if chosen.timestamp else "without a timestamp (--timestamp URL)"
    return f"Signed {when}."


def _command(file: Path, chosen: argparse.Namespace) -> list[str]:
    return _signtool(file, chosen) if NATIVE else _osslsigncode(file, chosen)


def _signtool(file: Path, chosen: argparse.Namespace) -> list[str]:
    if not chosen.thumbprint:
        raise Trouble("On Windows the certificate is taken from the user's store: give its --thumbprint.")
    stamp = ["/tr", chosen.timestamp, "/td", "sha256"] if chosen.timestamp else []
    return ["signtool", "sign", "/sha1", chosen.thumbprint, "/fd", "sha256", *stamp, str(file)]


def _osslsigncode(file: Path, chosen: argparse.Namespace) -> list[str]:
    """The password stays in its file: on a command line everybody could read it."""
    if not chosen.certificate:
        raise Trouble("On Linux the certificate is a file: give --certificate FILE and --password-file FILE.")
    password = ["-readpass", chosen.password_file] if chosen.password_file else []
    stamp = ["-ts", chosen.timestamp] if chosen.timestamp else []
    words = ["sign", "-pkcs12", chosen.certificate, *password, "-h", "sha256", "-n", "ViewKeeper", *stamp]
    return ["osslsigncode", *words, "-in", str(file), "-out", str(file.with_suffix(".signed"))]


def _tool(command: Sequence[str], file: Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise Trouble(f"{command[0]} could not be started ({error.strerror}): install it to sign.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise Trouble(f"{command[0]} did not sign {file.name}; it said: {said[0]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
