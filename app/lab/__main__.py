"""The practice environment's command line: `python -m app lab ...`, in the executable `--lab ...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from app import paths
from app.errors import Refused, UserError
from app.lab import process
from app.texts import Text, listed, render, text

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
        return _systems(found), str(text("The practice environment runs (process {pid}).", pid=found["pid"]))
    if options.command == "stop":
        stopped = process.stop(data)
        return {"stopped": stopped}, str(text("It has ended.") if stopped else text("It was not running."))
    running = process.published(data)
    if running is None and options.command == "status":
        return {"running": False}, str(text("It is not running."))
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
    names = ", ".join(answer["scenes"])
    return answer, str(text("Set: {names}.", names=names) if names else text("Set: no scene."))


def _fault(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.list or not options.words:
        answer = process.send(running, "faults")
        active = "\n".join(f"{f['id']}  {f['kind']} {f['system']} {f['call']} ({f['times']})" for f in answer["faults"])
        return (
            answer,
            f"{active or text('No fault is set.')}\n\n{_table(answer['named'])}\n"
            + str(text("Kinds: {names}", names=listed(answer["kinds"]))),
        )
    if options.words[0] == "clear":
        answer = process.send(running, "fault-clear", **({"id": options.words[1]} if options.words[1:] else {}))
        return answer, str(text("{count} faults are gone.", count=answer["cleared"]))
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
    return answer, str(text("Fault {id} is set.", id=answer["fault"]["id"]))


def _operator(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.list or not options.words:
        answer = process.send(running, "acts")
        return answer, _table(answer["acts"])
    name, *rest = options.words
    answer = process.send(running, "operator", name=name, options=_pairs(rest))
    return answer, str(msgspec.convert(answer["said"], Text))


def _pace(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    answer = process.send(running, "pace", pace=options.pace)
    return answer, str(text("Pace {pace:g}.", pace=answer["pace"]))


def _state(running: Json, options: argparse.Namespace) -> tuple[Json, str]:
    if options.action == "list":
        answer = process.send(running, "states")
        return answer, "\n".join(answer["states"]) or str(text("No state is saved."))
    if not options.name:
        raise Refused(text("Say which state."), do=text("For example: lab state save before"))
    answer = process.send(running, options.action, name=options.name)
    return answer, str(text("{name}: {count} events.", name=options.name, count=answer["events"]))


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
        lines.append(f"{row['name']:<28} {render(Text(row['about']))}{options}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=str(text("The practice environment.")))
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", help=str(text("the folder that holds its state")))
    common.add_argument("--json", action="store_true", help=str(text("answer with one JSON object")))
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, about: Text) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=str(about), description=str(about), parents=[common])

    for name, about in (
        ("start", text("start it, or find the one that runs")),
        ("serve", text("be it, in this process")),
    ):
        start = add(name, about)
        start.add_argument("--desktops", type=int, default=40, help=str(text("how many desktops a new world has")))
        start.add_argument("--pace", default="1", help=str(text("durations: 1 as in a real environment, 0 none")))
        start.add_argument("--seed", type=int, default=1, help=str(text("what a new world's identities follow from")))
    add("stop", text("end it"))
    add("status", text("what its world looks like now"))
    for name, about in (
        ("scene", text("set a scene")),
        ("fault", text("set a fault")),
        ("operator", text("do what a person does")),
    ):
        added = add(name, about)
        added.add_argument("--list", action="store_true", help=str(text("what there is")))
        added.add_argument("words", nargs="*", help=str(text("a name, then NAME=VALUE")))
        if name == "fault":
            added.add_argument("--times", type=int, default=-1, help=str(text("how many calls meet it; -1: all")))
            added.add_argument("--detail", default="", help=str(text("more about it; of a slow one the seconds")))
    add("pace", text("change how long things take")).add_argument("pace", type=float)
    state = add("state", text("save the world as it is, or go back to a saved state"))
    state.add_argument("action", choices=("save", "back", "list"))
    state.add_argument("name", nargs="?")
    return parser


def run(words: Sequence[str]) -> int:
    """Carry out one command as a process of its own does; returns the exit code."""
    try:
        return main(words)
    except UserError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
