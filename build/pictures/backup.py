"""The walk through a backup: from the first page to a verified set, with all that may come between."""

from __future__ import annotations

from pathlib import Path

from build.pictures.walk import SIZE, Walk, world


def walk_a_backup(w: Walk, data: Path) -> None:
    """Go from the first page to the result of a backup, with all that may come between, and verify its set."""
    from app import practising
    from app.desk import Desk
    from app.practising import Kind, Offer
    from app.texts import NOTHING
    from ui.flow import Page, Task

    desk = Desk(data)
    w.ready("start")
    w.shoot("start-first")
    w.choose("practise")
    w.shell.forward()
    w.ready("what")
    w.shoot("what")
    w.choose("practice-button")
    w.until(lambda: "sales-lc" in world(w))
    w.shell.resize(SIZE[0] + 340, SIZE[1])
    w.shoot("practice-panel")
    w.choose("practice-button")
    w.shell.resize(*SIZE)
    for page in ("checks", "review"):
        w.shell.forward()
        w.ready(page)
        w.shoot(page)
    practising.make(desk, Offer(Kind.FAULT, "composer-backup-fails", NOTHING))
    w.shell.forward()
    w.until(lambda: _button(w, "retry") is not None)
    w.shoot("run-failed")
    practising.clear_faults(desk)
    w.choose("stop")
    w.until(lambda: w.shell.wizard.page == "result" or not w.shell.page.facts().working)
    if w.shell.wizard.page != "result":
        w.shoot("run-stopped")
        w.shell.forward()
    w.ready("result")
    w.shoot("result-stopped")
    w.close()
    w.open()
    w.ready("start")
    w.shoot("start-unfinished")
    w.choose("take-up")
    w.shell.forward()
    w.ready("recovery")
    w.shoot("recovery")
    w.shell.forward()
    w.until(lambda: w.shell.wizard.page == "result" or (w.shell.wizard.page == "run" and w.shell.page.facts().complete))
    if w.shell.wizard.page == "run":
        w.shoot("run-done")
        w.shell.forward()
    w.ready("result")
    w.shoot("result")
    w.shell.start_anew()
    w.ready("start")
    w.shoot("start")
    w.choose("verify")
    w.shell.forward()
    w.ready("profile")
    w.shoot("profile")
    w.shell.jump(Page.CHOOSE_SET, task=Task.VERIFY, profile=desk.profile("practice"))
    w.ready("choose-set")
    w.shoot("choose-set")
    w.shell.forward()
    w.shoot("verify")
    w.ready("verified")
    w.shoot("verified")
    _damage(data)
    w.shell.jump(Page.VERIFY)
    w.ready("verified")
    w.shoot("verified-damaged")
    w.shell.jump(
        Page.TROUBLE, trouble='Traceback (most recent call last):\n  File "ui/...", line 1\nValueError: an example'
    )
    w.shoot("trouble")


def _button(w: Walk, name: str) -> object:
    from PySide6.QtWidgets import QAbstractButton

    return next((found for found in w.shell.findChildren(QAbstractButton, name) if found.isVisible()), None)


def _damage(data: Path) -> None:
    """Change one letter of a captured file."""
    file = next(iter(sorted((data / "repository").rglob("*.bak"))))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
