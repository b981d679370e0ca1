"""Evidence on where a delivery's rows really lie: for each sampled row, whether it fits with what is known of the city."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.db.evidence import Coverage
from gisgrid.deployment import Deployment
from ingest.positions.ground import Ground
from ingest.positions.hypotheses import Hypothesis, Pairs
from ingest.positions.likely import within
from ingest.positions.plane import metres
from ingest.positions.sampler import Sample
from ingest.positions.surroundings import Surroundings
from ingest.readers.batch import Geometries
from ingest.targets import Target

Flags = NDArray[np.bool_]

TOLERANCE_M = 50.0
"""How far a position may lie from where it belongs and still count as right: surveys, kerbs and borders are no better."""

_MOST_LOOKED_UP = 300
_SIMPLER_M = 5.0
_FEW_AREAS = 50
_OUTDOORS = frozenset({"manhole_covers", "cameras"})  # door plates and places may well be in a building
_POLYGONS = (3, 6)  # of shapely's types: those that can hold something


class Fits(NamedTuple):
    """For each sampled row whether it ``fits``, and whether that can be ``judged`` at all."""

    fits: Flags
    judged: Flags


class Placed(NamedTuple):
    """The sample as it lies under one hypothesis: ``lonlat`` of the rows' centres (n x 2, NaN for none), and in metres."""

    hypothesis: Hypothesis
    lonlat: Pairs
    xy: Pairs
    there: Flags


@dataclass
class Scene:
    """A sample, what it is compared with, and the plane in which distances are measured."""

    sample: Sample
    target: Target
    deployment: Deployment
    known: Surroundings | None

    @cached_property
    def centres(self) -> Pairs:
        """The centroid of each row's geometry, in the numbers of the file; n x 2, NaN where there is none."""
        return _coordinates(shapely.centroid(self.sample.geom))

    @property
    def origin(self) -> tuple[float, float]:
        """The middle of the deployment, degrees."""
        box = self.deployment.box
        return (box.west + box.east) / 2.0, (box.south + box.north) / 2.0

    def placed(self, hypothesis: Hypothesis) -> Placed:
        """Return where the sample lies if ``hypothesis`` is true."""
        lonlat = hypothesis.to_wgs84(self.centres)
        if self.target.level is not None and self.sample.size <= _FEW_AREAS:
            # The middle of a large area is not quite where the middle of its numbers is put; of few areas each one counts.
            middle = shapely.centroid(_moved(self.sample.geom, hypothesis))
            lonlat = np.where(_finite(lonlat)[:, None], _coordinates(middle), lonlat)
        there = within(lonlat, self.deployment.box)
        return Placed(hypothesis, lonlat, metres(lonlat, self.origin), there)

    def shapes(self, placed: Placed, rows: NDArray[np.int64]) -> Geometries:
        """Return the geometries of ``rows`` in WGS 84 degrees if the hypothesis is true; None where it has no place for a corner."""
        return _moved(self.sample.geom[rows], placed.hypothesis)

    def flat(self, shapes: Geometries) -> Geometries:
        """Return geometries in degrees as geometries in metres around the deployment's middle."""
        return np.asarray(shapely.transform(shapes, lambda lonlat: metres(lonlat, self.origin)))

    @cached_property
    def territory(self) -> Ground | None:
        """The ground of the largest areas there are, in metres, with the tolerance around it; None when there are none."""
        found = self.known.territory() if self.known is not None else None
        if found is None or not found[1]:
            return None
        # A border of thousands of corners would cost more than all the rest.
        return Ground(shapely.simplify(self.flat(np.array(found[1], dtype=object)), _SIMPLER_M), TOLERANCE_M)

    @cached_property
    def named(self) -> Geometries:
        """For each row the area that it names, in metres; None where it names none or there is none of that code."""
        codes = {code for code in self.sample.named if code is not None}
        areas = self.known.areas(sorted(codes)) if self.known is not None and codes else {}
        result = np.full(self.sample.size, None, dtype=object)
        result[:] = [areas.get(code) if code is not None else None for code in self.sample.named]
        return self.flat(result)

    @cached_property
    def parents(self) -> tuple[Geometries, NDArray[np.int64]]:
        """The areas that rows name, in metres, grown by the tolerance; and for each row the number of its own, -1 for none."""
        there = ~shapely.is_missing(self.named)
        codes = np.array([code or "" for code in self.sample.named])
        _, first, found = np.unique(codes[there], return_index=True, return_inverse=True)
        grown = shapely.buffer(shapely.simplify(self.named[there][first], _SIMPLER_M), TOLERANCE_M, quad_segs=4)
        shapely.prepare(grown)
        which = np.full(self.sample.size, -1, dtype=np.int64)
        which[there] = found
        return grown, which

    @cached_property
    def loaded(self) -> Pairs:
        """For each row where the row with its code was loaded before, in metres; NaN where there is none."""
        codes = [code for code in self.sample.code if code is not None]
        found = self.known.loaded(self.target.id, codes) if self.known is not None and codes else {}
        nowhere = (np.nan, np.nan)
        places = [found.get(code, nowhere) if code is not None else nowhere for code in self.sample.code]
        return metres(np.array(places, dtype=np.float64).reshape(-1, 2), self.origin)


