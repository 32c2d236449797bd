"""The commands of the command line: what each asks of the other modules, and how its answer is written."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app import backups, datafolder, dry_run, history, looking, paths, pool_report, tasks
from app import profile as profiles_
from app.console import Console, Terminal, as_csv, ask_password, ask_trust
from app.desk import Desk
from app.errors import Refused, Stopped
from app.observation import State
from app.profile import PRACTICE, Profile
from app.secrets import passwords_from, unused_names
from app.texts import SEMICOLON, listed, text
from app.words import clean, phase_word, pool_kind_word, run_word, runbook_word, switch_word

if TYPE_CHECKING:
    from app.engine.clock import StopToken
    from app.engine.ending import Ending
    from app.engine.prompter import Prompter

DAMAGED, BLOCKED, UNKNOWN = 6, 4, 7
STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals by which a system or a person wants this process to end; not every system has them all."""


def lab(options: argparse.Namespace) -> int:
    """Hand the words on to the practice environment's own command line."""
    from app.lab.__main__ import main

    datafolder.ready(paths.data() / "lab")
    return main(options.words, data=paths.data(), as_json=options.json)


def profiles(options: argparse.Namespace) -> int:
    """List, show, check, import or export what environments are described."""
    console, desk = _console(options), _desk(options)
    store = desk.store
    if options.action == "list":
        names = (*store.names(), PRACTICE)
        for name in names:
            console.line(name)
        console.result({"profiles": list(names)})
        return 0
    if not options.name:
        raise Refused(text("Say which profile."), do=text("For example: profiles {action} NAME", action=options.action))
    if options.action == "import":
        path = store.save(profiles_.read(Path(options.name)))
        console.line(text("Imported to {path}.", path=str(path)))
        console.result({"profile": path.stem, "file": str(path)})
        return 0
    profile = desk.profile(options.name)
    if options.action == "show":
        shown = msgspec.to_builtins(profile)
        console.line(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())
        console.result({"profile": shown})
        return 0
    if options.action == "export":
        return _export(console, profile, options.file)
    found = profiles_.check(profile)
    for seen in found:
        console.observation(seen)
    if not found:
        console.line(text("Nothing is wrong in {name} as it stands; `check` looks at the systems.", name=profile.name))
    console.result({"profile": profile.name, "problems": [msgspec.to_builtins(seen) for seen in found]})
    return 2 if any(seen.state is State.BLOCKED for seen in found) else 0


def _export(console: Console, profile: Profile, file: str | None) -> int:
    if not file:
        raise Refused(text("Say where to."), do=text("For example: profiles export {name} FILE", name=profile.name))
    profiles_.write(profile, Path(file))
    console.line(text("Exported to {path}; it holds no passwords.", path=file))
    console.result({"profile": profile.name, "file": file})
    return 0


def check(options: argparse.Namespace) -> int:
    """Look whether a backup could begin; or print the table of what is looked at."""
    if options.table:
        return _table(_console(options))
    console, desk = _console(options), _desk(options)
    looked = looking.look(desk, _profile(options, desk), lambda answer: console.observation(answer.seen))
    outcome = looked.outcome
    words = {"done": text("A backup can begin."), "blocked": text("A backup cannot begin."),
             "unknown": text("Whether a backup can begin could not be looked at.")}  # fmt: skip
    console.line(words[outcome])
    console.result({"outcome": outcome, "checks": looked.as_json()})
    return {"done": 0, "blocked": BLOCKED, "unknown": UNKNOWN}[outcome]


def _table(console: Console) -> int:
    from app.runbooks.checks.table import CHECKS

    rows = [(c.key, str(c.title), c.bad.value, c.unknown.value, str(c.needed), str(c.why)) for c in CHECKS]
    headings = (text("check"), text("looks at"), text("bad"), text("unknown"), text("needed"), text("why"))
    console.table(headings, rows)
    names = ("check", "title", "bad", "unknown", "needed", "why")
    console.result({"table": [dict(zip(names, row, strict=True)) for row in rows]})
    return 0


def backup(options: argparse.Namespace) -> int:
    """Check, then make a backup; or print what it would do."""
    console, desk = _console(options), _desk(options)
    profile = _profile(options, desk)
    if options.dry_run:
        return _dry_run(console, desk, profile)
    prompter = _prompter(options, console, profile)
    with _stoppable(console, prompter) as stop:
        left = tasks.close_left(desk, profile, prompter, console.live, stop)
    if left is not None:
        return _ended(console, left)
    looked = looking.look(desk, profile, lambda answer: _bad(console, answer))
    outcome = looked.outcome
    if outcome == "done" and looked.warnings and not _goes_on(looked, profile, prompter, asks=not options.yes):
        outcome = "blocked"
    if outcome != "done":
        console.line(text("The backup was not begun; nothing was changed."))
        console.result({"outcome": outcome, "checks": looked.as_json()})
        return {"blocked": BLOCKED, "unknown": UNKNOWN}[outcome]
    with _stoppable(console, prompter) as stop:
        ending = tasks.back_up(desk, profile, prompter, console.live, stop)
    return _ended(console, ending)


