"""Door plates: how their numbers are read, written and put in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gisgrid.addresses.parsed import HouseNumber

STEMS = "甲乙丙丁戊己庚辛壬癸"
"""The ten heavenly stems, which count what was built between two numbers (41号甲)."""

LARGEST_STEP = 40
"""41-45号 are plates side by side; no plate stands for more numbers than this."""

_PLATE = re.compile(
    rf"(?P<before>[{STEMS}])?(?P<digits>\d{{1,6}})(?P<letter>[A-Za-z{STEMS}])?"
    rf"(?:(?P<join>[-~/至到之附])(?P<second>\d{{1,6}})(?P<stem>[A-Za-z{STEMS}])?)?"
    rf"(?:号|#)?(?:大院|院)?(?P<after>[-之附]\d{{1,4}}|[{STEMS}](?:-\d{{1,4}})?)?(?:号|#)?"
)
_FLAT = re.compile(r"(\d{1,5}(?: ?- ?\d{1,5})? [A-Za-z]) \d{1,4}")
"""3 D 4 is flat 4 of 3 D."""


def parse_house_number(text: str) -> HouseNumber | None:
    """Return the number that a door plate says, in the characters of `gisgrid.addresses.normal_name`; None when it says none.

    41号-1, 41-1号 and 41号之1 are the same number; so are 41号甲, 甲41号 and 41甲号.

    >>> parse_house_number("41-1号")
    HouseNumber(number=41, suffix='-1', until=None)
    >>> parse_house_number("41-45号")
    HouseNumber(number=41, suffix='', until=45)
    """
    first = text.partition(",")[0]  # "15, 2. krs./Floor 2" is a plate with a word about the floor
    flat = _FLAT.fullmatch(first)
    match = _PLATE.fullmatch((flat[1] if flat else first).replace(" ", ""))
    return plate(match.groups()) if match else None


def plate(parts: Sequence[str | None]) -> HouseNumber:
    """Return the number of a plate from the parts of it that a pattern found: 甲, 41, A, -, 45, B, 附1."""
    before, digits, letter, join, second, stem, after = parts
    number, suffix, until = int(digits or 0), "", None
    if second is None and before is None and letter is None and after is None:
        return HouseNumber(number)
    if second:
        if join not in ("之", "附") and is_range(number, int(second), join or ""):
            until = int(second)
        else:
            suffix = f"{'附' if join == '附' else '-'}{int(second)}"
        suffix += stem or ""
    for more in (before, letter):
        suffix = (more or "").upper() + suffix
    if after:
        suffix += f"-{int(after[1:])}" if after[0] in "-之" else f"附{int(after[1:])}" if after[0] == "附" else after
    return HouseNumber(number, suffix, until)


def is_range(number: int, second: int, join: str = "-") -> bool:
    """Return whether 41-45 means two plates of one side: the second is larger by an even step; 至 and 到 always mean it."""
    return number < second <= number + LARGEST_STEP and (join in ("至", "到", "~") or (second - number) % 2 == 0)


def house_number_text(value: HouseNumber, *, chinese: bool = True) -> str:
    """Return how a number is written: 41号-1, 41号甲, 41-45号; without ``chinese`` 12 B, 12-14.

    >>> house_number_text(HouseNumber(41, "甲")), house_number_text(HouseNumber(12, "B"), chinese=False)
    ('41号甲', '12 B')
    """
    number, suffix, last = value
    until = "" if last is None else f"-{last}"
    if chinese:
        return f"{number}{until}号{suffix}"
    return f"{number}{until} {suffix}".strip() if suffix[:1].isalpha() else f"{number}{until}{suffix}"


def number_key(value: HouseNumber) -> tuple[int, int, int]:
    """Return what sorts plates along a road: by number, 41号 before 41号甲 before 41号-1 before 41号附1.

    >>> sorted([HouseNumber(41, "-10"), HouseNumber(41, "-2"), HouseNumber(41), HouseNumber(9)], key=number_key)[1:3]
    [HouseNumber(number=41, suffix='', until=None), HouseNumber(number=41, suffix='-2', until=None)]
    """
    suffix = value.suffix
    if not suffix:
        return value.number, 0, 0
    if suffix[0] in STEMS:
        return value.number, 1, STEMS.index(suffix[0])
    if suffix[0].isalpha() and suffix[0].isascii():
        return value.number, 1, ord(suffix[0])
    digits = "".join(c for c in suffix if c.isdecimal())
    return value.number, 2 if suffix[0] == "-" else 3, int(digits or 0)
