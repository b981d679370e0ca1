"""One row in a hundred made bad, in ways in which real files are bad; each defect is written down with what ought to come of it.

The fate is what a careful reader does: ``rejected`` (kept out, with the reason), ``repaired`` (loaded after a harmless repair) or
``warned`` (loaded, with a value that is not known).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.arrays import Bools, Ints, Table

REJECTED, REPAIRED, WARNED = "rejected", "repaired", "warned"
SHARE = 0.01
_MOJIBAKE = "锟斤拷锟斤拷"


class Defect(NamedTuple):
    """One bad row: file, row (1 is the first after the header), code as it should have been, what is wrong, what becomes of it."""

    file: str
    row: int
    key: str
    defect: str
    fate: str


class _Way(NamedTuple):
    slug: str
    fate: str
    spoil: Callable[[Table, int], None]


class _Target(NamedTuple):
    """A table to spoil: its file, its columns, and the column that names a row."""

    file: str
    table: Table
    key: str


def _setter(column: str, value: object) -> Callable[[Table, int], None]:
    def spoil(table: Table, row: int) -> None:
        table[column][row] = value

    return spoil


def _copy_from_above(column: str) -> Callable[[Table, int], None]:
    def spoil(table: Table, row: int) -> None:
        table[column][row] = table[column][row - 1]

    return spoil


def _edit(column: str, change: Callable[[str], str]) -> Callable[[Table, int], None]:
    def spoil(table: Table, row: int) -> None:
        table[column][row] = change(str(table[column][row]))

    return spoil


def _swap(first: str, second: str) -> Callable[[Table, int], None]:
    def spoil(table: Table, row: int) -> None:
        table[first][row], table[second][row] = table[second][row], table[first][row]

    return spoil


def _all(*steps: Callable[[Table, int], None]) -> Callable[[Table, int], None]:
    def spoil(table: Table, row: int) -> None:
        for step in steps:
            step(table, row)

    return spoil


def _apply(rng: np.random.Generator, target: _Target, ways: tuple[_Way, ...], rows: Ints) -> list[Defect]:
    """Spoil the rows, each way in turn, and return what was done; the columns of ``table`` are changed in place."""
    file, table, key = target
    keys = [str(table[key][row]) for row in rows]
    turns = rng.permutation(len(ways))
    done = []
    for place, row in enumerate(rows.tolist()):
        way = ways[turns[place % len(ways)]]
        way.spoil(table, row)
        done.append(Defect(file, row + 1, keys[place], way.slug, way.fate))
    return done


def _choose_rows(rng: np.random.Generator, free: Bools) -> Ints:
    """Return one row in a hundred of all, among the free ones, never two in succession and never the first."""
    wanted = max(1, round(SHARE * len(free)))
    chosen: set[int] = set()
    for row in rng.permutation(np.nonzero(free)[0]).tolist():
        if len(chosen) == wanted:
            break
        if row > 0 and not {row - 1, row + 1} & chosen:
            chosen.add(row)
    return np.array(sorted(chosen), dtype=np.int64)


_COVER_WAYS = (
    _Way("duplicate-code", REJECTED, _copy_from_above("ObjID")),
    _Way("code-too-short", REJECTED, _edit("ObjID", lambda code: code[:-1])),
    _Way("unknown-class", REJECTED, _edit("ObjID", lambda code: code[:8] + "99" + code[10:])),
    _Way("no-geometry", REJECTED, _setter("geometry", None)),
    _Way("zero-position", REJECTED, _setter("geometry", shapely.Point(0.0, 0.0))),
    _Way("swapped-axes", REJECTED, lambda t, r: t["geometry"].__setitem__(r, _swapped(t["geometry"][r]))),
    _Way("unknown-state", WARNED, _setter("ObjState", "一般")),
    _Way("impossible-date", REJECTED, _setter("ORDate", "20231345")),
    _Way("damaged-text", REJECTED, _setter("DeptName3", _MOJIBAKE)),
    _Way("damaged-note", REJECTED, _setter("Note_", "井圈" + _MOJIBAKE)),
)
_BUILDING_WAYS = (
    _Way("bow-tie", REPAIRED, lambda t, r: t["geometry"].__setitem__(r, _bow_tie(t["geometry"][r]))),
    _Way("no-geometry", REJECTED, _setter("geometry", None)),
    _Way("zero-area", REJECTED, lambda t, r: t["geometry"].__setitem__(r, _flat(t["geometry"][r]))),
    _Way("heights-in-coordinates", REPAIRED, lambda t, r: t["geometry"].__setitem__(r, shapely.force_3d(t["geometry"][r], 12.5))),
    _Way("negative-floors", REJECTED, _setter("层数", -1)),
    _Way("999-floors", REJECTED, _setter("层数", 999)),
    _Way("no-code", REJECTED, _setter("编码", None)),
    _Way("duplicate-code", REJECTED, _copy_from_above("编码")),
    _Way("year-zero", REJECTED, _setter("建成年份", 0)),
    _Way("blanks-around", REPAIRED, _edit("道路", lambda name: f" {name}　")),
)
_CAMERA_WAYS = (
    _Way("swapped-axes", REJECTED, _swap("经度", "纬度")),
    _Way("no-coordinates", REJECTED, _all(_setter("经度", ""), _setter("纬度", ""))),
    _Way("text-coordinates", REJECTED, _all(_edit("经度", lambda v: f"东经{v[:6]}"), _edit("纬度", lambda v: f"北纬{v[:5]}"))),
    _Way("duplicate-code", REJECTED, _copy_from_above("设备编码")),
    _Way("azimuth-361", REJECTED, _setter("方位角", "361")),
    _Way("negative-azimuth", REJECTED, _setter("方位角", "-1")),
    _Way("unknown-kind", REJECTED, _setter("类型", "热成像云台")),
    _Way("blanks-around", REPAIRED, _edit("名称", lambda name: f" {name} ")),
)
_AREA_WAYS = (
    _Way("blanks-around", REPAIRED, _edit("MC", lambda name: f" {name} ")),
    _Way("clockwise-ring", REPAIRED, lambda t, r: t["geometry"].__setitem__(r, shapely.reverse(t["geometry"][r]))),
)
_ORGANIZATION_WAYS = (_Way("blanks-around", REPAIRED, _edit("单位名称", lambda name: f" {name} ")),)
_ROLE_WAYS = (_Way("blanks-around", REPAIRED, _edit("联系电话", lambda phone: f"{phone} ")),)


def _swapped(point: shapely.Point) -> shapely.Point:
    return shapely.Point(point.y, point.x)


def _bow_tie(polygon: shapely.Polygon) -> shapely.Polygon:
    """Exchange two corners, so that the outline crosses itself and still encloses something."""
    ring = shapely.get_coordinates(shapely.get_exterior_ring(_first(polygon)))
    ring[[1, 2]] = ring[[2, 1]]
    return shapely.Polygon(ring)


def _flat(polygon: shapely.Polygon) -> shapely.Polygon:
    ring = shapely.get_coordinates(shapely.get_exterior_ring(_first(polygon)))
    return shapely.Polygon([ring[0], ring[1], ring[0], ring[0]])


def _first(geometry: shapely.Geometry) -> shapely.Polygon:
    return shapely.get_geometry(geometry, 0)


def spoil_covers(rng: np.random.Generator, file: str, table: Table, used: Bools) -> list[Defect]:
    """Spoil covers (the table has a column ``geometry``) that no case lies on."""
    return _apply(rng, _Target(file, table, "ObjID"), _COVER_WAYS, _choose_rows(rng, ~used))


def spoil_buildings(rng: np.random.Generator, file: str, table: Table, used: Bools) -> list[Defect]:
    """Spoil buildings that no case lies at; only simple rectangles, so that the bow ties are what they seem."""
    simple = shapely.get_num_coordinates(table["geometry"]) == 5
    return _apply(rng, _Target(file, table, "编码"), _BUILDING_WAYS, _choose_rows(rng, ~used & simple))


def spoil_cameras(rng: np.random.Generator, file: str, table: Table) -> list[Defect]:
    """Spoil cameras; azimuths only where there is one."""
    fixed = (table["类型"] == "固定枪机") | (table["类型"] == "遥控枪机")
    return _apply(rng, _Target(file, table, "设备编码"), _CAMERA_WAYS, _choose_rows(rng, fixed))


def spoil_areas(rng: np.random.Generator, file: str, table: Table) -> list[Defect]:
    """Spoil areas in ways that lose nothing."""
    if len(table["DM"]) < 100:
        return []
    return _apply(rng, _Target(file, table, "DM"), _AREA_WAYS, _choose_rows(rng, np.ones(len(table["DM"]), dtype=np.bool_)))


def spoil_people(rng: np.random.Generator, file: str, organizations: Table, roles: Table) -> list[Defect]:
    """Put blanks round some names and telephone numbers."""
    everyone = np.ones(len(organizations["单位编码"]), dtype=np.bool_)
    done = _apply(rng, _Target(f"{file}#单位", organizations, "单位编码"), _ORGANIZATION_WAYS, _choose_rows(rng, everyone))
    with_phone = roles["联系电话"] != ""
    return done + _apply(rng, _Target(f"{file}#责任人", roles, "区域代码"), _ROLE_WAYS, _choose_rows(rng, with_phone))


_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_WITH_COORDINATES = (
    _Way("blanks-around", REPAIRED, _all(_edit("lon", lambda v: f" {v} "), _edit("lat", lambda v: f" {v}"))),
    _Way("no-category", WARNED, _setter("category", "")),
)
_WITHOUT = (
    _Way("no-word-for-coordinates", WARNED, _all(_setter("lon", "无"), _setter("lat", "无"))),
    _Way("blank-coordinates", WARNED, _all(_setter("lon", " "), _setter("lat", " "))),
    _Way("crs-without-coordinates", WARNED, _setter("crs", "GCJ-02")),
)
_FULL_WIDTH = _Way(
    "full-width-digits", REPAIRED, _all(_edit("lon", lambda v: v.translate(_DIGITS)), _edit("lat", lambda v: v.translate(_DIGITS)))
)


def spoil_cases(rng: np.random.Generator, file: str, table: Table) -> tuple[list[Defect], Bools]:
    """Spoil cases without ever moving one; returns also which rows repeat another's number, and so have no truth of their own."""
    placed = np.array([bool(text) for text in table["lon"]])
    chosen = _choose_rows(rng, np.ones(len(placed), dtype=np.bool_))
    kinds = rng.random(len(chosen))
    doubles = chosen[placed[chosen] & (kinds < 0.2)]
    wide = chosen[placed[chosen] & (kinds >= 0.97)]
    plain = chosen[placed[chosen] & (kinds >= 0.2) & (kinds < 0.97)]
    defects = _apply(rng, _Target(file, table, "number"), _WITH_COORDINATES, plain)
    defects += _apply(rng, _Target(file, table, "number"), (_FULL_WIDTH,), wide)
    defects += _apply(rng, _Target(file, table, "number"), _WITHOUT, chosen[~placed[chosen]])
    repeats = np.zeros(len(placed), dtype=np.bool_)
    repeats[doubles] = True
    for row in doubles.tolist():
        for column in table:
            if column not in ("time", "source"):
                table[column][row] = table[column][row - 1]
        defects.append(Defect(file, row + 1, str(table["number"][row]), "reported-twice", WARNED))
    return sorted(defects, key=lambda defect: defect.row), repeats
