"""All topology checks of a generation in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import numpy as np
import shapely

from gisgrid.db.records import Issue
from gisgrid.deployment import AreaRules, Deployment, TopologyRules
from gisgrid.locator import AreaTable
from gisgrid.types import LEVELS, Level
from ingest.topology.checks import TOPOLOGY_CHECKS
from ingest.topology.coverage import find_holes, find_overlaps
from ingest.topology.cuts import Borders, Features, find_cut_buildings, find_cut_components
from ingest.topology.levels import Finding, LevelAreas, Levels, layer_of
from ingest.topology.parents import Family, find_displaced, find_missing, find_unfilled, find_wrong_prefix
from ingest.topology.plane import Plane
from ingest.topology.single import find_duplicate_names, find_multi_part, find_out_of_range, find_out_of_sequence

_ORDER = {code: place for place, code in enumerate(TOPOLOGY_CHECKS)}


def check_areas(
    tables: Mapping[Level, AreaTable],
    deployment: Deployment,
    buildings: Iterable[Features] = (),
    components: Iterable[Features] = (),
) -> list[Issue]:
    """Return what is wrong with the areas of a generation, the errors first.

    ``tables`` holds the areas of each level (a level may be missing), ``buildings`` and ``components`` (points) what stands on
    them; all geometries in WGS 84 degrees. ``deployment.topology`` says from which size and width on, in metres on the ground, a
    fault is told.
    """
    levels = Levels.of(tables, deployment.topology.rounding_m)
    found = sorted(_findings(levels, deployment, buildings, components), key=lambda finding: _ORDER[finding.check.code])
    return _issues(levels.plane, found)


def _findings(levels: Levels, deployment: Deployment, buildings: Iterable[Features], components: Iterable[Features]) -> Iterator[Finding]:
    limits = deployment.topology
    for level, areas in levels.areas.items():
        rules = deployment.areas.get(level) or AreaRules()
        yield from chain(find_overlaps(areas, limits), find_multi_part(areas), find_duplicate_names(areas))
        yield from find_out_of_range(areas, rules.min_area_m2, rules.max_area_m2)
        if rules.sequence_digits:
            yield from find_out_of_sequence(areas, rules.sequence_digits)
        above = _above(levels, deployment, level)
        yield from _of_family(Family(areas, above), deployment, limits) if above else find_holes(areas, limits)
    grids = levels.areas.get("grid")
    if grids:
        borders = Borders(grids)
        yield from find_cut_buildings(borders, buildings, limits)
        yield from find_cut_components(borders, components, limits)


def _above(levels: Levels, deployment: Deployment, level: Level) -> LevelAreas | None:
    """Return the level that areas of ``level`` belong to; None when it is the largest, or the one above has no areas."""
    known = [name for name in LEVELS if name in levels.areas or name in deployment.areas]
    place = known.index(level)
    return levels.areas.get(known[place - 1]) if place else None


def _of_family(family: Family, deployment: Deployment, limits: TopologyRules) -> Iterator[Finding]:
    rules = deployment.areas.get(family.areas.level)
    if rules and rules.parent_is_prefix:
        yield from find_wrong_prefix(family)
    yield from chain(find_missing(family), find_displaced(family, limits), find_unfilled(family, limits))


def _issues(plane: Plane, found: list[Finding]) -> list[Issue]:
    """Return findings as issues, with their places in WGS 84."""
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [finding.place for finding in found]
    places = shapely.to_wkb(shapely.set_srid(plane.to_wgs84(shapes), 4326), hex=True, include_srid=True) if found else []
    return [
        Issue(layer_of(finding.level), finding.code, finding.check.code, finding.check.severity, finding.message, str(place))
        for finding, place in zip(found, places, strict=True)
    ]
