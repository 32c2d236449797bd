"""Holds the house as it was designed: who may import whom, what lies where, what every text must look like."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

WORDS = ("app.errors", "app.texts", "app.observation", "app.wire", "app.paths")
"""The modules that everything above view may use: they say things, and reach nothing."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "app.view": (),
    "app.texts": ("app.paths",),
    "app.errors": ("app.texts",),
    "app.observation": ("app.errors", "app.texts"),
    "app.paths": (),
    "app.wire": (),
    "app.locking": (),
    "app.streams": (),
    "app.unpacked": ("app.errors", "app.locking", "app.texts"),
    "app.profile": (*WORDS, "app.datafolder"),
    "app.secrets": (*WORDS, "app.profile"),
    "app.trust": (*WORDS, "app.profile", "app.datafolder"),
    "app.datafolder": WORDS,
    "app.engine": (*WORDS, "app.locking"),
    "app.backupset": (*WORDS, "app.view", "app.profile"),
    "app.connectors": (*WORDS, "app.view", "app.profile"),
    "app.connectors.connections": (*WORDS, "app.view", "app.profile", "app.secrets", "app.trust", "app.connectors"),
    "app.runbooks": (
        *WORDS,
        *("app.view", "app.profile", "app.secrets", "app.trust"),
        *("app.connectors", "app.engine", "app.backupset"),
    ),
    "app.lab": (*WORDS, "app.view", "app.locking", "app.unpacked"),
    "app.lab.practice": (*WORDS, "app.profile", "app.trust", "app.lab"),  # the practice environment, told as a profile
}
"""What the modules of a package may import of ours besides their own package. The longest name that fits rules."""

COMMANDS = (
    *("app.cli", "app.commands", "app.console", "app.logs", "app.desk", "app.tasks", "app.__main__"),
    *("app.backups", "app.dry_run", "app.history", "app.looking", "app.pool_report"),
    *("app.overview", "app.practising", "app.words", "app.leftovers", "app.defects"),
    *("app.answers", "app.selftest"),
)
"""What a command line and the screen are made of: it may use everything, and nothing below it uses it."""

LAB_STARTS = ("app.lab.process", "app.lab.practice", "app.lab.__main__", "app.lab.certificates")
"""How the practice environment is started and described: all of it that the command line may import, and late. The
self-test shakes hands by one of its certificates."""

DOOR = "ui.program"
"""What the executable begins with: it has the command line behind it, and the screen."""

ONLY_IN: dict[str, tuple[str, ...]] = {
    "PySide6": ("ui",),
    "shiboken6": ("ui",),
    "pyodbc": ("app.connectors.sqlserver",),
    "pyVmomi": ("app.connectors.vsphere", "app.lab.vcenter"),
    "pyVim": ("app.connectors.vsphere", "app.lab.vcenter"),
    "vmware": ("app.connectors.vsphere", "app.lab.vcenter"),
    "winrm": ("app.connectors.winrm",),
    "requests": ("app.connectors.winrm",),
    "spnego": ("app.connectors.winrm", "app.lab.windows"),
    "sqlglot": ("app.lab.sqlserver",),
    "keyring": ("app.secrets",),
    "sqlite3": ("app.engine", "app.lab.sqlserver"),
    "pytds": (),
    "pypsrp": (),
    "pytest": (),
    "hypothesis": (),
}
"""Libraries that only these parts of the program use."""

HEAVY = ("pyodbc", "pyVmomi", "winrm", "requests", "spnego", "sqlglot", "keyring", "cryptography", "jinja2", "PySide6")


class Import(NamedTuple):
    """One import: the module that has it, what it names, where, and whether it happens only when a function runs."""

    importer: str
    imported: str
    place: str
    late: bool


@cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return tuple(name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists())


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def imports_of(path: Path) -> Iterator[Import]:
    importer = module_of(path)
    package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
    tree = parsed(path)
    inner = {id(node) for function in functions(tree) for node in ast.walk(function) if node is not function}
    for node in ast.walk(tree):
        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(importer, name.name, place, id(node) in inner)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for name in node.names:
                yield Import(importer, exact(base, name.name), place, id(node) in inner)


