"""PowerShell's objects and errors, as the lab's cmdlets make them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

Value: TypeAlias = Any  # str, int, float, bool, None, datetime, a list of these, or an Object


class Object:
    """An object: a type's name, and properties in their order; names are found in any case."""

    def __init__(self, kind: str, **values: Value) -> None:
        self.kind, self.values = kind, dict(values)

    def property(self, name: str) -> tuple[str, Value] | None:
        """Return a property's own name and value, or None."""
        return next(((own, value) for own, value in self.values.items() if own.lower() == name.lower()), None)

    def get(self, name: str) -> Value:
        found = self.property(name)
        return found[1] if found else None


class PsError(Exception):
    """What a catch block sees: FullyQualifiedErrorId, the category, the message."""

    def __init__(self, error_id: str, category: str, message: str) -> None:
        super().__init__(message)
        self.id, self.category, self.message = error_id, category, message


def method_error(method: str, count: int, message: str) -> PsError:
    """Return the error of a .NET method that a script called; PowerShell 2.0 names them all alike."""
    return PsError(
        "DotNetMethodException", "NotSpecified", f'Exception calling "{method}" with "{count}" argument(s): "{message}"'
    )


def text_of(value: Value) -> str:
    """Return what .NET's ToString() gives."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, Object):
        return value.kind
    return str(value)
