"""A filter that was read: what it says, in the one form in which two filters that say the same are equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Filter:
    """A CQL2 filter: ``canonical`` is its text in canonical form (CQL2 JSON), ``expression`` the same as parsed JSON.

    Filters are equal when their canonical texts are.
    """

    canonical: str
    expression: dict[str, Any] = field(compare=False)
