"""The registry of topology checks: what each finds, and how bad that is.

Messages, reports and documents take the words from here. An ``error`` keeps a generation from being activated (unless that is
forced), a ``warning`` does not.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["warning", "error"]


class TopologyCheck(NamedTuple):
    """One check: its stable ``code``, its ``severity``, and a sentence on what it finds."""

    code: str
    severity: Severity
    description: str


OVERLAP = TopologyCheck("overlap", "error", "Two areas of a level cover the same place: a case there could be given to either.")
GAP = TopologyCheck("gap", "warning", "A place between the areas of a level, or in an area that they should fill, is in none of them.")
SLIVER = TopologyCheck("sliver", "warning", "An overlap, a gap or a piece outside the parent that is narrower than `sliver_m`.")
OUTSIDE_PARENT = TopologyCheck("outside_parent", "error", "A part of an area lies outside the area that it belongs to.")
MISSING_PARENT = TopologyCheck("missing_parent", "error", "An area names a parent that does not exist in the same generation.")
PARENT_DISAGREES = TopologyCheck(
    "parent_disagrees",
    "error",
    "An area lies mostly in another parent than the one it names, or its code does not begin with its parent's although the deployment "
    "says so.",
)
MULTI_PART = TopologyCheck("multi_part", "warning", "An area consists of several parts that do not touch along an edge.")
AREA_OUT_OF_RANGE = TopologyCheck(
    "area_out_of_range", "warning", "An area is smaller or larger than `min_area_m2` and `max_area_m2` of its level allow."
)
SEQUENCE_ORDER = TopologyCheck(
    "sequence_order",
    "warning",
    "Numbers inside a parent run from west to east, then from north to south, but a grid lies wholly north and west of one with a smaller "
    "number.",
)
DUPLICATE_NAME = TopologyCheck("duplicate_name", "warning", "Two areas of one parent have the same name.")
CUTS_BUILDING = TopologyCheck(
    "cuts_building",
    "warning",
    "A building lies in two grids, with more than `cut_m2` and more than `cut_share` of it outside the one that has most of it.",
)
CUTS_COMPONENT = TopologyCheck(
    "cuts_component", "warning", "A border passes through a manhole cover: nearer to its middle than `cover_radius_m`."
)

TOPOLOGY_CHECKS: dict[str, TopologyCheck] = {
    check.code: check
    for check in (
        OVERLAP,
        OUTSIDE_PARENT,
        MISSING_PARENT,
        PARENT_DISAGREES,
        GAP,
        SLIVER,
        MULTI_PART,
        AREA_OUT_OF_RANGE,
        SEQUENCE_ORDER,
        DUPLICATE_NAME,
        CUTS_BUILDING,
        CUTS_COMPONENT,
    )
}
"""Every topology check by its code, errors first."""
