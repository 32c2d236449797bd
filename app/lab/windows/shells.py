"""The remote shells of one host, and the quotas that WinRM holds them to."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from app.lab.windows import shell
from app.lab.windows.host import Host
from app.lab.windows.job import Job
from app.lab.windows.settings import quota
from app.lab.windows.soap import WsFault


@dataclass
class Shell:
    """One remote shell. Times are the world's; `idle` in seconds."""

    id: str
    owner: str
    codepage: str
    folder: str
    variables: dict[str, str]
    idle: float
    opened: float
    used: float
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def running(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.done]


class Shells:
    """All shells of a host. What is asked for and not there is a WsFault."""

    def __init__(self, host: Host) -> None:
        self._host, self._shells = host, dict[str, Shell]()
        self._lock = threading.Lock()
        self._ended: list[Job] = []

    def create(self, owner: str, *, codepage: str, folder: str, variables: dict[str, str], idle: float | None) -> Shell:
        """Open a shell for `owner`."""
        if not quota(self._host, "AllowRemoteShellAccess"):
            raise WsFault(
                2150858990, "w:AccessDenied", "Remote shell access is not allowed on the destination computer."
            )
        now, host = self._host.world.now(), self._host
        with self._lock:
            self._expire(now)
            own = [one for one in self._shells.values() if one.owner.lower() == owner.lower()]
            most = quota(host, "MaxShellsPerUser")
            if len(own) >= most:
                raise WsFault(
                    2150859173,
                    "w:QuotaLimit",
                    "The WS-Management service cannot process the request. This user is allowed a maximum "
                    f"number of {most} concurrent shells, which has been exceeded. Close existing shells or "
                    "raise the quota for this user.",
                )
            users = {one.owner.lower() for one in self._shells.values()} | {owner.lower()}
            if len(users) > quota(host, "MaxConcurrentUsers"):
                raise WsFault(
                    2150859179,
                    "w:QuotaLimit",
                    "The WS-Management service cannot process the request. The maximum number of users "
                    "executing shell operations has been exceeded. Retry after sometime or raise the quota "
                    "for concurrent shell users.",
                )
            longest = quota(host, "IdleTimeout") / 1000
            merged = shell.variables(host, owner) | variables
            made = Shell(
                str(uuid.uuid4()).upper(),
                owner,
                codepage,
                folder or merged["USERPROFILE"],
                merged,
                min(idle or longest, longest),
                now,
                now,
            )
            self._shells[made.id] = made
        return made

    def require(self, shell_id: str, owner: str) -> Shell:
        """Return the shell, and keep it from idling out."""
        now = self._host.world.now()
        with self._lock:
            self._expire(now)
            found = self._shells.get(shell_id.upper())
            if found is None or found.owner.lower() != owner.lower():
                raise not_found(shell_id)
            found.used = now
            return found

    def run(self, one: Shell, line: str, command_id: str) -> Job:
        """Begin a command in a shell."""
        host = self._host
        running = sum(len(s.running) for s in list(self._shells.values()) if s.owner == one.owner)
        most = quota(host, "MaxConcurrentOperationsPerUser")
        if running >= most:
            raise WsFault(
                2150859174,
                "w:QuotaLimit",
                "The WS-Management service cannot process the request. This user is allowed a maximum number "
                f"of {most} concurrent operations, which has been exceeded. Close existing operations for "
                "this user, or raise the quota for this user.",
            )
        if len(one.running) >= quota(host, "MaxProcessesPerShell"):
            raise WsFault(
                2150859078,
                "w:QuotaLimit",
                "The WS-Management service cannot process the request because the maximum number of "
                "processes per shell has been exceeded.",
            )
        job = Job(host, one.owner, line, codepage=one.codepage, folder=one.folder, variables=one.variables)
        with self._lock:
            one.jobs[command_id] = job
        job.start(shell.run)
        return job

    def forget(self, one: Shell, command_id: str) -> None:
        """End a command and take it from its shell."""
        with self._lock:
            job = one.jobs.pop(command_id, None)
            if job is not None:
                self._end(job)

    def delete(self, one: Shell) -> None:
        """Close a shell and end what runs in it."""
        with self._lock:
            self._remove(one)

    def end_all(self) -> None:
        """Close every shell, and wait until all that ran in them has ended."""
        with self._lock:
            for one in list(self._shells.values()):
                self._remove(one)
            ended, self._ended = self._ended, []
        for job in ended:
            job.join()

    def _expire(self, now: float) -> None:
        longest = quota(self._host, "MaxShellRunTime") / 1000
        for one in list(self._shells.values()):
            if (not one.running and now - one.used > one.idle) or now - one.opened > longest:
                self._remove(one)

    def _remove(self, one: Shell) -> None:
        self._shells.pop(one.id, None)
        for job in one.jobs.values():
            self._end(job)
        one.jobs.clear()

    def _end(self, job: Job) -> None:
        job.terminate()
        self._ended = [old for old in self._ended if not old.done]
        self._ended.append(job)


def not_found(shell_id: str) -> WsFault:
    """Return what Windows says of a shell, or a command in it, that it does not have."""
    return WsFault(
        2150858843,
        "w:InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not "
        "found on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer "
        "exists on the server. Provide the correct ShellId or create a new shell and retry the operation.",
    )
