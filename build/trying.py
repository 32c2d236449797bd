"""Tries the executable as its users will: `python3 build/make.py try-exe`.

What lies in out/dist is tried as it lies there, signed or not; it is built first, where its files have changed. What
has been tried and found good is not tried again, unless something is asked of pytest, or the tests or their Windows
have changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from build import executable, windows
from build.windows import ROOT

TESTS = ("tests/executable", "tests/screen")
TRIED = "VIEWKEEPER_TRIED_EXE"
"""Tells the tests which file to try."""

BESIDE = "VIEWKEEPER_BARE_EXE"
"""Tells the tests which bare window its size is measured against."""

COUNTED = (
    *(f"{folder}/*.py" for folder in TESTS),
    *("tests/conftest.py", "pyproject.toml", "build/trying.py", "build/windows.py", "build/wine/*"),
)
"""What decides whether a file is found good, besides the file: the tests, their settings, their Windows."""


def main(words: Sequence[str]) -> int:
    """Build it, try it, and remember that it was found good; returns the exit code. `words` are pytest's."""
    if executable.lies_there():
        print(f"{executable.DIST.relative_to(ROOT)} holds what is built from these files.", flush=True)
    elif code := executable.main([]):
        return code
    file, *others = (executable.DIST / name for name in (*executable.PROGRAMS, executable.SUMS))
    try:
        bare, wine = executable.bare(), version_of_wine()
    except (windows.Trouble, OSError) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    found_good = windows.cache() / "tried" / fingerprint([file, *others, bare], wine)
    if found_good.exists() and not words:
        print(f"This file was tried on {found_good.read_text('ascii')}, by the same tests, and found good.")
        return 0
    pytest = [sys.executable, "-m", "pytest", TESTS[0], *words]
    done = subprocess.run(pytest, cwd=ROOT, env={**os.environ, TRIED: str(file), BESIDE: str(bare)}, check=False)
    if done.returncode == 0 and not words:
        found_good.parent.mkdir(parents=True, exist_ok=True)
        found_good.write_text(time.strftime("%Y-%m-%d"), "ascii")
    return done.returncode


def fingerprint(files: Sequence[Path], wine: str, root: Path = ROOT) -> str:
    """Return a hash of the files that are tried, of the version of wine, and of what else is COUNTED."""
    whole = hashlib.sha256(wine.encode())
    for file in (*files, *sorted(found for pattern in COUNTED for found in root.glob(pattern))):
        whole.update(f"\0{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]


def version_of_wine() -> str:
    """Return what wine says of its version. Raises Trouble where there is none."""
    try:
        return subprocess.run([windows.WINE, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError as error:
        raise windows.Trouble(f"wine could not be started ({error.strerror}): is it installed?") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
