"""A filter that was read: what it says, in the one form in which two filters that say the same are equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from gisgrid.errors import ParameterError

Json = dict[str, Any] | list[Any] | str | float | int | bool
"""A part of a filter as CQL2 JSON."""

Lang = Literal["cql2-text", "cql2-json"]
"""In which of its two notations a filter is written."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A CQL2 filter: ``canonical`` is its text in canonical form (CQL2 JSON), ``expression`` the same as parsed JSON.

    Filters are equal when their canonical texts are. ``expression`` must not be changed.
    """

    canonical: str
    expression: Json = field(compare=False)


def refused(message: str, expected: str = "") -> ParameterError:
    """Return the error of a filter that cannot be taken; it names the parameter ``filter``."""
    return ParameterError("filter", message, expected)
