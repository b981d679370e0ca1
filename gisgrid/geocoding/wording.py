"""How the geocoder writes addresses: in Chinese, or as in the west."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.addresses import HouseNumber
from gisgrid.addresses.numbers import house_number_text


class Wording(NamedTuple):
    """Writes addresses, road and number in the order of the country; ``chinese`` is by which of two countries' ways."""

    chinese: bool = True

    def door(self, road: str, number: HouseNumber) -> str:
        """Return road and house number.

        >>> Wording().door("宁夏路", HouseNumber(41, "甲")), Wording(chinese=False).door("Mannerheimintie", HouseNumber(12, "B"))
        ('宁夏路41号甲', 'Mannerheimintie 12 B')
        """
        text = house_number_text(number, chinese=self.chinese)
        return f"{road}{text}" if self.chinese else f"{road} {text}"

    def building(self, place: str, building: str, unit: str = "") -> str:
        """Return a building of a place, and a unit of that: 宁夏路41号3号楼2单元."""
        if self.chinese:
            return f"{place}{building}号楼{unit}单元" if unit else f"{place}{building}号楼"
        return f"{place} {building} {unit}".strip()

    def crossing(self, one: str, other: str) -> str:
        """Return the crossing of two roads."""
        return f"{one}与{other}路口" if self.chinese else f"{one} / {other}"

    def near(self, road: str, other: str) -> str:
        """Return the part of a road next to another one."""
        return f"{road}近{other}" if self.chinese else f"{road} ({other})"

    def between(self, road: str, one: str, other: str) -> str:
        """Return the stretch of a road between two others."""
        return f"{road}（{one}至{other}）" if self.chinese else f"{road} ({one} – {other})"
