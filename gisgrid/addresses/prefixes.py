"""The beginning of a Chinese address: province, city and district, said once, twice, in part, by an old name or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.parsed import NameKind, Vocabulary

PrefixLevel = Literal["province", "city", "district"]
_Parts = tuple[tuple[PrefixLevel, str], ...]
_Found = dict[PrefixLevel, str]

_PROVINCES = (
    *(f"{name}市" for name in ("北京", "天津", "上海", "重庆")),
    *(
        f"{name}省"
        for name in ("河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南")
    ),
    *(f"{name}省" for name in ("广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "台湾")),
    *(f"{name}自治区" for name in ("内蒙古", "广西壮族", "西藏", "宁夏回族", "新疆维吾尔")),
    *(f"{name}特别行政区" for name in ("香港", "澳门")),
)
_H = "\u4e00-\u9fff"
_CITY = re.compile(rf"[{_H}]{{2,6}}?(?:市(?![场区政民容立级北南中])|自治州|地区|盟)")
_DISTRICT = re.compile(rf"[{_H}]{{1,6}}?(?:(?<![小社园校厂景城街片库市住山矿])区|(?<![{_H}]知)县|新区|自治旗|市(?![场区政民容立级]))")
_NAMES_TAIL = re.compile(
    rf"(?:[一二三四五六七八九十]|[东西南北中支]|[{_H}])?(?:路|街(?!道)|巷|大道)|小学|中学|医院|大厦|广场|公园|里(?![{_H}])|市场|社区|街道|小区"
)
_CITY_AND_DISTRICT = re.compile(_CITY.pattern + _DISTRICT.pattern)
_SMALLER: frozenset[NameKind] = frozenset(("road", "place", "street", "community"))
_SEPARATORS = " ,-/()"


class Prefixes(NamedTuple):
    """What stands before the street or road: where it begins and ends, and in ``start`` where the last telling of it begins."""

    begin: int = 0
    start: int = 0
    end: int = 0
    province: str = ""
    city: str = ""
    district: str = ""


class PrefixReader:
    """Reads the names of a place's province, city and districts, in full and in short.

    ``districts`` are those that an address here may name: its own, its neighbours and those of former times.
    """

    def __init__(self, provinces: tuple[str, ...], cities: tuple[str, ...], districts: tuple[str, ...]) -> None:
        self._whole: dict[str, _Parts] = {}
        self._short: dict[str, _Parts] = {}
        for level, names in (("province", (*_PROVINCES, *provinces)), ("city", cities), ("district", districts)):
            for name in map(normal_name, names):
                self._whole[name] = ((level, name),)  # type: ignore[assignment]
                short = re.sub(r"(?:省|市|区|县|(?:壮族|回族|维吾尔)?自治区|特别行政区)$", "", name)
                if len(short) > 1 and short != name:
                    self._short.setdefault(short, ((level, name),))  # type: ignore[arg-type]
        self._join(cities, districts)
        self._anywhere = re.compile("|".join(sorted(map(re.escape, self._whole), key=len, reverse=True)))
        words: dict[str, list[str]] = {}
        for word in sorted({*self._whole, *self._short}, key=len, reverse=True):
            if len(word) > 1:
                words.setdefault(word[:2], []).append(word)
        self._words = words

    def _join(self, cities: tuple[str, ...], districts: tuple[str, ...]) -> None:
        """青岛市北区 is 青岛 and 市北区, though it begins with 青岛市."""
        for city in map(normal_name, cities):
            for district in map(normal_name, districts):
                if city.endswith("市") and district.startswith("市"):
                    parts: _Parts = (("city", city), ("district", district))
                    self._whole[city[:-1] + district] = parts
                    self._short[city[:-1] + district.removesuffix("区")] = parts

    def read(self, text: str, names: Vocabulary) -> Prefixes:
        """Return what a normalised text begins with, or what stands in the middle of it when it begins with something else."""
        found = self._read_at(0, text, names)
        if found.end == 0 and ("市" in text or "区" in text or "省" in text):
            inside = self._anywhere.search(text, 1)
            if inside is not None and not self._is_within_a_name(text, inside.start(), names):
                return self._read_at(inside.start(), text, names)
        return found

    @staticmethod
    def _is_within_a_name(text: str, position: int, names: Vocabulary) -> bool:
        longest = (names.longest_at(text, start) for start in range(position + 1))
        return any(found is not None and found[0] > position for found in longest)

    def _read_at(self, position: int, text: str, names: Vocabulary) -> Prefixes:
        found: dict[PrefixLevel, str] = {}
        begin = start = position
        size = len(text)
        while position < size:
            end, parts = self._step(text, position, names, found)
            if not parts:
                break
            if parts[0][0] != "district" and "district" in found:
                return _told_again(Prefixes(begin, start, position, **found), self._read_at(position, text, names))
            found.update(parts)
            position = _after_separators(text, end) if end < size and text[end] in _SEPARATORS else end
        return Prefixes(begin, start, position, found.get("province", ""), found.get("city", ""), found.get("district", ""))

    def _step(self, text: str, position: int, names: Vocabulary, found: _Found) -> tuple[int, _Parts]:
        """Return the next name of a province, city or district and where it ends; no parts when there is none."""
        known = names.longest_at(text, position)
        words = self._words.get(text[position : position + 2])
        end, parts = (position, ()) if words is None else self._own(text, position, words, names, found)
        if known is not None and known[0] >= end:
            stop, kinds = known
            if not kinds.isdisjoint(_SMALLER) or _is_office(text, stop):
                return position, ()
            level: PrefixLevel = "district" if "district" in kinds else "city" if "city" in kinds else "province"
            return stop, parts if stop == end and parts else ((level, text[position:stop]),)
        return (end, parts) if parts or known is not None else self._elsewhere(text, position, names, found)

    def _own(self, text: str, position: int, words: Sequence[str], names: Vocabulary, found: _Found) -> tuple[int, _Parts]:
        for word in words:
            if not text.startswith(word, position):
                continue
            end = position + len(word)
            parts = self._whole.get(word)
            if parts is not None:
                if not _is_office(text, end):
                    return end, parts
            elif self._may_be_short(text, end, names, found, self._short[word]):
                return end, self._short[word]
        return position, ()

    def _may_be_short(self, text: str, end: int, names: Vocabulary, found: _Found, parts: _Parts) -> bool:
        """Return whether a name without 省, 市 or 区 is that of the area, and not the beginning of a road's or a school's."""
        over = names.longest_at(text, end - 1) if len(parts) > 1 else None
        if over is not None and over[0] > end:
            return False  # 青岛市北京路 is 青岛市 and 北京路
        known = names.longest_at(text, end) is not None
        if not known and _NAMES_TAIL.match(text, end):
            return False
        if len(parts) > 1 or found or known or (end == len(text) and parts[0][0] == "district"):
            return True
        after = _after_separators(text, end)
        level = parts[0][0]
        if level == "district":
            return False
        return self._begins(text, after) or (_CITY if level == "province" else _DISTRICT).match(text, after) is not None

    def _begins(self, text: str, position: int) -> bool:
        return any(text.startswith(word, position) for word in self._words.get(text[position : position + 2], ()))

    @staticmethod
    def _elsewhere(text: str, position: int, names: Vocabulary, found: _Found) -> tuple[int, _Parts]:
        """Read a city or district that nobody listed, where the province or city before it makes clear what it is."""
        level: PrefixLevel = "district"
        if found:
            match = _CITY.match(text, position) if "city" not in found and "district" not in found else None
            if match:
                level = "city"
            elif "district" not in found:
                match = _DISTRICT.match(text, position)
        else:
            match = _CITY.match(text, position) if _CITY_AND_DISTRICT.match(text, position) else None
            level = "city"
        if match is None or any(names.longest_at(text, at) is not None for at in range(position, match.end())):
            return position, ()
        return match.end(), ((level, match.group()),)


def _told_again(first: Prefixes, second: Prefixes) -> Prefixes:
    """Return the second telling alone when it says as much as the first one, else both."""
    levels = [(first.province, second.province), (first.city, second.city), (first.district, second.district)]
    if all(later or not earlier for earlier, later in levels):
        return second._replace(begin=first.begin)
    return Prefixes(first.begin, first.start, second.end, *(later or earlier for earlier, later in levels))


def _is_office(text: str, end: int) -> bool:
    """Return whether a name is the beginning of a longer one, such as 青岛市立医院."""
    return text[end : end + 1] in ("立", "政")


def _after_separators(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SEPARATORS:
        position += 1
    return position