class Kind(NamedTuple):
    """One kind of evidence: what the rows that fit do, in words.

    ``least_share`` of the rows must fit under a hypothesis for it to be believed at all. ``least_part`` is what an alternative must
    mend of a delivery of few rows: little where a wrong place hits something only now and then. ``witness`` is what the rows are
    compared with.
    """

    name: str
    words: str
    least_share: float
    least_part: float
    witness: str


DISTRICT = Kind("district", "lie in the district", 0.8, 0.8, "areas")
NAMED = Kind("named", "lie in the area that they name", 0.8, 0.3, "areas")
HELD = Kind("held", "lie in their parent", 0.8, 0.08, "areas")
OUTDOORS = Kind("outdoors", "stand outside buildings", 0.9, 0.1, "buildings")
COVERS = Kind("covers", "have no manhole cover inside them", 0.9, 0.1, "covers")
LOADED = Kind("loaded", f"lie within {TOLERANCE_M:.0f} m of where they were loaded before", 0.8, 0.5, "rows loaded before")


def kinds(scene: Scene) -> Iterator[Kind]:
    """Yield the kinds of evidence that there is for a scene."""
    if scene.known is None:
        return
    level = scene.target.level
    if level is None and scene.territory is not None:
        yield DISTRICT
    if not shapely.is_missing(scene.named).all():
        yield NAMED if level is None else HELD
    known_before = int(_finite(scene.loaded).sum())
    if known_before:
        yield LOADED
    # Where most rows have been before says all that buildings and covers could say, which takes longer to look up.
    if level is None and known_before * 2 < scene.sample.size:
        if scene.target.id in _OUTDOORS:
            yield OUTDOORS
        elif scene.target.geometry == "MultiPolygon":
            yield COVERS


def fits(kind: Kind, scene: Scene, placed: Placed) -> Fits:
    """Return which sampled rows fit with ``kind`` of evidence under a hypothesis."""
    return _FITS[kind.name](scene, placed)


def _in_district(scene: Scene, placed: Placed) -> Fits:
    inside = placed.there.copy()
    if scene.territory is not None:
        inside[inside] = scene.territory.has(placed.xy[inside, 0], placed.xy[inside, 1])
    return Fits(inside, _finite(scene.centres))


def _in_named(scene: Scene, placed: Placed) -> Fits:
    named = scene.named
    judged = ~shapely.is_missing(named)
    rows = np.flatnonzero(judged & placed.there)
    result = np.zeros(scene.sample.size, dtype=bool)
    result[rows] = shapely.dwithin(named[rows], shapely.points(placed.xy[rows]), TOLERANCE_M)
    return Fits(result, judged)


