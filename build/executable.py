"""Builds the one Windows executable: `python3 build/make.py exe`.

    --certificate FILE     sign with this certificate and key (PKCS #12; osslsigncode on Linux)
    --password-file FILE   the file that holds the certificate's password
    --thumbprint SHA1      on Windows: sign with this certificate of the user's store (signtool)
    --timestamp URL        the authority that signs the time too
    --bare                 build a bare window beside it, to measure against
    --anew                 build although nothing has changed

What comes out lies in out/dist: ViewKeeper.exe, ViewKeeper-debug.exe (with a console), SHA256SUMS, a bill of materials
and the licences. A build from unchanged files is taken from the cache."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
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
LOG = ROOT / "out" / "exe.log"
PROGRAMS = ("ViewKeeper.exe", "ViewKeeper-debug.exe")
BARE = "bare.exe"
BILL, LICENCES, SUMS = "ViewKeeper.cdx.json", "LICENCES.txt", "SHA256SUMS"
HASH_SEED = "1"  # PyInstaller's manual, "Creating a Reproducible Build"
LONGEST = 1500.0  # seconds
KEPT = 3  # builds in the cache

PARTS = ("app", "ui", "resources")
BUILD_FILES = (
    *("viewkeeper.spec", "viewkeeper.manifest", "viewkeeper.ico", "executable.py", "windows.py", "bill.py"),
    *("requirements/exe.txt", "requirements/windows-python.txt", "bare/bare.py"),
    *("licences/LGPL-3.0.txt", "licences/GPL-3.0.txt"),
)
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
    try:
        check_signing(chosen)
        folder = built(bare=chosen.bare, anew=chosen.anew)
        names = [*PROGRAMS, *([BARE] if chosen.bare else [])]
        _put(folder, [*names, BILL, LICENCES])
        how = signed([DIST / name for name in PROGRAMS], chosen)
        _sums(names)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
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
    whole = hashlib.sha256()
    for file in sources(root):
        content = file.read_bytes()
        whole.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


def built(*, bare: bool = False, anew: bool = False) -> Path:
    """Return the folder of the cache that holds what is built from these files. Raises Trouble."""
    place = windows.cache() / "built" / inputs()
    whole = place / "whole.json"
    if whole.exists() and not anew and (not bare or (place / BARE).exists()):
        print(f"Nothing has changed since it was built: taken from {place}.", flush=True)
        return place
    began = time.monotonic()
    print("Preparing Python and libraries for Windows …", flush=True)
    there = windows.prepared(LOG)
    print("PyInstaller packs them (some minutes) …", flush=True)
    _packed(there, place, bare=bare)
    bill.write(place / "contents.json", there.libraries, place / BILL, place / LICENCES, moment())
    whole.write_text(json.dumps({"seconds": round(time.monotonic() - began)}), "ascii")
    _forget_older(place.parent)
    return place


def _forget_older(folder: Path) -> None:
    """Keep only the newest builds: each takes 100 MB."""
    builds = sorted(folder.glob("*/whole.json"), key=lambda whole: whole.stat().st_mtime, reverse=True)
    for whole in builds[KEPT:]:
        shutil.rmtree(whole.parent, ignore_errors=True)


def moment() -> int:
    """Return the moment that a build is dated with: that of the newest commit, so that two builds are alike."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%ct", "--", *PARTS, "build"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip() else 1_700_000_000


def version_resource(version: str) -> str:
    """Return what Windows shows of the file's properties, as PyInstaller reads it."""
    numbers = (*(int(part) for part in version.split(".")[:3]), 0)
    return VERSION.format(numbers=numbers, version=version)


def _packed(there: Windows, place: Path, *, bare: bool) -> None:
    work = place / "work"
    shutil.rmtree(place, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "version.txt").write_text(version_resource(app.__version__), "utf-8")
    (work / "viewkeeper.unpacked").write_text(f"ViewKeeper {app.__version__}\n", "ascii")
    words = ["--noconfirm", "--distpath", there.path(place), "--workpath", there.path(work / "pyinstaller")]
    command = [*there.python, "-m", "PyInstaller", *words, there.path(ROOT / "build" / "viewkeeper.spec")]
    variables = {
        "PYTHONPATH": there.path(there.libraries), "PYTHONHASHSEED": HASH_SEED, "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNODEBUGRANGES": "1",  # tracebacks keep their lines
        "SOURCE_DATE_EPOCH": str(moment()),
        "VIEWKEEPER_BUILD_FOLDER": there.path(place), "VIEWKEEPER_BUILD_BARE": "1" if bare else "",
        "PYINSTALLER_CONFIG_DIR": there.path(work / "config"), "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "9",
    }  # fmt: skip
    code = there.run(command, log=LOG, seconds=LONGEST, **variables)
    missing = [name for name in (*PROGRAMS, *([BARE] if bare else [])) if not (place / name).exists()]
    if code or missing:
        raise Trouble(f"PyInstaller did not build {', '.join(missing) or 'it'}: see the end of {LOG}.")
    shutil.rmtree(work)


# ---- what comes out


def _put(folder: Path, names: Iterable[str]) -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir(parents=True)
    for name in names:
        shutil.copy2(folder / name, DIST / name)


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
