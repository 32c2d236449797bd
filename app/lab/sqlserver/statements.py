"""The statements of a batch, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from app.lab.sqlserver.tds.types import SqlType


@dataclass(frozen=True)
class Constant:
    """A literal. `kind` is its type; a text that is not `unicode` passes through the server's code page."""

    value: Any
    unicode: bool = True


@dataclass(frozen=True)
class Variable:
    """A variable of the batch, in lower case with its @."""

    name: str


Operand: TypeAlias = Constant | Variable


@dataclass(frozen=True)
class Expression:
    """Any expression or query, parsed by sqlglot; `text` is what was written."""

    node: Any
    text: str


@dataclass(frozen=True)
class Statement:
    """One statement; `line` is where it begins."""

    line: int


@dataclass(frozen=True)
class Declare(Statement):
    """DECLARE: names, types and first values."""

    items: tuple[tuple[str, SqlType, Expression | None], ...]


@dataclass(frozen=True)
class Assign(Statement):
    """SET @name = expression."""

    name: str
    expression: Expression


@dataclass(frozen=True)
class SetOption(Statement):
    """SET OPTION value; the value in capitals unless it is a name or text."""

    options: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Use(Statement):
    """USE database."""

    database: str


@dataclass(frozen=True)
class Query(Statement):
    """SELECT whose rows go to the client."""

    expression: Expression


@dataclass(frozen=True)
class AssignFromQuery(Statement):
    """SELECT @a = ..., @b = ... [FROM ...]: `names` are set from the last row's columns."""

    names: tuple[str, ...]
    expression: Expression


@dataclass(frozen=True)
class If(Statement):
    """IF condition ... ELSE ..."""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True)
class Print(Statement):
    """PRINT expression."""

    expression: Expression


@dataclass(frozen=True)
class WaitFor(Statement):
    """WAITFOR DELAY; `delay` is the text of a time."""

    delay: Operand


@dataclass(frozen=True)
class Transaction(Statement):
    """BEGIN, COMMIT, ROLLBACK."""

    act: str


@dataclass(frozen=True)
class Argument:
    """An argument of EXECUTE; `name` "" where it goes by its place, `value` None for DEFAULT."""

    name: str
    value: Operand | None
    output: bool = False


@dataclass(frozen=True)
class Execute(Statement):
    """EXECUTE [@status =] procedure arguments."""

    procedure: tuple[str, ...]
    arguments: tuple[Argument, ...]
    status: str = ""


@dataclass(frozen=True)
class Media(Statement):
    """BACKUP or RESTORE: `act` is BACKUP DATABASE, RESTORE VERIFYONLY ...; the value of an option may be None."""

    act: str
    database: Operand | None
    path: Operand
    options: tuple[tuple[str, Operand | None], ...]

    def option(self, name: str) -> Operand | None:
        return dict(self.options).get(name)

    def has(self, name: str) -> bool:
        return any(known == name for known, _ in self.options)


@dataclass(frozen=True)
class NotServed(Statement):
    """A statement that SQL Server knows and this one does not carry out."""

    name: str


def changes(statements: tuple[Statement, ...]) -> bool:
    """Say whether any of these statements acts on the world rather than looks."""
    for statement in statements:
        if isinstance(statement, NotServed):
            return True
        if isinstance(statement, Media) and statement.act in ("BACKUP DATABASE", "BACKUP LOG", "RESTORE DATABASE"):
            return True
        if isinstance(statement, If) and changes(statement.then + statement.otherwise):
            return True
    return False
