"""What the numbers of a delivery may really be: each other coordinate system that could have been meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.crs import BD09, GCJ02, WGS84, Crs, parse_crs, to_wgs84
from gisgrid.deployment import Deployment
from ingest.positions.likely import is_in_shifted_box, likely_systems

Pairs = NDArray[np.float64]
"""Pairs of numbers, shape (n, 2)."""

_TITLES = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}
_ENOUGH = 200  # rows to try the systems of the register with
_ASK_FOR_DEGREES = "Ask its owner for the positions in the system that they were surveyed in: {} cannot be undone behind a projection."


class Hypothesis(NamedTuple):
    """One thing that the numbers may be: its ``title``, how they become WGS 84 degrees, and what would have to be done."""

    title: str
    to_wgs84: Callable[[Pairs], Pairs]
    remedy: str


def title_of(crs: Crs) -> str:
    """Return how sentences call a coordinate system."""
    return _TITLES.get(crs.name, crs.name)


def declared(crs: Crs) -> Hypothesis:
    """Return the hypothesis that the numbers are what the delivery says."""
    return Hypothesis(title_of(crs), lambda pairs: _moved(crs, pairs), "")


def shifted(crs: Crs, deployment: Deployment) -> list[Hypothesis]:
    """Return what else numbers declared as ``crs`` may be that lie within a mile: shifted as Chinese maps are, or not shifted."""
    if not is_in_shifted_box(deployment.box):
        return []
    if crs.is_projected:
        return [
            Hypothesis(f"{title_of(one)} projected to {crs.name}", _behind(crs, one), _ASK_FOR_DEGREES.format(title_of(one)))
            for one in (GCJ02, BD09)
        ]
    others = [one for one in (WGS84, GCJ02, BD09) if one != crs] if crs in (GCJ02, BD09) else [GCJ02, BD09]
    return [Hypothesis(title_of(one), _mover(one), f'Write crs = "{one.name}" in the description.') for one in others]


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


def _mover(crs: Crs) -> Callable[[Pairs], Pairs]:
    return lambda pairs: _moved(crs, pairs)


def _behind(crs: Crs, shifted: Crs) -> Callable[[Pairs], Pairs]:
    """Return how numbers become WGS 84 that were made by projecting shifted degrees as if they were plain ones."""
    return lambda pairs: _moved(shifted, _moved(crs, pairs))


def _moved(crs: Crs, pairs: Pairs) -> Pairs:
    return np.column_stack(to_wgs84(crs, pairs[:, 0], pairs[:, 1]))
