"""From the parts of an address to the places that it may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gisgrid.addresses import HouseNumber, ParsedAddress, Relation
from gisgrid.geocoding.answers import AddressLevel, MatchType
from gisgrid.geocoding.areas import AreaNames, NamedLevel
from gisgrid.geocoding.asked import Asked, Hit, Said, hit_along, hit_at, shared_out, worse
from gisgrid.geocoding.claims import manner_of
from gisgrid.geocoding.ground import Ground
from gisgrid.geocoding.network import Crossing
from gisgrid.geocoding.places import Places
from gisgrid.geocoding.plates import Plate
from gisgrid.geocoding.roads import Road, Roads
from gisgrid.geocoding.similar import Similar
from gisgrid.geocoding.wording import Wording

# A place that lies in another street or community than is said is meant less often; one in another city hardly ever.
_ELSEWHERE = 0.5
_NOT_OURS = 0.2
# A number this far beyond the last plate of a road is no guess any more.
_TOO_FAR_M = 600.0
# So many ways to name areas are kept.
_MOST_KEPT = 10_000


class Named(NamedTuple):
    """All that has names, and the names that others may be slips of."""

    roads: Roads
    places: Places
    areas: AreaNames
    like_roads: Similar
    like_places: Similar


class _Found(NamedTuple):
    """A road and how its name was found."""

    road: Road
    how: MatchType


class Matcher:
    """Finds places in the parts of an address."""

    def __init__(self, ground: Ground, named: Named, aliases: Mapping[str, tuple[str, MatchType]], wording: Wording) -> None:
        self._ground, self.road_aliases, self._words = ground, aliases, wording
        self._roads, self._places, self._areas, self._like_roads, self._like_places = named
        self._known_roads: dict[str, list[_Found]] = {}
        self._known_areas: dict[tuple[str, str, str], Said] = {}

    def hits(self, parsed: ParsedAddress) -> list[Hit]:
        """Return the places that one reading of an address may mean, the likeliest first; together they are at most certain."""
        asked = Asked(parsed, self._said(parsed), manner_of(parsed.relation))
        found = self._exact(asked) or self._whole_road(asked) or self._areas_said(parsed)
        said = asked.said
        return shared_out([self._weighed(hit, said) for hit in found] if said.codes or said.is_strange else found)

    def _exact(self, asked: Asked) -> list[Hit]:
        """Return what is at a number, at a crossing, on a stretch or of a name."""
        parsed = asked.parsed
        if parsed.roads:
            found = self._on_roads(asked, [self._named(name) for name in parsed.roads])
            if found:
                return found
        return self._named_places(asked) if parsed.name else []

    def _on_roads(self, asked: Asked, roads: Sequence[list[_Found]]) -> list[Hit]:
        parsed = asked.parsed
        if parsed.house_number is not None:
            return [hit for found in roads[0] for hit in self._at_number(found, asked, parsed.house_number)]
        if len(roads) == 1:
            return [hit for found in roads[0] for hit in self._glued(found, asked)] if len(parsed.building) > 1 else []
        if len(roads) > 2 and not parsed.is_crossing:
            return [hit for found in roads[0] for hit in self._between(found, roads[1], roads[2], asked.said)]
        meet = self._crossing if parsed.is_crossing and _is_at_crossing(parsed.relation) else self._near
        return [hit for one in roads[0] for other in roads[1] for hit in meet(one, other, asked.said)]

    def _named(self, name: str) -> list[_Found]:
        """Return the roads of a name: of its own, of another or an earlier one, else of names that it may be a slip of."""
        known = self._known_roads.get(name)
        if known is not None:
            return known
        exact = [_Found(road, "exact") for road in self._roads.named(name)]
        other = self.road_aliases.get(name)
        if other is not None:
            exact += [_Found(road, other[1]) for road in self._roads.named(other[0])]
        if exact:
            return self._known_roads.setdefault(name, exact)
        return [_Found(road, "fuzzy") for like in self._like_roads.to(name) for road in self._roads.named(like)]

    def _at_number(self, found: _Found, asked: Asked, number: HouseNumber) -> list[Hit]:
        road, how = found
        if not road.has_plates:
            return []
        plates = road.plates.by_key
        # 12 B may be a stairway of number 12, or a number of its own.
        for suffix in (asked.parsed.unit, *_NO_SUFFIX) if not number.suffix and asked.parsed.unit.isalpha() else _suffixes(number.suffix):
            exact = plates.get((number.number, suffix))
            if exact:
                return [self._at_plate(road, plate, asked, how) for plate in exact]
        beside = plates.get((number.number, ""))
        if beside:
            return [self._behind(road, plate, asked, how) for plate in beside]
        return self._guessed(found, number, asked)

    def _behind(self, road: Road, plate: Plate, asked: Asked, how: MatchType) -> Hit:
        """Return what 41-3号 means where there is only 41号: building 3 behind it, if there is one."""
        parsed = asked.parsed
        building = parsed.house_number.suffix.lstrip("-附") if parsed.house_number is not None else ""
        if not parsed.building and building in plate.behind:
            return self._at_plate(road, plate, asked._replace(parsed=parsed._replace(building=building)), how)
        return self._at_plate(road, plate, asked, "nearest_number" if how == "exact" else how)

    def _at_plate(self, road: Road, plate: Plate, asked: Asked, how: MatchType) -> Hit:
        return self._inside(plate, asked, how, self._words.door(road.name, plate.number), "door_plate")

    def _inside(self, plate: Plate, asked: Asked, how: MatchType, text: str, level: AddressLevel) -> Hit:
        """Return the unit or building behind a plate that is asked for, else the plate."""
        building, unit = asked.parsed.building, asked.parsed.unit
        if building:
            spot = plate.behind.get(f"{building}/{unit}") if unit else None
            if spot is not None:
                return hit_at(asked, spot, "unit", how, self._words.building(text, building, unit))
            spot = plate.behind.get(building)
            if spot is not None:
                return hit_at(asked, spot, "building", how, self._words.building(text, building))
            if plate.behind or building != "1":
                how = "fallback"
        return hit_at(asked, plate.spot, level, how, text)

    def _glued(self, found: _Found, asked: Asked) -> list[Hit]:
        """Return what 松原路217号楼 may mean: building 17 at number 2, or building 7 at number 21, where there are such."""
        road, how = found
        digits, hits = asked.parsed.building, list[Hit]()
        if not digits.isdecimal() or not road.has_plates:
            return []
        for place in range(1, len(digits)):
            number, building = int(digits[:place]), digits[place:]
            for plate in road.plates.by_key.get((number, ""), ()):
                if building in plate.behind:
                    hits.append(self._at_plate(road, plate, asked._replace(parsed=asked.parsed._replace(building=building)), how))
        return hits

    def _guessed(self, found: _Found, number: HouseNumber, asked: Asked) -> list[Hit]:
        """Return where a door plate that nobody knows would be: between two others, or beyond the last one."""
        plates = found.road.plates
        guess = plates.guess(number.number)
        if guess is None or guess.radius_m > _TOO_FAR_M:
            return []
        is_between = guess.is_between and guess.is_right_side
        spot = self._ground.spot(guess.x, guess.y, plates.all[0].spot)._replace(radius_m=guess.radius_m)
        hit = hit_at(
            asked, spot, "door_plate", "interpolated" if is_between else "nearest_number", self._words.door(found.road.name, number)
        )
        return [hit if found.how != "fuzzy" else hit._replace(sure=hit.sure * 0.5)]

    def _crossing(self, one: _Found, other: _Found, said: Said) -> list[Hit]:
        text = self._words.crossing(one.road.name, other.road.name)
        spots = [one.road.crossing_spot(crossing, said.codes) for crossing in one.road.crossings(other.road)]
        return [hit_along(spot, "crossing", worse(one.how, other.how), text) for spot in spots]

    def _near(self, one: _Found, other: _Found, said: Said) -> list[Hit]:
        """Return the stretches of a road next to where it meets another."""
        text = self._words.near(one.road.name, other.road.name)
        spans = [one.road.span_near(crossing) for crossing in one.road.crossings(other.road)]
        return [self._stretch(one.road, span, said, worse(one.how, other.how), text) for span in spans]

    def _stretch(self, road: Road, span: tuple[float, float], said: Said, how: MatchType, text: str) -> Hit:
        return hit_along(road.stretch_spot(span, said.codes), "road", "between_crossings" if how == "exact" else how, text)

    def _between(self, found: _Found, first: Sequence[_Found], second: Sequence[_Found], said: Said) -> list[Hit]:
        road, hits = found.road, list[Hit]()
        for a, b in ((a, b) for a in first for b in second):
            text = self._words.between(road.name, a.road.name, b.road.name)
            how = worse(found.how, worse(a.how, b.how))
            ends = road.crossings(b.road)
            for start in road.crossings(a.road) if ends else ():
                span = (start.at_m, _nearest(start, ends).at_m)
                hits.append(self._stretch(road, span, said, how, text))
        return hits

    def _named_places(self, asked: Asked) -> list[Hit]:
        name = asked.parsed.name
        places = self._places.named(name)
        if not places:
            likes = self._like_places.to(name)
            places = [place._replace(match_type="fuzzy") for like in likes for place in self._places.named(like)]
        hits = [self._inside(place.plate, asked, place.match_type, place.name, "place") for place in places]
        # Which of several places of the name is meant is not known, however well the building is.
        return hits if len(hits) < 2 else [hit._replace(level="place") if hit.level in ("unit", "building") else hit for hit in hits]

    def _whole_road(self, asked: Asked) -> list[Hit]:
        """Return the whole road, or that of it which lies in the smallest area that is named."""
        parsed, found = asked.parsed, list[Hit]()
        for name in parsed.roads[:1]:
            is_all = len(parsed.roads) == 1 and parsed.house_number is None and not parsed.name
            for road, match_type in self._named(name):
                how: MatchType = match_type if is_all else "fallback"
                found.append(hit_along(road.whole_spot(asked.said.codes), "road", how, road.name))
        return found

    def _areas_said(self, parsed: ParsedAddress) -> list[Hit]:
        """Return the smallest area that is named."""
        for level, name in _areas(parsed):
            areas = self._areas.named(level, name)
            if areas:
                how: MatchType = "fallback" if parsed.roads or parsed.name else areas[0].match_type
                return [hit_along(self._areas.spot(area), area.level, how, area.name) for area in areas]
        return []

    def _said(self, parsed: ParsedAddress) -> Said:
        names = (parsed.community, parsed.street, parsed.district)
        known = self._known_areas.get(names)
        if known is None:
            if len(self._known_areas) > _MOST_KEPT:
                self._known_areas.clear()
            known = self._known_areas[names] = self._read_areas(parsed)
        return known

    def _read_areas(self, parsed: ParsedAddress) -> Said:
        codes, is_strange = list[frozenset[str]](), False
        for level, name in _areas(parsed):
            found = frozenset(area.code for area in self._areas.named(level, name))
            if found:
                codes.append(found)
            elif level == "district":
                is_strange = True
        return Said(tuple(codes), is_strange)

    def _weighed(self, hit: Hit, said: Said) -> Hit:
        """Return a hit less sure by what speaks against it: areas that are named and hold it not."""
        areas = self._ground.areas_of(hit.spot)
        against = 0
        for codes in said.codes if areas else ():
            if codes.isdisjoint(areas):
                against += 1
        if not against and not said.is_strange:
            return hit
        return hit._replace(sure=hit.sure * _ELSEWHERE**against * (_NOT_OURS if said.is_strange else 1.0))


def _areas(parsed: ParsedAddress) -> list[tuple[NamedLevel, str]]:
    """Return the areas that an address names, the smallest first."""
    every: tuple[tuple[NamedLevel, str], ...] = (
        ("community", parsed.community),
        ("street", parsed.street),
        ("district", parsed.district),
    )
    return [found for found in every if found[1]]


def _is_at_crossing(relation: Relation | None) -> bool:
    """Return whether something is where two roads meet, a corner of it too, and not so far along one of them."""
    if relation is None:
        return True
    if relation.kind == "direction":
        return "角" in relation.word and relation.distance_m is None
    return "近" not in relation.word.removeprefix("附近")


_NO_SUFFIX = ("",)


def _suffixes(suffix: str) -> tuple[str, ...]:
    """Return the ways in which what follows a number may be written on the plate."""
    if not suffix:
        return _NO_SUFFIX
    if suffix[0] == "-":
        return suffix, f"附{suffix[1:]}"
    return (suffix, f"-{suffix[1:]}") if suffix[0] == "附" else (suffix,)


def _nearest(start: Crossing, ends: Sequence[Crossing]) -> Crossing:
    return min(ends, key=lambda end: abs(end.at_m - start.at_m))
