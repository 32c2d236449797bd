"""What a session keeps from one batch to the next: database, language, options, transaction, prepared statements."""

from __future__ import annotations

from app.lab.sqlserver.catalogue import open_database
from app.lab.sqlserver.instance import Instance, Listed, Seat
from app.lab.sqlserver.relations import Look
from app.lab.sqlserver.reply import Reply
from app.lab.sqlserver.tds.tokens import NEW_DATABASE, NEW_LANGUAGE
from app.lab.sqlserver.words import SqlError, say

MOST_PREPARED = 500


class State:
    """The state of one session."""

    def __init__(self, instance: Instance, seat: Seat) -> None:
        self.instance, self.seat = instance, seat
        self.language = instance.language
        self.options: dict[str, str] = {}
        self.transactions = 0
        self.prepared: dict[int, str] = {}
        self._handles = 0
        self._first_database = seat.database

    @property
    def database(self) -> Listed:
        """Return the current database, or master where it was dropped meanwhile."""
        found = self.instance.database(self.seat.database) or self.instance.database("master")
        if found is None:
            raise SqlError(911, self.seat.database)
        return found

    @property
    def in_transaction(self) -> bool:
        return self.transactions > 0 or self.options.get("IMPLICIT_TRANSACTIONS") == "ON"

    def use(self, name: str, reply: Reply) -> None:
        """Change the database. SqlError 911, 916, 927 or 942."""
        found = self.instance.database(name)
        if found is None:
            raise SqlError(911, name)
        open_database(Look(self.instance, self.seat, found), found)
        reply.put(reply.tokens.renamed(NEW_DATABASE, found.name, self.seat.database))
        self.seat.database = found.name
        reply.say(say(5701, found.name, language_name=self.language, state=1))

    def speak(self, language: str, reply: Reply) -> None:
        """Change the language of messages."""
        reply.put(reply.tokens.renamed(NEW_LANGUAGE, language, self.language))
        self.language = language
        reply.say(say(5703, language, language_name=language))

    def prepare(self, text: str) -> int:
        """Keep a statement; return its handle. The oldest goes where there are too many."""
        self._handles += 1
        self.prepared[self._handles] = text
        if len(self.prepared) > MOST_PREPARED:
            self.prepared.pop(next(iter(self.prepared)))
        return self._handles

    def reset(self) -> None:
        """Begin anew, as a pooled connection does."""
        self.options.clear()
        self.transactions = 0
        self.prepared.clear()
        self.language = self.instance.language
        self.seat.database = self._first_database
