"""Pictures of every page, in both languages, light and dark, at 100 and 200 %, and one sheet to review them on.

Started by `build/make.py screenshots`. It walks the wizard through the practice environment, without a screen.
"""

from __future__ import annotations

import argparse
import html
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from build.pictures.backup import walk_a_backup
from build.pictures.description import walk_a_description
from build.pictures.walk import ROOT, Walk
from build.pictures.wrong import walk_what_may_go_wrong

SCALES = (1, 2)
STYLE = (
    "body{font:14px sans-serif;margin:24px}div{display:flex;flex-wrap:wrap;gap:12px}"
    "figure{margin:0}img{width:460px;border:1px solid #999}"
)
WALKS: Mapping[str, Callable[[Walk, Path], None]] = {
    "backup": walk_a_backup, "description": walk_a_description, "wrong": walk_what_may_go_wrong,
}  # fmt: skip


def sheet(out: Path) -> Path:
    """Write the page on which all pictures stand beside each other; return it."""
    pictures: dict[str, list[Path]] = {}
    for file in sorted(out.glob("*.png")):
        pictures.setdefault(file.name.split("-", 1)[1].rsplit("-", 3)[0], []).append(file)
    rows = [
        f"<h2>{html.escape(name)}</h2><div>"
        + "".join(
            f'<figure><a href="{one.name}"><img src="{one.name}" loading="lazy"></a>'
            f"<figcaption>{html.escape(one.stem.split('-', 1)[1])}</figcaption></figure>"
            for one in files
        )
        + "</div>"
        for name, files in pictures.items()
    ]
    page = out / "index.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><title>ViewKeeper: all pages</title><style>{STYLE}</style>'
        f"<h1>All pages</h1>{''.join(rows)}\n",
        "utf-8",
    )
    return page


def main() -> int:
    """Walk once for each scale, in a process of its own, and write the sheet."""
    parser = argparse.ArgumentParser(prog="screenshots")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "screenshots")
    parser.add_argument("--scale", type=int, choices=SCALES)
    parser.add_argument("--walk", choices=WALKS, help="only this one of the walks")
    parser.add_argument("--only", nargs="*", default=[], help="only pictures whose names begin like this")
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data:
        _take(options.walk, options.data, options.out, options.scale, options.only)
        return 0
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    for walk in [options.walk] if options.walk else WALKS:
        for scale in [options.scale] if options.scale else SCALES:
            _one_scale(walk, options.out, scale, options.only)
    print(f"All pictures: {sheet(options.out)}")
    return 0


def _take(walk: str, data: Path, out: Path, scale: int, only: Sequence[str]) -> None:
    """Take the pictures of one walk. The practice environment of `data` must run."""
    w = Walk(data, out, scale, "abcdefgh"[list(WALKS).index(walk)], only)
    try:
        WALKS[walk](w, data)
    finally:
        w.close()  # else what still waits for an answer keeps this process alive


def _one_scale(walk: str, out: Path, scale: int, only: Sequence[str]) -> None:
    from app.lab import process

    with tempfile.TemporaryDirectory(prefix="viewkeeper-", ignore_cleanup_errors=True) as folder:
        process.start(Path(folder), pace="0")
        try:
            given = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale), "VIEWKEEPER_DATA": folder}
            kept_out = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
            command = [
                sys.executable,
                "-P",
                "-m",
                "build.pictures",
                "--walk",
                walk,
                "--scale",
                str(scale),
                "--data",
                folder,
            ]
            command += ["--out", str(out), "--only", *only]
            subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **given, **kept_out})
        finally:
            process.stop(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
