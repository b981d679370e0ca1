"""What in a file does not go together with the deployment that is set: another city's file, or a level that it does not have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gisgrid.crs import parse_crs, to_wgs84
from gisgrid.deployment import Deployment
from ingest import values
from ingest.inspecting.columns import Column
from ingest.inspecting.places import Place, System
from ingest.inspecting.sample import Positions
from ingest.targets import Target

_FEW = 0.5


def misfits(deployment: Deployment, goal: Target, code: Column | None, place: Place | None, system: System | None) -> Iterator[str]:
    """Yield what the deployment would not take of rows for ``goal``, in words."""
    if goal.level is not None and goal.level not in deployment.areas:
        yield f"the deployment {deployment.id!r} has no level {goal.level}: add [areas.{goal.level}] to it"
    if place is not None and system is not None:
        lonlat = in_wgs84(place, system)
        if len(lonlat) and _share_inside(lonlat, deployment) < _FEW:
            share = f"{_share_inside(lonlat, deployment):.0%} of the rows are" if _share_inside(lonlat, deployment) else "no row is"
            yield (
                f"{share} inside the bounds of the deployment {deployment.id!r}: for another city set GISGRID_DEPLOYMENT, or have its "
                "rules written with --deployment-to"
            )
    pattern = _pattern(deployment, goal)
    if pattern and code is not None and not values.matches(pa.array(code.examples), pattern).any():
        yield f"codes such as {code.examples[0]} are not what the deployment {deployment.id!r} prescribes ({pattern})"


def _pattern(deployment: Deployment, goal: Target) -> str:
    if goal.level is not None:
        return deployment.areas[goal.level].code_pattern if goal.level in deployment.areas else ""
    return deployment.components.code_pattern if goal.id == "manhole_covers" else ""


def _share_inside(lonlat: Positions, deployment: Deployment) -> float:
    west, south, east, north = deployment.bounds
    return float(((lonlat >= (west, south)) & (lonlat <= (east, north))).all(axis=1).mean())


def in_wgs84(place: Place, system: System) -> Positions:
    """Return the corners (n, 2) of the extents of rows as longitude and latitude in WGS 84; none when their system is not known."""
    boxes = place.boxes[np.isfinite(place.boxes).all(axis=1)]
    if not len(boxes) or system.name is None:
        return np.empty((0, 2))
    pairs = np.vstack([boxes[:, :2], boxes[:, 2:]])
    first, second = (pairs[:, ::-1] if system.is_swapped else pairs).T
    lonlat = np.column_stack(to_wgs84(parse_crs(system.name), first, second))
    return np.asarray(lonlat[np.isfinite(lonlat).all(axis=1)])
