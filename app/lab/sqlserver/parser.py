"""A batch of T-SQL, taken apart into statements. All of it is parsed before any of it runs, as SQL Server does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from app.lab.sqlserver.lexer import Is, Word, words_of
from app.lab.sqlserver.statements import (
    Argument,
    Assign,
    AssignFromQuery,
    Constant,
    Declare,
    Execute,
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
from app.lab.sqlserver.tds.types import MAX, SqlType
from app.lab.sqlserver.tds.versions import SQL_2008, Release
from app.lab.sqlserver.tsql import parse_condition, parse_expression, parse_query
from app.lab.sqlserver.words import SqlError

_NOT_SERVED = frozenset(
    {"INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "GRANT", "DENY", "REVOKE", "DBCC", "KILL", "TRUNCATE",
     "RECONFIGURE", "MERGE", "CHECKPOINT", "SHUTDOWN", "WHILE", "RETURN", "RAISERROR", "GOTO", "OPEN", "FETCH",
     "CLOSE", "DEALLOCATE", "BULK", "SAVE", "THROW"}
)  # fmt: skip
_SERVED = frozenset(
    {"DECLARE", "SET", "SELECT", "WITH", "USE", "BACKUP", "RESTORE", "EXEC", "EXECUTE", "WAITFOR", "IF", "PRINT",
    "BEGIN",
     "COMMIT", "ROLLBACK"}
)  # fmt: skip
_STARTS = (_SERVED | _NOT_SERVED) - {"WITH", "OPEN", "CLOSE", "FETCH"} | {"ELSE"}
_RESERVED = _STARTS | {
    "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "UNION", "AND", "OR", "NOT", "NULL", "TO", "AS", "ON",
    "END", "INTO",
    "TABLE", "VALUES", "DATABASE", "CASE", "WHEN", "THEN", "JOIN", "WITH",
}  # fmt: skip
SET_OPTIONS = frozenset(
    {"QUOTED_IDENTIFIER", "ANSI_NULLS", "ANSI_PADDING", "ANSI_WARNINGS", "ANSI_NULL_DFLT_ON", "ANSI_NULL_DFLT_OFF",
     "ANSI_DEFAULTS", "ARITHABORT", "ARITHIGNORE", "CONCAT_NULL_YIELDS_NULL", "NOCOUNT", "TEXTSIZE", "LOCK_TIMEOUT",
     "ROWCOUNT", "CURSOR_CLOSE_ON_COMMIT", "IMPLICIT_TRANSACTIONS", "LANGUAGE", "DATEFORMAT", "DATEFIRST", "XACT_ABORT",
     "DEADLOCK_PRIORITY", "NUMERIC_ROUNDABORT", "FMTONLY", "NO_BROWSETABLE", "NOEXEC", "PARSEONLY"}
)  # fmt: skip


def parse(text: str, release: Release) -> tuple[Statement, ...]:
    """Return the statements of a batch. SqlError where the release would not take it; `line` set."""
    return _Parser(text, release).batch()


def parse_declarations(text: str, release: Release) -> tuple[tuple[str, SqlType], ...]:
    """Return names and types of sp_executesql's second parameter."""
    return _Parser(text, release).declarations()


