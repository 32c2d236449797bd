"""The one door: sets up what is missing, then runs, tests or checks ViewKeeper. Needs nothing but Python.

    python3 build/make.py run          open the wizard
    python3 build/make.py test         run all tests; --python PATH first: with another Python, in a .venv of its own
    python3 build/make.py setup        only set up
    python3 build/make.py check        ruff, its formatter and mypy
    python3 build/make.py cli ARGS     .venv/bin/python -m app ARGS
    python3 build/make.py screenshots  take pictures of every page, and write out/screenshots/index.html to review them
    python3 build/make.py peers        run the tests against third-party programs, and install those
    python3 build/make.py screen       go through the wizard by mouse and keyboard on a screen of its own, with pictures
    python3 build/make.py exe          build the Windows executable into out/dist, on Debian by wine
    python3 build/make.py try-exe      build it, and try what was built: by command line, by keyboard, killed
    python3 build/make.py i18n         bring the catalogue of translations up to date; --check only says what it lacks
    python3 build/make.py lock         write the locked requirements anew
    python3 build/make.py help         this text

What follows `test`, `peers`, `screen`, `try-exe` is handed to pytest; `exe --help` tells how to sign. On Windows, say
`py` instead of `python3`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this file is read by older ones too, which are to be told so
    sys.exit("ViewKeeper needs Python 3.11 or later, and this is {}.{}.".format(*sys.version_info))

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV_VARIABLE = "VIEWKEEPER_VENV"
"""Names the folder of the libraries where it is another Python's."""

VENV = ROOT / os.environ.pop(VENV_VARIABLE, ".venv")  # for this call alone, not for what it starts
OUT = ROOT / "out"
LOG = OUT / "setup.log"
TOLD = OUT / "told-of-packages"
STAMP = VENV / "set-up.json"
CATALOGUE = ROOT / "build" / "catalogue.py"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

RUN, DEV, EXE = "run", "dev", "exe"
"""The locks. All that is in the first is in the others too, in the same versions; the last is for Windows' Python."""

SYSTEM_PACKAGES = (
    *("unixodbc", "tdsodbc"),  # ODBC's driver manager and FreeTDS's driver: pyodbc for Linux brings neither
    *("libltdl7", "libkrb5-3", "libgssapi-krb5-2"),  # what Microsoft's own driver asks for
    *("libegl1", "libgl1", "libdbus-1-3", "libfontconfig1", "libglib2.0-0", "libxkbcommon0", "libxkbcommon-x11-0"),
    *("libx11-xcb1", "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0"),
    *("libxcb-render-util0", "libxcb-shape0", "libxcb-xkb1"),  # Qt's screen
    *("fonts-dejavu-core", "fonts-wqy-microhei"),  # Latin and Chinese letters
)

SCREEN_PACKAGES = ("xvfb", "openbox", "xdotool", "imagemagick", "x11-utils")
"""A virtual screen, its window manager, hands and eyes: what tests/screen needs."""

PEERS = {
    "slapd": ("slapd", "ldap-utils"),
    "tsql": ("freetds-bin",),
    "vcsim": ("golang-go", "golang-github-vmware-govmomi-dev"),
}
"""Third-party programs that tests/peers runs against, by the name that the tests call them, and their packages."""

APART = ("peers", "screen", "executable")
"""Folders of tests that have commands of their own: each needs programs that not everybody wants installed."""

NOTHING: Mapping[str, str] = {}
FINDS_APP = {"PYTHONPATH": str(ROOT)}
"""Lets `app` be found from whatever folder the program is called in."""

WINDOWS_PACKAGES = (
    *("wine", "wine64", "gcc-mingw-w64-x86-64", "osslsigncode", "openssl", "locales"),
    *("fonts-dejavu-core", "fonts-wqy-microhei"),  # wine has no letters of its own, Latin or Chinese
)
"""A look-alike of Windows in which the executable is built and tried, and what signs it."""

PEERS_VARIABLE = "VIEWKEEPER_PEERS"
"""Tells the tests that peers are to be there: JSON, by name why one cannot be, empty where it was installed."""