def functions(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def exact(base: str, name: str) -> str:
    """Return `base.name` where that is a module or package of ours, else `base`."""
    path = ROOT.joinpath(*base.split("."), name)
    return f"{base}.{name}" if path.with_suffix(".py").exists() or path.is_dir() else base


def all_imports() -> list[Import]:
    return [found for folder in ("app", "ui") for path, _ in sources(folder) for found in imports_of(path)]


def rule_for(module: str) -> tuple[str, tuple[str, ...]] | None:
    fitting = [package for package in MAY_IMPORT if inside(module, (package,))]
    return max(((package, MAY_IMPORT[package]) for package in fitting), key=lambda rule: len(rule[0]), default=None)


# ---- what lies where


def test_the_top_level_holds_what_the_design_names_and_nothing_else() -> None:
    tops = {name.partition("/")[0] for name in tracked()}
    seen = {name for name in tops if not name.startswith(".")}
    assert seen == {"app", "ui", "resources", "build", "tests", "pyproject.toml", "README.md"}


def test_tests_and_build_are_no_packages() -> None:
    assert not [name for name in tracked() if re.fullmatch(r"(tests|build)/(.*/)?__init__\.py", name)]


def test_nothing_that_pytest_would_never_collect_lies_in_tests() -> None:
    skipped = {"build", "dist", "node_modules", "venv", "packaging"}
    assert not [name for name in tracked() if name.startswith("tests/") and skipped & set(Path(name).parts)]


def test_nothing_speaks_of_the_paths_of_one_machine() -> None:
    workplace = re.compile(r"/wor[k]/|/far[m]/|(?<![\w.])/(home/\w|roo[t]/)|(?i:c:\\users\\(?!public)\w)")
    found = []
    for name in tracked():
        try:
            content = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {line.strip()[:120]}" for line in content.splitlines() if workplace.search(line)]
    assert not found


def test_the_locks_name_no_index_and_check_every_file() -> None:
    for lock in sorted((ROOT / "build/requirements").glob("*.txt")):
        content = lock.read_text("utf-8")
        assert "://" not in content, lock.name
        pins = re.split(r"\n(?=\S)", content.strip())
        unchecked = [pin for pin in pins if not pin.startswith("#") and "--hash=sha256:" not in pin]
        assert not unchecked, lock.name


def test_what_runs_is_locked_alike_for_those_who_use_it_and_those_who_develop_it() -> None:
    run, dev = (
        set(re.findall(r"^\S+==\S+", (ROOT / f"build/requirements/{name}.txt").read_text("utf-8"), re.MULTILINE))
        for name in ("run", "dev")
    )
    assert run
    assert run < dev


# ---- who imports whom


def test_imports_follow_the_flow_of_data() -> None:
    broken = []
    for found in all_imports():
        rule = rule_for(found.importer)
        if rule is None or not inside(found.imported, ("app", "ui")) or inside(found.imported, (rule[0],)):
            continue
        if found.imported != "app" and not inside(found.imported, rule[1]):  # app itself holds the version
            broken.append(f"{found.place}: {found.importer} imports {found.imported}")
    assert not broken


def test_every_part_of_the_program_has_its_rule() -> None:
    modules = {module_of(path) for path, _ in sources("app")} - {"app", *COMMANDS}
    assert not sorted(module for module in modules if rule_for(module) is None)


def test_a_connector_never_imports_another() -> None:
    broken = []
    for found in all_imports():
        own = found.importer.split(".")[:3]
        if own[:2] != ["app", "connectors"] or own[2:] == ["connections"] or not inside(found.imported, ("app",)):
            continue
        if inside(found.imported, ("app.connectors",)) and found.imported.split(".")[:3] != own:
            broken.append(f"{found.place}: {found.imported}")
    assert not broken


def test_the_practice_environment_is_imported_by_nothing_but_its_own_start() -> None:
    broken = []
    for found in all_imports():
        if inside(found.importer, ("app.lab",)) or not inside(found.imported, ("app.lab",)):
            continue
        if found.importer not in (*COMMANDS, DOOR) or found.imported not in LAB_STARTS or not found.late:
            broken.append(f"{found.place}: {found.importer} imports {found.imported}")
    assert not broken


def test_the_screen_reaches_no_remote_system_by_itself() -> None:
    away = ("app.lab", "app.cli", "app.commands", "app.console", "app.__main__")
    pages = [found for found in all_imports() if inside(found.importer, ("ui",)) and found.importer != DOOR]
    assert not [f"{found.place}: {found.imported}" for found in pages if inside(found.imported, away)]


def test_a_library_is_used_only_where_it_belongs() -> None:
    broken = []
    for found in all_imports():
        library = found.imported.partition(".")[0]
        if library in ONLY_IN and not inside(found.importer, ONLY_IN[library]):
            broken.append(f"{found.place}: {found.importer} imports {found.imported}")
    assert not broken


@pytest.mark.parametrize("module", ["app.engine", "app.runbooks", "app.backupset", "app.view", "app.cli"])
def test_importing_a_part_loads_no_heavy_library(module: str) -> None:
    names = [name for path, _ in sources("app") if inside(name := module_of(path), (module,))]
    assert names, f"there is no {module}"
    program = f"import sys, {', '.join(names)}; print(' '.join(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


# ---- texts


def text_calls() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in sources("app", "ui"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("text", "texts.text"):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def message_of(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str() as message)]:
            return message
    return None


def test_the_message_of_a_text_is_one_plain_string_so_that_the_catalogue_finds_it() -> None:
    assert not [place for place, call in text_calls() if message_of(call) is None]


def test_the_fields_of_a_text_are_those_that_it_is_given() -> None:
    broken = []
    marked = {  # text("...").message only marks a message for the catalogue
        id(node.value)
        for _, tree in sources("app", "ui")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "message"
    }
    for place, call in text_calls():
        given = {keyword.arg for keyword in call.keywords}
        if None in given or id(call) in marked:  # text(..., **values): known only when it runs
            continue
        names = {name for _, name, _, _ in string.Formatter().parse(message_of(call) or "") if name is not None}
        fields = (
            names if given else {name for name in names if name.isidentifier()}
        )  # a text without values keeps its braces
        if fields != given:
            broken.append(f"{place}: fields {sorted(fields)}, given {sorted(map(str, given))}")
    assert not broken


def test_no_words_are_slipped_into_a_text_where_no_translation_reaches_them() -> None:
    broken = []
    for place, call in text_calls():
        for keyword in call.keywords:
            if isinstance(keyword.value, ast.JoinedStr):
                words = "".join(str(part.value) for part in keyword.value.values if isinstance(part, ast.Constant))
                if re.search(r"[A-Za-z]{2,}", words) and " " in words:
                    broken.append(f"{place}: {keyword.arg}")
    assert not broken


# ---- tests


MOMENTS = ("tests/scenarios/test_notice.py", "tests/scenarios/test_whole.py")
"""What must happen between two calls (another takes the notice, a file rots) is put there by wrapping one of them."""


def test_tests_replace_no_code_and_at_most_make_a_limit_smaller() -> None:
    broken = []
    for path, tree in sources("tests"):
        for node in ast.walk(tree):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            match node:
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    wanted = {name.name for name in names} | {getattr(node, "module", None) or ""}
                    broken += [where for name in wanted if name.split(".")[-1] in ("mock", "pytest_mock")]
                case ast.Call(func=ast.Attribute(value=ast.Name("monkeypatch"), attr=act), args=arguments):
                    wraps = path.relative_to(ROOT).as_posix() in MOMENTS and act in ("setattr", "undo", "context")
                    if act not in ("setenv", "delenv", "chdir", "setitem") and not (
                        wraps or (act == "setattr" and is_data(arguments))
                    ):
                        broken.append(f"{where}: monkeypatch.{act}")
                case ast.arg(arg="mocker"):
                    broken.append(where)
    assert not broken


def is_data(arguments: list[ast.expr]) -> bool:
    """Say whether no code is set: (module, "LIMIT", 5) or ("module.LIMIT", 5), a number named in capitals, or stdin."""
    *_, name, value = (ast.unparse(argument).strip("'") for argument in arguments)
    return name == "sys.stdin" or (name.rpartition(".")[2].isupper() and re.fullmatch(r"[\d_. <]+", value) is not None)
