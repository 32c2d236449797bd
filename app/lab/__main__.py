"""The practice environment's command line: `python -m app lab ...`, in the executable `--lab ...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app import paths
from app.errors import Refused, UserError
from app.lab import process
from app.texts import text

Json = dict[str, Any]


def main(words: Sequence[str], data: Path | None = None, *, as_json: bool = False) -> int:
    """Carry out one command; prints for people, or one JSON object. Raises UserError where it cannot be done."""
    options = _parser().parse_args(list(words))
    place = Path(options.data) if options.data else data or paths.data()
    if options.command == "serve":
        founding = {"desktops": options.desktops, "seed": options.seed, "pace": options.pace}
        return process.serve_until_signal(place, founding)
    answer, lines = _carry_out(options, place)
    sys.stdout.write((json.dumps(answer, ensure_ascii=False) if as_json or options.json else lines) + "\n")
    return 0


def _carry_out(options: argparse.Namespace, data: Path) -> tuple[Json, str]:
    if options.command == "start":
        found = process.start(data, desktops=options.desktops, pace=options.pace, seed=options.seed)
        return _systems(found), f"The practice environment runs (process {found['pid']})."
    if options.command == "stop":
        stopped = process.stop(data)
        return {"stopped": stopped}, "It has ended." if stopped else "It was not running."
    running = process.published(data)
    if running is None and options.command == "status":
        return {"running": False}, "It is not running."
    if running is None:
        raise UserError(text("The practice environment is not running."), do=text("Start it: lab start"))
    if options.command == "status":
        from app.lab.showing import as_text

        status = process.send(running, "status")
        return {"running": True, "pid": running["pid"], **status}, as_text(status)
    return _HANDLERS[options.command](running, options)


def _systems(found: Json) -> Json:
    return {"running": True, "pid": found["pid"], "systems": {k: v["port"] for k, v in found["systems"].items()}}


def _scene(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.list or not options.words:
        answer = process.send(running, "scenes")
        return answer, _table(answer["scenes"])
    name, *rest = options.words
    answer = process.send(running, "scene", name=name, options=_pairs(rest))
    return answer, f"Set: {', '.join(answer['scenes']) or 'no scene'}."


def _fault(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.list or not options.words:
        answer = process.send(running, "faults")
        active = "\n".join(f"{f['id']}  {f['kind']} {f['system']} {f['call']} ({f['times']})" for f in answer["faults"])
        return (
            answer,
            f"{active or 'No fault is set.'}\n\n{_table(answer['named'])}\nKinds: {', '.join(answer['kinds'])}",
        )
    if options.words[0] == "clear":
        answer = process.send(running, "fault-clear", **({"id": options.words[1]} if options.words[1:] else {}))
        return answer, f"{answer['cleared']} faults are gone."
    if len(options.words) == 1:
        answer = process.send(running, "fault", name=options.words[0])
    elif len(options.words) == 3:
        system, call, kind = options.words
        answer = process.send(
            running, "fault", system=system, call=call, kind=kind, times=options.times, detail=options.detail
        )
    else:
        raise Refused(
            text("A fault is a name, or a system, a pattern of calls and a kind."), do=text("See: lab fault --list")
        )
    return answer, f"Fault {answer['fault']['id']} is set."


def _operator(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.list or not options.words:
        answer = process.send(running, "acts")
        return answer, _table(answer["acts"])
    name, *rest = options.words
    answer = process.send(running, "operator", name=name, options=_pairs(rest))
    return answer, answer["done"]


def _pace(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    answer = process.send(running, "pace", pace=options.pace)
    return answer, f"Pace {answer['pace']:g}."


def _state(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.action == "list":
        answer = process.send(running, "states")
        return answer, "\n".join(answer["states"]) or "No state is saved."
    if not options.name:
        raise Refused(text("Say which state."), do=text("For example: lab state save before"))
    answer = process.send(running, options.action, name=options.name)
    return answer, f"{options.name}: {answer['events']} events."


_HANDLERS = {"scene": _scene, "fault": _fault, "operator": _operator, "pace": _pace, "state": _state}


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Refused(text("{word} is no option.", word=wrong[0]), do=text("Options are written NAME=VALUE."))
    return {name: value for name, _, value in pairs}


def _table(rows: Sequence[Json]) -> str:
    lines = []
    for row in rows:
        options = f" [{', '.join(f'{name}=' for name in row['options'])}]" if row.get("options") else ""
        lines.append(f"{row['name']:<28} {row['about']}{options}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="The practice environment.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", help="the folder that holds its state")
    common.add_argument("--json", action="store_true", help="answer with one JSON object")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, about: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=about, description=about, parents=[common])

    for name, about in (("start", "start it, or find the one that runs"), ("serve", "be it, in this process")):
        start = add(name, about)
        start.add_argument("--desktops", type=int, default=40, help="how many desktops a new world has")
        start.add_argument("--pace", default="1", help="durations: 1 as in a real environment, 0 none")
        start.add_argument("--seed", type=int, default=1, help="what a new world's identities follow from")
    add("stop", "end it")
    add("status", "what its world looks like now")
    for name, about in (("scene", "set a scene"), ("fault", "set a fault"), ("operator", "do what a person does")):
        added = add(name, about)
        added.add_argument("--list", action="store_true", help="what there is")
        added.add_argument("words", nargs="*", help="a name, then NAME=VALUE")
        if name == "fault":
            added.add_argument("--times", type=int, default=-1, help="how many calls meet it; -1: all")
            added.add_argument("--detail", default="", help="more about it; of a slow one the seconds")
    add("pace", "change how long things take").add_argument("pace", type=float)
    state = add("state", "save the world as it is, or go back to a saved state")
    state.add_argument("action", choices=("save", "back", "list"))
    state.add_argument("name", nargs="?")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as refusal:
        sys.exit(str(refusal))
