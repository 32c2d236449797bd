"""Runs the statements of a batch, one after another, in the state of its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.lab.rows import Fault
from app.lab.sqlserver import procedures, restore, values
from app.lab.sqlserver.backup import Order, back_up
from app.lab.sqlserver.parser import parse, parse_declarations
from app.lab.sqlserver.procedures import Given, Outcome
from app.lab.sqlserver.queries import Queries
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.state import State
from app.lab.sqlserver.statements import (
    Assign,
    AssignFromQuery,
    Constant,
    Declare,
    Execute,
    Expression,
    If,
    Media,
    NotServed,
    Operand,
    Print,
    Query,
    SetOption,
    Statement,
    Transaction,
    Use,
    Variable,
    WaitFor,
)  # fmt: skip
from app.lab.sqlserver.tds.tokens import SELECT, SET, USE, Said
from app.lab.sqlserver.tds.types import INT, SqlType, nvarchar
from app.lab.sqlserver.words import SqlError, language, say_error
from app.lab.sqlserver.work import Work

Values = dict[str, tuple[SqlType, Any]]
DEEPEST = 32
_GOES_ON = frozenset({3013, 2812, 245, 241, 8134, 8115, 8169, 22051, 229, 916})
"""Errors after which SQL Server goes on with the next statement; the others end the batch."""


class Batch:
    """One batch or call. `variables` are the caller's parameters, and take what the batch assigns."""

    def __init__(
        self, state: State, work: Work, variables: Values | None = None, fault: Fault | None = None, depth: int = 0
    ) -> None:
        self._state, self._work, self._fault, self._depth = state, work, fault, depth
        self.variables: Values = variables if variables is not None else {}
        self._rowcount, self._error = 0, 0

    def run(self, text: str) -> bool:
        """Parse and run a batch; say whether it ended without an error. Errors are told to the client."""
        if self._depth > DEEPEST:
            self._tell(SqlError(217, DEEPEST))
            return False
        try:
            statements = parse(text, self._state.instance.release)
        except SqlError as error:
            self._tell(error)
            return False
        return self._all(statements)

    def _all(self, statements: tuple[Statement, ...]) -> bool:
        good = True
        for statement in statements:
            try:
                self._run(statement)
                self._error = 0
            except SqlError as error:
                self._tell(error.at(statement.line))
                good, self._error = False, error.number
                if error.number not in _GOES_ON:
                    break
        return good

    def _tell(self, error: SqlError) -> None:
        self._work.reply.say(*say_error(error, self._state.language))
        self._work.reply.done(error=True)

    def _run(self, statement: Statement) -> None:
        self._work.pause(0)
        self._HANDLERS[type(statement)](self, statement)

    # ---- values

    def _queries(self) -> Queries:
        look = Look(self._state.instance, self._state.seat, self._state.database)
        return Queries(look, self.variables, self._globals())

    def _globals(self) -> Values:
        return {
            "ROWCOUNT": (INT, self._rowcount), "ERROR": (INT, self._error),
            "TRANCOUNT": (INT, self._state.transactions),
            "NESTLEVEL": (INT, self._depth), "LANGUAGE": (nvarchar(128), self._state.language),
        }  # fmt: skip

    def _worked_out(self, expression: Expression) -> tuple[SqlType, Any]:
        result = self._queries().run(expression.node)
        rows = list(result.rows)
        return result.columns[0].kind, rows[0][0] if rows else None

    def operand(self, operand: Operand | None) -> Any:
        """Return the value of a constant or variable. SqlError 137 for a variable that was not declared."""
        if operand is None:
            return None
        if isinstance(operand, Constant):
            plain = isinstance(operand.value, str) and not operand.unicode
            return values.page(operand.value, self._state.instance.collation) if plain else operand.value
        if operand.name not in self.variables:
            raise SqlError(137, operand.name)
        return self.variables[operand.name][1]

    def assign(self, name: str, kind: SqlType, value: Any) -> None:
        """Give a variable a value, cast to its own type."""
        if name not in self.variables:
            raise SqlError(137, name)
        target = self.variables[name][0]
        fitted = values.cast(values.to_sqlite(value), kind, target, None, self._state.instance.collation)
        self.variables[name] = (target, values.from_sqlite(fitted, target))

    # ---- statements

    def _declare(self, statement: Declare) -> None:
        for name, kind, value in statement.items:
            if name in self.variables:
                raise SqlError(134, name)
            self.variables[name] = (kind, None)
            if value is not None:
                self.assign(name, *self._worked_out(value))

    def _assign(self, statement: Assign) -> None:
        self.assign(statement.name, *self._worked_out(statement.expression))
        self._work.reply.done(SET)

    def _query(self, statement: Query) -> None:
        queries, node = self._queries(), statement.expression.node
        reply = self._work.reply
        if self._state.options.get("FMTONLY") == "ON":
            reply.rows(queries.only_columns(node), iter(()), lambda: None)
            return
        result = queries.run(node)
        self._rowcount = reply.rows(result.columns, result.rows, lambda: self._work.pause(0))

    def _assign_from_query(self, statement: AssignFromQuery) -> None:
        result = self._queries().run(statement.expression.node)
        count = 0
        for row in result.rows:
            count += 1
            for name, column, value in zip(statement.names, result.columns, row, strict=True):
                self.assign(name, column.kind, value)
        self._rowcount = count
        self._work.reply.done(SELECT, rows=None if self._state.options.get("NOCOUNT") == "ON" else count)

    def _if(self, statement: If) -> None:
        _, true = self._worked_out(statement.condition)
        self._all(statement.then if true else statement.otherwise)

    def _print(self, statement: Print) -> None:
        kind, value = self._worked_out(statement.expression)
        self._work.reply.say(Said(0, values.text_of(value, kind)[:4000] if value is not None else " "))
        self._work.reply.done()

    def _wait_for(self, statement: WaitFor) -> None:
        delay = values.moment(str(self.operand(statement.delay)))
        with self._work.request("WAITFOR", self._state.seat.database):
            self._work.pause(delay.hour * 3600 + delay.minute * 60 + delay.second + delay.microsecond / 1e6)
        self._work.reply.done()

    def _use(self, statement: Use) -> None:
        self._state.use(statement.database, self._work.reply)
        self._work.reply.done(USE)

    def _set_option(self, statement: SetOption) -> None:
        for option in statement.options:
            self._state.options[option] = statement.value.upper()
            if option == "LANGUAGE":
                self._state.speak(language(statement.value), self._work.reply)
        self._work.reply.done(SET)

    def _transaction(self, statement: Transaction) -> None:
        if statement.act == "BEGIN":
            self._state.transactions += 1
        elif not self._state.transactions:
            raise SqlError(3902 if statement.act == "COMMIT" else 3903)
        else:
            self._state.transactions = self._state.transactions - 1 if statement.act == "COMMIT" else 0
        self._work.reply.done()

    def _media(self, statement: Media) -> None:
        options = {name: self.operand(value) for name, value in statement.options}
        order = Order(self.operand(statement.database), self.operand(statement.path), options)
        if statement.act == "BACKUP DATABASE":
            back_up(self._work, order, self._fault)
        elif statement.act.startswith("BACKUP"):
            raise SqlError(40510, statement.act)
        else:
            restore.read_back(self._work, statement.act, order, self._fault)

    def _not_served(self, statement: NotServed) -> None:
        raise SqlError(40510, statement.name)

    # ---- procedures

    def _execute(self, statement: Execute) -> None:
        name = statement.procedure[-1].lower()
        if name == "sp_executesql":
            self._execute_text(statement)
            return
        procedure = procedures.find(statement.procedure, self._state.instance.release)
        given = [self._given(argument.name, argument.value, argument.output) for argument in statement.arguments]
        status = self._call(procedure, given)
        if statement.status:
            self.assign(statement.status, INT, status)

    def _given(self, name: str, operand: Operand | None, output: bool) -> Given:
        set_output: Callable[[Any], None] | None = None
        if output:
            if not isinstance(operand, Variable):
                raise SqlError(179)
            variable = operand.name

            def set_output(value: Any) -> None:
                self.assign(variable, nvarchar(4000) if isinstance(value, str) else INT, value)

        return Given(name, self.operand(operand), set_output)

    def _call(self, procedure: Callable[[Work, list[Given]], Outcome], given: list[Given]) -> int:
        reply = self._work.reply
        reply.enter()
        try:
            outcome = procedure(self._work, given)
        except SqlError as error:
            self._tell(error)
            reply.leave(1, error=True)
            return 1
        if outcome.columns:
            reply.rows(outcome.columns, iter(outcome.rows), lambda: None)
        reply.leave(outcome.status)
        return outcome.status

    def call(self, name: str, given: list[Given]) -> int:
        """Call a procedure by name, as a client's remote call does."""
        parts = tuple(part.strip("[]") for part in name.split("."))
        try:
            procedure = procedures.find(parts, self._state.instance.release)
        except SqlError as error:
            self._tell(error)
            return 1
        try:
            outcome = procedure(self._work, given)
        except SqlError as error:
            self._tell(error)
            return 1
        if outcome.columns:
            self._work.reply.rows(outcome.columns, iter(outcome.rows), lambda: None)
        return outcome.status

    def _execute_text(self, statement: Execute) -> None:
        """EXEC sp_executesql N'...', N'@a int', @a = ...: a batch of its own, with variables of its own."""
        given = [self.operand(argument.value) for argument in statement.arguments]
        if not given:
            raise SqlError(201, "sp_executesql", "@statement")
        declared = (
            parse_declarations(str(given[1]), self._state.instance.release) if len(given) > 1 and given[1] else ()
        )
        inner = Batch(
            self._state, self._work, {name: (kind, None) for name, kind in declared}, self._fault, self._depth + 1
        )
        passed = list(zip(statement.arguments[2:], given[2:], strict=True))
        for place, (argument, value) in enumerate(passed):
            if not argument.name and place >= len(declared):
                raise SqlError(8144, "sp_executesql")
            inner.assign(argument.name or declared[place][0], kind_of(value), value)
        self._work.reply.enter()
        good = inner.run(str(given[0] or ""))
        for place, (argument, _) in enumerate(passed):
            if argument.output and isinstance(argument.value, Variable):
                self.assign(argument.value.name, *inner.variables[argument.name or declared[place][0]])
        self._work.reply.leave(0 if good else 1, error=not good)

    _HANDLERS: dict[type, Callable[[Batch, Any], None]] = {  # noqa: RUF012  # a table of methods, never changed
        Declare: _declare, Assign: _assign, Query: _query, AssignFromQuery: _assign_from_query, If: _if, Print: _print,
        WaitFor: _wait_for, Use: _use, SetOption: _set_option, Transaction: _transaction, Media: _media,
        NotServed: _not_served, Execute: _execute,
    }  # fmt: skip


def kind_of(value: Any) -> SqlType:
    """Return the type that a Python value has by itself."""
    if isinstance(value, bool):
        return SqlType("bit")
    if isinstance(value, int):
        return SqlType("bigint")
    if isinstance(value, float):
        return SqlType("float")
    if isinstance(value, bytes):
        return SqlType("varbinary", -1)
    return nvarchar(-1)
