"""The beginning of a Chinese address: province, city and district, said once, twice, in part, by an old name or not at all."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.parsed import Vocabulary

PrefixLevel = Literal["province", "city", "district"]
_Parts = tuple[tuple[PrefixLevel, str], ...]

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
_ROADS_TAIL = re.compile(
    rf"(?:[一二三四五六七八九十]|[东西南北中支]|[{_H}])?(?:路|街(?!道)|巷|大道)|小学|中学|医院|大厦|广场|公园|里(?![{_H}])|市场|社区|街道|小区"
)
_SEPARATORS = " ,-/()"


class Prefixes(NamedTuple):
    """What stands before the street or road, and where it ends; ``start`` is where the last telling of it begins."""

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
        both = sorted({*self._whole, *self._short}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, both))) if both else re.compile("(?!)")

    def _join(self, cities: tuple[str, ...], districts: tuple[str, ...]) -> None:
        """青岛市北区 is 青岛 and 市北区, though it begins with 青岛市."""
        for city in map(normal_name, cities):
            for district in map(normal_name, districts):
                if city.endswith("市") and district.startswith("市"):
                    parts: _Parts = (("city", city), ("district", district))
                    self._whole[city[:-1] + district] = parts
                    self._short[city[:-1] + district.removesuffix("区")] = parts

    def read(self, text: str, names: Vocabulary) -> Prefixes:
        """Return what a normalised text begins with."""
        found: dict[PrefixLevel, str] = {}
        start = position = 0
        while position < len(text):
            step = self._step(text, position, names, found)
            if step is None:
                break
            end, parts = step
            if parts[0][0] != "district" and "district" in found and position:
                start, found = self._again(text, position, found, start)
            found.update(parts)
            while end < len(text) and text[end] in _SEPARATORS:
                end += 1
            position = end
        return Prefixes(start, position, found.get("province", ""), found.get("city", ""), found.get("district", ""))

    @staticmethod
    def _again(text: str, position: int, found: dict[PrefixLevel, str], start: int) -> tuple[int, dict[PrefixLevel, str]]:
        """The whole is told a second time: the first telling is left out when the second one has as much."""
        rest = text[position : position + 24]
        return (position, {}) if all(name in rest for name in found.values()) else (start, found)

    def _step(self, text: str, position: int, names: Vocabulary, found: dict[PrefixLevel, str]) -> tuple[int, _Parts] | None:
        known = names.names_at(text, position)
        end, parts = self._own(text, position, names, found)
        if known and known[0][0] >= end:
            kinds = known[0][1]
            level: PrefixLevel | None = next((k for k in ("district", "city", "province") if k in kinds), None)
            if level is None or kinds & {"road", "place", "street", "community"}:
                return None
            return known[0][0], parts if end == known[0][0] and parts else ((level, text[position : known[0][0]]),)
        if parts:
            return end, parts
        return None if known else self._elsewhere(text, position, names, found)

    def _own(self, text: str, position: int, names: Vocabulary, found: dict[PrefixLevel, str]) -> tuple[int, _Parts]:
        match = self._pattern.match(text, position)
        if match is None:
            return position, ()
        word, end = match.group(), match.end()
        whole = self._whole.get(word)
        if whole is not None:
            return end, whole
        parts = self._short[word]
        level = parts[-1][0]
        if len(parts) > 1 and any(stop > end for stop, _ in names.names_at(text, end - 1)):
            # 青岛市北京路 is 青岛市 and 北京路.
            city = parts[0][1]
            return position + len(city), (parts[0],)
        if _ROADS_TAIL.match(text, end) and not names.names_at(text, end):
            return position, ()
        if level == "district" or end == len(text):
            return (end, parts) if found or len(parts) > 1 or names.names_at(text, end) else (position, ())
        # A province or a city in short needs another prefix after it: 山东青岛, 青岛市北.
        after = end
        while after < len(text) and text[after] in _SEPARATORS:
            after += 1
        follows = (
            self._pattern.match(text, after) or (level == "province" and _CITY.match(text, after)) or found or names.names_at(text, after)
        )
        return (end, parts) if follows else (position, ())

    @staticmethod
    def _elsewhere(text: str, position: int, names: Vocabulary, found: dict[PrefixLevel, str]) -> tuple[int, _Parts] | None:
        """Read a city or district that nobody listed, where the province or city before it makes clear what it is."""
        pattern: re.Pattern[str]
        level: PrefixLevel
        if "city" not in found and "district" not in found:
            match = _CITY.match(text, position)
            if match and ("province" in found or _DISTRICT.match(text, match.end())) and not names.names_at(text, position):
                return match.end(), (("city", match.group()),)
        if found and "district" not in found:
            pattern, level = _DISTRICT, "district"
            match = pattern.match(text, position)
            if match and not any(names.names_at(text, at) for at in range(position, match.end())):
                return match.end(), ((level, match.group()),)
        return None
