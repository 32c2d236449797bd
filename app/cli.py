"""Every task without a screen. Answers go to stdout, what happens meanwhile to stderr; exit codes are a table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import app
from app import answers, datafolder, paths, streams
from app.errors import Busy, CouldNotLook, Refused, Stopped, UserError
from app.texts import LANGUAGES, Text, system_language, text, use_language

if TYPE_CHECKING:
    from app.console import Console

EXITS: tuple[tuple[type[UserError], int, str], ...] = (
    (Refused, 2, "refused"),
    (Busy, 5, "busy"),
    (CouldNotLook, 7, "unknown"),
    (UserError, 1, "failed"),
)
STOPPED = 130

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; returns the exit code."""
    datafolder.for_the_owner_only()
    streams.speak_utf8()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    use_language(_wanted_language(arguments) or system_language())
    options = _options(arguments)
    os.environ[paths.DATA_VARIABLE] = str(paths.data(options.data))  # what is started from here looks there too
    code = 0
    try:
        with answers.to(options.out):
            code = _carried_out(options)
    except answers.NotKept as error:
        _console(options).error(error)
        return code or 1
    except UserError as error:  # the file for the answer cannot be written
        return _failed(options, error)
    except (Stopped, KeyboardInterrupt):
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; nothing is wrong here
        return 1
    return code


def _carried_out(options: argparse.Namespace) -> int:
    command: Command = options.command
    try:
        return command(options)
    except UserError as error:
        return _failed(options, error)


def _failed(options: argparse.Namespace, error: UserError) -> int:
    console = _console(options)
    console.error(error)
    for kind, code, outcome in EXITS:
        if isinstance(error, kind):
            words = {"what": str(error.what), "why": str(error.why), "do": str(error.do)}
            console.result({"outcome": outcome, "error": words})
            return code
    raise error


def _console(options: argparse.Namespace) -> Console:
    from app.console import Console

    return Console(options.json, options.verbose)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the words say. Those of `lab` are its own, but for the options that all commands have in common."""
    options = _parser().parse_args(arguments)
    if hasattr(options, "words"):
        options.words = _common().parse_known_args(options.words, options)[1]
    return options


def _common() -> argparse.ArgumentParser:
    """Return the options that all commands have in common."""
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument(
        "--data", metavar="DIR", help=str(text("the folder of everything the program writes (or VIEWKEEPER_DATA)"))
    )
    common.add_argument(
        "--json", action="store_true", help=str(text("one object on stdout at the end, live lines on stderr"))
    )
    common.add_argument("--yes", action="store_true", help=str(text("no questions: the profile answers")))
    common.add_argument(
        "--passwords", metavar="FILE", help=str(text("passwords as JSON from a file, or - for standard input"))
    )
    common.add_argument("--language", choices=LANGUAGES, help=str(text("the language of texts")))
    common.add_argument(
        "--out", metavar="FILE", help=str(text("the answer into a file, which is there once it is whole"))
    )
    common.add_argument("--verbose", action="store_true", help=str(text("show every command that is sent")))
    return common


def _parser() -> argparse.ArgumentParser:
    from app import commands

    common = _common()
    parser = argparse.ArgumentParser(
        prog=_own_name(),
        description=str(text("Backs up, and later restores and repairs, a VMware View environment.")),
    )
    parser.add_argument("--version", action="version", version=f"ViewKeeper {app.__version__}")
    parsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Command, about: Text, *, profile: bool = True) -> argparse.ArgumentParser:
        added = parsers.add_parser(name, help=str(about), description=str(about), parents=[common])
        added.set_defaults(command=command)
        if profile:
            added.add_argument("--profile", default="practice", help=str(text("the environment (default: practice)")))
        return added

    lab = add("lab", commands.lab, text("the practice environment"), profile=False)
    lab.add_argument("words", nargs=argparse.REMAINDER, metavar="start|stop|status|scene|fault|operator ...")
    profiles = add("profiles", commands.profiles, text("the environments that are described"), profile=False)
    profiles.add_argument("action", choices=("list", "show", "check", "import", "export"))
    profiles.add_argument("name", nargs="?", help=str(text("a profile, or the file to import")))
    profiles.add_argument("file", nargs="?", help=str(text("the file to export to")))
    check = add("check", commands.check, text("look whether a backup could begin; changes nothing"))
    check.add_argument(
        "--table", action="store_true", help=str(text("print what is looked at, and what each answer does"))
    )
    backup = add("backup", commands.backup, text("make a backup"))
    backup.add_argument(
        "--dry-run", action="store_true", help=str(text("print the plan with every command and its host"))
    )
    add("sets", commands.sets, text("list the backup sets"))
    verify = add("verify", commands.verify, text("look whether a set is still whole"))
    verify.add_argument("set", help=str(text("a set's folder, its name, or the run that made it")))
    add("runs", commands.runs, text("list the runs, here and on the broker's notice"))
    for name, command, about in (
        ("resume", commands.resume, text("close what a run left off, then complete it in a new freeze")),
        ("undo", commands.undo, text("close what a run left off, and take back what it did")),
        ("report", commands.report, text("say what a run did")),
    ):
        add(name, command, about).add_argument("run", help=str(text("the run")))
    pools = add("pools", commands.pools, text("kinds, provisioning and sessions of the pools, with totals"))
    pools.add_argument("--csv", metavar="FILE", help=str(text("write it as CSV (- for stdout)")))
    return parser


def _own_name() -> str:
    return Path(sys.executable).name if getattr(sys, "frozen", False) else "python -m app"


def _wanted_language(arguments: Sequence[str] | None) -> str:
    """Return what --language says, before all else is read: help is in words, too."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--language", nargs="?")
    found: str | None = first.parse_known_args(arguments)[0].language
    return found or ""
