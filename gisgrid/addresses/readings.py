"""What all parsers have in common: how much of a text is read, and how many readings of it are given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gisgrid.addresses.parsed import ParsedAddress

LONGEST = 1024
"""Characters of a text that are read; an address has 256 at most (事发位置 of GB/T 47678), noise may stand about it."""
MOST_READINGS = 4


def readings(first: ParsedAddress, others: Iterable[dict[str, Any]]) -> tuple[ParsedAddress, ...]:
    """Return the readings of an address: the first one, and those that come of changes of its fields, without repeats."""
    changed = [first._replace(**change) for change in others]
    return tuple(dict.fromkeys((first, *changed)))[:MOST_READINGS] if changed else (first,)
