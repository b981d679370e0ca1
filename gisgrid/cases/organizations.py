"""Organisations by their codes and by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """An organisation that has to act."""

    code: str
    name: str


class Organizations:
    """The organisations that there are; made once for many cases.

    ``codes_by_name`` leaves out names that several have, ``names_by_code`` has every organisation; without it only those
    whose name is their own are known.
    """

    def __init__(self, codes_by_name: Mapping[str, str], names_by_code: Mapping[str, str] | None = None) -> None:
        self._codes = dict(codes_by_name)
        self._names = {code: name for name, code in self._codes.items()} if names_by_code is None else dict(names_by_code)

    def unit(self, code_or_name: str) -> Unit | None:
        """Return the organisation with this code or else of this name; None when there is none, or several are called so."""
        code = code_or_name if code_or_name in self._names else self._codes.get(code_or_name)
        return None if code is None else Unit(code, self._names.get(code) or code)

    def names(self) -> tuple[str, ...]:
        """Return the names that only one has."""
        return tuple(self._codes)