def _in_parent(scene: Scene, placed: Placed) -> Fits:
    """Return which areas lie in their parent with all their corners; borders may differ a little from level to level."""
    parents, which = scene.parents
    looked_at = _spread(scene.sample.size)
    judged, result = np.zeros(scene.sample.size, dtype=bool), np.zeros(scene.sample.size, dtype=bool)
    judged[looked_at] = which[looked_at] >= 0
    rows = np.flatnonzero(judged & placed.there)
    shapes = scene.flat(scene.shapes(placed, rows))
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    inside = shapely.contains_xy(parents[which[rows][owner]], corners[:, 0], corners[:, 1])
    result[rows] = ~shapely.is_missing(shapes)
    result[rows[owner[~inside]]] = False
    return Fits(result, judged)


def _near_loaded(scene: Scene, placed: Placed) -> Fits:
    apart = placed.xy - scene.loaded
    with np.errstate(invalid="ignore"):
        return Fits(np.hypot(apart[:, 0], apart[:, 1]) <= TOLERANCE_M, _finite(scene.loaded))


def _outdoors(scene: Scene, placed: Placed) -> Fits:
    rows = _some(placed)
    found = scene.known.in_buildings(placed.lonlat[rows, 0], placed.lonlat[rows, 1]) if scene.known is not None else None
    return _missed(scene, rows, found)


def _without_covers(scene: Scene, placed: Placed) -> Fits:
    rows = _some(placed)
    shapes = scene.shapes(placed, rows)
    usable = np.isin(shapely.get_type_id(shapes), _POLYGONS)
    rows, shapes = rows[usable], shapes[usable]
    invalid = ~shapely.is_valid(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    return _missed(scene, rows, scene.known.hold_covers(shapes) if scene.known is not None else None)


def _missed(scene: Scene, rows: NDArray[np.int64], found: Coverage | None) -> Fits:
    """Return which of the looked-up ``rows`` hit nothing, judged only where there is something to hit."""
    result, judged = np.zeros(scene.sample.size, dtype=bool), np.zeros(scene.sample.size, dtype=bool)
    if found is not None:
        result[rows], judged[rows] = ~found.hit, found.near
    return Fits(result, judged)


def _moved(geom: Geometries, hypothesis: Hypothesis) -> Geometries:
    """Return geometries in WGS 84; None for those that have a corner without a place there."""
    flat = shapely.force_2d(geom)
    corners, owner = shapely.get_coordinates(flat, return_index=True)
    # Equal corners are moved once, so that the two ends of a ring cannot come out a hair apart.
    distinct, where = np.unique(corners.view(np.complex128).ravel(), return_inverse=True)
    there = hypothesis.to_wgs84(distinct.view(np.float64).reshape(-1, 2))[where]
    whole = np.ones(len(flat), dtype=bool)
    whole[owner[~_finite(there)]] = False
    result = np.full(len(flat), None, dtype=object)
    result[whole] = shapely.transform(flat[whole], lambda _: there[whole[owner]])
    return result


def _coordinates(points: Geometries) -> Pairs:
    there = ~(shapely.is_missing(points) | shapely.is_empty(points))
    result = np.full((len(points), 2), np.nan)
    result[there] = shapely.get_coordinates(points[there])
    return result


def _finite(pairs: Pairs) -> Flags:
    return np.asarray(np.isfinite(pairs).all(axis=1))


def _spread(size: int) -> NDArray[np.int64]:
    """Return the rows of a sample to take a closer look at: the same ones under every hypothesis."""
    return np.unique(np.linspace(0, size - 1, min(size, _MOST_LOOKED_UP)).astype(np.int64))


def _some(placed: Placed) -> NDArray[np.int64]:
    """Return the rows to look up in the database, as far as they lie in the bounds."""
    rows = _spread(len(placed.there))
    return rows[placed.there[rows]]


_FITS = {
    DISTRICT.name: _in_district,
    NAMED.name: _in_named,
    HELD.name: _in_parent,
    LOADED.name: _near_loaded,
    OUTDOORS.name: _outdoors,
    COVERS.name: _without_covers,
}
