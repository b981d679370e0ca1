"""Organisations that a text names in full or but for the words that every company has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gisgrid.matching.vocabulary import plain

_TAILS = ("股份有限公司", "有限责任公司", "有限公司", "公司")
_SHORTEST = 4


def owner_named(text: str, organizations: Mapping[str, str]) -> str | None:
    """Return the code of the organisation whose name stands in a text, the longest name first; None when none does.

    A name counts without 有限公司 and the like too, if four characters are left of it.
    """
    if not text or not organizations:
        return None
    text = plain(text)
    found = [(len(name), code) for full, code in organizations.items() if (name := _looked_for(full)) and name in text]
    longest = max((length for length, _ in found), default=0)
    codes = {code for length, code in found if length == longest}
    return codes.pop() if len(codes) == 1 else None


@lru_cache(maxsize=8192)
def _looked_for(full: str) -> str:
    return _in_short(plain(full))


def _in_short(name: str) -> str:
    for tail in _TAILS:
        if name.endswith(tail) and len(name) - len(tail) >= _SHORTEST:
            return name.removesuffix(tail)
    return name if len(name) >= _SHORTEST else ""
