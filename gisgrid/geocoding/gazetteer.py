"""A gazetteer in memory: from an address to a point, from a point to an address, and suggestions while typing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from gisgrid.addresses import NameKind, ParsedAddress
from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.names import Names
from gisgrid.addresses.parsers import Parser
from gisgrid.addresses.western import WesternParser
from gisgrid.geocoding.answers import Geocoded, Geocoding, MatchType, Reversed, Suggestion
from gisgrid.geocoding.areas import AreaNames
from gisgrid.geocoding.asked import Hit
from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Features
from gisgrid.geocoding.ground import Ground, plane_around
from gisgrid.geocoding.lines import RoadLines
from gisgrid.geocoding.many import columns_of
from gisgrid.geocoding.matching import Matcher, Named
from gisgrid.geocoding.places import OtherPlace, Places
from gisgrid.geocoding.reversing import Indices, Reverser
from gisgrid.geocoding.roads import Roads
from gisgrid.geocoding.similar import Similar
from gisgrid.geocoding.suggesting import Kind, Suggester
from gisgrid.geocoding.tables import GazetteerTables, OtherName
from gisgrid.geocoding.wording import Wording
from gisgrid.locator import FootprintIndex, Locator, PointIndex

# A later reading of a text is only asked for what the earlier ones leave open.
_ENOUGH = 0.8
_SAME_DEG = 1e-5
_NOTHING = (None,) * len(Geocoded._fields)


class Gazetteer:
    """Roads, door plates, places and areas of a city, found by their names. Never changed: any thread may ask.

    ``locator`` tells in which areas places lie; without it no address is limited by a street or community that it names.
    ``indices`` are of the same tables, where there are any already. What has not changed since ``before`` is taken over from that.
    What is asked for first takes a moment to make: ``prepare`` makes it all.
    """

    _ground: Ground
    _lines: RoadLines
    _features: Features
    _doors: Doors
    _roads: Roads

    def __init__(
        self,
        tables: GazetteerTables,
        parser: Parser,
        locator: Locator | None = None,
        indices: Indices | None = None,
        before: Gazetteer | None = None,
    ) -> None:
        self._tables, self._parser, self._locator, self._indices = tables, parser, locator, indices
        self._words = Wording(chinese=not isinstance(parser, WesternParser))
        plane = plane_around(_points(tables))
        # What was made in another plane is of no use here.
        before = before if before is not None and before._ground.plane == plane else None
        self._ground = Ground(plane, locator) if before is None or before._locator is not locator else before._ground
        roads = before if before is not None and before._tables.roads is tables.roads else None
        self._lines = RoadLines(tables.roads, plane) if roads is None else roads._lines
        self._features = features = Features(self._ground, tables, None if before is None else before._features)
        self._doors = Doors(features, None if before is None else before._doors)
        features.stand(self._doors.by_road, self._lines.by_name, None if roads is None else roads._features)
        self._areas = AreaNames(self._ground, tables.areas, tables.names)
        self._roads = Roads(features, self._lines, self._doors, None if roads is None else roads._roads.network.on(self._ground))
        self._places = Places(features, self._doors, self._other_places())
        named = Named(self._roads, self._places, self._areas, *self._similar())
        self._matcher = Matcher(self._ground, named, self._other_roads(), self._words)

    def _other_places(self) -> Mapping[str, Sequence[OtherPlace]]:
        """Return what other names of places and buildings stand for."""
        stems = self._doors.stems_of_codes({other.code for other in self._tables.names if other.layer in ("places", "buildings")})
        found: dict[str, list[OtherPlace]] = {}
        for other in self._tables.names:
            stem = stems.get((other.layer, other.code))
            if stem is not None:
                found.setdefault(normal_name(other.name), []).append(OtherPlace(stem, other.code, _how(other)))
        return found

    def _other_roads(self) -> dict[str, tuple[str, MatchType]]:
        names = self._lines.codes
        roads = [other for other in self._tables.names if other.layer == "roads" and other.code in names]
        return {normal_name(other.name): (names[other.code], _how(other)) for other in roads}

    def _similar(self) -> tuple[Similar, Similar]:
        # In an order that every process has: of names that are equally alike the first ones are taken.
        return Similar(sorted(self._lines.by_name.keys() | self._doors.by_road.keys())), Similar(sorted(self._doors.by_name))

    @cached_property
    def names(self) -> Names:
        """Every name with what it may stand for, as the parser asks for it."""
        kinds: dict[str, set[NameKind]] = {}
        for name in chain(self._lines.by_name, self._doors.by_road, self._matcher.road_aliases):
            kinds.setdefault(name, set()).add("road")
        for name in chain(self._doors.by_name, self._places.others):
            kinds.setdefault(name, set()).add("place")
        for name, areas in self._areas.by_name.items():
            kinds.setdefault(name, set()).update(area.level for area in areas)
        return Names(kinds)

    def __reduce__(self) -> tuple[type[Gazetteer], tuple[GazetteerTables, Parser, Locator | None]]:
        return Gazetteer, (self._tables, self._parser, self._locator)

    @cached_property
    def _reverser(self) -> Reverser:
        indices = self._indices or Indices(FootprintIndex(self._tables.buildings), PointIndex(self._tables.addresses))
        return Reverser(self._features, self._doors, self._lines, indices, self._words)

    @cached_property
    def _suggester(self) -> Suggester:
        written = {normal_name(other.name): other.name for other in self._tables.names} | self._doors.place_names
        names: dict[str, tuple[str, Kind]] = {
            name: (written.get(name, name), "place") for name in chain(self._doors.by_name, self._places.others)
        }
        names |= {name: (area.name, area.level) for name, (area, *_) in self._areas.by_name.items()}
        names |= {name: (self._doors.road_names.get(name, name), "road") for name in self._doors.by_road}
        names |= {name: (written.get(name, name), "road") for name in self._matcher.road_aliases}
        names |= {name: (parts[0].name, "road") for name, parts in self._lines.by_name.items()}
        return Suggester(names, self._roads, self._words)

    def geocode_many(self, texts: Iterable[str | None]) -> dict[str, pa.Array]:
        """Return the best answer to each address as the columns of ``many.COLUMNS``, null where there is none."""
        return columns_of(self, texts)

    def reverse(self, lon: float, lat: float, *, limit: int = 3) -> Reversed:
        """Return the address that a position (degrees, WGS 84) is at: of the nearest door plate on its side of the road next to it.

        At most ``limit`` - 1 others near it are given too; none is farther than 300 m.
        """
        return self._reverser.at(lon, lat, limit)

    def suggest(self, text: str, *, limit: int = 10) -> tuple[Suggestion, ...]:
        """Return at most ``limit`` names and door plates that somebody who has typed ``text`` may be about to write."""
        return self._suggester.suggest(text, limit)

    def prepare(self) -> None:
        """Make what many answers need, so that nobody has to wait for it; the plates of one road take a millisecond."""
        _ = self.names, self._reverser, self._suggester, self._roads.network

    def prepare_roads(self) -> None:
        """Make the plates of all roads: a second or two for a district, which the first to ask about each road would else spend."""
        self._roads.prepare()

    def geocode(self, text: str, *, explain: bool = False, limit: int = 5) -> Geocoding:
        """Return the place that an address means and at most ``limit`` - 1 others that it may mean; ``best`` is None for no address.

        With ``explain`` the steps say in words what was tried and found.
        """
        steps: list[str] | None = [] if explain else None
        first, best = self._found(self._read(text), limit, steps)
        return Geocoding(
            first.normal,
            Geocoded(*_values(best[0])) if best else None,
            tuple([Geocoded(*_values(hit)) for hit in best[1:]]) if len(best) > 1 else (),
            first.relation.word if first.relation is not None else "",
            first.dropped,
            first.not_understood,
            tuple(steps or ()),
        )

    def rows(self, texts: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """Return what ``geocode`` finds as rows of ``many.COLUMNS``: of all places but the best only how many they are.

        All texts are read before any is looked for: a processor does the same work on many faster than different work in turns.
        """
        return [self._row(readings, limit) for readings in [self._read(text) for text in texts]]

    def _row(self, readings: Sequence[ParsedAddress], limit: int) -> tuple[Any, ...]:
        first, best = self._found(readings, limit, None)
        hint = first.relation.word if first.relation is not None else ""
        values = _values(best[0]) if best else _NOTHING
        return (*values, first.normal, hint, "; ".join(first.not_understood), max(len(best) - 1, 0))

    def _read(self, text: str) -> Sequence[ParsedAddress]:
        return self._parser.parse(text, self.names) or (ParsedAddress(text.strip()),)

    def _found(self, readings: Sequence[ParsedAddress], limit: int, steps: list[str] | None) -> tuple[ParsedAddress, list[Hit]]:
        """Return the first reading of an address and the surest hits; adds what was tried and found to ``steps`` if there are any."""
        hits, left = list[Hit](), 1.0
        for reading in readings:
            found = self._matcher.hits(reading)
            if steps is not None:
                steps += _told(reading, found)
            hits += [hit._replace(sure=hit.sure * left) for hit in found] if left < 1.0 else found
            left -= found[0].sure if len(found) == 1 else sum([hit.sure for hit in found])
            if left < 1.0 - _ENOUGH:
                break
        return readings[0], hits if len(hits) == 1 else _distinct(hits, limit)


def _told(reading: ParsedAddress, hits: Iterable[Hit]) -> list[str]:
    parts = {name: value for name, value in reading._asdict().items() if value and name not in ("normal", "dropped", "not_understood")}
    found = [f"  {hit.level} {hit.match_type} {hit.text}: {hit.sure:.2f} within {hit.radius_m:.0f} m" for hit in hits]
    return [f"read as {parts}", *(found or ["  nothing found"])]


def _distinct(hits: list[Hit], limit: int) -> list[Hit]:
    """Return the surest hits, each place once."""
    found: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: -hit.sure):
        if all(_is_apart(hit, other) for other in found):
            found.append(hit)
            if len(found) == limit:
                break
    return found


def _is_apart(one: Hit, other: Hit) -> bool:
    return abs(one.spot.lon - other.spot.lon) > _SAME_DEG or abs(one.spot.lat - other.spot.lat) > _SAME_DEG


def _values(hit: Hit) -> tuple[Any, ...]:
    """Return the fields of ``Geocoded``."""
    spot, level, match_type, radius_m, sure, text = hit
    return round(spot.lon, 7), round(spot.lat, 7), level, match_type, round(radius_m, 1), round(sure, 3), text, *spot[6:]


def _how(other: OtherName) -> MatchType:
    return "old_name" if other.kind == "old" else "alias"


def _points(tables: GazetteerTables) -> list[np.ndarray[Any, Any]]:
    """Return where things are, one point each, degrees."""
    parts = [np.stack([table.lon, table.lat], axis=1) for table in (tables.addresses, tables.places) if len(table.ids)]
    shapes = [geometries for geometries in (tables.roads.geometries, tables.buildings.geometries) if len(geometries)]
    return [*parts, *(shapely.bounds(geometries)[:, :2] for geometries in shapes)]
