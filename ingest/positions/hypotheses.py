"""What the numbers of a delivery may really be: each other coordinate system that could have been meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.crs import BD09, GCJ02, WGS84, Crs, from_wgs84, parse_crs, to_wgs84
from gisgrid.deployment import Deployment
from ingest.positions.likely import is_in_shifted_box, likely_systems

Pairs = NDArray[np.float64]
"""Pairs of numbers, shape (n, 2)."""

_TITLES = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}
_ENOUGH = 200  # rows to try the systems of the register with
_ASK_FOR_DEGREES = "Ask its owner for the positions in the system that they were surveyed in: {} cannot be undone behind a projection."
_ASK_FOR_THE_ORIGINAL = (
    "Its positions seem to have been corrected for {} though they were not shifted: ask its owner for the original. Or it is right, "
    "and what it is compared with was loaded shifted: look at that first."
)


class Hypothesis(NamedTuple):
    """One thing that the numbers may be: its ``title``, how they become WGS 84 degrees, and what would have to be done.

    ``is_mishap`` marks what is no coordinate system but a mistake in handling one; to be named only where it looks like it.
    """

    title: str
    to_wgs84: Callable[[Pairs], Pairs]
    remedy: str
    is_mishap: bool = False


def title_of(crs: Crs) -> str:
    """Return how sentences call a coordinate system."""
    return _TITLES.get(crs.name, crs.name)


def declared(crs: Crs) -> Hypothesis:
    """Return the hypothesis that the numbers are what the delivery says."""
    return Hypothesis(title_of(crs), lambda pairs: _moved(crs, pairs), "")


def shifted(crs: Crs, deployment: Deployment) -> list[Hypothesis]:
    """Return what else numbers declared as ``crs`` may be that lie within a mile.

    That is: shifted as Chinese maps are, or not shifted, or the shift taken off although there was none.
    """
    if not is_in_shifted_box(deployment.box):
        return []
    if crs in (GCJ02, BD09):
        return [_in_degrees(one) for one in (WGS84, GCJ02, BD09) if one != crs]
    mishaps = [_overcorrected(crs, one) for one in (GCJ02, BD09)]
    if crs.is_projected:
        return [*(_behind(crs, one) for one in (GCJ02, BD09)), *mishaps]
    return [*(_in_degrees(one) for one in (GCJ02, BD09)), *mishaps]


def usual(crs: Crs, pairs: Pairs, deployment: Deployment, *, is_turned: bool, only_usual: bool) -> list[Hypothesis]:
    """Return the systems of the place, other than ``crs``, that put ``pairs`` (n x 2, x first) into the deployment's bounds.

    Each is tried with the axes exchanged too. ``is_turned`` says that the description has exchanged them already,
    ``only_usual`` that the register of systems need not be searched.
    """
    found = []
    for likely in likely_systems(pairs[:: max(1, len(pairs) // _ENOUGH)], deployment, only_usual=only_usual):
        is_declared = crs.name in (likely.name, *likely.same) or (likely.name == WGS84.name and not crs.is_projected)
        if likely.is_swapped or not is_declared:
            found.append(_other(crs if is_declared else parse_crs(likely.name), is_swapped=likely.is_swapped, is_turned=is_turned))
    return found


def _other(crs: Crs, *, is_swapped: bool, is_turned: bool) -> Hypothesis:
    """Return the hypothesis that the numbers are in ``crs``, with their axes exchanged or not."""
    title = f"{title_of(crs)} with its axes exchanged" if is_swapped else title_of(crs)
    order = ""
    if is_swapped:
        order = ' and leave out axis_order = "yx"' if is_turned else ' and axis_order = "yx"'
    return Hypothesis(
        title,
        lambda pairs: _moved(crs, pairs[:, ::-1] if is_swapped else pairs),
        f'Write crs = "{crs.name}"{order} in the description.',
    )


def _in_degrees(crs: Crs) -> Hypothesis:
    return Hypothesis(title_of(crs), lambda pairs: _moved(crs, pairs), f'Write crs = "{crs.name}" in the description.')


def _behind(crs: Crs, shifted: Crs) -> Hypothesis:
    """Return the hypothesis that the numbers were made by projecting shifted degrees as if they were plain ones."""
    title = f"{title_of(shifted)} projected to {crs.name}"
    return Hypothesis(title, lambda pairs: _moved(shifted, _moved(crs, pairs)), _ASK_FOR_DEGREES.format(title_of(shifted)))


def _overcorrected(crs: Crs, shifted: Crs) -> Hypothesis:
    """Return the hypothesis that the way back from ``shifted`` was gone by positions that were right, or gone twice."""

    def forward(pairs: Pairs) -> Pairs:
        lonlat = _moved(crs, pairs)
        return np.column_stack(from_wgs84(shifted, lonlat[:, 0], lonlat[:, 1]))

    title = f"{title_of(crs)} corrected for {title_of(shifted)} once too often"
    return Hypothesis(title, forward, _ASK_FOR_THE_ORIGINAL.format(title_of(shifted)), is_mishap=True)


def _moved(crs: Crs, pairs: Pairs) -> Pairs:
    return np.column_stack(to_wgs84(crs, pairs[:, 0], pairs[:, 1]))