def _goes_on(looked: looking.Looked, profile: Profile, prompter: Prompter, *, asks: bool) -> bool:
    """Say whether warnings are taken: the operator is asked, else the profile answers."""
    if not asks:
        return profile.answers.on_warning == "go-on"
    return prompter.yes_no("warnings", text("There are {count} warnings. Go on?", count=len(looked.warnings)))


def _bad(console: Console, answer: looking.Answer) -> None:
    if answer.seen.state is not State.PASSED:
        console.observation(answer.seen)


def _dry_run(console: Console, desk: Desk, profile: Profile) -> int:
    planned = dry_run.plan(desk, profile)
    for line in planned:
        console.line("    " * line.depth + line.words)
        for command in line.commands:
            sent = command.text.replace("\n", "; ")
            console.line("    " * line.depth + f"  {command.system}> {sent}")
    console.result({"outcome": "planned", "plan": [line.as_json() for line in planned]})
    return 0


def sets(options: argparse.Namespace) -> int:
    """List what lies in the repository."""
    console, desk = _console(options), _desk(options)
    profile = desk.profile(options.profile)
    found = backups.sets(profile)
    rows = [
        (f.folder.name, f.manifest.completed, len(f.manifest.parts), f.manifest.freeze_seconds, f.state)
        if f.manifest
        else (f.folder.name, "", "", "", f.problem)
        for f in found
    ]
    if rows:
        headings = (text("set"), text("completed"), text("files"), text("freeze s"), text("state"))
        console.table(headings, rows)
    else:
        console.line(text("There is no backup set in {repository} yet.", repository=profile.repository))
    console.result({"repository": profile.repository, "sets": [backups.set_json(f) for f in found]})
    return 0


def verify(options: argparse.Namespace) -> int:
    """Read a set whole and say what is damaged, by file."""
    console, desk = _console(options), _desk(options)
    folder, seen = backups.verify(desk, options.profile, options.set, console.observation)
    bad = [found for found in seen if found.state is State.BLOCKED]
    unknown = [found for found in seen if found.state is State.UNKNOWN]
    outcome = "damaged" if bad else "unknown" if unknown else "done"
    console.line(
        text("The set is whole: {folder}", folder=str(folder))
        if outcome == "done"
        else text("The set is not good: {folder}", folder=str(folder))
    )
    console.result({"outcome": outcome, "set": str(folder), "files": [msgspec.to_builtins(found) for found in seen]})
    return {"done": 0, "damaged": DAMAGED, "unknown": UNKNOWN}[outcome]


def runs(options: argparse.Namespace) -> int:
    """List the runs that this workstation knows, and what the broker's notice tells of others. Changes nothing."""
    console, desk = _console(options), _desk(options)
    found = history.runs(desk, _profile(options, desk))
    if found.runs:
        console.table(
            (text("run"), text("what"), text("status"), text("still off")),
            [
                (run.id, runbook_word(run.runbook), run_word(run.status), listed(run.off, SEMICOLON))
                for run in found.runs
            ],
        )
    else:
        console.line(text("No run is known here."))
    if found.notice_unknown:
        console.line(text("The notice on the broker could not be read: {why}", why=found.notice_unknown))
    console.result({"runs": [run.as_json() for run in found.runs], "notice_unknown": str(found.notice_unknown or "")})
    return 0


def resume(options: argparse.Namespace) -> int:
    """Close what a run left off, then complete it."""
    console, desk = _console(options), _desk(options)
    profile = _profile(options, desk)
    prompter = _prompter(options, console, profile)
    with _stoppable(console, prompter) as stop:
        ending = tasks.resume(desk, profile, options.run, prompter, console.live, stop)
    return _ended(console, ending)


def undo(options: argparse.Namespace) -> int:
    """Close what a run left off, and take back what it did."""
    console, desk = _console(options), _desk(options)
    profile = _profile(options, desk)
    prompter = _prompter(options, console, profile)
    with _stoppable(console, prompter) as stop:
        ending = tasks.undo(desk, profile, options.run, prompter, console.live, stop)
    return _ended(console, ending)


