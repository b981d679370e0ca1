"""Organisations by their codes and by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """An organisation that has to act."""

    code: str
    name: str


class Organizations:
    """The organisations that there are; made once for many cases."""

    def __init__(self, codes_by_name: Mapping[str, str]) -> None:
        self._codes = dict(codes_by_name)
        self._names = {code: name for name, code in self._codes.items()}

    def unit(self, code_or_name: str) -> Unit | None:
        """Return the organisation with this code or else of this name; None when there is none."""
        code = code_or_name if code_or_name in self._names else self._codes.get(code_or_name)
        return None if code is None else Unit(code, self._names[code])

    def names(self) -> tuple[str, ...]:
        """Return the names of all."""
        return tuple(self._codes)
