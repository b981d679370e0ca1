"""From the parts of an address to the places that it may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from gisgrid.addresses import HouseNumber, ParsedAddress
from gisgrid.addresses.numbers import house_number_text
from gisgrid.geocoding.answers import AddressLevel, MatchType
from gisgrid.geocoding.areas import AreaNames
from gisgrid.geocoding.claims import claim, same_grid
from gisgrid.geocoding.ground import Ground, Spot
from gisgrid.geocoding.places import Place, Places
from gisgrid.geocoding.plates import Plate
from gisgrid.geocoding.roads import Road, Roads
from gisgrid.geocoding.similar import Similar

_OUTSIDE_SAID = 0.5
_NOT_OURS = 0.2


class Hit(NamedTuple):
    """A place that an address may mean: ``sure`` is how probable it is that the place is within ``radius_m`` of the spot."""

    spot: Spot
    level: AddressLevel
    match_type: MatchType
    radius_m: float
    sure: float
    text: str


class Said(NamedTuple):
    """The areas that an address names: for each level the codes that it may mean, and whether one of the names is known to nobody."""

    codes: tuple[frozenset[str], ...]
    is_strange: bool


class Named(NamedTuple):
    """All that has names, and the names that others may be slips of."""

    roads: Roads
    places: Places
    areas: AreaNames
    like_roads: Similar
    like_places: Similar


class _Named(NamedTuple):
    road: Road
    match_type: MatchType


class Matcher:
    """Finds places in the parts of an address."""

    def __init__(self, ground: Ground, named: Named, aliases: Mapping[str, tuple[str, MatchType]]) -> None:
        self._ground, self.road_aliases = ground, aliases
        self._roads, self._places, self._areas, self._like_roads, self._like_places = named

    def hits(self, parsed: ParsedAddress) -> list[Hit]:
        """Return the places that one reading of an address may mean, the likeliest first; together they are at most certain."""
        said = self._said(parsed)
        found = self._exact(parsed) or self._larger(parsed, said)
        if not found:
            found = self._areas_said(parsed)
        return _shared_out([self._weighed(hit, said) for hit in found])

    def _exact(self, parsed: ParsedAddress) -> list[Hit]:
        """Return what is at a number, at a crossing, on a stretch or of a name."""
        if parsed.roads:
            roads = [self._named(name) for name in parsed.roads]
            found = self._on_roads(parsed, roads)
            if found:
                return found
        return self._named_places(parsed) if parsed.name else []

    def _on_roads(self, parsed: ParsedAddress, roads: Sequence[list[_Named]]) -> list[Hit]:
        relation = _relation(parsed)
        if parsed.house_number is not None:
            return [hit for named in roads[0] for hit in self._at_number(named, parsed, parsed.house_number)]
        if len(roads) >= 3 and relation == "between":
            return [hit for named in roads[0] for hit in self._between(named, roads[1], roads[2])]
        if len(roads) >= 2:
            if parsed.is_crossing and relation in ("", "at", "near"):
                return [hit for one in roads[0] for other in roads[1] for hit in self._crossing(one, other, relation)]
            return [hit for one in roads[0] for other in roads[1] for hit in self._near(one, other)]
        return []

    def _named(self, name: str) -> list[_Named]:
        """Return the roads of a name: of its own, of another or an earlier one, else of names that it may be a slip of."""
        exact = [_Named(road, "exact") for road in self._roads.named(name)]
        other = self.road_aliases.get(name)
        if other is not None:
            exact += [_Named(road, other[1]) for road in self._roads.named(other[0])]
        return exact or [_Named(road, "fuzzy") for like in self._like_roads.to(name) for road in self._roads.named(like)]

    def _at_number(self, named: _Named, parsed: ParsedAddress, number: HouseNumber) -> list[Hit]:
        road, match_type = named
        if not road.has_plates:
            return []
        plates = road.plates.by_key
        for suffix in _suffixes(number.suffix):
            found = plates.get((number.number, suffix))
            if found:
                return [self._at_plate(road, plate, parsed, match_type) for plate in found]
        found = plates.get((number.number, ""))
        if found:
            behind = number.suffix.lstrip("-附")
            return [self._behind(road, plate, behind, parsed, match_type) for plate in found]
        return self._guessed(road, number, parsed, match_type)

    def _behind(self, road: Road, plate: Plate, building: str, parsed: ParsedAddress, match_type: MatchType) -> Hit:
        """Return what 41-3号 means where there is only 41号: building 3 behind it, if there is one."""
        if not parsed.building and building in plate.behind:
            return self._at_plate(road, plate, parsed._replace(building=building), match_type)
        return self._at_plate(road, plate, parsed, "nearest_number" if match_type == "exact" else match_type)

    def _at_plate(self, road: Road, plate: Plate, parsed: ParsedAddress, match_type: MatchType) -> Hit:
        text = road.name + house_number_text(plate.number)
        return self._inside(plate, parsed, match_type, text, "door_plate")

    def _inside(self, plate: Plate, parsed: ParsedAddress, match_type: MatchType, text: str, level: AddressLevel) -> Hit:
        """Return the unit or building behind a plate that is asked for, else the plate."""
        building, unit = parsed.building, parsed.unit
        if building:
            spot = plate.behind.get(f"{building}/{unit}") if unit else None
            if spot is not None:
                return _hit(spot, "unit", match_type, parsed, f"{text}{building}号楼{unit}单元")
            spot = plate.behind.get(building)
            if spot is not None:
                return _hit(spot, "building", match_type, parsed, f"{text}{building}号楼")
            if plate.behind:
                match_type = "fallback"
        return _hit(plate.spot, level, match_type, parsed, text)

    def _guessed(self, road: Road, number: HouseNumber, parsed: ParsedAddress, match_type: MatchType) -> list[Hit]:
        guess = road.plates.guess(number.number)
        if guess is None:
            return []
        how: MatchType = "interpolated" if guess.is_between and guess.is_right_side else "nearest_number"
        spot = self._ground.spot(guess.x, guess.y, road.plates.all[0].spot)
        hit = _hit(spot, "door_plate", how, parsed, road.name + house_number_text(number))
        return [hit._replace(radius_m=hit.radius_m + guess.radius_m, sure=hit.sure * (0.8 if match_type == "fuzzy" else 1.0))]

    def _crossing(self, one: _Named, other: _Named, relation: str) -> list[Hit]:
        how = _worse(one.match_type, other.match_type)
        text = f"{one.road.name}与{other.road.name}路口"
        return [_plain(found.spot, "crossing", how, relation, text) for found in one.road.crossings(other.road)]

    def _near(self, one: _Named, other: _Named) -> list[Hit]:
        """Return the stretches of a road next to where it meets another."""
        how: MatchType = "fuzzy" if "fuzzy" in (one.match_type, other.match_type) else "between_crossings"
        text = f"{one.road.name}近{other.road.name}"
        stretches = [self._roads.near(one.road, crossing) for crossing in one.road.crossings(other.road)]
        return [_plain(found.spot, "road", how, "between", text) for found in stretches]

    def _between(self, one: _Named, first: Sequence[_Named], second: Sequence[_Named]) -> list[Hit]:
        road, found = one.road, []
        for a in first:
            for b in second:
                text = f"{road.name}（{a.road.name}至{b.road.name}）"
                how = _worse(_worse(one.match_type, a.match_type), b.match_type)
                for start in road.crossings(a.road):
                    ends = [end.at_m for end in road.crossings(b.road)]
                    if ends:
                        stretch = road.stretch(start.at_m, min(ends, key=partial(_away, start.at_m)))
                        how = "between_crossings" if how == "exact" else how
                        found.append(_plain(stretch.spot, "road", how, "between", text))
        return found

    def _named_places(self, parsed: ParsedAddress) -> list[Hit]:
        places = self._places.named(parsed.name)
        if not places:
            likes = self._like_places.to(parsed.name)
            places = [place._replace(match_type="fuzzy") for like in likes for place in self._places.named(like)]
        return [self._at_place(place, parsed) for place in places]

    def _at_place(self, place: Place, parsed: ParsedAddress) -> Hit:
        return self._inside(place.plate, parsed, place.match_type, place.name, "place")

    def _larger(self, parsed: ParsedAddress, said: Said) -> list[Hit]:
        """Return the whole road, or that of it which lies in the smallest area that is named."""
        found = []
        for name in parsed.roads[:1]:
            for road, match_type in self._named(name):
                how: MatchType = match_type if len(parsed.roads) == 1 and parsed.house_number is None else "fallback"
                found.append(_plain(self._limited(road, said), "road", how, "between", road.name))
        return found

    def _limited(self, road: Road, said: Said) -> Spot:
        """Return where on a road something is that is said to be in some areas."""
        for codes in said.codes:
            spot = road.limited(codes)
            if spot is not None:
                return spot
        return road.whole.spot

    def _areas_said(self, parsed: ParsedAddress) -> list[Hit]:
        for level, name in (("community", parsed.community), ("street", parsed.street), ("district", parsed.district)):
            areas = [area for area in self._areas.by_name.get(name, ()) if area.level == level] if name else []
            if areas:
                how: MatchType = "fallback" if parsed.roads or parsed.name else areas[0].match_type
                return [_plain(self._areas.spot(area), area.level, how, "between", area.name) for area in areas]
        return []

    def _said(self, parsed: ParsedAddress) -> Said:
        codes, is_strange = [], False
        for level, name in (("community", parsed.community), ("street", parsed.street), ("district", parsed.district)):
            if not name:
                continue
            found = frozenset(area.code for area in self._areas.by_name.get(name, ()) if area.level == level)
            if found:
                codes.append(found)
            elif level == "district":
                is_strange = True
        return Said(tuple(codes), is_strange)

    def _weighed(self, hit: Hit, said: Said) -> Hit:
        """Return a hit less sure by what speaks against it: areas that are named and hold it not."""
        sure = hit.sure
        if said.codes:
            areas = self._ground.areas_of(hit.spot)
            for codes in said.codes if areas else ():
                if not codes & areas:
                    sure *= _OUTSIDE_SAID
        if said.is_strange:
            sure *= _NOT_OURS
        return hit if sure == hit.sure else hit._replace(sure=sure)


def _relation(parsed: ParsedAddress) -> str:
    return parsed.relation.kind if parsed.relation is not None else ""


def _suffixes(suffix: str) -> tuple[str, ...]:
    """Return the ways in which what follows a number may be written on the plate."""
    if suffix[:1] == "-":
        return suffix, f"附{suffix[1:]}"
    return (suffix, f"-{suffix[1:]}") if suffix[:1] == "附" else (suffix,)


def _hit(spot: Spot, level: AddressLevel, match_type: MatchType, parsed: ParsedAddress, text: str) -> Hit:
    relation = _relation(parsed)
    hit = _plain(spot, level, match_type, relation, text)
    far = parsed.relation.distance_m if parsed.relation is not None else None
    return hit._replace(radius_m=hit.radius_m + far) if far else hit


def _plain(spot: Spot, level: AddressLevel, match_type: MatchType, relation: str, text: str) -> Hit:
    reach_m, sure = claim(level, match_type, relation)
    return Hit(spot, level, match_type, spot.radius_m + reach_m, min(sure, same_grid(relation, spot.edge_m, spot.share)), text)


def _away(one: float, other: float) -> float:
    return abs(one - other)


def _worse(one: MatchType, other: MatchType) -> MatchType:
    order: tuple[MatchType, ...] = ("exact", "alias", "old_name", "fuzzy")
    return max(one, other, key=order.index)


def _shared_out(hits: list[Hit]) -> list[Hit]:
    """Return hits of which one at most is meant: each as sure as its weight among all allows, the surest first."""
    if len(hits) < 2:
        return hits
    total = sum(hit.sure for hit in hits) or 1.0
    return sorted((hit._replace(sure=hit.sure * hit.sure / total) for hit in hits), key=lambda hit: -hit.sure)
