"""The tables that a gazetteer is made of, as they are read from PostGIS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

from gisgrid.locator import AreaTable, FootprintTable, PointTable
from gisgrid.types import Level


class LineTable(NamedTuple):
    """Roads: ids, codes, lines (shapely, WGS 84), and the values of ``fields`` for each; ``name`` is among them."""

    ids: list[int]
    codes: list[str]
    geometries: NDArray[Any]
    fields: tuple[str, ...]
    rows: list[tuple[object, ...]]


class OtherName(NamedTuple):
    """Another name of something: an alias, or a name that it had from ``valid_from`` until ``valid_to`` (None: not known).

    ``layer`` and ``code`` say of what: areas (``districts``, ``streets``, ...), ``roads``, ``places``, ``buildings``.
    What has the same name in that layer has this one too: the other ways of a road, and of a building all those of its estate, whose
    names are alike but for the number of the building. What it is a name of need not be there any more.
    """

    name: str
    layer: str
    code: str
    kind: Literal["alias", "old"]
    valid_from: date | None = None
    valid_to: date | None = None


class GazetteerTables(NamedTuple):
    """All that has a name or a number: areas of each level, roads, buildings, address points, named places, and other names of these."""

    areas: Mapping[Level, AreaTable]
    roads: LineTable
    buildings: FootprintTable
    addresses: PointTable
    places: PointTable
    names: tuple[OtherName, ...] = ()
