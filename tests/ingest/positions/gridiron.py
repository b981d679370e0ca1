"""A town of straight streets for tests of positions: a district of communities, buildings in blocks, covers on the streets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.deployment import load_deployment
from ingest.description import Source
from ingest.outcomes import Seen
from ingest.positions import Sampler, Surroundings, Verdict, compare
from ingest.readers import Contents, RawBatch, Reader
from ingest.steps import Opened
from ingest.targets import target

# Ten by eight communities of 0.01 degrees; in each cell of 0.001 degrees a building, its corners 0.0002 inside, streets between.
WEST, SOUTH, COLUMNS, ROWS = 120.30, 36.05, 10, 8
DISTRICT = shapely.box(WEST, SOUTH, 120.40, 36.13)
CELLS = [shapely.box(WEST + x / 100, SOUTH + y / 100, 120.31 + x / 100, 36.06 + y / 100) for x in range(COLUMNS) for y in range(ROWS)]
COMMUNITY_CODES = [f"370203001{number:03d}" for number in range(COLUMNS * ROWS)]
TOWN = """
INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active');
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 1, 'community', '370203001' || lpad((x * 8 + y)::text, 3, '0'), 'c', '370203', 1,
       ST_Multi(ST_MakeEnvelope(120.30 + x * 0.01, 36.05 + y * 0.01, 120.31 + x * 0.01, 36.06 + y * 0.01, 4326))
FROM generate_series(0, 9) AS x, generate_series(0, 7) AS y;
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
VALUES (1, 'district', '370203', 'd', NULL, 1, ST_Multi(ST_MakeEnvelope(120.30, 36.05, 120.40, 36.13, 4326)));
INSERT INTO gisgrid.buildings (code, community_code, geom)
SELECT 'B' || (x * 80 + y), '370203001' || lpad((x / 10 * 8 + y / 10)::text, 3, '0'),
       ST_Multi(ST_MakeEnvelope(120.3002 + x * 0.001, 36.0502 + y * 0.001, 120.3008 + x * 0.001, 36.0508 + y * 0.001, 4326))
FROM generate_series(0, 99) AS x, generate_series(0, 79) AS y;
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
SELECT '3702030102' || lpad(n::text, 6, '0'), 'CJ/T 214', '2007', '0102',
       ST_SetSRID(ST_MakePoint(120.30 + (n * 377 % 10000) * 0.00001, 36.05 + n % 80 * 0.001), 4326)
FROM generate_series(0, 3999) AS n;
"""

DRAFT = """
INSERT INTO gisgrid.generations (id, status) VALUES (1, 'draft');
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
VALUES (1, 'district', '370203', 'd', NULL, 1, ST_Multi(ST_MakeEnvelope(120.30, 36.05, 120.40, 36.13, 4326)));
"""

_FIELDS = {
    "manhole_covers": ("code", "scheme", "edition", "class_code"),
    "cameras": ("code", "kind"),
    "buildings": ("code", "community_code"),
    "districts": ("code", "name"),
    "communities": ("code", "name", "parent_code"),
}


class _NoReader(Reader):
    contents = Contents(())

    def batches(self) -> Iterator[RawBatch]:
        return iter(())


class Delivery(NamedTuple):
    """Rows that are truly at ``places`` (WGS 84 geometries), with their codes and the areas that they name."""

    layer: str
    places: Any
    codes: list[str] | None = None
    named: list[str] | None = None

    def judged(self, known: Surroundings | None, crs: str, declared: str, *, swapped: bool = False, axis_order: str = "xy") -> Verdict:
        """Return the verdict when the file's numbers are in ``crs`` (with its axes the other way round, if ``swapped``)."""
        sampler = Sampler()
        codes = self.codes or [f"new {number}" for number in range(len(self.places))]
        named = None if self.named is None else pa.array(self.named, pa.string())
        sampler.add(Seen(numbers(self.places, crs, swapped=swapped), pa.array(codes, pa.string()), named))
        fields = dict.fromkeys(_FIELDS[self.layer], "column")
        source = Source.model_validate({"id": "survey", "layer": self.layer, "path": "s.shp", "axis_order": axis_order, "fields": fields})
        opened = Opened(source, Path("s.shp"), target(self.layer), _NoReader(), parse_crs(declared), load_deployment("shibei"))
        return compare(sampler, opened, known)


def numbers(places: Any, crs: str, *, swapped: bool = False) -> Any:
    """Return geometries in WGS 84 as geometries in ``crs``."""

    def move(lonlat: Any) -> Any:
        pairs = np.column_stack(from_wgs84(parse_crs(crs), lonlat[:, 0], lonlat[:, 1]))
        return pairs[:, ::-1] if swapped else pairs

    return shapely.transform(np.asarray(places, dtype=object), move)


def street_points(count: int, seed: int = 1) -> Any:
    """Return points on the streets all over the district."""
    rng = np.random.default_rng(seed)
    return shapely.points(WEST + rng.uniform(0.0, 0.1, count), SOUTH + 0.001 * rng.integers(0, 80, count))


def houses(cells: Any) -> Any:
    """Return the footprints of the cells' buildings; ``cells`` is n x 2, column and row."""
    x, y = WEST + 0.001 * cells[:, 0], SOUTH + 0.001 * cells[:, 1]
    return shapely.box(x + 0.0002, y + 0.0002, x + 0.0008, y + 0.0008)


def every_house() -> Any:
    """Return the footprints of all buildings of the town."""
    return houses(np.stack(np.meshgrid(np.arange(COLUMNS * 10), np.arange(ROWS * 10)), axis=-1).reshape(-1, 2))


def communities_of(cells: Any) -> list[str]:
    """Return the code of the community that each cell lies in."""
    return [f"370203001{x // 10 * 8 + y // 10:03d}" for x, y in cells.tolist()]


def points(layer: str, count: int, seed: int = 1) -> Delivery:
    """Return a delivery of points on the streets all over the district."""
    return Delivery(layer, street_points(count, seed))


def buildings(count: int, seed: int = 1) -> Delivery:
    """Return a delivery of buildings all over the district that name the community they lie in."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(COLUMNS * 10 * ROWS * 10, count, replace=False)
    cells = np.column_stack([chosen // (ROWS * 10), chosen % (ROWS * 10)])
    return Delivery("buildings", houses(cells), named=communities_of(cells))