SCREEN_VARIABLE = "VIEWKEEPER_SCREEN"
"""Tells the tests that SCREEN_PACKAGES have been installed: nothing may be missing then."""

POLICY = Path("/usr/sbin/policy-rc.d")
STARTS_NOTHING = "#!/bin/sh\nexit 101\n"


class Trouble(Exception):
    """What went wrong and what to do, in one sentence. Anything else that is raised here is a bug."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


# ---- running programs


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what is started here: UTF-8 everywhere."""
    return {**os.environ, "PYTHONUTF8": "1", **more}


def hand_over(command: Sequence[str], *, cwd: Path | None = None, variables: Mapping[str, str]) -> NoReturn:
    """Become `command`: its lines, its signals and its exit code are this program's."""
    sys.stdout.flush()
    if WINDOWS:
        sys.exit(call(command, cwd=cwd, variables=variables))
    if cwd:
        os.chdir(cwd)
    try:
        os.execve(command[0], list(command), environment(variables))
    except OSError as error:
        raise Trouble(f"{command[0]} could not be started ({error.strerror}).") from error


def call(command: Sequence[str], *, cwd: Path | None = None, variables: Mapping[str, str] = NOTHING) -> int:
    """Run `command` with its lines shown and return its exit code. Ctrl-C is for the command, which hears it too."""
    try:
        process = subprocess.Popen(command, cwd=cwd, env=environment(variables))
    except OSError as error:
        raise Trouble(f"{command[0]} could not be started ({error.strerror}).") from error
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def quiet(command: Sequence[str], **more: str) -> bool:
    """Run `command` with its lines in the log and say whether it succeeded."""
    OUT.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        log.write(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')} {shlex.join(command)}\n".encode())
        log.flush()
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **more}, check=False
            )
        except OSError as error:
            log.write(f"{error}\n".encode())
            return False
    return done.returncode == 0


def say(line: str) -> None:
    print(line, flush=True)


def log_name() -> str:
    return str(LOG.relative_to(ROOT))


# ---- Python's libraries


def lock(name: str) -> Path:
    return ROOT / "build" / "requirements" / f"{name}.txt"


def set_up(name: str = DEV) -> None:
    """Make .venv hold what lock `name` names, with hashes checked. Takes no time where it does already."""
    set_up_translations()
    done = read_stamp()
    wanted = {lock_name: fingerprint(lock(lock_name)) for lock_name in ([RUN] if name == RUN else [RUN, DEV])}
    if wanted.items() <= done.items():
        return
    if done.get(RUN) != wanted[RUN] or DEV in done:
        make_venv()
    say(f"Installing the Python libraries into {VENV.name} (once; a minute or two) ...")
    pip = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
    if not quiet([*pip, "--require-hashes", "-r", str(lock(name))]):
        raise Trouble(
            f"The Python libraries could not be installed: is the network there? See the end of {log_name()}."
        )
    write_stamp(wanted)


def set_up_translations() -> None:
    """Compile the catalogue where its text is newer. Takes no time where it is not."""
    po = ROOT / "resources" / "locale" / "zh_CN" / "LC_MESSAGES" / "viewkeeper.po"
    mo = po.with_suffix(".mo")
    if not po.exists() or (mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns):
        return
    if not quiet([sys.executable, str(CATALOGUE), "compile"]):
        raise Trouble(f"The translations could not be compiled: see the end of {log_name()}.")


def make_venv() -> None:
    """Make .venv anew, so that nothing that was once installed hides what a lock lacks."""
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    if not can_make_venv():
        install_packages(["python3-venv"], "Python's venv module is not complete")
    try:
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise Trouble(f"{VENV} could not be removed ({error.strerror}): remove it, and start again.") from error
    if not quiet([interpreter, "-m", "venv", str(VENV)]):
        raise Trouble(f"{VENV} could not be made; what Python said is at the end of {log_name()}.")


def can_make_venv() -> bool:
    """Debian keeps parts of venv in a package of its own."""
    try:
        import ensurepip
    except ImportError:
        return False
    return bool(ensurepip.version())


