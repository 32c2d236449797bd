"""Lengths of time and sizes in words."""

from __future__ import annotations

UNITS = ("B", "KB", "MB", "GB", "TB")


def span(seconds: float) -> str:
    """Return a length of time as a clock shows it: 1:05, 2:03:04."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit in which it is 1 or more."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 else f"{value:.1f} {UNITS[unit]}"
