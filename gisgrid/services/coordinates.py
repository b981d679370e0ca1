"""Coordinates as people write them in files."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MARKS = re.compile(r"^(?:东经|北纬|[en](?=\d))|(?:°|度|º)?(?:[en]|东经|北纬)?$", re.IGNORECASE)
_NOTHING = frozenset(("", "-", "--", "—", "——", "/", "无", "空", "无坐标", "none", "null", "nil", "nan", "n/a", "na", "#n/a", "\\n"))


def read_coordinate(text: str) -> float | None:
    """Return the number in a cell; None when the cell says that there is none (blank, ``-``, ``无``, ``null`` and the like).

    Full-width digits, blanks and thin spaces anywhere, a degree sign and a leading or trailing E or N are understood.
    Raises ValueError for anything else that is no plain decimal number.

    >>> read_coordinate(" １２０．３８ "), read_coordinate("36.08°N"), read_coordinate("无")
    (120.38, 36.08, None)
    """
    if _PLAIN.fullmatch(text):
        return float(text)
    plain = re.sub(r"[\s\u200b\ufeff'\"]+", "", unicodedata.normalize("NFKC", text)).replace("。", ".").replace("−", "-")
    if plain.casefold() in _NOTHING:
        return None
    plain = _MARKS.sub("", plain)
    if not _PLAIN.fullmatch(plain):
        raise ValueError(text)
    return float(plain)