def read_stamp() -> dict[str, str]:
    """Return the fingerprints of the locks that .venv holds, by name; none where it is broken or another Python's."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        whole = PYTHON.exists() and stamp["python"] == this_python() and stamp["holds"] == holds()
        return {str(name): str(value) for name, value in stamp["locks"].items()} if whole else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_stamp(locks: dict[str, str]) -> None:
    STAMP.write_text(json.dumps({"python": this_python(), "holds": holds(), "locks": locks}, indent=1), "utf-8")


def this_python() -> str:
    return f"{sys.version.split()[0]} {sys.base_prefix}"


def holds() -> str:
    """Return what tells this content of .venv from another: the names of what is installed in it."""
    folder = VENV / "Lib/site-packages" if WINDOWS else next(iter(VENV.glob("lib/python*/site-packages")), VENV)
    return hashlib.sha256("\n".join(sorted(os.listdir(folder))).encode()).hexdigest()  # noqa: PTH208  # names only


def fingerprint(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    except OSError as error:
        raise Trouble(f"{file} cannot be read ({error.strerror}): the project's folder is not whole.", 2) from error


# ---- the system's packages


def set_up_system() -> None:
    """Install what Debian or Ubuntu must provide. Elsewhere on Linux say once what is needed; Windows needs nothing."""
    if not sys.platform.startswith("linux"):
        return
    if shutil.which("dpkg-query"):
        install_packages(SYSTEM_PACKAGES, "Packages of the system are missing")
    elif not TOLD.exists():
        say(
            "Note: needed here, as your distribution calls them: unixODBC, FreeTDS's ODBC driver, Qt 6's X11 libraries."
        )
        OUT.mkdir(exist_ok=True)
        TOLD.touch()


def install_packages(names: Sequence[str], why: str) -> None:
    """Install those of the packages that are missing, without questions. Trouble where this cannot be done."""
    missing = missing_packages(names)
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not is_root() or not shutil.which("apt-get"):
        raise Trouble(f"{why}: run `sudo {shlex.join(command)}`, then start again.")
    say(f"Installing packages of the system (once): {' '.join(missing)} ...")
    with services_stay_off():
        for attempt in (1, 2):
            if apt(command):
                return
            if attempt == 1:  # a fresh or old list of packages is the usual reason
                apt(["apt-get", "update"])
    raise Trouble(
        f"{why}, and apt-get failed to install them: see the end of {log_name()}, then run `{shlex.join(command)}`."
    )


def apt(command: Sequence[str]) -> bool:
    waiting = [command[0], "-o", "DPkg::Lock::Timeout=300", *command[1:]]
    return quiet(waiting, DEBIAN_FRONTEND="noninteractive", NEEDRESTART_MODE="l", LC_ALL="C.UTF-8")


def missing_packages(names: Sequence[str]) -> list[str]:
    """Return which of the packages are not installed; what another package provides counts as installed."""
    if not shutil.which("dpkg-query"):
        return list(names)
    form = "${db:Status-Status} ${Package} ${Provides}\n"
    asked = subprocess.run(
        ["dpkg-query", "--show", "--showformat", form], capture_output=True, encoding="utf-8", check=False
    )
    there: set[str] = set()
    for line in asked.stdout.splitlines():
        status, *provided = line.replace(",", " ").split()
        if status == "installed":
            there.update(provided)
    return [name for name in names if name not in there]


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


@contextmanager
def services_stay_off(policy: Path = POLICY) -> Iterator[None]:
    """Keep Debian from starting a service that a package brings (slapd), by the file that it asks first."""
    if policy.exists():  # the machine has a rule of its own, which is not ours to change
        yield
        return
    policy.write_text(STARTS_NOTHING, "ascii")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def prepare_peer(name: str) -> str:
    """Install a third-party program of PEERS; return why it cannot be had, or nothing."""
    if not sys.platform.startswith("linux"):
        return "it is only to be had on Linux"
    if not missing_packages(PEERS[name]):
        return ""
    if (
        name == "slapd"
        and POLICY.exists()
        and subprocess.run([str(POLICY), "slapd", "start"], check=False).returncode != 101
    ):
        return f"{POLICY} of this machine would let its service start"
    try:
        install_packages(PEERS[name], "The program's packages are missing")
    except Trouble as trouble:
        return str(trouble)
    return ""


# ---- commands


def command_run(arguments: list[str]) -> NoReturn:
    """Open the wizard; where there is no screen, it says what to do."""
    set_up_system()
    set_up(RUN)
    hand_over([str(PYTHON), "-P", "-m", "ui", *arguments], variables=FINDS_APP)


def command_test(arguments: list[str]) -> NoReturn:
    if arguments[:1] == ["--python"]:
        test_with(arguments[1:])
    set_up_system()
    set_up()
    pytest = [str(PYTHON), "-m", "pytest", "-n", "auto", *(f"--ignore=tests/{name}" for name in APART)]
    hand_over([*pytest, *arguments], cwd=ROOT, variables={**FINDS_APP, "QT_QPA_PLATFORM": "offscreen"})


def test_with(arguments: list[str]) -> NoReturn:
    """Run all tests with another Python, whose libraries lie beside ours."""
    if not arguments:
        raise Trouble("Say which Python: test --python PATH.", 2)
    python, *rest = arguments
    asked = 'import sys; print("{}.{}".format(*sys.version_info))'
    try:
        told = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Trouble(f"{python} could not be started ({error.strerror}).", 2) from error
    version = told.stdout.strip()
    if told.returncode or not all(part.isdecimal() for part in version.split(".")):
        said = (told.stderr.strip().splitlines() or ["nothing"])[0].rstrip(".")
        raise Trouble(f"{python} is no Python that runs; asked for its version, it said: {said}.", 2)
    folder = f".venv-{version}"
    hand_over([shutil.which(python) or python, __file__, "test", *rest], variables={VENV_VARIABLE: folder})


def command_setup(_: list[str]) -> None:
    set_up_system()
    set_up()
    say("All is set up.")


def command_check(_: list[str]) -> None:
    set_up()
    tools = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
    failed = [shlex.join(tool) for tool in tools if call([str(PYTHON), "-m", *tool], cwd=ROOT)]
    if failed:
        raise Trouble(f"Not clean: {', '.join(failed)}.")
    say("All clean: ruff check, ruff format, mypy.")


def command_cli(arguments: list[str]) -> NoReturn:
    set_up_system()
    set_up(RUN)
    hand_over([str(PYTHON), "-P", "-m", "app", *arguments], variables=FINDS_APP)


def command_screenshots(arguments: list[str]) -> NoReturn:
    """Take pictures of every page, in both languages, light and dark, at 100 and 200 %."""
    set_up_system()
    set_up(RUN)
    hand_over([str(PYTHON), "-P", "-m", "build.pictures", *arguments], variables=FINDS_APP)


def command_peers(arguments: list[str]) -> NoReturn:
    set_up_system()
    set_up()
    reasons = {name: prepare_peer(name) for name in PEERS}
    for name, reason in reasons.items():
        if reason:
            say(f"{name}: skipped, because {reason}")
    pytest = [str(PYTHON), "-m", "pytest", "-rs", "tests/peers"]
    hand_over([*pytest, *arguments], cwd=ROOT, variables={**FINDS_APP, PEERS_VARIABLE: json.dumps(reasons)})


def command_screen(arguments: list[str]) -> NoReturn:
    """Walk through the wizard as a person does; the pictures stay in out/screen."""
    if not sys.platform.startswith("linux"):
        raise Trouble("A screen of its own is only to be had on Linux.", 2)
    set_up_system()
    install_packages(SCREEN_PACKAGES, "The programs that make a screen are missing")
    set_up()
    pytest = [str(PYTHON), "-m", "pytest", "tests/screen"]
    hand_over([*pytest, *arguments], cwd=ROOT, variables={**FINDS_APP, SCREEN_VARIABLE: "1"})


def command_exe(arguments: list[str]) -> NoReturn:
    """Build the one Windows executable: on Windows natively, on Debian in wine."""
    set_up_windows()
    hand_over([str(PYTHON), "-m", "build.executable", *arguments], cwd=ROOT, variables=FINDS_APP)


def command_try_exe(arguments: list[str]) -> NoReturn:
    """Build it where its files have changed, and try it as its users will."""
    if WINDOWS:
        raise Trouble("On Windows a person tries it: see resources/help/en/try-on-windows.md.", 2)
    set_up_windows()
    install_packages(SCREEN_PACKAGES, "The programs that make a screen are missing")
    hand_over([str(PYTHON), "-m", "build.trying", *arguments], cwd=ROOT, variables=FINDS_APP)


def set_up_windows() -> None:
    """Have what builds and tries the executable. Where there is neither Windows nor Debian, it says so."""
    if not WINDOWS:
        if not sys.platform.startswith("linux"):
            raise Trouble("The executable is built on Windows, or on Debian in wine.", 2)
        install_packages(WINDOWS_PACKAGES, "What the executable is built in is missing")
    set_up_system()
    set_up()


def command_i18n(arguments: list[str]) -> NoReturn:
    set_up()
    wrong = [argument for argument in arguments if argument != "--check"]
    if wrong:
        raise Trouble(f"i18n knows --check and nothing else: {shlex.join(wrong)}.", 2)
    command = "check" if arguments else "update"
    hand_over([str(PYTHON), str(CATALOGUE), command], cwd=ROOT, variables=NOTHING)


def command_lock(_: list[str]) -> None:
    """Write the locks anew from pyproject.toml with the newest versions, without any index's address in them."""
    uv = shutil.which("uv") or locker()
    compile_ = [uv, "pip", "compile", "--universal", "--generate-hashes", "--upgrade"]
    options = ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "python3 build/make.py lock"]
    beside = ["--constraint", str(lock(RUN).relative_to(ROOT))]
    oldest, shipped = ["--python-version", "3.11"], ["--python-version", "3.13"]
    wanted = {
        RUN: oldest, DEV: [*oldest, "--extra", "dev", *beside], EXE: [*shipped, "--extra", "exe", *beside],
    }  # fmt: skip
    for name, more in wanted.items():
        lock(name).parent.mkdir(exist_ok=True)
        target = ["--quiet", "--output-file", str(lock(name).relative_to(ROOT)), "pyproject.toml"]
        if call([*compile_, *options, *more, *target], cwd=ROOT):
            raise Trouble(f"uv could not make {lock(name).name}: is the network there?")
        say(f"Written: {lock(name).relative_to(ROOT)}")