def report(options: argparse.Namespace) -> int:
    """Say what a run did, step by step, from the journal."""
    console, desk = _console(options), _desk(options)
    told = history.report(desk, options.run)
    console.line(text("Run {run}: {status}", run=told["run"], status=run_word(told["status"])))
    console.table(
        (text("step"), text("outcome"), text("seconds")),
        [(step["key"], phase_word(step["phase"]), step["seconds"]) for step in told["steps"]],
    )
    for off in told["off"]:
        console.line(text("Still off: {what}", what=off["what"]))
        for line in off["by_hand"]:
            console.line(f"    {line}")
    if told["error"]:
        console.line(told["error"])
    console.result(told)
    return 0


def pools(options: argparse.Namespace) -> int:
    """The paper's appendix A: pools by kind, provisioning, sessions remote and local, with totals that are right."""
    console, desk = _console(options), _desk(options)
    rows = pool_report.pools(desk, _profile(options, desk))
    headings = (
        text("pool"), text("name"), text("kind"), text("provisioning"), text("desktops"), text("remote sessions"),
        text("local sessions"),
    )  # fmt: skip
    totals = pool_report.totals(rows)
    if options.csv:  # for programs: in no language
        cells = [(r.pool_id, r.name, r.kind, r.provisioning, r.desktops, r.remote, r.local) for r in (*rows, totals)]
        written = as_csv([heading.message for heading in headings], cells)
        if options.csv == "-":
            console.raw(written)
        else:
            with datafolder.writing(Path(options.csv)):
                Path(options.csv).write_text(written, "utf-8-sig", newline="")
    else:
        shown = [
            (r.pool_id, r.name, pool_kind_word(r.kind), switch_word(r.provisioning), r.desktops, r.remote, r.local)
            for r in (*rows, totals)
        ]
        console.table(headings, shown)
    console.result({"pools": [row.as_json() for row in rows], "totals": totals.as_json()})
    return 0


def _ended(console: Console, ending: Ending) -> int:
    """Tell how a run ended. Its exit code is its own, even where nobody reads any more."""
    try:
        _tell(console, ending)
        sys.stdout.flush()
    except OSError:
        _silence()
    return ending.exit_code


def _silence() -> None:
    """Let nothing more be written where nobody reads: Python would end with an exit code of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a stream that is no file of the system's needs none of it
            os.dup2(nowhere, stream.fileno())


def _tell(console: Console, ending: Ending) -> None:
    console.line(ending.text)
    if ending.error is not None:
        console.error(ending.error)
    for off in ending.off:
        console.line(text("Still off: {what}", what=off.what_is_off))
        for line in off.by_hand:
            console.line(f"    {line}")
    told: dict[str, Any] = ending.as_json() | backups.of_set(ending)
    if "set" in told:
        console.line(text("The backup set: {set}", set=told["set"]))
        frozen, skew = told["freeze_seconds"], told["skew_seconds"]
        console.line(
            text("Freeze {freeze} s, skew {skew} s, {parts} files.", freeze=frozen, skew=skew, parts=told["parts"])
        )
        for weakness in told["weaknesses"]:
            console.line(text("Weak: {what}", what=weakness))
    console.result(told)


@contextlib.contextmanager
def _stoppable(console: Console, prompter: Prompter) -> Iterator[StopToken]:
    """Give a token that Ctrl-C, or the system's wish to end this process, asks to stop: never an end in the middle."""
    from app.engine.clock import StopToken

    token = StopToken()

    def ask(_signal: int, _frame: object) -> None:
        token.ask()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # nobody reads any more, or it is being written
            console.line(text("Stopping safely: what is off is put back first."))
        if isinstance(prompter, Terminal) and prompter.asking:
            raise Stopped  # a question that waits for its answer would wait on

    numbers = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _console(options: argparse.Namespace) -> Console:
    return Console(options.json, options.verbose)


def _desk(options: argparse.Namespace) -> Desk:
    given = passwords_from(options.passwords) if options.passwords else {}
    if options.yes:
        return Desk(paths.data(), given)
    return Desk(paths.data(), given, ask_password, ask_trust)


def _profile(options: argparse.Namespace, desk: Desk) -> Profile:
    """Return the profile, and tell of passwords that nothing in it uses: their names are likely wrong."""
    profile = desk.profile(options.profile)
    if unused := unused_names(desk.given, profile):
        words = text("Nothing in {profile} uses these of the passwords: {names}.", profile=profile.name,
                     names=listed(unused))  # fmt: skip
        sys.stderr.write(clean(str(words)) + "\n")
    return profile


def _prompter(options: argparse.Namespace, console: Console, profile: Profile) -> Prompter:
    from app.engine.prompter import Choice, Unattended

    if options.yes:
        answers = profile.answers
        return Unattended(on_failed_step=Choice(answers.on_failed_step), guided_seconds=answers.guided_minutes * 60)
    return Terminal(console)