class _Parser:
    def __init__(self, text: str, release: Release) -> None:
        self._text, self._release = text, release
        self._words, self._at = words_of(text), 0

    # ---- words

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _take(self) -> Word:
        word = self._word
        if word.kind is not Is.END:
            self._at += 1
        return word

    def _accept(self, *wanted: str) -> bool:
        """Take the next word if it is one of these keywords or signs."""
        if self._word.upper in wanted or (self._word.kind is Is.SIGN and self._word.text in wanted):
            self._take()
            return True
        return False

    def _expect(self, *wanted: str) -> None:
        if not self._accept(*wanted):
            raise self._unexpected()

    def _unexpected(self) -> SqlError:
        word = self._word
        if word.kind is Is.END:
            word = self._words[max(self._at - 1, 0)]
        return SqlError(156 if word.upper in _RESERVED else 102, word.value or word.text).at(word.line)

    def _name(self) -> str:
        if not self._word.is_name or self._word.upper in _RESERVED:
            raise self._unexpected()
        return self._take().value

    # ---- batch

    def batch(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while self._accept(";"):
            pass
        while self._word.kind is not Is.END:
            found += self._statement(first=not found)
            while self._accept(";"):
                pass
        return tuple(found)

    def _statement(self, *, first: bool = False) -> list[Statement]:
        word = self._word
        if word.upper in _SERVED:
            method: Callable[[], list[Statement]] = getattr(self, f"_{word.upper.lower()}")
            return method()
        if word.upper in _NOT_SERVED:
            return self._not_served()
        if first and word.is_name and word.upper not in _RESERVED:
            return self._procedure(word.line)
        raise self._unexpected()

    def _not_served(self) -> list[Statement]:
        line, name = self._word.line, " ".join(word.value for word in self._words[self._at : self._at + 2])
        while self._word.kind is not Is.END:  # what follows it is not understood either
            self._take()
        return [NotServed(line, name.upper().strip())]

    def _span(self, *stops: str) -> list[Word]:
        """Take the words of an expression or query: up to a stop, a semicolon or the next statement's first word."""
        begin, depth, cases = self._at, 0, 0
        joined = self._word.upper == "WITH"  # a SELECT that continues: after WITH, after UNION
        while self._word.kind is not Is.END:
            word = self._word
            if word.kind is Is.SIGN and word.text in "()":
                depth += 1 if word.text == "(" else -1
                if depth < 0:
                    break
            elif depth == 0:
                if word.upper == "CASE":
                    cases += 1
                elif word.upper == "END" and cases:
                    cases -= 1
                elif self._ends_span(word, stops, begin, cases=cases, joined=joined):
                    break
            if depth == 0 and word.upper:
                joined = word.upper in ("UNION", "ALL", "EXCEPT", "INTERSECT") or (joined and word.upper != "SELECT")
            self._take()
        if self._at == begin:
            raise self._unexpected()
        return self._words[begin : self._at]

    def _ends_span(self, word: Word, stops: tuple[str, ...], begin: int, *, cases: int, joined: bool) -> bool:
        if word.kind is Is.SIGN:
            return word.text == ";" or word.text in stops
        if word.upper in ("ELSE", "END") and cases:
            return False
        if word.upper == "SELECT" and (joined or self._at == begin):
            return False
        if self._at == begin and word.upper == "WITH":
            return False
        return word.upper in stops or word.upper in _STARTS or word.upper == "END"

    # ---- variables

    def _declare(self) -> list[Statement]:
        line = self._take().line
        items = []
        while True:
            name, kind = self._declaration()
            value = None
            if self._accept("="):
                if self._release < SQL_2008:
                    raise SqlError(139).at(line)
                value = parse_expression(self._span(","), self._text)
            items.append((name, kind, value))
            if not self._accept(","):
                return [Declare(line, tuple(items))]

    def declarations(self) -> tuple[tuple[str, SqlType], ...]:
        found = []
        while self._word.kind is not Is.END:
            found.append(self._declaration())
            self._accept("OUTPUT", "OUT")
            if not self._accept(","):
                break
        if self._word.kind is not Is.END:
            raise self._unexpected()
        return tuple(found)

    def _declaration(self) -> tuple[str, SqlType]:
        if self._word.kind is not Is.VARIABLE:
            raise self._unexpected()
        name = self._take().value
        self._accept("AS")
        return name, self._type()

    def _type(self) -> SqlType:
        line, name = self._word.line, self._name().lower()
        sizes: list[int] = []
        if self._accept("("):
            while not self._accept(")"):
                word = self._take()
                if word.upper == "MAX":
                    sizes.append(MAX)
                elif word.kind is Is.NUMBER and word.value.isdigit():
                    sizes.append(int(word.value))
                else:
                    raise SqlError(102, word.text).at(word.line)
                self._accept(",")
        return type_named(name, tuple(sizes), self._release, line)

    def _set(self) -> list[Statement]:
        line = self._take().line
        if self._word.kind is Is.VARIABLE:
            name = self._take().value
            self._expect("=")
            return [Assign(line, name, parse_expression(self._span(), self._text))]
        if self._accept("TRANSACTION"):
            self._expect("ISOLATION")
            self._expect("LEVEL")
            return [SetOption(line, ("TRANSACTION ISOLATION LEVEL",), " ".join(word.upper for word in self._span()))]
        options = [self._set_option()]
        while self._accept(","):
            options.append(self._set_option())
        negative = "-" if self._accept("-") else ""
        word = self._take()
        if word.kind in (Is.END, Is.SIGN):
            raise self._unexpected()
        return [SetOption(line, tuple(options), negative + word.value)]

    def _set_option(self) -> str:
        word = self._take()
        if word.upper not in SET_OPTIONS:
            raise SqlError(195, word.value or word.text, "SET option").at(word.line)
        return word.upper

    # ---- queries

    def _select(self) -> list[Statement]:
        line, words = self._word.line, self._span()
        names = _assigned(words)
        if not names:
            return [Query(line, parse_query(words, self._text))]
        return [AssignFromQuery(line, tuple(names), parse_query(words, self._text))]

    _with = _select

    def _if(self) -> list[Statement]:
        line = self._take().line
        condition = parse_condition(self._span(), self._text)
        then = tuple(self._statement())
        self._accept(";")
        otherwise = tuple(self._statement()) if self._accept("ELSE") else ()
        return [If(line, condition, then, otherwise)]

    def _print(self) -> list[Statement]:
        line = self._take().line
        return [Print(line, parse_expression(self._span(), self._text))]

    # ---- the rest

    def _use(self) -> list[Statement]:
        line = self._take().line
        return [Use(line, self._name())]

    def _begin(self) -> list[Statement]:
        line = self._take().line
        if self._accept("TRAN", "TRANSACTION"):
            self._optional_name()
            return [Transaction(line, "BEGIN")]
        found: list[Statement] = []
        while not self._accept("END"):
            found += self._statement()
            while self._accept(";"):
                pass
        return found

    def _commit(self) -> list[Statement]:
        word = self._take()
        self._accept("TRAN", "TRANSACTION", "WORK")
        self._optional_name()
        return [Transaction(word.line, word.upper)]

    _rollback = _commit

    def _optional_name(self) -> None:
        if self._word.is_name and self._word.upper not in _RESERVED:
            self._take()

    def _waitfor(self) -> list[Statement]:
        line = self._take().line
        if not self._accept("DELAY"):
            return [NotServed(line, "WAITFOR " + self._take().value.upper())]
        return [WaitFor(line, self._operand())]

    def _exec(self) -> list[Statement]:
        line = self._take().line
        if self._word.text == "(":
            return self._not_served()
        status = ""
        if self._word.kind is Is.VARIABLE:
            status = self._take().value
            self._expect("=")
        return self._procedure(line, status)

    _execute = _exec

    def _procedure(self, line: int, status: str = "") -> list[Statement]:
        parts = [self._name()]
        while self._accept("."):
            parts.append("" if self._word.text == "." else self._name())
        arguments: list[Argument] = []
        while self._word.kind is not Is.END and self._word.text != ";" and self._word.upper not in _STARTS | {"END"}:
            arguments.append(self._argument())
            if not self._accept(","):
                break
        return [Execute(line, tuple(parts), tuple(arguments), status)]

    def _argument(self) -> Argument:
        name = ""
        if self._word.kind is Is.VARIABLE and self._words[self._at + 1].text == "=":
            name = self._take().value
            self._take()
        if self._accept("DEFAULT"):
            return Argument(name, None)
        value: Operand
        if self._word.is_name and self._word.upper not in _RESERVED:
            value = Constant(self._take().value)  # a bare word is a text here
        else:
            value = self._operand()
        return Argument(name, value, self._accept("OUTPUT", "OUT"))

    def _operand(self) -> Operand:
        """Take a constant or a variable: nothing else may stand where this is called."""
        negative = self._accept("-")
        word = self._word
        if word.kind is Is.NUMBER:
            self._take()
            number = float(word.value) if not word.value.isdigit() else int(word.value)
            return Constant(-number if negative else number)
        if negative:
            raise self._unexpected()
        if word.kind in (Is.TEXT, Is.UNICODE):
            return Constant(self._take().value, unicode=word.kind is Is.UNICODE)
        if word.kind is Is.VARIABLE:
            return Variable(self._take().value)
        if word.kind is Is.BINARY:
            return Constant(bytes.fromhex(self._take().value.rjust(len(word.value) + len(word.value) % 2, "0")))
        if self._accept("NULL"):
            return Constant(None)
        raise self._unexpected()

    def _backup(self) -> list[Statement]:
        line = self._take().line
        what = self._word.upper
        self._expect("DATABASE", "LOG")
        database = Variable(self._take().value) if self._word.kind is Is.VARIABLE else Constant(self._name())
        self._expect("TO")
        return [Media(line, f"BACKUP {what}", database, self._device(), self._options("BACKUP", BACKUP_OPTIONS))]

    def _restore(self) -> list[Statement]:
        line = self._take().line
        what = self._word.upper
        if what in ("DATABASE", "LOG"):
            return self._not_served_restore(line)
        self._expect("VERIFYONLY", "HEADERONLY", "FILELISTONLY", "LABELONLY")
        self._expect("FROM")
        return [Media(line, f"RESTORE {what}", None, self._device(), self._options("RESTORE", RESTORE_OPTIONS))]

    def _not_served_restore(self, line: int) -> list[Statement]:
        self._at -= 1
        [statement] = self._not_served()
        assert isinstance(statement, NotServed)
        return [NotServed(line, statement.name)]

    def _device(self) -> Operand:
        if self._word.is_name and self._word.upper != "DISK" and self._words[self._at + 1].text != "=":
            raise SqlError(3206, self._name()).at(self._word.line)
        self._expect("DISK")
        self._expect("=")
        device = self._operand()
        if self._word.text == ",":
            raise SqlError(40510, "BACKUP TO several devices").at(self._word.line)
        return device

    def _options(self, statement: str, known: dict[str, bool]) -> tuple[tuple[str, Operand | None], ...]:
        found: list[tuple[str, Operand | None]] = []
        if not self._accept("WITH"):
            return ()
        while True:
            word = self._take()
            since_2008 = word.upper in ("COMPRESSION", "NO_COMPRESSION")
            if word.upper not in known or (since_2008 and self._release < SQL_2008):
                raise SqlError(155, word.value or word.text, statement).at(word.line)
            if known[word.upper]:
                self._expect("=")
                found.append((word.upper, self._operand()))
            else:
                found.append((word.upper, self._operand() if word.upper == "STATS" and self._accept("=") else None))
            if not self._accept(","):
                return _without_conflicts(found, word.line)


BACKUP_OPTIONS = dict.fromkeys(
    ("COPY_ONLY", "CHECKSUM", "NO_CHECKSUM", "INIT", "NOINIT", "FORMAT", "NOFORMAT", "SKIP", "NOSKIP", "COMPRESSION",
     "NO_COMPRESSION", "STOP_ON_ERROR", "CONTINUE_AFTER_ERROR", "STATS", "REWIND", "NOREWIND", "UNLOAD", "NOUNLOAD"),
    False,
) | dict.fromkeys(
    ("NAME", "DESCRIPTION", "MEDIANAME", "MEDIADESCRIPTION", "RETAINDAYS", "EXPIREDATE", "BLOCKSIZE", "BUFFERCOUNT",
     "MAXTRANSFERSIZE"),
    True,
)  # fmt: skip
RESTORE_OPTIONS = dict.fromkeys(
    ("CHECKSUM", "NO_CHECKSUM", "STOP_ON_ERROR", "CONTINUE_AFTER_ERROR", "STATS", "REWIND", "NOREWIND", "UNLOAD",
     "NOUNLOAD", "LOADHISTORY"),
    False,
) | {"FILE": True}  # fmt: skip
_OPPOSITES = (
    ("CHECKSUM", "NO_CHECKSUM"), ("INIT", "NOINIT"), ("FORMAT", "NOFORMAT"), ("COMPRESSION", "NO_COMPRESSION"),
    ("STOP_ON_ERROR", "CONTINUE_AFTER_ERROR"), ("SKIP", "NOSKIP"),
)  # fmt: skip


def _without_conflicts(found: list[tuple[str, Operand | None]], line: int) -> tuple[tuple[str, Operand | None], ...]:
    names = [name for name, _ in found]
    for one, other in _OPPOSITES:
        if one in names and other in names:
            raise SqlError(3031, one.lower(), other.lower()).at(line)
    for name in names:
        if names.count(name) > 1:
            raise SqlError(3031, name.lower(), name.lower()).at(line)
    return tuple(found)


def _assigned(words: list[Word]) -> list[str]:
    """Return the variables that a SELECT assigns; SqlError 141 where it also gives rows."""
    columns: list[str] = []
    depth, expecting, mixed = 0, True, False
    for word, after in pairwise(words[1:]):
        if word.kind is Is.SIGN and word.text in "()":
            depth += 1 if word.text == "(" else -1
        if depth == 0 and word.upper == "FROM":
            break
        if expecting and depth == 0 and word.upper not in ("TOP", "DISTINCT", "ALL") and word.kind is not Is.NUMBER:
            is_assigned = word.kind is Is.VARIABLE and after.text == "="
            mixed = mixed or not is_assigned
            columns += [word.value] if is_assigned else []
            expecting = False
        if depth == 0 and word.text == "," and word.kind is Is.SIGN:
            expecting = True
    if columns and mixed:
        raise SqlError(141).at(words[0].line)
    return columns


_SIZED = {"nvarchar": 4000, "nchar": 4000, "varchar": 8000, "char": 8000, "varbinary": 8000, "binary": 8000}
_LARGE = {"ntext": "nvarchar", "text": "varchar", "image": "varbinary"}
_PLAIN = {
    "int": "int", "integer": "int", "bigint": "bigint", "smallint": "smallint", "tinyint": "tinyint", "bit": "bit",
    "float": "float", "real": "real", "datetime": "datetime", "smalldatetime": "smalldatetime",
    "uniqueidentifier": "uniqueidentifier", "sql_variant": "sql_variant",
}  # fmt: skip


def type_named(name: str, sizes: tuple[int, ...], release: Release, line: int = 1, default: int = 1) -> SqlType:
    """Return the type of that name; SqlError 2715 where the release has none. `default` is a text's size."""
    name = {"sysname": "nvarchar", "dec": "decimal", "numeric": "decimal"}.get(original := name, name)
    if original == "sysname":
        sizes = (128,)
    if original in _LARGE:  # what drivers still declare long parameters as
        return SqlType(_LARGE[original], MAX)
    if name in _SIZED:
        size = sizes[0] if sizes else default
        if size != MAX and not 1 <= size <= _SIZED[name]:
            raise SqlError(2717, size, original, _SIZED[name]).at(line)
        return SqlType(name, size)
    if name in _PLAIN:
        return SqlType(_PLAIN[name])
    if name == "decimal":
        precision, scale = (*sizes, 18, 0)[:2] if len(sizes) != 1 else (sizes[0], 0)
        return SqlType("decimal", precision=precision, scale=scale)
    if name == "datetime2" and release >= SQL_2008:
        return SqlType("datetime2", scale=sizes[0] if sizes else 7)
    if name == "date" and release >= SQL_2008:
        return SqlType("date")
    raise SqlError(2715, 1, original).at(line)