def locker() -> str:
    """Return uv's path in an environment of its own: only the one who makes locks needs it."""
    folder = OUT / "uv"
    binary = folder / ("Scripts/uv.exe" if WINDOWS else "bin/uv")
    if not binary.exists():
        python = folder / PYTHON.relative_to(VENV)
        if not (
            quiet([sys.executable, "-m", "venv", str(folder)])
            and quiet([str(python), "-m", "pip", "install", "--disable-pip-version-check", "uv"])
        ):
            raise Trouble(f"uv, which makes the locks, could not be installed; see the end of {log_name()}.")
    return str(binary)


def command_help(_: list[str]) -> None:
    say((__doc__ or "").strip())


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "run": command_run,
    "test": command_test,
    "setup": command_setup,
    "check": command_check,
    "cli": command_cli,
    "screenshots": command_screenshots,
    "peers": command_peers,
    "screen": command_screen,
    "exe": command_exe,
    "try-exe": command_try_exe,
    "i18n": command_i18n,
    "lock": command_lock,
    "help": command_help,
}
"""Every command takes the arguments that follow its name."""


def main(arguments: list[str]) -> int:
    """Carry out the command that `arguments` begin with and return the exit code."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    name = "help" if name in ("-h", "--help") else name
    if name not in COMMANDS:
        print(f"There is no command {name!r}; there are: {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    try:
        COMMANDS[name](rest)
    except Trouble as trouble:
        sys.stdout.flush()
        print(trouble, file=sys.stderr)
        return trouble.code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except OSError as error:  # a full disk, a folder that may not be written in
        print(f"That did not work: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # both are TextIOWrapper here
    sys.exit(main(sys.argv[1:]))
