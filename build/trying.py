"""Tries the executable as its users will: `python3 build/make.py try-exe`. Built first, where its files have changed.

What has been tried and found good is not tried again, unless something is asked of pytest or the tests have changed."""

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


def main(words: Sequence[str]) -> int:
    """Build it, try it, and remember that it was found good; returns the exit code. `words` are pytest's."""
    if code := executable.main([]):
        return code
    file = executable.DIST / executable.PROGRAMS[0]
    found_good = windows.cache() / "tried" / _fingerprint(file)
    if found_good.exists() and not words:
        print(f"This file was tried on {found_good.read_text('ascii')}, by the same tests, and found good.")
        return 0
    pytest = [sys.executable, "-m", "pytest", TESTS[0], *words]
    done = subprocess.run(pytest, cwd=ROOT, env={**os.environ, TRIED: str(file)}, check=False)
    if done.returncode == 0 and not words:
        found_good.parent.mkdir(parents=True, exist_ok=True)
        found_good.write_text(time.strftime("%Y-%m-%d"), "ascii")
    return done.returncode


def _fingerprint(file: Path) -> str:
    """Return a hash of the file that ships and of the tests that try it."""
    whole = hashlib.sha256(file.read_bytes())
    for test in sorted(test for folder in TESTS for test in (ROOT / folder).glob("*.py")):
        whole.update(test.read_bytes())
    return whole.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
