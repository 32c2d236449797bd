"""How cmdlets are declared, and how PowerShell binds arguments to their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from app.lab.windows.host import Host
from app.lab.windows.job import Job
from app.lab.windows.powershell.objects import PsError, Value, text_of
from app.lab.windows.powershell.parser import Argument, Command


class Kind(Enum):
    """A parameter's type, by .NET's name."""

    STRING = "System.String"
    STRINGS = "System.String[]"
    LONG = "System.Int64"
    BOOL = "System.Boolean"
    SWITCH = "System.Management.Automation.SwitchParameter"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a cmdlet."""

    name: str
    kind: Kind = Kind.STRING
    mandatory: bool = False


@dataclass
class Session:
    """What one powershell.exe has: its command, standard input's later lines, the snap-ins that were added."""

    job: Job
    input: list[str] = field(default_factory=list)
    snapins: set[str] = field(default_factory=set)
    write: Callable[[str], None] = lambda _line: None

    @property
    def host(self) -> Host:
        return self.job.host


@dataclass(frozen=True)
class Call:
    """A cmdlet with its bound arguments, about to run."""

    cmdlet: Cmdlet
    session: Session
    values: dict[str, Any]
    input: Iterable[Value] = ()

    @property
    def host(self) -> Host:
        return self.session.host

    @property
    def job(self) -> Job:
        return self.session.job

    def text(self, name: str) -> str:
        """Return a string parameter; empty where it was not given."""
        return str(self.values.get(name, ""))

    def error(self, name: str, category: str, message: str) -> PsError:
        """Return an error of this cmdlet: its id is completed with the cmdlet's type."""
        return PsError(f"{name},{self.cmdlet.type}", category, message)


@dataclass(frozen=True)
class Cmdlet:
    """A cmdlet: its name, its .NET type, its parameters, and what it does. A function binds as functions do."""

    name: str
    type: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Call], Iterable[Value]]
    changes: bool = False
    takes_input: bool = False
    snapin: str = ""
    function: bool = False

    def parameter(self, name: str) -> Parameter | None:
        return next((one for one in self.parameters if one.name.lower() == name.lower()), None)


def unknown(name: str) -> PsError:
    """Return PowerShell's answer to a name that is no command."""
    return PsError(
        "CommandNotFoundException",
        "ObjectNotFound",
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable "
        "program. Check the spelling of the name, or if a path was included, verify that the path is correct "
        "and try again.",
    )


def bind(cmdlet: Cmdlet, command: Command) -> dict[str, Any]:
    """Return the values of a cmdlet's parameters by their own names. Raises PsError."""
    values: dict[str, Any] = {}
    for argument in command.arguments:
        parameter = cmdlet.parameter(argument.name)
        if parameter is None:
            if cmdlet.function:
                continue  # a plain function leaves what it does not know in $args
            raise _binding(
                cmdlet,
                "NamedParameterNotFound",
                f"A parameter cannot be found that matches parameter name '{argument.name}'.",
            )
        if parameter.name in values:
            raise _binding(
                cmdlet,
                "ParameterAlreadyBound",
                f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once.",
            )
        values[parameter.name] = _value(cmdlet, parameter, argument)
    missing = [one.name for one in cmdlet.parameters if one.mandatory and one.name not in values]
    if missing:
        raise _binding(
            cmdlet,
            "MissingMandatoryParameter",
            f"Cannot process command because of one or more missing mandatory parameters: {' '.join(missing)}.",
        )
    return values


def _value(cmdlet: Cmdlet, parameter: Parameter, argument: Argument) -> Any:
    if parameter.kind is Kind.SWITCH:
        if argument.given:
            raise _binding(
                cmdlet,
                "PositionalParameterNotFound",
                f"A positional parameter cannot be found that accepts argument '{text_of(argument.value)}'.",
            )
        return True
    if not argument.given:
        raise _binding(
            cmdlet,
            "MissingArgument",
            f"Missing an argument for parameter '{parameter.name}'. Specify a parameter of type "
            f"'{parameter.kind.value}' and try again.",
        )
    value = argument.value
    if parameter.kind is Kind.STRINGS:
        return [text_of(item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, list):
        raise _binding(
            cmdlet,
            "CannotConvertArgument",
            f"Cannot convert 'System.Object[]' to the type '{parameter.kind.value}' required by parameter "
            f"'{parameter.name}'. Specified method is not supported.",
        )
    if parameter.kind is Kind.STRING:
        if value == "" and parameter.mandatory:
            raise PsError(
                f"ParameterArgumentValidationErrorEmptyStringNotAllowed,{cmdlet.type}",
                "InvalidData",
                f"Cannot bind argument to parameter '{parameter.name}' because it is an empty string.",
            )
        return text_of(value)
    return _converted(cmdlet, parameter, value)


def _converted(cmdlet: Cmdlet, parameter: Parameter, value: Any) -> Any:
    if parameter.kind is Kind.BOOL and not isinstance(value, str):
        return bool(value)
    if parameter.kind is Kind.LONG:
        text = str(value).strip()
        if not isinstance(value, str) or (text.isascii() and text.removeprefix("-").isdigit()):
            return int(value)
    raise PsError(
        f"ParameterArgumentTransformationError,{cmdlet.type}",
        "InvalidData",
        f"Cannot process argument transformation on parameter '{parameter.name}'. Cannot convert value "
        f'"{text_of(value)}" to type "{parameter.kind.value}".',
    )


def _binding(cmdlet: Cmdlet, name: str, message: str) -> PsError:
    return PsError(f"{name},{cmdlet.type}", "InvalidArgument", message)
