"""A small town, drawn: two streets from west to east, one from south to north, door plates, an estate, places, areas with old names.

                 宁夏路 (x = 500)
                  |
    延安一路 -----+---------------   y = 600
                  |
    延安路   -----+---------------   y = 300
                  |

Metres east and north of a corner; four grids meet at (500, 450). Odd numbers stand south of the streets from west to east, even ones north.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from gisgrid.addresses.parsers import parser_of
from gisgrid.deployment import load_deployment
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.geocoding.ground import Plane
from gisgrid.geocoding.tables import GazetteerTables, LineTable, OtherName
from gisgrid.locator import AreaTable, FootprintTable, Locator, PointTable
from gisgrid.locator.ground import short_distance_m

PLANE = Plane.at(120.38, 36.09)

FIELDS = ("code", "name", "address", "road", "house_number", "building_number", "community_code")


def degrees(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape drawn in metres in degrees."""
    moved: shapely.Geometry = shapely.transform(shape, PLANE.degrees)
    return moved


def box(x: float, y: float, size: float = 12.0) -> shapely.Geometry:
    """Return a square building around a place in metres."""
    return degrees(shapely.box(x - size / 2, y - size / 2, x + size / 2, y + size / 2))


Row = tuple[float, float, str, str, str, str]
"""A building: x, y, name, road, house number, building number."""


def buildings() -> list[Row]:
    """Return the buildings of the town."""
    found: list[Row] = []
    for road, y in (("延安路", 300.0), ("延安一路", 600.0)):
        for step in range(20):
            x = 20.0 + 50.0 * step
            # Number 21 is missing, so that it has to be guessed.
            if step != 10:
                found.append((x, y - 20.0, "", road, f"{2 * step + 1}号", ""))
            found.append((x, y + 20.0, "", road, f"{2 * step + 2}号", ""))
    found.append((37.0, 280.0, "", "延安路", "1号甲", ""))
    found.append((51.0, 281.0, "", "延安路", "1号-1", ""))
    found += [(700.0 + 40.0 * k, 450.0, f"四方花园{k}号楼", "宁夏路", "41号", f"{k}号楼") for k in (1, 2, 3)]
    found.append((300.0, 450.0, "好邻居超市", "宁夏路", "12号", ""))
    found.append((900.0, 700.0, "好邻居超市", "延安一路", "90号", ""))
    found.append((520.0, 100.0, "台东小学", "宁夏路", "3号", ""))
    return found


def footprints(rows: Iterable[Row]) -> FootprintTable:
    """Return buildings as the table that is read from PostGIS."""
    rows = list(rows)
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [box(x, y) for x, y, *_ in rows]
    values: list[tuple[object, ...]] = [
        (f"B{x:.0f}-{y:.0f}", name, "", road, house, number, "") for x, y, name, road, house, number in rows
    ]
    return FootprintTable(list(range(len(rows))), [str(row[0]) for row in values], shapes, FIELDS, values)


def roads() -> LineTable:
    """Return the roads of the town; 延安路 is there in two pieces."""
    lines = [
        ("延安路", shapely.LineString([(0, 300), (500, 300)])),
        ("延安路", shapely.LineString([(500, 300), (1000, 300)])),
        ("延安一路", shapely.LineString([(0, 600), (1000, 600)])),
        ("宁夏路", shapely.LineString([(500, 0), (500, 900)])),
    ]
    shapes = np.empty(len(lines), dtype=object)
    shapes[:] = [degrees(shapely.MultiLineString([line])) for _, line in lines]
    codes = [f"R{k}" for k in range(len(lines))]
    return LineTable(list(range(len(lines))), codes, shapes, ("code", "name"), [(c, n) for c, (n, _) in zip(codes, lines, strict=True)])


def areas() -> dict[str, AreaTable]:
    """Return one district of two streets, west and east, a community each, and four grids."""

    def table(rows: list[tuple[str, str, str | None, tuple[float, float, float, float]]]) -> AreaTable:
        shapes = np.empty(len(rows), dtype=object)
        shapes[:] = [degrees(shapely.MultiPolygon([shapely.box(*sides)])) for *_, sides in rows]
        return AreaTable([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], shapes)

    west, east = (0.0, 0.0, 500.0, 900.0), (500.0, 0.0, 1000.0, 900.0)
    return {
        "district": table([("370203", "市北区", None, (0.0, 0.0, 1000.0, 900.0))]),
        "street": table([("370203001", "宁夏路街道", "370203", west), ("370203002", "延安路街道", "370203", east)]),
        "community": table([("370203001001", "西村社区居委会", "370203001", west), ("370203002001", "东村社区居委会", "370203002", east)]),
        "grid": table(
            [
                ("370203001001001", "西南", "370203001001", (0.0, 0.0, 500.0, 450.0)),
                ("370203001001002", "西北", "370203001001", (0.0, 450.0, 500.0, 900.0)),
                ("370203002001001", "东南", "370203002001", (500.0, 0.0, 1000.0, 450.0)),
                ("370203002001002", "东北", "370203002001", (500.0, 450.0, 1000.0, 900.0)),
            ]
        ),
    }


def places() -> PointTable:
    """Return the named places that are no buildings."""
    lon, lat = PLANE.degrees([[100.0, 100.0], [800.0, 800.0]]).T
    rows: list[tuple[object, ...]] = [("P1", "台东步行街", "street", ""), ("P2", "北岭公园", "park", "")]
    return PointTable([1, 2], ["P1", "P2"], lon, lat, ("code", "name", "kind", "address"), rows)


NAMES = (
    OtherName("四方区", "districts", "370203", "old"),
    OtherName("华阳街道", "streets", "370203001", "old"),
    OtherName("老台东", "places", "P1", "alias"),
    OtherName("胜利路", "roads", "R2", "old"),
)


def tables(rows: Iterable[Row] | None = None) -> GazetteerTables:
    """Return all that the town's gazetteer is made of."""
    nothing = PointTable([], [], np.empty(0), np.empty(0), ("code", "road", "house_number"), [])
    levels = areas()
    return GazetteerTables(levels, roads(), footprints(buildings() if rows is None else rows), nothing, places(), NAMES)  # type: ignore[arg-type]


def locator() -> Locator:
    """Return the locator of the town."""
    return Locator.from_areas(areas())  # type: ignore[arg-type]


def gazetteer() -> Gazetteer:
    """Return the gazetteer of the town."""
    return Gazetteer(tables(), parser_of(load_deployment("shibei")), locator())


def away_m(lon: float, lat: float, x: float, y: float) -> float:
    """Return how far a position in degrees is from a place drawn in metres."""
    there_lon, there_lat = PLANE.degrees([x, y]).tolist()
    return short_distance_m(there_lon - lon, there_lat - lat, lat)
