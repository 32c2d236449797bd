"""Draws the icon in all sizes from its two drawings: `python -m build.icons`, after a drawing was changed.

Small sizes have a drawing of their own: at 16 pixels a fine line is a smear."""

from __future__ import annotations

import os
import struct
import sys

from build.windows import ROOT

SMALL = (16, 20, 24)
LARGE = (32, 40, 48, 64, 96, 128, 256)
SHOWN = 256  # pixels of the picture that windows show


def main() -> int:
    """Write build/viewkeeper.ico, for the executable, and resources/icons/viewkeeper.png, for its windows."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    pictures = [*((size, drawn("viewkeeper-small.svg", size)) for size in SMALL)]
    pictures += [(size, drawn("viewkeeper.svg", size)) for size in LARGE]
    (ROOT / "build" / "viewkeeper.ico").write_bytes(as_icon(pictures))
    (ROOT / "resources" / "icons" / "viewkeeper.png").write_bytes(dict(pictures)[SHOWN])
    return 0


def drawn(name: str, size: int) -> bytes:
    """Return a drawing as PNG, `size` pixels wide and high."""
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(ROOT / "build" / name)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, b"PNG")
    assert application is not None
    return bytes(buffer.data().data())


def as_icon(pictures: list[tuple[int, bytes]]) -> bytes:
    """Return an .ico of PNGs. Source: Windows' ICONDIR and ICONDIRENTRY; a size of 256 is written as 0."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries, content = b"", b""
    for size, png in pictures:
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(png), offset + len(content))
        content += png
    return head + entries + content


if __name__ == "__main__":
    sys.exit(main())
