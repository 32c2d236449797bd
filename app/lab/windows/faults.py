"""Faults on demand, where a Windows host's calls meet them; and what of a call is written down."""

from __future__ import annotations

import fnmatch
import re

from app.lab.lab import Lab
from app.lab.rows import Fault
from app.lab.windows.job import Ending, Job, Terminated, ToolError

HIDDEN = "•••"
_SECRET = re.compile(r"""(?i)(\s-p\s+"?|-\w*password="?)((?<=")[^"]*|(?<!")[^\s"]+)""")


def without_secrets(line: str) -> str:
    """Return a command line with its passwords left out, as it is logged and matched."""
    return _SECRET.sub(rf"\1{HIDDEN}", line)


def meet(job: Job, text: str, *, changes: bool) -> None:
    """Write a call down and let it meet its fault, if there is one. Raises Terminated where it gets no further."""
    lab, system = job.host.lab, job.host.system
    lab.wire(system, text, changes=changes)
    job.fault = lab.fault(system, text)
    if job.fault is None:
        return
    if job.met("slow"):
        job.wait(float(job.fault.detail or "1"))
    elif job.met("hang"):
        job.hang()
    elif job.met("drop"):
        job.ending = Ending.DROP
        raise Terminated
    elif job.met("lose-answer"):
        job.ending = Ending.DROP


def fail(job: Job) -> None:
    """Raise what a tool says that fails on demand."""
    if job.fault is not None and job.met("fail", "refuse"):
        raise ToolError(
            1, job.fault.detail or ("Access is denied." if job.met("refuse") else "Unspecified error"), to_stderr=True
        )


def logon_fault(lab: Lab, system: str, account: str) -> Fault | None:
    """Return the fault that a logon (`logon DOMAIN\\user`) meets; only kinds that a logon can meet are counted down."""
    text = f"logon {account}"
    for fault in lab.world.all(Fault, system=system):
        if fault.times != 0 and fnmatch.fnmatchcase(text.lower(), fault.call.lower()):
            return lab.fault(system, text) if fault.kind in ("refuse", "wrong-password", "drop") else None
    return None
